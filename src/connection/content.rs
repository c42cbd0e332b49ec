//! Pieces of payload to parts and messages: text checked, compression undone,
//! what does not lie in one piece joined.

use alloc::borrow::Cow;
#[cfg(feature = "deflate")]
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

#[cfg(feature = "deflate")]
use super::CompressedPart;
use super::assemble::{Announced, Assembly};
use super::receiver::DataPiece;
use super::rules::Form;
use super::utf8::{Cut, Invalid, check_rest, from_utf8};
use super::{BinaryPart, Event, MessageBuffer, MessageKind, Part, TextPart};
#[cfg(feature = "deflate")]
use crate::copy;
#[cfg(feature = "deflate")]
use crate::deflate::Inflater;
use crate::error::Violation;

/// The content of the message under way.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// How the message was begun to be handed out or joined, if it was.
    begun: Option<Asking>,
    text_cut: Cut,
    joined_text: JoinedText,
    assembly: Assembly,
    /// What RSV1 says of a message.
    #[cfg(feature = "deflate")]
    form_of_rsv1: Form,
    /// There if that is or was `Deflated`.
    #[cfg(feature = "deflate")]
    inflater: Option<Box<Inflater>>,
    /// How long it is so far, if it is compressed.
    #[cfg(feature = "deflate")]
    inflated: u64,
}

/// What the program asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    Messages,
    Parts,
}

/// What becomes of text that is joined.
#[derive(Clone, Copy, Debug, Default)]
enum JoinedText {
    /// The program is to own it.
    #[default]
    Owned,
    /// It can be lent from memory of the program.
    Lendable,
    /// It is read straight, to be lent; whether what was checked of it is right.
    ReadStraight(Result<(), Invalid>),
}

/// A message that is whole.
pub(super) enum Message<'b> {
    InOnePiece(Event<'b>),
    /// It is still to be taken, or lent.
    Joined(MessageKind),
}

impl Content {
    /// With what inflates messages.
    #[cfg(feature = "deflate")]
    pub(super) fn new(inflater: Box<Inflater>) -> Self {
        Self { form_of_rsv1: Form::Deflated, inflater: Some(inflater), ..Self::default() }
    }

    pub(super) fn begun(&self) -> Option<Asking> {
        self.begun
    }

    /// Where a message of this kind is joined, and for how much more of it there is room,
    /// if that is `min` at least, and it can be read straight.
    pub(super) fn joined_room(
        &mut self,
        kind: MessageKind,
        announced: Announced,
        min: usize,
    ) -> Option<(&mut Vec<u8>, usize)> {
        if kind == MessageKind::Text {
            match self.joined_text {
                // Its memory could not become a `String` any more.
                JoinedText::Owned => return None,
                JoinedText::Lendable if announced.rest < min as u64 => return None,
                JoinedText::Lendable => {
                    self.assembly.move_text_to_data(&mut self.text_cut, announced);
                    self.joined_text = JoinedText::ReadStraight(Ok(()));
                }
                JoinedText::ReadStraight(_) => {}
            }
        }
        let room = self.assembly.make_room(announced, min)?;
        Some((&mut self.assembly.data, room))
    }

    pub(super) fn buffered(&self) -> usize {
        self.assembly.buffered()
    }

    /// What RSV1 says of a message; `Plain` if it may not be set.
    #[inline]
    pub(super) fn form_of_rsv1(&self) -> Form {
        #[cfg(feature = "deflate")]
        return self.form_of_rsv1;
        #[cfg(not(feature = "deflate"))]
        return Form::Plain;
    }

    /// Has compressed messages passed on, from the one after that under way.
    #[cfg(feature = "deflate")]
    pub(super) fn pass_compressed(&mut self, under_way: Option<Form>) {
        if self.form_of_rsv1 == Form::Deflated {
            self.form_of_rsv1 = Form::Passed;
        }
        if under_way != Some(Form::Deflated) {
            self.inflater = None;
        }
    }

