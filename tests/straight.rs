//! Long messages whose rest is read straight to where they are joined.

#[path = "support/long.rs"]
mod long;
mod support;
#[path = "support/deflate.rs"]
#[cfg(feature = "deflate")]
mod with_deflate;

use core::time::Duration;

use long::{Way, config, noise, receive_in, receive_reusing, stream, text};
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::{CloseCode, Connection, Error, Event, Instant, MessageBuffer, Violation};
use support::straight::read_straight;
use support::{
    BINARY, CLOSE, CONTINUATION, Outcome, PING, Role, TEXT, close_payload, header_only, receive,
};

/// A connection that has received so many bytes of a frame's payload.
fn amid(role: Role, first_byte: u8, payload: &[u8], come: usize) -> (Connection, Vec<u8>) {
    let mut ws = role.connection(&config());
    let mut frame = role.incoming(first_byte, payload);
    let rest = frame.split_off(frame.len() - (payload.len() - come));
    assert_eq!(receive(&mut ws, &frame), Outcome::default());
    (ws, rest)
}

#[test]
fn the_rest_of_a_message_is_read_to_where_it_is_joined() {
    for role in Role::BOTH {
        let data = noise(100_001);
        let (mut ws, rest) = amid(role, 0x80 | BINARY, &data, 30_001);
        let mut places = Vec::new();
        let mut at = 0;
        while let Some(count) = ws.receive_payload(|payload, room| {
            let count = room.min(rest.len() - at).min(20_000);
            payload.extend_from_slice(&rest[at..at + count]);
            places.push(payload.as_ptr());
            count
        }) {
            at += count;
            assert_eq!(ws.buffered(), 30_001 + at);
        }
        assert_eq!(at, rest.len());
        let event = ws.receive(&mut &mut [][..], &mut Vec::new());
        let Ok(Some(Event::Binary(message))) = event else { panic!("{role:?}: no message") };
        assert!(message == data, "{role:?}");
        assert_eq!(places.last(), Some(&message.as_ptr()), "{role:?}: not copied again");
        let message = message.into_owned();
        assert_eq!(message.capacity(), data.len(), "{role:?}: no more than was announced");
        assert_eq!(ws.buffered(), 0);
    }
}

#[test]
fn what_is_not_the_rest_of_a_long_message_is_read_elsewhere() {
    type Prepare = fn(Role) -> Connection;
    let cases: [(&str, Prepare); 14] = [
        ("nothing has come", |role| role.connection(&config())),
        ("a message has come whole", |role| {
            let mut ws = role.connection(&config());
            receive(&mut ws, &role.incoming_final(BINARY, &noise(50_000)));
            ws
        }),
        ("only a header has", |role| {
            let mut ws = role.connection(&config());
            receive(&mut ws, &header_only(role, 0x80 | BINARY, 50_000));
            ws
        }),
        ("so little that there cannot be room", |role| {
            amid(role, 0x80 | BINARY, &noise(50_000), 1_300).0
        }),
        ("so little, of a message that goes on", |role| {
            amid(role, BINARY, &noise(50_000), 4_000).0
        }),
        ("little is missing", |role| amid(role, 0x80 | BINARY, &noise(50_000), 45_905).0),
        ("text that is to be owned", |role| amid(role, 0x80 | TEXT, &[b'x'; 50_000], 20_000).0),
        ("text that is to be owned after all", |role| {
            let (mut ws, rest) = amid_text(role, 0x80 | TEXT, &[b'x'; 50_000], 20_000);
            receive(&mut ws, &rest[..1]);
            ws
        }),
        ("a fragment has come whole", |role| {
            let mut ws = role.connection(&config());
            receive(&mut ws, &role.incoming(BINARY, &noise(50_000)));
            ws
        }),
        ("within a header", |role| {
            let mut ws = role.connection(&config());
            receive(&mut ws, &role.incoming(BINARY, &noise(50_000)));
            receive(&mut ws, &header_only(role, CONTINUATION, 50_000)[..3]);
            ws
        }),
        ("within a ping amid the message", |role| {
            let mut ws = role.connection(&config());
            receive(&mut ws, &role.incoming(BINARY, &noise(50_000)));
            receive(&mut ws, &role.incoming_final(PING, &[1; 100])[..90]);
            ws
        }),
        ("in parts", |role| {
            let mut ws = role.connection(&config());
            let mut begin = role.incoming(BINARY, &noise(50_000));
            let len = begin.len();
            let part = ws.receive_part(&mut &mut begin[..len - 20_000], &mut Vec::new());
            assert!(matches!(part, Ok(Some(_))));
            ws
        }),
        ("the connection has failed", |role| {
            let (mut ws, _) = amid(role, 0x80 | BINARY, &noise(50_000), 20_000);
            ws.fail(Violation::Policy, &mut Vec::new());
            ws
        }),
        ("the connection is closed", |role| {
            let mut ws = role.connection(&config());
            receive(&mut ws, &role.incoming(BINARY, &noise(50_000)));
            receive(&mut ws, &role.incoming_final(CLOSE, &close_payload(1000, "")));
            ws
        }),
    ];
    for (name, prepare) in cases {
        for role in Role::BOTH {
            let read = prepare(role).receive_payload(|_, room| room);
            assert_eq!(read, None, "{role:?}: {name}");
        }
    }
}

