use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use zlib_rs::{Deflate, DeflateConfig as ZlibConfig, DeflateFlush};

use super::{DeflateConfig, DeflateParameters, TAIL};

/// Deflates the messages of a connection.
pub(crate) struct Deflater {
    level: u8,
    memory_level: u8,
    min_len: usize,
    pub(crate) window_bits: u8,
    without_takeover: bool,
    pub(crate) enabled: bool,
    /// Whether the peer's window has been left to another compressor's messages.
    has_given_way: bool,
    /// Made by the first message that is compressed; given up after each if
    /// nothing is taken over to the next.
    stream: Option<Box<Deflate>>,
}

impl Deflater {
    pub(crate) fn new(parameters: &DeflateParameters, config: &DeflateConfig) -> Self {
        Self {
            level: config.level,
            memory_level: config.memory_level,
            min_len: config.min_len,
            window_bits: parameters.send_window_bits,
            without_takeover: parameters.send_without_takeover,
            enabled: true,
            has_given_way: false,
            stream: None,
        }
    }

    /// Whether anything of our own is to be compressed.
    pub(crate) fn is_active(&self) -> bool {
        self.enabled && !self.has_given_way
    }

    /// Whether a message that begins with this part is to be compressed.
    pub(crate) fn compresses(&self, first_part: &[u8]) -> bool {
        self.is_active() && first_part.len() >= self.min_len
    }

    /// Appends the next part of a message to `out`, compressed.
    pub(crate) fn deflate(&mut self, part: &[u8], last: bool, out: &mut Vec<u8>) {
        let start = out.len();
        let stream = self.stream.get_or_insert_with(|| {
            Box::new(Deflate::new_with_config(ZlibConfig {
                level: self.level.into(),
                // Negative: without zlib's header and trailer.
                window_bits: -i32::from(self.window_bits.max(9)),
                mem_level: self.memory_level.into(),
                ..ZlibConfig::default()
            }))
        });
        run(stream, part, out);
        if last {
            // 7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end"
            match out[start..].strip_suffix(&TAIL) {
                Some(message) => out.truncate(start + message.len()),
                // A part before has had them already: this is an empty block.
                None => out.push(0),
            }
            if self.without_takeover {
                self.forget();
            }
        }
    }

    /// Makes the next message refer to none before it.
    pub(crate) fn forget(&mut self) {
        self.stream = None;
    }

    /// Makes way for the messages of another compressor. They refer back to one
    /// another, and a message of ours would move the peer's window under them;
    /// unless each is compressed by itself.
    pub(crate) fn give_way(&mut self) {
        self.forget();
        self.has_given_way = !self.without_takeover;
    }
}

#[allow(clippy::cast_possible_truncation, reason = "no more than the slices' lengths")]
fn run(stream: &mut Deflate, mut part: &[u8], out: &mut Vec<u8>) {
    loop {
        let filled = out.len();
        // Most parts shrink; what does not is gone on with.
        out.resize(filled + part.len() / 2 + 64, 0);
        let (total_in, total_out) = (stream.total_in(), stream.total_out());
        let result = stream.compress(part, &mut out[filled..], DeflateFlush::SyncFlush);
        let taken = (stream.total_in() - total_in) as usize;
        let given = (stream.total_out() - total_out) as usize;
        let is_full = filled + given == out.len();
        out.truncate(filled + given);
        part = &part[taken..];
        // It cannot fail but by misuse, of which there is none.
        if result.is_err() || (!is_full && part.is_empty()) || (taken == 0 && given == 0) {
            return;
        }
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").field("in_use", &self.stream.is_some()).finish_non_exhaustive()
    }
}
