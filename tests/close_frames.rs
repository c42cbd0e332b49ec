//! Close frames that come in: which are right, how each is answered, and what
//! passes before and after (RFC 6455, 5.5.1 and 7.4).

mod support;

use sansws::CloseCode;
use sansws::{Close, Config, Error, Event, State, Violation};
use support::*;

fn for_both<T: Clone>(
    rows: impl IntoIterator<Item = T> + Clone,
) -> impl Iterator<Item = (Role, T)> {
    Role::BOTH
        .into_iter()
        .flat_map(move |role| rows.clone().into_iter().map(move |row| (role, row)))
}

fn close(code: Option<u16>, reason: &str) -> Event<'static> {
    let mut close = Close::default();
    close.code = code.map(CloseCode::new);
    close.reason = reason.to_owned().into();
    Event::Close(close)
}

#[test]
fn a_close_frame_is_answered_with_its_own_code_and_reason() {
    let longest = "é".repeat(61) + "!"; // 123 bytes
    #[rustfmt::skip]
    let table: [(&[u8], Option<u16>, &str); 6] = [
        (b"", None, ""),
        (&[0x03, 0xE8], Some(1000), ""),
        (&close_payload(1001, "bye"), Some(1001), "bye"),
        (&close_payload(4999, "水"), Some(4999), "水"),
        (&close_payload(1000, "\0"), Some(1000), "\0"),
        (&close_payload(3000, &longest), Some(3000), &longest),
    ];
    for (role, (payload, code, reason)) in for_both(table) {
        let frame = role.incoming_final(CLOSE, payload);
        for cut in 0..=frame.len() {
            let row = format!("{role:?} {code:?} {reason:?} cut at {cut}");
            let mut ws = role.connection(&Config::new());
            let outcome = receive_all(&mut ws, [&frame[..cut], &frame[cut..]]);
            assert_eq!((outcome.events, outcome.error), (vec![close(code, reason)], None), "{row}");
            assert_eq!(outcome.out, role.outgoing(0x80 | CLOSE, payload), "{row}");
            let expected = Some(CloseCode::new(code.unwrap_or(1005)));
            assert_eq!((ws.state(), ws.close_code()), (State::Closed, expected), "{row}");
        }
        let mut ws = role.connection(&Config::new());
        let parts = receive_parts(&mut ws, [&frame[..]]);
        assert_eq!(parts.parts, [OwnedPart::Control(format!("{:?}", close(code, reason)))]);
        assert_eq!(parts.out, role.outgoing(0x80 | CLOSE, payload), "{role:?} {code:?} {reason:?}");
    }
}

/// What yawc (one byte, or none) and undici (the reason) once crashed on or took
/// for something else.
#[test]
fn a_malformed_close_frame_fails_the_connection() {
    let overlong = b"\x03\xE8ok \xC0\x80";
    #[rustfmt::skip]
    let table: [(&[u8], Violation, u16); 8] = [
        (&[0x03], Violation::CloseTruncated, 1002),
        (&[0x00], Violation::CloseTruncated, 1002),
        (&[0x03, 0xE7], Violation::CloseCodeInvalid, 1002),
        (&[0x03, 0xEC, b'?'], Violation::CloseCodeInvalid, 1002),
        (&[0x03, 0xED, 0xFF], Violation::CloseCodeInvalid, 1002),
        (&[0x03, 0xE8, 0xC3, 0x28], Violation::CloseReasonInvalid, 1007),
        (&[0x03, 0xE8, 0xE6, 0xB0], Violation::CloseReasonInvalid, 1007), // cut off
        (overlong, Violation::CloseReasonInvalid, 1007),
    ];
    for (role, (payload, violation, code)) in for_both(table) {
        let frame = role.incoming_final(CLOSE, payload);
        for cut in 0..=frame.len() {
            let row = format!("{role:?} {payload:x?} cut at {cut}");
            let mut ws = role.connection(&Config::new());
            let outcome = receive_all(&mut ws, [&frame[..cut], &frame[cut..]]);
            assert_eq!(
                (outcome.events, outcome.error),
                (vec![], Some(Error::Failed(violation))),
                "{row}"
            );
            assert_eq!(outcome.out, role.outgoing_close(code, violation.description()), "{row}");
            assert_eq!(
                (ws.state(), ws.close_code()),
                (State::Failed, Some(CloseCode::ABNORMAL)),
                "{row}"
            );

            // 5.5.1: no second Close frame
            let mut ws = role.connection(&Config::new());
            ws.send_close(CloseCode::NORMAL, "", &mut Vec::new()).unwrap();
            let outcome = receive_all(&mut ws, [&frame[..cut], &frame[cut..]]);
            assert_eq!(outcome.error, Some(Error::Failed(violation)), "{row}");
            assert_eq!(outcome.out, b"", "{row}");
        }
    }
}

