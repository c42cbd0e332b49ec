//! The header lists of HTTP/2 and HTTP/3 (RFC 9113, 8; RFC 9114, 4), and the
//! extended CONNECT in them (RFC 8441; RFC 9220).

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use super::error::HandshakeError;
use super::head;
use super::rules::{Ask, once};
use super::server::Request;
use super::uri::{default_port, is_scheme};

impl Request<'static> {
    /// A request of HTTP/2 or HTTP/3, from its header list in order, with its
    /// pseudo-header fields. It opens a WebSocket if it is an extended CONNECT
    /// (RFC 8441, RFC 9220), and is checked by the same rules as one of
    /// HTTP/1.1, but for the fields that `:protocol` stands in for: `Upgrade`
    /// and `Connection`, which must not be there, and `Sec-WebSocket-Key`, which
    /// does not matter.
    ///
    /// It can be read as one of HTTP/1.1 can: the target is the `:path`, the
    /// `:authority` is the `host` field, and a cookie that HTTP/2 has split is
    /// one field again (RFC 9113, 8.2.3). [`Accept::into_response`] and
    /// [`HandshakeError::into_response`] answer it; there are no bytes to answer
    /// with.
    ///
    /// The server has to say that it takes an extended CONNECT, by the setting
    /// `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441, 3).
    ///
    /// # Errors
    /// [`HandshakeError::Malformed`] if the list is none of a request, or
    /// [`HandshakeError::TooManyFields`].
    ///
    /// [`Accept::into_response`]: super::Accept::into_response
    ///
    /// ```
    /// use sansws::handshake::{HandshakeError, HttpVersion, Request};
    ///
    /// let list = [
    ///     (":method", "CONNECT"),
    ///     (":protocol", "connect-udp"),
    ///     (":scheme", "https"),
    ///     (":path", "/chat"),
    ///     (":authority", "example.com"),
    /// ];
    /// let list = list.iter().map(|(name, value)| (*name, value.as_bytes()));
    /// let request = Request::from_header_list(list)?;
    /// assert_eq!((request.path(), request.is_websocket()), ("/chat", false));
    /// let error = request.accept().unwrap_err();
    /// assert_eq!(error.into_response(HttpVersion::Http2).status(), 501);
    /// # Ok::<_, HandshakeError>(())
    /// ```
    pub fn from_header_list<'f>(
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<Self, HandshakeError> {
        let mut pseudo = Pseudo::default();
        let (mut host, mut cookie) = (None, None::<Vec<u8>>);
        let mut lines = Vec::new();
        let mut is_over = false;
        for (name, value) in fields {
            match name {
                // RFC 9113, 8.3: "MUST appear in a field block before all regular
                // field lines"
                _ if name.starts_with(':') && is_over => return Err(HandshakeError::Malformed),
                _ if name.starts_with(':') => {
                    pseudo.set(name, value)?;
                    continue;
                }
                _ if !is_list_field(name, value) => return Err(HandshakeError::Malformed),
                // RFC 9113, 8.3.1: malformed, if it "identifies an entity that
                // differs from the entity in the ":authority""
                "host" if pseudo.is_other_authority(value) => {
                    return Err(HandshakeError::Malformed);
                }
                "host" if pseudo.authority.is_some() => {
                    once(&mut host, value, HandshakeError::Malformed)?;
                }
                // RFC 9113, 8.2.3: "MUST be concatenated into a single octet string
                // using the two-octet delimiter of 0x3b, 0x20"
                "cookie" if cookie.is_some() => {
                    cookie.iter_mut().for_each(|all| all.extend([b"; ", value].concat()));
                }
                "cookie" => cookie = Some(value.to_vec()),
                _ => head::push_read_field(&mut lines, name, value)?,
            }
            is_over = true;
        }
        let mut head = head::request_line(pseudo.method()?, &pseudo.target()?, 1)?;
        if let Some(authority) = pseudo.authority {
            push_list_field(&mut head, "host", authority.as_bytes())?;
        }
        head.append(&mut lines);
        if let Some(cookie) = cookie {
            head::push_read_field(&mut head, "cookie", &cookie)?;
        }
        Self::from_lines(head, Ask::Protocol { is_websocket: pseudo.is_websocket() })
    }
}

/// The pseudo-header fields of a request (RFC 9113, 8.3.1; RFC 8441, 4).
#[derive(Default)]
struct Pseudo<'f> {
    method: Option<&'f str>,
    scheme: Option<&'f str>,
    authority: Option<&'f str>,
    path: Option<&'f str>,
    protocol: Option<&'f str>,
}

