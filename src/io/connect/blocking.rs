use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Instant;

use super::Connector;
use super::addresses::by_turns;
use super::failure::{about, no_address, took_too_long};
#[cfg(feature = "rustls")]
use super::tls::{Tls, tls_for};
use crate::connection::Config;
use crate::handshake::{Accepted, RequestBuilder, Uri};
#[cfg(feature = "rustls")]
use crate::io::blocking::TlsStream;
use crate::io::blocking::runtime::{Blocking, Timer, now};
use crate::io::blocking::{Stream, WebSocket};
use crate::io::error::Error;
use crate::io::opening::Opening;
use crate::io::trace;

/// Opens a connection to the server that a `ws` or `wss` URI names; for more than
/// that, see [`Connector`].
///
/// ```no_run
/// let (mut ws, _) = sansws::blocking::connect("wss://example.com/")?;
/// ws.send("hello")?;
/// println!("{:?}", ws.read()?);
/// ws.close(sansws::CloseCode::NORMAL, "")?;
/// # Ok::<_, sansws::io::Error>(())
/// ```
///
/// # Errors
/// As for [`Connector::connect_blocking`]; [`Error::Build`] if it is no such URI.
pub fn connect(uri: &str) -> Result<(WebSocket<ClientStream>, Accepted<'static>), Error> {
    Connector::new().connect_blocking(uri)
}

impl Connector {
    /// Opens a connection and waits for it: to a URI, or as a [`RequestBuilder`]
    /// says. If the server's name has several
    /// addresses, they are tried one after the other, each for its share of the
    /// time. (To look up the name takes as long as the operating system does.)
    ///
    /// # Errors
    /// [`Error::Io`], if there is no way to the server, TLS fails, or it takes too
    /// long, and of kind `Unsupported` for `wss` if the features for TLS, or for whom to trust,
    /// are missing; [`Error::Refused`], by the server or a proxy; [`Error::Handshake`];
    /// [`Error::HandshakeTimeout`].
    pub fn connect_blocking(
        &self,
        request: impl TryInto<RequestBuilder, Error: Into<Error>>,
    ) -> Result<(WebSocket<ClientStream>, Accepted<'static>), Error> {
        let request = request.try_into().map_err(Into::into)?;
        let uri = request.uri();
        let stream = self.open_blocking(uri);
        let stream =
            stream.inspect_err(|error| trace::failed_to_open(Some(uri.authority()), error))?;
        WebSocket::connect_over(stream, request, &self.config)
    }

    fn open_blocking(&self, uri: &Uri) -> Result<ClientStream, Error> {
        let deadline = Instant::now().checked_add(self.timeout);
        let tls = tls_for(uri, self)?;
        let (host, port) = self.first_hop(uri);
        let addresses = (host, port).to_socket_addrs().map_err(about(host))?;
        let mut stream = connect_any(&by_turns(addresses), deadline)?;
        // Messages are joined before they are written; nothing is gained by waiting.
        stream.set_nodelay(true)?;
        if let Some(proxy) = &self.proxy {
            let authorization = proxy.authorization.as_deref();
            stream = match tunnel(stream, uri, authorization, &self.config, deadline) {
                Err(Error::HandshakeTimeout) => {
                    left(deadline)?; // if it is this time that is up
                    return Err(Error::HandshakeTimeout);
                }
                result => result.map_err(Self::at_the_proxy(proxy))?,
            };
        }
        Ok(match tls {
            Some(tls) => encrypt(stream, tls, deadline)?,
            None => ClientStream(Layers::Plain(stream)),
        })
    }
}

/// Asks a proxy for a tunnel to the server that `uri` names.
fn tunnel<S: Stream>(
    stream: S,
    uri: &Uri,
    authorization: Option<&str>,
    config: &Config,
    deadline: Option<Instant>,
) -> Result<S, Error> {
    let opening = Opening::<S, Blocking>::new(stream, Timer::default(), config);
    let mut opening = opening.no_later_than(deadline);
    now(opening.tunnel(uri, authorization))?;
    opening.stream.set_read_timeout(None)?;
    Ok(opening.stream)
}

