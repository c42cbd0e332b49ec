//! sansws: the loop of its README.

use std::io::{IoSlice, Read, Write};

use sansws::handshake::{Answer, RequestBuilder, ServerHandshake};
use sansws::{Config, Connection, DeflateConfig, Event, MaskingKeys, MessageBuffer, MessageKind};

use crate::measure::Contender;
use crate::stream::{Stream, Tap};
use crate::work::Work;

/// How much is read at a time, as in the README.
pub const READ: usize = 128 * 1024;

/// With more than this the program that gathers output writes it; and the length of the pieces
/// of the one that sends in pieces.
const WRITE: usize = 16 * 1024;

pub fn config() -> Config {
    Config::new().max_message_len(16 << 20)
}

pub fn server() -> Connection {
    Connection::server(&config())
}

pub fn client() -> Connection {
    Connection::client(&config(), MaskingKeys::random())
}

/// A client and a server that have agreed to compress.
pub fn deflated(client: DeflateConfig, server: DeflateConfig) -> (Connection, Connection) {
    let (mut request, mut response) = (Vec::new(), Vec::new());
    let builder = RequestBuilder::new("ws://example.com/").unwrap();
    let mut handshake = builder.deflate(client).start([7; 16], &mut request);
    let request = ServerHandshake::new().receive(&mut &mut request[..]).unwrap().unwrap();
    let accept = request.accept().unwrap().deflate(server);
    assert!(accept.deflate_parameters().is_some());
    let server = accept.into_connection(&config(), &mut response);
    let Some(Answer::Accepted(accepted)) = handshake.receive(&mut &mut response[..]).unwrap()
    else {
        panic!("it is accepted")
    };
    (accepted.into_connection(&config(), MaskingKeys::random()), server)
}

pub fn receive(name: &str, mut ws: Connection, work: &Work, read: usize) -> Contender {
    let mut stream = Stream::new(work.input.clone(), Tap::default());
    let (mut buffer, mut out) = (vec![0; read], Vec::new());
    let count = work.len();
    let run = move |tally: &mut crate::work::Tally| {
        let end = tally.messages + count;
        while tally.messages < end {
            let n = stream.read(&mut buffer).unwrap();
            let mut input = &mut buffer[..n];
            while let Some(event) = ws.receive(&mut input, &mut out).unwrap() {
                match event {
                    Event::Text(text) => tally.text(&text),
                    Event::Binary(data) => tally.binary(&data),
                    _ => unreachable!(),
                }
            }
        }
    };
    Contender::new(name, Tap::default(), Box::new(run)).receives(work)
}

/// Long messages are joined in memory that is used again, as they are read.
pub fn receive_reusing(name: &str, mut ws: Connection, work: &Work, read: usize) -> Contender {
    let mut stream = Stream::new(work.input.clone(), Tap::default());
    let (mut buffer, mut out, mut memory) = (vec![0; read], Vec::new(), MessageBuffer::new());
    let count = work.len();
    let run = move |tally: &mut crate::work::Tally| {
        let end = tally.messages + count;
        while tally.messages < end {
            let mut input = read_straight(&mut ws, &mut stream, &mut buffer);
            while let Some(event) = ws.receive_reusing(&mut input, &mut out, &mut memory).unwrap() {
                match event {
                    Event::Text(text) => tally.text(&text),
                    Event::Binary(data) => tally.binary(&data),
                    _ => unreachable!(),
                }
            }
        }
    };
    Contender::new(name, Tap::default(), Box::new(run)).receives(work)
}

pub fn echo(name: &str, mut ws: Connection, work: &Work, read: usize) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let (mut buffer, mut out) = (vec![0; read], Vec::new());
    let count = work.len();
    let run = move |tally: &mut crate::work::Tally| {
        let end = tally.messages + count;
        while tally.messages < end {
            let n = stream.read(&mut buffer).unwrap();
            let mut input = &mut buffer[..n];
            while let Some(event) = ws.receive(&mut input, &mut out).unwrap() {
                match event {
                    Event::Text(text) => {
                        tally.text(&text);
                        ws.send_text(&text, &mut out).unwrap();
                    }
                    Event::Binary(data) => {
                        tally.binary(&data);
                        ws.send_binary(&data, &mut out).unwrap();
                    }
                    _ => unreachable!(),
                }
            }
            stream.write_all(&out).unwrap();
            out.clear();
        }
    };
    Contender::new(name, tap, Box::new(run)).receives(work)
}

