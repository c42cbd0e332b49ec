//! Messages in parts, as they arrive: which part is first, which is last, which
//! character comes late, and that the two ways to receive do not mix.

mod support;

use sansws::{Config, Connection, Error, Event, Part, State, Violation};
use support::*;

/// Both roles, and both answers to a question.
const ROWS: [(Role, bool); 4] =
    [(Role::Server, true), (Role::Server, false), (Role::Client, true), (Role::Client, false)];

/// `bytes`, with a new piece at each of the places.
fn cut_at(bytes: &[u8], places: impl IntoIterator<Item = usize>) -> Vec<&[u8]> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    for end in places.into_iter().chain([bytes.len()]) {
        pieces.push(&bytes[start..end]);
        start = end;
    }
    pieces
}

#[test]
fn parts_follow_the_input_and_not_the_frames() {
    struct Row {
        /// The FIN bit and the payload of each.
        frames: &'static [(u8, &'static str)],
        /// Where in the first payload a new input starts.
        cuts: &'static [usize],
        /// The text, whether it is first, whether it is last.
        parts: &'static [(&'static str, bool, bool)],
    }
    let row = |frames, cuts, parts| Row { frames, cuts, parts };
    #[rustfmt::skip]
    let table = [
        row(&[(0x80, "hello")], &[], &[("hello", true, true)]),
        row(&[(0x80, "hello")], &[2], &[("he", true, false), ("llo", false, true)]),
        row(&[(0x80, "hello")], &[0], &[("hello", true, true)]),
        row(&[(0x80, "hello")], &[1, 2], &[("h", true, false), ("e", false, false), ("llo", false, true)]),
        row(&[(0x80, "")], &[], &[("", true, true)]),
        row(&[(0x00, "he"), (0x80, "llo")], &[], &[("he", true, false), ("llo", false, true)]),
        // An empty piece is one only if it says that the message has ended.
        row(&[(0x00, ""), (0x00, "he"), (0x00, ""), (0x80, "llo")], &[], &[("he", true, false), ("llo", false, true)]),
        row(&[(0x00, "hello"), (0x80, "")], &[], &[("hello", true, false), ("", false, true)]),
        row(&[(0x00, ""), (0x80, "")], &[], &[("", true, true)]),
    ];
    for (role, Row { frames, cuts, parts }) in
        Role::BOTH.iter().flat_map(|role| table.iter().map(move |row| (*role, row)))
    {
        for opcode in [TEXT, BINARY] {
            let opcodes = [opcode].into_iter().chain([CONTINUATION].into_iter().cycle());
            let frames = opcodes
                .zip(*frames)
                .map(|(opcode, (fin, text))| role.incoming(fin | opcode, text.as_bytes()));
            let header = role.incoming(TEXT, b"").len();
            let stream = frames.collect::<Vec<_>>().concat();
            let inputs = cut_at(&stream, cuts.iter().map(|cut| header + cut));

            let parts = parts.iter().map(|&(text, first, last)| match opcode {
                TEXT => OwnedPart::Text { text: text.into(), first, last },
                _ => OwnedPart::Binary { data: text.into(), first, last },
            });
            let outcome = receive_parts(&mut role.connection(&Config::new()), inputs.clone());
            assert_eq!(outcome.parts, parts.collect::<Vec<_>>(), "{role:?} {inputs:x?}");
        }
    }
}

/// 5.4: control frames pass between the fragments, and the parts go on.
#[test]
fn a_control_frame_comes_between_the_parts() {
    for role in Role::BOTH {
        let incoming = [
            role.incoming(TEXT, b"a"),
            role.incoming_final(PING, b"1"),
            role.incoming_final(CONTINUATION, b"b"),
        ];
        let mut ws = role.connection(&Config::new());
        let outcome = receive_parts(&mut ws, [&incoming.concat()[..]]);
        let expected = [
            OwnedPart::Text { text: "a".into(), first: true, last: false },
            Part::Ping(b"1"[..].into()).into(),
            OwnedPart::Text { text: "b".into(), first: false, last: true },
        ];
        assert_eq!(outcome.parts, expected, "{role:?}");
        assert_eq!(outcome.out, role.outgoing(0x80 | PONG, b"1"), "{role:?}");
    }
}

