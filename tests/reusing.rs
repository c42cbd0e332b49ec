//! Long messages that are joined in memory that was used before, and lent from there.

#[path = "support/long.rs"]
mod long;
mod support;
#[path = "support/deflate.rs"]
#[cfg(feature = "deflate")]
mod with_deflate;

use long::{Way, config, noise, receive_in, stream, text};
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::{Event, MessageBuffer};
use support::{BINARY, CLOSE, CONTINUATION, PING, Role, TEXT, close_payload, header_only, receive};

/// Memory, and where it is.
fn memory(capacity: usize) -> (MessageBuffer, *const u8) {
    let memory: Vec<u8> = Vec::with_capacity(capacity);
    let place = memory.as_ptr();
    (memory.into(), place)
}

/// The memory of a message, where it lies, and its length.
fn place_of(event: &Event<'_>) -> (*const u8, usize) {
    match event {
        Event::Text(text) => (text.as_ptr(), text.len()),
        Event::Binary(data) => (data.as_ptr(), data.len()),
        event => panic!("{event:?}"),
    }
}

#[test]
fn a_message_is_joined_in_memory_and_lent_from_there() {
    for role in Role::BOTH {
        for opcode in [TEXT, BINARY, TEXT] {
            let (mut ws, mut out) = (role.connection(&config()), Vec::new());
            let (mut memory, place) = memory(200_000);
            for _ in 0..3 {
                let mut frame = role.incoming_final(opcode, text(100_000).as_bytes());
                let (mut first, mut rest) = frame.split_at_mut(40_000);
                assert_eq!(ws.receive_reusing(&mut first, &mut out, &mut memory), Ok(None));
                assert_eq!(memory.capacity(), 0, "it was taken");
                let event = ws.receive_reusing(&mut rest, &mut out, &mut memory);
                let event = event.unwrap().unwrap();
                assert_eq!(place_of(&event), (place, 100_000), "{role:?} {opcode}");
                let expected = match opcode {
                    TEXT => Event::from(text(100_000)),
                    _ => Event::from(text(100_000).into_bytes()),
                };
                assert!(event == expected, "{role:?} {opcode}");
                assert_eq!(memory.capacity(), 200_000, "it was given back");
            }
            assert!(memory.into_bytes() == text(100_000).into_bytes());
        }
    }
}

#[test]
fn memory_stays_where_it_is_not_needed() {
    let mut ws = Role::Server.connection(&config());
    let (mut memory, place) = memory(1000);
    let mut events = 0;
    for mut input in [
        Role::Server.incoming_final(BINARY, &[7; 500]),
        Role::Server.incoming_final(TEXT, b"short"),
        header_only(Role::Server, 0x80 | BINARY, 500),
        noise(500),
    ] {
        let event = ws.receive_reusing(&mut &mut input[..], &mut Vec::new(), &mut memory);
        events += usize::from(event.unwrap().is_some());
        assert_eq!(memory.capacity(), 1000);
    }
    let memory = memory.into_bytes();
    assert_eq!((events, memory.as_ptr()), (3, place));
}

#[test]
fn memory_stays_until_a_message_is_lent_that_has_some_already() {
    for role in Role::BOTH {
        for opcode in [TEXT, BINARY] {
            let (mut ws, mut out) = (role.connection(&config()), Vec::new());
            let mut frame = role.incoming_final(opcode, &[b'x'; 100_000]);
            let (first, mut rest) = frame.split_at_mut(40_000);
            let (mut first, mut second) = first.split_at_mut(30_000);
            assert_eq!(ws.receive(&mut first, &mut out), Ok(None));
            let (mut memory, _) = memory(1000);
            assert_eq!(ws.receive_reusing(&mut second, &mut out, &mut memory), Ok(None));
            assert_eq!(memory.capacity(), 1000);
            let event = ws.receive_reusing(&mut rest, &mut out, &mut memory);
            assert_eq!(place_of(&event.unwrap().unwrap()).1, 100_000, "{role:?} {opcode}");
            assert_eq!(memory.capacity(), 100_000, "{role:?} {opcode}");
        }
    }
}

#[test]
fn memory_stays_where_nothing_is_joined() {
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
        let (mut memory, place) = memory(1000);
        for mut input in inputs {
            let mut input = &mut input[..];
            let _ = ws.receive_reusing(&mut input, &mut Vec::new(), &mut memory);
        }
        assert_eq!(memory.capacity(), 1000, "{name}");
        let memory = memory.into_bytes();
        assert_eq!(memory.as_ptr(), place, "{name}");
    }
}

