//! WebSockets on streams of HTTP/3 (RFC 9220), by h3 over quinn. Since h3 cannot say
//! `:protocol: websocket`, `connect-udp` stands in for it, and the tests say "websocket" to
//! our handshake where a program would say what h3 has read.

mod support;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use h3::ext::Protocol;
use h3::server::RequestResolver;
use http::{Response, StatusCode, Version};
use integrations::h3::Stream;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::rustls::pki_types::PrivateKeyDer;
use quinn::rustls::{ClientConfig, RootCertStore, ServerConfig};
use sansws::handshake::{self, Answer, HandshakeError};
use sansws::io::Error;
use sansws::tokio::WebSocket;
use sansws::{DeflateConfig, MaskingKeys, Message, Violation};
use support::{Ended, LONG, config, converse, echo, request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Resolver = RequestResolver<h3_quinn::Connection, Bytes>;
type Sender = h3::client::SendRequest<h3_quinn::OpenStreams, Bytes>;
type ClientStream = Stream<
    h3::client::RequestStream<h3_quinn::SendStream<Bytes>, Bytes>,
    h3::client::RequestStream<h3_quinn::RecvStream, Bytes>,
>;

/// A client, and what keeps its connection to an echo server.
async fn client() -> (Sender, UnboundedReceiver<Ended>, quinn::Endpoint) {
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let certificate = made.cert.der().clone();
    let (address, ended) = server(
        ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], PrivateKeyDer::from(made.signing_key)),
    );

    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let mut tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".into()];
    let tls = QuicClientConfig::try_from(tls).unwrap();
    let mut endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(tls)));
    let quic = endpoint.connect(address, "localhost").unwrap().await.unwrap();
    let (mut driver, sender) = h3::client::builder()
        .enable_extended_connect(true)
        .build(h3_quinn::Connection::new(quic))
        .await
        .unwrap();
    tokio::spawn(async move { driver.wait_idle().await });
    (sender, ended, endpoint)
}

fn server(
    tls: Result<ServerConfig, quinn::rustls::Error>,
) -> (SocketAddr, UnboundedReceiver<Ended>) {
    let mut tls = tls.unwrap();
    tls.alpn_protocols = vec![b"h3".into()];
    let tls = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()));
    let endpoint = quinn::Endpoint::server(tls, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = endpoint.local_addr().unwrap();
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        let quic = endpoint.accept().await.unwrap().await.unwrap();
        let mut http = h3::server::builder()
            .enable_extended_connect(true)
            .build::<_, Bytes>(h3_quinn::Connection::new(quic))
            .await
            .unwrap();
        while let Ok(Some(resolver)) = http.accept().await {
            tokio::spawn(serve(resolver, sender.clone()));
        }
    });
    (address, receiver)
}

async fn serve(resolver: Resolver, sender: UnboundedSender<Ended>) {
    let (request, mut stream) = resolver.resolve_request().await.unwrap();
    let version = request.version();
    let protocol = request.extensions().get::<Protocol>().map(|_| "websocket");
    let asked = handshake::Request::from_http(&request, protocol);
    let accepted = asked.and_then(|asked| {
        let accept = asked.accept()?.select_subprotocol(&["b", "a"]);
        Ok(accept.deflate(DeflateConfig::new()).into_http(&config()))
    });
    let (response, connection) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => return refuse(stream, error.into_http(version)).await,
    };
    stream.send_response(response).await.unwrap();
    let mut ws = WebSocket::new(Stream::server(stream), connection, Vec::new());
    let (close, result) = echo(&mut ws).await;
    let _ = sender.send((version, close, result)); // not every test looks
}

async fn refuse(
    mut stream: h3::server::RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>,
    response: Response<String>,
) {
    let (parts, body) = response.into_parts();
    stream.send_response(Response::from_parts(parts, ())).await.unwrap();
    stream.send_data(body.into()).await.unwrap();
    stream.finish().await.unwrap();
}

async fn open(sender: &mut Sender) -> WebSocket<ClientStream> {
    let (mut asked, mut handshake) =
        request("wss://localhost/chat?a=b").start_http_connect::<()>().unwrap();
    asked.extensions_mut().insert(Protocol::CONNECT_UDP);
    let mut stream = sender.send_request(asked).await.unwrap();
    let response = stream.recv_response().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let Ok(Answer::Accepted(accepted)) = handshake.receive_http(&response) else {
        panic!("refused: {response:?}");
    };
    assert_eq!(accepted.subprotocol(), Some("a"));
    assert!(accepted.deflate_parameters().is_some());
    let connection = accepted.into_connection(&config(), MaskingKeys::random());
    WebSocket::new(Stream::client(stream), connection, Vec::new())
}

/// If this fails, h3 has learnt it: use it in these tests, and in an example.
#[test]
fn h3_has_no_name_for_the_protocol() {
    assert!("websocket".parse::<Protocol>().is_err());
}

#[tokio::test]
async fn a_client_agrees_with_the_server() {
    let (mut sender, mut ended, _endpoint) = client().await;
    let mut ws = open(&mut sender).await;
    converse(&mut ws).await;
    let (version, close, result) = ended.recv().await.unwrap();
    assert_eq!((version, close), (Version::HTTP_3, Some((4000, "grüße".to_owned()))));
    result.unwrap();
}

