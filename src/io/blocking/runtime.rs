//! What the adapters have in common, for streams that block: futures that never wait.

use core::future::Future;
use core::mem;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::time::Instant;

use super::Stream;
use crate::io::error::Error;
use crate::io::lent;
use crate::io::socket::{self, Drives, Runtime, sealed};

/// What never waits but in the stream itself, done.
pub(in crate::io) fn now<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::Io(io::ErrorKind::WouldBlock.into())),
    }
}

/// Blocking streams, as a runtime that is always ready.
pub(in crate::io) struct Blocking;

impl sealed::Sealed for Blocking {}

impl Runtime for Blocking {
    type Timer = Timer;

    const HAS_TASKS: bool = false;

    fn now() -> Instant {
        Instant::now()
    }

    fn is_late(timer: &Timer) -> bool {
        timer.until.is_some_and(|until| Instant::now() >= until)
    }
}

impl<S: Stream> sealed::Drives<S> for Blocking {}

impl<S: Stream> Drives<S> for Blocking {
    fn before_read(timer: &mut Timer, s: &S, wait: Option<Duration>) -> io::Result<()> {
        timer.wait = wait;
        let own = timer.own_left();
        timer.is_own = own.is_some_and(|own| wait.is_none_or(|wait| own < wait));
        let wait = if timer.is_own { own } else { wait };
        let is_right = match (timer.set, wait) {
            (None, None) => true,
            (set, own) if timer.is_own => set == own,
            // Coming back too early now and then costs less than setting it each time.
            (Some(set), Some(wait)) => set <= wait && set >= wait / 2,
            _ => false,
        };
        if !is_right {
            // A timeout of zero would be none.
            let timeout = wait.map(|wait| wait.max(SHORTEST));
            s.set_read_timeout(timeout)?;
            timer.set = timeout;
        }
        Ok(())
    }

    fn poll_read(s: &mut S, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        // That it was interrupted is for the caller to know: time has passed.
        ready_or_blocked(lent::during(|| s.read(buf)))
    }

    fn poll_write(s: &mut S, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready_or_blocked(uninterrupted(|| match bufs {
            [buf] => s.write(buf),
            _ => s.write_vectored(bufs),
        }))
    }

    fn poll_flush(s: &mut S, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready_or_blocked(uninterrupted(|| s.flush()))
    }

    fn poll_shutdown(s: &mut S, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready_or_blocked(uninterrupted(|| s.shut_down()))
    }
}

fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn ready_or_blocked<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        // Windows says so of the stream's own timeout; elsewhere it is the network that
        // has given up.
        Err(error)
            if error.kind() == io::ErrorKind::TimedOut
                && (cfg!(windows) || error.raw_os_error().is_none()) =>
        {
            Poll::Pending
        }
        result => Poll::Ready(result),
    }
}

/// The shortest timeout that all systems take.
const SHORTEST: Duration = Duration::from_millis(1);

/// The stream's own timeout.
#[derive(Default)]
pub(in crate::io) struct Timer {
    /// What the program has set, and when that is up for the call that it is in.
    own: Option<Duration>,
    until: Option<Instant>,
    /// Whether that is what the read is to end with.
    is_own: bool,
    /// As it is set.
    set: Option<Duration>,
    /// How long before the deadline the read began that it is set for.
    wait: Option<Duration>,
}

impl Timer {
    /// For another call of the program's.
    pub(super) fn begin(&mut self) {
        self.until = None;
    }

    /// How long the program wants to wait from here on: what it has set, if this is the first wait
    /// of a call.
    fn own_left(&mut self) -> Option<Duration> {
        let own = self.own?;
        let now = Instant::now();
        match self.until {
            Some(until) => Some(until.saturating_duration_since(now)),
            None => {
                self.until = now.checked_add(own);
                Some(own)
            }
        }
    }

    /// Returns what was set before.
    pub(super) fn set_own(&mut self, timeout: Option<Duration>) -> Option<Duration> {
        mem::replace(&mut self.own, timeout.map(|timeout| timeout.max(SHORTEST)))
    }
}

impl socket::Timer for Timer {
    fn poll(&mut self, _: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        // The read before this has come back without anything: because of the
        // timeout, or because the stream does not block, which must not become a
        // loop.
        let left = deadline.saturating_duration_since(Instant::now());
        let is_timeout = match (self.set, self.wait.take()) {
            (Some(set), Some(wait)) if !self.is_own => wait.saturating_sub(left) >= set / 2,
            _ => false,
        };
        if is_timeout || left.is_zero() { Poll::Ready(()) } else { Poll::Pending }
    }
}
