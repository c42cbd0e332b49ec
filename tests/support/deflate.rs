//! Connections that have agreed to compress.
#![allow(dead_code, reason = "each test file is a crate that uses its part of it")]

use sansws::handshake::{Answer, HandshakeError, RequestBuilder, ServerHandshake};
use sansws::{Config, Connection, DeflateConfig, MaskingKeys};

use crate::support::KEY;

/// What a server with `deflate` answers to these values of
/// `Sec-WebSocket-Extensions`, and its connection.
pub fn server(
    offers: &[&str],
    deflate: DeflateConfig,
    config: &Config,
) -> (Option<String>, Connection) {
    let mut request = String::from(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    );
    for offer in offers {
        request.push_str(&format!("Sec-WebSocket-Extensions: {offer}\r\n"));
    }
    let mut request = (request + "\r\n").into_bytes();
    let mut handshake = ServerHandshake::new();
    let mut input = &mut request[..];
    let request = handshake.receive(&mut input).expect("well-formed").expect("complete");
    let accept = request.accept().expect("a right handshake").deflate(deflate);
    let is_deflated = accept.deflate_parameters().is_some();
    let mut out = Vec::new();
    let ws = accept.into_connection(config, &mut out);
    let response = String::from_utf8(out).expect("ASCII");
    let mut answers =
        response.lines().filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let answer = answers.next().map(str::to_owned);
    assert_eq!(answers.next(), None, "{response}");
    assert_eq!(is_deflated, answer.is_some());
    (answer, ws)
}

/// What a client with `deflate` offers, and its connection once a server has
/// answered with this value of `Sec-WebSocket-Extensions`.
pub fn client(
    answer: &str,
    deflate: DeflateConfig,
    config: &Config,
) -> (String, Result<Connection, HandshakeError>) {
    let mut request = Vec::new();
    let builder = RequestBuilder::new("ws://h/").expect("a URI").deflate(deflate);
    let mut handshake = builder.start(*b"the sample nonce", &mut request);
    let request = String::from_utf8(request).expect("ASCII");
    let offer = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let mut response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         Sec-WebSocket-Extensions: {answer}\r\n\r\n"
    )
    .into_bytes();
    let result = match handshake.receive(&mut &mut response[..]) {
        Ok(Some(Answer::Accepted(accepted))) => {
            assert!(accepted.deflate_parameters().is_some());
            Ok(accepted.into_connection(config, MaskingKeys::new(|| KEY)))
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    (offer.expect("it offers").to_owned(), result)
}

/// A server and a client that have agreed on what the client offers.
pub fn pair(
    of_server: DeflateConfig,
    of_client: DeflateConfig,
    config: &Config,
) -> [Connection; 2] {
    let (offer, _) = client("permessage-deflate", of_client, config);
    let (answer, server) = server(&[&offer], of_server, config);
    let (_, client) = client(&answer.expect("it accepts"), of_client, config);
    [server, client.expect("a right answer")]
}
