//! What is asked for on the command line.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use clap::Parser;
use sansws::handshake::RequestBuilder;
use sansws::io::Connector;
use sansws::{Config, DeflateConfig};

use crate::tls;

/// Talks to a WebSocket server.
///
/// In a terminal, each line that you enter is sent, and each message that comes is
/// shown; /help lists commands. Where input or output is no terminal, each line of
/// the input is sent and each message is printed, binary ones in hexadecimal.
///
/// The exit status is 0 if the connection was closed in order, and 1 if not.
#[derive(Parser)]
pub struct Arguments {
    /// The server, such as wss://example.com/chat; ws:// can be left out
    url: String,

    /// Offer a subprotocol; may be repeated, the best one first
    #[arg(short, long, value_name = "NAME")]
    subprotocol: Vec<String>,

    /// Send a header with the request; may be repeated
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// Say from which website the connection comes
    #[arg(short, long, value_name = "ORIGIN")]
    origin: Option<String>,

    /// Log in (HTTP Basic)
    #[arg(long, value_name = "USER:PASSWORD")]
    auth: Option<String>,

    /// Offer to compress messages (permessage-deflate)
    #[arg(short, long)]
    deflate: bool,

    /// Connect through an HTTP proxy
    #[arg(short, long, value_name = "http://[USER:PASSWORD@]HOST[:PORT]")]
    proxy: Option<String>,

    /// Trust the certificates in this file (PEM), and no others
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,

    /// Trust any certificate: whoever is on the way can read and change everything
    #[arg(short = 'k', long)]
    insecure: bool,

    /// Send this text instead of reading any; may be repeated
    #[arg(short = 'x', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub execute: Vec<String>,

    /// How long to listen after the end of the input; without it, in scripts, until
    /// there is a message for each that was sent, 5 seconds at most
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    pub wait: Option<Duration>,

    /// Show pings and pongs
    #[arg(short = 'P', long)]
    pub show_ping: bool,
}

impl Arguments {
    pub fn request(&self) -> Result<RequestBuilder, Box<dyn Error>> {
        let has_scheme = self.url.contains("://");
        let url = if has_scheme { self.url.clone() } else { format!("ws://{}", self.url) };
        let mut request = RequestBuilder::new(&url).map_err(|error| format!("{url}: {error}"))?;
        for name in &self.subprotocol {
            request = request.subprotocol(name).map_err(|error| format!("{name}: {error}"))?;
        }
        if let Some(origin) = &self.origin {
            request = request.header("Origin", origin)?;
        }
        if let Some(auth) = &self.auth {
            let credentials = base64::prelude::BASE64_STANDARD.encode(auth);
            request = request.header("Authorization", format!("Basic {credentials}"))?;
        }
        for (name, value) in &self.header {
            request = request.header(name, value).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(if self.deflate { request.deflate(DeflateConfig::new()) } else { request })
    }

    pub fn connector(&self) -> Result<Connector, Box<dyn Error>> {
        // What a user asks to see may be long.
        let mut connector = Connector::new().config(Config::new().max_message_len(64 << 20));
        if let Some(proxy) = &self.proxy {
            connector = connector.proxy(proxy).map_err(|error| format!("{proxy}: {error}"))?;
        }
        if let Some(file) = &self.ca {
            let config = tls::trusting(file).map_err(|e| format!("{}: {e}", file.display()))?;
            connector = connector.tls(config);
        } else if self.insecure {
            connector = connector.tls(tls::trusting_anyone());
        }
        Ok(connector)
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a colon is missing")?;
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
