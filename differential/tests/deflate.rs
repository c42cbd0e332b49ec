//! Compressed messages against flate2: each inflates what the other deflates,
//! however it is cut.

#[path = "../../tests/support/deflate.rs"]
mod with_deflate;

/// What `with_deflate` takes from the library's own tests.
mod support {
    pub const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
}

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use proptest::prelude::*;
use proptest::sample::Index;
use sansws::frame::{Header, Opcode};
use sansws::{Config, Connection, DeflateConfig, Event, KeepContext};

const KEEP: [KeepContext; 3] = [KeepContext::Never, KeepContext::WithTakeover, KeepContext::Always];
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Messages that repeat themselves and each other, some, much, or not at all.
fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let noise = prop::collection::vec(any::<u8>(), 0..2000);
    let words = prop::collection::vec(
        prop::sample::select(vec!["alpha ", "beta", "{\"id\":", "1,", "\n"]),
        0..600,
    )
    .prop_map(|words| words.concat().into_bytes());
    let run = (any::<u8>(), 0..70_000usize).prop_map(|(byte, len)| vec![byte; len]);
    // Found again only far back, or beyond the window
    let far = (0..2u32, 0..40_000usize).prop_map(|(seed, len)| {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    });
    prop::collection::vec(prop_oneof![noise, words, run, far], 1..6)
}

fn config() -> impl Strategy<Value = DeflateConfig> {
    (1..=9u8, 1..=9u8, 8..=15u8, any::<bool>(), prop::sample::select(&KEEP[..])).prop_map(
        |(level, memory, bits, alone, keep)| {
            DeflateConfig::new()
                .min_len(0)
                .level(level)
                .memory_level(memory)
                .send_window_bits(bits)
                .send_without_takeover(alone)
                .keep_context(keep)
        },
    )
}

