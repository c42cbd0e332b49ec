//! Through an HTTP proxy to a server.

#[path = "support/connect.rs"]
mod support;

use std::io::{ErrorKind, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use sansws::Config;
use sansws::handshake::{BuildError, HandshakeError};
use sansws::io::{Connector, Error};
use support::{
    Authority, Client, KINDS, Kind, answer, echo, over_tls, read_head, start, wait_for_end,
};

/// A proxy for one connection, which leads wherever the client wants; the request.
fn proxy(mut client: TcpStream) -> String {
    let request = read_head(&mut client);
    let authority = request.split(' ').nth(1).expect("a request line");
    let mut server = TcpStream::connect(authority).expect("the server listens");
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").expect("the client reads");
    let mut from_client = client.try_clone().expect("a second handle");
    let mut to_server = server.try_clone().expect("a second handle");
    let upwards = thread::spawn(move || {
        let _ = copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Write);
    upwards.join().expect("the client has gone");
    request
}

#[test]
fn a_proxy_is_asked_for_a_tunnel() {
    // What stands before the host in the proxy's URI, and what the proxy sees of it.
    let rows = [
        ("", None),
        ("user:password@", Some("dXNlcjpwYXNzd29yZA==")),
        ("user:p%40ss%3Aw%C3%B6rd%25@", Some("dXNlcjpwQHNzOnfDtnJkJQ==")),
        // RFC 7617, 2: a password that is not UTF-8, and none
        ("user:%FF@", Some("dXNlcjr/")),
        ("user:@", Some("dXNlcjo=")),
        ("user@", Some("dXNlcjo=")),
    ];
    for (credentials, encoded) in rows {
        for kind in KINDS {
            let (server_port, server) = start("127.0.0.1", echo);
            let (proxy_port, proxy) = start("127.0.0.1", proxy);
            let connector = Connector::new()
                .proxy(&format!("http://{credentials}localhost:{proxy_port}"))
                .expect("a proxy");
            let uri = format!("ws://localhost:{server_port}/");
            Client::open(kind, &connector, &uri).check_echo();
            server.join().expect("an orderly end");
            let authority = format!("localhost:{server_port}");
            let mut expected = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
            if let Some(encoded) = encoded {
                expected += &format!("Proxy-Authorization: Basic {encoded}\r\n");
            }
            assert_eq!(proxy.join().expect("an orderly end"), expected + "\r\n");
        }
    }
}

#[test]
fn tls_goes_through_the_tunnel_with_the_name_of_the_server() {
    let authority = Authority::new("test");
    for kind in KINDS {
        let tls = authority.server(&["localhost"]);
        let (server_port, server) = start("127.0.0.1", |stream| echo(over_tls(stream, tls)));
        let (proxy_port, proxy) = start("127.0.0.1", proxy);
        let connector = Connector::new()
            .proxy(&format!("http://127.0.0.1:{proxy_port}/"))
            .expect("a proxy")
            .tls(authority.client());
        Client::open(kind, &connector, &format!("wss://localhost:{server_port}/")).check_echo();
        server.join().expect("an orderly end");
        proxy.join().expect("an orderly end");
    }
}

#[test]
fn the_server_does_not_see_the_password_of_the_proxy() {
    for kind in KINDS {
        let (server_port, server) =
            start("127.0.0.1", |stream| answer(stream, b"HTTP/1.1 204 \r\n\r\n"));
        let (proxy_port, proxy) = start("127.0.0.1", proxy);
        let connector = Connector::new()
            .proxy(&format!("http://user:password@127.0.0.1:{proxy_port}"))
            .expect("a proxy");
        let error = Client::refused(kind, &connector, &format!("ws://127.0.0.1:{server_port}/"));
        let Error::Refused(refusal) = error else { panic!("{kind:?}: {error}") };
        assert_eq!((refusal.status(), refusal.is_from_proxy()), (204, false));
        let request = server.join().expect("a request");
        assert!(request.starts_with("GET / HTTP/1.1\r\n") && !request.contains("Proxy"));
        proxy.join().expect("an orderly end");
        let shown = format!("{connector:?}");
        assert!(!shown.contains("password"), "{shown}");
    }
}

#[test]
fn a_proxy_that_refuses_is_a_value() {
    let bytes = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
        Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 9\r\n\r\npassword?";
    for kind in KINDS {
        for scheme in ["ws", "wss"] {
            let (port, proxy) = start("127.0.0.1", |stream| answer(stream, bytes));
            let connector =
                Connector::new().proxy(&format!("http://127.0.0.1:{port}")).expect("a proxy");
            let error = Client::refused(kind, &connector, &format!("{scheme}://[::1]:1/"));
            assert_eq!(error.to_string(), "the proxy answered with status 407");
            let Error::Refused(refusal) = error else { panic!("{kind:?}: {error}") };
            assert_eq!((refusal.status(), refusal.body()), (407, &b"password?"[..]));
            assert_eq!(refusal.header("proxy-authenticate"), Some(&b"Basic realm=\"x\""[..]));
            assert!(refusal.is_from_proxy());
            let request = proxy.join().expect("a request");
            assert!(request.starts_with("CONNECT [::1]:1 HTTP/1.1\r\n"), "{request}");
        }
    }
}

#[test]
fn what_a_proxy_does_is_not_taken_for_the_servers() {
    for kind in KINDS {
        let (port, proxy) = start("127.0.0.1", drop);
        let connector =
            Connector::new().proxy(&format!("http://127.0.0.1:{port}")).expect("a proxy");
        let error = Client::refused(kind, &connector, "ws://example.com/");
        assert!(matches!(error, Error::Io(_)), "{kind:?}: {error:?}");
        let is_told = error.to_string().starts_with(&format!("the proxy 127.0.0.1:{port}: "));
        assert!(is_told, "{kind:?}: {error}");
        proxy.join().expect("no panic");
    }
}

#[test]
fn nobody_is_asked_for_a_server_that_tls_cannot_name() {
    let authority = Authority::new("test");
    for kind in KINDS {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("it can");
        let address = listener.local_addr().expect("it listens");
        let connector = Connector::new()
            .proxy(&format!("http://{address}"))
            .expect("a proxy")
            .tls(authority.client());
        let error = Client::refused(kind, &connector, "wss://example..com/");
        let is_expected =
            matches!(&error, Error::Io(error) if error.kind() == ErrorKind::InvalidInput);
        assert!(is_expected, "{kind:?}: {error:?}");
        let accepted = listener.accept().map_err(|error| error.kind());
        assert_eq!(accepted.err(), Some(ErrorKind::WouldBlock), "{kind:?}: it was asked");
    }
}

#[test]
fn what_no_proxy_says_is_an_error() {
    let rows: [(&[u8], usize, HandshakeError); 4] = [
        // It has nothing to say in its tunnel: it could answer in the server's place.
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 401 Unauthorized\r\n\r\n", 1, HandshakeError::Malformed),
        (b"HTTP/1.1 100 Continue\r\n\r\n", 100, HandshakeError::TooManyResponses),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 1, HandshakeError::Malformed),
        // Told at its first bytes: it may wait for an answer to them, and end no head.
        (b"SSH-2.0-OpenSSH_10.0\r\n", 1, HandshakeError::Malformed),
    ];
    for (bytes, times, expected) in rows {
        for kind in KINDS {
            let (port, proxy) = start("127.0.0.1", move |s| answer(s, &bytes.repeat(times)));
            let connector =
                Connector::new().proxy(&format!("http://127.0.0.1:{port}")).expect("a proxy");
            let error = Client::refused(kind, &connector, "ws://example.com/");
            let error =
                if let Error::Handshake(error) = error { error } else { panic!("{error:?}") };
            assert_eq!(error, expected, "{kind:?}: {}", bytes.escape_ascii());
            proxy.join().expect("a request");
        }
    }
}

#[test]
fn a_silent_proxy_is_waited_for_as_long_as_was_set() {
    let (short, long) = (Duration::from_millis(200), Duration::from_secs(600));
    for kind in KINDS {
        for (timeout, handshake_timeout) in [(short, long), (long, short)] {
            let (port, proxy) = start("127.0.0.1", wait_for_end);
            let connector = Connector::new()
                .timeout(timeout)
                .config(Config::new().handshake_timeout(handshake_timeout))
                .proxy(&format!("http://127.0.0.1:{port}"))
                .expect("a proxy");
            let error = Client::refused(kind, &connector, "ws://example.com/");
            let is_expected = match &error {
                Error::Io(error) => timeout == short && error.kind() == ErrorKind::TimedOut,
                error => timeout == long && matches!(error, Error::HandshakeTimeout),
            };
            assert!(is_expected, "{kind:?}: {error:?}");
            proxy.join().expect("the client has gone");
        }
    }
}

#[test]
fn a_proxy_has_a_host_and_perhaps_a_port_and_credentials() {
    let rows = [
        ("http://proxy.example", true),
        ("http://proxy.example/", true),
        ("HTTP://proxy.example:3128", true),
        ("http://[::1]:3128", true),
        ("http://user:password@proxy.example:3128/", true),
        ("http://user:p%40%2F%25@[::1]", true),
        ("http://user:@proxy.example", true),
        ("http://user@proxy.example", true),
        ("", false),
        ("http://", false),
        ("http:///", false),
        ("http://:3128", false),
        ("proxy.example:3128", false),
        ("https://proxy.example", false),
        ("socks5://proxy.example", false),
        ("ws://proxy.example", false),
        ("http://proxy.example/path", false),
        ("http://proxy.example?query", false),
        ("http://proxy.example#fragment", false),
        ("http://proxy.example:65536", false),
        ("http://proxy.example:x", false),
        ("http://[::1", false),
        ("http://a b", false),
        ("http://proxy.example\r\nX: y", false),
        // The host is what stands before the path, not what looks like one behind it.
        ("http://proxy.example/@evil.example", false),
        ("http://proxy.example?@evil.example", false),
        ("http://proxy.example#@evil.example", false),
        ("http://user:pass/word@proxy.example", false),
        // RFC 3986, 3.2.1: "@" in a password is to be percent-encoded
        ("http://user:p@ssword@proxy.example", false),
        ("http://user:%@proxy.example", false),
        ("http://user:%4@proxy.example", false),
        ("http://user:%zz@proxy.example", false),
        ("http://user:%+f@proxy.example", false),
        ("http://user:\u{e9}@proxy.example", false),
        ("http://us er:password@proxy.example", false),
        // RFC 7617, 2: no control characters, and no colon in the user's name
        ("http://user:pass%0D%0Aword@proxy.example", false),
        ("http://us%3Aer:password@proxy.example", false),
    ];
    for (uri, is_proxy) in rows {
        let result = Connector::new().proxy(uri).map(drop);
        let expected = if is_proxy { Ok(()) } else { Err(BuildError::Proxy) };
        assert_eq!(result, expected, "{uri:?}");
    }
}

#[test]
fn only_a_2xx_of_a_proxy_is_a_tunnel() {
    for kind in KINDS {
        let (port, proxy) = start("127.0.0.1", |stream| {
            answer(stream, b"HTTP/1.1 300 Multiple Choices\r\nContent-Length: 0\r\n\r\n")
        });
        let connector =
            Connector::new().proxy(&format!("http://127.0.0.1:{port}")).expect("a proxy");
        let error = Client::refused(kind, &connector, "ws://example.com/");
        assert!(matches!(&error, Error::Refused(refusal) if refusal.status() == 300), "{error:?}");
        proxy.join().expect("a request");
    }
}

#[test]
fn no_timeout_of_the_tunnel_is_left_on_the_stream() {
    let (port, server) = start("127.0.0.1", |mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 x\r\n\r\n").expect("there is room");
        echo(stream);
    });
    let config = Config::new().handshake_timeout(Duration::MAX).keepalive(None);
    let connector = Connector::new().config(config);
    let connector = connector.proxy(&format!("http://127.0.0.1:{port}")).expect("a proxy");
    let mut client = Client::open(Kind::Blocking, &connector, "ws://example.com/");
    let Client::Blocking(ws) = &client else { unreachable!() };
    assert_eq!(ws.stream().tcp().read_timeout().expect("it is open"), None);
    client.close().expect("an orderly end");
    server.join().expect("an orderly end");
}
