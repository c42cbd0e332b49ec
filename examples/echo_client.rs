//! Tries an echo server out: sends it messages of every kind and size, and
//! checks what comes back.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use sansws::CloseCode;
use sansws::handshake::{Answer, RequestBuilder, nonce};
use sansws::{Config, Connection, DeflateConfig, Event, MaskingKeys};

/// Sends an echo server a battery of messages and checks every echo.
///
/// Prints a line for each check, then the code and the reason with which the
/// server closed. Exits with 0 if all checks passed. Takes at most 45 seconds.
#[derive(Parser)]
struct Args {
    /// The server, such as ws://127.0.0.1:9001/
    url: String,
    /// Offer to compress messages
    #[arg(long)]
    deflate: bool,
}

const TIME_LIMIT: Duration = Duration::from_secs(40);
const STEP_LIMIT: Duration = Duration::from_secs(4);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args = Args::parse();
    let mut client = Client::connect(&args);
    let mut all_passed = report("open", &client);
    if let Ok(client) = &mut client {
        for (name, messages) in battery() {
            all_passed &= report(&name, &client.echo(&messages));
        }
        all_passed &= report("fragments-and-ping", &client.echo_fragments());
        all_passed &= report("close", &client.close());
    }
    let closed = client.ok().and_then(|client| client.closed);
    let (code, reason) = closed.unwrap_or((CloseCode::ABNORMAL, String::new()));
    println!("{}", format!("CLOSED {code} {reason}").trim_end());
    if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report<T>(check: &str, result: &Result<T>) -> bool {
    match result {
        Ok(_) => println!("CHECK {check} PASS"),
        Err(error) => println!("CHECK {check} FAIL {error}"),
    }
    result.is_ok()
}

/// Messages to send at once, and the name of the check that all come back in
/// order.
fn battery() -> Vec<(String, Vec<Event<'static>>)> {
    let mut battery = Vec::new();
    for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        let text: String = ('a'..='z').cycle().take(size).collect();
        battery.push((format!("text-{size}"), vec![Event::Text(text.into())]));
        let data: Vec<u8> = (0..=255).cycle().take(size).collect();
        battery.push((format!("binary-{size}"), vec![Event::Binary(data.into())]));
    }
    let multibyte = "aé日𝄞\u{10FFFF}\0".repeat(1000);
    battery.push(("multibyte-text".into(), vec![Event::Text(multibyte.into())]));
    let burst = (0..1000).map(|i| Event::Text(format!("message {i}").into()));
    battery.push(("burst-of-1000".into(), burst.collect()));
    battery
}

/// A connection over a socket, with a thread that writes: a server may well
/// send an echo before it has read the whole message.
struct Client {
    ws: Connection,
    socket: TcpStream,
    buffer: Vec<u8>,
    out: Vec<u8>,
    writer: Sender<Vec<u8>>,
    deadline: Instant,
    messages: VecDeque<Event<'static>>,
    /// Whether any message came back: what comes before may be a greeting.
    echoed: bool,
    pong: Option<Vec<u8>>,
    closed: Option<(CloseCode, String)>,
}

impl Client {
    fn connect(args: &Args) -> Result<Self> {
        let deadline = Instant::now() + TIME_LIMIT;
        let mut request = RequestBuilder::new(&args.url)?;
        if args.deflate {
            request = request.deflate(DeflateConfig::new());
        }
        if request.uri().is_secure() {
            return Err("this example has no TLS: give it a ws:// URL".into());
        }
        let mut socket = connect(request.uri().host(), request.uri().port())?;
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(TIME_LIMIT))?;

