use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Close, Event};

/// An [`Event`] that owns what it has: a message or a control frame, as the adapters yield it.
///
/// Whatever takes an `Event` takes this, too, or a reference to it. A type without a lifetime is
/// what channels and the combinators of streams want: in tasks, a stream of `Event<'static>` is
/// often one that the compiler cannot tell from one of `Event<'a>`.
///
/// ```
/// use sansws::{Config, Connection, Event, Message};
///
/// let messages = [Message::Text("hello".into()), Message::from(b"\x01\x02"), "world".into()];
/// let (mut ws, mut out) = (Connection::server(&Config::new()), Vec::new());
/// for message in &messages {
///     match Event::from(message) {
///         Event::Text(text) => ws.send_text(&text, &mut out)?,
///         Event::Binary(data) => ws.send_binary(&data, &mut out)?,
///         _ => {}
///     }
/// }
/// assert_eq!(out, b"\x81\x05hello\x82\x02\x01\x02\x81\x05world");
/// # Ok::<_, sansws::SendError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "as of an event")]
pub enum Message {
    /// A message of text.
    Text(String),
    /// A message of bytes.
    Binary(Vec<u8>),
    /// As [`Event::Ping`].
    Ping(Vec<u8>),
    /// As [`Event::Pong`].
    Pong(Vec<u8>),
    /// As [`Event::Close`].
    Close(Close<'static>),
}

impl From<Event<'_>> for Message {
    /// Copies what the event has borrowed.
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into_owned()),
            Event::Binary(data) => Self::Binary(data.into_owned()),
            Event::Ping(data) => Self::Ping(data.into_owned()),
            Event::Pong(data) => Self::Pong(data.into_owned()),
            Event::Close(close) => Self::Close(close.into_owned()),
        }
    }
}

impl From<Message> for Event<'_> {
    #[inline]
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(Cow::Owned(text)),
            Message::Binary(data) => Self::Binary(Cow::Owned(data)),
            Message::Ping(data) => Self::Ping(Cow::Owned(data)),
            Message::Pong(data) => Self::Pong(Cow::Owned(data)),
            Message::Close(close) => Self::Close(close),
        }
    }
}

impl<'m> From<&'m Message> for Event<'m> {
    fn from(message: &'m Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(Cow::Borrowed(text)),
            Message::Binary(data) => Self::Binary(Cow::Borrowed(data)),
            Message::Ping(data) => Self::Ping(Cow::Borrowed(data)),
            Message::Pong(data) => Self::Pong(Cow::Borrowed(data)),
            Message::Close(Close { code, reason }) => {
                Self::Close(Close { code: *code, reason: Cow::Borrowed(reason) })
            }
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<&String> for Message {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Cow<'_, str>> for Message {
    fn from(text: Cow<'_, str>) -> Self {
        Self::Text(text.into_owned())
    }
}

impl From<Vec<u8>> for Message {
    fn from(data: Vec<u8>) -> Self {
        Self::Binary(data)
    }
}

impl From<&[u8]> for Message {
    fn from(data: &[u8]) -> Self {
        Self::Binary(data.into())
    }
}

impl From<&Vec<u8>> for Message {
    fn from(data: &Vec<u8>) -> Self {
        Self::Binary(data.clone())
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(data: &[u8; N]) -> Self {
        Self::Binary(data.into())
    }
}

impl From<Cow<'_, [u8]>> for Message {
    fn from(data: Cow<'_, [u8]>) -> Self {
        Self::Binary(data.into_owned())
    }
}

impl From<Close<'_>> for Message {
    fn from(close: Close<'_>) -> Self {
        Self::Close(close.into_owned())
    }
}
