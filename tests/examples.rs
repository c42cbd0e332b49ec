//! The examples as their users run them: what they print, refuse and survive.

#[path = "support/peers.rs"]
mod peers;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use peers::{Program, example, start_server};

const REQUEST: &str = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A connection that fails the test rather than wait for ever.
fn connect(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address).expect("the server listens");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    socket
}

/// Sends bytes and no more; all that comes back until the end of the stream.
fn exchange(address: &str, request: &[u8]) -> Vec<u8> {
    let mut socket = connect(address);
    socket.write_all(request).expect("the server reads");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("the server ends the stream");
    answer
}

fn opened(address: &str) -> TcpStream {
    let mut socket = connect(address);
    socket.write_all(REQUEST.as_bytes()).expect("the server reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("the server answers");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
    socket
}

#[test]
fn each_example_explains_itself() {
    for name in ["echo_server", "echo_client", "chat"] {
        let output = Command::new(example(name)).arg("--help").output().expect("it runs");
        let help = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && help.contains("Usage:"), "{name}: {help}");
    }
}

#[test]
fn the_echo_server_refuses_what_is_no_handshake() {
    let (_server, address) = start_server("echo_server", &[]);
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(100_000));
    let rows: [(&str, String); 6] = [
        ("426", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".into()),
        ("405", REQUEST.replace("GET", "POST")),
        ("426", REQUEST.replace("Version: 13", "Version: 8")),
        ("400", REQUEST.replace("dGhl", "dGh")),
        ("400", "\u{16}\u{3}\u{1} looks like TLS".into()),
        ("431", long),
    ];
    for (status, request) in rows {
        let answer = exchange(&address, request.as_bytes());
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(expected.as_bytes()), "{status}: {}", answer.escape_ascii());
    }
}

#[test]
fn the_echo_server_survives_abrupt_peers() {
    let (_server, address) = start_server("echo_server", &[]);
    drop(connect(&address));
    let mut socket = connect(&address);
    socket.write_all(&REQUEST.as_bytes()[..50]).expect("the server reads");
    drop(socket);
    drop(opened(&address));
    // A frame that declares 16 MiB, and an end after its first bytes.
    let mut socket = opened(&address);
    socket.write_all(b"\x82\xFF\0\0\0\0\x01\0\0\0abcdef").expect("the server reads");
    drop(socket);
    // A violation is answered with a Close frame (1002) before the stream ends.
    let mut socket = opened(&address);
    socket.write_all(b"\x81\x01a").expect("the server reads");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("the server ends the stream");
    assert_eq!(answer[2..4], 1002_u16.to_be_bytes());

    let (lines, succeeded) =
        Program::start(Command::new(example("echo_client")).arg(format!("ws://{address}/")))
            .finish();
    assert!(succeeded, "{lines:#?}");
}

#[test]
fn the_echo_client_says_what_is_wrong() {
    let not_a_server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = not_a_server.local_addr().expect("it is bound");
    let answering = thread::spawn(move || {
        let (mut socket, _) = not_a_server.accept().expect("the client connects");
        let _ = socket.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        let _ = socket.shutdown(Shutdown::Write);
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let echo_client = example("echo_client");
    let rows = [
        (format!("ws://{address}/"), "CHECK open FAIL refused with status 404"),
        ("http://127.0.0.1/".into(), "CHECK open FAIL not a valid ws or wss URI"),
    ];
    for (url, expected) in rows {
        let (lines, succeeded) = Program::start(Command::new(&echo_client).arg(&url)).finish();
        assert_eq!((&*lines, succeeded), (&[expected.into(), "CLOSED 1006".into()][..], false));
    }
    answering.join().expect("it answered");
}

#[test]
fn the_chat_serves_its_page_and_nothing_else() {
    let (_server, address) = start_server("chat", &[]);
    let page = exchange(&address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(page.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(page.ends_with(include_bytes!("../examples/chat.html")));
    let other = exchange(&address, b"GET /etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(other.starts_with(b"HTTP/1.1 404 Not Found\r\n"));
}

#[test]
fn the_chat_drops_a_reader_that_is_too_slow_and_nobody_else() {
    let (_server, address) = start_server("chat", &[]);
    let join = |name: &str| {
        let mut socket = opened(&address);
        socket.write_all(&text_frame(&format!(r#"{{"type":"join","name":"{name}"}}"#)))?;
        Ok::<_, std::io::Error>(socket)
    };
    let mut slow = join("slow").expect("the server reads");
    let mut watcher = join("watcher").expect("the server reads");
    let mut talker = join("talker").expect("the server reads");

    // The watcher reads all, until it hears that the slow one was dropped.
    let watching = thread::spawn(move || {
        let (mut heard, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        let left = br#""name":"slow","type":"left""#;
        while !heard.windows(left.len()).any(|window| window == left) {
            heard = heard.split_off(heard.len().saturating_sub(left.len()));
            let n = watcher.read(&mut buffer).expect("the watcher is not dropped");
            assert_ne!(n, 0, "the watcher is not dropped");
            heard.extend_from_slice(&buffer[..n]);
        }
    });
    let mut listening = talker.try_clone().expect("a second handle");
    thread::spawn(move || std::io::copy(&mut listening, &mut std::io::sink()));
    let say = text_frame(&format!(r#"{{"type":"say","text":"{}"}}"#, "x".repeat(10_000)));
    while !watching.is_finished() {
        talker.write_all(&say).expect("the talker is not dropped");
        // No faster than the watcher can read on a busy machine.
        thread::sleep(Duration::from_millis(1));
    }
    watching.join().expect("it heard");

    // What the slow one had not read is lost, but its stream has an end.
    let _ = slow.read_to_end(&mut Vec::new());
}

/// A client's frame, masked with zeros.
fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(len).expect("a short text").to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}
