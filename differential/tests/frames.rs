//! Frames, right and nearly right, as this library and tungstenite read them.
//!
//! Where the two differ, one of the rules below must say why, and the stream is
//! changed so that it no longer applies and compared again: an explanation
//! covers what it is about and nothing else. `PROPTEST_CASES=10000` looks
//! harder; `--nocapture` shows how often each rule was needed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;

use differential::Socket;
use differential::reference::{Item, Rules};
use differential::runs::connection;
use differential::streams::{self, Frame, cut, encode};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use sansws::CloseCode;
use sansws::{Error, State, Violation};
use tungstenite::protocol::frame::Utf8Bytes;
use tungstenite::protocol::{CloseFrame, Role, WebSocket, WebSocketConfig};
use tungstenite::{Error as TheirError, Message, error::ProtocolError};

/// Why the two may differ: what RFC 6455 says for this library's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// 7.1.7 and 8.1: a connection fails when the endpoint finds what is wrong;
    /// nothing says that the rest of the frame has to come first, as theirs
    /// waits for it.
    FailFast,
    /// 7.1.7: failing, "the endpoint SHOULD send a Close frame with an appropriate
    /// status code". Theirs leaves that to the program.
    FailWithClose,
    /// 5.2: "the minimal number of bytes MUST be used to encode the length",
    /// which for a control frame is always the shortest (5.5). Theirs takes any.
    MinimalLength,
    /// 10.4: a limit that theirs does not have.
    FragmentLimit,
    /// 5.5 and 5.5.2: control frames have their own limit, and a ping "MUST" be
    /// answered. Theirs applies the limit for data frames to them.
    ControlLimit,
    /// 7.4: a code that "MUST NOT be set as a status code in a Close control
    /// frame" breaks the protocol. Theirs closes as if the peer had sent 1002,
    /// or takes the code if it has sent Close itself.
    CloseCode,
    /// 7.4.2 and 11.7: codes come from IANA's registry, which has 1014 since.
    /// Theirs takes it for invalid.
    RegisteredCloseCode,
    /// 5.5.2: a ping is to be answered "unless it already received a Close frame".
    /// Theirs stops answering when it has sent one.
    PongWhileClosing,
    /// 1.4: "After receiving a control frame indicating the connection should be
    /// closed", a peer "discards any further data received". As a client, theirs
    /// goes on reading frames and fails.
    DiscardAfterClose,
    /// A frame breaks several rules, and the RFC does not say which counts.
    SeveralBroken,
}

/// What was broken, as far as both libraries can tell it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    ReservedBit,
    ReservedOpcode,
    Mask,
    ControlFragmented,
    ControlTooLong,
    Interrupted,
    Continuation,
    Utf8,
    CloseTruncated,
    CloseCode,
    TooBig,
    Fragments,
    LengthForm,
}

impl Broken {
    fn of_ours(violation: Violation) -> Self {
        match violation {
            Violation::ReservedBit => Self::ReservedBit,
            Violation::ReservedOpcode => Self::ReservedOpcode,
            Violation::MaskMissing | Violation::MaskUnexpected => Self::Mask,
            Violation::LengthNotMinimal => Self::LengthForm,
            Violation::ControlFragmented => Self::ControlFragmented,
            Violation::ControlTooLong => Self::ControlTooLong,
            Violation::MessageInterrupted => Self::Interrupted,
            Violation::ContinuationUnexpected => Self::Continuation,
            Violation::InvalidUtf8 | Violation::CloseReasonInvalid => Self::Utf8,
            Violation::CloseTruncated => Self::CloseTruncated,
            Violation::CloseCodeInvalid => Self::CloseCode,
            // A length above 2^63 is above every limit too, which is how theirs sees it.
            Violation::LengthOverflow | Violation::FrameTooBig | Violation::MessageTooBig => {
                Self::TooBig
            }
            Violation::TooManyFragments => Self::Fragments,
            violation => panic!("not about frames: {violation:?}"),
        }
    }

