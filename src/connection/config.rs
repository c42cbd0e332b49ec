use core::num::NonZeroU32;
use core::time::Duration;

/// The limits and habits of a [`Connection`](super::Connection).
///
/// Every limit is finite unless you raise it. All are checked when a frame's
/// header says how long it is, before anything is stored, and those of
/// compressed messages also while they are inflated; memory grows with the
/// bytes that arrive, never with the length that a header declares. Times but that of the opening
/// handshake are kept in milliseconds, rounded up, one at least and 49 days at most.
///
/// ```
/// use core::time::Duration;
/// use sansws::Config;
///
/// let config = Config::new()
///     .max_message_len(16 << 20)
///     .keepalive(Some(Duration::from_secs(15)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    max_frame_len: Option<u64>,
    max_message_len: u64,
    max_fragments: u32,
    minimal_len: bool,
    answer_pings: bool,
    pub(super) timeouts: Timeouts,
    handshake: Duration,
    max_head_len: usize,
}

/// The limits as they are applied, and a habit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// At most `message_len`.
    pub(super) frame_len: u64,
    pub(super) message_len: u64,
    pub(super) fragments: u32,
    pub(super) minimal_len: bool,
    pub(super) answer_pings: bool,
}

impl Limits {
    /// Any number of fragments: the count goes no further.
    pub(super) const ANY_FRAGMENTS: u32 = u32::MAX;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    pub(super) keepalive: Option<Millis>,
    pub(super) pong: Millis,
    pub(super) close: Millis,
}

/// A duration in a quarter of the space: every connection holds three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Millis(NonZeroU32);

impl Millis {
    /// Rounds up, and to at least one millisecond and at most 49 days.
    #[allow(clippy::cast_possible_truncation, reason = "it is compared with the maximum")]
    const fn new(duration: Duration) -> Self {
        let millis = duration.as_nanos().div_ceil(1_000_000);
        let millis = if millis > u32::MAX as u128 { u32::MAX } else { millis as u32 };
        Self(match NonZeroU32::new(millis) {
            Some(millis) => millis,
            None => NonZeroU32::MIN,
        })
    }

    pub(super) fn to_duration(self) -> Duration {
        Duration::from_millis(self.0.get().into())
    }
}

