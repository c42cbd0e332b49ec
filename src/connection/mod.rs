//! A connection after its opening handshake.

mod assemble;
mod closing;
mod config;
mod content;
mod event;
mod message;
mod message_buffer;
mod receive;
#[cfg(feature = "_io")]
mod receive_owned;
mod receiver;
mod rules;
mod send;
mod timers;
mod unsent_payload;
mod utf8;

// Last, since rustdoc shows methods in the order of modules: these are for few.
#[cfg(feature = "deflate")]
mod compressed;

#[cfg(feature = "deflate")]
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

pub use closing::{State, Transport};
pub use config::Config;
#[cfg(feature = "_async")]
pub(crate) use config::Timeouts;
#[cfg(feature = "deflate")]
pub use event::CompressedPart;
pub use event::{BinaryPart, Close, Event, Part, TextPart};
pub use message::Message;
pub use message_buffer::MessageBuffer;
pub use unsent_payload::UnsentPayload;

use self::closing::Closing;
use self::config::Limits;
use self::content::Content;
use self::receiver::Receiver;
use self::rules::Form;
use self::send::write_frame;
use self::timers::{Expired, Timers};
#[cfg(feature = "deflate")]
use crate::deflate::{Agreed, Deflater};
use crate::error::{Error, Violation};
use crate::frame::{CloseCode, MaskingKey, Opcode};
use crate::masking_keys::MaskingKeys;
use crate::time::Instant;

/// A WebSocket connection: bytes in, events out; commands in, bytes out.
///
/// # The contract
///
/// A program that drives a connection does this:
///
/// 1. Give what was read from the socket to [`receive`](Self::receive), and
///    call it again until it returns `None`. It takes the bytes from the
///    front of the input, which it never needs a second time.
/// 2. Act on each event. Sending is allowed at any time, until a Close frame is sent: what
///    comes then is still received, and an answer to it is
///    [`SendError::Closed`](crate::SendError::Closed), which must not keep `out` from being
///    written.
/// 3. Write `out` to the socket and empty it. `receive` appends to it too:
///    pongs, and the answer to a Close frame.
/// 4. Do with the socket as [`transport`](Self::transport) says. Once it says anything other
///    than `Open`, [`failure`](Self::failure) tells what went wrong, if anything has: the
///    errors of later calls only repeat it.
/// 5. Optionally, ask [`poll_timeout`](Self::poll_timeout) when to wake up at
///    the latest, and call [`handle_timeout`](Self::handle_timeout) then.
/// 6. Read; at the end of the stream, call [`receive_eof`](Self::receive_eof). Long
///    messages can be read with a copy less ([`receive_payload`](Self::receive_payload)), and
///    joined in memory that was used before ([`receive_reusing`](Self::receive_reusing)).
///
/// No order of calls does harm. What cannot be done now is an error that
/// changes nothing. (Only a payload that a method leaves to the caller, as
/// [`send_binary_vectored`](Self::send_binary_vectored) does, must stand behind its header.)
///
/// ```no_run
/// use std::io::{Read, Write};
/// use sansws::{Config, Connection, Event, Transport};
///
/// fn echo(
///     socket: &mut std::net::TcpStream,
///     mut ws: Connection, // from the handshake
/// ) -> Result<(), Box<dyn std::error::Error>> {
///     let (mut buffer, mut out) = (vec![0; 128 * 1024], Vec::new());
///     loop {
///         let n = socket.read(&mut buffer)?; // 6
///         if n == 0 {
///             return Ok(ws.receive_eof()?);
///         }
///         let mut input = &mut buffer[..n];
///         while let Ok(Some(event)) = ws.receive(&mut input, &mut out) { // 1
///             match event { // 2
///                 Event::Text(text) => ws.send_text(&text, &mut out)?,
///                 Event::Binary(data) => ws.send_binary(&data, &mut out)?,
///                 _ => {} // pings and closes are already answered in `out`
///             }
///         }
///         socket.write_all(&out)?; // 3, also after an error: it holds the Close frame
///         out.clear();
///         if ws.transport() == Transport::Shutdown { // 4
///             socket.shutdown(std::net::Shutdown::Write)?;
///         }
///     }
/// }
/// ```
///
/// # Bounds
///
/// A connection at rest holds no heap memory, unless it compresses: see
/// `DeflateConfig`. A message that comes in pieces is joined in a buffer that
/// takes at most twice what has arrived, or was inflated, of the
/// [`Config::max_message_len`] that there can be; if it grows in the message's last frame,
/// four times, but not beyond the message's length. With
/// [`receive_reusing`](Self::receive_reusing) it has all of the memory that the program gives
/// for it. The automatic answers add at most three bytes
/// to `out` for each byte received (a server's empty ping of two bytes is
/// answered with a masked pong of six) and one Close frame, and no call adds more than one
/// frame of at most 131 bytes, so a program bounds
/// its memory by not reading while `out` is long. (It hears nothing then, so a peer that
/// takes what is sent, but slowly, is to be spared the keepalive's deadline by
/// [`handle_write_progress`](Self::handle_write_progress).)
pub struct Connection {
    role: Role,
    limits: Limits,
    receiver: Receiver,
    content: Content,
    /// The message being sent in parts.
    sending: Option<Sending>,
    closing: Closing,
    timers: Timers,
    #[cfg(feature = "deflate")]
    deflater: Option<Box<Deflater>>,
}

