//! What the adapters take from the heap: for a message that is sent back, and while a
//! connection is at rest, nothing.

#[path = "support/counting.rs"]
mod counting;
mod support;

use std::future::Future;
use std::io::{self, IoSlice, Read, Write};
use std::pin::{Pin, pin};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use counting::{NOTHING, cost_of, cost_so_far};
use sansws::io::Error;
use sansws::tokio::WebSocket;
use sansws::{Config, Message, SendError, State, Violation, blocking};
use support::{BINARY, CLOSE, Role, TEXT};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const SERVER: Role = Role::Server;

/// How much is read at a time: no whole number of pages.
const READ: isize = 128 * 1024 - 64;

/// A stream that needs no heap itself: it gives `input` with each read that is allowed,
/// and counts what is written.
struct Source {
    input: Vec<u8>,
    reads: usize,
    written: usize,
    is_stalled: bool,
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads == 0 {
            return Poll::Pending;
        }
        self.reads -= 1;
        buf.put_slice(&self.input);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Source {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_stalled {
            return Poll::Pending;
        }
        self.written += buf.len();
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write(cx, bufs.iter().find(|buf| !buf.is_empty()).expect("something to write"))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A connection to which these messages come with each read.
fn connection(messages: &[(u8, &[u8])]) -> WebSocket<Source> {
    connection_with(&Config::new().keepalive(None), messages) // a timer is the runtime's
}

fn connection_with(config: &Config, messages: &[(u8, &[u8])]) -> WebSocket<Source> {
    let frames = messages.iter().map(|(opcode, payload)| SERVER.incoming_final(*opcode, payload));
    let input = frames.collect::<Vec<_>>().concat();
    let stream = Source { input, reads: 0, written: 0, is_stalled: false };
    WebSocket::new(stream, SERVER.connection(config), Vec::new())
}

fn read(ws: &mut WebSocket<Source>) -> Option<Message> {
    let future = pin!(ws.read());
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result.expect("nothing is wrong").expect("no end")),
        Poll::Pending => None,
    }
}

/// Sends back all messages of so many reads; how many they are.
fn echo(ws: &mut WebSocket<Source>, reads: usize) -> usize {
    ws.stream_mut().reads = reads;
    let mut count = 0;
    while let Some(event) = read(ws) {
        ws.write(event).expect("it is open");
        count += 1;
    }
    count
}

#[test]
fn a_message_that_is_sent_back_takes_nothing() {
    for len in [0, 1, 16, 125, 126, 1024, 10_000] {
        let payload = vec![b'x'; len];
        for opcode in [TEXT, BINARY] {
            let mut ws = connection(&[(opcode, &payload)]);
            echo(&mut ws, 2); // the thread's buffers grow
            let (count, cost) = cost_of(|| echo(&mut ws, 10));
            assert_eq!((count, cost), (10, NOTHING), "{len} bytes");
        }
    }
}

