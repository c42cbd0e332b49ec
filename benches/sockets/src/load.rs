//! The generator: one thread that keeps all connections busy, and compares each byte
//! that comes back with that which must.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::messages::Message;

/// The key and its answer are those of RFC 6455, 1.3.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Open connections to one server.
pub struct Load {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
}

impl Load {
    /// Opens so many connections, one after the other.
    pub fn open(address: SocketAddr, count: usize) -> Self {
        let mut load = Self::new();
        for index in 0..count {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.write_all(REQUEST).unwrap();
            read_head(&mut stream);
            stream.set_nonblocking(true).unwrap();
            load.add(index, TcpStream::from_std(stream));
        }
        load
    }

    fn new() -> Self {
        Self {
            poll: Poll::new().unwrap(),
            events: Events::with_capacity(1024),
            connections: Vec::new(),
            buffer: vec![0; 256 * 1024],
        }
    }

    fn add(&mut self, index: usize, mut stream: TcpStream) {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(index), interest).unwrap();
        self.connections.push(Connection::new(stream));
    }

    /// Sends `count` messages, `in_flight` of them at a time on each connection, until
    /// all have come back.
    pub fn echo(&mut self, messages: &[Message], in_flight: usize, count: usize) {
        let mut unsent = count;
        for (index, connection) in self.connections.iter_mut().enumerate() {
            let first = in_flight.min(unsent);
            connection.send(messages, index, first);
            unsent -= first;
        }
        let mut unanswered = count;
        while unanswered > 0 {
            wait(&mut self.poll, &mut self.events);
            for event in &self.events {
                let index = event.token().0;
                let connection = &mut self.connections[index];
                let answered = connection.receive(messages, index, &mut self.buffer);
                unanswered -= answered;
                let next = answered.min(unsent);
                unsent -= next;
                connection.send(messages, index, next);
            }
        }
    }

    /// One message on each connection, a hundred of them at a time.
    pub fn echo_in_turns(&mut self, messages: &[Message]) {
        let all = self.connections.len();
        for start in (0..all).step_by(100) {
            let turn = start..all.min(start + 100);
            for index in turn.clone() {
                self.connections[index].send(messages, index, 1);
            }
            let mut unanswered = turn.len();
            while unanswered > 0 {
                wait(&mut self.poll, &mut self.events);
                for event in &self.events {
                    let index = event.token().0;
                    let connection = &mut self.connections[index];
                    unanswered -= connection.receive(messages, index, &mut self.buffer);
                    connection.send(messages, index, 0);
                }
            }
        }
    }

    /// Sends `count` messages on the first connection, each when the one before has
    /// come to all.
    pub fn broadcast(&mut self, messages: &[Message], count: usize) {
        for _ in 0..count {
            self.connections[0].send(messages, 0, 1);
            let mut missing = self.connections.len();
            while missing > 0 {
                wait(&mut self.poll, &mut self.events);
                for event in &self.events {
                    let connection = &mut self.connections[event.token().0];
                    missing -= connection.receive(messages, 0, &mut self.buffer);
                    connection.send(messages, 0, 0);
                }
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    sent: usize,
    received: usize,
    /// How much has come of the next.
    at: usize,
    out: Vec<u8>,
    written: usize,
}

impl Connection {
    const fn new(stream: TcpStream) -> Self {
        Self { stream, sent: 0, received: 0, at: 0, out: Vec::new(), written: 0 }
    }

    /// Sends so many messages more, and what waits of those before.
    fn send(&mut self, messages: &[Message], offset: usize, count: usize) {
        for _ in 0..count {
            let message = &messages[(offset + self.sent) % messages.len()];
            self.out.extend_from_slice(&message.request);
            self.sent += 1;
        }
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("cannot write: {error}"),
            }
        }
        self.out.clear();
        self.written = 0;
    }

    /// Reads what there is; how many messages are complete by that.
    fn receive(&mut self, messages: &[Message], offset: usize, buffer: &mut [u8]) -> usize {
        let mut complete = 0;
        loop {
            let count = match self.stream.read(buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return complete,
                Err(error) => panic!("cannot read: {error}"),
            };
            assert_ne!(count, 0, "the server has closed a connection");
            let mut bytes = &buffer[..count];
            while !bytes.is_empty() {
                let reply = &messages[(offset + self.received) % messages.len()].reply;
                let expected = &reply[self.at..];
                let (now, later) = bytes.split_at(expected.len().min(bytes.len()));
                assert!(*now == expected[..now.len()], "a wrong reply");
                self.at += now.len();
                bytes = later;
                if self.at == reply.len() {
                    self.at = 0;
                    self.received += 1;
                    complete += 1;
                }
            }
            if count < buffer.len() {
                return complete;
            }
        }
    }
}