#[test]
fn connections_can_have_memory_in_common() {
    let mut connections = [(); 3].map(|()| Role::Server.connection(&config()));
    let frame = Role::Server.incoming_final(BINARY, &noise(50_000));
    let mut memory = MessageBuffer::new();
    for _ in 0..3 {
        let mut received = 0;
        // Each is in the middle of a message while the others use the memory.
        for piece in 0..3 {
            for ws in &mut connections {
                let mut input = frame.clone();
                let mut input = input.chunks_mut(20_000).nth(piece).unwrap();
                let event = ws.receive_reusing(&mut input, &mut Vec::new(), &mut memory).unwrap();
                if let Some(event) = event {
                    assert!(event == Event::from(noise(50_000)));
                    received += 1;
                }
            }
        }
        assert_eq!(received, 3);
        assert!(memory.capacity() >= 50_000);
    }
    assert!(connections.iter().all(|ws| ws.buffered() == 0));
}

#[test]
fn what_was_lent_can_be_kept_without_a_copy() {
    for opcode in [TEXT, BINARY] {
        let mut ws = Role::Server.connection(&config());
        let frame = Role::Server.incoming_final(opcode, text(50_000).as_bytes());
        let mut memory = MessageBuffer::new();
        let mut place = None;
        for input in frame.clone().chunks_mut(20_000) {
            let event = ws.receive_reusing(&mut { input }, &mut Vec::new(), &mut memory).unwrap();
            place = event.map(|event| place_of(&event).0);
        }
        let kept = std::mem::take(&mut memory).into_bytes();
        assert_eq!((Some(kept.as_ptr()), memory.capacity()), (place, 0));
        assert!(kept == text(50_000).into_bytes());
    }
}

#[test]
fn how_it_prints_says_nothing_of_a_message() {
    let memory = MessageBuffer::from(b"secret".to_vec());
    assert_eq!(format!("{memory:?}"), "MessageBuffer { capacity: 6, .. }");
}

#[cfg(feature = "deflate")]
#[test]
fn what_is_compressed_is_joined_in_memory_and_lent_from_there() {
    use sansws::DeflateConfig;
    let [mut client, mut server] =
        with_deflate::pair(DeflateConfig::new(), DeflateConfig::new(), &config());
    let (mut stream, mut out) = (Vec::new(), Vec::new());
    let (mut memory, place) = memory(400_000);
    for is_text in [false, true, true, false] {
        stream.clear();
        match is_text {
            true => client.send_text(&text(300_000), &mut stream).unwrap(),
            false => client.send_binary(&noise(300_000), &mut stream).unwrap(),
        }
        let event = server.receive_reusing(&mut &mut stream[..], &mut out, &mut memory);
        let event = event.unwrap().unwrap();
        assert_eq!(place_of(&event), (place, 300_000));
        let expected =
            if is_text { Event::from(text(300_000)) } else { Event::from(noise(300_000)) };
        assert!(event == expected);
        assert_eq!(memory.capacity(), 400_000);
    }
}

#[cfg(feature = "deflate")]
#[test]
fn memory_stays_though_an_empty_message_is_compressed() {
    use sansws::DeflateConfig;
    for opcode in [TEXT, BINARY] {
        let [_, mut ws] = with_deflate::pair(DeflateConfig::new(), DeflateConfig::new(), &config());
        let before = b"a message that was lent before".to_vec();
        let place = before.as_ptr();
        let mut memory = MessageBuffer::from(before);
        let mut frame = Role::Client.incoming(0xC0 | opcode, &[0x00]);
        let event = ws.receive_reusing(&mut &mut frame[..], &mut Vec::new(), &mut memory);
        assert_eq!(place_of(&event.unwrap().unwrap()).1, 0, "{opcode}");
        let message = memory.into_bytes();
        assert_eq!((&*message, message.as_ptr()), (&b""[..], place), "{opcode}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_is_received_in_memory_used_before_and_not(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        messages in vec((any::<bool>(), vec(0..60_000usize, 1..4)), 1..4),
        reads in vec(prop_oneof![1..10usize, 1..5_000usize, 1..100_000usize], 1..10),
    ) {
        let stream = stream(role, &messages);
        let expected = receive(&mut role.connection(&config()), &stream);
        let mut ws = role.connection(&config());
        prop_assert!(receive_in(Way::Reusing, &mut ws, &stream, &reads).0 == expected);
        prop_assert_eq!(ws.buffered(), 0);
    }
}
