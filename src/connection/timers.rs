//! Keepalive, pong and close deadlines.
//!
//! | while | waiting for | then |
//! |---|---|---|
//! | Open | a keepalive interval of silence | a ping is sent |
//! | Open, pinged | anything at all, for the pong timeout | the connection fails, and the transport is to be closed |
//! | Closing | the peer's Close frame, for the close timeout | the same |
//! | Closed, Failed | the end of the stream, for the close timeout since it is not open | the transport is to be closed |

use super::State;
use super::config::Timeouts;
use crate::time::Instant;

#[derive(Debug)]
pub(super) struct Timers {
    pub(super) timeouts: Timeouts,
    /// Whether anything was received, or written after a wait, since the last look at the clock.
    pub(super) heard: bool,
    waiting: Waiting,
}

#[derive(Clone, Copy, Debug)]
enum Waiting {
    NotStarted,
    Silence(Instant),
    Pong(Instant),
    Close(Instant),
}

/// A deadline that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    Keepalive,
    Pong,
    Close,
}

impl Timers {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, heard: false, waiting: Waiting::NotStarted }
    }

    /// Whether there can be a deadline.
    #[cfg(feature = "_io")]
    pub(super) fn needs_clock(&self, state: State) -> bool {
        state != State::Open || self.timeouts.keepalive.is_some()
    }

    /// Starts what has become due to start; the next deadline.
    pub(super) fn poll(&mut self, state: State, now: Instant) -> Option<Instant> {
        let heard = core::mem::take(&mut self.heard);
        if state == State::Open && self.timeouts.keepalive.is_none() {
            // Should it be set again, nothing is known of the time before.
            self.waiting = Waiting::NotStarted;
            return None;
        }
        self.waiting = match (state, self.waiting) {
            (State::Open, Waiting::NotStarted) => Waiting::Silence(now),
            (State::Open, _) if heard => Waiting::Silence(now),
            (State::Open, waiting) => waiting,
            (_, Waiting::Close(since)) => Waiting::Close(since),
            (_, _) => Waiting::Close(now),
        };
        match self.waiting {
            Waiting::Silence(since) => {
                self.timeouts.keepalive.map(|interval| since + interval.to_duration())
            }
            Waiting::Pong(since) => Some(since + self.timeouts.pong.to_duration()),
            Waiting::Close(since) => Some(since + self.timeouts.close.to_duration()),
            Waiting::NotStarted => None,
        }
    }

    /// Takes the deadline that has passed at `now`, if one has.
    pub(super) fn expire(&mut self, state: State, now: Instant) -> Option<Expired> {
        if self.poll(state, now)? > now {
            return None;
        }
        match self.waiting {
            Waiting::Silence(_) => {
                self.waiting = Waiting::Pong(now);
                Some(Expired::Keepalive)
            }
            Waiting::Pong(_) => Some(Expired::Pong),
            Waiting::Close(_) => Some(Expired::Close),
            Waiting::NotStarted => None,
        }
    }
}
