//! Bytes that were read, and wait to be received.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::spare;

/// So much is rather left where it was read to than copied. Less is no reason to hold more than
/// four times as much: not from the start, and not once the peer takes nothing, and so nothing of
/// it may be received for long.
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

    /// Says that what is left will stay for a while: little of it gets memory of its own.
    pub(super) fn settle(&mut self) {
        if (1..LONG).contains(&self.bytes().len()) && self.bytes.len() == spare::READ_LEN {
            let left = Self::from(self.bytes().to_vec());
            spare::give_buffer(mem::replace(self, left).bytes);
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
