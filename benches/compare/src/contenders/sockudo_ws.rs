//! sockudo-ws: its stream and sink, flushed once a batch; without deadlines,
//! since there is no runtime to keep them.

use futures::{SinkExt, StreamExt};
use sockudo_ws::{Config, Message, WebSocketStream};

use super::Role;
use crate::measure::Contender;
use crate::stream::{Stream, Tap, block_on};
use crate::work::{Tally, Work};

const NAME: &str = "sockudo-ws";

fn open(work: &Work, role: Role) -> (WebSocketStream<Stream>, Tap) {
    let tap = Tap::default();
    let stream = Stream::new(work.input.clone(), tap.clone());
    let config = Config::builder().auto_ping(false).idle_timeout(0).build();
    let ws = match role {
        Role::Server => WebSocketStream::server(stream, config),
        Role::Client => WebSocketStream::client(stream, config),
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
                ws.feed(Message::Binary(data.clone())).await.unwrap();
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
        let result = block_on(sockudo_ws::handshake::server_handshake(&mut stream)).unwrap();
        let ws = WebSocketStream::server(&mut stream, Config::default());
        std::hint::black_box((result, ws));
    };
    Contender::new(NAME, tap, Box::new(run))
}

/// Text is known to be UTF-8, but kept as bytes: `as_text` would check it again.
#[inline]
fn see(message: &Message, tally: &mut Tally) {
    match message {
        Message::Text(text) => tally.text_bytes(text),
        Message::Binary(data) => tally.binary(data),
        _ => unreachable!(),
    }
}