/// Each of the connections gets one of the messages, which are all as long, in a read
/// of its own; they share the buffers.
pub fn echo_in_turns(name: &str, mut connections: Vec<Connection>, work: &Work) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let (mut buffer, mut out) = (vec![0; work.input.len() / work.len()], Vec::new());
    let run = move |tally: &mut crate::work::Tally| {
        for ws in &mut connections {
            let n = stream.read(&mut buffer).unwrap();
            let Ok(Some(Event::Binary(data))) = ws.receive(&mut &mut buffer[..n], &mut out) else {
                panic!("each read is a message")
            };
            tally.binary(&data);
            ws.send_binary(&data, &mut out).unwrap();
            stream.write_all(&out).unwrap();
            out.clear();
        }
    };
    Contender::new(name, tap, Box::new(run)).receives(work)
}

/// Messages come straight and go out without a copy; that is for those of 16 KiB or more.
pub fn echo_vectored(name: &str, mut ws: Connection, work: &Work, read: usize) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let (mut buffer, mut out, mut memory) = (vec![0; read], Vec::new(), MessageBuffer::new());
    let count = work.len();
    let run = move |tally: &mut crate::work::Tally| {
        let end = tally.messages + count;
        while tally.messages < end {
            let mut input = read_straight(&mut ws, &mut stream, &mut buffer);
            while let Some(event) = ws.receive_reusing(&mut input, &mut out, &mut memory).unwrap() {
                let Event::Binary(data) = event else { unreachable!() };
                tally.binary(&data);
                let payload = ws.send_binary_vectored(data, &mut out).unwrap();
                write_both(&mut stream, &mut out, &payload);
            }
        }
    };
    Contender::new(name, tap, Box::new(run)).receives(work)
}

/// Without a copy, which only a server can do that keeps its messages.
pub fn send_vectored(name: &str, mut ws: Connection, work: &Work) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let (messages, mut out) = (work.messages.clone(), Vec::new());
    let run = move |_: &mut crate::work::Tally| {
        for data in messages.iter() {
            let payload = ws.send_binary_vectored(&data[..], &mut out).unwrap();
            write_both(&mut stream, &mut out, &payload);
        }
    };
    Contender::new(name, tap, Box::new(run))
}

/// Masked and written in pieces of `WRITE` bytes.
pub fn send_lazily(name: &str, mut ws: Connection, work: &Work) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let (messages, mut out) = (work.messages.clone(), Vec::new());
    let run = move |_: &mut crate::work::Tally| {
        for data in messages.iter() {
            let mut payload = ws.send_binary_lazily(&data[..], &mut out).unwrap();
            while !payload.is_empty() {
                payload.append_to(&mut out, WRITE);
                stream.write_all(&out).unwrap();
                out.clear();
            }
        }
    };
    Contender::new(name, tap, Box::new(run))
}

/// Reads once; what of it is still to be received.
fn read_straight<'b>(
    ws: &mut Connection,
    stream: &mut Stream,
    buffer: &'b mut [u8],
) -> &'b mut [u8] {
    let straight = ws.receive_payload(|payload, most| stream.append_to(payload, most));
    let n = if straight.is_some() { 0 } else { stream.read(buffer).unwrap() };
    &mut buffer[..n]
}

fn write_both(stream: &mut Stream, out: &mut Vec<u8>, data: &[u8]) {
    let slices = [IoSlice::new(out), IoSlice::new(data)];
    let len = stream.write_vectored(&slices).unwrap();
    assert_eq!(len, out.len() + data.len(), "the stream takes all");
    out.clear();
}

/// Writes once for each batch, or as soon as there are more than `WRITE` bytes.
pub fn send(name: &str, mut ws: Connection, work: &Work) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let mut out = Vec::new();
    let run: crate::measure::Run = match work.kind {
        MessageKind::Text => {
            let texts = work.texts();
            Box::new(move |_| {
                for text in &texts {
                    ws.send_text(text, &mut out).unwrap();
                    if out.len() > WRITE {
                        stream.write_all(&out).unwrap();
                        out.clear();
                    }
                }
                stream.write_all(&out).unwrap();
                out.clear();
            })
        }
        _ => {
            let messages = work.messages.clone();
            Box::new(move |_| {
                for data in messages.iter() {
                    ws.send_binary(data, &mut out).unwrap();
                    if out.len() > WRITE {
                        stream.write_all(&out).unwrap();
                        out.clear();
                    }
                }
                stream.write_all(&out).unwrap();
                out.clear();
            })
        }
    };
    Contender::new(name, tap, run)
}

pub fn handshake(name: &str, work: &Work, read: usize) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let (mut buffer, mut out) = (vec![0; read], Vec::new());
    let run = move |_: &mut crate::work::Tally| {
        let mut handshake = ServerHandshake::new();
        let ws = loop {
            let n = stream.read(&mut buffer).unwrap();
            let mut input = &mut buffer[..n];
            if let Some(request) = handshake.receive(&mut input).unwrap() {
                break request.accept().unwrap().into_connection(&Config::new(), &mut out);
            }
        };
        stream.write_all(&out).unwrap();
        out.clear();
        std::hint::black_box(ws);
    };
    Contender::new(name, tap, Box::new(run))
}
