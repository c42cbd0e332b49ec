//! Commands to bytes: what each method appends to `out`, exactly, and that one
//! which returns an error leaves everything as it was (RFC 6455, 5 and 6.1).

mod support;

use core::time::Duration;
use std::borrow::Cow;

use sansws::CloseCode;
use sansws::{
    Close, Config, Connection, Event, Instant, MaskingKeys, MessageKind, Prepared, SendError, State,
};
use support::*;

/// Sends a payload, which is ASCII, and returns what goes to the socket.
type Send = fn(&mut Connection, &[u8], &mut Vec<u8>) -> Result<(), SendError>;

fn text(payload: &[u8]) -> &str {
    std::str::from_utf8(payload).unwrap()
}

fn vectored(ws: &mut Connection, message: Event<'_>, out: &mut Vec<u8>) -> Result<(), SendError> {
    let payload = match message {
        Event::Text(text) => ws.send_text_vectored(text, out)?,
        Event::Binary(data) => ws.send_binary_vectored(data, out)?,
        other => panic!("{other:?}"),
    };
    out.extend_from_slice(&payload);
    Ok(())
}

fn lazily(ws: &mut Connection, message: Event<'_>, out: &mut Vec<u8>) -> Result<(), SendError> {
    let mut payload = match message {
        Event::Text(text) => ws.send_text_lazily(text, out)?,
        Event::Binary(data) => ws.send_binary_lazily(data, out)?,
        other => panic!("{other:?}"),
    };
    // Not a multiple of the key's length.
    let piece = payload.len() / 3 + 1;
    while !payload.is_empty() {
        payload.append_to(out, piece);
    }
    Ok(())
}

/// The methods that begin a message, each with the first byte of its frame.
const BEGIN: [(&str, u8, Send); 17] = [
    ("send_text", 0x81, |ws, p, out| ws.send_text(text(p), out)),
    ("send_binary", 0x82, |ws, p, out| ws.send_binary(p, out)),
    ("vectored, lent text", 0x81, |ws, p, out| vectored(ws, Event::Text(text(p).into()), out)),
    ("vectored, own text", 0x81, |ws, p, out| {
        vectored(ws, Event::Text(text(p).to_owned().into()), out)
    }),
    ("vectored, lent bytes", 0x82, |ws, p, out| vectored(ws, Event::Binary(p.into()), out)),
    ("vectored, own bytes", 0x82, |ws, p, out| vectored(ws, Event::Binary(p.to_vec().into()), out)),
    ("lazily, lent text", 0x81, |ws, p, out| lazily(ws, Event::Text(text(p).into()), out)),
    ("lazily, own text", 0x81, |ws, p, out| {
        lazily(ws, Event::Text(text(p).to_owned().into()), out)
    }),
    ("lazily, lent bytes", 0x82, |ws, p, out| lazily(ws, Event::Binary(p.into()), out)),
    ("lazily, own bytes", 0x82, |ws, p, out| lazily(ws, Event::Binary(p.to_vec().into()), out)),
    ("send_prepared, text", 0x81, |ws, p, out| ws.send_prepared(&Prepared::text(text(p)), out)),
    ("send_prepared, binary", 0x82, |ws, p, out| ws.send_prepared(&Prepared::binary(p), out)),
    ("send_prepared_vectored", 0x82, |ws, p, out| {
        let frame = ws.send_prepared_vectored(&Prepared::binary(p), out)?;
        out.extend_from_slice(&frame);
        Ok(())
    }),
    ("send_text_part, first", 0x01, |ws, p, out| ws.send_text_part(text(p), false, out)),
    ("send_text_part, only", 0x81, |ws, p, out| ws.send_text_part(text(p), true, out)),
    ("send_binary_part, first", 0x02, |ws, p, out| ws.send_binary_part(p, false, out)),
    ("send_binary_part, only", 0x82, |ws, p, out| ws.send_binary_part(p, true, out)),
];

const CONTROL: [(&str, u8, Send); 2] = [
    ("send_ping", 0x89, |ws, p, out| ws.send_ping(p, out)),
    ("send_pong", 0x8A, |ws, p, out| ws.send_pong(p, out)),
];

/// Printable, with a period that is not the key's.
fn ascii(len: usize) -> Vec<u8> {
    (0..len).map(|i| b' ' + (i % 93) as u8).collect()
}

