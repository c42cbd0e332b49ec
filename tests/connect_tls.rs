//! From a `wss` URI to an open connection: what TLS adds to that, and to its end.

#[path = "support/connect.rs"]
mod support;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustls::ClientConnection;
use sansws::blocking::{ReadWrite, Stream, TlsStream, WebSocket};
use sansws::handshake::RequestBuilder;
use sansws::io::{Connector, Error};
use sansws::{Config, DeflateConfig, Message, Violation};
use support::{
    Authority, Client, KINDS, Kind, echo, encrypted, over_tls, read_head, start, wait_for_end,
};

#[test]
fn the_server_sees_the_name_and_that_http_1_is_to_be_spoken() {
    let authority = Authority::new("test");
    let tls = authority.server(&["localhost", "127.0.0.1"]);
    let connector = Connector::new().tls(authority.client());
    // RFC 6066, 3: an address is no name to send.
    for (host, name) in [("localhost", Some("localhost")), ("127.0.0.1", None)] {
        for kind in KINDS {
            let tls = tls.clone();
            let (port, server) = start("127.0.0.1", move |stream| {
                let mut stream = encrypted(stream, tls);
                stream.conn.complete_io(&mut stream.sock).expect("a right handshake");
                let name = stream.conn.server_name().map(str::to_owned);
                let protocol = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
                echo(TlsStream::new(stream.conn, stream.sock));
                (name, protocol)
            });
            Client::open(kind, &connector, &format!("wss://{host}:{port}/")).check_echo();
            let (seen, protocol) = server.join().expect("an orderly end");
            assert_eq!((seen.as_deref(), protocol.as_deref()), (name, Some(&b"http/1.1"[..])));
        }
    }
}

#[test]
fn compressed_messages_pass_through_tls() {
    let authority = Authority::new("test");
    let connector = Connector::new().tls(authority.client());
    for kind in KINDS {
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| {
            let config = Config::new();
            let incoming = sansws::blocking::Incoming::receive(over_tls(stream, tls), &config);
            let mut ws = incoming
                .and_then(|incoming| {
                    incoming.accept(&config, |request| {
                        Ok(request.accept()?.deflate(DeflateConfig::new()))
                    })
                })
                .expect("a right handshake");
            while let Some(event) = ws.read().expect("an orderly end") {
                if let Message::Text(_) | Message::Binary(_) = event {
                    ws.write(event).expect("it is open");
                }
            }
        });
        let request = RequestBuilder::new(&format!("wss://localhost:{port}/")).expect("a URI");
        let request = request.deflate(DeflateConfig::new());
        let (mut client, accepted) =
            Client::connect(kind, &connector, request).expect("it accepts");
        assert!(accepted.deflate_parameters().is_some());
        client.check_echo();
        server.join().expect("an orderly end");
    }
}

#[test]
fn whoever_cannot_be_trusted_is_refused_with_the_reason() {
    let (authority, other) = (Authority::new("test"), Authority::new("other"));
    let connector = Connector::new().tls(authority.client());
    let rows = [
        (other.server(&["localhost"]), "UnknownIssuer"),
        (authority.server(&["example.com", "127.0.0.1"]), "not valid for name"),
    ];
    for (tls, reason) in rows {
        for kind in KINDS {
            let tls = tls.clone();
            let (port, server) = start("127.0.0.1", move |stream| {
                let mut stream = encrypted(stream, tls);
                stream.conn.complete_io(&mut stream.sock).map(drop)
            });
            let error = Client::refused(kind, &connector, &format!("wss://localhost:{port}/"));
            let Error::Io(error) = error else { panic!("{kind:?}: {error:?}") };
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            let is_told = matches!(inner, Some(rustls::Error::InvalidCertificate(_)));
            assert!(is_told, "{kind:?}: {error:?}");
            assert!(error.to_string().contains(reason), "{kind:?}: {error}");
            // The server is told, too.
            let told = server.join().expect("it ends").expect_err("no handshake");
            assert!(told.to_string().contains("received fatal alert"), "{kind:?}: {told}");
        }
    }
}

