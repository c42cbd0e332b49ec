//! Libraries that do the handshake themselves.

use std::net::TcpListener;

use tokio::sync::broadcast;

use super::{Mode, on_tokio};

/// As in its `echo-server` example.
pub fn tokio_tungstenite(listener: TcpListener, mode: Mode) {
    use tokio_tungstenite::tungstenite::Message;

    let is_data = |message: &Message| message.is_text() || message.is_binary();
    let (sender, _) = broadcast::channel(16);
    on_tokio::run(listener, move |socket| {
        let sender = sender.clone();
        async move {
            let ws = tokio_tungstenite::accept_async(socket).await?;
            match mode {
                Mode::Echo => on_tokio::forward(ws, is_data).await,
                Mode::Broadcast => on_tokio::broadcast(ws, is_data, sender).await,
            }
        }
    });
}

/// With a flush for each message, as in its `server` examples' loops.
pub fn tokio_tungstenite_send(listener: TcpListener, _: Mode) {
    use tokio_tungstenite::tungstenite::Message;

    let is_data = |message: &Message| message.is_text() || message.is_binary();
    on_tokio::run(listener, move |socket| async move {
        on_tokio::echo(tokio_tungstenite::accept_async(socket).await?, is_data).await
    });
}

/// As in its `echo_server` example.
pub fn tokio_websockets(listener: TcpListener, mode: Mode) {
    use tokio_websockets::{Limits, Message, ServerBuilder};

    let is_data = |message: &Message| message.is_text() || message.is_binary();
    let (sender, _) = broadcast::channel(16);
    on_tokio::run(listener, move |socket| {
        let sender = sender.clone();
        tokio::task::unconstrained(async move {
            let config = tokio_websockets::Config::default().frame_size(usize::MAX);
            let builder = ServerBuilder::new().config(config).limits(Limits::unlimited());
            let (_, ws) = builder.accept(socket).await?;
            match mode {
                Mode::Echo => on_tokio::echo(ws, is_data).await,
                Mode::Broadcast => on_tokio::broadcast(ws, is_data, sender).await,
            }
        })
    });
}

/// The same, flushed when there are no more messages for the moment.
pub fn tokio_websockets_forward(listener: TcpListener, _: Mode) {
    use tokio_websockets::{Limits, Message, ServerBuilder};

    let is_data = |message: &Message| message.is_text() || message.is_binary();
    on_tokio::run(listener, move |socket| {
        tokio::task::unconstrained(async move {
            let config = tokio_websockets::Config::default().frame_size(usize::MAX);
            let builder = ServerBuilder::new().config(config).limits(Limits::unlimited());
            on_tokio::forward(builder.accept(socket).await?.1, is_data).await
        })
    });
}

/// As in its `simple_echo` example.
pub fn sockudo_ws(listener: TcpListener, mode: Mode) {
    let (sender, _) = broadcast::channel(16);
    on_tokio::run(listener, move |socket| {
        let sender = sender.clone();
        async move {
            let ws = sockudo_accept(socket).await?;
            match mode {
                Mode::Echo => on_tokio::echo(ws, sockudo_is_data).await,
                Mode::Broadcast => on_tokio::broadcast(ws, sockudo_is_data, sender).await,
            }
        }
    });
}

/// The same, flushed when there are no more messages for the moment.
pub fn sockudo_ws_forward(listener: TcpListener, _: Mode) {
    on_tokio::run(listener, |socket| async move {
        on_tokio::forward(sockudo_accept(socket).await?, sockudo_is_data).await
    });
}

async fn sockudo_accept(
    mut socket: tokio::net::TcpStream,
) -> Result<sockudo_ws::WebSocketStream<tokio::net::TcpStream>, on_tokio::Error> {
    sockudo_ws::handshake::server_handshake(&mut socket).await?;
    Ok(sockudo_ws::WebSocketStream::server(socket, sockudo_ws::Config::default()))
}

fn sockudo_is_data(message: &sockudo_ws::Message) -> bool {
    matches!(message, sockudo_ws::Message::Text(_) | sockudo_ws::Message::Binary(_))
}

/// As its `OptionedServer` does it, with a buffer for each connection.
pub fn wtx(listener: TcpListener, _: Mode) {
    use wtx::collection::Vector;
    use wtx::web_socket::{OpCode, WebSocketAcceptor, WebSocketPayloadOrigin};

    on_tokio::run(listener, |socket| async move {
        let mut ws = WebSocketAcceptor::default().accept(socket).await?;
        let (mut common, mut reader, mut writer) = ws.split_mut();
        let mut buffer = Vector::new();
        loop {
            let origin = WebSocketPayloadOrigin::Adaptive;
            let mut frame = reader.read_frame(&mut buffer, &mut common, origin).await?;
            match frame.op_code() {
                OpCode::Binary | OpCode::Text => {
                    writer.write_frame(&mut common, &mut frame).await?;
                }
                OpCode::Close => return Ok(()),
                _ => {}
            }
        }
    });
}

/// As in its documentation, with what its examples do about text.
pub fn soketto(listener: TcpListener, _: Mode) {
    use soketto::handshake::Server;
    use soketto::handshake::server::Response;
    use tokio_util::compat::TokioAsyncReadCompatExt;

    on_tokio::run(listener, |socket| async move {
        let mut server = Server::new(socket.compat());
        let key = server.receive_request().await?.key();
        server.send_response(&Response::Accept { key, protocol: None }).await?;
        let (mut sender, mut receiver) = server.into_builder().finish();
        let mut message = Vec::new();
        loop {
            message.clear();
            if receiver.receive_data(&mut message).await?.is_text() {
                sender.send_text(std::str::from_utf8(&message)?).await?;
            } else {
                sender.send_binary(&message).await?;
            }
            sender.flush().await?;
        }
    });
}
