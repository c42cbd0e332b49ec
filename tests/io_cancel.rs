//! A future of an adapter can be dropped at any point and nothing is lost.

#[path = "support/io.rs"]
mod io;
mod support;

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use io::{Script, Stutter, Task};
use proptest::prelude::*;
use sansws::CloseCode;
use sansws::io::Error;
use sansws::tokio::{Reader, WebSocket, Writer};
use sansws::{Config, Message, Part};
use support::{BINARY, CLOSE, CONTINUATION, PING, PONG, Role, TEXT, close_payload};

const SERVER: Role = Role::Server;

/// Polls at most so many times, then drops the future.
fn poll_some<T>(times: usize, future: impl Future<Output = Result<T, Error>>) -> Option<T> {
    let (task, mut future) = (Task::new(), pin!(future));
    for _ in 0..times {
        match task.poll(future.as_mut()) {
            Poll::Ready(result) => return Some(result.expect("nothing is wrong")),
            Poll::Pending => assert!(task.wakes() > 0, "the stream never lets it sleep"),
        }
    }
    None
}

/// How often each future is polled before it is dropped, one after the other.
trait Patience: FnMut() -> usize {}
impl<F: FnMut() -> usize> Patience for F {}

/// A stream that stutters, a byte at a time.
fn slow_stream(stutter: Stutter, max_len: usize) -> Script {
    let stream = Script::new();
    let mut state = stream.state();
    state.stutter = stutter;
    state.max_read = max_len;
    state.max_write = max_len;
    drop(state);
    stream
}

fn input() -> Vec<u8> {
    [
        SERVER.incoming_final(TEXT, b"one"),
        SERVER.incoming(TEXT, "two, \u{e9}".as_bytes()),
        SERVER.incoming_final(PING, b"?"),
        SERVER.incoming_final(CONTINUATION, b"three"),
        SERVER.incoming_final(BINARY, &[7; 200]),
        SERVER.incoming_final(CLOSE, &close_payload(1000, "bye")),
    ]
    .concat()
}

fn events() -> Vec<Message> {
    vec![
        "one".into(),
        Message::Ping(b"?".into()),
        "two, \u{e9}three".into(),
        Message::Binary(vec![7; 200]),
        Message::Close(sansws::Close::new(CloseCode::NORMAL, "bye")),
    ]
}

/// What an echo of all that is, pongs included, whenever which is written.
fn echo() -> Vec<u8> {
    [
        SERVER.outgoing(0x80 | TEXT, b"one"),
        SERVER.outgoing(0x80 | PONG, b"?"),
        SERVER.outgoing(0x80 | TEXT, "two, \u{e9}three".as_bytes()),
        SERVER.outgoing(0x80 | BINARY, &[7; 200]),
        SERVER.outgoing_close(1000, "bye"),
    ]
    .concat()
}

/// Reads messages, parts if `parts` says so, and echoes by `write`.
fn reads_all(stream: &Script, mut patience: impl Patience) {
    stream.arrive(input());
    stream.end();
    let mut ws = WebSocket::new(stream.clone(), SERVER.connection(&Config::new()), Vec::new());
    let mut read = Vec::new();
    loop {
        match poll_some(patience(), ws.read()) {
            None => {}
            Some(None) => break,
            Some(Some(event)) => {
                if let Message::Text(_) | Message::Binary(_) = &event {
                    ws.write(event.clone()).expect("it is open");
                }
                read.push(event);
            }
        }
    }
    assert_eq!(read, events());
    assert_eq!(stream.written(), echo());
}

fn reads_all_parts(stream: &Script, mut patience: impl Patience) {
    stream.arrive(input());
    stream.end();
    let mut ws = WebSocket::new(stream.clone(), SERVER.connection(&Config::new()), Vec::new());
    let (mut data, mut ends, mut others) = (Vec::new(), 0, Vec::new());
    loop {
        match poll_some(patience(), ws.read_part()) {
            None => {}
            Some(None) => break,
            Some(Some(Part::Text(part))) => {
                let lead = part.lead.map(String::from).unwrap_or_default();
                data.extend((lead + &part.text).bytes());
                ends += usize::from(part.last);
            }
            Some(Some(Part::Binary(part))) => {
                data.extend_from_slice(&part.data);
                ends += usize::from(part.last);
            }
            Some(Some(other)) => others.push(other),
        }
    }
    let expected = ["onetwo, \u{e9}three".as_bytes(), &[7; 200]].concat();
    assert_eq!((data, ends, others.len()), (expected, 3, 2));
}

