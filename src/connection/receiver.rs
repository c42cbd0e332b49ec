//! Bytes to pieces of messages and control frames.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::mem;

use super::MessageKind;
use super::assemble::Announced;
use super::config::Limits;
use super::content::Asking;
use super::rules::{self, Endpoint, Expected, Form, Progress};
use super::utf8::{self, Invalid};
use crate::copy;
use crate::error::Violation;
use crate::frame::{Header, MaskingKey, Opcode, len_end};

/// How many compressed bytes are inflated for one part: deflate expands a byte to at
/// most 1,032.
const MAX_DEFLATED: usize = 256;

/// How many bytes are unmasked, checked and joined at a time, so that all three happen
/// in the nearest cache.
const MAX_JOINED: usize = 16 * 1024;

/// Where the decoder stands in the stream of frames.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    /// A header that the end of the input cut off, with what of it was there.
    header: [u8; Header::MAX_LEN],
    header_len: u8,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
    /// The data message under way.
    message: Option<Progress>,
    /// The payload of a control frame that the end of the input cut off.
    control: Vec<u8>,
}

#[derive(Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    /// Turned to where the rest of the payload starts.
    mask: Option<MaskingKey>,
    remaining: u64,
}

/// What the decoder makes of the input.
pub(super) enum Piece<'b> {
    Data(DataPiece<'b>),
    Control(Opcode, Cow<'b, [u8]>),
}

/// A piece of a data message's payload; only the last and whole fragments can be empty.
pub(super) struct DataPiece<'b> {
    pub(super) kind: MessageKind,
    pub(super) payload: Payload<'b>,
    pub(super) last: bool,
    pub(super) form: Form,
}

/// Bytes that are still as the peer has masked them, if it has.
pub(super) struct Payload<'b> {
    bytes: &'b mut [u8],
    mask: Option<MaskingKey>,
}

