use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ::tokio::net::{TcpStream, lookup_host};
use ::tokio::task::JoinSet;
use ::tokio::time;

use super::Connector;
use super::addresses::by_turns;
use super::failure::{about, no_address, took_too_long};
#[cfg(feature = "tokio-rustls")]
use super::tls::{Tls, tls_for};
use crate::handshake::{Accepted, RequestBuilder, Uri};
use crate::io::error::Error;
use crate::io::opening::Opening;
use crate::io::tokio::{Timer, Tokio, WebSocket};
use crate::io::trace;

/// How long one address has, before the next is tried beside it (RFC 8305, 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Opens a connection to the server that a `ws` or `wss` URI names; for more than
/// that, see [`Connector`].
///
/// ```no_run
/// # async fn example() -> Result<(), sansws::io::Error> {
/// let (mut ws, _) = sansws::tokio::connect("wss://example.com/").await?;
/// ws.send("hello").await?;
/// println!("{:?}", ws.read().await?);
/// ws.close(sansws::CloseCode::NORMAL, "").await
/// # }
/// ```
///
/// # Errors
/// As for [`Connector::connect`]; [`Error::Build`] if it is no such URI.
pub async fn connect(uri: &str) -> Result<(WebSocket<ClientStream>, Accepted<'static>), Error> {
    Connector::new().connect(uri).await
}

impl Connector {
    /// Opens a connection with tokio: to a URI, or as a [`RequestBuilder`] says. If the
    /// server's name has several addresses, the first that answers is taken.
    ///
    /// # Errors
    /// [`Error::Io`], if there is no way to the server, TLS fails, or it takes too
    /// long, and of kind `Unsupported` for `wss` if the features for TLS, or for whom to trust,
    /// are missing; [`Error::Refused`], by the server or a proxy; [`Error::Handshake`];
    /// [`Error::HandshakeTimeout`].
    pub async fn connect(
        &self,
        request: impl TryInto<RequestBuilder, Error: Into<Error>>,
    ) -> Result<(WebSocket<ClientStream>, Accepted<'static>), Error> {
        let request = request.try_into().map_err(Into::into)?;
        let uri = request.uri();
        let stream = time::timeout(self.timeout, self.open(uri)).await;
        let stream = stream.unwrap_or_else(|_| Err(took_too_long().into()));
        let stream =
            stream.inspect_err(|error| trace::failed_to_open(Some(uri.authority()), error))?;
        WebSocket::connect_over(stream, request, &self.config).await
    }

    async fn open(&self, uri: &Uri) -> Result<ClientStream, Error> {
        let tls = tls_for(uri, self)?;
        let (host, port) = self.first_hop(uri);
        let addresses = lookup_host((host, port)).await.map_err(about(host))?;
        let mut stream = connect_any(by_turns(addresses)).await?;
        // Messages are joined before they are written; nothing is gained by waiting.
        stream.set_nodelay(true)?;
        if let Some(proxy) = &self.proxy {
            let mut opening = Opening::<_, Tokio>::new(stream, Timer::default(), &self.config);
            let tunnel = opening.tunnel(uri, proxy.authorization.as_deref()).await;
            tunnel.map_err(Self::at_the_proxy(proxy))?;
            stream = opening.stream;
        }
        match tls {
            Some(tls) => encrypt(stream, tls).await,
            None => Ok(ClientStream::plain(stream)),
        }
    }
}

#[cfg(feature = "tokio-rustls")]
async fn encrypt(stream: TcpStream, tls: Tls) -> Result<ClientStream, Error> {
    let connector = tokio_rustls::TlsConnector::from(tls.config);
    let stream = connector.connect(tls.server_name, stream).await?;
    Ok(ClientStream(Layers::Tls(alloc::boxed::Box::new(stream))))
}

/// Without the feature there is never one: `tls_for` refuses `wss`.
#[cfg(not(feature = "tokio-rustls"))]
enum Tls {}

#[cfg(not(feature = "tokio-rustls"))]
fn tls_for(uri: &Uri, _: &Connector) -> io::Result<Option<Tls>> {
    let text = "wss takes the feature `tokio-rustls`";
    if uri.is_secure() { Err(io::Error::new(io::ErrorKind::Unsupported, text)) } else { Ok(None) }
}

#[cfg(not(feature = "tokio-rustls"))]
async fn encrypt(_: TcpStream, tls: Tls) -> Result<ClientStream, Error> {
    match tls {}
}

/// The first connection that can be had: the addresses are tried in order, each
/// with a head start before the next.
async fn connect_any(addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut addresses = addresses.into_iter().peekable();
    let mut attempts = JoinSet::new();
    let mut failure = no_address();
    loop {
        if let Some(address) = addresses.next() {
            let connect = async move { TcpStream::connect(address).await.map_err(about(address)) };
            attempts.spawn(connect);
        }
        let attempt = if addresses.peek().is_some() {
            time::timeout(HEAD_START, attempts.join_next()).await.ok()
        } else {
            Some(attempts.join_next().await)
        };
        match attempt {
            Some(Some(Ok(Ok(stream)))) => return Ok(stream),
            Some(Some(Ok(Err(error)))) => failure = error,
            Some(Some(Err(error))) => failure = io::Error::other(error),
            Some(None) if addresses.peek().is_none() => return Err(failure),
            Some(None) | None => {}
        }
    }
}

/// A stream to a server: TCP, with TLS if the URI asks for it.
#[derive(Debug)]
pub struct ClientStream(Layers);

#[derive(Debug)]
enum Layers {
    Plain(TcpStream),
    #[cfg(feature = "tokio-rustls")]
    Tls(alloc::boxed::Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl ClientStream {
    const fn plain(stream: TcpStream) -> Self {
        Self(Layers::Plain(stream))
    }

    /// The TCP stream at the bottom.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Layers::Plain(stream) => stream,
            #[cfg(feature = "tokio-rustls")]
            Layers::Tls(stream) => stream.get_ref().0,
        }
    }

    /// The TLS connection, for its questions: the peer's certificates, the version, the protocol
    /// agreed on. `None` without TLS.
    #[cfg(feature = "tokio-rustls")]
    #[must_use]
    pub fn tls(&self) -> Option<&rustls::ClientConnection> {
        match &self.0 {
            Layers::Plain(_) => None,
            Layers::Tls(stream) => Some(stream.get_ref().1),
        }
    }
}

/// Both layers are `Unpin`.
macro_rules! delegate {
    ($self:expr, $stream:ident => $call:expr) => {
        match &mut $self.get_mut().0 {
            Layers::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            #[cfg(feature = "tokio-rustls")]
            Layers::Tls($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
        }
    };
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Layers::Plain(stream) => stream.is_write_vectored(),
            #[cfg(feature = "tokio-rustls")]
            Layers::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_shutdown(cx))
    }
}
