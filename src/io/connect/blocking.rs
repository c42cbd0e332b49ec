use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Instant;

use super::Connector;
use super::addresses::{by_turns, no_address};
use crate::handshake::{Accepted, RequestBuilder, Uri};
use crate::io::blocking::{Stream, WebSocket, tunnel};
use crate::io::error::Error;

/// Opens a connection to the server that a `ws` or `wss` URI names; for more than
/// that, see [`Connector`].
///
/// ```no_run
/// let (mut ws, _) = sansws::blocking::connect("wss://example.com/")?;
/// ws.send("hello")?;
/// println!("{:?}", ws.read()?);
/// ws.close(sansws::frame::CloseCode::NORMAL, "")?;
/// # Ok::<_, sansws::io::Error>(())
/// ```
///
/// # Errors
/// As for [`Connector::connect_blocking`]; [`Error::Build`] if it is no such URI.
pub fn connect(uri: &str) -> Result<(WebSocket<ClientStream>, Accepted<'static>), Error> {
    Connector::new().connect_blocking(RequestBuilder::new(uri)?)
}

impl Connector {
    /// Opens a connection and waits for it. If the server's name has several
    /// addresses, they are tried one after the other, each for its share of the
    /// time. (To look up the name takes as long as the operating system does.)
    ///
    /// # Errors
    /// As for [`connect`](Self::connect).
    pub fn connect_blocking(
        &self,
        request: RequestBuilder,
    ) -> Result<(WebSocket<ClientStream>, Accepted<'static>), Error> {
        let stream = self.open_blocking(request.uri())?;
        WebSocket::connect_over(stream, request, &self.config)
    }

    fn open_blocking(&self, uri: &Uri) -> Result<ClientStream, Error> {
        let deadline = Instant::now() + self.timeout;
        let addresses = by_turns(self.first_hop(uri).to_socket_addrs()?);
        let mut stream = connect_any(&addresses, deadline)?;
        // Messages are joined before they are written; nothing is gained by waiting.
        stream.set_nodelay(true)?;
        if let Some(proxy) = &self.proxy {
            stream = tunnel(stream, uri, proxy.credentials.as_deref(), &self.config)?;
        }
        if uri.is_secure() {
            Ok(self.encrypt_blocking(stream, uri, deadline)?)
        } else {
            Ok(ClientStream(Layers::Plain(stream)))
        }
    }

    #[cfg(feature = "rustls")]
    fn encrypt_blocking(
        &self,
        mut stream: TcpStream,
        uri: &Uri,
        deadline: Instant,
    ) -> io::Result<ClientStream> {
        let name = super::tls::server_name(uri)?;
        let tls = rustls::ClientConnection::new(self.tls_config()?, name);
        let mut tls = tls.map_err(io::Error::other)?;
        while tls.is_handshaking() {
            let left = left(deadline)?;
            stream.set_read_timeout(Some(left))?;
            stream.set_write_timeout(Some(left))?;
            match tls.complete_io(&mut stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => drop(result?),
            }
        }
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
        let stream = rustls::StreamOwned::new(tls, stream);
        Ok(ClientStream(Layers::Tls(alloc::boxed::Box::new(stream))))
    }

    #[cfg(not(feature = "rustls"))]
    fn encrypt_blocking(&self, _: TcpStream, _: &Uri, _: Instant) -> io::Result<ClientStream> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "wss takes the feature `rustls`"))
    }
}

fn connect_any(addresses: &[core::net::SocketAddr], deadline: Instant) -> io::Result<TcpStream> {
    let mut failure = no_address();
    let mut untried = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let share = left(deadline)? / untried;
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
        untried -= 1;
    }
    Err(failure)
}

/// The time that is left, if any is.
fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
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
    Tls(alloc::boxed::Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}

impl ClientStream {
    /// The TCP stream at the bottom.
    #[must_use]
    pub const fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Layers::Plain(stream) => stream,
            #[cfg(feature = "rustls")]
            Layers::Tls(stream) => &stream.sock,
        }
    }

    fn layer(&mut self) -> &mut dyn Stream {
        match &mut self.0 {
            Layers::Plain(stream) => stream,
            #[cfg(feature = "rustls")]
            Layers::Tls(stream) => &mut **stream,
        }
    }
}

impl Read for ClientStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.layer().read(buf)
    }
}

impl Write for ClientStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.layer().write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.layer().write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.layer().flush()
    }
}

impl Stream for ClientStream {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.tcp().set_read_timeout(timeout)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.layer().shut_down()
    }
}
