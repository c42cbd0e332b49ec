//! One thread with epoll, without a runtime.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::Mode;
use super::limit::{BUFFER_LEN, Frames, RESPONSE};

#[path = "../../../../examples/epoll_echo/main.rs"]
#[allow(dead_code, reason = "what only its command line needs")]
mod example;

/// `examples/epoll_echo`.
pub fn sansws(listener: TcpListener, _: Mode) {
    listener.set_nonblocking(true).unwrap();
    example::serve(mio::net::TcpListener::from_std(listener), false).unwrap();
}

const LISTENER: usize = usize::MAX;

/// The loop without the protocol.
pub fn limit(listener: TcpListener, mode: Mode) {
    run(listener, mode, Frames::default);
}

/// With the check of text that the protocol demands.
pub fn limit_with_utf8(listener: TcpListener, mode: Mode) {
    run(listener, mode, Frames::with_utf8);
}

fn run(listener: TcpListener, mode: Mode, new_frames: fn() -> Frames) {
    listener.set_nonblocking(true).unwrap();
    let mut listener = mio::net::TcpListener::from_std(listener);
    let mut poll = Poll::new().unwrap();
    poll.registry().register(&mut listener, Token(LISTENER), Interest::READABLE).unwrap();
    let mut clients = Slab::new();
    let mut buffer = vec![0; BUFFER_LEN];
    let mut events = Events::with_capacity(1024);
    loop {
        poll.poll(&mut events, None).unwrap();
        for event in &events {
            let Token(key) = event.token();
            if key == LISTENER {
                while let Ok((mut socket, _)) = listener.accept() {
                    socket.set_nodelay(true).unwrap();
                    let entry = clients.vacant_entry();
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut socket, Token(entry.key()), interest).unwrap();
                    entry.insert(Client::new(socket, new_frames()));
                }
            } else if mode == Mode::Echo {
                if let Some(client) = clients.get_mut(key)
                    && !client.turn(&mut buffer).unwrap_or(false)
                {
                    clients.remove(key);
                }
            } else if event.is_readable() {
                match clients[key].read(&mut buffer) {
                    Ok(Some(reply)) if clients[key].is_open => {
                        for (_, client) in &mut clients {
                            let _ = client.write(&reply);
                        }
                    }
                    Ok(Some(reply)) => {
                        clients[key].is_open = true;
                        let _ = clients[key].write(&reply);
                    }
                    Ok(None) => {}
                    Err(_) => drop(clients.remove(key)),
                }
            }
        }
    }
}

struct Client {
    socket: TcpStream,
    frames: Frames,
    is_open: bool,
    /// What the socket has not taken yet.
    out: Vec<u8>,
}

impl Client {
    fn new(socket: TcpStream, frames: Frames) -> Self {
        Self { socket, frames, is_open: false, out: Vec::new() }
    }

    /// Whether the stream goes on.
    fn turn(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            let waiting = std::mem::take(&mut self.out);
            self.write(&waiting)?;
            if !self.out.is_empty() {
                return Ok(true);
            }
            let count = match self.socket.read(&mut buffer[Frames::SPARE..]) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            if self.is_open {
                let reply = self.frames.answer(buffer, count);
                self.write(&buffer[reply])?;
            } else {
                self.is_open = true;
                self.write(RESPONSE)?;
            }
            // Then that was all.
            if count < buffer.len() - Frames::SPARE && self.out.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Reads once; the answer to that.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
        match self.socket.read(&mut buffer[Frames::SPARE..]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) if !self.is_open => Ok(Some(RESPONSE.to_vec())),
            Ok(count) => {
                let reply = self.frames.answer(buffer, count);
                Ok(Some(buffer[reply].to_vec()))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.out.extend_from_slice(bytes);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
