//! What waits to be written, beside a plain `Vec` of it: whatever is added in whatever
//! way, and however little the stream takes at a time, all bytes leave in their order.

#[path = "support/io.rs"]
mod io;
mod support;

use io::{Adapter, Script, is_blocked};
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::{Message, Prepared, SendError};
use support::{BINARY, CONTINUATION, PING, PONG, Role, TEXT};

/// How many connections take turns, and so lend each other the buffers of the thread.
const CONNECTIONS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Lend(Vec<u8>),
    Give(Vec<u8>),
    GiveText(String),
    Prepared(Vec<u8>),
    Part(Vec<u8>, bool),
    Ping(Vec<u8>),
    /// By `connection_mut`.
    Append(Vec<u8>),
    /// A ping of the peer, to be read if not too much waits.
    Arrive(Vec<u8>),
    /// Room for so many bytes more.
    Room(usize),
    Flush,
    Read,
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![
        6 => 0..200usize,
        2 => 1000..5000usize,
        1 => 16_000..17_000usize,
        1 => 30_000..40_000usize,
    ];
    (len, any::<u8>()).prop_map(|(len, first)| bytes(len, first))
}

fn control_payload() -> impl Strategy<Value = Vec<u8>> {
    (0..=125usize, any::<u8>()).prop_map(|(len, first)| bytes(len, first))
}

/// ASCII that shows if any of it is missing or moved.
fn bytes(len: usize, first: u8) -> Vec<u8> {
    (0..len).map(|i| (usize::from(first) + i + i / 128) as u8 & 0x7F).collect()
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => payload().prop_map(Step::Lend),
        3 => payload().prop_map(Step::Give),
        1 => payload().prop_map(|text| Step::GiveText(String::from_utf8(text).expect("ASCII"))),
        2 => payload().prop_map(Step::Prepared),
        1 => (payload(), any::<bool>()).prop_map(|(part, last)| Step::Part(part, last)),
        1 => control_payload().prop_map(Step::Ping),
        1 => control_payload().prop_map(Step::Append),
        2 => control_payload().prop_map(Step::Arrive),
        3 => (0..300usize).prop_map(Step::Room),
        2 => (0..50_000usize).prop_map(Step::Room),
        1 => Just(Step::Room(1 << 20)),
        4 => Just(Step::Flush),
        4 => Just(Step::Read),
    ]
}

struct Twin<W> {
    role: Role,
    stream: Script,
    ws: W,
    expected: Vec<u8>,
    /// The pings that have arrived and were not read.
    arrived: Vec<Vec<u8>>,
    is_in_parts: bool,
}

impl<W: Adapter> Twin<W> {
    fn new(role: Role, max_write: usize) -> Self {
        let stream = Script::new();
        stream.state().room = 0;
        stream.state().max_write = max_write;
        let ws = W::of(role, &stream);
        Self { role, stream, ws, expected: Vec::new(), arrived: Vec::new(), is_in_parts: false }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Lend(data) => self.message(BINARY, &data, |ws| ws.write(&data[..])),
            Step::Give(data) => self.message(BINARY, &data, |ws| ws.write(data.clone())),
            Step::GiveText(text) => {
                self.message(TEXT, text.as_bytes(), |ws| ws.write(text.clone()));
            }
            Step::Prepared(data) => {
                let message = Prepared::binary(&data);
                self.message(BINARY, &data, |ws| ws.write_prepared(&message));
            }
            Step::Part(data, last) => {
                self.ws.write_binary_part(&data, last).expect("it is of bytes too");
                let opcode = if self.is_in_parts { CONTINUATION } else { BINARY };
                self.is_in_parts = !last;
                self.frame(if last { 0x80 } else { 0 } | opcode, &data);
            }
            Step::Ping(data) => {
                self.ws.write(Message::Ping(data.clone())).expect("it is open");
                self.frame(0x80 | PING, &data);
            }
            Step::Append(data) => {
                let (ws, out) = self.ws.connection_mut();
                ws.send_pong(&data, out).expect("it is open");
                self.frame(0x80 | PONG, &data);
            }
            Step::Arrive(data) => {
                self.stream.arrive(self.role.incoming_final(PING, &data));
                self.arrived.push(data);
            }
            Step::Room(room) => self.stream.make_room(room),
            Step::Flush => {
                let is_written = self.ws.flush().is_ok();
                assert_eq!(is_written, self.ws.unwritten() == 0);
            }
            Step::Read => self.read(),
        }
        let state = self.stream.state();
        assert!(self.expected.starts_with(&state.written), "what has left is wrong");
        assert_eq!(state.written.len() + self.ws.unwritten(), self.expected.len());
    }

    fn message(
        &mut self,
        opcode: u8,
        data: &[u8],
        write: impl FnOnce(&mut W) -> Result<(), SendError>,
    ) {
        let result = write(&mut self.ws);
        if self.is_in_parts {
            assert_eq!(result, Err(SendError::MessageUnfinished));
        } else {
            assert_eq!(result, Ok(()));
            self.frame(0x80 | opcode, data);
        }
    }

    fn frame(&mut self, first: u8, data: &[u8]) {
        self.expected.extend(self.role.outgoing(first, data));
    }

    fn read(&mut self) {
        match self.ws.read() {
            Ok(Some(Message::Ping(data))) => {
                assert_eq!(*data, self.arrived.remove(0));
                self.frame(0x80 | PONG, &data);
            }
            other => assert!(is_blocked(&other), "{other:?}"),
        }
    }

    fn finish(&mut self) {
        self.step(Step::Room(usize::MAX));
        self.step(Step::Flush);
        while !self.arrived.is_empty() {
            self.step(Step::Read);
        }
        self.step(Step::Flush);
        assert!(self.stream.state().written == self.expected);
    }
}

fn run<W: Adapter>(role: Role, max_write: usize, steps: Vec<(usize, Step)>) {
    let mut twins: Vec<Twin<W>> = (0..CONNECTIONS).map(|_| Twin::new(role, max_write)).collect();
    for (at, step) in steps {
        twins[at].step(step);
    }
    twins.iter_mut().for_each(Twin::finish);
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

fn max_write() -> impl Strategy<Value = usize> {
    prop_oneof![1..50usize, 50..5000usize, Just(usize::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn all_leaves_in_order(
        adapter in 0..3usize,
        role in role(),
        max_write in max_write(),
        steps in vec((0..CONNECTIONS, step()), 0..120),
    ) {
        let run = [
            run::<sansws::blocking::WebSocket<Script>>,
            run::<sansws::tokio::WebSocket<Script>>,
            run::<sansws::futures_io::WebSocket<Script>>,
        ][adapter];
        run(role, max_write, steps);
    }
}
