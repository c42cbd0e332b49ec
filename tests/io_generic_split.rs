//! `StreamExt::split`, as generic code divides whatever is a `Stream` and a `Sink`: two tasks
//! with wakers of their own, of which the stream and the timer remember one.

mod support;

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use sansws::io::Error;
use sansws::tokio::WebSocket;
use sansws::{Close, CloseCode, Config, Message, Violation};
use support::{BINARY, CLOSE, Role, TEXT, close_payload};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

type Socket = WebSocket<DuplexStream>;
type Sending = SplitSink<Socket, Message>;
type Receiving = SplitStream<Socket>;

const SERVER: Role = Role::Server;
/// More than a stream in memory takes at once.
const LONG: usize = 20_000;
/// More than may wait before nothing more is read.
const VERY_LONG: usize = 300_000;

fn halves(config: &Config) -> (Sending, Receiving, DuplexStream) {
    let (ours, peer) = tokio::io::duplex(1024);
    let (sink, stream) = split(WebSocket::new(ours, SERVER.connection(config), Vec::new()));
    (sink, stream, peer)
}

/// Not the method of that name.
fn split(ws: Socket) -> (Sending, Receiving) {
    StreamExt::split(ws)
}

fn receive_all(mut stream: Receiving) -> JoinHandle<(Vec<Message>, Option<Error>)> {
    tokio::spawn(async move {
        let mut events = Vec::new();
        loop {
            match stream.next().await {
                Some(Ok(event)) => events.push(event),
                Some(Err(error)) => return (events, Some(error)),
                None => return (events, None),
            }
        }
    })
}

fn send(mut sink: Sending, len: usize) -> JoinHandle<Sending> {
    tokio::spawn(async move {
        sink.send(vec![7; len].into()).await.expect("the peer takes it");
        sink
    })
}

/// For as long as nothing happens by itself.
async fn a_while() {
    sleep(Duration::from_secs(1)).await;
}

async fn soon<T>(task: JoinHandle<T>) -> T {
    timeout(Duration::from_secs(3600), task).await.expect("not forgotten").expect("no panic")
}

