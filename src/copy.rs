//! Copies that keep out of the way of a slow one.
//!
//! The C library of many systems (glibc, its bug 30994) copies more than 2112 bytes by an
//! instruction that takes 18 times as long on some processors (Zen 3) where the target lies up to
//! 63 bytes behind the source, each counted from the beginning of its page. Headers of frames
//! make that likely: large buffers begin alike, and one holds a header before the payload.

use alloc::string::String;
use alloc::vec::Vec;

/// As much as is copied by other instructions.
const SHORT: usize = 2048;

const PAGE: usize = 4096;

/// How far behind the source a target makes a copy slow.
const SLOW: core::ops::Range<usize> = 1..64;

/// Appends `data`.
#[inline]
pub(crate) fn append(data: &[u8], out: &mut Vec<u8>) {
    if data.len() <= SHORT {
        out.extend_from_slice(data);
    } else {
        append_long(data, out);
    }
}

/// The same of text.
#[inline]
pub(crate) fn append_text(text: &str, out: &mut String) {
    if text.len() <= SHORT {
        out.push_str(text);
    } else {
        append_long_text(text, out);
    }
}

/// A call, so that short data, which most are, pay for a look at their length alone.
#[inline(never)]
fn append_long(data: &[u8], out: &mut Vec<u8>) {
    out.reserve(data.len());
    if is_slow(data, out.as_ptr(), out.len()) {
        data.chunks(SHORT).for_each(|piece| out.extend_from_slice(piece));
    } else {
        out.extend_from_slice(data);
    }
}

/// The same of text.
#[inline(never)]
fn append_long_text(mut text: &str, out: &mut String) {
    out.reserve(text.len());
    if is_slow(text.as_bytes(), out.as_ptr(), out.len()) {
        while text.len() > SHORT {
            let mut end = SHORT;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let (piece, rest) = text.split_at(end);
            out.push_str(piece);
            text = rest;
        }
    }
    out.push_str(text);
}

/// Whether what is copied to behind `len` bytes at `target` lies unhappily.
fn is_slow(source: &[u8], target: *const u8, len: usize) -> bool {
    let ahead = target.addr().wrapping_add(len).wrapping_sub(source.as_ptr().addr());
    SLOW.contains(&(ahead % PAGE))
}
