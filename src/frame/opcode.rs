use core::fmt;

/// What a frame is (RFC 6455, 5.2): four bits, of which six values are defined.
///
/// A newtype and not an enum, so that every value which can stand on the wire
/// can be held.
///
/// ```
/// use sansws::frame::Opcode;
///
/// assert_eq!(Opcode::from_byte(0x89), Opcode::PING); // FIN is not part of it
/// assert!(Opcode::PING.is_control());
/// assert!(Opcode::from_byte(0x3).is_reserved());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opcode(u8);

impl Opcode {
    /// More of a message begun by an earlier frame.
    pub const CONTINUATION: Self = Self(0x0);
    /// A message of UTF-8 text, or its first part.
    pub const TEXT: Self = Self(0x1);
    /// A message of arbitrary bytes, or its first part.
    pub const BINARY: Self = Self(0x2);
    /// The closing handshake (5.5.1).
    pub const CLOSE: Self = Self(0x8);
    /// A question that a pong answers (5.5.2).
    pub const PING: Self = Self(0x9);
    /// The answer to a ping, or an unasked sign of life (5.5.3).
    pub const PONG: Self = Self(0xA);

    /// The opcode in the first byte of a frame: its low four bits.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte & 0x0F)
    }

    /// The number, at most 15.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self.0
    }

    /// Whether this is a control frame, defined or not: the highest bit (5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.0 & 0x8 != 0
    }

    /// Whether the RFC gives this number no meaning (3 to 7 and 11 to 15).
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        self.0 & 0x7 > 2
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::CONTINUATION => "CONTINUATION",
            Self::TEXT => "TEXT",
            Self::BINARY => "BINARY",
            Self::CLOSE => "CLOSE",
            Self::PING => "PING",
            Self::PONG => "PONG",
            Self(reserved) => return write!(f, "Opcode({reserved:#x})"),
        })
    }
}