    fn of_theirs(error: &TheirError) -> Self {
        match error {
            TheirError::Utf8(_) => Self::Utf8,
            TheirError::Capacity(_) => Self::TooBig,
            TheirError::Protocol(error) => match error {
                ProtocolError::NonZeroReservedBits => Self::ReservedBit,
                ProtocolError::InvalidOpcode(_)
                | ProtocolError::UnknownControlFrameType(_)
                | ProtocolError::UnknownDataFrameType(_) => Self::ReservedOpcode,
                ProtocolError::UnmaskedFrameFromClient | ProtocolError::MaskedFrameFromServer => {
                    Self::Mask
                }
                ProtocolError::FragmentedControlFrame => Self::ControlFragmented,
                ProtocolError::ControlFrameTooBig => Self::ControlTooLong,
                ProtocolError::ExpectedFragment(_) => Self::Interrupted,
                ProtocolError::UnexpectedContinueFrame => Self::Continuation,
                ProtocolError::InvalidCloseSequence => Self::CloseTruncated,
                error => panic!("not about frames: {error:?}"),
            },
            error => panic!("not about frames: {error:?}"),
        }
    }

    /// 7.4.1: which code says so.
    fn close_code(self) -> u16 {
        match self {
            Self::Utf8 => 1007,
            Self::Fragments => 1008,
            // A length above 2^63 breaks the protocol; see `check_failure_reply`.
            Self::TooBig => 1009,
            _ => 1002,
        }
    }
}

/// A connection, and whether it has sent Close before anything comes.
#[derive(Clone, Copy, Debug)]
struct Case {
    rules: Rules,
    closing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Open,
    Closed,
    Failed(Broken),
}

/// A frame that was written: its first byte and its payload, unmasked.
type Reply = (u8, Vec<u8>);

/// All that a library makes of a stream.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    items: Vec<Item>,
    replies: Vec<Reply>,
    end: End,
    /// Whether the stream may end here (7.1.4); `None` if it failed anyway.
    clean: Option<bool>,
    /// Whether what came after the peer's Close frame made it fail.
    failed_after_close: bool,
}

/// What it makes of it, and in which piece it failed.
fn ours(case: &Case, pieces: &[&[u8]]) -> (Run, usize) {
    let (mut ws, mut out, mut items) = (connection(&case.rules), Vec::new(), Vec::new());
    if case.closing {
        ws.send_close(CloseCode::NORMAL, "bye", &mut out).unwrap();
    }
    let (mut failed, mut at) = (None, 0);
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        while failed.is_none() {
            match ws.receive(&mut input, &mut out) {
                Ok(Some(event)) => items.push(event.into()),
                Ok(None) => break,
                Err(Error::Failed(violation)) => failed = Some(violation),
                Err(error) => panic!("{error:?}"),
            }
        }
        if failed.is_some() {
            break;
        }
        at += 1;
    }
    let end = match (failed, ws.state()) {
        (Some(violation), State::Failed) => End::Failed(Broken::of_ours(violation)),
        (None, State::Closed) => End::Closed,
        (None, State::Open | State::Closing) => End::Open,
        (failed, state) => panic!("{failed:?} but {state:?}"),
    };
    let clean = failed.is_none().then(|| ws.receive_eof().is_ok());
    let replies = replies(&case.rules, &out);
    (Run { items, replies, end, clean, failed_after_close: false }, at)
}

