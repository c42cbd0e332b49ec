use super::DeflateParameters;

/// How a connection compresses its messages, where the peer agrees to it
/// (permessage-deflate, RFC 7692).
///
/// "Send" and "receive" are meant from this side: a server's sending
/// parameters are those that the RFC calls `server_`, a client's those that it
/// calls `client_`.
///
/// Compression costs time and memory, and it can give away secrets: where a
/// secret and something that an attacker chose are compressed together, the
/// length tells how alike the two are (the attacks CRIME and BREACH). They are
/// together if they stand in one message, and also in two messages of one
/// connection unless each is compressed by itself. Send messages with secrets
/// uncompressed, see
/// [`Connection::set_compression`](crate::Connection::set_compression).
///
/// # Memory
///
/// A connection that has agreed to compress holds 120 bytes more until the first
/// compressed message. Then it holds the end of what it has received, as much as
/// there was and at most the window (32 KiB for 15 bits, 4 KiB for 12), unless
/// each message is compressed by itself; and, to send, what is chosen here. The
/// times are for a message of 1 KiB of JSON once the window is full, at level 1
/// and at level 6, on a connection that is alone and on one of 300 in turn, each
/// of which finds the processor's caches full of the others:
///
/// | kept to send | window bits | bytes, at most | alone | in turn | length of the message |
/// |---|---|---|---|---|---|
/// | context | 15 | 380,160 | 2.3 and 16 us | 27 and 103 us | 347 and 248 |
/// | context | 12 | 265,472 | 2.5 and 11 us | 22 and 35 us | 376 and 250 |
/// | [window](KeepContext::Never) | 15 | 32,506 | 32 and 45 us | 33 and 42 us | 342 and 247 |
/// | window | 12 | 3,834 | 7.5 and 15 us | 7.7 and 15 us | 372 and 249 |
/// | window | 9 | 250 | 6.7 and 12 us | | 432 and 243 |
/// | nothing, [without takeover](Self::send_without_takeover) | 15 | 0 | 4.6 and 12 us | 4.7 and 12 us | 437 and 304 |
/// | [context](KeepContext::Always), without takeover | 15 | 380,160 | 3.9 and 13 us | 8.4 and 15 us | 437 and 304 |
///
/// So a peer that sends one short message, and then answers pings, can keep as much for as long
/// as it likes: a server with many clients that it does not know chooses from the last lines.
///
/// (The fastest of a few runs of `cargo bench deflate` on a busy machine; memory at
/// the default memory level.)
///
/// While a message is under way, it takes a whole context to send, and 47,680
/// bytes to receive. A thread holds on to the latter for its connections to use in turn.
///
/// ```
/// use sansws::{DeflateConfig, KeepContext};
///
/// // A server with many connections: each keeps 4 KiB in each direction at most, if the client
/// // offers to be told so by `client_max_window_bits`, as browsers do; of others' messages 32 KiB.
/// let small = DeflateConfig::new()
///     .keep_context(KeepContext::Never)
///     .send_window_bits(12)
///     .receive_window_bits(12);
///
/// // Or nothing at all, for longer messages.
/// let smaller = DeflateConfig::new()
///     .send_without_takeover(true)
///     .receive_without_takeover(true);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateConfig {
    pub(super) level: u8,
    pub(super) memory_level: u8,
    pub(super) min_len: usize,
    pub(super) send_window_bits: u8,
    pub(super) receive_window_bits: u8,
    pub(super) send_without_takeover: bool,
    pub(super) receive_without_takeover: bool,
    pub(super) keep_context: KeepContext,
}

