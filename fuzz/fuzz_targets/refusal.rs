//! A refusal is the same for a program however it came, and its body is what the server sent.
#![no_main]

use std::io::{self, Read, Write};

use libfuzzer_sys::fuzz_target;
use sansws::Config;
use sansws::blocking::{ReadWrite, WebSocket};
use sansws::io::Error;
use sansws_fuzz::cut;
use sansws_fuzz::heads::{builder, describe_response};

const CHUNKED: &[u8] = b"HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\n\r\n";
const OF_LENGTH: &[u8] = b"HTTP/1.1 404 \r\nContent-Length: 20\r\n\r\n";
const TO_THE_END: &[u8] = b"HTTP/1.1 404 \r\n\r\n";
const WITHOUT: &[u8] = b"HTTP/1.1 304 \r\nContent-Length: 20\r\n\r\n";

/// So that the fuzzer need not find them; with the last it writes its own.
const HEADS: [&[u8]; 5] = [CHUNKED, OF_LENGTH, TO_THE_END, WITHOUT, b""];

fuzz_target!(|data: &[u8]| {
    let Some((&[head, a, b], rest)) = data.split_first_chunk() else { return };
    let head = HEADS[usize::from(head) % HEADS.len()];
    let stream = [head, rest].concat();
    let whole = connect(&[&stream]);
    for pieces in [cut(&stream, a, b), cut(&stream, 1, 1)] {
        assert_eq!(connect(&pieces), whole);
    }
    let expected = match head {
        CHUNKED => join_chunks(rest),
        OF_LENGTH => Some(rest[..rest.len().min(20)].to_vec()),
        TO_THE_END => Some(rest.to_vec()),
        WITHOUT => Some(Vec::new()),
        _ => None,
    };
    if let Some(expected) = expected {
        assert_eq!(whole.expect("the head is right").1, expected);
    }
});

/// The head and the body of a refusal; otherwise how it ended.
fn connect(pieces: &[&[u8]]) -> Result<(String, Vec<u8>), String> {
    let pieces = pieces.iter().map(|piece| piece.to_vec()).filter(|piece| !piece.is_empty());
    let server = Server(pieces.collect());
    match WebSocket::connect_over(ReadWrite(server), builder(), &Config::new()) {
        Err(Error::Refused(refusal)) => {
            Ok((describe_response(refusal.response()), refusal.body().to_vec()))
        }
        // Its key is not one that an answer can be known for.
        Ok(_) => panic!("nobody has seen the key"),
        Err(error) => Err(error.to_string()),
    }
}

/// Gives what it was made of, whatever it is asked.
struct Server(std::collections::VecDeque<Vec<u8>>);

impl Read for Server {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.0.pop_front() else { return Ok(0) };
        let count = piece.len().min(buf.len());
        buf[..count].copy_from_slice(&piece[..count]);
        if count < piece.len() {
            self.0.push_front(piece.split_off(count));
        }
        Ok(count)
    }
}

impl Write for Server {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// RFC 9112, 7.1, with what there is of the last chunk; `None` if a line is not of that form.
fn join_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|end| end == b"\r\n") else { return Some(body) };
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let is_size = size.bytes().all(|byte| byte.is_ascii_hexdigit()) && size.len() < 16;
        if !is_size || extension.contains(|c: char| c.is_ascii_control()) {
            return None;
        }
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[end + 2..];
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        match rest.get(size..).and_then(|rest| rest.get(2..)) {
            Some(next) if size > 0 => rest = next,
            _ => return Some(body),
        }
    }
}
