//! An extractor for axum: a WebSocket by the `Upgrade` of HTTP/1.1 and by the
//! extended CONNECT of HTTP/2 (RFC 8441).
//!
//! The request is hyper's to read: what [`Config`] says of the opening handshake has no effect, and
//! `axum::serve` waits for a request for as long as it takes. A server that strangers can reach
//! serves its `Router` with hyper-util, and gives the builder of `http1()` a timer and a
//! `header_read_timeout`.
//!
//! Nor does axum's graceful shutdown wait for WebSockets: it is for the program to tell and to
//! await them (`examples/axum_echo.rs`).

use std::fmt;

use ::axum::body::Body;
use ::axum::extract::{FromRequestParts, OptionalFromRequestParts};
use ::axum::response::{IntoResponse, Response};
use ::http::Version;
use ::http::request::Parts;
use ::hyper::ext::Protocol;
use ::hyper::upgrade::OnUpgrade;
use sansws::handshake::{Accept, HandshakeError, OriginPolicy, Request};
use sansws::{Config, DeflateConfig};

use crate::hyper::Opening;
pub use crate::hyper::WebSocket;

/// A request to open a WebSocket, checked and not yet answered.
///
/// Route to it with `any`: over HTTP/2 the method is CONNECT. Where there is a page too, take an
/// `Option` of it: that is `None` for whoever does not ask for a WebSocket, nor for a tunnel.
///
/// ```
/// use axum::{Router, response::Response, routing::any};
/// use integrations::axum::{WebSocket, WebSocketUpgrade};
/// use sansws::Message;
///
/// let app: Router = Router::new().route("/ws", any(serve));
///
/// async fn serve(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.subprotocols(&["v2.chat", "v1.chat"]).on_upgrade(echo)
/// }
///
/// async fn echo(mut ws: WebSocket) {
///     while let Ok(Some(message)) = ws.read().await {
///         if let Message::Text(_) | Message::Binary(_) = message {
///             let _ = ws.write(message); // the next read sends it
///         }
///     }
/// }
/// ```
#[must_use = "nothing is answered before on_upgrade is called"]
pub struct WebSocketUpgrade {
    request: Request<'static>,
    version: Version,
    on_upgrade: OnUpgrade,
    config: Config,
    origins: Option<OriginPolicy>,
    subprotocol: Option<String>,
    deflate: Option<DeflateConfig>,
    on_failed_upgrade: Option<Box<dyn FnOnce(::hyper::Error) + Send>>,
}

impl WebSocketUpgrade {
    /// Sets what to do if the client is gone before it has the answer. Default: nothing.
    pub fn on_failed_upgrade(mut self, act: impl FnOnce(::hyper::Error) + Send + 'static) -> Self {
        self.on_failed_upgrade = Some(Box::new(act));
        self
    }

    /// Sets the limits and habits of the connection.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets which pages' scripts may connect; others are answered with 403.
    /// Default: all.
    pub fn origins(mut self, policy: OriginPolicy) -> Self {
        self.origins = Some(policy);
        self
    }

    /// Selects the first of `supported` that the client offers.
    pub fn subprotocols(mut self, supported: &[&str]) -> Self {
        let accept = self.request.accept().map(|accept| accept.select_subprotocol(supported));
        self.subprotocol = accept.ok().and_then(|accept| accept.subprotocol().map(Into::into));
        self
    }

    /// The subprotocol that was selected.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Agrees to compress messages, if the client offers it.
    pub const fn deflate(mut self, config: DeflateConfig) -> Self {
        self.deflate = Some(config);
        self
    }

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Request<'static> {
        &self.request
    }

    /// The answer, to which headers can be added; once it is sent, `serve` runs in a
    /// task of its own. If the client is gone by then it does not run
    /// ([`on_failed_upgrade`](Self::on_failed_upgrade)).
    #[must_use = "the WebSocket opens when the response is sent"]
    pub fn on_upgrade<S, F>(self, serve: S) -> Response
    where
        S: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (response, connection) = match self.accept() {
            Ok(accept) => accept.into_http(&self.config),
            Err(error) => return Rejection { error, version: self.version }.into_response(),
        };
        let opening = Opening::new(self.on_upgrade, connection);
        tokio::spawn(async move {
            match opening.await {
                Ok(ws) => serve(ws).await,
                Err(error) => {
                    if let Some(act) = self.on_failed_upgrade {
                        act(error);
                    }
                }
            }
        });
        response
    }

    fn accept(&self) -> Result<Accept<'_>, HandshakeError> {
        let accept = match &self.origins {
            Some(policy) => self.request.accept_from(policy)?,
            None => self.request.accept()?,
        };
        let accept = accept.select_subprotocol(self.subprotocol.as_deref().as_slice());
        Ok(match self.deflate {
            Some(config) => accept.deflate(config),
            None => accept,
        })
    }
}

impl<S: Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let version = parts.version;
        let checked = read(parts).and_then(|request| request.accept().map(drop).map(|()| request));
        let (request, on_upgrade) = match (checked, parts.extensions.remove::<OnUpgrade>()) {
            (Ok(request), Some(on_upgrade)) => (request, on_upgrade),
            (Err(error), _) => return Err(Rejection { error, version }),
            // Not served by hyper, or not with upgrades
            (Ok(_), None) => return Err(Rejection { error: HandshakeError::Upgrade, version }),
        };
        Ok(Self {
            request,
            version,
            on_upgrade,
            config: Config::new(),
            origins: None,
            subprotocol: None,
            deflate: None,
            on_failed_upgrade: None,
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Rejection> {
        // Whatever answers a CONNECT well says that it has opened what was asked for.
        let is_page = |request: Request<'_>| !request.is_websocket() && parts.method != "CONNECT";
        if read(parts).is_ok_and(is_page) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

fn read(parts: &Parts) -> Result<Request<'static>, HandshakeError> {
    let protocol = parts.extensions.get::<Protocol>().map(Protocol::as_str);
    Request::from_http_parts(parts, protocol)
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("request", &self.request)
            .field("subprotocol", &self.subprotocol)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a request, and its answer: as
/// [`HandshakeError::into_http`] has it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{error}")]
#[non_exhaustive]
pub struct Rejection {
    /// What is wrong.
    #[source]
    pub error: HandshakeError,
    /// The version of HTTP in which to say it.
    pub version: Version,
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.error.into_http::<Body>(self.version)
    }
}
