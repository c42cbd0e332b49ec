//! Frames as plain values: what a header says, and how it is written.
//!
//! This is the lowest of the three heights to stand at. Nothing here keeps
//! state, allocates or judges whether a frame is allowed *now*: that is the
//! work of [`Connection`](crate::Connection). Use it to build a proxy, a
//! packet analyser, or a test.

mod close_code;
mod header;
mod mask;
mod opcode;

pub use close_code::CloseCode;
pub(crate) use header::len_end;
pub use header::{EncodedHeader, Header, HeaderError};
pub use mask::MaskingKey;
pub use opcode::Opcode;