/// Sends, flushes and closes, each time anew until it is done.
fn writes_all(stream: &Script, mut patience: impl Patience) {
    let mut ws = WebSocket::new(stream.clone(), SERVER.connection(&Config::new()), Vec::new());
    let mut expected = Vec::new();
    for len in [0, 1, 126, 16_384] {
        let payload = vec![b'x'; len];
        // A message is added though the future is never polled.
        if poll_some(patience(), ws.send(payload.clone())).is_some() {
            assert_eq!(ws.unwritten(), 0);
        }
        expected.extend(SERVER.outgoing(0x80 | BINARY, &payload));
        // Others can be added behind it at any time.
        ws.write("more").expect("it is open");
        expected.extend(SERVER.outgoing(0x80 | TEXT, b"more"));
        while poll_some(patience(), ws.flush()).is_none() {}
        assert_eq!(ws.unwritten(), 0);
        assert!(stream.state().written == expected);
    }
    stream.arrive(SERVER.incoming_final(TEXT, b"late"));
    stream.arrive(SERVER.incoming_final(CLOSE, &close_payload(1000, "")));
    stream.end();
    while poll_some(patience(), ws.close(CloseCode::NORMAL, "bye")).is_none() {}
    expected.extend(SERVER.outgoing_close(1000, "bye"));
    assert!(stream.state().written == expected);
}

/// Reads and writes in turn through halves, whichever is done.
fn halves_lose_nothing(stream: &Script, mut patience: impl Patience) {
    stream.arrive(input());
    stream.end();
    let ws = WebSocket::new(stream.clone(), SERVER.connection(&Config::new()), Vec::new());
    let (mut reader, mut writer): (Reader<_>, Writer<_>) = ws.split();
    let mut read = Vec::new();
    loop {
        match poll_some(patience(), reader.read()) {
            None => {}
            Some(None) => break,
            Some(Some(event)) => {
                if let Message::Text(_) | Message::Binary(_) = &event {
                    writer.write(event.clone()).expect("it is open");
                }
                read.push(event);
            }
        }
        poll_some(patience(), writer.flush());
        poll_some(patience(), writer.clone().flush());
    }
    assert_eq!(read, events());
    assert_eq!(stream.written(), echo());
}

/// As `writes_all`, by a half of which nobody reads the other.
fn a_half_writes_all(stream: &Script, mut patience: impl Patience) {
    let ws = WebSocket::new(stream.clone(), SERVER.connection(&Config::new()), Vec::new());
    let (_reader, mut writer): (Reader<_>, Writer<_>) = ws.split();
    let mut expected = Vec::new();
    for len in [0, 1, 126, 16_384] {
        let payload = vec![b'x'; len];
        poll_some(patience(), writer.send(payload.clone()));
        expected.extend(SERVER.outgoing(0x80 | BINARY, &payload));
        while poll_some(patience(), writer.flush()).is_none() {}
        assert_eq!(writer.unwritten(), 0);
        assert!(stream.state().written == expected);
    }
}

type Way = fn(&Script, &mut dyn FnMut() -> usize);

const WAYS: [Way; 5] = [
    |stream, patience| reads_all(stream, patience),
    |stream, patience| reads_all_parts(stream, patience),
    |stream, patience| writes_all(stream, patience),
    |stream, patience| halves_lose_nothing(stream, patience),
    |stream, patience| a_half_writes_all(stream, patience),
];

#[test]
fn every_future_can_be_dropped_after_any_number_of_polls() {
    for way in WAYS {
        for times in [1, 2, 3, 4, 5, 7, 10, 20, 50, 200] {
            for max_len in [1, 1000] {
                way(&slow_stream(Stutter::EverySecond, max_len), &mut || times);
            }
        }
    }
}

#[test]
fn one_future_can_be_dropped_where_others_are_not() {
    for way in WAYS {
        for dropped in 0..12 {
            for times in 0..20 {
                let mut number = 0;
                way(&slow_stream(Stutter::EverySecond, 50), &mut || {
                    number += 1;
                    if number == dropped { times } else { usize::MAX }
                });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn futures_can_be_dropped_at_random(
        way in 0..WAYS.len(),
        seed: u64,
        max_len in 1..500usize,
        patience in prop::collection::vec(0..8usize, 1..20),
    ) {
        prop_assume!(patience.iter().any(|&times| times > 0));
        let mut number = 0;
        WAYS[way](&slow_stream(Stutter::Random(seed), max_len), &mut || {
            number += 1;
            // Out of step with the turns of a loop: a future that always came to a zero
            // would never be polled.
            patience[(number + number / patience.len()) % patience.len()]
        });
    }
}
