//! An echo server with TLS, for `wss`, on tokio.
//!
//! ```sh
//! openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
//!     -subj /CN=localhost -addext subjectAltName=DNS:localhost \
//!     -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem
//! cargo run --features tokio-rustls --example tls_echo -- \
//!     127.0.0.1:9443 --cert cert.pem --key key.pem
//! cargo run --all-features --example wscat -- wss://localhost:9443 --ca cert.pem
//! ```

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sansws::tokio::WebSocket;
use sansws::{Config, Message, io};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsAcceptor;

/// Sends back each message to whoever sent it, encrypted.
#[derive(Parser)]
struct Arguments {
    /// Where to listen, such as 127.0.0.1:9443; port 0 is a free one.
    address: String,
    /// The server's certificate, and those between it and whom clients trust (PEM).
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// The key of the certificate (PEM).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let certificates = CertificateDer::pem_file_iter(&arguments.cert)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&arguments.key)?;
    let mut tls =
        ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));

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
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(stream, acceptor).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor) -> Result<(), io::Error> {
    stream.set_nodelay(true)?;
    // TLS has no end of its own to its patience.
    let accepted = timeout(Duration::from_secs(10), acceptor.accept(stream)).await;
    let stream = accepted.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    let mut ws = WebSocket::accept(stream, &Config::new()).await?;
    while let Some(message) = ws.read().await? {
        if let Message::Text(_) | Message::Binary(_) = message {
            ws.write(message)?; // the next read sends it, together with others
        }
    }
    Ok(())
}
