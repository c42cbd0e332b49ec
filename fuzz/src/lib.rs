//! What the fuzz targets share: how to read a case from a fuzzer's bytes, the
//! decoder and the checks that the property tests use, and words for heads.

#[path = "../../tests/support/handshake.rs"]
pub mod handshake;
pub mod heads;
#[path = "../../tests/support/reference.rs"]
pub mod reference;
#[path = "../../tests/support/runs.rs"]
pub mod runs;
#[path = "../../tests/support/straight.rs"]
pub mod straight;

/// Frames written out by hand; `with_deflate` asks for them by this name.
#[path = "../../tests/support/frames.rs"]
pub mod support;
#[path = "../../tests/support/deflate.rs"]
pub mod with_deflate;

use self::reference::Rules;

/// A stream, the rules it is read by, and how it is cut.
#[derive(Debug)]
pub struct Case<'d> {
    pub rules: Rules,
    pub stream: &'d [u8],
    pub pieces: Vec<&'d [u8]>,
}

impl<'d> Case<'d> {
    /// The first bytes say everything but the stream, which is the rest.
    pub fn new(data: &'d [u8]) -> Option<Self> {
        let (&[flags, limit, cut_a, cut_b], stream) = data.split_first_chunk()?;
        let limit_if = |flag: u8| if flags & flag != 0 { u64::from(limit) } else { 1 << 20 };
        let rules = Rules {
            is_server: flags & 1 != 0,
            minimal_len: flags & 2 == 0,
            max_frame_len: limit_if(4),
            max_message_len: limit_if(8),
            max_fragments: limit_if(16) as u32,
            key: [1, 2, 3, 4],
        };
        Some(Self { rules, stream, pieces: cut(stream, cut_a, cut_b) })
    }
}

/// Pieces of `a` and `b` bytes in turn; one of the two may be empty.
pub fn cut(mut stream: &[u8], a: u8, b: u8) -> Vec<&[u8]> {
    let lens = [usize::from(a), usize::from(b).max(1)];
    let mut pieces = Vec::new();
    for len in lens.into_iter().cycle() {
        let (piece, rest) = stream.split_at(len.min(stream.len()));
        pieces.push(piece);
        stream = rest;
        if stream.is_empty() {
            break;
        }
    }
    pieces
}
