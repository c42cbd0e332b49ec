//! Joining the pieces of a message that does not lie in one.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::MessageBuffer;
use super::utf8::Cut;
use crate::copy;

/// The message under way, as far as it has come; one of the two is empty.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Grows as a `String`, so that no byte is checked for UTF-8 twice.
    pub(super) text: String,
    /// Bytes, or text that is read straight to here.
    pub(super) data: Vec<u8>,
}

/// How much more of the message is announced, which decides how to grow.
#[derive(Clone, Copy)]
pub(super) struct Announced {
    /// The rest of the current frame, in bytes.
    pub(super) rest: u64,
    /// Whether the message ends with that.
    pub(super) all: bool,
}

impl Assembly {
    pub(super) fn buffered(&self) -> usize {
        self.text.len() + self.data.len()
    }

    /// Appends text, in `memory` if there is none yet.
    pub(super) fn push_text(
        &mut self,
        lead: Option<char>,
        text: &str,
        announced: Announced,
        memory: Option<&mut MessageBuffer>,
    ) {
        let added = lead.map_or(0, char::len_utf8) + text.len();
        let joined = &mut self.text;
        if added > joined.capacity() - joined.len() {
            if joined.capacity() == 0 {
                // What is empty is UTF-8.
                *joined = String::from_utf8(take_memory(memory)).unwrap_or_default();
            }
            joined.reserve_exact(growth(joined.len(), joined.capacity(), added, announced));
        }
        joined.extend(lead);
        copy::append_text(text, joined);
    }

    /// From here on text is appended to `data`: what there is, and what of a character was cut
    /// off, becomes the beginning of that.
    pub(super) fn move_text_to_data(&mut self, cut: &mut Cut, announced: Announced) {
        let cut = mem::take(cut);
        self.data = self.take_text().into_bytes();
        let joined = self.reserve_data(cut.as_bytes().len(), announced, None);
        joined.extend_from_slice(cut.as_bytes());
    }

    pub(super) fn take_text(&mut self) -> String {
        mem::take(&mut self.text)
    }

    pub(super) fn take_data(&mut self) -> Vec<u8> {
        mem::take(&mut self.data)
    }

    /// For how many of the data that are announced there is room, or may be, if they are
    /// `min` at least.
    pub(super) fn make_room(&mut self, announced: Announced, min: usize) -> Option<usize> {
        let joined = &mut self.data;
        let rest = usize::try_from(announced.rest).unwrap_or(usize::MAX);
        let (spare, ahead) = (joined.capacity() - joined.len(), ahead_of(joined.len(), announced));
        if rest.min(spare.max(ahead)) < min {
            return None;
        }
        if spare < min {
            joined.reserve_exact(rest.min(ahead));
        }
        Some(rest.min(joined.capacity() - joined.len()))
    }

    /// Where to append `added` bytes of data: in `memory` if there is none yet.
    #[inline]
    pub(super) fn reserve_data(
        &mut self,
        added: usize,
        announced: Announced,
        memory: Option<&mut MessageBuffer>,
    ) -> &mut Vec<u8> {
        let joined = &mut self.data;
        if added > joined.capacity() - joined.len() {
            if joined.capacity() == 0 {
                *joined = take_memory(memory);
            }
            joined.reserve_exact(growth(joined.len(), joined.capacity(), added, announced));
        }
        joined
    }
}

fn take_memory(memory: Option<&mut MessageBuffer>) -> Vec<u8> {
    memory.map(MessageBuffer::take_memory).unwrap_or_default()
}

/// What to reserve for `added` more bytes.
fn growth(len: usize, capacity: usize, added: usize, announced: Announced) -> usize {
    if added <= capacity - len {
        return 0;
    }
    if !announced.all {
        return added.saturating_add(len.max(added));
    }
    let rest = usize::try_from(announced.rest).unwrap_or(usize::MAX);
    added.saturating_add(rest.min(ahead_of(len.saturating_add(added), announced)))
}

/// What may be reserved for what has not come: as much again as has, or three times as
/// much where that much is announced.
fn ahead_of(come: usize, announced: Announced) -> usize {
    // What has to be moved when it grows costs as much as all the rest.
    come.saturating_mul(if announced.all { 3 } else { 1 })
}
