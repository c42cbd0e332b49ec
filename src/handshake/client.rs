use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem::MaybeUninit;

use super::accept_key::{AcceptKey, encode_nonce};
use super::error::{BuildError, HandshakeError};
use super::fields::{self, Extension, Fields, is_token};
use super::head::{self, HeadReader};
use super::response::{push_header, push_line, push_read_fields};
use super::uri::Uri;
use crate::connection::{Config, Connection};
#[cfg(feature = "deflate")]
use crate::deflate::{self, DeflateConfig, DeflateParameters};
use crate::masking_keys::MaskingKeys;

/// How many provisional responses (1xx) are skipped.
const MAX_PROVISIONAL: u8 = 16;

/// A client's request to open a WebSocket (RFC 6455, 4.1).
///
/// ```
/// use sansws::handshake::RequestBuilder;
///
/// let mut out = Vec::new();
/// let handshake = RequestBuilder::new("ws://example.com:8080/chat")?
///     .subprotocol("v2.chat")?
///     .header("Authorization", "Bearer c2VzYW1l")?
///     .start([7; 16], &mut out); // use `handshake::nonce()`
/// assert!(out.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com:8080\r\n"));
/// # Ok::<_, sansws::handshake::BuildError>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is written before start is called"]
pub struct RequestBuilder {
    uri: Uri,
    subprotocols: Vec<String>,
    headers: Vec<u8>,
    #[cfg(feature = "deflate")]
    deflate: Option<DeflateConfig>,
}

impl RequestBuilder {
    /// A request for a `ws` or `wss` URI.
    ///
    /// # Errors
    /// [`BuildError::Uri`].
    pub fn new(uri: &str) -> Result<Self, BuildError> {
        Ok(Self::from_uri(Uri::parse(uri)?))
    }

    /// A request for a URI that was parsed before, to know where to connect.
    pub const fn from_uri(uri: Uri) -> Self {
        Self {
            uri,
            subprotocols: Vec::new(),
            headers: Vec::new(),
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }

    /// The URI.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Offers a subprotocol; the one to offer first is the one liked best.
    ///
    /// # Errors
    /// [`BuildError::Subprotocol`] if it is not a token or was offered before.
    pub fn subprotocol(mut self, name: &str) -> Result<Self, BuildError> {
        if !is_token(name.as_bytes()) || self.subprotocols.iter().any(|offered| offered == name) {
            return Err(BuildError::Subprotocol);
        }
        self.subprotocols.push(name.into());
        Ok(self)
    }

    /// Offers to compress messages (RFC 7692).
    #[cfg(feature = "deflate")]
    pub const fn deflate(mut self, config: DeflateConfig) -> Self {
        self.deflate = Some(config);
        self
    }

    /// Adds a header, such as `Origin`, `Cookie` or `Authorization`.
    ///
    /// # Errors
    /// If the name is not a token, or one that the handshake writes itself, or
    /// if the value has a control character.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, BuildError> {
        push_header(&mut self.headers, name, value)?;
        Ok(self)
    }

    /// Appends the request to `out`, and waits for its answer.
    ///
    /// `nonce` must be chosen at random for each connection (4.1): use
    /// [`nonce`](super::nonce), where there is an operating system.
    pub fn start(self, nonce: [u8; 16], out: &mut Vec<u8>) -> ClientHandshake {
        let key = encode_nonce(&nonce);
        for piece in ["GET ", self.uri.resource_name(), " HTTP/1.1\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
        push_line(out, "Host", self.uri.authority().as_bytes());
        push_line(out, "Upgrade", b"websocket");
        push_line(out, "Connection", b"Upgrade");
        push_line(out, "Sec-WebSocket-Key", &key);
        push_line(out, "Sec-WebSocket-Version", b"13");
        if !self.subprotocols.is_empty() {
            push_line(out, "Sec-WebSocket-Protocol", self.subprotocols.join(", ").as_bytes());
        }
        #[cfg(feature = "deflate")]
        if let Some(config) = &self.deflate {
            push_line(out, "Sec-WebSocket-Extensions", deflate::offer(config).as_bytes());
        }
        out.extend_from_slice(&self.headers);
        out.extend_from_slice(b"\r\n");
        ClientHandshake {
            head: HeadReader::new(),
            expected: AcceptKey::new(&key),
            subprotocols: self.subprotocols,
            provisional: 0,
            failed: None,
            #[cfg(feature = "deflate")]
            deflate: self.deflate,
        }
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers may have secrets.
        f.debug_struct("RequestBuilder")
            .field("uri", &self.uri)
            .field("subprotocols", &self.subprotocols)
            .finish_non_exhaustive()
    }
}

/// A client's side of the opening handshake: bytes to an [`Answer`].
#[derive(Debug)]
pub struct ClientHandshake {
    head: HeadReader,
    expected: AcceptKey,
    subprotocols: Vec<String>,
    provisional: u8,
    failed: Option<HandshakeError>,
    #[cfg(feature = "deflate")]
    deflate: Option<DeflateConfig>,
}

impl ClientHandshake {
    /// Sets how long a response's head may be, in bytes. Default: 16 KiB.
    #[must_use]
    pub const fn max_head_len(mut self, bytes: usize) -> Self {
        self.head.set_max_len(bytes);
        self
    }

