//! A proxy that sends on all that it receives, pings too.

mod support;

use sansws::{CloseCode, Config, Connection, Event, SendError, State};
use support::*;

fn config() -> Config {
    Config::new().answer_pings(false).keepalive(None)
}

/// What the proxy sends on of these pieces, and what it answers.
fn relay<'p>(
    role: Role,
    to: &mut Connection,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> (Vec<u8>, Vec<u8>) {
    let mut from = role.connection(&config());
    let (mut sent, mut answers) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        while let Some(part) = from.receive_part(&mut input, &mut answers).unwrap() {
            to.send_part(&part, &mut sent).unwrap();
        }
    }
    (sent, answers)
}

#[test]
fn what_is_sent_on_is_what_was_received() {
    for [role, other] in [[Role::Server, Role::Client], [Role::Client, Role::Server]] {
        let text = "aß€𝄞".repeat(10);
        let (first, rest) = text.as_bytes().split_at(21);
        let stream = [
            role.incoming(TEXT, first),
            role.incoming_final(PING, b"amid"),
            role.incoming_final(CONTINUATION, rest),
            role.incoming_final(BINARY, &[7; 300]),
            role.incoming_final(PONG, b""),
            role.incoming_final(TEXT, b""),
            role.incoming_final(CLOSE, &close_payload(4000, "bye")),
        ]
        .concat();
        let expected = [
            Event::Ping(b"amid".into()),
            Event::Text(text.into()),
            Event::Binary(vec![7; 300].into()),
            Event::Pong(b"".into()),
            Event::Text("".into()),
            Event::Close(sansws::Close::new(CloseCode::new(4000), "bye")),
        ];
        for size in 1..stream.len() + 1 {
            let mut to = other.connection(&config());
            let (sent, answers) = relay(role, &mut to, stream.chunks(size));
            assert_eq!(to.state(), State::Closing, "its Close frame was sent");
            assert_eq!(answers, role.outgoing_close(4000, "bye"), "nothing else is answered");
            let outcome = receive(&mut role.connection(&Config::new()), &sent);
            assert_eq!((outcome.events, outcome.error), (expected.to_vec(), None), "{size}");
        }
    }
}

/// A character that comes late is in the frame of what follows it.
#[test]
fn each_part_is_one_frame() {
    let role = Role::Server;
    let message = role.incoming_final(TEXT, "a€b".as_bytes());
    let (one, two) = message.split_at(message.len() - 2);
    let (sent, _) = relay(role, &mut Role::Client.connection(&config()), [one, two]);
    let frames = [
        Role::Client.outgoing(TEXT, b"a"),
        Role::Client.outgoing(0x80 | CONTINUATION, "€b".as_bytes()),
    ];
    assert_eq!(sent, frames.concat());
}

#[test]
fn a_part_that_cannot_be_sent_changes_nothing() {
    let mut from = Role::Server.connection(&config());
    let mut bytes = Role::Server.incoming(TEXT, b"a");
    let mut input = &mut bytes[..];
    let part = from.receive_part(&mut input, &mut Vec::new()).unwrap().expect("a part");
    let (mut to, mut out) = (Role::Server.connection(&config()), Vec::new());
    to.send_binary_part(b"begun", false, &mut out).unwrap();
    out.clear();
    assert_eq!(to.send_part(&part, &mut out), Err(SendError::MessageUnfinished));
    to.send_close(None, "", &mut Vec::new()).unwrap();
    assert_eq!(to.send_part(&part, &mut out), Err(SendError::Closed));
    assert_eq!(out, []);
}

/// 5.5.2
#[test]
fn pings_are_answered_unless_the_program_does() {
    for role in Role::BOTH {
        let ping = role.incoming_final(PING, b"?");
        for (config, answer) in [
            (Config::new(), role.outgoing(0x80 | PONG, b"?")),
            (Config::new().answer_pings(true), role.outgoing(0x80 | PONG, b"?")),
            (Config::new().answer_pings(false), Vec::new()),
        ] {
            let outcome = receive(&mut role.connection(&config), &ping);
            assert_eq!(outcome.events, [Event::Ping(b"?".into())]);
            assert_eq!(outcome.out, answer, "{config:?}");
        }
    }
}
