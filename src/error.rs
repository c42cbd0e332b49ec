//! Errors, by whose fault they are.

use crate::frame::{CloseCode, HeaderError};

/// What [`Connection::receive`](crate::Connection::receive) and its like
/// return when there is nothing more to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection has failed (RFC 6455, 7.1.7), and why.
    ///
    /// The Close frame that tells the peer, if there is one to send, is already in
    /// `out`, and every later call returns this same error. Write `out`, then do as
    /// [`Connection::transport`](crate::Connection::transport) says.
    #[error("{0}")]
    Failed(Violation),

    /// The program called `receive` in the middle of a message of which it has
    /// had parts from `receive_part`, or the other way about; or it called
    /// `receive` where a compressed message comes that is to be passed on.
    ///
    /// Nothing was consumed and nothing is lost: receive the message with the
    /// other call.
    #[error("this message is for the other of receive and receive_part")]
    WrongReceive,
}

impl Error {
    /// Why the connection has failed, if it has.
    #[must_use]
    pub const fn violation(self) -> Option<Violation> {
        match self {
            Self::Failed(violation) => Some(violation),
            Self::WrongReceive => None,
        }
    }
}

/// Why a connection has failed: a rule the peer broke, a limit it passed, or
/// a reason the program gave to [`Connection::fail`](crate::Connection::fail).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.description())]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set that no extension has given a meaning.
    ReservedBit,
    /// A reserved opcode.
    ReservedOpcode,
    /// A client's frame is not masked.
    MaskMissing,
    /// A server's frame is masked.
    MaskUnexpected,
    /// A 64-bit length has its highest bit set.
    LengthOverflow,
    /// A length stands in more bytes than it needs.
    LengthNotMinimal,
    /// A control frame comes in fragments.
    ControlFragmented,
    /// A control frame's payload is longer than 125 bytes.
    ControlTooLong,
    /// A new message begins before the last one has ended.
    MessageInterrupted,
    /// A continuation of no message.
    ContinuationUnexpected,
    /// Text that is not UTF-8, at the first byte that cannot be.
    InvalidUtf8,
    /// A compressed message that does not inflate.
    DeflateInvalid,
    /// A Close frame of one byte, which is half a code.
    CloseTruncated,
    /// A Close frame with a code that must not be sent.
    CloseCodeInvalid,
    /// A Close frame whose reason is not UTF-8.
    CloseReasonInvalid,
    /// A frame longer than [`Config::max_frame_len`](crate::Config::max_frame_len).
    FrameTooBig,
    /// A message longer than
    /// [`Config::max_message_len`](crate::Config::max_message_len).
    MessageTooBig,
    /// A message in more frames than
    /// [`Config::max_fragments`](crate::Config::max_fragments).
    TooManyFragments,
    /// The stream ended before the closing handshake did.
    EndOfStream,
    /// Nothing came for too long after a keepalive ping.
    PongTimeout,
    /// No Close frame came for too long after ours.
    CloseTimeout,
    /// The program: a kind of data that it does not take.
    Unsupported,
    /// The program: something against its policy.
    Policy,
    /// The program: it met a condition it did not expect.
    Internal,
}

impl Violation {
    /// The code of the Close frame that is the answer, if one is sent.
    ///
    /// `None` where the peer is not there to read it.
    #[must_use]
    pub const fn close_code(self) -> Option<CloseCode> {
        Some(match self {
            Self::ReservedBit
            | Self::ReservedOpcode
            | Self::MaskMissing
            | Self::MaskUnexpected
            | Self::LengthOverflow
            | Self::LengthNotMinimal
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::MessageInterrupted
            | Self::ContinuationUnexpected
            | Self::CloseTruncated
            | Self::CloseCodeInvalid => CloseCode::PROTOCOL_ERROR,
            Self::InvalidUtf8 | Self::DeflateInvalid | Self::CloseReasonInvalid => {
                CloseCode::INVALID_PAYLOAD
            }
            Self::FrameTooBig | Self::MessageTooBig => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments | Self::Policy => CloseCode::POLICY_VIOLATION,
            Self::PongTimeout | Self::Internal => CloseCode::INTERNAL_ERROR,
            Self::Unsupported => CloseCode::UNSUPPORTED_DATA,
            Self::EndOfStream | Self::CloseTimeout => return None,
        })
    }

