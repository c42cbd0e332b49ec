use alloc::boxed::Box;
use std::io;

use super::refusal::Refusal;
use crate::error::{SendError, Violation};
use crate::handshake::{BuildError, HandshakeError};

/// Why an adapter did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream failed, or could not be opened.
    ///
    /// Of what fails in TLS the inner error ([`io::Error::get_ref`]) is a `rustls::Error`, such
    /// as `InvalidCertificate`, the first time it is told; of a `Connector` that has run out of
    /// time the kind is [`TimedOut`](io::ErrorKind::TimedOut), and what failed before there was a
    /// stream names the address, the name or the proxy that it failed at. A peer that is gone in
    /// the opening handshake, as a health check that only connects, is
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof). One that is gone later without a Close
    /// frame is [`Failed`](Self::Failed) with [`EndOfStream`](Violation::EndOfStream), unless the
    /// network says so in words of its own, such as
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset), or TLS has not come to an end of its
    /// own, which is [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) too.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The connection failed: the peer broke the protocol, passed a limit, ended
    /// the stream early or did not answer in time. Where there was something to
    /// tell the peer, it has been told.
    #[error(transparent)]
    Failed(Violation),
    /// See [`Error::WrongReceive`](crate::Error::WrongReceive): a message begun
    /// with `read_part` is to be finished with that. Nothing is lost.
    #[error("the message under way was begun with the other of read and read_part")]
    WrongRead,
    /// Something cannot be sent; the connection is as it was.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The peer's opening handshake broke a rule. A client has been told.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The opening handshake did not come to an end in time. A client has been told nothing.
    #[error("the opening handshake took too long")]
    HandshakeTimeout,
    /// A request or answer that cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The server answered with another status than 101: an error, a redirection,
    /// a demand for a password. Or a proxy has
    /// [refused](Refusal::is_from_proxy) to lead there.
    #[error("the {} answered with status {}", .0.author(), .0.status())]
    Refused(Box<Refusal>),
}

impl From<core::convert::Infallible> for Error {
    fn from(never: core::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::Failed(violation) => Self::Failed(violation),
            crate::Error::WrongReceive => Self::WrongRead,
        }
    }
}
