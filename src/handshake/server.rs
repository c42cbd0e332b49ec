use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Range;

use super::accept::Accept;
use super::error::{BuildError, HandshakeError};
use super::fields::{self, Extension, Fields};
use super::head::{self, HeadReader};
use super::origin::OriginPolicy;
use super::rules::{self, Ask};
use super::{response, uri};

/// A server's side of the opening handshake: bytes to a [`Request`].
///
/// ```
/// use sansws::Config;
/// use sansws::handshake::ServerHandshake;
///
/// # let mut buffer = *b"GET /news HTTP/1.1\r\nHost: example.com\r\n\
/// #     Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
/// #     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// let mut handshake = ServerHandshake::new();
/// let mut out = Vec::new();
/// let mut input = &mut buffer[..]; // what was read from the socket
/// match handshake.receive(&mut input) {
///     Ok(None) => {} // read more
///     Ok(Some(request)) => match (request.path(), request.accept()) {
///         ("/news", Ok(accept)) => {
///             let ws = accept.into_connection(&Config::new(), &mut out);
///             // write `out`; what is left of `input` is the first input of `ws`
///         }
///         ("/news", Err(error)) => error.respond(&mut out),
///         (_, _) => request.respond(404, &[], b"no such page\n", &mut out)?,
///     },
///     Err(error) => error.respond(&mut out),
/// }
/// assert!(out.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// # Ok::<_, sansws::handshake::BuildError>(())
/// ```
#[derive(Debug)]
pub struct ServerHandshake {
    head: HeadReader,
    failed: Option<HandshakeError>,
}

impl ServerHandshake {
    /// Ready for a request, of at most 16 KiB and 128 header fields.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: HeadReader::of_requests(), failed: None }
    }

    /// Sets how long the request may be, in bytes. Default: 16 KiB.
    #[must_use]
    pub const fn max_head_len(mut self, bytes: usize) -> Self {
        self.head.set_max_len(bytes);
        self
    }

    /// Takes a request from the front of `input`; `None` if it is not all
    /// there yet and more must be read.
    ///
    /// The request is any that is well-formed HTTP/1.x, so that a server can
    /// answer others than those for a WebSocket. What follows its head stays in
    /// `input`.
    ///
    /// # Errors
    /// If it is not HTTP, or too long. [`HandshakeError::respond`] writes the
    /// answer.
    pub fn receive<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Request<'b>>, HandshakeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let Some(request) = self.take_whole(input) {
            return Ok(Some(request));
        }
        let head = self.head.receive(input);
        let result = head.and_then(|head| head.map(Request::parse_http1).transpose());
        self.failed = result.as_ref().err().copied();
        result
    }

    /// A request that starts the input and is wholly there: the parser finds its
    /// end. Whatever is unusual is left to the longer way, which says what.
    fn take_whole<'b>(&self, input: &mut &'b mut [u8]) -> Option<Request<'b>> {
        if !self.head.begins_with(input) {
            return None;
        }
        let parsed = Parsed::new(input, Ask::Upgrade).ok()?;
        let head = self.head.take(input, parsed.len)?;
        Some(Request { head: Cow::Borrowed(head), ask: Ask::Upgrade, parsed })
    }
}

impl Default for ServerHandshake {
    fn default() -> Self {
        Self::new()
    }
}

/// A client's request, well-formed and not yet answered.
pub struct Request<'b> {
    head: Cow<'b, [u8]>,
    ask: Ask,
    parsed: Parsed,
}

impl Request<'static> {
    /// A request whose head another HTTP/1.1 library has read: its method, its
    /// target, and its fields in order. The same rules apply as to bytes.
    ///
    /// # Errors
    /// If a part has a character that it cannot have, or there are too many
    /// fields.
    ///
    /// ```
    /// use sansws::handshake::Request;
    ///
    /// let fields = [
    ///     ("host", "example.com"),
    ///     ("upgrade", "websocket"),
    ///     ("connection", "upgrade"),
    ///     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ///     ("sec-websocket-version", "13"),
    /// ];
    /// let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
    /// let request = Request::from_fields("GET", "/chat", fields)?;
    /// assert!(request.accept().is_ok());
    /// # Ok::<_, sansws::handshake::HandshakeError>(())
    /// ```
    pub fn from_fields<'f>(
        method: &str,
        target: &str,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<Self, HandshakeError> {
        Self::from_read(1, method, target, fields)
    }

    /// As `from_fields`, of HTTP/1.`minor_version`.
    pub(super) fn from_read<'f>(
        minor_version: u8,
        method: &str,
        target: &str,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<Self, HandshakeError> {
        let mut head = head::request_line(method, target, minor_version)?;
        for (name, value) in fields {
            head::push_read_field(&mut head, name, value)?;
        }
        Self::from_lines(head, Ask::Upgrade)
    }

    /// A request of these lines, which lack the empty one at the end.
    pub(super) fn from_lines(mut head: Vec<u8>, ask: Ask) -> Result<Self, HandshakeError> {
        head.extend_from_slice(b"\r\n");
        Self::parse(Cow::Owned(head), ask)
    }
}

impl<'b> Request<'b> {
    fn parse_http1(head: Cow<'b, [u8]>) -> Result<Self, HandshakeError> {
        Self::parse(head, Ask::Upgrade)
    }

    fn parse(head: Cow<'b, [u8]>, ask: Ask) -> Result<Self, HandshakeError> {
        let parsed = Parsed::new(&head, ask)?;
        Ok(Self { head, ask, parsed })
    }