impl<'f> Pseudo<'f> {
    fn set(&mut self, name: &str, value: &'f [u8]) -> Result<(), HandshakeError> {
        let value = core::str::from_utf8(value).map_err(|_| HandshakeError::Malformed)?;
        let part = match name {
            ":method" => &mut self.method,
            ":scheme" => &mut self.scheme,
            ":authority" => &mut self.authority,
            ":path" => &mut self.path,
            ":protocol" => &mut self.protocol,
            // RFC 9113, 8.3: "Endpoints MUST treat a request or response that
            // contains undefined or invalid pseudo-header fields as malformed"
            _ => return Err(HandshakeError::Malformed),
        };
        // RFC 9113, 8.3: "The same pseudo-header field name MUST NOT appear more
        // than once"
        once(part, value, HandshakeError::Malformed)
    }

    fn method(&self) -> Result<&'f str, HandshakeError> {
        self.method.ok_or(HandshakeError::Malformed)
    }

    /// The target that a request of HTTP/1.1 would have.
    fn target(&self) -> Result<Cow<'f, str>, HandshakeError> {
        let is_connect = self.method == Some("CONNECT");
        match (self.scheme, self.path) {
            // RFC 9113, 8.5: a CONNECT for a tunnel has neither
            (None, None) if is_connect && self.protocol.is_none() => {
                self.authority.map(Cow::Borrowed).ok_or(HandshakeError::Malformed)
            }
            // RFC 8441, 4: with `:protocol` both "MUST also be included"; it is for
            // "the tunnel created by CONNECT", and for no other method
            (Some(scheme), Some(path)) if is_connect == self.protocol.is_some() => {
                self.path_in(scheme, path)
            }
            _ => Err(HandshakeError::Malformed),
        }
    }

    /// RFC 9113, 8.3.1: the path, which for `http` and `https` begins with "/",
    /// but for `OPTIONS *`.
    fn path_in(&self, scheme: &'f str, path: &'f str) -> Result<Cow<'f, str>, HandshakeError> {
        let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
        let is_asterisk = path == "*" && self.method == Some("OPTIONS");
        match is_http {
            true if path.starts_with('/') || is_asterisk => Ok(Cow::Borrowed(path)),
            // A whole URI, whose scheme the rules about a target will not take
            false if is_scheme(scheme) => {
                Ok(Cow::Owned(format!("{scheme}://{}{path}", self.authority.unwrap_or_default())))
            }
            _ => Err(HandshakeError::Malformed),
        }
    }

    /// Whether a `host` names something else than the `:authority` does, if there is one. RFC
    /// 9110, 4.2.3: a port "equal to the default port for a scheme" may be left out
    fn is_other_authority(&self, host: &[u8]) -> bool {
        let Some(authority) = self.authority else { return false };
        let port = self.scheme.and_then(default_port).map(|port| format!(":{port}"));
        let port = port.unwrap_or_default();
        let [authority, host] = [authority.as_bytes(), host]
            .map(|authority| authority.strip_suffix(port.as_bytes()).unwrap_or(authority));
        !authority.eq_ignore_ascii_case(host)
    }

    /// RFC 9110, 16.7: names of protocols are "case-insensitive"
    fn is_websocket(&self) -> bool {
        self.protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
    }
}

/// Appends a field of a header list that is no pseudo-header field.
pub(super) fn push_list_field(
    lines: &mut Vec<u8>,
    name: &str,
    value: &[u8],
) -> Result<(), HandshakeError> {
    if !is_list_field(name, value) {
        return Err(HandshakeError::Malformed);
    }
    head::push_read_field(lines, name, value)
}

/// Whether a header list can have this field, where that is not as in HTTP/1.1.
fn is_list_field(name: &str, value: &[u8]) -> bool {
    let is_allowed = match name {
        // RFC 9113, 8.2.2: "connection-specific header fields"
        "connection" | "proxy-connection" | "keep-alive" | "transfer-encoding" | "upgrade" => false,
        // RFC 9113, 8.2.2: "MUST NOT contain any value other than "trailers""
        "te" => value.eq_ignore_ascii_case(b"trailers"),
        // RFC 9113, 8.2.1: not "characters in the ranges [...] 0x41-0x5a"
        _ => !name.bytes().any(|byte| byte.is_ascii_uppercase()),
    };
    // RFC 9113, 8.2.1: "MUST NOT start or end with an ASCII whitespace character"
    is_allowed && value.trim_ascii() == value
}
