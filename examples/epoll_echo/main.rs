//! An echo server in one thread without a runtime: [mio] says which sockets are
//! ready (by epoll, or what else the system has), and the connections do no I/O.
//!
//! ```sh
//! cargo run --example epoll_echo -- 127.0.0.1:9001
//! ```
//!
//! A connection at rest has no buffers: all read into one, and what is to be written
//! is kept only while its socket does not take it.
//!
//! [mio]: https://docs.rs/mio

mod client;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use sansws::{Clock, Instant};
use slab::Slab;

use client::{Client, Next, Shared};

/// A WebSocket server that sends every message back.
#[derive(Parser)]
struct Args {
    /// Where to listen, such as 127.0.0.1:9001; port 0 takes a free one
    addr: SocketAddr,
    /// Compress messages with clients that offer it
    #[arg(long)]
    deflate: bool,
}

/// The listener's key; all others are the clients' in the slab.
const LISTENER: usize = usize::MAX;

fn main() -> io::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.addr)?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener, args.deflate)
}

pub(crate) fn serve(listener: TcpListener, deflate: bool) -> io::Result<()> {
    let shared = Shared::new(deflate);
    let (poll, clients, due, alarms) = (Poll::new()?, Slab::new(), Vec::new(), BinaryHeap::new());
    Server { poll, listener, clients, due, alarms, clock: Clock::new(), shared }.run()
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    clients: Slab<Client>,
    /// Whose turn it is.
    due: Vec<usize>,
    /// When to give whom a turn at the latest; a turn too many does no harm.
    alarms: BinaryHeap<Reverse<(Instant, usize)>>,
    clock: Clock,
    shared: Shared,
}

impl Server {
    fn run(mut self) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.register(&mut self.listener, Token(LISTENER), Interest::READABLE)?;
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                let Token(key) = event.token();
                self.due.push(key);
                if let Some(client) = self.clients.get_mut(key) {
                    client.see(event);
                }
            }
            let now = self.clock.now();
            while let Some(Reverse((at, key))) = self.alarms.peek().copied()
                && at <= now
            {
                self.alarms.pop();
                self.due.push(key);
                if let Some(client) = self.clients.get_mut(key) {
                    client.alarm = None;
                }
            }
            self.due.sort_unstable();
            self.due.dedup();
            for key in mem::take(&mut self.due) {
                match self.clients.get_mut(key).map(|client| client.turn(&mut self.shared, now)) {
                    Some(Ok(next)) => self.wait(key, next, now),
                    Some(Err(error)) => {
                        eprintln!("{error}");
                        self.clients.remove(key);
                    }
                    None if key == LISTENER => self.accept(now),
                    None => {}
                }
            }
        }
    }

    /// How long to wait for events.
    fn patience(&self) -> Option<Duration> {
        if !self.due.is_empty() {
            return Some(Duration::ZERO);
        }
        self.alarms.peek().map(|Reverse((at, _))| at.saturating_since(self.clock.now()))
    }

    fn accept(&mut self, now: Instant) {
        loop {
            match self.listener.accept().and_then(|(socket, _)| self.add(socket, now)) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // A client that is gone again is no reason to stop, nor is a lack of file
                // descriptors, which passes.
                Err(_) => {
                    let soon = now + Duration::from_millis(10);
                    return self.alarms.push(Reverse((soon, LISTENER)));
                }
            }
        }
    }

    fn add(&mut self, mut socket: TcpStream, now: Instant) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let key = self.clients.vacant_key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket, Token(key), interest)?;
        self.clients.insert(Client::new(socket, now));
        self.wait(key, Next::Event, now);
        Ok(())
    }

    fn wait(&mut self, key: usize, next: Next, now: Instant) {
        let client = &mut self.clients[key];
        match next {
            Next::Turn => self.due.push(key),
            Next::Event => {}
            Next::Drop => return drop(self.clients.remove(key)),
        }
        // Deadlines move on with every message. That an alarm goes off too early now and
        // then costs less than to move it too.
        if let Some(at) = client.deadline(now)
            && client.alarm.is_none_or(|alarm| at < alarm)
        {
            client.alarm = Some(at);
            self.alarms.push(Reverse((at, key)));
        }
    }
}
