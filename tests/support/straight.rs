//! Reads that go to where a message is joined.
#![allow(unreachable_pub, reason = "the tests' own")]

use sansws::Connection;

/// Reads straight as much as it may of the next `most` bytes; how much that was.
pub fn read_straight(ws: &mut Connection, stream: &[u8], most: usize) -> Option<usize> {
    ws.receive_payload(|payload, room| {
        assert!(room >= 4096 && payload.capacity() - payload.len() >= room, "there is room");
        let count = most.min(room).min(stream.len());
        payload.extend_from_slice(&stream[..count]);
        count
    })
}
