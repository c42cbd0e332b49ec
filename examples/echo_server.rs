//! Sends every message back: a thread a connection, over `std::net`.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use clap::Parser;
use sansws::handshake::{HandshakeError, ServerHandshake};
use sansws::{Clock, Config, Connection, DeflateConfig, Event, Transport};

/// A WebSocket server that sends every message back.
#[derive(Clone, Parser)]
struct Args {
    /// Where to listen, such as 127.0.0.1:9001; port 0 takes a free one
    addr: String,
    /// The subprotocol to select when a client offers it
    #[arg(long, value_name = "NAME", default_value = "echo")]
    subprotocol: String,
    /// Compress messages with clients that offer it
    #[arg(long)]
    deflate: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let listener = TcpListener::bind(&args.addr)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (socket, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                // A peer that is gone again is no reason to stop, nor is a lack of
                // file descriptors, which passes.
                eprintln!("{error}");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let args = args.clone();
        thread::spawn(move || {
            if let Err(error) = serve(socket, &args) {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

fn serve(mut socket: TcpStream, args: &Args) -> Result<(), Box<dyn Error>> {
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(Duration::from_secs(30)))?;
    let (mut buffer, mut out) = (vec![0; 64 * 1024], Vec::new());

    // The opening handshake, and what was read after it.
    let clock = Clock::new();
    let deadline = clock.now() + Duration::from_secs(10);
    let mut handshake = ServerHandshake::new();
    let (mut ws, mut input) = loop {
        let left = deadline.saturating_since(clock.now());
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let n = socket.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        let mut input = &mut buffer[..n];
        match accept(&mut handshake, &mut input, args, &mut out) {
            Ok(None) => {}
            Ok(Some(ws)) => break (ws, input),
            Err(error) => {
                error.respond(&mut out);
                socket.write_all(&out)?;
                socket.shutdown(Shutdown::Write)?;
                // To close with bytes unread would reset the connection, and
                // could destroy the answer.
                while clock.now() < deadline && socket.read(&mut buffer).is_ok_and(|n| n > 0) {}
                return Err(error.into());
            }
        }
    };

    loop {
        // An error ends this too: then `out` has the Close frame that says why,
        // and `transport` what to do.
        while let Ok(Some(event)) = ws.receive(&mut input, &mut out) {
            match event {
                Event::Text(text) => ws.send_text(&text, &mut out)?,
                Event::Binary(data) => ws.send_binary(&data, &mut out)?,
                _ => {} // pings and closes are already answered in `out`
            }
        }
        socket.write_all(&out)?;
        out.clear();

        match ws.transport() {
            Transport::Open | Transport::AwaitEof => {}
            Transport::Shutdown => socket.shutdown(Shutdown::Write)?,
            Transport::Close => return ws.failure().map_or(Ok(()), |failure| Err(failure.into())),
        }

        let now = clock.now();
        let timeout = ws.poll_timeout(now).map(|at| at.saturating_since(now));
        socket.set_read_timeout(timeout.map(|timeout| timeout.max(Duration::from_millis(1))))?;
        input = match socket.read(&mut buffer) {
            Ok(n) => {
                if n == 0 {
                    let _ = ws.receive_eof(); // `failure` tells if it came too early
                }
                &mut buffer[..n]
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                let _ = ws.handle_timeout(clock.now(), &mut out); // as above
                &mut []
            }
            Err(error) => return Err(error.into()),
        };
    }
}

/// The connection, once the request is there and is right.
fn accept(
    handshake: &mut ServerHandshake,
    input: &mut &mut [u8],
    args: &Args,
    out: &mut Vec<u8>,
) -> Result<Option<Connection>, HandshakeError> {
    let Some(request) = handshake.receive(input)? else { return Ok(None) };
    let mut accept = request.accept()?.select_subprotocol(&[&args.subprotocol]);
    if args.deflate {
        accept = accept.deflate(DeflateConfig::new());
    }
    let config = Config::new().max_message_len(16 << 20).max_fragments(1 << 20);
    Ok(Some(accept.into_connection(&config, out)))
}
