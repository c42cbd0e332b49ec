//! A decoder written from RFC 6455 alone, to compare the library with: it has
//! the whole stream before it, goes through it once, copies everything and
//! cares about nothing but being obviously right.
//!
//! Where the RFC leaves a choice, it makes the library's documented one: each
//! rule is applied when the bytes it is about are there, the length's together
//! once the length is complete; where one byte breaks several rules, the first
//! in the text below counts.
#![allow(unreachable_pub, reason = "the tests' own")]

use sansws::{Close, Event, Violation};

/// Which end decodes, and what it allows.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub is_server: bool,
    pub max_frame_len: u64,
    pub max_message_len: u64,
    pub max_fragments: u32,
    pub minimal_len: bool,
    /// The key with which a client masks everything it sends.
    pub key: [u8; 4],
}

/// An event without a borrow.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

impl From<Event<'_>> for Item {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into_owned()),
            Event::Binary(data) => Self::Binary(data.into_owned()),
            Event::Ping(data) => Self::Ping(data.into_owned()),
            Event::Pong(data) => Self::Pong(data.into_owned()),
            Event::Close(close) => close.into(),
        }
    }
}

impl From<Close<'_>> for Item {
    fn from(close: Close<'_>) -> Self {
        Self::Close(close.code.map(|code| code.value()), close.reason.into_owned())
    }
}

/// What a stream amounts to.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded {
    pub items: Vec<Item>,
    /// Pongs, the answer to Close, and the Close frame that reports a violation.
    pub replies: Vec<u8>,
    pub violation: Option<Violation>,
}

/// Decodes all of `stream`, which may end anywhere.
pub fn decode(rules: &Rules, stream: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    if let Err(violation) = decode_frames(rules, stream, &mut decoded) {
        // 7.1.7: to fail the connection is to send a Close frame that says why
        let reason = violation.description();
        let payload = [&code(violation).to_be_bytes(), reason.as_bytes()].concat();
        decoded.replies.extend(frame(rules, 0x88, &payload));
        decoded.violation = Some(violation);
    }
    decoded
}

/// A message that has not had its last frame.
#[derive(Default)]
struct Message {
    is_text: bool,
    payload: Vec<u8>,
    declared: u128,
    frames: u32,
}

