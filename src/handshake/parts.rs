//! What another HTTP library sends for a handshake.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::fields::Fields;
use super::uri::Uri;

/// The version of HTTP over which an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpVersion {
    /// HTTP/1.1 (RFC 9112), where a handshake is an `Upgrade`.
    Http1,
    /// HTTP/2 (RFC 9113), where it is an extended CONNECT (RFC 8441).
    Http2,
    /// HTTP/3 (RFC 9114), where it is the same (RFC 9220).
    Http3,
}

/// A server's answer, for another HTTP library to send: from
/// [`Accept::into_response`](super::Accept::into_response) or
/// [`HandshakeError::into_response`](super::HandshakeError::into_response).
#[derive(Clone)]
pub struct ResponseParts {
    status: u16,
    lines: Vec<u8>,
    body: String,
}

impl ResponseParts {
    /// With these lines, whose names may be in any case.
    pub(super) fn new(status: u16, mut lines: Vec<u8>, body: String) -> Self {
        lower_names(&mut lines);
        Self { status, lines, body }
    }

    /// The status: 101 or 200 if the handshake is accepted.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The header fields in order, with their names in lower case.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        text_fields(&self.lines)
    }

    /// The same as bytes.
    #[cfg(feature = "http")]
    pub(super) fn regular_fields(&self) -> Fields<'_> {
        Fields::new(&self.lines)
    }

    /// The body, a line of text, or nothing if the handshake is accepted.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }
}

impl fmt::Debug for ResponseParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseParts")
            .field("status", &self.status)
            .field("fields", &Fields::new(&self.lines))
            .finish_non_exhaustive()
    }
}

/// A client's request, for another HTTP library to send: from
/// [`RequestBuilder::start_fields`](super::RequestBuilder::start_fields) or
/// [`RequestBuilder::start_connect`](super::RequestBuilder::start_connect).
#[derive(Clone)]
pub struct RequestParts {
    is_connect: bool,
    uri: Uri,
    lines: Vec<u8>,
}

impl RequestParts {
    /// With these lines, whose names may be in any case.
    pub(super) fn new(is_connect: bool, uri: Uri, mut lines: Vec<u8>) -> Self {
        lower_names(&mut lines);
        Self { is_connect, uri, lines }
    }

    /// The method: `GET`, or `CONNECT` for HTTP/2 and HTTP/3.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        if self.is_connect { "CONNECT" } else { "GET" }
    }

    /// The request target, which is also the `:path`: a path and perhaps a query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.uri.resource_name()
    }

    /// The header fields in order, with their names in lower case.
    ///
    /// For HTTP/2 and HTTP/3 this is the whole header list, which begins with
    /// the pseudo-header fields `:method`, `:protocol`, `:scheme`, `:authority`
    /// and `:path`.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let pseudo = [
            (":method", self.method()),
            // RFC 8441, 5
            (":protocol", "websocket"),
            (":scheme", self.uri.http_scheme()),
            (":authority", self.uri.authority()),
            (":path", self.uri.resource_name()),
        ];
        let count = if self.is_connect { pseudo.len() } else { 0 };
        pseudo.into_iter().take(count).chain(text_fields(&self.lines))
    }

    #[cfg(feature = "http")]
    pub(super) const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The header fields that are no pseudo-header fields.
    #[cfg(feature = "http")]
    pub(super) fn regular_fields(&self) -> Fields<'_> {
        Fields::new(&self.lines)
    }
}

impl fmt::Debug for RequestParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestParts")
            .field("method", &self.method())
            .field("uri", &self.uri)
            .field("fields", &Fields::new(&self.lines))
            .finish_non_exhaustive()
    }
}

/// RFC 9113, 8.2: "Field names MUST be converted to lowercase"; HTTP/1.1 takes
/// any case.
fn lower_names(lines: &mut [u8]) {
    for line in lines.split_mut(|&byte| byte == b'\n') {
        if let Some(name) = line.split_mut(|&byte| byte == b':').next() {
            name.make_ascii_lowercase();
        }
    }
}

/// The fields in lines that were written from text.
fn text_fields(lines: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    // So this never falls back.
    Fields::new(lines).map(|(name, value)| (name, core::str::from_utf8(value).unwrap_or_default()))
}
