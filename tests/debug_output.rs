//! What is printed for debugging ends up in logs, where no secret is to be.

use std::fmt::Debug;

use sansws::handshake::{ClientHandshake, RequestBuilder, ServerHandshake, Uri};
use sansws::{Config, Connection, MaskingKeys};

const SECRET: &str = "s3cr3t";

fn builder() -> RequestBuilder {
    let builder = RequestBuilder::new(&format!("wss://example.com/chat?token={SECRET}"));
    builder.and_then(|builder| builder.header("Authorization", SECRET)).expect("a right request")
}

fn started() -> (Vec<u8>, ClientHandshake) {
    let mut request = Vec::new();
    let handshake = builder().start([7; 16], &mut request);
    (request, handshake)
}

fn printed(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

#[test]
fn no_secret_of_a_handshake_is_printed() {
    let (mut request, client) = started();
    let bytes = format!("{:?}", SECRET.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']).to_owned();
    assert_eq!(String::from_utf8_lossy(&request).matches(SECRET).count(), 2);
    let (parts, _) = builder().start_fields([7; 16]);
    let (list, _) = builder().start_connect();
    let mut half = ServerHandshake::new();
    assert!(half.receive(&mut &mut request[..100].to_vec()[..]).is_ok());
    let mut server = ServerHandshake::new();
    let mut input = &mut request[..];
    let request = server.receive(&mut input).expect("well-formed").expect("all there");
    let accept = request.accept().expect("a right handshake").header("Set-Cookie", SECRET);
    let accept = accept.expect("a right header");
    for text in [
        printed(&builder()),
        printed(&builder().uri()),
        printed(&client),
        printed(&parts),
        printed(&list),
        printed(&half),
        printed(&request),
        printed(&accept),
        printed(&accept.into_response(&sansws::Config::new())),
    ] {
        assert!(!text.contains(SECRET) && !text.contains(&bytes), "{text}");
    }
}

#[test]
fn no_payload_that_is_still_to_be_sent_is_printed() {
    let mut ws = Connection::client(&Config::new(), MaskingKeys::new(|| [0; 4]));
    let payload = ws.send_text_lazily(SECRET, &mut Vec::new()).expect("it is open");
    let text = printed(&payload);
    assert!(text.contains("len: 6") && !text.contains(SECRET), "{text}");
    assert!(!text.contains(&format!("{}", SECRET.as_bytes()[0])), "{text}");
}

#[test]
fn a_uri_is_printed_without_its_query() {
    for (uri, expected) in [
        ("ws://example.com:8080/a?b=c", "Uri(ws://example.com:8080/a?..)"),
        ("wss://example.com?", "Uri(wss://example.com/?..)"),
        ("wss://[::1]/a", "Uri(wss://[::1]/a)"),
        ("ws://h/a?u=http://x/y", "Uri(ws://h/a?..)"),
    ] {
        assert_eq!(Uri::parse(uri).map(|uri| format!("{uri:?}")), Ok(expected.to_owned()));
    }
}

#[cfg(feature = "connect")]
#[test]
fn no_password_of_a_proxy_is_printed() {
    let connector = sansws::io::Connector::new();
    let connector = connector.proxy(&format!("http://user:{SECRET}@proxy.example:3128"));
    let text = printed(&connector.expect("a right proxy"));
    assert!(!text.contains(SECRET), "{text}");
}
