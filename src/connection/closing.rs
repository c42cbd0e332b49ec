//! How a connection ends (RFC 6455, 7).
//!
//! | state | reached by | `transport()` once `out` is written |
//! |---|---|---|
//! | Open | | `Open` |
//! | Closing | sending Close | `Open`: the peer's data may still come |
//! | Closed | receiving Close, having sent or answered it | server: `Shutdown`, client: `AwaitEof` |
//! | Failed | a violation, the stream's end, a timeout | `Shutdown` |
//!
//! In the last two it becomes `Close` when the stream has ended or the close timeout has
//! passed; at once, if a ping was not answered.

use alloc::borrow::Cow;
use alloc::string::String;

use super::Close;
use super::utf8::from_utf8;
use crate::error::Violation;
use crate::frame::CloseCode;

/// Where a connection stands between its opening and its end (RFC 6455, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a fifth state would change the contract")]
pub enum State {
    /// Messages pass both ways.
    Open,
    /// A Close frame was sent and none has come: the peer may still send.
    Closing,
    /// Both have sent a Close frame: the connection was closed cleanly.
    Closed,
    /// It failed, or the stream ended too early.
    Failed,
}

/// What to do with the socket, once all of `out` is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "the protocol says when to shut down the socket; nobody else knows"]
#[allow(clippy::exhaustive_enums, reason = "a fifth answer would change the contract")]
pub enum Transport {
    /// Keep reading.
    Open,
    /// Keep reading, though only the end of the stream is still to come: it is
    /// for the server to end it first (7.1.1).
    AwaitEof,
    /// Shut down the sending side, then keep reading until the stream ends.
    ///
    /// What still comes is to be given to `receive`, which discards it. To
    /// close the socket at once would make the operating system answer it with
    /// a reset, which can destroy what was written but not read yet.
    Shutdown,
    /// Close the socket, though something may be left of `out`: the stream has ended, the
    /// close timeout has passed, or a ping was not answered. (It does no harm to offer the socket
    /// the rest once more: it may be a Close frame.)
    Close,
}

/// How far the closing has come.
#[derive(Debug, Default)]
pub(super) struct Closing {
    /// Asked before each message, and so by itself.
    pub(super) sent: bool,
    /// The code of our Close frame, 1005 if it had none.
    pub(super) sent_code: Option<CloseCode>,
    /// Whether the peer's came before that.
    pub(super) is_begun_by_peer: bool,
    /// The code of the peer's Close frame, 1005 if it had none.
    pub(super) received: Option<CloseCode>,
    pub(super) failed: Option<Violation>,
    /// Whether nothing more can come: the stream's end, or a timeout.
    pub(super) over: bool,
}

impl Closing {
    #[inline]
    pub(super) fn state(&self) -> State {
        match self {
            Self { failed: Some(_), .. } => State::Failed,
            Self { received: Some(_), .. } => State::Closed,
            Self { sent: true, .. } => State::Closing,
            Self { sent: false, .. } => State::Open,
        }
    }

    /// Whether what comes is looked at.
    #[inline]
    pub(super) fn is_receiving(&self) -> bool {
        matches!(self.state(), State::Open | State::Closing)
    }

    pub(super) fn transport(&self, is_server: bool) -> Transport {
        match self.state() {
            State::Open | State::Closing => Transport::Open,
            State::Closed | State::Failed if self.over => Transport::Close,
            State::Closed if !is_server => Transport::AwaitEof,
            State::Closed | State::Failed => Transport::Shutdown,
        }
    }

    /// 7.1.5: the connection close code.
    pub(super) fn code(&self) -> Option<CloseCode> {
        match (self.received, self.failed) {
            (Some(code), _) => Some(code),
            (None, Some(_)) => Some(CloseCode::ABNORMAL),
            (None, None) => None,
        }
    }
}

/// Reads the payload of a Close frame (5.5.1).
pub(super) fn parse_close(payload: Cow<'_, [u8]>) -> Result<Close<'_>, Violation> {
    let (code, reason_at) = match *payload {
        [] => return Ok(Close::default()),
        // 5.5.1: "the first two bytes of the body MUST be a 2-byte unsigned integer"
        [_] => return Err(Violation::CloseTruncated),
        [a, b, ..] => (CloseCode::new(u16::from_be_bytes([a, b])), 2),
    };
    // 7.4: some codes "MUST NOT be set as a status code in a Close control frame"
    if !code.is_sendable() {
        return Err(Violation::CloseCodeInvalid);
    }
    // 5.5.1: the rest of the body is UTF-8
    let reason = match payload {
        Cow::Borrowed(payload) => from_utf8(&payload[reason_at..]).map(Cow::Borrowed),
        Cow::Owned(payload) => {
            from_utf8(&payload[reason_at..]).map(|r| Cow::Owned(String::from(r)))
        }
    };
    let reason = reason.map_err(|_| Violation::CloseReasonInvalid)?;
    Ok(Close { code: Some(code), reason })
}
