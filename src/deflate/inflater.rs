use alloc::boxed::Box;
use core::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::window::Window;
use super::{DeflateParameters, TAIL, pool};
use crate::error::Violation;

/// How much is inflated at a time: the most by which anything can overshoot.
const BLOCK: usize = 8 * 1024;

/// Inflates the messages of a connection.
pub(crate) struct Inflater {
    takeover: bool,
    /// There is one while a message is under way.
    context: Option<Box<Inflate>>,
    /// What the next message may refer to; empty if that is nothing.
    window: Window,
    /// Whether the message under way has had no byte yet.
    is_empty: bool,
    /// Whether what it has had ends with a block that is marked as final.
    is_ended: bool,
}

impl Inflater {
    pub(super) fn new(parameters: &DeflateParameters) -> Self {
        Self {
            takeover: !parameters.receive_without_takeover,
            context: None,
            window: Window::new(1 << parameters.receive_window_bits),
            is_empty: true,
            is_ended: false,
        }
    }

    /// Inflates the next piece of a message and gives what comes of it to
    /// `sink`, block by block.
    pub(crate) fn inflate(
        &mut self,
        piece: &[u8],
        last: bool,
        mut sink: impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        if !piece.is_empty() {
            self.is_empty = false;
            self.run(piece, &mut sink)?;
        }
        if !last {
            return Ok(());
        }
        // A message of no bytes at all is not one that RFC 7692 describes, but
        // there is only one thing it can mean. One that ends with a final block
        // lacks nothing.
        if !self.is_empty && !self.is_ended {
            self.run_tail()?;
        }
        (self.is_empty, self.is_ended) = (true, false);
        self.give_back();
        Ok(())
    }

    fn run(
        &mut self,
        piece: &[u8],
        sink: &mut impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        let mut context = self.context.take().unwrap_or_else(|| self.take_context());
        let result = self.run_with(&mut context, piece, sink);
        self.context = Some(context);
        result
    }

    #[allow(clippy::cast_possible_truncation, reason = "no more than the slices' lengths")]
    fn run_with(
        &mut self,
        context: &mut Inflate,
        mut piece: &[u8],
        sink: &mut impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        let mut block = [0; BLOCK];
        loop {
            let (total_in, total_out) = (context.total_in(), context.total_out());
            let result = context.decompress(piece, &mut block, InflateFlush::NoFlush);
            let taken = (context.total_in() - total_in) as usize;
            let given = (context.total_out() - total_out) as usize;
            piece = &piece[taken..];
            if given > 0 {
                sink(&block[..given])?;
                if self.takeover {
                    self.window.push(&block[..given]);
                }
            }
            // What came before an error counts, however the input is cut.
            let status = result.map_err(|_| Violation::DeflateInvalid)?;
            self.is_ended = status == Status::StreamEnd;
            if self.is_ended {
                // 7.2.3.4: a block marked as final does not end the message. Like
                // the browsers', our window starts anew after it.
                context.reset(false);
                self.window.clear();
            }
            // A block filled to its end may not be all, unless the stream has ended.
            if piece.is_empty() && (given < BLOCK || self.is_ended) {
                return Ok(());
            }
            if taken == 0 && given == 0 {
                return Err(Violation::DeflateInvalid);
            }
        }
    }

    /// 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the
    /// payload", which must bring the stream to the end of a block.
    fn run_tail(&mut self) -> Result<(), Violation> {
        let Some(context) = &mut self.context else { return Err(Violation::DeflateInvalid) };
        // Asked to stop at the end of a block, it must leave the fifth byte.
        let [a, b, c, d] = TAIL;
        let total_in = context.total_in();
        let total_out = context.total_out();
        context
            .decompress(&[a, b, c, d, 0], &mut [0; 16], InflateFlush::Block)
            .map_err(|_| Violation::DeflateInvalid)?;
        let is_complete = context.total_in() - total_in == 4 && context.total_out() == total_out;
        if is_complete { Ok(()) } else { Err(Violation::DeflateInvalid) }
    }

    fn take_context(&self) -> Box<Inflate> {
        let mut context = pool::take();
        for piece in self.window.pieces() {
            // It fails only for streams with a header of zlib's.
            let _ = context.set_dictionary(piece);
        }
        context
    }

    fn give_back(&mut self) {
        if let Some(context) = self.context.take() {
            pool::give_back(context);
        }
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("in_use", &self.context.is_some()).finish_non_exhaustive()
    }
}