#[test]
fn a_close_frame_leaves_a_message_without_its_end() {
    for role in Role::BOTH {
        let incoming =
            [role.incoming(TEXT, b"a\xC3"), role.incoming_final(CLOSE, &[3, 0xE8])].concat();
        let mut ws = role.connection(&Config::new());
        let outcome = receive_parts(&mut ws, [&incoming[..]]);
        let [text, OwnedPart::Control(close)] = &outcome.parts[..] else { panic!("{outcome:?}") };
        assert_eq!(*text, OwnedPart::Text { text: "a".into(), first: true, last: false });
        assert!(close.starts_with("Close"), "{close}");
        assert_eq!((outcome.error, ws.buffered()), (None, 0), "{role:?}");
        assert_eq!(ws.state(), State::Closed, "{role:?}");
    }
}

#[test]
fn a_character_that_was_cut_leads_the_part_that_completes_it() {
    struct Row {
        /// Where the text is cut.
        cuts: &'static [usize],
        /// What leads each part, and its text.
        parts: &'static [(Option<char>, &'static str)],
    }
    let text = "aé😀";
    let table = [
        Row { cuts: &[], parts: &[(None, "aé😀")] },
        Row { cuts: &[1], parts: &[(None, "a"), (None, "é😀")] },
        Row { cuts: &[2], parts: &[(None, "a"), (Some('é'), "😀")] },
        Row { cuts: &[3], parts: &[(None, "aé"), (None, "😀")] },
        Row { cuts: &[4], parts: &[(None, "aé"), (Some('😀'), "")] },
        Row { cuts: &[6], parts: &[(None, "aé"), (Some('😀'), "")] },
        Row { cuts: &[2, 5], parts: &[(None, "a"), (Some('é'), ""), (Some('😀'), "")] },
        // What completes no character is no part.
        Row {
            cuts: &[1, 2, 3, 4, 5, 6], parts: &[(None, "a"), (Some('é'), ""), (Some('😀'), "")]
        },
    ];
    for ((role, in_frames), Row { cuts, parts }) in
        ROWS.iter().flat_map(|of_row| table.iter().map(move |row| (*of_row, row)))
    {
        let inputs = if in_frames {
            let mut frames: Vec<Vec<u8>> = cut_at(text.as_bytes(), cuts.iter().copied())
                .into_iter()
                .map(|piece| role.incoming(CONTINUATION, piece))
                .collect();
            frames[0][0] |= TEXT;
            frames[cuts.len()][0] |= 0x80;
            frames
        } else {
            let frame = role.incoming_final(TEXT, text.as_bytes());
            let header = frame.len() - text.len();
            cut_at(&frame, cuts.iter().map(|cut| header + cut))
                .into_iter()
                .map(<[u8]>::to_vec)
                .collect()
        };

        let mut ws = role.connection(&Config::new());
        let (mut out, mut found, mut whole) = (Vec::new(), Vec::new(), String::new());
        for mut input in inputs {
            let mut input = &mut input[..];
            while let Some(part) = ws.receive_part(&mut input, &mut out).unwrap() {
                let Part::Text(part) = part else { panic!("{part:?}") };
                whole += &part.to_string();
                assert_eq!(
                    (part.first, part.last),
                    (found.is_empty(), found.len() + 1 == parts.len())
                );
                found.push((part.lead, part.text.into_owned()));
            }
        }
        assert_eq!(whole, text, "{role:?}, {cuts:?}, in frames: {in_frames}");
        let parts = parts.iter().map(|(lead, text)| (*lead, (*text).to_owned()));
        assert_eq!(
            found,
            parts.collect::<Vec<_>>(),
            "{role:?}, in frames: {in_frames}, cut at {cuts:?}"
        );
    }
}

/// Calls one of the two ways to receive; whether it gave anything.
fn call(
    ws: &mut Connection,
    parts: bool,
    input: &mut &mut [u8],
    out: &mut Vec<u8>,
) -> Result<bool, Error> {
    match parts {
        true => ws.receive_part(input, out).map(|part| part.is_some()),
        false => ws.receive(input, out).map(|event| event.is_some()),
    }
}

