use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use crate::copy;
use crate::frame::MaskingKey;

/// What is left to append of a frame's payload, after
/// [`send_binary_lazily`](super::Connection::send_binary_lazily) or
/// [`send_text_lazily`](super::Connection::send_text_lazily).
///
/// # In the middle of the frame
///
/// Whatever is written before all of the payload is, the peer takes for a part of it. So until
/// then a program that does not only write gives another buffer to every other method that
/// has an `out`, and writes that behind the frame. (With an adapter it appends and flushes in
/// turns, and does not read.)
///
/// So pongs, pings and a Close frame wait for the end of the frame. If writing it takes longer
/// than a few seconds, send parts of a message instead
/// ([`send_binary_part`](super::Connection::send_binary_part)): a peer's deadlines, and those
/// of [`Config::keepalive`](super::Config::keepalive), know nothing of it.
///
/// If the connection closes or fails meanwhile, the rest of the frame is still written before
/// the answer to that. Or neither is, and the socket is shut down.
///
/// ```
/// # use sansws::{Config, Connection, Event, MaskingKeys};
/// use std::io::{self, ErrorKind};
/// # #[derive(Default)]
/// # struct Socket(Vec<u8>, bool);
/// # impl Socket {
/// #     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
/// #         self.1 = !self.1;
/// #         if self.1 {
/// #             return Err(ErrorKind::WouldBlock.into());
/// #         }
/// #         let written = bytes.len().min(10_000);
/// #         self.0.extend_from_slice(&bytes[..written]);
/// #         Ok(written)
/// #     }
/// #     fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
/// #         if self.1 {
/// #             return Err(ErrorKind::WouldBlock.into());
/// #         }
/// #         buffer[..2].copy_from_slice(b"\x89\0");
/// #         Ok(2)
/// #     }
/// #     fn wait(&self) {}
/// # }
///
/// /// What a socket that does not block has done, if anything.
/// fn done(result: io::Result<usize>) -> io::Result<Option<usize>> {
///     match result {
///         Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
///         Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
///         result => result.map(Some),
///     }
/// }
/// # let mut socket = Socket::default();
/// # let mut buffer = [0; 100];
/// # let mut ws = Connection::client(&Config::new(), MaskingKeys::new(|| [7; 4]));
///
/// let image = vec![7; 1_000_000];
/// let (mut out, mut answers) = (Vec::new(), Vec::new());
/// let mut payload = ws.send_binary_lazily(&image, &mut out)?;
/// while !(payload.is_empty() && out.is_empty()) {
///     if out.is_empty() {
///         payload.append_to(&mut out, 16 * 1024);
///     }
///     socket.wait(); // until it can be written or read
///     if let Some(written) = done(socket.write(&out))? {
///         out.drain(..written);
///     }
///     if let Some(n) = done(socket.read(&mut buffer))? {
///         let mut input = &mut buffer[..n];
///         while let Some(event) = ws.receive(&mut input, &mut answers)? {
///             // ...
/// #           assert_eq!(event, Event::Ping([].as_slice().into()));
///         }
///     }
/// }
/// out.append(&mut answers);
/// # assert_eq!((socket.0.len(), out.len() % 6), (1_000_014, 0));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the peer waits for what the header has announced"]
pub struct UnsentPayload<'p> {
    // Nobody can modify what was written in part (RFC 6455, 10.3): who sees the first masked
    // bytes knows the key, and could choose what the rest looks like on the wire.
    payload: Cow<'p, [u8]>,
    appended: usize,
    /// With which a client masks.
    key: Option<MaskingKey>,
}

impl<'p> UnsentPayload<'p> {
    #[inline]
    pub(super) const fn new(payload: Cow<'p, [u8]>, key: Option<MaskingKey>) -> Self {
        Self { payload, appended: 0, key }
    }

    /// All of the payload, of which nothing was appended, as it is to be written.
    #[inline]
    pub(super) fn into_masked(self) -> Cow<'p, [u8]> {
        debug_assert_eq!(self.appended, 0, "the key is that of the first byte");
        match self.key {
            None => self.payload,
            Some(key) => Cow::Owned(mask(self.payload, key)),
        }
    }

    /// How many bytes are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.payload.len() - self.appended
    }

    /// Whether none are left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the next bytes, at most `most`, masked if a client sends them.
    pub fn append_to(&mut self, out: &mut Vec<u8>, most: usize) {
        let rest = &self.payload[self.appended..];
        let next = &rest[..most.min(rest.len())];
        match self.key {
            Some(key) => key.rotated(self.appended).append_masked(next, out),
            None => copy::append(next, out),
        }
        self.appended += next.len();
    }
}

fn mask(payload: Cow<'_, [u8]>, key: MaskingKey) -> Vec<u8> {
    match payload {
        Cow::Owned(mut payload) => {
            key.apply(&mut payload);
            payload
        }
        Cow::Borrowed(payload) => {
            let mut masked = Vec::with_capacity(payload.len());
            key.append_masked(payload, &mut masked);
            masked
        }
    }
}

/// Without what is sent.
impl fmt::Debug for UnsentPayload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsentPayload").field("len", &self.len()).finish_non_exhaustive()
    }
}
