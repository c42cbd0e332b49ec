//! The adapter for blocking streams: `std::io::Read` and `Write`, with what else
//! there is to know about them ([`Stream`]).

use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

#[cfg(feature = "connect")]
pub use super::connect::blocking::{ClientStream, connect};
use super::error::Error;
use super::lent;
use super::opening::Opening;
use super::socket::{self, Runtime, Socket, sealed};
use crate::connection::{Config, Connection, Event, Part};
use crate::error::SendError;
use crate::frame::CloseCode;
use crate::handshake::{Accept, Accepted, Request, RequestBuilder};
use crate::prepared::Prepared;

/// What a blocking stream can do besides reading and writing.
///
/// Implemented for [`TcpStream`], `UnixStream` and the streams of rustls. Wrap any other in
/// [`ReadWrite`].
pub trait Stream: Read + Write {
    /// Sets how long reading may block, as
    /// [`TcpStream::set_read_timeout`](std::net::TcpStream::set_read_timeout) does. A
    /// stream that cannot returns `Ok(())`: then deadlines are looked at only
    /// when something comes.
    ///
    /// # Errors
    /// Those of the operating system. After the opening handshake they are ignored,
    /// since reading tells more.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Shuts down the sending side and leaves the receiving one open. A stream
    /// that cannot returns an error of kind `Unsupported`, and is given back at
    /// once, to be closed. After `WouldBlock` and `Interrupted` it is called again.
    ///
    /// # Errors
    /// Those of the operating system.
    fn shut_down(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(timeout)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(timeout)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// A read returns only after a whole record of TLS, or all of its handshake: a peer that sends
/// them byte by byte delays the deadlines, which are looked at after reading. (Not so
/// `ClientStream`'s.)
#[cfg(feature = "rustls")]
impl<C, D, T: Stream> Stream for rustls::StreamOwned<C, T>
where
    C: core::ops::DerefMut<Target = rustls::ConnectionCommon<D>>,
    D: rustls::SideData,
{
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.sock.set_read_timeout(timeout)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()?;
        self.sock.shut_down()
    }
}

/// Any stream, of which nothing else is known.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "it is only a wrapper")]
pub struct ReadWrite<T>(pub T);

impl<T: Read> Read for ReadWrite<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<T: Write> Write for ReadWrite<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<T: Read + Write> Stream for ReadWrite<T> {
    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A WebSocket over a blocking stream.
///
/// What all adapters have in common is in the documentation of the
/// [module](crate::io). A method whose stream would block, because it is not
/// blocking or its own timeout has passed, returns [`Error::Io`] of kind
/// `WouldBlock`; nothing is lost, and it can be called again. (But not in the
/// opening handshake, which needs a stream that blocks.)
///
/// It is for one thread, and cannot be split: who has to send while a read waits takes
/// another adapter, or [`Connection`] itself with a thread that writes, as
/// `examples/chat.rs` does.
///
/// The stream's timeout for reading is the adapter's while there is a deadline: in the opening
/// handshake, with a [keepalive](Config::keepalive), which is on by default, and when closing.
/// A program that has its own, and no keepalive, sets it after the first `read` or the
/// handshake. The timeout for writing is the program's to set: without one, a peer that does
/// not read can hold a write for as long as it likes, whatever the deadlines.
///
/// ```no_run
/// use sansws::blocking::WebSocket;
/// use sansws::{Config, Event};
/// use std::net::TcpListener;
///
/// let listener = TcpListener::bind("127.0.0.1:9001")?;
/// for stream in listener.incoming() {
///     let stream = stream?;
///     std::thread::spawn(move || {
///         let mut ws = WebSocket::accept(stream, &Config::new())?;
///         while let Some(event) = ws.read()? {
///             if let Event::Text(_) | Event::Binary(_) = event {
///                 ws.write(event)?; // the next read sends it
///             }
///         }
///         Ok::<_, sansws::io::Error>(())
///     });
/// }
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct WebSocket<S: Stream>(Socket<S, Blocking<S>>);

/// # Opening
impl<S: Stream> WebSocket<S> {
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
    pub fn accept(stream: S, config: &Config) -> Result<Self, Error> {
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
    ) -> Result<(Self, Accepted<'static>), Error> {
        let mut opening = Opening::<S, Blocking<S>>::new(stream, Timer::default(), config);
        let (connection, accepted, remainder) = now(opening.connect(request, config))?;
        Ok((Self::after(opening, connection, remainder), accepted))
    }
}

impl<S: Stream> WebSocket<S> {
    /// The stream's timeout is that of the handshake still: its timer knows.
    fn after(opening: Opening<S, Blocking<S>>, ws: Connection, remainder: Vec<u8>) -> Self {
        Self(Socket::with_timer(opening.stream, opening.timer, ws, remainder))
    }
}

/// # Reading
impl<S: Stream> WebSocket<S> {
    /// The next message, control frame or Close; `None` when the connection has
    /// come to its orderly end, the Close having been returned before.
    ///
    /// # Errors
    /// [`Error::Failed`] and [`Error::Io`], for good unless it is `WouldBlock`;
    /// [`Error::WrongRead`] in the middle of a message begun with
    /// [`read_part`](Self::read_part).
    pub fn read(&mut self) -> Result<Option<Event<'static>>, Error> {
        now(core::future::poll_fn(|cx| self.0.poll_next(cx)))
    }