fn wait(poll: &mut Poll, events: &mut Events) {
    poll.poll(events, Some(Duration::from_secs(20))).unwrap();
    assert!(!events.is_empty(), "the server does not answer");
}

fn read_head(stream: &mut std::net::TcpStream) {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "the server has closed a connection");
        head.extend_from_slice(&buffer[..count]);
    }
    check_head(&head);
}

fn check_head(head: &[u8]) {
    let text = std::str::from_utf8(head).unwrap();
    assert!(text.starts_with("HTTP/1.1 101 ") && text.contains(ACCEPT), "refused: {text}");
}

/// Opens `count` connections, `at_once` of them at a time, each for one message.
pub fn connect(address: SocketAddr, message: &Message, at_once: usize, count: usize) {
    let mut load = Load::new();
    let close = Message::close();
    let mut visits: Vec<Visit> = Vec::new();
    let (mut begun, mut done) = (0, 0);
    while done < count {
        while begun < count && begun - done < at_once {
            let mut stream = TcpStream::connect(address).unwrap();
            let interest = Interest::READABLE | Interest::WRITABLE;
            // Those that are done leave their places behind: there are not many.
            let token = Token(visits.len());
            load.poll.registry().register(&mut stream, token, interest).unwrap();
            visits.push(Visit { stream: Some(stream), stage: Stage::Connect, read: Vec::new() });
            begun += 1;
        }
        wait(&mut load.poll, &mut load.events);
        for event in &load.events {
            let visit = &mut visits[event.token().0];
            if visit.stream.is_some() && visit.go_on(message, &close, &mut load.buffer) {
                visit.stream = None;
                done += 1;
            }
        }
    }
}

/// A connection with one message.
struct Visit {
    stream: Option<TcpStream>,
    stage: Stage,
    read: Vec<u8>,
}

enum Stage {
    Connect,
    Head,
    Reply,
    Close,
}

impl Visit {
    /// Does what can be done; whether that was all.
    fn go_on(&mut self, message: &Message, close: &Message, buffer: &mut [u8]) -> bool {
        let Some(stream) = &mut self.stream else { return true };
        if let Stage::Connect = self.stage {
            if stream.peer_addr().is_err() {
                return false;
            }
            stream.set_nodelay(true).unwrap();
            stream.write_all(REQUEST).unwrap();
            self.stage = Stage::Head;
        }
        loop {
            let count = match stream.read(buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // A server that is done may close with bytes unread.
                Err(_) if matches!(self.stage, Stage::Close) => return true,
                Err(error) => panic!("cannot read: {error}"),
            };
            if count == 0 {
                assert!(matches!(self.stage, Stage::Close), "the server has closed a connection");
                return true;
            }
            self.read.extend_from_slice(&buffer[..count]);
            match self.stage {
                Stage::Head if self.read.ends_with(b"\r\n\r\n") => {
                    check_head(&self.read);
                    self.read.clear();
                    stream.write_all(&message.request).unwrap();
                    self.stage = Stage::Reply;
                }
                Stage::Reply if self.read.len() >= message.reply.len() => {
                    assert!(self.read == message.reply, "a wrong reply");
                    self.read.clear();
                    stream.write_all(&close.request).unwrap();
                    self.stage = Stage::Close;
                }
                Stage::Close if self.read.len() >= close.reply.len() => {
                    assert!(self.read == close.reply, "a wrong Close frame");
                    return true;
                }
                _ => {}
            }
        }
    }
}
