use alloc::borrow::Cow;
#[cfg(feature = "deflate")]
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Range;

use super::accept_key::{AcceptKey, is_key};
use super::error::{BuildError, HandshakeError};
use super::fields::{self, Extension, Fields};
use super::head::{self, HeadReader};
use super::{OriginPolicy, response, uri};
use crate::connection::{Config, Connection};
#[cfg(feature = "deflate")]
use crate::deflate::{self, DeflateConfig, DeflateParameters};

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
        Self { head: HeadReader::new(), failed: None }
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
        let head = self.head.receive(input);
        let result = head.and_then(|head| head.map(Request::parse).transpose());
        self.failed = result.as_ref().err().copied();
        result
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
    method: Range<usize>,
    target: Range<usize>,
    fields_at: usize,
    /// Whether it is a handshake, and if so, what answers it.
    verdict: Result<AcceptKey, HandshakeError>,
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
        let is_visible = |byte: u8| byte > b' ' && byte != 0x7F;
        if !fields::is_token(method.as_bytes()) || !target.bytes().all(is_visible) {
            return Err(HandshakeError::Malformed);
        }
        let mut head = Vec::new();
        for piece in [method, " ", target, " HTTP/1.1\r\n"] {
            head.extend_from_slice(piece.as_bytes());
        }
        response::push_read_fields(&mut head, fields)?;
        Self::parse(Cow::Owned(head))
    }
}

impl<'b> Request<'b> {
    fn parse(head: Cow<'b, [u8]>) -> Result<Self, HandshakeError> {
        head::check_line_ends(&head)?;
        let mut fields = [const { MaybeUninit::uninit() }; head::MAX_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(&head, &mut fields);
        let (Ok(httparse::Status::Complete(_)), Some(method), Some(target)) =
            (parsed, request.method, request.path)
        else {
            return Err(parsed.err().map_or(HandshakeError::Malformed, head::parse_error));
        };
        let verdict = check(&request);
        // The request line is `method SP target SP version CR LF`; perhaps after an
        // empty line (RFC 9112, 2.2).
        let start = if head.starts_with(b"\r\n") { 2 } else { 0 };
        let method = start..start + method.len();
        let target = method.end + 1..method.end + 1 + target.len();
        let fields_at = target.end + " HTTP/1.1\r\n".len();
        Ok(Self { method, target, fields_at, verdict, head })
    }

    /// The request without a borrow, copied if it had one.
    #[must_use]
    pub fn into_owned(self) -> Request<'static> {
        Request { head: Cow::Owned(self.head.into_owned()), ..self }
    }

    /// Whether the client asks to open a WebSocket, rightly or not: its
    /// `Upgrade` field names websocket.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        self.headers().all("upgrade").any(|value| fields::list_has(value, "websocket"))
    }

    /// The method; a handshake's is `GET`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.str(self.method.clone())
    }

    /// The request target as it was sent, usually a path and a query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.str(self.target.clone())
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

    /// All header fields.
    #[must_use]
    pub fn headers(&self) -> Fields<'_> {
        Fields::new(&self.head[self.fields_at..])
    }

    /// The value of the first field of this name, which may be in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().all(name).next()
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
            .all("sec-websocket-protocol")
            .flat_map(fields::list)
            .filter_map(|name| core::str::from_utf8(name).ok())
    }

    /// The extensions that the client offers, the one it likes best first.
    ///
    /// An offer with a quoted value in which there is a backslash is malformed,
    /// as [`accept`](Self::accept) says of it: a token needs none (9.1).
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'_>> {
        self.headers().all("sec-websocket-extensions").flat_map(fields::extensions).flatten()
    }

    /// Checks that the request is a right opening handshake (4.2.1) and
    /// prepares the answer that accepts it.
    ///
    /// # Errors
    /// What is wrong with it; [`HandshakeError::respond`] writes the answer.
    pub fn accept(&self) -> Result<Accept<'_>, HandshakeError> {
        let key = self.verdict?;
        Ok(Accept {
            request: self,
            key,
            subprotocol: None,
            headers: Vec::new(),
            #[cfg(feature = "deflate")]
            deflate: None,
        })
    }

    /// As [`accept`](Self::accept), for clients that `policy` allows.
    ///
    /// # Errors
    /// [`HandshakeError::Origin`] too, to be answered with 403.
    pub fn accept_from(&self, policy: &OriginPolicy) -> Result<Accept<'_>, HandshakeError> {
        let accept = self.accept()?;
        let mut origins = self.headers().all("origin");
        match (origins.next(), origins.next()) {
            (origin, None) if policy.allows(origin) => Ok(accept),
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
    /// If the status is not one that ends a request, or a header is not valid;
    /// nothing was written then.
    pub fn respond(
        &self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        response::write_rejection(status, headers, body, self.method() == "HEAD", out)
    }

    fn str(&self, range: Range<usize>) -> &str {
        // The parser lends both as `str`, so this never falls back.
        core::str::from_utf8(&self.head[range]).unwrap_or_default()
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("target", &self.target())
            .field("headers", &self.headers())
            .finish_non_exhaustive()
    }
}