/// What tungstenite makes of it, and in which piece it failed.
fn theirs(case: &Case, pieces: &[&[u8]]) -> (Run, usize) {
    let role = if case.rules.is_server { Role::Server } else { Role::Client };
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_frame_size(Some(case.rules.max_frame_len as usize))
        .max_message_size(Some(case.rules.max_message_len as usize));
    let mut ws = WebSocket::from_raw_socket(Socket::new(pieces), role, Some(config));
    if case.closing {
        let reason = Utf8Bytes::from_static("bye");
        ws.close(Some(CloseFrame { code: 1000.into(), reason })).unwrap();
    }
    let (mut items, mut failed, mut at, mut clean) = (Vec::new(), None, 0, None);
    loop {
        match ws.read() {
            Ok(message) => items.push(item(message)),
            Err(TheirError::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                if ws.get_ref().is_exhausted() {
                    ws.get_mut().ended = true;
                    clean = Some(matches!(ws.read(), Err(TheirError::ConnectionClosed)));
                    break;
                }
            }
            // A server is done as soon as it has answered Close.
            Err(TheirError::ConnectionClosed) => {
                clean = Some(true);
                break;
            }
            Err(error) => {
                failed = Some(error);
                at = ws.get_ref().begun() - 1;
                break;
            }
        }
    }
    let is_closed = matches!(items.last(), Some(Item::Close(..)));
    let end = match &failed {
        _ if is_closed => End::Closed,
        Some(error) => End::Failed(Broken::of_theirs(error)),
        None => End::Open,
    };
    let replies = replies(&case.rules, &ws.get_ref().written);
    (Run { items, replies, end, clean, failed_after_close: is_closed && failed.is_some() }, at)
}

fn item(message: Message) -> Item {
    match message {
        Message::Text(text) => Item::Text(text.to_string()),
        Message::Binary(data) => Item::Binary(data.to_vec()),
        Message::Ping(data) => Item::Ping(data.to_vec()),
        Message::Pong(data) => Item::Pong(data.to_vec()),
        Message::Close(None) => Item::Close(None, String::new()),
        Message::Close(Some(close)) => {
            Item::Close(Some(close.code.into()), close.reason.to_string())
        }
        Message::Frame(frame) => panic!("{frame:?} was not asked for"),
    }
}

fn replies(rules: &Rules, written: &[u8]) -> Vec<Reply> {
    let reply = |frame: Scanned| {
        assert!(frame.is_whole, "half a frame was written");
        assert_eq!(frame.is_masked, !rules.is_server, "5.1");
        (frame.first, frame.payload)
    };
    scan(written).into_iter().map(reply).collect()
}

/// A frame as it lies in a stream, whatever is wrong with it.
#[derive(Clone, Debug)]
struct Scanned {
    start: usize,
    end: usize,
    first: u8,
    is_masked: bool,
    /// Where its payload starts; `None` if the header is cut off.
    payload_at: Option<usize>,
    len: u64,
    len_bytes: usize,
    /// What there is of it, unmasked.
    payload: Vec<u8>,
    is_whole: bool,
}

impl Scanned {
    fn opcode(&self) -> u8 {
        self.first & 0xF
    }

    fn is_final(&self) -> bool {
        self.first & 0x80 != 0
    }

    fn is_control(&self) -> bool {
        self.first & 0x8 != 0
    }

    /// 5.2
    fn is_minimal(&self) -> bool {
        match self.len_bytes {
            0 => true,
            2 => self.len > 125,
            _ => self.len > 0xFFFF,
        }
    }
}