    /// The section of RFC 6455 that states the rule, or of the RFC named.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::ReservedBit
            | Self::ReservedOpcode
            | Self::LengthOverflow
            | Self::LengthNotMinimal => "5.2",
            Self::MaskMissing | Self::MaskUnexpected => "5.1",
            Self::ControlFragmented | Self::ControlTooLong => "5.5",
            Self::MessageInterrupted | Self::ContinuationUnexpected => "5.4",
            Self::InvalidUtf8 => "8.1",
            Self::DeflateInvalid => "RFC 7692, 7.2.2",
            Self::CloseTruncated | Self::CloseReasonInvalid => "5.5.1",
            Self::CloseCodeInvalid => "7.4",
            Self::FrameTooBig | Self::MessageTooBig | Self::TooManyFragments => "10.4",
            Self::EndOfStream => "7.2.1",
            Self::PongTimeout => "5.5.2",
            Self::CloseTimeout => "7.1.1",
            Self::Unsupported | Self::Policy | Self::Internal => "7.4.1",
        }
    }

    /// The sentence that `Display` prints and the Close frame carries as its
    /// reason.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::ReservedBit => "a reserved bit is set",
            Self::ReservedOpcode => "reserved opcode",
            Self::MaskMissing => "a client's frame is not masked",
            Self::MaskUnexpected => "a server's frame is masked",
            Self::LengthOverflow => "the payload length has its highest bit set",
            Self::LengthNotMinimal => "the payload length stands in more bytes than it needs",
            Self::ControlFragmented => "fragmented control frame",
            Self::ControlTooLong => "control frame of more than 125 bytes",
            Self::MessageInterrupted => "a new message begins before the last one has ended",
            Self::ContinuationUnexpected => "continuation of no message",
            Self::InvalidUtf8 => "the text is not UTF-8",
            Self::DeflateInvalid => "the compressed message does not inflate",
            Self::CloseTruncated => "close frame of one byte",
            Self::CloseCodeInvalid => "invalid close code",
            Self::CloseReasonInvalid => "the close reason is not UTF-8",
            Self::FrameTooBig => "the frame is too big",
            Self::MessageTooBig => "the message is too big",
            Self::TooManyFragments => "the message has too many fragments",
            Self::EndOfStream => "the stream ended without a closing handshake",
            Self::PongTimeout => "no answer to a ping",
            Self::CloseTimeout => "no answer to a close frame",
            Self::Unsupported => "unsupported data",
            Self::Policy => "policy violation",
            Self::Internal => "internal error",
        }
    }
}

impl From<HeaderError> for Violation {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::LengthOverflow => Self::LengthOverflow,
        }
    }
}

/// Why something was not sent: the program's mistake, or it came too late.
///
/// Nothing was written to `out`, and the connection is as it was.
// As long as a pointer: in a result it shares its place with one, which the compiler stores byte
// by byte where the error takes a byte, and whose load then waits for them all.
#[repr(usize)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// A Close frame was sent, or the connection is over (RFC 6455, 5.5.1).
    #[error("the connection is closing or closed")]
    Closed,
    /// Another message is being sent in parts and has not had its last (5.4).
    #[error("another message is being sent in parts")]
    MessageUnfinished,
    /// A control frame's payload is longer than 125 bytes (5.5), which leaves
    /// 123 for a Close frame's reason.
    #[error("a control frame has at most 125 bytes, and a close reason 123")]
    ControlTooLong,
    /// The close code must not be sent (7.4), or there is a reason but no code.
    #[error("the close code must not be sent, or is missing before a reason")]
    CloseCode,
    /// A part is compressed, but the handshake has not agreed to compress
    /// (RFC 7692).
    #[error("the handshake has not agreed to compress")]
    CompressionNotAgreed,
}
