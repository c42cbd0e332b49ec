//! The two heights at which a program can read: messages and parts.

use alloc::vec::Vec;
use core::mem;

use super::spare;
use crate::connection::{Close, Connection, Message, Part};
use crate::error::Error;

/// What a connection can be asked for.
pub(super) trait Received: Sized {
    /// Whether messages are joined for it.
    const IS_JOINED: bool;

    /// Puts the next of it in `input` into `received`, without a borrow. (A value that was put
    /// together in parts is slow to be moved as a whole: so it is made where it stays.)
    fn receive(
        ws: &mut Connection,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
        received: &mut Option<Self>,
    ) -> Result<(), Error>;

    fn from_close(close: Close<'static>) -> Self;

    /// How many bytes of a message it has.
    fn len(&self) -> usize;

    /// The Close frame, if that is what it is; an empty one stays in its place.
    fn take_close(&mut self) -> Option<Close<'static>>;
}

impl Received for Message {
    const IS_JOINED: bool = true;

    #[inline]
    fn receive(
        ws: &mut Connection,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
        received: &mut Option<Self>,
    ) -> Result<(), Error> {
        ws.receive_owned(input, out, spare::take_message, received)
    }

    fn from_close(close: Close<'static>) -> Self {
        Self::Close(close)
    }

    #[inline]
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
            _ => 0,
        }
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
        received: &mut Option<Self>,
    ) -> Result<(), Error> {
        *received = ws.receive_part(input, out)?.map(Part::into_owned);
        Ok(())
    }

    fn from_close(close: Close<'static>) -> Self {
        Self::Close(close)
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(part) => part.text.len(),
            Self::Binary(part) => part.data.len(),
            _ => 0,
        }
    }

    fn take_close(&mut self) -> Option<Close<'static>> {
        match self {
            Self::Close(close) => Some(mem::take(close)),
            _ => None,
        }
    }
}
