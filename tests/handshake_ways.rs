//! A client and a server agree on the same, whichever way the handshake takes
//! between them: bytes, fields, a header list, types of the `http` crate.

mod support;

use proptest::prelude::*;
#[cfg(feature = "deflate")]
use sansws::DeflateConfig;
use sansws::handshake::{Accept, Accepted, Answer, Request, RequestBuilder, ServerHandshake};
use sansws::{Config, Connection, Event, MaskingKeys};
use support::handshake::NONCE;

/// What either side would like.
#[derive(Clone, Debug)]
struct Wishes {
    subprotocols: Vec<&'static str>,
    headers: Vec<(String, String)>,
    /// Both window bits, and whether either side goes without takeover.
    deflate: Option<(u8, u8, bool, bool)>,
}

#[cfg(feature = "deflate")]
impl Wishes {
    fn deflate(&self) -> Option<DeflateConfig> {
        let (send, receive, send_without, receive_without) = self.deflate?;
        let config = DeflateConfig::new().send_window_bits(send).receive_window_bits(receive);
        Some(config.send_without_takeover(send_without).receive_without_takeover(receive_without))
    }
}

/// What has come of it.
#[derive(Debug, PartialEq)]
struct Outcome {
    path: String,
    /// Of the request: those that say what is offered, and the client's own.
    asked: Vec<(String, Vec<u8>)>,
    /// Of the response: the same.
    answered: Vec<(String, Vec<u8>)>,
    subprotocol: Option<String>,
    /// A message each way, as the other side received it.
    messages: [String; 2],
    /// The frame of the server's message.
    frame: Vec<u8>,
}

/// A way for a handshake to take.
type Way = fn(RequestBuilder, &Wishes) -> Outcome;

const WAYS: &[(&str, Way)] = &[
    ("bytes", |builder, wishes| {
        let (mut request, mut response) = (Vec::new(), Vec::new());
        let mut client = builder.start(NONCE, &mut request);
        let mut server = ServerHandshake::new();
        let (seen, connection) = {
            let request = server.receive(&mut &mut request[..]).unwrap().unwrap();
            (
                seen(&request),
                accept(&request, wishes).into_connection(&Config::new(), &mut response),
            )
        };
        let mut input = &mut response[..];
        let answer = client.receive(&mut input).unwrap().unwrap();
        outcome(seen, connection, answer)
    }),
    ("fields", |builder, wishes| {
        let (request, mut client) = builder.start_fields(NONCE);
        let fields = request.fields().map(|(name, value)| (name, value.as_bytes()));
        let request = Request::from_fields(request.method(), request.target(), fields).unwrap();
        let (response, connection) = accept(&request, wishes).into_response(&Config::new());
        let fields = response.fields().map(|(name, value)| (name, value.as_bytes()));
        let answer = client.receive_fields(response.status(), fields).unwrap();
        outcome(seen(&request), connection, answer)
    }),
    ("header list", |builder, wishes| {
        let (request, mut client) = builder.start_connect();
        let fields = request.fields().map(|(name, value)| (name, value.as_bytes()));
        let request = Request::from_header_list(fields).unwrap();
        let (response, connection) = accept(&request, wishes).into_response(&Config::new());
        let fields = response.fields().map(|(name, value)| (name, value.as_bytes()));
        let answer = client.receive_fields(response.status(), fields).unwrap();
        outcome(seen(&request), connection, answer)
    }),
    #[cfg(feature = "http")]
    ("http types of HTTP/1.1", |builder, wishes| {
        let (request, client) = builder.start_http(NONCE).unwrap();
        by_http(&request, None, client, wishes)
    }),
    #[cfg(feature = "http")]
    ("http types of HTTP/2", |builder, wishes| {
        let (request, client) = builder.start_http_connect().unwrap();
        by_http(&request, Some("websocket"), client, wishes)
    }),
];

#[cfg(feature = "http")]
fn by_http(
    request: &http::Request<()>,
    protocol: Option<&str>,
    mut client: sansws::handshake::ClientHandshake,
    wishes: &Wishes,
) -> Outcome {
    let request = Request::from_http(request, protocol).unwrap();
    let (response, connection) = accept(&request, wishes).into_http::<()>(&Config::new());
    outcome(seen(&request), connection, client.receive_http(&response).unwrap())
}

fn ask(wishes: &Wishes) -> RequestBuilder {
    let mut builder = RequestBuilder::new("wss://example.com/chat?a=b").unwrap();
    for name in &wishes.subprotocols {
        builder = builder.subprotocol(name).unwrap();
    }
    for (name, value) in &wishes.headers {
        builder = builder.header(name, value).unwrap();
    }
    #[cfg(feature = "deflate")]
    if let Some(config) = wishes.deflate() {
        builder = builder.deflate(config);
    }
    builder
}

