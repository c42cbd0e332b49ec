//! The limits on what a peer may send (RFC 6455, 10.4): each is exact, judged by
//! the header alone, and before anything is stored.

mod support;

use sansws::{Config, Connection, Error, Violation};
use support::*;

/// Which of the two ways to receive.
#[derive(Clone, Copy, Debug)]
enum Way {
    Messages,
    Parts,
}

const WAYS: [(Role, Way); 4] = [
    (Role::Server, Way::Messages),
    (Role::Server, Way::Parts),
    (Role::Client, Way::Messages),
    (Role::Client, Way::Parts),
];

fn violation(ws: &mut Connection, way: Way, pieces: &[&[u8]]) -> Option<Violation> {
    let error = match way {
        Way::Messages => receive_all(ws, pieces.iter().copied()).error,
        Way::Parts => receive_parts(ws, pieces.iter().copied()).error,
    };
    error.and_then(Error::violation)
}

/// A header whose frame is too much, after frames that are not. The length ends
/// before the masking key: the key need not be there.
fn assert_verdict(
    config: &Config,
    before: &[(u8, usize)],
    last: (u8, u64),
    expected: Option<Violation>,
) {
    for (role, way) in WAYS {
        let frames = before.iter().map(|(first, len)| role.incoming(*first, &vec![b'x'; *len]));
        let before_bytes = frames.collect::<Vec<_>>().concat();
        let header = header_only(role, last.0, last.1);
        let judged = header.len() - if role == Role::Server { 4 } else { 0 };
        let row = format!("{role:?} {way:?} {config:?}, {before:x?}, then {last:x?}");

        let mut ws = role.connection(config);
        assert_eq!(violation(&mut ws, way, &[&before_bytes]), None, "{row}");
        let held = ws.buffered();
        assert_eq!(violation(&mut ws, way, &[&header[..judged - 1]]), None, "{row}");
        assert_eq!(violation(&mut ws, way, &[&header[judged - 1..judged]]), expected, "{row}");
        if expected.is_none() {
            assert_eq!(violation(&mut ws, way, &[&header[judged..]]), None, "{row}");
            assert!(ws.buffered() <= held, "nothing is stored for a header: {row}");
        }

        let stream = [before_bytes, header].concat();
        for cut in (0..=stream.len()).step_by(stream.len() / 100 + 1) {
            let (one, two) = stream.split_at(cut);
            let mut ws = role.connection(config);
            assert_eq!(violation(&mut ws, way, &[one, two]), expected, "{row}, cut at {cut}");
        }
    }
}

const TOO_BIG: Option<Violation> = Some(Violation::MessageTooBig);
const FRAME_TOO_BIG: Option<Violation> = Some(Violation::FrameTooBig);
const TOO_MANY: Option<Violation> = Some(Violation::TooManyFragments);

/// Without limits by default, every peer could fill the memory of eventlet
/// (CVE-2021-21419) and daphne (CVE-2026-44545).
#[test]
fn the_defaults_are_finite_and_as_documented() {
    let default = Config::new();
    for first in [0x81, 0x82, 0x01, 0x02] {
        assert_verdict(&default, &[], (first, 1 << 20), None);
        assert_verdict(&default, &[], (first, (1 << 20) + 1), TOO_BIG);
    }
    for (role, way) in WAYS {
        let mut frames = role.incoming(TEXT, b"");
        frames.extend(role.incoming(CONTINUATION, b"").repeat((1 << 16) - 1));
        let mut ws = role.connection(&default);
        assert_eq!(violation(&mut ws, way, &[&frames]), None, "{role:?} {way:?}: 65,536 frames");
        let one_more = role.incoming_final(CONTINUATION, b"");
        assert_eq!(violation(&mut ws, way, &[&one_more]), TOO_MANY, "{role:?} {way:?}");
    }
}

