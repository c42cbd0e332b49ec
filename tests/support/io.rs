//! A stream that does what a test says, and the three adapters as one.
#![allow(dead_code, reason = "each test file is a crate that uses its part of it")]

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use sansws::CloseCode;
use sansws::io::Error;
use sansws::{Connection, Event, Message, Part, Prepared, SendError};
use smol::io::{AsyncRead as FuturesRead, AsyncWrite as FuturesWrite};
use tokio::io::{AsyncRead as TokioRead, AsyncWrite as TokioWrite, ReadBuf};
use tokio::runtime::Runtime;

use super::Role;

/// A stream; a clone of it is the test's hand on it.
#[derive(Clone, Debug, Default)]
pub struct Script(Arc<Mutex<State>>);

/// What was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Read,
    Write,
    Flush,
    Shutdown,
}

/// When an operation that could be done is not done yet, and the task is woken.
#[derive(Clone, Copy, Debug, Default)]
pub enum Stutter {
    #[default]
    Never,
    EverySecond,
    Random(u64),
}

#[derive(Debug)]
pub struct State {
    arriving: VecDeque<Vec<u8>>,
    /// What comes then: the end, an error, or nothing yet.
    end: Option<Result<(), ErrorKind>>,
    pub written: Vec<u8>,
    /// Where the slices of all writes lay, and how long they were.
    pub slices: Vec<(usize, usize)>,
    pub calls: Vec<Call>,
    /// Where what was read last was put.
    pub read_to: usize,
    pub max_read: usize,
    /// How many of the next reads are interrupted.
    pub interruptions: usize,
    pub max_write: usize,
    /// How much can be written before it must wait.
    pub room: usize,
    pub write_error: Option<ErrorKind>,
    pub flush_error: Option<ErrorKind>,
    /// Whether what was written stays in a buffer for now.
    pub keeps: bool,
    pub stutter: Stutter,
    stuttered: Vec<Call>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            arriving: VecDeque::new(),
            end: None,
            written: Vec::new(),
            slices: Vec::new(),
            calls: Vec::new(),
            read_to: 0,
            max_read: usize::MAX,
            interruptions: 0,
            max_write: usize::MAX,
            room: usize::MAX,
            write_error: None,
            flush_error: None,
            keeps: false,
            stutter: Stutter::Never,
            stuttered: Vec::new(),
            reader: None,
            writer: None,
        }
    }
}