/// 7.4: of the 65,536 codes those may come that are defined and may be sent, and
/// those that are left to libraries and programs.
#[test]
fn every_close_code_is_echoed_or_refused() {
    for (role, code) in for_both(0..=u16::MAX) {
        let frame = role.incoming_final(CLOSE, &close_payload(code, "r"));
        let outcome = receive(&mut role.connection(&Config::new()), &frame);
        let expected = match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Outcome {
                events: vec![close(Some(code), "r")],
                error: None,
                out: role.outgoing_close(code, "r"),
            },
            _ => Outcome {
                events: vec![],
                error: Some(Error::Failed(Violation::CloseCodeInvalid)),
                out: role.outgoing_close(1002, Violation::CloseCodeInvalid.description()),
            },
        };
        assert_eq!(outcome, expected, "{role:?} {code}");
    }
}

/// 5.5.1: after our Close frame the peer may still be sending, and has a right
/// to be heard and its pings to be answered; its Close frame is not answered.
#[test]
fn what_comes_between_our_close_frame_and_the_peers_is_still_received() {
    for role in Role::BOTH {
        let incoming = [
            role.incoming_final(TEXT, b"text"),
            role.incoming_final(PING, b"1"),
            role.incoming(BINARY, b"bin"),
            role.incoming_final(PING, b"2"),
            role.incoming_final(PONG, b"3"),
            role.incoming_final(CONTINUATION, b"ary"),
            role.incoming_final(CLOSE, &close_payload(1001, "theirs")),
        ]
        .concat();
        let events = [
            Event::Text("text".into()),
            Event::Ping(b"1"[..].into()),
            Event::Ping(b"2"[..].into()),
            Event::Pong(b"3"[..].into()),
            Event::Binary(b"binary"[..].into()),
            close(Some(1001), "theirs"),
        ];
        let pongs = [b"1", b"2"].map(|data| role.outgoing(0x80 | PONG, data)).concat();
        for size in [1, 3, incoming.len()] {
            let mut ws = role.connection(&Config::new());
            let mut ours = Vec::new();
            ws.send_close(CloseCode::NORMAL, "ours", &mut ours).unwrap();
            assert_eq!(ours, role.outgoing_close(1000, "ours"), "{role:?}");
            assert_eq!(ws.state(), State::Closing, "{role:?}");

            let outcome = receive_all(&mut ws, incoming.chunks(size));
            assert_eq!(
                (&outcome.events[..], outcome.error),
                (&events[..], None),
                "{role:?} {size}"
            );
            assert_eq!(outcome.out, pongs, "{role:?} {size}");
            assert_eq!(ws.state(), State::Closed, "{role:?} {size}");
            assert_eq!(ws.close_code(), Some(CloseCode::GOING_AWAY), "{role:?} {size}");
        }
    }
}

/// 5.5.2: no pong after the peer's Close frame; 7.1.1: what comes is discarded.
#[test]
fn what_comes_after_the_peers_close_frame_is_discarded() {
    for (role, we_close) in for_both([true, false]) {
        let close_frame = role.incoming_final(CLOSE, &close_payload(1000, ""));
        for late in [
            role.incoming_final(PING, b"late"),
            role.incoming_final(TEXT, b"late"),
            close_frame.clone(),
            vec![0xFF; 20],
        ] {
            for size in [1, 1000] {
                let mut ws = role.connection(&Config::new());
                let mut ours = Vec::new();
                if we_close {
                    ws.send_close(CloseCode::NORMAL, "", &mut ours).unwrap();
                }
                let incoming = [&close_frame[..], &late].concat();
                let outcome = receive_all(&mut ws, incoming.chunks(size));
                let row = format!("{role:?}, we close first: {we_close}, {late:x?}");
                assert_eq!(
                    (outcome.events, outcome.error),
                    (vec![close(Some(1000), "")], None),
                    "{row}"
                );
                assert_eq!([ours, outcome.out].concat(), role.outgoing_close(1000, ""), "{row}");
                assert_eq!(ws.state(), State::Closed, "{row}");
            }
        }
    }
}

/// 5.4, 5.5.1: a Close frame may come in the middle of a message, either way.
#[test]
fn a_close_frame_cuts_off_the_message_under_way() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        let mut out = Vec::new();
        ws.send_text_part("half", false, &mut out).unwrap();
        let incoming = [role.incoming(TEXT, b"half\xC3"), role.incoming_final(CLOSE, b"")];
        let outcome = receive_bytewise(&mut ws, &incoming.concat());
        assert_eq!((outcome.events, outcome.error), (vec![close(None, "")], None), "{role:?}");
        assert_eq!(outcome.out, role.outgoing(0x80 | CLOSE, b""), "{role:?}");
        assert_eq!(ws.buffered(), 0, "{role:?}");

        let mut ws = role.connection(&Config::new());
        let mut out = Vec::new();
        ws.send_text_part("half", false, &mut out).unwrap();
        ws.send_close(CloseCode::GOING_AWAY, "", &mut out).unwrap();
        assert_eq!(out, [role.outgoing(TEXT, b"half"), role.outgoing_close(1001, "")].concat());
    }
}
