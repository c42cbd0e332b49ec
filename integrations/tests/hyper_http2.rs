//! A server of hyper by the extended CONNECT of HTTP/2 (RFC 8441), with hyper's client.

mod support;

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::ext::Protocol;
use hyper::{Request, Version};
use integrations::hyper::{ConnectError, WebSocket, connect_http2};
use sansws::handshake::RequestBuilder;
use sansws::io::Error;
use sansws::{Config, Message, Violation};
use support::{LONG, code_and_reason, config, converse, http2_client, request, server};
use tokio::io::AsyncWriteExt as _;

const URI: &str = "wss://localhost/";

#[tokio::test]
async fn a_client_agrees_with_the_server() {
    let (stream, mut ended) = server();
    let mut sender = http2_client(stream).await;
    let (mut ws, accepted) = connect_http2(&mut sender, request(URI), &config()).await.unwrap();
    assert_eq!(accepted.subprotocol(), Some("a"));
    assert!(accepted.deflate_parameters().is_some());
    converse(&mut ws).await;
    let (version, close, result) = ended.recv().await.unwrap();
    assert_eq!((version, close), (Version::HTTP_2, Some((4000, "grüße".to_owned()))));
    result.unwrap();
}

#[tokio::test]
async fn the_server_closes_first() {
    let (stream, mut ended) = server();
    let mut sender = http2_client(stream).await;
    let request = request("wss://localhost/close");
    let (mut ws, _) = connect_http2(&mut sender, request, &config()).await.unwrap();
    let Some(Message::Close(close)) = ws.read().await.unwrap() else { panic!("no Close") };
    assert_eq!(code_and_reason(&close), (4001, "not today".to_owned()));
    assert_eq!(ws.read().await.unwrap(), None);
    let (_, close, result) = ended.recv().await.unwrap();
    assert_eq!(close, Some((4001, "not today".to_owned())));
    result.unwrap();
}

#[tokio::test]
async fn a_broken_rule_ends_one_stream_and_not_the_others() {
    let (stream, mut ended) = server();
    let mut sender = http2_client(stream).await;
    let mut open = async || connect_http2(&mut sender, request(URI), &config()).await.unwrap().0;
    let mut other = open().await;
    let mut ws = open().await;
    // A frame that is not masked
    ws.stream_mut().write_all(b"\x81\x02hi").await.unwrap();
    let Some(Message::Close(close)) = ws.read().await.unwrap() else { panic!("no Close") };
    assert_eq!(close.code.map(u16::from), Some(1002));
    assert_eq!(ws.read().await.unwrap(), None);
    match ended.recv().await.unwrap().2 {
        Err(Error::Failed(Violation::MaskMissing)) => {}
        result => panic!("{result:?}"),
    }
    converse(&mut other).await;
    converse(&mut open().await).await;
}

#[tokio::test]
async fn a_stream_that_ends_without_a_close_frame_is_a_failure() {
    let (stream, mut ended) = server();
    let mut sender = http2_client(stream).await;
    let (ws, _) = connect_http2(&mut sender, request(URI), &config()).await.unwrap();
    drop(ws);
    match ended.recv().await.unwrap().2 {
        Err(Error::Failed(Violation::EndOfStream)) => {}
        result => panic!("{result:?}"),
    }
}

#[tokio::test]
async fn one_connection_carries_many() {
    let (stream, mut ended) = server();
    let mut sender = http2_client(stream).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let (mut ws, _) = connect_http2(&mut sender, request(URI), &config()).await.unwrap();
        tasks.spawn(async move {
            for round in 0..20 {
                let text = format!("{number}, {round}; ").repeat(round * 50);
                ws.send(&*text).await.unwrap();
                assert_eq!(ws.read().await.unwrap(), Some(Message::Text(text)));
            }
            ws
        });
    }
    // All are open until the last has had its say.
    let mut open = tasks.join_all().await;
    assert_eq!(open.len(), 100);
    assert!(ended.try_recv().is_err());
    for ws in &mut open {
        ws.close(None, "").await.unwrap();
    }
    for _ in 0..100 {
        ended.recv().await.unwrap().2.unwrap();
    }
}