    /// Takes the server's answer from the front of `input`; `None` if it is
    /// not all there yet and more must be read.
    ///
    /// What follows its head stays in `input`: frames if the connection is
    /// open, the beginning of the body if it was refused. Provisional
    /// responses such as 103 are skipped.
    ///
    /// # Errors
    /// If the answer is not HTTP, is too long, or claims to open the
    /// connection but breaks a rule (4.1). There is nothing to tell the server;
    /// close the socket.
    pub fn receive<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Answer<'b>>, HandshakeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.receive_answer(input);
        self.failed = result.as_ref().err().copied();
        result
    }

    /// The answer in a response whose head another HTTP/1.1 library has read: its
    /// status, which is not provisional, and its fields in order. The same rules
    /// apply as to bytes.
    ///
    /// # Errors
    /// As for [`receive`](Self::receive).
    pub fn receive_fields<'f>(
        &mut self,
        status: u16,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<Answer<'static>, HandshakeError> {
        let mut head = format!("HTTP/1.1 {status:03} \r\n").into_bytes();
        push_read_fields(&mut head, fields)?;
        let response = Response::parse(Cow::Owned(head))?;
        match response.status() {
            101 => self.check(response).map(Answer::Accepted),
            _ => Ok(Answer::Refused(response)),
        }
    }

    fn receive_answer<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Answer<'b>>, HandshakeError> {
        while let Some(head) = self.head.receive(input)? {
            let response = Response::parse(head)?;
            match response.status() {
                101 => {
                    return self.check(response).map(Answer::Accepted).map(Some);
                }
                100..=199 => self.provisional += 1,
                // 4.1: "If the status code received from the server is not 101, the
                // client handles the response per HTTP procedures"
                _ => return Ok(Some(Answer::Refused(response))),
            }
            if self.provisional > MAX_PROVISIONAL {
                return Err(HandshakeError::TooManyResponses);
            }
        }
        Ok(None)
    }

    /// Every rule about the response that opens the connection (4.1).
    fn check<'b>(&self, response: Response<'b>) -> Result<Accepted<'b>, HandshakeError> {
        let fields = || response.headers();
        if response.version == 0 {
            return Err(HandshakeError::HttpVersion);
        }
        // 2: "lacks an |Upgrade| header field or [...] a value that is not an ASCII
        // case-insensitive match for the value "websocket""
        let mut upgrades = fields().all("upgrade");
        let is_websocket = upgrades.next().is_some_and(|v| v.eq_ignore_ascii_case(b"websocket"));
        if !is_websocket || upgrades.next().is_some() {
            return Err(HandshakeError::Upgrade);
        }
        // 3: "doesn't contain a token that is an ASCII case-insensitive match for
        // the value "Upgrade""
        if !fields().all("connection").any(|value| fields::list_has(value, "upgrade")) {
            return Err(HandshakeError::Connection);
        }
        // 4: "the base64-encoded SHA-1 of the concatenation [...] but ignoring any
        // leading and trailing whitespace"
        let mut accepts = fields().all("sec-websocket-accept");
        if accepts.next() != Some(self.expected.as_str().as_bytes()) || accepts.next().is_some() {
            return Err(HandshakeError::Accept);
        }
        drop((upgrades, accepts));
        let subprotocol = self.chosen_subprotocol(&response)?;
        #[cfg(feature = "deflate")]
        let deflate = self.agreed_deflate(&response)?;
        #[cfg(not(feature = "deflate"))]
        check_no_extension(&response)?;
        Ok(Accepted {
            response,
            subprotocol,
            #[cfg(feature = "deflate")]
            deflate,
        })
    }

    /// 6: not "a subprotocol that was not present in the client's handshake"
    fn chosen_subprotocol(
        &self,
        response: &Response<'_>,
    ) -> Result<Option<String>, HandshakeError> {
        let mut chosen = response.headers().all("sec-websocket-protocol");
        match (chosen.next(), chosen.next()) {
            (None, _) => Ok(None),
            (Some(name), None) => {
                let offered = self.subprotocols.iter().find(|offered| offered.as_bytes() == name);
                offered.cloned().map(Some).ok_or(HandshakeError::Subprotocol)
            }
            // 11.3.4: "MUST NOT appear more than once in an HTTP response"
            (Some(_), Some(_)) => Err(HandshakeError::Subprotocol),
        }
    }

    /// 5: not "an extension that was not present in the client's handshake"
    #[cfg(feature = "deflate")]
    fn agreed_deflate(
        &self,
        response: &Response<'_>,
    ) -> Result<Option<deflate::Agreed>, HandshakeError> {
        let mut agreed = None;
        for extension in response.extensions() {
            let extension = extension?;
            let config = match self.deflate {
                Some(config) if extension.name().eq_ignore_ascii_case(deflate::NAME) => config,
                _ => return Err(HandshakeError::ExtensionNotOffered),
            };
            let parameters = deflate::confirm(extension, &config).ok_or(HandshakeError::Deflate)?;
            // RFC 7692, 5: one element of the offers is accepted
            if agreed.replace(deflate::Agreed { parameters, config }).is_some() {
                return Err(HandshakeError::Deflate);
            }
        }
        Ok(agreed)
    }
}

