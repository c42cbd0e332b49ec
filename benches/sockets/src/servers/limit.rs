//! Loops without the protocol: read, unmask where the frame says, write back. They are
//! what a server costs at least.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::ops::Range;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use sansws::frame::{Header, MaskingKey};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::sync::broadcast;

use super::{Mode, on_tokio};

/// How much is read at a time.
pub const BUFFER_LEN: usize = 128 * 1024;

/// The answer to the generator's request, which is always the same.
pub const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

pub fn blocking(listener: TcpListener, _: Mode) {
    run_blocking(&listener, Frames::default);
}

/// With the check of text that the protocol demands.
pub fn blocking_with_utf8(listener: TcpListener, _: Mode) {
    run_blocking(&listener, Frames::with_utf8);
}

fn run_blocking(listener: &TcpListener, new_frames: fn() -> Frames) {
    loop {
        let Ok((mut socket, _)) = listener.accept() else { continue };
        let serve = move || -> io::Result<()> {
            socket.set_nodelay(true)?;
            let mut buffer = vec![0; BUFFER_LEN];
            let mut frames = new_frames();
            // The request comes in one piece.
            let _ = socket.read(&mut buffer)?;
            socket.write_all(RESPONSE)?;
            loop {
                let count = socket.read(&mut buffer[Frames::SPARE..])?;
                if count == 0 {
                    return Ok(());
                }
                let reply = frames.answer(&mut buffer, count);
                socket.write_all(&buffer[reply])?;
            }
        };
        std::thread::Builder::new().stack_size(64 * 1024).spawn(serve).unwrap();
    }
}

pub fn tokio(listener: TcpListener, mode: Mode) {
    run_on_tokio(listener, mode, Frames::default);
}

/// With the check of text that the protocol demands.
pub fn tokio_with_utf8(listener: TcpListener, mode: Mode) {
    run_on_tokio(listener, mode, Frames::with_utf8);
}

fn run_on_tokio(listener: TcpListener, mode: Mode, new_frames: fn() -> Frames) {
    let (sender, _) = broadcast::channel::<Bytes>(16);
    on_tokio::run(listener, move |mut socket| {
        let sender = sender.clone();
        async move {
            // The request comes in one piece.
            let _ = socket.read(&mut vec![0; 2048]).await?; // not in the task, which keeps its size
            socket.write_all(RESPONSE).await?;
            let mut frames = new_frames();
            let mut receiver = sender.subscribe();
            loop {
                let count = match mode {
                    Mode::Echo => {
                        let (mut buffer, count) = read(&mut socket).await?;
                        let reply = frames.answer(&mut buffer, count);
                        socket.write_all(&buffer[reply]).await?;
                        on_tokio::return_buffer(buffer);
                        count
                    }
                    Mode::Broadcast => tokio::select! {
                        result = read(&mut socket) => {
                            let (mut buffer, count) = result?;
                            let reply = frames.answer(&mut buffer, count);
                            let message = Bytes::copy_from_slice(&buffer[reply]);
                            on_tokio::return_buffer(buffer);
                            if count > 0 {
                                sender.send(message)?;
                            }
                            count
                        }
                        message = receiver.recv() => {
                            socket.write_all(&message?).await?;
                            continue;
                        }
                    },
                };
                if count == 0 {
                    return Ok(());
                }
            }
        }
    });
}

/// Reads into the thread's buffer, which is taken only when there is something.
async fn read(socket: &mut tokio::net::TcpStream) -> io::Result<(Vec<u8>, usize)> {
    poll_fn(|cx| {
        let mut buffer = on_tokio::take_buffer();
        let mut free = ReadBuf::new(&mut buffer[Frames::SPARE..]);
        let result = Pin::new(&mut *socket).poll_read(cx, &mut free);
        let count = free.filled().len();
        if let Poll::Ready(Ok(())) = result {
            return Poll::Ready(Ok((buffer, count)));
        }
        on_tokio::return_buffer(buffer);
        result.map_ok(|()| unreachable!())
    })
    .await
}

/// Where in a stream of frames the next bytes belong.
#[derive(Default)]
pub struct Frames {
    header: Vec<u8>,
    /// How much of a payload is still to come, and its key.
    payload: Option<(usize, MaskingKey)>,
    /// Whether all payloads are text, to be checked.
    checks_utf8: bool,
}

impl Frames {
    /// What must be free before the bytes that were read, since part of a header can
    /// have been read before.
    pub const SPARE: usize = 16;

    pub fn with_utf8() -> Self {
        Self { checks_utf8: true, ..Self::default() }
    }

    /// Makes a client's bytes, `count` of them behind those to spare, a server's.
    pub fn answer(&mut self, buffer: &mut [u8], count: usize) -> Range<usize> {
        let end = Self::SPARE + count;
        let mut at = Self::SPARE;
        let mut reply: Option<Range<usize>> = None;
        while at < end || self.payload.is_some_and(|(left, _)| left == 0) {
            let Some((left, key)) = self.payload.take() else {
                at += self.read_header(&buffer[at..end]);
                let Ok(Some((mut header, _))) = Header::parse(&self.header) else { continue };
                self.header.clear();
                let key = header.mask.take().expect("a client masks");
                let answer = header.encode();
                let start = reply.as_ref().map_or(at - answer.len(), |reply| reply.end);
                buffer[start..start + answer.len()].copy_from_slice(&answer);
                reply = Some(reply.map_or(start, |reply| reply.start)..start + answer.len());
                self.payload = Some((header.len as usize, key));
                continue;
            };
            let len = left.min(end - at);
            key.apply(&mut buffer[at..at + len]);
            if self.checks_utf8 {
                let is_right = simdutf8::basic::from_utf8(&buffer[at..at + len]).is_ok();
                // A piece may end within a character: what that costs is not looked at.
                assert!(is_right || left > end - at || at == Self::SPARE, "wrong text");
            }
            let done = reply.unwrap_or(at..at);
            if done.end != at {
                buffer.copy_within(at..at + len, done.end);
            }
            reply = Some(done.start..done.end + len);
            at += len;
            self.payload = (left > len).then(|| (left - len, key.rotated(len)));
        }
        reply.unwrap_or_default()
    }

    /// Takes what belongs to a header; how much that is.
    fn read_header(&mut self, input: &[u8]) -> usize {
        let before = self.header.len();
        for &byte in input {
            self.header.push(byte);
            if matches!(Header::parse(&self.header), Ok(Some(_))) {
                break;
            }
        }
        self.header.len() - before
    }
}
