use alloc::vec::Vec;

use bytes::Bytes;

use crate::MessageKind;
use crate::frame::Header;

/// A message encoded once, to be sent on many connections.
///
/// Cloning one is cheap: the clones share the bytes.
///
/// ```
/// use sansws::{Config, Connection, Prepared};
///
/// let message = Prepared::text("to all");
/// let mut connections = [Connection::server(&Config::new()), Connection::server(&Config::new())];
/// for ws in &mut connections {
///     let mut out = Vec::new();
///     ws.send_prepared(&message, &mut out)?;
///     assert_eq!(out, b"\x81\x06to all");
/// }
/// # Ok::<_, sansws::SendError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prepared {
    kind: MessageKind,
    frame: Bytes,
    payload_at: u8,
}

impl Prepared {
    /// Prepares a message of text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::new(MessageKind::Text, text.as_bytes())
    }

    /// Prepares a message of bytes.
    #[must_use]
    pub fn binary(data: &[u8]) -> Self {
        Self::new(MessageKind::Binary, data)
    }

    /// The kind of message.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The message itself.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.frame[usize::from(self.payload_at)..]
    }

    /// The frame as a server sends it: what
    /// [`send_prepared`](crate::Connection::send_prepared) appends, for
    /// programs that write it to the socket without a copy.
    #[must_use]
    pub const fn frame(&self) -> &Bytes {
        &self.frame
    }

    fn new(kind: MessageKind, payload: &[u8]) -> Self {
        let header = Header::new(kind.opcode(), true, payload.len() as u64).encode();
        let mut frame = Vec::with_capacity(header.len() + payload.len());
        frame.extend_from_slice(&header);
        frame.extend_from_slice(payload);
        Self { kind, frame: frame.into(), payload_at: header.len() as u8 }
    }
}
