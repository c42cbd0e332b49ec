//! An echo server on axum, with a page to try it, over HTTP/1.1 and, for clients that
//! begin with it, HTTP/2.
//!
//! ```sh
//! cargo run -p integrations --example axum_echo -- 127.0.0.1:9001
//! ```

use std::time::Duration;

use axum::response::{Html, Response};
use axum::routing::{any, get};
use axum::{Router, extract::State};
use clap::Parser;
use integrations::axum::{WebSocket, WebSocketUpgrade};
use sansws::{CloseCode, Config, DeflateConfig, Message, io};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long clients have to answer the goodbye.
const GRACE: Duration = Duration::from_secs(5);

/// Sends back each message to whoever sent it; Ctrl-C says goodbye to all.
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
    let (stop, stopping) = watch::channel(());
    let app = Router::new()
        .route("/", get(Html(include_str!("echo.html"))))
        .route("/ws", any(serve))
        .with_state((arguments, stopping));
    let stopper = stop.clone();
    let interrupted = async move {
        let _ = ctrl_c().await; // where there is none, this ends the server at once
        let _ = stopper.send(()); // there may be no WebSocket
    };
    axum::serve(listener, app).with_graceful_shutdown(interrupted).await?;
    // axum waits for its own. Each WebSocket has a receiver until it has ended.
    let _ = timeout(GRACE, stop.closed()).await;
    Ok(())
}

type Stopping = watch::Receiver<()>;

async fn serve(
    State((arguments, stopping)): State<(Arguments, Stopping)>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let mut upgrade = upgrade
        .config(Config::new().max_message_len(16 << 20))
        .subprotocols(&[&arguments.subprotocol]);
    if arguments.deflate {
        upgrade = upgrade.deflate(DeflateConfig::new());
    }
    upgrade.on_upgrade(|ws| async {
        if let Err(error) = echo(ws, stopping).await {
            eprintln!("{error}");
        }
    })
}

async fn echo(mut ws: WebSocket, mut stopping: Stopping) -> Result<(), io::Error> {
    loop {
        let message = tokio::select! {
            message = ws.read() => message?,
            _ = stopping.changed() => {
                return ws.close(CloseCode::GOING_AWAY, "the server stops").await;
            }
        };
        match message {
            Some(message @ (Message::Text(_) | Message::Binary(_))) => {
                ws.write(message)?; // the next read sends it, together with others
            }
            Some(_) => {}
            None => return Ok(()),
        }
    }
}