impl Config {
    /// The defaults, each given with the method that changes it.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_frame_len: None,
            max_message_len: 1 << 20,
            max_fragments: 1 << 16,
            minimal_len: true,
            answer_pings: true,
            timeouts: Timeouts {
                keepalive: Some(Millis::new(Duration::from_secs(30))),
                pong: Millis::new(Duration::from_secs(20)),
                close: Millis::new(Duration::from_secs(10)),
            },
            handshake: Duration::from_secs(10),
            max_head_len: 16 * 1024,
        }
    }

    /// The longest payload of one data frame that is accepted, in bytes.
    /// Default: as long as a message may be.
    ///
    /// A longer one fails the connection with 1009. Control frames are limited
    /// to 125 bytes by the protocol. A compressed frame that is inflated here
    /// may be longer by a quarter and 1 KiB, since data that cannot be compressed
    /// grows when it is.
    #[must_use]
    pub const fn max_frame_len(mut self, bytes: u64) -> Self {
        self.max_frame_len = Some(bytes);
        self
    }

    /// The longest message that is accepted, in bytes, all its fragments
    /// together, and inflated if it is compressed and inflated here. Default: 1 MiB.
    ///
    /// A longer one fails the connection with 1009. A message that does not
    /// arrive in one piece is held in memory, in a buffer that takes at most
    /// twice what has arrived (four times while its last frame arrives; of a compressed one what
    /// counts is what was inflated, to up to a thousand times as much), unless
    /// it is read with [`receive_part`](super::Connection::receive_part), to which this
    /// limit applies too: set it to `u64::MAX`, and
    /// [`max_fragments`](Self::max_fragments) to `u32::MAX`, to stream messages
    /// without end. With any limit of more than some 50 MiB see to the latter too: proxies that
    /// pass on what they have read make a frame of each read.
    #[must_use]
    pub const fn max_message_len(mut self, bytes: u64) -> Self {
        self.max_message_len = bytes;
        self
    }

    /// How many frames one message may come in, at least one; `u32::MAX` for any
    /// number. Default: 65,536.
    ///
    /// More fail the connection with 1008. A fragment costs no memory beyond
    /// its bytes, only the time to read its header; but a message of endless
    /// empty fragments would never end.
    #[must_use]
    pub const fn max_fragments(mut self, frames: u32) -> Self {
        self.max_fragments = frames;
        self
    }

    /// Whether a length must stand in as few bytes as it needs. Default: true.
    ///
    /// RFC 6455, 5.2 demands it of senders and does not say what a receiver
    /// does about it. By default such a frame fails the connection with 1002;
    /// `false` is for peers that are known to get it wrong in data frames. (In
    /// control frames there is no other form that could be right.)
    #[must_use]
    pub const fn require_minimal_len(mut self, required: bool) -> Self {
        self.minimal_len = required;
        self
    }

    /// Whether each ping is answered with a pong (RFC 6455, 5.5.2). Default: `true`.
    ///
    /// `false` is for programs that see to it themselves, as they must then: a proxy passes
    /// pings on, and the pongs that come back ([`send_ping`](super::Connection::send_ping),
    /// [`send_pong`](super::Connection::send_pong)). The pongs that a
    /// [keepalive](Self::keepalive) brings come as others do, and are passed on unasked then,
    /// as pongs may be (5.5.3).
    #[must_use]
    pub const fn answer_pings(mut self, answer: bool) -> Self {
        self.answer_pings = answer;
        self
    }

    /// How long the peer may be silent before it is sent a ping; `None` for no
    /// pings. Default: 30 seconds.
    ///
    /// The pong is an event as any other: who looks for peers that have nothing to say counts
    /// messages, not events.
    ///
    /// Takes effect only in programs that call
    /// [`poll_timeout`](super::Connection::poll_timeout) or
    /// [`handle_timeout`](super::Connection::handle_timeout); the adapters do.
    #[must_use]
    pub const fn keepalive(mut self, interval: Option<Duration>) -> Self {
        self.timeouts.keepalive = match interval {
            Some(interval) => Some(Millis::new(interval)),
            None => None,
        };
        self
    }

    /// How long the peer may stay silent after that ping before the connection
    /// fails. Default: 20 seconds.
    ///
    /// Whatever the peer sends counts as a sign of life, since its pong may be
    /// waiting behind a long message; and that it goes on to take what we send, since our
    /// ping may be
    /// ([`handle_write_progress`](super::Connection::handle_write_progress), which the adapters
    /// call). The blocking one cannot see that within a write that blocks, but only between
    /// two of them, when the stream's own timeout for writing has ended the first.
    ///
    /// But what the operating system, or TLS, has taken and not sent yet is not seen to go on. By
    /// default a peer that reads 20 KB/s of a long message is given up after fifty seconds, one
    /// that reads 100 KB/s is not (Linux, with its buffers as they come): such slow lines need a
    /// longer timeout, or smaller buffers (`SO_SNDBUF`).
    #[must_use]
    pub const fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.pong = Millis::new(timeout);
        self
    }

    /// How long to wait for the peer to do its part of closing: to answer our
    /// Close frame, and to end the stream. Default: 10 seconds.
    ///
    /// It runs from when our Close frame was added to what is to be written (without an adapter,
    /// from the next [`poll_timeout`](super::Connection::poll_timeout)): if much waits before
    /// that, write it first.
    #[must_use]
    pub const fn close_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.close = Millis::new(timeout);
        self
    }

    /// How long the opening handshake may take: of a client as a whole, of a server the request,
    /// and then the answer. Default: 10 seconds.
    ///
    /// A blocking stream has its own timeout for writing: without one, a client that does not
    /// read can hold up a long answer.
    ///
    /// For the adapters: a [`Connection`](super::Connection) begins only after it.
    #[must_use]
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake = timeout;
        self
    }

    /// How long the peer's head of the opening handshake may be, in bytes. Default:
    /// 16 KiB.
    ///
    /// For the adapters too; without one, see
    /// [`ServerHandshake::max_head_len`](crate::handshake::ServerHandshake::max_head_len)
    /// and its like of the client.
    #[must_use]
    pub const fn max_head_len(mut self, bytes: usize) -> Self {
        self.max_head_len = bytes;
        self
    }

    #[cfg(feature = "_io")]
    pub(crate) const fn head_len(&self) -> usize {
        self.max_head_len
    }

    #[cfg(feature = "_io")]
    pub(crate) const fn handshake(&self) -> Duration {
        self.handshake
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            frame_len: self.max_frame_len.unwrap_or(u64::MAX).min(self.max_message_len),
            message_len: self.max_message_len,
            // A message is at least one frame.
            fragments: self.max_fragments.max(1),
            minimal_len: self.minimal_len,
            answer_pings: self.answer_pings,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
