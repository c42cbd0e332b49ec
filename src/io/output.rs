//! Bytes that wait to be written.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use std::io::IoSlice;

use bytes::Bytes;

use super::spare;

/// How many slices are written in one call at most.
pub(super) const MAX_SLICES: usize = 16;

/// How much more memory than it needs output that waits may have in any case.
const SLACK: usize = 1024;

/// A queue of bytes: what was appended in small pieces is joined, what came as a
/// large one is kept as it is.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// What comes before `tail`; empty for most of the time.
    chunks: VecDeque<Bytes>,
    /// How many bytes they are.
    chunks_len: usize,
    tail: Vec<u8>,
    /// How much of the first of all these was written.
    written: usize,
    /// How many bytes reading has added, and how many bytes wait up to the end of those;
    /// first of some, and then of what was added since.
    answers: usize,
    until_answered: usize,
    later_answers: usize,
    until_later: usize,
}

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        // The program can have taken bytes out of the tail.
        (self.chunks_len + self.tail.len()).saturating_sub(self.written)
    }

    /// How many bytes wait that reading has added; rather too many than too few, since
    /// each still counts until those are written that were added soon after it.
    pub(super) fn answers(&self) -> usize {
        self.answers + self.later_answers
    }

    /// Appends what reading adds, as `receive` does it.
    #[inline]
    pub(super) fn answer<T>(&mut self, receive: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let before = self.tail.len();
        let result = receive(&mut self.tail);
        let added = self.tail.len() - before;
        if added > 0 {
            self.later_answers += added;
            self.until_later = self.len();
            self.renew_answers();
        }
        result
    }

    /// Appends a message, as `append` does it. The first that waits goes into a buffer
    /// of the thread, which has grown already.
    #[inline]
    pub(super) fn append<T>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        if self.tail.capacity() == 0 {
            self.tail = spare::take_output();
        }
        let result = append(&mut self.tail);
        if self.tail.is_empty() {
            spare::give_output(mem::take(&mut self.tail));
        }
        result
    }

    /// Where to append to.
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Appends without a copy.
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.settle();
        let before = mem::take(&mut self.tail).into();
        for chunk in [before, chunk] {
            if !chunk.is_empty() {
                self.chunks_len += chunk.len();
                self.chunks.push_back(chunk);
            }
        }
    }

    /// The bytes to write next, in order; how many slices they are.
    pub(super) fn fill<'o>(&'o self, slices: &mut [IoSlice<'o>; MAX_SLICES]) -> usize {
        let chunks = self.chunks.iter().map(|chunk| &chunk[..]);
        let mut written = self.written;
        let mut filled = 0;
        for (slice, chunk) in slices.iter_mut().zip(chunks.chain([&self.tail[..]])) {
            *slice = IoSlice::new(chunk.get(mem::take(&mut written)..).unwrap_or_default());
            filled += 1;
        }
        filled
    }

    /// Says that what waits will do so for a while: it gets a buffer of its own if there is
    /// little in that of the thread, which others can use, or in one from which most was
    /// written: a program that writes before all is would make it grow for ever.
    pub(super) fn settle(&mut self) {
        let written = if self.chunks.is_empty() { self.written } else { 0 };
        let waiting = self.tail.get(written..).unwrap_or_default();
        if self.tail.capacity() > SLACK.max(2 * waiting.len()) {
            let waiting = waiting.to_vec();
            spare::give_output(mem::replace(&mut self.tail, waiting));
            self.written -= written;
        }
    }

    /// Says that `count` bytes were written. Memory is given back as soon as
    /// nothing waits.
    pub(super) fn advance(&mut self, count: usize) {
        self.written += count;
        while let Some(chunk) = self.chunks.front()
            && self.written >= chunk.len()
        {
            self.written -= chunk.len();
            self.chunks_len -= chunk.len();
            self.chunks.pop_front();
        }
        self.until_answered = self.until_answered.saturating_sub(count);
        self.until_later = self.until_later.saturating_sub(count);
        self.renew_answers();
        if self.is_empty() {
            spare::give_output(mem::take(self).tail);
        }
    }

    /// Once some answers are written, waits for those that were added since.
    #[inline]
    fn renew_answers(&mut self) {
        if self.until_answered == 0 {
            let later = mem::take(&mut self.later_answers);
            self.until_answered = mem::take(&mut self.until_later);
            self.answers = if self.until_answered > 0 { later } else { 0 };
        }
    }
}
