//! An echo server on hyper with TLS, over HTTP/2 (RFC 8441) and HTTP/1.1, whichever the
//! client negotiates. It says of each WebSocket over which it came.
//!
//! ```sh
//! cargo run -p integrations --example h2_echo -- 127.0.0.1:9443
//! ```
//!
//! Its page, `https://127.0.0.1:9443/`, has a script that opens a WebSocket; browsers do
//! so over HTTP/2 once they have a connection of it, such as the one that loaded the page.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use integrations::hyper::Opening;
use sansws::{Config, DeflateConfig, Message};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Sends back each message to whoever sent it.
#[derive(Parser)]
struct Arguments {
    /// Where to listen, such as 127.0.0.1:9443; port 0 is a free one.
    address: String,
    /// Agree to compress messages (permessage-deflate).
    #[arg(long)]
    deflate: bool,
    /// The certificate and those that vouch for it, as PEM; without it, one is made that
    /// nobody vouches for.
    #[arg(long, requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key, as PEM.
    #[arg(long, requires = "cert")]
    key: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let acceptor = TlsAcceptor::from(Arc::new(tls(&arguments)?));
    let listener = TcpListener::bind(&arguments.address).await?;
    println!("listening on https://{}", listener.local_addr()?);
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
        let (acceptor, deflates) = (acceptor.clone(), arguments.deflate);
        tokio::spawn(async move {
            if let Err(error) = serve(stream, peer, &acceptor, deflates).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

fn tls(arguments: &Arguments) -> Result<ServerConfig, Box<dyn Error>> {
    let (certificates, key) = match (&arguments.cert, &arguments.key) {
        (Some(cert), Some(key)) => {
            let certificates = CertificateDer::pem_file_iter(cert)?.collect::<Result<_, _>>()?;
            (certificates, PrivateKeyDer::from_pem_file(key)?)
        }
        _ => {
            let names = ["localhost".into(), "127.0.0.1".into()];
            let made = rcgen::generate_simple_self_signed(names)?;
            (vec![made.cert.into()], made.signing_key.into())
        }
    };
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
    Ok(config)
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: &TlsAcceptor,
    deflates: bool,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = TokioIo::new(acceptor.accept(stream).await?);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().enable_connect_protocol();
    let answer = service_fn(|request| async move { answer(request, peer, deflates) });
    builder.serve_connection_with_upgrades(stream, answer).await
}

fn answer<B>(
    mut request: Request<B>,
    peer: SocketAddr,
    deflates: bool,
) -> hyper::Result<Response<String>> {
    let version = request.version();
    if request.uri().path() != "/ws" {
        let page = Response::builder().header("content-type", "text/html; charset=utf-8");
        return Ok(page.body(include_str!("echo.html").to_owned()).expect("a valid header"));
    }
    let config = Config::new().max_message_len(16 << 20);
    let opened = integrations::hyper::upgrade(&mut request, &config, |request| {
        let accept = request.accept()?.select_subprotocol(&["echo"]);
        Ok(if deflates { accept.deflate(DeflateConfig::new()) } else { accept })
    });
    let (response, opening) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            println!("{version:?} {peer}: refused: {error}");
            return Ok(error.into_http(version));
        }
    };
    println!("{version:?} {peer}: open");
    tokio::spawn(async move {
        match echo(opening).await {
            Ok(()) => println!("{version:?} {peer}: closed"),
            Err(error) => println!("{version:?} {peer}: {error}"),
        }
    });
    Ok(response)
}

async fn echo(opening: Opening) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut ws = opening.await?;
    while let Some(message) = ws.read().await? {
        if let Message::Text(_) | Message::Binary(_) = message {
            ws.write(message)?; // the next read sends it, together with others
        }
    }
    Ok(())
}
