use alloc::format;
use alloc::vec::Vec;

use crate::handshake::{BuildError, Uri};

/// An HTTP proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    uri: Uri,
    /// `user:password`
    pub(super) credentials: Option<Vec<u8>>,
}

impl Proxy {
    /// Parses `http://[user:password@]host[:port]`.
    pub(super) fn parse(uri: &str) -> Result<Self, BuildError> {
        Self::try_parse(uri).ok_or(BuildError::Proxy)
    }

    fn try_parse(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // RFC 3986, 3.2: an "@" behind any of these is not the authority's.
        if !scheme.eq_ignore_ascii_case("http") || rest.contains(['/', '?', '#']) {
            return None;
        }
        let (credentials, authority) = match rest.split_once('@') {
            Some((userinfo, authority)) => (Some(credentials(userinfo)?), authority),
            None => (None, rest),
        };
        let uri = Uri::parse(&format!("ws://{authority}")).ok()?;
        Some(Self { uri, credentials })
    }

    pub(super) fn host(&self) -> &str {
        self.uri.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.uri.port()
    }
}

/// What a proxy is to get of `user:password`, where there may be no password.
fn credentials(userinfo: &str) -> Option<Vec<u8>> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut credentials = percent_decoded(user)?;
    // RFC 7617, 2: "a user-id containing a colon character is invalid"
    if credentials.contains(&b':') {
        return None;
    }
    credentials.push(b':');
    credentials.extend(percent_decoded(password)?);
    // "The user-id and password MUST NOT contain any control characters"
    let has_control = credentials.iter().any(u8::is_ascii_control);
    (!has_control).then_some(credentials)
}

/// RFC 3986, 2.1: a password may have any byte, and few of them as they are.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => 16 * hex_digit(bytes.next()?)? + hex_digit(bytes.next()?)?,
            byte if byte.is_ascii_graphic() => byte,
            _ => return None,
        });
    }
    Some(decoded)
}

#[allow(clippy::cast_possible_truncation, reason = "a digit is less than 16")]
fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