        let mut out = Vec::new();
        let mut handshake = request.start(nonce(), &mut out);
        socket.write_all(&out)?;
        out.clear();
        let mut buffer = vec![0; 64 * 1024];
        let (ws, rest) = loop {
            let n = read(&mut socket, &mut buffer, deadline)?;
            if n == 0 {
                return Err("the server ended the connection in the handshake".into());
            }
            let mut input = &mut buffer[..n];
            match handshake.receive(&mut input)? {
                None => {}
                Some(Answer::Accepted(accepted)) => {
                    let config = Config::new().max_message_len(16 << 20);
                    let ws = accepted.into_connection(&config, MaskingKeys::random());
                    break (ws, input.to_vec());
                }
                Some(Answer::Refused(response)) => {
                    return Err(format!("refused with status {}", response.status()).into());
                }
            }
        };
        let mut client = Self {
            ws,
            writer: writer(socket.try_clone()?),
            socket,
            buffer,
            out,
            deadline,
            messages: VecDeque::new(),
            echoed: false,
            pong: None,
            closed: None,
        };
        client.receive(rest);
        Ok(client)
    }

    /// Sends messages at once, and checks that they come back in order.
    fn echo(&mut self, messages: &[Event<'_>]) -> Result<()> {
        for message in messages {
            match message {
                Event::Text(text) => self.ws.send_text(text, &mut self.out)?,
                Event::Binary(data) => self.ws.send_binary(data, &mut self.out)?,
                other => return Err(format!("{other:?} is no message").into()),
            }
        }
        messages.iter().try_for_each(|message| self.expect(message))
    }

    /// Sends a message in fragments with a ping among them.
    fn echo_fragments(&mut self) -> Result<()> {
        self.ws.send_text_part("in the midst", false, &mut self.out)?;
        self.ws.send_ping(b"of a message", &mut self.out)?;
        self.ws.send_text_part(" of life", false, &mut self.out)?;
        self.ws.send_text_part("", true, &mut self.out)?;
        self.expect(&Event::Text("in the midst of life".into()))?;
        while self.pong.is_none() {
            self.wait()?;
        }
        match self.pong.take() {
            Some(pong) if pong == b"of a message" => Ok(()),
            other => Err(format!("the pong carries {other:?}").into()),
        }
    }

    fn expect(&mut self, expected: &Event<'_>) -> Result<()> {
        loop {
            let Some(message) = self.messages.pop_front() else {
                self.wait()?;
                continue;
            };
            if message == *expected {
                self.echoed = true;
                return Ok(());
            }
            if self.echoed {
                return Err(format!("expected {}, got {}", brief(expected), brief(&message)).into());
            }
        }
    }

    /// Closes, and waits until the server has answered; then for a moment until
    /// it ends the stream, as is its part.
    fn close(&mut self) -> Result<()> {
        if self.closed.is_none() {
            self.ws.send_close(CloseCode::NORMAL, "done", &mut self.out)?;
        }
        while self.closed.is_none() {
            self.wait()?;
        }
        self.flush();
        let deadline = self.deadline.min(Instant::now() + STEP_LIMIT);
        while read(&mut self.socket, &mut self.buffer, deadline).is_ok_and(|n| n > 0) {}
        match &self.closed {
            Some((CloseCode::NORMAL, _)) => Ok(()),
            other => Err(format!("closed with {other:?}").into()),
        }
    }

    /// Reads until something has come.
    fn wait(&mut self) -> Result<()> {
        self.flush();
        if let Some((code, reason)) = &self.closed {
            return Err(format!("the server closed: {code} {reason}").into());
        }
        let n = read(&mut self.socket, &mut self.buffer, self.deadline)?;
        if n == 0 {
            self.ws.receive_eof()?;
        }
        let bytes = self.buffer[..n].to_vec();
        self.receive(bytes);
        match self.ws.failure() {
            Some(failure) => {
                self.flush();
                Err(failure.into())
            }
            None => Ok(()),
        }
    }

    fn receive(&mut self, mut bytes: Vec<u8>) {
        let mut input = &mut bytes[..];
        while let Ok(Some(event)) = self.ws.receive(&mut input, &mut self.out) {
            match event.into_owned() {
                Event::Pong(data) => self.pong = Some(data.into_owned()),
                Event::Close(close) => {
                    let code = close.code.unwrap_or(CloseCode::NO_STATUS);
                    self.closed = Some((code, close.reason.into_owned()));
                }
                Event::Ping(_) => {} // already answered in `out`
                message => self.messages.push_back(message),
            }
        }
    }

    fn flush(&mut self) {
        // A writer that is gone shows as the end of the stream.
        let _ = self.writer.send(std::mem::take(&mut self.out));
    }
}

fn connect(host: &str, port: u16) -> Result<TcpStream> {
    let mut failure = "the name has no address".into();
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, STEP_LIMIT) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error.into(),
        }
    }
    Err(failure)
}

fn read(socket: &mut TcpStream, buffer: &mut [u8], deadline: Instant) -> Result<usize> {
    let left = deadline.saturating_duration_since(Instant::now());
    socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
    match socket.read(buffer) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err("nothing came in time".into())
        }
        result => Ok(result?),
    }
}

/// A thread that writes what it is sent.
fn writer(mut socket: TcpStream) -> Sender<Vec<u8>> {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for bytes in receiver {
            if socket.write_all(&bytes).is_err() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    });
    sender
}

fn brief(event: &Event<'_>) -> String {
    match event {
        Event::Text(text) => format!("text of {} bytes: {:.40?}", text.len(), text),
        Event::Binary(data) => format!("binary of {} bytes", data.len()),
        other => format!("{other:?}"),
    }
}
