//! An echo server on smol, whose streams are those of futures-io.
//!
//! ```sh
//! cargo run --features futures-io --example smol_echo -- 127.0.0.1:9001
//! ```

use std::error::Error;
use std::time::Duration;

use clap::Parser;
use sansws::futures_io::Incoming;
use sansws::{Config, DeflateConfig, Message, io};
use smol::Timer;
use smol::net::{TcpListener, TcpStream};

/// Sends back each message to whoever sent it.
#[derive(Parser)]
struct Arguments {
    /// Where to listen, such as 127.0.0.1:9001; port 0 is a free one.
    address: String,
    /// Agree to compress messages (permessage-deflate).
    #[arg(long)]
    deflate: bool,
    /// The longest message to accept, in MiB.
    #[arg(long, default_value_t = 16)]
    max_message: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    smol::block_on(async {
        let listener = TcpListener::bind(&arguments.address).await?;
        println!("listening on {}", listener.local_addr()?);
        let config =
            Config::new().max_message_len(arguments.max_message << 20).max_fragments(1 << 20);
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // A lack of file descriptors passes.
                    eprintln!("{error}");
                    Timer::after(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let config = config.clone();
            smol::spawn(async move {
                if let Err(error) = echo(stream, &config, arguments.deflate).await {
                    eprintln!("{peer}: {error}");
                }
            })
            .detach();
        }
    })
}

async fn echo(stream: TcpStream, config: &Config, deflate: bool) -> Result<(), io::Error> {
    stream.set_nodelay(true)?;
    let incoming = Incoming::receive(stream, config).await?;
    let mut ws = incoming
        .accept(config, |request| {
            let accept = request.accept()?;
            Ok(if deflate { accept.deflate(DeflateConfig::new()) } else { accept })
        })
        .await?;
    while let Some(message) = ws.read().await? {
        if let Message::Text(_) | Message::Binary(_) = message {
            ws.write(message)?; // the next read sends it, together with others
        }
    }
    Ok(())
}
