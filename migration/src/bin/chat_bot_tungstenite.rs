//! A chat bot on tokio-tungstenite; `chat_bot_sansws.rs` is the same on sansws.
//!
//! ```sh
//! cargo run --example chat &
//! cargo run -p migration --bin chat_bot_tungstenite -- ws://127.0.0.1:8080/ws
//! ```

use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use migration::{Arguments, Backoff, Bot, MAX_MESSAGE_LEN, PATIENCE, is_final};
use tokio::net::TcpStream;
use tokio::signal::ctrl_c;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, ClientRequestBuilder, Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

type WebSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let mut backoff = Backoff::new(arguments.delay);
    let mut interrupted = pin!(ctrl_c());
    loop {
        match chat(&arguments, &mut backoff, interrupted.as_mut()).await {
            Ok(Ended::ByUs) => return Ok(()),
            Ok(Ended::ByServer) => {}
            Err(error) if is_hopeless(&error) => return Err(error),
            Err(error) => println!("{error}"),
        }
        tokio::select! {
            () = sleep(backoff.delay()) => {}
            result = &mut interrupted => return Ok(result?),
        }
    }
}

enum Ended {
    ByUs,
    ByServer,
}

/// One connection, from the first byte to the end.
async fn chat(
    arguments: &Arguments,
    backoff: &mut Backoff,
    mut interrupted: Pin<&mut impl Future<Output = io::Result<()>>>,
) -> Result<Ended, Error> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_LEN))
        .max_frame_size(Some(MAX_MESSAGE_LEN));
    let request = ClientRequestBuilder::new(arguments.url.parse()?).with_sub_protocol("chat");
    let (mut ws, _) = tokio::select! {
        connected = in_time(connect_async_with_config(request, Some(config), true)) => connected?,
        result = &mut interrupted => return Ok(result.map(|()| Ended::ByUs)?),
    };
    backoff.reset();

    let mut bot = Bot::new(&arguments.name);
    let mut silence = pin!(sleep(arguments.idle));
    let mut is_pinged = false;
    in_time(ws.send(Message::text(bot.join()))).await?;
    loop {
        tokio::select! {
            message = ws.next() => {
                let message = match message {
                    Some(Ok(message)) => message,
                    Some(Err(error)) => {
                        tell(&mut ws, &error).await;
                        return Err(error);
                    }
                    None => return Ok(Ended::ByServer),
                };
                is_pinged = false;
                silence.as_mut().reset(Instant::now() + arguments.idle);
                match message {
                    Message::Text(text) => {
                        if let Some(answer) = bot.hear(&text) {
                            in_time(ws.send(Message::text(answer))).await?;
                        }
                    }
                    Message::Close(close) => {
                        println!("the server closes: {:?}", close.map(|close| close.code));
                        in_time(read_to_end(&mut ws)).await?;
                        return Ok(Ended::ByServer);
                    }
                    _ => {}
                }
            }
            () = &mut silence => {
                if is_pinged {
                    return Err(Error::Io(ErrorKind::TimedOut.into()));
                }
                in_time(ws.send(Message::Ping(Bytes::new()))).await?;
                is_pinged = true;
                silence.as_mut().reset(Instant::now() + PATIENCE);
            }
            answer = bot.late_answer() => in_time(ws.send(Message::text(answer))).await?,
            result = &mut interrupted => {
                result?;
                let close = CloseFrame { code: CloseCode::Away, reason: "".into() };
                in_time(async {
                    ws.close(Some(close)).await?;
                    read_to_end(&mut ws).await
                })
                .await?;
                return Ok(Ended::ByUs);
            }
        }
    }
}

/// Waits for the server's part of closing.
async fn read_to_end(ws: &mut WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.next().await {
        message?;
    }
    Ok(())
}

/// Tells the server what it has done, which the library leaves to the program.
async fn tell(ws: &mut WebSocket, error: &Error) {
    let code = match error {
        Error::Protocol(_) => CloseCode::Protocol,
        Error::Utf8(_) => CloseCode::Invalid,
        Error::Capacity(_) => CloseCode::Size,
        _ => return,
    };
    // It does not work if the server is gone, and then does not matter.
    let _ = in_time(ws.close(Some(CloseFrame { code, reason: "".into() }))).await;
}

async fn in_time<T>(action: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match timeout(PATIENCE, action).await {
        Ok(result) => result,
        Err(_) => Err(Error::Io(ErrorKind::TimedOut.into())),
    }
}

/// Whether to try again would be no use.
fn is_hopeless(error: &Error) -> bool {
    match error {
        Error::Http(response) => is_final(response.status().as_u16()),
        Error::Url(_) | Error::HttpFormat(_) => true,
        _ => false,
    }
}