#[tokio::test]
async fn a_long_message_passes_the_windows_of_flow_control() {
    let (stream, _ended) = server();
    let mut sender = http2_client(stream).await;
    let plain = RequestBuilder::new(URI).unwrap();
    let (mut ws, _) = connect_http2(&mut sender, plain, &config()).await.unwrap();
    let data: Vec<u8> = (0..LONG).map(|i| (i % 251) as u8).collect();
    ws.write(Message::Binary(data.clone())).unwrap();
    assert!(ws.read().await.unwrap() == Some(Message::Binary(data)));
    ws.close(None, "").await.unwrap();
}

/// Time stands still while there is anything to do, so what takes time waits for good.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_cannot_write_without_end() {
    let (stream, _ended) = server();
    let mut sender = http2_client(stream).await;
    let plain = || RequestBuilder::new(URI).unwrap();
    let (mut ws, _) = connect_http2(&mut sender, plain(), &config()).await.unwrap();
    let message = |number: usize| Message::Binary(number.to_be_bytes().repeat(1000));
    let mut sent = 0;
    loop {
        ws.write(message(sent)).unwrap();
        sent += 1;
        if tokio::time::timeout(Duration::from_secs(1), ws.flush()).await.is_err() {
            break;
        }
        assert!(sent < 10_000, "80 MB, and no end");
    }
    // What waits is its own: others go on.
    let (mut other, _) = connect_http2(&mut sender, plain(), &config()).await.unwrap();
    other.send("hello").await.unwrap();
    assert_eq!(other.read().await.unwrap(), Some(Message::Text("hello".into())));
    // And nothing is lost.
    for number in 0..sent {
        assert!(ws.read().await.unwrap() == Some(message(number)), "{number} of {sent}");
    }
    ws.close(None, "").await.unwrap();
}

/// What hyper has taken it keeps until the peer opens a window, however long that takes.
#[tokio::test]
async fn hyper_is_given_little_at_a_time() {
    let (stream, _ended) = server();
    let mut sender = http2_client(stream).await;
    let plain = RequestBuilder::new(URI).unwrap();
    let (mut ws, _) = connect_http2(&mut sender, plain, &config()).await.unwrap();
    ws.write(Message::Binary(vec![0; LONG])).unwrap();
    tokio::select! {
        biased;
        result = ws.flush() => panic!("hyper has taken all of it: {result:?}"),
        () = std::future::ready(()) => {}
    }
    assert!(ws.unwritten() > LONG - 256 * 1024, "{} of {LONG}", ws.unwritten());
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_so() {
    let (stream, _ended) = server();
    let mut sender = http2_client(stream).await;
    let version = ("sec-websocket-version", "13");
    let origin = |origin| ("origin", origin);
    let rows: [(_, _, _, &[(&str, &str)], _); 8] = [
        ("CONNECT", Some("websocket"), "/", &[version], 200),
        ("CONNECT", Some("connect-udp"), "/", &[version], 501),
        ("GET", None, "/", &[version], 405),
        ("CONNECT", Some("websocket"), "/", &[], 400),
        ("CONNECT", Some("websocket"), "/", &[("sec-websocket-version", "8")], 400),
        ("CONNECT", Some("websocket"), "/origin", &[version], 403),
        ("CONNECT", Some("websocket"), "/origin", &[version, origin("https://x.example")], 403),
        ("CONNECT", Some("websocket"), "/origin", &[version, origin("https://example.com")], 200),
    ];
    for (method, protocol, path, fields, status) in rows {
        let mut request = Request::builder().method(method).version(Version::HTTP_2);
        request = request.uri(format!("https://localhost{path}"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        if let Some(protocol) = protocol {
            request = request.extension(Protocol::from_static(protocol));
        }
        let request = request.body(String::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status, "{method} {protocol:?} {path} {fields:?}");
        if status != 200 {
            let body = response.into_body().collect().await.unwrap().to_bytes();
            // The method may be HEAD, whose answer has no content.
            let is_told = if status == 405 { body.is_empty() } else { body.ends_with(b"\n") };
            assert!(is_told, "{method} {protocol:?}: {}", body.escape_ascii());
        }
    }
}

#[tokio::test]
async fn our_client_sees_a_refusal() {
    let (stream, _ended) = server();
    let mut sender = http2_client(stream).await;
    let request = RequestBuilder::new("wss://localhost/origin").unwrap();
    let refused: Result<(WebSocket, _), _> =
        connect_http2(&mut sender, request, &Config::new()).await;
    match refused {
        Err(ConnectError::Refused(response)) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
}
