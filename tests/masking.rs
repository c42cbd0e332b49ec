//! Masking, which is done in whole words, against a twin that does it byte by
//! byte as RFC 6455, 5.3 says.

use core::array;

use proptest::prelude::*;
use sansws::frame::{Header, MaskingKey, Opcode};
use sansws::{Config, Connection, Event, MaskingKeys};

const KEYS: [[u8; 4]; 5] =
    [[0x37, 0xFA, 0x21, 0x3D], [1, 2, 3, 4], [0xFF, 0, 0, 0], [0; 4], [0xFF; 4]];

/// "transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4)",
/// the data being what follows `start` bytes.
fn naive(key: [u8; 4], start: usize, data: &[u8]) -> Vec<u8> {
    data.iter().enumerate().map(|(i, byte)| byte ^ key[(start + i) % 4]).collect()
}

fn applied(key: MaskingKey, data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    key.apply(&mut data);
    data
}

/// Bytes that do not repeat with the length of a key or a word.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 131 + i / 256 * 17 + 5) as u8).collect()
}

#[test]
fn a_key_keeps_its_bytes() {
    for key in KEYS {
        assert_eq!(MaskingKey::new(key).to_bytes(), key);
    }
}

#[test]
fn every_length_from_every_phase_is_masked_as_defined() {
    for key in KEYS {
        for len in lengths() {
            let data = bytes(len);
            for start in 0..=4 {
                let masked = applied(MaskingKey::new(key).rotated(start), &data);
                assert!(masked == naive(key, start, &data), "{key:x?}, {len} bytes at {start}");
            }
        }
    }
}

#[test]
fn masking_twice_gives_the_data_back() {
    for key in KEYS {
        for len in 0..=70 {
            let key = MaskingKey::new(key);
            assert_eq!(applied(key, &applied(key, &bytes(len))), bytes(len), "{key:?}, {len}");
        }
    }
}

#[test]
fn data_may_start_anywhere_and_nothing_around_it_is_touched() {
    // The longer ones begin a new phase of the key where a cache line begins.
    for start in 0..=16 {
        for len in (0..=70).chain(4090..=4100) {
            let mut buffer = bytes(start + len + 16);
            let around = buffer.clone();
            MaskingKey::new(KEYS[0]).apply(&mut buffer[start..start + len]);
            let expected = [
                &around[..start],
                &naive(KEYS[0], 0, &around[start..start + len]),
                &around[start + len..],
            ];
            assert_eq!(buffer, expected.concat(), "{len} bytes at {start}");
        }
    }
}

#[test]
fn data_in_two_pieces_is_masked_as_in_one() {
    for key in KEYS {
        for len in 0..=70 {
            let data = bytes(len);
            for cut in 0..=len {
                let key_of_second = MaskingKey::new(key).rotated(cut);
                let first = applied(MaskingKey::new(key), &data[..cut]);
                let second = applied(key_of_second, &data[cut..]);
                assert_eq!([first, second].concat(), naive(key, 0, &data), "{len} cut at {cut}");
            }
        }
    }
}

#[test]
fn a_key_is_turned_by_any_number_of_bytes() {
    let key = KEYS[0];
    let huge = [1 << 16, 1 << 31, usize::MAX / 2, usize::MAX / 2 + 5, usize::MAX];
    for len in (0..=1000).chain(huge.into_iter().flat_map(|at| at - 5..=at)) {
        let expected: [u8; 4] = array::from_fn(|i| key[(len % 4 + i) % 4]);
        assert_eq!(MaskingKey::new(key).rotated(len).to_bytes(), expected, "{len}");
    }
}

/// Lengths about those where another way begins.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=700).chain(4080..=4112).chain(65_530..=65_542)
}

#[test]
fn what_a_client_sends_is_masked_as_defined() {
    for key in KEYS {
        let mut client = Connection::client(&Config::new(), MaskingKeys::new(move || key));
        for len in lengths() {
            let (data, mut out) = (bytes(len), vec![9; len % 3]);
            client.send_binary(&data, &mut out).unwrap();
            let (header, header_len) = Header::parse(&out[len % 3..]).unwrap().unwrap();
            assert_eq!(header.mask, Some(MaskingKey::new(key)));
            let payload = &out[len % 3 + header_len..];
            assert!(payload == naive(key, 0, &data), "{key:x?}, {len} bytes");
        }
    }
}

#[test]
fn what_a_client_sends_is_masked_as_defined_wherever_it_is_appended() {
    // The longer ones begin a new phase of the key where a cache line begins.
    for before in 0..=70 {
        for len in [1000, 4095, 4096, 4097, 5000] {
            let data = bytes(len);
            let mut out = Vec::with_capacity(10_000);
            out.resize(before, b'-');
            let mut ws = Connection::client(&Config::new(), MaskingKeys::new(|| KEYS[0]));
            ws.send_binary(&data, &mut out).unwrap();
            let (earlier, sent) = out.split_at(before);
            assert!(earlier.iter().all(|&byte| byte == b'-'), "{len} bytes at {before}");
            let expected = naive(KEYS[0], 0, &data);
            assert!(sent[8..] == expected, "{len} bytes at {before}");
            assert_eq!(sent[4..8], KEYS[0]);
        }
    }
}

#[test]
fn what_a_server_joins_is_unmasked_as_defined() {
    for key in KEYS {
        for len in lengths() {
            let mut server = Connection::server(&Config::new());
            // The start of a message, so that the next piece is joined to it.
            let (mut input, mut out) = (frame(key, Opcode::BINARY, false, b"start"), Vec::new());
            assert_eq!(server.receive(&mut &mut input[..], &mut out), Ok(None));
            let data = bytes(len);
            let mut input = frame(key, Opcode::CONTINUATION, true, &data);
            // In two pieces, the first of which turns the key.
            let (first, second) = input.split_at_mut(len.min(14) + len % 5);
            assert_eq!(server.receive(&mut &mut *first, &mut out), Ok(None));
            let event = server.receive(&mut &mut *second, &mut out).unwrap();
            let expected = [b"start", &data[..]].concat();
            assert!(event == Some(Event::Binary(expected.into())), "{key:x?}, {len} bytes");
        }
    }
}

fn frame(key: [u8; 4], opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut header = Header::new(opcode, fin, payload.len() as u64);
    header.mask = Some(MaskingKey::new(key));
    [&header.encode()[..], &naive(key, 0, payload)].concat()
}

proptest! {
    #[test]
    fn however_data_is_cut_it_is_masked_as_in_one(
        key: [u8; 4],
        data in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(0..300usize, 0..8),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(data.len())).collect();
        cuts.extend([0, data.len()]);
        cuts.sort_unstable();
        // Each piece turns the key a little further.
        let mut masked = Vec::new();
        let mut turned = MaskingKey::new(key);
        for ends in cuts.windows(2) {
            masked.extend(applied(turned, &data[ends[0]..ends[1]]));
            turned = turned.rotated(ends[1] - ends[0]);
        }
        prop_assert_eq!(masked, naive(key, 0, &data));
    }
}