#[test]
fn without_a_word_about_trust_only_known_authorities_are_trusted() {
    let authority = Authority::new("test");
    for kind in KINDS {
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| {
            let mut stream = encrypted(stream, tls);
            let _ = stream.conn.complete_io(&mut stream.sock);
            stream.conn.alpn_protocol().map(<[u8]>::to_vec)
        });
        let uri = format!("wss://localhost:{port}/");
        let error = Client::refused(kind, &Connector::new(), &uri);
        let Error::Io(error) = error else { panic!("{kind:?}: {error:?}") };
        let has_default =
            cfg!(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"));
        let expected = if has_default { ErrorKind::InvalidData } else { ErrorKind::Unsupported };
        assert_eq!(error.kind(), expected, "{kind:?}: {error}");
        let spoken = server.join().expect("it ends");
        assert_eq!(spoken.as_deref(), has_default.then_some(&b"http/1.1"[..]));
    }
}

#[test]
fn a_server_that_does_not_speak_tls_is_an_error() {
    let authority = Authority::new("test");
    let connector = Connector::new().tls(authority.client());
    for kind in KINDS {
        let (port, server) = start("127.0.0.1", |mut stream| {
            let _ = stream.read(&mut [0; 1024]);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("the client reads");
            wait_for_end(stream);
        });
        let error = Client::refused(kind, &connector, &format!("wss://localhost:{port}/"));
        let is_expected =
            matches!(&error, Error::Io(error) if error.kind() == ErrorKind::InvalidData);
        assert!(is_expected, "{kind:?}: {error:?}");
        server.join().expect("the client has gone");

        let (port, server) = start("127.0.0.1", |mut stream| {
            let _ = stream.read(&mut [0; 1024]);
        });
        let error = Client::refused(kind, &connector, &format!("wss://localhost:{port}/"));
        let is_expected = matches!(&error, Error::Io(error)
            if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset));
        assert!(is_expected, "{kind:?}: {error:?}");
        server.join().expect("it ends");
    }
}

#[test]
fn a_silent_server_is_waited_for_as_long_as_was_set() {
    let authority = Authority::new("test");
    let timeout = Duration::from_millis(200);
    let patient = Duration::from_secs(600);
    for kind in KINDS {
        // In the handshake of TLS
        let (port, server) = start("127.0.0.1", wait_for_end);
        let connector = Connector::new()
            .tls(authority.client())
            .timeout(timeout)
            .config(Config::new().handshake_timeout(patient));
        let error = Client::refused(kind, &connector, &format!("wss://localhost:{port}/"));
        let is_expected = matches!(&error, Error::Io(error) if error.kind() == ErrorKind::TimedOut);
        assert!(is_expected, "{kind:?}: {error:?}");
        server.join().expect("the client has gone");

        // In the opening handshake
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| wait_for_end(encrypted(stream, tls)));
        let connector = Connector::new()
            .tls(authority.client())
            .timeout(patient)
            .config(Config::new().handshake_timeout(timeout));
        let error = Client::refused(kind, &connector, &format!("wss://localhost:{port}/"));
        assert!(matches!(error, Error::HandshakeTimeout), "{kind:?}: {error:?}");
        server.join().expect("the client has gone");
    }
}

#[test]
fn the_time_for_the_handshake_of_tls_ends_with_it() {
    let authority = Authority::new("test");
    let tls = authority.server(&["localhost"]);
    let (port, server) = start("127.0.0.1", |stream| echo(over_tls(stream, tls)));
    let connector = Connector::new().tls(authority.client());
    let uri = format!("wss://localhost:{port}/");
    let mut client = Client::open(Kind::Blocking, &connector, &uri);
    let Client::Blocking(ws) = &client else { unreachable!() };
    // The timeout of reads is the connection's to set.
    assert_eq!(ws.stream().tcp().write_timeout().expect("it is open"), None);
    client.close().expect("an orderly end");
    server.join().expect("an orderly end");
}

#[test]
fn the_tls_of_a_connection_can_be_asked() {
    let authority = Authority::new("test");
    let connector = Connector::new().tls(authority.client());
    for kind in KINDS {
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", |stream| echo(over_tls(stream, tls)));
        let mut client = Client::open(kind, &connector, &format!("wss://localhost:{port}/"));
        let tls = match &client {
            Client::Blocking(ws) => ws.stream().tls(),
            Client::Tokio(_, ws) => ws.stream().tls(),
        };
        let certificates = tls.and_then(|tls| tls.peer_certificates());
        assert!(certificates.is_some_and(|certificates| !certificates.is_empty()), "{kind:?}");
        client.close().expect("an orderly end");
        server.join().expect("an orderly end");
    }
}

