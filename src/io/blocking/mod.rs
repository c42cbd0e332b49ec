//! The adapter for blocking streams: `std::io::Read` and `Write`, with what else
//! there is to know about them ([`Stream`]).

mod incoming;
pub(in crate::io) mod runtime;
mod stream;
#[cfg(feature = "rustls")]
mod tls;

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use std::time::Instant;

pub use incoming::Incoming;
pub use stream::{ReadWrite, Stream};
#[cfg(feature = "rustls")]
pub use tls::TlsStream;

use self::runtime::{Blocking, Timer, now};
#[cfg(feature = "connect")]
pub use super::connect::blocking::{ClientStream, connect};
use super::error::Error;
use super::opening::Opening;
use super::socket::Socket;
use crate::connection::{Config, Connection, Event, Message, Part};
use crate::error::SendError;
use crate::frame::CloseCode;
use crate::handshake::{Accepted, RequestBuilder};
use crate::prepared::Prepared;

/// A WebSocket over a blocking stream.
///
/// What all adapters have in common is in the documentation of the
/// [module](crate::io). A method whose stream would block, because it is not
/// blocking or its own timeout has passed, returns [`Error::Io`] of kind
/// `WouldBlock`; nothing is lost, and it can be called again. After [`send`](WebSocket::send) that
/// is [`flush`](WebSocket::flush), since its message was added. (But not in the opening handshake,
/// which needs a stream that blocks.)
///
/// It is for one thread, and cannot be split: who has to send while a read waits takes
/// another adapter, whose halves two threads without tasks can drive as well (for tokio by
/// `Handle::block_on`), or [`Connection`] itself with a thread that writes, as
/// `examples/chat.rs` does. What another thread can do is to end the connection at once, by the
/// `shutdown` of a `try_clone` of its `TcpStream`.
///
/// The stream's timeout for reading is the adapter's, which has deadlines to keep: a program that
/// does not want to wait for long sets [`set_read_timeout`](WebSocket::set_read_timeout) here. The
/// timeout for writing is the program's to set on the stream: without one, a peer that does not
/// read can hold a write for as long as it likes, whatever the deadlines. A stream that does not
/// block at all is for event loops, which call [`read`](WebSocket::read) when there is something,
/// and at the latest when [`deadline`](WebSocket::deadline) says.
///
/// ```no_run
/// use sansws::blocking::WebSocket;
/// use sansws::{Config, Message};
/// use std::net::TcpListener;
///
/// let listener = TcpListener::bind("127.0.0.1:9001")?;
/// for stream in listener.incoming() {
///     let stream = stream?;
///     std::thread::spawn(move || {
///         let mut ws = WebSocket::accept(stream, &Config::new())?;
///         while let Some(message) = ws.read()? {
///             if let Message::Text(_) | Message::Binary(_) = message {
///                 ws.write(message)?; // the next read sends it
///             }
///         }
///         Ok::<_, sansws::io::Error>(())
///     });
/// }
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct WebSocket<S>(Socket<S, Blocking>);

/// # Opening
impl<S> WebSocket<S> {
    /// Over a stream whose opening handshake is done. `remainder` is what was
    /// read behind the handshake: the first input of the connection.
    #[must_use]
    pub fn new(stream: S, connection: Connection, remainder: Vec<u8>) -> Self {
        Self(Socket::new(stream, connection, remainder))
    }

    /// Reads a client's request and accepts it, whatever path it asks for, with
    /// no subprotocol. For more, see [`Incoming`].
    ///
    /// The stream is used as it is: where short messages are to leave at once,
    /// a `TcpStream` wants `set_nodelay(true)`.
    ///
    /// # Errors
    /// As for [`Incoming::receive`] and [`Incoming::accept`].
    pub fn accept(stream: S, config: &Config) -> Result<Self, Error>
    where
        S: Stream,
    {
        Incoming::receive(stream, config)?.accept(config, |request| Ok(request.accept()?))
    }

