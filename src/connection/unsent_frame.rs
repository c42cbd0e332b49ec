use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use crate::frame::{Header, MaskingKey};

/// A frame that is appended in pieces, from
/// [`send_binary_lazily`](super::Connection::send_binary_lazily) or
/// [`send_text_lazily`](super::Connection::send_text_lazily).
///
/// Once some of it is appended, the rest must be, before anything else: its header says how
/// long it is, and the peer takes whatever follows for a part of it. A program that reads
/// meanwhile gives [`receive`](super::Connection::receive) another buffer for its answers,
/// to be written behind the frame.
#[must_use = "nothing of it was appended yet"]
pub struct UnsentFrame<'d> {
    /// Until it was appended.
    header: Option<Header>,
    // Nobody can modify what was written in part (RFC 6455, 10.3): who sees the first masked
    // bytes knows the key, and could choose what the rest looks like on the wire.
    payload: Cow<'d, [u8]>,
    appended: usize,
    /// With which a client masks.
    key: Option<MaskingKey>,
}

impl<'d> UnsentFrame<'d> {
    pub(super) const fn new(header: Header, payload: Cow<'d, [u8]>) -> Self {
        Self { header: Some(header), payload, appended: 0, key: header.mask }
    }

    /// How many bytes of it were not appended yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.header.map_or(0, |header| header.encoded_len()) + self.payload.len() - self.appended
    }

    /// Whether all of it was appended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the header, unless it was appended before, and the next bytes of the payload,
    /// at most `most`, masked if a client sends them.
    pub fn append_to(&mut self, out: &mut Vec<u8>, most: usize) {
        if let Some(header) = self.header.take() {
            header.encode().append_to(out);
        }
        let rest = &self.payload[self.appended..];
        let next = &rest[..most.min(rest.len())];
        match self.key {
            Some(key) => key.rotated(self.appended).append_masked(next, out),
            None => out.extend_from_slice(next),
        }
        self.appended += next.len();
    }
}

/// Without what is sent.
impl fmt::Debug for UnsentFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsentFrame").field("len", &self.len()).finish_non_exhaustive()
    }
}
