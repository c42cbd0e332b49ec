//! The traits `Stream` and `Sink`, as `futures_util` uses them.

#[path = "support/io.rs"]
mod io;
mod support;

use std::io::ErrorKind;
use std::pin::pin;

use futures_util::stream::FusedStream;
use futures_util::{SinkExt, StreamExt, TryStreamExt, future};
use io::{Call, Script, Task, wait};
use sansws::io::Error;
use sansws::tokio::WebSocket;
use sansws::{Config, Message, State, Violation};
use support::{CLOSE, PING, Role, TEXT, close_payload};

const SERVER: Role = Role::Server;

fn server(stream: &Script) -> WebSocket<Script> {
    WebSocket::new(stream.clone(), SERVER.connection(&Config::new()), Vec::new())
}

fn text(text: &str) -> Vec<u8> {
    SERVER.incoming_final(TEXT, text.as_bytes())
}

#[test]
fn next_yields_what_read_returns_and_then_nothing() {
    let stream = Script::new();
    stream.arrive([text("one"), SERVER.incoming_final(PING, b"")].concat());
    stream.arrive(SERVER.incoming_final(CLOSE, &close_payload(1000, "")));
    stream.end();
    let mut ws = server(&stream);
    let events = wait((&mut ws).try_collect::<Vec<_>>()).expect("nothing is wrong");
    assert_eq!(events[..2], ["one".into(), Message::Ping(b"".into())]);
    assert!(matches!(events[2..], [Message::Close(_)]));
    assert!(ws.is_terminated());
    let reads = stream.count(Call::Read);
    assert!(matches!(wait(async { Ok(ws.next().await) }), Ok(None)));
    assert_eq!(stream.count(Call::Read), reads);
}

#[test]
fn after_an_error_there_is_nothing() {
    for is_split in [false, true] {
        let stream = Script::new();
        stream.arrive([text("one"), vec![0xFF; 10]].concat());
        stream.end();
        let ws = server(&stream);
        let check = async |mut items: std::pin::Pin<&mut dyn FusedItems>| {
            assert!(matches!(items.next().await, Some(Ok(Message::Text(_)))));
            assert!(!items.is_terminated());
            let failed = items.next().await;
            assert!(matches!(failed, Some(Err(Error::Failed(Violation::ReservedBit)))));
            assert!(items.is_terminated());
            for _ in 0..3 {
                assert!(items.next().await.is_none());
            }
            Ok(())
        };
        if is_split {
            let (reader, _writer) = ws.split();
            wait(check(pin!(reader))).expect("checked");
        } else {
            wait(check(pin!(ws))).expect("checked");
        }
    }
}

/// What `Reader` and `WebSocket` both are.
trait FusedItems: FusedStream<Item = Result<Message, Error>> {}
impl<T: FusedStream<Item = Result<Message, Error>>> FusedItems for T {}

#[test]
fn send_and_feed_write_and_close_closes() {
    let stream = Script::new();
    let mut ws = server(&stream);
    wait(SinkExt::feed(&mut ws, "fed".into())).expect("it is open");
    assert_eq!(stream.written(), []);
    wait(SinkExt::send(&mut ws, "sent".into())).expect("it is open");
    let sent = [SERVER.outgoing(0x80 | TEXT, b"fed"), SERVER.outgoing(0x80 | TEXT, b"sent")];
    assert_eq!(stream.written(), sent.concat());
    for _ in 0..2 {
        wait(SinkExt::close(&mut ws)).expect("it does not wait for the peer");
    }
    assert_eq!(stream.written(), [sent.concat(), SERVER.outgoing_close(1000, "")].concat());
    assert_eq!(ws.connection().state(), State::Closing);
    stream.arrive([text("last"), SERVER.incoming_final(CLOSE, &close_payload(1000, ""))].concat());
    stream.end();
    let rest = wait((&mut ws).try_collect::<Vec<_>>()).expect("an orderly end");
    assert!(matches!(rest[..], [Message::Text(_), Message::Close(_)]), "{rest:?}");
    assert_eq!(ws.connection().state(), State::Closed);
    let result = wait(SinkExt::send(&mut ws, "more".into()));
    assert!(matches!(result, Err(Error::Send(_))), "{result:?}");
}

