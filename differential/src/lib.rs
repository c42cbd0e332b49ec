//! What the tests share: streams of bytes in memory, and the generators and
//! runners of the library's own tests.

#[path = "../../tests/support/reference.rs"]
pub mod reference;
#[path = "../../tests/support/runs.rs"]
pub mod runs;
#[path = "../../tests/support/streams.rs"]
pub mod streams;

use std::io::{ErrorKind, Read, Result, Write};

/// A socket whose peer has sent `pieces`, one at a time, and sends no more.
///
/// Between two of them, and after the last, reading would block, unless `ended`.
#[derive(Debug, Default)]
pub struct Socket {
    pieces: Vec<Vec<u8>>,
    given: usize,
    /// How much of the current piece was read.
    read: usize,
    /// Whether the stream ends after the last piece.
    pub ended: bool,
    /// What was written to it.
    pub written: Vec<u8>,
}

impl Socket {
    pub fn new(pieces: &[&[u8]]) -> Self {
        // A read of nothing would be the end of the stream.
        let pieces = pieces.iter().filter(|piece| !piece.is_empty());
        Self { pieces: pieces.map(|piece| piece.to_vec()).collect(), ..Self::default() }
    }

    /// How many pieces were begun.
    pub fn begun(&self) -> usize {
        self.given + usize::from(self.read > 0)
    }

    /// Whether all was read.
    pub fn is_exhausted(&self) -> bool {
        self.given == self.pieces.len()
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let Some(piece) = self.pieces.get(self.given) else {
            return if self.ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        };
        if self.read == piece.len() {
            (self.given, self.read) = (self.given + 1, 0);
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut rest = &piece[self.read..];
        let len = rest.read(buffer)?;
        self.read += len;
        Ok(len)
    }
}

impl Write for Socket {
    fn write(&mut self, data: &[u8]) -> Result<usize> {
        self.written.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