#[test]
fn what_is_left_over_from_others_is_not_worse_than_what_is_kept() {
    let mut busy = connection(&[(BINARY, &[7; 1000][..]); 25]);
    let mut other = connection(&[]);
    type Write<'w> = &'w dyn Fn(&mut WebSocket<Source>);
    let rows: [(&str, Write<'_>); 3] = [
        ("a large message", &|ws| ws.write(vec![1; 20_000]).expect("it is open")),
        ("a ping", &|ws| ws.write(Message::Ping(b"?".into())).expect("it is open")),
        ("a part", &|ws| ws.write_binary_part(&[1], true).expect("it is open")),
    ];
    for (name, write) in rows {
        echo(&mut busy, 2); // the thread's buffers grow
        write(&mut other);
        assert_eq!((read(&mut other), other.unwritten()), (None, 0));
        let (_, cost) = cost_of(|| echo(&mut busy, 1));
        // What is left of the read is copied.
        assert!(cost.allocations <= 1, "{name}: {cost:?}");
    }
}

#[test]
fn what_comes_after_the_end_is_not_copied() {
    // A connection that has failed has a deadline, and so a timer.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("it needs no sockets");
    let _entered = runtime.enter();
    let rows = [
        (SERVER.incoming_final(CLOSE, &[]), State::Closed),
        (SERVER.incoming_final(TEXT, b"\xFF"), State::Failed),
        (SERVER.incoming_final(0x3, &[]), State::Failed),
    ];
    for (last, state) in rows {
        let mut ws = connection(&[(BINARY, b"right")]);
        echo(&mut ws, 2); // the thread's buffers grow
        ws.stream_mut().input = [last, vec![0; 100_000]].concat();
        ws.stream_mut().reads = 1;
        let (event, cost) = cost_of(|| read(&mut ws));
        assert_eq!(event.is_some(), state == State::Closed, "{event:?}");
        assert_eq!(ws.connection().state(), state);
        assert!(cost.peak < 10_000, "{state:?}: {cost:?}");
    }
}

#[test]
fn a_thread_keeps_no_buffer_that_is_large() {
    let mut ws = connection(&[]);
    let large = vec![1; 1 << 20];
    let ((), cost) = cost_of(|| {
        ws.write(&large[..]).expect("it is open");
        assert_eq!((read(&mut ws), ws.unwritten()), (None, 0));
        let mut small = Vec::with_capacity(1 << 20);
        small.push(1);
        ws.write(small).expect("it is open");
        assert_eq!((read(&mut ws), ws.unwritten()), (None, 0));
    });
    // The one to read into among them.
    assert!(cost.live <= (128 + 32 + 16) * 1024, "{cost:?}");
}

#[test]
fn a_message_that_cannot_be_sent_takes_nothing() {
    let mut busy = connection(&[(BINARY, &[7; 1000][..]); 25]);
    echo(&mut busy, 2); // the thread's buffers grow
    let mut in_parts: Vec<_> = (0..20).map(|_| connection(&[])).collect();
    for ws in &mut in_parts {
        ws.write_binary_part(&[1], false).expect("it is open");
        assert_eq!((read(ws), ws.unwritten()), (None, 0));
    }
    let ((), cost) = cost_of(|| {
        for ws in &mut in_parts {
            assert_eq!(ws.write(&[1; 100][..]), Err(SendError::MessageUnfinished));
            assert_eq!(echo(&mut busy, 1), 25);
        }
    });
    assert_eq!(cost.live, 0, "{cost:?}");
}

/// As of a peer that writes the header by itself.
#[test]
fn a_message_whose_header_comes_before_takes_no_more() {
    for opcode in [TEXT, BINARY] {
        let payload = [b'x'; 1000];
        let frame = SERVER.incoming_final(opcode, &payload);
        let (header, masked) = frame.split_at(frame.len() - payload.len());
        let mut ws = connection(&[]);
        ws.stream_mut().input = header.to_vec();
        assert_eq!(echo(&mut ws, 1), 0);
        ws.stream_mut().input = [masked, header].concat();
        echo(&mut ws, 2); // the thread's buffers grow
        let (count, cost) = cost_of(|| echo(&mut ws, 10));
        // What is left of each read is copied.
        assert_eq!((count, cost.allocations, cost.live), (10, 10, 0), "{opcode}: {cost:?}");
    }
}

#[test]
fn what_is_left_of_a_long_read_is_not_copied() {
    // 32 KiB are long.
    for count in [5, 12] {
        let mut ws = connection(&[(BINARY, &[7; 10_000][..])].repeat(count));
        let mut receive = |reads| {
            ws.stream_mut().reads = reads;
            std::iter::from_fn(|| read(&mut ws)).count()
        };
        receive(1); // the thread has a buffer then
        let (received, cost) = cost_of(|| receive(3));
        // Each message is a copy, and was dropped before the next.
        assert_eq!((received, cost.live), (3 * count, 0), "{cost:?}");
        assert_eq!(cost.allocations, received as u64, "{cost:?}");
        assert!(cost.peak <= 10_000, "{cost:?}");
    }
}

#[test]
fn connections_that_have_a_long_read_each_do_not_get_what_is_the_others() {
    let [ones, twos, threes] = [[1; 10_000], [2; 10_000], [3; 10_000]];
    let payloads = [&ones[..], &twos[..], &threes[..]];
    let mut connections = payloads.map(|payload| connection(&[(BINARY, payload); 12]));
    let ((), cost) = cost_of(|| {
        for _ in 0..2 {
            connections.iter_mut().for_each(|ws| ws.stream_mut().reads = 1);
            for _ in 0..12 {
                for (ws, payload) in connections.iter_mut().zip(payloads) {
                    assert!(matches!(read(ws), Some(Message::Binary(data)) if data == payload));
                }
            }
        }
    });
    assert!(cost.peak <= 3 * READ + 10_000, "{cost:?}");
    assert_eq!(cost.live, READ, "the thread keeps one: {cost:?}");
}

#[test]
fn little_that_is_left_of_a_long_read_does_not_keep_the_buffer_from_others() {
    let mut ws = connection(&[(BINARY, &[7; 10_000][..]); 9]);
    ws.stream_mut().is_stalled = true;
    // Until more than 64 KiB wait to be written; then 20,016 bytes are left.
    assert_eq!(echo(&mut ws, 1), 7);
    let mut other = connection(&[(BINARY, &[8; 10_000][..])]);
    other.stream_mut().reads = 1;
    let (event, cost) = cost_of(|| read(&mut other));
    assert!(event.is_some());
    assert!(cost.peak <= 10_000, "it reads into the thread's: {cost:?}");
    ws.stream_mut().is_stalled = false;
    assert_eq!(echo(&mut ws, 0), 2);
}

#[test]
fn a_peer_that_is_given_up_leaves_nothing_of_what_was_read() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("it needs no sockets");
    let _entered = runtime.enter();
    let config = Config::new().keepalive(Some(Duration::from_secs(10)));
    let mut ws = connection_with(&config, &[(BINARY, &[7; 10_000][..]); 12]);
    let ((), cost) = cost_of(|| {
        ws.stream_mut().reads = 1;
        assert!(read(&mut ws).is_some());
        ws.stream_mut().is_stalled = true;
        let result = runtime.block_on(ws.send("?"));
        assert!(matches!(result, Err(Error::Failed(Violation::PongTimeout))), "{result:?}");
    });
    let mut other = connection(&[(BINARY, &[8; 10_000][..])]);
    other.stream_mut().reads = 1;
    let (event, reading) = cost_of(|| read(&mut other));
    assert!(event.is_some());
    assert!(reading.peak <= 10_000, "it reads into what the first had: {cost:?}, {reading:?}");
}

