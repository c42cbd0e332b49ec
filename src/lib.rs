//! The WebSocket protocol without I/O.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod frame;
pub mod handshake;

mod connection;
mod error;
mod masking_keys;
mod prepared;
mod time;

pub use connection::{
    BinaryPart, Close, Config, Connection, Event, MessageKind, Part, State, TextPart, Transport,
};
pub use error::{Error, SendError, Violation};
pub use masking_keys::MaskingKeys;
pub use prepared::Prepared;
#[cfg(feature = "std")]
pub use time::Clock;
pub use time::Instant;
