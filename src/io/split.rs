//! Two halves for two tasks. The lock is held for the length of a poll, never across an await.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::driver::Driver;
use super::error::Error;
use super::socket::{Drives, Runtime, Socket};
use super::tasks::{Changed, Half, Tasks};
use super::websocket::WebSocket;
use crate::connection::{Connection, Event, Message, Part};
use crate::error::SendError;
use crate::frame::CloseCode;
use crate::prepared::Prepared;

pub(super) fn split<S, R: Runtime>(mut socket: Socket<S, R>) -> (Reader<S, R>, Writer<S, R>) {
    socket.driver.is_split = true;
    let tasks = Arc::new(Tasks::default());
    let waker = Waker::from(Arc::clone(&tasks));
    let shared = Arc::new(Shared { socket: Mutex::new(socket), tasks, waker });
    (Reader(Arc::clone(&shared)), Writer::new(shared))
}

/// The half of a [`WebSocket`] that reads.
///
/// While it reads it also writes what is to be written, so that pings are
/// answered though the writer does nothing. It completes the closing handshake
/// too: read until `None`, also after the writer has closed.
pub struct Reader<S, R: Runtime>(Arc<Shared<S, R>>);

/// The half of a [`WebSocket`] that writes.
///
/// It can be cloned: whatever task it is that writes, messages stay whole. What
/// [`write`](Self::write) adds, for which a shared reference will do, the reader's task sends as
/// soon as it runs; [`send`](Self::send) and [`flush`](Self::flush) write in their own task, and
/// wait until the stream has taken all, also what others add meanwhile.
pub struct Writer<S, R: Runtime> {
    shared: Arc<Shared<S, R>>,
    half: Half,
}

impl<S, R: Runtime> Reader<S, R> {
    /// As [`WebSocket::read`]. Cancel-safe.
    ///
    /// # Errors
    /// See [`WebSocket::read`].
    pub async fn read(&mut self) -> Result<Option<Message>, Error>
    where
        R: Drives<S>,
    {
        poll_fn(|cx| self.0.poll(Half::Reader, cx, |socket, cx| socket.poll_next(cx))).await
    }

    /// As [`WebSocket::read_part`]. Cancel-safe.
    ///
    /// # Errors
    /// See [`WebSocket::read`].
    pub async fn read_part(&mut self) -> Result<Option<Part<'static>>, Error>
    where
        R: Drives<S>,
    {
        poll_fn(|cx| self.0.poll(Half::Reader, cx, |socket, cx| socket.poll_next(cx))).await
    }

    /// As [`WebSocket::set_high_water_mark`].
    pub fn set_high_water_mark(&mut self, bytes: usize) {
        self.0.lock().driver.high_water_mark = bytes;
    }

    /// Asks the connection. Meanwhile it is locked: `ask` must not use either half.
    pub fn connection<T>(&self, ask: impl FnOnce(&Connection) -> T) -> T {
        ask(self.0.lock().driver.connection())
    }

    /// Asks the stream, for example for the peer's address. Meanwhile it is locked, as the
    /// connection is.
    pub fn stream<T>(&self, ask: impl FnOnce(&S) -> T) -> T {
        ask(&self.0.lock().stream)
    }

    /// Both halves together again, if they are of one connection and no clone of
    /// the writer is left.
    ///
    /// # Errors
    /// The halves, if not.
    pub fn reunite(self, writer: Writer<S, R>) -> Result<WebSocket<S, R>, (Self, Writer<S, R>)> {
        // These two hold it, and whoever else does is a clone of the writer.
        if !Arc::ptr_eq(&self.0, &writer.shared) || Arc::strong_count(&self.0) > 2 {
            return Err((self, writer));
        }
        let shared = Arc::clone(&self.0);
        drop((self, writer));
        match Arc::try_unwrap(shared) {
            Ok(shared) => {
                let socket = shared.socket.into_inner();
                let mut socket = socket.unwrap_or_else(PoisonError::into_inner);
                socket.driver.is_split = false;
                socket.driver.has_reader = true;
                Ok(WebSocket::from_socket(socket))
            }
            // Which is not so, since nobody was left to make a clone.
            Err(shared) => {
                shared.lock().driver.has_reader = true;
                Err((Self(Arc::clone(&shared)), Writer::new(shared)))
            }
        }
    }
}

