//! From a `ws` URI to an open connection, or to the reason why there is none.

#[path = "support/connect.rs"]
mod support;

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;
use std::time::Duration;

use sansws::handshake::{BuildError, HandshakeError, RequestBuilder, UriError};
use sansws::io::{Connector, Error};
use sansws::{Config, DeflateConfig, Message, blocking};
use support::{Client, KINDS, Kind, answer, echo, runtime, start, wait_for_end};

#[test]
fn a_server_is_found_by_name_and_by_address() {
    // The name may have an IPv6 address as well, at which nobody listens.
    let rows = [("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")];
    for (name, address) in rows {
        if TcpListener::bind((address, 0)).is_err() {
            continue; // a machine without IPv6
        }
        for kind in KINDS {
            let (port, server) = start(address, echo);
            let uri = format!("ws://{name}:{port}");
            Client::open(kind, &Connector::new(), &uri).check_echo();
            server.join().expect("an orderly end");
        }
    }
}

#[test]
fn a_uri_alone_will_do() {
    let (port, server) = start("127.0.0.1", echo);
    let (ws, _) = blocking::connect(&format!("ws://127.0.0.1:{port}/")).expect("it accepts");
    Client::Blocking(ws.into()).check_echo();
    server.join().expect("an orderly end");

    let (port, server) = start("127.0.0.1", echo);
    let runtime = runtime();
    let uri = format!("ws://127.0.0.1:{port}/");
    let (ws, _) = runtime.block_on(sansws::tokio::connect(&uri)).expect("it accepts");
    Client::Tokio(runtime, ws.into()).check_echo();
    server.join().expect("an orderly end");

    let error = blocking::connect("ftp://example.com/").expect_err("not a WebSocket's");
    assert!(matches!(error, Error::Build(BuildError::Uri(UriError::Scheme))), "{error}");
}

#[test]
fn the_server_sees_what_was_asked_for() {
    for kind in KINDS {
        let (port, server) = start("127.0.0.1", |stream| {
            let config = Config::new();
            let incoming = blocking::Incoming::receive(stream, &config).expect("a request");
            let request = incoming.request();
            let header = |name: &str| {
                request.header(name).map(|value| String::from_utf8_lossy(value).into_owned())
            };
            let seen = (
                request.path().to_owned(),
                request.query().map(str::to_owned),
                ["Host", "Authorization", "Origin", "Sec-WebSocket-Protocol"].map(header),
                header("Sec-WebSocket-Extensions"),
            );
            let mut ws = incoming
                .accept(&config, |request| {
                    let accept = request.accept()?.select_subprotocol(&["v1.chat"]);
                    Ok(accept.deflate(DeflateConfig::new()))
                })
                .expect("it is right");
            while let Some(event) = ws.read().expect("an orderly end") {
                if let Message::Text(_) | Message::Binary(_) = event {
                    ws.write(event).expect("it is open");
                }
            }
            seen
        });
        let request = RequestBuilder::new(&format!("ws://localhost:{port}/chat?room=1"))
            .and_then(|request| request.subprotocol("v2.chat")?.subprotocol("v1.chat"))
            .and_then(|request| request.header("Authorization", "Bearer c2VzYW1l"))
            .and_then(|request| request.header("Origin", "https://example.com"))
            .expect("a right request")
            .deflate(DeflateConfig::new());
        let connected = Client::connect(kind, &Connector::new(), request);
        let (mut client, accepted) = connected.expect("it accepts");
        assert_eq!(accepted.subprotocol(), Some("v1.chat"));
        assert!(accepted.deflate_parameters().is_some());
        client.check_echo();

        let (path, query, headers, extensions) = server.join().expect("an orderly end");
        assert_eq!((&*path, query.as_deref()), ("/chat", Some("room=1")));
        assert_eq!(
            headers.map(|value| value.unwrap_or_default()),
            [
                &format!("localhost:{port}"),
                "Bearer c2VzYW1l",
                "https://example.com",
                "v2.chat, v1.chat"
            ]
        );
        let extensions = extensions.expect("an offer");
        assert!(extensions.starts_with("permessage-deflate"), "{extensions}");
    }
}

#[test]
fn an_answer_that_does_not_open_the_connection_is_a_value() {
    /// The answer; of it the status, a field's name and value, and the body.
    type Row = (&'static [u8], u16, &'static str, &'static [u8], &'static [u8]);
    let rows: [Row; 6] = [
        (
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
              Content-Length: 9\r\n\r\npassword?and more",
            401,
            "www-authenticate",
            b"Basic realm=\"x\"",
            b"password?",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: wss://example.com/\r\nContent-Length: 0\r\n\r\n",
            302,
            "location",
            b"wss://example.com/",
            b"",
        ),
        (
            b"HTTP/1.1 503 \r\nRetry-After: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
              3\r\nnot\r\n4\r\n now\r\n0\r\n\r\n",
            503,
            "retry-after",
            b"5",
            b"not now",
        ),
        (b"HTTP/1.1 103 \r\n\r\nHTTP/1.1 304 \r\nA: b\r\n\r\n", 304, "a", b"b", b""),
        (
            b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\nok",
            200,
            "server",
            b"x",
            b"ok",
        ),
        // A body that nobody says the length of lasts until the time is up.
        (b"HTTP/1.0 404 \r\nServer: x\r\n\r\nno such page", 404, "server", b"x", b"no such page"),
    ];
    let config = Config::new().handshake_timeout(Duration::from_secs(1));
    let connector = Connector::new().config(config);
    for (bytes, status, name, value, body) in rows {
        for kind in KINDS {
            let (port, server) = start("127.0.0.1", move |stream| answer(stream, bytes));
            let error = Client::refused(kind, &connector, &format!("ws://127.0.0.1:{port}/"));
            let Error::Refused(refusal) = error else { panic!("{kind:?}: {error}") };
            assert_eq!((refusal.status(), refusal.header(name)), (status, Some(value)));
            assert_eq!(refusal.body().escape_ascii().to_string(), body.escape_ascii().to_string());
            server.join().expect("a request");
        }
    }
}