#[test]
fn a_sink_that_is_full_is_not_ready() {
    for is_split in [false, true] {
        let stream = Script::new();
        stream.state().room = 0;
        let ws = server(&stream);
        let mut messages =
            futures_util::stream::iter(0..100).map(|_| Ok(Message::from(vec![0; 10_000])));
        let sent = |unwritten: usize| {
            // 64 KiB, and the message that passes them.
            assert!(unwritten > 64 * 1024 && unwritten < 75 * 1024, "{unwritten}");
        };
        if is_split {
            let (_reader, mut writer) = ws.split();
            assert!(wait(writer.send_all(&mut messages)).is_err());
            sent(writer.unwritten());
            stream.make_room(usize::MAX);
            wait(writer.send_all(&mut messages)).expect("there is room");
        } else {
            let mut ws = ws;
            assert!(wait(ws.send_all(&mut messages)).is_err());
            sent(ws.unwritten());
            stream.make_room(usize::MAX);
            wait(ws.send_all(&mut messages)).expect("there is room");
        }
        // `send_all` loses the one that it held.
        assert_eq!(stream.written().len(), 99 * 10_004);
    }
}

#[test]
fn halves_can_be_forwarded_to_each_other() {
    let stream = Script::new();
    stream.arrive([text("one"), text("two")].concat());
    stream.arrive(SERVER.incoming_final(CLOSE, &close_payload(1000, "")));
    stream.end();
    let (reader, writer) = server(&stream).split();
    let messages = reader.try_filter(|e| future::ready(matches!(e, Message::Text(_))));
    wait(messages.forward(writer)).expect("an orderly end");
    let echo = [
        SERVER.outgoing(0x80 | TEXT, b"one"),
        SERVER.outgoing(0x80 | TEXT, b"two"),
        SERVER.outgoing_close(1000, ""),
    ];
    assert_eq!(stream.written(), echo.concat());
}

#[test]
fn the_writers_close_only_sends_the_frame() {
    let stream = Script::new();
    let (_reader, mut writer) = server(&stream).split();
    wait(SinkExt::close(&mut writer)).expect("there is room");
    wait(SinkExt::close(&mut writer)).expect("it is closed already");
    assert_eq!(stream.written(), SERVER.outgoing_close(1000, ""));
    assert_eq!(stream.count(Call::Shutdown), 0);
}

#[test]
fn a_broken_stream_is_an_error_of_the_sink() {
    let stream = Script::new();
    stream.state().write_error = Some(ErrorKind::BrokenPipe);
    let mut ws = server(&stream);
    for _ in 0..3 {
        let result = wait(SinkExt::send(&mut ws, "hello".into()));
        assert!(matches!(result, Err(Error::Io(e)) if e.kind() == ErrorKind::BrokenPipe));
    }
}

#[test]
fn a_stream_that_waits_is_woken() {
    let stream = Script::new();
    let mut ws = server(&stream);
    let task = Task::new();
    let mut next = pin!(ws.next());
    assert!(task.poll(next.as_mut()).is_pending());
    assert_eq!(task.wakes(), 0);
    stream.arrive(text("hello"));
    assert_eq!(task.wakes(), 1);
    assert!(task.poll(next.as_mut()).is_ready());
}

#[test]
fn a_sink_at_the_mark_is_ready() {
    let stream = Script::new();
    stream.state().room = 0;
    let mut ws =
        WebSocket::new(stream, SERVER.connection(&Config::new().keepalive(None)), Vec::new());
    ws.set_high_water_mark(12);
    for _ in 0..2 {
        wait(ws.feed(Message::from("1234"))).expect("no more than the mark waits");
    }
    assert_eq!(ws.unwritten(), 12);
    wait(ws.feed(Message::from(""))).expect("the mark itself is not too much");
    assert!(wait(ws.feed(Message::from(""))).is_err());
}
