//! Every rule about an incoming frame's header, in the order of its bytes.

use super::MessageKind;
use super::config::Limits;
use crate::error::Violation;
use crate::frame::{self, Header, Opcode};

/// What the payload of a message is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// The message itself.
    #[default]
    Plain,
    /// Compressed, and for us to inflate or deflate.
    Deflated,
    /// Compressed, and passed on as it is.
    #[cfg(feature = "deflate")]
    Passed,
}

/// What the rules depend on that stays the same.
pub(super) struct Endpoint<'a> {
    /// Whether the peer is a client, whose frames are masked.
    pub(super) masked: bool,
    /// What RSV1 says of a message (RFC 7692, 6); `Plain` where it is reserved.
    pub(super) rsv1: Form,
    pub(super) limits: &'a Limits,
}

impl Endpoint<'_> {
    /// The form of a message whose first frame has RSV1 like this.
    pub(super) fn form(&self, rsv1: bool) -> Form {
        if rsv1 { self.rsv1 } else { Form::Plain }
    }
}

/// What the rules depend on besides the header itself.
pub(super) struct Expected<'a> {
    pub(super) endpoint: &'a Endpoint<'a>,
    /// The message under way, if it has not had its last frame.
    pub(super) message: Option<&'a Progress>,
}

/// A message under way, as far as its frames' headers tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) kind: MessageKind,
    pub(super) len: u64,
    pub(super) frames: u32,
    pub(super) form: Form,
}

/// Reads the header at the start of `bytes` and how many bytes it takes;
/// `None` if it is cut off, and what there is of it breaks no rule.
///
/// Each rule is applied as soon as what it is about is there: whoever breaks
/// one in the first byte learns it without sending the second.
#[inline(always)]
pub(super) fn read_header(
    bytes: &[u8],
    expected: &Expected<'_>,
) -> Result<Option<(Header, usize)>, Violation> {
    let endpoint = expected.endpoint;
    let Some(&first) = bytes.first() else { return Ok(None) };
    let (fin, opcode) = (first & 0x80 != 0, Opcode::from_byte(first));

    // 5.2: "MUST be 0 unless an extension is negotiated that defines meanings";
    // RFC 7692, 6: RSV1 is for the first frame of a data message
    let is_first = matches!(opcode, Opcode::TEXT | Opcode::BINARY);
    let rsv1_allowed = endpoint.rsv1 != Form::Plain && is_first;
    if first & if rsv1_allowed { 0x30 } else { 0x70 } != 0 {
        return Err(Violation::ReservedBit);
    }
    // 5.2: "If an unknown opcode is received, [...] MUST _Fail the WebSocket Connection_"
    if opcode.is_reserved() {
        return Err(Violation::ReservedOpcode);
    }
    match (opcode.is_control(), opcode, expected.message) {
        // 5.5: control frames "MUST NOT be fragmented"
        (true, _, _) if !fin => return Err(Violation::ControlFragmented),
        // 5.4: a continuation belongs to a message that has begun
        (false, Opcode::CONTINUATION, None) => return Err(Violation::ContinuationUnexpected),
        // 5.4: fragments of messages "MUST NOT be interleaved"
        (false, Opcode::TEXT | Opcode::BINARY, Some(_)) => {
            return Err(Violation::MessageInterrupted);
        }
        _ => {}
    }

    let Some(&second) = bytes.get(1) else { return Ok(None) };
    match (endpoint.masked, second & 0x80 != 0) {
        // 5.1: "close the connection upon receiving a frame that is not masked"
        (true, false) => return Err(Violation::MaskMissing),
        // 5.1: "A client MUST close a connection if it detects a masked frame"
        (false, true) => return Err(Violation::MaskUnexpected),
        _ => {}
    }
    // 5.5: control frames "MUST have a payload length of 125 bytes or less"
    if opcode.is_control() && second & 0x7F > 125 {
        return Err(Violation::ControlTooLong);
    }

    // The length stands before the masking key: judge it without waiting for that.
    let Some((len, len_end)) = Header::parse_len(bytes)? else { return Ok(None) };
    // 5.2: "the minimal number of bytes MUST be used to encode the length"
    if endpoint.limits.minimal_len && len_end > frame::len_end(len) {
        return Err(Violation::LengthNotMinimal);
    }
    if !opcode.is_control() {
        check_limits(len, endpoint.form(first & 0x40 != 0), expected)?;
    }
    Ok(Header::parse_around(bytes, len, len_end))
}

/// 10.4: limits on "the frame size and total message size after reassembly"
#[inline]
fn check_limits(len: u64, form: Form, expected: &Expected<'_>) -> Result<(), Violation> {
    let limits = expected.endpoint.limits;
    let (before, frames, form) =
        expected.message.map_or((0, 0, form), |m| (m.len, m.frames, m.form));
    // What a message takes that we inflate is known then; until then it may be
    // longer by what the worst compressor adds, in each of its frames.
    let bound = |limit: u64, frames_before: u32| match form {
        Form::Deflated => limit.saturating_add(limit / 4 + 1024 + 8 * u64::from(frames_before)),
        _ => limit,
    };
    if before.checked_add(len).is_none_or(|total| total > bound(limits.message_len, frames)) {
        return Err(Violation::MessageTooBig);
    }
    if len > bound(limits.frame_len, 0) {
        return Err(Violation::FrameTooBig);
    }
    if frames >= limits.fragments && limits.fragments != Limits::ANY_FRAGMENTS {
        return Err(Violation::TooManyFragments);
    }
    Ok(())
}
