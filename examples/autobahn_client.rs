//! Runs the cases that the Autobahn test suite serves, through each of the
//! adapters: echoes every message, and asks for the report. See `tests/autobahn`.

use std::error::Error;

use clap::{Parser, ValueEnum};
use sansws::handshake::RequestBuilder;
use sansws::io::Connector;
use sansws::{Config, DeflateConfig, Message, futures_io};

/// Runs the cases of an Autobahn fuzzing server.
#[derive(Parser)]
struct Args {
    /// The fuzzing server, such as ws://127.0.0.1:9001
    url: String,
    /// The name under which the report lists this client
    agent: String,
    /// Offer to compress messages
    #[arg(long)]
    deflate: bool,
    /// What to read and write with
    #[arg(long, default_value = "tokio")]
    adapter: Adapter,
}

#[derive(Clone, Copy, ValueEnum)]
enum Adapter {
    Blocking,
    Tokio,
    FuturesIo,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let url = &args.url;
    let mut count = 0;
    run(args.adapter, RequestBuilder::new(&format!("{url}/getCaseCount"))?, |message| {
        if let Message::Text(text) = message {
            count = text.parse().unwrap_or(0);
        }
        None
    })?;
    if count == 0 {
        return Err("the suite has no cases".into());
    }
    for case in 1..=count {
        let url = format!("{url}/runCase?case={case}&agent={}", args.agent);
        let mut request = RequestBuilder::new(&url)?;
        if args.deflate {
            request = request.deflate(DeflateConfig::new());
        }
        // Most cases break the protocol on purpose, so failures are no news.
        if let Err(error) = run(args.adapter, request, echo) {
            println!("case {case}: {error}");
        }
    }
    let url = format!("{url}/updateReports?agent={}", args.agent);
    run(args.adapter, RequestBuilder::new(&url)?, echo)
}

fn echo(message: Message) -> Option<Message> {
    matches!(message, Message::Text(_) | Message::Binary(_)).then_some(message)
}

/// Opens a connection and answers its events until its end.
fn run(
    adapter: Adapter,
    request: RequestBuilder,
    mut answer: impl FnMut(Message) -> Option<Message>,
) -> Result<(), Box<dyn Error>> {
    let config = Config::new().max_message_len(16 << 20).max_fragments(1 << 20);
    match adapter {
        Adapter::Blocking => {
            let (mut ws, _) = Connector::new().config(config).connect_blocking(request)?;
            while let Some(message) = ws.read()? {
                if let Some(message) = answer(message) {
                    ws.write(message)?;
                }
            }
            Ok(())
        }
        Adapter::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let (mut ws, _) = Connector::new().config(config).connect(request).await?;
                while let Some(message) = ws.read().await? {
                    if let Some(message) = answer(message) {
                        ws.write(message)?;
                    }
                }
                Ok(())
            })
        }
        Adapter::FuturesIo => smol::block_on(async {
            let address = format!("{}:{}", request.uri().host(), request.uri().port());
            let stream = smol::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut ws, _) = futures_io::WebSocket::connect_over(stream, request, &config).await?;
            while let Some(message) = ws.read().await? {
                if let Some(message) = answer(message) {
                    ws.write(message)?;
                }
            }
            Ok(())
        }),
    }
}