    /// Sends `request` over a stream that leads to the server, and checks the
    /// answer.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server answers with another status than 101;
    /// [`Error::Handshake`], [`Error::HandshakeTimeout`], [`Error::Io`].
    pub fn connect_over(
        stream: S,
        request: RequestBuilder,
        config: &Config,
    ) -> Result<(Self, Accepted<'static>), Error>
    where
        S: Stream,
    {
        let mut opening = Opening::<S, Blocking>::new(stream, Timer::default(), config);
        let (connection, accepted, remainder) = now(opening.connect(request, config))?;
        Ok((Self::after(opening, connection, remainder), accepted))
    }
}

impl<S> WebSocket<S> {
    fn after(opening: Opening<S, Blocking>, ws: Connection, remainder: Vec<u8>) -> Self
    where
        S: Stream,
    {
        // The handshake's: if there is no keepalive, the program may set its own from here on.
        // Should it fail, reading tells more.
        let _ = opening.stream.set_read_timeout(None);
        Self::new(opening.stream, ws, remainder)
    }
}

/// # Reading
impl<S> WebSocket<S> {
    /// The next message, control frame or Close; `None` when the connection has
    /// come to its orderly end, the Close having been returned before, and ever after.
    ///
    /// # Errors
    /// [`Error::Failed`] and [`Error::Io`], for good unless it is `WouldBlock`;
    /// [`Error::WrongRead`] in the middle of a message begun with
    /// [`read_part`](Self::read_part).
    pub fn read(&mut self) -> Result<Option<Message>, Error>
    where
        S: Stream,
    {
        self.0.timer.begin();
        now(core::future::poll_fn(|cx| self.0.poll_next(cx)))
    }

    /// The next piece of a message, as it arrives; as [`read`](Self::read)
    /// otherwise. See [`Connection::receive_part`].
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_part(&mut self) -> Result<Option<Part<'static>>, Error>
    where
        S: Stream,
    {
        self.0.timer.begin();
        now(core::future::poll_fn(|cx| self.0.poll_next(cx)))
    }

    /// Sets how long a read may wait for a message or part before it returns [`Error::Io`] of kind
    /// `WouldBlock`, to be called again; `None` for as long as it takes. Default: `None`. The
    /// shortest is a millisecond. (What a read writes first is bounded by the stream's own timeout
    /// for writing alone.)
    ///
    /// For programs that have other things to see to, such as a channel, or a shutdown.
    /// [`close`](Self::close) waits for as long as it takes all the same.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.0.timer.set_own(timeout);
    }

    /// When to [`read`](Self::read) at the latest, though nothing has come: for the keepalive, or
    /// the peer's pong or Close that does not come. `None` if there is no such deadline.
    ///
    /// For event loops, with streams that do not block. To be asked each time before waiting. Such
    /// a loop reads until `WouldBlock`, since nobody announces what is at hand already, and calls
    /// [`flush`](Self::flush) when the stream can be written, as long as something is
    /// [unwritten](Self::unwritten) (or with a `TlsStream` its connection wants to write).
    pub fn deadline(&mut self) -> Option<Instant> {
        self.0.deadline()
    }

    /// Sets how many bytes may wait to be written before nothing more is read.
    /// Default: 64 KiB. (It is no bound to what the program itself may [`write`](Self::write).)
    pub const fn set_high_water_mark(&mut self, bytes: usize) {
        self.0.driver.high_water_mark = bytes;
    }
}

