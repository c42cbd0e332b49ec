use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};

/// What a blocking stream can do besides reading and writing.
///
/// Implemented for [`TcpStream`] and `UnixStream`; TLS over either is a `TlsStream`. Wrap any other
/// in [`ReadWrite`].
pub trait Stream: Read + Write {
    /// Sets how long reading may block, as
    /// [`TcpStream::set_read_timeout`](std::net::TcpStream::set_read_timeout) does. A
    /// stream that cannot returns `Ok(())`: then deadlines are looked at only
    /// when something comes.
    ///
    /// # Errors
    /// Those of the operating system. After the opening handshake they are ignored,
    /// since reading tells more.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Shuts down the sending side and leaves the receiving one open. A stream
    /// that cannot returns an error of kind `Unsupported`, and is given back at
    /// once, to be closed. After `WouldBlock` and `Interrupted` it is called again.
    ///
    /// # Errors
    /// Those of the operating system.
    fn shut_down(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(timeout)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(timeout)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// Any stream, of which nothing else is known.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "it is only a wrapper")]
pub struct ReadWrite<T>(pub T);

impl<T: Read> Read for ReadWrite<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<T: Write> Write for ReadWrite<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<T: Read + Write> Stream for ReadWrite<T> {
    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
