//! What is received for programs that keep it, as the adapters' do.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Connection, Event, Message, MessageKind, utf8};
use crate::copy;
use crate::error::{Error, Violation};

impl Connection {
    /// As [`receive`](Self::receive), into `message`: what lies in `input` in one piece is copied
    /// to memory that `memory` has for so many bytes, and bytes that lie there as a whole frame
    /// are unmasked on the way.
    #[inline]
    pub(crate) fn receive_owned(
        &mut self,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
        memory: impl FnOnce(usize) -> Vec<u8>,
        message: &mut Option<Message>,
    ) -> Result<(), Error> {
        let Some((kind, frame)) = self.find_whole(input) else {
            return self.receive_joined_owned(input, out, memory, message);
        };
        self.timers.heard = true;
        let payload = frame.take(self.role.is_server(), input);
        *message = Some(match kind {
            MessageKind::Binary => {
                let mut data = memory(payload.len());
                payload.append_to(&mut data);
                Message::Binary(data)
            }
            MessageKind::Text => match payload.unmask_text() {
                Ok(text) => Message::Text(copy_text(text, memory(text.len()))),
                Err(utf8::Invalid) => return Err(self.fail(Violation::InvalidUtf8, out)),
            },
        });
        Ok(())
    }

    /// By itself, so that what is received whole is not put where this puts it.
    #[inline(never)]
    fn receive_joined_owned(
        &mut self,
        input: &mut &mut [u8],
        out: &mut Vec<u8>,
        memory: impl FnOnce(usize) -> Vec<u8>,
        message: &mut Option<Message>,
    ) -> Result<(), Error> {
        let mut received = None;
        if self.receive_joined(input, out, None, &mut received)? {
            *message = received.map(|received| match received {
                // Its header came before.
                Event::Text(Cow::Borrowed(text)) => {
                    Message::Text(copy_text(text, memory(text.len())))
                }
                Event::Binary(Cow::Borrowed(data)) => {
                    let mut owned = memory(data.len());
                    copy::append(data, &mut owned);
                    Message::Binary(owned)
                }
                other => other.into(),
            });
        }
        Ok(())
    }
}

#[inline]
fn copy_text(text: &str, empty: Vec<u8>) -> String {
    // What is empty is UTF-8.
    let mut owned = String::from_utf8(empty).unwrap_or_default();
    copy::append_text(text, &mut owned);
    owned
}
