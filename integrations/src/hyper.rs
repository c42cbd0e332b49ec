//! Servers and clients of hyper: a WebSocket by the `Upgrade` of HTTP/1.1 and by
//! the extended CONNECT of HTTP/2 (RFC 8441).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::hyper::body::{Body, Incoming};
use ::hyper::client::conn::{http1, http2};
use ::hyper::ext::Protocol;
use ::hyper::upgrade::{self, OnUpgrade, Upgraded};
use ::hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sansws::handshake::{
    self, Accept, Accepted, Answer, BuildError, ClientHandshake, HandshakeError, RequestBuilder,
};
use sansws::{Config, Connection, MaskingKeys};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is written at a time: what hyper has taken, the WebSocket does not know to be
/// waiting, neither for `unwritten` nor for the keepalive ([`Stream`]).
const MAX_WRITE: usize = 64 * 1024;

/// A WebSocket over what a connection or a stream of hyper has become.
pub type WebSocket = sansws::tokio::WebSocket<Stream>;

/// Accepts a request to open a WebSocket as `choose` says: which subprotocol, whether
/// compressed, from which origins. Send the response, with headers of yours added to it if
/// there are any, and await the [`Opening`] in another task, as it is done only after that.
///
/// Over HTTP/1.1 the connection must be served `with_upgrades`; over HTTP/2 the
/// server must be built with `enable_connect_protocol`.
///
/// # Errors
/// What is wrong with the request, or what `choose` returns; `into_http` makes the
/// answer.
///
/// ```
/// use hyper::{Request, Response};
/// use sansws::{Config, Message};
///
/// async fn answer<B>(mut request: Request<B>) -> hyper::Result<Response<String>> {
///     let opening = integrations::hyper::upgrade(&mut request, &Config::new(), |r| r.accept());
///     let (response, opening) = match opening {
///         Ok(opening) => opening,
///         Err(error) => return Ok(error.into_http(request.version())),
///     };
///     tokio::spawn(async move {
///         let mut ws = opening.await.map_err(std::io::Error::other)?;
///         while let Some(message) = ws.read().await? {
///             if let Message::Text(_) | Message::Binary(_) = message {
///                 ws.write(message)?; // the next read sends it
///             }
///         }
///         Ok::<_, sansws::io::Error>(())
///     });
///     Ok(response)
/// }
/// ```
pub fn upgrade<B, R, C>(
    request: &mut Request<B>,
    config: &Config,
    choose: C,
) -> Result<(Response<R>, Opening), HandshakeError>
where
    R: Default,
    C: for<'r> FnOnce(&'r handshake::Request<'static>) -> Result<Accept<'r>, HandshakeError>,
{
    let protocol = request.extensions().get::<Protocol>().map(Protocol::as_str);
    let asked = handshake::Request::from_http(request, protocol)?;
    let (response, connection) = choose(&asked)?.into_http(config);
    Ok((response, Opening::new(upgrade::on(request), connection)))
}

/// A WebSocket that opens once its response has been sent.
#[derive(Debug)]
#[must_use = "it opens only if it is awaited"]
pub struct Opening {
    on_upgrade: OnUpgrade,
    connection: Option<Connection>,
}

impl Opening {
    pub(crate) const fn new(on_upgrade: OnUpgrade, connection: Connection) -> Self {
        Self { on_upgrade, connection: Some(connection) }
    }
}

impl Future for Opening {
    type Output = ::hyper::Result<WebSocket>;

    /// # Panics
    /// If it is polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.on_upgrade).poll(cx))?;
        let connection = self.connection.take().expect("polled after it was ready");
        // What hyper has read too far it gives back with the stream.
        Poll::Ready(Ok(WebSocket::new(Stream::new(upgraded), connection, Vec::new())))
    }
}

/// What a connection or a stream of hyper has become, written to little by little.
///
/// Over HTTP/2 hyper takes all that it is given, and keeps it until the peer opens a window
/// for it, also when the WebSocket has given that peer up and is gone. So a peer that never
/// does so could have it keep a message for each stream.
#[derive(Debug)]
pub struct Stream(TokioIo<Upgraded>);

