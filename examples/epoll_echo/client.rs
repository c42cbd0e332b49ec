//! A client of the server: one connection without I/O, and one socket.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;
use sansws::handshake::{HandshakeError, ServerHandshake};
use sansws::{Config, Connection, DeflateConfig, Event, Instant, Transport};

/// How long a client may take for its request, or over reading its refusal.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take nothing of what waits for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether a read that does not fill the buffer has taken all there was. On Windows
/// only the error `WouldBlock` says so.
const SHORT_READ_IS_ALL: bool = cfg!(unix);

/// What a client has the use of during its turn.
pub struct Shared {
    buffer: Vec<u8>,
    out: Vec<u8>,
    deflate: bool,
}

impl Shared {
    pub fn new(deflate: bool) -> Self {
        Self { buffer: vec![0; 128 * 1024], out: Vec::new(), deflate }
    }
}

/// What a client waits for.
pub enum Next {
    /// Another turn: there is more to read.
    Turn,
    /// An event of its socket.
    Event,
    /// Nothing.
    Drop,
}

/// A connection, its socket, and what the one waits for of the other.
pub struct Client {
    socket: TcpStream,
    stage: Stage,
    /// What the socket has not taken yet, from `written` on.
    out: Vec<u8>,
    written: usize,
    /// When to give up on the handshake, or on a client that takes nothing.
    give_up: Option<Instant>,
    /// The alarm that is set for it.
    pub alarm: Option<Instant>,
    can_read: bool,
    /// Whether the end of the stream was announced, which happens once.
    has_ended: bool,
    is_shut: bool,
}

#[allow(clippy::large_enum_variant, reason = "nearly all are the largest")]
enum Stage {
    Handshake(ServerHandshake),
    Open(Connection),
    Refused,
}

impl Client {
    pub fn new(socket: TcpStream, now: Instant) -> Self {
        let (stage, out) = (Stage::Handshake(ServerHandshake::new()), Vec::new());
        let (give_up, alarm, is_shut) = (Some(now + HANDSHAKE_TIMEOUT), None, false);
        let (can_read, has_ended) = (false, false);
        Self { socket, stage, out, written: 0, give_up, alarm, can_read, has_ended, is_shut }
    }

    pub fn see(&mut self, event: &mio::event::Event) {
        self.has_ended |= event.is_read_closed();
        self.can_read |= event.is_readable() || self.has_ended;
    }

    /// Writes what waits, reads once, and writes what comes of that.
    pub fn turn(&mut self, shared: &mut Shared, now: Instant) -> io::Result<Next> {
        if self.give_up.is_some_and(|at| at <= now) {
            return Err(ErrorKind::TimedOut.into());
        }
        if self.out.is_empty() {
            self.out = mem::take(&mut shared.out);
        }
        // While output waits nothing is read, so that no client makes us keep much.
        if self.write(now)? && self.can_read {
            self.read(shared)?;
        }
        if let Stage::Open(ws) = &mut self.stage {
            let _ = ws.handle_timeout(now, &mut self.out); // `transport` tells
        }
        if !self.write(now)? {
            return Ok(Next::Event);
        }
        shared.out = mem::take(&mut self.out);
        let transport = match &self.stage {
            Stage::Handshake(_) => Transport::Open,
            Stage::Open(ws) => ws.transport(),
            // To close with bytes unread would reset the connection, and could destroy
            // the answer.
            Stage::Refused => Transport::Shutdown,
        };
        match transport {
            Transport::Close => return Ok(Next::Drop),
            Transport::Shutdown if !mem::replace(&mut self.is_shut, true) => {
                self.socket.shutdown(Shutdown::Write)?;
            }
            _ => {}
        }
        Ok(if self.can_read { Next::Turn } else { Next::Event })
    }

    /// Writes what the socket takes; whether that is all.
    fn write(&mut self, now: Instant) -> io::Result<bool> {
        while self.written < self.out.len() {
            match self.socket.write(&self.out[self.written..]) {
                Ok(count) => {
                    self.written += count;
                    self.give_up = self.give_up.filter(|_| !matches!(self.stage, Stage::Open(_)));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.give_up.get_or_insert(now + WRITE_TIMEOUT);
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(true)
    }

    /// Reads once, and appends to `out` what there is to say to that.
    fn read(&mut self, shared: &mut Shared) -> io::Result<()> {
        let count = match self.socket.read(&mut shared.buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.can_read = false;
                return Ok(());
            }
            result => result?,
        };
        let is_all = SHORT_READ_IS_ALL && count < shared.buffer.len();
        self.can_read = self.has_ended || !is_all;
        let mut input = &mut shared.buffer[..count];
        if let Stage::Handshake(handshake) = &mut self.stage {
            match accept(handshake, &mut input, shared.deflate, &mut self.out) {
                Ok(None) => {}
                Ok(Some(ws)) => (self.stage, self.give_up) = (Stage::Open(ws), None),
                Err(error) => {
                    error.respond(&mut self.out);
                    self.stage = Stage::Refused;
                }
            }
        }
        let Stage::Open(ws) = &mut self.stage else {
            return if count == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) };
        };
        // An error ends this too: then `out` has the Close frame that says why, and
        // `transport` tells what to do.
        while let Ok(Some(event)) = ws.receive(&mut input, &mut self.out) {
            let sent = match event {
                Event::Text(text) => ws.send_text(&text, &mut self.out),
                Event::Binary(data) => ws.send_binary(&data, &mut self.out),
                _ => Ok(()), // pings and closes are already answered in `out`
            };
            sent.map_err(io::Error::other)?;
        }
        if count == 0 {
            let _ = ws.receive_eof(); // as above
        }
        Ok(())
    }

    /// When it needs a turn, whatever happens.
    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let timeout = match &mut self.stage {
            Stage::Open(ws) => ws.poll_timeout(now),
            _ => None,
        };
        timeout.into_iter().chain(self.give_up).min()
    }
}

/// The connection, once the request is there and is right.
fn accept(
    handshake: &mut ServerHandshake,
    input: &mut &mut [u8],
    deflate: bool,
    out: &mut Vec<u8>,
) -> Result<Option<Connection>, HandshakeError> {
    let Some(request) = handshake.receive(input)? else { return Ok(None) };
    let mut accept = request.accept()?;
    if deflate {
        accept = accept.deflate(DeflateConfig::new());
    }
    let config = Config::new().max_message_len(16 << 20).max_fragments(1 << 20);
    Ok(Some(accept.into_connection(&config, out)))
}