#[test]
fn the_wrong_way_to_receive_is_an_error_that_changes_nothing() {
    for (role, parts) in ROWS {
        let frames = [
            role.incoming(TEXT, "aé".as_bytes()),
            role.incoming_final(PING, b"1"),
            role.incoming_final(CONTINUATION, b"b"),
        ];
        let stream = frames.concat();
        let payload_at = frames[0].len() - "aé".len();
        for cut in 0..stream.len() {
            let row = format!("{role:?}, begun in parts: {parts}, cut at {cut}");
            let mut ws = role.connection(&Config::new());
            let mut out = Vec::new();
            let (mut one, mut two) = (stream[..cut].to_vec(), stream[cut..].to_vec());
            let mut input = &mut one[..];
            while call(&mut ws, parts, &mut input, &mut out).unwrap() {}

            let before = (ws.buffered(), out.clone());
            if cut > payload_at {
                let mut input = &mut two[..];
                let wrong = call(&mut ws, !parts, &mut input, &mut out);
                assert_eq!(wrong, Err(Error::WrongReceive), "{row}");
                assert_eq!(input, &stream[cut..], "{row}");
                assert_eq!((ws.buffered(), out.clone()), before, "{row}");
                assert_eq!(
                    (ws.state(), Error::WrongReceive.violation()),
                    (State::Open, None),
                    "{row}"
                );
            }

            // As if nothing had been: the rest of it, and a message the other way.
            let mut input = &mut two[..];
            while call(&mut ws, parts, &mut input, &mut out).unwrap() {}
            assert_eq!(out, role.outgoing(0x80 | PONG, b"1"), "{row}");
            let mut next = role.incoming_final(TEXT, b"next");
            assert_eq!(call(&mut ws, !parts, &mut &mut next[..], &mut out), Ok(true), "{row}");
        }
    }
}

#[test]
fn a_message_of_which_nothing_was_handed_over_can_be_received_either_way() {
    for (role, parts) in ROWS {
        let whole = role.incoming_final(TEXT, b"hi");
        let (header, payload) = whole.split_at(whole.len() - 2);
        let table = [
            (header.to_vec(), payload.to_vec()),
            (role.incoming(TEXT, b""), role.incoming_final(CONTINUATION, b"hi")),
            (role.incoming(TEXT, b"\xC3"), role.incoming_final(CONTINUATION, b"\xA9")),
        ];
        for (mut begin, mut rest) in table {
            let row = format!("{role:?}, begun in parts: {parts}, {begin:x?}");
            let (mut ws, mut out) = (role.connection(&Config::new()), Vec::new());
            assert_eq!(call(&mut ws, parts, &mut &mut begin[..], &mut out), Ok(false), "{row}");
            assert_eq!(call(&mut ws, !parts, &mut &mut rest[..], &mut out), Ok(true), "{row}");
        }
    }
}

#[test]
fn messages_and_parts_may_be_asked_for_in_turn() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        for _ in 0..3 {
            let outcome = receive_bytewise(&mut ws, &role.incoming_final(TEXT, b"whole"));
            assert_eq!(outcome.events, [Event::Text("whole".into())], "{role:?}");
            let outcome = receive_parts(&mut ws, [&role.incoming_final(TEXT, b"part")[..]]);
            assert_eq!(
                outcome.parts,
                [OwnedPart::Text { text: "part".into(), first: true, last: true }]
            );
        }
    }
}

#[test]
fn a_text_in_parts_does_not_end_amid_a_character() {
    for role in [Role::Server, Role::Client] {
        for (frames, what) in [
            (&[(0x80 | TEXT, &b"ab\xE2\x82"[..])][..], "in a frame"),
            (&[(TEXT, b"ab\xE2"), (0x80 | CONTINUATION, b"\x82")], "in the last of two"),
            (&[(TEXT, b"ab\xE2\x82"), (0x80 | CONTINUATION, b"")], "before an empty one"),
        ] {
            let bytes: Vec<u8> =
                frames.iter().flat_map(|(first, payload)| role.incoming(*first, payload)).collect();
            for max in [1, 2, 1000] {
                let mut ws = role.connection(&Config::new());
                let mut out = Vec::new();
                let mut result = Ok(());
                for piece in bytes.clone().chunks_mut(max) {
                    let mut input = &mut piece[..];
                    while result.is_ok() {
                        match ws.receive_part(&mut input, &mut out) {
                            Ok(Some(_)) => {}
                            Ok(None) => break,
                            Err(error) => result = Err(error),
                        }
                    }
                }
                assert_eq!(result, Err(Error::Failed(Violation::InvalidUtf8)), "{what}, {max}");
            }
        }
    }
}