/// The frames of a stream, of which the last may be cut off.
fn scan(stream: &[u8]) -> Vec<Scanned> {
    let (mut frames, mut start) = (Vec::new(), 0);
    while start < stream.len() {
        let bytes = &stream[start..];
        let second = bytes.get(1).copied().unwrap_or(0);
        let is_masked = second & 0x80 != 0;
        let len_bytes = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let len = match bytes.get(2..2 + len_bytes) {
            Some(extended) if len_bytes > 0 => {
                extended.iter().fold(0, |len, byte| len << 8 | u64::from(*byte))
            }
            _ => u64::from(second & 0x7F),
        };
        let header_len = 2 + len_bytes + if is_masked { 4 } else { 0 };
        let has_header = bytes.len() >= header_len;
        let available = bytes.get(header_len..).unwrap_or_default();
        let payload_len = usize::try_from(len).unwrap_or(usize::MAX).min(available.len());
        let mut payload = available[..payload_len].to_vec();
        if is_masked {
            let key = bytes.get(header_len - 4..header_len).unwrap_or(&[0; 4]);
            payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
        let end = start + bytes.len().min(header_len + payload_len);
        frames.push(Scanned {
            start,
            end,
            first: bytes[0],
            is_masked,
            payload_at: has_header.then_some(start + header_len),
            len,
            len_bytes,
            payload,
            is_whole: has_header && payload_len as u64 == len,
        });
        start = end;
    }
    frames
}

/// The stream with the rest of its last frame, if that can be.
fn completed(rules: &Rules, stream: &[u8]) -> Option<Vec<u8>> {
    let mut stream = stream.to_vec();
    let is_cut = |stream: &[u8]| scan(stream).pop().is_some_and(|frame| !frame.is_whole);
    if !is_cut(&stream) {
        return None;
    }
    let last = scan(&stream).pop()?;
    if last.end - last.start == 1 {
        stream.push(if rules.is_server { 0x80 } else { 0 });
    }
    while scan(&stream).pop()?.payload_at.is_none() {
        stream.push(0);
    }
    let last = scan(&stream).pop()?;
    let missing = last.len - last.payload.len() as u64;
    if missing < 1 << 21 {
        stream.resize(stream.len() + missing as usize, 0);
    }
    Some(stream)
}

/// The stream with the length of a frame in as few bytes as it needs.
fn shortened(stream: &[u8], frame: &Scanned) -> Vec<u8> {
    let mask_bit = if frame.is_masked { 0x80 } else { 0 };
    let second = match frame.len {
        len @ 0..=125 => vec![mask_bit | len as u8],
        len => [&[mask_bit | 126][..], &(len as u16).to_be_bytes()].concat(),
    };
    let rest = frame.start + 2 + frame.len_bytes;
    [&stream[..=frame.start], &second, &stream[rest..]].concat()
}

/// Every rule that the last of these frames breaks, if those before it break
/// none.
fn broken(rules: &Rules, frames: &[Scanned]) -> Vec<Broken> {
    let (frame, before) = frames.split_last().unwrap();
    let mut message: Option<(bool, u32, Vec<u8>)> = None;
    for frame in before.iter().filter(|frame| !frame.is_control()) {
        let (_, count, payload) =
            message.get_or_insert_with(|| (frame.opcode() == 1, 0, Vec::new()));
        *count += 1;
        payload.extend(&frame.payload);
        if frame.is_final() {
            message = None;
        }
    }
    let (opcode, len) = (frame.opcode(), u128::from(frame.len));
    let is_control = frame.is_control();
    let has_message = message.is_some();
    let (is_text, count, mut payload) = message.unwrap_or((opcode == 1, 0, Vec::new()));
    let total = payload.len() as u128 + len;
    let limit = u128::from(rules.max_frame_len.min(rules.max_message_len));
    payload.extend(&frame.payload);
    let is_close = opcode == 8;
    let code = match frame.payload[..] {
        [a, b, ..] if is_close => Some(u16::from_be_bytes([a, b])),
        _ => None,
    };
    let utf8_breaks = |bytes: &[u8], is_all: bool| {
        let error = core::str::from_utf8(bytes).err();
        error.is_some_and(|error| is_all || error.error_len().is_some())
    };
    let all = [
        (frame.first & 0x70 != 0, Broken::ReservedBit),
        (matches!(opcode, 3..=7 | 11..=15), Broken::ReservedOpcode),
        (is_control && !frame.is_final(), Broken::ControlFragmented),
        (is_control && (len > 125 || frame.len_bytes > 0), Broken::ControlTooLong),
        (frame.is_masked != rules.is_server, Broken::Mask),
        (opcode == 0 && !has_message, Broken::Continuation),
        (matches!(opcode, 1 | 2) && has_message, Broken::Interrupted),
        (!frame.is_minimal(), Broken::LengthForm),
        (len >= 1 << 63, Broken::TooBig),
        (!is_control && (len > limit || total > u128::from(rules.max_message_len)), Broken::TooBig),
        (!is_control && count >= rules.max_fragments.max(1), Broken::Fragments),
        (
            !is_control && is_text && utf8_breaks(&payload, frame.is_final() && frame.is_whole),
            Broken::Utf8,
        ),
        (is_close && frame.len == 1, Broken::CloseTruncated),
        (code.is_some_and(|code| !is_close_code(code)), Broken::CloseCode),
        (code.is_some() && utf8_breaks(&frame.payload[2..], frame.is_whole), Broken::Utf8),
    ];
    all.into_iter().filter_map(|(is_broken, broken)| is_broken.then_some(broken)).collect()
}

/// 7.4, and IANA's registry.
fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

macro_rules! require {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err(format!("{}: {}", stringify!($condition), format_args!($($why)+)));
        }
    };
}