/// 5.2: the length in as few bytes as it needs; 5.1: only clients mask.
#[test]
fn each_method_appends_one_frame() {
    for role in Role::BOTH {
        for len in [0, 1, 2, 125, 126, 127, 65535, 65536, 1 << 20] {
            let payload = ascii(len);
            let control = if len <= 125 { &CONTROL[..] } else { &[] };
            for (method, first_byte, send) in BEGIN.iter().chain(control) {
                let mut ws = role.connection(&Config::new());
                let mut out = b"earlier".to_vec();
                send(&mut ws, &payload, &mut out).unwrap();
                let expected = [&b"earlier"[..], &role.outgoing(*first_byte, &payload)].concat();
                assert!(out == expected, "{role:?} {method}, {len} bytes");
                // Headers are stored at a fixed size.
                let most = 2 * out.len() + 16;
                assert!(out.capacity() <= most, "{role:?} {method}, {len}: {}", out.capacity());
            }
        }
    }
}

/// 5.4: the first frame says what the message is, the others continue it, and
/// only control frames come between.
#[test]
fn parts_are_the_frames_of_one_message() {
    for role in Role::BOTH {
        let (mut ws, mut out) = (role.connection(&Config::new()), Vec::new());
        ws.send_text_part("", false, &mut out).unwrap();
        ws.send_text_part("a", false, &mut out).unwrap();
        ws.send_ping(b"1", &mut out).unwrap();
        ws.send_pong(b"2", &mut out).unwrap();
        receive(&mut ws, &role.incoming_final(PING, b"3"))
            .out
            .iter()
            .for_each(|byte| out.push(*byte));
        ws.send_text_part("", true, &mut out).unwrap();
        ws.send_binary_part(b"b", false, &mut out).unwrap();
        ws.send_binary_part(b"c", true, &mut out).unwrap();
        ws.send_binary(b"d", &mut out).unwrap();
        let frames: [(u8, &[u8]); 9] = [
            (0x01, b""),
            (0x00, b"a"),
            (0x89, b"1"),
            (0x8A, b"2"),
            (0x8A, b"3"),
            (0x80, b""),
            (0x02, b"b"),
            (0x80, b"c"),
            (0x82, b"d"),
        ];
        assert_eq!(out, frames.map(|(first, payload)| role.outgoing(first, payload)).concat());
    }
}

/// 5.4: messages do not interleave.
#[test]
fn no_message_begins_in_the_middle_of_another() {
    for role in Role::BOTH {
        for (kind, goes_on) in
            [(MessageKind::Text, "send_text_part"), (MessageKind::Binary, "send_binary_part")]
        {
            for (method, first_byte, send) in BEGIN {
                let (mut ws, mut out) = (role.connection(&Config::new()), Vec::new());
                let begin = |ws: &mut Connection, last, out: &mut _| match kind {
                    MessageKind::Text => ws.send_text_part("a", last, out),
                    MessageKind::Binary => ws.send_binary_part(b"a", last, out),
                };
                begin(&mut ws, false, &mut out).unwrap();
                let written = out.clone();
                let result = send(&mut ws, b"b", &mut out);
                let row = format!("{role:?} {kind:?}, then {method}");
                if method.starts_with(goes_on) {
                    let continued = role.outgoing(first_byte & 0x80, b"b");
                    assert_eq!((result, out), (Ok(()), [written, continued].concat()), "{row}");
                } else {
                    assert_eq!(
                        (result, &out),
                        (Err(SendError::MessageUnfinished), &written),
                        "{row}"
                    );
                    begin(&mut ws, true, &mut out).unwrap();
                    let end = role.outgoing(0x80, b"a");
                    assert_eq!(out, [written, end].concat(), "as if nothing had been: {row}");
                }
            }
        }
    }
}

#[test]
fn control_frames_are_limited_to_125_bytes() {
    for role in Role::BOTH {
        for (method, first_byte, send) in CONTROL {
            for len in [126, 127, 1000, 65536] {
                let (mut ws, mut out) = (role.connection(&Config::new()), b"earlier".to_vec());
                assert_eq!(
                    send(&mut ws, &ascii(len), &mut out),
                    Err(SendError::ControlTooLong),
                    "{role:?} {method} {len}"
                );
                assert_eq!(
                    (&out[..], ws.state()),
                    (&b"earlier"[..], State::Open),
                    "{role:?} {method}"
                );
                out.clear();
                send(&mut ws, b"short", &mut out).unwrap();
                assert_eq!(out, role.outgoing(first_byte, b"short"), "{role:?} {method}");
            }
        }
    }
}

