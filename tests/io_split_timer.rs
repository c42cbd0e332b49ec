//! The one timer of two halves, where it tells nobody but who looks at it: that of smol.

#[path = "support/io.rs"]
mod io;
mod support;

use std::io::Result;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::sleep;
use std::time::{Duration, Instant};

use io::Task;
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
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<Result<usize>> {
        Poll::Pending
    }
}

impl AsyncWrite for Slow {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let mut state = self.0.lock().unwrap();
        if !std::mem::replace(&mut state.was_asked, true) {
            return Poll::Pending;
        }
        state.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
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
        let (reading, writing) = (Task::new(), Task::new());

        writer.write("hello").expect("it is open");
        let mut read = pin!(reader.read());
        assert!(reading.poll(read.as_mut()).is_pending());
        {
            let mut flush = pin!(writer.flush());
            let mut is_flushed = false;
            while !is_flushed {
                stream.0.lock().unwrap().was_asked = false;
                is_flushed = writing.poll(flush.as_mut()).is_ready();
            }
        }
        // From here on the reader is polled when it is woken, as a task is.
        let end = Instant::now() + Duration::from_secs(5);
        while !stream.is_closed() {
            assert!(Instant::now() < end, "round {round}: the peer is never given up");
            if reading.wakes() > 0 {
                let _ = reading.poll(read.as_mut());
            }
            sleep(Duration::from_millis(1));
        }
    }
}
