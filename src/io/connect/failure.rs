//! What went wrong on the way to a server, and where.

use alloc::string::{String, ToString as _};
use core::fmt;
use std::io;

/// An error of the operating system's says neither what was tried nor with whom.
#[derive(Debug)]
struct Failure {
    about: String,
    error: io::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.error)
    }
}

impl core::error::Error for Failure {}

/// The same error, of the same kind, with what it is about.
pub(super) fn about(what: impl fmt::Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), Failure { about: what.to_string(), error })
}

/// The time that [`Connector::timeout`](super::Connector::timeout) gives is up.
pub(super) fn took_too_long() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it took too long to connect")
}

/// What is said of a name that has no address.
pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}
