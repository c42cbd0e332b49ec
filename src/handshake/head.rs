//! The head of an HTTP/1.1 message, however it is cut up by the network.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;
use core::{fmt, mem};

use super::error::HandshakeError;
use super::fields::{is_token, is_token_byte, is_value};

/// The longest head that is taken by default, in bytes.
pub(super) const MAX_LEN: usize = 16 * 1024;

/// How many fields a head may have.
pub(super) const MAX_FIELDS: usize = 128;

/// Collects a head. It is searched for its end once, as it comes, and parsed once.
pub(super) struct HeadReader {
    collected: Vec<u8>,
    max_len: usize,
    /// What all heads begin with.
    start: &'static [u8],
}

impl HeadReader {
    pub(super) const fn of_requests() -> Self {
        Self { collected: Vec::new(), max_len: MAX_LEN, start: b"" }
    }

    pub(super) const fn of_responses() -> Self {
        Self { collected: Vec::new(), max_len: MAX_LEN, start: b"HTTP/1." }
    }

    pub(super) const fn set_max_len(&mut self, bytes: usize) {
        self.max_len = bytes;
    }

    /// Whether a head may begin with `input`, and no empty line before it.
    pub(super) fn begins_with(&self, input: &[u8]) -> bool {
        self.collected.is_empty() && input.first().is_some_and(|&first| is_token_byte(first))
    }

    /// Takes a head of this length from the front of `input`, unless it is too long.
    pub(super) fn take<'b>(&self, input: &mut &'b mut [u8], len: usize) -> Option<&'b [u8]> {
        if len > self.max_len {
            return None;
        }
        let (head, rest) = mem::take(input).split_at_mut_checked(len)?;
        *input = rest;
        Some(head)
    }

    /// Takes a head from the front of `input`; `None` if it is not all there,
    /// and all of `input` was taken.
    pub(super) fn receive<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Cow<'b, [u8]>>, HandshakeError> {
        // What is not HTTP at all, such as TLS, is told at its first byte.
        let is_http = |&first: &u8| is_token_byte(first) || first == b'\r';
        if self.collected.is_empty() && !input.first().is_none_or(is_http) {
            return Err(HandshakeError::Malformed);
        }
        // A server for something else, which may speak first, is told soon after. The limit comes
        // first however it is cut.
        let start = &self.start[..self.start.len().min(self.max_len)];
        let start = start.get(self.collected.len()..).unwrap_or_default();
        if !start.iter().zip(&**input).all(|(expected, byte)| expected == byte) {
            return Err(HandshakeError::Malformed);
        }
        let Some(end) = self.find_end(input) else {
            if self.collected.len() + input.len() > self.max_len {
                return Err(HandshakeError::HeadTooLong);
            }
            self.collected.extend_from_slice(input);
            *input = &mut [];
            return Ok(None);
        };
        if self.collected.len() + end > self.max_len {
            return Err(HandshakeError::HeadTooLong);
        }
        let (head, rest) = mem::take(input).split_at_mut(end);
        *input = rest;
        if self.collected.is_empty() {
            return Ok(Some(Cow::Borrowed(head)));
        }
        self.collected.extend_from_slice(head);
        Ok(Some(Cow::Owned(mem::take(&mut self.collected))))
    }

    /// Where in `input` the head ends: after a line feed that follows a line
    /// feed, with or without a carriage return between. (Bare line feeds are
    /// an error, but one for the parser to find.)
    fn find_end(&self, input: &[u8]) -> Option<usize> {
        let mut from = 0;
        while let Some(at) = input[from..].iter().position(|&byte| byte == b'\n') {
            let at = from + at;
            let before = |n: usize| match at.checked_sub(n) {
                Some(i) => Some(input[i]),
                None => self.collected.len().checked_sub(n - at).map(|i| self.collected[i]),
            };
            if before(1) == Some(b'\n') || (before(1) == Some(b'\r') && before(2) == Some(b'\n')) {
                return Some(at + 1);
            }
            from = at + 1;
        }
        None
    }
}

impl fmt::Debug for HeadReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A head may have secrets.
        f.debug_struct("HeadReader")
            .field("collected", &self.collected.len())
            .finish_non_exhaustive()
    }
}

/// The first line of a request that another library has read.
pub(super) fn request_line(
    method: &str,
    target: &str,
    minor_version: u8,
) -> Result<Vec<u8>, HandshakeError> {
    let is_visible = |byte: u8| byte > b' ' && byte != 0x7F;
    if !is_token(method.as_bytes()) || !target.bytes().all(is_visible) {
        return Err(HandshakeError::Malformed);
    }
    Ok(format!("{method} {target} HTTP/1.{minor_version}\r\n").into_bytes())
}

/// Appends a field that another library has read.
pub(super) fn push_read_field(
    lines: &mut Vec<u8>,
    name: &str,
    value: &[u8],
) -> Result<(), HandshakeError> {
    // Nothing that could be read as another line or field
    if !is_token(name.as_bytes()) || !is_value(value) {
        return Err(HandshakeError::Malformed);
    }
    push_line(lines, name, value);
    Ok(())
}

/// Appends a header line that is known to be right.
pub(super) fn push_line(lines: &mut Vec<u8>, name: &str, value: &[u8]) {
    for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
        lines.extend_from_slice(piece);
    }
}

/// RFC 9112, 2.2: lines end with CR LF, and neither stands alone. The parser
/// alone would take a bare line feed.
pub(super) fn check_line_ends(head: &[u8]) -> Result<(), HandshakeError> {
    let bare = head
        .iter()
        .zip(&head[1..])
        .fold(false, |bare, (&byte, &next)| bare | ((byte == b'\r') != (next == b'\n')));
    if bare { Err(HandshakeError::Malformed) } else { Ok(()) }
}

/// What httparse says, as ours.
pub(super) fn parse_error(error: httparse::Error) -> HandshakeError {
    match error {
        httparse::Error::TooManyHeaders => HandshakeError::TooManyFields,
        _ => HandshakeError::Malformed,
    }
}
