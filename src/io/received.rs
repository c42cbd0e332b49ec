//! The two heights at which a program can read: messages and parts.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::mem;

use super::spare;
use crate::connection::{Close, Connection, Event, Part};
use crate::error::Error;

/// What a connection can be asked for.
pub(super) trait Received: Sized {
    /// Whether messages are joined for it.
    const IS_JOINED: bool;

    /// The next of it in `input`, without a borrow.
    fn receive(
        ws: &mut Connection,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Self>, Error>;

    fn from_close(close: Close<'static>) -> Self;

    /// The Close frame, if that is what it is; an empty one stays in its place.
    fn take_close(&mut self) -> Option<Close<'static>>;
}

impl Received for Event<'static> {
    const IS_JOINED: bool = true;

    #[inline]
    fn receive(
        ws: &mut Connection,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Self>, Error> {
        // A value that was put together in parts is slow to be moved as a whole: so what
        // comes of most calls is made once, and where it stays.
        match ws.receive(input, out) {
            Ok(Some(Event::Text(Cow::Borrowed(text)))) => {
                Ok(Some(Event::Text(Cow::Owned(spare::copy_text(text)))))
            }
            Ok(Some(Event::Binary(Cow::Borrowed(data)))) => {
                Ok(Some(Event::Binary(Cow::Owned(spare::copy(data)))))
            }
            Ok(event) => Ok(event.map(Event::into_owned)),
            Err(error) => Err(error),
        }
    }

    fn from_close(close: Close<'static>) -> Self {
        Self::Close(close)
    }

    #[inline]
    fn take_close(&mut self) -> Option<Close<'static>> {
        match self {
            Self::Close(close) => Some(mem::take(close)),
            _ => None,
        }
    }
}

impl Received for Part<'static> {
    const IS_JOINED: bool = false;

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

    fn take_close(&mut self) -> Option<Close<'static>> {
        match self {
            Self::Close(close) => Some(mem::take(close)),
            _ => None,
        }
    }
}
