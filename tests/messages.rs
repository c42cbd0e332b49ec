//! Whole messages and parts of messages: however the peer cuts them into frames
//! and the network cuts those into inputs, what comes out is the same (RFC 6455,
//! 5.4 to 5.6).

mod support;

use std::borrow::Cow;

use sansws::{Close, Config, Event};
use support::*;

/// Frames of the peer, and what they carry.
struct Stream {
    frames: Vec<(u8, Vec<u8>)>,
    events: Vec<Event<'static>>,
}

impl Stream {
    fn new(frames: &[(u8, &[u8])], events: &[Event<'static>]) -> Self {
        let frames = frames.iter().map(|(first, payload)| (*first, payload.to_vec())).collect();
        Self { frames, events: events.to_vec() }
    }

    fn incoming(&self, role: Role) -> Vec<u8> {
        self.frames.iter().flat_map(|(first, payload)| role.incoming(*first, payload)).collect()
    }

    /// For failure messages: the beginning of each payload will do.
    fn row(&self, role: Role, cut: (usize, usize)) -> String {
        let begin = |(first, payload): &(u8, Vec<u8>)| {
            format!("{first:02x} {} {:x?}", payload.len(), &payload[..payload.len().min(4)])
        };
        let frames: Vec<String> = self.frames.iter().map(begin).collect();
        format!("{role:?}, {frames:?} cut at {cut:?}")
    }

    /// 5.5.2: a pong for each ping.
    fn answers(&self, role: Role) -> Vec<u8> {
        let pings = self.frames.iter().filter(|(first, _)| *first == 0x80 | PING);
        pings.flat_map(|(_, payload)| role.outgoing(0x80 | PONG, payload)).collect()
    }
}

fn text(text: &str) -> Event<'static> {
    Event::Text(text.to_owned().into())
}

fn binary(data: &[u8]) -> Event<'static> {
    Event::Binary(data.to_vec().into())
}

fn ping(data: &[u8]) -> Event<'static> {
    Event::Ping(data.to_vec().into())
}

fn pong(data: &[u8]) -> Event<'static> {
    Event::Pong(data.to_vec().into())
}

/// No two neighbouring bytes the same, and a period that is not the key's.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

fn streams() -> Vec<Stream> {
    let long = bytes(125);
    let mut streams = vec![
        // 5.6: messages in one frame, one after the other
        Stream::new(&[(0x81, b"")], &[text("")]),
        Stream::new(&[(0x82, b"")], &[binary(b"")]),
        Stream::new(&[(0x81, "hé".as_bytes()), (0x82, &[0xFF])], &[text("hé"), binary(&[0xFF])]),
        // 5.4: fragments, empty ones too; the first decides what the message is
        Stream::new(&[(0x01, b"He"), (0x00, b"l"), (0x80, b"lo")], &[text("Hello")]),
        Stream::new(&[(0x02, b"He"), (0x00, b"l"), (0x80, b"lo")], &[binary(b"Hello")]),
        Stream::new(&[(0x01, b""), (0x00, b"a"), (0x00, b""), (0x80, b"b")], &[text("ab")]),
        Stream::new(&[(0x02, b"a"), (0x00, b""), (0x00, b""), (0x80, b"")], &[binary(b"a")]),
        Stream::new(&[(0x01, b""), (0x00, b""), (0x80, b"")], &[text("")]),
        // 5.4: a new message after the last fragment of another
        Stream::new(
            &[(0x01, b"a"), (0x80, b"b"), (0x82, b"c"), (0x02, b""), (0x80, b"d")],
            &[text("ab"), binary(b"c"), binary(b"d")],
        ),
        // 5.5.2, 5.5.3: pings of any length, and pongs that nobody asked for
        Stream::new(
            &[(0x89, b""), (0x8A, b""), (0x89, &long), (0x8A, &long)],
            &[ping(b""), pong(b""), ping(&long), pong(&long)],
        ),
        // 5.4: control frames in the middle of a message. Netty and undici once
        // lost their place here.
        Stream::new(
            &[(0x01, b"a"), (0x89, &long), (0x00, b""), (0x8A, b"2"), (0x89, b"3"), (0x80, b"b")],
            &[ping(&long), pong(b"2"), ping(b"3"), text("ab")],
        ),
        Stream::new(
            &[(0x02, b""), (0x89, b""), (0x80, b""), (0x89, b"1"), (0x81, b"z")],
            &[ping(b""), binary(b""), ping(b"1"), text("z")],
        ),
    ];
    // 5.2: around the three forms of a length, whole and in two fragments
    for len in [124, 125, 126, 127, 65535, 65536] {
        let data = bytes(len);
        let (one, two) = data.split_at(len / 3);
        let ascii = "x".repeat(len);
        streams.push(Stream::new(
            &[(0x82, &data), (0x02, one), (0x80, two), (0x81, ascii.as_bytes())],
            &[binary(&data), binary(&data), text(&ascii)],
        ));
    }
    streams
}