fn decode_frames(rules: &Rules, stream: &[u8], decoded: &mut Decoded) -> Result<(), Violation> {
    let mut message: Option<Message> = None;
    let mut at = 0;
    loop {
        let rest = &stream[at..];

        // The first byte: 5.2, then 5.4 and 5.5.
        let Some(first) = rest.first() else { return Ok(()) };
        let (fin, reserved, opcode) = (first >> 7 == 1, first >> 4 & 7, first & 0xF);
        if reserved != 0 {
            return Err(Violation::ReservedBit);
        }
        match (opcode, &message) {
            (3..=7 | 11..=15, _) => return Err(Violation::ReservedOpcode),
            (8..=10, _) if !fin => return Err(Violation::ControlFragmented),
            (0, None) => return Err(Violation::ContinuationUnexpected),
            (1 | 2, Some(_)) => return Err(Violation::MessageInterrupted),
            _ => {}
        }
        let is_control = opcode >= 8;

        // The second byte: 5.1, then 5.5.
        let Some(second) = rest.get(1) else { return Ok(()) };
        let is_masked = second >> 7 == 1;
        match (rules.is_server, is_masked) {
            (true, false) => return Err(Violation::MaskMissing),
            (false, true) => return Err(Violation::MaskUnexpected),
            _ => {}
        }
        let short_len = second & 0x7F;
        if is_control && short_len > 125 {
            return Err(Violation::ControlTooLong);
        }

        // The length: 5.2.
        let len_bytes = match short_len {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some(extended) = rest.get(2..2 + len_bytes) else { return Ok(()) };
        let len = match len_bytes {
            0 => u128::from(short_len),
            _ => extended.iter().fold(0, |len, byte| len * 256 + u128::from(*byte)),
        };
        if len >= 1 << 63 {
            return Err(Violation::LengthOverflow);
        }
        let is_minimal = match len_bytes {
            0 => true,
            2 => len >= 126,
            _ => len >= 65_536,
        };
        if rules.minimal_len && !is_minimal {
            return Err(Violation::LengthNotMinimal);
        }

        // The limits: 10.4.
        if !is_control {
            let (declared, frames) = message.as_ref().map_or((0, 0), |m| (m.declared, m.frames));
            if declared + len > u128::from(rules.max_message_len) {
                return Err(Violation::MessageTooBig);
            }
            if len > u128::from(rules.max_frame_len) {
                return Err(Violation::FrameTooBig);
            }
            if frames >= rules.max_fragments.max(1) {
                return Err(Violation::TooManyFragments);
            }
        }

        // The masking key and the payload, or what there is of it: 5.3.
        let header_len = 2 + len_bytes + if is_masked { 4 } else { 0 };
        let Some(header) = rest.get(..header_len) else { return Ok(()) };
        let available = &rest[header_len..];
        let payload_len = usize::try_from(len).unwrap_or(usize::MAX).min(available.len());
        let is_whole = payload_len as u128 == len;
        let mut payload = available[..payload_len].to_vec();
        if is_masked {
            for (i, byte) in payload.iter_mut().enumerate() {
                *byte ^= header[header_len - 4 + i % 4];
            }
        }

        if is_control {
            if !is_whole {
                return Ok(());
            }
            match opcode {
                9 => {
                    // 5.5.2: a pong with the same data
                    decoded.replies.extend(frame(rules, 0x8A, &payload));
                    decoded.items.push(Item::Ping(payload));
                }
                10 => decoded.items.push(Item::Pong(payload)),
                _ => {
                    // 5.5.1: a Close frame in answer; 1.4: after it, nothing counts
                    decoded.items.push(close(&payload)?);
                    decoded.replies.extend(frame(rules, 0x88, &payload));
                    return Ok(());
                }
            }
        } else {
            // 5.4: the first frame says what the message is, all are joined in order
            let begun = message.take();
            let mut joined =
                begun.unwrap_or_else(|| Message { is_text: opcode == 1, ..Message::default() });
            joined.payload.extend(payload);
            joined.declared += len;
            joined.frames += 1;
            let ends = fin && is_whole;
            if joined.is_text && !is_utf8(&joined.payload, ends) {
                return Err(Violation::InvalidUtf8);
            }
            if ends {
                decoded.items.push(match joined.is_text {
                    true => Item::Text(String::from_utf8(joined.payload).unwrap()),
                    false => Item::Binary(joined.payload),
                });
            } else {
                message = Some(joined);
            }
        }
        if !is_whole {
            return Ok(());
        }
        at += header_len + payload_len;
    }
}

/// 8.1, and as early as can be: whether these bytes are text, or can still
/// become text if more follow.
fn is_utf8(bytes: &[u8], is_all: bool) -> bool {
    match core::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => !is_all && error.error_len().is_none(),
    }
}

/// 5.5.1 and 7.4.
fn close(payload: &[u8]) -> Result<Item, Violation> {
    if payload.is_empty() {
        return Ok(Item::Close(None, String::new()));
    }
    if payload.len() == 1 {
        return Err(Violation::CloseTruncated);
    }
    let code = u16::from_be_bytes([payload[0], payload[1]]);
    match code {
        1000..=1003 | 1007..=1014 | 3000..=4999 => {}
        _ => return Err(Violation::CloseCodeInvalid),
    }
    match String::from_utf8(payload[2..].to_vec()) {
        Ok(reason) => Ok(Item::Close(Some(code), reason)),
        Err(_) => Err(Violation::CloseReasonInvalid),
    }
}

/// 7.4.1: which code says what.
fn code(violation: Violation) -> u16 {
    match violation {
        Violation::InvalidUtf8 | Violation::CloseReasonInvalid => 1007,
        Violation::TooManyFragments => 1008,
        Violation::FrameTooBig | Violation::MessageTooBig => 1009,
        _ => 1002,
    }
}

/// An unfragmented frame of at most 125 bytes as this end sends it.
fn frame(rules: &Rules, first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    match rules.is_server {
        true => [&[first, len], payload].concat(),
        false => {
            let masked = payload.iter().enumerate().map(|(i, byte)| byte ^ rules.key[i % 4]);
            [first, 0x80 | len].into_iter().chain(rules.key).chain(masked).collect()
        }
    }
}