/// An answer that accepts a [`Request`].
#[derive(Debug)]
#[must_use = "nothing is written before into_connection is called"]
pub struct Accept<'r> {
    request: &'r Request<'r>,
    key: AcceptKey,
    subprotocol: Option<&'r str>,
    headers: Vec<u8>,
    /// What was agreed on, and the words for it.
    #[cfg(feature = "deflate")]
    deflate: Option<(deflate::Agreed, String)>,
}

impl<'r> Accept<'r> {
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
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, BuildError> {
        response::push_header(&mut self.headers, name, value)?;
        Ok(self)
    }

    /// Appends the answer to `out`; the connection that it opens.
    #[must_use]
    pub fn into_connection(self, config: &Config, out: &mut Vec<u8>) -> Connection {
        #[cfg(feature = "deflate")]
        let extensions = self.deflate.as_ref().map(|(_, response)| &**response);
        #[cfg(not(feature = "deflate"))]
        let extensions = None;
        response::write_accept(&self.key, self.subprotocol, extensions, &self.headers, out);
        let connection = Connection::server(config);
        #[cfg(feature = "deflate")]
        let connection = connection.with_deflate(self.deflate.as_ref().map(|(agreed, _)| agreed));
        connection
    }
}

/// Every rule about a client's handshake (4.2.1); the answer to its key.
fn check(request: &httparse::Request<'_, '_>) -> Result<AcceptKey, HandshakeError> {
    // 4.2.1, 1: "HTTP/1.1 or higher GET request"
    if request.method != Some("GET") {
        return Err(HandshakeError::Method);
    }
    if request.version != Some(1) {
        return Err(HandshakeError::HttpVersion);
    }
    if !request.path.is_some_and(uri::is_target) {
        return Err(HandshakeError::Target);
    }
    let mut seen = Seen::default();
    for field in &*request.headers {
        seen.field(field.name, field.value.trim_ascii())?;
    }
    seen.check()
}

/// What the fields of a request amount to.
#[derive(Default)]
struct Seen<'h> {
    host: Option<&'h [u8]>,
    upgrade: bool,
    connection: bool,
    version: Option<&'h [u8]>,
    key: Option<&'h [u8]>,
    subprotocols: Vec<&'h [u8]>,
}

impl<'h> Seen<'h> {
    fn field(&mut self, name: &str, value: &'h [u8]) -> Result<(), HandshakeError> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        // Most fields are none of ours: tell them by their length.
        match name.len() {
            4 if is("host") => once(&mut self.host, value, HandshakeError::Host)?,
            7 if is("upgrade") => self.upgrade |= fields::list_has(value, "websocket"),
            10 if is("connection") => self.connection |= fields::list_has(value, "upgrade"),
            14 if is("content-length") && value != b"0" => return Err(HandshakeError::Body),
            17 if is("transfer-encoding") => return Err(HandshakeError::Body),
            17 if is("sec-websocket-key") => once(&mut self.key, value, HandshakeError::Key)?,
            // 11.3.5: "MUST NOT appear more than once in an HTTP request"
            21 if is("sec-websocket-version") => {
                once(&mut self.version, value, HandshakeError::Version)?;
            }
            22 if is("sec-websocket-protocol") => {
                // 4.3: `1#token`
                if fields::list(value).next().is_none() {
                    return Err(HandshakeError::Subprotocol);
                }
                self.subprotocols.extend(fields::list(value));
            }
            24 if is("sec-websocket-extensions") => {
                let mut all = fields::extensions(value);
                all.try_for_each(|e| e.map(drop)).map_err(|_| HandshakeError::Extensions)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn check(mut self) -> Result<AcceptKey, HandshakeError> {
        // 4.2.1, 2
        if !self.host.is_some_and(uri::is_authority) {
            return Err(HandshakeError::Host);
        }
        // 4.2.1, 3
        if !self.upgrade {
            return Err(HandshakeError::Upgrade);
        }
        // 4.2.1, 4
        if !self.connection {
            return Err(HandshakeError::Connection);
        }
        // 4.2.1, 6, and 4.4: another version is answered with ours
        match self.version {
            Some(b"13") => {}
            Some(version) if is_version(version) => return Err(HandshakeError::VersionUnsupported),
            _ => return Err(HandshakeError::Version),
        }
        // 4.2.1, 5: "when decoded, is 16 bytes in length"
        let key = self.key.filter(|key| is_key(key)).ok_or(HandshakeError::Key)?;
        // 4.1, 10: tokens, "MUST all be unique strings"
        self.subprotocols.sort_unstable();
        let all_tokens = self.subprotocols.iter().all(|name| fields::is_token(name));
        if !all_tokens || self.subprotocols.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(HandshakeError::Subprotocol);
        }
        Ok(AcceptKey::new(key))
    }
}

/// 4.3 and 11.3: the field may appear only once.
fn once<'h>(
    seen: &mut Option<&'h [u8]>,
    value: &'h [u8],
    error: HandshakeError,
) -> Result<(), HandshakeError> {
    if seen.replace(value).is_some() { Err(error) } else { Ok(()) }
}

/// 4.3: `DIGIT | (NZDIGIT DIGIT) | ("1" DIGIT DIGIT) | ("2" DIGIT DIGIT)`
fn is_version(value: &[u8]) -> bool {
    let is_number = value.iter().all(u8::is_ascii_digit);
    is_number && matches!(value, [_] | [b'1'..=b'9', _] | [b'1' | b'2', _, _])
}
