//! Sizes that programs with many connections pay for.

use sansws::handshake::{BuildError, HandshakeError};
use sansws::{Connection, Error, Event, SendError};

#[test]
fn a_connection_is_small() {
    assert!(size_of::<Connection>() <= 256, "{}", size_of::<Connection>());
}

#[test]
fn events_and_errors_are_small() {
    assert!(size_of::<Event>() <= 32, "{}", size_of::<Event>());
    assert!(size_of::<Error>() <= 4);
    // No smaller either: a result of it would be stored byte by byte (src/error.rs).
    assert_eq!(size_of::<SendError>(), size_of::<usize>());
    assert!(size_of::<HandshakeError>() <= 4);
    assert!(size_of::<BuildError>() <= 4);
}

#[test]
fn a_connection_moves_between_threads() {
    fn is_send_and_sync<T: Send + Sync + 'static>() {}
    is_send_and_sync::<Connection>();
}
