use alloc::vec::Vec;
use core::ops::Deref;

use super::{MaskingKey, Opcode};

/// What stands before a frame's payload (RFC 6455, 5.2).
///
/// ```
/// use sansws::frame::{Header, MaskingKey, Opcode};
///
/// let header = Header {
///     fin: true,
///     rsv1: false,
///     rsv2: false,
///     rsv3: false,
///     opcode: Opcode::TEXT,
///     mask: Some(MaskingKey::new([0x37, 0xfa, 0x21, 0x3d])),
///     len: 5,
/// };
/// let bytes = header.encode();
/// assert_eq!(*bytes, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d]);
/// assert_eq!(Header::parse(&bytes), Ok(Some((header, 6))));
/// assert_eq!(Header::parse(&bytes[..5]), Ok(None)); // more bytes are needed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "the RFC fixes its fields")]
pub struct Header {
    /// Whether this frame is the last of its message.
    pub fin: bool,
    /// The first reserved bit; set on a compressed message's first frame where
    /// permessage-deflate is in use (RFC 7692).
    pub rsv1: bool,
    /// The second reserved bit, which no registered extension uses.
    pub rsv2: bool,
    /// The third reserved bit, which no registered extension uses.
    pub rsv3: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The key with which the payload is masked, if it is.
    pub mask: Option<MaskingKey>,
    /// The payload's length in bytes, at most `2^63 - 1`.
    pub len: u64,
}

impl Header {
    /// The longest header, in bytes.
    pub const MAX_LEN: usize = 14;

    /// An unmasked header with no reserved bit set.
    #[must_use]
    pub const fn new(opcode: Opcode, fin: bool, len: u64) -> Self {
        Self { fin, rsv1: false, rsv2: false, rsv3: false, opcode, mask: None, len }
    }

    /// Reads a header from the start of `bytes`, and how many bytes it takes.
    ///
    /// `None` means that there are too few. A length in more bytes than it
    /// needs is read as it is; it is one where
    /// [`encoded_len`](Self::encoded_len) is less than what the header took.
    ///
    /// # Errors
    /// If the 64-bit length has its highest bit set, which 5.2 forbids.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, HeaderError> {
        let Some((len, len_end)) = Self::parse_len(bytes)? else { return Ok(None) };
        Ok(Self::parse_around(bytes, len, len_end))
    }

    /// Reads all but the length, which is known, and where it ends.
    #[inline]
    pub(crate) fn parse_around(bytes: &[u8], len: u64, len_end: usize) -> Option<(Self, usize)> {
        let [first, second, ..] = bytes else { return None };
        let (mask, size) = match bytes.get(len_end..) {
            _ if second & 0x80 == 0 => (None, len_end),
            Some([a, b, c, d, ..]) => (Some(MaskingKey::new([*a, *b, *c, *d])), len_end + 4),
            _ => return None,
        };
        let header = Self {
            fin: first & 0x80 != 0,
            rsv1: first & 0x40 != 0,
            rsv2: first & 0x20 != 0,
            rsv3: first & 0x10 != 0,
            opcode: Opcode::from_byte(*first),
            mask,
            len,
        };
        Some((header, size))
    }

    /// Reads the payload's length alone, and where in the header it ends.
    #[inline]
    pub(crate) fn parse_len(bytes: &[u8]) -> Result<Option<(u64, usize)>, HeaderError> {
        let [_, second, rest @ ..] = bytes else { return Ok(None) };
        let (len, end) = match (second & 0x7F, rest) {
            (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 4),
            (127, [a, b, c, d, e, f, g, h, ..]) => {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 10)
            }
            (126 | 127, _) => return Ok(None),
            (len, _) => (u64::from(len), 2),
        };
        // 5.2: "the most significant bit MUST be 0"
        if len >> 63 != 0 {
            return Err(HeaderError::LengthOverflow);
        }
        Ok(Some((len, end)))
    }

    /// The header's bytes, the length in as few as it needs (5.2).
    ///
    /// A `len` above `2^63 - 1` is written as it is, and no receiver takes it.
    #[must_use]
    #[inline]
    pub fn encode(&self) -> EncodedHeader {
        let first = u8::from(self.fin) << 7
            | u8::from(self.rsv1) << 6
            | u8::from(self.rsv2) << 5
            | u8::from(self.rsv3) << 4
            | self.opcode.to_byte();
        // As one number in which the first byte is the lowest: bytes that are stored one
        // by one cannot be loaded together before they have reached the cache.
        let (len, end) = match self.len {
            0..=125 => (u128::from(self.len), 2),
            126..=0xFFFF => (126 | u128::from(self.len.swap_bytes() >> 48) << 8, 4),
            _ => (127 | u128::from(self.len.swap_bytes()) << 8, 10),
        };
        let bits = u128::from(first) | len << 8;
        match self.mask {
            None => EncodedHeader { bytes: bits.to_le_bytes(), len: end },
            Some(key) => {
                let key = u128::from(u32::from_le_bytes(key.to_bytes()));
                let bits = bits | 0x8000 | key << (8 * end);
                EncodedHeader { bytes: bits.to_le_bytes(), len: end + 4 }
            }
        }
    }

    /// How many bytes [`encode`](Self::encode) gives: 2 to 14.
    #[must_use]
    #[inline]
    pub const fn encoded_len(&self) -> usize {
        let end = len_end(self.len);
        if self.mask.is_some() { end + 4 } else { end }
    }
}

/// Where in a header the length ends, if it stands in as few bytes as it needs.
#[inline]
pub(crate) const fn len_end(len: u64) -> usize {
    match len {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    }
}

/// A header's bytes, on the stack; dereferences to them.
#[derive(Clone, Copy, Debug)]
pub struct EncodedHeader {
    /// More than there are, since a fixed size is stored at once.
    bytes: [u8; Self::ROOM],
    len: u8,
}

impl EncodedHeader {
    /// What [`append_to`](Self::append_to) takes for a moment.
    pub(crate) const ROOM: usize = 16;

    #[inline]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + usize::from(self.len);
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }
}

impl Deref for EncodedHeader {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl AsRef<[u8]> for EncodedHeader {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Why bytes are no header, however many follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The 64-bit length has its highest bit set (5.2).
    #[error("the payload length has its highest bit set")]
    LengthOverflow,
}
