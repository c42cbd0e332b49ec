//! Compressed messages (RFC 7692, 6 and 7.2): its examples, and what can be
//! wrong with one.
#![cfg(feature = "deflate")]

mod support;
#[path = "support/deflate.rs"]
mod with_deflate;

use sansws::{Config, Connection, DeflateConfig, Event, Part, Prepared, State, Violation};
use support::{BINARY, CONTINUATION, PING, Role, TEXT, header_only, receive, receive_bytewise};
use with_deflate::{client, pair, server};

const RSV1: u8 = 0x40;
const FIN: u8 = 0x80;

fn deflated(role: Role, config: &Config) -> Connection {
    match role {
        Role::Server => server(&["permessage-deflate"], DeflateConfig::new(), config).1,
        Role::Client => client("permessage-deflate", DeflateConfig::new(), config).1.unwrap(),
    }
}

/// Frames as the peer sends them: first bytes and payloads.
fn frames(role: Role, frames: &[(u8, &[u8])]) -> Vec<u8> {
    frames.iter().flat_map(|(first, payload)| role.incoming(*first, payload)).collect()
}

fn text(text: &str) -> Event<'static> {
    Event::Text(text.to_owned().into())
}

#[test]
fn the_examples_of_the_rfc_inflate() {
    // 7.2.3.1 to 7.2.3.6
    let hello: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let again: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];
    let stored: &[u8] = &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let is_final: &[u8] = &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let blocks: &[u8] =
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    let first = FIN | RSV1 | TEXT;
    type Frames<'a> = &'a [(u8, &'a [u8])];
    let rows: &[(&str, Frames<'_>, &[&str])] = &[
        ("one block", &[(first, hello)], &["Hello"]),
        ("two fragments", &[(RSV1 | TEXT, &hello[..3]), (FIN, &hello[3..])], &["Hello"]),
        ("a shared window", &[(first, hello), (first, again)], &["Hello", "Hello"]),
        ("a stored block", &[(first, stored)], &["Hello"]),
        ("a final block", &[(first, is_final), (first, hello)], &["Hello", "Hello"]),
        (
            "a final block and no more",
            &[(first, &is_final[..7]), (first, hello)],
            &["Hello", "Hello"],
        ),
        ("two blocks", &[(first, blocks)], &["Hello"]),
        ("an empty message", &[(first, &[0x00]), (first, hello)], &["", "Hello"]),
        ("no byte at all", &[(first, &[]), (first, hello)], &["", "Hello"]),
        (
            "mixed with a plain one",
            &[(first, hello), (FIN | TEXT, b"Hello"), (first, again)],
            &["Hello", "Hello", "Hello"],
        ),
        ("empty fragments", &[(RSV1 | TEXT, &[]), (0, hello), (0, &[]), (FIN, &[])], &["Hello"]),
    ];
    for role in Role::BOTH {
        for (what, stream, messages) in rows {
            let bytes = frames(role, stream);
            let expected: Vec<_> = messages.iter().map(|message| text(message)).collect();
            let whole = receive(&mut deflated(role, &Config::new()), &bytes);
            assert_eq!((&whole.events, whole.error), (&expected, None), "{role:?}: {what}");
            let cut = receive_bytewise(&mut deflated(role, &Config::new()), &bytes);
            assert_eq!(cut, whole, "{role:?}, cut: {what}");
        }
    }
}

#[test]
fn a_message_may_end_with_a_final_block_of_any_length() {
    // Among them those of a whole number of the blocks that are inflated at a time
    for len in [1, 8191, 8192, 8193, 16_384, 65_535] {
        let data = vec![b'x'; len];
        let len = u16::try_from(len).unwrap();
        let payload = [&[1][..], &len.to_le_bytes(), &(!len).to_le_bytes(), &data].concat();
        let frame = Role::Server.incoming(FIN | RSV1 | BINARY, &payload);
        let outcome = receive(&mut deflated(Role::Server, &Config::new()), &frame.repeat(2));
        assert_eq!(outcome.error, None, "{len}");
        assert!(outcome.events == vec![Event::Binary(data.into()); 2], "{len}");
    }
}

#[test]
fn many_tiny_parts_pass_up_to_the_limit() {
    let config = Config::new().max_message_len(4096);
    let deflate = DeflateConfig::new().min_len(0);
    let [mut server, mut client] = pair(deflate, deflate, &config);
    let mut out = Vec::new();
    for i in 0..4096 {
        client.send_binary_part(b"x", i == 4095, &mut out).unwrap();
    }
    assert_eq!(receive(&mut server, &out).events, [Event::Binary(vec![b'x'; 4096].into())]);
}

#[test]
fn a_compressed_frame_is_limited_by_the_frame_limit() {
    let config = Config::new().max_frame_len(1000).max_message_len(1 << 30);
    for (len, fits) in [(1000 + 250 + 1024, true), (1000 + 250 + 1025, false)] {
        let header = header_only(Role::Server, FIN | RSV1 | BINARY, len);
        let outcome = receive(&mut deflated(Role::Server, &config), &header);
        assert_eq!(outcome.error.is_none(), fits, "{len}");
        // However many frames of the message came before
        let first = Role::Server.incoming(RSV1 | BINARY, b"");
        let empty = Role::Server.incoming(CONTINUATION, b"").repeat(1000);
        let last = header_only(Role::Server, FIN | CONTINUATION, len);
        let outcome = receive(&mut deflated(Role::Server, &config), &[first, empty, last].concat());
        assert_eq!(outcome.error.is_none(), fits, "{len}, not the first");
    }
}

#[test]
fn the_rfc_example_is_what_is_sent() {
    // 7.2.3.1; RSV1 on the first frame only (6)
    let config = DeflateConfig::new().min_len(0).level(6);
    let (_, mut ws) = server(&["permessage-deflate"], config, &Config::new());
    let mut out = Vec::new();
    ws.send_text("Hello", &mut out).unwrap();
    assert_eq!(out, [0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    // 7.2.3.2: with the same window
    out.clear();
    ws.send_text("Hello", &mut out).unwrap();
    assert_eq!(out, [0xc1, 0x05, 0xf2, 0x00, 0x11, 0x00, 0x00]);
    // 7.2.3.6: an empty message
    out.clear();
    ws.send_text("", &mut out).unwrap();
    assert_eq!(out, [0xc1, 0x01, 0x00]);
}

#[test]
fn rsv1_is_for_the_first_frame_of_a_compressed_message() {
    // 6.1; RFC 6455, 5.2. Jetty, Bandit and sockudo took it elsewhere, or crashed.
    for role in Role::BOTH {
        let begin = role.incoming(RSV1 | TEXT, b"\xf2\x48");
        for (before, opcode) in
            [(&begin[..], CONTINUATION), (b"", PING), (b"", 0x8), (b"", 0xA), (&begin, PING)]
        {
            for fin in [FIN, 0] {
                let mut ws = deflated(role, &Config::new());
                assert_eq!(receive(&mut ws, before).error, None);
                let outcome = receive(&mut ws, &[fin | RSV1 | opcode]);
                assert_eq!(outcome.error.and_then(|e| e.violation()), Some(Violation::ReservedBit));
            }
        }
        for first in [RSV1 | 0x20 | TEXT, RSV1 | 0x10 | BINARY] {
            let outcome = receive(&mut deflated(role, &Config::new()), &[FIN | first]);
            assert_eq!(outcome.error.and_then(|e| e.violation()), Some(Violation::ReservedBit));
        }
        // Not agreed on: aiohttp's client took it (CVE-2026-59881).
        let outcome = receive(&mut role.connection(&Config::new()), &[FIN | RSV1 | TEXT]);
        assert_eq!(outcome.error.and_then(|e| e.violation()), Some(Violation::ReservedBit));
    }
}

#[test]
fn what_does_not_inflate_fails() {
    let rows: [(&str, &[u8], Violation); 6] = [
        ("a reserved block type", &[0x06, 0x00], Violation::DeflateInvalid),
        (
            "a distance before the beginning",
            &[0xf2, 0x00, 0x11, 0x00, 0x00],
            Violation::DeflateInvalid,
        ),
        ("lengths that disagree", &[0x00, 0x05, 0x00, 0x00, 0x00, 0x48], Violation::DeflateInvalid),
        ("a block that is cut off", &[0xf2, 0x48, 0xcd, 0xc9], Violation::DeflateInvalid),
        (
            "a stored block that is cut off",
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48],
            Violation::DeflateInvalid,
        ),
        (
            "text that is not UTF-8",
            &[0x00, 0x01, 0x00, 0xfe, 0xff, 0xff, 0x00],
            Violation::InvalidUtf8,
        ),
    ];
    for role in Role::BOTH {
        for (what, payload, violation) in rows {
            let bytes = role.incoming(FIN | RSV1 | TEXT, payload);
            let mut ws = deflated(role, &Config::new());
            let outcome = receive(&mut ws, &bytes);
            assert_eq!(outcome.error.and_then(|e| e.violation()), Some(violation), "{what}");
            assert_eq!(outcome.out, role.outgoing_close(1007, violation.description()), "{what}");
            assert_eq!(
                receive_bytewise(&mut deflated(role, &Config::new()), &bytes),
                outcome,
                "{what}"
            );
        }
    }
}

#[test]
fn each_cut_of_a_message_fails_or_is_a_message() {
    // Every proper prefix lacks something, at least the last block's end.
    let [mut sender, _] = pair(DeflateConfig::new(), DeflateConfig::new(), &Config::new());
    let original = "the quick brown fox jumps over the lazy dog; the quick brown dog. ".repeat(20);
    let mut out = Vec::new();
    sender.send_text(&original, &mut out).unwrap();
    let payload = &out[if out[1] < 126 { 2 } else { 4 }..];
    for len in 1..payload.len() {
        let bytes = Role::Client.incoming(FIN | RSV1 | TEXT, &payload[..len]);
        let outcome = receive(&mut deflated(Role::Client, &Config::new()), &bytes);
        assert!(outcome.error.is_some(), "{len} of {}: {:?}", payload.len(), outcome.events);
    }
}

#[test]
fn the_message_limit_counts_what_is_inflated_and_is_exact() {
    // Bombs: tornado, undici (CVE-2026-1526), Bandit (CVE-2026-39804) and others
    // limited what was compressed, or looked after it was inflated.
    let config = Config::new().max_message_len(100_000);
    for (len, fits) in [(99_999, true), (100_000, true), (100_001, false), (5_000_000, false)] {
        for fragment in [usize::MAX, 10] {
            let unlimited = Config::new().max_message_len(u64::MAX);
            let [_, mut sender] = pair(DeflateConfig::new(), DeflateConfig::new(), &unlimited);
            let (mut out, data) = (Vec::new(), vec![b'a'; len]);
            sender.send_text(core::str::from_utf8(&data).unwrap(), &mut out).unwrap();
            let payload = unmasked(&out);
            let mut bytes = Vec::new();
            let count = payload.chunks(fragment).count();
            for (i, piece) in payload.chunks(fragment).enumerate() {
                let first = if i == 0 { RSV1 | TEXT } else { 0 };
                let fin = if i + 1 == count { FIN } else { 0 };
                bytes.extend(Role::Server.incoming(fin | first, piece));
            }
            let mut ws = deflated(Role::Server, &config);
            let outcome = receive(&mut ws, &bytes);
            if fits {
                assert_eq!(outcome.error, None, "{len}");
                assert_eq!(outcome.events.len(), 1);
            } else {
                let violation = outcome.error.and_then(|error| error.violation());
                assert_eq!(violation, Some(Violation::MessageTooBig), "{len}");
                assert_eq!(ws.buffered(), 0);
            }
        }
    }
}

#[test]
fn a_limit_that_is_set_lower_than_what_was_inflated_is_passed_by_the_next_byte() {
    // "Hello" in two fragments, of which the first inflates to four letters
    let hello: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let mut ws = deflated(Role::Server, &Config::new());
    let begin = frames(Role::Server, &[(RSV1 | TEXT, &hello[..5])]);
    assert_eq!(receive(&mut ws, &begin).error, None);
    assert_eq!(ws.buffered(), 4);
    ws.set_config(&Config::new().max_message_len(3));
    let end = frames(Role::Server, &[(FIN, &hello[5..])]);
    assert!(receive(&mut ws, &end).error.is_some());
    assert_eq!(ws.failure(), Some(Violation::MessageTooBig));
}

#[test]
fn incompressible_messages_pass_up_to_the_limit() {
    let config = Config::new().max_message_len(70_000);
    let [mut server, mut client] = pair(DeflateConfig::new(), DeflateConfig::new(), &config);
    let mut state = 1_u32;
    let data: Vec<u8> = (0..70_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let mut out = Vec::new();
    client.send_binary(&data, &mut out).unwrap();
    assert!(out.len() > data.len());
    let outcome = receive(&mut server, &out);
    assert_eq!(outcome.events, [Event::Binary(data.into())]);
}

#[test]
fn endless_blocks_without_content_end() {
    // aiohttp burned time on many tiny blocks: here the compressed bytes of a
    // message are bounded too.
    let mut ws = deflated(Role::Server, &Config::new().max_message_len(10_000));
    let begin = Role::Server.incoming(RSV1 | BINARY, &[0, 0, 0, 0xff, 0xff]);
    let more = Role::Server.incoming(CONTINUATION, &[0, 0, 0, 0xff, 0xff].repeat(100));
    assert_eq!(receive(&mut ws, &begin).error, None);
    let mut rounds = 0;
    while receive(&mut ws, &more).error.is_none() {
        rounds += 1;
        assert!(rounds < 100);
    }
    assert_eq!(ws.failure(), Some(Violation::MessageTooBig));
}

#[test]
fn what_fails_first_does_not_depend_on_how_the_input_is_cut() {
    // A block that inflates to something and then to nothing valid, and one that
    // passes the limit and is no UTF-8 before that: what comes first counts.
    let rows: [(u64, u8, &[u8]); 2] = [
        (0, BINARY, &[114, 36, 0, 211]),
        (128, TEXT, &[58, 3, 1, 112, 112, 112, 112, 112, 97, 232]),
    ];
    for (limit, opcode, payload) in rows {
        let config = Config::new().max_message_len(limit);
        let bytes = Role::Server.incoming(FIN | RSV1 | opcode, payload);
        let whole = receive(&mut deflated(Role::Server, &config), &bytes);
        assert!(whole.error.is_some());
        assert_eq!(receive_bytewise(&mut deflated(Role::Server, &config), &bytes), whole);
    }
}

#[test]
fn parts_are_inflated_as_they_come_and_bounded() {
    let [_, mut sender] = pair(DeflateConfig::new(), DeflateConfig::new(), &Config::new());
    let original = "日本語".repeat(100_000);
    let mut out = Vec::new();
    sender.send_text(&original, &mut out).unwrap();

    let mut ws = deflated(Role::Server, &Config::new());
    let (mut joined, mut flags) = (String::new(), Vec::new());
    let mut input = &mut out[..];
    while let Some(part) = ws.receive_part(&mut input, &mut Vec::new()).unwrap() {
        let Part::Text(part) = part else { panic!("{part:?}") };
        assert!(part.text.len() <= 256 * 1032 + 3);
        joined.extend(part.lead);
        joined.push_str(&part.text);
        flags.push((part.first, part.last));
    }
    assert!(joined == original);
    assert!(flags.len() > 2 && flags[0] == (true, false) && flags[flags.len() - 1].1);
    assert!(flags[1..flags.len() - 1].iter().all(|flags| *flags == (false, false)));
}

#[test]
fn every_way_to_send_arrives() {
    let no_takeover =
        DeflateConfig::new().send_without_takeover(true).receive_without_takeover(true);
    let configs = [
        DeflateConfig::new().min_len(0),
        no_takeover.min_len(0),
        DeflateConfig::new().min_len(0).send_window_bits(8).receive_window_bits(9).level(9),
        DeflateConfig::new().min_len(100).memory_level(1),
    ];
    let long = "some text, some more text, and some more; ".repeat(3000);
    for of_server in configs {
        for of_client in configs {
            let [server, client] = pair(of_server, of_client, &Config::new());
            for (mut sender, mut receiver) in [(server, client)] {
                let (mut out, mut expected) = (Vec::new(), Vec::new());
                for message in ["", "a", "Hello, Hello, Hello", &long, "Hello", &long] {
                    sender.send_text(message, &mut out).unwrap();
                    sender.send_binary(message.as_bytes(), &mut out).unwrap();
                    sender.set_compression(false);
                    sender.send_text(message, &mut out).unwrap();
                    sender.set_compression(true);
                    for part in message.as_bytes().chunks(1000) {
                        sender.send_binary_part(part, false, &mut out).unwrap();
                        sender.send_ping(b"between", &mut out).unwrap();
                        expected.push(Event::Ping(b"between".into()));
                    }
                    sender.send_binary_part(b"", true, &mut out).unwrap();
                    expected.splice(
                        expected.len() - message.len().div_ceil(1000)
                            ..expected.len() - message.len().div_ceil(1000),
                        [
                            text(message),
                            Event::Binary(message.as_bytes().to_vec().into()),
                            text(message),
                        ],
                    );
                    expected.push(Event::Binary(message.as_bytes().to_vec().into()));
                    let payload = sender.send_text_vectored(message, &mut out).unwrap();
                    out.extend_from_slice(&payload);
                    expected.push(text(message));
                }
                let outcome = receive(&mut receiver, &out);
                assert_eq!(outcome.error, None);
                assert!(outcome.events == expected, "{of_server:?} {of_client:?}");
                assert_eq!(receiver.state(), State::Open);
            }
        }
    }
}

#[test]
fn a_payload_that_is_left_to_the_caller_is_not_compressed_and_what_follows_is() {
    let long = "some text, some more text, and some more; ".repeat(100);
    let config = DeflateConfig::new();
    let [mut server, mut client] = pair(config, config, &Config::new());
    let mut out = Vec::new();
    client.send_text(&long, &mut out).unwrap();
    let compressed = out.len();
    assert_eq!(out[0], FIN | RSV1 | TEXT);

    let start = out.len();
    let mut payload = client.send_text_lazily(&long, &mut out).unwrap();
    payload.append_to(&mut out, usize::MAX);
    assert_eq!((out[start], out.len() - start), (FIN | TEXT, 8 + long.len()));

    let start = out.len();
    let payload = client.send_text_vectored(&long, &mut out).unwrap();
    out.extend_from_slice(&payload);
    assert_eq!((out[start], out.len() - start), (FIN | TEXT, 8 + long.len()));

    let start = out.len();
    client.send_text(&long, &mut out).unwrap();
    assert_eq!(out[start], FIN | RSV1 | TEXT);
    assert!(out.len() - start < compressed, "the window is still there");
    assert_eq!(receive(&mut server, &out).events, [(); 4].map(|()| text(&long)));
}

#[test]
fn messages_below_the_threshold_are_sent_as_they_are() {
    let [mut server, _] =
        pair(DeflateConfig::new().min_len(10), DeflateConfig::new(), &Config::new());
    let mut out = Vec::new();
    server.send_text("123456789", &mut out).unwrap();
    assert_eq!(out, b"\x81\x09123456789");
    out.clear();
    server.send_text("1234567890", &mut out).unwrap();
    assert_eq!(out[0], FIN | RSV1 | TEXT);
    out.clear();
    server.send_text_part("123456789", false, &mut out).unwrap();
    server.send_text_part("1234567890", true, &mut out).unwrap();
    assert_eq!(out, b"\x01\x09123456789\x80\x0a1234567890");
}

#[test]
fn without_takeover_the_same_message_gives_the_same_bytes() {
    // 7.1.1: the window starts anew for each
    let config = DeflateConfig::new().send_without_takeover(true);
    let message = "again and again and again and again and again and again and again";
    for (config, same) in [(config, true), (DeflateConfig::new(), false)] {
        let [mut server, _] = pair(config, DeflateConfig::new(), &Config::new());
        let (mut first, mut second) = (Vec::new(), Vec::new());
        server.send_text(message, &mut first).unwrap();
        server.send_text(message, &mut second).unwrap();
        assert_eq!(first == second, same);
    }
}

#[test]
fn a_prepared_message_is_compressed_once_for_all() {
    let message =
        Prepared::text(&"to everyone, to everyone".repeat(20)).deflated(&DeflateConfig::new());
    let plain = Connection::server(&Config::new());
    let [server, client] = pair(DeflateConfig::new(), DeflateConfig::new(), &Config::new());
    let [small, _] =
        pair(DeflateConfig::new().send_window_bits(10), DeflateConfig::new(), &Config::new());
    let mut off = pair(DeflateConfig::new(), DeflateConfig::new(), &Config::new()).into_iter();
    let mut off = off.next().unwrap();
    off.set_compression(false);
    for (mut ws, deflated, role) in [
        (plain, false, Role::Client),
        (server, true, Role::Client),
        (client, true, Role::Server),
        (small, false, Role::Client),
        (off, false, Role::Client),
    ] {
        let mut receiver = deflated_or_not(role, deflated);
        for _ in 0..3 {
            // Its own messages before and after refer to nothing that the peer lacks.
            let mut out = Vec::new();
            if deflated {
                ws.send_text(&"to everyone but one".repeat(20), &mut out).unwrap();
            }
            let start = out.len();
            ws.send_prepared(&message, &mut out).unwrap();
            assert_eq!(out[start] & RSV1 != 0, deflated);
            let frame = if deflated { message.deflated_frame() } else { Some(message.frame()) };
            assert!(role == Role::Server || frame.is_some_and(|frame| out[start..] == frame[..]));
            assert_eq!(out.len() - start < message.payload().len() / 2, deflated);
            let outcome = receive(&mut receiver, &out);
            let expected = core::str::from_utf8(message.payload()).unwrap();
            assert_eq!(outcome.events.last(), Some(&text(expected)));
            assert_eq!(outcome.events.len(), if deflated { 2 } else { 1 });
        }
    }
    // What does not shrink stays as it is.
    let short = Prepared::text("x").deflated(&DeflateConfig::new());
    let [mut ws, _] = pair(DeflateConfig::new(), DeflateConfig::new(), &Config::new());
    let mut out = Vec::new();
    assert_eq!(short.deflated_frame(), None);
    ws.send_prepared(&short, &mut out).unwrap();
    assert_eq!(out, b"\x81\x01x");
}

fn deflated_or_not(role: Role, is_deflated: bool) -> Connection {
    if is_deflated { deflated(role, &Config::new()) } else { role.connection(&Config::new()) }
}

/// The payload of the one masked frame in `out`.
fn unmasked(out: &[u8]) -> Vec<u8> {
    let (header, len) = sansws::frame::Header::parse(out).unwrap().unwrap();
    let mut payload = out[len..].to_vec();
    header.mask.unwrap().apply(&mut payload);
    payload
}

#[test]
fn the_limit_is_that_of_each_compressed_message() {
    let config = Config::new().max_message_len(1000);
    let text = "x".repeat(600);
    let [mut server, mut client] = pair(DeflateConfig::new(), DeflateConfig::new(), &config);
    for round in 0..5 {
        let mut bytes = Vec::new();
        client.send_text(&text, &mut bytes).expect("it is open");
        assert!(bytes.len() < 600, "it is compressed");
        let event = server.receive(&mut &mut bytes[..], &mut Vec::new());
        assert_eq!(event, Ok(Some(Event::Text(text.as_str().into()))), "{round}");
    }
}