/// Runs both over a stream; the rules that explain all in which they differ.
fn explained(case: &Case, stream: &[u8]) -> Result<Vec<Rule>, String> {
    let mut found = Vec::new();
    compare(case, stream, &mut found)?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn compare(case: &Case, stream: &[u8], found: &mut Vec<Rule>) -> Result<(), String> {
    let frames = scan(stream);
    let pieces: Vec<_> = frames.iter().map(|frame| &stream[frame.start..frame.end]).collect();
    let ((ours, our_at), (theirs, their_at)) = (ours(case, &pieces), theirs(case, &pieces));
    let both = format!("\nours {our_at} {ours:?}\ntheirs {their_at} {theirs:?}\n{case:?}");

    if let (End::Failed(_), End::Open) = (ours.end, theirs.end)
        && our_at + 1 == frames.len()
        && let Some(completed) = completed(&case.rules, stream)
    {
        require!(completed != stream, "theirs does not fail {both}");
        found.push(Rule::FailFast);
        return compare(case, &completed, found);
    }

    if let End::Failed(Broken::TooBig) = theirs.end
        && our_at >= their_at
        && frames[their_at].is_control()
        && frames[their_at].len > case.rules.max_frame_len
    {
        if let End::Failed(what) = ours.end
            && our_at == their_at
        {
            let broken = broken(&case.rules, &frames[..=our_at]);
            require!(broken.contains(&what), "{broken:?} {both}");
        }
        found.push(Rule::ControlLimit);
        return compare(case, &stream[..frames[their_at].start], found);
    }

    if let End::Failed(what) = ours.end
        && (theirs.end != ours.end || their_at != our_at)
    {
        let frame = &frames[our_at];
        let broken = broken(&case.rules, &frames[..=our_at]);
        require!(broken.contains(&what), "{broken:?} {both}");
        if !frame.is_minimal() {
            found.push(Rule::MinimalLength);
            return compare(case, &shortened(stream, frame), found);
        }
        if what == Broken::Fragments {
            found.push(Rule::FragmentLimit);
            let rules = Rules { max_fragments: u32::MAX, ..case.rules };
            return compare(&Case { rules, ..*case }, stream, found);
        }
        if what == Broken::CloseCode && theirs.end == End::Closed {
            found.push(Rule::CloseCode);
            return compare_close_code(case, frame, ours, theirs, found);
        }
        let End::Failed(other) = theirs.end else {
            return Err(format!("only ours failed {both}"));
        };
        require!(their_at == our_at && broken.contains(&other), "{broken:?} {both}");
        found.push(Rule::SeveralBroken);
    } else {
        require!(ours.end == theirs.end, "they end differently {both}");
        require!(
            theirs.failed_after_close || ours.clean == theirs.clean,
            "one may end here {both}"
        );
    }

    let (mut ours, theirs) = (ours, theirs);
    if theirs.failed_after_close {
        let close = frames.iter().position(|frame| frame.opcode() == 8);
        require!(close.is_some_and(|at| at + 1 < frames.len()), "nothing follows {both}");
        found.push(Rule::DiscardAfterClose);
    }
    let registered = matches!(ours.items.last(), Some(Item::Close(Some(1014), _)));
    if registered && !case.closing {
        let (was, becomes) = (ours.items.pop(), protocol_violation());
        let Some(Item::Close(_, reason)) = was else { unreachable!() };
        let echo = [&1014u16.to_be_bytes(), reason.as_bytes()].concat();
        require!(ours.replies.pop() == Some((0x88, echo)), "1014 is echoed {both}");
        ours.items.push(becomes.0);
        ours.replies.push(becomes.1);
        found.push(Rule::RegisteredCloseCode);
    }
    if let End::Failed(what) = ours.end {
        check_failure_reply(case, what, &frames[our_at], &mut ours, found)?;
    }
    compare_replies(case, ours, theirs, found)
}

/// What theirs makes of a Close frame with a wrong code, and what it answers.
fn protocol_violation() -> (Item, Reply) {
    let reason = "Protocol violation";
    let payload = [&1002u16.to_be_bytes(), reason.as_bytes()].concat();
    (Item::Close(Some(1002), reason.into()), (0x88, payload))
}

fn compare_close_code(
    case: &Case,
    frame: &Scanned,
    mut ours: Run,
    theirs: Run,
    found: &mut Vec<Rule>,
) -> Result<(), String> {
    check_failure_reply(case, Broken::CloseCode, frame, &mut ours, found)?;
    if case.closing {
        let code = u16::from_be_bytes([frame.payload[0], frame.payload[1]]);
        let reason = String::from_utf8_lossy(&frame.payload[2..]).into_owned();
        ours.items.push(Item::Close(Some(code), reason));
    } else {
        let (item, reply) = protocol_violation();
        ours.items.push(item);
        ours.replies.push(reply);
    }
    compare_replies(case, ours, theirs, found)
}

/// 7.1.7: the last that ours writes is a Close frame that says what is wrong,
/// unless it has sent one before (5.5.1). Takes it off.
fn check_failure_reply(
    case: &Case,
    what: Broken,
    frame: &Scanned,
    ours: &mut Run,
    found: &mut Vec<Rule>,
) -> Result<(), String> {
    if case.closing {
        return Ok(());
    }
    let Some((0x88, payload)) = ours.replies.pop() else {
        return Err(format!("no Close frame says why it failed: {ours:?}"));
    };
    // 5.2: a length with its highest bit set is no length.
    let code =
        if frame.len >> 63 != 0 && what == Broken::TooBig { 1002 } else { what.close_code() };
    require!(payload.starts_with(&code.to_be_bytes()), "{payload:?} for {what:?}");
    found.push(Rule::FailWithClose);
    Ok(())
}

fn compare_replies(
    case: &Case,
    mut ours: Run,
    theirs: Run,
    found: &mut Vec<Rule>,
) -> Result<(), String> {
    if case.closing {
        let before = ours.replies.len();
        ours.replies.retain(|(first, _)| *first != 0x8A);
        if ours.replies.len() < before {
            found.push(Rule::PongWhileClosing);
        }
    }
    require!(ours.items == theirs.items, "\nours {ours:?}\ntheirs {theirs:?}\n{case:?}");
    require!(ours.replies == theirs.replies, "\nours {ours:?}\ntheirs {theirs:?}\n{case:?}");
    Ok(())
}

/// Whether each of the two makes the same of the stream however it is cut.
fn cut_alike(case: &Case, stream: &[u8], places: &[Index]) -> Result<(), String> {
    // Byte by byte takes theirs long for long streams.
    let bytewise: Vec<_> = stream.chunks(stream.len() / 2000 + 1).collect();
    let (our_whole, their_whole) = (ours(case, &[stream]).0, theirs(case, &[stream]).0);
    for pieces in [&bytewise, &cut(stream, places)] {
        let (ours, theirs) = (ours(case, pieces).0, theirs(case, pieces).0);
        require!(ours == our_whole, "\ncut {ours:?}\nwhole {our_whole:?}\n{case:?}");
        require!(theirs == their_whole, "\ncut {theirs:?}\nwhole {their_whole:?}\n{case:?}");
    }
    Ok(())
}

fn cases() -> impl Strategy<Value = Case> {
    let closing = prop::bool::weighted(0.2);
    (streams::rules(), closing).prop_map(|(rules, closing)| Case { rules, closing })
}

/// Compares the two over random streams.
#[track_caller]
fn check<S: Strategy<Value = Vec<u8>>>(stream: impl Fn(bool) -> S) {
    let seen = RefCell::new(BTreeMap::new());
    // A regression belongs into the table below.
    let config = Config { failure_persistence: None, ..Config::default() };
    let strategy = cases().prop_flat_map(|case| (Just(case), stream(case.rules.is_server)));
    let result =
        TestRunner::new(config).run(&(strategy, streams::cuts()), |((case, stream), places)| {
            let result = explained(&case, &stream);
            let rules = result.and_then(|found| {
                cut_alike(&case, &stream, &places)?;
                Ok(found)
            });
            let rules = rules
                .map_err(|why| TestCaseError::fail(format!("{}: {why}", stream.escape_ascii())))?;
            let mut seen = seen.borrow_mut();
            *seen.entry("compared".to_owned()).or_insert(0) += 1;
            if rules.is_empty() {
                *seen.entry("agree".to_owned()).or_insert(0) += 1;
            }
            for rule in rules {
                *seen.entry(format!("{rule:?}")).or_insert(0) += 1;
            }
            Ok(())
        });
    println!("{:#?}", seen.borrow());
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn right_streams_differ_only_as_explained() {
    check(|is_server| streams::valid(is_server).prop_map(|(frames, _)| encode(&frames)));
}

#[test]
fn nearly_right_streams_differ_only_as_explained() {
    check(streams::nearly_valid);
}

#[test]
fn begun_texts_differ_only_as_explained() {
    check(streams::begun_text);
}

#[test]
fn garbage_differs_only_as_explained() {
    check(|_| streams::garbage());
}

/// A header that declares any length in any form, and the little that follows.
fn header(is_server: bool) -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81u8, 0x82, 0x01, 0x02, 0x89, 0x8A, 0x88]),
        1 => any::<u8>(),
    ];
    let len =
        prop_oneof![0..300u64, 65_530..65_540u64, (1 << 20) - 2..=(1 << 20) + 2u64, any::<u64>()];
    let mask = prop::bool::weighted(0.9);
    let rest = prop::collection::vec(any::<u8>(), 0..20);
    (first, len, 0..3usize, mask, rest).prop_map(move |(first, len, form, mask, rest)| {
        let mask_bit = if mask == is_server { 0x80 } else { 0 };
        let len = match form {
            0 if len < 126 => vec![mask_bit | len as u8],
            0 | 1 if len <= 0xFFFF => [&[mask_bit | 126][..], &(len as u16).to_be_bytes()].concat(),
            _ => [&[mask_bit | 127][..], &len.to_be_bytes()].concat(),
        };
        [&[first], &len[..], &rest].concat()
    })
}

