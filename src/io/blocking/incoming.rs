use alloc::vec::Vec;
use core::fmt;

use super::runtime::{Blocking, Timer, now};
use super::{Stream, WebSocket};
use crate::connection::Config;
use crate::handshake::{Accept, Request};
use crate::io::error::Error;
use crate::io::opening::Opening;

/// A client's request on a blocking stream, read and not yet answered.
pub struct Incoming<S> {
    opening: Opening<S, Blocking>,
    request: Request<'static>,
    remainder: Vec<u8>,
}

impl<S> Incoming<S> {
    /// Reads a request from `stream`, in the time that [`Config::handshake_timeout`] gives. The
    /// answer has as much again, from when it is given: between the two the program may take its
    /// own.
    ///
    /// # Errors
    /// [`Error::Handshake`] if it is not HTTP/1.x or too long, of which the client has been told;
    /// [`Error::HandshakeTimeout`]; [`Error::Io`], of kind `UnexpectedEof` if the client has gone.
    pub fn receive(stream: S, config: &Config) -> Result<Self, Error>
    where
        S: Stream,
    {
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
        S: Stream,
        C: for<'r> FnOnce(&'r Request<'static>) -> Result<Accept<'r>, Error>,
    {
        let connection = now(self.opening.accept(&self.request, config, choose))?;
        Ok(WebSocket::after(self.opening, connection, self.remainder))
    }

    /// Answers with another status, `headers` and a `body`, as
    /// [`Request::respond`] does, and ends the stream in order.
    ///
    /// # Errors
    /// [`Error::Build`] if the status, a header or the body is not allowed
    /// ([`Request::respond`]): then the client has been sent status 500.
    /// [`Error::HandshakeTimeout`]; [`Error::Io`].
    pub fn respond(
        mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), Error>
    where
        S: Stream,
    {
        now(self.opening.respond(&self.request, status, headers, body))
    }
}

impl<S: fmt::Debug> fmt::Debug for Incoming<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("stream", self.stream())
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
