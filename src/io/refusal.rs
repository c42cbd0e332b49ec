use alloc::vec::Vec;
use core::fmt;

use crate::handshake::Response;

/// A server's answer that does not open the connection.
pub struct Refusal {
    response: Response<'static>,
    body: Vec<u8>,
}

impl Refusal {
    /// The longest body that is read, in bytes: 64 KiB. What follows is cut off.
    pub const MAX_BODY_LEN: usize = 64 * 1024;

    pub(super) fn new(response: Response<'static>, body: Body) -> Self {
        Self { response, body: body.finish() }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.response.status()
    }

    /// The value of the first header field of this name, such as `Location` or
    /// `WWW-Authenticate`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.response.header(name)
    }

    /// The response's head.
    #[must_use]
    pub const fn response(&self) -> &Response<'static> {
        &self.response
    }

    /// The body, as far as it came.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("response", &self.response)
            .field("body_len", &self.body.len())
            .finish()
    }
}

/// The body of a response, as RFC 9112, 6.3 says how long it is.
pub(super) struct Body {
    bytes: Vec<u8>,
    is_chunked: bool,
    len: usize,
}

impl Body {
    pub(super) fn of(response: &Response<'_>, start: Vec<u8>) -> Self {
        let is_chunked = response
            .header("transfer-encoding")
            .is_some_and(|coding| coding.to_ascii_lowercase().ends_with(b"chunked"));
        let len = response
            .header("content-length")
            .and_then(|value| core::str::from_utf8(value).ok()?.parse::<usize>().ok());
        let len = match response.status() {
            204 | 304 => 0,
            _ if is_chunked => Refusal::MAX_BODY_LEN,
            _ => len.unwrap_or(usize::MAX).min(Refusal::MAX_BODY_LEN),
        };
        Self { bytes: start, is_chunked, len }
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn is_complete(&self) -> bool {
        self.bytes.len() >= self.len || (self.is_chunked && dechunk(&self.bytes).1)
    }

    fn finish(mut self) -> Vec<u8> {
        if self.is_chunked {
            self.bytes = dechunk(&self.bytes).0;
        }
        self.bytes.truncate(self.len);
        self.bytes
    }
}

/// RFC 9112, 7.1: the chunks that are there, joined, and whether that is all.
fn dechunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut joined = Vec::new();
    while let Ok(httparse::Status::Complete((start, len))) = httparse::parse_chunk_size(bytes) {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len == 0 {
            return (joined, true);
        }
        let rest = &bytes[start..];
        joined.extend_from_slice(&rest[..len.min(rest.len())]);
        match rest.get(len.saturating_add(2)..) {
            Some(after) => bytes = after,
            None => break,
        }
    }
    (joined, false)
}