/// Gives `bytes` to `ws` in pieces cut at `cuts`; the messages.
fn receive(ws: &mut Connection, bytes: &[u8], cuts: &[Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let mut found = Vec::new();
    for pair in cuts.windows(2) {
        let mut piece = bytes[pair[0]..pair[1]].to_vec();
        let mut input = &mut piece[..];
        while let Some(event) = ws.receive(&mut input, &mut Vec::new()).expect("it is valid") {
            let Event::Binary(data) = event else { panic!("{event:?}") };
            found.push(data.into_owned());
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_flate2_deflates_is_received(
        messages in messages(),
        level in 0..=9u32,
        alone in any::<bool>(),
        fragments in prop::collection::vec(any::<Index>(), 0..4),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let receiver = DeflateConfig::new().receive_without_takeover(alone);
        let (_, ws) = with_deflate::client(
            if alone { "permessage-deflate; server_no_context_takeover" } else { "permessage-deflate" },
            receiver,
            &Config::new(),
        );
        let mut compress = Compress::new(Compression::new(level), false);
        let mut bytes = Vec::new();
        for message in &messages {
            let mut payload = Vec::with_capacity(message.len() * 2 + 1000);
            compress.compress_vec(message, &mut payload, FlushCompress::Sync).unwrap();
            if alone {
                compress.reset();
            }
            // A flush of nothing after a flush gives nothing, but means an empty block.
            let payload = payload.strip_suffix(&TAIL).unwrap_or(&[0]).to_vec();
            let mut ends: Vec<usize> = fragments.iter().map(|f| f.index(payload.len() + 1)).collect();
            ends.extend([0, payload.len()]);
            ends.sort_unstable();
            let count = ends.len() - 1;
            for (i, pair) in ends.windows(2).enumerate() {
                let opcode = if i == 0 { Opcode::BINARY } else { Opcode::CONTINUATION };
                let mut header = Header::new(opcode, i + 1 == count, (pair[1] - pair[0]) as u64);
                header.rsv1 = i == 0;
                bytes.extend_from_slice(&header.encode());
                bytes.extend_from_slice(&payload[pair[0]..pair[1]]);
            }
        }
        let found = receive(&mut ws.unwrap(), &bytes, &cuts);
        prop_assert!(found == messages);
    }

    #[test]
    fn what_is_sent_flate2_inflates(
        messages in messages(),
        config in config(),
        parts in prop::collection::vec(any::<Index>(), 0..3),
    ) {
        let (answer, mut ws) = with_deflate::server(&["permessage-deflate"], config, &Config::new());
        let alone = answer.unwrap().contains("server_no_context_takeover");
        let mut inflate = Decompress::new(false);
        for message in &messages {
            let mut ends: Vec<usize> = parts.iter().map(|p| p.index(message.len() + 1)).collect();
            ends.extend([0, message.len()]);
            ends.sort_unstable();
            let count = ends.len() - 1;
            let mut out = Vec::new();
            for (i, pair) in ends.windows(2).enumerate() {
                ws.send_binary_part(&message[pair[0]..pair[1]], i + 1 == count, &mut out).unwrap();
            }
            let mut payload = Vec::new();
            let mut rest = &out[..];
            while let Some((header, len)) = Header::parse(rest).unwrap() {
                prop_assert_eq!(header.rsv1, header.opcode == Opcode::BINARY);
                let end = len + usize::try_from(header.len).unwrap();
                payload.extend_from_slice(&rest[len..end]);
                rest = &rest[end..];
            }
            prop_assert!(rest.is_empty());
            payload.extend(TAIL);
            let mut found = Vec::with_capacity(message.len() + 1000);
            inflate.decompress_vec(&payload, &mut found, FlushDecompress::Sync).unwrap();
            prop_assert!(found == *message);
            if alone {
                inflate.reset(false);
            }
        }
    }
}

#[test]
fn no_more_than_the_window_is_used() {
    // zlib's compressors cannot use a window of eight bits; ours takes that of
    // nine, of which they leave the last 262 bytes alone. So no distance is above
    // 256, which a reader of the blocks would show; here a strict decompressor
    // with just such a window does.
    let message: Vec<u8> =
        (0..20_000u32).flat_map(|i| (i % 251).to_string().into_bytes()).collect();
    // Below, at and above the length of a window
    let ends = [1, 2, 100, 250, 256, 512, 3000, 40_000, message.len()];
    for bits in 8..=15 {
        for level in 1..=9 {
            for keep in [KeepContext::WithTakeover, KeepContext::Never] {
                let config = DeflateConfig::new()
                    .min_len(0)
                    .send_window_bits(bits)
                    .level(level)
                    .keep_context(keep);
                let (_, mut ws) =
                    with_deflate::server(&["permessage-deflate"], config, &Config::new());
                let mut payload = Vec::new();
                for end in ends {
                    let mut out = Vec::new();
                    ws.send_binary(&message[..end], &mut out).unwrap();
                    let (_, len) = Header::parse(&out).unwrap().unwrap();
                    payload.extend_from_slice(&out[len..]);
                    payload.extend_from_slice(&TAIL);
                }
                let mut window = vec![0; 1 << bits];
                let mut found = Vec::new();
                inflate_strictly(&payload, &mut window, &mut found);
                for end in ends {
                    let rest = found.split_off(end);
                    assert!(found == message[..end], "{bits} {level} {keep:?} {end}");
                    found = rest;
                }
                assert!(found.is_empty());
            }
        }
    }
}

/// Inflates with a window that is a ring of exactly its own length: a distance
/// beyond it is an error, or would give other bytes.
fn inflate_strictly(mut input: &[u8], window: &mut [u8], found: &mut Vec<u8>) {
    use miniz_oxide::inflate::TINFLStatus;
    use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

    let mut decompressor = DecompressorOxide::new();
    let mut position = 0;
    loop {
        let flags = miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
        let (status, taken, given) = decompress(&mut decompressor, input, window, position, flags);
        input = &input[taken..];
        found.extend_from_slice(&window[position..position + given]);
        position = (position + given) % window.len();
        match status {
            TINFLStatus::HasMoreOutput => {}
            TINFLStatus::NeedsMoreInput if input.is_empty() => return,
            other => panic!("{other:?}"),
        }
    }
}
