//! Handshakes that come whole.

use std::hint::black_box;

use sansws::handshake::{AcceptKey, Answer, RequestBuilder, ServerHandshake};
use sansws::{Config, MaskingKeys};

use crate::Path;
use crate::messages::{KEY, buffer};

pub fn paths() -> Vec<Path> {
    vec![server(), client(), accept_key()]
}

/// As Firefox sends it.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
    Sec-WebSocket-Version: 13\r\nOrigin: http://example.com\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: keep-alive, Upgrade\r\n\
    Pragma: no-cache\r\nCache-Control: no-cache\r\nUpgrade: websocket\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Date: Sat, 21 Nov 2026 12:00:00 GMT\r\nServer: example\r\n\r\n";

/// From the request's bytes to the connection, the response written.
fn server() -> Path {
    Path::new("handshake/server", 1, || {
        let (mut input, mut out) = (buffer(), buffer());
        move |meter| {
            input.clear();
            input.extend_from_slice(REQUEST);
            out.clear();
            meter.run(|| {
                let mut input = &mut input[..];
                let mut handshake = ServerHandshake::new();
                let request = handshake.receive(&mut input).expect("well-formed");
                let accept = request.as_ref().expect("complete").accept().expect("a handshake");
                black_box(accept.into_connection(&Config::new(), &mut out));
            });
            assert!(out.starts_with(b"HTTP/1.1 101 "));
        }
    })
}

/// From a URI to the request, and from the response to the connection.
fn client() -> Path {
    Path::new("handshake/client", 1, || {
        let (mut input, mut out) = (buffer(), buffer());
        move |meter| {
            input.clear();
            input.extend_from_slice(RESPONSE);
            out.clear();
            meter.run(|| {
                let builder = RequestBuilder::new(black_box("ws://example.com/chat"));
                let nonce = *b"the sample nonce";
                let mut handshake = builder.expect("a URI").start(nonce, &mut out);
                let mut input = &mut input[..];
                let answer = handshake.receive(&mut input).expect("well-formed");
                let Some(Answer::Accepted(accepted)) = answer else { panic!("{answer:?}") };
                let keys = MaskingKeys::new(|| KEY);
                black_box(accepted.into_connection(&Config::new(), keys));
            });
        }
    })
}

fn accept_key() -> Path {
    Path::new("handshake/accept key", 1, || {
        |meter| {
            meter.run(|| {
                let accept = AcceptKey::new(black_box(b"dGhlIHNhbXBsZSBub25jZQ=="));
                assert_eq!(black_box(accept).as_str().len(), 28);
            });
        }
    })
}
