//! How a connection ends: the closing handshake, failures, and what to do with
//! the socket in each state (RFC 6455, 5.5.1 and 7).

mod support;

use core::time::Duration;
use std::collections::HashSet;

use sansws::CloseCode;
use sansws::{
    Close, Config, Connection, Error, Instant, Prepared, SendError, State, Transport, Violation,
};
use support::*;

/// Ways to get a connection where the tests want it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Situation {
    Fresh,
    WeClosed,
    PeerClosed,
    PeerClosedWithoutCode,
    WeClosedThenPeer,
    PeerBrokeARule,
    WeClosedThenPeerBrokeARule,
    Ended,
    WeClosedThenEnded,
    PeerClosedThenEnded,
    PeerBrokeARuleThenEnded,
    PeerNeverAnsweredOurClose,
}

use Situation::*;

impl Situation {
    fn reach(self, role: Role) -> Connection {
        let mut ws = role.connection(&Config::new());
        let mut out = Vec::new();
        let (we_close, peer): (bool, Option<Vec<u8>>) = match self {
            Fresh | Ended => (false, None),
            WeClosed | WeClosedThenEnded | PeerNeverAnsweredOurClose => (true, None),
            PeerClosed | PeerClosedThenEnded => {
                (false, Some(role.incoming_final(CLOSE, &close_payload(4001, "peer"))))
            }
            PeerClosedWithoutCode => (false, Some(role.incoming_final(CLOSE, b""))),
            WeClosedThenPeer => {
                (true, Some(role.incoming_final(CLOSE, &close_payload(4001, "peer"))))
            }
            PeerBrokeARule | PeerBrokeARuleThenEnded => (false, Some(vec![0xFF])),
            WeClosedThenPeerBrokeARule => (true, Some(vec![0xFF])),
        };
        if we_close {
            ws.send_close(CloseCode::NORMAL, "we", &mut out).unwrap();
        }
        if let Some(bytes) = peer {
            receive(&mut ws, &bytes);
        }
        match self {
            Ended | WeClosedThenEnded | PeerClosedThenEnded | PeerBrokeARuleThenEnded => {
                let _ = ws.receive_eof();
            }
            PeerNeverAnsweredOurClose => {
                let deadline = ws.poll_timeout(Instant::from_epoch(Duration::ZERO)).unwrap();
                assert!(ws.handle_timeout(deadline, &mut out).is_err());
            }
            _ => {}
        }
        ws
    }
}

struct Row {
    situation: Situation,
    state: State,
    /// For a server, for a client.
    transport: [Transport; 2],
    close_sent: Option<u16>,
    /// 7.1.5
    close_code: Option<u16>,
    failed: Option<Violation>,
}

#[rustfmt::skip]
fn table() -> Vec<Row> {
    use Transport::{AwaitEof, Close as CloseIt, Open, Shutdown};
    let row = |situation, state, transport, close_sent, close_code, failed| {
        Row { situation, state, transport, close_sent, close_code, failed }
    };
    let broken = Some(Violation::ReservedBit);
    let ended = Some(Violation::EndOfStream);
    vec![
        row(Fresh, State::Open, [Open, Open], None, None, None),
        row(WeClosed, State::Closing, [Open, Open], Some(1000), None, None),
        // 7.1.1: the server ends the stream, the client waits for that
        row(PeerClosed, State::Closed, [Shutdown, AwaitEof], Some(4001), Some(4001), None),
        row(PeerClosedWithoutCode, State::Closed, [Shutdown, AwaitEof], Some(1005), Some(1005), None),
        row(WeClosedThenPeer, State::Closed, [Shutdown, AwaitEof], Some(1000), Some(4001), None),
        row(PeerBrokeARule, State::Failed, [Shutdown, Shutdown], Some(1002), Some(1006), broken),
        row(WeClosedThenPeerBrokeARule, State::Failed, [Shutdown, Shutdown], Some(1000), Some(1006), broken),
        row(Ended, State::Failed, [CloseIt, CloseIt], None, Some(1006), ended),
        row(WeClosedThenEnded, State::Failed, [CloseIt, CloseIt], Some(1000), Some(1006), ended),
        row(PeerClosedThenEnded, State::Closed, [CloseIt, CloseIt], Some(4001), Some(4001), None),
        row(PeerBrokeARuleThenEnded, State::Failed, [CloseIt, CloseIt], Some(1002), Some(1006), broken),
        row(PeerNeverAnsweredOurClose, State::Failed, [CloseIt, CloseIt], Some(1000), Some(1006), Some(Violation::CloseTimeout)),
    ]
}

fn rows() -> impl Iterator<Item = (Role, Row)> {
    Role::BOTH.into_iter().flat_map(|role| table().into_iter().map(move |row| (role, row)))
}