impl<'b> Payload<'b> {
    #[inline]
    pub(super) fn unmask(self) -> &'b [u8] {
        if let Some(mask) = self.mask {
            mask.apply(self.bytes);
        }
        self.bytes
    }

    /// The same of a whole text, checked.
    #[inline]
    pub(super) fn unmask_text(self) -> Result<&'b str, Invalid> {
        unmask_text(self.bytes, self.mask)
    }

    /// Unmasks them on the way.
    #[inline]
    pub(super) fn append_to(self, joined: &mut Vec<u8>) {
        match self.mask {
            Some(mask) => mask.append_masked(self.bytes, joined),
            None => copy::append(self.bytes, joined),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl Receiver {
    /// Whether a frame starts here that belongs to no message yet.
    #[inline]
    pub(super) fn is_at_rest(&self) -> bool {
        self.header_len == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// How much more of the message under way is announced.
    pub(super) fn announced(&self) -> Announced {
        match &self.frame {
            Some(frame) => Announced { rest: frame.remaining, all: frame.fin },
            None => Announced { rest: 0, all: self.message.is_none() },
        }
    }

    /// The same with its kind, if the next byte is one of a message as it is.
    pub(super) fn announced_data(&self) -> Option<(MessageKind, Announced)> {
        let frame = self.frame.as_ref().filter(|frame| !frame.opcode.is_control())?;
        let message = self.message.as_ref().filter(|message| message.form == Form::Plain)?;
        (frame.remaining > 0).then(|| (message.kind, self.announced()))
    }

    /// Whether all of the message under way has come.
    pub(super) fn has_whole_message(&self) -> bool {
        self.frame.as_ref().is_some_and(|frame| frame.fin && frame.remaining == 0)
    }

    /// Unmasks the next of the bytes that `announced_data` spoke of, where they lie.
    pub(super) fn take_data(&mut self, bytes: &mut [u8]) {
        let Some(frame) = &mut self.frame else { return };
        frame.mask = frame.mask.map(|mask| {
            mask.apply(bytes);
            mask.rotated(bytes.len())
        });
        frame.remaining = frame.remaining.saturating_sub(bytes.len() as u64);
    }

    /// The bytes kept here between calls.
    pub(super) fn buffered(&self) -> usize {
        self.control.len()
    }

    /// The form of the data message under way.
    #[cfg(feature = "deflate")]
    pub(super) fn form(&self) -> Option<Form> {
        self.message.map(|message| message.form)
    }

    /// Whether the message under way, or the one that begins here, is passed on.
    #[cfg(feature = "deflate")]
    pub(super) fn passes(&self, endpoint: &Endpoint<'_>, input: &[u8]) -> bool {
        if endpoint.rsv1 != Form::Passed {
            return false;
        }
        let known = &self.header[..usize::from(self.header_len)];
        match (self.form(), &self.frame, known.first().or(input.first())) {
            (Some(form), ..) => form == Form::Passed,
            (None, None, Some(&first)) => {
                let is_data = matches!(Opcode::from_byte(first), Opcode::TEXT | Opcode::BINARY);
                is_data && endpoint.form(first & 0x40 != 0) == Form::Passed
            }
            _ => false,
        }
    }

    /// Nothing is compressed.
    #[cfg(not(feature = "deflate"))]
    pub(super) fn passes(&self, _: &Endpoint<'_>, _: &[u8]) -> bool {
        false
    }

    /// The next piece, taken from the front of `input`; `None` once all of
    /// that is taken. `begun` is whether a message is being handed out or joined.
    #[inline]
    pub(super) fn next<'b>(
        &mut self,
        endpoint: &Endpoint<'_>,
        asking: Asking,
        begun: bool,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Piece<'b>>, Violation> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.next_header(endpoint, input)? {
                    Some(header) => self.begin_frame(&header, endpoint),
                    None => return Ok(None),
                },
            };
            let is_deflated = self.message.is_some_and(|message| message.form == Form::Deflated);
            let is_whole = frame.fin && frame.remaining <= input.len() as u64;
            let most = match asking {
                Asking::Parts if is_deflated => MAX_DEFLATED,
                Asking::Messages if !is_deflated && (begun || !is_whole) => MAX_JOINED,
                _ => usize::MAX,
            };
            let bytes = take(input, usize::try_from(frame.remaining).map_or(most, |n| n.min(most)));
            let len = bytes.len();
            let payload = Payload { bytes, mask: frame.mask };
            frame.mask = frame.mask.map(|mask| mask.rotated(len));
            frame.remaining -= len as u64;

            let (opcode, complete) = (frame.opcode, frame.remaining == 0);
            let last = frame.fin && complete;
            if !complete {
                self.frame = Some(frame);
            }
            if opcode.is_control() {
                return Ok(self.next_control(opcode, payload.unmask(), complete));
            }
            match self.message {
                Some(_) if len == 0 && !complete => return Ok(None),
                Some(Progress { kind, form, .. }) if last || len > 0 => {
                    if last {
                        self.message = None;
                    }
                    return Ok(Some(Piece::Data(DataPiece { kind, payload, last, form })));
                }
                // An empty fragment says nothing.
                _ => {}
            }
        }
    }

    /// A fragment in the middle of a message, if it comes next, lies whole in `input`, and
    /// breaks no rule. Whatever is unusual about it is left to `next`, which says what.
    #[inline]
    pub(super) fn next_fragment<'b>(
        &mut self,
        masked: bool,
        limits: &Limits,
        input: &mut &'b mut [u8],
    ) -> Option<DataPiece<'b>> {
        let message = self.message.as_mut()?;
        let is_next = self.frame.is_none() && self.header_len == 0 && input.first() == Some(&0);
        if !is_next || message.form != Form::Plain {
            return None;
        }
        let frame = WholeFrame::measure(input, masked, limits)?;
        let len = frame.end - frame.start;
        let total = message.len.checked_add(len as u64)?;
        if len > MAX_JOINED || total > limits.message_len || message.frames >= limits.fragments {
            return None;
        }
        (message.len, message.frames) = (total, message.frames + 1);
        let payload = frame.take(masked, input);
        Some(DataPiece { kind: message.kind, payload, last: false, form: Form::Plain })
    }

    /// Takes a header from `input`, or as much of one as there is.
    #[inline]
    fn next_header(
        &mut self,
        endpoint: &Endpoint<'_>,
        input: &mut &mut [u8],
    ) -> Result<Option<Header>, Violation> {
        let expected = Expected { endpoint, message: self.message.as_ref() };
        if self.header_len == 0
            && let Some((header, len)) = rules::read_header(input, &expected)?
        {
            take(input, len);
            return Ok(Some(header));
        }
        self.next_cut_header(endpoint, input)
    }

    /// The same of a header that the end of an input has cut off, or cuts off now.
    #[cold]
    fn next_cut_header(
        &mut self,
        endpoint: &Endpoint<'_>,
        input: &mut &mut [u8],
    ) -> Result<Option<Header>, Violation> {
        let expected = Expected { endpoint, message: self.message.as_ref() };
        let known = usize::from(self.header_len);
        let added = input.len().min(Header::MAX_LEN - known);
        self.header[known..known + added].copy_from_slice(&input[..added]);
        match rules::read_header(&self.header[..known + added], &expected)? {
            Some((header, len)) => {
                take(input, len - known);
                self.header_len = 0;
                Ok(Some(header))
            }
            #[allow(clippy::cast_possible_truncation, reason = "at most Header::MAX_LEN")]
            None => {
                take(input, added);
                self.header_len = (known + added) as u8;
                Ok(None)
            }
        }
    }

    fn begin_frame(&mut self, header: &Header, endpoint: &Endpoint<'_>) -> Frame {
        let Header { opcode, fin, mask, len, .. } = *header;
        let kind = match opcode {
            Opcode::TEXT => Some(MessageKind::Text),
            Opcode::BINARY => Some(MessageKind::Binary),
            _ => None,
        };
        if let Some(kind) = kind {
            let form = endpoint.form(header.rsv1);
            self.message = Some(Progress { kind, len, frames: 1, form });
        } else if let (Opcode::CONTINUATION, Some(message)) = (opcode, &mut self.message) {
            message.len += len;
            message.frames = message.frames.saturating_add(1);
        }
        Frame { opcode, fin, mask, remaining: len }
    }

    /// A control frame's payload: lent if it lies in one input, joined if not.
    fn next_control<'b>(
        &mut self,
        opcode: Opcode,
        payload: &'b [u8],
        complete: bool,
    ) -> Option<Piece<'b>> {
        let payload = if complete && self.control.is_empty() {
            Cow::Borrowed(payload)
        } else {
            self.control.extend_from_slice(payload);
            if !complete {
                return None;
            }
            Cow::Owned(mem::take(&mut self.control))
        };
        Some(Piece::Control(opcode, payload))
    }
}

