//! What a connection receives, and the ways to ask for it.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::closing::{State, parse_close};
use super::content::{Asking, Message};
use super::event::Control;
use super::receiver::{DataPiece, Piece, WholeFrame};
use super::rules::Endpoint;
use super::send::write_frame;
use super::{Connection, Event, MessageBuffer, MessageKind, Part, utf8};
use crate::error::{Error, Violation};
use crate::frame::{CloseCode, Opcode};

/// What is shorter is better read together with what follows it.
const MIN_ROOM: usize = 4 * 1024;

/// # Receiving
impl Connection {
    /// The next message, control frame or close, from the front of `input`.
    ///
    /// `None` means that all of `input` is taken and more must be read. A
    /// message that lies in `input` in one piece is lent from there. Answers
    /// to pings and to a Close frame are appended to `out`.
    ///
    /// From the next call on after the connection is closed or has failed,
    /// input is discarded (7.1.1).
    ///
    /// # Errors
    /// [`Error::Failed`] when the peer has broken the protocol or passed a
    /// limit, and from then on; what came before was delivered by earlier
    /// calls. [`Error::WrongReceive`] in the middle of a message that was
    /// begun with [`receive_part`](Self::receive_part), and before a compressed message that is
    /// to be passed on, which only `receive_part` returns.
    ///
    /// ```
    /// use sansws::{Config, Connection, Event};
    ///
    /// let mut ws = Connection::server(&Config::new());
    /// let mut bytes = *b"\x81\x82\0\0\0\0hi\x89\x80\0\0\0\0"; // "hi", then a ping
    /// let (mut input, mut out) = (&mut bytes[..], Vec::new());
    ///
    /// assert_eq!(ws.receive(&mut input, &mut out)?, Some(Event::Text("hi".into())));
    /// assert_eq!(ws.receive(&mut input, &mut out)?, Some(Event::Ping((&[]).into())));
    /// assert_eq!(ws.receive(&mut input, &mut out)?, None);
    /// assert_eq!(out, [0x8A, 0x00]); // the pong
    /// # Ok::<_, sansws::Error>(())
    /// ```
    #[inline]
    pub fn receive<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'b>>, Error> {
        self.receive_with(input, out, None)
    }

    /// The next piece of a message, control frame or close, from the front of
    /// `input`: a message of any length in constant memory. (A part of a
    /// message that is inflated here is at most 258 KiB, in a buffer of up to twice
    /// that.)
    ///
    /// As [`receive`](Self::receive) otherwise. Text is checked as it comes; a
    /// character that the end of `input` cuts through comes with the next
    /// piece, as its [`lead`](super::TextPart::lead), before its text. The pieces are
    /// not the peer's frames: those may be cut and joined on the way, and mean
    /// nothing (5.4).
    ///
    /// # Errors
    /// As for [`receive`](Self::receive).
    ///
    /// ```
    /// use sansws::{Config, Connection, MaskingKeys, Part};
    ///
    /// let mut ws = Connection::client(&Config::new(), MaskingKeys::new(|| [0; 4]));
    /// let mut bytes = *b"\x82\x7E\x03\xE8only the start of 1000 bytes";
    /// let (mut input, mut out) = (&mut bytes[..], Vec::new());
    ///
    /// let part = ws.receive_part(&mut input, &mut out)?;
    /// let Some(Part::Binary(part)) = part else { panic!("{part:?}") };
    /// assert_eq!(part.data, &b"only the start of 1000 bytes"[..]);
    /// assert!(part.first && !part.last);
    /// assert_eq!(ws.buffered(), 0);
    /// # Ok::<_, sansws::Error>(())
    /// ```
    pub fn receive_part<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Part<'b>>, Error> {
        loop {
            return match self.next_piece(Asking::Parts, input, out)? {
                None => Ok(None),
                Some(Piece::Data(piece)) => {
                    match self.content.next_part(piece, self.limits.message_len) {
                        Ok(None) => continue,
                        Ok(part) => Ok(part),
                        Err(violation) => Err(self.fail(violation, out)),
                    }
                }
                Some(Piece::Control(opcode, payload)) => {
                    self.receive_control(opcode, payload, out).map(|control| Some(control.into()))
                }
            };
        }
    }

    /// Lets `read` read more of a long message straight to where the message is joined,
    /// which saves [`receive`](Self::receive) a copy; `None` if `read` was not called, and
    /// the next read is to be an ordinary one.
    ///
    /// It is for a program that can append what it reads to a `Vec` without zeroing the room
    /// first, as with tokio's `read_buf` or rustix's `spare_capacity`: zeroing costs as much as
    /// the copy. Call it before each read, when all input was taken, and `receive`
    /// after it as always, with what was read elsewhere or with nothing: that returns the
    /// message, if it is complete. A message's first bytes come with an ordinary read and
    /// are copied: so where most messages are long, let that be a short one, of 2 KiB (or of 1
    /// where memory is lent).
    ///
    /// `read` is called if a message has begun to be joined, at least 4 KiB are missing of its
    /// frame, and there is room for as many: in memory that was lent, or in what may be
    /// allocated, four times what has come of the message in its last frame and twice before.
    /// It is to append to the `Vec` the next bytes of the stream, at
    /// most as many as its second argument says: there is room for them. What it returns is
    /// returned.
    ///
    /// Of a message of text that is done for [`receive_reusing`](Self::receive_reusing)
    /// alone, since there is no safe way from a `Vec` to a `String` but to check all of it
    /// again; of one that is compressed never.
    ///
    /// # Panics
    /// If `read` appends more than it may, or removes what was there. Should it panic by
    /// itself, the connection is of no more use.
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
    /// # let mut client = Connection::client(&Config::new(), MaskingKeys::new(|| [7; 4]));
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
        let (kind, announced) = self.receiver.announced_data()?;
        let (joined, room) = self.content.joined_room(kind, announced, MIN_ROOM)?;
        let before = joined.len();
        let result = read(joined, room);
        let added = joined.get_mut(before..).filter(|added| added.len() <= room);
        #[allow(clippy::expect_used, reason = "the program's closure breaks it, or nobody can")]
        let added = added.expect("`read` only appends, and no more than there is room for");
        self.timers.heard |= !added.is_empty();
        self.receiver.take_data(added);
        // The whole of a text is checked when it is handed out.
        if !self.receiver.has_whole_message() {
            self.content.check_text(before);
        }
        Some(result)
    }

    /// As [`receive`](Self::receive); a message that does not lie in one piece is lent too,
    /// from `memory`, which is used again for the next.
    ///
    /// It is for programs with long messages: to get a MiB from the operating system and give
    /// it back can cost as much as all the rest. The memory is taken when a message begins to
    /// be joined, and given back with the message, in place of what `memory` has then. So all
    /// connections of a thread can have one in common, and those at rest hold nothing.
    ///
    /// A message has all of the memory that it is joined in, however little of it has come:
    /// so keep no more than each peer may hold by stopping after its first byte. What comes
    /// back with a message can be more than was given for it, and is there for the next
    /// unless it is replaced. What a message has when its connection ends is gone with it.
    ///
    /// # Errors
    /// As for [`receive`](Self::receive).
    ///
    /// ```
    /// use sansws::{Connection, Error, Event, MessageBuffer};
    ///
    /// fn total(
    ///     ws: &mut Connection,
    ///     mut input: &mut [u8],
    ///     out: &mut Vec<u8>,
    ///     memory: &mut MessageBuffer,
    /// ) -> Result<usize, Error> {
    ///     let mut total = 0;
    ///     while let Some(event) = ws.receive_reusing(&mut input, out, memory)? {
    ///         if let Event::Binary(data) = event {
    ///             total += data.len();
    ///         }
    ///     }
    ///     Ok(total)
    /// }
    /// # use sansws::{Config, MaskingKeys};
    /// # let mut client = Connection::client(&Config::new(), MaskingKeys::new(|| [7; 4]));
    /// # let (mut stream, mut out, mut memory) = (Vec::new(), Vec::new(), MessageBuffer::new());
    /// # for _ in 0..3 {
    /// #     client.send_binary(&[7; 100_000], &mut stream).unwrap();
    /// # }
    /// # let mut ws = Connection::server(&Config::new());
    /// # let mut totals = 0;
    /// # for input in stream.chunks_mut(30_000) {
    /// #     totals += total(&mut ws, input, &mut out, &mut memory).unwrap();
    /// # }
    /// # assert_eq!(totals, 300_000);
    /// # assert!((100_000..200_000).contains(&memory.capacity()));
    /// ```
    #[inline]
    pub fn receive_reusing<'e, 'b: 'e>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut Vec<u8>,
        memory: &'e mut MessageBuffer,
    ) -> Result<Option<Event<'e>>, Error> {
        self.receive_with(input, out, Some(memory))
    }

    /// Says that the stream has ended.
    ///
    /// # Errors
    /// [`Error::Failed`] with [`Violation::EndOfStream`] if it ended before
    /// the closing handshake did, or with what failed before.
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        self.closing.over = true;
        match self.state() {
            State::Open | State::Closing => Err(self.end(Violation::EndOfStream)),
            State::Closed => Ok(()),
            State::Failed => self.check_failed(),
        }
    }

    /// Fails the connection (7.1.7) for a reason that the program found.
    ///
    /// Appends the Close frame to `out`, unless one was sent before or the
    /// reason has no code. If the connection has failed before, does nothing, and the error is
    /// the first one. If it is closed, it stays so, and the error says `why` all the same.
    pub fn fail(&mut self, why: Violation, out: &mut Vec<u8>) -> Error {
        if self.state() == State::Open
            && let Some(code) = why.close_code()
        {
            self.write_close(Some(code), why.description(), out);
        }
        self.end(why)
    }
}

