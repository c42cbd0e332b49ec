//! A stream that fails at any point: no panic, no end of waiting missed, and what
//! was received before is delivered.

#[path = "support/io.rs"]
mod io;
mod support;

use std::io::{self as std_io, ErrorKind, Read, Write};
use std::time::Duration;

use io::{Adapter, Script, Stutter, is_blocked};
use proptest::prelude::*;
use sansws::handshake::{BuildError, HandshakeError, UriError};
use sansws::io::Error;
use sansws::{CloseCode, Message, SendError, Violation};
use support::{BINARY, CLOSE, PING, Role, TEXT, close_payload};

/// Of those that streams have, with one that the adapters know; not `WouldBlock`
/// and `Interrupted`, which are no failures.
const KINDS: [ErrorKind; 8] = [
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::BrokenPipe,
    ErrorKind::NotConnected,
    ErrorKind::UnexpectedEof,
    ErrorKind::Unsupported,
    ErrorKind::InvalidData,
    ErrorKind::Other,
];

#[derive(Clone, Debug)]
struct Failing {
    /// How many bytes of the input come before it ends, with an error or without.
    received: usize,
    read_error: Option<ErrorKind>,
    /// How many calls go well before writing fails.
    written: usize,
    write_error: Option<ErrorKind>,
    flush_error: Option<ErrorKind>,
    max_read: usize,
    seed: u64,
    role: Role,
}

fn failing() -> impl Strategy<Value = Failing> {
    let kind = || prop::option::of(prop::sample::select(&KINDS[..]));
    let role = prop::sample::select(&Role::BOTH[..]);
    (0..700usize, kind(), 0..10usize, kind(), kind(), 1..400usize, any::<u64>(), role).prop_map(
        |(received, read_error, written, write_error, flush_error, max_read, seed, role)| Failing {
            received,
            read_error,
            written,
            write_error,
            flush_error,
            max_read,
            seed,
            role,
        },
    )
}

