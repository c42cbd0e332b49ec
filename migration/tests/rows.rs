//! That what the tables of COMPARE.md say is called so: each piece of code in
//! their first two columns stands here too, and so compiles.
#![allow(dead_code, unused_variables, reason = "it is only compiled")]
#![allow(clippy::result_large_err, reason = "tungstenite's callbacks return a response")]

use std::fmt::Debug;

const COMPARE: &str = include_str!("../../COMPARE.md");

/// In place of `|` where it does not end a cell.
const OR: &str = "\u{1}";

#[test]
fn all_code_in_the_tables_compiles() {
    let (tungstenite, sansws) = include_str!("rows.rs").split_once("\nmod with_sansws {").unwrap();
    let (_, tables) = COMPARE.split_once("\n## From tungstenite\n").unwrap();
    let sources = [tungstenite, sansws].map(squeezed);
    let mut compiled = 0;
    for row in tables.lines().filter(|line| line.starts_with("| `")) {
        let row = row.replace("\\|", OR);
        for (cell, source) in row.split('|').skip(1).zip(&sources) {
            for code in cell.split('`').skip(1).step_by(2) {
                assert!(source.contains(&squeezed(code)), "`{code}` is not compiled");
                compiled += 1;
            }
        }
    }
    assert!(compiled > 80, "only {compiled}");
}

/// Without white space, which rustfmt decides on.
fn squeezed(code: &str) -> String {
    code.replace(char::is_whitespace, "").replace('|', OR)
}

/// A value of a type, to be used and not to be had.
fn some<T>() -> T {
    unimplemented!()
}

fn see(_: impl Debug) {}

mod with_tungstenite {
    use std::sync::Arc;

    use futures_util::{SinkExt, StreamExt};
    use tokio::net::TcpStream;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
    use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
    use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
    use tokio_tungstenite::tungstenite::{self, ClientRequestBuilder, Error, Message};
    use tokio_tungstenite::{
        Connector, MaybeTlsStream, WebSocketStream, accept_async, accept_async_with_config,
        accept_hdr_async, client_async, connect_async, connect_async_tls_with_config,
        connect_async_with_config,
    };

    use super::{see, some};

    async fn clients(config: WebSocketConfig) -> Result<(), Error> {
        let url = "wss://example.com/";
        let (ws, response) = connect_async(url).await?;
        see(response.headers().get("x-version"));
        see(response.headers().get("sec-websocket-protocol"));

        let mut request = url.into_client_request()?;
        request.headers_mut().insert("authorization", "Bearer c2VzYW1l".parse()?);
        connect_async_with_config(request, Some(config), true).await?;

        let request = ClientRequestBuilder::new(url.parse()?);
        let request = request.with_header("authorization", "Bearer c2VzYW1l");
        let request = request.with_sub_protocol("chat");
        let tls: Arc<rustls::ClientConfig> = some();
        let connector = Some(Connector::Rustls(tls));
        connect_async_tls_with_config(request.clone(), None, false, connector).await?;
        let stream: TcpStream = some();
        client_async(request, stream).await?;

        let mut ws: tungstenite::WebSocket<_> = tungstenite::connect(url)?.0;
        see(ws.read()?);
        Ok(())
    }

    async fn servers(stream: fn() -> TcpStream) -> Result<(), Error> {
        let (config, part) = (WebSocketConfig::default(), Vec::new());
        accept_async(stream()).await?;
        accept_async_with_config(stream(), Some(config)).await?;
        let callback = |request: &Request, mut response: Response| -> Result<_, ErrorResponse> {
            response.headers_mut().insert("sec-websocket-protocol", "chat".parse().unwrap());
            Ok(response)
        };
        accept_hdr_async(stream(), callback).await?;
        WebSocketStream::from_raw_socket(stream(), Role::Server, None).await;
        WebSocketStream::from_partially_read(stream(), part, Role::Client, None).await;
        tungstenite::accept(some::<std::net::TcpStream>()).map_err(|_| Error::AttackAttempt)?;
        Ok(())
    }

    async fn messages(mut ws: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Result<(), Error> {
        let message = Message::text("hello");
        while let Some(message) = ws.next().await {
            match message? {
                Message::Text(text) => see(text.as_str()),
                Message::Binary(data) => see(data),
                Message::Ping(data) => see(data),
                Message::Pong(data) => see(data),
                Message::Close(frame) => see(frame.map(|frame| frame.code)),
                Message::Frame(_) => {}
            }
        }
        ws.send(message).await?;
        ws.send(Message::text("hello")).await?;
        ws.send(Message::binary(vec![1])).await?;
        ws.send(Message::Ping(vec![1].into())).await?;
        ws.feed(Message::text("hello")).await?;
        ws.flush().await?;
        ws.close(None).await?;
        let frame = CloseFrame { code: CloseCode::Away, reason: "bye".into() };
        ws.close(Some(frame)).await?;
        see(ws.get_ref());
        see(ws.get_mut());
        let (sink, stream) = ws.split();
        let ws = stream.reunite(sink).unwrap();
        see(ws.into_inner());
        Ok(())
    }

    fn config() {
        let config = WebSocketConfig::default();
        let config = config.max_message_size(Some(1 << 20)).max_frame_size(Some(1 << 20));
        let config = config.read_buffer_size(4096).write_buffer_size(4096);
        let config = config.max_write_buffer_size(1 << 20).accept_unmasked_frames(true);
    }

    fn errors(error: Error) {
        match error {
            Error::ConnectionClosed => {}
            Error::AlreadyClosed => {}
            Error::Io(error) => see(error),
            Error::Tls(error) => see(error),
            Error::Capacity(CapacityError::MessageTooLong { .. }) => {}
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {}
            Error::Protocol(ProtocolError::SendAfterClosing) => {}
            Error::Protocol(ProtocolError::SecWebSocketAcceptKeyMismatch) => {}
            Error::Protocol(error) => see(error),
            Error::Utf8(_) => {}
            Error::WriteBufferFull(message) => see(message),
            Error::Http(response) => see((response.status(), response.body())),
            Error::Url(_) | Error::HttpFormat(_) => {}
            Error::AttackAttempt => {}
            Error::Capacity(CapacityError::TooManyHeaders) => {}
        }
    }
}

mod with_sansws {
    use std::sync::Arc;