/// 5: not "an extension that was not present in the client's handshake"
#[cfg(not(feature = "deflate"))]
fn check_no_extension(response: &Response<'_>) -> Result<(), HandshakeError> {
    match response.extensions().next() {
        None => Ok(()),
        Some(Ok(_)) => Err(HandshakeError::ExtensionNotOffered),
        Some(Err(error)) => Err(error),
    }
}

/// What a server answers to a [`RequestBuilder`]'s request.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a client has to handle both")]
pub enum Answer<'b> {
    /// The connection is open.
    Accepted(Accepted<'b>),
    /// Any status but 101: a refusal, a redirection, a demand for a password.
    /// The beginning of the body is what is left of the input.
    Refused(Response<'b>),
}

/// A response that opens the connection, checked.
#[derive(Debug)]
pub struct Accepted<'b> {
    response: Response<'b>,
    subprotocol: Option<String>,
    #[cfg(feature = "deflate")]
    deflate: Option<deflate::Agreed>,
}

impl<'b> Accepted<'b> {
    /// The response itself.
    #[must_use]
    pub const fn response(&self) -> &Response<'b> {
        &self.response
    }

    /// The subprotocol that the server chose, one of those offered; `None` if
    /// it chose none.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// How messages will be compressed; `None` if they will not be.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate_parameters(&self) -> Option<DeflateParameters> {
        match &self.deflate {
            Some(agreed) => Some(agreed.parameters),
            None => None,
        }
    }

    /// The same without a borrow, copied if it had one.
    #[must_use]
    pub fn into_owned(self) -> Accepted<'static> {
        Accepted { response: self.response.into_owned(), ..self }
    }

    /// The connection that it opens.
    #[must_use]
    pub fn into_connection(self, config: &Config, keys: MaskingKeys) -> Connection {
        self.connection(config, keys)
    }

    pub(crate) fn connection(&self, config: &Config, keys: MaskingKeys) -> Connection {
        let connection = Connection::client(config, keys);
        #[cfg(feature = "deflate")]
        let connection = connection.with_deflate(self.deflate.as_ref());
        connection
    }
}

/// A server's response, well-formed.
pub struct Response<'b> {
    head: Cow<'b, [u8]>,
    fields_at: usize,
    status: u16,
    version: u8,
}

impl<'b> Response<'b> {
    pub(super) fn parse(head: Cow<'b, [u8]>) -> Result<Self, HandshakeError> {
        // Only a request may come after an empty line.
        if head.starts_with(b"\r") {
            return Err(HandshakeError::Malformed);
        }
        head::check_line_ends(&head)?;
        let mut fields = [const { MaybeUninit::uninit() }; head::MAX_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let parsed = config.parse_response_with_uninit_headers(&mut response, &head, &mut fields);
        let (Ok(httparse::Status::Complete(_)), Some(status), Some(version)) =
            (parsed, response.code, response.version)
        else {
            return Err(parsed.err().map_or(HandshakeError::Malformed, head::parse_error));
        };
        let status_line = head.iter().position(|&byte| byte == b'\n');
        let fields_at = status_line.map_or(head.len(), |at| at + 1);
        Ok(Self { head, fields_at, status, version })
    }

    /// The same without a borrow, copied if it had one.
    #[must_use]
    pub fn into_owned(self) -> Response<'static> {
        Response { head: Cow::Owned(self.head.into_owned()), ..self }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
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

    fn extensions(&self) -> impl Iterator<Item = Result<Extension<'_>, HandshakeError>> {
        let values = self.headers().all("sec-websocket-extensions");
        values.flat_map(fields::extensions).map(|e| e.map_err(|_| HandshakeError::Extensions))
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers())
            .finish_non_exhaustive()
    }
}
