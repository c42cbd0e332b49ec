//! A room on tokio: what one says, all hear. Who is too slow to hear it is thrown out, who is
//! gone is found by pings, and Ctrl-C tells everybody that the server goes away.
//!
//! ```sh
//! cargo run --features tokio --example tokio_room -- 127.0.0.1:9001
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::Parser;
use sansws::tokio::{Reader, WebSocket, Writer};
use sansws::{CloseCode, Config, Message, Prepared, io};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How many bytes may wait for one member before it is too slow.
const MAX_UNWRITTEN: usize = 1024 * 1024;

/// How long the end may take.
const GRACE: Duration = Duration::from_secs(3);

/// A room: what one says, all hear.
#[derive(Parser)]
struct Arguments {
    /// Where to listen, such as 127.0.0.1:9001; port 0 is a free one.
    address: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(Arguments::parse().address).await?;
    println!("listening on {}", listener.local_addr()?);
    let room = Arc::new(Room::default());
    let mut members = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => _ = members.spawn(serve(stream, Arc::clone(&room))),
                Err(error) => {
                    // A lack of file descriptors passes.
                    eprintln!("{error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(left) = members.join_next() => match left {
                Ok(Ok(())) => {}
                Ok(Err(error)) => eprintln!("{error}"),
                Err(panic) => eprintln!("{panic}"),
            },
            pressed = signal::ctrl_c() => {
                pressed?;
                break;
            }
        }
    }
    drop(listener);
    room.close();
    let all_left = async { while members.join_next().await.is_some() {} };
    // Who has not answered by then is left behind.
    let _ = timeout(GRACE, all_left).await;
    Ok(())
}

async fn serve(stream: TcpStream, room: Arc<Room>) -> Result<(), io::Error> {
    stream.set_nodelay(true)?; // short messages leave at once
    let config = Config::new()
        .max_message_len(64 * 1024)
        .keepalive(Some(Duration::from_secs(20)))
        .pong_timeout(Duration::from_secs(10))
        .close_timeout(GRACE);
    // Boxed, so that a task which then waits for messages is small.
    let (mut reader, writer) = Box::pin(WebSocket::accept(stream, &config)).await?.split();
    let Some(seat) = Seat::take(&room, writer) else { return Ok(()) };
    listen(&mut reader, &seat).await
}

async fn listen(reader: &mut Reader<TcpStream>, seat: &Seat<'_>) -> Result<(), io::Error> {
    while let Some(event) = reader.read().await? {
        if let Message::Text(text) = event {
            seat.room.say(&format!("{}: {text}", seat.number));
        }
    }
    Ok(())
}

/// Everybody's writer. None of them waits: the readers' tasks write.
#[derive(Default)]
struct Room(Mutex<Members>);

#[derive(Default)]
struct Members {
    next: u64,
    writers: HashMap<u64, Writer<TcpStream>>,
    is_closed: bool,
}

impl Room {
    fn say(&self, text: &str) {
        let message = Prepared::text(text);
        self.members().writers.retain(|_, writer| {
            if writer.unwritten() > MAX_UNWRITTEN {
                writer.abort(); // its reader says so, and ends its task
            }
            writer.write_prepared(&message).is_ok()
        });
    }

    fn close(&self) {
        let mut members = self.members();
        members.is_closed = true;
        for writer in mem::take(&mut members.writers).into_values() {
            let close = sansws::Close::new(CloseCode::GOING_AWAY, "the server stops");
            let _ = writer.write(close); // who is closing already needs no other
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the room, which is given up in whatever way its task ends.
struct Seat<'r> {
    room: &'r Room,
    number: u64,
}

impl<'r> Seat<'r> {
    /// `None` if the room is closed.
    fn take(room: &'r Room, writer: Writer<TcpStream>) -> Option<Self> {
        let mut members = room.members();
        if members.is_closed {
            return None;
        }
        let number = members.next;
        members.next += 1;
        members.writers.insert(number, writer);
        drop(members);
        Some(Self { room, number })
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.room.members().writers.remove(&self.number);
    }
}
