//! What a server answers, as bytes.

use alloc::vec::Vec;

use super::accept_key::AcceptKey;
use super::error::{BuildError, HandshakeError};
use super::fields::{is_token, is_value};

/// Headers that the handshake writes itself, on either side.
const RESERVED: [&str; 5] =
    ["connection", "content-length", "host", "transfer-encoding", "upgrade"];

/// Appends a header line, unless it could be taken for anything else.
pub(super) fn push_header(out: &mut Vec<u8>, name: &str, value: &str) -> Result<(), BuildError> {
    let is_ours = name.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("sec-websocket-"));
    if is_ours || RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(BuildError::HeaderReserved);
    }
    if !is_token(name.as_bytes()) {
        return Err(BuildError::HeaderName);
    }
    if !is_value(value.as_bytes()) {
        return Err(BuildError::HeaderValue);
    }
    push_line(out, name, value.as_bytes());
    Ok(())
}

/// Appends fields that another library has read, and the end of the head.
pub(super) fn push_read_fields<'f>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
) -> Result<(), HandshakeError> {
    for (name, value) in fields {
        // Nothing that could be read as another line or field
        if !is_token(name.as_bytes()) || !is_value(value) {
            return Err(HandshakeError::Malformed);
        }
        push_line(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Appends a header line that is known to be right.
pub(super) fn push_line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(piece);
    }
}

/// 4.2.2: the response that opens the connection.
pub(super) fn write_accept(
    key: &AcceptKey,
    subprotocol: Option<&str>,
    extensions: Option<&str>,
    headers: &[u8],
    out: &mut Vec<u8>,
) {
    out.reserve(160 + subprotocol.map_or(0, str::len) + headers.len());
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    );
    push_line(out, "Sec-WebSocket-Accept", key.as_str().as_bytes());
    if let Some(subprotocol) = subprotocol {
        push_line(out, "Sec-WebSocket-Protocol", subprotocol.as_bytes());
    }
    if let Some(extensions) = extensions {
        push_line(out, "Sec-WebSocket-Extensions", extensions.as_bytes());
    }
    out.extend_from_slice(headers);
    out.extend_from_slice(b"\r\n");
}

/// A response that ends the request, and with it the connection.
pub(super) fn write_rejection(
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
    head_only: bool,
    out: &mut Vec<u8>,
) -> Result<(), BuildError> {
    // RFC 9110, 15.3.5, 15.3.6 and 15.4.5
    let has_no_body = matches!(status, 204 | 205 | 304);
    if !matches!(status, 200..=599) || (has_no_body && !body.is_empty()) {
        return Err(BuildError::Status);
    }
    let start = out.len();
    push_status_line(out, status);
    let written = headers.iter().try_for_each(|(name, value)| push_header(out, name, value));
    if let Err(error) = written {
        out.truncate(start);
        return Err(error);
    }
    // RFC 9110, 8.6: not with 204, and with 304 only what 200 would say.
    if !matches!(status, 204 | 304) {
        push_content_length(out, body.len());
    }
    push_end(out, status);
    if !head_only {
        out.extend_from_slice(body);
    }
    Ok(())
}

/// The answer to a handshake that breaks a rule.
pub(super) fn write_error(error: HandshakeError, out: &mut Vec<u8>) {
    let status = error.status();
    push_status_line(out, status);
    push_line(out, "Content-Type", b"text/plain; charset=utf-8");
    if status == 405 {
        // RFC 9110, 15.5.6
        push_line(out, "Allow", b"GET");
    }
    let mut body = Vec::new();
    body.extend_from_slice(alloc::string::ToString::to_string(&error).as_bytes());
    body.push(b'\n');
    push_content_length(out, body.len());
    if error == HandshakeError::Version {
        // 4.2.2, 4: "a |Sec-WebSocket-Version| header field indicating the
        // version(s) the server is capable of understanding"
        push_line(out, "Sec-WebSocket-Version", b"13");
    }
    push_end(out, status);
    out.extend_from_slice(&body);
}

fn push_status_line(out: &mut Vec<u8>, status: u16) {
    let [hundreds, tens, ones] = [status / 100, status / 10 % 10, status % 10];
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend([hundreds, tens, ones].map(|digit| b'0' + (digit % 10) as u8));
    out.push(b' ');
    out.extend_from_slice(reason_phrase(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn push_content_length(out: &mut Vec<u8>, len: usize) {
    push_line(out, "Content-Length", alloc::format!("{len}").as_bytes());
}

/// The headers that say how the connection goes on: it does not.
fn push_end(out: &mut Vec<u8>, status: u16) {
    if status == 426 {
        // RFC 9110, 15.5.22: "The server MUST send an Upgrade header field";
        // RFC 6455, 4.4: and the versions that it supports
        push_line(out, "Sec-WebSocket-Version", b"13");
        push_line(out, "Upgrade", b"websocket");
        push_line(out, "Connection", b"Upgrade, close");
    } else {
        push_line(out, "Connection", b"close");
    }
    out.extend_from_slice(b"\r\n");
}

/// The usual phrases; a status without one is valid too (RFC 9112, 4).
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "",
    }
}