impl Script {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics in between")
    }

    /// The bytes come with one read, if that has room for them.
    pub fn arrive(&self, bytes: impl AsRef<[u8]>) {
        let waker = {
            let mut state = self.state();
            // Nothing would be the end of the stream.
            state.arriving.extend(Some(bytes.as_ref().to_vec()).filter(|bytes| !bytes.is_empty()));
            state.reader.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    pub fn end(&self) {
        self.finish(Ok(()));
    }

    pub fn fail(&self, kind: ErrorKind) {
        self.finish(Err(kind));
    }

    fn finish(&self, end: Result<(), ErrorKind>) {
        let waker = {
            let mut state = self.state();
            state.end = Some(end);
            state.reader.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Lets so many bytes more be written.
    pub fn make_room(&self, bytes: usize) {
        let waker = {
            let mut state = self.state();
            state.room = state.room.saturating_add(bytes);
            state.writer.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// How many hands are on it, the connection's included.
    pub fn hands(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    pub fn written(&self) -> Vec<u8> {
        self.state().written.clone()
    }

    pub fn count(&self, call: Call) -> usize {
        self.state().calls.iter().filter(|&&known| known == call).count()
    }

    fn poll_read(&self, waker: &Waker, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        state.calls.push(Call::Read);
        ready!(state.stutter(Call::Read, waker));
        if let Some(left) = state.interruptions.checked_sub(1) {
            state.interruptions = left;
            return Poll::Ready(Err(ErrorKind::Interrupted.into()));
        }
        let max = buf.len().min(state.max_read);
        let Some(mut bytes) = state.arriving.pop_front() else {
            return match state.end {
                Some(Ok(())) => Poll::Ready(Ok(0)),
                Some(Err(kind)) => Poll::Ready(Err(kind.into())),
                None => {
                    state.reader = Some(waker.clone());
                    Poll::Pending
                }
            };
        };
        if bytes.len() > max {
            state.arriving.push_front(bytes.split_off(max));
        }
        buf[..bytes.len()].copy_from_slice(&bytes);
        state.read_to = buf.as_ptr() as usize;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write(&self, waker: &Waker, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        state.calls.push(Call::Write);
        ready!(state.stutter(Call::Write, waker));
        if let Some(kind) = state.write_error {
            return Poll::Ready(Err(kind.into()));
        }
        if state.room == 0 {
            state.writer = Some(waker.clone());
            return Poll::Pending;
        }
        let mut left = state.max_write.min(state.room);
        let before = state.written.len();
        for buf in bufs {
            let taken = &buf[..left.min(buf.len())];
            state.written.extend_from_slice(taken);
            left -= taken.len();
        }
        let count = state.written.len() - before;
        state.slices.extend(bufs.iter().map(|buf| (buf.as_ptr() as usize, buf.len())));
        if state.room != usize::MAX {
            state.room -= count;
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(&self, waker: &Waker) -> Poll<io::Result<()>> {
        let mut state = self.state();
        state.calls.push(Call::Flush);
        ready!(state.stutter(Call::Flush, waker));
        if state.keeps {
            state.writer = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(state.flush_error.map_or(Ok(()), |kind| Err(kind.into())))
    }

    fn poll_shutdown(&self, waker: &Waker) -> Poll<io::Result<()>> {
        let mut state = self.state();
        state.calls.push(Call::Shutdown);
        ready!(state.stutter(Call::Shutdown, waker));
        Poll::Ready(Ok(()))
    }
}

impl State {
    fn stutter(&mut self, call: Call, waker: &Waker) -> Poll<()> {
        let before = self.stuttered.iter().position(|&known| known == call);
        let stutters = match &mut self.stutter {
            Stutter::Never => false,
            Stutter::EverySecond => before.is_none(),
            Stutter::Random(seed) => {
                *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                *seed >> 63 == 1
            }
        };
        match before {
            Some(at) if !stutters => _ = self.stuttered.swap_remove(at),
            None if stutters => self.stuttered.push(call),
            _ => {}
        }
        if stutters {
            waker.wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

fn blocked<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        blocked(self.poll_read(Waker::noop(), buf))
    }
}

impl Write for Script {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        blocked(self.poll_write(Waker::noop(), bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        blocked(self.poll_flush(Waker::noop()))
    }
}

impl sansws::blocking::Stream for Script {
    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        blocked(self.poll_shutdown(Waker::noop()))
    }
}

impl TokioRead for Script {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = ready!((*self).poll_read(cx.waker(), buf.initialize_unfilled()))?;
        buf.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl TokioWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        (*self).poll_write(cx.waker(), &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        (*self).poll_write(cx.waker(), bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (*self).poll_flush(cx.waker())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (*self).poll_shutdown(cx.waker())
    }
}

impl FuturesRead for Script {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        (*self).poll_read(cx.waker(), buf)
    }
}

impl FuturesWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        (*self).poll_write(cx.waker(), &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        (*self).poll_write(cx.waker(), bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (*self).poll_flush(cx.waker())
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (*self).poll_shutdown(cx.waker())
    }
}

/// A task's waker that counts.
#[derive(Debug, Default)]
pub struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A task that is polled by hand.
#[derive(Debug, Default)]
pub struct Task(Arc<Wakes>);

impl Task {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn poll<F: Future>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        let _time = time().enter();
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(&self.0))))
    }

    /// What tells whether anybody still holds a waker of it when it is dropped.
    pub fn witness(&self) -> std::sync::Weak<Wakes> {
        Arc::downgrade(&self.0)
    }

    /// How many times it was woken since this was asked last.
    pub fn wakes(&self) -> usize {
        self.0.0.swap(0, Ordering::SeqCst)
    }
}

/// A runtime, so that there are timers; they do not go off.
fn time() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
    })
}

/// Polls for as long as the task is woken. If then there is nothing to be had yet,
/// says so as a blocking stream does.
pub fn wait<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let (task, mut future) = (Task::new(), pin!(future));
    for _ in 0..10_000_000 {
        match task.poll(future.as_mut()) {
            Poll::Ready(result) => return result,
            Poll::Pending if task.wakes() > 0 => {}
            Poll::Pending => return Err(ErrorKind::WouldBlock.into_error()),
        }
    }
    panic!("it turns in circles");
}

/// Whether a method could not be done yet.
pub fn is_blocked<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock)
}

trait IntoError {
    fn into_error(self) -> Error;
}

impl IntoError for ErrorKind {
    fn into_error(self) -> Error {
        Error::Io(self.into())
    }
}

/// What a test says of every adapter. A method that would have to wait returns
/// `WouldBlock`.
pub trait Adapter: Sized {
    fn over(stream: &Script, ws: Connection) -> Self;
    fn read(&mut self) -> Result<Option<Message>, Error>;
    fn read_part(&mut self) -> Result<Option<Part<'static>>, Error>;
    fn write<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), SendError>;
    fn write_prepared(&mut self, message: &Prepared) -> Result<(), SendError>;
    fn write_binary_part(&mut self, data: &[u8], last: bool) -> Result<(), SendError>;
    fn write_part(&mut self, part: &Part<'_>) -> Result<(), SendError>;
    fn send<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), Error>;
    fn flush(&mut self) -> Result<(), Error>;
    fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error>;
    fn unwritten(&self) -> usize;
    fn connection_mut(&mut self) -> (&mut Connection, &mut Vec<u8>);

    fn of(role: Role, stream: &Script) -> Self {
        Self::over(stream, role.connection(&sansws::Config::new()))
    }
}

