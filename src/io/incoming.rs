use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::error::Error;
use super::opening::Opening;
use super::socket::{Drives, Runtime};
use super::websocket::WebSocket;
use crate::connection::Config;
use crate::handshake::{Accept, Request};

/// A client's request on a stream, read and not yet answered.
///
/// ```no_run
/// # #[cfg(feature = "tokio")]
/// # async fn example(stream: tokio::net::TcpStream) -> Result<(), sansws::io::Error> {
/// use sansws::Config;
/// use sansws::tokio::Incoming;
///
/// let config = Config::new();
/// let incoming = Incoming::receive(stream, &config).await?;
/// match incoming.request().path() {
///     "/chat" => {
///         let mut subprotocol = None;
///         let mut ws = incoming
///             .accept(&config, |request| {
///                 let accept = request.accept()?.select_subprotocol(&["v2.chat", "v1.chat"]);
///                 subprotocol = accept.subprotocol().map(String::from);
///                 Ok(accept)
///             })
///             .await?;
///         while let Some(message) = ws.read().await? {
///             // …
///         }
///     }
///     _ => incoming.respond(404, &[], b"no such page\n").await?,
/// }
/// # Ok(())
/// # }
/// ```
pub struct Incoming<S, R: Runtime>(Box<Inner<S, R>>);

// Boxed for the sake of futures that keep it, as the connection is.
struct Inner<S, R: Runtime> {
    opening: Opening<S, R>,
    request: Request<'static>,
    remainder: Vec<u8>,
}

impl<S, R: Runtime> Incoming<S, R> {
    /// Reads a request from `stream`, in the time that [`Config::handshake_timeout`] gives. The
    /// answer has as much again, from when it is given: between the two the program may take its
    /// own.
    ///
    /// # Errors
    /// [`Error::Handshake`] if it is not HTTP/1.x or too long, of which the client has been told;
    /// [`Error::HandshakeTimeout`]; [`Error::Io`], of kind `UnexpectedEof` if the client has gone.
    pub async fn receive(stream: S, config: &Config) -> Result<Self, Error>
    where
        R: Drives<S>,
    {
        // Boxed, so that what only this needs is given back after it.
        Box::pin(async {
            let mut opening = Opening::new(stream, R::Timer::default(), config);
            let (request, remainder) = opening.receive_request().await?;
            Ok(Self(Box::new(Inner { opening, request, remainder })))
        })
        .await
    }

    /// The request, which may be any that is well-formed HTTP/1.x.
    #[must_use]
    pub fn request(&self) -> &Request<'static> {
        &self.0.request
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &S {
        &self.0.opening.stream
    }

    /// Accepts the request as `choose` says: which subprotocol, which headers, from
    /// which origins.
    ///
    /// # Errors
    /// What `choose` returns: for an [`Error::Handshake`] the client has been sent
    /// the fitting answer, and status 500 for others. [`Error::HandshakeTimeout`];
    /// [`Error::Io`].
    pub async fn accept<C>(mut self, config: &Config, choose: C) -> Result<WebSocket<S, R>, Error>
    where
        R: Drives<S>,
        C: for<'r> FnOnce(&'r Request<'static>) -> Result<Accept<'r>, Error>,
    {
        let Inner { opening, request, .. } = &mut *self.0;
        let connection = Box::pin(opening.accept(request, config, choose)).await?;
        Ok(WebSocket::new(self.0.opening.stream, connection, self.0.remainder))
    }

    /// Answers with another status, `headers` and a `body`, as
    /// [`Request::respond`] does, and ends the stream in order.
    ///
    /// # Errors
    /// [`Error::Build`] if the status, a header or the body is not allowed
    /// ([`Request::respond`]): then the client has been sent status 500.
    /// [`Error::HandshakeTimeout`]; [`Error::Io`].
    pub async fn respond(
        mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), Error>
    where
        R: Drives<S>,
    {
        let Inner { opening, request, .. } = &mut *self.0;
        Box::pin(opening.respond(request, status, headers, body)).await
    }
}

impl<S: fmt::Debug, R: Runtime> fmt::Debug for Incoming<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("stream", self.stream())
            .field("request", &self.0.request)
            .finish_non_exhaustive()
    }
}
