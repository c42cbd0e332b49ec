//! One connection does not keep a thread from its other tasks, whatever its peer sends.

#[path = "support/flood.rs"]
mod flood;
#[path = "support/io.rs"]
mod io;
mod support;
#[path = "support/deflate.rs"]
mod with_deflate;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use flood::Flood;
use futures_util::StreamExt;
use io::{Script, Task};
use sansws::io::{Drives, Error, WebSocket};
use sansws::{Config, Message, futures_io, tokio};
use support::{BINARY, PONG, Role, TEXT};

const SERVER: Role = Role::Server;
const MIB: usize = 1 << 20;

/// How often it is ready before it gives way.
fn turn<T>(task: &Task, mut poll: impl FnMut() -> Poll<Result<T, Error>>) -> usize {
    task.wakes(); // what was before
    let count = (0..100_000).take_while(|_| poll().map(Result::unwrap).is_ready()).count();
    assert!(task.wakes() > 0, "it gives way, and does not wait");
    count
}

#[test]
fn a_stream_that_never_stops_leaves_other_tasks_their_turn() {
    fn check<R: Drives<Flood>>() {
        let new = |first: &[u8]| {
            let ws = SERVER.connection(&Config::new().close_timeout(Duration::from_secs(5)));
            WebSocket::<_, R>::new(Flood, ws, first.to_vec())
        };
        let (task, mut ws, mut failed) = (Task::new(), new(&[]), new(&[0xFF; 10]));
        assert!(task.poll(pin!(ws.close(None, ""))).is_pending());
        assert!(task.wakes() > 0);
        assert!(task.poll(pin!(failed.read())).is_pending());
        assert!(task.wakes() > 0);

        // Each read is a message, and each message a call.
        let mut ws = new(&[]);
        for round in 0..3 {
            let turn = turn(&task, || task.poll(pin!(ws.read())));
            assert!((2..100).contains(&turn), "{turn} in round {round}");
        }
        // What comes is no request.
        let config = Config::new();
        let mut receive = pin!(sansws::io::Incoming::<_, R>::receive(Flood, &config));
        assert!(task.poll(receive.as_mut()).is_pending());
        assert!(task.wakes() > 0);
    }
    check::<futures_io::FuturesIo>();
    // The timer of tokio asks for its runtime.
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_time().build();
    let _guard = runtime.as_ref().expect("a runtime").enter();
    check::<tokio::Tokio>();
}

