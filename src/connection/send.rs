//! Commands to bytes.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use bytes::Bytes;

use super::event::join;
use super::rules::Form;
use super::{Close, Connection, MessageKind, Part, Role, Sending, State, TextPart, UnsentPayload};
use crate::copy;
use crate::error::SendError;
use crate::frame::{CloseCode, EncodedHeader, Header, MaskingKey, Opcode};
use crate::prepared::{Frame, Prepared};

/// The longest payload of a control frame (5.5).
const MAX_CONTROL_LEN: usize = 125;

/// # Sending
///
/// Every method appends whole frames to `out`, or nothing if it returns an
/// error; those that leave the payload to the caller say so.
impl Connection {
    /// Sends a message of text.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::MessageUnfinished`].
    #[inline]
    pub fn send_text(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_message(MessageKind::Text, text.as_bytes(), out)
    }

    /// Sends a message of bytes.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::MessageUnfinished`].
    #[inline]
    pub fn send_binary(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_message(MessageKind::Binary, data, out)
    }

    /// Sends a part of a message of text, as a frame (RFC 6455, 5.4).
    ///
    /// The message ends with the part that is `last`. Until then only control
    /// frames and more parts of the same kind can be sent.
    ///
    /// # Errors
    /// [`SendError::Closed`]; [`SendError::MessageUnfinished`] if a message of
    /// bytes is under way, or one whose parts are compressed already.
    pub fn send_text_part(
        &mut self,
        text: &str,
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.send_part_of(MessageKind::Text, text.as_bytes(), last, out)
    }

    /// Sends a part of a message of bytes, as
    /// [`send_text_part`](Self::send_text_part) does of text.
    ///
    /// # Errors
    /// [`SendError::Closed`]; [`SendError::MessageUnfinished`] if a message of
    /// text is under way, or one whose parts are compressed already.
    pub fn send_binary_part(
        &mut self,
        data: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.send_part_of(MessageKind::Binary, data, last, out)
    }

