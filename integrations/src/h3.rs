//! The streams of h3 as streams of tokio, for WebSockets over HTTP/3 (RFC 9220).
//!
//! # What is missing
//!
//! The handshake: h3 0.0.8 cannot carry it. Its `h3::ext::Protocol` is a closed list of
//! `webtransport` and `connect-udp`, so that a client cannot send
//! `:protocol: websocket`; and a server refuses such a request as malformed
//! (`H3_MESSAGE_ERROR`) before the program sees it. All else of a request and its
//! answer goes through h3 unchanged, and is tested with `connect-udp` as a stand-in.
//! Once h3 has the name, this is a server:
//!
//! ```ignore
//! let (request, mut stream) = resolver.resolve_request().await?;
//! let protocol = request.extensions().get::<Protocol>().map(Protocol::as_str);
//! let asked = sansws::handshake::Request::from_http(&request, protocol)?;
//! let (response, connection) = asked.accept()?.into_http(&config);
//! stream.send_response(response).await?;
//! let ws = WebSocket::new(Stream::server(stream), connection, Vec::new());
//! ```

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::h3::error::{Code, StreamError};
use ::h3::quic::{BidiStream, RecvStream, SendStream};
use ::h3::{client, server};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::ReusableBoxFuture;

/// How much of what is written goes into one DATA frame, and so waits in memory.
const MAX_DATA: usize = 64 * 1024;

/// The stream of a request as the bytes of its DATA frames.
///
/// Each direction ends by itself: `shutdown` is the end of the stream's sending side,
/// as the end of a TCP connection is (RFC 9220, 3). If it is dropped before, the
/// stream is reset. What was read or written survives that a future is dropped.
pub struct Stream<S: SendHalf, R> {
    /// `None` while `sending` has it.
    sender: Option<Sender<S>>,
    sending: ReusableBoxFuture<'static, Sent<S>>,
    receiver: R,
    received: Bytes,
}

type Sent<S> = (Sender<S>, Result<(), StreamError>);

impl<S, R> Stream<server::RequestStream<S, Bytes>, server::RequestStream<R, Bytes>>
where
    S: SendStream<Bytes> + Unpin + Send + 'static,
    R: RecvStream,
{
    /// Of a server, after its response was sent.
    pub fn server<B>(stream: server::RequestStream<B, Bytes>) -> Self
    where
        B: BidiStream<Bytes, SendStream = S, RecvStream = R>,
    {
        let (sender, receiver) = stream.split();
        Self::new(sender, receiver)
    }
}

impl<S, R> Stream<client::RequestStream<S, Bytes>, client::RequestStream<R, Bytes>>
where
    S: SendStream<Bytes> + Unpin + Send + 'static,
    R: RecvStream,
{
    /// Of a client, after the response was received.
    pub fn client<B>(stream: client::RequestStream<B, Bytes>) -> Self
    where
        B: BidiStream<Bytes, SendStream = S, RecvStream = R>,
    {
        let (sender, receiver) = stream.split();
        Self::new(sender, receiver)
    }
}

impl<S: SendHalf, R> Stream<S, R> {
    fn new(sender: S, receiver: R) -> Self {
        Self {
            sender: Some(Sender { half: sender, is_finished: false }),
            // It is not polled before another is set.
            sending: ReusableBoxFuture::new(std::future::pending()),
            receiver,
            received: Bytes::new(),
        }
    }

    /// Takes the sender, once h3 has taken what was given to it before.
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Sender<S>>> {
        if let Some(sender) = self.sender.take() {
            return Poll::Ready(Ok(sender));
        }
        let (sender, sent) = ready!(self.sending.poll(cx));
        Poll::Ready(match sent {
            Ok(()) => Ok(sender),
            Err(error) => {
                self.sender = Some(sender);
                Err(io_error(error))
            }
        })
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sender = Some(ready!(self.poll_take(cx))?);
        Poll::Ready(Ok(()))
    }

