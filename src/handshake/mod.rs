//! The opening handshake (RFC 6455, 4), both sides: as HTTP/1.1 bytes, or
//! through another HTTP library.
//!
//! Neither side touches a socket. A server gives what it reads to
//! [`ServerHandshake`] and gets a [`Request`], which it accepts or rejects; a
//! client builds its request with a [`RequestBuilder`] and gives what it reads
//! to [`ClientHandshake`]. Both take from the input no more than the HTTP head,
//! so that what is left is the connection's first input.
//!
//! Where another library reads and sends HTTP, the same rules apply to what it
//! has read, and what it is to send comes in parts:
//!
//! | | server: request, acceptance, refusal | client: request, answer |
//! |---|---|---|
//! | HTTP/1.1 | [`Request::from_fields`], [`Accept::into_response`], [`HandshakeError::into_response`] | [`RequestBuilder::start_fields`], [`ClientHandshake::receive_fields`] |
//! | HTTP/2 and HTTP/3 (RFC 8441, RFC 9220) | [`Request::from_header_list`], the same | [`RequestBuilder::start_connect`], the same |
//! | types of the `http` crate, feature `http` | `Request::from_http`, `from_http_parts`, `Accept::into_http`, `HandshakeError::into_http` | `RequestBuilder::start_http`, `start_http_connect`, `ClientHandshake::receive_http` |
//!
//! ```
//! use sansws::handshake::{Answer, RequestBuilder, ServerHandshake};
//! use sansws::{Config, MaskingKeys};
//!
//! let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
//!
//! // The client asks. The nonce and the masking keys must be random: see `nonce()`.
//! let mut client = RequestBuilder::new("ws://example.com/chat")?
//!     .subprotocol("superchat")?
//!     .start([7; 16], &mut to_server);
//!
//! // The server answers.
//! let mut server = ServerHandshake::new();
//! let mut input = &mut to_server[..];
//! let request = server.receive(&mut input)?.expect("it is all there");
//! assert_eq!(request.path(), "/chat");
//! let accept = request.accept()?.select_subprotocol(&["superchat", "chat"]);
//! let server = accept.into_connection(&Config::new(), &mut to_client);
//!
//! // The client checks the answer.
//! let mut input = &mut to_client[..];
//! match client.receive(&mut input)? {
//!     Some(Answer::Accepted(accepted)) => {
//!         assert_eq!(accepted.subprotocol(), Some("superchat"));
//!         let keys = MaskingKeys::new(|| [1, 2, 3, 4]);
//!         let client = accepted.into_connection(&Config::new(), keys);
//!     }
//!     Some(Answer::Refused(response)) => panic!("refused with {}", response.status()),
//!     None => panic!("more is to be read"),
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod accept;
mod accept_key;
mod answer;
mod builder;
mod client;
mod connect;
mod credentials;
mod error;
mod fields;
mod head;
#[cfg(feature = "http")]
mod http;
mod origin;
mod parts;
mod response;
mod rules;
mod server;
#[cfg(feature = "connect")]
mod tunnel;
mod uri;

pub use accept::Accept;
pub use accept_key::AcceptKey;
pub use answer::Response;
pub use builder::RequestBuilder;
pub use client::{Accepted, Answer, ClientHandshake};
#[cfg(feature = "connect")]
pub(crate) use credentials::basic;
pub use error::{BuildError, HandshakeError, UriError};
pub use fields::{Extension, Fields};
pub use origin::OriginPolicy;
pub use parts::{HttpVersion, RequestParts, ResponseParts};
pub use server::{Request, ServerHandshake};
#[cfg(feature = "connect")]
pub(crate) use tunnel::Tunnel;
pub use uri::Uri;

/// A nonce for [`RequestBuilder::start`]: 16 unpredictable bytes.
///
/// # Panics
/// Where the operating system has no randomness to give.
#[cfg(feature = "rand")]
#[must_use]
pub fn nonce() -> [u8; 16] {
    rand::random()
}