    /// A part; `None` if there is nothing in it, and it is not the last.
    #[inline]
    pub(super) fn next_part<'b>(
        &mut self,
        piece: DataPiece<'b>,
        max_len: u64,
    ) -> Result<Option<Part<'b>>, Violation> {
        let DataPiece { kind, payload, last, form } = piece;
        let first = self.begun.is_none();
        let part = match (form, kind) {
            #[cfg(feature = "deflate")]
            (Form::Passed, _) => Part::Compressed(CompressedPart {
                kind,
                data: Cow::Borrowed(payload.unmask()),
                first,
                last,
            }),
            (Form::Deflated, _) => {
                self.inflate(kind, payload.unmask(), last, max_len, None)?;
                self.take(kind, first, last)
            }
            (Form::Plain, MessageKind::Text) => {
                let (lead, text) = self.text_cut.join(payload.unmask())?;
                Part::Text(TextPart { lead, text: Cow::Borrowed(text), first, last })
            }
            (Form::Plain, MessageKind::Binary) => {
                Part::Binary(BinaryPart { data: Cow::Borrowed(payload.unmask()), first, last })
            }
        };
        let is_empty = match &part {
            Part::Text(part) => part.lead.is_none() && part.text.is_empty(),
            Part::Binary(part) => part.data.is_empty(),
            _ => false,
        };
        self.check_end(last)?;
        if is_empty && !last {
            return Ok(None);
        }
        self.begun = (!last).then_some(Asking::Parts);
        Ok(Some(part))
    }

    /// Checks what was read straight after the first `before` bytes, if it is text. The whole of
    /// it is checked when it is handed out.
    pub(super) fn check_text(&mut self, before: usize) {
        if let JoinedText::ReadStraight(right @ Ok(())) = &mut self.joined_text {
            *right = check_rest(&self.assembly.data, before);
        }
    }

    /// Whether what was checked of it is right.
    pub(super) fn text_read_straight(&self) -> Result<(), Violation> {
        match self.joined_text {
            JoinedText::ReadStraight(right) => Ok(right?),
            JoinedText::Owned | JoinedText::Lendable => Ok(()),
        }
    }

    /// A message, if this is its last piece. It is none to be passed on. What has to be
    /// joined is joined in `memory`.
    #[inline]
    pub(super) fn next_message<'b>(
        &mut self,
        piece: DataPiece<'b>,
        announced: Announced,
        max_len: u64,
        memory: Option<&mut MessageBuffer>,
    ) -> Result<Option<Message<'b>>, Violation> {
        let DataPiece { kind, payload, last, form } = piece;
        let is_read_straight = matches!(self.joined_text, JoinedText::ReadStraight(_));
        if last && form == Form::Plain && self.begun.is_none() && self.text_cut.is_empty() {
            // It lies in one piece.
            return Ok(Some(Message::InOnePiece(match kind {
                MessageKind::Text => Event::Text(Cow::Borrowed(from_utf8(payload.unmask())?)),
                MessageKind::Binary => Event::Binary(Cow::Borrowed(payload.unmask())),
            })));
        }
        match kind {
            _ if form == Form::Deflated => {
                self.inflate(kind, payload.unmask(), last, max_len, memory)?;
            }
            MessageKind::Text if !is_read_straight => {
                let is_lendable = memory.is_some();
                self.joined_text =
                    if is_lendable { JoinedText::Lendable } else { JoinedText::Owned };
                let (lead, text) = self.text_cut.join(payload.unmask())?;
                // What is cut off here is still to be added.
                let rest = announced.rest.saturating_add(self.text_cut.len());
                self.assembly.push_text(lead, text, Announced { rest, ..announced }, memory);
            }
            _ => {
                let joined = self.assembly.reserve_data(payload.len(), announced, memory);
                let before = joined.len();
                payload.append_to(joined);
                if !last && is_read_straight {
                    self.check_text(before);
                    self.text_read_straight()?;
                }
            }
        }
        self.check_end(last)?;
        if !last {
            if self.assembly.buffered() > 0 {
                self.begun = Some(Asking::Messages);
            }
            return Ok(None);
        }
        self.begun = None;
        Ok(Some(Message::Joined(kind)))
    }

    /// Hands out a message that was joined: lends it from `memory`, to which what it lies in is
    /// given back, if there is one.
    pub(super) fn hand_out<'m>(
        &mut self,
        kind: MessageKind,
        memory: Option<&'m mut MessageBuffer>,
    ) -> Result<Event<'m>, Violation> {
        let joined_text = mem::take(&mut self.joined_text);
        let is_read_straight = matches!(joined_text, JoinedText::ReadStraight(_));
        let joined = &mut self.assembly;
        Ok(match (kind, memory) {
            (MessageKind::Binary, None) => Event::Binary(joined.take_data().into()),
            (MessageKind::Binary, Some(memory)) => {
                Event::Binary(memory.lend_data(joined.take_data()).into())
            }
            (MessageKind::Text, None) if is_read_straight => {
                Event::Text(String::from_utf8(joined.take_data()).map_err(|_| Invalid)?.into())
            }
            (MessageKind::Text, Some(memory)) if is_read_straight => {
                Event::Text(from_utf8(memory.lend_data(joined.take_data()))?.into())
            }
            (MessageKind::Text, None) => Event::Text(joined.take_text().into()),
            (MessageKind::Text, Some(memory)) => {
                Event::Text(memory.lend_text(joined.take_text()).into())
            }
        })
    }

    /// 8.1: at its end a text has no incomplete character.
    fn check_end(&self, last: bool) -> Result<(), Violation> {
        if last && !self.text_cut.is_empty() { Err(Violation::InvalidUtf8) } else { Ok(()) }
    }

    /// What was joined, as a part.
    fn take(&mut self, kind: MessageKind, first: bool, last: bool) -> Part<'static> {
        match kind {
            MessageKind::Text => {
                let text = Cow::Owned(self.assembly.take_text());
                Part::Text(TextPart { lead: None, text, first, last })
            }
            MessageKind::Binary => {
                let data = Cow::Owned(self.assembly.take_data());
                Part::Binary(BinaryPart { data, first, last })
            }
        }
    }

    /// Inflates a piece, checks it, and joins it to what there is.
    #[cfg(feature = "deflate")]
    fn inflate(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        last: bool,
        max_len: u64,
        mut memory: Option<&mut MessageBuffer>,
    ) -> Result<(), Violation> {
        let Self { text_cut, assembly, inflater, inflated, .. } = self;
        let Some(stream) = inflater else { return Err(Violation::ReservedBit) };
        stream.inflate(payload, last, |block| {
            // 10.4: what counts is what it takes here, not on the way.
            let left = usize::try_from(max_len.saturating_sub(*inflated)).unwrap_or(usize::MAX);
            let (block, excess) = block.split_at(block.len().min(left));
            *inflated += block.len() as u64;
            let announced = Announced { rest: 0, all: false };
            match kind {
                MessageKind::Text => {
                    let (lead, text) = text_cut.join(block)?;
                    assembly.push_text(lead, text, announced, memory.as_deref_mut());
                }
                MessageKind::Binary => {
                    let memory = memory.as_deref_mut();
                    let joined = assembly.reserve_data(block.len(), announced, memory);
                    copy::append(block, joined);
                }
            }
            if excess.is_empty() { Ok(()) } else { Err(Violation::MessageTooBig) }
        })?;
        if last {
            *inflated = 0;
            if self.form_of_rsv1 == Form::Passed {
                self.inflater = None;
            }
        }
        Ok(())
    }

    /// No piece is compressed.
    #[cfg(not(feature = "deflate"))]
    fn inflate(
        &mut self,
        _: MessageKind,
        _: &[u8],
        _: bool,
        _: u64,
        _: Option<&mut MessageBuffer>,
    ) -> Result<(), Violation> {
        Err(Violation::ReservedBit)
    }
}

impl From<Invalid> for Violation {
    /// 8.1: fail "when an endpoint is to interpret a byte stream as UTF-8 but
    /// finds that the byte stream is not"
    fn from(Invalid: Invalid) -> Self {
        Self::InvalidUtf8
    }
}