impl Connection {
    /// As `receive` and `receive_reusing`: a frame that lies whole in the input takes the fast
    /// path, which is inlined in the program, unless that is compiled for size. A returned event
    /// would be stored field by field and loaded two fields at a time; a load that spans two
    /// stores waits until both have reached the cache (store forwarding fails), and a short
    /// message took twice as long.
    #[inline(always)]
    fn receive_with<'e, 'b: 'e>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut Vec<u8>,
        memory: Option<&'e mut MessageBuffer>,
    ) -> Result<Option<Event<'e>>, Error> {
        if let Some((kind, frame)) = self.find_whole(input) {
            self.timers.heard = true;
            let payload = frame.take(self.role.is_server(), input);
            return match kind {
                MessageKind::Binary => Ok(Some(Event::Binary(Cow::Borrowed(payload.unmask())))),
                MessageKind::Text => match payload.unmask_text() {
                    Ok(text) => Ok(Some(Event::Text(Cow::Borrowed(text)))),
                    Err(utf8::Invalid) => Err(self.fail(Violation::InvalidUtf8, out)),
                },
            };
        }
        let mut event = None;
        Ok(if self.receive_joined(input, out, memory, &mut event)? { event } else { None })
    }

    /// The message with which `input` begins, if it is there in one frame, and nothing about it
    /// is unusual.
    #[inline(always)]
    pub(super) fn find_whole(&self, input: &[u8]) -> Option<(MessageKind, WholeFrame)> {
        if self.receiver.is_at_rest() && self.closing.is_receiving() {
            WholeFrame::find(input, self.role.is_server(), &self.limits)
        } else {
            None
        }
    }

    /// The slow path: whatever does not lie in `input` as one whole frame. Returns whether there
    /// is an event, which is then in `event`: a returned `None` would be loaded from memory by the
    /// program at the end of each read. By itself, so that the fast path does not save registers
    /// for it, nor has its event in memory.
    #[inline(never)]
    pub(super) fn receive_joined<'e, 'b: 'e>(
        &mut self,
        input: &mut &'b mut [u8],
        out: &mut Vec<u8>,
        mut memory: Option<&'e mut MessageBuffer>,
        event: &mut Option<Event<'e>>,
    ) -> Result<bool, Error> {
        if let Err(violation) = self.content.text_read_straight() {
            return Err(self.fail(violation, out));
        }
        loop {
            let piece = match self.next_fragment(input) {
                Some(fragment) => Some(Piece::Data(fragment)),
                None => self.next_piece(Asking::Messages, input, out)?,
            };
            let piece = match piece {
                None => return Ok(false),
                Some(Piece::Data(piece)) => piece,
                Some(Piece::Control(opcode, payload)) => {
                    let control = self.receive_control(opcode, payload, out)?;
                    *event = Some(control.into());
                    return Ok(true);
                }
            };
            let (announced, max_len) = (self.receiver.announced(), self.limits.message_len);
            let next = self.content.next_message(piece, announced, max_len, memory.as_deref_mut());
            let message = match next {
                Ok(None) => continue,
                Ok(Some(Message::InOnePiece(message))) => Ok(message),
                Ok(Some(Message::Joined(kind))) => self.content.hand_out(kind, memory),
                Err(violation) => Err(violation),
            };
            *event = Some(message.map_err(|violation| self.fail(violation, out))?);
            return Ok(true);
        }
    }

    /// A fragment in the middle of a message, if one comes next and nothing about it is
    /// unusual.
    #[inline]
    fn next_fragment<'b>(&mut self, input: &mut &'b mut [u8]) -> Option<DataPiece<'b>> {
        // Of a connection that has ended there is no message.
        if self.content.begun() == Some(Asking::Parts) {
            return None;
        }
        let fragment = self.receiver.next_fragment(self.role.is_server(), &self.limits, input)?;
        self.timers.heard = true;
        Some(fragment)
    }

    fn next_piece<'b>(
        &mut self,
        asking: Asking,
        input: &mut &'b mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Piece<'b>>, Error> {
        self.timers.heard |= !input.is_empty();
        if !self.closing.is_receiving() {
            // 7.1.1: discard trailing bytes
            *input = &mut [];
            return self.check_failed().map(|()| None);
        }
        let endpoint = Endpoint {
            masked: self.role.is_server(),
            rsv1: self.content.form_of_rsv1(),
            limits: &self.limits,
        };
        let is_for_parts = || asking == Asking::Messages && self.receiver.passes(&endpoint, input);
        if self.content.begun().is_some_and(|begun| begun != asking) || is_for_parts() {
            return Err(Error::WrongReceive);
        }
        self.receiver
            .next(&endpoint, asking, self.content.begun().is_some(), input)
            .map_err(|violation| self.fail(violation, out))
    }

    fn receive_control<'b>(
        &mut self,
        opcode: Opcode,
        payload: Cow<'b, [u8]>,
        out: &mut Vec<u8>,
    ) -> Result<Control<'b>, Error> {
        match opcode {
            Opcode::PING => {
                // 5.5.2: "an endpoint MUST send a Pong frame in response, unless it
                // already received a Close frame", so even if it has sent one
                if self.limits.answer_pings {
                    write_frame(&mut self.role, Opcode::PONG, true, &payload, out);
                }
                Ok(Control::Ping(payload))
            }
            Opcode::PONG => Ok(Control::Pong(payload)),
            _ => {
                let close = match parse_close(payload) {
                    Ok(close) => close,
                    Err(violation) => return Err(self.fail(violation, out)),
                };
                // 5.5.1: "if an endpoint receives a Close frame and did not
                // previously send a Close frame, the endpoint MUST send a Close
                // frame in response"
                if !self.closing.sent {
                    self.closing.is_begun_by_peer = true;
                    self.write_close(close.code, &close.reason, out);
                }
                self.closing.received = Some(close.code.unwrap_or(CloseCode::NO_STATUS));
                self.release();
                Ok(Control::Close(close))
            }
        }
    }
}