impl<S, R: Runtime> Writer<S, R> {
    /// Adds a message or control frame to what is to be written, as [`WebSocket::write`]
    /// does, and wakes the reader to write it.
    ///
    /// For one message to many connections: nobody waits for a slow one, and
    /// [`unwritten`](Self::unwritten) tells how far behind it is; one too slow is to be
    /// [given up](Self::abort) (`examples/tokio_room.rs`). (The reader has to be
    /// waiting in [`read`](Reader::read), or to come back to it.) What is added once the stream
    /// takes nothing any more is dropped, and the reader's `read` says why: it may still receive.
    ///
    /// # Errors
    /// See [`WebSocket::write`]. [`SendError::Closed`] also if the [`Reader`] was dropped, since
    /// nobody would write it; with [`send`](Self::send) this half can still do so itself.
    pub fn write<'m>(&self, event: impl Into<Event<'m>>) -> Result<(), SendError> {
        self.add(|driver| driver.write(event.into()))
    }

    /// As [`WebSocket::write_prepared`].
    ///
    /// # Errors
    /// See [`Connection::send_prepared`]; and as for [`write`](Self::write).
    pub fn write_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        self.add(|driver| driver.write_prepared(message))
    }

    /// As [`WebSocket::write_part`].
    ///
    /// # Errors
    /// See [`Connection::send_part`]; and as for [`write`](Self::write).
    pub fn write_part(&self, part: &Part<'_>) -> Result<(), SendError> {
        self.add(|driver| {
            let (ws, out) = driver.parts();
            ws.send_part(part, out)
        })
    }

    /// As [`WebSocket::write_text_part`].
    ///
    /// # Errors
    /// See [`Connection::send_text_part`]; and as for [`write`](Self::write).
    pub fn write_text_part(&self, text: &str, last: bool) -> Result<(), SendError> {
        self.add(|driver| {
            let (ws, out) = driver.parts();
            ws.send_text_part(text, last, out)
        })
    }

    /// As [`WebSocket::write_binary_part`].
    ///
    /// # Errors
    /// See [`Connection::send_binary_part`]; and as for [`write`](Self::write).
    pub fn write_binary_part(&self, data: &[u8], last: bool) -> Result<(), SendError> {
        self.add(|driver| {
            let (ws, out) = driver.parts();
            ws.send_binary_part(data, last, out)
        })
    }

    /// As [`WebSocket::flush`]. Cancel-safe.
    ///
    /// # Errors
    /// See [`WebSocket::flush`].
    pub async fn flush(&mut self) -> Result<(), Error>
    where
        R: Drives<S>,
    {
        poll_fn(|cx| self.shared.poll(self.half, cx, Socket::poll_flush)).await
    }

    /// As [`WebSocket::send`]. The reader does not write it: if this is dropped,
    /// [`flush`](Self::flush) does.
    ///
    /// # Errors
    /// See [`WebSocket::send`].
    pub fn send<'m>(
        &mut self,
        event: impl Into<Event<'m>>,
    ) -> impl Future<Output = Result<(), Error>>
    where
        R: Drives<S>,
    {
        let added = self.shared.change(|socket| socket.driver.write(event.into()));
        async move {
            added?;
            self.flush().await
        }
    }

    /// Sends a Close frame; the reader sees to the rest. Does nothing if the
    /// connection is closing already.
    ///
    /// # Errors
    /// [`Error::Send`] if code or reason cannot be sent; as for [`flush`](Self::flush).
    pub async fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> Result<(), Error>
    where
        R: Drives<S>,
    {
        let code = code.into();
        self.shared.change(|socket| socket.begin_close(code, reason))?;
        self.flush().await
    }

    /// Gives the connection up at once, without a Close frame: for a peer that is too slow, or
    /// not wanted any more.
    ///
    /// What waits to be written is dropped, and nothing can be sent any more. The reader's `read`
    /// fails with [`Error::Io`] of kind
    /// [`ConnectionAborted`](std::io::ErrorKind::ConnectionAborted), or says how the connection
    /// has ended if it had ended before; the stream is closed once both halves, and all clones of
    /// this one, are dropped.
    pub fn abort(&self) {
        self.shared.change(|socket| socket.driver.abort());
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.shared.lock().driver.output.len()
    }

    /// Asks the connection. Meanwhile it is locked: `ask` must not use either half.
    pub fn connection<T>(&self, ask: impl FnOnce(&Connection) -> T) -> T {
        ask(self.shared.lock().driver.connection())
    }

    /// As [`WebSocket::connection_mut`], for the length of a call. Meanwhile it is locked:
    /// `act` must not use either half. What it adds the reader writes; if that was dropped,
    /// [`flush`](Self::flush) does.
    ///
    /// ```
    /// # #[cfg(all(feature = "tokio", feature = "deflate"))]
    /// # fn example<S>(writer: &sansws::tokio::Writer<S>) -> Result<(), sansws::SendError>
    /// # where S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin {
    /// // A secret beside what others can choose is not to be compressed.
    /// writer.connection_mut(|ws, out| {
    ///     ws.set_compression(false);
    ///     let result = ws.send_text("a token", out);
    ///     ws.set_compression(true);
    ///     result
    /// })
    /// # }
    /// ```
    pub fn connection_mut<T>(&self, act: impl FnOnce(&mut Connection, &mut Vec<u8>) -> T) -> T {
        self.shared.add(|socket| {
            let (ws, out) = socket.driver.parts();
            act(ws, out)
        })
    }

    /// Adds what the reader is to write, if there is one.
    fn add(&self, add: impl FnOnce(&mut Driver) -> Result<(), SendError>) -> Result<(), SendError> {
        self.shared.add(|Socket { driver, .. }| match driver.has_reader {
            true => add(driver),
            false => Err(SendError::Closed),
        })
    }

    fn new(shared: Arc<Shared<S, R>>) -> Self {
        let half = shared.tasks.new_writer();
        Self { shared, half }
    }
}