#[tokio::test(start_paused = true)]
async fn a_sink_is_woken_though_the_stream_has_waited_since() {
    let (sink, stream, mut peer) = halves(&Config::new().keepalive(None));
    let _receiving = receive_all(stream);
    let sending = send(sink, LONG);
    a_while().await;
    peer.write_all(&SERVER.incoming_final(TEXT, b"hi")).await.expect("it is read");
    a_while().await;
    peer.read_exact(&mut vec![0; LONG + 4]).await.expect("it is written");
    let _sink = soon(sending).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_for_the_sink_is_woken() {
    let (mut sink, stream, mut peer) = halves(&Config::new().keepalive(None));
    peer.write_all(&SERVER.incoming_final(TEXT, b"hi")).await.expect("it fits");
    // The half of the sink keeps one back until the next.
    sink.feed(vec![7; VERY_LONG].into()).await.expect("it is open");
    sink.feed("next".into()).await.expect("it is open");
    let receiving = receive_all(stream);
    a_while().await;
    let flushing = tokio::spawn(async move { sink.flush().await.map(|()| sink) });
    a_while().await;
    peer.read_exact(&mut vec![0; VERY_LONG + 10 + 6]).await.expect("it is written");
    let _sink = soon(flushing).await.expect("it is open");
    peer.shutdown().await.expect("the end");
    drop(peer);
    assert_eq!(soon(receiving).await.0, [Message::from("hi")]);
}

/// Each has to read while it writes.
#[tokio::test(start_paused = true)]
async fn two_that_send_much_to_each_other_do_not_wait_for_ever() {
    const COUNT: usize = 20;
    let (a, b) = tokio::io::duplex(1024);
    let ends = Role::BOTH.into_iter().zip([a, b]).map(|(role, stream)| {
        let ws = WebSocket::new(stream, role.connection(&Config::new()), Vec::new());
        let (mut sink, mut stream) = split(ws);
        let sending = tokio::spawn(async move {
            for _ in 0..COUNT {
                sink.send(vec![7; VERY_LONG].into()).await.expect("it is open");
            }
        });
        let receiving = tokio::spawn(async move {
            for _ in 0..COUNT {
                let event = stream.next().await.expect("no end").expect("no error");
                assert!(event == Message::from(vec![7; VERY_LONG]));
            }
            stream
        });
        (sending, receiving)
    });
    let mut streams = Vec::new();
    for (sending, receiving) in ends.collect::<Vec<_>>() {
        soon(sending).await;
        streams.push(soon(receiving).await);
    }
}

/// That had the timer last.
#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up_after_a_send_that_had_to_wait() {
    let (sink, stream, mut peer) = halves(&Config::new());
    let receiving = receive_all(stream);
    a_while().await;
    let sending = send(sink, LONG);
    a_while().await;
    peer.read_exact(&mut vec![0; LONG + 4]).await.expect("it is written");
    let _sink = soon(sending).await;
    let (events, error) = soon(receiving).await;
    assert_eq!(events, []);
    assert!(matches!(error, Some(Error::Failed(Violation::PongTimeout))), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_closed_sink_leaves_the_stream_what_still_comes() {
    let (mut sink, stream, mut peer) = halves(&Config::new());
    let receiving = receive_all(stream);
    a_while().await;
    sink.close().await.expect("it is open");
    let close = SERVER.outgoing_close(1000, "");
    let mut written = vec![0; close.len()];
    peer.read_exact(&mut written).await.expect("it is written");
    assert_eq!(written, close);
    let last = [
        SERVER.incoming_final(TEXT, b"last words"),
        SERVER.incoming_final(CLOSE, &close_payload(1000, "")),
    ];
    peer.write_all(&last.concat()).await.expect("it is read");
    peer.shutdown().await.expect("the end");
    let (events, error) = soon(receiving).await;
    assert!(error.is_none(), "{error:?}");
    let [Message::Text(text), Message::Close(close)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&**text, close.code), ("last words", Some(CloseCode::NORMAL)));
}

/// The close timeout is a timer that the stream has to have.
#[tokio::test(start_paused = true)]
async fn a_closed_sink_and_a_silent_peer_come_to_an_end() {
    let (mut sink, stream, _peer) = halves(&Config::new().keepalive(None));
    let receiving = receive_all(stream);
    a_while().await;
    sink.close().await.expect("it is open");
    let (_, error) = soon(receiving).await;
    assert!(matches!(error, Some(Error::Failed(Violation::CloseTimeout))), "{error:?}");
}

/// The stream writes it, and has the close timeout to keep.
#[tokio::test(start_paused = true)]
async fn a_close_that_is_only_fed_wakes_the_stream() {
    let (mut sink, stream, mut peer) = halves(&Config::new().keepalive(None));
    let receiving = receive_all(stream);
    a_while().await;
    sink.feed(Close::new(CloseCode::NORMAL, "").into()).await.expect("it is open");
    // The half of the sink keeps one back until the next.
    sink.feed("next".into()).await.expect("it is kept");
    let close = SERVER.outgoing_close(1000, "");
    let mut written = vec![0; close.len()];
    let read = timeout(Duration::from_secs(3600), peer.read_exact(&mut written)).await;
    read.expect("not forgotten").expect("it is written");
    assert_eq!(written, close);
    let (_, error) = soon(receiving).await;
    assert!(matches!(error, Some(Error::Failed(Violation::CloseTimeout))), "{error:?}");
}

/// Whoever calls its methods is alone: then reading stops again while much waits to be written.
#[tokio::test(start_paused = true)]
async fn a_send_that_was_left_does_not_end_back_pressure() {
    for is_flushed in [false, true] {
        let (ours, mut peer) = tokio::io::duplex(1024);
        let connection = SERVER.connection(&Config::new().keepalive(None));
        let mut ws = WebSocket::new(ours, connection, Vec::new());
        let left = timeout(Duration::from_secs(1), SinkExt::send(&mut ws, vec![7; LONG].into()));
        assert!(left.await.is_err(), "the peer takes nothing");
        if is_flushed {
            let taking = tokio::spawn(async move {
                peer.read_exact(&mut vec![0; LONG + 4]).await.expect("it is written");
                peer
            });
            // The stream writes it.
            assert!(timeout(Duration::from_secs(1), ws.next()).await.is_err());
            peer = soon(taking).await;
            SinkExt::flush(&mut ws).await.expect("all is written");
        }
        tokio::spawn(async move {
            let message = SERVER.incoming_final(BINARY, &[7; 10_000]);
            while peer.write_all(&message).await.is_ok() {}
        });
        while let Ok(Some(event)) = timeout(Duration::from_secs(1), ws.next()).await {
            ws.write(event.expect("it is open")).expect("it is open");
        }
        assert!(ws.unwritten() < 100_000, "{} bytes wait", ws.unwritten());
    }
}
