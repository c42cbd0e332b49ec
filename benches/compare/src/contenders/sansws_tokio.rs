//! sansws's adapter for tokio: the loop that its documentation begins with.

use futures::SinkExt;
use sansws::tokio::WebSocket;
use sansws::{Connection, Message};

use crate::measure::Contender;
use crate::stream::{Stream, Tap, block_on};
use crate::work::{Tally, Work};

const NAME: &str = "sansws, adapter for tokio";

fn open(work: &Work, connection: Connection) -> (WebSocket<Stream>, Tap) {
    let tap = Tap::default();
    let stream = Stream::new(work.input.clone(), tap.clone());
    (WebSocket::new(stream, connection, Vec::new()), tap)
}

pub fn receive(work: &Work, connection: Connection) -> Contender {
    let (mut ws, tap) = open(work, connection);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                see(&ws.read().await.unwrap().unwrap(), tally);
            }
        });
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn echo(work: &Work, connection: Connection) -> Contender {
    let (mut ws, tap) = open(work, connection);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                let event = ws.read().await.unwrap().unwrap();
                see(&event, tally);
                ws.write(event).unwrap();
            }
            ws.flush().await.unwrap();
        });
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn send(work: &Work, connection: Connection) -> Contender {
    let (mut ws, tap) = open(work, connection);
    let messages = work.messages.clone();
    let run = move |_: &mut Tally| {
        block_on(async {
            for data in messages.iter() {
                ws.feed(Message::from(&data[..])).await.unwrap();
            }
            ws.flush().await.unwrap();
        });
    };
    Contender::new(NAME, tap, Box::new(run))
}

#[inline]
fn see(event: &Message, tally: &mut Tally) {
    match event {
        Message::Text(text) => tally.text(text),
        Message::Binary(data) => tally.binary(data),
        _ => unreachable!(),
    }
}
