//! Bytes to pieces of messages and control frames.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::mem;

use super::assemble::Announced;
use super::config::Limits;
use super::rules::{self, Expected, Progress};
use super::utf8::Cut;
use super::{BinaryPart, MessageKind, TextPart};
use crate::error::Violation;
use crate::frame::{Header, MaskingKey, Opcode, len_end};

/// Where the decoder stands in the stream of frames.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    /// A header that the end of the input cut off, with what of it was there.
    header: [u8; Header::MAX_LEN],
    header_len: u8,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
    /// The data message under way.
    message: Option<Message>,
    text_cut: Cut,
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

#[derive(Debug)]
struct Message {
    progress: Progress,
    /// How its first piece was asked for; `None` before that.
    begun: Option<Asking>,
}

/// What the program asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    Messages,
    Parts,
}

/// What the decoder makes of the input.
pub(super) enum Piece<'b> {
    Text(TextPart<'b>),
    Binary(BinaryPart<'b>),
    Control(Opcode, Cow<'b, [u8]>),
}

impl Receiver {
    /// Whether a frame starts here that belongs to no message yet.
    #[inline]
    pub(super) fn is_at_rest(&self) -> bool {
        self.header_len == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// How the message under way was begun, if it was.
    pub(super) fn begun(&self) -> Option<Asking> {
        self.message.as_ref().and_then(|message| message.begun)
    }

    /// How much more of the message under way is announced.
    pub(super) fn announced(&self) -> Announced {
        match &self.frame {
            Some(frame) => Announced { rest: frame.remaining, all: frame.fin },
            None => Announced { rest: 0, all: self.message.is_none() },
        }
    }

    /// The bytes kept here between calls.
    pub(super) fn buffered(&self) -> usize {
        self.control.len()
    }

    /// The next piece, taken from the front of `input`; `None` once all of
    /// that is taken.
    pub(super) fn next<'b>(
        &mut self,
        masked: bool,
        limits: &Limits,
        asking: Asking,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Piece<'b>>, Violation> {
        loop {
            let Some(mut frame) = self.frame.take() else {
                let Some(header) = self.next_header(masked, limits, input)? else {
                    return Ok(None);
                };
                self.begin_frame(&header);
                continue;
            };
            let remaining = usize::try_from(frame.remaining).unwrap_or(usize::MAX);
            let payload = take(input, remaining);
            if let Some(mask) = &mut frame.mask {
                mask.apply(payload);
                *mask = mask.rotated(payload.len());
            }
            let payload: &'b [u8] = payload;
            frame.remaining -= payload.len() as u64;

            let (opcode, fin, complete) = (frame.opcode, frame.fin, frame.remaining == 0);
            if !complete {
                self.frame = Some(frame);
            }
            let piece = if opcode.is_control() {
                self.next_control(opcode, payload, complete)
            } else {
                self.next_data(payload, complete && fin, asking)?
            };
            match piece {
                None if !complete => return Ok(None),
                None => {}
                piece => return Ok(piece),
            }
        }
    }

    /// Takes a header from `input`, or as much of one as there is.
    fn next_header(
        &mut self,
        masked: bool,
        limits: &Limits,
        input: &mut &mut [u8],
    ) -> Result<Option<Header>, Violation> {
        let message = self.message.as_ref().map(|message| &message.progress);
        let expected = Expected { masked, message, limits };
        if self.header_len == 0
            && let Some((header, len)) = rules::read_header(input, &expected)?
        {
            take(input, len);
            return Ok(Some(header));
        }

        let known = usize::from(self.header_len);
        let added = input.len().min(Header::MAX_LEN - known);
        self.header[known..known + added].copy_from_slice(&input[..added]);
        match rules::read_header(&self.header[..known + added], &expected)? {
            Some((header, len)) => {
                take(input, len - known);
                self.header_len = 0;
                Ok(Some(header))
            }
            None => {
                take(input, added);
                self.header_len = (known + added) as u8;
                Ok(None)
            }
        }
    }

    fn begin_frame(&mut self, header: &Header) {
        let Header { opcode, fin, mask, len, .. } = *header;
        let kind = match opcode {
            Opcode::TEXT => Some(MessageKind::Text),
            Opcode::BINARY => Some(MessageKind::Binary),
            _ => None,
        };
        if let Some(kind) = kind {
            let progress = Progress { kind, len, frames: 1 };
            self.message = Some(Message { progress, begun: None });
        } else if let (Opcode::CONTINUATION, Some(message)) = (opcode, &mut self.message) {
            message.progress.len += len;
            message.progress.frames += 1;
        }
        self.frame = Some(Frame { opcode, fin, mask, remaining: len });
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

    /// A piece of a data message; `None` if it is empty and not the last.
    fn next_data<'b>(
        &mut self,
        payload: &'b [u8],
        last: bool,
        asking: Asking,
    ) -> Result<Option<Piece<'b>>, Violation> {
        let Some(message) = &mut self.message else { return Ok(None) };
        let kind = message.progress.kind;
        let (lead, text) = match kind {
            // 8.1: fail "when an endpoint is to interpret a byte stream as UTF-8
            // but finds that the byte stream is not"
            MessageKind::Text => self.text_cut.join(payload).map_err(|_| Violation::InvalidUtf8)?,
            MessageKind::Binary => (None, ""),
        };
        if last && !self.text_cut.is_empty() {
            return Err(Violation::InvalidUtf8);
        }
        let is_empty = match kind {
            MessageKind::Text => lead.is_none() && text.is_empty(),
            MessageKind::Binary => payload.is_empty(),
        };
        if is_empty && !last {
            return Ok(None);
        }
        let first = message.begun.replace(asking).is_none();
        if last {
            self.message = None;
        }
        Ok(Some(match kind {
            MessageKind::Text => Piece::Text(TextPart { lead, text, first, last }),
            MessageKind::Binary => Piece::Binary(BinaryPart { data: payload, first, last }),
        }))
    }
}

/// Where the payload of an unfragmented data frame lies that starts the input
/// and is wholly there.
pub(super) struct WholeFrame {
    pub(super) kind: MessageKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl WholeFrame {
    /// Finds such a frame if it breaks no rule. Whatever is unusual about one
    /// is left to the longer way, which says what.
    #[inline]
    pub(super) fn find(input: &[u8], masked: bool, limits: &Limits) -> Option<Self> {
        let (kind, second) = match *input {
            [0x81, second, ..] => (MessageKind::Text, second),
            [0x82, second, ..] => (MessageKind::Binary, second),
            _ => return None,
        };
        let (len, size) = Header::parse_len(input).ok()??;
        if (second & 0x80 != 0) != masked || len > limits.frame_len || size > len_end(len) {
            return None;
        }
        let start = if masked { size + 4 } else { size };
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        (end <= input.len()).then_some(Self { kind, start, end })
    }

    /// Takes the frame from `input`: its payload, unmasked.
    #[inline]
    pub(super) fn take<'b>(&self, masked: bool, input: &mut &'b mut [u8]) -> &'b [u8] {
        let (header, payload) = take(input, self.end).split_at_mut(self.start);
        if masked && let Some(&key) = header.last_chunk() {
            MaskingKey::new(key).apply(payload);
        }
        payload
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
