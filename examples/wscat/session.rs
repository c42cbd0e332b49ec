//! A conversation, from its beginning to its end.

use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use sansws::CloseCode;
use sansws::tokio::{ClientStream, Reader, WebSocket, Writer};
use sansws::{Close, Message, io};
use tokio::signal::ctrl_c;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::command::{Command, HELP};
use crate::input::{Input, Lines};
use crate::screen::Screen;

/// How long a script waits for answers unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a connection ended in order.
pub struct Ended {
    pub close: Close<'static>,
    /// Whether it was we who closed it.
    pub by_us: bool,
    /// Whether all of the input could be read.
    pub read_all: bool,
}

impl Ended {
    /// Whether nobody complains.
    pub fn is_as_intended(&self) -> bool {
        let usual = [None, Some(CloseCode::NORMAL), Some(CloseCode::GOING_AWAY)];
        self.read_all && (self.by_us || usual.contains(&self.close.code))
    }
}

/// Sends the input and shows what comes, until the connection is closed.
pub async fn run(
    ws: WebSocket<ClientStream>,
    mut input: Input,
    wait: Option<Duration>,
    screen: &Screen,
) -> Result<Ended, io::Error> {
    let (reader, writer) = ws.split();
    let (received, count) = watch::channel(0);
    let (closing, read_all) = (Cell::new(false), Cell::new(true));
    let sending =
        Sending { writer, received: count, closing: &closing, read_all: &read_all, screen };
    let result = tokio::select! {
        result = read(reader, &received, screen) => result,
        error = sending.run(&mut input.lines, wait) => Err(error),
    };
    input.close();
    Ok(Ended { close: result?, by_us: closing.get(), read_all: read_all.get() })
}

/// Shows what comes. It is for the reader to see the connection to its end, also
/// where it is the writer that closes.
async fn read(
    mut reader: Reader<ClientStream>,
    received: &watch::Sender<usize>,
    screen: &Screen,
) -> Result<Close<'static>, io::Error> {
    let mut close = Close::default();
    while let Some(event) = reader.read().await? {
        screen.event(&event);
        match event {
            Message::Text(_) | Message::Binary(_) => received.send_modify(|count| *count += 1),
            Message::Close(frame) => close = frame,
            _ => {}
        }
    }
    Ok(close)
}

struct Sending<'s> {
    writer: Writer<ClientStream>,
    /// How many messages have come.
    received: watch::Receiver<usize>,
    /// Whether we close the connection.
    closing: &'s Cell<bool>,
    /// Whether no line was missing.
    read_all: &'s Cell<bool>,
    screen: &'s Screen,
}

impl Sending<'_> {
    /// Sends all lines, waits, and closes. Ends only if interrupted twice.
    async fn run(mut self, lines: &mut Lines, wait: Option<Duration>) -> io::Error {
        tokio::select! {
            () = self.send_all(lines, wait) => {}
            _ = ctrl_c() => {}
        }
        self.closing.set(true);
        tokio::select! {
            // Whatever goes wrong here, the reader knows why.
            _ = self.writer.close(CloseCode::NORMAL, "") => pending().await,
            _ = ctrl_c() => io::Error::Io(std::io::ErrorKind::Interrupted.into()),
        }
    }

    async fn send_all(&mut self, lines: &mut Lines, wait: Option<Duration>) {
        let mut sent = 0;
        while let Some(line) = lines.next().await {
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    self.read_all.set(false);
                    self.screen.error(&format!("no more is read: {error}"));
                    break;
                }
            };
            let parsed = if lines.have_commands {
                Command::parse(line)
            } else {
                Ok(Command::Send(line.into()))
            };
            match parsed {
                Ok(Command::Send(event)) => {
                    let was_closing = self.closing.get();
                    self.closing.set(was_closing || matches!(event, Message::Close(_)));
                    sent += usize::from(matches!(event, Message::Text(_) | Message::Binary(_)));
                    if let Err(io::Error::Send(error)) = self.writer.send(event).await {
                        self.closing.set(was_closing);
                        self.screen.error(&error.to_string());
                    }
                }
                Ok(Command::Help) => self.screen.note(HELP),
                Err(error) => self.screen.error(&error),
            }
        }
        match wait {
            Some(wait) => sleep(wait).await,
            None if lines.have_commands => {}
            None => {
                let answered = self.received.wait_for(|received| *received >= sent);
                let _ = timeout(PATIENCE, answered).await;
            }
        }
    }
}
