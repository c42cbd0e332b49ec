use alloc::vec::Vec;

use bytes::Bytes;

use crate::MessageKind;
use crate::copy;
#[cfg(feature = "deflate")]
use crate::deflate::{self, DeflateConfig};
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
    plain: Frame,
    #[cfg(feature = "deflate")]
    deflated: Option<Deflated>,
}

/// A frame as a server sends it.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    payload_at: u8,
}

impl Frame {
    #[allow(clippy::cast_possible_truncation, reason = "at most Header::MAX_LEN")]
    fn new(mut header: Header, payload: &[u8]) -> Self {
        header.len = payload.len() as u64;
        let header = header.encode();
        let mut bytes = Vec::with_capacity(header.len() + payload.len());
        bytes.extend_from_slice(&header);
        copy::append(payload, &mut bytes);
        Self { bytes: bytes.into(), payload_at: header.len() as u8 }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[usize::from(self.payload_at)..]
    }
}

/// The same message compressed, and the window that takes to inflate.
#[cfg(feature = "deflate")]
#[derive(Clone, Debug)]
pub(crate) struct Deflated {
    pub(crate) frame: Frame,
    pub(crate) window_bits: u8,
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
        self.plain.payload()
    }

    /// The frame as a server sends it: what
    /// [`send_prepared`](crate::Connection::send_prepared) appends, for
    /// programs that write it to the socket without a copy. Never compressed.
    #[must_use]
    pub const fn frame(&self) -> &Bytes {
        &self.plain.bytes
    }

    /// Compresses the message too, once for all connections that have agreed to
    /// compress: by itself, so that it takes no memory in any of them. A message that does not
    /// get smaller keeps its plain form alone. Of `config` only the levels and
    /// [`send_window_bits`](DeflateConfig::send_window_bits) matter; connections
    /// that have agreed on a smaller window send it uncompressed.
    ///
    /// A connection that sends it compresses its own next message as if it were
    /// its first, since the peer's window has moved on.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflated(mut self, config: &DeflateConfig) -> Self {
        let (payload, window_bits) = deflate::deflate_alone(self.payload(), config);
        if payload.len() < self.payload().len() {
            let mut header = Header::new(self.kind.opcode(), true, 0);
            header.rsv1 = true;
            self.deflated = Some(Deflated { frame: Frame::new(header, &payload), window_bits });
        }
        self
    }

    /// The compressed frame as a server sends it, if [`deflated`](Self::deflated)
    /// made one: as [`frame`](Self::frame), for programs that write it to the socket
    /// without a copy.
    ///
    /// It is right only for connections that have agreed to compress, with a window
    /// of as many bits as it was made with or more, and that compress each message
    /// by itself
    /// ([`send_without_takeover`](DeflateConfig::send_without_takeover)):
    /// [`send_prepared`](crate::Connection::send_prepared) looks to all that.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflated_frame(&self) -> Option<&Bytes> {
        self.deflated.as_ref().map(|deflated| &deflated.frame.bytes)
    }

    pub(crate) const fn plain(&self) -> &Frame {
        &self.plain
    }

    #[cfg(feature = "deflate")]
    pub(crate) const fn as_deflated(&self) -> Option<&Deflated> {
        self.deflated.as_ref()
    }

    fn new(kind: MessageKind, payload: &[u8]) -> Self {
        Self {
            kind,
            plain: Frame::new(Header::new(kind.opcode(), true, 0), payload),
            #[cfg(feature = "deflate")]
            deflated: None,
        }
    }
}
