//! Runs the cases that the Autobahn test suite serves: echoes every message of
//! each, and asks for the report. See `tests/autobahn`.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use clap::Parser;
use sansws::handshake::{Answer, RequestBuilder, nonce};
use sansws::{Clock, Config, Connection, DeflateConfig, Event, MaskingKeys, Transport};

/// Runs the cases of an Autobahn fuzzing server.
#[derive(Parser)]
struct Args {
    /// The fuzzing server, such as ws://127.0.0.1:9001
    url: String,
    /// The name under which the report lists this client
    agent: String,
    /// Offer to compress messages
    #[arg(long)]
    deflate: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Args { url, agent, deflate } = Args::parse();
    let deflate = deflate.then(DeflateConfig::new);
    let mut count = 0;
    run(&format!("{url}/getCaseCount"), None, |_, event, _| {
        if let Event::Text(text) = event {
            count = text.parse()?;
        }
        Ok(())
    })?;
    for case in 1..=count {
        // Most cases break the protocol on purpose, so failures are no news.
        if let Err(error) = run(&format!("{url}/runCase?case={case}&agent={agent}"), deflate, echo)
        {
            println!("case {case}: {error}");
        }
    }
    run(&format!("{url}/updateReports?agent={agent}"), None, echo)
}

fn echo(ws: &mut Connection, event: Event<'_>, out: &mut Vec<u8>) -> Result<(), Box<dyn Error>> {
    match event {
        Event::Text(text) => ws.send_text(&text, out)?,
        Event::Binary(data) => ws.send_binary(&data, out)?,
        _ => {} // pings and closes are already answered in `out`
    }
    Ok(())
}

/// Opens a connection and lets `act` act on its events until its end.
fn run<F>(url: &str, deflate: Option<DeflateConfig>, mut act: F) -> Result<(), Box<dyn Error>>
where
    F: FnMut(&mut Connection, Event<'_>, &mut Vec<u8>) -> Result<(), Box<dyn Error>>,
{
    let mut request = RequestBuilder::new(url)?;
    if let Some(config) = deflate {
        request = request.deflate(config);
    }
    let mut socket = TcpStream::connect((request.uri().host(), request.uri().port()))?;
    socket.set_nodelay(true)?;
    let (mut buffer, mut out) = (vec![0; 64 * 1024], Vec::new());
    let mut handshake = request.start(nonce(), &mut out);
    let mut ws: Option<Connection> = None;
    let clock = Clock::new();
    loop {
        socket.write_all(&out)?;
        out.clear();
        match ws.as_ref().map(Connection::transport) {
            None | Some(Transport::Open | Transport::AwaitEof) => {}
            Some(Transport::Shutdown) => socket.shutdown(Shutdown::Write)?,
            Some(Transport::Close) => {
                let failure = ws.and_then(|ws| ws.failure());
                return failure.map_or(Ok(()), |failure| Err(failure.into()));
            }
        }
        let now = clock.now();
        let deadline = ws.as_mut().and_then(|ws| ws.poll_timeout(now));
        let timeout = deadline.map_or(Duration::from_secs(10), |at| at.saturating_since(now));
        socket.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))?;
        let n = match (socket.read(&mut buffer), &mut ws) {
            (Ok(0), None) => return Err("the server ended the connection".into()),
            (Err(error), Some(ws)) if is_timeout(&error) => {
                let _ = ws.handle_timeout(clock.now(), &mut out); // see `failure`
                0
            }
            // Once the connection is closed, a reset is as good an end as any.
            (Ok(0) | Err(_), Some(ws)) => {
                let _ = ws.receive_eof(); // see `failure`
                0
            }
            (result, None) => result?,
            (Ok(n), Some(_)) => n,
        };
        let mut input = &mut buffer[..n];
        if ws.is_none() {
            match handshake.receive(&mut input)? {
                None => continue,
                Some(Answer::Refused(response)) => return Err(format!("{response:?}").into()),
                Some(Answer::Accepted(accepted)) => {
                    let config = Config::new().max_message_len(16 << 20).max_fragments(1 << 20);
                    ws = Some(accepted.into_connection(&config, MaskingKeys::random()));
                }
            }
        }
        let Some(ws) = &mut ws else { continue };
        while let Ok(Some(event)) = ws.receive(&mut input, &mut out) {
            act(ws, event, &mut out)?;
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
