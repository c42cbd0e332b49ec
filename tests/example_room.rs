//! The room of the examples: everybody hears, nobody is waited for.
#![cfg(unix)]

#[path = "support/peers.rs"]
mod peers;

use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use peers::{Program, start_server_with};
use sansws::blocking::WebSocket;
use sansws::handshake::RequestBuilder;
use sansws::{CloseCode, Config, Message};

fn room() -> (Program, String) {
    start_server_with("tokio_room", "tokio", &[])
}

fn enter(address: &str) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(address).expect("the room listens");
    // It fails the test rather than wait for ever.
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let request = RequestBuilder::try_from(format!("ws://{address}/")).expect("a URI");
    let config = Config::new().keepalive(None);
    let (ws, _) = WebSocket::connect_over(stream, request, &config).expect("it accepts");
    ws.stream().set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    ws
}

fn hear(ws: &mut WebSocket<TcpStream>) -> String {
    match ws.read().expect("it is open") {
        Some(Message::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// Enters, and makes sure that the room knows.
fn take_seat(address: &str) -> (WebSocket<TcpStream>, String) {
    let mut ws = enter(address);
    ws.send("here").expect("it is open");
    let said = hear(&mut ws);
    let number = said.strip_suffix(": here").expect("what it said").to_owned();
    (ws, number)
}

#[test]
fn a_member_that_does_not_listen_is_thrown_out_and_the_others_hear_all() {
    const COUNT: usize = 500;
    let (_room, address) = room();
    let (slow, _) = take_seat(&address);
    let (mut talker, number) = take_seat(&address);
    let (mut listener, _) = take_seat(&address);
    let text = "x".repeat(50_000);
    let expected = format!("{number}: {text}");
    let (hears, heard) = mpsc::sync_channel(0);
    let listening = thread::spawn(move || {
        for _ in 0..COUNT {
            assert!(hear(&mut listener) == expected);
            hears.send(()).expect("the talker waits for it");
        }
    });
    assert!(hear(&mut talker).ends_with(": here"));
    for _ in 0..COUNT {
        talker.send(&*text).expect("it is open");
        assert!(hear(&mut talker).ends_with(&text));
        heard.recv().expect("it listens");
    }
    listening.join().expect("it heard all");

    // What was on its way still comes, and then the end, without a Close frame.
    let mut slow = slow;
    let mut count = 0;
    let result = loop {
        match slow.read() {
            Ok(Some(Message::Text(_))) => count += 1,
            other => break other,
        }
    };
    assert!(result.is_err(), "{result:?}");
    assert!(count < COUNT, "it was not thrown out");
}

#[test]
fn at_the_end_everybody_is_told() {
    let (room, address) = room();
    let mut members: Vec<_> = (0..5).map(|_| take_seat(&address).0).collect();
    let silent = take_seat(&address);
    let pid = Pid::from_raw(i32::try_from(room.id()).expect("a process"));
    kill(pid, Signal::SIGINT).expect("it is our child");
    for ws in &mut members {
        let close = loop {
            match ws.read().expect("an orderly end") {
                Some(Message::Text(_)) => {}
                Some(Message::Close(close)) => break close,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(close.code, Some(CloseCode::GOING_AWAY));
        assert!(ws.read().expect("an orderly end").is_none());
    }
    // One that does not answer is not waited for longer than a few seconds.
    let (_, ended_well) = room.finish();
    assert!(ended_well);
    drop(silent);
}