/// Where a task wakes itself, tokio looks at its timers and sockets only now and then.
#[test]
fn on_tokio_others_have_their_turn_each_time() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_time().build();
    let messages = Arc::new(AtomicUsize::new(0));
    runtime.expect("a runtime").block_on(async {
        let (ws, count) = (SERVER.connection(&Config::new()), Arc::clone(&messages));
        ::tokio::spawn(async move {
            let mut ws = tokio::WebSocket::new(Flood, ws, Vec::new());
            while ws.read().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        ::tokio::time::sleep(Duration::from_millis(5)).await;
    });
    assert!(messages.load(Ordering::Relaxed) < 200, "nobody looks at the timer");
}

#[test]
fn long_messages_are_a_few_in_a_turn() {
    let (task, stream) = (Task::new(), Script::new());
    let input = SERVER.incoming_final(BINARY, &vec![7; MIB]).repeat(20);
    let mut ws = futures_io::WebSocket::new(stream, SERVER.connection(&Config::new()), input);
    assert!((1..5).contains(&turn(&task, || task.poll(pin!(ws.read())))));
}

#[test]
fn what_has_no_bytes_counts_too() {
    let (task, config) = (Task::new(), Config::new().keepalive(None).answer_pings(false));
    for frame in [SERVER.incoming_final(TEXT, b""), SERVER.incoming_final(PONG, b"")] {
        let (stream, input) = (Script::new(), frame.repeat(100_000));
        let mut ws = futures_io::WebSocket::new(stream, SERVER.connection(&config), input);
        assert!((1000..50_000).contains(&turn(&task, || task.poll(pin!(ws.read())))));
    }
}

/// What is a few bytes on the way can be a MiB here.
#[test]
fn what_is_short_only_while_it_is_compressed_is_not_had_in_one_turn() {
    fn check<R: Drives<Script>>(frames: &[Vec<u8>]) {
        type Socket<R> = WebSocket<Script, R>;
        let over = |stream: Script| -> Socket<R> {
            let config = Config::new().keepalive(None);
            let deflate = sansws::DeflateConfig::new();
            let (_, ws) = with_deflate::server(&["permessage-deflate"], deflate, &config);
            Socket::new(stream, ws, Vec::new())
        };
        let new = || {
            let stream = Script::new();
            stream.arrive(frames.concat());
            over(stream)
        };
        let (task, mut ws) = (Task::new(), new());
        for _ in 0..3 {
            assert!((1..5).contains(&turn(&task, || task.poll(pin!(ws.read())))));
        }
        let mut ws = new();
        for _ in 0..3 {
            assert!((1..50).contains(&turn(&task, || task.poll(pin!(ws.read_part())))));
        }
        // What is sent back has to be written before the next is looked for.
        let mut ws = new();
        ws.connection_mut().0.set_compression(false);
        for _ in 0..3 {
            assert!((1..5).contains(&turn(&task, || {
                let read = task.poll(pin!(ws.read()));
                if let Poll::Ready(Ok(Some(message))) = &read {
                    ws.write(message).expect("it is open");
                }
                read
            })));
        }
        // Each comes with a read of its own.
        let stream = Script::new();
        frames.iter().for_each(|frame| stream.arrive(frame));
        let mut ws = over(stream);
        for _ in 0..3 {
            assert!((1..5).contains(&turn(&task, || task.poll(pin!(ws.read())))));
        }
        let mut ws = new();
        for _ in 0..3 {
            let next = turn(&task, || task.poll(pin!(ws.next())).map(|item| item.unwrap()));
            assert!((1..5).contains(&next));
        }
        let (mut reader, _writer) = new().split();
        for _ in 0..3 {
            assert!((1..5).contains(&turn(&task, || task.poll(pin!(reader.read())))));
        }
        let mut ws = new();
        let mut close = pin!(ws.close(None, ""));
        for _ in 0..5 {
            assert!(task.poll(close.as_mut()).is_pending() && task.wakes() > 0);
        }
    }
    let config = Config::new();
    let deflate = sansws::DeflateConfig::new().level(9);
    let text = "x".repeat(MIB);
    for message in [Message::from(text.as_str()), Message::from(text.as_bytes())] {
        let [_, mut client] = with_deflate::pair(deflate, deflate, &config);
        let frames = (0..50).map(|_| {
            let mut frame = Vec::new();
            match &message {
                Message::Text(text) => client.send_text(text, &mut frame),
                Message::Binary(data) => client.send_binary(data, &mut frame),
                _ => unreachable!(),
            }
            .expect("it is open");
            frame
        });
        let frames: Vec<_> = frames.collect();
        assert!(frames.concat().len() < 128_000, "they come with one read");
        check::<futures_io::FuturesIo>(&frames);
        check::<tokio::Tokio>(&frames);
    }
}

#[test]
fn a_stream_that_has_something_now_and_then_is_waited_for() {
    let (task, stream, config) = (Task::new(), Script::new(), Config::new().keepalive(None));
    let mut receive = pin!(futures_io::Incoming::receive(stream.clone(), &config));
    for byte in b"GET /a-long-path-of-a-request-that-comes-byte-by-byte HTTP/1.1\r\nHost: h\r\n" {
        assert!(task.poll(receive.as_mut()).is_pending());
        assert_eq!(task.wakes(), 0);
        stream.arrive([*byte]);
        assert_eq!(task.wakes(), 1);
    }

    let stream = Script::new();
    let ws = SERVER.connection(&config);
    let mut ws = futures_io::WebSocket::new(stream.clone(), ws, Vec::new());
    for _ in 0..100 {
        assert!(task.poll(pin!(ws.read())).is_pending());
        assert_eq!(task.wakes(), 0);
        stream.arrive(SERVER.incoming_final(TEXT, b"hello"));
        assert_eq!(task.wakes(), 1);
        assert!(task.poll(pin!(ws.read())).is_ready());
    }
}
