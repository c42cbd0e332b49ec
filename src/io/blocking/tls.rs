use core::ops::DerefMut;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::time::Instant;

use rustls::{ConnectionCommon, SideData};

use super::Stream;

/// TLS by rustls over a blocking stream, a server's end or a client's.
///
/// It takes the place of `rustls::StreamOwned`, which can read before it has written all, and
/// the other way round: there a peer that neither reads nor writes holds a write whatever the
/// timeouts say, one that sends a record byte by byte holds a read past its deadline, and what
/// the stream does not take at once ends the connection. Here each call goes to the stream for
/// what it is, and ends with `WouldBlock` where the stream's does; nothing is lost.
///
/// The TLS handshake is part of the first call that needs it, and so of the time that
/// [`Config::handshake_timeout`](crate::Config::handshake_timeout) gives.
///
/// ```no_run
/// use std::net::TcpStream;
/// use std::sync::Arc;
/// use sansws::{CloseCode, Config};
/// use sansws::blocking::{TlsStream, WebSocket};
///
/// fn serve(stream: TcpStream, tls: Arc<rustls::ServerConfig>) -> Result<(), sansws::io::Error> {
///     let tls = rustls::ServerConnection::new(tls).map_err(std::io::Error::other)?;
///     let mut ws = WebSocket::accept(TlsStream::new(tls, stream), &Config::new())?;
///     ws.write("hello")?;
///     ws.close(CloseCode::NORMAL, "")
/// }
/// ```
#[derive(Debug)]
pub struct TlsStream<C, T> {
    tls: C,
    stream: T,
    /// The timeout for reading in milliseconds, 0 for none: somebody has to look at the time.
    timeout: AtomicU32,
}

impl<C, T> TlsStream<C, T> {
    /// A `rustls::ServerConnection` or `ClientConnection` over its stream, whether their
    /// handshake is done or not.
    #[must_use]
    pub const fn new(tls: C, stream: T) -> Self {
        Self { tls, stream, timeout: AtomicU32::new(0) }
    }

    /// The TLS connection, for its questions.
    #[must_use]
    pub const fn tls(&self) -> &C {
        &self.tls
    }

    /// The TLS connection, for what has to be done with it, such as new keys. What that makes it
    /// write is written by the next call.
    pub const fn tls_mut(&mut self) -> &mut C {
        &mut self.tls
    }

    /// The stream below.
    #[must_use]
    pub const fn stream(&self) -> &T {
        &self.stream
    }

    /// Both, without another word to the peer.
    #[must_use]
    pub fn into_parts(self) -> (C, T) {
        (self.tls, self.stream)
    }
}

impl<C, D, T: Read + Write> TlsStream<C, T>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
    D: SideData,
{
    /// Does as much as can be done with one look at the stream, so that the time is looked at
    /// too. (`complete_io` goes on for as long as bytes come, however slowly.) Whether the
    /// stream has not ended.
    pub(in crate::io) fn advance(&mut self) -> io::Result<bool> {
        let wants_write = self.tls.wants_write();
        let written = if wants_write { self.write_some() } else { Ok(()) };
        // The stream may have a buffer of its own, and the peer wait for what is in it.
        match written.and_then(|()| self.stream.flush()) {
            Ok(()) if wants_write => return Ok(true),
            Ok(()) => {}
            // The peer may wait for us to read, as we do. Whatever it is, reading tells more.
            Err(error) if error.kind() != io::ErrorKind::Interrupted && self.tls.wants_read() => {}
            Err(error) => return Err(error),
        }
        let count = self.tls.read_tls(&mut self.stream)?;
        match self.tls.process_new_packets() {
            Ok(_) => Ok(count > 0),
            Err(error) => {
                let _ = self.write_some(); // the peer may want to know too
                Err(io::Error::new(io::ErrorKind::InvalidData, error))
            }
        }
    }

    /// Whether the TLS handshake is still to be done, or to be written.
    pub(in crate::io) fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking() || self.tls.wants_write()
    }

    fn write_some(&mut self) -> io::Result<()> {
        match self.tls.write_tls(&mut self.stream)? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            _ => Ok(()),
        }
    }

    /// Does the TLS handshake, for no longer than a read may take: the bytes that come one by one
    /// are no reason not to look at the time.
    fn shake_hands(&mut self) -> io::Result<()> {
        let timeout = Duration::from_millis(u64::from(*self.timeout.get_mut()));
        let end = Instant::now().checked_add(timeout).filter(|_| !timeout.is_zero());
        while self.tls.is_handshaking() {
            if !self.advance()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.tls.is_handshaking() && end.is_some_and(|end| Instant::now() >= end) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        Ok(())
    }
}

impl<C, D, T: Read + Write> Read for TlsStream<C, T>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
    D: SideData,
{
    /// Reads until there is something; with a timeout, only once: half a record is no reason
    /// not to look at the time, so it says that it was interrupted.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            // At the end, the reader tells what it means.
            let has_more = self.advance()?;
            if has_more && *self.timeout.get_mut() > 0 && self.tls.wants_read() {
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
    }
}

impl<C, D, T: Read + Write> Write for TlsStream<C, T>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
    D: SideData,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let is_empty = bufs.iter().all(|buf| buf.is_empty());
        let count = loop {
            let count = self.tls.writer().write_vectored(bufs)?;
            if count > 0 || is_empty {
                break count;
            }
            // It has no room.
            self.shake_hands()?;
            if self.tls.wants_write() {
                self.write_some()?;
            }
        };
        while self.tls.wants_write() {
            match self.write_some() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(()) => {}
                // What was taken is not to be given again. It waits here, and what it waits for
                // the next call tells.
                Err(_) => break,
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.shake_hands()?;
        while self.tls.wants_write() {
            self.write_some()?;
        }
        self.stream.flush()
    }
}

impl<C, D, T: Stream> Stream for TlsStream<C, T>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
    D: SideData,
{
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        let millis = timeout.map_or(0, |timeout| timeout.as_millis().clamp(1, u32::MAX.into()));
        self.timeout.store(u32::try_from(millis).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.stream.set_read_timeout(timeout)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.tls.send_close_notify();
        self.flush()?;
        self.stream.shut_down()
    }
}
