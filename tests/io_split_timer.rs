//! The one timer of two halves, where it tells nobody but who looks at it: that of smol.

mod support;

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sansws::Config;
use sansws::futures_io::WebSocket;
use smol::io::{AsyncRead, AsyncWrite};
use support::{CLOSE, Role};

/// Short: each round takes three.
const INTERVAL: Duration = Duration::from_millis(10);

/// Takes something only if it is asked twice at a time.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    was_asked: bool,
    written: Vec<u8>,
}

impl Slow {
    fn is_closed(&self) -> bool {
        self.0.lock().unwrap().written.contains(&(0x80 | CLOSE))
    }
}

impl AsyncRead for Slow {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}

impl AsyncWrite for Slow {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock().unwrap();
        if !std::mem::replace(&mut state.was_asked, true) {
            return Poll::Pending;
        }
        state.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// It is the writer that finds the ping due, and then has nothing to wait for; the peer that
/// does not answer is the reader's to give up. In some rounds the writer is the first to see
/// that the time has come.
#[test]
fn a_reader_is_woken_for_the_deadline_that_follows_the_writers() {
    for round in 0..20 {
        let config = Config::new().keepalive(Some(INTERVAL)).pong_timeout(INTERVAL);
        let stream = Slow::default();
        let ws = WebSocket::new(stream.clone(), Role::Server.connection(&config), Vec::new());
        let (mut reader, mut writer) = ws.split();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut reading = Context::from_waker(&waker);
        let mut writing = Context::from_waker(Waker::noop());

        writer.write("hello").expect("it is open");
        let mut read = pin!(reader.read());
        assert!(read.as_mut().poll(&mut reading).is_pending());
        {
            let mut flush = pin!(writer.flush());
            let mut is_flushed = false;
            while !is_flushed {
                stream.0.lock().unwrap().was_asked = false;
                is_flushed = flush.as_mut().poll(&mut writing).is_ready();
            }
        }
        // From here on the reader is polled when it is woken, as a task is.
        let end = Instant::now() + Duration::from_secs(5);
        while !stream.is_closed() {
            assert!(Instant::now() < end, "round {round}: the peer is never given up");
            if wakes.0.swap(0, Ordering::SeqCst) > 0 {
                let _ = read.as_mut().poll(&mut reading);
            }
            sleep(Duration::from_millis(1));
        }
    }
}
