//! Contexts for inflating, which the connections of a thread use in turn.
//!
//! There are none for deflating: zlib's compressors look at the bytes behind the
//! end of a part, which are those of an earlier message if a context is used again,
//! and which matches they find depends on them. So even after a reset the output
//! could tell of other connections' messages. What is inflated depends on the input
//! alone.

use alloc::boxed::Box;
use core::cell::Cell;
use std::thread_local;

use zlib_rs::Inflate;

thread_local! {
    static HELD: Cell<Option<Box<Inflate>>> = const { Cell::new(None) };
}

/// A context that knows of no message.
pub(super) fn take() -> Box<Inflate> {
    if let Ok(Some(held)) = HELD.try_with(Cell::take) {
        return held;
    }
    // It takes the same memory for a smaller window, and inflates any.
    Box::new(Inflate::new(false, 15))
}

/// Gives back a context, whatever it has met. While the thread ends, nothing is
/// held.
pub(super) fn give_back(mut context: Box<Inflate>) {
    // Nothing of what it has met may reach the next connection.
    context.reset(false);
    let _ = HELD.try_with(|held| held.set(Some(context)));
}