/// 5.5.1, 7.4: codes that must not be sent cannot be, nor a reason without a
/// code, nor more than 123 bytes of one.
#[test]
fn a_close_frame_is_sent_only_if_it_is_right() {
    for role in Role::BOTH {
        for code in 0..=u16::MAX {
            let (mut ws, mut out) = (role.connection(&Config::new()), Vec::new());
            let result = ws.send_close(CloseCode::new(code), "r", &mut out);
            let expected = match code {
                1000..=1003 | 1007..=1014 | 3000..=4999 => {
                    (Ok(()), role.outgoing_close(code, "r"), State::Closing)
                }
                _ => (Err(SendError::CloseCode), vec![], State::Open),
            };
            assert_eq!((result, out, ws.state()), expected, "{role:?} {code}");
        }
        let normal = Some(CloseCode::NORMAL);
        let longest = "é".repeat(61) + "!";
        let too_long = "é".repeat(62);
        for (code, reason, expected) in [
            (None, "", Ok(role.outgoing(0x88, b""))),
            (None, "why", Err(SendError::CloseCode)),
            (normal, "", Ok(role.outgoing_close(1000, ""))),
            (normal, &longest, Ok(role.outgoing_close(1000, &longest))),
            (normal, &too_long, Err(SendError::ControlTooLong)),
            (normal, Close::fit_reason(&too_long), Ok(role.outgoing_close(1000, &too_long[..122]))),
        ] {
            let (mut ws, mut out) = (role.connection(&Config::new()), Vec::new());
            let result = ws.send_close(code, reason, &mut out);
            assert_eq!(ws.close_sent().is_some(), expected.is_ok(), "{role:?} {code:?} {reason:?}");
            assert_eq!(result.map(|()| out), expected, "{role:?} {code:?} {reason:?}");
        }
    }
}

#[test]
fn a_reason_is_made_to_fit_between_characters() {
    for (long, fits) in [
        ("", 0),
        ("short", 5),
        (&"x".repeat(123), 123),
        (&"x".repeat(124), 123),
        (&"é".repeat(100), 122),
        (&"水".repeat(41), 123),
        (&"水".repeat(42), 123),
        (&"😀".repeat(100), 120),
    ] {
        assert_eq!(Close::fit_reason(long), &long[..fits]);
    }
}

#[test]
fn a_message_for_a_vectored_write_is_not_copied_unless_a_client_has_only_lent_it() {
    for role in Role::BOTH {
        let frame = role.outgoing(0x82, &ascii(1001));
        for is_lent in [true, false] {
            let (mut ws, mut out) = (role.connection(&Config::new()), Vec::new());
            let data = ascii(1001);
            let at = data.as_ptr();
            let message = if is_lent { Cow::Borrowed(&data[..]) } else { data.clone().into() };
            let at = if let Cow::Owned(data) = &message { data.as_ptr() } else { at };
            let payload = ws.send_binary_vectored(message, &mut out).unwrap();
            assert_eq!((&out[..], &payload[..]), frame.split_at(frame.len() - 1001), "{role:?}");
            let is_copied = is_lent && role == Role::Client;
            assert_eq!(payload.as_ptr() == at, !is_copied, "{role:?} {is_lent}");
        }
    }
}

#[test]
fn a_payload_is_appended_in_pieces_of_any_length() {
    for role in Role::BOTH {
        for len in [0, 1, 125, 126, 1001, 70_000] {
            let data = ascii(len);
            let expected = role.outgoing(0x82, &data);
            for most in [1, 3, 4, 255, 256, 257, 4097, usize::MAX] {
                let (mut ws, mut out) = (role.connection(&Config::new()), Vec::new());
                let mut payload = ws.send_binary_lazily(&data, &mut out).unwrap();
                assert_eq!(out, expected[..expected.len() - len], "the header comes at once");
                payload.append_to(&mut out, 0);
                assert_eq!((out.len(), payload.len()), (expected.len() - len, len));
                while !payload.is_empty() {
                    let left = payload.len();
                    assert_eq!(left, expected.len() - out.len());
                    payload.append_to(&mut out, most);
                    assert_eq!(payload.len(), left - most.min(left), "{role:?} {len} {most}");
                }
                assert!(out == expected, "{role:?} {len} by {most}");
                payload.append_to(&mut out, most);
                assert_eq!(out.len(), expected.len(), "nothing comes behind the end");
            }
        }
    }
}

