use alloc::boxed::Box;
use core::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::TAIL;
use crate::error::Violation;

/// How much is inflated at a time: the most by which anything can overshoot.
const BLOCK: usize = 8 * 1024;

/// Inflates the messages of a connection.
pub(crate) struct Inflater {
    without_takeover: bool,
    /// Made by the first compressed message; given up after each if nothing is
    /// taken over to the next.
    stream: Option<Box<Inflate>>,
    /// Whether the message under way has had no byte yet.
    is_empty: bool,
    /// Whether what it has had ends with a block that is marked as final.
    is_ended: bool,
}

impl Inflater {
    pub(super) fn new(without_takeover: bool) -> Self {
        Self { without_takeover, stream: None, is_empty: true, is_ended: false }
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
        if self.without_takeover {
            self.stream = None;
        }
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation, reason = "no more than the slices' lengths")]
    fn run(
        &mut self,
        mut piece: &[u8],
        sink: &mut impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        let mut block = [0; BLOCK];
        loop {
            let stream = self.stream.get_or_insert_with(new_stream);
            let (total_in, total_out) = (stream.total_in(), stream.total_out());
            let result = stream.decompress(piece, &mut block, InflateFlush::NoFlush);
            let taken = (stream.total_in() - total_in) as usize;
            let given = (stream.total_out() - total_out) as usize;
            piece = &piece[taken..];
            if given > 0 {
                sink(&block[..given])?;
            }
            // What came before an error counts, however the input is cut.
            let status = result.map_err(|_| Violation::DeflateInvalid)?;
            self.is_ended = status == Status::StreamEnd;
            if self.is_ended {
                // 7.2.3.4: a block marked as final does not end the message. Like
                // the browsers', our window starts anew after it.
                stream.reset(false);
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
        let Some(stream) = &mut self.stream else { return Err(Violation::DeflateInvalid) };
        // Asked to stop at the end of a block, it must leave the fifth byte.
        let [a, b, c, d] = TAIL;
        let total_in = stream.total_in();
        let total_out = stream.total_out();
        stream
            .decompress(&[a, b, c, d, 0], &mut [0; 16], InflateFlush::Block)
            .map_err(|_| Violation::DeflateInvalid)?;
        let is_complete = stream.total_in() - total_in == 4 && stream.total_out() == total_out;
        if is_complete { Ok(()) } else { Err(Violation::DeflateInvalid) }
    }
}

fn new_stream() -> Box<Inflate> {
    // It takes the same memory for a smaller window, and inflates any.
    Box::new(Inflate::new(false, 15))
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("in_use", &self.stream.is_some()).finish_non_exhaustive()
    }
}
