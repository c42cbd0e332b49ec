//! What memory allows: no library, only the copies that all of them pay for.

use std::hint::black_box;
use std::sync::Arc;

use super::Role;
use crate::measure::Contender;
use crate::work::Work;

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

fn both(bytes: &Arc<[u8]>, copies: usize) -> [Contender; 2] {
    [("limit: copy", false), ("limit: copy and XOR", true)].map(|(name, masked)| {
        let (bytes, mut buffer) = (bytes.clone(), vec![0; BLOCK]);
        let run = move |_: &mut crate::work::Tally| {
            for block in bytes.chunks(BLOCK) {
                let buffer = &mut buffer[..block.len()];
                for copy in 0..copies {
                    black_box(&mut *buffer).copy_from_slice(block);
                    if masked && copy == 0 {
                        xor(black_box(&mut *buffer));
                    }
                }
                black_box(buffer);
            }
        };
        Contender::limit(name, Box::new(run))
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
