use alloc::vec::Vec;

use super::head::push_line;
use super::parts::{HttpVersion, ResponseParts};
use super::response;

/// Why an opening handshake failed: what the peer got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head is not HTTP/1.x, or uses what RFC 9112 forbids: a bare CR or
    /// LF, a folded field, white space before a colon. The header list is not
    /// HTTP/2's or HTTP/3's: a pseudo-header field too few or too many, a name
    /// not in lower case, a field that belongs to HTTP/1.1 (RFC 9113, 8).
    #[error("the head is not well-formed HTTP")]
    Malformed,
    /// The head is longer than the limit.
    #[error("the head is too long")]
    HeadTooLong,
    /// The head has more fields than the limit.
    #[error("the head has too many fields")]
    TooManyFields,
    /// The request is not a GET (RFC 6455, 4.2.1); in HTTP/2 and HTTP/3, not a
    /// CONNECT (RFC 8441, 4).
    #[error("the method is not that of a WebSocket handshake")]
    Method,
    /// A CONNECT without `:protocol`, or with another than websocket
    /// (RFC 8441, 4).
    #[error("the :protocol of the CONNECT is not websocket")]
    Protocol,
    /// The request target is no resource name (4.2.1).
    #[error("the request target is no resource name")]
    Target,
    /// The HTTP version is below 1.1 (4.1, 4.2.1). One that is neither 1.0 nor 1.1
    /// is [`Malformed`](Self::Malformed).
    #[error("the HTTP version is below 1.1")]
    HttpVersion,
    /// `Host` is missing, given twice, or no host (4.2.1).
    #[error("the Host field is missing, repeated or malformed")]
    Host,
    /// The request has a body, which a proxy might take for a second request.
    #[error("an upgrade request must not have a body")]
    Body,
    /// `Upgrade` does not name websocket (4.1, 4.2.1).
    #[error("the Upgrade field does not name websocket")]
    Upgrade,
    /// `Connection` does not name upgrade (4.1, 4.2.1).
    #[error("the Connection field does not name upgrade")]
    Connection,
    /// `Sec-WebSocket-Version` is missing, given twice, or no number (4.2.1).
    #[error("the Sec-WebSocket-Version field is missing, repeated or malformed")]
    Version,
    /// `Sec-WebSocket-Version` is not 13 (4.4).
    #[error("only version 13 of the protocol is supported")]
    VersionUnsupported,
    /// `Sec-WebSocket-Key` is missing, given twice, or not the base64 of 16
    /// bytes (4.2.1).
    #[error("the Sec-WebSocket-Key field is missing, repeated or malformed")]
    Key,
    /// `Sec-WebSocket-Protocol` is malformed or names a subprotocol twice; in
    /// a response, names one that was not offered (4.1).
    #[error("the Sec-WebSocket-Protocol field is malformed or names what was not offered")]
    Subprotocol,
    /// `Sec-WebSocket-Extensions` is malformed (9.1).
    #[error("the Sec-WebSocket-Extensions field is malformed")]
    Extensions,
    /// The server uses an extension that was not offered (4.1).
    #[error("the server uses an extension that was not offered")]
    ExtensionNotOffered,
    /// The server agrees to compress in a way that was not offered
    /// (RFC 7692, 7.1).
    #[error("the server's permessage-deflate parameters do not answer the offer")]
    Deflate,
    /// `Sec-WebSocket-Accept` is missing, given twice, or not the answer to
    /// the key that was sent (4.1).
    #[error("the Sec-WebSocket-Accept field is missing, repeated or wrong")]
    Accept,
    /// `Origin` is given twice, or not one that the policy allows (4.2.2, 10.2).
    #[error("the origin is not allowed")]
    Origin,
    /// The server sends one provisional response after the other.
    #[error("too many provisional responses")]
    TooManyResponses,
}

