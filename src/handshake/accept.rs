use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::accept_key::AcceptKey;
use super::error::BuildError;
use super::head::push_line;
use super::parts::ResponseParts;
use super::response::push_header;
use super::server::Request;
use crate::connection::{Config, Connection};
#[cfg(feature = "deflate")]
use crate::deflate::{self, DeflateConfig, DeflateParameters};

/// An answer that accepts a [`Request`].
#[must_use = "nothing is answered before into_connection or into_response is called"]
pub struct Accept<'r> {
    request: &'r Request<'r>,
    /// The client's, if there is one: not with an extended CONNECT.
    key: Option<&'r [u8]>,
    subprotocol: Option<&'r str>,
    headers: Vec<u8>,
    /// What was agreed on, and the words for it.
    #[cfg(feature = "deflate")]
    deflate: Option<(deflate::Agreed, String)>,
}

impl<'r> Accept<'r> {
    pub(super) const fn new(request: &'r Request<'r>, key: Option<&'r [u8]>) -> Self {
        Self {
            request,
            key,
            subprotocol: None,
            headers: Vec::new(),
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }

    /// Selects the first of `supported` that the client offers, and none if it
    /// offers none of them (4.2.2): nothing else can be selected.
    pub fn select_subprotocol(mut self, supported: &[&str]) -> Self {
        let request = self.request;
        let offered = |name: &&str| request.subprotocols().find(|offered| offered == name);
        self.subprotocol = supported.iter().find_map(offered);
        self
    }

    /// The subprotocol that was selected.
    #[must_use]
    pub const fn subprotocol(&self) -> Option<&str> {
        self.subprotocol
    }

    /// Agrees to compress messages, if the client offers it: to the first of
    /// its offers that is valid (RFC 7692, 5).
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, config: DeflateConfig) -> Self {
        let request = self.request;
        let accepted = request.extensions().find_map(|offer| deflate::accept(offer, &config));
        self.deflate = accepted
            .map(|(parameters, response)| (deflate::Agreed { parameters, config }, response));
        self
    }

    /// How messages will be compressed; `None` if they will not be.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate_parameters(&self) -> Option<DeflateParameters> {
        match &self.deflate {
            Some((agreed, _)) => Some(agreed.parameters),
            None => None,
        }
    }

    /// Adds a header.
    ///
    /// # Errors
    /// If the name is not a token, or one that the handshake writes itself, or
    /// if the value has a control character.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        push_header(&mut self.headers, name, value.as_ref())?;
        Ok(self)
    }

    /// Appends the answer to `out`; the connection that it opens.
    ///
    /// The answer to an extended CONNECT has no bytes of its own: for such a
    /// request nothing is appended, and
    /// [`into_response`](Self::into_response) is the way to answer it.
    #[must_use]
    pub fn into_connection(self, config: &Config, out: &mut Vec<u8>) -> Connection {
        if self.key.is_some() {
            out.reserve(160 + self.subprotocol.map_or(0, str::len) + self.headers.len());
            out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
            self.push_fields(out);
            out.extend_from_slice(b"\r\n");
        }
        self.open(config)
    }

    /// The answer for another HTTP library to send, and the connection that it
    /// opens: on what the HTTP/1.1 connection becomes, or on the stream of an
    /// extended CONNECT (RFC 8441, 5).
    ///
    /// ```
    /// use sansws::Config;
    /// use sansws::handshake::Request;
    ///
    /// let list = [
    ///     (":method", "CONNECT"),
    ///     (":protocol", "websocket"),
    ///     (":scheme", "https"),
    ///     (":path", "/chat"),
    ///     (":authority", "example.com"),
    ///     ("sec-websocket-protocol", "v1.chat, v2.chat"),
    ///     ("sec-websocket-version", "13"),
    /// ];
    /// let list = list.iter().map(|(name, value)| (*name, value.as_bytes()));
    /// let request = Request::from_header_list(list)?;
    /// let accept = request.accept()?.select_subprotocol(&["v2.chat"]);
    /// let (response, ws) = accept.into_response(&Config::new());
    /// assert_eq!(response.status(), 200);
    /// assert!(response.fields().eq([("sec-websocket-protocol", "v2.chat")]));
    /// # Ok::<_, sansws::handshake::HandshakeError>(())
    /// ```
    #[must_use]
    pub fn into_response(self, config: &Config) -> (ResponseParts, Connection) {
        // RFC 8441, 5.1
        let status = if self.key.is_some() { 101 } else { 200 };
        let mut lines = Vec::new();
        self.push_fields(&mut lines);
        (ResponseParts::new(status, lines, String::new()), self.open(config))
    }

    /// 4.2.2, 5; RFC 8441, 5: the fields of the answer, as lines.
    fn push_fields(&self, lines: &mut Vec<u8>) {
        if let Some(key) = self.key {
            lines.extend_from_slice(
                b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
            );
            lines.extend_from_slice(AcceptKey::new(key).as_bytes());
            lines.extend_from_slice(b"\r\n");
        }
        if let Some(subprotocol) = self.subprotocol {
            push_line(lines, "Sec-WebSocket-Protocol", subprotocol.as_bytes());
        }
        #[cfg(feature = "deflate")]
        if let Some((_, response)) = &self.deflate {
            push_line(lines, "Sec-WebSocket-Extensions", response.as_bytes());
        }
        lines.extend_from_slice(&self.headers);
    }

    fn open(self, config: &Config) -> Connection {
        #[cfg_attr(not(feature = "deflate"), expect(unused_mut, reason = "nothing is agreed on"))]
        let mut connection = Connection::server(config);
        #[cfg(feature = "deflate")]
        if let Some((agreed, _)) = &self.deflate {
            connection.set_deflate(agreed);
        }
        connection
    }
}

impl fmt::Debug for Accept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers may have secrets.
        f.debug_struct("Accept")
            .field("request", &self.request)
            .field("subprotocol", &self.subprotocol)
            .finish_non_exhaustive()
    }
}
