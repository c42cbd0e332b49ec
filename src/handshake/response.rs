//! What a server answers, and the headers of the program in it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::error::{BuildError, HandshakeError};
use super::fields::{is_token, is_value};
use super::head::push_line;
use super::parts::HttpVersion;

/// Headers that the handshake writes itself, on either side, and those that
/// belong to one connection: `Connection` would have to name them (RFC 9110,
/// 7.6.1), and HTTP/2 has none of them (RFC 9113, 8.2.2).
const RESERVED: [&str; 8] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The longest name that the `http` crate takes, so that all headers can go
/// every way.
const MAX_NAME_LEN: usize = 0xFFFF;

/// Appends a header line, unless it could be taken for anything else.
pub(super) fn push_header(out: &mut Vec<u8>, name: &str, value: &[u8]) -> Result<(), BuildError> {
    let is_ours = name.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("sec-websocket-"));
    if is_ours || RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(BuildError::HeaderReserved);
    }
    if !is_token(name.as_bytes()) || name.len() > MAX_NAME_LEN {
        return Err(BuildError::HeaderName);
    }
    if !is_value(value) {
        return Err(BuildError::HeaderValue);
    }
    push_line(out, name, value);
    Ok(())
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
    let written =
        headers.iter().try_for_each(|(name, value)| push_header(out, name, value.as_bytes()));
    if let Err(error) = written {
        out.truncate(start);
        return Err(error);
    }
    if status == 426 {
        push_our_version(out);
        push_our_protocol(out);
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
    let (status, body) = (error.status(), error_body(error));
    push_status_line(out, status);
    push_error_fields(error, HttpVersion::Http1, out);
    push_content_length(out, body.len());
    push_end(out, status);
    out.extend_from_slice(body.as_bytes());
}

/// The status with which a broken rule is answered in this version of HTTP.
pub(super) const fn error_status(error: HandshakeError, version: HttpVersion) -> u16 {
    match (version, error.status()) {
        // RFC 9110, 15.5.22: 426 must have `Upgrade`, which HTTP/2 does not have.
        (HttpVersion::Http2 | HttpVersion::Http3, 426) => 400,
        (_, status) => status,
    }
}

/// The fields that say what is wrong, but nothing of the connection's end and
/// the body's length.
pub(super) fn push_error_fields(error: HandshakeError, version: HttpVersion, lines: &mut Vec<u8>) {
    push_line(lines, "Content-Type", b"text/plain; charset=utf-8");
    if error == HandshakeError::Method {
        // RFC 9110, 15.5.6
        let method: &[u8] = if version == HttpVersion::Http1 { b"GET" } else { b"CONNECT" };
        push_line(lines, "Allow", method);
    }
    let is_426 = error_status(error, version) == 426;
    if is_426 || matches!(error, HandshakeError::Version | HandshakeError::VersionUnsupported) {
        push_our_version(lines);
    }
    if is_426 {
        push_our_protocol(lines);
    }
}

/// A line of text that says what is wrong.
pub(super) fn error_body(error: HandshakeError) -> String {
    match error {
        // RFC 9110, 9.3.2: it may be HEAD, whose answer has no content.
        HandshakeError::Method => String::new(),
        _ => format!("{error}\n"),
    }
}

/// 4.2.2, 4 and 4.4: "a |Sec-WebSocket-Version| header field indicating the
/// version(s) the server is capable of understanding"
fn push_our_version(lines: &mut Vec<u8>) {
    push_line(lines, "Sec-WebSocket-Version", b"13");
}

/// RFC 9110, 15.5.22: "The server MUST send an Upgrade header field"
fn push_our_protocol(lines: &mut Vec<u8>) {
    push_line(lines, "Upgrade", b"websocket");
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
    push_line(out, "Content-Length", format!("{len}").as_bytes());
}

/// The header that says how the connection goes on: it does not.
fn push_end(out: &mut Vec<u8>, status: u16) {
    // RFC 9110, 7.8: who sends `Upgrade` names it here
    let end: &[u8] = if status == 426 { b"Upgrade, close" } else { b"close" };
    push_line(out, "Connection", end);
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
        504 => "Gateway Timeout",
        _ => "",
    }
}
