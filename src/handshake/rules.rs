//! Every rule about a client's handshake, whichever way it comes.

use alloc::vec::Vec;

use super::accept_key::is_key;
use super::error::HandshakeError;
use super::{fields, uri};

/// How a request asks for a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// By the `Upgrade` field of HTTP/1.1 (RFC 6455, 4.1).
    Upgrade,
    /// By the `:protocol` of HTTP/2 or HTTP/3 (RFC 8441, 4), if it is that.
    Protocol { is_websocket: bool },
}

/// Every rule about a client's handshake (4.2.1; RFC 8441, 5); its key, which only an
/// `Upgrade` has.
pub(super) fn check<'h>(
    request: &httparse::Request<'_, 'h>,
    ask: Ask,
) -> Result<Option<&'h [u8]>, HandshakeError> {
    let method = match ask {
        // 4.2.1, 1: "HTTP/1.1 or higher GET request"
        Ask::Upgrade => "GET",
        // RFC 8441, 4: the tunnel is "created by CONNECT"
        Ask::Protocol { .. } => "CONNECT",
    };
    if request.method != Some(method) {
        return Err(HandshakeError::Method);
    }
    // RFC 9220, 3: "unknown or is not supported"
    if ask == (Ask::Protocol { is_websocket: false }) {
        return Err(HandshakeError::Protocol);
    }
    if request.version != Some(1) {
        return Err(HandshakeError::HttpVersion);
    }
    if !request.path.is_some_and(uri::is_target) {
        return Err(HandshakeError::Target);
    }
    let mut seen = Seen::new(ask);
    for field in &*request.headers {
        // The parser has taken off the white space about the value.
        seen.field(field.name, field.value)?;
    }
    seen.check()
}

/// What the fields of a request amount to.
struct Seen<'h> {
    ask: Ask,
    host: Option<&'h [u8]>,
    upgrade: bool,
    connection: bool,
    version: Option<&'h [u8]>,
    key: Option<&'h [u8]>,
    subprotocols: Vec<&'h [u8]>,
}

impl<'h> Seen<'h> {
    const fn new(ask: Ask) -> Self {
        Self {
            ask,
            host: None,
            upgrade: false,
            connection: false,
            version: None,
            key: None,
            subprotocols: Vec::new(),
        }
    }

    fn field(&mut self, name: &str, value: &'h [u8]) -> Result<(), HandshakeError> {
        let is = |other: &str| fields::is_word(name.as_bytes(), other);
        // Most fields are none of ours: tell them by their length.
        match name.len() {
            4 if is("host") => once(&mut self.host, value, HandshakeError::Host)?,
            7 if is("upgrade") => self.upgrade |= fields::list_has(value, "websocket"),
            10 if is("connection") => self.connection |= fields::list_has(value, "upgrade"),
            14 if is("content-length") && value != b"0" => return Err(HandshakeError::Body),
            17 if is("transfer-encoding") => return Err(HandshakeError::Body),
            // RFC 8441, 5: with `:protocol` they "do not do the processing of" it
            17 if is("sec-websocket-key") && self.ask == Ask::Upgrade => {
                once(&mut self.key, value, HandshakeError::Key)?;
            }
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

    fn check(mut self) -> Result<Option<&'h [u8]>, HandshakeError> {
        let is_upgrade = self.ask == Ask::Upgrade;
        // 4.2.1, 2
        if !self.host.is_some_and(uri::is_authority) {
            return Err(HandshakeError::Host);
        }
        // 4.2.1, 3
        if is_upgrade && !self.upgrade {
            return Err(HandshakeError::Upgrade);
        }
        // 4.2.1, 4
        if is_upgrade && !self.connection {
            return Err(HandshakeError::Connection);
        }
        // 4.2.1, 6, and 4.4: another version is answered with ours
        match self.version {
            Some(b"13") => {}
            Some(version) if is_version(version) => return Err(HandshakeError::VersionUnsupported),
            _ => return Err(HandshakeError::Version),
        }
        // 4.2.1, 5: "when decoded, is 16 bytes in length"
        let key = self.key.filter(|key| is_key(key));
        if is_upgrade && key.is_none() {
            return Err(HandshakeError::Key);
        }
        // 4.1, 10: tokens, "MUST all be unique strings"
        self.subprotocols.sort_unstable();
        let all_tokens = self.subprotocols.iter().all(|name| fields::is_token(name));
        if !all_tokens || self.subprotocols.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(HandshakeError::Subprotocol);
        }
        Ok(key)
    }
}

/// 4.3 and 11.3: the field may appear only once.
pub(super) fn once<T>(
    seen: &mut Option<T>,
    value: T,
    error: HandshakeError,
) -> Result<(), HandshakeError> {
    if seen.replace(value).is_some() { Err(error) } else { Ok(()) }
}

/// 4.3: `DIGIT | (NZDIGIT DIGIT) | ("1" DIGIT DIGIT) | ("2" DIGIT DIGIT)`; those above 255 it
/// excludes in words, and they are no version of ours either way
fn is_version(value: &[u8]) -> bool {
    let is_number = value.iter().all(u8::is_ascii_digit);
    is_number && matches!(value, [_] | [b'1'..=b'9', _] | [b'1' | b'2', _, _])
}
