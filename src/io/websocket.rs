use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::error::Error;
use super::incoming::Incoming;
use super::opening::Opening;
use super::socket::{Drives, Runtime, Socket};
use super::split::{self, Reader, Writer};
use crate::connection::{Config, Connection, Event, Message, Part};
use crate::error::SendError;
use crate::frame::CloseCode;
use crate::handshake::{Accepted, RequestBuilder};
use crate::prepared::Prepared;

/// A WebSocket over an asynchronous stream: `tokio::WebSocket` or
/// `futures_io::WebSocket`.
///
/// What all adapters have in common is in the documentation of the
/// [module](crate::io).
///
/// ```no_run
/// # #[cfg(feature = "tokio")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use sansws::tokio::WebSocket;
/// use sansws::{Config, Message};
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     tokio::spawn(async move {
///         let mut ws = WebSocket::accept(stream, &Config::new()).await?;
///         while let Some(message) = ws.read().await? {
///             if let Message::Text(_) | Message::Binary(_) = message {
///                 ws.write(message)?; // the next read sends it
///             }
///         }
///         Ok::<_, sansws::io::Error>(())
///     });
/// }
/// # }
/// ```
// Boxed, since an async function keeps what it is given twice: as its argument and
// as its variable.
pub struct WebSocket<S, R: Runtime>(Box<Socket<S, R>>);

/// # Opening
impl<S, R: Runtime> WebSocket<S, R> {
    /// Over a stream whose opening handshake is done. `remainder` is what was
    /// read behind the handshake: the first input of the connection.
    #[must_use]
    pub fn new(stream: S, connection: Connection, remainder: Vec<u8>) -> Self {
        Self(Box::new(Socket::new(stream, connection, remainder)))
    }

    /// Reads a client's request and accepts it, whatever path it asks for, with
    /// no subprotocol. For more, see [`Incoming`].
    ///
    /// The stream is used as it is: where short messages are to leave at once,
    /// a `TcpStream` wants `set_nodelay(true)`.
    ///
    /// Not cancel-safe: if the future is dropped, so is the stream.
    ///
    /// # Errors
    /// As for [`Incoming::receive`] and [`Incoming::accept`].
    pub async fn accept(stream: S, config: &Config) -> Result<Self, Error>
    where
        R: Drives<S>,
    {
        // Boxed, so that what only the handshake needs is given back after it.
        Box::pin(async {
            let incoming = Incoming::receive(stream, config).await?;
            incoming.accept(config, |request| Ok(request.accept()?)).await
        })
        .await
    }

    /// Sends `request` over a stream that leads to the server, and checks the
    /// answer.
    ///
    /// Not cancel-safe: if the future is dropped, so is the stream.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server answers with another status than 101;
    /// [`Error::Handshake`], [`Error::HandshakeTimeout`], [`Error::Io`].
    pub async fn connect_over(
        stream: S,
        request: RequestBuilder,
        config: &Config,
    ) -> Result<(Self, Accepted<'static>), Error>
    where
        R: Drives<S>,
    {
        Box::pin(async {
            let mut opening = Opening::<S, R>::new(stream, R::Timer::default(), config);
            let (connection, accepted, remainder) = opening.connect(request, config).await?;
            Ok((Self::new(opening.stream, connection, remainder), accepted))
        })
        .await
    }
}

/// # Reading
impl<S, R: Runtime> WebSocket<S, R> {
    /// The next message, control frame or Close; `None` when the connection has
    /// come to its orderly end, the Close having been returned before, and ever after.
    ///
    /// Pings and the Close are answered without help. Cancel-safe.
    ///
    /// # Errors
    /// [`Error::Failed`] and [`Error::Io`], for good; [`Error::WrongRead`] in the
    /// middle of a message begun with [`read_part`](Self::read_part).
    #[inline]
    pub async fn read(&mut self) -> Result<Option<Message>, Error>
    where
        R: Drives<S>,
    {
        let socket = self.alone();
        poll_fn(|cx| socket.poll_next(cx)).await
    }

    /// The next piece of a message, as it arrives; as [`read`](Self::read)
    /// otherwise. See [`Connection::receive_part`]. Cancel-safe.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub async fn read_part(&mut self) -> Result<Option<Part<'static>>, Error>
    where
        R: Drives<S>,
    {
        let socket = self.alone();
        poll_fn(|cx| socket.poll_next(cx)).await
    }

    /// Sets how many bytes may wait to be written before nothing more is read.
    /// Default: 64 KiB. (It is no bound to what the program itself may [`write`](Self::write).)
    pub fn set_high_water_mark(&mut self, bytes: usize) {
        self.alone().driver.high_water_mark = bytes;
    }
}

/// # Writing
impl<S, R: Runtime> WebSocket<S, R> {
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
    #[inline]
    pub fn write<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), SendError> {
        self.alone().driver.write(event.into())
    }

    /// Adds a message that was encoded once for many connections. If it is large and this is a
    /// server, all of them share its memory.
    ///
    /// # Errors
    /// As for [`Connection::send_prepared`].
    pub fn write_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        self.alone().driver.write_prepared(message)
    }

    /// Adds a part as it was received; see [`Connection::send_part`].
    ///
    /// # Errors
    /// See [`Connection::send_part`].
    pub fn write_part(&mut self, part: &Part<'_>) -> Result<(), SendError> {
        let (ws, out) = self.alone().driver.parts();
        ws.send_part(part, out)
    }

    /// Adds a part of a message of text; see [`Connection::send_text_part`].
    ///
    /// # Errors
    /// See [`Connection::send_text_part`].
    pub fn write_text_part(&mut self, text: &str, last: bool) -> Result<(), SendError> {
        let (ws, out) = self.alone().driver.parts();
        ws.send_text_part(text, last, out)
    }

    /// Adds a part of a message of bytes; see [`Connection::send_binary_part`].
    ///
    /// # Errors
    /// See [`Connection::send_binary_part`].
    pub fn write_binary_part(&mut self, data: &[u8], last: bool) -> Result<(), SendError> {
        let (ws, out) = self.alone().driver.parts();
        ws.send_binary_part(data, last, out)
    }

    /// Writes all that was added. Cancel-safe.
    ///
    /// That takes as long as the peer goes on reading. If it takes nothing for as long as it may
    /// be silent, which the [keepalive](Config::keepalive) and the
    /// [pong timeout](Config::pong_timeout) say, the connection fails. A program that does not
    /// trust its peers sets an end to it all, such as `tokio::time::timeout`, or adds with
    /// [`write`](Self::write) and reads. Of a connection that is split a peer is not silent as
    /// long as the reader hears of it, though it takes nothing: there such an end, or a look at
    /// what is [unwritten](Self::unwritten), is needed.
    ///
    /// # Errors
    /// [`Error::Io`] if the stream takes no more; [`Error::Failed`] with
    /// [`PongTimeout`](crate::Violation::PongTimeout) or, when closing,
    /// [`CloseTimeout`](crate::Violation::CloseTimeout).
    pub async fn flush(&mut self) -> Result<(), Error>
    where
        R: Drives<S>,
    {
        let socket = self.alone();
        poll_fn(|cx| socket.poll_flush(cx)).await
    }

    /// Adds a message or control frame at once, and waits until all is written. If that is
    /// dropped, also before it was polled, go on with [`flush`](Self::flush), since the message
    /// was added, unless it could not be.
    ///
    /// # Errors
    /// As for [`write`](Self::write) and [`flush`](Self::flush).
    pub fn send<'m>(
        &mut self,
        event: impl Into<Event<'m>>,
    ) -> impl Future<Output = Result<(), Error>>
    where
        R: Drives<S>,
    {
        // Not by an async function, which would do nothing if `select!` never comes to poll it.
        let added = self.write(event);
        async move {
            added?;
            self.flush().await
        }
    }

    /// Closes the connection, and waits for its orderly end; messages that still
    /// come are dropped. If the peer has closed already, only waits.
    ///
    /// To go on reading until the peer has closed too, write an [`Message::Close`]
    /// instead. Cancel-safe, by calling it again.
    ///
    /// The [close timeout](Config::close_timeout) runs from the beginning, and what waits is
    /// written before the Close frame: if that is much, [`flush`](Self::flush) it first.
    ///
    /// # Errors
    /// [`Error::Send`] if code or reason cannot be sent; [`Error::Failed`], also
    /// with [`CloseTimeout`](crate::Violation::CloseTimeout); [`Error::Io`].
    pub async fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> Result<(), Error>
    where
        R: Drives<S>,
    {
        let socket = self.alone();
        socket.begin_close(code.into(), reason)?;
        poll_fn(|cx| socket.poll_closed(cx)).await
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.0.driver.output.len()
    }
}

