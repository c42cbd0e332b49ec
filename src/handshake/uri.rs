//! What a WebSocket URI names (RFC 6455, 3).

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

use super::error::{BuildError, UriError};

/// A `ws` or `wss` URI, taken apart.
///
/// `http` and `https` are taken for `ws` and `wss`, as browsers do: a page, or a redirection,
/// names a server so.
///
/// The parts are checked for what must not stand in a request, but not
/// translated: percent-encode what needs it, and write an international host
/// name in its ASCII form. A path or query of visible ASCII passes as it is,
/// as it does from browsers.
///
/// ```
/// use sansws::handshake::Uri;
///
/// let uri = Uri::parse("wss://example.com/chat?room=1")?;
/// assert!(uri.is_secure());
/// assert_eq!((uri.host(), uri.port()), ("example.com", 443));
/// assert_eq!(uri.resource_name(), "/chat?room=1");
/// # Ok::<_, sansws::handshake::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Uri {
    is_secure: bool,
    authority: String,
    host_len: usize,
    port: u16,
    resource_name: String,
}

impl Uri {
    /// Parses a URI such as `ws://host:port/path?query`.
    ///
    /// # Errors
    /// [`BuildError::Uri`], which says what is wrong.
    pub fn parse(uri: &str) -> Result<Self, BuildError> {
        Self::try_parse(uri).map_err(BuildError::Uri)
    }

    fn try_parse(uri: &str) -> Result<Self, UriError> {
        let (scheme, rest) = uri.split_once("://").ok_or(UriError::Scheme)?;
        let is_secure = match scheme {
            _ if is_either(scheme, ["ws", "http"]) => false,
            _ if is_either(scheme, ["wss", "https"]) => true,
            _ => return Err(UriError::Scheme),
        };
        if rest.contains('#') {
            return Err(UriError::Fragment);
        }
        let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path_at);
        if authority.contains('@') {
            return Err(UriError::UserInformation);
        }
        let default_port = if is_secure { 443 } else { 80 };
        let (host, port) = match host_and_port(authority)? {
            (host, None | Some("")) => (host, default_port),
            (host, Some(port)) => (host, port.parse().map_err(|_| UriError::Port)?),
        };
        if !is_resource_name(path) {
            return Err(UriError::ResourceName);
        }
        // 3: "/" if the path is empty, then the query
        let resource_name =
            if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        // 4.1, 4: the port unless it is the default
        let authority =
            if port == default_port { host.to_owned() } else { format!("{host}:{port}") };
        Ok(Self { is_secure, authority, host_len: host.len(), port, resource_name })
    }

    /// Whether TLS is to be used: the scheme is `wss` or `https`.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The scheme of the HTTP request (RFC 8441, 5).
    pub(super) const fn http_scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    /// The host to connect to; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority[..self.host_len].trim_start_matches('[').trim_end_matches(']')
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What the `Host` header says: the host, and the port unless it is the
    /// default.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The host and the port, though that be the default.
    #[cfg(feature = "connect")]
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", &self.authority[..self.host_len], self.port)
    }

    /// The path and the query, which the request asks for.
    #[must_use]
    pub fn resource_name(&self) -> &str {
        &self.resource_name
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query may have secrets: scripts in browsers cannot send them otherwise.
        let (path, query) = path_and_query(&self.resource_name);
        let scheme = if self.is_secure { "wss" } else { "ws" };
        let hidden = if query.is_some() { "?.." } else { "" };
        let uri = format_args!("{scheme}://{}{path}{hidden}", self.authority);
        f.debug_tuple("Uri").field(&uri).finish()
    }
}

/// The path and the query of a request target, which may be a whole URI
/// (RFC 9112, 3.2.2).
pub(super) fn path_and_query(target: &str) -> (&str, Option<&str>) {
    let target = match absolute(target) {
        Some((_, "")) => "/",
        Some((_, path)) => path,
        None => target,
    };
    match target.split_once('?') {
        Some(("", query)) => ("/", Some(query)),
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// The host and perhaps a port, if a request target is a whole URI.
pub(super) fn authority_of(target: &str) -> Option<&str> {
    absolute(target).map(|(authority, _)| authority)
}

/// What is behind the scheme of a request target that is a whole URI: the authority and the rest.
fn absolute(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    let is_absolute = !scheme.contains(['/', '?']);
    is_absolute.then(|| rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

/// Whether these bytes are a host and perhaps a port (RFC 3986, 3.2).
pub(super) fn is_authority(authority: &[u8]) -> bool {
    // A name alone, as most are
    if is_reg_name(authority) {
        return true;
    }
    core::str::from_utf8(authority).is_ok_and(|authority| host_and_port(authority).is_ok())
}

/// The two, each of what it may be made of (RFC 3986, 3.2.2 and 3.2.3).
fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), UriError> {
    let (host, port) = split_port(authority);
    let host_is_valid = match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(Some(address)) => is_ip_literal(address),
        Some(None) => false,
        None => is_reg_name(host.as_bytes()),
    };
    if !host_is_valid {
        return Err(UriError::Host);
    }
    if !port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(UriError::Port);
    }
    Ok((host, port))
}

/// Cuts off the port, if there is one.
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    let host_len = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[host_len..].find(':') {
        Some(at) => (&authority[..host_len + at], Some(&authority[host_len + at + 1..])),
        None => (authority, None),
    }
}

/// The port that an authority leaves out (RFC 9110, 4.2; RFC 6455, 3).
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    if is_either(scheme, ["ws", "http"]) {
        Some(80)
    } else if is_either(scheme, ["wss", "https"]) {
        Some(443)
    } else {
        None
    }
}

fn is_either(scheme: &str, names: [&str; 2]) -> bool {
    names.iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

/// RFC 3986, 3.1
pub(super) fn is_scheme(scheme: &str) -> bool {
    let is_scheme_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(is_scheme_byte)
}

fn is_ip_literal(address: &str) -> bool {
    // An address of a later version starts with "v" (RFC 3986, 3.2.2); a zone
    // names an interface of the sender and has no place here (RFC 6874, 1).
    address.parse::<core::net::Ipv6Addr>().is_ok()
}

/// RFC 3986, 3.2.2: `*( unreserved / pct-encoded / sub-delims )`, but not empty
fn is_reg_name(name: &[u8]) -> bool {
    let is_encoded = |at: usize| {
        let digits = name.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let mut bytes = name.iter().enumerate();
    !name.is_empty()
        && bytes.all(|(at, &byte)| is_reg_name_byte(byte) || byte == b'%' && is_encoded(at))
}

/// `unreserved / sub-delims`
const fn is_reg_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

/// Whether a request asks for a resource name, or for a URI that has one
/// (RFC 6455, 4.2.1).
pub(super) fn is_target(target: &str) -> bool {
    let is_http = |(scheme, _): (&str, &str)| is_either(scheme, ["http", "https"]);
    let is_absolute = || {
        target.split_once("://").is_some_and(is_http)
            && authority_of(target).is_some_and(|authority| is_authority(authority.as_bytes()))
    };
    (target.starts_with('/') || is_absolute()) && is_resource_name(target)
}

/// Visible ASCII without a fragment (RFC 6455, 3). No stricter than browsers
/// are, which send brackets and the like as they find them.
fn is_resource_name(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}
