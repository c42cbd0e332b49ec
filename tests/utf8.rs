//! Text is UTF-8 or the connection fails with 1007 (RFC 6455, 8.1), at the first
//! byte that cannot be right, wherever frames and inputs are cut.
//!
//! The naive twin is `core::str::from_utf8` over everything so far.

mod support;

use sansws::{Config, Error, Event, Violation};
use support::*;

const INVALID: Option<Error> = Some(Error::Failed(Violation::InvalidUtf8));

/// Where the first byte stands that no text can go on with, if one does.
fn first_impossible(bytes: &[u8]) -> Option<usize> {
    let goes_on = |end: &usize| match std::str::from_utf8(&bytes[..*end]) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    (1..=bytes.len()).find(|end| !goes_on(end)).map(|end| end - 1)
}

/// Texts of characters of each length, the first and the last of each.
const TEXTS: [&str; 7] = [
    "",
    "plain",
    "κόσμε",
    "\0\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}",
    "\u{D7FF}\u{E000}\u{FFFD}\u{FFFE}\u{FEFF}\u{1FFFE}", // around the surrogates; noncharacters
    "a\u{301}é水😀👩\u{200D}🚀z",
    "\u{3FFFF}\u{40000}\u{FFFFF}\u{100000}",
];

/// Bytes that are no text, after Markus Kuhn's decoder stress test; and where
/// the first impossible one stands, worked out by hand.
const IMPOSSIBLE: [(&[u8], usize); 36] = [
    // continuation bytes alone
    (b"\x80", 0),
    (b"\xBF", 0),
    (b"a\x80", 1),
    (b"\xC3\xA9\xA9", 2),
    (b"\xF0\x9F\x98\x80\x80", 4),
    // lead bytes without what they announce
    (b"\xC3 ", 1),
    (b"\xC3\xC3", 1),
    (b"\xE2\x28\xA1", 1),
    (b"\xE2\x82 ", 2),
    (b"\xE2\x82\xC3", 2),
    (b"\xF0\x28\x8C\xBC", 1),
    (b"\xF0\x9F ", 2),
    (b"\xF0\x9F\x98 ", 3),
    (b"\xF0\x9F\x98\xF0", 3),
    // bytes that never occur
    (b"\xFE", 0),
    (b"\xFF", 0),
    (b"a\xFF", 1),
    (b"\xE2\xFF", 1),
    (b"\xE2\x82\xFE", 2),
    // overlong forms
    (b"\xC0\xAF", 0),
    (b"\xC1\xBF", 0),
    (b"\xE0\x80\xAF", 1),
    (b"\xE0\x9F\xBF", 1),
    (b"\xF0\x80\x80\xAF", 1),
    (b"\xF0\x8F\xBF\xBF", 1),
    (b"\xF8\x88\x80\x80\x80", 0),
    (b"\xFC\x84\x80\x80\x80\x80", 0),
    // surrogates, alone and in pairs
    (b"\xED\xA0\x80", 1),
    (b"\xED\xAF\xBF", 1),
    (b"\xED\xB0\x80", 1),
    (b"\xED\xBF\xBF", 1),
    (b"\xED\xA0\x80\xED\xB0\x80", 1),
    // above U+10FFFF
    (b"\xF4\x90\x80\x80", 1),
    (b"\xF5\x80\x80\x80", 0),
    (b"\xF7\xBF\xBF\xBF", 0),
    // the case that Autobahn's test suite feeds byte by byte
    (b"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xF4\x90\x80\x80edited", 12),
];