#[test]
fn there_is_room_for_as_much_as_the_bounds_allow() {
    let cases = [
        // Opcode, length, what has come, room.
        (0x80 | BINARY, 50_000, 1_366, 3 * 1_366),
        (0x80 | BINARY, 50_000, 45_904, 4_096),
        (0x80 | BINARY, 1 << 29, 10_000, 30_000),
        (BINARY, 1 << 29, 10_000, 10_000),
    ];
    for (first_byte, len, come, expected) in cases {
        for role in Role::BOTH {
            let mut ws = role.connection(&config());
            receive(&mut ws, &header_only(role, first_byte, len));
            receive(&mut ws, &noise(come));
            let room = ws.receive_payload(|payload, room| {
                assert!(payload.capacity() <= 4 * come, "{role:?}: {len}, {come}");
                room
            });
            assert_eq!(room, Some(expected), "{role:?}: {len}, {come}");
            assert_eq!(ws.buffered(), come, "{role:?}: nothing was read");
        }
    }
}

#[test]
fn there_is_more_room_once_that_is_full() {
    for (first_byte, times) in [(0x80 | BINARY, 4), (BINARY, 2)] {
        for role in Role::BOTH {
            let mut ws = role.connection(&config());
            receive(&mut ws, &header_only(role, first_byte, 1 << 29));
            receive(&mut ws, &noise(10_000));
            for _ in 0..3 {
                let come = ws.buffered();
                let room = ws.receive_payload(|payload, room| {
                    assert!(payload.capacity() <= times * come, "{role:?}, {come}");
                    payload.resize(come + room, 0);
                    room
                });
                assert_eq!(room, Some((times - 1) * come), "{role:?}, {come}");
            }
        }
    }
}

#[test]
fn messages_are_still_received_while_closing() {
    let (mut ws, rest) = amid(Role::Server, 0x80 | BINARY, &noise(50_000), 20_000);
    ws.send_close(CloseCode::NORMAL, "", &mut Vec::new()).unwrap();
    let (outcome, straight) = receive_in(Way::Straight, &mut ws, &rest, &[usize::MAX]);
    assert_eq!(straight, 30_000);
    assert!(outcome.events == [Event::Binary(noise(50_000).into())]);
}

#[test]
fn to_ask_for_parts_amid_the_message_is_wrong_and_harmless() {
    let (mut ws, rest) = amid(Role::Server, 0x80 | BINARY, &noise(50_000), 20_000);
    assert_eq!(read_straight(&mut ws, &rest, 10_000), Some(10_000));
    let part = ws.receive_part(&mut &mut [][..], &mut Vec::new());
    assert_eq!(part, Err(Error::WrongReceive));
    let (outcome, straight) = receive_in(Way::Straight, &mut ws, &rest[10_000..], &[usize::MAX]);
    assert_eq!(straight, 20_000);
    assert!(outcome.events == [Event::Binary(noise(50_000).into())]);
}