impl DeflateConfig {
    /// The defaults, each given with the method that changes it.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            level: 1,
            memory_level: 8,
            min_len: 64,
            send_window_bits: 15,
            receive_window_bits: 15,
            send_without_takeover: false,
            receive_without_takeover: false,
            keep_context: KeepContext::WithTakeover,
        }
    }

    /// How hard to search for repetitions, from 1 (fast) to 9 (small).
    /// Default: 1.
    ///
    /// Of 64 KiB of JSON with much in it that does not repeat, level 6 took five times as long as
    /// level 1 and made 20 % instead of 31 % (`COMPARE.md`); of some with less, eight times as
    /// long, for 16 % instead of 24 %.
    ///
    /// # Panics
    /// If it is another number.
    #[must_use]
    pub const fn level(mut self, level: u8) -> Self {
        assert!(level >= 1 && level <= 9, "a level is a number from 1 to 9");
        self.level = level;
        self
    }

    /// How much memory to compress with besides the window, from 1 to 9; less
    /// makes for more and shorter blocks. Default: 8.
    ///
    /// # Panics
    /// If it is another number.
    #[must_use]
    pub const fn memory_level(mut self, level: u8) -> Self {
        assert!(level >= 1 && level <= 9, "a memory level is a number from 1 to 9");
        self.memory_level = level;
        self
    }

    /// The shortest message that is worth compressing, in bytes; shorter ones
    /// are sent as they are. Default: 64.
    ///
    /// A message sent in parts is judged by its first part, even if that is empty; and a
    /// [`Prepared`](crate::Prepared) one by whoever prepares it, with `deflated` or without.
    #[must_use]
    pub const fn min_len(mut self, bytes: usize) -> Self {
        self.min_len = bytes;
        self
    }

    /// How far back what we send may refer to, as a power of two from 8 (256
    /// bytes) to 15 (32 KiB). Default: 15.
    ///
    /// The peer may ask for less, and gets it. (For 8 we compress as for 9, with an encoder that
    /// never refers to more than 250 bytes back, so that both are kept.)
    ///
    /// # Panics
    /// If it is another number.
    #[must_use]
    pub const fn send_window_bits(mut self, bits: u8) -> Self {
        assert!(bits >= 8 && bits <= 15, "window bits are a number from 8 to 15");
        self.send_window_bits = bits;
        self
    }

    /// How far back what the peer sends may refer to, as a power of two from 8
    /// to 15; it is asked to keep to that. Default: 15.
    ///
    /// A client that cannot is served all the same. A server that cannot declines
    /// to compress, and if it does not keep to it, the handshake fails. Less saves memory between
    /// messages, here and, with some compressors, at the peer's.
    ///
    /// # Panics
    /// If it is another number.
    #[must_use]
    pub const fn receive_window_bits(mut self, bits: u8) -> Self {
        assert!(bits >= 8 && bits <= 15, "window bits are a number from 8 to 15");
        self.receive_window_bits = bits;
        self
    }

    /// Whether each message that we send is compressed by itself, rather than
    /// as a continuation of those before it. Default: false.
    ///
    /// By itself a short message compresses worse (one of many similar JSON
    /// messages perhaps to half, instead of to a tenth), but no memory need be kept
    /// between messages: a context is made for each, no larger than it needs, unless
    /// one is to be kept ([`KeepContext::Always`]).
    #[must_use]
    pub const fn send_without_takeover(mut self, without: bool) -> Self {
        self.send_without_takeover = without;
        self
    }

    /// Whether to ask the same of the peer, which saves the memory for
    /// inflating between messages. Default: false. A server that cannot declines
    /// to compress.
    #[must_use]
    pub const fn receive_without_takeover(mut self, without: bool) -> Self {
        self.receive_without_takeover = without;
        self
    }

    /// Asks for what another handshake has agreed on: sets both window bits and
    /// both wishes to go without takeover.
    ///
    /// For proxies, see
    /// [`Connection::pass_compressed`](crate::Connection::pass_compressed).
    #[must_use]
    pub const fn parameters(self, parameters: DeflateParameters) -> Self {
        self.send_window_bits(parameters.send_window_bits)
            .receive_window_bits(parameters.receive_window_bits)
            .send_without_takeover(parameters.send_without_takeover)
            .receive_without_takeover(parameters.receive_without_takeover)
    }

    /// When to keep what we compress with from one message to the next.
    /// Default: [`KeepContext::WithTakeover`]. Nothing of it concerns the peer.
    #[must_use]
    pub const fn keep_context(mut self, keep: KeepContext) -> Self {
        self.keep_context = keep;
        self
    }
}

/// When a connection keeps what it compresses with, its context, between the messages
/// that it sends. The table at [`DeflateConfig`] says what that takes and what it spares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum KeepContext {
    /// Never. With takeover the window is kept instead, that is the end of what was
    /// sent, from which a new context goes on.
    ///
    /// That takes a tenth of the memory or less, and more time for each message, which
    /// begins with going through the window again. With hundreds of connections and
    /// [`send_window_bits`](DeflateConfig::send_window_bits) of 12 it takes less time,
    /// for a context that was kept has left the processor's caches.
    Never,
    /// With takeover, where the next message goes on from it. Without, nothing is kept.
    #[default]
    WithTakeover,
    /// Without takeover too, where it is reset for each message.
    ///
    /// That is for few connections with many short messages: at level 1 it takes a
    /// sixth less time to compress one of 1 KiB. For long ones and at higher levels it
    /// makes little difference, and with hundreds of connections it takes longer than
    /// to keep nothing, since what was kept has left the processor's caches.
    ///
    /// What becomes of a message depends on none before it all the same: tests see to
    /// that, though zlib-rs does not promise it. (For one that is sent in parts it would
    /// not be so; for these a new context is made.)
    Always,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self::new()
    }
}
