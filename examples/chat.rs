//! A chat in the browser: serves its own page, and carries every message to
//! everyone who is connected.
//!
//! A thread reads from each connection and one writes to it. Between them is a
//! bounded queue of bytes: whoever does not keep up with it is dropped, so that
//! nobody waits for a slow reader.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use sansws::CloseCode;
use sansws::handshake::{BuildError, OriginPolicy, Request, ServerHandshake};
use sansws::{
    Clock, Config, Connection, DeflateConfig, Event, Prepared, SendError, State, Transport,
};
use serde_json::{Value, json};

/// A chat for browsers: open http://127.0.0.1:8080 in several tabs.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(default_value = "127.0.0.1:8080")]
    addr: String,
    /// Compress messages with browsers that offer it
    #[arg(long)]
    deflate: bool,
}

/// Each message by itself, so that one compressed form of it serves all.
const DEFLATE: DeflateConfig = DeflateConfig::new().send_without_takeover(true);

/// How many writes may wait for a reader that is slow.
const QUEUE_LEN: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let listener = TcpListener::bind(&args.addr)?;
    println!("open http://{} in a browser", listener.local_addr()?);
    let room = Arc::new(Room { deflate: args.deflate, ..Room::default() });
    loop {
        let (socket, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                // A lack of file descriptors passes.
                eprintln!("{error}");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let room = Arc::clone(&room);
        thread::spawn(move || {
            if let Err(error) = serve(socket, &room) {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// Everyone who is connected and has said a name.
#[derive(Default)]
struct Room {
    members: Mutex<HashMap<u64, Member>>,
    next_id: AtomicU64,
    /// Whether to compress for those who offer it.
    deflate: bool,
}

struct Member {
    name: String,
    is_deflated: bool,
    queue: SyncSender<Bytes>,
    socket: TcpStream,
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a member in, under a name that nobody else has; that name, and all.
    fn join(&self, id: u64, mut member: Member) -> (String, Vec<String>) {
        let mut members = self.lock();
        let wanted = member.name.clone();
        let mut number = 2;
        while members.values().any(|other| other.name == member.name) {
            member.name = format!("{wanted} {number}");
            number += 1;
        }
        let name = member.name.clone();
        members.insert(id, member);
        (name, members.values().map(|member| member.name.clone()).collect())
    }

    fn leave(&self, id: u64) {
        let left = self.lock().remove(&id);
        if let Some(member) = left {
            self.tell_all(&json!({ "type": "left", "name": member.name }));
        }
    }

    /// Sends a message to all: encoded once, its bytes shared by all queues.
    fn tell_all(&self, message: &Value) {
        let mut message = Prepared::text(&message.to_string());
        if self.deflate {
            // In the smallest window, which is no larger than any has agreed to.
            message = message.deflated(&DEFLATE.send_window_bits(8));
        }
        for member in self.lock().values() {
            let frame = match message.deflated_frame() {
                Some(frame) if member.is_deflated => frame,
                _ => message.frame(),
            };
            if member.queue.try_send(frame.clone()).is_err() {
                // Too slow, or gone: its reading thread ends with the socket.
                let _ = member.socket.shutdown(Shutdown::Both);
            }
        }
    }
}

/// A connection from its first byte to its last.
fn serve(mut socket: TcpStream, room: &Room) -> Result<(), Box<dyn Error>> {
    socket.set_nodelay(true)?;
    // Who takes nothing for so long is gone, as far as others can tell.
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    let clock = Clock::new();
    let deadline = clock.now() + Duration::from_secs(10);
    let (mut buffer, mut out) = (vec![0; 16 * 1024], Vec::new());
    let mut handshake = ServerHandshake::new();
    loop {
        let left = deadline.saturating_since(clock.now());
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let n = socket.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        let mut input = &mut buffer[..n];
        let opened = match handshake.receive(&mut input) {
            Ok(None) => continue,
            Ok(Some(request)) => answer(&request, room.deflate, &mut out)?,
            Err(error) => {
                error.respond(&mut out);
                None
            }
        };
        socket.write_all(&out)?;
        let Some((ws, is_deflated)) = opened else {
            socket.shutdown(Shutdown::Write)?;
            // To close with bytes unread would reset the connection, and could destroy the
            // answer.
            while clock.now() < deadline && socket.read(&mut buffer).is_ok_and(|n| n > 0) {}
            return Ok(());
        };
        let mut guest = Guest::new(socket, ws, is_deflated, room)?;
        let input = input.to_vec();
        let result = guest.chat(input, buffer, &clock);
        room.leave(guest.id);
        if result.is_err() {
            // The writing thread may be waiting for a reader that is too slow.
            let _ = guest.socket.shutdown(Shutdown::Both);
        }
        return result;
    }
}

/// The page, or a connection and whether it compresses.
fn answer(
    request: &Request<'_>,
    deflate: bool,
    out: &mut Vec<u8>,
) -> Result<Option<(Connection, bool)>, BuildError> {
    // No other site's page is to speak in the name of whoever looks at it.
    let our_page = OriginPolicy::same_host().or_none();
    match request.path() {
        "/ws" => match request.accept_from(&our_page) {
            Ok(accept) => {
                let config = Config::new().max_message_len(16 * 1024);
                let mut accept = accept.select_subprotocol(&["chat"]);
                if deflate {
                    accept = accept.deflate(DEFLATE);
                }
                let is_deflated = accept.deflate_parameters().is_some();
                return Ok(Some((accept.into_connection(&config, out), is_deflated)));
            }
            Err(error) => error.respond(out),
        },
        "/" => {
            let headers = [("Content-Type", "text/html; charset=utf-8")];
            request.respond(200, &headers, include_bytes!("chat.html"), out)?;
        }
        _ => request.respond(404, &[], b"not found\n", out)?,
    }
    Ok(None)
}

/// Someone who is connected, perhaps without a name yet.
struct Guest<'r> {
    id: u64,
    room: &'r Room,
    name: Option<String>,
    ws: Connection,
    is_deflated: bool,
    socket: TcpStream,
    out: Vec<u8>,
    /// To the thread that writes; given up when nothing more is to be written.
    queue: Option<SyncSender<Bytes>>,
}

impl<'r> Guest<'r> {
    fn new(
        socket: TcpStream,
        ws: Connection,
        is_deflated: bool,
        room: &'r Room,
    ) -> io::Result<Self> {
        let (queue, to_write) = mpsc::sync_channel(QUEUE_LEN);
        let write_half = socket.try_clone()?;
        thread::spawn(move || write_all(write_half, to_write));
        let id = room.next_id.fetch_add(1, Ordering::Relaxed);
        let queue = Some(queue);
        Ok(Self { id, room, name: None, ws, is_deflated, socket, out: Vec::new(), queue })
    }

    fn chat(
        &mut self,
        mut rest: Vec<u8>,
        mut buffer: Vec<u8>,
        clock: &Clock,
    ) -> Result<(), Box<dyn Error>> {
        let mut input = &mut rest[..];
        loop {
            while let Ok(Some(event)) = self.ws.receive(&mut input, &mut self.out) {
                match event {
                    Event::Text(text) => self.hear(&text)?,
                    Event::Binary(_) => self.close(CloseCode::UNSUPPORTED_DATA, "send text")?,
                    _ => {} // pings and closes are already answered in `out`
                }
            }
            if self.ws.state() != State::Open {
                // Nothing of the room's may follow the Close frame.
                self.room.leave(self.id);
            }
            if let (Some(queue), false) = (&self.queue, self.out.is_empty()) {
                queue.try_send(mem::take(&mut self.out).into())?;
            }
            match self.ws.transport() {
                Transport::Open | Transport::AwaitEof => {}
                Transport::Shutdown => self.queue = None,
                Transport::Close => {
                    return self.ws.failure().map_or(Ok(()), |failure| Err(failure.into()));
                }
            }

            let now = clock.now();
            let timeout = self.ws.poll_timeout(now).map(|at| at.saturating_since(now));
            let timeout = timeout.map(|timeout| timeout.max(Duration::from_millis(1)));
            self.socket.set_read_timeout(timeout)?;
            let n = match self.socket.read(&mut buffer) {
                Err(error) if is_timeout(&error) => {
                    let _ = self.ws.handle_timeout(clock.now(), &mut self.out); // see `failure`
                    0
                }
                Ok(0) => {
                    let _ = self.ws.receive_eof(); // see `failure`
                    0
                }
                result => result?,
            };
            input = &mut buffer[..n];
        }
    }

    /// A message from the page, as JSON.
    fn hear(&mut self, text: &str) -> Result<(), SendError> {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        let field = |name: &str| message[name].as_str().map(str::trim).filter(|s| !s.is_empty());
        match (field("type"), &self.name) {
            (Some("join"), None) => {
                let name = field("name").unwrap_or("Anonymous").chars().take(32).collect();
                self.join(name)
            }
            (Some("say"), Some(name)) => {
                let text = field("text").unwrap_or_default();
                self.room.tell_all(&json!({ "type": "said", "name": name, "text": text }));
                Ok(())
            }
            _ => self.close(CloseCode::POLICY_VIOLATION, "join first, then say"),
        }
    }

    fn join(&mut self, name: String) -> Result<(), SendError> {
        let Some(queue) = self.queue.clone() else { return Ok(()) };
        let Ok(socket) = self.socket.try_clone() else {
            return self.close(CloseCode::TRY_AGAIN_LATER, "");
        };
        let (name, names) =
            self.room.join(self.id, Member { name, is_deflated: self.is_deflated, queue, socket });
        let welcome = json!({ "type": "welcome", "name": name, "names": names });
        self.ws.send_text(&welcome.to_string(), &mut self.out)?;
        self.room.tell_all(&json!({ "type": "joined", "name": name }));
        self.name = Some(name);
        Ok(())
    }

    fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        if self.ws.state() == State::Open {
            self.ws.send_close(code, reason, &mut self.out)?;
        }
        Ok(())
    }
}

/// Writes what is queued, and shuts the socket down when the queue is given up.
fn write_all(mut socket: TcpStream, queue: Receiver<Bytes>) {
    for bytes in queue {
        if socket.write_all(&bytes).is_err() {
            let _ = socket.shutdown(Shutdown::Both);
            return;
        }
    }
    let _ = socket.shutdown(Shutdown::Write);
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
