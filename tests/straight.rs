//! Long messages that are read straight to where they are joined, or joined in memory that
//! was used before.

mod support;
#[path = "support/deflate.rs"]
#[cfg(feature = "deflate")]
mod with_deflate;

use core::iter;
use core::time::Duration;
use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;
use sansws::{CloseCode, Config, Connection, Error, Event, Instant, Violation};
use support::{
    BINARY, CLOSE, CONTINUATION, KEY, Outcome, PING, Role, TEXT, close_payload, header_only,
    receive,
};

/// The most that a message here is.
fn config() -> Config {
    Config::new().max_message_len(1 << 30)
}

/// Reads straight as much as it may of the next `most` bytes; how much that was.
fn read_straight(ws: &mut Connection, stream: &[u8], most: usize) -> Option<usize> {
    ws.receive_payload(|payload, room| {
        assert!(room >= 4096 && payload.capacity() - payload.len() >= room, "there is room");
        let count = most.min(room).min(stream.len());
        payload.extend_from_slice(&stream[..count]);
        count
    })
}

/// Receives a stream with reads of these lengths, in turn, straight where it can be; what
/// it makes of it, and how much was read straight.
fn receive_straight(ws: &mut Connection, mut stream: &[u8], reads: &[usize]) -> (Outcome, usize) {
    let (mut outcome, mut straight) = (Outcome::default(), 0);
    let mut reads = reads.iter().copied().cycle();
    while !stream.is_empty() {
        let most = reads.next().unwrap().min(stream.len());
        let count = read_straight(ws, stream, most);
        straight += count.unwrap_or(0);
        let (read, rest) = stream.split_at(count.unwrap_or(most));
        stream = rest;
        let more = receive(ws, if count.is_some() { &[] } else { read });
        outcome.events.extend(more.events);
        outcome.out.extend(more.out);
        if more.error.is_some() {
            outcome.error = more.error;
            break;
        }
    }
    (outcome, straight)
}