/// A message being sent in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sending {
    kind: MessageKind,
    /// As its first part has decided.
    form: Form,
}

/// The two kinds of message (RFC 6455, 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has two")]
pub enum MessageKind {
    /// UTF-8.
    Text,
    /// Arbitrary bytes.
    Binary,
}

impl MessageKind {
    pub(crate) const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::TEXT,
            Self::Binary => Opcode::BINARY,
        }
    }
}

/// Which end of the connection this is, which decides who masks (5.1).
#[derive(Debug)]
enum Role {
    Server,
    Client(MaskingKeys),
}

impl Role {
    #[inline]
    const fn is_server(&self) -> bool {
        matches!(self, Self::Server)
    }

    /// A key for the next frame, if this end masks (5.1).
    #[inline]
    fn next_key(&mut self) -> Option<MaskingKey> {
        match self {
            Self::Server => None,
            Self::Client(keys) => Some(keys.next()),
        }
    }
}

impl Connection {
    /// The server's end of a connection whose handshake is done.
    #[must_use]
    pub fn server(config: &Config) -> Self {
        Self::new(Role::Server, config)
    }

    /// The client's end of a connection whose handshake is done.
    #[must_use]
    pub fn client(config: &Config, keys: MaskingKeys) -> Self {
        Self::new(Role::Client(keys), config)
    }

    fn new(role: Role, config: &Config) -> Self {
        Self {
            role,
            limits: config.limits(),
            receiver: Receiver::default(),
            content: Content::default(),
            sending: None,
            closing: Closing::default(),
            timers: Timers::new(config.timeouts),
            #[cfg(feature = "deflate")]
            deflater: None,
        }
    }

    /// Compresses as the handshake has agreed.
    #[cfg(feature = "deflate")]
    pub(crate) fn set_deflate(&mut self, agreed: &Agreed) {
        self.content = Content::new(Box::new(agreed.inflater()));
        self.deflater = Some(Box::new(agreed.deflater()));
    }

    /// Applies other limits, habits and times from here on: a message under way is judged by them
    /// at its next frame (or when more of it is inflated), and a deadline that runs at the next
    /// [`poll_timeout`](Self::poll_timeout).
    ///
    /// For servers that accept little from a client until they know who it is; with an adapter,
    /// by its `connection_mut`. All of the configuration is replaced: begin with that which the
    /// connection was opened with. What it says of the opening handshake has no effect any more.
    ///
    /// ```
    /// use sansws::{Config, Connection, Event};
    ///
    /// let config = Config::new().keepalive(None).max_message_len(1024);
    /// let mut ws = Connection::server(&config);
    /// # let mut out = Vec::new();
    /// # let mut token = [0x81, 0x85, 0, 0, 0, 0, b't', b'o', b'k', b'e', b'n'];
    /// # let mut input = &mut token[..];
    /// if let Some(Event::Text(token)) = ws.receive(&mut input, &mut out)? {
    ///     # fn is_known(token: &str) -> bool { token == "token" }
    ///     if is_known(&token) {
    ///         ws.set_config(&config.max_message_len(16 << 20));
    ///     }
    /// }
    /// # Ok::<_, sansws::Error>(())
    /// ```
    pub fn set_config(&mut self, config: &Config) {
        self.limits = config.limits();
        self.timers.timeouts = config.timeouts;
    }

    /// Where the connection stands.
    #[must_use]
    #[inline]
    pub fn state(&self) -> State {
        self.closing.state()
    }

    /// What to do with the socket, once all of `out` is written to it.
    pub fn transport(&self) -> Transport {
        self.closing.transport(self.role.is_server())
    }

    /// How the connection closed (RFC 6455, 7.1.5): the code of the peer's
    /// Close frame, 1005 if that had none, 1006 if there was no such frame;
    /// `None` while it is not closed.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        self.closing.code()
    }

    /// Why the connection has failed, if it has.
    #[must_use]
    pub fn failure(&self) -> Option<Violation> {
        self.closing.failed
    }

    /// The code of the Close frame that was sent, by the program, as an answer or because the
    /// connection has failed: 1005 if it had none; `None` if none was sent.
    #[must_use]
    pub fn close_sent(&self) -> Option<CloseCode> {
        self.closing.sent_code
    }

    /// Whether it was the peer who has closed: its Close frame came before any was sent.
    #[must_use]
    pub fn is_closed_by_peer(&self) -> bool {
        self.closing.is_begun_by_peer
    }

    /// How many bytes of unfinished messages and control frames the connection
    /// holds on the heap, without what compression takes.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.content.buffered() + self.receiver.buffered()
    }
}

impl Connection {
    fn check_failed(&self) -> Result<(), Error> {
        self.closing.failed.map_or(Ok(()), |violation| Err(Error::Failed(violation)))
    }

