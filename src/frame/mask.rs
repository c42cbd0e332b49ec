use alloc::vec::Vec;

/// The four bytes with which a client hides its payload (RFC 6455, 5.3).
///
/// Masking and unmasking are the same XOR. It is not encryption: the key
/// stands in the frame. It keeps a script in a browser from choosing the bytes
/// on the wire, and so from talking to a proxy (10.3).
///
/// ```
/// use sansws::frame::MaskingKey;
///
/// let key = MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]);
/// let mut payload = *b"Hello";
/// key.apply(&mut payload);
/// assert_eq!(payload, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
///
/// // A payload that comes in two pieces: turn the key by the first one's length.
/// let (first, second) = payload.split_at_mut(3);
/// key.apply(first);
/// key.rotated(3).apply(second);
/// assert_eq!(&payload, b"Hello");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaskingKey([u8; 4]);

impl MaskingKey {
    /// A key of these four bytes, in the order in which they stand in a frame.
    #[must_use]
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes, in the order in which they stand in a frame.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// The key for what follows `len` bytes of payload.
    #[must_use]
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "at most 3")]
    pub const fn rotated(self, len: usize) -> Self {
        let bits = (len & 3) as u32 * 8;
        Self(u32::from_le_bytes(self.0).rotate_right(bits).to_le_bytes())
    }

    /// Masks or unmasks `data`, which starts where this key starts.
    #[inline]
    pub fn apply(self, data: &mut [u8]) {
        if data.len() < LONG {
            self.apply_short(data);
        } else {
            self.apply_long(data);
        }
    }

    /// Appends `data`, masked.
    #[inline]
    pub(crate) fn append_masked(self, data: &[u8], out: &mut Vec<u8>) {
        if data.len() < LONG {
            self.append_masked_short(data, out);
        } else if data.len() < ALIGN_FROM {
            self.append_masked_long(data, out);
        } else {
            self.append_masked_aligned(data, out);
        }
    }

    /// Begins where a cache line does, as `apply_aligned`: to store across two of them costs
    /// more than to load so.
    #[inline(never)]
    fn append_masked_aligned(self, data: &[u8], out: &mut Vec<u8>) {
        out.reserve(data.len());
        let lead = out.spare_capacity_mut().as_ptr().align_offset(CACHE_LINE);
        let (lead, aligned) = data.split_at(lead.min(data.len()));
        self.append_masked_short(lead, out);
        self.rotated(lead.len()).append_masked_long(aligned, out);
    }

    #[inline(always)]
    fn append_masked_long(self, data: &[u8], out: &mut Vec<u8>) {
        out.reserve(data.len());
        let (blocks, rest) = data.as_chunks::<64>();
        append_many_blocks(blocks.as_flattened(), self.word(), out);
        self.append_masked_short(rest, out);
    }

    /// Masked on the way: what was just stored in other pieces is slow to load again.
    #[inline(always)]
    fn append_masked_short(self, data: &[u8], out: &mut Vec<u8>) {
        let rest = append_blocks::<64>(data, self.word(), out);
        let (chunks, rest) = rest.as_chunks::<16>();
        for chunk in chunks {
            out.extend_from_slice(&self.masked(*chunk));
        }
        if rest.is_empty() {
            return;
        }
        if data.len() > 16 {
            self.append_last::<16>(data, rest.len(), out);
        } else if let Some(first) = rest.first_chunk::<8>() {
            out.extend_from_slice(&self.masked(*first));
            self.append_last::<8>(rest, rest.len() - 8, out);
        } else if let Some(first) = rest.first_chunk::<4>() {
            out.extend_from_slice(&self.masked(*first));
            self.append_last::<4>(rest, rest.len() - 4, out);
        } else {
            out.extend(rest.iter().zip(self.0).map(|(byte, key)| byte ^ key));
        }
    }

    /// Appends the last `len` bytes of `data` as a chunk, which overlaps with those
    /// that were appended before.
    #[inline(always)]
    fn append_last<const N: usize>(self, data: &[u8], len: usize, out: &mut Vec<u8>) {
        if let Some(last) = data.last_chunk::<N>() {
            out.truncate(out.len() - (N - len));
            out.extend_from_slice(&self.rotated(data.len() - N).masked(*last));
        }
    }

    #[inline(always)]
    fn masked<const N: usize>(self, mut bytes: [u8; N]) -> [u8; N] {
        self.apply_short(&mut bytes);
        bytes
    }

    /// As [`apply`](Self::apply); whether the result was seen to be ASCII alone, which
    /// is only looked for where it costs next to nothing.
    #[inline]
    pub(crate) fn apply_seeing_ascii(self, data: &mut [u8]) -> bool {
        if data.len() < LONG {
            self.apply_short(data).is_ascii()
        } else {
            self.apply_long(data);
            false
        }
    }

    /// All bytes of the result, OR-ed into those of a word.
    #[inline(always)]
    fn apply_short(self, data: &mut [u8]) -> [u8; 8] {
        let narrow = u32::from_ne_bytes(self.0);
        let (words, rest) = data.as_chunks_mut::<8>();
        let mut seen = xor_words(words, self.word());
        let (halves, rest) = rest.as_chunks_mut::<4>();
        for half in halves {
            let masked = u32::from_ne_bytes(*half) ^ narrow;
            *half = masked.to_ne_bytes();
            seen |= u64::from(masked);
        }
        for (byte, key) in rest.iter_mut().zip(self.0) {
            *byte ^= key;
            seen |= u64::from(*byte);
        }
        seen.to_ne_bytes()
    }

    #[inline(never)]
    fn apply_long(self, data: &mut [u8]) {
        if data.len() < ALIGN_FROM {
            let (words, rest) = data.as_chunks_mut::<8>();
            xor_words_avx2(words, self.word());
            self.apply_short(rest);
        } else {
            self.apply_aligned(data);
        }
    }

    /// Vectors that lie across two cache lines cost twice as much, and payloads lie
    /// anywhere: so this begins where a line does.
    #[inline(always)]
    fn apply_aligned(self, data: &mut [u8]) {
        let lead = data.as_ptr().align_offset(CACHE_LINE);
        let (lead, aligned) = data.split_at_mut(lead.min(data.len()));
        self.apply_short(lead);
        let key = self.rotated(lead.len());
        let (words, rest) = aligned.as_chunks_mut::<8>();
        xor_words_avx512(words, key.word());
        key.apply_short(rest);
    }

    const fn word(self) -> u64 {
        let half = u32::from_ne_bytes(self.0) as u64;
        half << 32 | half
    }
}

