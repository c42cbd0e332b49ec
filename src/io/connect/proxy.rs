use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::handshake::{BuildError, Uri};

/// An HTTP proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    uri: Uri,
    /// `user:password`
    pub(super) credentials: Option<String>,
}

impl Proxy {
    /// Parses `http://[user:password@]host[:port]`.
    pub(super) fn parse(uri: &str) -> Result<Self, BuildError> {
        let (scheme, rest) = uri.split_once("://").ok_or(BuildError::Uri)?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(BuildError::Uri);
        }
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((credentials, authority)) => (Some(percent_decoded(credentials)?), authority),
            None => (None, rest),
        };
        let uri = Uri::parse(&format!("ws://{authority}"))?;
        if uri.resource_name() != "/" {
            return Err(BuildError::Uri);
        }
        Ok(Self { uri, credentials })
    }

    pub(super) fn host(&self) -> &str {
        self.uri.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.uri.port()
    }
}

/// RFC 3986, 2.1: a password may have any byte.
fn percent_decoded(text: &str) -> Result<String, BuildError> {
    let mut pieces = text.split('%');
    let mut decoded: Vec<u8> = pieces.next().unwrap_or_default().to_owned().into_bytes();
    for piece in pieces {
        let hex = piece.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(hex.ok_or(BuildError::Uri)?);
        decoded.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(decoded).map_err(|_| BuildError::Uri)
}
