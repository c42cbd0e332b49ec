//! What a log shows of connections.

use std::fmt::{Debug, Write as _};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sansws::blocking::WebSocket;
use sansws::{Config, io};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

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
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let (stream, _) = listener.accept().expect("the client connects");
        let mut ws = WebSocket::accept(stream, &Config::new())?;
        while ws.read()?.is_some() {}
        // The end is told once.
        let _ = ws.read();
        Ok::<_, io::Error>(())
    })
    .ok();
    client.join().expect("the client is satisfied");
    let lines = log.0.lock().expect("nobody has panicked");
    lines.iter().map(|line| line.trim().to_owned()).collect()
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
                r#"message=a WebSocket failed: a client's frame is not masked code=1006 section="5.1""#,
            ],
        ),
        (
            [REQUEST, b"\x88\x82\0\0\0\0\x03\xE8"].concat(),
            &[accepted, "message=closed a WebSocket code=1000"],
        ),
    ];
    for (sent, expected) in rows {
        assert_eq!(log_of(sent), expected);
    }
}
