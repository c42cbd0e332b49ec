//! Each library, used as its documentation recommends.
//!
//! Every module has what its library can do of: `receive`, `echo`, `send` and
//! `handshake`.

pub mod fastwebsockets;
pub mod limit;
pub mod sansws;
pub mod sansws_tokio;
pub mod sockudo_ws;
pub mod soketto;
pub mod tokio_websockets;
pub mod tungstenite;
pub mod web_socket;
pub mod websocket_sans_io;
pub mod wtx;
pub mod yawc;

/// Which end a contender is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Server,
    Client,
}
