//! yawc: its stream and sink, flushed once a batch; text checked with SIMD.

use futures::SinkExt;
use sansws::MessageKind;
use yawc::{Frame, OpCode, Options, Role, WebSocket};

use crate::measure::Contender;
use crate::stream::{Stream, Tap, block_on};
use crate::work::{Tally, Work};

pub fn options() -> Options {
    // It checks text only if it is told to.
    Options::default().with_limits(16 << 20, 32 << 20).with_utf8()
}

/// With the extension that was agreed on, if one was.
pub fn open(
    work: &Work,
    role: Role,
    extension: Option<&str>,
    options: Options,
) -> (WebSocket<Stream>, Tap) {
    let tap = Tap::default();
    let stream = Stream::new(work.input.clone(), tap.clone());
    (WebSocket::from_stream_with_extensions(stream, role, extension, options).unwrap(), tap)
}

pub fn receive(name: &str, (mut ws, tap): (WebSocket<Stream>, Tap), work: &Work) -> Contender {
    let count = work.len();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                let frame = ws.next_frame().await.unwrap();
                see(&frame, tally);
            }
        });
    };
    Contender::new(name, tap, Box::new(run)).receives(work)
}

pub fn echo(name: &str, (mut ws, tap): (WebSocket<Stream>, Tap), work: &Work) -> Contender {
    let count = work.len();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                let frame = ws.next_frame().await.unwrap();
                see(&frame, tally);
                ws.feed(frame).await.unwrap();
            }
            ws.flush().await.unwrap();
        });
    };
    Contender::new(name, tap, Box::new(run)).receives(work)
}

pub fn send(name: &str, (mut ws, tap): (WebSocket<Stream>, Tap), work: &Work) -> Contender {
    let messages = work.messages.clone();
    let is_text = work.kind == MessageKind::Text;
    let run = move |_: &mut Tally| {
        block_on(async {
            for message in messages.iter().cloned() {
                let frame = if is_text { Frame::text(message) } else { Frame::binary(message) };
                ws.feed(frame).await.unwrap();
            }
            ws.flush().await.unwrap();
        });
    };
    Contender::new(name, tap, Box::new(run))
}

/// Text is known to be UTF-8, but kept as bytes: `as_str` would check it again.
#[inline]
fn see(frame: &Frame, tally: &mut Tally) {
    match frame.opcode() {
        OpCode::Text => tally.text_bytes(frame.payload()),
        OpCode::Binary => tally.binary(frame.payload()),
        _ => unreachable!(),
    }
}