    /// Takes the first bytes of `bufs`. That they wait for the peer's flow control is
    /// for the next call to notice.
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let sender = ready!(self.poll_take(cx))?;
        let len = bufs.iter().map(|buf| buf.len()).sum::<usize>().min(MAX_DATA);
        let mut data = BytesMut::with_capacity(len);
        for buf in bufs {
            data.extend_from_slice(&buf[..buf.len().min(len - data.len())]);
        }
        self.sending.set(sender.send(data.freeze()));
        // It does nothing until it is polled.
        match self.poll_sent(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(len)),
        }
    }
}

impl<S: SendHalf, R: ReceiveHalf> AsyncRead for Stream<S, R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.received.is_empty() {
            match ready!(self.receiver.poll_data(cx)).map_err(io_error)? {
                // A DATA frame may be empty.
                Some(data) => self.received = data,
                None => return Poll::Ready(Ok(())),
            }
        }
        let len = self.received.len().min(buf.remaining());
        buf.put_slice(&self.received.split_to(len));
        Poll::Ready(Ok(()))
    }
}

impl<S: SendHalf, R: Unpin> AsyncWrite for Stream<S, R> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_sent(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sender = ready!(self.poll_take(cx))?;
        if sender.is_finished {
            self.sender = Some(sender);
            return Poll::Ready(Ok(()));
        }
        self.sending.set(sender.finish());
        self.poll_sent(cx)
    }
}

impl<S: SendHalf, R> fmt::Debug for Stream<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let received = &self.received.len();
        f.debug_struct("Stream").field("received", received).finish_non_exhaustive()
    }
}

/// A sending half that is moved into what it does, since h3's methods borrow it and
/// must not be dropped half-way.
struct Sender<S: SendHalf> {
    half: S,
    is_finished: bool,
}

impl<S: SendHalf> Sender<S> {
    async fn send(mut self, data: Bytes) -> Sent<S> {
        let result = self.half.send(data).await;
        (self, result)
    }

    async fn finish(mut self) -> Sent<S> {
        self.is_finished = true;
        let result = self.half.finish().await;
        (self, result)
    }
}

impl<S: SendHalf> Drop for Sender<S> {
    fn drop(&mut self) {
        // RFC 9220, 3: what a reset is to TCP "is represented by a stream error of
        // type H3_REQUEST_CANCELLED"
        if !self.is_finished {
            self.half.reset(Code::H3_REQUEST_CANCELLED);
        }
    }
}

/// What sends in h3, a server's or a client's.
pub trait SendHalf: Unpin + Send + 'static {
    #[doc(hidden)]
    fn send(&mut self, data: Bytes) -> impl Future<Output = Result<(), StreamError>> + Send;

    #[doc(hidden)]
    fn finish(&mut self) -> impl Future<Output = Result<(), StreamError>> + Send;

    #[doc(hidden)]
    fn reset(&mut self, code: Code);
}

/// What receives in h3, a server's or a client's.
pub trait ReceiveHalf: Unpin {
    #[doc(hidden)]
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamError>>;
}

macro_rules! halves_of {
    ($role:ident) => {
        impl<S: SendStream<Bytes> + Unpin + Send + 'static> SendHalf
            for $role::RequestStream<S, Bytes>
        {
            fn send(
                &mut self,
                data: Bytes,
            ) -> impl Future<Output = Result<(), StreamError>> + Send {
                self.send_data(data)
            }

            fn finish(&mut self) -> impl Future<Output = Result<(), StreamError>> + Send {
                Self::finish(self)
            }

            fn reset(&mut self, code: Code) {
                self.stop_stream(code);
            }
        }

        impl<R: RecvStream + Unpin> ReceiveHalf for $role::RequestStream<R, Bytes> {
            fn poll_data(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<Result<Option<Bytes>, StreamError>> {
                let data = ready!(self.poll_recv_data(cx))?;
                Poll::Ready(Ok(data.map(|mut data| data.copy_to_bytes(data.remaining()))))
            }
        }
    };
}

halves_of!(server);
halves_of!(client);

fn io_error(error: StreamError) -> io::Error {
    match error {
        StreamError::RemoteTerminate { .. } => {
            io::Error::new(io::ErrorKind::ConnectionReset, error)
        }
        _ => io::Error::other(error),
    }
}