fn rows() -> Vec<(Role, Stream)> {
    let of_role = |role| streams().into_iter().map(move |stream| (role, stream));
    Role::BOTH.into_iter().flat_map(of_role).collect()
}

/// Ways to cut some bytes, each a size for the first piece and one for the rest.
fn cuts(len: usize) -> Vec<(usize, usize)> {
    if len > 1000 {
        return vec![(len, len), (1, 61), (7, 1000), (4096, 4096), (65535, 65537)];
    }
    let in_two = (0..len).map(|first| (first, len));
    in_two.chain((1..=17).map(|size| (size, size))).collect()
}

fn cut(bytes: &[u8], (first, rest): (usize, usize)) -> impl Iterator<Item = &[u8]> {
    let (head, tail) = bytes.split_at(first.min(bytes.len()));
    [head].into_iter().chain(tail.chunks(rest))
}

#[test]
fn messages_come_out_the_same_however_the_bytes_are_cut() {
    for (role, stream) in rows() {
        let incoming = stream.incoming(role);
        for sizes in cuts(incoming.len()) {
            let mut ws = role.connection(&Config::new());
            let outcome = receive_all(&mut ws, cut(&incoming, sizes));
            let row = stream.row(role, sizes);
            assert!(outcome.events == stream.events, "{row}");
            assert_eq!((outcome.error, ws.buffered()), (None, 0), "{row}");
            assert_eq!(outcome.out, stream.answers(role), "{row}");
        }
    }
}

/// A message, or a control frame as it prints.
type Message = (&'static str, Vec<u8>);

/// What a program that wants messages makes of parts.
fn joined(parts: &[OwnedPart]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut under_way: Option<Message> = None;
    for part in parts {
        let (kind, data, first, last) = match part {
            OwnedPart::Text { text, first, last } => ("text", text.as_bytes(), first, last),
            OwnedPart::Binary { data, first, last } => ("binary", &data[..], first, last),
            OwnedPart::Control(control) => {
                messages.push(("control", control.clone().into_bytes()));
                continue;
            }
        };
        assert_eq!(*first, under_way.is_none(), "{parts:?}");
        let mut message = under_way.take().unwrap_or((kind, Vec::new()));
        assert_eq!(message.0, kind, "{parts:?}");
        message.1.extend(data);
        if *last { messages.push(message) } else { under_way = Some(message) }
    }
    assert_eq!(under_way, None, "{parts:?}");
    messages
}

fn message(event: &Event<'_>) -> Message {
    match event {
        Event::Text(text) => ("text", text.as_bytes().to_vec()),
        Event::Binary(data) => ("binary", data.to_vec()),
        // `Event` and `Part` print these alike.
        control => ("control", format!("{control:?}").into_bytes()),
    }
}

#[test]
fn parts_are_the_same_messages_however_the_bytes_are_cut() {
    for (role, stream) in rows() {
        let incoming = stream.incoming(role);
        let messages: Vec<Message> = stream.events.iter().map(message).collect();
        for sizes in cuts(incoming.len()) {
            let mut ws = role.connection(&Config::new());
            let outcome = receive_parts(&mut ws, cut(&incoming, sizes));
            let row = stream.row(role, sizes);
            assert!(joined(&outcome.parts) == messages, "{row}");
            assert_eq!((outcome.error, ws.buffered()), (None, 0), "{row}");
            assert_eq!(outcome.out, stream.answers(role), "{row}");
        }
    }
}

#[test]
fn a_message_may_come_in_fragments_of_any_size() {
    let data = bytes(300);
    for role in Role::BOTH {
        for size in 1..=300 {
            let mut incoming = role.incoming(BINARY, b"");
            incoming.extend(data.chunks(size).flat_map(|chunk| role.incoming(CONTINUATION, chunk)));
            incoming.extend(role.incoming_final(CONTINUATION, b""));
            let outcome = receive(&mut role.connection(&Config::new()), &incoming);
            assert_eq!(outcome.events, [binary(&data)], "{role:?}, fragments of {size}");
        }
    }
}

/// The payload of an event, and whether it is borrowed.
fn payload<'e>(event: &'e Event<'_>) -> (&'e [u8], bool) {
    match event {
        Event::Text(text) | Event::Close(Close { reason: text, .. }) => {
            (text.as_bytes(), matches!(text, Cow::Borrowed(_)))
        }
        Event::Binary(data) | Event::Ping(data) | Event::Pong(data) => {
            (data, matches!(data, Cow::Borrowed(_)))
        }
    }
}

