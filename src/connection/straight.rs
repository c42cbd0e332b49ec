//! The buffer in which a long message is joined, for programs that read to it or use its
//! memory again.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::content::Asking;
use super::receive::WholeFrame;
use super::{Connection, Event, MessageKind, utf8};
use crate::error::{Error, Violation};

/// What is shorter is better read together with what follows it.
const MIN_ROOM: usize = 4 * 1024;

/// # Receiving
impl Connection {
    /// Lets `read` read more of a long binary message straight to where the message is
    /// joined, which saves [`receive`](Self::receive) a copy; `None` if `read` was not
    /// called, and the next read is to be an ordinary one.
    ///
    /// It is for a program that can read to behind what a `Vec` holds, as with tokio's
    /// `read_buf` or rustix's `spare_capacity`; to zero what is there first would cost as
    /// much as the copy. Call it before each read, when all input was taken, and `receive`
    /// after it as always, with what was read elsewhere or with nothing: that returns the
    /// message, if it is complete.
    ///
    /// `read` is called if `receive` has begun to join a message, and at least 4 KiB are
    /// missing of its frame. It is to append to the `Vec` the next bytes of the stream, at
    /// most as many as its second argument says: there is room for them. What it returns is
    /// returned.
    ///
    /// For text, and for messages that are compressed, there is nothing to be saved, and
    /// `read` is not called.
    ///
    /// # Panics
    /// If `read` appends more than it may, or removes what was there.
    ///
    /// ```
    /// use std::io::{self, Read};
    /// use sansws::{Connection, Event};
    ///
    /// /// Reads what comes next; how much of it is in `buffer`, to be received.
    /// fn read(ws: &mut Connection, socket: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    ///     let read = ws.receive_payload(|payload, most| {
    ///         // This waits until all of it has come.
    ///         socket.take(most as u64).read_to_end(payload)
    ///     });
    ///     match read {
    ///         Some(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
    ///         Some(read) => read.map(|_| 0),
    ///         None => socket.read(buffer),
    ///     }
    /// }
    /// # use sansws::{Config, MaskingKeys};
    /// # let mut client = Connection::client(&Config::new(), MaskingKeys::random());
    /// # let (mut stream, mut out) = (Vec::new(), Vec::new());
    /// # client.send_binary(&[7; 100_000], &mut stream).unwrap();
    /// # let (mut ws, mut stream) = (Connection::server(&Config::new()), &stream[..]);
    /// # let mut buffer = [0; 30_000];
    /// # let message = loop {
    /// #     let n = read(&mut ws, &mut stream, &mut buffer)?;
    /// #     assert!(n == 0 || ws.buffered() == 0, "only the first is read elsewhere");
    /// #     if let Some(message) = ws.receive(&mut &mut buffer[..n], &mut out).unwrap() {
    /// #         break message.into_owned();
    /// #     }
    /// # };
    /// # assert!(message == Event::Binary(vec![7; 100_000].into()));
    /// # Ok::<_, io::Error>(())
    /// ```
    pub fn receive_payload<T>(&mut self, read: impl FnOnce(&mut Vec<u8>, usize) -> T) -> Option<T> {
        // Of a connection that has ended there is no message.
        if self.content.begun() != Some(Asking::Messages) {
            return None;
        }
        let announced = self.receiver.announced_data()?;
        let (joined, room) = self.content.joined_room(announced, MIN_ROOM)?;
        let before = joined.len();
        let result = read(joined, room);
        let added = joined.get_mut(before..).filter(|added| added.len() <= room);
        #[allow(clippy::expect_used, reason = "it is the program's to keep to")]
        let added = added.expect("`read` only appends, and no more than there is room for");
        self.timers.heard |= !added.is_empty();
        self.receiver.take_data(added);
        Some(result)
    }

    /// As [`receive`](Self::receive); a message that does not lie in one piece is joined in
    /// `spare`, which is taken for that and cleared.
    ///
    /// It is for programs with long messages: to get a MiB from the operating system and give
    /// it back can cost as much as all the rest. Such a message is owned, and when a program
    /// is done with it, its memory is the next spare one. What is not needed stays where it
    /// is, so that all connections of a thread can have one in common, and those at rest
    /// hold nothing.
    ///
    /// A message has all of the memory that it is joined in, however little of it has come:
    /// so keep no more spare than each peer may hold by stopping after its first byte.
    ///
    /// # Errors
    /// As for [`receive`](Self::receive).
    ///
    /// ```
    /// use sansws::{Connection, Error, Event};
    /// use std::borrow::Cow;
    ///
    /// fn total(
    ///     ws: &mut Connection,
    ///     mut input: &mut [u8],
    ///     out: &mut Vec<u8>,
    ///     spare: &mut Vec<u8>,
    /// ) -> Result<usize, Error> {
    ///     let mut total = 0;
    ///     while let Some(event) = ws.receive_reusing(&mut input, out, spare)? {
    ///         if let Event::Binary(data) = event {
    ///             total += data.len();
    ///             if let Cow::Owned(data) = data {
    ///                 *spare = data;
    ///             }
    ///         }
    ///     }
    ///     Ok(total)
    /// }
    /// ```
    #[inline]
    pub fn receive_reusing<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut Vec<u8>,
        spare: &mut Vec<u8>,
    ) -> Result<Option<Event<'b>>, Error> {
        self.receive_with(input, out, Some(spare))
    }

    /// As both: a frame that lies whole in the input takes the straight way.
    #[inline]
    pub(super) fn receive_with<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut Vec<u8>,
        spare: Option<&mut Vec<u8>>,
    ) -> Result<Option<Event<'b>>, Error> {
        let masked = self.role.is_server();
        if self.receiver.is_at_rest()
            && self.closing.is_receiving()
            && let Some((kind, frame)) = WholeFrame::find(input, masked, &self.limits)
        {
            self.timers.heard = true;
            return match kind {
                MessageKind::Binary => {
                    Ok(Some(Event::Binary(Cow::Borrowed(frame.take_data(masked, input)))))
                }
                MessageKind::Text => match frame.take_text(masked, input) {
                    Ok(text) => Ok(Some(Event::Text(Cow::Borrowed(text)))),
                    Err(utf8::Invalid) => Err(self.fail(Violation::InvalidUtf8, out)),
                },
            };
        }
        self.receive_joined(input, out, spare)
    }
}
