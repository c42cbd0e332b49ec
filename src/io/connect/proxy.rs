use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::handshake::{self, BuildError, Uri};

/// An HTTP proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    uri: Uri,
    /// What it is to know of the user.
    pub(super) authorization: Option<String>,
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
        let (authorization, authority) = match rest.split_once('@') {
            Some((userinfo, authority)) => (Some(authorization(userinfo)?), authority),
            None => (None, rest),
        };
        let uri = Uri::parse(&format!("ws://{authority}")).ok()?;
        Some(Self { uri, authorization })
    }

    pub(super) fn authority(&self) -> &str {
        self.uri.authority()
    }

    pub(super) fn host(&self) -> &str {
        self.uri.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.uri.port()
    }
}

/// What a proxy is to get of `user:password`, where there may be no password.
fn authorization(userinfo: &str) -> Option<String> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    handshake::basic(&percent_decoded(user)?, &percent_decoded(password)?)
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
