//! Compressed messages that are passed on as they are.

use alloc::vec::Vec;

use super::rules::Form;
use super::send::write;
use super::{Connection, MessageKind, Sending};
use crate::error::SendError;
use crate::frame::{Header, Opcode};

/// # Passing compressed messages on
impl Connection {
    /// Makes [`receive_part`](Self::receive_part) hand out compressed messages as
    /// they come, as [`Part::Compressed`](super::Part::Compressed), from the next
    /// one on. Does nothing if the handshake has not agreed to compress.
    ///
    /// For proxies that pass them on with
    /// [`send_compressed_part`](Self::send_compressed_part): it saves the time to
    /// inflate and deflate them, and the memory. Messages that are not compressed
    /// come as ever.
    ///
    /// It cannot be undone, since a message may refer back to those before it:
    /// who has not inflated one cannot inflate the next. So call it at once. What
    /// is handed out is not looked at: it may be no UTF-8, not inflate at all, or
    /// to any length. [`Config::max_message_len`](super::Config::max_message_len)
    /// and [`Config::max_frame_len`](super::Config::max_frame_len) count
    /// compressed bytes then. [`receive`](Self::receive) refuses such messages
    /// with [`Error::WrongReceive`](crate::Error::WrongReceive).
    ///
    /// # A proxy
    ///
    /// Both its connections must agree on the same, the other way round:
    ///
    /// 1. Accept the client's request with [`Accept::deflate`], and offer the
    ///    server what came of it, [reversed](crate::DeflateParameters::reversed).
    /// 2. Call `deflate` again on the [`Accept`] with what the server agreed to,
    ///    reversed.
    /// 3. If the two are now the same, call `pass_compressed` on both connections,
    ///    and `set_compression(false)`, so that what came uncompressed stays so; if
    ///    not, or one has not agreed to compress, let them inflate and deflate.
    /// 4. Send each part on as what it came as, all of them and in order.
    ///
    /// The example `proxy` is one, on tokio.
    ///
    /// ```
    /// use sansws::handshake::{Accept, Accepted, RequestBuilder};
    /// use sansws::{Connection, DeflateConfig, Part, SendError};
    ///
    /// fn offer(from: &Accept, to: RequestBuilder) -> RequestBuilder { // 1
    ///     match from.deflate_parameters() {
    ///         Some(asked) => to.deflate(DeflateConfig::new().parameters(asked.reversed())),
    ///         None => to,
    ///     }
    /// }
    ///
    /// fn agree<'r>(from: Accept<'r>, to: &Accepted) -> (Accept<'r>, bool) { // 2 and 3
    ///     let Some(agreed) = to.deflate_parameters() else { return (from, false) };
    ///     let from = from.deflate(DeflateConfig::new().parameters(agreed.reversed()));
    ///     let is_same = from.deflate_parameters() == Some(agreed.reversed());
    ///     (from, is_same)
    /// }
    ///
    /// fn send_on(part: Part, to: &mut Connection, out: &mut Vec<u8>) -> Result<(), SendError> { // 4
    ///     match part {
    ///         Part::Ping(_) | Part::Pong(_) => Ok(()), // between this side and us
    ///         part => to.send_part(&part, out),
    ///     }
    /// }
    /// ```
    ///
    /// [`Accept`]: crate::handshake::Accept
    /// [`Accept::deflate`]: crate::handshake::Accept::deflate
    pub fn pass_compressed(&mut self) {
        self.content.pass_compressed(self.receiver.form());
    }

    /// Sends a part of a message that is compressed already, as a frame, as
    /// [`send_binary_part`](Self::send_binary_part) does of one that is not.
    ///
    /// The parts together must be a message compressed as the handshake has
    /// agreed (RFC 7692, 7.2.1): with no reference further back than
    /// [`send_window_bits`](crate::DeflateParameters::send_window_bits), nor to any
    /// messages but those that were sent with this before, and to these only if
    /// there is takeover. Nothing of it is checked.
    ///
    /// Messages of our own may come before, between and after. Where there is
    /// takeover they are not compressed after the first part sent with this, since
    /// the peer's window belongs to who compresses the parts.
    /// [`set_compression`](Self::set_compression) has no effect on the parts.
    ///
    /// # Errors
    /// [`SendError::Closed`]; [`SendError::CompressionNotAgreed`];
    /// [`SendError::MessageUnfinished`] if a message of the other kind is under
    /// way, or one that was not begun with this.
    pub fn send_compressed_part(
        &mut self,
        kind: MessageKind,
        data: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.may_send()?;
        let Some(deflater) = &mut self.deflater else {
            return Err(SendError::CompressionNotAgreed);
        };
        let this = Sending { kind, form: Form::Passed };
        let opcode = match self.sending {
            None => {
                deflater.give_way();
                kind.opcode()
            }
            Some(begun) if begun == this => Opcode::CONTINUATION,
            Some(_) => return Err(SendError::MessageUnfinished),
        };
        self.sending = (!last).then_some(this);
        let mut header = Header::new(opcode, last, 0);
        // RFC 7692, 6: RSV1 is set on the first frame only.
        header.rsv1 = opcode != Opcode::CONTINUATION;
        write(&mut self.role, header, data, out);
        Ok(())
    }
}