#[cfg(feature = "rustls")]
fn encrypt(stream: TcpStream, tls: Tls, deadline: Option<Instant>) -> io::Result<ClientStream> {
    let tls = rustls::ClientConnection::new(tls.config, tls.server_name);
    let mut stream = TlsStream::new(tls.map_err(io::Error::other)?, stream);
    while stream.is_handshaking() {
        let left = left(deadline)?;
        stream.stream().set_read_timeout(left)?;
        stream.stream().set_write_timeout(left)?;
        match stream.advance() {
            Ok(true) => {}
            Ok(false) => {
                let text = "the server has ended the stream in the TLS handshake";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
            Err(error) if is_temporary(&error) => {}
            Err(error) => return Err(error),
        }
    }
    stream.stream().set_read_timeout(None)?;
    stream.stream().set_write_timeout(None)?;
    Ok(ClientStream(Layers::Tls(alloc::boxed::Box::new(stream))))
}

/// Without the feature there is never one: `tls_for` refuses `wss`.
#[cfg(not(feature = "rustls"))]
enum Tls {}

#[cfg(not(feature = "rustls"))]
fn tls_for(uri: &Uri, _: &Connector) -> io::Result<Option<Tls>> {
    let text = "wss takes the feature `rustls`";
    if uri.is_secure() { Err(io::Error::new(io::ErrorKind::Unsupported, text)) } else { Ok(None) }
}

#[cfg(not(feature = "rustls"))]
fn encrypt(_: TcpStream, tls: Tls, _: Option<Instant>) -> io::Result<ClientStream> {
    match tls {}
}

#[cfg(feature = "rustls")]
fn is_temporary(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

fn connect_any(
    addresses: &[core::net::SocketAddr],
    deadline: Option<Instant>,
) -> io::Result<TcpStream> {
    let mut failure = no_address();
    let mut untried = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let connected = match left(deadline)? {
            Some(left) => {
                let share = (left / untried).max(Duration::from_millis(1));
                TcpStream::connect_timeout(address, share)
            }
            None => TcpStream::connect(address),
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = about(address)(error),
        }
        untried -= 1;
    }
    Err(failure)
}

/// The time that is left, if any is; `None` if there is no end to it.
fn left(deadline: Option<Instant>) -> io::Result<Option<Duration>> {
    match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
        Some(Duration::ZERO) => Err(took_too_long()),
        left => Ok(left),
    }
}

/// A stream to a server: TCP, with TLS if the URI asks for it.
#[derive(Debug)]
pub struct ClientStream(Layers);

#[derive(Debug)]
enum Layers {
    Plain(TcpStream),
    #[cfg(feature = "rustls")]
    Tls(alloc::boxed::Box<TlsStream<rustls::ClientConnection, TcpStream>>),
}

impl ClientStream {
    /// The TCP stream at the bottom.
    #[must_use]
    pub const fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Layers::Plain(stream) => stream,
            #[cfg(feature = "rustls")]
            Layers::Tls(stream) => stream.stream(),
        }
    }

    /// The TLS connection, for its questions: the peer's certificates, the version, the protocol
    /// agreed on. `None` without TLS.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub const fn tls(&self) -> Option<&rustls::ClientConnection> {
        match &self.0 {
            Layers::Plain(_) => None,
            Layers::Tls(stream) => Some(stream.tls()),
        }
    }

    fn top(&mut self) -> &mut dyn Stream {
        match &mut self.0 {
            Layers::Plain(stream) => stream,
            #[cfg(feature = "rustls")]
            Layers::Tls(stream) => &mut **stream,
        }
    }
}

impl Read for ClientStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.top().read(buf)
    }
}

impl Write for ClientStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.top().write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.top().write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.top().flush()
    }
}

impl Stream for ClientStream {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match &self.0 {
            Layers::Plain(stream) => Stream::set_read_timeout(stream, timeout),
            #[cfg(feature = "rustls")]
            Layers::Tls(stream) => stream.set_read_timeout(timeout),
        }
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.top().shut_down()
    }
}
