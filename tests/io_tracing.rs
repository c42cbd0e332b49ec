//! What a log shows of connections.

use std::fmt::{Debug, Write as _};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sansws::blocking::{Incoming, WebSocket};
use sansws::handshake::RequestBuilder;
use sansws::{Config, io};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// How long nobody waits for a client that does not end its stream.
const SHORT: Duration = Duration::from_millis(50);

/// Keeps what is logged, a line each.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sansws"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().expect("nobody has panicked").push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name()); // into a string
    }
}

/// What a server logs of a client that sends this.
fn log_of(sent: Vec<u8>) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let client = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.write_all(&sent).expect("the server reads");
        stream.read_to_end(&mut Vec::new()).expect("the server ends the stream");
    });
    let lines = logged(|| {
        let (stream, _) = listener.accept().expect("the client connects");
        let mut ws = WebSocket::accept(stream, &Config::new())?;
        while ws.read()?.is_some() {}
        // The end is told once.
        let _ = ws.read();
        Ok::<_, io::Error>(())
    });
    client.join().expect("the client is satisfied");
    lines
}

const REQUEST: &[u8] = b"GET /news HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn a_log_shows_how_connections_begin_and_end() {
    let accepted = r#"message=accepted a WebSocket path="/news""#;
    let rows: [(Vec<u8>, &[&str]); 3] = [
        (
            b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
            &[
                r#"message=refused a handshake: the Upgrade field does not name websocket status=426 section="4.1 and 4.2.1""#,
            ],
        ),
        (
            [REQUEST, b"\x81\x01a"].concat(),
            &[
                accepted,
                r#"message=a WebSocket failed: a client's frame is not masked sent=1002 section="5.1""#,
            ],
        ),
        (
            [REQUEST, b"\x88\x82\0\0\0\0\x03\xE8"].concat(),
            &[accepted, "message=closed a WebSocket sent=1000 received=1000 by_peer=true"],
        ),
    ];
    for (sent, expected) in rows {
        assert_eq!(log_of(sent), expected);
    }
}

/// All that is logged while this is done.
fn logged<T>(act: impl FnOnce() -> T) -> Vec<String> {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || drop(act()));
    let lines = log.0.lock().expect("nobody has panicked");
    lines.iter().map(|line| line.trim().to_owned()).collect()
}

/// A connection, with the request already sent by the client.
fn requested(request: &[u8]) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut client =
        TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it is");
    client.write_all(request).expect("there is room");
    (client, listener.accept().expect("a client").0)
}

#[test]
fn what_begins_in_a_log_ends_there() {
    let accepted = r#"message=accepted a WebSocket path="/news""#;
    let (_client, stream) = requested(REQUEST);
    let lines = logged(|| WebSocket::accept(stream, &Config::new()));
    assert_eq!(lines, [accepted, "message=dropped a WebSocket"]);

    let (_client, stream) = requested(REQUEST);
    let lines = logged(|| {
        let mut ws = WebSocket::accept(stream, &Config::new()).expect("a request");
        ws.send(sansws::Close::new(sansws::CloseCode::GOING_AWAY, "")).expect("there is room");
    });
    assert_eq!(lines, [accepted, "message=dropped a WebSocket sent=1001"]);
}

#[test]
fn what_is_not_opened_is_in_the_log_too() {
    let (client, stream) = requested(b"GET");
    drop(client);
    let lines = logged(|| WebSocket::accept(stream, &Config::new()));
    assert_eq!(lines, ["message=a WebSocket was not opened: unexpected end of file"]);

    let (_client, stream) = requested(REQUEST);
    let lines = logged(|| {
        let incoming = Incoming::receive(stream, &Config::new().handshake_timeout(SHORT))?;
        incoming.respond(503, &[("Retry-After", "5")], b"")
    });
    assert_eq!(lines, [r#"message=answered a request without opening status=503 path="/news""#]);

    // What was said, and not what could not be.
    let (_client, stream) = requested(REQUEST);
    let lines = logged(|| {
        let incoming = Incoming::receive(stream, &Config::new().handshake_timeout(SHORT))?;
        incoming.respond(101, &[], b"")
    });
    assert_eq!(lines, [r#"message=answered a request without opening status=500 path="/news""#]);

    let (_client, stream) = requested(REQUEST);
    let lines = logged(|| {
        let config = Config::new().handshake_timeout(SHORT);
        let incoming = Incoming::receive(stream, &config)?;
        incoming.accept(&config, |_| Err(std::io::Error::other("the database is gone").into()))
    });
    let failed = "message=a WebSocket was not opened: the database is gone";
    let answered = r#"message=answered a request without opening status=500 path="/news""#;
    assert_eq!(lines, [failed, answered]);

    let (stream, mut server) = requested(b"");
    server.write_all(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n").expect("there is room");
    let lines = logged(|| {
        let request = RequestBuilder::new("ws://example.com/news")?;
        WebSocket::connect_over(stream, request, &Config::new())
    });
    let refused = r#"message=a WebSocket was not opened: the server answered with status 404 host="example.com""#;
    assert_eq!(lines, [refused]);
}