#[test]
fn what_is_no_answer_is_an_error() {
    type Row = (&'static [u8], fn(&Error) -> bool);
    let rows: [Row; 3] = [
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", |error| {
            matches!(error, Error::Handshake(HandshakeError::Malformed))
        }),
        (b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", |error| {
            matches!(error, Error::Handshake(HandshakeError::Accept))
        }),
        (
            b"HTTP/1.1 200 OK\r\nContent",
            |error| matches!(error, Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof),
        ),
    ];
    for (bytes, is_expected) in rows {
        for kind in KINDS {
            let (port, server) = start("127.0.0.1", move |mut stream| {
                support::read_head(&mut stream);
                stream.write_all(bytes).expect("the client reads");
                stream.shutdown(Shutdown::Write).expect("it is open");
                wait_for_end(stream);
            });
            let uri = format!("ws://127.0.0.1:{port}/");
            let error = Client::refused(kind, &Connector::new(), &uri);
            assert!(is_expected(&error), "{kind:?}: {error:?}");
            server.join().expect("a request");
        }
    }
}

#[test]
fn nobody_listening_is_an_error_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    for kind in KINDS {
        let error = Client::refused(kind, &Connector::new(), &format!("ws://{address}/"));
        let is_expected =
            matches!(&error, Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused);
        assert!(is_expected, "{kind:?}: {error:?}");
        assert!(error.to_string().starts_with(&format!("{address}: ")), "{error}");
    }
}

#[test]
fn a_name_that_nobody_knows_is_in_the_error() {
    for kind in KINDS {
        let error = Client::refused(kind, &Connector::new(), "ws://nobody.invalid/");
        assert!(matches!(error, Error::Io(_)), "{kind:?}: {error:?}");
        assert!(error.to_string().starts_with("nobody.invalid: "), "{error}");
    }
}

#[test]
fn a_server_that_says_nothing_is_waited_for_as_long_as_was_set() {
    let config = Config::new().handshake_timeout(Duration::from_millis(100));
    let connector = Connector::new().config(config);
    for kind in KINDS {
        let (port, server) = start("127.0.0.1", wait_for_end);
        let error = Client::refused(kind, &connector, &format!("ws://127.0.0.1:{port}/"));
        assert!(matches!(error, Error::HandshakeTimeout), "{kind:?}: {error:?}");
        server.join().expect("the client has gone");
    }
}

#[test]
fn no_time_is_too_long() {
    let config = Config::new().handshake_timeout(Duration::MAX).close_timeout(Duration::MAX);
    let connector = Connector::new().timeout(Duration::MAX).config(config);
    for kind in KINDS {
        let (port, server) = start("127.0.0.1", echo);
        Client::open(kind, &connector, &format!("ws://127.0.0.1:{port}/")).check_echo();
        server.join().expect("an orderly end");
    }
}

#[test]
fn the_time_for_the_handshake_ends_with_it() {
    let config = Config::new().handshake_timeout(Duration::from_secs(1)).keepalive(None);
    let connector = Connector::new().config(config);
    for kind in KINDS {
        let (port, server) = start("127.0.0.1", |stream| {
            let mut ws = blocking::WebSocket::accept(stream, &Config::new()).expect("a handshake");
            thread::sleep(Duration::from_millis(1500));
            ws.send("late").expect("the client waits");
            while ws.read().expect("an orderly end").is_some() {}
        });
        let mut client = Client::open(kind, &connector, &format!("ws://127.0.0.1:{port}/"));
        let event = client.read().unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_eq!(event, Some(Message::from("late")));
        client.close().expect("an orderly end");
        server.join().expect("an orderly end");
    }
}

#[test]
fn the_stream_under_a_connection_can_be_asked() {
    let (port, server) = start("127.0.0.1", echo);
    let uri = format!("ws://127.0.0.1:{port}/");
    let mut client = Client::open(Kind::Blocking, &Connector::new(), &uri);
    let Client::Blocking(ws) = &client else { unreachable!() };
    assert_eq!(ws.stream().tcp().peer_addr().expect("it is open").port(), port);
    assert!(ws.stream().tls().is_none());
    client.close().expect("an orderly end");
    server.join().expect("an orderly end");
}

#[test]
fn nothing_waits_to_be_joined_in_the_stream_under_a_connection() {
    for kind in KINDS {
        let (port, server) = start("127.0.0.1", echo);
        let uri = format!("ws://127.0.0.1:{port}/");
        let mut client = Client::open(kind, &Connector::new(), &uri);
        let tcp_nodelay = match &client {
            Client::Blocking(ws) => ws.stream().tcp().nodelay(),
            Client::Tokio(_, ws) => ws.stream().tcp().nodelay(),
        };
        assert!(tcp_nodelay.expect("it is open"), "{kind:?}");
        client.close().expect("an orderly end");
        server.join().expect("an orderly end");
    }
}

#[test]
fn a_stream_over_tcp_says_that_it_writes_slices_at_once() {
    let (port, server) = start("127.0.0.1", echo);
    let mut client =
        Client::open(Kind::Tokio, &Connector::new(), &format!("ws://127.0.0.1:{port}/"));
    let Client::Tokio(_, ws) = &client else { unreachable!() };
    assert!(::tokio::io::AsyncWrite::is_write_vectored(ws.stream()));
    client.close().expect("an orderly end");
    server.join().expect("an orderly end");
}