#[test]
fn connections_at_rest_hold_nothing() {
    let payload = [b'x'; 1000];
    let messages = [(BINARY, &payload[..]); 40];
    let mut connections: Vec<_> = (0..20).map(|_| connection(&messages)).collect();
    echo(&mut connections[0], 2); // the thread's buffers grow
    let (count, cost) = cost_of(|| connections.iter_mut().map(|ws| echo(ws, 3)).sum::<usize>());
    assert_eq!((count, cost.live), (20 * 3 * 40, 0), "{cost:?}");
    assert!(connections.iter().all(|ws| ws.stream().written >= 3 * 40 * 1004));
}

/// A blocking stream on which a message comes, and then nothing while the others do their
/// work: it says what its thread has taken by then.
struct Waiting {
    input: Vec<u8>,
    live: mpsc::Sender<isize>,
    all_wait: Arc<Barrier>,
}

impl Read for Waiting {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let input = std::mem::take(&mut self.input);
        buf[..input.len()].copy_from_slice(&input);
        if input.is_empty() {
            self.live.send(cost_so_far().live).expect("the test goes on");
            self.all_wait.wait();
        }
        Ok(input.len())
    }
}

impl Write for Waiting {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn threads_that_wait_keep_only_what_they_read_into() {
    const THREADS: usize = 100;
    let (live, lives) = mpsc::channel();
    let all_wait = Arc::new(Barrier::new(THREADS));
    let echo = || {
        let input = SERVER.incoming_final(BINARY, &[7; 10_000]);
        let stream = Waiting { input, live: live.clone(), all_wait: all_wait.clone() };
        let ws = SERVER.connection(&Config::new());
        let mut ws = blocking::WebSocket::new(blocking::ReadWrite(stream), ws, Vec::new());
        let event = ws.read()?.expect("a message");
        ws.write(event)?;
        ws.read()
    };
    let mut total = 0;
    let results: Vec<_> = thread::scope(|scope| {
        let mut threads = Vec::new();
        // One after the other: those who lend at the same time may keep what they have.
        for _ in 0..THREADS {
            threads.push(scope.spawn(|| cost_of(echo).0));
            total += lives.recv().expect("it waits");
        }
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    });
    for result in results {
        assert!(matches!(result, Err(Error::Failed(Violation::EndOfStream))), "{result:?}");
    }
    // But for a few, which have a buffer for output and one for a message too.
    assert!(total < (THREADS * (128 + 10) * 1024) as isize, "{total}");
}

#[test]
fn a_message_that_is_kept_takes_little_more_than_its_length() {
    let mut ws = connection(&[(BINARY, &[7; 100])]);
    for capacity in [10, 99, 100, 101, 200, 201, 1000, 16_000, 100_000] {
        let mut large = Vec::with_capacity(capacity);
        large.push(1);
        ws.write(large).expect("it is open");
        ws.stream_mut().reads = 1;
        let Some(Message::Binary(data)) = read(&mut ws) else { panic!("a message was sent") };
        assert!(data == [7; 100] && data.capacity() <= 200, "{capacity}: {}", data.capacity());
    }
}

#[test]
fn a_peer_that_does_not_read_makes_its_connection_keep_only_what_waits() {
    let mut busy = connection(&[(BINARY, &[7; 1000][..]); 25]);
    let mut stalled: Vec<_> = (0..100).map(|_| connection(&[])).collect();
    stalled.iter_mut().for_each(|ws| ws.stream_mut().is_stalled = true);
    echo(&mut busy, 2); // the thread's buffers grow
    let ((), cost) = cost_of(|| {
        for ws in &mut stalled {
            ws.write(&[1; 100][..]).expect("it is open");
            assert_eq!((read(ws), ws.unwritten()), (None, 102));
            assert_eq!(echo(&mut busy, 1), 25);
        }
    });
    assert!(cost.live <= 100 * 102, "{cost:?}");
    // For what waits, and for what is left of the other's read: its buffer came back.
    assert!(cost.allocations <= 2 * 100, "{cost:?}");

    // A large message is kept as it is, and must not keep the buffer before it.
    let mut others: Vec<_> = (0..10).map(|_| connection(&[])).collect();
    let ((), cost) = cost_of(|| {
        for ws in &mut others {
            ws.stream_mut().is_stalled = true;
            ws.write(&[1; 100][..]).expect("it is open");
            ws.write(vec![3; 20_000]).expect("it is open");
            assert_eq!((read(ws), ws.unwritten()), (None, 102 + 20_004));
            assert_eq!(echo(&mut busy, 1), 25);
        }
    });
    assert!(cost.live < 10 * 21_000, "{cost:?}");

    for ws in &mut stalled {
        ws.write(&[2; 3000][..]).expect("it is open");
        assert_eq!((read(ws), ws.unwritten()), (None, 102 + 3004));
        ws.stream_mut().is_stalled = false;
        assert_eq!((read(ws), ws.unwritten()), (None, 0));
        assert_eq!(ws.stream().written, 102 + 3004);
    }
}
