//! Runs a connection over a stream that comes in pieces, by either call, and
//! checks on the way what is true of every call.
#![allow(unreachable_pub, reason = "the tests' own")]

use sansws::CloseCode;
use sansws::{Config, Connection, Error, MaskingKeys, Part, State, Transport};

use crate::reference::{Decoded, Item, Rules};

/// Which of `receive` and `receive_part` to call next, over and over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Call {
    Receive,
    ReceivePart,
}

pub const WHOLE: &[Call] = &[Call::Receive];
pub const PARTS: &[Call] = &[Call::ReceivePart];

/// All that a connection makes of a stream, and where it stands then.
#[derive(Debug, PartialEq)]
pub struct Ran {
    pub decoded: Decoded,
    pub state: State,
    pub transport: Transport,
    pub close_code: Option<CloseCode>,
    pub close_sent: bool,
}

pub fn connection(rules: &Rules) -> Connection {
    let config = Config::new()
        .max_frame_len(rules.max_frame_len)
        .max_message_len(rules.max_message_len)
        .max_fragments(rules.max_fragments)
        .require_minimal_len(rules.minimal_len);
    let key = rules.key;
    match rules.is_server {
        true => Connection::server(&config),
        false => Connection::client(&config, MaskingKeys::new(move || key)),
    }
}

/// Runs a new connection over a stream that comes in `pieces`.
pub fn run(rules: &Rules, pieces: &[&[u8]], calls: &[Call]) -> Ran {
    let mut ws = connection(rules);
    let decoded = receive_all(&mut ws, pieces, calls);
    assert_eq!(ws.failure(), decoded.violation);
    if calls == PARTS {
        assert!(ws.buffered() <= 125, "{} bytes held", ws.buffered());
    }
    Ran {
        decoded,
        state: ws.state(),
        transport: ws.transport(),
        close_code: ws.close_code(),
        close_sent: ws.close_sent().is_some(),
    }
}

/// Gives the pieces to `calls` in turn, joins parts, and checks on the way
/// what is true of every call.
fn receive_all(ws: &mut Connection, pieces: &[&[u8]], calls: &[Call]) -> Decoded {
    let mut decoded = Decoded::default();
    let mut joined = None;
    let mut calls = calls.iter().copied().cycle();
    let mut buffer = Vec::new();
    for piece in pieces {
        buffer.clear();
        buffer.extend_from_slice(piece);
        let mut input = &mut buffer[..];
        let mut call = calls.next().unwrap();
        let mut was_wrong = false;
        loop {
            let (before, out_before) = (input.len(), decoded.replies.len());
            let received = match call {
                Call::Receive => {
                    let event = ws.receive(&mut input, &mut decoded.replies);
                    event.map(|event| event.map(|event| Some(Item::from(event))))
                }
                Call::ReceivePart => {
                    let part = ws.receive_part(&mut input, &mut decoded.replies);
                    part.map(|part| part.map(|part| join(part, &mut joined)))
                }
            };
            match received {
                Ok(Some(item)) => {
                    assert!(input.len() < before, "an event takes at least a byte");
                    decoded.items.extend(item);
                    call = calls.next().unwrap();
                    was_wrong = false;
                }
                Ok(None) => {
                    assert!(input.is_empty(), "None means that all of the input was taken");
                    break;
                }
                Err(Error::WrongReceive) => {
                    assert!(!was_wrong, "one of the two calls must be right");
                    assert_eq!((input.len(), decoded.replies.len()), (before, out_before));
                    was_wrong = true;
                    call = match call {
                        Call::Receive => Call::ReceivePart,
                        Call::ReceivePart => Call::Receive,
                    };
                }
                Err(Error::Failed(violation)) if decoded.violation.is_none() => {
                    decoded.violation = Some(violation);
                }
                Err(error) => {
                    assert_eq!(error.violation(), decoded.violation, "the first error stays");
                    assert_eq!(decoded.replies.len(), out_before, "nothing is sent after it");
                    assert!(input.is_empty(), "what comes after it is discarded");
                    break;
                }
            }
        }
    }
    decoded
}

/// Joins a part to those before it; what it completes.
fn join(part: Part<'_>, joined: &mut Option<Item>) -> Option<Item> {
    let (added, first, last) = match part {
        Part::Text(part) => {
            assert!(part.last || part.lead.is_some() || !part.text.is_empty(), "an empty part");
            let text = part.lead.into_iter().chain(part.text.chars()).collect();
            (Item::Text(text), part.first, part.last)
        }
        Part::Binary(part) => {
            assert!(part.last || !part.data.is_empty(), "an empty part");
            (Item::Binary(part.data.to_vec()), part.first, part.last)
        }
        Part::Ping(data) => return Some(Item::Ping(data.into_owned())),
        Part::Pong(data) => return Some(Item::Pong(data.into_owned())),
        Part::Close(close) => return Some(close.into()),
        part => panic!("a part that this test does not know: {part:?}"),
    };
    assert_eq!(first, joined.is_none());
    let all = match (joined.take(), added) {
        (None, added) => added,
        (Some(Item::Text(text)), Item::Text(added)) => Item::Text(text + &added),
        (Some(Item::Binary(mut data)), Item::Binary(added)) => {
            data.extend(added);
            Item::Binary(data)
        }
        (begun, added) => panic!("{added:?} within {begun:?}"),
    };
    if last {
        return Some(all);
    }
    *joined = Some(all);
    None
}

/// Where a connection stands after such a stream (RFC 6455, 7.1).
pub fn expected(rules: &Rules, decoded: Decoded) -> Ran {
    let (state, transport, close_code) = match (&decoded.violation, decoded.items.last()) {
        (Some(_), _) => (State::Failed, Transport::Shutdown, Some(1006)),
        (None, Some(Item::Close(code, _))) => {
            let who = if rules.is_server { Transport::Shutdown } else { Transport::AwaitEof };
            (State::Closed, who, Some(code.unwrap_or(1005)))
        }
        (None, _) => (State::Open, Transport::Open, None),
    };
    let close_code = close_code.map(CloseCode::new);
    Ran { decoded, state, transport, close_code, close_sent: state != State::Open }
}
