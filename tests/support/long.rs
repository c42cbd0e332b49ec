//! Long messages, and ways to receive them.
#![allow(dead_code, reason = "each test file is a crate that uses its part of it")]

use core::iter;

use sansws::{Config, Connection, MessageBuffer};

use crate::support::straight::read_straight;
use crate::support::{BINARY, CONTINUATION, KEY, Outcome, PING, Role, TEXT, receive};

/// The most that a message here is.
pub fn config() -> Config {
    Config::new().max_message_len(1 << 30)
}

/// Bytes that cannot be compressed.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    iter::repeat_with(next).take(len).collect()
}

/// Text of so many bytes, in characters of one to four.
pub fn text(len: usize) -> String {
    let mut text: String = "a é € 😀 ".chars().cycle().take(len).collect();
    while text.len() > len {
        text.pop();
    }
    while text.len() < len {
        text.push('x');
    }
    text
}

/// A stream of messages in fragments of these lengths, a ping after each that is odd.
pub fn stream(role: Role, messages: &[(bool, Vec<usize>)]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (is_text, fragments) in messages {
        let len = fragments.iter().sum();
        let (kind, message) = match is_text {
            true => (TEXT, text(len).into_bytes()),
            false => (BINARY, noise(len)),
        };
        let mut message = &message[..];
        for (i, &len) in fragments.iter().enumerate() {
            let (payload, rest) = message.split_at(len);
            message = rest;
            let opcode = if i == 0 { kind } else { CONTINUATION };
            let fin = if i + 1 == fragments.len() { 0x80 } else { 0 };
            stream.extend(role.incoming(fin | opcode, payload));
            if len % 2 == 1 {
                stream.extend(role.incoming_final(PING, &KEY));
            }
        }
    }
    stream
}

/// How a stream is received.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    Straight,
    Reusing,
    StraightReusing,
}

/// Receives a stream with reads of these lengths, in turn; what it makes of it, and how much
/// was read straight.
pub fn receive_in(
    way: Way,
    ws: &mut Connection,
    mut stream: &[u8],
    reads: &[usize],
) -> (Outcome, usize) {
    let (mut outcome, mut straight) = (Outcome::default(), 0);
    let (mut reads, mut memory) = (reads.iter().copied().cycle(), MessageBuffer::new());
    while !stream.is_empty() && outcome.error.is_none() {
        let most = reads.next().unwrap().min(stream.len());
        let count = if way == Way::Reusing { None } else { read_straight(ws, stream, most) };
        straight += count.unwrap_or(0);
        let (read, rest) = stream.split_at(count.unwrap_or(most));
        stream = rest;
        let read = if count.is_some() { &[] } else { read };
        let more = match way {
            Way::Straight => receive(ws, read),
            Way::Reusing | Way::StraightReusing => receive_reusing(ws, read, &mut memory),
        };
        outcome.events.extend(more.events);
        outcome.out.extend(more.out);
        outcome.error = more.error;
    }
    (outcome, straight)
}

/// Gives `bytes` to `receive_reusing` whole.
pub fn receive_reusing(ws: &mut Connection, bytes: &[u8], memory: &mut MessageBuffer) -> Outcome {
    let mut outcome = Outcome::default();
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    loop {
        match ws.receive_reusing(&mut input, &mut outcome.out, memory) {
            Ok(Some(event)) => outcome.events.push(event.into_owned()),
            Ok(None) => return outcome,
            Err(error) => {
                outcome.error = Some(error);
                return outcome;
            }
        }
    }
}
