//! Two tasks that wait for the same stream.
//!
//! It remembers one task for each direction, but either may have to write. So it is given one
//! waker for both, and that wakes whoever is waiting.

use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::mem;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker, ready};
use std::sync::{Mutex, PoisonError};

use super::error::Error;
use super::socket::{Drives, Runtime, Socket};
use crate::connection::{Message, State, Timeouts};

#[derive(Clone, Copy)]
pub(super) enum Half {
    Reader,
    /// Clones of the writer may wait at once, each for itself.
    Writer(usize),
}

impl Half {
    /// Of a `Sink` there is one.
    pub(super) const SINK: Self = Self::Writer(0);
}

/// The tasks that wait.
#[derive(Default)]
pub(super) struct Tasks {
    wakers: Mutex<Wakers>,
    writers: AtomicUsize,
}

#[derive(Default)]
struct Wakers {
    reader: Option<Waker>,
    writers: Vec<(usize, Waker)>,
}

impl Tasks {
    /// Polls for one half: `poll` gets a context that wakes both.
    pub(super) fn poll<T>(
        &self,
        half: Half,
        cx: &Context<'_>,
        waker: &Waker,
        poll: impl FnOnce(&mut Context<'_>) -> Changed<Poll<T>>,
    ) -> Poll<T> {
        // Before the stream is asked, so that no answer comes in between.
        self.register(half, cx.waker());
        let changed = poll(&mut Context::from_waker(waker));
        if changed.result.is_ready() {
            // Who does not wait is not to be kept, nor woken.
            self.forget(half);
        }
        self.wake_for(changed)
    }

    /// Wakes whoever is waiting for what has come about.
    pub(super) fn wake_for<T>(&self, Changed { result, before, after }: Changed<T>) -> T {
        if before.fate() != after.fate() {
            // There may be a timer to start, or nothing to wait for.
            self.wake_all();
            return result;
        }
        let is_done = !before.is_written && after.is_written;
        if is_done {
            self.wake_writers();
        }
        // The end of a connection goes on when all is written.
        let is_ending = is_done && after.state != State::Open;
        if is_ending || (before.is_congested && !after.is_congested) {
            self.wake_reader();
        }
        result
    }

    /// As [`wake_for`](Self::wake_for); and what was added is to be written by the reader.
    pub(super) fn wake_to_write<T>(&self, changed: Changed<T>) -> T {
        // If it was the stream that was waited for, that wakes both once it takes more.
        let is_for_reader = !changed.before.is_held_up && !changed.after.is_written;
        let result = self.wake_for(changed);
        if is_for_reader {
            self.wake_reader();
        }
        result
    }

    pub(super) fn new_writer(&self) -> Half {
        Half::Writer(self.writers.fetch_add(1, Ordering::Relaxed))
    }

    fn register(&self, half: Half, waker: &Waker) {
        let waker = waker.clone();
        let _known = self.with(|wakers| match half {
            Half::Reader => wakers.reader.replace(waker),
            Half::Writer(id) => match wakers.writers.iter_mut().find(|(known, _)| *known == id) {
                Some((_, known)) => Some(mem::replace(known, waker)),
                None => {
                    wakers.writers.push((id, waker));
                    None
                }
            },
        });
    }

    pub(super) fn forget(&self, half: Half) {
        let _known = self.with(|wakers| match half {
            Half::Reader => wakers.reader.take(),
            Half::Writer(id) => {
                let at = wakers.writers.iter().position(|(known, _)| *known == id);
                at.map(|at| wakers.writers.swap_remove(at).1)
            }
        });
    }

    fn with<T>(&self, take: impl FnOnce(&mut Wakers) -> T) -> T {
        // Not held while anybody is woken, who might run at once, or while a waker
        // is dropped, which can be the last of its task.
        take(&mut self.wakers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wake_all(&self) {
        self.wake_reader();
        self.wake_writers();
    }

    fn wake_reader(&self) {
        if let Some(waker) = self.with(|wakers| wakers.reader.take()) {
            waker.wake();
        }
    }

    fn wake_writers(&self) {
        for (_, waker) in self.with(|wakers| mem::take(&mut wakers.writers)) {
            waker.wake();
        }
    }
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

/// A socket that is used as a `Stream` and a `Sink`, which can be by two tasks: generic code
/// divides it by `StreamExt::split`.
impl<S, R: Drives<S>> Socket<S, R> {
    /// As a `Stream` says it.
    pub(super) fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        if self.is_terminated {
            return Poll::Ready(None);
        }
        let item = ready!(self.poll_next(cx)).transpose();
        self.is_terminated = !matches!(item, Some(Ok(_)));
        Poll::Ready(item)
    }

    /// The same while another task may use the `Sink`.
    pub(super) fn poll_stream_half(&mut self, cx: &Context<'_>) -> Poll<Item> {
        // Most need not wait, and so nobody has to be remembered.
        let mut received = None;
        if !self.is_terminated && self.next_at_hand(&mut received).is_ok() && received.is_some() {
            return Poll::Ready(received.map(Ok));
        }
        self.poll_half(Half::Reader, cx, Self::poll_item)
    }

    /// Changes what the task that uses the `Stream` may be waiting for.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> T {
        match &self.tasks {
            None => change(self),
            Some(tasks) => Arc::clone(tasks).wake_for(Changed::by(change, self)),
        }
    }

    /// Writes, if too much was buffered.
    pub(super) fn poll_ready_half(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        if self.driver.is_full() { self.poll_flush_half(cx) } else { Poll::Ready(Ok(())) }
    }

    /// Writes all that was buffered.
    pub(super) fn poll_flush_half(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        if self.driver.is_written() {
            self.driver.is_split = false;
            return Poll::Ready(self.driver.check_write());
        }
        self.poll_half(Half::SINK, cx, |socket, cx| {
            let result = socket.poll_flush(cx);
            // As long as it waits, the other task must go on reading.
            socket.driver.is_split = result.is_pending();
            result
        })
    }

    fn poll_half<T>(
        &mut self,
        half: Half,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let tasks = Arc::clone(self.tasks.get_or_insert_default());
        let waker = Waker::from(Arc::clone(&tasks));
        tasks.poll(half, cx, &waker, |cx| Changed::by(|socket| poll(socket, cx), self))
    }
}

type Item = Option<Result<Message, Error>>;

/// What was done, and how all stood before and after it.
pub(super) struct Changed<T> {
    result: T,
    before: Standing,
    after: Standing,
}

impl<T> Changed<T> {
    pub(super) fn by<S, R: Runtime>(
        act: impl FnOnce(&mut Socket<S, R>) -> T,
        socket: &mut Socket<S, R>,
    ) -> Self {
        let before = Standing::of(socket);
        let result = act(socket);
        // Nobody may poll it again, and programs go on adding.
        socket.driver.drop_unwritable();
        let after = Standing::of(socket);
        Self { result, before, after }
    }
}

/// What the other half may be waiting for.
struct Standing {
    state: State,
    is_over: bool,
    is_broken: bool,
    /// How many deadlines have passed: whoever looks at the timer then takes it from the other.
    deadlines_passed: u32,
    timeouts: Timeouts,
    is_written: bool,
    is_held_up: bool,
    is_congested: bool,
}

impl Standing {
    fn of<S, R: Runtime>(socket: &Socket<S, R>) -> Self {
        let driver = &socket.driver;
        Self {
            state: driver.connection().state(),
            is_over: driver.is_over(),
            is_broken: driver.is_write_broken(),
            deadlines_passed: driver.deadlines_passed,
            timeouts: driver.connection().timeouts(),
            is_written: driver.is_written(),
            is_held_up: driver.is_held_up(),
            is_congested: driver.is_congested(),
        }
    }

    fn fate(&self) -> (State, bool, bool, u32, Timeouts) {
        (self.state, self.is_over, self.is_broken, self.deadlines_passed, self.timeouts)
    }
}
