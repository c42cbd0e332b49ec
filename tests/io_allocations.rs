//! What the adapters take from the heap for each message, counted: the message that
//! they give away, and the buffers for what waits, which are given back.

#[path = "support/counting.rs"]
mod counting;
mod support;

use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sansws::{Config, Event, Message, Part, Prepared, blocking, futures_io, tokio};
use smol::io::AssertAsync;

use self::counting::cost_of;
use self::support::{BINARY, PING, Role, TEXT};

/// Gives the same bytes to every read, and takes whatever is written, without the heap.
struct Endless(Vec<u8>);

impl Endless {
    fn give(&self, buffer: &mut [u8]) -> usize {
        buffer[..self.0.len()].copy_from_slice(&self.0);
        self.0.len()
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.give(buffer))
    }
}

impl Write for Endless {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl blocking::Stream for Endless {
    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ::tokio::io::AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ::tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffer.put_slice(&self.0);
        Poll::Ready(Ok(()))
    }
}

impl ::tokio::io::AsyncWrite for Endless {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What never waits, and only gives way now and then, done.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..2 {
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
    panic!("it waits");
}

/// One of the three adapters on a server's connection.
#[allow(clippy::large_enum_variant, reason = "there are three of them")]
enum Adapter {
    Blocking(blocking::WebSocket<Endless>),
    Tokio(tokio::WebSocket<Endless>),
    FuturesIo(futures_io::WebSocket<AssertAsync<Endless>>),
}

/// The same call of whichever it is.
macro_rules! call {
    ($adapter:ident.$method:ident($($argument:expr)?)) => {
        match $adapter {
            Adapter::Blocking(ws) => ws.$method($($argument)?),
            Adapter::Tokio(ws) => ws.$method($($argument)?),
            Adapter::FuturesIo(ws) => ws.$method($($argument)?),
        }
    };
    ($adapter:ident.$method:ident($($argument:expr)?).await) => {
        match $adapter {
            Adapter::Blocking(ws) => ws.$method($($argument)?),
            Adapter::Tokio(ws) => now(ws.$method($($argument)?)),
            Adapter::FuturesIo(ws) => now(ws.$method($($argument)?)),
        }
    };
}

impl Adapter {
    /// All three, whose peers send `input` for ever.
    fn all(input: &[u8]) -> [(&'static str, Self); 3] {
        let ws = || Role::Server.connection(&Config::new());
        let stream = || Endless(input.to_vec());
        let asynchronous = AssertAsync::new(stream());
        [
            ("blocking", Self::Blocking(blocking::WebSocket::new(stream(), ws(), Vec::new()))),
            ("tokio", Self::Tokio(tokio::WebSocket::new(stream(), ws(), Vec::new()))),
            (
                "futures-io",
                Self::FuturesIo(futures_io::WebSocket::new(asynchronous, ws(), Vec::new())),
            ),
        ]
    }

    fn read(&mut self) -> Message {
        call!(self.read().await).expect("it is right").expect("there is more")
    }

    fn read_part(&mut self) -> Part<'static> {
        call!(self.read_part().await).expect("it is right").expect("there is more")
    }

    fn write<'m>(&mut self, event: impl Into<Event<'m>>) {
        call!(self.write(event)).expect("it is open");
    }

    fn write_prepared(&mut self, message: &Prepared) {
        call!(self.write_prepared(message)).expect("it is open");
    }

    fn flush(&mut self) {
        call!(self.flush().await).expect("it can be written");
    }
}

#[test]
fn a_message_costs_what_is_given_away_and_what_waits() {
    const MANY: usize = 16;
    const TIMES: u64 = 100;
    let text = "sixteen letters!";
    let message = Role::Server.incoming_final(TEXT, text.as_bytes());
    let ping = Role::Server.incoming_final(PING, text.as_bytes());
    let long = Role::Server.incoming_final(BINARY, &[7; 1024]);
    let prepared = Prepared::text(text);

    // How often, at most: for the message, unless it is written, and for an answer that the
    // connection makes itself; for many for what is left of the read.
    type Run<'r> = &'r dyn Fn(&mut Adapter);
    let rows: [(&str, Vec<u8>, u64, Run<'_>); 9] = [
        ("a text", message.clone(), 1, &|ws| assert!(matches!(ws.read(), Message::Text(_)))),
        ("a long one", long, 1, &|ws| assert!(matches!(ws.read(), Message::Binary(_)))),
        ("a part", message.clone(), 1, &|ws| assert!(matches!(ws.read_part(), Part::Text(_)))),
        ("a ping", ping, 2, &|ws| assert!(matches!(ws.read(), Message::Ping(_)))),
        ("an echo", message.clone(), 0, &|ws| {
            let event = ws.read();
            ws.write(event);
        }),
        ("many echoes", message.repeat(MANY), 1, &|ws| {
            for _ in 0..MANY {
                let event = ws.read();
                ws.write(event);
            }
        }),
        ("sent", Vec::new(), 0, &|ws| {
            ws.write(text);
            ws.flush();
        }),
        ("sent, prepared", Vec::new(), 0, &|ws| {
            ws.write_prepared(&prepared);
            ws.flush();
        }),
        // The message itself, its header, as bytes that are shared, and the queue.
        ("sent, from where it lies", Vec::new(), 4, &|ws| {
            ws.write(vec![7; 64 << 10]);
            ws.flush();
        }),
    ];
    for (name, input, allocations, run) in rows {
        for (adapter, mut ws) in Adapter::all(&input) {
            (0..3).for_each(|_| run(&mut ws)); // the thread's buffer, a timer
            let ((), cost) = cost_of(|| (0..TIMES).for_each(|_| run(&mut ws)));
            println!("{adapter}: {name}: {cost:?}");
            assert!(cost.allocations <= TIMES * allocations, "{adapter}: {name}: {cost:?}");
            assert_eq!(cost.live, 0, "{adapter}: {name}");
        }
    }
}