#[test]
fn impossible_bytes_fail_the_connection_as_soon_as_they_come() {
    for role in Role::BOTH {
        for (bytes, at) in IMPOSSIBLE {
            assert_eq!(first_impossible(bytes), Some(at), "{bytes:x?}");
            let close = role.outgoing_close(1007, Violation::InvalidUtf8.description());
            // A frame that promises more, so that only these bytes can be wrong.
            let frame = role.incoming_final(TEXT, &[bytes, b"and more"].concat());
            let payload_at = frame.len() - bytes.len() - b"and more".len();
            for cut in 0..frame.len() {
                let (one, two) = frame.split_at(cut);
                let row =
                    format!("{role:?}, {bytes:x?} cut at {}", cut as isize - payload_at as isize);

                let mut ws = role.connection(&Config::new());
                let found = receive(&mut ws, one).error;
                assert_eq!(found, if cut > payload_at + at { INVALID } else { None }, "{row}");

                let ws = &mut role.connection(&Config::new());
                let outcome = receive_all(ws, [one, two]);
                assert_eq!((outcome.error, &outcome.out), (INVALID, &close), "{row}");
                assert_eq!((outcome.events, ws.buffered()), (vec![], 0), "{row}");

                let outcome = receive_parts(&mut role.connection(&Config::new()), [one, two]);
                assert_eq!((outcome.error, &outcome.out), (INVALID, &close), "{row}");
            }
        }
    }
}

/// Goes through all texts of up to four bytes: each first byte, each second
/// byte, and behind those every byte at which a rule begins or ends.
#[test]
fn each_byte_is_judged_as_core_judges_it() {
    const EDGES: [u8; 16] = [
        0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xEF, 0xF0, 0xF4,
        0xFF,
    ];
    let every: Vec<u8> = (0..=0xFF).collect();
    let mut begun = vec![Vec::new()];
    for depth in 0..4 {
        let next_bytes = if depth < 2 { &every[..] } else { &EDGES };
        let mut longer = Vec::new();
        for (before, next) in
            begun.iter().flat_map(|b: &Vec<u8>| next_bytes.iter().map(move |n| (b, n)))
        {
            let text = [&before[..], &[*next]].concat();
            let role = Role::BOTH[usize::from(*next) % 2];
            // A frame that promises more, so that only these bytes can be wrong.
            let frame = role.incoming_final(TEXT, &[&text[..], b"and more"].concat());
            let [before @ .., next] = &frame[..frame.len() - b"and more".len()] else { panic!() };
            let mut ws = role.connection(&Config::new());
            assert_eq!(receive_bytewise(&mut ws, before).error, None, "{role:?} {text:x?}");
            let found = receive(&mut ws, &[*next]);
            let expected = first_impossible(&text).and(INVALID);
            assert_eq!(found.error, expected, "{role:?} {text:x?}");

            if expected.is_none() && std::str::from_utf8(&text).is_err() {
                longer.push(text); // there is more to this character
            }
        }
        begun = longer;
    }
    assert!(begun.is_empty(), "no character has more than four bytes");
}

#[test]
fn a_character_may_be_cut_by_frames_anywhere() {
    for role in Role::BOTH {
        for text in TEXTS {
            let bytes = text.as_bytes();
            for (i, j) in (0..=bytes.len()).flat_map(|i| (i..=bytes.len()).map(move |j| (i, j))) {
                let frames = [
                    role.incoming(TEXT, &bytes[..i]),
                    role.incoming_final(PONG, b""),
                    role.incoming(CONTINUATION, &bytes[i..j]),
                    role.incoming(CONTINUATION, b""),
                    role.incoming_final(CONTINUATION, &bytes[j..]),
                ];
                let events = [Event::Pong(b""[..].into()), Event::Text(text.into())];
                let row = format!("{role:?} {text:?} cut at {i} and {j}");
                let frames = frames.concat();
                for size in [1, 2, 3, 5, frames.len()] {
                    let ws = &mut role.connection(&Config::new());
                    assert_eq!(
                        receive_all(ws, frames.chunks(size)).events,
                        events,
                        "{row}, {size}"
                    );
                }
                let outcome = receive_parts(&mut role.connection(&Config::new()), frames.chunks(3));
                let joined = outcome.parts.iter().map(|part| match part {
                    OwnedPart::Text { text, .. } => &text[..],
                    _ => "",
                });
                assert_eq!(joined.collect::<String>(), text, "{row}");
            }
        }
    }
}

#[test]
fn a_character_may_be_cut_by_inputs_anywhere() {
    for role in Role::BOTH {
        for text in TEXTS {
            let frame = role.incoming_final(TEXT, text.as_bytes());
            for (i, j) in (0..=frame.len()).flat_map(|i| (i..=frame.len()).map(move |j| (i, j))) {
                let ws = &mut role.connection(&Config::new());
                let outcome = receive_all(ws, [&frame[..i], &frame[i..j], &frame[j..]]);
                assert_eq!(outcome.events, [Event::Text(text.into())], "{role:?} {text:?} {i} {j}");
            }
        }
    }
}