/// From how many bytes on it pays to look for the best way.
const LONG: usize = 256;

/// From how many bytes on it pays to begin at a cache line, and with vectors of 512 bits where
/// the bytes lie.
const ALIGN_FROM: usize = 4096;

const CACHE_LINE: usize = 64;

/// A flat loop over whole words: the compiler turns it into vectors. All words of the
/// result, OR-ed, which is not computed where nobody asks for it.
#[inline(always)]
fn xor_words(words: &mut [[u8; 8]], key: u64) -> u64 {
    let mut seen = 0;
    for word in words {
        let masked = u64::from_ne_bytes(*word) ^ key;
        *word = masked.to_ne_bytes();
        seen |= masked;
    }
    seen
}

/// The same, with wider vectors where they are found. Not with those of 512 bits: what checks
/// text loads it at once, by 32 bytes, and took an eighth longer for a KiB.
#[cfg_attr(feature = "multiversion", multiversion::multiversion(targets("x86_64+avx2")))]
fn xor_words_avx2(words: &mut [[u8; 8]], key: u64) {
    xor_words(words, key);
}

/// The same of what begins at a cache line, with vectors of 512 bits too. Only where VBMI
/// is: processors before that slow down all else for them.
#[cfg_attr(
    feature = "multiversion",
    multiversion::multiversion(targets(
        "x86_64+avx512f+avx512bw+avx512vl+avx512vbmi",
        "x86_64+avx2"
    ))
)]
fn xor_words_avx512(words: &mut [[u8; 8]], key: u64) {
    xor_words(words, key);
}

/// Appends all whole blocks of `data`, each masked on the stack or in registers; what is left
/// of `data`.
#[inline(always)]
fn append_blocks<'d, const N: usize>(data: &'d [u8], key: u64, out: &mut Vec<u8>) -> &'d [u8] {
    let (blocks, rest) = data.as_chunks::<N>();
    for block in blocks {
        let mut block = *block;
        xor_words(block.as_chunks_mut().0, key);
        out.extend_from_slice(&block);
    }
    rest
}

/// The same of blocks of 64 bytes, as many together as there are: with each, the length of
/// `out` is loaded anew, and its room looked at, by a call where nothing is optimized when it
/// is linked. (An iterator needs neither, but what a `Vec` is extended by is compiled apart
/// then, without what is known of the processor.)
#[cfg_attr(
    feature = "multiversion",
    multiversion::multiversion(targets(
        "x86_64+avx512f+avx512bw+avx512vl+avx512vbmi",
        "x86_64+avx2"
    ))
)]
fn append_many_blocks(data: &[u8], key: u64, out: &mut Vec<u8>) {
    let rest = append_blocks::<1024>(data, key, out);
    let rest = append_blocks::<256>(rest, key, out);
    append_blocks::<64>(rest, key, out);
}
