//! A request and an answer get the same verdict whole and cut, and leave the
//! same bytes for the connection.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sansws::handshake::{Answer, HandshakeError, ServerHandshake};
use sansws_fuzz::cut;
use sansws_fuzz::heads::{ANSWER, client, describe_answer, describe_request};

/// Most of what is right, so that the fuzzer need not find it; the head goes on.
const REQUEST: &[u8] = b"GET /chat?a=b HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What came of a head, and how many bytes it took.
type Verdict = Result<(String, usize), HandshakeError>;

fuzz_target!(|data: &[u8]| {
    let Some((&[flags, limit, a, b], rest)) = data.split_first_chunk() else { return };
    let is_server = flags & 1 != 0;
    let start = match is_server {
        _ if flags & 2 != 0 => &b""[..],
        true => REQUEST,
        false => ANSWER,
    };
    let max_len = if flags & 4 != 0 { 4 * usize::from(limit) } else { 16 * 1024 };
    let stream = [start, rest].concat();
    let judge = if is_server { request } else { answer };
    let whole = judge(&[&stream], max_len);
    for pieces in [cut(&stream, a, b), cut(&stream, 1, 1)] {
        assert_eq!(judge(&pieces, max_len), whole);
    }
});

fn request(pieces: &[&[u8]], max_len: usize) -> Option<Verdict> {
    let mut handshake = ServerHandshake::new().max_head_len(max_len);
    first(pieces, |input| {
        let request = handshake.receive(input).transpose()?;
        Some(request.map(|request| describe_request(&request)))
    })
}

fn answer(pieces: &[&[u8]], max_len: usize) -> Option<Verdict> {
    let mut handshake = client().max_head_len(max_len);
    first(pieces, |input| {
        let answer = handshake.receive(input).transpose()?;
        Some(answer.map(|answer| {
            if let Answer::Accepted(accepted) = &answer {
                assert_eq!(accepted.response().status(), 101);
            }
            describe_answer(&answer)
        }))
    })
}

/// The first verdict, if there is one before the stream ends.
fn first(
    pieces: &[&[u8]],
    mut receive: impl FnMut(&mut &mut [u8]) -> Option<Result<String, HandshakeError>>,
) -> Option<Verdict> {
    let (mut buffer, mut taken) = (Vec::new(), 0);
    for piece in pieces {
        buffer.clear();
        buffer.extend_from_slice(piece);
        let mut input = &mut buffer[..];
        let verdict = receive(&mut input);
        taken += piece.len() - input.len();
        match verdict {
            Some(verdict) => return Some(verdict.map(|what| (what, taken))),
            None => assert!(input.is_empty(), "None means that all of the input was taken"),
        }
    }
    None
}