#[test]
fn a_server_that_sends_a_byte_now_and_then_is_not_waited_for_longer() {
    let authority = Authority::new("test");
    let connector = Connector::new().tls(authority.client()).timeout(Duration::from_millis(200));
    for kind in KINDS {
        let (port, server) = start("127.0.0.1", |stream| trickle(stream, b"\x16\x03\x03\x02\x00"));
        let error = Client::refused(kind, &connector, &format!("wss://localhost:{port}/"));
        let is_expected = matches!(&error, Error::Io(error) if error.kind() == ErrorKind::TimedOut);
        assert!(is_expected, "{kind:?}: {error:?}");
        assert!(server.join().expect("it ends"), "{kind:?}: it was waited for");
    }
}

#[test]
fn a_record_that_comes_byte_by_byte_does_not_hold_up_deadlines() {
    let authority = Authority::new("test");
    let config = Config::new().handshake_timeout(Duration::from_millis(200));
    let connector = Connector::new().tls(authority.client()).config(config);
    for kind in KINDS {
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| {
            let mut stream = encrypted(stream, tls);
            read_head(&mut stream);
            trickle(stream.sock, b"\x17\x03\x03\x02\x00")
        });
        let error = Client::refused(kind, &connector, &format!("wss://localhost:{port}/"));
        assert!(matches!(error, Error::HandshakeTimeout), "{kind:?}: {error:?}");
        assert!(server.join().expect("it ends"), "{kind:?}: it was waited for");
    }
}

#[test]
fn a_client_that_sends_tls_byte_by_byte_does_not_hold_up_a_server() {
    let tls = Authority::new("test").server(&["localhost"]);
    let (port, server) = start("127.0.0.1", |stream| {
        let config = Config::new().handshake_timeout(Duration::from_millis(200));
        WebSocket::accept(over_tls(stream, tls), &config).expect_err("no handshake")
    });
    let client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    assert!(trickle(client, b"\x16\x03\x01\x02\x00"), "it was waited for");
    let error = server.join().expect("it ends");
    assert!(matches!(error, Error::HandshakeTimeout), "{error:?}");
}

/// Sends the header of a record of 512 bytes and then one byte after the other;
/// whether the client left before it had them all.
fn trickle(mut stream: TcpStream, header: &[u8; 5]) -> bool {
    stream.write_all(header).expect("the client reads");
    (0..0x200).any(|_| {
        thread::sleep(Duration::from_millis(10));
        stream.write_all(&[0]).is_err()
    })
}

#[test]
fn keys_can_be_changed_under_a_connection() {
    let authority = Authority::new("test");
    for keepalive in [None, Some(Duration::from_secs(60))] {
        let config = Config::new().keepalive(keepalive);
        let connector = Connector::new().tls(authority.client()).config(config);
        for kind in KINDS {
            let tls = authority.server(&["localhost"]);
            let (port, server) = start("127.0.0.1", move |stream| {
                let stream = over_tls(stream, tls);
                let mut ws = WebSocket::accept(stream, &Config::new()).expect("a handshake");
                for text in ["one", "two"] {
                    // RFC 8446, 4.6.3: the client is asked to do so too.
                    ws.stream_mut().tls_mut().refresh_traffic_keys().expect("TLS 1.3");
                    ws.stream_mut().flush().expect("the client reads");
                    thread::sleep(Duration::from_millis(100));
                    ws.send(text).expect("the client reads");
                }
                while ws.read().expect("an orderly end").is_some() {}
            });
            let mut client = Client::open(kind, &connector, &format!("wss://localhost:{port}/"));
            for text in ["one", "two"] {
                let event = client.read().unwrap_or_else(|error| panic!("{kind:?}: {error}"));
                assert_eq!(event, Some(Message::from(text)));
            }
            client.close().expect("an orderly end");
            server.join().expect("an orderly end");
        }
    }
}