    /// Sends a message of text without copying it: the header goes to `out`, and the
    /// payload is returned, masked if this is a client. It is never compressed.
    ///
    /// The caller writes `out` and then the payload, best with one vectored write,
    /// before anything else is appended to `out`. Worth it from about 16 KiB. A client
    /// masks an owned text where it lies, and a borrowed one in a copy.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::MessageUnfinished`].
    pub fn send_text_vectored<'t>(
        &mut self,
        text: impl Into<Cow<'t, str>>,
        out: &mut Vec<u8>,
    ) -> Result<Cow<'t, [u8]>, SendError> {
        self.send_vectored(MessageKind::Text, into_bytes(text.into()), out)
    }

    /// Sends a message of bytes without copying it, as
    /// [`send_text_vectored`](Self::send_text_vectored) does of text.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::MessageUnfinished`].
    ///
    /// ```
    /// use std::io::{IoSlice, Write};
    /// # use sansws::{Config, Connection};
    /// # let mut socket = std::io::sink();
    ///
    /// let mut ws = Connection::server(&Config::new());
    /// let image = vec![7; 100_000];
    /// let mut out = Vec::new();
    /// let payload = ws.send_binary_vectored(&image, &mut out)?;
    /// assert_eq!((out.len(), payload.len()), (10, image.len()));
    ///
    /// // As often as it takes until all is written:
    /// let written = socket.write_vectored(&[IoSlice::new(&out), IoSlice::new(&payload)])?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_binary_vectored<'d>(
        &mut self,
        data: impl Into<Cow<'d, [u8]>>,
        out: &mut Vec<u8>,
    ) -> Result<Cow<'d, [u8]>, SendError> {
        self.send_vectored(MessageKind::Binary, data.into(), out)
    }

    /// Sends a message of text of which the caller appends the payload in pieces: the header
    /// goes to `out`, and what is returned masks the rest when it is asked to. It is never
    /// compressed.
    ///
    /// For long messages of clients, which otherwise need memory for the masked copy. Each
    /// piece is also written while the processor's cache has it; 16 KiB are a good length.
    ///
    /// Until all of it is appended, nothing else may be: see [`UnsentPayload`].
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::MessageUnfinished`].
    pub fn send_text_lazily<'t>(
        &mut self,
        text: impl Into<Cow<'t, str>>,
        out: &mut Vec<u8>,
    ) -> Result<UnsentPayload<'t>, SendError> {
        self.send_lazily(MessageKind::Text, into_bytes(text.into()), out)
    }

    /// Sends a message of bytes of which the caller appends the payload in pieces, as
    /// [`send_text_lazily`](Self::send_text_lazily) does of text.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::MessageUnfinished`].
    pub fn send_binary_lazily<'d>(
        &mut self,
        data: impl Into<Cow<'d, [u8]>>,
        out: &mut Vec<u8>,
    ) -> Result<UnsentPayload<'d>, SendError> {
        self.send_lazily(MessageKind::Binary, data.into(), out)
    }

    /// Sends a message that was encoded once for many connections.
    ///
    /// A server copies it; a client masks it too, with a key of its own.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::MessageUnfinished`].
    pub fn send_prepared(
        &mut self,
        message: &Prepared,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if let Some(frame) = self.send_or_lend(message, out)? {
            copy::append(frame, out);
        }
        Ok(())
    }

    /// Sends a message that was encoded once, without copying it if this is a server: what is
    /// returned shares its memory, and is to be written behind `out`, before anything else is
    /// appended to that. A client masks it, in a copy that goes to `out`, and returns nothing.
    ///
    /// For long messages to many, which wait for slow peers in one place then. Worth it from
    /// about 16 KiB.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::MessageUnfinished`].
    pub fn send_prepared_vectored(
        &mut self,
        message: &Prepared,
        out: &mut Vec<u8>,
    ) -> Result<Bytes, SendError> {
        Ok(self.send_or_lend(message, out)?.cloned().unwrap_or_default())
    }

    /// A server's frame, which is still to be sent.
    #[inline]
    fn send_or_lend<'p>(
        &mut self,
        message: &'p Prepared,
        out: &mut Vec<u8>,
    ) -> Result<Option<&'p Bytes>, SendError> {
        self.may_begin()?;
        let frame = self.choose_form(message);
        if self.role.is_server() {
            return Ok(Some(&frame.bytes));
        }
        let mut header = Header::new(message.kind().opcode(), true, 0);
        // The first byte has RSV1 if the message is compressed.
        header.rsv1 = frame.bytes[0] & 0x40 != 0;
        write(&mut self.role, header, frame.payload(), out);
        Ok(None)
    }

    /// Sends a part as it was received: as a part of a message of its kind, compressed or not,
    /// or as a control frame.
    ///
    /// A proxy that sends each part on makes a frame of each, and a part is what one read has
    /// brought. Peers limit how many frames a message may have (this library to 65,536 by
    /// default): a proxy whose reads are short should join several parts before it sends them.
    ///
    /// # Errors
    /// As the method that sends what it is.
    pub fn send_part(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), SendError> {
        match part {
            Part::Text(TextPart { lead: None, text, last, .. }) => {
                self.send_text_part(text, *last, out)
            }
            Part::Text(TextPart { lead: Some(lead), text, last, .. }) => {
                self.send_text_part(&join(*lead, text), *last, out)
            }
            Part::Binary(part) => self.send_binary_part(&part.data, part.last, out),
            #[cfg(feature = "deflate")]
            Part::Compressed(part) => {
                self.send_compressed_part(part.kind, &part.data, part.last, out)
            }
            Part::Ping(data) => self.send_ping(data, out),
            Part::Pong(data) => self.send_pong(data, out),
            Part::Close(close) => self.send_close(close.code, &close.reason, out),
        }
    }

    /// Sends a ping of at most 125 bytes; the pong will carry the same (5.5.2).
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::ControlTooLong`].
    pub fn send_ping(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_control(Opcode::PING, data, out)
    }

    /// Sends a pong that nobody asked for, of at most 125 bytes (5.5.3). Pings are answered
    /// without it, unless [`Config::answer_pings`](super::Config::answer_pings) says otherwise.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::ControlTooLong`].
    pub fn send_pong(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_control(Opcode::PONG, data, out)
    }

    /// Begins the closing handshake (5.5.1): nothing can be sent after it, but
    /// the peer's messages are still received until its own Close frame comes.
    ///
    /// `code` may be `None`, for a Close frame that gives no reason. A message
    /// of which not all parts were sent stays without its end. The peer's
    /// Close frame needs no answer from the program: `receive` writes it.
    ///
    /// # Errors
    /// [`SendError::Closed`]; [`SendError::CloseCode`] if the code must not be
    /// sent, or is missing before a reason; [`SendError::ControlTooLong`] if
    /// the reason is longer than 123 bytes ([`Close::fit_reason`] cuts it).
    pub fn send_close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.may_send()?;
        let code = code.into();
        if code.map_or(!reason.is_empty(), |code| !code.is_sendable()) {
            return Err(SendError::CloseCode);
        }
        if reason.len() > Close::MAX_REASON_LEN {
            return Err(SendError::ControlTooLong);
        }
        self.write_close(code, reason, out);
        Ok(())
    }

    /// Writes a Close frame that is known to be right.
    pub(super) fn write_close(&mut self, code: Option<CloseCode>, reason: &str, out: &mut Vec<u8>) {
        let mut payload = [0; MAX_CONTROL_LEN];
        let len = code.map_or(0, |code| {
            payload[..2].copy_from_slice(&code.value().to_be_bytes());
            payload[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
            2 + reason.len()
        });
        write_frame(&mut self.role, Opcode::CLOSE, true, &payload[..len], out);
        self.closing.sent = true;
        self.closing.sent_code = Some(code.unwrap_or(CloseCode::NO_STATUS));
        #[cfg(feature = "deflate")]
        {
            // Nothing more will be sent.
            self.deflater = None;
        }
    }

    #[inline]
    fn send_vectored<'p>(
        &mut self,
        kind: MessageKind,
        payload: Cow<'p, [u8]>,
        out: &mut Vec<u8>,
    ) -> Result<Cow<'p, [u8]>, SendError> {
        Ok(self.send_lazily(kind, payload, out)?.into_masked())
    }

    #[inline]
    fn send_lazily<'p>(
        &mut self,
        kind: MessageKind,
        payload: Cow<'p, [u8]>,
        out: &mut Vec<u8>,
    ) -> Result<UnsentPayload<'p>, SendError> {
        self.may_begin()?;
        let key = self.write_header(kind, payload.len(), out);
        Ok(UnsentPayload::new(payload, key))
    }

    /// Appends the header of a message in one frame, which may begin: the key to mask its payload
    /// with.
    ///
    /// Not inlined, since a program that looks at `out` at once would wait for the store of its
    /// length. What holds the payload is inlined: returned from a function, it would be moved in
    /// memory, by loads that wait for all stores before them, those of the last message's copy
    /// too.
    #[inline(never)]
    fn write_header(
        &mut self,
        kind: MessageKind,
        len: usize,
        out: &mut Vec<u8>,
    ) -> Option<MaskingKey> {
        let mut header = Header::new(kind.opcode(), true, len as u64);
        header.mask = self.role.next_key();
        header.encode().append_to(out);
        header.mask
    }

    #[inline]
    fn send_message(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.may_begin()?;
        if self.compresses(payload) {
            self.write_compressed(Header::new(kind.opcode(), true, 0), payload, out);
        } else {
            write_frame(&mut self.role, kind.opcode(), true, payload, out);
        }
        Ok(())
    }

    fn send_part_of(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.may_send()?;
        // 5.4: the first frame has the message's opcode, all others 0.
        let (opcode, form) = match self.sending {
            None if self.compresses(payload) => (kind.opcode(), Form::Deflated),
            None => (kind.opcode(), Form::Plain),
            #[cfg(feature = "deflate")]
            Some(Sending { form: Form::Passed, .. }) => return Err(SendError::MessageUnfinished),
            Some(begun) if begun.kind == kind => (Opcode::CONTINUATION, begun.form),
            Some(_) => return Err(SendError::MessageUnfinished),
        };
        self.sending = (!last).then_some(Sending { kind, form });
        if form == Form::Deflated {
            self.write_compressed(Header::new(opcode, last, 0), payload, out);
        } else {
            write_frame(&mut self.role, opcode, last, payload, out);
        }
        Ok(())
    }

    fn send_control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.may_send()?;
        if payload.len() > MAX_CONTROL_LEN {
            return Err(SendError::ControlTooLong);
        }
        write_frame(&mut self.role, opcode, true, payload, out);
        Ok(())
    }

    /// 5.5.1: no data frames after a Close frame, and no use for others.
    #[inline]
    pub(super) fn may_send(&self) -> Result<(), SendError> {
        if self.state() == State::Open { Ok(()) } else { Err(SendError::Closed) }
    }

    /// 5.4: messages do not interleave.
    #[inline]
    fn may_begin(&self) -> Result<(), SendError> {
        self.may_send()?;
        if self.sending.is_none() { Ok(()) } else { Err(SendError::MessageUnfinished) }
    }
}