struct Shared<S, R: Runtime> {
    socket: Mutex<Socket<S, R>>,
    tasks: Arc<Tasks>,
    /// Wakes them.
    waker: Waker,
}

impl<S, R: Runtime> Shared<S, R> {
    fn lock(&self) -> MutexGuard<'_, Socket<S, R>> {
        // A panic of the stream leaves nothing half done that matters more.
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll<T>(
        &self,
        half: Half,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Socket<S, R>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.tasks.poll(half, cx, &self.waker, |cx| self.act(|socket| poll(socket, cx)))
    }

    /// For what is followed by a flush.
    fn change<T>(&self, change: impl FnOnce(&mut Socket<S, R>) -> T) -> T {
        self.tasks.wake_for(self.act(change))
    }

    /// For what is not: the reader is to write it.
    fn add<T>(&self, add: impl FnOnce(&mut Socket<S, R>) -> T) -> T {
        self.tasks.wake_to_write(self.act(add))
    }

    /// Who is to be woken for what has changed is woken when it is not locked any more.
    fn act<T>(&self, act: impl FnOnce(&mut Socket<S, R>) -> T) -> Changed<T> {
        Changed::by(act, &mut self.lock())
    }
}

impl<S, R: Runtime> Clone for Writer<S, R> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

/// A task that has given up waiting is not to be kept.
impl<S, R: Runtime> Drop for Reader<S, R> {
    fn drop(&mut self) {
        self.0.lock().driver.has_reader = false;
        self.0.tasks.forget(Half::Reader);
    }
}

/// As for the [`Reader`].
impl<S, R: Runtime> Drop for Writer<S, R> {
    fn drop(&mut self) {
        self.shared.tasks.forget(self.half);
    }
}

impl<S, R: Drives<S>> Stream for Reader<S, R> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll(Half::Reader, cx, Socket::poll_item)
    }
}

impl<S, R: Drives<S>> FusedStream for Reader<S, R> {
    fn is_terminated(&self) -> bool {
        self.0.lock().is_terminated
    }
}

impl<S, R: Drives<S>> Sink<Message> for Writer<S, R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.shared.lock().driver.is_full() {
            return Poll::Ready(Ok(()));
        }
        self.poll_flush(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Ok(self.shared.change(|socket| socket.driver.write(message.into()))?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.poll(self.half, cx, Socket::poll_flush)
    }

    /// Sends a Close frame with code 1000; the reader sees to the rest.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.change(|socket| socket.begin_close(Some(CloseCode::NORMAL), ""))?;
        self.shared.poll(self.half, cx, Socket::poll_flush)
    }
}

impl<S: fmt::Debug, R: Runtime> fmt::Debug for Reader<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("stream", &self.0.lock().stream).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, R: Runtime> fmt::Debug for Writer<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("stream", &self.shared.lock().stream).finish_non_exhaustive()
    }
}
