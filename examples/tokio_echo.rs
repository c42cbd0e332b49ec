//! An echo server on tokio: sends back each message to whoever sent it.
//!
//! ```sh
//! cargo run --features tokio --example tokio_echo -- 127.0.0.1:9001
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use sansws::tokio::{Incoming, WebSocket};
use sansws::{Config, DeflateConfig, Message, io};
use tokio::net::{TcpListener, TcpStream};

/// Sends back each message to whoever sent it.
#[derive(Parser)]
struct Arguments {
    /// Where to listen, such as 127.0.0.1:9001; port 0 is a free one.
    address: String,
    /// Agree to compress messages (permessage-deflate).
    #[arg(long)]
    deflate: bool,
    /// Read and write in two tasks.
    #[arg(long)]
    split: bool,
    /// The longest message to accept, in MiB.
    #[arg(long, default_value_t = 16)]
    max_message: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arc::new(Arguments::parse());
    let listener = TcpListener::bind(&arguments.address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // A lack of file descriptors passes.
                eprintln!("{error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let arguments = Arc::clone(&arguments);
        tokio::spawn(async move {
            if let Err(error) = serve(stream, &arguments).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(stream: TcpStream, arguments: &Arguments) -> Result<(), io::Error> {
    // Boxed, so that a task which then waits for messages is small.
    let ws = Box::pin(open(stream, arguments)).await?;
    if arguments.split { Box::pin(echo_split(ws)).await } else { echo(ws).await }
}

async fn open(stream: TcpStream, arguments: &Arguments) -> Result<WebSocket<TcpStream>, io::Error> {
    stream.set_nodelay(true)?;
    let config = Config::new().max_message_len(arguments.max_message << 20).max_fragments(1 << 20);
    let incoming = Incoming::receive(stream, &config).await?;
    incoming
        .accept(&config, |request| {
            let accept = request.accept()?;
            Ok(if arguments.deflate { accept.deflate(DeflateConfig::new()) } else { accept })
        })
        .await
}

async fn echo(mut ws: WebSocket<TcpStream>) -> Result<(), io::Error> {
    while let Some(message) = ws.read().await? {
        if let Message::Text(_) | Message::Binary(_) = message {
            ws.write(message)?; // the next read sends it, together with others
        }
    }
    Ok(())
}

/// The same with a task that only writes.
async fn echo_split(ws: WebSocket<TcpStream>) -> Result<(), io::Error> {
    let (mut reader, mut writer) = ws.split();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        while let Some(message) = receiver.recv().await {
            writer.send(message).await?;
        }
        Ok::<_, io::Error>(())
    });
    while let Some(message) = reader.read().await? {
        if let Message::Text(_) | Message::Binary(_) = message {
            let _ = sender.send(message).await; // the writer ends with the connection
        }
    }
    Ok(())
}
