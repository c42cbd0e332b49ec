use alloc::collections::VecDeque;

/// The end of what has passed in one direction, which the next message may refer
/// to: all that a connection need keep between messages.
pub(super) struct Window {
    bytes: VecDeque<u8>,
    /// 32 KiB at most.
    max_len: u16,
}

impl Window {
    pub(super) const fn new(max_len: u16) -> Self {
        Self { bytes: VecDeque::new(), max_len }
    }

    /// Takes in what comes next. It grows as that does, to twice as much at
    /// most, and to no more than it may hold.
    pub(super) fn push(&mut self, data: &[u8]) {
        let max_len = usize::from(self.max_len);
        let data = &data[data.len().saturating_sub(max_len)..];
        let len = self.bytes.len() + data.len();
        if len > self.bytes.capacity() {
            let capacity = len.max(2 * self.bytes.capacity()).min(max_len);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.drain(..len.saturating_sub(max_len));
        self.bytes.extend(data);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Its bytes in order, in one piece or two.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let (front, back) = self.bytes.as_slices();
        [front, back].into_iter().filter(|piece| !piece.is_empty())
    }
}
