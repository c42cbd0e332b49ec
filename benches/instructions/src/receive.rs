//! A connection receives.

use core::mem;

use sansws::frame::Opcode;
use sansws::{Config, Connection, Event, MaskingKeys, MessageBuffer, Part};

use crate::Path;
use crate::messages::{ASCII, JAPANESE, KEY, buffer, masked, text};

pub fn paths() -> Vec<Path> {
    let mut paths: Vec<Path> = [0, 16, 125, 1 << 10, 64 << 10].map(binary).into();
    paths.extend([
        a_text("ascii", ASCII),
        a_text("japanese", JAPANESE),
        of_server(),
        in_reads(),
        straight(),
        straight_text(),
        in_fragments(64, 1024),
        in_fragments(3, 16),
        in_parts("binary", Opcode::BINARY),
        in_parts("text", Opcode::TEXT),
        ping(),
    ]);
    paths
}

/// How much is read at a time of what is longer.
const READ: usize = 16 << 10;
const SHORT_READ: usize = 4 << 10;
const LONG: usize = 64 << 10;

/// So many short messages come with one read.
const MANY: u32 = 16;

fn binary(len: usize) -> Path {
    let count = if len < LONG { MANY } else { 1 };
    let frame = move || masked(true, Opcode::BINARY, &vec![7; len]);
    receive(format!("receive/binary/{len}"), count, len, server, frame)
}

fn a_text(name: &str, pattern: &'static str) -> Path {
    let text = text(pattern, 1 << 10);
    let len = text.len();
    let frame = move || masked(true, Opcode::TEXT, text.as_bytes());
    receive(format!("receive/text/{name}/1024"), MANY, len, server, frame)
}

/// As a client does.
fn of_server() -> Path {
    let client = || Connection::client(&Config::new(), MaskingKeys::new(|| KEY));
    let frame = || [&b"\x82\x10"[..], &[7; 16]].concat();
    receive("receive/client/binary/16".into(), MANY, 16, client, frame)
}

fn ping() -> Path {
    let frame = || masked(true, Opcode::PING, &[7; 16]);
    receive("receive/ping".into(), MANY, 16, server, frame)
}

fn server() -> Connection {
    Connection::server(&Config::new())
}

/// `count` frames in one read, each an event with so many bytes.
fn receive(
    name: String,
    count: u32,
    len: usize,
    connection: impl FnOnce() -> Connection + 'static,
    frame: impl FnOnce() -> Vec<u8> + 'static,
) -> Path {
    Path::new(name, count, move || {
        let stream = frame().repeat(count as usize);
        let read = stream.len();
        in_pieces(connection(), stream, read, count, len)
    })
}

/// A message that has to be joined from reads.
fn in_reads() -> Path {
    Path::new("receive/reads/65536", 1, || {
        in_pieces(server(), masked(true, Opcode::BINARY, &[7; LONG]), READ, 1, LONG)
    })
}

/// The same, read straight to where it is joined.
fn straight() -> Path {
    Path::new("receive/straight/65536", 1, || {
        let stream = masked(true, Opcode::BINARY, &[7; LONG]);
        let (mut ws, mut input, mut out) = (server(), buffer(), buffer());
        move |meter: &crate::Meter| {
            input.clear();
            input.extend_from_slice(&stream);
            let mut received = 0;
            meter.run(|| {
                // A quarter, so that there is room for all the rest.
                let (mut read, mut rest) = input.split_at_mut(stream.len() - LONG + LONG / 4);
                while received == 0 {
                    let straight = ws.receive_payload(|payload, most| {
                        let (read, left) = mem::take(&mut rest).split_at_mut(most);
                        payload.extend_from_slice(read);
                        rest = left;
                    });
                    assert!(straight.is_some() || !read.is_empty(), "all of it is there");
                    if let Some(event) = ws.receive(&mut read, &mut out).expect("it is right") {
                        received = len_of(&event);
                    }
                }
            });
            assert_eq!(received, LONG);
        }
    })
}

/// Text that is lent, read straight 4 KiB at a time: what has come is checked each time, but
/// not all of it.
fn straight_text() -> Path {
    Path::new("receive/straight/text/65536", 1, || {
        let stream = masked(true, Opcode::TEXT, &[b'x'; LONG]);
        let (mut ws, mut input, mut out) = (server(), buffer(), buffer());
        let mut memory = MessageBuffer::from(Vec::with_capacity(LONG));
        move |meter: &crate::Meter| {
            input.clear();
            input.extend_from_slice(&stream);
            let mut received = 0;
            meter.run(|| {
                let (mut read, mut rest) = input.split_at_mut(stream.len() - LONG + SHORT_READ);
                while received == 0 {
                    let straight = ws.receive_payload(|payload, most| {
                        let (read, left) = mem::take(&mut rest).split_at_mut(most.min(SHORT_READ));
                        payload.extend_from_slice(read);
                        rest = left;
                    });
                    assert!(straight.is_some() || !read.is_empty(), "all of it is there");
                    let event = ws.receive_reusing(&mut read, &mut out, &mut memory);
                    if let Some(event) = event.expect("it is right") {
                        received = len_of(&event);
                    }
                }
            });
            assert_eq!(received, LONG);
        }
    })
}

/// A message in so many fragments of this length, all in one read.
fn in_fragments(count: usize, len: usize) -> Path {
    Path::new(format!("receive/fragments/{count}x{len}"), 1, move || {
        let payload = vec![7; len];
        let mut stream = masked(false, Opcode::BINARY, &payload);
        for i in 1..count {
            stream.extend(masked(i + 1 == count, Opcode::CONTINUATION, &payload));
        }
        let read = stream.len();
        in_pieces(server(), stream, read, 1, count * len)
    })
}

fn in_pieces(
    mut ws: Connection,
    stream: Vec<u8>,
    read: usize,
    count: u32,
    len: usize,
) -> impl FnMut(&crate::Meter) {
    let (mut input, mut out) = (buffer(), buffer());
    move |meter| {
        // Receiving unmasks it where it lies.
        input.clear();
        input.extend_from_slice(&stream);
        out.clear();
        let mut received = 0;
        meter.run(|| {
            for mut piece in input.chunks_mut(read) {
                while let Some(event) = ws.receive(&mut piece, &mut out).expect("it is right") {
                    received += u32::from(len_of(&event) == len);
                }
            }
        });
        assert_eq!(received, count);
    }
}

fn len_of(event: &Event<'_>) -> usize {
    match event {
        Event::Text(text) => text.len(),
        Event::Binary(data) | Event::Ping(data) => data.len(),
        other => panic!("{other:?}"),
    }
}

/// A message as it arrives, not joined.
fn in_parts(name: &str, opcode: Opcode) -> Path {
    Path::new(format!("receive_part/{name}/65536"), 1, move || {
        let stream = masked(true, opcode, text(ASCII, LONG).as_bytes());
        let (mut ws, mut input, mut out) = (server(), buffer(), buffer());
        move |meter| {
            input.clear();
            input.extend_from_slice(&stream);
            let mut received = 0;
            meter.run(|| {
                for mut piece in input.chunks_mut(READ) {
                    while let Some(part) =
                        ws.receive_part(&mut piece, &mut out).expect("it is right")
                    {
                        received += match part {
                            Part::Text(part) => part.text.len(),
                            Part::Binary(part) => part.data.len(),
                            other => panic!("{other:?}"),
                        };
                    }
                }
            });
            assert_eq!(received, LONG);
        }
    })
}
