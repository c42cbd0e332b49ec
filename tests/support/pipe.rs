//! Two streams, each the other's end, which do all that streams may do.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::ReadBuf;

/// How one end behaves.
#[derive(Clone, Debug)]
pub struct Habits {
    /// How many bytes are on the way at most.
    pub capacity: usize,
    /// How many are read or written at a time at most.
    pub max_len: usize,
    /// How many are kept until it is flushed.
    pub buffer: usize,
    /// One time in how many it is not ready, and wakes the task at once.
    pub stutter: usize,
    pub is_vectored: bool,
    pub seed: u64,
}

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}

/// One direction.
#[derive(Default)]
struct Direction {
    bytes: VecDeque<u8>,
    is_closed: bool,
    /// The task that asked last, as streams remember it.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Direction {
    fn wake_reader(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    fn wake_writer(&mut self) {
        self.writer.take().into_iter().for_each(Waker::wake);
    }
}

pub struct End {
    habits: Habits,
    random: Random,
    kept: Vec<u8>,
    incoming: Arc<Mutex<Direction>>,
    outgoing: Arc<Mutex<Direction>>,
}

pub fn pipe(habits: [Habits; 2]) -> (End, End) {
    let there = Arc::new(Mutex::new(Direction::default()));
    let back = Arc::new(Mutex::new(Direction::default()));
    let [one, two] = habits;
    (End::new(one, Arc::clone(&back), Arc::clone(&there)), End::new(two, there, back))
}

impl End {
    fn new(
        habits: Habits,
        incoming: Arc<Mutex<Direction>>,
        outgoing: Arc<Mutex<Direction>>,
    ) -> Self {
        let random = Random::new(habits.seed);
        Self { habits, random, kept: Vec::new(), incoming, outgoing }
    }

    fn stutters(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.random.below(self.habits.stutter) > 0 {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_take(&mut self, cx: &Context<'_>, most: usize) -> Poll<Vec<u8>> {
        ready!(self.stutters(cx));
        let most = 1 + self.random.below(most.min(self.habits.max_len));
        let mut incoming = lock(&self.incoming);
        if incoming.bytes.is_empty() && !incoming.is_closed {
            incoming.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let most = most.min(incoming.bytes.len());
        incoming.wake_writer();
        Poll::Ready(incoming.bytes.drain(..most).collect())
    }

    fn poll_give(&mut self, cx: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.stutters(cx));
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let most = 1 + self.random.below(bytes.len().min(self.habits.max_len));
        if self.habits.buffer == 0 {
            return self.poll_pass(cx, &bytes[..most]);
        }
        if self.kept.len() >= self.habits.buffer {
            ready!(self.poll_pass_kept(cx))?;
        }
        self.kept.extend_from_slice(&bytes[..most]);
        Poll::Ready(Ok(most))
    }

    fn poll_pass_kept(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        while !self.kept.is_empty() {
            let passed = ready!(self.poll_pass(cx, &self.kept))?;
            self.kept.drain(..passed);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_pass(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut outgoing = lock(&self.outgoing);
        if outgoing.is_closed {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let room = self.habits.capacity - outgoing.bytes.len().min(self.habits.capacity);
        if room == 0 {
            outgoing.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = room.min(bytes.len());
        outgoing.bytes.extend(&bytes[..len]);
        outgoing.wake_reader();
        Poll::Ready(Ok(len))
    }

    fn poll_give_all(
        &mut self,
        cx: &Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
        let bytes: Vec<u8> = bytes.take(self.habits.max_len).collect();
        self.poll_give(cx, &bytes)
    }

    fn poll_end(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stutters(cx));
        ready!(self.poll_pass_kept(cx))?;
        let mut outgoing = lock(&self.outgoing);
        outgoing.is_closed = true;
        outgoing.wake_reader();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        for direction in [&self.incoming, &self.outgoing] {
            let mut direction = lock(direction);
            direction.is_closed = true;
            direction.wake_reader();
            direction.wake_writer();
        }
    }
}

fn lock(direction: &Mutex<Direction>) -> MutexGuard<'_, Direction> {
    direction.lock().expect("no test panics in between")
}

impl tokio::io::AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = ready!(self.get_mut().poll_take(cx, buffer.remaining()));
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_give(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_give_all(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.habits.is_vectored
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let end = self.get_mut();
        ready!(end.stutters(cx));
        end.poll_pass_kept(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_end(cx)
    }
}

impl smol::io::AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = ready!(self.get_mut().poll_take(cx, buffer.len()));
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Poll::Ready(Ok(bytes.len()))
    }
}

impl smol::io::AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_give(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let end = self.get_mut();
        if end.habits.is_vectored {
            return end.poll_give_all(cx, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty());
        end.poll_give(cx, first.map_or(&[], |slice| slice))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let end = self.get_mut();
        ready!(end.stutters(cx));
        end.poll_pass_kept(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_end(cx)
    }
}
