//! The adapter for streams of [futures-io]: `AsyncRead` and `AsyncWrite`, as smol
//! and async-std have them. Timers are those of [async-io].
//!
//! The sending side is shut down by `poll_close`. A stream that does nothing then,
//! as async-io's `Async<TcpStream>`, leaves the peer waiting for the end until the
//! timeout; smol's `net::TcpStream` does it right.
//!
//! There is no `connect` here: a client opens a stream and gives it to
//! [`WebSocket::connect_over`](crate::io::WebSocket::connect_over).
//!
//! ```no_run
//! use sansws::frame::CloseCode;
//! use sansws::futures_io::WebSocket;
//! use sansws::{Config, handshake::RequestBuilder};
//!
//! async fn greet() -> Result<(), sansws::io::Error> {
//!     let request = RequestBuilder::new("ws://127.0.0.1:9001/")?;
//!     let uri = request.uri();
//!     let stream = smol::net::TcpStream::connect((uri.host(), uri.port())).await?;
//!     let (mut ws, _) = WebSocket::connect_over(stream, request, &Config::new()).await?;
//!     ws.send("hello").await?;
//!     println!("{:?}", ws.read().await?);
//!     ws.close(CloseCode::NORMAL, "").await
//! }
//! ```
//!
//! [futures-io]: https://docs.rs/futures-io
//! [async-io]: https://docs.rs/async-io

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use std::time::Instant;

use ::futures_io::{AsyncRead, AsyncWrite};

use super::socket::{self, Drives, Runtime, sealed};

/// A WebSocket over a stream of futures-io; its methods are those of
/// [`io::WebSocket`](crate::io::WebSocket).
pub type WebSocket<S> = super::WebSocket<S, FuturesIo>;

/// A request on a stream of futures-io; its methods are those of
/// [`io::Incoming`](crate::io::Incoming).
pub type Incoming<S> = super::Incoming<S, FuturesIo>;

/// The half of a [`WebSocket`] that reads; its methods are those of
/// [`io::Reader`](crate::io::Reader).
pub type Reader<S> = super::Reader<S, FuturesIo>;

/// The half of a [`WebSocket`] that writes; its methods are those of
/// [`io::Writer`](crate::io::Writer).
pub type Writer<S> = super::Writer<S, FuturesIo>;

/// The streams of futures-io, and the timer of async-io.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FuturesIo;

impl sealed::Sealed for FuturesIo {}

impl Runtime for FuturesIo {
    type Timer = Timer;

    fn now() -> Instant {
        Instant::now()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> sealed::Drives<S> for FuturesIo {}

impl<S: AsyncRead + AsyncWrite + Unpin> Drives<S> for FuturesIo {
    fn poll_read(s: &mut S, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(s).poll_read(cx, buf)
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
        Pin::new(s).poll_close(cx)
    }
}

/// A timer that is set only if it would go off too late: deadlines move on with
/// every message, and to look at them again when it goes off is cheaper.
#[doc(hidden)]
#[derive(Debug, Default)]
#[allow(unnameable_types, reason = "a detail of a sealed trait")]
pub struct Timer(Option<(Instant, async_io::Timer)>);

impl socket::Timer for Timer {
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let set = || (deadline, async_io::Timer::at(deadline));
        let (goes_off, timer) = self.0.get_or_insert_with(set);
        if deadline < *goes_off {
            (*goes_off, *timer) = set();
        }
        ready!(Pin::new(timer).poll(cx));
        self.0 = None;
        Poll::Ready(())
    }
}
