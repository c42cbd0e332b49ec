//! wtx: payloads lent from its buffer where they lie in one piece. It masks what
//! it is given in place, so a client that keeps its messages copies them.

use std::hint::black_box;

use wtx::collection::Vector;
use wtx::rng::{Xorshift64, simple_seed};
use wtx::stream::{StreamReader, StreamWriter};
use wtx::web_socket::{
    Frame, FrameMut, OpCode, WebSocket, WebSocketAcceptor, WebSocketBuffer, WebSocketOwned,
    WebSocketPayloadOrigin,
};

use super::Role;
use crate::measure::{Contender, Run};
use crate::stream::{Stream, Tap, block_on};
use crate::work::{Tally, Work};

const NAME: &str = "wtx";

impl StreamReader for Stream {
    #[inline]
    async fn read(&mut self, bytes: &mut [u8]) -> wtx::Result<usize> {
        Ok(std::io::Read::read(self, bytes)?)
    }
}

impl StreamWriter for Stream {
    #[inline]
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        self.give(bytes);
        Ok(())
    }

    #[inline]
    async fn write_all_vectored(&mut self, bytes: &[&[u8]]) -> wtx::Result<()> {
        bytes.iter().for_each(|bytes| self.give(bytes));
        Ok(())
    }
}

type Open<const IS_CLIENT: bool> = WebSocketOwned<(), Xorshift64, Stream, IS_CLIENT>;

fn open<const IS_CLIENT: bool>(work: &Work) -> (Open<IS_CLIENT>, Tap) {
    let tap = Tap::default();
    let stream = Stream::new(work.input.clone(), tap.clone());
    let rng = Xorshift64::from(simple_seed());
    (WebSocket::new((), false, rng, stream, WebSocketBuffer::new()), tap)
}

pub fn receive(work: &Work) -> Contender {
    let (mut ws, tap) = open::<false>(work);
    let count = work.len();
    let mut buffer = Vector::new();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                let origin = WebSocketPayloadOrigin::Adaptive;
                see(&ws.read_frame(&mut buffer, origin).await.unwrap(), tally);
            }
        });
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn echo(work: &Work) -> Contender {
    let (mut ws, tap) = open::<false>(work);
    let count = work.len();
    let mut buffer = Vector::new();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                let origin = WebSocketPayloadOrigin::Adaptive;
                let (mut common, mut reader, mut writer) = ws.split_mut();
                let mut frame = reader.read_frame(&mut buffer, &mut common, origin).await.unwrap();
                see(&frame, tally);
                writer.write_frame(&mut common, &mut frame).await.unwrap();
            }
        });
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn send(work: &Work, role: Role) -> Contender {
    let mut messages: Vec<_> = work.messages.iter().map(|message| message.to_vec()).collect();
    let (run, tap): (Run, Tap) = if role == Role::Server {
        let (mut ws, tap) = open::<false>(work);
        let run = move |_: &mut Tally| {
            block_on(async {
                for data in &mut messages {
                    let mut frame = Frame::new_fin(OpCode::Binary, &mut data[..]);
                    ws.write_frame(&mut frame).await.unwrap();
                }
            });
        };
        (Box::new(run), tap)
    } else {
        let (mut ws, tap) = open::<true>(work);
        let mut buffer = Vec::new();
        let run = move |_: &mut Tally| {
            block_on(async {
                for data in &messages {
                    buffer.clear();
                    buffer.extend_from_slice(data);
                    let mut frame = Frame::new_fin(OpCode::Binary, &mut buffer[..]);
                    ws.write_frame(&mut frame).await.unwrap();
                }
            });
        };
        (Box::new(run), tap)
    };
    Contender::new(NAME, tap, run)
}

pub fn handshake(work: &Work) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let run = move |_: &mut Tally| {
        let accepted = block_on(WebSocketAcceptor::default().accept(&mut stream));
        black_box(accepted.unwrap());
    };
    Contender::new(NAME, tap, Box::new(run))
}

#[inline]
fn see(frame: &FrameMut<'_, false>, tally: &mut Tally) {
    match frame.text_payload() {
        Some(text) => tally.text(text),
        None => tally.binary(frame.payload()),
    }
}
