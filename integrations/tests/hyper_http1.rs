//! A server of hyper by the `Upgrade` of HTTP/1.1, with our client, hyper's client, and
//! clients that get it wrong.

mod support;

use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper::{Request, Version};
use hyper_util::rt::TokioIo;
use integrations::hyper::{ConnectError, connect_http1};
use sansws::handshake::RequestBuilder;
use sansws::io::Error;
use sansws::tokio::WebSocket;
use sansws::{Config, Message};
use support::{code_and_reason, config, converse, request, server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn http1_client(stream: tokio::io::DuplexStream) -> http1::SendRequest<String> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    sender
}

#[tokio::test]
async fn our_client_agrees_with_the_server() {
    let (stream, mut ended) = server();
    let request = request("ws://localhost/");
    let (mut ws, accepted) = WebSocket::connect_over(stream, request, &config()).await.unwrap();
    assert_eq!(accepted.subprotocol(), Some("a"));
    assert!(accepted.deflate_parameters().is_some());
    converse(&mut ws).await;
    let (version, close, result) = ended.recv().await.unwrap();
    assert_eq!((version, close), (Version::HTTP_11, Some((4000, "grüße".to_owned()))));
    result.unwrap();
}

#[tokio::test]
async fn a_client_of_hyper_agrees_with_the_server() {
    let (stream, mut ended) = server();
    let mut sender = http1_client(stream).await;
    let request = request("ws://localhost/");
    let (mut ws, accepted) = connect_http1(&mut sender, request, &config()).await.unwrap();
    assert_eq!(accepted.subprotocol(), Some("a"));
    assert!(accepted.deflate_parameters().is_some());
    converse(&mut ws).await;
    let (version, close, result) = ended.recv().await.unwrap();
    assert_eq!((version, close), (Version::HTTP_11, Some((4000, "grüße".to_owned()))));
    result.unwrap();
}

#[tokio::test]
async fn nothing_is_agreed_on_that_was_not_offered() {
    let (stream, _ended) = server();
    let request = RequestBuilder::new("ws://localhost/").unwrap().subprotocol("x").unwrap();
    let (_, accepted) = WebSocket::connect_over(stream, request, &config()).await.unwrap();
    assert_eq!(accepted.subprotocol(), None);
    assert!(accepted.deflate_parameters().is_none());
}

#[tokio::test]
async fn the_server_closes_first() {
    let (stream, mut ended) = server();
    let request = request("ws://localhost/close");
    let (mut ws, _) = WebSocket::connect_over(stream, request, &config()).await.unwrap();
    let Some(Message::Close(close)) = ws.read().await.unwrap() else { panic!("no Close") };
    assert_eq!(code_and_reason(&close), (4001, "not today".to_owned()));
    assert_eq!(ws.read().await.unwrap(), None);
    let (_, close, result) = ended.recv().await.unwrap();
    assert_eq!(close, Some((4001, "not today".to_owned())));
    result.unwrap();
}

#[tokio::test]
async fn frames_that_come_with_the_request_are_not_lost() {
    let (mut stream, _ended) = server();
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
                   Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A masked "hi" with a key of zeros
    let bytes = [request.as_bytes(), b"\x81\x82\0\0\0\0hi"].concat();
    stream.write_all(&bytes).await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"\x81\x02hi") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{}", read.escape_ascii());
    }
    assert!(read.starts_with(b"HTTP/1.1 101 "), "{}", read.escape_ascii());
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_so() {
    let right = [
        ("host", "localhost"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    // Method, path, and the field that is other than right
    let rows = [
        ("GET", "/", ("x-other", Some("y")), 101),
        ("POST", "/", ("x-other", Some("y")), 405),
        ("GET", "/", ("upgrade", None), 426),
        ("GET", "/", ("upgrade", Some("h2c")), 426),
        ("GET", "/", ("connection", None), 400),
        ("GET", "/", ("sec-websocket-version", None), 400),
        ("GET", "/", ("sec-websocket-version", Some("8")), 426),
        ("GET", "/", ("sec-websocket-key", None), 400),
        ("GET", "/", ("sec-websocket-key", Some("short")), 400),
        ("GET", "/", ("sec-websocket-protocol", Some("a, a")), 400),
        ("GET", "/origin", ("x-other", Some("y")), 403),
        ("GET", "/origin", ("origin", Some("https://evil.example")), 403),
        ("GET", "/origin", ("origin", Some("https://example.com")), 101),
    ];
    for (method, path, (name, value), status) in rows {
        let mut request = Request::builder().method(method).uri(path);
        for (other, value) in right.iter().filter(|(other, _)| *other != name) {
            request = request.header(*other, *value);
        }
        if let Some(value) = value {
            request = request.header(name, value);
        }
        let (stream, _ended) = server();
        let request = request.body(String::new()).unwrap();
        let response = http1_client(stream).await.send_request(request).await.unwrap();
        assert_eq!(response.status(), status, "{method} {path} {name}: {value:?}");
        let has = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
        match status {
            405 => assert_eq!(has("allow"), Some("GET")),
            426 => assert_eq!(has("upgrade"), Some("websocket")),
            _ => {}
        }
        if (name, value) == ("sec-websocket-version", Some("8")) {
            assert_eq!(has("sec-websocket-version"), Some("13"));
        }
        if status != 101 {
            let body = response.into_body().collect().await.unwrap().to_bytes();
            // The method may be HEAD, whose answer has no content.
            let is_told = if status == 405 { body.is_empty() } else { body.ends_with(b"\n") };
            assert!(is_told, "{method} {path} {name}: {}", body.escape_ascii());
        }
    }
}

#[tokio::test]
async fn our_clients_see_a_refusal() {
    let request = || RequestBuilder::new("ws://localhost/origin").unwrap();
    let (stream, _ended) = server();
    match WebSocket::connect_over(stream, request(), &Config::new()).await {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.status(), 403),
        other => panic!("{other:?}"),
    }
    let (stream, _ended) = server();
    match connect_http1(&mut http1_client(stream).await, request(), &Config::new()).await {
        Err(ConnectError::Refused(response)) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
}
