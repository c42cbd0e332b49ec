use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

#[cfg(feature = "deflate")]
use super::MessageKind;
use crate::copy;
use crate::frame::CloseCode;

/// What [`Connection::receive`](super::Connection::receive) yields.
///
/// It borrows from the input, never from the connection, so a program can send
/// while it holds one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has five, and what is reserved fails")]
pub enum Event<'b> {
    /// A message of text. Borrowed if it came in one piece, and was not compressed.
    Text(Cow<'b, str>),
    /// A message of bytes. Borrowed if it came in one piece, and was not compressed.
    Binary(Cow<'b, [u8]>),
    /// A ping, at most 125 bytes. The pong is already in `out`, unless
    /// [`Config::answer_pings`](super::Config::answer_pings) says otherwise.
    Ping(Cow<'b, [u8]>),
    /// A pong, at most 125 bytes: the answer to a ping (to one of the keepalive, which is empty,
    /// too), or sent unasked.
    Pong(Cow<'b, [u8]>),
    /// The peer's Close frame. If it came first, the answer is already in
    /// `out`; either way nothing more will come.
    Close(Close<'b>),
}

impl Event<'_> {
    /// The event without a borrow, copied if it had one.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        match self {
            Self::Text(text) => Event::Text(Cow::Owned(text.into_owned())),
            Self::Binary(data) => Event::Binary(Cow::Owned(data.into_owned())),
            Self::Ping(data) => Event::Ping(Cow::Owned(data.into_owned())),
            Self::Pong(data) => Event::Pong(Cow::Owned(data.into_owned())),
            Self::Close(close) => Event::Close(close.into_owned()),
        }
    }
}

impl<'b> From<&'b str> for Event<'b> {
    fn from(text: &'b str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'b> From<&'b String> for Event<'b> {
    fn from(text: &'b String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Event<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'b> From<Cow<'b, str>> for Event<'b> {
    fn from(text: Cow<'b, str>) -> Self {
        Self::Text(text)
    }
}

impl<'b> From<&'b [u8]> for Event<'b> {
    fn from(data: &'b [u8]) -> Self {
        Self::Binary(Cow::Borrowed(data))
    }
}

impl<'b> From<&'b Vec<u8>> for Event<'b> {
    fn from(data: &'b Vec<u8>) -> Self {
        Self::Binary(Cow::Borrowed(data))
    }
}

impl From<Vec<u8>> for Event<'_> {
    fn from(data: Vec<u8>) -> Self {
        Self::Binary(Cow::Owned(data))
    }
}

impl<'b, const N: usize> From<&'b [u8; N]> for Event<'b> {
    fn from(data: &'b [u8; N]) -> Self {
        Self::Binary(Cow::Borrowed(data))
    }
}

impl<'b> From<Cow<'b, [u8]>> for Event<'b> {
    fn from(data: Cow<'b, [u8]>) -> Self {
        Self::Binary(data)
    }
}

impl<'b> From<Close<'b>> for Event<'b> {
    fn from(close: Close<'b>) -> Self {
        Self::Close(close)
    }
}