/// Where the payload of a data frame lies that starts the input and is wholly there.
pub(super) struct WholeFrame {
    start: usize,
    end: usize,
}

impl WholeFrame {
    /// Finds such a frame if it is a message and breaks no rule. Whatever is unusual about
    /// one is left to the slow path, which says what.
    #[inline]
    pub(super) fn find(input: &[u8], masked: bool, limits: &Limits) -> Option<(MessageKind, Self)> {
        let kind = match input.first() {
            Some(0x81) => MessageKind::Text,
            Some(0x82) => MessageKind::Binary,
            _ => return None,
        };
        Some((kind, Self::measure(input, masked, limits)?))
    }

    /// The same whatever its first byte says.
    #[inline]
    fn measure(input: &[u8], masked: bool, limits: &Limits) -> Option<Self> {
        let second = *input.get(1)?;
        let (len, size) = Header::parse_len(input).ok()??;
        if (second & 0x80 != 0) != masked || len > limits.frame_len || size > len_end(len) {
            return None;
        }
        let start = if masked { size + 4 } else { size };
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        (end <= input.len()).then_some(Self { start, end })
    }

    /// Takes the frame from `input`: its payload.
    #[inline]
    pub(super) fn take<'b>(&self, masked: bool, input: &mut &'b mut [u8]) -> Payload<'b> {
        let (header, bytes) = take(input, self.end).split_at_mut(self.start);
        let key = header.last_chunk().filter(|_| masked);
        Payload { bytes, mask: key.map(|key| MaskingKey::new(*key)) }
    }
}

/// Takes at most `len` bytes from the front of `input`.
#[inline]
fn take<'b>(input: &mut &'b mut [u8], len: usize) -> &'b mut [u8] {
    let whole = mem::take(input);
    let (taken, rest) = whole.split_at_mut(len.min(whole.len()));
    *input = rest;
    taken
}

/// By itself, since what is inlined in the program is to be small. What it takes and returns
/// is in registers.
#[inline(never)]
fn unmask_text(bytes: &mut [u8], mask: Option<MaskingKey>) -> Result<&str, Invalid> {
    match mask {
        Some(mask) if mask.apply_seeing_ascii(bytes) => utf8::from_ascii(bytes),
        _ => utf8::from_utf8(bytes),
    }
}