    /// Ends the connection as failed, unless it has ended; the error that says
    /// why.
    fn end(&mut self, why: Violation) -> Error {
        if self.state() == State::Closed {
            return Error::Failed(why);
        }
        self.release();
        Error::Failed(*self.closing.failed.get_or_insert(why))
    }

    /// Gives back the memory that only a living connection needs.
    fn release(&mut self) {
        self.receiver = Receiver::default();
        self.content = Content::default();
        #[cfg(feature = "deflate")]
        {
            self.deflater = None;
        }
    }
}

/// # Time
///
/// The connection has no clock; it is told the time. A program that has no use
/// for deadlines need not call these.
impl Connection {
    /// When to call [`handle_timeout`](Self::handle_timeout) if nothing is
    /// received before: the nearest of the keepalive, pong and close deadlines.
    ///
    /// To be asked each time before the program waits. Timers start with it,
    /// so that receiving and sending need no clock.
    ///
    /// ```
    /// use core::time::Duration;
    /// use sansws::{Config, Connection, Instant};
    ///
    /// let config = Config::new().keepalive(Some(Duration::from_secs(30)));
    /// let mut ws = Connection::server(&config);
    /// let now = Instant::from_epoch(Duration::ZERO);
    /// let deadline = ws.poll_timeout(now).unwrap();
    /// assert_eq!(deadline.saturating_since(now), Duration::from_secs(30));
    ///
    /// let mut out = Vec::new();
    /// ws.handle_timeout(deadline, &mut out)?;
    /// assert_eq!(out, [0x89, 0x00]); // a ping
    /// # Ok::<_, sansws::Error>(())
    /// ```
    #[must_use]
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        // After the end there is nothing to wait for.
        if self.closing.over { None } else { self.timers.poll(self.state(), now) }
    }

    /// Says that the socket takes more of `out`, after a time in which it did not: a sign of
    /// life, as what is received is.
    ///
    /// Only that is one: that it takes something at once shows no more than that there was room
    /// in the operating system's buffer, and a program that says so of each write never gives up
    /// a peer that is gone, since it says so of the ping.
    ///
    /// ```
    /// # use std::io::{self, ErrorKind, Write as _};
    /// # use sansws::Connection;
    /// # struct Peer<S> { socket: S, ws: Connection, out: Vec<u8>, is_stalled: bool }
    /// # impl<S: io::Write> Peer<S> {
    /// fn write(&mut self) -> io::Result<()> {
    ///     while !self.out.is_empty() {
    ///         match self.socket.write(&self.out) {
    ///             Ok(0) => return Err(ErrorKind::WriteZero.into()),
    ///             Ok(count) => {
    ///                 self.out.drain(..count);
    ///                 if std::mem::take(&mut self.is_stalled) {
    ///                     self.ws.handle_write_progress();
    ///                 }
    ///             }
    ///             Err(error) if error.kind() == ErrorKind::WouldBlock => {
    ///                 self.is_stalled = true;
    ///                 return Ok(());
    ///             }
    ///             Err(error) if error.kind() == ErrorKind::Interrupted => {}
    ///             Err(error) => return Err(error),
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// ```
    ///
    /// For programs whose output may wait for a slow peer: its pong comes only after all that
    /// was written before the ping, and would come too late though the peer is alive. What the
    /// operating system, or TLS, has taken and not sent yet cannot be seen: on a very slow line the
    /// [pong timeout](Config::pong_timeout) has to be longer than that takes.
    pub const fn handle_write_progress(&mut self) {
        self.timers.heard = true;
    }

    /// A change of them can bring about another deadline.
    #[cfg(feature = "_async")]
    pub(crate) const fn timeouts(&self) -> Timeouts {
        self.timers.timeouts
    }

    #[cfg(feature = "_io")]
    pub(crate) fn is_server(&self) -> bool {
        self.role.is_server()
    }

    /// Whether `poll_timeout` has any use for the time.
    #[cfg(feature = "_io")]
    pub(crate) fn needs_clock(&self) -> bool {
        !self.closing.over && self.timers.needs_clock(self.state())
    }

    /// Does what is due at `now`: sends a keepalive ping, or gives up on a peer
    /// that has not answered in time. Does nothing if nothing is due.
    ///
    /// # Errors
    /// [`Error::Failed`] with [`Violation::PongTimeout`] or
    /// [`Violation::CloseTimeout`], or with what failed before.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<u8>) -> Result<(), Error> {
        let state = self.state();
        let expired = if self.closing.over { None } else { self.timers.expire(state, now) };
        match expired {
            None => {}
            Some(Expired::Keepalive) => write_frame(&mut self.role, Opcode::PING, true, &[], out),
            Some(Expired::Pong) => {
                let failed = self.fail(Violation::PongTimeout, out);
                // Nothing is to be expected of it any more, not even the end of the stream.
                self.closing.over = true;
                return Err(failed);
            }
            Some(Expired::Close) => {
                self.closing.over = true;
                if state == State::Closing {
                    return Err(self.end(Violation::CloseTimeout));
                }
            }
        }
        self.check_failed()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.role)
            .field("state", &self.state())
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}