#[test]
fn what_comes_in_one_piece_is_lent_and_what_was_joined_is_owned() {
    for role in Role::BOTH {
        let header = if role == Role::Server { 6 } else { 2 };
        let reason = close_payload(1000, "hello");
        for (opcode, body) in [
            (TEXT, &b"hello"[..]),
            (BINARY, b"hello"),
            (PING, b"hello"),
            (PONG, b"hello"),
            (CLOSE, &reason),
        ] {
            let frame = role.incoming_final(opcode, body);
            for cut in 0..frame.len() {
                let mut ws = role.connection(&Config::new());
                let row = format!("{role:?}, opcode {opcode}, cut at {cut}");
                assert_eq!(receive(&mut ws, &frame[..cut]).events, [], "{row}");
                let mut rest = frame[cut..].to_vec();
                let place = rest.as_ptr_range();
                let event = receive_once(&mut ws, &mut &mut rest[..], &mut Vec::new());
                let event = event.unwrap().unwrap();
                let (data, borrowed) = payload(&event);
                assert_eq!(data, b"hello", "{row}");
                assert_eq!(borrowed, cut <= header, "lent unless the payload was cut: {row}");
                assert_eq!(place.contains(&data.as_ptr()), borrowed, "{row}");
            }
        }
        for (fragments, lent) in [
            ([&b"hello"[..], b"", b""], false),
            ([b"he", b"", b"llo"], false),
            ([b"", b"", b"hello"], true), // one piece, whatever stood before it
        ] {
            let frames =
                [(BINARY, fragments[0]), (CONTINUATION, fragments[1]), (0x80, fragments[2])];
            let mut incoming = Stream::new(&frames, &[]).incoming(role);
            let mut ws = role.connection(&Config::new());
            let event = receive_once(&mut ws, &mut &mut incoming[..], &mut Vec::new());
            assert_eq!(
                payload(&event.unwrap().unwrap()),
                (&b"hello"[..], lent),
                "{role:?} {fragments:?}"
            );
        }
    }
}

/// Long messages are joined piece by piece, but only those that have to be joined.
#[test]
fn a_long_payload_in_one_piece_is_lent_though_its_header_was_cut() {
    const LEN: usize = 100_000;
    for role in Role::BOTH {
        for opcode in [TEXT, BINARY] {
            let frame = role.incoming_final(opcode, &[b'x'; LEN]);
            for cut in 0..=frame.len() - LEN {
                let mut ws = role.connection(&Config::new());
                assert_eq!(receive(&mut ws, &frame[..cut]).events, []);
                let mut rest = frame[cut..].to_vec();
                let event = receive_once(&mut ws, &mut &mut rest[..], &mut Vec::new());
                let event = event.unwrap().unwrap();
                assert!(payload(&event) == (&[b'x'; LEN], true), "{role:?} {opcode}, cut at {cut}");
            }
        }
    }
}

#[test]
fn a_long_text_is_joined_across_characters_and_control_frames() {
    let long = "日本語é😀".repeat(6000);
    for role in Role::BOTH {
        for at in [16_383, 16_384, 16_385, 40_000, long.len() - 1] {
            let (first, rest) = long.as_bytes().split_at(at);
            let frames = [(TEXT, first), (0x89, b"between"), (0x80, rest)];
            let incoming = Stream::new(&frames, &[]).incoming(role);
            let events = [ping(b"between"), text(&long)];
            for size in [incoming.len(), 20_000, 16_385] {
                let mut ws = role.connection(&Config::new());
                let received: Vec<_> =
                    incoming.chunks(size).flat_map(|read| receive(&mut ws, read).events).collect();
                assert!(received == events, "{role:?}, cut at {at}, reads of {size}");
            }
        }
    }
}

