//! A server of hyper, and what the tests say to servers.
#![allow(dead_code, reason = "each test file is a crate that uses its part of it")]

use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use integrations::hyper::{Opening, upgrade};
use sansws::CloseCode;
use sansws::handshake::{OriginPolicy, RequestBuilder};
use sansws::io::Error;
use sansws::tokio::WebSocket;
use sansws::{Close, Config, DeflateConfig, Message};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How a WebSocket of the server ended: over which version, the Close that it
/// received, and what `read` returned at last.
pub type Ended = (Version, Option<(u16, String)>, Result<(), Error>);

pub const LONG: usize = 16 << 20;

pub fn config() -> Config {
    Config::new().max_message_len(LONG as u64)
}

/// One end of a connection whose other end hyper serves: `/` echoes, `/close` closes
/// first, `/origin` is for pages of `https://example.com`. Each takes the subprotocols
/// `b` and `a`, and compresses.
pub fn server() -> (DuplexStream, UnboundedReceiver<Ended>) {
    let (client, stream) = tokio::io::duplex(64 * 1024);
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http2().enable_connect_protocol();
        let service = service_fn(|request| {
            let sender = sender.clone();
            async move { answer(request, sender) }
        });
        let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
    });
    (client, receiver)
}

fn answer(
    mut request: Request<Incoming>,
    sender: UnboundedSender<Ended>,
) -> hyper::Result<Response<String>> {
    let version = request.version();
    let path = request.uri().path().to_owned();
    let opened = upgrade(&mut request, &config(), |request| {
        let accept = match request.path() {
            "/origin" => request.accept_from(&OriginPolicy::only(["https://example.com"]).unwrap()),
            _ => request.accept(),
        };
        Ok(accept?.select_subprotocol(&["b", "a"]).deflate(DeflateConfig::new()))
    });
    let (response, opening) = match opened {
        Ok(opened) => opened,
        Err(error) => return Ok(error.into_http(version)),
    };
    tokio::spawn(async move {
        let (close, result) = run(opening, path == "/close").await;
        let _ = sender.send((version, close, result)); // not every test looks
    });
    Ok(response)
}

async fn run(opening: Opening, closes: bool) -> (Option<(u16, String)>, Result<(), Error>) {
    let mut ws = opening.await.expect("hyper upgrades");
    if closes {
        ws.write(close(4001, "not today")).expect("it is open");
    }
    echo(&mut ws).await
}

/// Sends back each message; the Close that was received, and how it ended.
pub async fn echo<S>(ws: &mut WebSocket<S>) -> (Option<(u16, String)>, Result<(), Error>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut received = None;
    loop {
        match ws.read().await {
            Ok(Some(event @ (Message::Text(_) | Message::Binary(_)))) => {
                ws.write(event).expect("it is open");
            }
            Ok(Some(Message::Close(close))) => received = Some(code_and_reason(&close)),
            Ok(Some(_)) => {}
            Ok(None) => return (received, Ok(())),
            Err(error) => return (received, Err(error)),
        }
    }
}

pub fn close(code: u16, reason: &str) -> Message {
    Message::Close(Close::new(CloseCode::new(code), reason.to_owned()))
}

pub fn code_and_reason(close: &Close<'_>) -> (u16, String) {
    (close.code.map_or(1005, Into::into), close.reason.to_string())
}

/// A request that offers the subprotocols `x` and `a`, and to compress.
pub fn request(uri: &str) -> RequestBuilder {
    let request = RequestBuilder::new(uri).unwrap();
    let request = request.subprotocol("x").unwrap().subprotocol("a").unwrap();
    request.deflate(DeflateConfig::new())
}

/// A client of HTTP/2 that may send an extended CONNECT.
pub async fn http2_client<S>(stream: S) -> http2::SendRequest<String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, mut connection) = handshake.await.expect("it speaks HTTP/2");
    // The server's settings come before its first answer.
    let first = Request::get("https://localhost/").body(String::new()).expect("a request");
    tokio::select! {
        end = &mut connection => panic!("the connection has ended: {end:?}"),
        response = sender.send_request(first) => drop(response.expect("an answer")),
    }
    assert!(connection.is_extended_connect_protocol_enabled());
    tokio::spawn(connection);
    sender
}

/// Says things to an echo server that come back, and closes.
pub async fn converse<S>(ws: &mut WebSocket<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for len in [0, 1, 125, 126, 65535, 65536, 1 << 20] {
        let text = "é".repeat(len / 2);
        let bytes: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        for event in [Message::Text(text), Message::Binary(bytes)] {
            ws.send(event.clone()).await.unwrap();
            assert!(ws.read().await.unwrap() == Some(event), "of {len} bytes");
        }
    }
    ws.close(CloseCode::new(4000), "grüße").await.unwrap();
}