impl Stream {
    fn new(upgraded: Upgraded) -> Self {
        Self(TokioIo::new(upgraded))
    }

    fn inner(self: Pin<&mut Self>) -> Pin<&mut TokioIo<Upgraded>> {
        Pin::new(&mut self.get_mut().0)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, &bytes[..bytes.len().min(MAX_WRITE)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut left = MAX_WRITE;
        let most = slices.iter().map(|slice| {
            let most = &slice[..slice.len().min(left)];
            left -= most.len();
            IoSlice::new(most)
        });
        self.inner().poll_write_vectored(cx, &most.collect::<Vec<_>>())
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}

/// Opens a WebSocket by `Upgrade` over a connection of HTTP/1.1, which must be driven
/// `with_upgrades`, and which it takes over.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect_http1<B>(
    sender: &mut http1::SendRequest<B>,
    request: RequestBuilder,
    config: &Config,
) -> Result<(WebSocket, Accepted<'static>), ConnectError>
where
    B: Body + Default + 'static,
{
    let (request, handshake) = request.start_http(handshake::nonce())?;
    open(sender.send_request(request).await?, handshake, config).await
}

/// Opens a WebSocket by an extended CONNECT, on a stream of its own of a connection of
/// HTTP/2.
///
/// The server must have said that it takes that (RFC 8441, 3). It says so before its
/// first answer, so a client that has sent another request before is right to ask its
/// connection:
///
/// ```
/// use hyper::{Request, client::conn::http2};
/// use hyper_util::rt::{TokioExecutor, TokioIo};
/// use integrations::hyper::{ConnectError, WebSocket, connect_http2};
/// use sansws::{Config, handshake::RequestBuilder};
///
/// async fn connect(stream: tokio::net::TcpStream) -> Result<WebSocket, ConnectError> {
///     let stream = TokioIo::new(stream);
///     let (mut sender, mut http) = http2::handshake(TokioExecutor::new(), stream).await?;
///     let mut page = Request::new(String::new());
///     *page.uri_mut() = http::Uri::from_static("http://example.com/");
///     tokio::select! {
///         end = &mut http => end?,
///         response = sender.send_request(page) => drop(response?),
///     }
///     assert!(http.is_extended_connect_protocol_enabled());
///     tokio::spawn(http);
///     let request = RequestBuilder::new("ws://example.com/chat")?;
///     let (ws, _) = connect_http2(&mut sender, request, &Config::new()).await?;
///     Ok(ws)
/// }
/// ```
///
/// # Errors
/// [`ConnectError`].
pub async fn connect_http2<B>(
    sender: &mut http2::SendRequest<B>,
    request: RequestBuilder,
    config: &Config,
) -> Result<(WebSocket, Accepted<'static>), ConnectError>
where
    B: Body + Default + 'static,
{
    let (mut request, handshake) = request.start_http_connect()?;
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    open(sender.send_request(request).await?, handshake, config).await
}

async fn open(
    mut response: Response<Incoming>,
    mut handshake: ClientHandshake,
    config: &Config,
) -> Result<(WebSocket, Accepted<'static>), ConnectError> {
    let accepted = match handshake.receive_http(&response)? {
        Answer::Accepted(accepted) => accepted,
        Answer::Refused(_) => return Err(ConnectError::Refused(response.into())),
    };
    let connection = accepted.clone().into_connection(config, MaskingKeys::random());
    Ok((Opening::new(upgrade::on(&mut response), connection).await?, accepted))
}

/// Why a client could not open a WebSocket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The connection failed.
    #[error(transparent)]
    Hyper(#[from] ::hyper::Error),
    /// The request cannot be sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The server's answer breaks a rule.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The server answered with another status, or an error over HTTP/2.
    #[error("the server answered with status {}", .0.status())]
    Refused(Box<Response<Incoming>>),
}
