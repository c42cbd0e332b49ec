//! Buffers that threads lend to each other: where there is one for each connection, most of
//! them wait, and few work.

use alloc::vec::Vec;
use std::sync::{Mutex, PoisonError};

use super::spare::{MESSAGE, OUTPUT, give, take};

/// How much of what threads have lent is kept: many wait, and few work at the same time.
const MAX_LENT: usize = 16;

/// What threads have lent. The last comes first: it is the likeliest to be in the
/// processor's caches still.
static LENT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());

/// What a thread keeps, but for the buffer to read into: it waits with that.
struct Kept {
    output: Vec<u8>,
    message: Vec<u8>,
}

/// Does what may wait for long, and lends what the thread keeps to others for that time.
pub(super) fn during<T>(wait: impl FnOnce() -> T) -> T {
    let has_lent = lend();
    let result = wait();
    if has_lent {
        borrow();
    }
    result
}

/// Whether anything was lent. Where many threads lend at once they rather keep what they
/// have than wait for each other.
fn lend() -> bool {
    let Ok(mut lent) = LENT.try_lock() else { return false };
    let kept = Kept { output: take(&OUTPUT), message: take(&MESSAGE) };
    let is_any = kept.output.capacity() + kept.message.capacity() > 0;
    if is_any && lent.len() < MAX_LENT {
        lent.push(kept);
    }
    is_any
}

/// Only who has lent borrows: so there is something for each, unless very many wait.
fn borrow() {
    let lent = LENT.lock().unwrap_or_else(PoisonError::into_inner).pop();
    if let Some(Kept { output, message }) = lent {
        give(&OUTPUT, output);
        give(&MESSAGE, message);
    }
}
