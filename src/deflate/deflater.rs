use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use zlib_rs::{Deflate, DeflateConfig as ZlibConfig, DeflateFlush};

use super::window::Window;
use super::{DeflateConfig, DeflateParameters, KeepContext, TAIL};

/// By how much zlib's compressors reach less far back than their window.
const OUT_OF_REACH: u16 = 262;

/// Deflates the messages of a connection.
pub(crate) struct Deflater {
    level: u8,
    memory_level: u8,
    min_len: usize,
    pub(crate) window_bits: u8,
    pub(crate) enabled: bool,
    /// Whether the peer's window has been left to another compressor's messages.
    has_given_way: bool,
    /// Whether a message goes on from those before it.
    takeover: bool,
    keeps_context: bool,
    is_amid_message: bool,
    /// There is one while a message is under way, and longer if it is kept.
    context: Option<Box<Deflate>>,
    /// What a new context has to be told to go on from there; empty if there is
    /// no need to.
    window: Window,
}

impl Deflater {
    pub(crate) fn new(parameters: &DeflateParameters, config: &DeflateConfig) -> Self {
        let takeover = !parameters.send_without_takeover;
        Self {
            level: config.level,
            memory_level: config.memory_level,
            min_len: config.min_len,
            window_bits: parameters.send_window_bits,
            enabled: true,
            has_given_way: false,
            takeover,
            keeps_context: match config.keep_context {
                KeepContext::Never => false,
                KeepContext::WithTakeover => takeover,
                KeepContext::Always => true,
            },
            is_amid_message: false,
            context: None,
            window: Window::new((1 << context_bits(parameters.send_window_bits)) - OUT_OF_REACH),
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
        let mut context = self.take_context(part, last);
        run(&mut context, part, out);
        self.context = Some(context);
        self.is_amid_message = !last;
        if self.takeover && !self.keeps_context {
            self.window.push(part);
        }
        if last {
            // 7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end"
            match out[start..].strip_suffix(&TAIL) {
                Some(message) => out.truncate(start + message.len()),
                // A part before has had them already: this is an empty block.
                None => out.push(0),
            }
            if !self.keeps_context {
                self.context = None;
            }
        }
    }

    /// Makes the next message refer to none before it.
    pub(crate) fn forget(&mut self) {
        // Without takeover none does.
        if self.takeover {
            self.context = None;
            self.window.clear();
        }
    }

    /// The context for this part of a message.
    fn take_context(&mut self, part: &[u8], last: bool) -> Box<Deflate> {
        if let Some(mut context) = self.context.take() {
            if self.takeover || self.is_amid_message {
                return context;
            }
            // Not for the first of several parts: zlib-rs looks at what lies behind the
            // end of a part before more comes, which an earlier message has left there.
            if last {
                context.reset();
                return context;
            }
        }
        self.new_context(part, last)
    }

    /// A context for a message that begins with this part. To make one takes the
    /// longer the larger it is, so if it is for this part alone it gets no larger
    /// than to give the same bytes.
    fn new_context(&self, part: &[u8], last: bool) -> Box<Deflate> {
        let mut window_bits = context_bits(self.window_bits);
        let mut memory_level = self.memory_level;
        if last && !self.keeps_context {
            let all = self.window.len() + part.len() + usize::from(OUT_OF_REACH);
            window_bits = (9..window_bits).find(|bits| all <= 1 << bits).unwrap_or(window_bits);
            // So many literals and matches fit into a block, less one.
            let fits = |level: &u8| part.len() + 1 < 1 << (level + 6);
            memory_level = (1..memory_level).find(fits).unwrap_or(memory_level);
        }
        let mut context = Box::new(Deflate::new_with_config(ZlibConfig {
            level: self.level.into(),
            // Negative: without zlib's header and trailer.
            window_bits: -i32::from(window_bits),
            mem_level: memory_level.into(),
            ..ZlibConfig::default()
        }));
        for piece in self.window.pieces() {
            // It fails only amid input, and there was none.
            let _ = context.set_dictionary(piece);
        }
        context
    }

    /// Makes way for the messages of another compressor. They refer back to one
    /// another, and a message of ours would move the peer's window under them;
    /// unless each is compressed by itself.
    pub(crate) fn give_way(&mut self) {
        self.forget();
        self.has_given_way = self.takeover;
    }
}

/// zlib has no window of 8 bits, but of 9 it reaches no further than that would.
fn context_bits(window_bits: u8) -> u8 {
    window_bits.max(9)
}

#[allow(clippy::cast_possible_truncation, reason = "no more than the slices' lengths")]
fn run(context: &mut Deflate, mut part: &[u8], out: &mut Vec<u8>) {
    loop {
        let filled = out.len();
        // Most parts shrink; what does not is gone on with.
        out.resize(filled + part.len() / 2 + 64, 0);
        let (total_in, total_out) = (context.total_in(), context.total_out());
        let result = context.compress(part, &mut out[filled..], DeflateFlush::SyncFlush);
        let taken = (context.total_in() - total_in) as usize;
        let given = (context.total_out() - total_out) as usize;
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
        f.debug_struct("Deflater").field("in_use", &self.context.is_some()).finish_non_exhaustive()
    }
}
