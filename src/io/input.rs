//! Bytes that were read, and wait to be received.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::spare;

/// So much is rather left where it was read to than copied. Less than that is no reason to
/// hold four times as much, for as long as the program is about something else.
const LONG: usize = spare::READ_LEN / 4;

#[derive(Default)]
pub(super) struct Input {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Input {
    /// What is left of what was read to the thread's buffer, which stays here if that is much.
    #[inline]
    pub(super) fn left(buffer: &mut Box<[u8]>, start: usize, end: usize) -> Self {
        if end - start < LONG {
            buffer[start..end].to_vec().into()
        } else {
            Self { bytes: mem::take(buffer), start, end }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// Says that so many of the bytes are left.
    #[inline]
    pub(super) fn keep(&mut self, left: usize) {
        self.start = self.end - left;
        if self.is_empty() {
            spare::give_buffer(mem::take(self).bytes);
        }
    }
}

impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        Self { start: 0, end: bytes.len(), bytes: bytes.into() }
    }
}
