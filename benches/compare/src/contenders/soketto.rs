//! soketto: messages received into one buffer of the program's, as its examples
//! do; flushed once a batch.

use sansws::MessageKind;
use soketto::connection::{Builder, Mode};
use soketto::{Data, Receiver, Sender};

use crate::measure::Contender;
use crate::stream::{Stream, Tap, block_on};
use crate::work::{Tally, Work};

pub type Open = (Sender<Stream>, Receiver<Stream>, Tap);

pub fn open(work: &Work, mode: Mode) -> Open {
    let (builder, tap) = builder(work, mode);
    let (sender, receiver) = builder.finish();
    (sender, receiver, tap)
}

/// Each message compressed by itself, at level 1: it has no other settings.
#[cfg(feature = "c-zlib")]
pub fn open_deflated(work: &Work) -> Open {
    use soketto::extension::{Extension, deflate::Deflate};

    let mut deflate = Deflate::new(Mode::Server);
    deflate.configure(&[]).unwrap();
    let (mut builder, tap) = builder(work, Mode::Server);
    builder.add_extensions([Box::new(deflate) as Box<dyn Extension + Send>]);
    let (sender, receiver) = builder.finish();
    (sender, receiver, tap)
}

fn builder(work: &Work, mode: Mode) -> (Builder<Stream>, Tap) {
    let tap = Tap::default();
    (Builder::new(Stream::new(work.input.clone(), tap.clone()), mode), tap)
}

pub fn receive(name: &str, (_sender, mut receiver, tap): Open, work: &Work) -> Contender {
    let count = work.len();
    let mut message = Vec::new();
    let run = move |tally: &mut Tally| {
        // The receiver shares the stream with the sender, which must not go.
        let _ = &_sender;
        block_on(async {
            for _ in 0..count {
                message.clear();
                match receiver.receive_data(&mut message).await.unwrap() {
                    Data::Text(_) => tally.text(std::str::from_utf8(&message).unwrap()),
                    Data::Binary(_) => tally.binary(&message),
                }
            }
        });
    };
    Contender::new(name, tap, Box::new(run)).receives(work)
}

pub fn echo(name: &str, (mut sender, mut receiver, tap): Open, work: &Work) -> Contender {
    let count = work.len();
    let mut message = Vec::new();
    let run = move |tally: &mut Tally| {
        block_on(async {
            for _ in 0..count {
                message.clear();
                match receiver.receive_data(&mut message).await.unwrap() {
                    Data::Text(_) => {
                        let text = std::str::from_utf8(&message).unwrap();
                        tally.text(text);
                        sender.send_text(text).await.unwrap();
                    }
                    Data::Binary(_) => {
                        tally.binary(&message);
                        sender.send_binary(&message).await.unwrap();
                    }
                }
            }
            sender.flush().await.unwrap();
        });
    };
    Contender::new(name, tap, Box::new(run)).receives(work)
}

pub fn send(name: &str, (mut sender, _receiver, tap): Open, work: &Work) -> Contender {
    let run: crate::measure::Run = match work.kind {
        MessageKind::Text => {
            let texts = work.texts();
            Box::new(move |_| {
                let _ = &_receiver;
                block_on(async {
                    for text in &texts {
                        sender.send_text(text).await.unwrap();
                    }
                    sender.flush().await.unwrap();
                });
            })
        }
        _ => {
            let messages = work.messages.clone();
            Box::new(move |_| {
                let _ = &_receiver;
                block_on(async {
                    for data in messages.iter() {
                        sender.send_binary(data).await.unwrap();
                    }
                    sender.flush().await.unwrap();
                });
            })
        }
    };
    Contender::new(name, tap, run)
}

pub fn handshake(name: &str, work: &Work) -> Contender {
    use soketto::handshake::Server;
    use soketto::handshake::server::Response;

    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let run = move |_: &mut Tally| {
        block_on(async {
            let mut server = Server::new(&mut stream);
            let key = server.receive_request().await.unwrap().key();
            server.send_response(&Response::Accept { key, protocol: None }).await.unwrap();
            std::hint::black_box(server.into_builder().finish());
        });
    };
    Contender::new(name, tap, Box::new(run))
}