/// # Writing
impl<S> WebSocket<S> {
    /// Adds a message or control frame to what is to be written: by the next
    /// [`read`](Self::read), [`flush`](Self::flush) or [`send`](Self::send).
    ///
    /// A large message that is given away (`String`, `Vec<u8>`) is written from
    /// where it lies.
    ///
    /// There is no bound to what can be added: [`unwritten`](Self::unwritten) tells how much waits,
    /// and `flush` waits for it. What waits when this is dropped is lost. What is added once
    /// the stream takes nothing any more is dropped, and the next `read` says why: before that
    /// it may still receive.
    ///
    /// # Errors
    /// Nothing was added then; see [`Connection::send_text`] and its like. After a
    /// [`SendError::Closed`] the next [`read`](Self::read) says how it closed.
    pub fn write<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), SendError> {
        self.0.driver.write(event.into())
    }

    /// Adds a message that was encoded once for many connections. If it is large and this is a
    /// server, all of them share its memory.
    ///
    /// # Errors
    /// As for [`Connection::send_prepared`].
    pub fn write_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        self.0.driver.write_prepared(message)
    }

    /// Adds a part as it was received; see [`Connection::send_part`].
    ///
    /// # Errors
    /// See [`Connection::send_part`].
    pub fn write_part(&mut self, part: &Part<'_>) -> Result<(), SendError> {
        let (ws, out) = self.0.driver.parts();
        ws.send_part(part, out)
    }

    /// Adds a part of a message of text; see [`Connection::send_text_part`].
    ///
    /// # Errors
    /// See [`Connection::send_text_part`].
    pub fn write_text_part(&mut self, text: &str, last: bool) -> Result<(), SendError> {
        let (ws, out) = self.0.driver.parts();
        ws.send_text_part(text, last, out)
    }

    /// Adds a part of a message of bytes; see [`Connection::send_binary_part`].
    ///
    /// # Errors
    /// See [`Connection::send_binary_part`].
    pub fn write_binary_part(&mut self, data: &[u8], last: bool) -> Result<(), SendError> {
        let (ws, out) = self.0.driver.parts();
        ws.send_binary_part(data, last, out)
    }

    /// Writes all that was added.
    ///
    /// # Errors
    /// [`Error::Io`] if the stream takes no more, for good unless it is `WouldBlock`;
    /// [`Error::Failed`] if a read has given the peer up.
    pub fn flush(&mut self) -> Result<(), Error>
    where
        S: Stream,
    {
        now(core::future::poll_fn(|cx| self.0.poll_flush(cx)))
    }

    /// Adds a message or control frame, and writes all. After `WouldBlock` go on with
    /// [`flush`](Self::flush): another `send` would add the message again.
    ///
    /// # Errors
    /// As for [`write`](Self::write), when nothing was added; and for [`flush`](Self::flush).
    pub fn send<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), Error>
    where
        S: Stream,
    {
        self.write(event)?;
        self.flush()
    }

    /// Closes the connection, and waits for its orderly end; messages that still
    /// come are dropped. If the peer has closed already, only waits.
    ///
    /// To go on reading until the peer has closed too, write an [`Message::Close`]
    /// instead.
    ///
    /// The [close timeout](Config::close_timeout) runs from the beginning, and what waits is
    /// written before the Close frame: if that is much, [`flush`](Self::flush) it first.
    ///
    /// # Errors
    /// [`Error::Send`] if code or reason cannot be sent; [`Error::Failed`], also
    /// with [`CloseTimeout`](crate::Violation::CloseTimeout); [`Error::Io`].
    pub fn close(&mut self, code: impl Into<Option<CloseCode>>, reason: &str) -> Result<(), Error>
    where
        S: Stream,
    {
        self.0.begin_close(code.into(), reason)?;
        self.0.timer.begin();
        let own = self.0.timer.set_own(None);
        let closed = now(core::future::poll_fn(|cx| self.0.poll_closed(cx)));
        self.0.timer.set_own(own);
        closed
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.0.driver.output.len()
    }
}

/// # The parts
impl<S> WebSocket<S> {
    /// The connection, for its questions.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        self.0.driver.connection()
    }

    /// The connection, and where to append what it is to send, for what the
    /// adapter has no method for.
    ///
    /// Only to be appended to: what stands there may be written in part already.
    pub fn connection_mut(&mut self) -> (&mut Connection, &mut Vec<u8>) {
        self.0.driver.parts()
    }

    /// The stream.
    #[must_use]
    pub const fn stream(&self) -> &S {
        &self.0.stream
    }

    /// The stream. What is read from it or written to it is missing in the
    /// connection.
    pub const fn stream_mut(&mut self) -> &mut S {
        &mut self.0.stream
    }

    /// The stream alone. What was read but not returned, or added but not
    /// written, is lost.
    #[must_use]
    pub fn into_stream(self) -> S {
        self.0.stream
    }
}

impl<S: fmt::Debug> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("stream", &self.0.stream)
            .field("connection", self.connection())
            .field("unwritten", &self.unwritten())
            .finish_non_exhaustive()
    }
}
