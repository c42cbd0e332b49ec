//! The examples as their users run them: what they print, refuse and survive.

#[path = "support/peers.rs"]
mod peers;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use peers::{Program, example, example_with, start_server};
use sansws::{CloseCode, Config, Connection, Event, MaskingKeys, blocking};

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
    let plain = ["echo_server", "echo_client", "chat"].map(|name| (name, example(name)));
    let encrypted = ["wscat", "wss_client", "tls_echo"].map(|name| (name, encrypted_example(name)));
    let others = [("proxy", "tokio,connect"), ("tokio_room", "tokio")];
    let others = others.map(|(name, features)| (name, example_with(name, features)));
    for (name, program) in plain.into_iter().chain(encrypted).chain(others) {
        let output = Command::new(program).arg("--help").output().expect("it runs");
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
        (
            "ftp://127.0.0.1/".into(),
            "CHECK open FAIL not a valid ws or wss URI: its scheme is none of ws, wss, http and https",
        ),
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

/// What a client sends for these messages.
fn encoded(messages: &[Event<'_>]) -> (Connection, Vec<u8>) {
    let config = Config::new().max_message_len(16 << 20);
    let mut ws = Connection::client(&config, MaskingKeys::new(|| [0, 1, 2, 3]));
    let mut stream = Vec::new();
    for message in messages {
        match message {
            Event::Text(text) => ws.send_text(text, &mut stream),
            Event::Binary(data) => ws.send_binary(data, &mut stream),
            event => panic!("{event:?}"),
        }
        .expect("it is open");
    }
    (ws, stream)
}

/// A message that has another byte at each place than the one before.
fn message(i: usize, len: usize) -> Event<'static> {
    let data: Vec<u8> = (i..i + len).map(|at| (at % 127) as u8).collect();
    match i % 2 {
        0 => Event::from(String::from_utf8(data).expect("ASCII")),
        _ => Event::from(data),
    }
}

/// Reads messages, `most` bytes at a time.
fn read(socket: &mut TcpStream, ws: &mut Connection, expected: &[Event<'_>], most: usize) {
    let (mut expected, mut buffer) = (expected.iter(), vec![0; most]);
    while !expected.as_slice().is_empty() {
        let n = socket.read(&mut buffer).expect("the server writes");
        let mut input = &mut buffer[..n];
        while let Some(event) = ws.receive(&mut input, &mut Vec::new()).expect("a right frame") {
            assert!(Some(&event) == expected.next(), "the next message, as it was sent");
        }
        assert_ne!(n, 0, "the server goes on");
    }
}

#[test]
fn the_server_on_epoll_sends_back_what_its_client_is_late_to_read() {
    let (_server, address) = start_server("epoll_echo", &[]);
    // The first fills what the system keeps of it, so that the others wait.
    let lens = [3_900_000, 10, 200_000, 131_072, 0, 131_073, 1_000_000, 50_000, 3_000_000, 7];
    let messages: Vec<_> = lens.into_iter().enumerate().map(|(i, len)| message(i, len)).collect();
    let mut socket = opened(&address);
    let (mut ws, stream) = encoded(&messages);
    let mut writer = socket.try_clone().expect("a second handle");
    thread::scope(|scope| {
        scope.spawn(move || writer.write_all(&stream).expect("the server reads"));
        read(&mut socket, &mut ws, &messages, 5_000);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_server_on_epoll_keeps_no_long_message_for_each_who_has_begun_another() {
    const LEN: usize = 4_000_000;
    const CLIENTS: usize = 24;
    let (server, address) = start_server("epoll_echo", &["--deflate"]);
    let sockets: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut socket = opened(&address);
            let messages = [message(0, LEN), message(1, LEN)];
            let (mut ws, stream) = encoded(&messages);
            let mut writer = socket.try_clone().expect("a second handle");
            thread::scope(|scope| {
                // The end of one and the beginning of the next are read together.
                let begun = &stream[..stream.len() - LEN + 1_000];
                scope.spawn(move || writer.write_all(begun).expect("the server reads"));
                read(&mut socket, &mut ws, &messages[..1], 1 << 16);
            });
            socket
        })
        .collect();
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()));
    let status = status.expect("it runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
    let resident: usize = resident.expect("a line of it").trim().parse().expect("a number");
    // Four clients have such memory, four more may be kept for others, and there is what is
    // written.
    assert!(resident * 1024 < 16 * LEN, "{resident} kB");
    drop(sockets);
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

/// An example that speaks TLS.
fn encrypted_example(name: &str) -> PathBuf {
    example_with(name, "tokio-rustls,rustls-platform-verifier")
}

/// What `wscat` does with an input: what it prints, what it says aside, and whether
/// all went well.
fn wscat(arguments: &[&str], input: impl AsRef<[u8]>) -> (String, String, bool) {
    let mut program = Command::new(encrypted_example("wscat"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = program.stdin.take().expect("it is piped");
    // It need not read any of it.
    let _ = stdin.write_all(input.as_ref());
    drop(stdin);
    let output = program.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (text(output.stdout), text(output.stderr), output.status.success())
}

/// A server of one request; its address, and what `serve` returns.
fn serve<T: Send + 'static>(
    serve: impl FnOnce(blocking::Incoming<TcpStream>) -> T + Send + 'static,
) -> (String, thread::JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the client connects");
        serve(blocking::Incoming::receive(stream, &Config::new()).expect("a request"))
    });
    (address, server)
}

fn accept(incoming: blocking::Incoming<TcpStream>) -> blocking::WebSocket<TcpStream> {
    let accepted = incoming
        .accept(&Config::new(), |request| Ok(request.accept()?.select_subprotocol(&["v1.chat"])));
    accepted.expect("it is right")
}

#[test]
fn wscat_sends_each_line_and_prints_each_message() {
    let (_server, address) = start_server("echo_server", &["--deflate"]);
    let url = format!("ws://{address}/");
    // A slash begins a command only where a person enters it.
    let many: String = (0..2000).map(|number| format!("{number}\n")).collect();
    for input in ["one\n/close\n\n\u{e9}\u{1f600}\n", "without an end", "", &many] {
        for arguments in [&[&*url][..], &[&url, "--deflate"], &[&address]] {
            let (printed, aside, succeeded) = wscat(arguments, input);
            let ended = if input.is_empty() || input.ends_with('\n') { "" } else { "\n" };
            assert_eq!(printed, format!("{input}{ended}"), "{aside}");
            assert!(aside.ends_with("closed: 1000 (normal)\n") && succeeded, "{aside}");
        }
    }
    let (printed, aside, succeeded) = wscat(&[&url, "-x", "--one", "-x", "two"], "not read");
    assert_eq!((&*printed, succeeded), ("--one\ntwo\n", true), "{aside}");
    // What is no text cannot be sent, and a script has to know.
    let (printed, aside, succeeded) = wscat(&[&url], b"one\n\xFF\ntwo\n");
    assert_eq!((&*printed, succeeded), ("one\n", false), "{aside}");
    assert!(aside.contains("error: no more is read"), "{aside}");
}

#[test]
fn wscat_asks_for_what_it_is_told() {
    let (address, server) = serve(|incoming| {
        let names = ["Sec-WebSocket-Protocol", "Origin", "Authorization", "X-Test"];
        let seen = names.map(|name| {
            let value = incoming.request().header(name).unwrap_or_default();
            String::from_utf8_lossy(value).into_owned()
        });
        accept(incoming).close(CloseCode::NORMAL, "").expect("an orderly end");
        seen
    });
    let arguments = ["-s", "v2.chat", "-s", "v1.chat", "--origin", "https://example.com"];
    let more = ["--auth", "user:password", "-H", "X-Test:  a: b "];
    let (_, aside, succeeded) = wscat(&[&[&*address], &arguments[..], &more].concat(), "");
    assert!(aside.starts_with("connected, subprotocol v1.chat\n") && succeeded, "{aside}");
    assert_eq!(
        server.join().expect("an orderly end"),
        ["v2.chat, v1.chat", "https://example.com", "Basic dXNlcjpwYXNzd29yZA==", "a: b"]
    );
}

#[test]
fn wscat_listens_as_long_as_it_is_told_and_says_how_it_ended() {
    let (address, server) = serve(|incoming| {
        let mut ws = accept(incoming);
        assert_eq!(ws.read().expect("a message"), Some("subscribe".into()));
        ws.send("first").expect("it is there");
        ws.send(&b"\x00\xff"[..]).expect("it is there");
        ws.send(Event::Ping(b"hello"[..].into())).expect("it is there");
        ws.close(CloseCode::INTERNAL_ERROR, "broken").expect("an orderly end");
    });
    let arguments = [&*address, "-x", "subscribe", "--wait", "60", "--show-ping"];
    let (printed, aside, succeeded) = wscat(&arguments, "");
    assert_eq!(printed, "first\n00ff\n");
    let expected =
        "connected\nping hello\nclosed by the server: 1011 (internal error) \"broken\"\n";
    assert_eq!((&*aside, succeeded), (expected, false));
    server.join().expect("an orderly end");

    let (address, server) = serve(|incoming| drop(accept(incoming)));
    let (_, aside, succeeded) = wscat(&[&address, "--wait", "60"], "");
    assert!(aside.starts_with("connected\nerror: ") && !succeeded, "{aside}");
    server.join().expect("it ends");
}

#[test]
fn wscat_shows_why_it_is_refused() {
    let (address, server) = serve(|incoming| {
        let realm = ("WWW-Authenticate", "Basic realm=\"chat\"");
        incoming.respond(401, &[realm], b"who are you?\n").expect("the client reads");
    });
    let (printed, aside, succeeded) = wscat(&[&address], "hello\n");
    assert_eq!((&*printed, succeeded), ("", false));
    let lines = [
        "error: the server answered with status 401",
        "WWW-Authenticate: Basic realm=\"chat\"",
        "who are you?",
    ];
    assert!(lines.iter().all(|line| aside.lines().any(|said| said == *line)), "{aside}");
    server.join().expect("a request");
}

#[test]
fn wscat_says_what_is_wrong_with_its_arguments() {
    let rows: [(&[&str], &str); 8] = [
        (&["ftp://localhost/"], "ftp://localhost/: not a valid ws or wss URI"),
        (&["localhost", "--proxy", "socks5://a"], "socks5://a: not a valid URI of an HTTP proxy"),
        (&["localhost", "-H", "Cookie"], "a colon is missing"),
        (&["localhost", "-H", "Host: a"], "Host: the handshake writes this header itself"),
        (&["localhost", "-s", "a b"], "a b: not a valid subprotocol"),
        (&["localhost", "--wait", "-1"], "unexpected argument '-1'"),
        (&["localhost", "--ca", "no such file"], "no such file: "),
        (&["localhost", "--ca", "Cargo.toml"], "Cargo.toml: there is no certificate in it"),
    ];
    for (arguments, expected) in rows {
        let (printed, aside, succeeded) = wscat(arguments, "");
        assert!(aside.contains(expected), "{arguments:?}: {aside}");
        assert!(printed.is_empty() && !succeeded, "{arguments:?}");
    }
}

#[test]
fn the_examples_with_tls_speak_with_each_other() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let certified = certified.expect("a certificate");
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| directory.join(name));
    std::fs::write(&cert, certified.cert.pem()).expect("a file");
    std::fs::write(&key, certified.signing_key.serialize_pem()).expect("a file");

    let mut command = Command::new(encrypted_example("tls_echo"));
    let mut server =
        Program::start(command.arg("127.0.0.1:0").arg("--cert").arg(&cert).arg("--key").arg(&key));
    let line = server.line();
    let url = line.replace("listening on 127.0.0.1", "wss://localhost");

    let mut command = Command::new(encrypted_example("wss_client"));
    let client = Program::start(command.args([&*url, "hello there", "--ca"]).arg(&cert));
    assert_eq!(client.finish(), (vec!["hello there".to_owned()], true));

    let cert = cert.to_str().expect("a path of text");
    for trust in [&["--ca", cert][..], &["--insecure"]] {
        let (printed, aside, succeeded) = wscat(&[&[&*url], trust].concat(), "hello\nthere\n");
        assert_eq!((&*printed, succeeded), ("hello\nthere\n", true), "{aside}");
    }
    let (_, aside, succeeded) = wscat(&[&url], "hello\n");
    assert!(aside.starts_with("error: ") && !succeeded, "{aside}");
}
