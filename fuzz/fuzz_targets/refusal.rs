//! A refusal is the same for a program however it came, and its body is what the server sent.
#![no_main]

use std::io::{self, Read, Write};

use libfuzzer_sys::fuzz_target;
use sansws::Config;
use sansws::blocking::{ReadWrite, WebSocket};
use sansws::io::{Error, Refusal};
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
    let len = rest.len().min(Refusal::MAX_BODY_LEN);
    let expected = match head {
        CHUNKED => join_chunks(&rest[..len]),
        OF_LENGTH => rest[..len.min(20)].to_vec(),
        TO_THE_END => rest[..len].to_vec(),
        WITHOUT => Vec::new(),
        _ => return,
    };
    assert_eq!(whole.expect("the head is right").1, expected);
});

/// The head and the body of a refusal; otherwise how it ended.
fn connect(pieces: &[&[u8]]) -> Result<(String, Vec<u8>), String> {
    let pieces = pieces.iter().map(|piece| piece.to_vec()).filter(|piece| !piece.is_empty());
    let server = Server(pieces.collect());
    match WebSocket::connect_over(ReadWrite(server), builder(), &Config::new()) {
        Err(Error::Refused(refusal)) => {
            Ok((describe_response(refusal.response()), refusal.body().to_vec()))
        }
        Ok(_) => panic!("nobody has seen the key, which is random"),
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

/// RFC 9112, 7.1, with what there is of the last chunk, until a line is not of that form or longer
/// than anybody writes. As httparse has it: 16 digits, of which there may be none, and white space
/// and all kinds of extension behind them.
fn join_chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|end| end == b"\r\n") else { return body };
        let line = &rest[..end];
        rest = &rest[end + 2..];
        let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
        let digits = size.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (digits, space) = size.split_at(digits);
        let is_space = space.iter().all(|byte| b" \t".contains(byte));
        if !is_space || digits.len() > 16 || line.contains(&b'\r') || line.len() + 2 > 1024 {
            return body;
        }
        let digits = std::str::from_utf8(digits).unwrap();
        let size = usize::from_str_radix(digits, 16).unwrap_or(0);
        if rest.len() <= size {
            body.extend_from_slice(rest);
            return body;
        }
        body.extend_from_slice(&rest[..size]);
        match rest[size..].strip_prefix(b"\r\n") {
            Some(next) if size > 0 => rest = next,
            _ => return body,
        }
    }
}