#[test]
fn both_sides_say_that_tls_ends() {
    let authority = Authority::new("test");
    let connector = Connector::new().tls(authority.client());
    for kind in KINDS {
        for client_closes in [true, false] {
            let tls = authority.server(&["localhost"]);
            let (port, server) = start("127.0.0.1", move |stream| {
                let stream = over_tls(stream, tls);
                let mut ws = WebSocket::accept(stream, &Config::new()).expect("a handshake");
                if !client_closes {
                    ws.write(Message::Close(sansws::Close::default())).expect("it is open");
                }
                while !matches!(ws.read().expect("a Close"), Some(Message::Close(_))) {}
                // Without close_notify (RFC 8446, 6.1) this would be an error.
                ws.into_stream().read(&mut [0])
            });
            let mut client = Client::open(kind, &connector, &format!("wss://localhost:{port}/"));
            if client_closes {
                client.close().expect("an orderly end");
            } else {
                while client.read().expect("an orderly end").is_some() {}
            }
            let ended = server.join().expect("a Close");
            assert!(matches!(ended, Ok(0)), "{kind:?}, {client_closes}: {ended:?}");
        }
    }
}

#[test]
fn an_end_without_a_word_is_an_error_before_the_closing_handshake_only() {
    let authority = Authority::new("test");
    let connector = Connector::new().tls(authority.client());
    for kind in KINDS {
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| {
            // Which cannot send a close_notify.
            let stream = ReadWrite(encrypted(stream, tls));
            let mut ws = WebSocket::accept(stream, &Config::new()).expect("a handshake");
            while ws.read().expect("a Close").is_some() {}
        });
        let mut client = Client::open(kind, &connector, &format!("wss://localhost:{port}/"));
        client.close().unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        server.join().expect("a Close");

        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| {
            let stream = ReadWrite(encrypted(stream, tls));
            let mut ws = WebSocket::accept(stream, &Config::new()).expect("a handshake");
            ws.send("hi").expect("the client reads");
        });
        let mut client = Client::open(kind, &connector, &format!("wss://localhost:{port}/"));
        assert_eq!(client.read().expect("a message"), Some(Message::from("hi")));
        let error = client.read().expect_err("the end of TCP, as an attacker can make it");
        let is_expected =
            matches!(&error, Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof);
        assert!(is_expected, "{kind:?}: {error:?}");
        server.join().expect("it is sent");

        // And that TLS has ended well does not make it a Close.
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| {
            let stream = over_tls(stream, tls);
            let ws = WebSocket::accept(stream, &Config::new()).expect("a handshake");
            let mut stream = ws.into_stream();
            stream.tls_mut().send_close_notify();
            stream.flush().expect("the client reads");
            wait_for_end(stream.into_parts().1);
        });
        let mut client = Client::open(kind, &connector, &format!("wss://localhost:{port}/"));
        let error = client.read().expect_err("no Close");
        let is_expected = matches!(error, Error::Failed(Violation::EndOfStream));
        assert!(is_expected, "{kind:?}: {error:?}");
        drop(client);
        server.join().expect("the client has gone");
    }
}

#[test]
fn pings_keep_a_connection_over_tls_alive() {
    let authority = Authority::new("test");
    let config = Config::new().keepalive(Some(Duration::from_millis(50)));
    let connector = Connector::new().tls(authority.client()).config(config);
    for kind in KINDS {
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| {
            let stream = over_tls(stream, tls);
            let mut ws = WebSocket::accept(stream, &Config::new()).expect("a handshake");
            for _ in 0..3 {
                let event = ws.read().expect("a ping");
                assert!(matches!(event, Some(Message::Ping(_))), "{event:?}");
            }
            ws.send("enough").expect("the client reads");
            while ws.read().expect("an orderly end").is_some() {}
        });
        let mut client = Client::open(kind, &connector, &format!("wss://localhost:{port}/"));
        let mut pongs = 0;
        let text = loop {
            match client.read().expect("it is alive") {
                Some(Message::Pong(_)) => pongs += 1,
                event => break event,
            }
        };
        assert_eq!(text, Some(Message::from("enough")));
        assert!(pongs >= 2, "{kind:?}: {pongs}");
        client.close().expect("an orderly end");
        server.join().expect("an orderly end");
    }
}

#[test]
fn a_server_that_falls_silent_over_tls_is_given_up() {
    let authority = Authority::new("test");
    let config = Config::new()
        .keepalive(Some(Duration::from_millis(50)))
        .pong_timeout(Duration::from_millis(50))
        .close_timeout(Duration::from_millis(50));
    let connector = Connector::new().tls(authority.client()).config(config);
    for kind in KINDS {
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| {
            let stream = over_tls(stream, tls);
            let ws = WebSocket::accept(stream, &Config::new()).expect("a handshake");
            wait_for_end(ws.into_stream());
        });
        let mut client = Client::open(kind, &connector, &format!("wss://localhost:{port}/"));
        let error = client.read().expect_err("nothing came");
        let is_expected = matches!(error, Error::Failed(Violation::PongTimeout));
        assert!(is_expected, "{kind:?}: {error:?}");
        drop(client);
        server.join().expect("the client has gone");
    }
}

