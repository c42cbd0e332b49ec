//! What the tests share: frames written out by hand, independently of the
//! library, and ways to run a connection over bytes.
#![allow(dead_code, reason = "each test file is a crate that uses its part of it")]

mod frames;
pub mod straight;

use sansws::{Config, Connection, Error, Event, MaskingKeys, Part};

pub use self::frames::{KEY, raw_frame};

pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

/// Which end of the connection is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Server,
    Client,
}

impl Role {
    pub const BOTH: [Role; 2] = [Role::Server, Role::Client];

    /// A connection of this role; a client masks with `KEY` always.
    pub fn connection(self, config: &Config) -> Connection {
        match self {
            Role::Server => Connection::server(config),
            Role::Client => Connection::client(config, MaskingKeys::new(|| KEY)),
        }
    }

    /// A frame as the peer of this role sends it.
    pub fn incoming(self, first_byte: u8, payload: &[u8]) -> Vec<u8> {
        raw_frame(first_byte, (self == Role::Server).then_some(KEY), payload)
    }

    /// A frame as this role itself sends it.
    pub fn outgoing(self, first_byte: u8, payload: &[u8]) -> Vec<u8> {
        raw_frame(first_byte, (self == Role::Client).then_some(KEY), payload)
    }

    /// A final frame as the peer sends it.
    pub fn incoming_final(self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        self.incoming(0x80 | opcode, payload)
    }

    /// A Close frame as this role sends it.
    pub fn outgoing_close(self, code: u16, reason: &str) -> Vec<u8> {
        self.outgoing(0x80 | CLOSE, &close_payload(code, reason))
    }
}

pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// A header that declares `len`, in the shortest form, with nothing after it.
pub fn header_only(role: Role, first_byte: u8, len: u64) -> Vec<u8> {
    let mask_bit = if role == Role::Server { 0x80 } else { 0 };
    let mut header = vec![first_byte];
    match len {
        0..=125 => header.push(mask_bit | len as u8),
        126..=0xFFFF => {
            header.push(mask_bit | 126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(mask_bit | 127);
            header.extend(len.to_be_bytes());
        }
    }
    if role == Role::Server {
        header.extend(KEY);
    }
    header
}

/// All that a connection makes of some input.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    pub events: Vec<Event<'static>>,
    pub error: Option<Error>,
    pub out: Vec<u8>,
}

/// Gives `pieces` to `receive` one after the other.
pub fn receive_all<'p>(ws: &mut Connection, pieces: impl IntoIterator<Item = &'p [u8]>) -> Outcome {
    let mut outcome = Outcome::default();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            match ws.receive(&mut input, &mut outcome.out) {
                Ok(Some(event)) => outcome.events.push(event.into_owned()),
                Ok(None) => {
                    assert!(input.is_empty(), "None means that all of the input was taken");
                    break;
                }
                Err(error) => {
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
    }
    outcome
}

/// Gives `bytes` to `receive` whole.
pub fn receive(ws: &mut Connection, bytes: &[u8]) -> Outcome {
    receive_all(ws, [bytes])
}

/// Gives `bytes` to `receive` byte by byte.
pub fn receive_bytewise(ws: &mut Connection, bytes: &[u8]) -> Outcome {
    receive_all(ws, bytes.chunks(1))
}

/// A part with no borrow, for comparing.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnedPart {
    Text { text: String, first: bool, last: bool },
    Binary { data: Vec<u8>, first: bool, last: bool },
    Control(String),
}

impl From<Part<'_>> for OwnedPart {
    fn from(part: Part<'_>) -> Self {
        match part {
            Part::Text(part) => OwnedPart::Text {
                text: part.lead.into_iter().collect::<String>() + &part.text,
                first: part.first,
                last: part.last,
            },
            Part::Binary(part) => OwnedPart::Binary {
                data: part.data.into_owned(),
                first: part.first,
                last: part.last,
            },
            control => OwnedPart::Control(format!("{control:?}")),
        }
    }
}

/// A header, a key, and the longest payload of a control frame.
const MAX_ANSWER: usize = 2 + 4 + 125;

/// One call of `receive`, with what holds of every call: an event costs input,
/// and `None` means that all of it was taken.
pub fn receive_once<'b>(
    ws: &mut Connection,
    input: &mut &'b mut [u8],
    out: &mut Vec<u8>,
) -> Result<Option<Event<'b>>, Error> {
    let (before, out_before) = (input.len(), out.len());
    let result = ws.receive(input, out);
    assert!(out.len() - out_before <= MAX_ANSWER, "no call answers more than one frame");
    match &result {
        Ok(Some(event)) => assert!(input.len() < before, "{event:?} came from no input"),
        Ok(None) => assert!(input.is_empty(), "None means that all of the input was taken"),
        Err(_) => {}
    }
    result
}

/// All that a connection makes of some input when it is asked for parts.
#[derive(Debug, Default, PartialEq)]
pub struct PartsOutcome {
    pub parts: Vec<OwnedPart>,
    pub error: Option<Error>,
    pub out: Vec<u8>,
}

/// Gives `pieces` to `receive_part` one after the other.
pub fn receive_parts<'p>(
    ws: &mut Connection,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> PartsOutcome {
    let mut outcome = PartsOutcome::default();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            let before = input.len();
            match ws.receive_part(&mut input, &mut outcome.out) {
                Ok(Some(part)) => {
                    assert!(input.len() < before, "{part:?} came from no input");
                    outcome.parts.push(part.into());
                }
                Ok(None) => {
                    assert!(input.is_empty(), "None means that all of the input was taken");
                    break;
                }
                Err(error) => {
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
    }
    outcome
}

pub mod handshake;
