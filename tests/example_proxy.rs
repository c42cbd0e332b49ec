//! The proxy of the examples between a client and a server.

#[path = "support/peers.rs"]
mod peers;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use peers::{Program, start_server, start_server_with};
use sansws::blocking::{Incoming, WebSocket};
use sansws::handshake::{Accepted, RequestBuilder};
use sansws::io::Error;
use sansws::{Close, CloseCode, Config, DeflateConfig, Message, MessageKind, Part};

fn proxy(server: &str) -> (Program, String) {
    start_server_with("proxy", "tokio,connect", &[&format!("ws://{server}")])
}

fn config() -> Config {
    Config::new().max_message_len(16 << 20)
}

/// A stream that fails the test rather than wait for ever.
fn connect(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address).expect("the proxy listens");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    socket
}

fn request(address: &str) -> RequestBuilder {
    RequestBuilder::try_from(format!("ws://{address}/chat?room=1")).expect("a URI")
}

fn open(
    address: &str,
    request: RequestBuilder,
) -> Result<(WebSocket<TcpStream>, Accepted<'static>), Error> {
    WebSocket::connect_over(connect(address), request, &config())
}

/// A server of one connection; its address, and what `serve` returns.
fn serve<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let server = thread::spawn(move || serve(listener.accept().expect("the proxy connects").0));
    (address, server)
}

#[test]
fn messages_pings_and_the_close_go_both_ways() {
    let (_server, address) = start_server("echo_server", &["--deflate"]);
    let (_proxy, address) = proxy(&address);
    for deflate in [None, Some(DeflateConfig::new())] {
        let request = request(&address);
        let request = match deflate {
            Some(config) => request.deflate(config),
            None => request,
        };
        let (mut ws, accepted) = open(&address, request).expect("it is passed on");
        assert_eq!(accepted.deflate_parameters().is_some(), deflate.is_some());
        let events = [
            Message::from("some text, ä€𝄞".repeat(20_000)),
            Message::from(vec![7; 1_000_000]),
            Message::from(""),
            Message::from(&[][..]),
        ];
        for event in events {
            ws.send(event.clone()).expect("it is open");
            assert!(ws.read().expect("it is open") == Some(event));
        }
        // One answer, the server's.
        ws.send(Message::Ping(b"near?".into())).expect("it is open");
        ws.send("last").expect("it is open");
        assert_eq!(ws.read().expect("it is open"), Some(Message::Pong(b"near?".into())));
        assert_eq!(ws.read().expect("it is open"), Some("last".into()));

        let close = Close::new(CloseCode::new(4321), "enough");
        ws.send(Message::Close(close.clone())).expect("it is open");
        assert_eq!(ws.read().expect("an orderly end"), Some(Message::Close(close)));
        assert_eq!(ws.read().expect("an orderly end"), None);
    }
}

#[test]
fn the_server_is_told_what_the_client_asks_for_and_the_client_what_it_answers() {
    let (server, serving) = serve(|stream| {
        let incoming = Incoming::receive(stream, &Config::new()).expect("a request");
        let request = incoming.request();
        assert_eq!(request.target(), "/chat?room=1");
        assert_eq!(request.header("cookie"), Some(&b"a=1"[..]));
        assert_eq!(request.header("x-secret"), None);
        let accept = incoming.accept(&config(), |request| {
            let accept = request.accept()?.select_subprotocol(&["v1.chat"]);
            Ok(accept.header("Set-Cookie", "b=2")?)
        });
        let mut ws = accept.expect("it is right");
        while ws.read().expect("a Close frame").is_some() {}
        ws.connection().close_code()
    });
    let (_proxy, address) = proxy(&server);
    let request = request(&address);
    let request = request.subprotocol("v2.chat").and_then(|r| r.subprotocol("v1.chat"));
    let request = request.and_then(|r| r.header("Cookie", "a=1")?.header("X-Secret", "x"));
    let (mut ws, accepted) = open(&address, request.expect("it is right")).expect("it is open");
    assert_eq!(accepted.subprotocol(), Some("v1.chat"));
    assert_eq!(accepted.response().header("set-cookie"), Some(&b"b=2"[..]));
    ws.close(CloseCode::new(3000), "").expect("an orderly end");
    assert_eq!(serving.join().expect("no panic"), Some(CloseCode::new(3000)));
}

