//! web-socket: behind a `BufReader`, as in its examples. What it leaves to the
//! program is done here: fragments are joined, and text is checked. It has no
//! handshake.

use tokio::io::BufReader;
use web_socket::{DataType, Event, MessageType, Stream as Part, WebSocket};

use super::Role;
use crate::measure::Contender;
use crate::stream::{Stream, Tap, block_on};
use crate::work::{Tally, Work};

const NAME: &str = "web-socket";

type Open = WebSocket<BufReader<Stream>>;

fn open(work: &Work, role: Role) -> (Open, Tap) {
    let tap = Tap::default();
    let stream = BufReader::new(Stream::new(work.input.clone(), tap.clone()));
    let ws = match role {
        Role::Server => WebSocket::server(stream),
        Role::Client => WebSocket::client(stream),
    };
    (ws, tap)
}

pub fn receive(work: &Work) -> Contender {
    let (mut ws, tap) = open(work, Role::Server);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                let (kind, data) = message(&mut ws).await;
                see(kind, &data, tally);
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
                let (kind, data) = message(&mut ws).await;
                see(kind, &data, tally);
                ws.send(&*data).await.unwrap();
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
                ws.send(&**data).await.unwrap();
            }
        });
    };
    Contender::new(NAME, tap, Box::new(run))
}

#[inline]
async fn message(ws: &mut Open) -> (MessageType, Box<[u8]>) {
    let mut joined = Vec::new();
    loop {
        let Event::Data { ty, data } = ws.recv().await.unwrap() else { unreachable!() };
        match ty {
            DataType::Complete(kind) => return (kind, data),
            DataType::Stream(part) => {
                joined.extend_from_slice(&data);
                if let Part::End(kind) = part {
                    return (kind, joined.into());
                }
            }
        }
    }
}

#[inline]
fn see(kind: MessageType, data: &[u8], tally: &mut Tally) {
    match kind {
        MessageType::Text => tally.text(std::str::from_utf8(data).unwrap()),
        MessageType::Binary => tally.binary(data),
    }
}