impl HandshakeError {
    /// The HTTP status with which a server answers over HTTP/1.1. Over HTTP/2
    /// and HTTP/3 it is the same, but 400 for 426
    /// ([`into_response`](Self::into_response)).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::HeadTooLong | Self::TooManyFields => 431,
            Self::Method => 405,
            Self::Upgrade | Self::VersionUnsupported => 426,
            Self::Origin => 403,
            Self::Protocol => 501,
            _ => 400,
        }
    }

    /// The section of RFC 6455 that states the rule, of a server's answer (4.1) or of a client's
    /// request (4.2.1), or of the RFC named.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Malformed => "RFC 9112, 2",
            Self::HeadTooLong | Self::TooManyFields => "RFC 6585, 5",
            Self::Body => "RFC 9112, 6",
            Self::TooManyResponses => "RFC 9110, 15.2",
            Self::Protocol => "RFC 8441, 4",
            Self::Method | Self::Target | Self::Host | Self::Version | Self::Key => "4.2.1",
            Self::HttpVersion | Self::Upgrade | Self::Connection => "4.1 and 4.2.1",
            Self::VersionUnsupported => "4.4",
            Self::Subprotocol | Self::ExtensionNotOffered | Self::Accept => "4.1",
            Self::Extensions => "9.1",
            Self::Deflate => "RFC 7692, 7.1",
            Self::Origin => "10.2",
        }
    }

    /// Appends a server's answer to `out`: the status, what goes with it
    /// (426 names the version, 405 the method), and a line of text, unless the method
    /// is wrong and may be HEAD.
    ///
    /// Then write `out` and shut down the socket.
    pub fn respond(self, out: &mut Vec<u8>) {
        response::write_error(self, out);
    }

    /// A server's answer for another HTTP library to send, over this version of
    /// HTTP: as [`respond`](Self::respond) has it, but without what says where
    /// the body and the connection end.
    ///
    /// Over HTTP/2 and HTTP/3 there is no `Upgrade` (RFC 9113, 8.2.2), and so no
    /// status 426, which must have it (RFC 9110, 15.5.22): it becomes 400, still
    /// with `sec-websocket-version`.
    #[must_use]
    pub fn into_response(self, version: HttpVersion) -> ResponseParts {
        let mut lines = Vec::new();
        response::push_error_fields(self, version, &mut lines);
        let status = response::error_status(self, version);
        if status == 426 {
            // RFC 9110, 7.8: who sends `Upgrade` names it here
            push_line(&mut lines, "Connection", b"Upgrade");
        }
        ResponseParts::new(status, lines, response::error_body(self))
    }
}

/// Why a handshake could not be built: the program's mistake.
///
/// Nothing that could end a header line, and so smuggle in another, passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Not a `ws` or `wss` URI (RFC 6455, 3).
    #[error("not a valid ws or wss URI: {0}")]
    Uri(UriError),
    /// Not the URI of an HTTP proxy: `http://[user:password@]host[:port]`.
    #[error("not a valid URI of an HTTP proxy")]
    Proxy,
    /// Not an origin: a scheme, a host and perhaps a port (RFC 6454, 6.2).
    #[error("not a valid origin")]
    Origin,
    /// A header name that is not a token (RFC 9110, 5.6.2), or longer than 65535
    /// bytes.
    #[error("not a valid header name")]
    HeaderName,
    /// A header value with a control character other than a tab.
    #[error("not a valid header value")]
    HeaderValue,
    /// A header that the handshake writes itself, or one about the HTTP
    /// connection, such as `Keep-Alive` (RFC 9110, 7.6.1).
    #[error("the handshake writes this header itself, or it is about the HTTP connection")]
    HeaderReserved,
    /// A user with a colon, or a user or password with a control character (RFC 7617, 2).
    #[error("a user cannot have a colon, nor user or password a control character")]
    Credentials,
    /// A subprotocol that is not a token, or offered twice (4.1).
    #[error("not a valid subprotocol, or offered twice")]
    Subprotocol,
    /// A status that does not end a request, or one with a body that it
    /// cannot have.
    #[error("not a status to answer with, or one that has no body")]
    Status,
    /// An answer in bytes to a request of HTTP/2 or HTTP/3, where there are no
    /// such bytes.
    #[error("only HTTP/1.1 can be answered in bytes")]
    HttpVersion,
}

/// What is wrong with a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// There is no scheme, or one that is none of ws, wss, http and https.
    #[error("its scheme is none of ws, wss, http and https")]
    Scheme,
    /// A user or a password, which belong in an `Authorization` header (RFC 7617).
    #[error("it has a user or password, which belong in an Authorization header")]
    UserInformation,
    /// There is no host, or it has a character that it cannot have, as an international name
    /// does that is not in its ASCII form.
    #[error("its host is missing or malformed")]
    Host,
    /// Not a number up to 65535.
    #[error("its port is no number up to 65535")]
    Port,
    /// In the path or query, a character that must be percent-encoded.
    #[error("its path or query has a character that must be percent-encoded")]
    ResourceName,
    /// A fragment, which must not be (RFC 6455, 3).
    #[error("it has a fragment")]
    Fragment,
}