/// 5.3: "the octets of the payload are XORed", in the memory that was lent.
#[test]
fn input_is_unmasked_where_it_lies_and_no_further_than_it_is_taken() {
    let first = b"one message";
    for opcode in [TEXT, BINARY, PING, PONG] {
        for cut in 0..=6 + first.len() {
            let frame = Role::Server.incoming_final(opcode, first);
            let plain = [&frame[..6], first].concat();
            let next = Role::Server.incoming_final(TEXT, b"another");

            let mut ws = Role::Server.connection(&Config::new());
            let mut out = Vec::new();
            let mut one = frame[..cut].to_vec();
            let early = receive_once(&mut ws, &mut &mut one[..], &mut out).unwrap();
            assert_eq!(early.is_some(), cut == frame.len());
            let mut two = [&frame[cut..], &next].concat();
            if cut < frame.len() {
                let event = receive_once(&mut ws, &mut &mut two[..], &mut out).unwrap();
                assert_eq!(payload(&event.unwrap()).0, first);
            }
            let input = [one, two].concat();
            // What is joined may be unmasked on the way, and then it stays as it was.
            let whole = [plain, next.clone()].concat();
            let joined = (7..frame.len()).contains(&cut) && opcode == BINARY;
            assert!(input == whole || joined, "opcode {opcode}, cut at {cut}");
            assert_eq!(input[frame.len()..], next);
        }
    }
    let mut unmasked = Role::Client.incoming_final(TEXT, first);
    receive_once(
        &mut Role::Client.connection(&Config::new()),
        &mut &mut unmasked[..],
        &mut Vec::new(),
    )
    .unwrap();
    assert_eq!(unmasked, Role::Client.incoming_final(TEXT, first));
}

/// 5.3: byte i is masked with byte i modulo 4 of the key, wherever it is cut.
#[test]
fn any_key_unmasks_however_the_payload_is_cut() {
    let data = bytes(100);
    for key in [[0; 4], [0xFF; 4], [1, 2, 3, 4], [0, 0, 0, 0x80]] {
        for (len, cut) in (0..=20).chain([100]).flat_map(|len| (0..=len).map(move |cut| (len, cut)))
        {
            let payload = &data[..len];
            let row = format!("{key:x?}, {len} bytes cut at {cut}");
            let frame = raw_frame(0x82, Some(key), payload);
            let (one, two) = frame.split_at(6 + cut);
            let ws = &mut Role::Server.connection(&Config::new());
            assert_eq!(receive_all(ws, [one, two]).events, [binary(payload)], "by inputs: {row}");

            let one = raw_frame(BINARY, Some(key), &payload[..cut]);
            let two = raw_frame(0x80, Some(key), &payload[cut..]);
            let ws = &mut Role::Server.connection(&Config::new());
            let outcome = receive(ws, &[one, two].concat());
            assert_eq!(outcome.events, [binary(payload)], "by frames: {row}");
        }
    }
}

/// A header or a payload that the input cuts is not over, though what follows
/// looks like a frame.
#[test]
fn what_looks_like_a_frame_inside_another_is_none() {
    for role in Role::BOTH {
        for len in [1, 2, 6, 0x8102, 0x8182] {
            // On the wire 81 80 81 80 ... from the key on, or 81 00 81 00 ...
            let (key, payload) = match role {
                Role::Server => (Some([0x81, 0x80, 0x81, 0x80]), vec![0; len]),
                Role::Client => (None, [0x81, 0x00].repeat(len / 2 + 1)[..len].to_vec()),
            };
            let stream = raw_frame(0x82, key, &payload).repeat(2);
            for cut in 0..30.min(stream.len()) {
                let ws = &mut role.connection(&Config::new());
                let outcome = receive_all(ws, [&stream[..cut], &stream[cut..]]);
                let expected = [binary(&payload), binary(&payload)];
                assert!(outcome.events == expected, "{role:?}, {len} bytes cut at {cut}");
            }
        }
    }
}

#[test]
fn text_and_bytes_are_events_however_they_are_held() {
    let (string, bytes) = ("hi".to_owned(), b"hi".to_vec());
    let texts: [Event<'_>; 4] =
        ["hi".into(), (&string).into(), string.clone().into(), Cow::Borrowed("hi").into()];
    assert!(texts.iter().all(|event| *event == text("hi")));
    let data = &b"hi"[..];
    let held: [Event<'_>; 5] = [
        data.into(),
        b"hi".into(),
        (&bytes).into(),
        bytes.clone().into(),
        Cow::Borrowed(data).into(),
    ];
    assert!(held.iter().all(|event| *event == binary(b"hi")));
}