#[test]
fn what_is_read_straight_is_a_sign_of_life() {
    let at = |seconds| Instant::from_epoch(Duration::from_secs(seconds));
    for sends in [true, false] {
        let mut ws = Role::Server.connection(&config().keepalive(Some(Duration::from_secs(10))));
        let mut frame = Role::Server.incoming_final(BINARY, &noise(50_000));
        let rest = frame.split_off(20_000);
        assert_eq!(ws.poll_timeout(at(0)), Some(at(10)));
        receive(&mut ws, &frame);
        ws.handle_timeout(at(1), &mut Vec::new()).unwrap();
        if sends {
            assert_eq!(read_straight(&mut ws, &rest, 1), Some(1));
        } else {
            assert_eq!(read_straight(&mut ws, &[], 1), Some(0));
        }
        ws.handle_timeout(at(5), &mut Vec::new()).unwrap();
        assert_eq!(ws.poll_timeout(at(5)), Some(at(if sends { 15 } else { 11 })));
    }
}

#[test]
fn the_end_of_the_stream_amid_the_message_is_a_failure() {
    let (mut ws, rest) = amid(Role::Server, 0x80 | BINARY, &noise(50_000), 20_000);
    assert_eq!(read_straight(&mut ws, &rest, 10_000), Some(10_000));
    assert_eq!(ws.receive_eof(), Err(Error::Failed(Violation::EndOfStream)));
    assert_eq!(ws.buffered(), 0);
    assert_eq!(read_straight(&mut ws, &rest, 10_000), None);
}

#[test]
#[should_panic(expected = "`read` only appends")]
fn to_read_more_than_there_is_room_for_is_a_mistake() {
    let (mut ws, _) = amid(Role::Server, 0x80 | BINARY, &noise(50_000), 20_000);
    ws.receive_payload(|payload, room| payload.resize(payload.len() + room + 1, 0));
}

#[test]
#[should_panic(expected = "`read` only appends")]
fn to_remove_what_was_there_is_a_mistake() {
    let (mut ws, _) = amid(Role::Server, 0x80 | BINARY, &noise(50_000), 20_000);
    ws.receive_payload(|payload, _| payload.truncate(19_999));
}

#[cfg(feature = "deflate")]
#[test]
fn what_is_compressed_is_read_elsewhere() {
    use sansws::DeflateConfig;
    let [mut client, mut server] =
        with_deflate::pair(DeflateConfig::new(), DeflateConfig::new(), &config());
    let mut stream = Vec::new();
    client.send_binary(&noise(300_000), &mut stream).unwrap();
    assert!(stream.len() > 50_000);
    let (outcome, straight) = receive_in(Way::Straight, &mut server, &stream, &[10_000]);
    assert_eq!(straight, 0);
    assert!(outcome.events == [Event::Binary(noise(300_000).into())]);
    // But a message that is not is not, though others may be.
    client.set_compression(false);
    stream.clear();
    client.send_binary(&noise(300_000), &mut stream).unwrap();
    let (outcome, straight) = receive_in(Way::Straight, &mut server, &stream, &[10_000]);
    assert!(straight > 200_000, "{straight}");
    assert!(outcome.events == [Event::Binary(noise(300_000).into())]);
}

/// As `amid`, of text that is to be lent.
fn amid_text(role: Role, first_byte: u8, payload: &[u8], come: usize) -> (Connection, Vec<u8>) {
    let mut ws = role.connection(&config());
    let mut frame = role.incoming(first_byte, payload);
    let rest = frame.split_off(frame.len() - (payload.len() - come));
    let outcome = receive_reusing(&mut ws, &frame, &mut MessageBuffer::new());
    assert_eq!(outcome, Outcome::default());
    (ws, rest)
}

