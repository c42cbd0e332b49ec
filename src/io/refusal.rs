use alloc::vec::Vec;
use core::fmt;

use crate::handshake::Response;

/// A server's or a proxy's answer that does not open the connection.
pub struct Refusal {
    response: Response<'static>,
    body: Vec<u8>,
    author: Author,
}

/// Who has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
    Server,
    #[cfg(feature = "connect")]
    Proxy,
}

impl Refusal {
    /// The longest body that is read, in bytes: 64 KiB. What follows is cut off.
    pub const MAX_BODY_LEN: usize = 64 * 1024;

    pub(super) fn new(response: Response<'static>, body: Body, author: Author) -> Self {
        Self { response, body: body.finish(), author }
    }

    /// Whether it is a proxy that has refused to lead to the server.
    ///
    /// TLS does not protect such an answer, though the URI be `wss`, and the server has not
    /// sent it: do not follow its redirections, nor send it the password that is for the
    /// server.
    #[must_use]
    pub const fn is_from_proxy(&self) -> bool {
        !matches!(self.author, Author::Server)
    }

    pub(super) const fn author(&self) -> &'static str {
        if self.is_from_proxy() { "proxy" } else { "server" }
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
            .field("author", &self.author)
            .finish()
    }
}

/// The body of a response, as RFC 9112, 6.3 says how long it is.
pub(super) struct Body {
    bytes: Vec<u8>,
    len: usize,
    chunks: Option<Chunks>,
}

/// What the whole chunks (RFC 9112, 7.1) in a body were joined to.
#[derive(Default)]
struct Chunks {
    joined: Vec<u8>,
    /// Where the next chunk begins.
    next: usize,
    /// Whether there is no next one.
    is_complete: bool,
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
        let mut body = Self { bytes: Vec::new(), len, chunks: is_chunked.then(Chunks::default) };
        body.extend(&start);
        body
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if let Some(chunks) = &mut self.chunks {
            chunks.join(&self.bytes);
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.bytes.len() >= self.len || self.chunks.as_ref().is_some_and(|c| c.is_complete)
    }

    fn finish(self) -> Vec<u8> {
        let mut body = match self.chunks {
            Some(chunks) => chunks.finish(&self.bytes),
            None => self.bytes,
        };
        body.truncate(self.len);
        body
    }
}

impl Chunks {
    /// Joins the chunks that have come as a whole, so that none is read twice.
    fn join(&mut self, bytes: &[u8]) {
        while !self.is_complete {
            let chunk = &bytes[self.next..];
            let (data, len) = match httparse::parse_chunk_size(chunk) {
                Ok(httparse::Status::Partial) => break,
                // What follows the last chunk, or what is none, is not of the body.
                Ok(httparse::Status::Complete((_, 0))) | Err(_) => {
                    self.is_complete = true;
                    break;
                }
                Ok(httparse::Status::Complete((start, len))) => (&chunk[start..], len_of(len)),
            };
            let after = len.checked_add(2).filter(|&after| after <= data.len());
            let Some(after) = after else { break };
            self.joined.extend_from_slice(&data[..len]);
            self.next = bytes.len() - data.len() + after;
        }
    }

    /// With what there is of the next one.
    fn finish(mut self, bytes: &[u8]) -> Vec<u8> {
        let chunk = &bytes[self.next..];
        if let Ok(httparse::Status::Complete((start, len))) = httparse::parse_chunk_size(chunk) {
            let data = &chunk[start..];
            self.joined.extend_from_slice(&data[..len_of(len).min(data.len())]);
        }
        self.joined
    }
}

/// More than there can be is as good as more than there is.
fn len_of(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