    /// The next piece of a message, as it arrives; as [`read`](Self::read)
    /// otherwise. See [`Connection::receive_part`].
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_part(&mut self) -> Result<Option<Part<'static>>, Error> {
        now(core::future::poll_fn(|cx| self.0.poll_next(cx)))
    }

    /// Sets how many bytes may wait to be written before nothing more is read.
    /// Default: 64 KiB.
    pub const fn set_high_water_mark(&mut self, bytes: usize) {
        self.0.driver.high_water_mark = bytes;
    }
}

/// # Writing
impl<S: Stream> WebSocket<S> {
    /// Adds a message or control frame to what is to be written: by the next
    /// [`read`](Self::read), [`flush`](Self::flush) or [`send`](Self::send).
    ///
    /// A large message that is given away (`String`, `Vec<u8>`) is written from
    /// where it lies.
    ///
    /// # Errors
    /// Nothing was added then; see [`Connection::send_text`] and its like. After a
    /// [`SendError::Closed`] the next [`read`](Self::read) says how it closed.
    pub fn write<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), SendError> {
        self.0.driver.write(event.into())
    }

    /// Adds a message that was encoded once for many connections.
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
    /// [`Error::Io`] if the stream takes no more.
    pub fn flush(&mut self) -> Result<(), Error> {
        now(core::future::poll_fn(|cx| self.0.poll_flush(cx)))
    }

    /// Adds a message or control frame, and writes all.
    ///
    /// # Errors
    /// As for [`write`](Self::write) and [`flush`](Self::flush).
    pub fn send<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), Error> {
        self.write(event)?;
        self.flush()
    }

    /// Closes the connection, and waits for its orderly end; messages that still
    /// come are dropped. If the peer has closed already, only waits.
    ///
    /// To go on reading until the peer has closed too, write an [`Event::Close`]
    /// instead.
    ///
    /// The [close timeout](Config::close_timeout) runs from the beginning, and what waits is
    /// written before the Close frame: if that is much, [`flush`](Self::flush) it first.
    ///
    /// # Errors
    /// [`Error::Send`] if code or reason cannot be sent; [`Error::Failed`], also
    /// with [`CloseTimeout`](crate::Violation::CloseTimeout); [`Error::Io`].
    pub fn close(&mut self, code: impl Into<Option<CloseCode>>, reason: &str) -> Result<(), Error> {
        self.0.begin_close(code.into(), reason)?;
        now(core::future::poll_fn(|cx| self.0.poll_closed(cx)))
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.0.driver.output.len()
    }
}

/// # The parts
impl<S: Stream> WebSocket<S> {
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

impl<S: Stream + fmt::Debug> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("stream", &self.0.stream)
            .field("connection", self.connection())
            .field("unwritten", &self.unwritten())
            .finish_non_exhaustive()
    }
}

/// A client's request on a blocking stream, read and not yet answered.
pub struct Incoming<S: Stream> {
    opening: Opening<S, Blocking<S>>,
    request: Request<'static>,
    remainder: Vec<u8>,
}

impl<S: Stream> Incoming<S> {
    /// Reads a request from `stream`, in the time that [`Config::handshake_timeout`] gives. The
    /// answer has as much again, from when it is given: between the two the program may take its
    /// own.
    ///
    /// # Errors
    /// [`Error::Handshake`] if it is not HTTP, of which the client has been told;
    /// [`Error::HandshakeTimeout`]; [`Error::Io`].
    pub fn receive(stream: S, config: &Config) -> Result<Self, Error> {
        let mut opening = Opening::new(stream, Timer::default(), config);
        let (request, remainder) = now(opening.receive_request())?;
        Ok(Self { opening, request, remainder })
    }

