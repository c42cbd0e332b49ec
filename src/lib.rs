//! The WebSocket protocol ([RFC 6455]) without I/O: bytes in, events out;
//! commands in, bytes out.
//!
//! ```text
//!             read                                              events
//!   socket  ────────▶  input: &mut [u8]  ──▶ ┌────────────┐ ─────────▶  program
//!           ◀────────  out: Vec<u8>      ◀── │ Connection │ ◀─────────
//!             write                          └────────────┘  send_*
//! ```
//!
//! The program owns the socket, both buffers and the time. What it gives to
//! the connection is bytes that it has read; what it gets is events, and bytes
//! to write, appended to its own buffer.
//!
//! There are three heights to stand at, each built from the one before:
//!
//! - [`frame`]: headers as plain values;
//! - [`Connection::receive_part`]: pieces of messages as they arrive;
//! - [`Connection::receive`]: whole messages.
//!
//! The adapters in `io` put a stream to it: `blocking::WebSocket`,
//! `tokio::WebSocket` and `futures_io::WebSocket`, with the features of these names.
//! Without one, start with [`handshake`] to open a connection, then read the contract
//! in the documentation of [`Connection`].
//!
//! ```
//! use sansws::{Config, Connection, Event, MaskingKeys};
//!
//! let config = Config::new();
//! let mut server = Connection::server(&config);
//! let mut client = Connection::client(&config, MaskingKeys::new(|| [1, 2, 3, 4]));
//!
//! let mut to_server = Vec::new();
//! client.send_text("hello", &mut to_server)?;
//!
//! let (mut input, mut to_client) = (&mut to_server[..], Vec::new());
//! while let Some(event) = server.receive(&mut input, &mut to_client)? {
//!     match event {
//!         Event::Text(text) => server.send_text(&text, &mut to_client)?,
//!         Event::Binary(data) => server.send_binary(&data, &mut to_client)?,
//!         _ => {} // pings and closes are already answered
//!     }
//! }
//! assert_eq!(to_client, b"\x81\x05hello");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # With a stream
//!
//! Where there is a stream of the standard library, of tokio or of smol, the loop is
//! written already: in the adapters `blocking`, `tokio` and `futures_io`. What they
//! share stands in `io`, whose `Connector` leads from a URI to a connection. This is an
//! echo server's connection:
//!
//! ```no_run
//! # #[cfg(feature = "blocking")]
//! # mod example {
//! use sansws::blocking::WebSocket;
//! use sansws::{Config, Message};
//!
//! fn serve(stream: std::net::TcpStream) -> Result<(), sansws::io::Error> {
//!     let mut ws = WebSocket::accept(stream, &Config::new())?;
//!     while let Some(message) = ws.read()? {
//!         if let Message::Text(_) | Message::Binary(_) = message {
//!             ws.write(message)?; // the next read sends it
//!         }
//!     }
//!     Ok(())
//! }
//! # }
//! ```
//!
//! # Features
//!
//! The first six are on by default; without any the crate is `no_std` with `alloc`.
//!
//! | feature | what it adds |
//! |---|---|
//! | `std` | `Clock`, and run-time detection of faster instructions in dependencies |
//! | `rand` | `MaskingKeys::random` and `handshake::nonce` |
//! | `simdutf8` | UTF-8 checked several times faster |
//! | `multiversion` | long messages masked faster, by instructions found at run time |
//! | `deflate` | `DeflateConfig`: messages compressed (permessage-deflate, RFC 7692) |
//! | `blocking` | `blocking`: the adapter for blocking streams |
//! | `tokio` | `tokio`: the adapter for tokio's streams |
//! | `futures-io` | `futures_io`: the adapter for the streams of smol and async-std |
//! | `connect` | `io::Connector`, `blocking::connect`, `tokio::connect`: from a `ws` URI to an open connection, through an HTTP proxy if need be |
//! | `rustls` | `connect`, and `wss` for blocking streams |
//! | `tokio-rustls` | `tokio`, `connect`, and `wss` for both |
//! | `rustls-platform-verifier` | `rustls`, and trust in whom the operating system trusts |
//! | `rustls-webpki-roots` | `rustls`, and trust in whom Mozilla trusts |
//! | `tracing` | how the adapters' connections begin and end, for logs: at level debug, with the target `sansws`, in whatever span the program has put round them |
//! | `http` | handshakes as types of the `http` crate, for hyper and axum |
//!
//! Import names, not all of them by `*`: the modules `io` and `tokio` would hide others of these
//! names.
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(missing_debug_implementations, unnameable_types, unreachable_pub)]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs, clippy::use_self)]
// On 32-bit targets a length must not lose its upper half unseen.
#![warn(clippy::cast_possible_truncation)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_alloc, clippy::std_instead_of_core)]
#![cfg_attr(
    all(feature = "_io", not(any(feature = "blocking", feature = "tokio"))),
    allow(dead_code, reason = "what the adapters share, where there is none to connect with")
)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod frame;
pub mod handshake;
#[cfg(feature = "_io")]
pub mod io;

mod connection;
mod copy;
#[cfg(feature = "deflate")]
mod deflate;
mod error;
mod masking_keys;
mod prepared;
mod time;

#[cfg(feature = "deflate")]
pub use connection::CompressedPart;
pub use connection::{
    BinaryPart, Close, Config, Connection, Event, Message, MessageBuffer, MessageKind, Part, State,
    TextPart, Transport, UnsentPayload,
};
#[cfg(feature = "deflate")]
pub use deflate::{DeflateConfig, DeflateParameters, KeepContext};
pub use error::{Error, SendError, Violation};
pub use frame::CloseCode;
#[cfg(feature = "blocking")]
pub use io::blocking;
#[cfg(feature = "futures-io")]
pub use io::futures_io;
#[cfg(feature = "tokio")]
pub use io::tokio;
pub use masking_keys::MaskingKeys;
pub use prepared::Prepared;
#[cfg(feature = "std")]
pub use time::Clock;
pub use time::Instant;

/// Compiles the examples in the README.
#[cfg(all(doctest, feature = "tokio", feature = "connect"))]
#[doc = include_str!("../README.md")]
struct Readme;
