//! The servers: each in the loop that its own documentation recommends.

use std::net::TcpListener;

mod epoll;
mod hyper;
mod limit;
mod on_tokio;
mod peers;
mod sansws;

pub struct Server {
    pub name: &'static str,
    /// Where a loop without the protocol stands in place of a library.
    pub is_limit: bool,
    /// Whether it does nothing of the protocol but to check text, and so is of interest
    /// with text only.
    pub checks_utf8: bool,
    /// Whether it is among those whose cost is looked at as it grows.
    pub grows: bool,
    broadcasts: bool,
    pub run: fn(TcpListener, Mode),
}

/// What a server does with messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Echo,
    Broadcast,
}

impl Mode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Broadcast => "broadcast",
        }
    }

    pub fn from_name(name: &str) -> Self {
        if name == Self::Broadcast.name() { Self::Broadcast } else { Self::Echo }
    }
}

impl Server {
    const fn new(name: &'static str, run: fn(TcpListener, Mode)) -> Self {
        Self { name, is_limit: false, checks_utf8: false, grows: false, broadcasts: false, run }
    }

    const fn limit(self) -> Self {
        Self { is_limit: true, ..self }
    }

    const fn checks_utf8(self) -> Self {
        Self { checks_utf8: true, ..self }
    }

    const fn grows(self) -> Self {
        Self { grows: true, ..self }
    }

    const fn broadcasts(self) -> Self {
        Self { broadcasts: true, ..self }
    }

    pub fn takes_part(&self, mode: Mode, is_text: bool) -> bool {
        (mode == Mode::Echo || self.broadcasts) && (is_text || !self.checks_utf8)
    }
}

pub const ALL: &[Server] = &[
    Server::new("raw-epoll", epoll::limit).limit().grows().broadcasts(),
    Server::new("raw-tokio", limit::tokio).limit().grows().broadcasts(),
    Server::new("raw-blocking", limit::blocking).limit(),
    Server::new("raw-epoll-utf8", epoll::limit_with_utf8).checks_utf8(),
    Server::new("raw-tokio-utf8", limit::tokio_with_utf8).checks_utf8(),
    Server::new("raw-blocking-utf8", limit::blocking_with_utf8).checks_utf8(),
    Server::new("sansws-epoll", epoll::sansws).grows(),
    Server::new("sansws-tokio", sansws::tokio).grows().broadcasts(),
    Server::new("sansws-blocking", sansws::blocking).grows(),
    Server::new("tokio-tungstenite", peers::tokio_tungstenite).broadcasts(),
    Server::new("tokio-tungstenite-send", peers::tokio_tungstenite_send),
    Server::new("fastwebsockets", hyper::fastwebsockets),
    Server::new("tokio-websockets", peers::tokio_websockets).broadcasts(),
    Server::new("tokio-websockets-forward", peers::tokio_websockets_forward),
    Server::new("yawc", hyper::yawc).broadcasts(),
    Server::new("yawc-batched", hyper::yawc_batched),
    Server::new("sockudo-ws", peers::sockudo_ws).broadcasts(),
    Server::new("sockudo-ws-forward", peers::sockudo_ws_forward),
    Server::new("wtx", peers::wtx),
    Server::new("soketto", peers::soketto),
];