#[cfg(feature = "deflate")]
impl Connection {
    /// Whether messages sent from now on are compressed, if the handshake has
    /// agreed on it and they are long enough, and no
    /// [`send_compressed_part`](Self::send_compressed_part) has ruled it out. True
    /// at first. A message that is being sent in parts goes on as it was begun.
    ///
    /// To be switched off for messages with a secret in them (see
    /// [`DeflateConfig`](crate::DeflateConfig)), and for what is compressed
    /// already.
    pub fn set_compression(&mut self, enabled: bool) {
        if let Some(deflater) = &mut self.deflater {
            deflater.enabled = enabled;
        }
    }

    /// The compressed form if there is one that the peer can inflate.
    fn choose_form<'m>(&mut self, message: &'m Prepared) -> &'m Frame {
        match (&mut self.deflater, message.as_deflated()) {
            (Some(deflater), Some(deflated))
                if deflater.is_active() && deflated.window_bits <= deflater.window_bits =>
            {
                // The peer's window moves on without ours.
                deflater.forget();
                &deflated.frame
            }
            _ => message.plain(),
        }
    }

    #[inline]
    pub(crate) fn compresses(&self, payload: &[u8]) -> bool {
        self.deflater.as_ref().is_some_and(|deflater| deflater.compresses(payload))
    }

    /// Appends a frame of a compressed message.
    fn write_compressed(&mut self, mut header: Header, payload: &[u8], out: &mut Vec<u8>) {
        let Some(deflater) = &mut self.deflater else { return };
        // RFC 7692, 6: RSV1 is set on the first frame only.
        header.rsv1 = header.opcode != Opcode::CONTINUATION;
        header.mask = self.role.next_key();
        // Leave room for the header that is likely: that of the shorter payload.
        header.len = payload.len() as u64 / 2;
        let (start, room) = (out.len(), header.encoded_len());
        out.resize(start + room, 0);
        deflater.deflate(payload, header.fin, out);

        let len = out.len() - start - room;
        header.len = len as u64;
        let encoded = header.encode();
        if encoded.len() > room {
            out.resize(start + encoded.len() + len, 0);
        }
        out.copy_within(start + room..start + room + len, start + encoded.len());
        out.truncate(start + encoded.len() + len);
        out[start..start + encoded.len()].copy_from_slice(&encoded);
        if let Some(key) = header.mask {
            key.apply(&mut out[start + encoded.len()..]);
        }
    }
}

