use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::accept_key::{AcceptKey, encode_nonce};
use super::client::{ClientHandshake, Offers};
use super::credentials::basic;
use super::error::BuildError;
use super::fields::is_token;
use super::head::push_line;
use super::parts::RequestParts;
use super::response::push_header;
use super::uri::Uri;
#[cfg(feature = "deflate")]
use crate::deflate::{self, DeflateConfig};

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
    offers: Offers,
    headers: Vec<u8>,
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
        Self { uri, offers: Offers::new(), headers: Vec::new() }
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
        if !is_token(name.as_bytes())
            || self.offers.subprotocols.iter().any(|offered| offered == name)
        {
            return Err(BuildError::Subprotocol);
        }
        self.offers.subprotocols.push(name.into());
        Ok(self)
    }

    /// Offers to compress messages (RFC 7692).
    #[cfg(feature = "deflate")]
    pub const fn deflate(mut self, config: DeflateConfig) -> Self {
        self.offers.deflate = Some(config);
        self
    }

    /// Adds a header, such as `Origin`, `Cookie` or `Authorization`: to those of this name, if
    /// there are any. (Of `Cookie` there may be one, RFC 6265, 5.4: join them with `"; "`.)
    ///
    /// Text goes as UTF-8; what a server wants in another encoding is given as bytes.
    ///
    /// # Errors
    /// If the name is not a token, or one that the handshake writes itself, or
    /// if the value has a control character.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        push_header(&mut self.headers, name, value.as_ref())?;
        Ok(self)
    }

    /// Adds an `Authorization` header that says user and password, as UTF-8 (RFC 7617), to
    /// whoever can read the connection: use it with `wss`.
    ///
    /// # Errors
    /// [`BuildError::Credentials`] if the user has a colon, or one of them a control character.
    ///
    /// ```
    /// use sansws::handshake::RequestBuilder;
    ///
    /// let builder = RequestBuilder::new("wss://example.com/")?;
    /// let (request, _) = builder.basic_auth("Aladdin", "open sesame")?.start_connect();
    /// let authorization = request.fields().find(|(name, _)| *name == "authorization");
    /// assert_eq!(authorization.unwrap().1, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    /// # Ok::<_, sansws::handshake::BuildError>(())
    /// ```
    pub fn basic_auth(self, user: &str, password: &str) -> Result<Self, BuildError> {
        let credentials = basic(user.as_bytes(), password.as_bytes());
        self.header("Authorization", credentials.ok_or(BuildError::Credentials)?)
    }

    /// Appends the request to `out`, and waits for its answer.
    ///
    /// `nonce` must be chosen at random for each connection (4.1): use
    /// `handshake::nonce`, where there is an operating system.
    pub fn start(self, nonce: [u8; 16], out: &mut Vec<u8>) -> ClientHandshake {
        let key = encode_nonce(&nonce);
        for piece in ["GET ", self.uri.resource_name(), " HTTP/1.1\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
        self.push_fields(Some(&key), out);
        out.extend_from_slice(b"\r\n");
        ClientHandshake::new(Some(AcceptKey::new(&key)), self.offers)
    }

    /// The request for another library to send over HTTP/1.1, with
    /// [`start`](Self::start)'s nonce, and what waits for its answer:
    /// [`ClientHandshake::receive_fields`].
    ///
    /// ```
    /// use sansws::handshake::RequestBuilder;
    ///
    /// let builder = RequestBuilder::new("ws://example.com/chat")?;
    /// let (request, handshake) = builder.start_fields([7; 16]);
    /// assert_eq!((request.method(), request.target()), ("GET", "/chat"));
    /// assert_eq!(request.fields().next(), Some(("host", "example.com")));
    /// # Ok::<_, sansws::handshake::BuildError>(())
    /// ```
    #[must_use]
    pub fn start_fields(self, nonce: [u8; 16]) -> (RequestParts, ClientHandshake) {
        let key = encode_nonce(&nonce);
        let mut lines = Vec::new();
        self.push_fields(Some(&key), &mut lines);
        let handshake = ClientHandshake::new(Some(AcceptKey::new(&key)), self.offers);
        (RequestParts::new(false, self.uri, lines), handshake)
    }

    /// The request for another library to send over HTTP/2 or HTTP/3: an
    /// extended CONNECT (RFC 8441, RFC 9220), which has no nonce; and what waits
    /// for its answer: [`ClientHandshake::receive_fields`].
    ///
    /// It must not be sent before the server has said, by the setting
    /// `SETTINGS_ENABLE_CONNECT_PROTOCOL`, that it takes it (RFC 8441, 3).
    ///
    /// ```
    /// use sansws::handshake::{Answer, RequestBuilder};
    ///
    /// let builder = RequestBuilder::new("wss://example.com/chat")?;
    /// let (request, mut handshake) = builder.start_connect();
    /// assert!(request.fields().eq([
    ///     (":method", "CONNECT"),
    ///     (":protocol", "websocket"),
    ///     (":scheme", "https"),
    ///     (":authority", "example.com"),
    ///     (":path", "/chat"),
    ///     ("sec-websocket-version", "13"),
    /// ]));
    /// let answer = handshake.receive_fields(200, [("server", &b"example"[..])])?;
    /// assert!(matches!(answer, Answer::Accepted(_)));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn start_connect(self) -> (RequestParts, ClientHandshake) {
        let mut lines = Vec::new();
        self.push_fields(None, &mut lines);
        (RequestParts::new(true, self.uri, lines), ClientHandshake::new(None, self.offers))
    }

    /// 4.1: the fields of the request, as lines; those of an `Upgrade` if there
    /// is a key, and otherwise those of an extended CONNECT (RFC 8441, 5).
    fn push_fields(&self, key: Option<&[u8]>, lines: &mut Vec<u8>) {
        if let Some(key) = key {
            push_line(lines, "Host", self.uri.authority().as_bytes());
            push_line(lines, "Upgrade", b"websocket");
            push_line(lines, "Connection", b"Upgrade");
            push_line(lines, "Sec-WebSocket-Key", key);
        }
        push_line(lines, "Sec-WebSocket-Version", b"13");
        if !self.offers.subprotocols.is_empty() {
            let names = self.offers.subprotocols.join(", ");
            push_line(lines, "Sec-WebSocket-Protocol", names.as_bytes());
        }
        #[cfg(feature = "deflate")]
        if let Some(config) = &self.offers.deflate {
            push_line(lines, "Sec-WebSocket-Extensions", deflate::offer(config).as_bytes());
        }
        lines.extend_from_slice(&self.headers);
    }
}

/// A request for a `ws` or `wss` URI, with nothing added.
impl TryFrom<&str> for RequestBuilder {
    type Error = BuildError;

    fn try_from(uri: &str) -> Result<Self, BuildError> {
        Self::new(uri)
    }
}

/// As of a `&str`.
impl TryFrom<&String> for RequestBuilder {
    type Error = BuildError;

    fn try_from(uri: &String) -> Result<Self, BuildError> {
        Self::new(uri)
    }
}

/// As of a `&str`.
impl TryFrom<String> for RequestBuilder {
    type Error = BuildError;

    fn try_from(uri: String) -> Result<Self, BuildError> {
        Self::new(&uri)
    }
}

impl From<Uri> for RequestBuilder {
    fn from(uri: Uri) -> Self {
        Self::from_uri(uri)
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers may have secrets.
        f.debug_struct("RequestBuilder")
            .field("uri", &self.uri)
            .field("subprotocols", &self.offers.subprotocols)
            .finish_non_exhaustive()
    }
}
