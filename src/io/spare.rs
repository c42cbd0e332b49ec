//! Buffers that each thread keeps for all its connections, so that these own memory
//! only while something waits in it.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use std::thread_local;

/// How much is read at a time: not a whole number of pages. Some processors (Zen 3) take many
/// times as long to copy to where it lies in its page a few bytes behind where it comes from in
/// its own. With whole pages a long stream that once lies so in the kernel's would go on so.
pub(super) const READ_LEN: usize = 128 * 1024 - 64;

/// The largest buffer for output that is kept: a program that writes, and is long about
/// something else before it reads, has it for that time, little though it wrote.
const MAX_OUTPUT: usize = 32 * 1024;

/// The largest buffer for a message that is kept.
const MAX_MESSAGE: usize = 16 * 1024;

thread_local! {
    /// It is never zeroed again.
    static READ: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
    pub(super) static OUTPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    pub(super) static MESSAGE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the buffer to read into, which can be taken. It is another one if a connection has
/// taken it, if the stream is a WebSocket that reads itself, or if the thread ends.
pub(super) fn with_buffer<T>(read: impl FnOnce(&mut Box<[u8]>) -> T) -> T {
    let kept = READ.try_with(Cell::take).unwrap_or_default();
    let mut buffer = kept.unwrap_or_else(|| vec![0; READ_LEN].into_boxed_slice());
    let result = read(&mut buffer);
    give_buffer(buffer);
    result
}

/// Takes back the buffer to read into, if that is what it is.
pub(super) fn give_buffer(buffer: Box<[u8]>) {
    if buffer.len() == READ_LEN {
        let _ = READ.try_with(|kept| kept.set(Some(buffer)));
    }
}

/// An empty buffer for output, which has grown already if there is one.
pub(super) fn take_output() -> Vec<u8> {
    take(&OUTPUT)
}

/// Takes back a buffer in which nothing waits any more, unless there is a larger one: it
/// can be one that has never grown.
pub(super) fn give_output(mut buffer: Vec<u8>) {
    if buffer.capacity() <= MAX_OUTPUT {
        buffer.clear();
        let known = take_output();
        give(&OUTPUT, if known.capacity() > buffer.capacity() { known } else { buffer });
    }
}

/// Takes the memory of a message that is written.
#[inline]
pub(super) fn give_message(mut message: Vec<u8>) {
    if message.capacity() <= MAX_MESSAGE {
        message.clear();
        give(&MESSAGE, message);
    }
}

/// An empty buffer for a message of `len` bytes. It is for the program to keep: so it
/// takes not much more than that.
#[inline]
pub(super) fn take_message(len: usize) -> Vec<u8> {
    let buffer = take(&MESSAGE);
    if (len..=len.saturating_mul(2)).contains(&buffer.capacity()) {
        return buffer;
    }
    Vec::with_capacity(len)
}

/// When the thread ends there is nothing to take, nor to keep.
#[inline]
pub(super) fn take(spare: &'static std::thread::LocalKey<Cell<Vec<u8>>>) -> Vec<u8> {
    spare.try_with(Cell::take).unwrap_or_default()
}

#[inline]
pub(super) fn give(spare: &'static std::thread::LocalKey<Cell<Vec<u8>>>, buffer: Vec<u8>) {
    let _ = spare.try_with(|spare| spare.set(buffer));
}
