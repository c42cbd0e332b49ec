//! What memory allows: no library, only the copies that all of them pay for; and what can be
//! written by hand where nothing is to be checked.

use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::Arc;

use sansws::frame::MaskingKey;

use super::Role;
use crate::measure::Contender;
use crate::stream::{self, Stream, Tap};
use crate::work::{Tally, Work};

const BLOCK: usize = 16 * 1024;
const KEY: u64 = 0x37FA_213D_37FA_213D;

pub fn receive(work: &Work) -> [Contender; 2] {
    both(&work.input, 1)
}

/// A copy in, and a copy out.
pub fn echo(work: &Work) -> [Contender; 2] {
    both(&work.input, 2)
}

pub fn send(work: &Work, role: Role) -> Vec<Contender> {
    let bytes = work.messages.concat().into();
    let [copy, masked] = both(&bytes, 1);
    if role == Role::Client { vec![copy, masked] } else { vec![copy] }
}

/// An echo by hand of frames that come whole, with the same reads and writes: it looks at
/// their lengths, unmasks them, and believes all else.
pub fn echo_by_hand(work: &Work, read: usize) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let (mut buffer, mut out) = (vec![0; read], Vec::new());
    let count = work.len();
    let run = move |tally: &mut Tally| {
        let end = tally.messages + count;
        while tally.messages < end {
            let n = stream.read(&mut buffer).unwrap();
            let mut input = &mut buffer[..n];
            while !input.is_empty() {
                let (header, payload) = next_frame(&mut input);
                tally.binary(payload);
                out.push(0x82);
                out.extend_from_slice(header);
                out.extend_from_slice(payload);
            }
            stream.write_all(&out).unwrap();
            out.clear();
        }
    };
    Contender::limit("limit: by hand", tap, Box::new(run)).receives(work)
}

/// The payload of the frame at the front, and the length for one that is not masked.
fn next_frame<'b>(input: &mut &'b mut [u8]) -> (&'b [u8], &'b [u8]) {
    let frame = std::mem::take(input);
    frame[1] &= 0x7F;
    let (len, start) = match frame[1] {
        126 => (usize::from(u16::from_be_bytes([frame[2], frame[3]])), 4),
        len => (usize::from(len), 2),
    };
    let (header, frame) = frame.split_at_mut(start);
    let (key, frame) = frame.split_first_chunk_mut().unwrap();
    let (payload, rest) = frame.split_at_mut(len);
    MaskingKey::new(*key).apply(payload);
    *input = rest;
    (&header[1..], payload)
}

fn both(bytes: &Arc<[u8]>, copies: usize) -> [Contender; 2] {
    [("limit: copy", false), ("limit: copy and XOR", true)].map(|(name, masked)| {
        let (bytes, mut buffer) = (bytes.clone(), vec![0; BLOCK]);
        let run = move |_: &mut Tally| {
            for block in bytes.chunks(BLOCK) {
                let buffer = &mut buffer[..block.len()];
                for copy in 0..copies {
                    stream::copy(block, black_box(&mut *buffer));
                    if masked && copy == 0 {
                        xor(black_box(&mut *buffer));
                    }
                }
                black_box(buffer);
            }
        };
        Contender::limit(name, Tap::default(), Box::new(run))
    })
}

fn xor(bytes: &mut [u8]) {
    let key = black_box(KEY);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.to_ne_bytes()) {
        *byte ^= key;
    }
}