/// What [`Connection::receive_part`](super::Connection::receive_part) yields:
/// pieces of messages as they arrive, whatever frames they came in. The last can be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part<'b> {
    /// A piece of a message of text.
    Text(TextPart<'b>),
    /// A piece of a message of bytes.
    Binary(BinaryPart<'b>),
    /// A piece of a compressed message, on a connection that is to
    /// [pass them on](super::Connection::pass_compressed).
    #[cfg(feature = "deflate")]
    Compressed(CompressedPart<'b>),
    /// As [`Event::Ping`]; may come between the pieces of a message.
    Ping(Cow<'b, [u8]>),
    /// As [`Event::Pong`]; may come between the pieces of a message.
    Pong(Cow<'b, [u8]>),
    /// As [`Event::Close`]; may come between the pieces of a message, which
    /// then has no end.
    Close(Close<'b>),
}

impl Part<'_> {
    /// The part without a borrow, copied if it had one; of text the lead is part of
    /// the copy.
    #[must_use]
    pub fn into_owned(self) -> Part<'static> {
        match self {
            Self::Text(TextPart { lead, text, first, last }) => {
                let text = match lead {
                    None => text.into_owned(),
                    Some(lead) => join(lead, &text),
                };
                Part::Text(TextPart { lead: None, text: Cow::Owned(text), first, last })
            }
            Self::Binary(BinaryPart { data, first, last }) => {
                Part::Binary(BinaryPart { data: Cow::Owned(data.into_owned()), first, last })
            }
            #[cfg(feature = "deflate")]
            Self::Compressed(CompressedPart { kind, data, first, last }) => {
                let data = Cow::Owned(data.into_owned());
                Part::Compressed(CompressedPart { kind, data, first, last })
            }
            Self::Ping(data) => Part::Ping(Cow::Owned(data.into_owned())),
            Self::Pong(data) => Part::Pong(Cow::Owned(data.into_owned())),
            Self::Close(close) => Part::Close(close.into_owned()),
        }
    }
}

/// The text of a part with a lead.
pub(super) fn join(lead: char, text: &str) -> String {
    let mut joined = String::with_capacity(lead.len_utf8() + text.len());
    joined.push(lead);
    copy::append_text(text, &mut joined);
    joined
}

/// A control frame, which both yield alike.
pub(super) enum Control<'b> {
    Ping(Cow<'b, [u8]>),
    Pong(Cow<'b, [u8]>),
    Close(Close<'b>),
}

impl<'b> From<Control<'b>> for Event<'b> {
    fn from(control: Control<'b>) -> Self {
        match control {
            Control::Ping(data) => Self::Ping(data),
            Control::Pong(data) => Self::Pong(data),
            Control::Close(close) => Self::Close(close),
        }
    }
}

impl<'b> From<Control<'b>> for Part<'b> {
    fn from(control: Control<'b>) -> Self {
        match control {
            Control::Ping(data) => Self::Ping(data),
            Control::Pong(data) => Self::Pong(data),
            Control::Close(close) => Self::Close(close),
        }
    }
}

/// A piece of a message of text: `lead`, then `text`.
///
/// As text (`to_string`, `write!`) it is both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextPart<'b> {
    /// The character that the end of an earlier input cut through, now that the
    /// rest of it is here.
    pub lead: Option<char>,
    /// What follows it. Borrowed unless it was compressed.
    pub text: Cow<'b, str>,
    /// Whether this is the message's first piece.
    pub first: bool,
    /// Whether this is the message's last piece.
    pub last: bool,
}

impl fmt::Display for TextPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lead.map_or(Ok(()), |lead| f.write_char(lead))?;
        f.write_str(&self.text)
    }
}

/// A piece of a message of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BinaryPart<'b> {
    /// The bytes. Borrowed unless they were compressed.
    pub data: Cow<'b, [u8]>,
    /// Whether this is the message's first piece.
    pub first: bool,
    /// Whether this is the message's last piece.
    pub last: bool,
}

/// A piece of a compressed message as it came.
///
/// For [`Connection::send_compressed_part`](super::Connection::send_compressed_part).
#[cfg(feature = "deflate")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompressedPart<'b> {
    /// What the message is once it is inflated.
    pub kind: MessageKind,
    /// The bytes, still compressed, and not looked at. Borrowed.
    pub data: Cow<'b, [u8]>,
    /// Whether this is the message's first piece.
    pub first: bool,
    /// Whether this is the message's last piece.
    pub last: bool,
}

/// The peer's Close frame (RFC 6455, 5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Close<'b> {
    /// Why the peer closes, if it says so.
    pub code: Option<CloseCode>,
    /// What it adds for whoever reads logs, at most 123 bytes; not meant to be
    /// shown to a user.
    pub reason: Cow<'b, str>,
}

impl<'b> Close<'b> {
    /// A Close frame to be sent.
    #[must_use]
    pub fn new(code: impl Into<Option<CloseCode>>, reason: impl Into<Cow<'b, str>>) -> Self {
        Self { code: code.into(), reason: reason.into() }
    }
}

impl Close<'_> {
    /// The longest reason, in bytes of UTF-8.
    pub const MAX_REASON_LEN: usize = 123;

    /// As much of `reason` as fits into a Close frame, cut between characters.
    ///
    /// ```
    /// use sansws::Close;
    ///
    /// let long = "é".repeat(100); // two bytes each
    /// assert_eq!(Close::fit_reason(&long).len(), 122);
    /// ```
    #[must_use]
    pub fn fit_reason(reason: &str) -> &str {
        let mut end = reason.len().min(Self::MAX_REASON_LEN);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        &reason[..end]
    }

    /// The same without a borrow, copied if it had one.
    #[must_use]
    pub fn into_owned(self) -> Close<'static> {
        Close { code: self.code, reason: Cow::Owned(self.reason.into_owned()) }
    }
}
