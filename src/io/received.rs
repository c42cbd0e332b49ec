//! The two heights at which a program can read: messages and parts.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::spare;
use crate::connection::{Close, Connection, Event, Part};
use crate::error::Error;

/// What a connection can be asked for.
pub(super) trait Received: Sized {
    /// The next of it in `input`, without a borrow.
    fn receive(
        ws: &mut Connection,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Self>, Error>;

    fn from_close(close: Close<'static>) -> Self;

    /// The Close frame, if that is what it is.
    fn into_close(self) -> Result<Close<'static>, Self>;
}

impl Received for Event<'static> {
    #[inline]
    fn receive(
        ws: &mut Connection,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Self>, Error> {
        Ok(ws.receive(input, out)?.map(|event| match event {
            Event::Text(Cow::Borrowed(text)) => Event::Text(Cow::Owned(spare::copy_text(text))),
            Event::Binary(Cow::Borrowed(data)) => Event::Binary(Cow::Owned(spare::copy(data))),
            event => event.into_owned(),
        }))
    }

    fn from_close(close: Close<'static>) -> Self {
        Self::Close(close)
    }

    #[inline]
    fn into_close(self) -> Result<Close<'static>, Self> {
        match self {
            Self::Close(close) => Ok(close),
            other => Err(other),
        }
    }
}

impl Received for Part<'static> {
    fn receive(
        ws: &mut Connection,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Self>, Error> {
        Ok(ws.receive_part(input, out)?.map(Part::into_owned))
    }

    fn from_close(close: Close<'static>) -> Self {
        Self::Close(close)
    }

    fn into_close(self) -> Result<Close<'static>, Self> {
        match self {
            Self::Close(close) => Ok(close),
            other => Err(other),
        }
    }
}
