//! An echo server on axum, with a page to try it, over HTTP/1.1 and, for clients that
//! begin with it, HTTP/2.
//!
//! ```sh
//! cargo run -p integrations --example axum_echo -- 127.0.0.1:9001
//! ```

use axum::response::{Html, Response};
use axum::routing::{any, get};
use axum::{Router, extract::State};
use clap::Parser;
use integrations::axum::{WebSocket, WebSocketUpgrade};
use sansws::{Config, DeflateConfig, Message, io};
use tokio::net::TcpListener;

/// Sends back each message to whoever sent it.
#[derive(Clone, Parser)]
struct Arguments {
    /// Where to listen, such as 127.0.0.1:9001; port 0 is a free one.
    address: String,
    /// The subprotocol to select when a client offers it.
    #[arg(long, value_name = "NAME", default_value = "echo")]
    subprotocol: String,
    /// Agree to compress messages (permessage-deflate).
    #[arg(long)]
    deflate: bool,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(&arguments.address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/", get(Html(include_str!("echo.html"))))
        .route("/ws", any(serve))
        .with_state(arguments);
    axum::serve(listener, app).await
}

async fn serve(State(arguments): State<Arguments>, upgrade: WebSocketUpgrade) -> Response {
    let mut upgrade = upgrade
        .config(Config::new().max_message_len(16 << 20))
        .subprotocols(&[&arguments.subprotocol]);
    if arguments.deflate {
        upgrade = upgrade.deflate(DeflateConfig::new());
    }
    upgrade.on_upgrade(|ws| async {
        if let Err(error) = echo(ws).await {
            eprintln!("{error}");
        }
    })
}

async fn echo(mut ws: WebSocket) -> Result<(), io::Error> {
    while let Some(message) = ws.read().await? {
        if let Message::Text(_) | Message::Binary(_) = message {
            ws.write(message)?; // the next read sends it, together with others
        }
    }
    Ok(())
}