#[test]
fn what_is_as_long_as_the_limit_passes_and_one_byte_more_fails() {
    let config = Config::new();
    let message = |bytes| config.clone().max_message_len(bytes);
    let frame = |bytes| config.clone().max_frame_len(bytes);

    for limit in [0_usize, 1, 125, 126, 127, 0xFFFF, 0x1_0000] {
        let bytes = limit as u64;
        for first in [0x81, 0x82, 0x01, 0x02] {
            assert_verdict(&message(bytes), &[], (first, bytes), None);
            assert_verdict(&message(bytes), &[], (first, bytes + 1), TOO_BIG);
            assert_verdict(&frame(bytes), &[], (first, bytes), None);
            assert_verdict(&frame(bytes), &[], (first, bytes + 1), FRAME_TOO_BIG);
        }
        // Bandit and undici once compared each frame alone, not the sum.
        assert_verdict(&message(bytes), &[(0x02, limit)], (0x80, 0), None);
        assert_verdict(&message(bytes), &[(0x02, limit)], (0x80, 1), TOO_BIG);
        assert_verdict(&message(bytes + 5), &[(0x02, 3), (0x00, 1)], (0x00, bytes + 1), None);
        assert_verdict(&message(bytes + 5), &[(0x02, 3), (0x00, 1)], (0x00, bytes + 2), TOO_BIG);
        assert_verdict(&frame(bytes), &[(0x02, limit), (0x00, limit)], (0x80, bytes), None);
        assert_verdict(
            &frame(bytes),
            &[(0x02, limit), (0x00, 0)],
            (0x80, bytes + 1),
            FRAME_TOO_BIG,
        );
    }
    // The frame limit is for data, not for control frames.
    assert_verdict(&frame(0), &[], (0x89, 125), None);
    assert_verdict(&message(0), &[(0x01, 0), (0x89, 125)], (0x8A, 125), None);
    // Both at once: the message's comes first, and the smaller one counts.
    assert_verdict(&frame(10).max_message_len(5), &[], (0x82, 6), TOO_BIG);
    assert_verdict(&frame(10).max_message_len(5), &[], (0x82, 11), TOO_BIG);
    assert_verdict(&frame(5).max_message_len(10), &[], (0x82, 6), FRAME_TOO_BIG);
}

#[test]
fn a_message_may_come_in_as_many_frames_as_the_limit_says() {
    let fragments = |frames| Config::new().max_fragments(frames);
    assert_verdict(&fragments(1), &[], (0x81, 5), None);
    assert_verdict(&fragments(1), &[], (0x01, 5), None);
    assert_verdict(&fragments(1), &[(0x01, 5)], (0x80, 0), TOO_MANY);
    assert_verdict(&fragments(3), &[(0x01, 5), (0x00, 0)], (0x80, 5), None);
    assert_verdict(&fragments(3), &[(0x01, 5), (0x00, 0)], (0x00, 5), None);
    assert_verdict(&fragments(3), &[(0x01, 5), (0x00, 0), (0x00, 1)], (0x80, 0), TOO_MANY);
    assert_verdict(&fragments(3), &[(0x01, 5), (0x00, 0), (0x00, 1)], (0x00, 0), TOO_MANY);
    // Control frames between them do not count.
    assert_verdict(&fragments(2), &[(0x01, 1), (0x89, 0), (0x8A, 0), (0x89, 1)], (0x80, 1), None);
    // A message in one frame is no fragment too many, whatever the limit.
    assert_verdict(&fragments(0), &[(0x81, 1)], (0x82, 1), None);
    assert_verdict(&fragments(0), &[(0x01, 1)], (0x80, 1), TOO_MANY);
    assert_verdict(&fragments(u32::MAX), &[(0x01, 1)], (0x80, 1), None);
}

#[test]
fn the_count_starts_anew_with_each_message() {
    let config = Config::new().max_message_len(10).max_fragments(2);
    let whole = (0x82, 10);
    let two = [(0x01, 5), (0x80, 5)];
    assert_verdict(&config, &[whole, whole, whole], (0x81, 10), None);
    assert_verdict(&config, &[two[0], two[1], two[0], two[1], two[0]], (0x80, 5), None);
    assert_verdict(&config, &[two[0], two[1], two[0]], (0x80, 6), TOO_BIG);
}

/// Lengths at which others have counted wrong: a length cut down to 32 bits is
/// read as another (tokio-websockets, soketto), a sum overflows a signed counter
/// (gorilla/websocket, CVE-2020-27813).
const HUGE: [u64; 9] = [
    (1 << 31) - 1,
    1 << 31,
    (1 << 31) + 1,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    (1 << 32) + 5,
    (1 << 63) - 2,
    (1 << 63) - 1,
];

#[test]
fn huge_lengths_are_compared_whole() {
    let message = |bytes| Config::new().max_message_len(bytes);
    for len in HUGE {
        assert_verdict(&Config::new(), &[], (0x82, len), TOO_BIG);
        assert_verdict(&message(u64::MAX).max_frame_len(100), &[], (0x82, len), FRAME_TOO_BIG);
        assert_verdict(&message(len - 1), &[], (0x82, len), TOO_BIG);
        assert_verdict(&message(len), &[], (0x82, len), None);
        assert_verdict(&message(len), &[(0x82, 7)], (0x01, len), None);
        // together with what has come
        assert_verdict(&Config::new(), &[(0x02, 7)], (0x80, len), TOO_BIG);
        assert_verdict(&message(len), &[(0x02, 7)], (0x80, len), TOO_BIG);
        assert_verdict(&message(len + 6), &[(0x02, 7)], (0x00, len), TOO_BIG);
        assert_verdict(&message(len + 7), &[(0x02, 7)], (0x00, len), None);
        assert_verdict(&message(u64::MAX), &[(0x02, 7)], (0x80, len), None);
    }
}

