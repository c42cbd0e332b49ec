//! Sends a line to a server, with TLS or without, and prints the answer.
//!
//! ```sh
//! cargo run --features rustls-platform-verifier --example wss_client -- wss://example.com/ hello
//! ```
//!
//! `wscat` is the same for whoever has more to say.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sansws::CloseCode;
use sansws::Message;
use sansws::handshake::RequestBuilder;
use sansws::io::Connector;

/// Sends a line to a server and prints the answer.
#[derive(Parser)]
struct Arguments {
    /// The server, such as wss://example.com/chat.
    url: String,
    /// What to send.
    #[arg(default_value = "hello")]
    line: String,
    /// Trust the certificates in this file (PEM) instead of the operating system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Connect through an HTTP proxy: http://[user:password@]host[:port].
    #[arg(long, value_name = "URI")]
    proxy: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut connector = Connector::new();
    if let Some(file) = &arguments.ca {
        connector = connector.tls(trusting(file)?);
    }
    if let Some(proxy) = &arguments.proxy {
        connector = connector.proxy(proxy)?;
    }

    let (mut ws, _) = connector.connect_blocking(RequestBuilder::new(&arguments.url)?)?;
    ws.send(arguments.line)?;
    while let Some(event) = ws.read()? {
        match event {
            Message::Text(text) => println!("{text}"),
            Message::Binary(data) => println!("{}", data.escape_ascii()),
            _ => continue, // pings and closes are already answered
        }
        break;
    }
    ws.close(CloseCode::NORMAL, "")?;
    Ok(())
}

fn trusting(file: &Path) -> Result<Arc<ClientConfig>, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth().into())
}
