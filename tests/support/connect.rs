//! Servers, certificates and both kinds of client, for the tests of connecting.
#![allow(dead_code, reason = "each test file is a crate that uses its part of it")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sansws::CloseCode;
use sansws::blocking::TlsStream;
use sansws::handshake::{Accepted, RequestBuilder};
use sansws::io::{Connector, Error};
use sansws::{Config, Event, Message, blocking, tokio};

/// The adapters that can connect.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Blocking,
    Tokio,
}

pub const KINDS: [Kind; 2] = [Kind::Blocking, Kind::Tokio];

/// A connection of either kind, used in the blocking way.
#[derive(Debug)]
pub enum Client {
    Blocking(Box<blocking::WebSocket<blocking::ClientStream>>),
    Tokio(::tokio::runtime::Runtime, Box<tokio::WebSocket<tokio::ClientStream>>),
}

impl Client {
    pub fn connect(
        kind: Kind,
        connector: &Connector,
        request: RequestBuilder,
    ) -> Result<(Self, Accepted<'static>), Error> {
        match kind {
            Kind::Blocking => {
                let (ws, accepted) = connector.connect_blocking(request)?;
                Ok((Self::Blocking(ws.into()), accepted))
            }
            Kind::Tokio => {
                let runtime = runtime();
                let (ws, accepted) = runtime.block_on(connector.connect(request))?;
                Ok((Self::Tokio(runtime, ws.into()), accepted))
            }
        }
    }

    /// Connects to a server that is there.
    pub fn open(kind: Kind, connector: &Connector, uri: &str) -> Self {
        let request = RequestBuilder::new(uri).expect("a URI");
        match Self::connect(kind, connector, request) {
            Ok((client, _)) => client,
            Err(error) => panic!("{kind:?}, {uri}: {error}"),
        }
    }

    /// Why there is no way to connect to a server.
    pub fn refused(kind: Kind, connector: &Connector, uri: &str) -> Error {
        let request = RequestBuilder::new(uri).expect("a URI");
        Self::connect(kind, connector, request).expect_err("it is refused")
    }

    pub fn read(&mut self) -> Result<Option<Message>, Error> {
        match self {
            Self::Blocking(ws) => ws.read(),
            Self::Tokio(runtime, ws) => runtime.block_on(ws.read()),
        }
    }

    pub fn send<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), Error> {
        match self {
            Self::Blocking(ws) => ws.send(event),
            Self::Tokio(runtime, ws) => runtime.block_on(ws.send(event)),
        }
    }

    pub fn close(&mut self) -> Result<(), Error> {
        match self {
            Self::Blocking(ws) => ws.close(CloseCode::NORMAL, "bye"),
            Self::Tokio(runtime, ws) => runtime.block_on(ws.close(CloseCode::NORMAL, "bye")),
        }
    }

    /// Sends messages up to a large one to a server that echoes, and closes.
    pub fn check_echo(&mut self) {
        let large: Vec<u8> = (0..1 << 20).map(|i: u32| (i.wrapping_mul(i) >> 3) as u8).collect();
        let events = [Message::from("hello"), Message::from(&b""[..]), Message::from(large)];
        for event in events {
            self.send(event.clone()).expect("it is sent");
            let echo = self.read().expect("it is echoed");
            // Not by assert_eq, which would print it all.
            assert!(echo == Some(event), "the echo is another");
        }
        self.close().expect("an orderly end");
    }
}

pub fn runtime() -> ::tokio::runtime::Runtime {
    ::tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Starts a server of one connection on an address; its port, and what `serve`
/// returns.
pub fn start<T: Send + 'static>(
    host: &str,
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind((host, 0)).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the client connects");
        // Rather fail than wait for ever.
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        serve(stream)
    });
    (port, server)
}

/// Sends back all messages until the client has closed.
pub fn echo<S: blocking::Stream>(stream: S) {
    let mut ws = blocking::WebSocket::accept(stream, &Config::new()).expect("a right handshake");
    while let Some(event) = ws.read().expect("an orderly end") {
        if let Message::Text(_) | Message::Binary(_) = event {
            ws.write(event).expect("it is open");
        }
    }
}

/// Reads an HTTP head and no more.
pub fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a whole head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head of ASCII")
}

/// Reads a request, answers with these bytes, and waits until the client leaves.
/// The request.
pub fn answer(mut stream: impl Read + Write, bytes: &[u8]) -> String {
    let head = read_head(&mut stream);
    stream.write_all(bytes).expect("the client reads");
    stream.flush().expect("the client reads");
    wait_for_end(stream);
    head
}

/// Waits until the client has gone, in whatever way.
pub fn wait_for_end(mut stream: impl Read) {
    while stream.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
}

/// Whom clients trust, if they are told to.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// The certificate, as a file has it.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names and addresses, and its key.
    pub fn issue(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
        let params = CertificateParams::new(names).expect("valid names");
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.0).expect("a certificate"), key)
    }

    /// For a server with these names, that would speak HTTP/2 if it could.
    pub fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(names);
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("they belong together");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.into()
    }

    /// For a client that trusts this authority and no other.
    pub fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a certificate");
        let config = ClientConfig::builder().with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.into()
    }
}

pub type TlsServer = StreamOwned<ServerConnection, TcpStream>;

/// The server's side of TLS.
pub fn encrypted(stream: TcpStream, config: Arc<ServerConfig>) -> TlsServer {
    let connection = ServerConnection::new(config).expect("a configuration that is right");
    StreamOwned::new(connection, stream)
}

/// The same for an adapter.
pub fn over_tls(
    stream: TcpStream,
    config: Arc<ServerConfig>,
) -> TlsStream<ServerConnection, TcpStream> {
    let StreamOwned { conn, sock } = encrypted(stream, config);
    TlsStream::new(conn, sock)
}
