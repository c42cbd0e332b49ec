//! A stream and its connection, polled: the one place that decides what is done
//! with the stream, and when.

#[cfg(feature = "_async")]
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};

use super::driver::Driver;
use super::error::Error;
use super::output::MAX_SLICES;
use super::received::Received;
use super::spare::with_buffer;
#[cfg(feature = "_async")]
use super::tasks::Tasks;
use super::turn::Turn;
use crate::connection::{Connection, Message, Part};
use crate::error::SendError;
use crate::frame::CloseCode;
use crate::time::Instant;

/// What an adapter is an adapter to: a runtime, with its clock and its timer.
///
/// Not to be implemented: see `tokio::Tokio` and `futures_io::FuturesIo`.
pub trait Runtime: sealed::Sealed {
    #[doc(hidden)]
    type Timer: Timer;

    /// Whether a task can be woken, and so give way to others.
    #[doc(hidden)]
    const HAS_TASKS: bool = true;

    /// Has the task woken after others have had their turn: not every runtime sees to that.
    #[doc(hidden)]
    fn give_way(cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    #[doc(hidden)]
    fn now() -> std::time::Instant;

    /// Whether the program does not want to wait any longer; only of use where reading blocks.
    #[doc(hidden)]
    fn is_late(_: &Self::Timer) -> bool {
        false
    }
}

/// That `S` is a stream of this runtime: the bound of code that is for any, `R: Drives<S>`.
///
/// Not to be implemented.
pub trait Drives<S>: Runtime + sealed::Drives<S> {
    /// Says how long the next read may wait; only of use where reading blocks.
    #[doc(hidden)]
    fn before_read(_: &mut Self::Timer, _: &S, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    #[doc(hidden)]
    fn poll_read(s: &mut S, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Whether there is a `poll_append`.
    #[doc(hidden)]
    const APPENDS: bool = false;

    /// Reads at most `most` bytes to behind what `buf` holds, without zeroing anything.
    #[doc(hidden)]
    fn poll_append(
        _: &mut S,
        _: &mut Context<'_>,
        _buf: &mut Vec<u8>,
        _most: usize,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    #[doc(hidden)]
    fn poll_write(s: &mut S, cx: &mut Context<'_>, bufs: &[IoSlice<'_>])
    -> Poll<io::Result<usize>>;

    #[doc(hidden)]
    fn poll_flush(s: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    #[doc(hidden)]
    fn poll_shutdown(s: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Something that wakes a task at a point in time.
#[doc(hidden)]
#[allow(unnameable_types, unreachable_pub, reason = "a detail of a sealed trait")]
pub trait Timer: Default + Send + Unpin {
    /// Ready once `deadline` has passed, or earlier now and then; the task is woken
    /// then.
    fn poll(&mut self, cx: &mut Context<'_>, deadline: std::time::Instant) -> Poll<()>;
}

pub(super) mod sealed {
    /// Keeps [`Runtime`](super::Runtime) from being implemented elsewhere.
    #[allow(unnameable_types, reason = "it is to seal a trait")]
    pub trait Sealed {}

    /// The same of [`Drives`](super::Drives), which could be of a stream from elsewhere.
    #[allow(unnameable_types, reason = "it is to seal a trait")]
    pub trait Drives<S> {}
}

pub(super) struct Socket<S, R: Runtime> {
    pub(super) stream: S,
    pub(super) driver: Driver,
    pub(super) timer: R::Timer,
    epoch: std::time::Instant,
    turn: Turn,
    /// Whether a `Stream` has ended.
    #[cfg(feature = "_async")]
    pub(super) is_terminated: bool,
    /// Who waits for it as a `Stream` and as a `Sink`.
    #[cfg(feature = "_async")]
    pub(super) tasks: Option<Arc<Tasks>>,
}

impl<S, R: Runtime> Socket<S, R> {
    pub(super) fn new(stream: S, ws: Connection, remainder: Vec<u8>) -> Self {
        Self {
            stream,
            driver: Driver::new(ws, remainder),
            timer: R::Timer::default(),
            epoch: R::now(),
            turn: Turn::default(),
            #[cfg(feature = "_async")]
            is_terminated: false,
            #[cfg(feature = "_async")]
            tasks: None,
        }
    }

    /// Begins to close the connection, if it is open.
    pub(super) fn begin_close(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
    ) -> Result<(), SendError> {
        if self.driver.is_closing() {
            return Ok(());
        }
        let (ws, out) = self.driver.parts();
        ws.send_close(code, reason, out)
    }

    /// Puts what is here already, for which nobody has to wait, into `received`.
    #[inline]
    pub(super) fn next_at_hand<T: Received>(
        &mut self,
        received: &mut Option<T>,
    ) -> Result<(), Error> {
        // It needs no look at the stream, unless the program's answers to it wait:
        // compressed, it can be a thousand times as long.
        if self.driver.has_input() && !self.driver.is_congested() && !self.turn.is_over::<R>() {
            self.driver.next(received)?;
            self.has_received(received.as_ref());
        }
        Ok(())
    }

    #[inline]
    fn has_received<T: Received>(&mut self, received: Option<&T>) {
        if let Some(received) = received {
            self.turn.has_received::<R>(received.len());
        }
    }

    /// When the next deadline is.
    #[cfg(feature = "blocking")]
    pub(super) fn deadline(&mut self) -> Option<std::time::Instant> {
        let deadline = self.driver.deadline(|| Self::now_since(self.epoch))?;
        self.epoch.checked_add(deadline.since_epoch())
    }

    fn now_since(epoch: std::time::Instant) -> Instant {
        Instant::from_epoch(R::now().duration_since(epoch))
    }
}

impl<S, R: Drives<S>> Socket<S, R> {
    /// The next message or part; `None` at the orderly end of the connection.
    #[inline]
    pub(super) fn poll_next<T: Received>(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, Error>> {
        let mut received = None;
        self.next_at_hand(&mut received)?;
        if received.is_some() {
            return Poll::Ready(Ok(received));
        }
        self.poll_stream(cx)
    }

    fn poll_stream<T: Received>(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error>> {
        let mut received = None;
        loop {
            let is_written = self.poll_output(cx).is_ready();
            if is_written && self.driver.is_at_end() {
                self.driver.end_of_stream();
            }
            if is_written && self.driver.is_to_shut() {
                match R::poll_shutdown(&mut self.stream, cx) {
                    // It has no sides: there is no way to wait for the peer's.
                    Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Unsupported => {
                        self.driver.end_of_stream();
                    }
                    // Whatever it is, the end of the stream tells more.
                    Poll::Ready(_) => self.driver.is_shut = true,
                    Poll::Pending => {}
                }
            }
            if (is_written || self.driver.is_over())
                && let Some(close) = self.driver.take_close()
            {
                return Poll::Ready(Ok(Some(close)));
            }
            if let Some(outcome) = self.driver.outcome() {
                return Poll::Ready(outcome.map(|()| None));
            }

            ready!(self.turn.give_way::<R>(cx));
            if self.driver.has_input() && !self.driver.is_congested() {
                self.driver.next(&mut received)?;
                self.has_received(received.as_ref());
                if received.is_some() {
                    return Poll::Ready(Ok(received));
                }
                continue;
            }

            let epoch = self.epoch;
            let now = || Self::now_since(epoch);
            // As long as something comes nobody needs the time, unless reading blocks, or
            // the close timeout runs against a peer that never stops sending.
            let needs_time_first = !R::HAS_TASKS || self.driver.is_closing();
            // One look at the clock for both: the same wait as before need not be set again.
            let mut looked = None;
            let mut look = || *looked.insert(now());
            let early = if needs_time_first { self.driver.deadline(&mut look) } else { None };
            if !self.driver.is_congested() && !self.driver.is_at_end() {
                if R::is_late(&self.timer) {
                    return Poll::Pending;
                }
                let wait = early.zip(looked).map(|(deadline, now)| deadline.saturating_since(now));
                // Should it fail, reading tells more.
                let _ = R::before_read(&mut self.timer, &self.stream, wait);
                if let Poll::Ready(read) = self.poll_read(cx, &mut received) {
                    if wait == Some(Duration::ZERO) {
                        self.driver.handle_timeout(now());
                    }
                    read?;
                    self.has_received(received.as_ref());
                    if received.is_some() {
                        return Poll::Ready(Ok(received));
                    }
                    continue;
                }
                self.turn.end();
            }
            let deadline = if needs_time_first { early } else { self.driver.deadline(now) };
            ready!(self.poll_deadline(cx, deadline));
        }
    }

    /// Waits for a deadline, and does what is due then.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        ready!(self.timer.poll(cx, self.epoch + deadline.since_epoch()));
        self.driver.handle_timeout(Self::now_since(self.epoch));
        Poll::Ready(())
    }

    /// Reads once, and puts the first of what came into `received`, if it is complete.
    fn poll_read<T: Received>(
        &mut self,
        cx: &mut Context<'_>,
        received: &mut Option<T>,
    ) -> Poll<Result<(), Error>> {
        let Self { stream, driver, turn, .. } = self;
        let mut count = |read: &io::Result<usize>| turn.has_read::<R>(*read.as_ref().unwrap_or(&0));
        // What a wrong call for parts reads has to wait as input: read straight, it could
        // complete the message, and nobody would look for that before more comes.
        if R::APPENDS && T::IS_JOINED {
            let append = |payload: &mut Vec<u8>, most| R::poll_append(stream, cx, payload, most);
            if let Some(read) = driver.receive_payload(append) {
                let read = ready!(read);
                count(&read);
                return Poll::Ready(driver.next_read(read, None, received));
            }
        }
        with_buffer(|buffer| {
            let read = ready!(R::poll_read(stream, cx, buffer));
            count(&read);
            Poll::Ready(driver.next_read(read, Some(buffer), received))
        })
    }

    /// Writes what there is to write; ready when all of it is, or none of it can be.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.driver.drop_unwritable();
        if self.driver.is_write_broken() {
            return Poll::Ready(());
        }
        let written = ready!(self.poll_write_all(cx));
        if let Err(error) = written {
            self.driver.write_failed(error);
        }
        Poll::Ready(())
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.driver.output.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let filled = self.driver.output.fill(&mut slices);
            let Poll::Ready(written) = R::poll_write(&mut self.stream, cx, &slices[..filled])
            else {
                self.driver.write_held_up();
                return Poll::Pending;
            };
            match written? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.driver.wrote(count),
            }
        }
        if self.driver.needs_flush {
            ready!(R::poll_flush(&mut self.stream, cx))?;
            self.driver.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all that was buffered, as long as the peer takes any of it.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.poll_output(cx).is_pending() {
            // Where writing blocks, what ends it is a timeout of the stream's.
            if !R::HAS_TASKS {
                return Poll::Pending;
            }
            let deadline = self.driver.deadline(|| Self::now_since(self.epoch));
            ready!(self.poll_deadline(cx, deadline));
            self.driver.give_up_writing();
        }
        Poll::Ready(self.driver.check_write())
    }

    /// Brings the closing to its end; messages that still come are dropped.
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            // Parts, since they need no memory; unless a message was begun whole.
            let received = match self.poll_next::<Part<'static>>(cx) {
                Poll::Ready(Err(Error::WrongRead)) => {
                    ready!(self.poll_next::<Message>(cx))?.is_some()
                }
                other => ready!(other)?.is_some(),
            };
            if !received {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
