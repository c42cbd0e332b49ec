//! Compressed messages, on connections that keep their contexts.

use sansws::handshake::{Answer, RequestBuilder, ServerHandshake};
use sansws::{Config, Connection, DeflateConfig, Event, MaskingKeys};

use crate::Path;
use crate::messages::{KEY, buffer, json};

pub fn paths() -> Vec<Path> {
    vec![compress(), inflate()]
}

const MANY: u32 = 8;

fn compress() -> Path {
    Path::new("deflate/compress/1024", MANY, || {
        let [_, mut server] = pair();
        let (mut out, mut messages) = (buffer(), messages());
        move |meter| {
            let messages = messages();
            out.clear();
            meter.run(|| {
                for message in &messages {
                    server.send_text(message, &mut out).expect("it is open");
                }
            });
            assert!(out.len() < 1024 * MANY as usize);
        }
    })
}

fn inflate() -> Path {
    Path::new("deflate/inflate/1024", MANY, || {
        let [mut client, mut server] = pair();
        let (mut input, mut out, mut messages) = (buffer(), buffer(), messages());
        move |meter| {
            input.clear();
            for message in messages() {
                client.send_text(&message, &mut input).expect("it is open");
            }
            let mut received = 0;
            meter.run(|| {
                let mut input = &mut input[..];
                while let Some(event) = server.receive(&mut input, &mut out).expect("it is right") {
                    let Event::Text(text) = event else { panic!("{event:?}") };
                    received += u32::from(text.len() == 1024);
                }
            });
            assert_eq!(received, MANY);
        }
    })
}

/// Others each time.
fn messages() -> impl FnMut() -> Vec<String> {
    let mut numbers = 0..;
    move || numbers.by_ref().take(MANY as usize).map(json).collect()
}

/// A client and a server that have agreed to compress.
fn pair() -> [Connection; 2] {
    let (mut request, mut response) = (Vec::new(), Vec::new());
    let deflate = DeflateConfig::new();
    let builder = RequestBuilder::new("ws://example.com/").expect("a URI");
    let mut handshake = builder.deflate(deflate).start([7; 16], &mut request);
    let mut requests = ServerHandshake::new();
    let request = requests.receive(&mut &mut request[..]).expect("well-formed").expect("complete");
    let accept = request.accept().expect("a handshake").deflate(deflate);
    let server = accept.into_connection(&Config::new(), &mut response);
    let answer = handshake.receive(&mut &mut response[..]).expect("well-formed");
    let Some(Answer::Accepted(accepted)) = answer else { panic!("{answer:?}") };
    [accepted.into_connection(&Config::new(), MaskingKeys::new(|| KEY)), server]
}
