//! tokio-websockets: its stream and sink, flushed once a batch.

use futures::{SinkExt, StreamExt};
use tokio_websockets::{ClientBuilder, Message, ServerBuilder, WebSocketStream};

use super::Role;
use crate::measure::Contender;
use crate::stream::{Stream, Tap, block_on};
use crate::work::{Tally, Work};

const NAME: &str = "tokio-websockets";

fn open(work: &Work, role: Role) -> (WebSocketStream<Stream>, Tap) {
    let tap = Tap::default();
    let stream = Stream::new(work.input.clone(), tap.clone());
    let ws = match role {
        Role::Server => ServerBuilder::new().serve(stream),
        Role::Client => ClientBuilder::new().take_over(stream),
    };
    (ws, tap)
}

pub fn receive(work: &Work) -> Contender {
    let (mut ws, tap) = open(work, Role::Server);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                see(&ws.next().await.unwrap().unwrap(), tally);
            }
        });
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn echo(work: &Work) -> Contender {
    let (mut ws, tap) = open(work, Role::Server);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                let message = ws.next().await.unwrap().unwrap();
                see(&message, tally);
                ws.feed(message).await.unwrap();
            }
            ws.flush().await.unwrap();
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
                ws.feed(Message::binary(data.clone())).await.unwrap();
            }
            ws.flush().await.unwrap();
        });
    };
    Contender::new(NAME, tap, Box::new(run))
}

pub fn handshake(work: &Work) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let run = move |_: &mut Tally| {
        let accepted = block_on(ServerBuilder::new().accept(&mut stream));
        std::hint::black_box(accepted.unwrap());
    };
    Contender::new(NAME, tap, Box::new(run))
}

#[inline]
fn see(message: &Message, tally: &mut Tally) {
    match message.as_text() {
        Some(text) => tally.text(text),
        None => tally.binary(message.as_payload()),
    }
}
