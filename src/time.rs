use core::ops::Add;
use core::time::Duration;

/// A point in time, since an epoch that the caller picks.
///
/// The protocol core never asks what time it is; the caller says so. Any
/// origin will do so long as it stays the same for one connection and time
/// does not run backwards: the program's start (`Clock`), a hardware
/// counter, or a number that a test counts up.
///
/// ```
/// use core::time::Duration;
/// use sansws::Instant;
///
/// let start = Instant::from_epoch(Duration::ZERO);
/// let deadline = start + Duration::from_secs(10);
/// assert_eq!(deadline.saturating_since(start), Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The point `since_epoch` after the epoch.
    #[must_use]
    pub const fn from_epoch(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// The time since the epoch.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// The time since `earlier`, or zero if that is later: how long to sleep
    /// until a deadline.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the latest point that can be expressed.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// The operating system's monotonic clock, its epoch being its creation.
///
/// ```
/// let clock = sansws::Clock::new();
/// let earlier = clock.now();
/// assert!(clock.now() >= earlier);
/// ```
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: std::time::Instant,
}

#[cfg(feature = "std")]
impl Clock {
    /// A clock that starts at zero, now.
    #[must_use]
    pub fn new() -> Self {
        Self { epoch: std::time::Instant::now() }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant(self.epoch.elapsed())
    }
}

#[cfg(feature = "std")]
impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
