//! Deadlines, as the adapters keep them. On tokio with a clock that the test moves;
//! elsewhere with short times, of which only the order is checked.

#[path = "support/flood.rs"]
mod flood;
#[path = "support/io.rs"]
mod io;
mod support;

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use flood::Flood;
use io::{Adapter, Call, Script, Task, is_blocked};
use sansws::CloseCode;
use sansws::handshake::RequestBuilder;
use sansws::io::Error;
use sansws::tokio::{Incoming, WebSocket};
use sansws::{Close, Config, Message, SendError, Violation, blocking, futures_io};
use support::{BINARY, CLOSE, PING, PONG, Role, TEXT, close_payload};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};

const SERVER: Role = Role::Server;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Longer than all timeouts together.
const EVER: Duration = Duration::from_secs(1000);

fn server() -> (DuplexStream, WebSocket<DuplexStream>) {
    let (peer, stream) = duplex(1000);
    (peer, WebSocket::new(stream, SERVER.connection(&Config::new()), Vec::new()))
}

#[tokio::test(start_paused = true)]
async fn silence_brings_a_ping_and_no_answer_a_failure() {
    let (mut peer, mut ws) = server();
    let start = Instant::now();
    let reading = tokio::spawn(async move {
        let result = ws.read().await;
        (result, start.elapsed())
    });
    let mut ping = [0; 2];
    peer.read_exact(&mut ping).await.expect("a ping");
    assert_eq!((ping, start.elapsed().as_secs()), ([0x89, 0], 30));
    // The Close frame, then the end.
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.expect("an orderly end");
    assert_eq!(start.elapsed().as_secs(), 50);
    drop(peer);
    let (result, after) = reading.await.expect("no panic");
    assert!(matches!(result, Err(Error::Failed(Violation::PongTimeout))), "{result:?}");
    assert_eq!(after.as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_put_the_ping_off() {
    let (mut peer, mut ws) = server();
    let reading = tokio::spawn(async move { ws.read().await });
    // Less than a message is enough, even a byte.
    for byte in SERVER.incoming_final(TEXT, b"hello") {
        sleep(seconds(29)).await;
        peer.write_u8(byte).await.expect("it reads");
    }
    let event = reading.await.expect("no panic").expect("a message");
    assert_eq!(event, Some("hello".into()));
    let mut written = Vec::new();
    peer.read_to_end(&mut written).await.expect("it was dropped");
    assert_eq!(written, []);
}

#[tokio::test(start_paused = true)]
async fn each_message_puts_the_ping_off() {
    let (mut peer, mut ws) = server();
    let reading = tokio::spawn(async move {
        for _ in 0..4 {
            ws.read().await?;
        }
        Ok::<_, Error>(())
    });
    for opcode in [TEXT, BINARY, TEXT, BINARY] {
        sleep(seconds(29)).await;
        peer.write_all(&SERVER.incoming_final(opcode, b"hello")).await.expect("it reads");
    }
    reading.await.expect("no panic").expect("four messages");
    let mut written = Vec::new();
    peer.read_to_end(&mut written).await.expect("it was dropped");
    assert_eq!(written, []);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_pings_lives_for_ever() {
    let (mut peer, mut ws) = server();
    let reading = tokio::spawn(async move { while let Ok(Some(_)) = ws.read().await {} });
    for _ in 0..100 {
        let mut ping = [0; 2];
        peer.read_exact(&mut ping).await.expect("a ping");
        assert_eq!(ping, [0x89, 0]);
        peer.write_all(&SERVER.incoming_final(PONG, &[])).await.expect("it reads");
    }
    assert!(!reading.is_finished());
}

/// Takes `len` bytes, no more than 500 each second.
async fn take_slowly(peer: &mut DuplexStream, len: usize) {
    let mut left = len;
    while left > 0 {
        sleep(seconds(1)).await;
        let mut some = vec![0; left.min(500)];
        peer.read_exact(&mut some).await.expect("it writes");
        left -= some.len();
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_that_takes_what_is_sent_lives() {
    // The ping waits behind a message that takes 200 seconds.
    let message = vec![7; 100_000];
    for is_split in [false, true] {
        let (mut peer, mut ws) = server();
        let message = message.clone();
        let task = tokio::spawn(async move {
            if !is_split {
                ws.write(message)?;
                return ws.read().await;
            }
            let (mut reader, mut writer) = ws.split();
            let reading = tokio::spawn(async move { reader.read().await });
            writer.send(message).await?;
            reading.await.expect("no panic")
        });
        take_slowly(&mut peer, 10 + 100_000).await;
        let mut ping = [0; 2];
        peer.read_exact(&mut ping).await.expect("a ping");
        assert_eq!(ping, [0x89, 0], "split: {is_split}");
        peer.write_all(&SERVER.incoming_final(TEXT, b"hello")).await.expect("it reads");
        let event = task.await.expect("no panic").expect("it lives");
        assert_eq!(event, Some("hello".into()), "split: {is_split}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let (_peer, mut ws) = server();
    let start = Instant::now();
    ws.write(vec![7; 100_000]).expect("it is open");
    let result = ws.read().await;
    assert!(matches!(result, Err(Error::Failed(Violation::PongTimeout))), "{result:?}");
    assert_eq!(start.elapsed().as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_does_not_hold_up_a_send_for_ever() {
    for is_split in [false, true] {
        let (_peer, mut ws) = server();
        let start = Instant::now();
        let message = vec![7; 100_000];
        let result = if is_split {
            let (mut reader, mut writer) = ws.split();
            tokio::spawn(async move { reader.read().await });
            timeout(EVER, writer.send(message)).await
        } else {
            let result = timeout(EVER, ws.send(message)).await;
            let again = ws.flush().await;
            assert!(matches!(again, Err(Error::Failed(Violation::PongTimeout))), "{again:?}");
            result
        };
        let result = result.expect("an end");
        assert!(matches!(result, Err(Error::Failed(Violation::PongTimeout))), "{result:?}");
        assert_eq!(start.elapsed().as_secs(), 50);
    }
    // Nor what waits before a Close.
    let (_peer, mut ws) = server();
    let start = Instant::now();
    ws.write(vec![7; 100_000]).expect("it is open");
    let result = timeout(EVER, ws.send(Close::new(CloseCode::NORMAL, ""))).await.expect("an end");
    assert!(matches!(result, Err(Error::Failed(Violation::CloseTimeout))), "{result:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(matches!(ws.read().await, Err(Error::Failed(Violation::CloseTimeout))));
    // Unless the program wants no keepalive.
    let (_peer, stream) = duplex(1000);
    let ws = SERVER.connection(&Config::new().keepalive(None));
    let mut ws = WebSocket::new(stream, ws, Vec::new());
    assert!(timeout(EVER, ws.send(vec![7; 100_000])).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_ping_leaves_what_was_read_before() {
    // Which is long, or short.
    for len in [10_000, 10] {
        let stream = Script::new();
        let ws = SERVER.connection(&Config::new());
        let mut ws = WebSocket::new(stream.clone(), ws, Vec::new());
        let messages: Vec<_> = (0..12).map(|i| vec![i; len]).collect();
        let frames = messages.iter().map(|message| SERVER.incoming_final(BINARY, message));
        stream.arrive(frames.collect::<Vec<_>>().concat());
        let (first, rest) = messages.split_first().expect("there are twelve");
        assert_eq!(ws.read().await.expect("it is open"), Some(first.clone().into()));

        stream.state().room = 0;
        let sending = timeout(seconds(40), ws.send("?")).await;
        assert!(sending.is_err() && ws.unwritten() == 3 + 2, "a ping waits too: {sending:?}");
        stream.state().room = usize::MAX;
        for message in rest {
            assert!(ws.read().await.expect("it is open") == Some(message.clone().into()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_does_not_end_a_send() {
    let (mut peer, mut ws) = server();
    let sending = tokio::spawn(async move { ws.send(vec![7; 100_000]).await });
    take_slowly(&mut peer, 10 + 100_000 - 500).await;
    // It sleeps for less than both together.
    sleep(seconds(49)).await;
    take_slowly(&mut peer, 500).await;
    assert!(matches!(sending.await.expect("no panic"), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_takes_without_a_wait_is_no_sign_of_life() {
    let (mut peer, mut ws) = server();
    let start = Instant::now();
    ws.write(vec![7; 1500]).expect("it is open");
    let reading = async {
        loop {
            // There is room for what is written until long after the last sign.
            tokio::select! {
                result = ws.read() => return result,
                () = sleep(seconds(1)) => match ws.write("tick") {
                    Ok(()) | Err(SendError::Closed) => {}
                    Err(error) => panic!("{error}"),
                },
            }
        }
    };
    let (result, ()) = tokio::join!(reading, take_slowly(&mut peer, 1000));
    assert!(matches!(result, Err(Error::Failed(Violation::PongTimeout))), "{result:?}");
    assert!((52..65).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_a_close_is_given_up() {
    let (_peer, mut ws) = server();
    let start = Instant::now();
    let result = ws.close(CloseCode::NORMAL, "").await;
    assert!(matches!(result, Err(Error::Failed(Violation::CloseTimeout))), "{result:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_end_the_stream_after_its_close_is_given_up() {
    let (mut peer, mut ws) = server();
    let close = SERVER.incoming_final(CLOSE, &close_payload(1000, ""));
    peer.write_all(&close).await.expect("it reads");
    let start = Instant::now();
    assert!(matches!(ws.read().await, Ok(Some(Message::Close(_)))));
    assert_eq!(start.elapsed().as_secs(), 0);
    assert!(matches!(ws.read().await, Ok(None)));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_stops_sending_does_not_stop_the_close_timeout() {
    for is_violation in [false, true] {
        let (mut peer, mut ws) = server();
        let flood = tokio::spawn(async move {
            let first = if is_violation { vec![0xFF; 10] } else { Vec::new() };
            peer.write_all(&first).await?;
            loop {
                // Time passes, but there is always something to read.
                tokio::time::advance(Duration::from_millis(10)).await;
                peer.write_all(&SERVER.incoming_final(TEXT, b"more").repeat(100)).await?;
            }
            #[allow(unreachable_code, reason = "it says the type")]
            Ok::<_, std::io::Error>(())
        });
        let result = timeout(EVER, async {
            if is_violation { ws.read().await.map(drop) } else { ws.close(None, "").await }
        });
        let expected = if is_violation { Violation::ReservedBit } else { Violation::CloseTimeout };
        let result = result.await.expect("an end");
        assert!(matches!(result, Err(Error::Failed(v)) if v == expected), "{result:?}");
        drop(ws);
        let _ = flood.await;
    }
}

#[test]
fn a_stream_that_never_stops_does_not_stop_the_close_timeout() {
    let config = Config::new().close_timeout(Duration::from_millis(50));
    let stream = blocking::ReadWrite(Flood);
    let mut ws = blocking::WebSocket::new(stream, SERVER.connection(&config), Vec::new());
    let result = ws.close(None, "");
    assert!(matches!(result, Err(Error::Failed(Violation::CloseTimeout))), "{result:?}");
}

#[test]
fn a_stream_that_is_always_ready_does_not_stop_the_close_timeout() {
    let config = Config::new().close_timeout(Duration::from_millis(50));
    let connection = SERVER.connection(&config);
    let mut ws = futures_io::WebSocket::new(Flood, connection, Vec::new());
    let (task, mut close) = (Task::new(), pin!(ws.close(None, "")));
    let mut polls = (0..1000).map(|_| task.poll(close.as_mut()));
    let result = polls.find(Poll::is_ready);
    let Some(Poll::Ready(Err(Error::Failed(Violation::CloseTimeout)))) = result else {
        panic!("{result:?}")
    };
}

/// Says a byte a millisecond, of a request that never ends.
struct Trickle(u32);

impl Read for Trickle {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        thread::sleep(Duration::from_millis(1));
        self.0 += 1;
        assert!(self.0 < 5000, "it is read for ever");
        buf[0] = b'G';
        Ok(1)
    }
}

impl Write for Trickle {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_blocking_stream_that_trickles_does_not_stop_the_handshake_timeout() {
    let config = Config::new().handshake_timeout(Duration::from_millis(50));
    let result = blocking::WebSocket::accept(blocking::ReadWrite(Trickle(0)), &config);
    assert!(matches!(result, Err(Error::HandshakeTimeout)), "{:?}", result.err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_given_up() {
    let (_peer, stream) = duplex(1000);
    let start = Instant::now();
    let result = Incoming::receive(stream, &Config::new()).await;
    assert!(matches!(result, Err(Error::HandshakeTimeout)));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_trickles_is_given_up() {
    let (mut peer, stream) = duplex(1000);
    let trickle = tokio::spawn(async move {
        for byte in REQUEST {
            sleep(seconds(1)).await;
            peer.write_u8(*byte).await?;
        }
        Ok::<_, std::io::Error>(())
    });
    let start = Instant::now();
    let result = Incoming::receive(stream, &Config::new()).await;
    assert!(matches!(result, Err(Error::HandshakeTimeout)));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(trickle.await.expect("no panic").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_trickles_is_given_up() {
    let (mut peer, stream) = duplex(1000);
    let trickle = tokio::spawn(async move {
        for byte in b"HTTP/1.1 101 Switching Protocols\r\n" {
            sleep(seconds(1)).await;
            peer.write_u8(*byte).await?;
        }
        Ok::<_, std::io::Error>(())
    });
    let request = RequestBuilder::new("ws://h/").expect("a URI");
    let start = Instant::now();
    let result = WebSocket::connect_over(stream, request, &Config::new()).await;
    assert!(matches!(result, Err(Error::HandshakeTimeout)));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(trickle.await.expect("no panic").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    let (mut peer, stream) = duplex(50);
    let config = Config::new();
    tokio::spawn(async move {
        peer.write_all(REQUEST).await.expect("it reads");
        sleep(EVER).await;
    });
    let result = WebSocket::accept(stream, &config).await;
    assert!(matches!(result, Err(Error::HandshakeTimeout)));
}

#[tokio::test(start_paused = true)]
async fn a_program_may_be_long_about_its_answer() {
    for accepts in [true, false] {
        let (mut peer, stream) = duplex(1000);
        peer.write_all(REQUEST).await.expect("there is room");
        let incoming = Incoming::receive(stream, &Config::new()).await.expect("a request");
        sleep(EVER).await;
        if accepts {
            incoming
                .accept(&Config::new(), |request| Ok(request.accept()?))
                .await
                .expect("it is right");
        } else {
            let refusing = tokio::spawn(async move {
                incoming.respond(503, &[], b"busy").await.expect("it is told");
            });
            let mut answer = Vec::new();
            peer.read_to_end(&mut answer).await.expect("an orderly end");
            assert!(answer.starts_with(b"HTTP/1.1 503") && answer.ends_with(b"busy"));
            drop(peer);
            refusing.await.expect("no panic");
        }
    }
}

#[test]
fn a_program_may_be_long_about_its_choice() {
    let (mut peer, stream) = tcp();
    peer.write_all(REQUEST).expect("there is room");
    let config = Config::new().handshake_timeout(Duration::from_millis(100));
    let incoming = blocking::Incoming::receive(stream, &config).expect("a request");
    let accepted = incoming.accept(&config, |request| {
        thread::sleep(Duration::from_millis(300));
        Ok(request.accept()?)
    });
    accepted.expect("it is right");
    let mut answer = String::new();
    peer.read_to_string(&mut answer).expect("an orderly end");
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn lingering_after_a_refusal_is_bounded() {
    let (mut peer, stream) = duplex(1000);
    peer.write_all(REQUEST).await.expect("there is room");
    let start = Instant::now();
    let incoming = Incoming::receive(stream, &Config::new()).await.expect("a request");
    // It sends for as long as it likes.
    let (mut reading, mut writing) = tokio::io::split(peer);
    tokio::spawn(async move {
        while writing.write_u8(b'x').await.is_ok() {
            sleep(seconds(1)).await;
        }
    });
    let answer = tokio::spawn(async move {
        let mut answer = Vec::new();
        reading.read_to_end(&mut answer).await.expect("an orderly end");
        (answer, Instant::now())
    });
    incoming.respond(404, &[], b"no").await.expect("an answer");
    assert_eq!(start.elapsed().as_secs(), 10);
    let (answer, at) = answer.await.expect("no panic");
    assert!(answer.starts_with(b"HTTP/1.1 404") && answer.ends_with(b"no"));
    assert_eq!((at - start).as_secs(), 0);
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("it listens");
    (peer, listener.accept().expect("a client").0)
}

fn short() -> Config {
    let short = Duration::from_millis(50);
    Config::new()
        .keepalive(Some(short))
        .pong_timeout(short)
        .close_timeout(short)
        .handshake_timeout(short)
}

#[test]
fn deadlines_pass_on_a_blocking_stream() {
    let (mut peer, stream) = tcp();
    let mut ws = blocking::WebSocket::new(stream, SERVER.connection(&short()), Vec::new());
    let result = ws.read();
    assert!(matches!(result, Err(Error::Failed(Violation::PongTimeout))), "{result:?}");
    let mut read = Vec::new();
    drop(ws);
    peer.read_to_end(&mut read).expect("an orderly end");
    assert_eq!(read[..3], [0x80 | PING, 0, 0x80 | CLOSE]);

    let (_peer, stream) = tcp();
    let mut ws = blocking::WebSocket::new(stream, SERVER.connection(&short()), Vec::new());
    let result = ws.close(CloseCode::NORMAL, "");
    assert!(matches!(result, Err(Error::Failed(Violation::CloseTimeout))), "{result:?}");

    let (_peer, stream) = tcp();
    let result = blocking::Incoming::receive(stream, &short());
    assert!(matches!(result, Err(Error::HandshakeTimeout)));
}

/// Gives a message to every read, and counts how often its timeout is set.
struct Counting {
    message: Vec<u8>,
    settings: Cell<usize>,
}

impl Read for Counting {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        buf[..self.message.len()].copy_from_slice(&self.message);
        Ok(self.message.len())
    }
}

impl Write for Counting {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl blocking::Stream for Counting {
    fn set_read_timeout(&self, _: Option<Duration>) -> std::io::Result<()> {
        self.settings.set(self.settings.get() + 1);
        Ok(())
    }

    fn shut_down(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_timeout_of_a_blocking_stream_is_set_once_while_messages_come() {
    let message = SERVER.incoming_final(BINARY, b"hello");
    let stream = Counting { message, settings: Cell::new(0) };
    let mut ws = blocking::WebSocket::new(stream, SERVER.connection(&Config::new()), Vec::new());
    for _ in 0..100_000 {
        assert!(matches!(ws.read(), Ok(Some(Message::Binary(_)))));
    }
    assert_eq!(ws.stream().settings.get(), 1);
}

#[test]
fn the_handshakes_deadline_is_none_of_a_blocking_connections() {
    let (mut peer, stream) = tcp();
    peer.write_all(REQUEST).expect("there is room");
    let config = short().keepalive(None);
    let accepting = thread::spawn(move || {
        let mut ws = blocking::WebSocket::accept(stream, &config)?;
        ws.read()
    });
    // The test has nothing to wait for but time: the deadline's passing.
    thread::sleep(Duration::from_millis(200));
    peer.write_all(&SERVER.incoming_final(TEXT, b"late")).expect("it reads");
    let result = accepting.join().expect("no panic");
    assert!(matches!(&result, Ok(Some(Message::Text(_)))), "{result:?}");
}

#[test]
fn a_stream_that_does_not_block_is_not_asked_in_circles() {
    let (_peer, stream) = tcp();
    stream.set_nonblocking(true).expect("TCP can");
    let mut ws = blocking::WebSocket::new(stream, SERVER.connection(&Config::new()), Vec::new());
    let result = ws.read();
    assert!(is_blocked(&result), "{result:?}");

    let stream = Script::new();
    let mut ws = <blocking::WebSocket<_> as Adapter>::of(SERVER, &stream);
    assert!(is_blocked(&ws.read()));
    assert_eq!(stream.count(Call::Read), 1);
}

#[test]
fn the_programs_own_timeout_is_told() {
    let (_peer, stream) = tcp();
    stream.set_read_timeout(Some(Duration::from_millis(20))).expect("TCP can");
    let config = Config::new().keepalive(None);
    let mut ws = blocking::WebSocket::new(stream, SERVER.connection(&config), Vec::new());
    let result = ws.read();
    assert!(matches!(&result, Err(Error::Io(e)) if e.kind() == ErrorKind::WouldBlock));
}

#[test]
fn deadlines_pass_on_a_stream_of_smol() {
    smol::block_on(async {
        let (peer, stream) = tcp();
        let stream = smol::Async::new(stream).expect("TCP can");
        let mut ws = futures_io::WebSocket::new(stream, SERVER.connection(&short()), Vec::new());
        let result = ws.read().await;
        assert!(matches!(result, Err(Error::Failed(Violation::PongTimeout))), "{result:?}");
        drop((ws, peer));

        let (_peer, stream) = tcp();
        let stream = smol::Async::new(stream).expect("TCP can");
        let mut ws = futures_io::WebSocket::new(stream, SERVER.connection(&short()), Vec::new());
        let result = ws.close(CloseCode::NORMAL, "").await;
        assert!(matches!(result, Err(Error::Failed(Violation::CloseTimeout))), "{result:?}");

        let (_peer, stream) = tcp();
        let stream = smol::Async::new(stream).expect("TCP can");
        let result = futures_io::Incoming::receive(stream, &short()).await;
        assert!(matches!(result, Err(Error::HandshakeTimeout)));
    });
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_comes_about_later_and_is_earlier_is_kept() {
    let config = Config::new().keepalive(Some(seconds(1000)));
    let stream = Script::new();
    let (mut reader, mut writer) =
        WebSocket::new(stream, SERVER.connection(&config), Vec::new()).split();
    let reading = tokio::spawn(async move { reader.read().await });
    sleep(seconds(100)).await;
    writer.close(CloseCode::NORMAL, "").await.expect("there is room");
    let result = timeout(seconds(11), reading).await.expect("it ends");
    let Ok(Err(Error::Failed(Violation::CloseTimeout))) = result else { panic!("{result:?}") };
}

#[test]
fn a_deadline_that_comes_about_later_and_is_earlier_is_kept_by_async_io() {
    let config =
        Config::new().keepalive(Some(seconds(1000))).close_timeout(Duration::from_millis(50));
    let ws = futures_io::WebSocket::new(Script::new(), SERVER.connection(&config), Vec::new());
    let (mut reader, mut writer) = ws.split();
    let mut read = pin!(reader.read());
    // Its timer is set for the ping.
    assert!(Task::new().poll(read.as_mut()).is_pending());
    let result = smol::block_on(async {
        writer.close(CloseCode::NORMAL, "").await?;
        let too_late = async {
            smol::Timer::after(seconds(20)).await;
            panic!("it waits for the ping");
        };
        smol::future::or(read, too_late).await
    });
    assert!(matches!(result, Err(Error::Failed(Violation::CloseTimeout))), "{result:?}");
}