/// Bytes that cannot be compressed.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    iter::repeat_with(next).take(len).collect()
}

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
fn what_is_not_the_rest_of_a_long_binary_message_is_read_elsewhere() {
    type Prepare = fn(Role) -> Connection;
    let cases: [(&str, Prepare); 13] = [
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
        ("text", |role| amid(role, 0x80 | TEXT, &[b'x'; 50_000], 20_000).0),
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
fn there_is_room_for_as_much_as_spare_memory_has() {
    for role in Role::BOTH {
        let (mut ws, mut spare) = (role.connection(&config()), Vec::with_capacity(100_000));
        receive(&mut ws, &header_only(role, BINARY, 1 << 29));
        let mut begin = noise(10);
        let event = ws.receive_reusing(&mut &mut begin[..], &mut Vec::new(), &mut spare);
        assert_eq!(event, Ok(None));
        assert_eq!(ws.receive_payload(|_, room| room), Some(100_000 - 10), "{role:?}");
    }
}

#[test]
fn messages_are_still_received_while_closing() {
    let (mut ws, rest) = amid(Role::Server, 0x80 | BINARY, &noise(50_000), 20_000);
    ws.send_close(CloseCode::NORMAL, "", &mut Vec::new()).unwrap();
    let (outcome, straight) = receive_straight(&mut ws, &rest, &[usize::MAX]);
    assert_eq!(straight, 30_000);
    assert!(outcome.events == [Event::Binary(noise(50_000).into())]);
}

#[test]
fn to_ask_for_parts_amid_the_message_is_wrong_and_harmless() {
    let (mut ws, rest) = amid(Role::Server, 0x80 | BINARY, &noise(50_000), 20_000);
    assert_eq!(read_straight(&mut ws, &rest, 10_000), Some(10_000));
    let part = ws.receive_part(&mut &mut [][..], &mut Vec::new());
    assert_eq!(part, Err(Error::WrongReceive));
    let (outcome, straight) = receive_straight(&mut ws, &rest[10_000..], &[usize::MAX]);
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
    let (outcome, straight) = receive_straight(&mut server, &stream, &[10_000]);
    assert_eq!(straight, 0);
    assert!(outcome.events == [Event::Binary(noise(300_000).into())]);
    // But a message that is not is not, though others may be.
    client.set_compression(false);
    stream.clear();
    client.send_binary(&noise(300_000), &mut stream).unwrap();
    let (outcome, straight) = receive_straight(&mut server, &stream, &[10_000]);
    assert!(straight > 200_000, "{straight}");
    assert!(outcome.events == [Event::Binary(noise(300_000).into())]);
}

#[cfg(feature = "deflate")]
#[test]
fn what_is_compressed_is_joined_in_a_spare_buffer() {
    use sansws::DeflateConfig;
    let [mut client, mut server] =
        with_deflate::pair(DeflateConfig::new(), DeflateConfig::new(), &config());
    let (mut stream, mut out) = (Vec::new(), Vec::new());
    let mut spare = Vec::with_capacity(400_000);
    for _ in 0..2 {
        let place = spare.as_ptr();
        stream.clear();
        client.send_binary(&noise(300_000), &mut stream).unwrap();
        let event = server.receive_reusing(&mut &mut stream[..], &mut out, &mut spare);
        let Ok(Some(Event::Binary(data))) = event else { panic!("no message") };
        assert!(data == noise(300_000));
        spare = data.into_owned();
        assert_eq!((spare.as_ptr(), spare.capacity()), (place, 400_000));
    }
}

/// Receives a stream with reads of these lengths, in turn, each message in the memory of an
/// earlier one.
fn receive_reusing(ws: &mut Connection, stream: &[u8], reads: &[usize]) -> Outcome {
    let (mut outcome, mut spare) = (Outcome::default(), Vec::new());
    let (mut rest, mut reads) = (stream.to_vec(), reads.iter().copied().cycle());
    let mut rest = &mut rest[..];
    while !rest.is_empty() {
        let most = reads.next().unwrap().min(rest.len());
        let (mut input, after) = rest.split_at_mut(most);
        rest = after;
        while let Some(event) =
            ws.receive_reusing(&mut input, &mut outcome.out, &mut spare).unwrap()
        {
            outcome.events.push(event.clone().into_owned());
            match event {
                Event::Binary(Cow::Owned(data)) => spare = data,
                Event::Text(Cow::Owned(text)) => spare = text.into_bytes(),
                _ => {}
            }
        }
    }
    outcome
}

#[test]
fn a_message_is_joined_in_a_spare_buffer() {
    for role in Role::BOTH {
        for opcode in [TEXT, BINARY] {
            let (mut ws, mut out) = (role.connection(&config()), Vec::new());
            let mut spare = Vec::with_capacity(200_000);
            spare.extend(b"what is done with");
            let place = spare.as_ptr();
            let mut frame = role.incoming_final(opcode, &[b'x'; 100_000]);
            let (mut first, mut rest) = frame.split_at_mut(40_000);
            assert_eq!(ws.receive_reusing(&mut first, &mut out, &mut spare), Ok(None));
            assert_eq!(spare.capacity(), 0, "it was taken");
            let event = ws.receive_reusing(&mut rest, &mut out, &mut spare);
            let data = match event.unwrap().unwrap() {
                Event::Text(text) => text.into_owned().into_bytes(),
                Event::Binary(data) => data.into_owned(),
                event => panic!("{event:?}"),
            };
            assert!(data == [b'x'; 100_000], "{role:?} {opcode}");
            assert_eq!((data.as_ptr(), data.capacity()), (place, 200_000), "{role:?} {opcode}");
        }
    }
}

#[test]
fn a_spare_buffer_stays_where_it_is_not_needed() {
    let mut ws = Role::Server.connection(&config());
    let mut spare = Vec::with_capacity(1000);
    let place = spare.as_ptr();
    let mut events = 0;
    for input in [
        Role::Server.incoming_final(BINARY, &[7; 500]),
        Role::Server.incoming_final(TEXT, b"short"),
        header_only(Role::Server, 0x80 | BINARY, 500),
        noise(500),
    ] {
        assert_eq!((spare.as_ptr(), spare.capacity()), (place, 1000));
        let mut input = input;
        let event = ws.receive_reusing(&mut &mut input[..], &mut Vec::new(), &mut spare);
        events += usize::from(event.unwrap().is_some());
    }
    assert_eq!((events, spare.capacity()), (3, 1000));
}

#[test]
fn a_spare_buffer_stays_where_a_message_has_one_already() {
    for role in Role::BOTH {
        for opcode in [TEXT, BINARY] {
            let (mut ws, mut out) = (role.connection(&config()), Vec::new());
            let mut frame = role.incoming_final(opcode, &[b'x'; 100_000]);
            let (mut first, mut rest) = frame.split_at_mut(40_000);
            assert_eq!(ws.receive(&mut first, &mut out), Ok(None));
            let mut spare = Vec::with_capacity(1000);
            let place = spare.as_ptr();
            let event = ws.receive_reusing(&mut rest, &mut out, &mut spare);
            assert!(matches!(event, Ok(Some(_))), "{role:?} {opcode}");
            assert_eq!((spare.as_ptr(), spare.capacity()), (place, 1000), "{role:?} {opcode}");
        }
    }
}

#[test]
fn a_spare_buffer_stays_where_nothing_is_joined() {
    let role = Role::Server;
    let empty = role.incoming(CONTINUATION, b"");
    let cases = [
        ("a Close frame", vec![role.incoming_final(CLOSE, &close_payload(1000, ""))]),
        ("a frame that is wrong", vec![empty.clone()]),
        ("a ping in pieces", vec![role.incoming_final(PING, &[1; 100])[..90].to_vec()]),
        ("the beginning of a character", vec![role.incoming(TEXT, &"€".as_bytes()[..2])]),
        ("empty fragments of text", vec![role.incoming(TEXT, b""), empty.clone()]),
        ("empty fragments of bytes", vec![role.incoming(BINARY, b""), empty]),
    ];
    for (name, inputs) in cases {
        let mut ws = role.connection(&config());
        let mut spare = Vec::with_capacity(1000);
        let place = spare.as_ptr();
        for mut input in inputs {
            let mut input = &mut input[..];
            let _ = ws.receive_reusing(&mut input, &mut Vec::new(), &mut spare);
        }
        assert_eq!((spare.as_ptr(), spare.capacity()), (place, 1000), "{name}");
    }
}

#[test]
fn connections_can_have_a_spare_buffer_in_common() {
    let mut connections = [(); 3].map(|()| Role::Server.connection(&config()));
    let frame = Role::Server.incoming_final(BINARY, &noise(50_000));
    let mut spare = Vec::new();
    for _ in 0..3 {
        let mut received = 0;
        // Each is in the middle of a message while the others use the buffer.
        for piece in 0..3 {
            for ws in &mut connections {
                let mut input = frame.clone();
                let mut input = input.chunks_mut(20_000).nth(piece).unwrap();
                let event = ws.receive_reusing(&mut input, &mut Vec::new(), &mut spare).unwrap();
                if let Some(Event::Binary(data)) = event {
                    assert!(data == noise(50_000));
                    received += 1;
                    spare = data.into_owned();
                }
            }
        }
        assert_eq!(received, 3);
        assert!(spare.capacity() >= 50_000);
    }
    assert!(connections.iter().all(|ws| ws.buffered() == 0));
}

/// A stream of messages in fragments of these lengths, a ping after each that is odd.
fn stream(role: Role, messages: &[(bool, Vec<usize>)]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (is_text, fragments) in messages {
        for (i, &len) in fragments.iter().enumerate() {
            let (kind, payload) = match is_text {
                true => (TEXT, vec![b'x'; len]),
                false => (BINARY, noise(len)),
            };
            let opcode = if i == 0 { kind } else { CONTINUATION };
            let fin = if i + 1 == fragments.len() { 0x80 } else { 0 };
            stream.extend(role.incoming(fin | opcode, &payload));
            if len % 2 == 1 {
                stream.extend(role.incoming_final(PING, &KEY));
            }
        }
    }
    stream
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_is_received_straight_and_not(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        messages in vec((prop::bool::weighted(0.2), vec(0..60_000usize, 1..4)), 1..4),
        reads in vec(prop_oneof![1..10usize, 1..5_000usize, 1..100_000usize], 1..10),
    ) {
        let stream = stream(role, &messages);
        let expected = receive(&mut role.connection(&config()), &stream);
        prop_assert!(expected.error.is_none());
        let mut ws = role.connection(&config());
        let (outcome, _) = receive_straight(&mut ws, &stream, &reads);
        prop_assert!(outcome == expected);
        prop_assert_eq!(ws.buffered(), 0);
    }

    #[test]
    fn the_same_is_received_in_spare_memory_and_not(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        messages in vec((any::<bool>(), vec(0..60_000usize, 1..4)), 1..4),
        reads in vec(prop_oneof![1..10usize, 1..5_000usize, 1..100_000usize], 1..10),
    ) {
        let stream = stream(role, &messages);
        let expected = receive(&mut role.connection(&config()), &stream);
        let mut ws = role.connection(&config());
        prop_assert!(receive_reusing(&mut ws, &stream, &reads) == expected);
        prop_assert_eq!(ws.buffered(), 0);
    }

    #[test]
    fn a_wrong_stream_fails_the_same_straight_and_not(
        lens in vec(0..60_000usize, 1..4),
        wrong in any::<[u8; 2]>(),
        reads in vec(1..100_000usize, 1..10),
    ) {
        let role = Role::Server;
        let mut stream = stream(role, &[(false, lens)]);
        stream.truncate(stream.len() / 2);
        stream.extend(wrong);
        stream.extend(noise(10_000));
        let expected = receive(&mut role.connection(&config()), &stream);
        let (outcome, _) = receive_straight(&mut role.connection(&config()), &stream, &reads);
        prop_assert!(outcome == expected);
    }
}
