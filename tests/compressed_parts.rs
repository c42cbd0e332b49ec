//! Compressed messages passed on as they are: received in parts, and sent.
#![cfg(feature = "deflate")]

mod support;
#[path = "support/deflate.rs"]
mod with_deflate;

use std::borrow::Cow;

use sansws::{
    Config, Connection, DeflateConfig, Error, Event, MessageKind, Part, SendError, State, Violation,
};
use support::{
    BINARY, CLOSE, CONTINUATION, PING, PONG, Role, TEXT, close_payload, header_only, receive,
};

const RSV1: u8 = 0x40;
const FIN: u8 = 0x80;

/// "Hello" (RFC 7692, 7.2.3.1).
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn deflated(role: Role, config: &Config) -> Connection {
    let deflate = DeflateConfig::new().min_len(0);
    match role {
        Role::Server => with_deflate::server(&["permessage-deflate"], deflate, config).1,
        Role::Client => with_deflate::client("permessage-deflate", deflate, config).1.unwrap(),
    }
}

fn passing(role: Role, config: &Config) -> Connection {
    let mut ws = deflated(role, config);
    ws.pass_compressed();
    ws
}

/// A part: its kind if it is compressed, the bytes, whether first, whether last.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    Compressed(MessageKind, Vec<u8>, bool, bool),
    Plain(Vec<u8>, bool, bool),
    Control,
}

/// Gives `pieces` to `receive_part` one after the other.
fn parts<'p>(
    ws: &mut Connection,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> (Vec<Found>, Option<Violation>) {
    let mut found = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            found.push(match ws.receive_part(&mut input, &mut Vec::new()) {
                Ok(None) => break,
                Ok(Some(Part::Compressed(part))) => {
                    assert!(matches!(part.data, Cow::Borrowed(_)));
                    assert!(part.last || !part.data.is_empty(), "an empty part");
                    Found::Compressed(part.kind, part.data.to_vec(), part.first, part.last)
                }
                Ok(Some(Part::Text(part))) => {
                    let text = part.lead.into_iter().collect::<String>() + &part.text;
                    Found::Plain(text.into_bytes(), part.first, part.last)
                }
                Ok(Some(Part::Binary(part))) => {
                    Found::Plain(part.data.into_owned(), part.first, part.last)
                }
                Ok(Some(_)) => Found::Control,
                Err(error) => return (found, error.violation()),
            });
        }
    }
    assert_eq!(ws.buffered(), 0);
    (found, None)
}

