//! What the targets about handshakes say of requests and responses.

use sansws::handshake::{
    AcceptKey, Answer, ClientHandshake, Fields, Request, RequestBuilder, Response,
};
use sansws::{Config, DeflateConfig};

use crate::handshake::NONCE;

/// Asks for all that can be negotiated.
pub fn builder() -> RequestBuilder {
    let builder = RequestBuilder::new("ws://example.com/chat").unwrap();
    let builder = builder.subprotocol("a").unwrap().subprotocol("b").unwrap();
    builder.deflate(DeflateConfig::new())
}

/// Waits for an answer such as [`ANSWER`].
pub fn client() -> ClientHandshake {
    builder().start(NONCE, &mut Vec::new())
}

/// The beginning of an answer that accepts what [`client`] asks.
pub const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

pub fn describe_request(request: &Request<'_>) -> String {
    let mut out = Vec::new();
    let verdict = request.accept().map(|accept| {
        assert_eq!(request.method(), "GET");
        for extension in request.extensions() {
            assert!(!extension.name().is_empty());
            assert!(extension.parameters().all(|(name, _)| !name.is_empty()));
        }
        let accept = accept.select_subprotocol(&["a", "b"]).deflate(DeflateConfig::new());
        assert!(
            accept.subprotocol().is_none_or(|chosen| request.subprotocols().any(|o| o == chosen))
        );
        drop(accept.into_connection(&Config::new(), &mut out));
        let key = AcceptKey::new(request.header("sec-websocket-key").unwrap());
        let accepts = format!("\r\nSec-WebSocket-Accept: {key}\r\n");
        assert!(out.windows(accepts.len()).any(|line| line == accepts.as_bytes()));
    });
    if let Err(error) = verdict {
        error.respond(&mut out);
    }
    assert!(out.starts_with(b"HTTP/1.1 ") && out.windows(4).any(|end| end == b"\r\n\r\n"));
    let (fields, target) = (describe(request.headers()), request.target());
    format!("{target:?} {fields} {} {verdict:?}", out.escape_ascii())
}

pub fn describe_answer(answer: &Answer<'_>) -> String {
    match answer {
        Answer::Accepted(accepted) => {
            let subprotocol = accepted.subprotocol();
            assert!(matches!(subprotocol, None | Some("a" | "b")));
            let deflate = accepted.deflate_parameters();
            format!("{subprotocol:?} {deflate:?} {}", describe_response(accepted.response()))
        }
        Answer::Refused(response) => describe_response(response),
    }
}

pub fn describe_response(response: &Response<'_>) -> String {
    for (name, value) in response.headers() {
        assert!(!name.is_empty() && !value.contains(&b'\n') && !value.contains(&b'\r'));
    }
    format!("{} {}", response.status(), describe(response.headers()))
}

fn describe(fields: Fields<'_>) -> String {
    let fields = fields.map(|(name, value)| (name, value.escape_ascii().to_string()));
    format!("{:?}", fields.collect::<Vec<_>>())
}
