//! What the servers are given to do.

use crate::servers::Mode;

pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    pub kind: Kind,
    pub connections: usize,
    pub in_flight: usize,
    pub is_text: bool,
    pub size: usize,
    /// How many messages of one round, or connections.
    pub count: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Each message comes back to its sender.
    Echo,
    /// Each message of the first connection goes to all.
    Broadcast,
    /// Each connection is opened, echoes once, and is closed.
    Connect,
}

impl Scenario {
    pub fn mode(&self) -> Mode {
        if self.kind == Kind::Broadcast { Mode::Broadcast } else { Mode::Echo }
    }
}

const fn echo(
    name: &'static str,
    about: &'static str,
    (connections, in_flight): (usize, usize),
    size: usize,
    count: usize,
) -> Scenario {
    let kind = Kind::Echo;
    Scenario { name, about, kind, connections, in_flight, is_text: false, size, count }
}

pub const ALL: &[Scenario] = &[
    echo("b1", "100 connections, 16 bytes, 1 in flight each", (100, 1), 16, 20_000),
    echo("b16", "100 connections, 16 bytes, 16 in flight each", (100, 16), 16, 80_000),
    echo("c1", "100 connections, 1 KiB, 1 in flight each", (100, 1), 1024, 20_000),
    echo("c16", "100 connections, 1 KiB, 16 in flight each", (100, 16), 1024, 64_000),
    echo("s1", "1 connection, 16 bytes, 1 in flight", (1, 1), 16, 10_000),
    Scenario { is_text: true, ..echo("ct16", "as c16, of mixed text", (100, 16), 1024, 64_000) },
    echo("d", "10 connections, 64 KiB, 1 in flight each", (10, 1), 64 << 10, 3000),
    echo("k16", "10 connections, 16 KiB, 16 in flight each", (10, 16), 16 << 10, 8000),
    echo("d4", "as d, 4 in flight each", (10, 4), 64 << 10, 3000),
    echo("e", "2 connections, 1 MiB, 1 in flight each", (2, 1), 1 << 20, 200),
    Scenario {
        kind: Kind::Broadcast,
        ..echo("f", "128 bytes from one to 500 connections, a delivery", (500, 1), 128, 50)
    },
    Scenario {
        kind: Kind::Connect,
        ..echo("h", "connect, upgrade, echo 16 bytes, close, a connection", (16, 1), 16, 600)
    },
];