#[test]
fn the_rest_of_text_is_read_to_where_it_is_lent_from() {
    for role in Role::BOTH {
        // Characters of four bytes, cut at each of them.
        for come in 20_000..20_004 {
            let payload = "😀".repeat(12_500);
            let (mut ws, rest) = amid_text(role, 0x80 | TEXT, payload.as_bytes(), come);
            let mut memory = MessageBuffer::new();
            let mut place = None;
            let (mut at, most) = (0, 10_001);
            while let Some(count) = ws.receive_payload(|joined, room| {
                let count = room.min(rest.len() - at).min(most);
                joined.extend_from_slice(&rest[at..at + count]);
                place = Some(joined.as_ptr());
                count
            }) {
                at += count;
                assert_eq!(ws.buffered(), come + at);
                if at < rest.len() {
                    let outcome = receive_reusing(&mut ws, &[], &mut memory);
                    assert_eq!(outcome, Outcome::default());
                }
            }
            assert_eq!(at, rest.len());
            let event = ws.receive_reusing(&mut &mut [][..], &mut Vec::new(), &mut memory);
            let Ok(Some(Event::Text(lent))) = event else { panic!("{role:?}: {event:?}") };
            assert!(lent == payload, "{role:?}: {come}");
            assert_eq!(place, Some(lent.as_ptr()), "{role:?}: not copied again");
            let message = memory.into_bytes();
            assert_eq!(Some(message.as_ptr()), place);
            assert_eq!(ws.buffered(), 0);
        }
    }
}

#[test]
fn text_that_is_read_straight_is_refused_at_the_first_byte_that_is_wrong() {
    for role in Role::BOTH {
        for (wrong, refused_after) in [(&b"\xFF"[..], 1), (b"\xF4\x90", 2), (b"\xE2\x82x", 3)] {
            for before in [0, 5_000] {
                let mut payload = vec![b'x'; 50_000];
                payload[20_000 + before..][..wrong.len()].copy_from_slice(wrong);
                let (mut ws, rest) = amid_text(role, 0x80 | TEXT, &payload, 20_000);
                let mut memory = MessageBuffer::new();
                let right = before + refused_after - 1;
                for (read, error) in
                    [(right, None), (1, Some(Error::Failed(Violation::InvalidUtf8)))]
                {
                    let rest = if error.is_some() { &rest[right..] } else { &rest[..] };
                    assert_eq!(read_straight(&mut ws, rest, read), Some(read));
                    let outcome = receive_reusing(&mut ws, &[], &mut memory);
                    assert_eq!(outcome.error, error, "{role:?}: {wrong:?}");
                }
                assert_eq!(ws.buffered(), 0);
            }
        }
    }
}

#[test]
fn text_that_ends_within_a_character_is_refused_though_it_was_read_straight() {
    for role in Role::BOTH {
        let mut payload = vec![b'x'; 50_000];
        payload[49_999] = 0xC3;
        let (mut ws, rest) = amid_text(role, 0x80 | TEXT, &payload, 20_000);
        assert_eq!(read_straight(&mut ws, &rest, usize::MAX), Some(30_000));
        let outcome = receive_reusing(&mut ws, &[], &mut MessageBuffer::new());
        assert_eq!(outcome.error, Some(Error::Failed(Violation::InvalidUtf8)), "{role:?}");
    }
}

#[test]
fn wrong_text_that_was_read_straight_comes_before_what_is_wrong_after_it() {
    for role in Role::BOTH {
        let mut payload = vec![b'x'; 50_000];
        payload[49_999] = 0xFF;
        let (mut ws, rest) = amid_text(role, TEXT, &payload, 30_000);
        assert_eq!(read_straight(&mut ws, &rest, usize::MAX), Some(20_000));
        let after = role.incoming_final(BINARY, b"not a continuation");
        let outcome = receive_reusing(&mut ws, &after, &mut MessageBuffer::new());
        assert_eq!(outcome.error, Some(Error::Failed(Violation::InvalidUtf8)), "{role:?}");
    }
}

