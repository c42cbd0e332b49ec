//! Headers and masking, as values.

use std::hint::black_box;

use sansws::frame::{Header, MaskingKey, Opcode};

use crate::Path;
use crate::messages::{KEY, buffer};

pub fn paths() -> Vec<Path> {
    let headers = [5, 500, 100_000].into_iter().flat_map(|len| [parse(len), encode(len)]);
    let masks = [16, 1 << 10, 64 << 10].into_iter().map(mask);
    headers.chain(masks).collect()
}

/// So often a round: one alone is lost beside what counting costs.
const OFTEN: u32 = 64;

fn header(len: u64) -> Header {
    let mut header = Header::new(Opcode::BINARY, true, len);
    header.mask = Some(MaskingKey::new(KEY));
    header
}

fn parse(len: u64) -> Path {
    Path::new(format!("header/parse/{len}"), OFTEN, move || {
        let bytes = header(len).encode();
        move |meter| {
            meter.run(|| {
                for _ in 0..OFTEN {
                    let parsed = Header::parse(black_box(&bytes));
                    assert!(matches!(black_box(parsed), Ok(Some(_))));
                }
            });
        }
    })
}

fn encode(len: u64) -> Path {
    Path::new(format!("header/encode/{len}"), OFTEN, move || {
        let header = header(len);
        move |meter| {
            meter.run(|| {
                for _ in 0..OFTEN {
                    black_box(black_box(&header).encode());
                }
            });
        }
    })
}

fn mask(len: usize) -> Path {
    let often = if len <= 1 << 10 { OFTEN } else { 1 };
    Path::new(format!("mask/{len}"), often, move || {
        let mut data = buffer();
        data.resize(len, 7);
        move |meter| {
            meter.run(|| {
                for _ in 0..often {
                    MaskingKey::new(black_box(KEY)).apply(black_box(&mut data));
                }
            });
        }
    })
}
