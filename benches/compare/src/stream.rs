//! A stream in memory, and a way to run futures that never wait.

use std::hint::black_box;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tokio::io::ReadBuf;

/// How much the other end takes at a time, as a kernel's buffer does.
const SCRATCH: usize = 64 * 1024;

/// In what pieces it copies. glibc copies more than these at once by an instruction that takes
/// 18 times as long on some processors (Zen 3) wherever the target lies a few bytes behind the
/// source in its page: it would be luck who has to pay for that.
const PIECE: usize = 2048;

/// Hands out the same input without end, and takes all output. Each costs one
/// copy, in place of the kernel's.
///
/// A read is as long as the reader asks, but does not go past the input's end.
pub struct Stream {
    input: Arc<[u8]>,
    position: usize,
    scratch: Box<[u8]>,
    tap: Tap,
}

/// Where what was written can be looked at, while it is open.
#[derive(Clone, Default)]
pub struct Tap(Arc<(AtomicBool, Mutex<Vec<u8>>)>);

impl Tap {
    pub fn open(&self) {
        self.0.0.store(true, Ordering::Relaxed);
    }

    /// What was written while it was open.
    pub fn close(&self) -> Vec<u8> {
        self.0.0.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.0.1.lock().unwrap())
    }

    fn see(&self, bytes: &[u8]) {
        if self.0.0.load(Ordering::Relaxed) {
            self.0.1.lock().unwrap().extend_from_slice(bytes);
        }
    }
}

impl Stream {
    pub fn new(input: Arc<[u8]>, tap: Tap) -> Self {
        Self { input, position: 0, scratch: vec![0; SCRATCH].into(), tap }
    }

    #[inline]
    pub fn take(&mut self, most: usize) -> &[u8] {
        if self.position == self.input.len() {
            self.position = 0;
        }
        let start = self.position;
        self.position += most.min(self.input.len() - start);
        &self.input[start..self.position]
    }

    /// A read to behind what a buffer holds.
    #[inline]
    pub fn append_to(&mut self, buffer: &mut Vec<u8>, most: usize) {
        self.take(most).chunks(PIECE).for_each(|piece| buffer.extend_from_slice(piece));
    }

    #[inline]
    pub fn give(&mut self, bytes: &[u8]) {
        for block in bytes.chunks(SCRATCH) {
            copy(block, &mut self.scratch);
            black_box(&mut self.scratch);
        }
        self.tap.see(bytes);
    }

    #[inline]
    fn give_all(&mut self, slices: &[io::IoSlice<'_>]) -> usize {
        slices.iter().for_each(|slice| self.give(slice));
        slices.iter().map(|slice| slice.len()).sum()
    }
}

/// To the front of `to`, which is as long at least.
#[inline]
pub fn copy(from: &[u8], to: &mut [u8]) {
    for (from, to) in from.chunks(PIECE).zip(to.chunks_mut(PIECE)) {
        to[..from.len()].copy_from_slice(from);
    }
}

impl io::Read for Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.take(buffer.len());
        copy(bytes, buffer);
        Ok(bytes.len())
    }
}

impl io::Write for Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.give(bytes);
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.give_all(slices))
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl tokio::io::AsyncRead for Stream {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.take(buffer.remaining()).chunks(PIECE).for_each(|piece| buffer.put_slice(piece));
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for Stream {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.give(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.give_all(slices)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl futures::io::AsyncRead for Stream {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(io::Read::read(&mut *self, buffer))
    }
}

impl futures::io::AsyncWrite for Stream {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.give(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.give_all(slices)))
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs a future on a stream that is always ready.
#[inline]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    // Some yield to others now and then.
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("it waits for something that does not come");
}