#[test]
fn a_server_that_does_not_end_the_stream_is_given_up() {
    let authority = Authority::new("test");
    let config = Config::new().close_timeout(Duration::from_secs(1));
    let connector = Connector::new().tls(authority.client()).config(config);
    for kind in KINDS {
        let (done, is_done) = mpsc::channel::<()>();
        let tls = authority.server(&["localhost"]);
        let (port, server) = start("127.0.0.1", move |stream| {
            let stream = ReadWrite(encrypted(stream, tls));
            let mut ws = WebSocket::accept(stream, &Config::new()).expect("a handshake");
            while !matches!(ws.read().expect("a Close"), Some(Message::Close(_))) {}
            let _ = is_done.recv();
        });
        let mut client = Client::open(kind, &connector, &format!("wss://localhost:{port}/"));
        client.close().unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        drop(done);
        server.join().expect("a Close");
    }
}

#[test]
fn no_timeout_is_left_on_the_stream_if_there_is_none() {
    let authority = Authority::new("test");
    let tls = authority.server(&["localhost"]);
    let (port, server) = start("127.0.0.1", |stream| echo(over_tls(stream, tls)));
    let config = Config::new().handshake_timeout(Duration::MAX).keepalive(None);
    let connector = Connector::new().tls(authority.client()).config(config);
    let uri = format!("wss://localhost:{port}/");
    let mut client = Client::open(Kind::Blocking, &connector, &uri);
    let Client::Blocking(ws) = &client else { unreachable!() };
    let tcp = ws.stream().tcp();
    assert_eq!(tcp.read_timeout().expect("it is open"), None);
    assert_eq!(tcp.write_timeout().expect("it is open"), None);
    client.close().expect("an orderly end");
    server.join().expect("an orderly end");
}

/// With rustls's own stream, the write that cannot go on drops all, and nothing is read before
/// all is written.
#[test]
fn a_stream_that_does_not_block_loses_nothing_while_both_send() {
    const COUNT: usize = 20;
    let message = vec![7; 700_000];
    let authority = Authority::new("test");
    let tls = authority.server(&["localhost"]);
    let (port, server) = start("127.0.0.1", |stream| echo(over_tls(stream, tls)));
    let connector = Connector::new().tls(authority.client());
    let uri = format!("wss://localhost:{port}/");
    let (mut ws, _) = connector.connect_blocking(uri).expect("it accepts");
    ws.stream().tcp().set_nonblocking(true).expect("TCP can");
    ws.set_high_water_mark(usize::MAX);
    for _ in 0..COUNT {
        ws.write(&message).expect("it is open");
    }
    let mut count = 0;
    for _ in 0..20_000 {
        match ws.read() {
            Ok(Some(event)) => {
                assert!(event == Message::from(&message));
                count += 1;
            }
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(1));
            }
            other => panic!("after {count}: {other:?}"),
        }
        if count == COUNT {
            break;
        }
    }
    assert_eq!((count, ws.unwritten()), (COUNT, 0));
    ws.stream().tcp().set_nonblocking(false).expect("TCP can");
    ws.close(None, "").expect("an orderly end");
    server.join().expect("an orderly end");
}

/// With rustls's own stream, the write waits in a read.
#[test]
fn a_server_that_is_stuck_holds_a_write_no_longer_than_the_streams_timeout() {
    let authority = Authority::new("test");
    let config = Config::new().keepalive(None);
    let connector = Connector::new().tls(authority.client()).config(config);
    let tls = authority.server(&["localhost"]);
    let (held, is_held) = mpsc::channel::<()>();
    let (port, server) = start("127.0.0.1", move |stream| {
        let _ws = WebSocket::accept(over_tls(stream, tls), &Config::new()).expect("a handshake");
        let _ = is_held.recv();
    });
    let (result, results) = mpsc::channel();
    let client = thread::spawn(move || {
        let uri = format!("wss://localhost:{port}/");
        let (mut ws, _) = connector.connect_blocking(uri).expect("it accepts");
        let timeout = Some(Duration::from_millis(50));
        ws.stream().tcp().set_write_timeout(timeout).expect("TCP can");
        let _ = result.send(ws.send(vec![7; 30_000_000]));
    });
    let result = results.recv_timeout(Duration::from_secs(20)).expect("the timeout holds");
    let is_expected = matches!(&result, Err(Error::Io(e)) if e.kind() == ErrorKind::WouldBlock);
    assert!(is_expected, "{result:?}");
    drop(held);
    client.join().expect("it has ended");
    server.join().expect("it has ended");
}