#[test]
fn text_that_was_read_straight_can_go_on_in_any_way() {
    let payload = "é".repeat(40_000);
    for role in Role::BOTH {
        let (mut ws, rest) = amid_text(role, TEXT, &payload.as_bytes()[..60_001], 20_001);
        assert_eq!(read_straight(&mut ws, &rest, 10_000), Some(10_000));
        // By an ordinary read, in a fragment of its own, and as a message that is owned.
        assert_eq!(receive(&mut ws, &rest[10_000..]), Outcome::default());
        let mut last = role.incoming(0x80 | CONTINUATION, &payload.as_bytes()[60_001..]);
        let event = ws.receive(&mut &mut last[..], &mut Vec::new());
        assert!(event == Ok(Some(Event::Text(payload.clone().into()))), "{role:?}");
    }
}

#[test]
fn text_that_is_wrong_is_refused_though_nobody_lends_its_memory_any_more() {
    let mut payload = vec![b'x'; 50_000];
    payload[40_000] = 0xFF;
    let (mut ws, rest) = amid_text(Role::Server, 0x80 | TEXT, &payload, 20_000);
    assert_eq!(read_straight(&mut ws, &rest, usize::MAX), Some(30_000));
    assert_eq!(receive(&mut ws, &[]).error, Some(Error::Failed(Violation::InvalidUtf8)));
}

#[test]
fn text_that_is_wrong_is_refused_though_more_was_read_straight_after_it() {
    let mut payload = vec![b'x'; 50_000];
    payload[20_000] = 0xFF;
    for role in Role::BOTH {
        let (mut ws, rest) = amid_text(role, 0x80 | TEXT, &payload, 20_000);
        assert_eq!(read_straight(&mut ws, &rest, 10), Some(10));
        assert_eq!(read_straight(&mut ws, &rest[10..], 10), Some(10));
        let outcome = receive_reusing(&mut ws, &[], &mut MessageBuffer::new());
        assert_eq!(outcome.error, Some(Error::Failed(Violation::InvalidUtf8)), "{role:?}");
    }
}

#[test]
fn text_is_read_straight_as_long_as_enough_is_missing() {
    for role in Role::BOTH {
        for (come, expected) in [(45_904, Some(4_096)), (45_905, None)] {
            let (mut ws, _) = amid_text(role, 0x80 | TEXT, &[b'x'; 50_000], come);
            assert_eq!(ws.receive_payload(|_, room| room), expected, "{role:?}");
        }
    }
}