/// A character that the message's end cuts off is wrong once that end is there,
/// which may be in an empty frame.
#[test]
fn a_message_must_not_end_in_the_middle_of_a_character() {
    for role in Role::BOTH {
        for text in ["é", "水", "😀", "ab水", "\u{10FFFF}"] {
            let last = text.char_indices().last().unwrap().0;
            for end in last + 1..text.len() {
                let bytes = &text.as_bytes()[..end];
                let row = format!("{role:?} {bytes:x?}");
                for bytewise in [false, true] {
                    let ws = &mut role.connection(&Config::new());
                    let frame = role.incoming_final(TEXT, bytes);
                    let pieces = frame.chunks(if bytewise { 1 } else { frame.len() });
                    assert_eq!(receive_all(ws, pieces).error, INVALID, "{row}");
                }
                let ws = &mut role.connection(&Config::new());
                assert_eq!(receive(ws, &role.incoming(TEXT, bytes)).error, None, "{row}");
                let empty = receive_bytewise(ws, &role.incoming(CONTINUATION, b""));
                assert_eq!(empty.error, None, "{row}");
                let empty = receive_bytewise(ws, &role.incoming_final(CONTINUATION, b""));
                assert_eq!(empty.error, INVALID, "{row}");

                // The next message starts anew: what is missing cannot come in it.
                let ws = &mut role.connection(&Config::new());
                let two = [
                    role.incoming_final(TEXT, bytes),
                    role.incoming_final(TEXT, &text.as_bytes()[end..]),
                ];
                assert_eq!(receive(ws, &two.concat()).events, [], "{row}");
            }
        }
    }
}

/// Long enough that it is checked in blocks, and a byte may lie across two.
#[test]
fn one_wrong_byte_is_found_anywhere_in_a_long_text() {
    let text = "a水é😀".repeat(20);
    for (at, wrong) in
        (0..text.len()).flat_map(|at| [0x00, 0x80, 0xC0, 0xE2, 0xFF].map(|wrong| (at, wrong)))
    {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = wrong;
        let twin = std::str::from_utf8(&bytes);
        let role = Role::BOTH[at % 2];
        let frame = role.incoming_final(TEXT, &bytes);
        for size in [frame.len(), frame.len() - 1, 64, 7] {
            let ws = &mut role.connection(&Config::new());
            let outcome = receive_all(ws, frame.chunks(size));
            let row = format!("{role:?}, {wrong:x} at {at}, inputs of {size}");
            match twin {
                Ok(text) => assert_eq!(outcome.events, [Event::Text(text.into())], "{row}"),
                Err(_) => assert_eq!((outcome.events, outcome.error), (vec![], INVALID), "{row}"),
            }
        }
    }
}

#[test]
fn text_parts_before_the_wrong_byte_are_handed_over() {
    for role in Role::BOTH {
        let frame = role.incoming_final(TEXT, b"h\xC3\xA9llo\xF4\x90");
        let outcome = receive_parts(&mut role.connection(&Config::new()), frame.chunks(1));
        let parts = ["h", "é", "l", "l", "o"].map(|text| (text, text == "h"));
        let parts =
            parts.map(|(text, first)| OwnedPart::Text { text: text.into(), first, last: false });
        assert_eq!((&outcome.parts[..], outcome.error), (&parts[..], INVALID), "{role:?}");
    }
}

/// 5.6: binary data may be anything; so may a ping's (5.5.2).
#[test]
fn only_text_is_checked() {
    for role in Role::BOTH {
        for (bytes, _) in IMPOSSIBLE {
            for (opcode, event) in [
                (BINARY, Event::Binary(bytes.into())),
                (PING, Event::Ping(bytes.into())),
                (PONG, Event::Pong(bytes.into())),
            ] {
                let ws = &mut role.connection(&Config::new());
                let outcome = receive_bytewise(ws, &role.incoming_final(opcode, bytes));
                assert_eq!(
                    (outcome.events, outcome.error),
                    (vec![event], None),
                    "{role:?} {bytes:x?}"
                );
            }
        }
    }
}