    /// The request, which may be any that is well-formed HTTP/1.x.
    #[must_use]
    pub const fn request(&self) -> &Request<'static> {
        &self.request
    }

    /// The stream.
    #[must_use]
    pub const fn stream(&self) -> &S {
        &self.opening.stream
    }

    /// Accepts the request as `choose` says: which subprotocol, which headers, from
    /// which origins.
    ///
    /// # Errors
    /// What `choose` returns: for an [`Error::Handshake`] the client has been sent
    /// the fitting answer, and status 500 for others. [`Error::HandshakeTimeout`];
    /// [`Error::Io`].
    pub fn accept<C>(mut self, config: &Config, choose: C) -> Result<WebSocket<S>, Error>
    where
        C: for<'r> FnOnce(&'r Request<'static>) -> Result<Accept<'r>, Error>,
    {
        let connection = now(self.opening.accept(&self.request, config, choose))?;
        Ok(WebSocket::after(self.opening, connection, self.remainder))
    }

    /// Answers with another status, `headers` and a `body`, as
    /// [`Request::respond`] does, and ends the stream in order.
    ///
    /// # Errors
    /// [`Error::Build`], if that is no answer; [`Error::HandshakeTimeout`];
    /// [`Error::Io`].
    pub fn respond(
        mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), Error> {
        now(self.opening.respond(&self.request, status, headers, body))
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for Incoming<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("stream", self.stream())
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// Asks a proxy for a tunnel to the server that `uri` names.
#[cfg(feature = "connect")]
pub(super) fn tunnel<S: Stream>(
    stream: S,
    uri: &crate::handshake::Uri,
    credentials: Option<&[u8]>,
    config: &Config,
    deadline: Option<Instant>,
) -> Result<S, Error> {
    let opening = Opening::<S, Blocking<S>>::new(stream, Timer::default(), config);
    let mut opening = opening.no_later_than(deadline);
    now(opening.tunnel(uri, credentials))?;
    opening.stream.set_read_timeout(None)?;
    Ok(opening.stream)
}

/// What never waits but in the stream itself, done.
fn now<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::Io(io::ErrorKind::WouldBlock.into())),
    }
}

/// Blocking streams, as a runtime that is always ready.
struct Blocking<S>(PhantomData<S>);

impl<S> sealed::Sealed for Blocking<S> {}

impl<S: Stream> Runtime<S> for Blocking<S> {
    type Timer = Timer;

    const HAS_TASKS: bool = false;

    fn now() -> Instant {
        Instant::now()
    }

    fn before_read(timer: &mut Timer, s: &S, wait: Option<Duration>) -> io::Result<()> {
        timer.wait = wait;
        let is_right = match (timer.set, wait) {
            (None, None) => true,
            // Coming back too early now and then costs less than setting it each time.
            (Some(set), Some(wait)) => set <= wait && set >= wait / 2,
            _ => false,
        };
        if !is_right {
            // A timeout of zero would be none.
            let timeout = wait.map(|wait| wait.max(Duration::from_millis(1)));
            s.set_read_timeout(timeout)?;
            timer.set = timeout;
        }
        Ok(())
    }

    fn poll_read(s: &mut S, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        // That it was interrupted is for the caller to know: time has passed.
        ready_or_blocked(lent::during(|| s.read(buf)))
    }

    fn poll_write(s: &mut S, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready_or_blocked(uninterrupted(|| match bufs {
            [buf] => s.write(buf),
            _ => s.write_vectored(bufs),
        }))
    }

    fn poll_flush(s: &mut S, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready_or_blocked(uninterrupted(|| s.flush()))
    }

    fn poll_shutdown(s: &mut S, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready_or_blocked(uninterrupted(|| s.shut_down()))
    }
}

fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn ready_or_blocked<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        // Windows says so of the stream's own timeout; elsewhere it is the network that
        // has given up.
        Err(error)
            if error.kind() == io::ErrorKind::TimedOut
                && (cfg!(windows) || error.raw_os_error().is_none()) =>
        {
            Poll::Pending
        }
        result => Poll::Ready(result),
    }
}

/// The stream's own timeout.
#[derive(Default)]
struct Timer {
    /// As it is set.
    set: Option<Duration>,
    /// How long before the deadline the read began that it is set for.
    wait: Option<Duration>,
}

impl socket::Timer for Timer {
    fn poll(&mut self, _: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        // The read before this has come back without anything: because of the
        // timeout, or because the stream does not block, which must not become a
        // loop.
        let left = deadline.saturating_duration_since(Instant::now());
        let is_timeout = match (self.set, self.wait.take()) {
            (Some(set), Some(wait)) => wait.saturating_sub(left) >= set / 2,
            _ => false,
        };
        if is_timeout || left.is_zero() { Poll::Ready(()) } else { Poll::Pending }
    }
}
