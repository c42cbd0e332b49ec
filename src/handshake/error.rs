use alloc::vec::Vec;

use super::response;

/// Why an opening handshake failed: what the peer got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head is not HTTP/1.x, or uses what RFC 9112 forbids: a bare CR or
    /// LF, a folded field, white space before a colon.
    #[error("the head is not well-formed HTTP")]
    Malformed,
    /// The head is longer than the limit.
    #[error("the head is too long")]
    HeadTooLong,
    /// The head has more fields than the limit.
    #[error("the head has too many fields")]
    TooManyFields,
    /// The request is not a GET (RFC 6455, 4.2.1).
    #[error("the method is not GET")]
    Method,
    /// The request target is no resource name (4.2.1).
    #[error("the request target is no resource name")]
    Target,
    /// The HTTP version is below 1.1 (4.2.1). One that is neither 1.0 nor 1.1
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
    /// The HTTP status with which a server answers.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::HeadTooLong | Self::TooManyFields => 431,
            Self::Method => 405,
            Self::Upgrade | Self::VersionUnsupported => 426,
            Self::Origin => 403,
            _ => 400,
        }
    }

    /// The section of RFC 6455 that states the rule, or of the RFC named.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Malformed => "RFC 9112, 2",
            Self::HeadTooLong | Self::TooManyFields => "RFC 6585, 5",
            Self::Body => "RFC 9112, 6",
            Self::TooManyResponses => "RFC 9110, 15.2",
            Self::Method
            | Self::Target
            | Self::HttpVersion
            | Self::Host
            | Self::Upgrade
            | Self::Connection
            | Self::Version
            | Self::Key => "4.2.1",
            Self::VersionUnsupported => "4.4",
            Self::Subprotocol | Self::ExtensionNotOffered | Self::Accept => "4.1",
            Self::Extensions => "9.1",
            Self::Deflate => "RFC 7692, 7.1",
            Self::Origin => "10.2",
        }
    }

    /// Appends a server's answer to `out`: the status, what goes with it
    /// (426 names the version, 405 the method), and a line of text.
    ///
    /// Then write `out` and shut down the socket.
    pub fn respond(self, out: &mut Vec<u8>) {
        response::write_error(self, out);
    }
}

/// Why a handshake could not be built: the program's mistake.
///
/// Nothing that could end a header line, and so smuggle in another, passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Not a `ws` or `wss` URI (RFC 6455, 3): another scheme, a fragment, user
    /// information, or a character that a URI cannot have.
    #[error("not a valid ws or wss URI")]
    Uri,
    /// Not an origin: a scheme, a host and perhaps a port (RFC 6454, 6.2).
    #[error("not a valid origin")]
    Origin,
    /// A header name that is not a token (RFC 9110, 5.6.2).
    #[error("not a valid header name")]
    HeaderName,
    /// A header value with a control character other than a tab.
    #[error("not a valid header value")]
    HeaderValue,
    /// A header that the handshake writes itself.
    #[error("the handshake writes this header itself")]
    HeaderReserved,
    /// A subprotocol that is not a token, or offered twice (4.1).
    #[error("not a valid subprotocol, or offered twice")]
    Subprotocol,
    /// A status that does not end a request, or one with a body that it
    /// cannot have.
    #[error("not a status to answer with, or one that has no body")]
    Status,
}