#[tokio::test]
async fn a_long_message_passes_the_windows_of_flow_control() {
    let (mut sender, mut ended, _endpoint) = client().await;
    let mut ws = open(&mut sender).await;
    // Half of the longest, and in two, as deflate may make it longer.
    let data: Vec<u8> = (0..LONG / 2).map(|i| (i % 251) as u8).collect();
    ws.write(Message::Binary(data.clone())).unwrap();
    ws.write(Message::Binary(data.clone())).unwrap();
    for _ in 0..2 {
        assert!(ws.read().await.unwrap() == Some(Message::Binary((&data[..]).into())));
    }
    ws.close(None, "").await.unwrap();
    ended.recv().await.unwrap().2.unwrap();
}

#[tokio::test]
async fn one_connection_carries_many() {
    let (mut sender, mut ended, _endpoint) = client().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let mut ws = open(&mut sender).await;
        tasks.spawn(async move {
            for round in 0..10 {
                let text = format!("{number}, {round}; ").repeat(round * 50);
                ws.send(&*text).await.unwrap();
                assert_eq!(ws.read().await.unwrap(), Some(Message::Text(text)));
            }
            ws
        });
    }
    // All are open until the last has had its say.
    let mut open = tasks.join_all().await;
    assert_eq!(open.len(), 50);
    assert!(ended.try_recv().is_err());
    for ws in &mut open {
        ws.close(None, "").await.unwrap();
    }
    for _ in 0..50 {
        ended.recv().await.unwrap().2.unwrap();
    }
}

#[tokio::test]
async fn a_broken_rule_ends_one_stream_and_not_the_others() {
    let (mut sender, mut ended, _endpoint) = client().await;
    let mut other = open(&mut sender).await;
    let mut ws = open(&mut sender).await;
    // A frame that is not masked
    ws.stream_mut().write_all(b"\x81\x02hi").await.unwrap();
    ws.stream_mut().flush().await.unwrap();
    let Some(Message::Close(close)) = ws.read().await.unwrap() else { panic!("no Close") };
    assert_eq!(close.code.map(u16::from), Some(1002));
    assert_eq!(ws.read().await.unwrap(), None);
    match ended.recv().await.unwrap().2 {
        Err(Error::Failed(Violation::MaskMissing)) => {}
        result => panic!("{result:?}"),
    }
    converse(&mut other).await;
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_reset() {
    let (mut sender, mut ended, _endpoint) = client().await;
    drop(open(&mut sender).await);
    match ended.recv().await.unwrap().2 {
        Err(Error::Io(error)) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        result => panic!("{result:?}"),
    }
}

#[tokio::test]
async fn either_direction_ends_by_itself() {
    let (mut sender, mut ended, _endpoint) = client().await;
    let mut stream = open(&mut sender).await.into_stream();
    // A masked Close without a code, and the end
    stream.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    stream.shutdown().await.unwrap();
    stream.shutdown().await.unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, b"\x88\x00");
    ended.recv().await.unwrap().2.unwrap();
    assert!(stream.write_all(b"more").await.is_err());
}

/// Dropping a future that waits loses nothing of what it was to write or read.
#[tokio::test]
async fn a_stream_survives_futures_that_are_dropped() {
    let (mut sender, _ended, _endpoint) = client().await;
    let mut ws = open(&mut sender).await;
    let message = |number: u64| Message::Binary(number.to_be_bytes().repeat(50_000));
    for number in 0..20 {
        ws.write(message(number)).unwrap();
        tokio::select! {
            biased;
            flushed = ws.flush() => flushed.unwrap(),
            () = tokio::task::yield_now() => {}
        }
    }
    let mut received = 0;
    while received < 20 {
        tokio::select! {
            biased;
            event = ws.read() => {
                assert!(event.unwrap() == Some(message(received)), "{received}");
                received += 1;
            }
            () = tokio::task::yield_now() => {}
        }
    }
    ws.close(None, "").await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_so() {
    let (mut sender, _ended, _endpoint) = client().await;
    let rows = [
        ("CONNECT", Some("13"), Ok(())),
        ("CONNECT", Some("8"), Err((HandshakeError::VersionUnsupported, 400))),
        ("CONNECT", None, Err((HandshakeError::Version, 400))),
        ("GET", Some("13"), Err((HandshakeError::Method, 405))),
    ];
    for (method, version, expected) in rows {
        let mut asked = http::Request::builder().method(method).uri("https://localhost/");
        if let Some(version) = version {
            asked = asked.header("sec-websocket-version", version);
        }
        if method == "CONNECT" {
            asked = asked.extension(Protocol::CONNECT_UDP);
        }
        let mut stream = sender.send_request(asked.body(()).unwrap()).await.unwrap();
        let response = stream.recv_response().await.unwrap();
        let status = expected.map_or_else(|(_, status)| status, |()| 200);
        assert_eq!(response.status(), status, "{method} {version:?}");
        if let Err((error, _)) = expected {
            let mut body = Vec::new();
            while let Some(mut data) = stream.recv_data().await.unwrap() {
                let len = bytes::Buf::remaining(&data);
                body.extend_from_slice(&bytes::Buf::copy_to_bytes(&mut data, len));
            }
            // The method may be HEAD, whose answer has no content.
            let line = if status == 405 { String::new() } else { format!("{error}\n") };
            assert_eq!(body, line.as_bytes(), "{method} {version:?}");
        }
    }
}