/// Nothing is compressed.
#[cfg(not(feature = "deflate"))]
impl Connection {
    #[inline]
    pub(crate) const fn compresses(&self, _: &[u8]) -> bool {
        false
    }

    const fn choose_form<'m>(&self, message: &'m Prepared) -> &'m Frame {
        message.plain()
    }

    fn write_compressed(&mut self, header: Header, payload: &[u8], out: &mut Vec<u8>) {
        write_frame(&mut self.role, header.opcode, header.fin, payload, out);
    }
}

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// Appends a frame, masked with a new key if a client sends it (5.1, 5.3).
#[inline]
pub(super) fn write_frame(
    role: &mut Role,
    opcode: Opcode,
    fin: bool,
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    write(role, Header::new(opcode, fin, 0), payload, out);
}

#[inline]
pub(super) fn write(role: &mut Role, mut header: Header, payload: &[u8], out: &mut Vec<u8>) {
    header.len = payload.len() as u64;
    // Not by `next_key`: with an `Option` of the key each short message took more.
    match role {
        Role::Server => {
            out.reserve(EncodedHeader::ROOM + payload.len());
            header.encode().append_to(out);
            copy::append(payload, out);
        }
        Role::Client(keys) => {
            let key = keys.next();
            header.mask = Some(key);
            out.reserve(EncodedHeader::ROOM + payload.len());
            header.encode().append_to(out);
            key.append_masked(payload, out);
        }
    }
}