fn assert_row(ws: &Connection, role: Role, row: &Row) {
    let name = format!("{role:?} {:?}", row.situation);
    assert_eq!(ws.state(), row.state, "{name}");
    assert_eq!(ws.transport(), row.transport[role as usize], "{name}");
    assert_eq!(ws.close_sent().map(CloseCode::value), row.close_sent, "{name}");
    assert_eq!(ws.close_code().map(CloseCode::value), row.close_code, "{name}");
    let by_peer = [PeerClosed, PeerClosedWithoutCode, PeerClosedThenEnded];
    assert_eq!(ws.is_closed_by_peer(), by_peer.contains(&row.situation), "{name}");
    assert_eq!(ws.failure(), row.failed, "{name}");
    assert!(format!("{ws:?}").contains(&format!("{role:?}")), "{name}: {ws:?}");
    assert!(format!("{ws:?}").contains(&format!("{:?}", row.state)), "{name}: {ws:?}");
}

#[test]
fn each_state_says_what_to_do_with_the_socket() {
    for (role, row) in rows() {
        assert_row(&row.situation.reach(role), role, &row);
    }
}

/// 7.1.7: "an endpoint MUST NOT continue to attempt to process data"; and 7.1.1
/// after the closing handshake. Nothing that comes or is asked changes anything.
#[test]
fn the_end_is_final() {
    for (role, row) in rows() {
        if matches!(row.state, State::Open | State::Closing) {
            continue;
        }
        let name = format!("{role:?} {:?}", row.situation);
        let mut ws = row.situation.reach(role);
        let mut out = b"earlier".to_vec();
        let result = row.failed.map_or(Ok(()), |violation| Err(Error::Failed(violation)));
        for late in [
            role.incoming_final(TEXT, b"late"),
            role.incoming_final(PING, b"late"),
            role.incoming_final(CLOSE, &close_payload(1000, "late")),
            vec![0xFF; 10],
            vec![],
        ] {
            let mut input = &mut late.clone()[..];
            assert_eq!(ws.receive(&mut input, &mut out), result.map(|()| None), "{name}");
            assert!(input.is_empty(), "7.1.1: discarded: {name}");
            let mut input = &mut late.clone()[..];
            assert_eq!(ws.receive_part(&mut input, &mut out), result.map(|()| None), "{name}");
            assert!(input.is_empty(), "7.1.1: discarded: {name}");
        }
        assert_eq!(
            ws.handle_timeout(Instant::from_epoch(Duration::ZERO), &mut out),
            result,
            "{name}"
        );
        assert_row(&ws, role, &row);
        assert_eq!(ws.receive_eof(), result, "{name}");
        assert_eq!(ws.receive_eof(), result, "{name}");
        assert_eq!(ws.transport(), Transport::Close, "{name}");
        assert_eq!((out, ws.buffered()), (b"earlier".to_vec(), 0), "{name}");
    }
}

/// 7.1.5, 7.2.1: without the peer's Close frame the end of the stream is a failure.
#[test]
fn the_end_of_the_stream_is_a_failure_unless_both_have_closed() {
    for (role, row) in rows() {
        let violation = match row.state {
            State::Open | State::Closing => Some(Violation::EndOfStream),
            State::Closed | State::Failed => row.failed,
        };
        let mut ws = row.situation.reach(role);
        let name = format!("{role:?} {:?}", row.situation);
        assert_eq!(ws.receive_eof().err().and_then(Error::violation), violation, "{name}");
        assert_eq!(ws.transport(), Transport::Close, "{name}");
        assert_eq!(
            ws.close_sent().map(CloseCode::value),
            row.close_sent,
            "nobody would read it: {name}"
        );
    }
    // in the middle of a frame, of a message, of a header
    for role in Role::BOTH {
        let frame = role.incoming(TEXT, b"half a message");
        for cut in 1..=frame.len() {
            let mut ws = role.connection(&Config::new());
            receive(&mut ws, &frame[..cut]);
            assert_eq!(
                ws.receive_eof(),
                Err(Error::Failed(Violation::EndOfStream)),
                "{role:?} {cut}"
            );
            assert_eq!(ws.buffered(), 0, "{role:?} {cut}");
        }
    }
}

type Send = fn(&mut Connection, &mut Vec<u8>) -> Result<(), SendError>;

