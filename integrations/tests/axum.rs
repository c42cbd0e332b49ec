//! The extractor for axum, over HTTP/1.1 with our client and over HTTP/2 with hyper's.

mod support;

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http_body_util::BodyExt as _;
use hyper::ext::Protocol;
use hyper::{Request, StatusCode, Version};
use hyper_util::rt::TokioIo;
use integrations::axum::WebSocketUpgrade;
use integrations::hyper::{ConnectError, connect_http2};
use sansws::DeflateConfig;
use sansws::handshake::{OriginPolicy, RequestBuilder};
use sansws::io::Error;
use sansws::tokio::WebSocket;
use support::{Ended, config, converse, echo, http2_client, request};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Serves at `/ws`, of which it tells how each WebSocket ended; `/origin` is for pages of
/// `https://example.com`, and `/page` is a page too.
async fn server() -> (SocketAddr, UnboundedReceiver<Ended>) {
    let (sender, receiver) = unbounded_channel();
    let app = Router::new()
        .route("/ws", any(serve))
        .route("/origin", any(serve_origin))
        .route("/page", any(serve_page))
        .with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    (address, receiver)
}

async fn serve(
    State(sender): State<UnboundedSender<Ended>>,
    version: Version,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade.config(config()).subprotocols(&["b", "a"]).deflate(DeflateConfig::new());
    let selected = upgrade.subprotocol().unwrap_or("none").to_owned();
    let mut response = upgrade.on_upgrade(move |mut ws| async move {
        let (close, result) = echo(&mut ws).await;
        let _ = sender.send((version, close, result)); // not every test looks
    });
    response.headers_mut().insert("x-selected", selected.parse().unwrap());
    response
}

async fn serve_origin(upgrade: WebSocketUpgrade) -> Response {
    let policy = OriginPolicy::only(["https://example.com"]).unwrap();
    upgrade.origins(policy).on_upgrade(async |_| {})
}

async fn serve_page(upgrade: Option<WebSocketUpgrade>) -> Response {
    match upgrade {
        Some(upgrade) => upgrade.on_upgrade(async |_| {}),
        None => "a page".into_response(),
    }
}

#[tokio::test]
async fn our_client_agrees_over_http1() {
    let (address, mut ended) = server().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let request = request(&format!("ws://{address}/ws"));
    let (mut ws, accepted) = WebSocket::connect_over(stream, request, &config()).await.unwrap();
    assert_eq!(accepted.subprotocol(), Some("a"));
    assert!(accepted.deflate_parameters().is_some());
    assert_eq!(accepted.response().header("x-selected"), Some(&b"a"[..]));
    converse(&mut ws).await;
    let (version, close, result) = ended.recv().await.unwrap();
    assert_eq!((version, close), (Version::HTTP_11, Some((4000, "grüße".to_owned()))));
    result.unwrap();
}

#[tokio::test]
async fn a_client_of_hyper_agrees_over_http2() {
    let (address, mut ended) = server().await;
    let mut sender = http2_client(TcpStream::connect(address).await.unwrap()).await;
    let request = request(&format!("ws://{address}/ws"));
    let (mut ws, accepted) = connect_http2(&mut sender, request, &config()).await.unwrap();
    assert_eq!(accepted.subprotocol(), Some("a"));
    assert!(accepted.deflate_parameters().is_some());
    assert_eq!(accepted.response().header("x-selected"), Some(&b"a"[..]));
    converse(&mut ws).await;
    let (version, close, result) = ended.recv().await.unwrap();
    assert_eq!((version, close), (Version::HTTP_2, Some((4000, "grüße".to_owned()))));
    result.unwrap();
}

#[tokio::test]
async fn what_was_not_offered_is_not_agreed_on() {
    let (address, _ended) = server().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let request = RequestBuilder::new(&format!("ws://{address}/ws")).unwrap();
    let request = request.subprotocol("x").unwrap();
    let (_, accepted) = WebSocket::connect_over(stream, request, &config()).await.unwrap();
    assert_eq!(accepted.subprotocol(), None);
    assert!(accepted.deflate_parameters().is_none());
    assert_eq!(accepted.response().header("x-selected"), Some(&b"none"[..]));
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_so() {
    let (address, _ended) = server().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let rows: [(_, _, &[(&str, &str)], _); 5] = [
        ("GET", "/ws", &[], 426),
        ("GET", "/page", &[], 200),
        ("POST", "/ws", &[], 405),
        ("POST", "/page", &[], 200),
        ("GET", "/page", &[("upgrade", "websocket"), ("connection", "upgrade")], 400),
    ];
    for (method, path, fields, status) in rows {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(String::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{method} {path} {fields:?}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        // The method may be HEAD, whose answer has no content.
        assert_eq!(body.is_empty(), status == 405, "{method} {path} {fields:?}");
    }

    let mut sender = http2_client(TcpStream::connect(address).await.unwrap()).await;
    let rows = [
        ("CONNECT", "/ws", Some("websocket"), "13", 200),
        ("CONNECT", "/ws", Some("websocket"), "8", 400),
        ("CONNECT", "/ws", Some("connect-udp"), "13", 501),
        ("GET", "/ws", None, "13", 405),
        ("CONNECT", "/page", Some("websocket"), "13", 200),
        ("CONNECT", "/page", Some("websocket"), "8", 400),
        ("CONNECT", "/page", Some("connect-udp"), "13", 501),
        ("GET", "/page", None, "13", 200),
    ];
    for (method, path, protocol, version, status) in rows {
        let mut request = Request::builder().method(method).version(Version::HTTP_2);
        request = request.uri(format!("http://{address}{path}"));
        request = request.header("sec-websocket-version", version);
        if let Some(protocol) = protocol {
            request = request.extension(Protocol::from_static(protocol));
        }
        let response = sender.send_request(request.body(String::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{method} {path} {protocol:?} {version}");
    }
}

#[tokio::test]
async fn only_the_pages_of_the_policy_may_connect() {
    let (address, _ended) = server().await;
    let uri = format!("ws://{address}/origin");
    for (origin, is_allowed) in [("https://example.com", true), ("https://evil.example", false)] {
        let request = || RequestBuilder::new(&uri).unwrap().header("origin", origin).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        match WebSocket::connect_over(stream, request(), &config()).await {
            Ok(_) => assert!(is_allowed, "{origin}"),
            Err(Error::Refused(refusal)) => {
                assert_eq!((refusal.status(), is_allowed), (403, false), "{origin}");
            }
            Err(error) => panic!("{error}"),
        }
        let mut sender = http2_client(TcpStream::connect(address).await.unwrap()).await;
        match connect_http2(&mut sender, request(), &config()).await {
            Ok(_) => assert!(is_allowed, "{origin}"),
            Err(ConnectError::Refused(response)) => {
                let expected = (StatusCode::FORBIDDEN, false);
                assert_eq!((response.status(), is_allowed), expected, "{origin}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_request_that_hyper_did_not_read_cannot_be_upgraded() {
    use axum::extract::FromRequestParts as _;
    let (request, _) =
        request("ws://localhost/ws").start_http::<Body>(sansws::handshake::nonce()).unwrap();
    let (mut parts, _) = request.into_parts();
    let rejection = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.unwrap_err();
    assert_eq!(rejection.into_response().status(), StatusCode::UPGRADE_REQUIRED);
}
