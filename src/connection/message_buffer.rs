use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

/// Memory for messages that do not lie in one piece, to be used again for each.
///
/// [`Connection::receive_reusing`](super::Connection::receive_reusing) joins them in it, and
/// lends them from there.
///
/// ```
/// use sansws::MessageBuffer;
///
/// let messages = MessageBuffer::from(Vec::with_capacity(1 << 20));
/// assert_eq!(messages.capacity(), 1 << 20);
/// ```
#[derive(Clone, Default)]
pub struct MessageBuffer {
    /// One of the two has no memory.
    text: String,
    data: Vec<u8>,
}

impl MessageBuffer {
    /// One without memory: there will be some once a message was joined.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: String::new(), data: Vec::new() }
    }

    /// How many bytes of memory there are. None while a message is joined in them.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.text.capacity() + self.data.capacity()
    }

    /// The message that was lent from it last, to be kept without a copy, if its memory was not
    /// taken since for another.
    ///
    /// Not the message that came last, if that lay in one piece: that was lent from the input, and
    /// has left this as it was. One that is longer than the input was joined here.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        if self.text.capacity() > 0 { self.text.into_bytes() } else { self.data }
    }

    /// Takes the memory, with nothing in it.
    pub(super) fn take_memory(&mut self) -> Vec<u8> {
        let mut memory = mem::take(self).into_bytes();
        memory.clear();
        memory
    }

    /// Lends text, whose memory this is from now on.
    pub(super) fn lend_text(&mut self, text: String) -> &str {
        self.replace(Self { text, data: Vec::new() });
        &self.text
    }

    /// The same of bytes.
    pub(super) fn lend_data(&mut self, data: Vec<u8>) -> &[u8] {
        self.replace(Self { text: String::new(), data });
        &self.data
    }

    fn replace(&mut self, message: Self) {
        // An empty message took no memory, so this has it still.
        *self = if message.capacity() == 0 { Self::from(self.take_memory()) } else { message };
    }
}

impl From<Vec<u8>> for MessageBuffer {
    /// With the memory of that; what is in it does not matter.
    fn from(data: Vec<u8>) -> Self {
        Self { text: String::new(), data }
    }
}

/// Without what peers have sent.
impl fmt::Debug for MessageBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageBuffer").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