#[test]
fn lengths_within_and_beyond_the_limits_differ_only_as_explained() {
    check(|is_server| {
        let at = prop::option::weighted(0.2, any::<Index>());
        (header(is_server), at).prop_map(|(mut stream, at)| {
            if let Some(at) = at {
                stream.truncate(at.index(stream.len()));
            }
            stream
        })
    });
}

#[test]
fn close_frames_differ_only_as_explained() {
    check(|is_server| {
        let code = prop_oneof![990..1020u16, 2990..3010u16, 4990..5010u16, any::<u16>()];
        let reason =
            prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 0..4)];
        (code, reason, streams::garbage()).prop_map(move |(code, reason, after)| {
            let payload = [&code.to_be_bytes()[..], &reason].concat();
            let key = is_server.then_some([1, 2, 3, 4]);
            [encode(&[Frame { first: 0x88, key, len_bytes: None, payload }]), after].concat()
        })
    });
}

const SMALL: Rules = Rules {
    is_server: true,
    max_frame_len: 4,
    max_message_len: 7,
    max_fragments: 2,
    minimal_len: true,
    key: [0; 4],
};

/// A row: whether Close was sent, the frames, the rules that explain them.
type Row<'r> = (bool, &'r [(u8, Option<usize>, &'r [u8])], &'r [Rule]);

#[test]
fn each_rule_explains_the_streams_that_it_is_about() {
    let rows: &[Row<'_>] = &[
        (false, &[(0x81, None, b"abcd"), (0x82, None, b"\xFF"), (0x89, None, b"a")], &[]),
        (false, &[(0x88, None, b"\x03\xE8ok")], &[]),
        (true, &[(0x88, None, b"\x03\xE8ok")], &[]),
        (false, &[(0x83, None, b"")], &[Rule::FailWithClose]),
        (true, &[(0x83, None, b"")], &[]),
        (false, &[(0x81, Some(2), b"abc")], &[Rule::MinimalLength]),
        (false, &[(0x89, Some(8), b"abc")], &[Rule::MinimalLength]),
        (false, &[(0x82, None, b"abcde")], &[Rule::FailWithClose]),
        (false, &[(2, None, b"abcd"), (0x80, None, b"abc")], &[]),
        (false, &[(2, None, b"abcd"), (0x80, None, b"abcd")], &[Rule::FailWithClose]),
        (false, &[(1, None, b""), (0, None, b""), (0, None, b"")], &[Rule::FragmentLimit]),
        (false, &[(0x89, None, b"abcde")], &[Rule::ControlLimit]),
        (false, &[(0x88, None, b"\x03\xED")], &[Rule::FailWithClose, Rule::CloseCode]),
        (true, &[(0x88, None, b"\x03\xED")], &[Rule::CloseCode]),
        (false, &[(0x88, None, b"\x03\xF6")], &[Rule::RegisteredCloseCode]),
        (true, &[(0x88, None, b"\x03\xF6")], &[]),
        (true, &[(0x89, None, b"a")], &[Rule::PongWhileClosing]),
        (false, &[(0xF3, None, b"")], &[Rule::FailWithClose, Rule::SeveralBroken]),
    ];
    for is_server in [true, false] {
        for &(closing, frames, expected) in rows {
            let case = Case { rules: Rules { is_server, ..SMALL }, closing };
            let key = is_server.then_some([1, 2, 3, 4]);
            let frame = |&(first, len_bytes, payload): &(u8, Option<usize>, &[u8])| Frame {
                first,
                key,
                len_bytes,
                payload: payload.into(),
            };
            let stream = encode(&frames.iter().map(frame).collect::<Vec<_>>());
            assert_eq!(explained(&case, &stream).as_deref(), Ok(expected), "{case:?} {frames:?}");
        }
    }
}

#[test]
fn close_codes_around_the_edges_of_their_ranges_differ_only_as_explained() {
    let case = Case { rules: SMALL, closing: false };
    for code in (0..3u16).chain(990..1020).chain(2990..3010).chain(4990..5010) {
        let [a, b] = code.to_be_bytes();
        let stream = [0x88, 0x82, 0, 0, 0, 0, a, b];
        explained(&case, &stream).unwrap();
    }
}

#[test]
fn ours_fails_before_the_rest_of_a_frame_comes() {
    let case = Case { rules: Rules { is_server: false, ..SMALL }, closing: false };
    for stream in [&b"\xC1"[..], b"\x81\x80", b"\x81\x04\xFF", b"\x00"] {
        let expected = [Rule::FailFast, Rule::FailWithClose];
        let found = explained(&case, stream).unwrap();
        assert!(expected.iter().all(|rule| found.contains(rule)), "{stream:?}: {found:?}");
    }
}

#[test]
fn a_client_discards_what_follows_a_close_frame() {
    let case = Case { rules: Rules { is_server: false, ..SMALL }, closing: false };
    assert_eq!(
        explained(&case, b"\x88\x00\x81\x00").as_deref(),
        Ok(&[Rule::DiscardAfterClose][..])
    );
    // As a server, theirs reads no further either.
    let case = Case { rules: SMALL, closing: false };
    assert_eq!(explained(&case, b"\x88\x80abcd\x81\x80abcd").as_deref(), Ok(&[][..]));
}
