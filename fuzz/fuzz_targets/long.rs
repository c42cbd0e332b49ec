//! A stream of long messages means the same whether it comes whole, or in reads that go
//! straight to where messages are joined, or into memory that is used again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sansws::{Connection, Error, MessageBuffer};
use sansws_fuzz::reference::{Decoded, Item, Rules};
use sansws_fuzz::runs::{WHOLE, connection, run};
use sansws_fuzz::straight::read_straight;
use sansws_fuzz::support::{KEY, raw_frame};

fuzz_target!(|data: &[u8]| {
    let Some((&[flags, ways, a, b], script)) = data.split_first_chunk() else { return };
    let rules = Rules {
        is_server: flags & 1 != 0,
        minimal_len: true,
        max_frame_len: 1 << 20,
        max_message_len: if flags & 2 != 0 { 60_000 } else { 1 << 20 },
        max_fragments: 100,
        key: KEY,
    };
    let stream = expand(script, rules.is_server.then_some(KEY));
    let whole = run(&rules, &[&stream], WHOLE).decoded;
    // Of one byte to nearly 64 KiB.
    let reads = [a, b].map(|read| 1 + usize::from(read) * usize::from(read));
    let mut ws = connection(&rules);
    assert_eq!(receive(&mut ws, &stream, reads, ways), whole);
    if whole.violation.is_some() {
        assert_eq!(ws.buffered(), 0, "a connection that has failed holds nothing");
    }
});

/// Frames of up to 64 KiB, each from six bytes: its first, its length, and a byte of the payload
/// that is replaced, with its place. In between bytes as they stand, after one that says how
/// many.
fn expand(mut script: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut stream = Vec::new();
    while let Some((&[first, len_a, len_b, place_a, place_b, byte], rest)) =
        script.split_first_chunk()
        && stream.len() < 1 << 18
    {
        if first & 0x70 == 0x70 {
            let literal = &script[1..script.len().min(2 + usize::from(first & 0xF))];
            stream.extend_from_slice(literal);
            script = &script[1 + literal.len()..];
            continue;
        }
        script = rest;
        let len = u16::from_be_bytes([len_a, len_b]);
        let is_control = first & 8 != 0;
        let len = if is_control { len & 0x7F } else { len };
        let pattern = "ab\u{e9}\u{20ac}\u{1f600} ".bytes().cycle();
        let mut payload: Vec<u8> = pattern.take(len.into()).collect();
        let place = usize::from(u16::from_be_bytes([place_a, place_b]));
        if let Some(replaced) = payload.get_mut(place) {
            *replaced = byte;
        }
        stream.extend(raw_frame(first, key, &payload));
    }
    stream
}

/// With reads of these lengths in turn; the bits of `ways` say in turn whether each is to go
/// straight where it can, and whether the memory is used again.
fn receive(ws: &mut Connection, mut stream: &[u8], reads: [usize; 2], ways: u8) -> Decoded {
    let mut decoded = Decoded::default();
    let mut memory = MessageBuffer::new();
    let mut reads = reads.into_iter().cycle();
    let mut ways = (0..8).map(|i| ways >> i & 1 != 0).cycle();
    while !stream.is_empty() && decoded.violation.is_none() {
        let most = reads.next().unwrap().min(stream.len());
        let (is_straight, reuses) = (ways.next().unwrap(), ways.next().unwrap());
        let straight = if is_straight { read_straight(ws, stream, most) } else { None };
        let (read, rest) = stream.split_at(straight.unwrap_or(most));
        stream = rest;
        let mut read = if straight.is_some() { Vec::new() } else { read.to_vec() };
        let mut input = &mut read[..];
        loop {
            let event = if reuses {
                ws.receive_reusing(&mut input, &mut decoded.replies, &mut memory)
            } else {
                ws.receive(&mut input, &mut decoded.replies)
            };
            match event.map(|event| event.map(Item::from)) {
                Ok(Some(item)) => decoded.items.push(item),
                Ok(None) => break,
                Err(Error::Failed(violation)) => {
                    decoded.violation = Some(violation);
                    break;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    decoded
}
