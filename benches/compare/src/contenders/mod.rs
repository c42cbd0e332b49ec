//! Each library, used as its documentation recommends.

pub mod sansws;
pub mod soketto;
pub mod yawc;

/// A message as libraries that count references take it: what is timed is a
/// clone of it, so that none is charged for making one.
pub type Shared = std::sync::Arc<[bytes::Bytes]>;