/// rust-websocket (CVE-2022-35922) and others allocated what a header declared.
#[test]
fn only_bytes_that_have_come_are_held() {
    for role in Role::BOTH {
        for (first, len) in [(0x82, 1 << 30), (0x81, (1 << 63) - 1), (0x02, 1 << 20), (0x01, 100)] {
            let config = Config::new().max_message_len(u64::MAX);
            let mut ws = role.connection(&config);
            let row = format!("{role:?} {first:x} {len}");
            assert_eq!(receive(&mut ws, &header_only(role, first, len)).error, None, "{row}");
            assert_eq!(ws.buffered(), 0, "{row}");
            for count in 1..100 {
                let byte = [b'@' ^ if role == Role::Server { KEY[(count - 1) % 4] } else { 0 }];
                assert_eq!(receive(&mut ws, &byte).error, None, "{row}");
                assert_eq!(ws.buffered(), count, "{row}");
            }
        }
    }
}

#[test]
fn a_message_and_a_control_frame_can_be_cut_off_at_once() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        assert_eq!(receive(&mut ws, &role.incoming(TEXT, &[b'x'; 100])).error, None);
        let ping = role.incoming_final(PING, &[b'y'; 125]);
        assert_eq!(receive(&mut ws, &ping[..ping.len() - 1]).events, []);
        assert_eq!(ws.buffered(), 100 + 124, "{role:?}");
        assert_eq!(receive(&mut ws, &ping[ping.len() - 1..]).events.len(), 1);
        assert_eq!(ws.buffered(), 100, "{role:?}");
    }
}

#[test]
fn parts_are_not_held_at_all() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        let frame = role.incoming_final(BINARY, &[7; 1000]);
        for byte in &frame {
            assert_eq!(receive_parts(&mut ws, [&[*byte][..]]).error, None);
            assert_eq!(ws.buffered(), 0, "{role:?}");
        }
    }
}

/// Netty (CVE-2014-0193) joined continuations without end; ws (CVE-2026-48779)
/// counted bytes but not the objects that held them; ws and undici did not count
/// empty fragments.
#[test]
fn a_message_that_never_ends_is_cut_off() {
    for (role, way) in WAYS {
        for (len, limit, expected) in [
            (1024, 1 << 20, TOO_BIG),
            (1, 1 << 20, TOO_MANY),
            (1, 1000, TOO_BIG),
            (0, 1 << 20, TOO_MANY),
        ] {
            let mut ws = role.connection(&Config::new().max_message_len(limit));
            assert_eq!(violation(&mut ws, way, &[&role.incoming(BINARY, b"")]), None);
            let fragments = role.incoming(CONTINUATION, &vec![7; len]).repeat(256);
            let mut held = 0;
            let found = (0..1 << 10).find_map(|_| {
                held = held.max(ws.buffered());
                violation(&mut ws, way, &[&fragments])
            });
            let row = format!("{role:?} {way:?} fragments of {len}, limit {limit}");
            assert_eq!(found, expected, "{row}");
            assert!(held as u64 <= limit, "{row}: {held}");
            assert_eq!(ws.buffered(), 0, "{row}");
        }
    }
}

#[test]
fn other_limits_can_be_set_at_any_time() {
    let (low, high) = (Config::new().max_message_len(10), Config::new().max_message_len(20));
    for (role, way) in WAYS {
        let begin = role.incoming(BINARY, &[7; 8]);
        let goes_on = role.incoming(CONTINUATION, &[7; 4]);
        let row = format!("{role:?} {way:?}");

        let mut ws = role.connection(&low);
        assert_eq!(violation(&mut ws, way, &[&begin]), None, "{row}");
        ws.set_config(&high);
        assert_eq!(violation(&mut ws, way, &[&goes_on]), None, "{row}");
        assert_eq!(violation(&mut ws, way, &[&goes_on.repeat(3)]), TOO_BIG, "{row}");

        // What is under way is judged at its next frame.
        let mut ws = role.connection(&high);
        assert_eq!(violation(&mut ws, way, &[&begin, &goes_on, &goes_on[..1]]), None, "{row}");
        ws.set_config(&low);
        assert_eq!(violation(&mut ws, way, &[&goes_on[1..]]), TOO_BIG, "{row}");

        let mut ws = role.connection(&high);
        assert_eq!(violation(&mut ws, way, &[&begin[..7]]), None, "{row}");
        ws.set_config(&high.clone().max_message_len(0).max_fragments(1));
        assert_eq!(violation(&mut ws, way, &[&begin[7..]]), None, "{row}");
        let too_many = role.incoming(CONTINUATION, b"");
        ws.set_config(&high.clone().max_fragments(1));
        assert_eq!(violation(&mut ws, way, &[&too_many]), TOO_MANY, "{row}");
    }
}

#[test]
fn other_habits_can_be_set_at_any_time() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        let ping = role.incoming_final(PING, b"x");
        assert_ne!(receive(&mut ws, &ping).out, [], "{role:?}");
        ws.set_config(&Config::new().answer_pings(false));
        assert_eq!(receive(&mut ws, &ping).out, [], "{role:?}");
    }
}
