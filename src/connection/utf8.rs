//! UTF-8 that comes in pieces, refused at the first byte that cannot be right.

/// Text is not UTF-8 (RFC 6455, 8.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Invalid;

/// The beginning of a character that the end of a piece cut through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cut {
    bytes: [u8; 4],
    len: u8,
}

impl Cut {
    /// Checks the next piece: the character that it completes, and the text
    /// after that. What it leaves incomplete is kept for the next piece.
    #[inline]
    pub(super) fn join<'b>(&mut self, piece: &'b [u8]) -> Result<(Option<char>, &'b str), Invalid> {
        let (lead, piece) = match self.len {
            0 => (None, piece),
            _ => self.complete(piece)?,
        };
        let (whole, rest) = piece.split_at(piece.len() - incomplete_suffix_len(piece));
        let text = from_utf8(whole)?;
        if !rest.is_empty() {
            self.push(rest)?;
        }
        Ok((lead, text))
    }

    /// What there is of an incomplete character.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// How many bytes that is.
    pub(super) fn len(self) -> u64 {
        self.len.into()
    }

    /// Whether no character is incomplete, as must be at a message's end.
    pub(super) fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Completes the character from the start of `piece`, if it suffices.
    #[cold]
    fn complete<'b>(&mut self, piece: &'b [u8]) -> Result<(Option<char>, &'b [u8]), Invalid> {
        let missing = char_len(self.bytes[0]).saturating_sub(usize::from(self.len));
        let (rest, piece) = piece.split_at(piece.len().min(missing));
        self.push(rest)?;
        if rest.len() < missing {
            return Ok((None, piece));
        }
        let lead = from_utf8(&self.bytes[..usize::from(self.len)])?.chars().next();
        self.len = 0;
        Ok((lead, piece))
    }

    /// Adds bytes, at most four in all, unless no character begins with them.
    #[cold]
    #[allow(clippy::cast_possible_truncation, reason = "at most 4")]
    fn push(&mut self, bytes: &[u8]) -> Result<(), Invalid> {
        let start = usize::from(self.len);
        let end = start + bytes.len();
        self.bytes.get_mut(start..end).ok_or(Invalid)?.copy_from_slice(bytes);
        self.len = end as u8;
        match core::str::from_utf8(&self.bytes[..end]) {
            Err(error) if error.error_len().is_some() => Err(Invalid),
            _ => Ok(()),
        }
    }
}

/// Checks what follows the first `before` bytes of text, which are right. Both may end within
/// a character.
pub(super) fn check_rest(text: &[u8], before: usize) -> Result<(), Invalid> {
    let (checked, _) = text.split_at(before.min(text.len()));
    let whole = checked.len() - incomplete_suffix_len(checked);
    Cut::default().join(&text[whole..]).map(|_| ())
}

/// Checks whole text.
#[inline]
pub(super) fn from_utf8(bytes: &[u8]) -> Result<&str, Invalid> {
    #[cfg(feature = "simdutf8")]
    return simdutf8::basic::from_utf8(bytes).map_err(|_| Invalid);
    #[cfg(not(feature = "simdutf8"))]
    return core::str::from_utf8(bytes).map_err(|_| Invalid);
}

/// The same for text that is expected to be short and ASCII, which `core` checks sooner.
#[inline]
pub(super) fn from_ascii(bytes: &[u8]) -> Result<&str, Invalid> {
    core::str::from_utf8(bytes).map_err(|_| Invalid)
}

/// How many of the last bytes begin a character without completing it.
fn incomplete_suffix_len(bytes: &[u8]) -> usize {
    for (len, &byte) in (1..=3).zip(bytes.iter().rev()) {
        match byte {
            0x80..=0xBF => {}
            _ if char_len(byte) > len => return len,
            _ => return 0,
        }
    }
    0
}

/// The length of the character that begins with `byte`, as far as that tells.
fn char_len(byte: u8) -> usize {
    match byte {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xFF => 4,
        _ => 1,
    }
}
