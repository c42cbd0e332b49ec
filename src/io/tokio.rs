//! The adapter for streams of [tokio]: `AsyncRead` and `AsyncWrite`.
//!
//! The opening handshake, [keepalive](crate::Config::keepalive) and closing take timers: the
//! runtime needs time enabled, as `#[tokio::main]` has it, or tokio panics. (A task that has a
//! peer who sends without end gives way to others as tokio's own streams make it do: so another
//! executor's `block_on` has no place within a task.)
//!
//! An echo server; [`Incoming`] is for one that looks at the request first, `connect` for
//! clients (feature `connect`), and [`WebSocket::split`](crate::io::WebSocket::split) for
//! two tasks:
//!
//! ```no_run
//! use sansws::tokio::WebSocket;
//! use sansws::{Config, Message};
//! use tokio::net::{TcpListener, TcpStream};
//!
//! # async fn example() -> std::io::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:9001").await?;
//! loop {
//!     let (stream, peer) = listener.accept().await?;
//!     tokio::spawn(async move {
//!         if let Err(error) = serve(stream).await {
//!             eprintln!("{peer}: {error}");
//!         }
//!     });
//! }
//! # }
//!
//! async fn serve(stream: TcpStream) -> Result<(), sansws::io::Error> {
//!     let mut ws = WebSocket::accept(stream, &Config::new()).await?;
//!     while let Some(message) = ws.read().await? {
//!         if let Message::Text(_) | Message::Binary(_) = message {
//!             ws.write(message)?; // the next read sends it
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Writing what others say while reading, here what comes from a channel, and the time:
//!
//! ```no_run
//! use std::time::Duration;
//! use sansws::tokio::WebSocket;
//! use sansws::{Message, SendError, io};
//! use tokio::sync::broadcast::{Receiver, error::RecvError};
//!
//! async fn serve<S>(mut ws: WebSocket<S>, mut news: Receiver<String>) -> Result<(), io::Error>
//! where
//!     S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
//! {
//!     let mut every_minute = tokio::time::interval(Duration::from_secs(60));
//!     loop {
//!         let written = tokio::select! {
//!             message = ws.read() => match message? {
//!                 Some(Message::Text(question)) => ws.write(format!("{question}? Who knows.")),
//!                 Some(_) => Ok(()),
//!                 None => return Ok(()),
//!             },
//!             news = news.recv() => match news {
//!                 Ok(_) if ws.unwritten() > 1 << 20 => Ok(()), // too slow: some is missed
//!                 Ok(news) => ws.write(news),
//!                 Err(RecvError::Lagged(_)) => ws.write("(some news was missed)"),
//!                 Err(RecvError::Closed) => return ws.close(sansws::CloseCode::GOING_AWAY, "").await,
//!             },
//!             _ = every_minute.tick() => ws.write("tick"),
//!         };
//!         match written {
//!             // The peer was faster: the next reads say how it ended.
//!             Ok(()) | Err(SendError::Closed) => {}
//!             Err(error) => return Err(error.into()),
//!         }
//!     }
//! }
//! ```
//!
//! [tokio]: https://docs.rs/tokio

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use std::time::Instant;

use ::tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use ::tokio::time::Sleep;
use bytes::BufMut;

#[cfg(feature = "connect")]
pub use super::connect::tokio::{ClientStream, connect};
use super::socket::{self, Drives, Runtime, sealed};

/// A WebSocket over a stream of tokio; its methods are those of
/// [`io::WebSocket`](crate::io::WebSocket).
pub type WebSocket<S> = super::WebSocket<S, Tokio>;

/// A request on a stream of tokio; its methods are those of
/// [`io::Incoming`](crate::io::Incoming).
pub type Incoming<S> = super::Incoming<S, Tokio>;

/// The half of a [`WebSocket`] that reads; its methods are those of
/// [`io::Reader`](crate::io::Reader).
pub type Reader<S> = super::Reader<S, Tokio>;

/// The half of a [`WebSocket`] that writes; its methods are those of
/// [`io::Writer`](crate::io::Writer).
pub type Writer<S> = super::Writer<S, Tokio>;

/// The streams and the timer of tokio.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Tokio;

impl sealed::Sealed for Tokio {}

impl Runtime for Tokio {
    type Timer = Timer;

    /// A task that wakes itself keeps the runtime from looking at its sockets and timers.
    fn give_way(cx: &mut Context<'_>) {
        let _ = pin!(::tokio::task::yield_now()).poll(cx);
    }

    fn now() -> Instant {
        ::tokio::time::Instant::now().into_std()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> sealed::Drives<S> for Tokio {}

impl<S: AsyncRead + AsyncWrite + Unpin> Drives<S> for Tokio {
    fn poll_read(s: &mut S, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(s).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }

    const APPENDS: bool = true;

    fn poll_append(
        s: &mut S,
        cx: &mut Context<'_>,
        buf: &mut Vec<u8>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        // It is polled once, so that it does not matter that it keeps nothing.
        pin!(s.read_buf(&mut buf.limit(most))).poll(cx)
    }

    fn poll_write(
        s: &mut S,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs {
            [buf] => Pin::new(s).poll_write(cx, buf),
            _ => Pin::new(s).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(s: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(s).poll_flush(cx)
    }

    fn poll_shutdown(s: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(s).poll_shutdown(cx)
    }
}

/// A timer that is set only if it would go off too late: deadlines move on with
/// every message, and to look at them again when it goes off is cheaper.
#[doc(hidden)]
#[derive(Debug, Default)]
#[allow(unnameable_types, reason = "a detail of a sealed trait")]
pub struct Timer(Option<Pin<Box<Sleep>>>);

impl socket::Timer for Timer {
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let deadline = ::tokio::time::Instant::from_std(deadline);
        let sleep = self.0.get_or_insert_with(|| Box::pin(::tokio::time::sleep_until(deadline)));
        if deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        }
        ready!(sleep.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(())
    }
}