fn accept<'r>(request: &'r Request<'r>, wishes: &Wishes) -> Accept<'r> {
    let mut accept = request.accept().unwrap().select_subprotocol(&wishes.subprotocols);
    for (name, value) in &wishes.headers {
        accept = accept.header(name, value).unwrap();
    }
    #[cfg(feature = "deflate")]
    if let Some(config) = wishes.deflate() {
        accept = accept.deflate(config);
    }
    accept
}

/// The fields that are in every way of a handshake, by name.
fn common<'f>(fields: impl Iterator<Item = (&'f str, &'f [u8])>) -> Vec<(String, Vec<u8>)> {
    let only_upgrade =
        ["host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-accept"];
    let lower = fields.map(|(name, value)| (name.to_lowercase(), value.to_vec()));
    let mut fields: Vec<_> =
        lower.filter(|(name, _)| !only_upgrade.contains(&name.as_str())).collect();
    // Types of the http crate keep order only within a name.
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    fields
}

type Seen = (String, Vec<(String, Vec<u8>)>);

fn seen(request: &Request<'_>) -> Seen {
    assert!(request.is_websocket());
    assert_eq!(request.header("host"), Some(&b"example.com"[..]));
    (request.path().into(), common(request.headers()))
}

fn outcome((path, asked): Seen, mut server: Connection, answer: Answer<'_>) -> Outcome {
    let Answer::Accepted(accepted) = answer else { panic!("{answer:?}") };
    let answered = common(accepted.response().headers());
    let subprotocol = accepted.subprotocol().map(String::from);
    let mut client = open(accepted);
    let frame = sent(&mut server);
    let messages = [received(&mut client, frame.clone()), received(&mut server, sent(&mut client))];
    Outcome { path, asked, answered, subprotocol, messages, frame }
}

fn open(accepted: Accepted<'_>) -> Connection {
    accepted.into_connection(&Config::new(), MaskingKeys::new(|| [1, 2, 3, 4]))
}

fn sent(ws: &mut Connection) -> Vec<u8> {
    let mut out = Vec::new();
    ws.send_text(&"hello ".repeat(50), &mut out).unwrap();
    out
}

fn received(ws: &mut Connection, mut bytes: Vec<u8>) -> String {
    match ws.receive(&mut &mut bytes[..], &mut Vec::new()) {
        Ok(Some(Event::Text(text))) => text.into_owned(),
        other => panic!("{other:?}"),
    }
}

fn wishes() -> impl Strategy<Value = Wishes> {
    let names = vec!["chat", "superchat", "v2.chat", "Chat"];
    let subprotocols = proptest::sample::subsequence(names, 0..=4).prop_shuffle();
    let header = ("[xX]-[a-zA-Z0-9!.~]{0,8}", "([!-~\u{e9}]([ -~\t]{0,8}[!-~])?)?");
    let headers = proptest::collection::vec(header, 0..6);
    let deflate = proptest::option::of((9..=15u8, 9..=15u8, any::<bool>(), any::<bool>()));
    (subprotocols, headers, deflate).prop_map(|(subprotocols, headers, deflate)| Wishes {
        subprotocols,
        headers,
        deflate,
    })
}

proptest! {
    #[test]
    fn both_sides_agree_on_the_same_whichever_way(client in wishes(), server in wishes()) {
        let outcomes: Vec<Outcome> =
            WAYS.iter().map(|(_, way)| way(ask(&client), &server)).collect();
        for ((name, _), outcome) in WAYS.iter().zip(&outcomes) {
            prop_assert_eq!(outcome, &outcomes[0], "{}", name);
        }
        let outcome = &outcomes[0];
        let mut mutual = server.subprotocols.iter().filter(|name| client.subprotocols.contains(name));
        prop_assert_eq!(outcome.subprotocol.as_deref(), mutual.next().copied());
        prop_assert_eq!(&outcome.messages[..], &["hello ".repeat(50), "hello ".repeat(50)][..]);
        // The reserved bit says that a message is compressed.
        let is_deflated = cfg!(feature = "deflate") && client.deflate.and(server.deflate).is_some();
        prop_assert_eq!(outcome.frame[0], if is_deflated { 0xC1 } else { 0x81 });
        for (theirs, fields) in [(&client, &outcome.asked), (&server, &outcome.answered)] {
            let own = theirs.headers.iter();
            let own = common(own.map(|(name, value)| (&**name, value.as_bytes())));
            prop_assert!(own.iter().all(|field| fields.contains(field)), "{:?}", fields);
        }
    }
}
