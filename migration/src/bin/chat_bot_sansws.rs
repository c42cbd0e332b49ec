//! A chat bot on sansws and tokio; `chat_bot_tungstenite.rs` is the same on
//! tokio-tungstenite.
//!
//! ```sh
//! cargo run --example chat &
//! cargo run -p migration --bin chat_bot_sansws -- ws://127.0.0.1:8080/ws
//! ```

use std::io;
use std::pin::{Pin, pin};

use clap::Parser;
use migration::{Arguments, Backoff, Bot, MAX_MESSAGE_LEN, PATIENCE, is_final};
use sansws::CloseCode;
use sansws::handshake::RequestBuilder;
use sansws::io::{Connector, Error};
use sansws::{Config, Message, SendError};
use tokio::signal::ctrl_c;
use tokio::time::sleep;

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
    let config = Config::new()
        .max_message_len(MAX_MESSAGE_LEN as u64)
        .keepalive(Some(arguments.idle))
        .pong_timeout(PATIENCE);
    let connector = Connector::new().config(config).timeout(PATIENCE);
    let request = RequestBuilder::new(&arguments.url)?.subprotocol("chat")?;
    let (mut ws, _) = tokio::select! {
        connected = connector.connect(request) => connected?,
        result = &mut interrupted => return Ok(result.map(|()| Ended::ByUs)?),
    };
    backoff.reset();

    let mut bot = Bot::new(&arguments.name);
    ws.write(bot.join())?; // the next read sends it
    loop {
        tokio::select! {
            message = ws.read() => match message? {
                Some(Message::Text(text)) => {
                    if let Some(answer) = bot.hear(&text) {
                        ws.write(answer)?;
                    }
                }
                Some(Message::Close(close)) => {
                    println!("the server closes: {:?}", close.code);
                    ws.close(None, "").await?; // only waits for the end
                    return Ok(Ended::ByServer);
                }
                Some(_) => {}
                None => return Ok(Ended::ByServer),
            },
            answer = bot.late_answer() => match ws.write(answer) {
                // The server was faster: the next reads say how it ended.
                Ok(()) | Err(SendError::Closed) => {}
                Err(error) => return Err(error.into()),
            },
            result = &mut interrupted => {
                result?;
                ws.close(CloseCode::GOING_AWAY, "").await?;
                return Ok(Ended::ByUs);
            }
        }
    }
}

/// Whether to try again would be no use.
fn is_hopeless(error: &Error) -> bool {
    match error {
        Error::Refused(refusal) => is_final(refusal.status()),
        Error::Build(_) => true,
        _ => false,
    }
}