#[test]
fn compressed_messages_are_not_looked_at() {
    // In a block that is stored: no text, so that who inflates it fails.
    const COMPRESSED: &[u8] = &[0, 2, 0, 0xFD, 0xFF, 0xFF, 0xFE, 0];
    let (server, serving) = serve(|stream| {
        let incoming = Incoming::receive(stream, &Config::new()).expect("a request");
        let accepted = incoming
            .accept(&Config::new(), |request| Ok(request.accept()?.deflate(DeflateConfig::new())));
        let mut ws = accepted.expect("it is right");
        ws.connection_mut().0.pass_compressed();
        ws.read_part().expect("it is open")
    });
    let (_proxy, address) = proxy(&server);
    let request = request(&address).deflate(DeflateConfig::new());
    let (mut ws, _) = open(&address, request).expect("it is open");
    let (connection, out) = ws.connection_mut();
    connection
        .send_compressed_part(MessageKind::Text, COMPRESSED, true, out)
        .expect("it is agreed");
    ws.flush().expect("there is room");
    let part = serving.join().expect("no panic");
    let Some(Part::Compressed(part)) = part else { panic!("{part:?}") };
    assert_eq!(part.data, COMPRESSED);
}

#[test]
fn a_refusal_that_cannot_be_passed_on_is_one_all_the_same() {
    let rows = [("600", 502), ("205", 205), ("200", 200)];
    for (status, expected) in rows {
        let (server, serving) = serve(move |mut stream| {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).expect("a request");
            let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 3\r\n\r\nabc");
            stream.write_all(answer.as_bytes()).expect("the proxy reads");
        });
        let (_proxy, address) = proxy(&server);
        let Err(Error::Refused(refusal)) = open(&address, request(&address)) else {
            panic!("it is refused")
        };
        assert_eq!(refusal.status(), expected);
        serving.join().expect("no panic");
    }
}

#[test]
fn a_refusal_is_passed_on() {
    let (server, serving) = serve(|stream| {
        let incoming = Incoming::receive(stream, &Config::new()).expect("a request");
        let headers = [("WWW-Authenticate", "Basic realm=x"), ("X-Secret", "x")];
        incoming.respond(401, &headers, b"who are you?").expect("the proxy reads");
    });
    let (_proxy, address) = proxy(&server);
    let Err(Error::Refused(refusal)) = open(&address, request(&address)) else {
        panic!("it is refused")
    };
    assert_eq!((refusal.status(), refusal.body()), (401, &b"who are you?"[..]));
    assert_eq!(refusal.header("www-authenticate"), Some(&b"Basic realm=x"[..]));
    assert_eq!(refusal.header("x-secret"), None);
    serving.join().expect("no panic");

    // Nobody listens there any more.
    let Err(Error::Refused(refusal)) = open(&address, request(&address)) else {
        panic!("it is refused")
    };
    assert_eq!(refusal.status(), 502);

    // And what is no handshake is not for the server to hear.
    let mut socket = connect(&address);
    socket.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").expect("the proxy reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an orderly end");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

#[test]
fn a_side_that_fails_ends_the_other() {
    let (server, serving) = serve(|stream| {
        let mut ws = WebSocket::accept(stream, &config()).expect("a request");
        ws.send("hello").expect("it is open");
    });
    let (_proxy, address) = proxy(&server);
    let (mut ws, _) = open(&address, request(&address)).expect("it is open");
    assert_eq!(ws.read().expect("it is open"), Some("hello".into()));
    let Ok(Some(Message::Close(close))) = ws.read() else { panic!("a Close frame") };
    assert_eq!(close.code, Some(CloseCode::BAD_GATEWAY));
    serving.join().expect("no panic");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_not_taken_is_not_held() {
    const LEN: usize = 50_000_000;
    let (server, serving) = serve(|stream| {
        let mut ws = WebSocket::accept(stream, &config()).expect("a request");
        for at in 0..LEN / 10_000 {
            ws.write_binary_part(&[7; 10_000], at == LEN / 10_000 - 1).expect("it is open");
            ws.flush().expect("it is taken in the end");
        }
        ws.close(CloseCode::NORMAL, "").expect("an orderly end");
    });
    let (proxy, address) = proxy(&server);
    let (mut ws, _) = WebSocket::connect_over(
        connect(&address),
        request(&address),
        &config().max_message_len(LEN as u64),
    )
    .expect("it is open");
    // Until all buffers on the way are full.
    thread::sleep(Duration::from_secs(1));
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.id()));
    let status = status.expect("it runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
    let resident: usize = resident.expect("a line of it").trim().parse().expect("a number");
    assert!(resident < 30_000, "{resident} kB");
    let mut received = 0;
    while let Some(part) = ws.read_part().expect("it is open") {
        if let Part::Binary(part) = part {
            received += part.data.len();
        }
    }
    assert_eq!(received, LEN);
    serving.join().expect("no panic");
}
