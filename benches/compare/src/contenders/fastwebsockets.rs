//! fastwebsockets: messages joined by its `FragmentCollector`; each frame is
//! written at once. Its handshake is hyper's.

use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role as TheirRole, WebSocket};

use super::Role;
use crate::measure::Contender;
use crate::stream::{Stream, Tap, block_on};
use crate::work::{Tally, Work};

const NAME: &str = "fastwebsockets";

fn open(work: &Work, role: Role) -> (WebSocket<Stream>, Tap) {
    let tap = Tap::default();
    let stream = Stream::new(work.input.clone(), tap.clone());
    let role = if role == Role::Server { TheirRole::Server } else { TheirRole::Client };
    (WebSocket::after_handshake(stream, role), tap)
}

pub fn receive(work: &Work) -> Contender {
    let (ws, tap) = open(work, Role::Server);
    let mut ws = FragmentCollector::new(ws);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                see(&ws.read_frame().await.unwrap(), tally);
            }
        });
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn echo(work: &Work) -> Contender {
    let (ws, tap) = open(work, Role::Server);
    let mut ws = FragmentCollector::new(ws);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                let frame = ws.read_frame().await.unwrap();
                see(&frame, tally);
                ws.write_frame(frame).await.unwrap();
            }
        });
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn send(work: &Work, role: Role) -> Contender {
    let (mut ws, tap) = open(work, role);
    let messages = work.messages.clone();
    let run = move |_: &mut Tally| {
        block_on(async {
            for data in messages.iter() {
                ws.write_frame(Frame::binary(Payload::Borrowed(data))).await.unwrap();
            }
            ws.flush().await.unwrap();
        });
    };
    Contender::new(NAME, tap, Box::new(run))
}

/// Text is known to be UTF-8, but lent as bytes.
#[inline]
fn see(frame: &Frame<'_>, tally: &mut Tally) {
    match frame.opcode {
        OpCode::Text => tally.text_bytes(&frame.payload),
        OpCode::Binary => tally.binary(&frame.payload),
        _ => unreachable!(),
    }
}
