//! A client of the server: one connection without I/O, and one socket.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use mio::net::TcpStream;
use sansws::handshake::{HandshakeError, ServerHandshake};
use sansws::{Config, Connection, DeflateConfig, Event, Instant, MessageBuffer, Transport};

/// How long a client may take for its request, or over reading its refusal.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take nothing of what waits for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How much is read at a time: not a whole number of pages, with which a long stream that
/// once lies where some processors copy slowly (Zen 3) would go on to lie so.
const READ: usize = 128 * 1024 - 64;

/// Whether a read that does not fill the buffer has taken all there was. On Windows
/// only the error `WouldBlock` says so.
const SHORT_READ_IS_ALL: bool = cfg!(unix);

/// What a client has the use of during its turn.
pub struct Shared {
    buffer: Vec<u8>,
    out: Vec<u8>,
    spare: Spare,
    deflate: bool,
}

impl Shared {
    pub fn new(deflate: bool) -> Self {
        let (out, spare) = (Vec::new(), Spare::default());
        Self { buffer: vec![0; READ], out, spare, deflate }
    }
}

/// The memory of large messages that are done with: what comes fresh from the operating
/// system has to be zeroed each time.
#[derive(Default)]
struct Spare {
    buffers: Vec<MessageBuffer>,
    /// One more for each client in the middle of a message that may lie in such memory.
    loans: Rc<()>,
}

impl Spare {
    const MAX_COUNT: usize = 4;
    const MIN_LEN: usize = 64 << 10;
    const MAX_LEN: usize = 4 << 20;

    /// For the next message of a client, whose last is done with. None, if so many clients
    /// have some: they may never send more than the first byte of their messages.
    fn take(&mut self, loan: &mut Option<Rc<()>>) -> MessageBuffer {
        *loan = None;
        let is_free = Rc::strong_count(&self.loans) <= Self::MAX_COUNT;
        let buffer = if is_free { self.buffers.pop() } else { None };
        *loan = buffer.is_some().then(|| self.loans.clone());
        buffer.unwrap_or_default()
    }

    fn keep(&mut self, buffer: MessageBuffer) {
        let is_worth_it = (Self::MIN_LEN..=Self::MAX_LEN).contains(&buffer.capacity());
        if is_worth_it && self.buffers.len() < Self::MAX_COUNT {
            self.buffers.push(buffer);
        }
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
    out: Out,
    /// When to give up on the handshake, or on a client that takes nothing.
    give_up: Option<Instant>,
    /// The alarm that is set for it.
    pub alarm: Option<Instant>,
    can_read: bool,
    /// Whether the end of the stream was announced, which happens once.
    has_ended: bool,
    is_shut: bool,
    /// What of `Spare` the message under way may lie in.
    loan: Option<Rc<()>>,
}

/// What the socket has not taken yet, from `written` on.
#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
    written: usize,
}

#[allow(clippy::large_enum_variant, reason = "nearly all are the largest")]
enum Stage {
    Handshake(ServerHandshake),
    Open(Connection),
    Refused,
}