/// # The parts
impl<S, R: Runtime> WebSocket<S, R> {
    /// Reader and writer, to be used by two tasks; see [`Reader`].
    #[must_use]
    pub fn split(self) -> (Reader<S, R>, Writer<S, R>) {
        split::split(*self.0)
    }

    pub(super) fn from_socket(socket: Socket<S, R>) -> Self {
        Self(Box::new(socket))
    }

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
        self.alone().driver.parts()
    }

    /// For the methods: who calls one has all of it, and so nobody waits in its `Sink`, though
    /// one may have been left there.
    #[inline]
    fn alone(&mut self) -> &mut Socket<S, R> {
        self.0.driver.is_split = false;
        &mut self.0
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &S {
        &self.0.stream
    }

    /// The stream. What is read from it or written to it is missing in the
    /// connection.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.0.stream
    }

    /// The stream alone. What was read but not returned, or added but not
    /// written, is lost.
    #[must_use]
    pub fn into_stream(self) -> S {
        self.0.stream
    }
}

/// Two tasks can use it as a `Stream` and as a `Sink`, divided by `StreamExt::split` as generic
/// code has to; [`split`](Self::split) gives more.
impl<S, R: Drives<S>> Stream for WebSocket<S, R> {
    type Item = Result<Message, Error>;

    /// As [`read`](Self::read); after an error there is nothing more.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_stream_half(cx)
    }
}

impl<S, R: Drives<S>> FusedStream for WebSocket<S, R> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated
    }
}

impl<S, R: Drives<S>> Sink<Message> for WebSocket<S, R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().0.poll_ready_half(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Ok(self.get_mut().0.change(|socket| socket.driver.write(message.into()))?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().0.poll_flush_half(cx)
    }

    /// Sends a Close frame with code 1000, if the connection is open; the `Stream` sees to the
    /// rest, and has what still comes. (The method [`close`](Self::close) waits for all that.)
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let socket = &mut self.get_mut().0;
        socket.change(|socket| socket.begin_close(Some(CloseCode::NORMAL), ""))?;
        socket.poll_flush_half(cx)
    }
}

impl<S: fmt::Debug, R: Runtime> fmt::Debug for WebSocket<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("stream", &self.0.stream)
            .field("connection", self.connection())
            .field("unwritten", &self.unwritten())
            .finish_non_exhaustive()
    }
}