/// 5.5.1: nothing is sent after a Close frame; 7.1.7: nor after a failure.
#[test]
fn nothing_can_be_sent_unless_the_connection_is_open() {
    let methods: [(&str, Send); 11] = [
        ("send_text", |ws, out| ws.send_text("x", out)),
        ("send_binary", |ws, out| ws.send_binary(b"x", out)),
        ("send_text_part", |ws, out| ws.send_text_part("x", true, out)),
        ("send_binary_part", |ws, out| ws.send_binary_part(b"x", false, out)),
        ("send_text_vectored", |ws, out| ws.send_text_vectored("x", out).map(drop)),
        ("send_text_lazily", |ws, out| ws.send_text_lazily("x", out).map(drop)),
        ("send_prepared", |ws, out| ws.send_prepared(&Prepared::text("x"), out)),
        ("send_ping", |ws, out| ws.send_ping(b"x", out)),
        ("send_pong", |ws, out| ws.send_pong(b"x", out)),
        ("send_close", |ws, out| ws.send_close(CloseCode::NORMAL, "x", out)),
        ("send_close without a code", |ws, out| ws.send_close(None, "", out)),
    ];
    for (role, row) in rows() {
        for (method, send) in methods {
            let mut ws = row.situation.reach(role);
            let mut out = b"earlier".to_vec();
            let sent = send(&mut ws, &mut out);
            let name = format!("{role:?} {:?} {method}", row.situation);
            if row.situation == Fresh {
                assert_eq!((sent, out.len() > 7), (Ok(()), true), "{name}");
            } else {
                assert_eq!((sent, &out[..]), (Err(SendError::Closed), &b"earlier"[..]), "{name}");
                assert_row(&ws, role, &row);
            }
        }
    }
}

/// Every violation; the code it is answered with (7.4.1), if the peer is still
/// there to read it; and the section that has the rule.
const VIOLATIONS: [(Violation, Option<u16>, &str); 23] = [
    (Violation::ReservedBit, Some(1002), "5.2"),
    (Violation::ReservedOpcode, Some(1002), "5.2"),
    (Violation::MaskMissing, Some(1002), "5.1"),
    (Violation::MaskUnexpected, Some(1002), "5.1"),
    (Violation::LengthOverflow, Some(1002), "5.2"),
    (Violation::LengthNotMinimal, Some(1002), "5.2"),
    (Violation::ControlFragmented, Some(1002), "5.5"),
    (Violation::ControlTooLong, Some(1002), "5.5"),
    (Violation::MessageInterrupted, Some(1002), "5.4"),
    (Violation::ContinuationUnexpected, Some(1002), "5.4"),
    (Violation::InvalidUtf8, Some(1007), "8.1"),
    (Violation::CloseTruncated, Some(1002), "5.5.1"),
    (Violation::CloseCodeInvalid, Some(1002), "7.4"),
    (Violation::CloseReasonInvalid, Some(1007), "5.5.1"),
    (Violation::FrameTooBig, Some(1009), "10.4"),
    (Violation::MessageTooBig, Some(1009), "10.4"),
    (Violation::TooManyFragments, Some(1008), "10.4"),
    (Violation::EndOfStream, None, "7.2.1"),
    (Violation::PongTimeout, Some(1011), "5.5.2"),
    (Violation::CloseTimeout, None, "7.1.1"),
    (Violation::Unsupported, Some(1003), "7.4.1"),
    (Violation::Policy, Some(1008), "7.4.1"),
    (Violation::Internal, Some(1011), "7.4.1"),
];

#[test]
fn each_violation_has_its_code_its_section_and_a_reason_that_fits() {
    let mut reasons = HashSet::new();
    for (violation, code, section) in VIOLATIONS {
        assert_eq!(violation.close_code().map(CloseCode::value), code, "{violation:?}");
        assert_eq!(violation.section(), section, "{violation:?}");
        let reason = violation.description();
        assert_eq!(
            (violation.to_string(), Error::Failed(violation).to_string()),
            (reason.into(), reason.into())
        );
        assert!((1..=Close::MAX_REASON_LEN).contains(&reason.len()), "{violation:?}");
        assert!(reasons.insert(reason), "{violation:?} has the reason of another");
    }
}

#[test]
fn a_program_can_fail_the_connection_once_in_any_state() {
    for (violation, code, _) in VIOLATIONS {
        for (role, row) in rows() {
            let name = format!("{role:?} {:?} {violation:?}", row.situation);
            let mut ws = row.situation.reach(role);
            let mut out = Vec::new();
            let error = ws.fail(violation, &mut out);
            assert_eq!(error, Error::Failed(row.failed.unwrap_or(violation)), "{name}");
            if row.state == State::Closed {
                assert_row(&ws, role, &row);
            } else {
                assert_eq!(
                    (ws.state(), ws.failure()),
                    (State::Failed, error.violation()),
                    "{name}"
                );
                assert_eq!(ws.close_code(), Some(CloseCode::ABNORMAL), "{name}");
                assert_eq!(
                    ws.fail(Violation::Internal, &mut out),
                    error,
                    "the first stays: {name}"
                );
            }
            // 7.1.7: a Close frame if none was sent
            let close = code.map(|code| role.outgoing_close(code, violation.description()));
            let expected =
                if row.state == State::Open { close.unwrap_or_default() } else { vec![] };
            assert_eq!(out, expected, "{name}");
        }
    }
}