#[test]
fn compressed_messages_come_as_they_are_and_others_as_ever() {
    for role in Role::BOTH {
        for (opcode, kind) in [(TEXT, MessageKind::Text), (BINARY, MessageKind::Binary)] {
            let of = |data: &[u8], first, last| Found::Compressed(kind, data.into(), first, last);
            let first = RSV1 | opcode;
            // Frames, where the first payload is cut, and the parts.
            type Frames<'a> = &'a [(u8, &'a [u8])];
            let rows: &[(Frames<'_>, Option<usize>, &[Found])] = &[
                (&[(FIN | first, HELLO)], None, &[of(HELLO, true, true)]),
                (&[(FIN | first, HELLO)], Some(0), &[of(HELLO, true, true)]),
                (
                    &[(FIN | first, HELLO)],
                    Some(3),
                    &[of(&HELLO[..3], true, false), of(&HELLO[3..], false, true)],
                ),
                (
                    &[(first, &HELLO[..3]), (FIN | PING, b""), (FIN, &HELLO[3..])],
                    None,
                    &[of(&HELLO[..3], true, false), Found::Control, of(&HELLO[3..], false, true)],
                ),
                (
                    &[(first, b""), (0, HELLO), (0, b""), (FIN, b"")],
                    None,
                    &[of(HELLO, true, false), of(b"", false, true)],
                ),
                (&[(FIN | first, b"")], None, &[of(b"", true, true)]),
                (&[(FIN | first, &[7; 1000])], None, &[of(&[7; 1000], true, true)]),
                (
                    &[(FIN | opcode, b"Hello"), (FIN | first, HELLO), (FIN | opcode, b"Hello")],
                    None,
                    &[
                        Found::Plain(b"Hello".into(), true, true),
                        of(HELLO, true, true),
                        Found::Plain(b"Hello".into(), true, true),
                    ],
                ),
            ];
            for (frames, cut, expected) in rows {
                let bytes: Vec<u8> = frames
                    .iter()
                    .flat_map(|(first, payload)| role.incoming(*first, payload))
                    .collect();
                let header = role.incoming(0, b"").len();
                let (one, two) = bytes.split_at(cut.map_or(0, |at| header + at));
                let found = parts(&mut passing(role, &Config::new()), [one, two]);
                assert_eq!(found, (expected.to_vec(), None), "{role:?} {bytes:x?}");
            }
        }
    }
}

#[test]
fn nothing_is_said_of_the_content() {
    // No UTF-8; nothing that inflates; a bomb
    let bomb: Vec<u8> = {
        let [_, mut sender] = with_deflate::pair(
            DeflateConfig::new(),
            DeflateConfig::new(),
            &Config::new().max_message_len(u64::MAX),
        );
        let mut out = Vec::new();
        sender.send_binary(&vec![0; 1 << 20], &mut out).unwrap();
        let (header, len) = sansws::frame::Header::parse(&out).unwrap().unwrap();
        header.mask.unwrap().apply(&mut out[len..]);
        out.split_off(len)
    };
    let rows: [&[u8]; 3] = [&[0x00, 0x01, 0x00, 0xfe, 0xff, 0xff, 0x00], b"\x06\xFF", &bomb];
    for role in Role::BOTH {
        for payload in rows {
            let config = Config::new().max_message_len(payload.len() as u64);
            let bytes = role.incoming(FIN | RSV1 | TEXT, payload);
            let found = parts(&mut passing(role, &config), [&bytes[..]]);
            let part = Found::Compressed(MessageKind::Text, payload.into(), true, true);
            assert_eq!(found, (vec![part], None));
            // The same content does fail where it is looked at.
            assert!(receive(&mut deflated(role, &config), &bytes).error.is_some());
        }
    }
}

#[test]
fn the_limits_count_compressed_bytes() {
    let long = Config::new().max_message_len(1000);
    let framed = Config::new().max_frame_len(1000);
    let fragments = Config::new().max_fragments(2);
    for role in Role::BOTH {
        let begin = role.incoming(RSV1 | BINARY, &[1; 600]);
        let go_on = role.incoming(CONTINUATION, b"x");
        let then = |begin: &[u8], header: Vec<u8>| [begin, &header].concat();
        let rows = [
            (&long, header_only(role, FIN | RSV1 | TEXT, 1000), None),
            (&long, header_only(role, FIN | RSV1 | TEXT, 1001), Some(Violation::MessageTooBig)),
            (&long, then(&begin, header_only(role, FIN, 400)), None),
            (&long, then(&begin, header_only(role, FIN, 401)), Some(Violation::MessageTooBig)),
            (&framed, header_only(role, FIN | RSV1 | TEXT, 1000), None),
            (&framed, header_only(role, FIN | RSV1 | TEXT, 1001), Some(Violation::FrameTooBig)),
            (&framed, then(&begin, header_only(role, FIN, 1001)), Some(Violation::FrameTooBig)),
            (&fragments, then(&begin, go_on.clone()), None),
            (&fragments, then(&begin, go_on.repeat(2)), Some(Violation::TooManyFragments)),
        ];
        for (config, bytes, violation) in rows {
            let found = parts(&mut passing(role, config), [&bytes[..]]);
            assert_eq!(found.1, violation, "{role:?} {:x?}", &bytes[..4]);
        }
    }
}

#[test]
fn the_rules_about_headers_hold() {
    for role in Role::BOTH {
        let begin = role.incoming(RSV1 | TEXT, b"\xf2\x48");
        let reserved = Some(Violation::ReservedBit);
        let rows: [(&[u8], u8, Option<Violation>); 7] = [
            (b"", FIN | RSV1 | TEXT, None),
            (b"", FIN | RSV1 | 0x20 | TEXT, reserved),
            (b"", FIN | RSV1 | 0x10 | BINARY, reserved),
            (b"", FIN | RSV1 | PING, reserved),
            (&begin, FIN | RSV1 | CONTINUATION, reserved),
            (&begin, FIN | RSV1 | TEXT, Some(Violation::MessageInterrupted)),
            (&begin, FIN | CONTINUATION, None),
        ];
        for (before, first, violation) in rows {
            let mut ws = passing(role, &Config::new());
            assert_eq!(parts(&mut ws, [before]).1, None);
            assert_eq!(parts(&mut ws, [&[first][..]]).1, violation, "{role:?} {first:x}");
        }
        // What breaks a rule is not taken for a compressed message by `receive` either.
        let outcome = receive(&mut passing(role, &Config::new()), &[FIN | RSV1 | PING]);
        assert_eq!(outcome.error, Some(Error::Failed(Violation::ReservedBit)));
    }
}

#[test]
fn where_compression_is_not_agreed_on_there_is_nothing_to_pass() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        ws.pass_compressed();
        let hello = role.incoming_final(TEXT, b"Hello");
        assert_eq!(receive(&mut ws, &hello).events, [Event::Text("Hello".into())]);
        assert_eq!(parts(&mut ws, [&[FIN | RSV1 | TEXT][..]]).1, Some(Violation::ReservedBit));
    }
}

#[test]
fn receive_refuses_a_message_to_pass_on_and_changes_nothing() {
    for role in Role::BOTH {
        let frames = [
            role.incoming(RSV1 | TEXT, &HELLO[..3]),
            role.incoming_final(PING, b"1"),
            role.incoming_final(CONTINUATION, &HELLO[3..]),
        ];
        let stream = frames.concat();
        for cut in 0..stream.len() {
            let row = format!("{role:?}, cut at {cut}");
            let (mut ws, mut out) = (passing(role, &Config::new()), Vec::new());
            let (mut found, mut pings) = (Vec::new(), 0);
            for piece in [&stream[..cut], &stream[cut..]] {
                let mut piece = piece.to_vec();
                let mut input = &mut piece[..];
                loop {
                    let before = (input.len(), out.clone(), ws.buffered());
                    if !(input.is_empty() && found.is_empty()) {
                        let wrong = ws.receive(&mut input, &mut out);
                        // From the first byte to the last, and no further
                        let last = found.len() == HELLO.len();
                        let expected = if last { Ok(None) } else { Err(Error::WrongReceive) };
                        assert_eq!(wrong, expected, "{row}");
                        assert_eq!((input.len(), out.clone(), ws.buffered()), before, "{row}");
                        assert_eq!(ws.state(), State::Open, "{row}");
                    }
                    match ws.receive_part(&mut input, &mut out).unwrap() {
                        Some(Part::Compressed(part)) => found.extend_from_slice(&part.data),
                        Some(Part::Ping(_)) => pings += 1,
                        Some(other) => panic!("{row}: {other:?}"),
                        None => break,
                    }
                }
            }
            assert_eq!((&found[..], pings), (HELLO, 1), "{row}");
            assert_eq!(out, role.outgoing(FIN | PONG, b"1"), "{row}");
            // All else can be received either way.
            let next = role.incoming_final(TEXT, b"next");
            assert_eq!(receive(&mut ws, &next).events, [Event::Text("next".into())], "{row}");
        }
    }
}

#[test]
fn a_message_under_way_is_still_inflated() {
    for role in Role::BOTH {
        let bytes = role.incoming(FIN | RSV1 | TEXT, HELLO);
        for cut in 0..=bytes.len() {
            let mut ws = deflated(role, &Config::new());
            let (one, two) = bytes.split_at(cut);
            let mut events = receive(&mut ws, one).events;
            ws.pass_compressed();
            // A header that is not whole says nothing yet.
            if cut < role.incoming(0, b"").len() {
                let found = parts(&mut ws, [two]);
                let part = Found::Compressed(MessageKind::Text, HELLO.into(), true, true);
                assert_eq!(found, (vec![part], None), "{role:?} {cut}");
            } else {
                events.extend(receive(&mut ws, two).events);
                assert_eq!(events, [Event::Text("Hello".into())], "{role:?} {cut}");
            }
            let next = parts(&mut ws, [&bytes[..]]);
            let part = Found::Compressed(MessageKind::Text, HELLO.into(), true, true);
            assert_eq!(next, (vec![part], None), "{role:?} {cut}");
        }
    }
}

#[test]
fn compressed_parts_are_the_frames_of_one_message() {
    // RFC 7692, 6: RSV1 on the first only
    for role in Role::BOTH {
        for (opcode, kind) in [(TEXT, MessageKind::Text), (BINARY, MessageKind::Binary)] {
            let (mut ws, mut out) = (deflated(role, &Config::new()), Vec::new());
            ws.set_compression(false);
            ws.send_compressed_part(kind, b"", false, &mut out).unwrap();
            ws.send_ping(b"1", &mut out).unwrap();
            ws.send_compressed_part(kind, &HELLO[..3], false, &mut out).unwrap();
            ws.send_compressed_part(kind, &HELLO[3..], true, &mut out).unwrap();
            ws.send_compressed_part(kind, HELLO, true, &mut out).unwrap();
            ws.send_text("plain", &mut out).unwrap();
            let expected = [
                role.outgoing(RSV1 | opcode, b""),
                role.outgoing(FIN | PING, b"1"),
                role.outgoing(CONTINUATION, &HELLO[..3]),
                role.outgoing(FIN | CONTINUATION, &HELLO[3..]),
                role.outgoing(FIN | RSV1 | opcode, HELLO),
                role.outgoing(FIN | TEXT, b"plain"),
            ];
            assert_eq!(out, expected.concat(), "{role:?} {kind:?}");
        }
    }
}

#[test]
fn what_cannot_be_sent_leaves_all_as_it_was() {
    use MessageKind::{Binary, Text};
    type Begin = fn(&mut Connection, &mut Vec<u8>) -> Result<(), SendError>;
    type Send = Begin;
    let compressed: Begin = |ws, out| ws.send_compressed_part(Text, HELLO, false, out);
    let plain: Begin = |ws, out| ws.send_text_part("plain", false, out);
    let wrong: [(Begin, &[Send]); 2] = [
        (
            compressed,
            &[
                |ws, out| ws.send_compressed_part(Binary, HELLO, false, out),
                |ws, out| ws.send_text_part("text", true, out),
                |ws, out| ws.send_binary_part(b"data", true, out),
                |ws, out| ws.send_text("text", out),
                |ws, out| ws.send_prepared(&sansws::Prepared::text("text"), out),
                |ws, out| ws.send_binary_vectored(&[][..], out).map(drop),
                |ws, out| ws.send_binary_lazily(&[][..], out).map(drop),
            ],
        ),
        (
            plain,
            &[
                |ws, out| ws.send_compressed_part(Text, HELLO, false, out),
                |ws, out| ws.send_compressed_part(Binary, HELLO, true, out),
            ],
        ),
    ];
    for role in Role::BOTH {
        for (begin, wrong) in wrong {
            for send in wrong {
                let (mut ws, mut out) = (deflated(role, &Config::new()), Vec::new());
                begin(&mut ws, &mut out).unwrap();
                let before = out.len();
                assert_eq!(send(&mut ws, &mut out), Err(SendError::MessageUnfinished));
                assert_eq!(out.len(), before);
                begin(&mut ws, &mut out).unwrap();
            }
        }

        let (mut ws, mut out) = (role.connection(&Config::new()), Vec::new());
        let refused = compressed(&mut ws, &mut out);
        assert_eq!((refused, out.len()), (Err(SendError::CompressionNotAgreed), 0));
        // And no message is under way then.
        ws.send_text("text", &mut out).unwrap();

        let (mut ws, mut out) = (deflated(role, &Config::new()), Vec::new());
        ws.send_close(None, "", &mut out).unwrap();
        let before = out.len();
        assert_eq!(compressed(&mut ws, &mut out), Err(SendError::Closed));
        assert_eq!(out.len(), before);
    }
}

#[test]
fn a_close_frame_leaves_a_passed_message_without_its_end() {
    for role in Role::BOTH {
        let close = role.incoming_final(CLOSE, &close_payload(1000, ""));
        let bytes = [role.incoming(RSV1 | TEXT, HELLO), close].concat();
        let mut ws = passing(role, &Config::new());
        let part = Found::Compressed(MessageKind::Text, HELLO.into(), true, false);
        assert_eq!(parts(&mut ws, [&bytes[..]]), (vec![part, Found::Control], None));
        assert_eq!(ws.state(), State::Closed);
        ws.pass_compressed();
        let found = parts(&mut ws, [&role.incoming(FIN | RSV1 | TEXT, HELLO)[..]]);
        assert_eq!(found, (vec![], None));
    }
}