#[test]
fn there_is_room_for_as_much_as_the_memory_has_that_is_used_again() {
    for role in Role::BOTH {
        for opcode in [TEXT, BINARY] {
            let mut ws = role.connection(&config());
            let mut memory = MessageBuffer::from(Vec::with_capacity(100_000));
            receive(&mut ws, &header_only(role, opcode, 1 << 29));
            let frame = role.incoming_final(opcode, &[b'x'; 10]);
            let begin = &frame[frame.len() - 10..];
            assert_eq!(receive_reusing(&mut ws, begin, &mut memory), Outcome::default());
            assert_eq!(ws.receive_payload(|_, room| room), Some(100_000 - 10), "{role:?}");
        }
    }
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![Just(Way::Straight), Just(Way::Reusing), Just(Way::StraightReusing)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_is_received_straight_and_not(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        way in prop_oneof![Just(Way::Straight), Just(Way::StraightReusing)],
        messages in vec((any::<bool>(), vec(0..60_000usize, 1..4)), 1..4),
        reads in vec(prop_oneof![1..10usize, 1..5_000usize, 1..100_000usize], 1..10),
    ) {
        let stream = stream(role, &messages);
        let expected = receive(&mut role.connection(&config()), &stream);
        prop_assert!(expected.error.is_none());
        let mut ws = role.connection(&config());
        let (outcome, _) = receive_in(way, &mut ws, &stream, &reads);
        prop_assert!(outcome == expected);
        prop_assert_eq!(ws.buffered(), 0);
    }

    #[test]
    fn a_wrong_stream_fails_the_same_straight_and_not(
        way in prop_oneof![Just(Way::Straight), Just(Way::StraightReusing)],
        is_text in any::<bool>(),
        lens in vec(0..60_000usize, 1..4),
        wrong in any::<[u8; 2]>(),
        reads in vec(1..100_000usize, 1..10),
    ) {
        let role = Role::Server;
        let mut stream = stream(role, &[(is_text, lens)]);
        stream.truncate(stream.len() / 2);
        stream.extend(wrong);
        stream.extend(noise(10_000));
        let expected = receive(&mut role.connection(&config()), &stream);
        let (outcome, _) = receive_in(way, &mut role.connection(&config()), &stream, &reads);
        prop_assert!(outcome == expected);
    }

    #[test]
    fn text_with_a_wrong_byte_fails_the_same_straight_and_not(
        lens in vec(0..60_000usize, 1..3),
        place in any::<prop::sample::Index>(),
        wrong in any::<u8>(),
        reads in vec(prop_oneof![1..10usize, 1..100_000usize], 1..10),
    ) {
        let mut stream = stream(Role::Client, &[(true, lens)]);
        let place = place.index(stream.len());
        stream[place] = wrong;
        let expected = receive(&mut Role::Client.connection(&config()), &stream);
        let mut ws = Role::Client.connection(&config());
        let (outcome, _) = receive_in(Way::StraightReusing, &mut ws, &stream, &reads);
        prop_assert!(outcome == expected);
    }

    #[test]
    fn text_fails_at_the_same_byte_whichever_way_it_is_read(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        lens in vec(0..30_000usize, 1..4),
        place in any::<prop::sample::Index>(),
        wrong in prop::sample::select(vec![&b"\xFF"[..], b"\x80", b"\xC0\x80", b"\xE0\x9F\xBF", b"\xED\xA0\x80", b"\xE2\x82",
            b"\xF0\x8F\xBF\xBF", b"\xF4\x90\x80\x80", b"\xF0\x9F\x98", b"\xF8", b"",
        ]),
        reads in vec(
            (prop::option::weighted(0.9, way()), prop_oneof![1..10usize, 1..5_000usize, 1..50_000usize]),
            1..10,
        ),
    ) {
        let mut message = text(lens.iter().sum()).into_bytes();
        let place = place.index(message.len() + 1);
        message.splice(place..message.len().min(place + wrong.len()), wrong.iter().copied());
        let mut stream = Vec::new();
        for (i, &len) in lens.iter().enumerate() {
            let fin = if i + 1 == lens.len() { 0x80 } else { 0 };
            let opcode = if i == 0 { TEXT } else { CONTINUATION };
            let len = if fin == 0 { len.min(message.len()) } else { message.len() };
            stream.extend(role.incoming(fin | opcode, &message.drain(..len).collect::<Vec<_>>()));
        }
        let (mut ordinary, mut ws) = (role.connection(&config()), role.connection(&config()));
        let (mut stream, mut memory) = (&stream[..], MessageBuffer::new());
        for (way, most) in reads.into_iter().cycle() {
            let straight = match way {
                Some(Way::Straight | Way::StraightReusing) => read_straight(&mut ws, stream, most),
                _ => None,
            };
            let (read, rest) = stream.split_at(straight.unwrap_or(most).min(stream.len()));
            stream = rest;
            let expected = receive(&mut ordinary, read);
            let read = if straight.is_some() { &[] } else { read };
            let outcome = match way {
                Some(Way::Reusing | Way::StraightReusing) => {
                    receive_reusing(&mut ws, read, &mut memory)
                }
                _ => receive(&mut ws, read),
            };
            prop_assert!(outcome == expected, "{:?} {:?}", outcome.error, expected.error);
            if stream.is_empty() || expected.error.is_some() {
                break;
            }
        }
        prop_assert_eq!(ws.buffered(), 0);
    }
}
