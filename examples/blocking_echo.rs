//! An echo server with a thread for each connection.
//!
//! ```sh
//! cargo run --example blocking_echo -- 127.0.0.1:9001
//! ```
//!
//! The same without the adapter, to see what that does, is `echo_server`.

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use clap::Parser;
use sansws::blocking::Incoming;
use sansws::{Config, DeflateConfig, Message, io};

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
    let listener = TcpListener::bind(&arguments.address)?;
    println!("listening on {}", listener.local_addr()?);
    let config = Config::new().max_message_len(arguments.max_message << 20).max_fragments(1 << 20);
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                // A lack of file descriptors passes.
                eprintln!("{error}");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let config = config.clone();
        thread::spawn(move || {
            if let Err(error) = echo(stream, &config, arguments.deflate) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

fn echo(stream: TcpStream, config: &Config, deflate: bool) -> Result<(), io::Error> {
    stream.set_nodelay(true)?;
    let mut ws = Incoming::receive(stream, config)?.accept(config, |request| {
        let accept = request.accept()?;
        Ok(if deflate { accept.deflate(DeflateConfig::new()) } else { accept })
    })?;
    while let Some(message) = ws.read()? {
        if let Message::Text(_) | Message::Binary(_) = message {
            ws.write(message)?; // the next read sends it, together with others
        }
    }
    Ok(())
}