macro_rules! adapter {
    ($adapter:ident, $wait:path) => {
        impl Adapter for sansws::$adapter::WebSocket<Script> {
            fn over(stream: &Script, ws: Connection) -> Self {
                Self::new(stream.clone(), ws, Vec::new())
            }

            fn read(&mut self) -> Result<Option<Message>, Error> {
                $wait(self.read())
            }

            fn read_part(&mut self) -> Result<Option<Part<'static>>, Error> {
                $wait(self.read_part())
            }

            fn write<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), SendError> {
                self.write(event)
            }

            fn write_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
                self.write_prepared(message)
            }

            fn write_binary_part(&mut self, data: &[u8], last: bool) -> Result<(), SendError> {
                self.write_binary_part(data, last)
            }

            fn write_part(&mut self, part: &Part<'_>) -> Result<(), SendError> {
                self.write_part(part)
            }

            fn send<'m>(&mut self, event: impl Into<Event<'m>>) -> Result<(), Error> {
                $wait(self.send(event))
            }

            fn flush(&mut self) -> Result<(), Error> {
                $wait(self.flush())
            }

            fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
                $wait(self.close(code, reason))
            }

            fn unwritten(&self) -> usize {
                self.unwritten()
            }

            fn connection_mut(&mut self) -> (&mut Connection, &mut Vec<u8>) {
                self.connection_mut()
            }
        }
    };
}

adapter!(blocking, std::convert::identity);
adapter!(tokio, wait);
adapter!(futures_io, wait);

/// Makes tests for each adapter from functions that are generic over it.
#[allow(unused_macros, reason = "not every test file needs it")]
macro_rules! for_each_adapter {
    ($($test:ident)*) => {
        io::for_each_adapter! { @ blocking $($test)* }
        io::for_each_adapter! { @ tokio $($test)* }
        io::for_each_adapter! { @ futures_io $($test)* }
    };
    (@ $adapter:ident $($test:ident)*) => {
        mod $adapter {
            $(
                #[test]
                fn $test() {
                    super::$test::<sansws::$adapter::WebSocket<super::Script>>();
                }
            )*
        }
    };
}
#[allow(unused_imports, reason = "not every test file needs it")]
pub(crate) use for_each_adapter;
