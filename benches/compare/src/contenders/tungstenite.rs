//! tungstenite: messages written, and flushed once a batch.

use tungstenite::protocol::{Message, Role as TheirRole, WebSocket};

use super::Role;
use crate::measure::Contender;
use crate::stream::{Stream, Tap};
use crate::work::{Tally, Work};

const NAME: &str = "tungstenite";

fn open(work: &Work, role: Role) -> (WebSocket<Stream>, Tap) {
    let tap = Tap::default();
    let stream = Stream::new(work.input.clone(), tap.clone());
    let role = if role == Role::Server { TheirRole::Server } else { TheirRole::Client };
    (WebSocket::from_raw_socket(stream, role, None), tap)
}

pub fn receive(work: &Work) -> Contender {
    let (mut ws, tap) = open(work, Role::Server);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        for _ in 0..count {
            see(&ws.read().unwrap(), tally);
        }
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn echo(work: &Work) -> Contender {
    let (mut ws, tap) = open(work, Role::Server);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        for _ in 0..count {
            let message = ws.read().unwrap();
            see(&message, tally);
            ws.write(message).unwrap();
        }
        ws.flush().unwrap();
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn send(work: &Work, role: Role) -> Contender {
    let (mut ws, tap) = open(work, role);
    let messages = work.messages.clone();
    let run = move |_: &mut Tally| {
        for data in messages.iter() {
            ws.write(Message::Binary(data.clone())).unwrap();
        }
        ws.flush().unwrap();
    };
    Contender::new(NAME, tap, Box::new(run))
}

pub fn handshake(work: &Work) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let run = move |_: &mut Tally| {
        std::hint::black_box(tungstenite::accept(&mut stream).unwrap());
    };
    Contender::new(NAME, tap, Box::new(run))
}

#[inline]
fn see(message: &Message, tally: &mut Tally) {
    match message {
        Message::Text(text) => tally.text(text),
        Message::Binary(data) => tally.binary(data),
        _ => unreachable!(),
    }
}