    use sansws::CloseCode;
    use sansws::handshake::{HandshakeError, RequestBuilder};
    use sansws::io::{Connector, Error};
    use sansws::tokio::{Incoming, WebSocket, connect};
    use sansws::{Close, Config, Connection, MaskingKeys, Message, SendError, Violation, blocking};
    use tokio::net::TcpStream;

    use super::{see, some};

    async fn clients(config: Config) -> Result<(), Error> {
        let url = "wss://example.com/";
        let (ws, accepted) = connect(url).await?;
        see(accepted.response().header("x-version"));
        see(accepted.subprotocol());

        let request = RequestBuilder::new(url)?;
        let request = request.header("authorization", "Bearer c2VzYW1l")?;
        let request = request.subprotocol("chat")?;
        Connector::new().config(config.clone()).connect(request).await?;
        let request = RequestBuilder::new(url)?;
        let tls: Arc<rustls::ClientConfig> = some();
        Connector::new().tls(tls).connect(request).await?;
        let (request, stream) = some::<(RequestBuilder, TcpStream)>();
        WebSocket::connect_over(stream, request, &config).await?;

        let mut ws: blocking::WebSocket<_> = blocking::connect(url)?.0;
        see(ws.read()?);
        Ok(())
    }

    async fn servers(stream: fn() -> TcpStream) -> Result<(), Error> {
        let (config, part) = (Config::new(), Vec::new());
        WebSocket::accept(stream(), &config).await?;
        let incoming = Incoming::receive(stream(), &config).await?;
        see(incoming.request().path());
        incoming
            .accept(&config, |request| Ok(request.accept()?.select_subprotocol(&["chat"])))
            .await?;
        see(WebSocket::new(stream(), Connection::server(&config), Vec::new()));
        see(WebSocket::new(stream(), Connection::client(&config, MaskingKeys::random()), part));
        blocking::WebSocket::accept(some::<std::net::TcpStream>(), &config)?;
        Ok(())
    }

    async fn messages(mut ws: WebSocket<TcpStream>) -> Result<(), Error> {
        while let Some(event) = ws.read().await? {
            match event {
                Message::Text(text) => see(text),
                Message::Binary(data) => see(data),
                Message::Ping(data) => see(data),
                Message::Pong(data) => see(data),
                Message::Close(close) => see(close.code),
            }
        }
        let message = Message::from("hello");
        ws.send(message).await?;
        ws.send("hello").await?;
        ws.send(vec![1]).await?;
        ws.send(Message::Ping(vec![1])).await?;
        ws.write("hello")?;
        ws.flush().await?;
        ws.send(Close::default()).await?;
        ws.close(CloseCode::GOING_AWAY, "bye").await?;
        see(ws.stream());
        see(ws.stream_mut());
        let (reader, writer) = ws.split();
        let mut ws = reader.reunite(writer).unwrap();
        ws.set_high_water_mark(1 << 20);
        see(ws.unwritten());
        see(ws.into_stream());
        Ok(())
    }

    fn config() {
        let config = Config::new();
        let config = config.max_message_len(1 << 20).max_frame_len(1 << 20);
    }

    fn errors(result: Result<Option<Message>, Error>) {
        match result {
            Ok(None) => {}
            Err(Error::Io(error)) => see(error),
            Err(Error::Failed(Violation::MessageTooBig | Violation::FrameTooBig)) => {}
            Err(Error::Failed(Violation::EndOfStream)) => {}
            Err(Error::Failed(Violation::InvalidUtf8)) => {}
            Err(Error::Failed(violation)) => see(violation),
            Err(Error::Send(SendError::Closed)) => {}
            Err(Error::Handshake(HandshakeError::Accept)) => {}
            Err(Error::Handshake(HandshakeError::TooManyFields)) => {}
            Err(Error::Handshake(HandshakeError::HeadTooLong)) => {}
            Err(Error::Handshake(error)) => see(error),
            Err(Error::HandshakeTimeout) => {}
            Err(Error::Refused(refusal)) => see((refusal.status(), refusal.body())),
            Err(Error::Build(_)) => {}
            _ => {}
        }
    }
}
