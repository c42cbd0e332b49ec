//! A connection outlives what its thread keeps for it.

#[path = "support/io.rs"]
mod io;
mod support;

use std::cell::RefCell;
use std::thread;

use io::Script;
use sansws::blocking::WebSocket;
use sansws::{CloseCode, Config};
use support::{BINARY, CLOSE, Role, TEXT, close_payload};

const SERVER: Role = Role::Server;

/// Says goodbye when it is dropped, as a program may do.
struct Polite(WebSocket<Script>);

impl Drop for Polite {
    fn drop(&mut self) {
        self.0.write("last words").expect("it is open");
        self.0.close(CloseCode::GOING_AWAY, "").expect("the peer closes too");
    }
}

thread_local! {
    static KEPT: RefCell<Option<Polite>> = const { RefCell::new(None) };
}

#[test]
fn a_connection_can_be_closed_when_its_thread_ends() {
    // What a thread keeps is dropped in the one order or the other.
    for is_kept_first in [true, false] {
        let stream = Script::new();
        let hand = stream.clone();
        stream.arrive(SERVER.incoming_final(BINARY, b"hello"));
        let thread = thread::spawn(move || {
            let ws = WebSocket::new(stream, SERVER.connection(&Config::new()), Vec::new());
            let mut polite = Polite(ws);
            if is_kept_first {
                KEPT.set(None);
            }
            let event = polite.0.read().expect("nothing is wrong").expect("a message");
            polite.0.send(event).expect("it is open");
            polite.0.stream().arrive(SERVER.incoming_final(CLOSE, &close_payload(1001, "")));
            polite.0.stream().end();
            KEPT.set(Some(polite));
        });
        thread.join().expect("it does not panic");
        let expected = [
            SERVER.outgoing(0x80 | BINARY, b"hello"),
            SERVER.outgoing(0x80 | TEXT, b"last words"),
            SERVER.outgoing_close(1001, ""),
        ];
        assert_eq!(hand.written(), expected.concat());
    }
}
