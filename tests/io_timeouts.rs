//! The timeouts of blocking streams: those that the adapter sets for its deadlines, and
//! those of the stream's own.

#[path = "support/io.rs"]
mod io;
mod support;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self as std_io, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use io::is_blocked;
use sansws::blocking::{ReadWrite, Stream, WebSocket};
use sansws::io::Error;
use sansws::{Close, Config, Message, Violation};
use support::handshake::{REQUEST, head};
use support::{BINARY, CLOSE, PONG, Role, close_payload};

const SERVER: Role = Role::Server;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Gives one of these to every read, then nothing, and remembers the timeouts that were set.
struct Remembering {
    arriving: VecDeque<Vec<u8>>,
    timeouts: RefCell<Vec<Option<Duration>>>,
}

impl Remembering {
    fn new<const N: usize>(arriving: [Vec<u8>; N]) -> Self {
        Self { arriving: arriving.into(), timeouts: RefCell::default() }
    }
}

impl Read for Remembering {
    fn read(&mut self, buf: &mut [u8]) -> std_io::Result<usize> {
        let bytes = self.arriving.pop_front().ok_or(ErrorKind::WouldBlock)?;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl Write for Remembering {
    fn write(&mut self, buf: &[u8]) -> std_io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> std_io::Result<()> {
        Ok(())
    }
}

impl Stream for Remembering {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> std_io::Result<()> {
        self.timeouts.borrow_mut().push(timeout);
        Ok(())
    }

    fn shut_down(&mut self) -> std_io::Result<()> {
        Ok(())
    }
}

fn last_timeout(ws: &WebSocket<Remembering>) -> Duration {
    ws.stream().timeouts.borrow().last().copied().flatten().expect("a deadline")
}

#[test]
fn the_timeout_is_set_anew_for_a_deadline_that_is_earlier_or_much_later() {
    let message = SERVER.incoming_final(BINARY, b"hello");
    let stream = Remembering::new([head(&REQUEST), message.clone(), message]);
    let config = Config::new()
        .handshake_timeout(seconds(10))
        .keepalive(Some(seconds(1000)))
        .close_timeout(seconds(5));
    let mut ws = WebSocket::accept(stream, &config).expect("a right request");
    assert!(matches!(ws.stream().timeouts.take()[..], [Some(set), None] if set <= seconds(10)));
    assert!(matches!(ws.read(), Ok(Some(Message::Binary(_)))));
    assert!(last_timeout(&ws) > seconds(500));
    ws.write(Message::Close(Close::default())).expect("it is open");
    assert!(matches!(ws.read(), Ok(Some(Message::Binary(_)))));
    assert!(last_timeout(&ws) <= seconds(5));
}

#[test]
fn without_a_keepalive_the_timeout_is_the_programs_after_the_handshake() {
    let message = SERVER.incoming_final(BINARY, b"hello");
    let stream = Remembering::new([head(&REQUEST), message]);
    let mut ws = WebSocket::accept(stream, &Config::new().keepalive(None)).expect("it is right");
    assert_eq!(ws.stream().timeouts.take().last(), Some(&None));
    assert!(matches!(ws.read(), Ok(Some(Message::Binary(_)))));
    assert!(is_blocked(&ws.read()));
    assert_eq!(ws.stream().timeouts.take(), []);
}

#[test]
fn the_programs_timeout_is_set_where_no_deadline_is_earlier() {
    let message = SERVER.incoming_final(BINARY, b"hello");
    let stream = Remembering::new([message.clone(), message.clone(), message.clone(), message]);
    let config = Config::new().keepalive(Some(seconds(1000))).close_timeout(seconds(5));
    let mut ws = WebSocket::new(stream, SERVER.connection(&config), Vec::new());
    let left = ws.deadline().expect("a keepalive").saturating_duration_since(Instant::now());
    assert!(left > seconds(900) && left <= seconds(1000), "{left:?}");
    for own in [Some(seconds(700)), Some(seconds(3)), Some(Duration::ZERO)] {
        ws.set_read_timeout(own);
        assert!(matches!(ws.read(), Ok(Some(Message::Binary(_)))));
        let expected = own.map(|own| own.max(Duration::from_millis(1)));
        assert_eq!(ws.stream().timeouts.take(), [expected]);
    }
    ws.set_read_timeout(Some(seconds(2)));
    // Not as long as it closes, when there is a deadline in any case; but after that again.
    assert!(is_blocked(&ws.close(None, "")));
    assert!(last_timeout(&ws) > seconds(3));
    assert!(is_blocked(&ws.read()));
    assert_eq!(last_timeout(&ws), seconds(2));
    ws.set_read_timeout(Some(seconds(700)));
    assert!(is_blocked(&ws.read()));
    let last = last_timeout(&ws);
    assert!(last > seconds(3) && last <= seconds(5), "{last:?}");

    let mut ws = WebSocket::new(
        Remembering::new([]),
        SERVER.connection(&Config::new().keepalive(None)),
        vec![],
    );
    assert_eq!(ws.deadline(), None);
    for own in [Some(seconds(3)), Some(seconds(5)), Some(seconds(2)), None] {
        ws.set_read_timeout(own);
        assert!(is_blocked(&ws.read()));
        assert_eq!(ws.stream().timeouts.take(), [own]);
    }
}

/// Says a byte of a long message each millisecond.
struct Trickling(VecDeque<u8>);

impl Read for Trickling {
    fn read(&mut self, buf: &mut [u8]) -> std_io::Result<usize> {
        thread::sleep(Duration::from_millis(1));
        buf[0] = self.0.pop_front().expect("nobody waits for all of it");
        Ok(1)
    }
}

impl Write for Trickling {
    fn write(&mut self, buf: &[u8]) -> std_io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> std_io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_comes_bit_by_bit_is_waited_for_no_longer_than_the_program_has_set() {
    let message = SERVER.incoming_final(BINARY, &[7; 10_000]);
    for keepalive in [None, Some(seconds(100))] {
        let stream = ReadWrite(Trickling(message.clone().into()));
        let config = Config::new().keepalive(keepalive);
        let mut ws = WebSocket::new(stream, SERVER.connection(&config), Vec::new());
        ws.set_read_timeout(Some(Duration::from_millis(20)));
        for _ in 0..3 {
            let before = ws.connection().buffered();
            assert!(is_blocked(&ws.read()));
            assert!(ws.connection().buffered() > before, "nothing is lost");
        }
    }
}

/// As programs for tungstenite do it: a thread reads, with pauses, and others write.
#[test]
fn threads_can_share_a_connection_by_turns() {
    let (mut peer, stream) = tcp();
    let config = Config::new().keepalive(Some(Duration::from_millis(200)));
    let mut ws = WebSocket::new(stream, SERVER.connection(&config), Vec::new());
    ws.set_read_timeout(Some(Duration::from_millis(5)));
    let ws = Arc::new(Mutex::new(ws));
    let reading = thread::spawn({
        let ws = Arc::clone(&ws);
        move || {
            let mut blocked = 0;
            loop {
                match ws.lock().expect("no panic").read() {
                    Ok(Some(Message::Close(_)) | None) => return blocked,
                    Ok(Some(_)) => {}
                    result => {
                        assert!(is_blocked(&result), "{result:?}");
                        blocked += 1;
                    }
                }
                // Whoever waits for the lock is to have it.
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    for _ in 0..10 {
        ws.lock().expect("no panic").send("hello").expect("it is open");
    }
    let mut hellos = [0; 70];
    peer.read_exact(&mut hellos).expect("ten messages");
    // It still keeps the connection alive.
    let mut ping = [0; 2];
    peer.read_exact(&mut ping).expect("a ping");
    assert_eq!(ping, [0x89, 0]);
    peer.write_all(&SERVER.incoming_final(PONG, b"")).expect("it reads");
    peer.write_all(&SERVER.incoming_final(CLOSE, &close_payload(1000, ""))).expect("it reads");
    assert!(reading.join().expect("no panic") > 1);
}

#[test]
fn the_timeout_is_never_none_because_it_has_passed() {
    let config = Config::new().keepalive(Some(Duration::from_millis(10)));
    let stream = Remembering::new([]);
    let mut ws = WebSocket::new(stream, SERVER.connection(&config), Vec::new());
    assert!(is_blocked(&ws.read()));
    // The test has nothing to wait for but time: the deadline's passing.
    thread::sleep(Duration::from_millis(20));
    let _ = ws.read();
    let timeouts = ws.stream().timeouts.borrow();
    assert!(timeouts.len() > 1);
    assert!(timeouts.iter().all(|timeout| *timeout > Some(Duration::ZERO)), "{timeouts:?}");
}

/// Whose reads fail.
struct Failing(fn() -> std_io::Error);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std_io::Result<usize> {
        Err(self.0())
    }
}

impl Write for Failing {
    fn write(&mut self, buf: &[u8]) -> std_io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> std_io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_timeout_of_the_stream_is_told_from_one_of_the_network() {
    let read = |error| {
        let stream = ReadWrite(Failing(error));
        let config = Config::new().keepalive(None);
        let mut ws = WebSocket::new(stream, SERVER.connection(&config), Vec::new());
        (ws.read(), ws.read())
    };
    let (first, second) = read(|| ErrorKind::TimedOut.into());
    assert!(is_blocked(&first) && is_blocked(&second), "{first:?}, {second:?}");
    #[cfg(unix)]
    {
        let (first, second) =
            read(|| std_io::Error::from_raw_os_error(nix::errno::Errno::ETIMEDOUT as i32));
        for result in [first, second] {
            let is_told = matches!(&result, Err(Error::Io(e)) if e.kind() == ErrorKind::TimedOut);
            assert!(is_told, "{result:?}");
        }
    }
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("it listens");
    (peer, listener.accept().expect("a client").0)
}

#[test]
fn a_blocking_read_that_comes_back_too_early_goes_on() {
    let (mut peer, stream) = tcp();
    // The timeout for the pong stays for the silence after it, since it is not much shorter.
    let config = Config::new()
        .keepalive(Some(Duration::from_millis(200)))
        .pong_timeout(Duration::from_millis(150))
        .close_timeout(Duration::from_millis(50));
    let mut ws = WebSocket::new(stream, SERVER.connection(&config), Vec::new());
    let answering = thread::spawn(move || {
        let mut ping = [0; 2];
        peer.read_exact(&mut ping).expect("a ping");
        peer.write_all(&SERVER.incoming_final(PONG, b"")).expect("it reads");
        peer
    });
    assert_eq!(ws.read().expect("a pong"), Some(Message::Pong(b""[..].into())));
    let result = ws.read();
    assert!(matches!(result, Err(Error::Failed(Violation::PongTimeout))), "{result:?}");
    drop(answering.join().expect("no panic"));
}