    /// The request without a borrow, copied if it had one.
    #[must_use]
    pub fn into_owned(self) -> Request<'static> {
        Request { head: Cow::Owned(self.head.into_owned()), ..self }
    }

    /// Whether the client asks to open a WebSocket, rightly or not: its
    /// `Upgrade` field names websocket, or its `:protocol` is that.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        match self.ask {
            Ask::Upgrade => self
                .headers()
                .values_of("upgrade")
                .any(|value| fields::list_has(value, "websocket")),
            Ask::Protocol { is_websocket } => is_websocket,
        }
    }

    /// The method; a handshake's is `GET`, or `CONNECT` in HTTP/2 and HTTP/3.
    #[must_use]
    pub fn method(&self) -> &str {
        self.str(self.parsed.method.clone())
    }

    /// The request target as it was sent, usually a path and a query, but it may be a whole URI.
    #[must_use]
    pub fn target(&self) -> &str {
        self.str(self.parsed.target.clone())
    }

    /// The host that is asked for, and its port if that is not the default: what the `Host` field
    /// says, or the target if that is a whole URI (RFC 9112, 3.2.2); over HTTP/2 and HTTP/3
    /// the `:authority`. `None` if that is no host.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        let authority =
            uri::authority_of(self.target()).or_else(|| str::from_utf8(self.header("host")?).ok());
        authority.filter(|authority| uri::is_authority(authority.as_bytes()))
    }

    /// The path that is asked for, still percent-encoded, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        uri::path_and_query(self.target()).0
    }

    /// The query, still percent-encoded, without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        uri::path_and_query(self.target()).1
    }

    /// All header fields. What `:authority` says is among them as `host`.
    #[must_use]
    pub fn headers(&self) -> Fields<'_> {
        Fields::new(&self.head[self.parsed.fields_at..])
    }

    /// The value of the first field of this name, which may be in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().values_of(name).next()
    }

    /// The origin of the page whose script asks, if a browser sent it
    /// (RFC 6455, 10.2).
    #[must_use]
    pub fn origin(&self) -> Option<&[u8]> {
        self.header("origin")
    }

    /// The subprotocols that the client offers, the one it likes best first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.headers()
            .values_of("sec-websocket-protocol")
            .flat_map(fields::list)
            .filter_map(|name| core::str::from_utf8(name).ok())
    }

    /// The extensions that the client offers, the one it likes best first.
    ///
    /// An offer with a quoted value in which there is a backslash is malformed,
    /// as [`accept`](Self::accept) says of it: a token needs none (9.1).
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'_>> {
        self.headers().values_of("sec-websocket-extensions").flat_map(fields::extensions).flatten()
    }

    /// Checks that the request is a right opening handshake (4.2.1; RFC 8441, 5)
    /// and prepares the answer that accepts it.
    ///
    /// # Errors
    /// What is wrong with it; [`HandshakeError::respond`] writes the answer.
    pub fn accept(&self) -> Result<Accept<'_>, HandshakeError> {
        let key = self.parsed.verdict.clone()?;
        Ok(Accept::new(self, key.map(|key| &self.head[key])))
    }

    /// As [`accept`](Self::accept), for clients that `policy` allows.
    ///
    /// # Errors
    /// [`HandshakeError::Origin`] too, to be answered with 403.
    pub fn accept_from(&self, policy: &OriginPolicy) -> Result<Accept<'_>, HandshakeError> {
        let accept = self.accept()?;
        let mut origins = self.headers().values_of("origin");
        match (origins.next(), origins.next()) {
            (origin, None) if policy.allows_at(self.authority(), origin) => Ok(accept),
            _ => Err(HandshakeError::Origin),
        }
    }

    /// Answers the request with a status from 200 to 599, `headers` and a
    /// `body`: a refusal, a redirection, a demand for a password, a page.
    ///
    /// `Content-Length` and `Connection: close` are added, and for 426 what
    /// goes with it. Then write `out` and shut down the socket.
    ///
    /// # Errors
    /// If the status is not one that ends a request, or a header is not valid,
    /// or the request came as a header list, whose answer has no bytes
    /// ([`BuildError::HttpVersion`]); nothing was written then.
    pub fn respond(
        &self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        if self.ask != Ask::Upgrade {
            return Err(BuildError::HttpVersion);
        }
        response::write_rejection(status, headers, body, self.method() == "HEAD", out)
    }

    fn str(&self, range: Range<usize>) -> &str {
        // The parser lends both as `str`, so this never falls back.
        core::str::from_utf8(&self.head[range]).unwrap_or_default()
    }
}

/// What a head was found to be.
struct Parsed {
    method: Range<usize>,
    target: Range<usize>,
    fields_at: usize,
    len: usize,
    /// Whether it is a handshake, and if so, where its key is.
    verdict: Result<Option<Range<usize>>, HandshakeError>,
}

impl Parsed {
    /// Of the head that `bytes` begin with, and of which all must be there.
    fn new(bytes: &[u8], ask: Ask) -> Result<Self, HandshakeError> {
        let mut fields = [const { MaybeUninit::uninit() }; head::MAX_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(bytes, &mut fields);
        let (Ok(httparse::Status::Complete(len)), Some(method), Some(target)) =
            (parsed, request.method, request.path)
        else {
            return Err(parsed.err().map_or(HandshakeError::Malformed, head::parse_error));
        };
        head::check_line_ends(&bytes[..len])?;
        let (method, target) = (place(method.as_bytes(), bytes), place(target.as_bytes(), bytes));
        let fields_at = target.end + " HTTP/1.1\r\n".len();
        let verdict = rules::check(&request, ask).map(|key| key.map(|key| place(key, bytes)));
        Ok(Self { method, target, fields_at, len, verdict })
    }
}

/// Where `part` lies in `whole`, of which it is a part.
fn place(part: &[u8], whole: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method())
            // A query may have secrets.
            .field("path", &self.path())
            .field("headers", &self.headers())
            .finish_non_exhaustive()
    }
}