impl Client {
    pub fn new(socket: TcpStream, now: Instant) -> Self {
        let (stage, out) = (Stage::Handshake(ServerHandshake::new()), Out::default());
        let (give_up, alarm, is_shut) = (Some(now + HANDSHAKE_TIMEOUT), None, false);
        let (can_read, has_ended, loan) = (false, false, None);
        Self { socket, stage, out, give_up, alarm, can_read, has_ended, is_shut, loan }
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
        if self.out.bytes.is_empty() {
            self.out.bytes = mem::take(&mut shared.out);
        }
        // While output waits nothing is read, so that no client makes us keep much.
        if self.write(now)? && self.can_read {
            self.read(shared)?;
        }
        if let Stage::Open(ws) = &mut self.stage {
            let _ = ws.handle_timeout(now, &mut self.out.bytes); // `transport` tells
        }
        if !self.write(now)? {
            self.out.leave(&mut shared.out);
            return Ok(Next::Event);
        }
        shared.out = mem::take(&mut self.out.bytes);
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
        while !self.out.rest().is_empty() {
            match self.socket.write(self.out.rest()) {
                Ok(count) => {
                    self.out.written += count;
                    if let Stage::Open(ws) = &mut self.stage
                        && self.give_up.take().is_some()
                    {
                        ws.handle_write_progress();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.give_up.get_or_insert(now + WRITE_TIMEOUT);
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        self.out.bytes.clear();
        self.out.written = 0;
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
            match accept(handshake, &mut input, shared.deflate, &mut self.out.bytes) {
                Ok(None) => {}
                Ok(Some(ws)) => (self.stage, self.give_up) = (Stage::Open(ws), None),
                Err(error) => {
                    error.respond(&mut self.out.bytes);
                    self.stage = Stage::Refused;
                }
            }
        }
        let Stage::Open(ws) = &mut self.stage else {
            return if count == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) };
        };
        // An error ends this too: then `out` has the Close frame that says why, and
        // `transport` tells what to do.
        let out = &mut self.out;
        // A message that is under way has its memory already.
        let mut memory = match ws.buffered() {
            0 => shared.spare.take(&mut self.loan),
            _ => MessageBuffer::new(),
        };
        let mut lent = memory.capacity();
        while let Ok(Some(event)) = ws.receive_reusing(&mut input, &mut out.bytes, &mut memory) {
            let to_write = match event {
                // What is longer than a read was joined. If it need not be compressed, it is
                // written from there.
                Event::Text(text) if text.len() > READ && !shared.deflate => {
                    ws.send_text_vectored(text, &mut out.bytes).map(Some)
                }
                Event::Binary(data) if data.len() > READ && !shared.deflate => {
                    ws.send_binary_vectored(data, &mut out.bytes).map(Some)
                }
                Event::Text(text) => ws.send_text(&text, &mut out.bytes).map(|()| None),
                Event::Binary(data) => ws.send_binary(&data, &mut out.bytes).map(|()| None),
                _ => Ok(None), // pings and closes are already answered in `out`
            };
            if let Some(data) = to_write.map_err(io::Error::other)? {
                let left = out.write_large(&data, &mut self.socket);
                if left > 0 {
                    out.keep_large(mem::take(&mut memory).into_bytes(), left);
                }
            }
            if memory.capacity() > lent {
                // The next message is to have what is lent, not what this one has grown to.
                shared.spare.keep(memory);
                memory = shared.spare.take(&mut self.loan);
                lent = memory.capacity();
            }
        }
        shared.spare.keep(memory);
        if ws.buffered() == 0 {
            self.loan = None;
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

impl Out {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Gives the common buffer back if little waits in it: many clients that take nothing
    /// must not hold what one large message made of it.
    fn leave(&mut self, common: &mut Vec<u8>) {
        if self.bytes.capacity() > 2 * self.rest().len() + 1024 {
            let rest = self.rest().to_vec();
            *common = mem::replace(&mut self.bytes, rest);
            common.clear();
            self.written = 0;
        }
    }

    /// Writes a payload from where it lies; how much of it is left.
    fn write_large(&mut self, data: &[u8], socket: &mut TcpStream) -> usize {
        let before = self.rest();
        // What goes wrong will do so again, and be seen to then.
        let count = socket.write_vectored(&[IoSlice::new(before), IoSlice::new(data)]);
        let count = count.unwrap_or(0);
        let Some(written) = count.checked_sub(before.len()) else {
            self.written += count;
            self.bytes.extend_from_slice(data);
            return 0;
        };
        self.bytes.clear();
        self.written = 0;
        data.len() - written
    }

    /// Keeps a payload of which so much is left, and nothing waits before it.
    fn keep_large(&mut self, data: Vec<u8>, left: usize) {
        self.written = data.len() - left;
        self.bytes = data;
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