/// A stream that has a buffer of its own, and says of time what that of Windows says.
struct Buffered {
    stream: TcpStream,
    buffer: Vec<u8>,
}

fn as_windows<T>(result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    })
}

impl Read for Buffered {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        as_windows(self.stream.read(buf))
    }
}

impl Write for Buffered {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.buffer.len() > 10_000 {
            self.flush()?;
        }
        self.buffer.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.buffer.is_empty() {
            let count = as_windows(self.stream.write(&self.buffer))?;
            self.buffer.drain(..count);
        }
        Ok(())
    }
}

impl Stream for Buffered {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }
}

fn client_over(authority: &Authority, stream: TcpStream) -> TlsStream<ClientConnection, Buffered> {
    let name = "localhost".try_into().expect("a name");
    let tls = ClientConnection::new(authority.client(), name).expect("it is configured");
    TlsStream::new(tls, Buffered { stream, buffer: Vec::new() })
}

#[test]
fn a_write_that_waits_is_not_done_twice() {
    const COUNT: u8 = 20;
    let authority = Authority::new("test");
    let tls = authority.server(&["localhost"]);
    let (blocked, is_blocked) = mpsc::channel();
    let (port, server) = start("127.0.0.1", move |stream| {
        let mut ws = WebSocket::accept(over_tls(stream, tls), &Config::new()).expect("a handshake");
        is_blocked.recv().expect("more than it takes");
        for i in 0..COUNT {
            let event = ws.read().expect("what was sent");
            assert!(event == Some(Message::from(vec![i; 700_000])), "{i}");
        }
        while ws.read().expect("an orderly end").is_some() {}
        // The client has shut down TCP too.
        assert!(matches!(ws.into_stream().into_parts().1.read(&mut [0]), Ok(0)));
    });
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_write_timeout(Some(Duration::from_millis(20))).expect("TCP can");
    let stream = client_over(&authority, stream);
    let request = RequestBuilder::new("wss://localhost/").expect("a URI");
    let config = Config::new().keepalive(None);
    let (mut ws, _) = WebSocket::connect_over(stream, request, &config).expect("a handshake");
    for i in 0..COUNT {
        ws.write(vec![i; 700_000]).expect("it is open");
    }
    while let Err(error) = ws.flush() {
        let is_expected = matches!(&error, Error::Io(e) if e.kind() == ErrorKind::WouldBlock);
        assert!(is_expected, "{error:?}");
        let _ = blocked.send(()); // once is enough
    }
    ws.close(None, "").expect("an orderly end");
    drop(ws);
    server.join().expect("an orderly end");
}

#[test]
fn a_handshake_of_tls_that_is_part_of_ours_has_its_time() {
    let authority = Authority::new("test");
    let config = Config::new().handshake_timeout(Duration::from_millis(200));
    let connect = |port| {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let request = RequestBuilder::new("wss://localhost/").expect("a URI");
        let ws = WebSocket::connect_over(client_over(&authority, stream), request, &config);
        ws.map(drop).expect_err("no handshake")
    };
    let (port, server) = start("127.0.0.1", |stream| trickle(stream, b"\x16\x03\x03\x02\x00"));
    assert!(matches!(connect(port), Error::HandshakeTimeout));
    assert!(server.join().expect("it ends"), "it was waited for");
    // And an end of its own, if the server does not speak.
    let (port, server) = start("127.0.0.1", |stream| drop(read_some(stream)));
    let error = connect(port);
    assert!(matches!(&error, Error::Io(e) if e.kind() == ErrorKind::UnexpectedEof), "{error:?}");
    server.join().expect("it ends");
}

fn read_some(mut stream: TcpStream) -> TcpStream {
    let _ = stream.read(&mut [0; 4096]).expect("the client speaks first");
    stream
}
