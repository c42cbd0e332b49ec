//! Echo servers on a stream in memory, which is always ready.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sansws::frame::Opcode;
use sansws::{Config, Connection, Message, blocking, tokio};

use crate::Path;
use crate::messages::masked;

pub fn paths() -> Vec<Path> {
    let sizes = [16, 1 << 10];
    sizes.into_iter().flat_map(|len| [on_blocking(len), on_tokio(len)]).collect()
}

/// So many messages come with each read.
const MANY: u32 = 16;

fn on_blocking(len: usize) -> Path {
    Path::new(format!("echo/blocking/{len}"), MANY, move || {
        let connection = Connection::server(&Config::new());
        let mut ws = blocking::WebSocket::new(Stream::new(len), connection, Vec::new());
        move |meter| {
            meter.run(|| {
                for _ in 0..MANY {
                    let event = ws.read().expect("it is right").expect("there is more");
                    assert!(matches!(&event, Message::Binary(data) if data.len() == len));
                    ws.write(event).expect("it is open");
                }
            });
        }
    })
}

fn on_tokio(len: usize) -> Path {
    Path::new(format!("echo/tokio/{len}"), MANY, move || {
        let connection = Connection::server(&Config::new());
        let mut ws = tokio::WebSocket::new(Stream::new(len), connection, Vec::new());
        move |meter| {
            meter.run(|| {
                now(async {
                    for _ in 0..MANY {
                        let event = ws.read().await.expect("it is right").expect("there is more");
                        assert!(matches!(&event, Message::Binary(data) if data.len() == len));
                        ws.write(event).expect("it is open");
                    }
                });
            });
        }
    })
}

/// What never waits, done.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// Every read gives the same messages, and all that is written is taken.
struct Stream {
    input: Vec<u8>,
    echo_len: usize,
}

impl Stream {
    fn new(len: usize) -> Self {
        let echo_len = (len + if len < 126 { 2 } else { 4 }) * MANY as usize;
        let input = masked(true, Opcode::BINARY, &vec![7; len]).repeat(MANY as usize);
        Self { input, echo_len }
    }

    fn written(&self, bytes: &[u8]) -> io::Result<usize> {
        assert_eq!(bytes.len(), self.echo_len, "the echoes of one read, in one write");
        Ok(bytes.len())
    }
}

impl io::Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer[..self.input.len()].copy_from_slice(&self.input);
        Ok(self.input.len())
    }
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl blocking::Stream for Stream {
    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ::tokio::io::AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ::tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffer.put_slice(&self.input);
        Poll::Ready(Ok(()))
    }
}

impl ::tokio::io::AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.written(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
