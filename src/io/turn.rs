//! How long one connection keeps a thread from its other tasks.

use core::task::{Context, Poll};

use super::socket::Runtime;

/// What was done since other tasks had their turn, by the bytes that were read and handed out.
///
/// A stream that always has something would never let go; nor would one read in which there are
/// many messages that are short only as long as they are compressed.
#[derive(Default)]
pub(super) struct Turn(usize);

impl Turn {
    /// A few milliseconds, since text of a thousand times its compressed length takes about one
    /// for each MiB; and what one message takes, as long as it may be.
    const MAX: usize = 2 << 20;

    /// What a read counts for, however little it brings.
    const READ: usize = 32 * 1024;

    /// What a message or control frame counts for besides its bytes.
    const MESSAGE: usize = 64;

    #[inline]
    pub(super) const fn has_read<R: Runtime>(&mut self, bytes: usize) {
        self.spend::<R>(if bytes > Self::READ { bytes } else { Self::READ });
    }

    #[inline]
    pub(super) const fn has_received<R: Runtime>(&mut self, bytes: usize) {
        self.spend::<R>(Self::MESSAGE + bytes);
    }

    #[inline]
    pub(super) const fn is_over<R: Runtime>(&self) -> bool {
        R::HAS_TASKS && self.0 > Self::MAX
    }

    /// Others have theirs: there is nothing to do.
    pub(super) const fn end(&mut self) {
        self.0 = 0;
    }

    /// It cannot overflow: nobody goes on when it is over, and no slice is longer than
    /// `isize::MAX`.
    const fn spend<R: Runtime>(&mut self, bytes: usize) {
        if R::HAS_TASKS {
            self.0 += bytes;
        }
    }

    /// Pending once when the turn is over, with the task to be woken.
    pub(super) fn give_way<R: Runtime>(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_over::<R>() {
            return Poll::Ready(());
        }
        self.end();
        R::give_way(cx);
        Poll::Pending
    }
}