/// Frames, and how many bytes they are up to the end of each.
fn input(role: Role) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for frame in [
        role.incoming_final(TEXT, b"one"),
        role.incoming_final(PING, b"two"),
        role.incoming_final(BINARY, &[3; 300]),
        role.incoming_final(TEXT, &[b'4'; 100]),
        role.incoming_final(CLOSE, &close_payload(1000, "five")),
    ] {
        bytes.extend(frame);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn run<W: Adapter>(failing: &Failing, stutter: Stutter) {
    let (bytes, ends) = input(failing.role);
    let received = failing.received.min(bytes.len());
    let stream = Script::new();
    stream.arrive(&bytes[..received]);
    failing.read_error.map_or_else(|| stream.end(), |kind| stream.fail(kind));
    stream.state().max_read = failing.max_read;
    stream.state().stutter = stutter;
    let mut ws = W::of(failing.role, &stream);
    let (mut events, mut calls) = (0, 0);
    let end = loop {
        calls += 1;
        assert!(calls < 1000, "it never ends");
        if calls > failing.written {
            stream.state().write_error = failing.write_error;
            stream.state().flush_error = failing.flush_error;
        }
        match ws.read() {
            Ok(Some(event)) => {
                if let Message::Text(_) | Message::Binary(_) = event {
                    let is_sent = ws.send(event);
                    assert!(!is_blocked(&is_sent));
                    let is_known = matches!(is_sent, Ok(()) | Err(Error::Io(_) | Error::Send(_)));
                    assert!(is_known, "{is_sent:?}");
                }
                events += 1;
            }
            end => break end,
        }
    };
    assert!(!is_blocked(&end), "{end:?}");
    let whole = ends.iter().filter(|&&end| end <= received).count();
    assert_eq!(events, whole, "all that was received is delivered");
    let is_closed = whole == ends.len();
    assert_eq!(matches!(end, Ok(None)), is_closed, "{end:?}");
    if let (Some(kind), false) = (failing.read_error, is_closed) {
        assert!(matches!(&end, Err(Error::Io(e)) if e.kind() == kind), "{end:?}");
    }
    // And it stays so.
    for _ in 0..3 {
        assert_eq!(format!("{:?}", ws.read()), format!("{end:?}"));
        assert!(ws.send("more").is_err());
        let _ = ws.flush();
        assert_eq!(ws.unwritten(), 0);
    }
    assert_eq!(ws.close(CloseCode::NORMAL, "").is_ok(), is_closed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_stream_can_fail_at_any_point(failing in failing()) {
        // A blocking stream that has nothing yet has nothing for the test's loop.
        run::<sansws::blocking::WebSocket<_>>(&failing, Stutter::Never);
        run::<sansws::tokio::WebSocket<_>>(&failing, Stutter::Random(failing.seed));
        run::<sansws::futures_io::WebSocket<_>>(&failing, Stutter::Random(failing.seed));
    }
}

#[test]
fn an_error_and_what_caused_it_do_not_say_the_same() {
    let errors = [
        Error::Io(ErrorKind::BrokenPipe.into()),
        Error::Failed(Violation::PongTimeout),
        Error::Send(SendError::Closed),
        Error::Handshake(HandshakeError::Method),
        Error::Build(BuildError::Uri(UriError::Host)),
    ];
    for error in errors {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_ne!(source, Some(error.to_string()));
    }
}

#[test]
fn a_stream_that_takes_nothing_is_broken() {
    let stream = Script::new();
    stream.state().max_write = 0;
    let mut ws = <sansws::blocking::WebSocket<_> as Adapter>::of(Role::Server, &stream);
    let result = ws.send("hello");
    assert!(matches!(result, Err(Error::Io(e)) if e.kind() == ErrorKind::WriteZero));
}

/// A stream whose sending side is shut down only after these errors.
struct Reluctant {
    stream: Script,
    errors: Vec<ErrorKind>,
    is_shut: bool,
}

impl Read for Reluctant {
    fn read(&mut self, buf: &mut [u8]) -> std_io::Result<usize> {
        self.stream.read(buf)
    }
}

impl Write for Reluctant {
    fn write(&mut self, buf: &[u8]) -> std_io::Result<usize> {
        self.stream.write(buf)
    }

    fn flush(&mut self) -> std_io::Result<()> {
        self.stream.flush()
    }
}

impl sansws::blocking::Stream for Reluctant {
    fn set_read_timeout(&self, _: Option<Duration>) -> std_io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> std_io::Result<()> {
        if let Some(kind) = self.errors.pop() {
            return Err(kind.into());
        }
        self.is_shut = true;
        Ok(())
    }
}

/// What rustls has to say, for example.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a reason")]
struct Reason;

struct Reasoning;

impl Read for Reasoning {
    fn read(&mut self, _: &mut [u8]) -> std_io::Result<usize> {
        Err(std_io::Error::new(ErrorKind::InvalidData, Reason))
    }
}

impl Write for Reasoning {
    fn write(&mut self, _: &[u8]) -> std_io::Result<usize> {
        Err(std_io::Error::new(ErrorKind::BrokenPipe, Reason))
    }

    fn flush(&mut self) -> std_io::Result<()> {
        Ok(())
    }
}

/// The first time as the stream has told it, and then as a text.
#[test]
fn an_error_of_the_stream_is_told_as_it_is() {
    let connection = Role::Server.connection(&sansws::Config::new());
    let stream = sansws::blocking::ReadWrite(Reasoning);
    let mut ws = sansws::blocking::WebSocket::new(stream, connection, Vec::new());
    let mut told = |is_read: bool| {
        let result = if is_read { ws.read().map(drop) } else { ws.send("hello") };
        let Err(Error::Io(error)) = result else { panic!("{result:?}") };
        let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<Reason>());
        (error.kind(), reason.is_some(), error.to_string())
    };
    for (is_read, kind) in [(false, ErrorKind::BrokenPipe), (true, ErrorKind::InvalidData)] {
        assert_eq!(told(is_read), (kind, true, "a reason".to_owned()));
        if is_read {
            assert_eq!(told(is_read), (kind, false, "a reason".to_owned()));
        }
    }
}

#[test]
fn shutting_down_is_tried_again_if_it_was_put_off() {
    for errors in [vec![], vec![ErrorKind::Interrupted], vec![ErrorKind::WouldBlock; 2]] {
        let stream = Script::new();
        stream.arrive(Role::Server.incoming_final(CLOSE, &close_payload(1000, "")));
        let reluctant = Reluctant { stream, errors: errors.clone(), is_shut: false };
        let connection = Role::Server.connection(&sansws::Config::new());
        let mut ws = sansws::blocking::WebSocket::new(reluctant, connection, Vec::new());
        // The Close frame, and then nothing: the peer waits for the end.
        for _ in 0..4 {
            let _ = ws.read();
        }
        assert!(ws.stream().is_shut, "{errors:?}");
    }
}