#[test]
fn a_prepared_message_holds_a_servers_frame() {
    for len in [0, 125, 126, 65536] {
        let payload = ascii(len);
        for (prepared, kind, first_byte) in [
            (Prepared::text(text(&payload)), MessageKind::Text, 0x81),
            (Prepared::binary(&payload), MessageKind::Binary, 0x82),
        ] {
            assert_eq!((prepared.kind(), prepared.clone().payload()), (kind, &payload[..]));
            assert!(
                prepared.frame()[..] == raw_frame(first_byte, None, &payload),
                "{kind:?} {len}"
            );
        }
    }
}

fn counting_client() -> Connection {
    let mut count = 0_u32;
    let keys = MaskingKeys::new(move || {
        count += 1;
        count.to_be_bytes()
    });
    Connection::client(&Config::new(), keys)
}

/// 5.3: a new key for every frame, the automatic ones too, and none for what is
/// not sent. curl (CVE-2025-10148) used one key for a whole connection.
#[test]
fn a_client_masks_every_frame_with_a_key_of_its_own() {
    let mut ws = counting_client();
    let mut out = Vec::new();
    for (_, _, send) in BEGIN.iter().filter(|(_, first_byte, _)| first_byte & 0x80 != 0) {
        send(&mut ws, b"m", &mut out).unwrap();
    }
    ws.send_text_part("p", false, &mut out).unwrap();
    assert!(ws.send_text("refused", &mut out).is_err());
    assert!(ws.send_binary_vectored(&[0][..], &mut out).is_err());
    assert!(ws.send_binary_lazily(&[0][..], &mut out).is_err());
    assert!(ws.send_ping(&[0; 126], &mut out).is_err());
    assert!(ws.send_close(CloseCode::ABNORMAL, "", &mut out).is_err());
    ws.send_text_part("p", true, &mut out).unwrap();
    ws.send_ping(b"c", &mut out).unwrap();
    ws.send_pong(b"c", &mut out).unwrap();
    let deadline = ws.poll_timeout(Instant::from_epoch(Duration::ZERO)).unwrap();
    ws.handle_timeout(deadline, &mut out).unwrap(); // the keepalive ping
    let mut pings = Role::Client.incoming_final(PING, b"q").repeat(2);
    let mut input = &mut pings[..];
    while receive_once(&mut ws, &mut input, &mut out).unwrap().is_some() {}
    let mut close = Role::Client.incoming_final(CLOSE, &close_payload(1000, ""));
    receive_once(&mut ws, &mut &mut close[..], &mut out).unwrap();

    let whole =
        [0x81, 0x82, 0x81, 0x81, 0x82, 0x82, 0x81, 0x81, 0x82, 0x82, 0x81, 0x82, 0x82, 0x81, 0x82]
            .map(|first_byte| (first_byte, &b"m"[..]));
    let rest: [(u8, &[u8]); 8] = [
        (0x01, b"p"),
        (0x80, b"p"),
        (0x89, b"c"),
        (0x8A, b"c"),
        (0x89, b""),
        (0x8A, b"q"),
        (0x8A, b"q"),
        (0x88, &[0x03, 0xE8]),
    ];
    let frames = (1_u32..).zip(whole.into_iter().chain(rest));
    let expected =
        frames.flat_map(|(n, (first, payload))| raw_frame(first, Some(n.to_be_bytes()), payload));
    assert_eq!(out, expected.collect::<Vec<u8>>());

    // and when the connection fails
    let mut ws = counting_client();
    assert_eq!(receive(&mut ws, &[0xFF]).out[2..6], 1_u32.to_be_bytes());
}

/// 10.3: keys that nobody can predict; here, that they differ in every bit.
#[cfg(feature = "rand")]
#[test]
fn random_keys_differ() {
    let mut keys = std::collections::HashSet::new();
    let (mut ones, mut zeros) = (0, 0);
    for _ in 0..10 {
        let mut ws = Connection::client(&Config::new(), MaskingKeys::random());
        for _ in 0..100 {
            let mut out = Vec::new();
            ws.send_text("", &mut out).unwrap();
            let [0x81, 0x80, a, b, c, d] = out[..] else { panic!("{out:x?}") };
            let key = u32::from_be_bytes([a, b, c, d]);
            (ones, zeros) = (ones | key, zeros | !key);
            keys.insert(key);
        }
    }
    // Of 1000 random keys two are the same once in 8,600 times.
    assert!(keys.len() >= 998, "{}", keys.len());
    assert_eq!((ones, zeros), (u32::MAX, u32::MAX));
}
