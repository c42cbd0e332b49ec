//! The opening handshake through the adapters, both sides.

#[path = "support/io.rs"]
mod io;
mod support;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use io::{Call, Script, is_blocked, wait};
use sansws::handshake::{AcceptKey, BuildError, HandshakeError, RequestBuilder};
use sansws::io::{Error, Refusal};
use sansws::tokio::{Incoming, WebSocket};
use sansws::{Config, DeflateConfig, Message, Violation, blocking, futures_io};
use support::{Role, TEXT};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Protocol: v1, v2\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// What a server's `serve` writes to a client that sends this and no more.
fn served<T>(
    input: impl AsRef<[u8]>,
    serve: impl AsyncFnOnce(Script) -> Result<T, Error>,
) -> (Result<T, Error>, String, Script) {
    let stream = Script::new();
    stream.arrive(input);
    stream.end();
    let result = wait(serve(stream.clone()));
    let written = String::from_utf8_lossy(&stream.written()).into_owned();
    (result, written, stream)
}

async fn accept(stream: Script) -> Result<WebSocket<Script>, Error> {
    WebSocket::accept(stream, &Config::new()).await
}

#[test]
fn a_request_is_seen_before_it_is_answered() {
    let (result, written, stream) = served(REQUEST, async |stream| {
        let config = Config::new();
        let incoming = Incoming::receive(stream, &config).await?;
        assert_eq!(incoming.stream().written(), []);
        assert_eq!(incoming.request().path(), "/chat");
        assert!(incoming.request().is_websocket());
        let ws = incoming.accept(&config, |request| {
            let accept = request.accept()?.select_subprotocol(&["v2", "v1"]);
            Ok(accept.deflate(DeflateConfig::new()).header("X-Server", "this")?)
        });
        ws.await
    });
    assert!(result.is_ok());
    assert!(written.starts_with("HTTP/1.1 101 "), "{written}");
    for field in [
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
        "Sec-WebSocket-Protocol: v2\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate",
        "X-Server: this\r\n",
    ] {
        assert!(written.contains(field), "{written}");
    }
    assert_eq!(stream.count(Call::Shutdown), 0);
}

#[test]
fn a_request_can_be_refused() {
    let (result, written, stream) = served(REQUEST, async |stream| {
        let incoming = Incoming::receive(stream, &Config::new()).await?;
        incoming.respond(404, &[("X-Why", "none")], b"no such page\n").await
    });
    result.expect("it was answered");
    assert!(written.starts_with("HTTP/1.1 404 "), "{written}");
    assert!(written.contains("X-Why: none\r\n"), "{written}");
    assert!(written.ends_with("\r\n\r\nno such page\n"), "{written}");
    assert_eq!(stream.count(Call::Shutdown), 1);
    // What still came was read to the end.
    assert_eq!(stream.state().calls.last(), Some(&Call::Read));
}

#[test]
fn an_answer_that_cannot_be_given_is_told_to_the_client_too() {
    let rows = [
        (101, ("X-Why", "none"), BuildError::Status),
        (404, ("X-Why", "a\r\nb"), BuildError::HeaderValue),
        (404, ("Upgrade", "x"), BuildError::HeaderReserved),
    ];
    for (status, header, expected) in rows {
        let (result, written, stream) = served(REQUEST, async |stream| {
            let incoming = Incoming::receive(stream, &Config::new()).await?;
            incoming.respond(status, &[header], b"no such page\n").await
        });
        assert!(matches!(result, Err(Error::Build(error)) if error == expected), "{result:?}");
        assert!(written.starts_with("HTTP/1.1 500 "), "{written}");
        assert!(written.ends_with("\r\n\r\n"), "{written}");
        assert_eq!(stream.count(Call::Shutdown), 1);
    }
}

#[test]
fn what_is_no_right_handshake_is_answered_with_the_right_status() {
    let cases = [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        (REQUEST.replace("Version: 13", "Version: 8"), "426"),
        (REQUEST.replace("GET", "PUT"), "405"),
        (REQUEST.replace("Upgrade: websocket\r\n", ""), "426"),
        (REQUEST.replace("dGhl", "!"), "400"),
        (REQUEST.replace("/chat", &"/x".repeat(20_000)), "431"),
    ];
    for (request, status) in cases {
        let (result, written, stream) = served(&request, accept);
        let Err(Error::Handshake(error)) = result else { panic!("{result:?}") };
        assert!(written.starts_with(&format!("HTTP/1.1 {status} ")), "{error:?}: {written}");
        assert_eq!(stream.count(Call::Shutdown), 1);
        assert_eq!(stream.state().calls.last(), Some(&Call::Read));
    }
}

#[test]
fn what_the_program_refuses_is_answered() {
    for (refuse, status) in [
        (Error::Handshake(HandshakeError::Origin), "403"),
        (Error::Io(ErrorKind::Other.into()), "500"),
    ] {
        for is_broken in [false, true] {
            let expected = format!("{refuse:?}");
            let refuse = &mut Some(match &refuse {
                Error::Handshake(error) => Error::Handshake(*error),
                _ => Error::Io(ErrorKind::Other.into()),
            });
            let (result, written, _) = served(REQUEST, async |stream| {
                let incoming = Incoming::receive(stream, &Config::new()).await?;
                if is_broken {
                    incoming.stream().state().write_error = Some(ErrorKind::BrokenPipe);
                }
                incoming.accept(&Config::new(), |_| Err(refuse.take().expect("once"))).await
            });
            // The program's reason, even if the client could not be told.
            assert_eq!(format!("{:?}", result.expect_err("it was refused")), expected);
            let is_told = written.starts_with(&format!("HTTP/1.1 {status} "));
            assert_eq!(is_told, !is_broken, "{written}");
        }
    }
}

#[test]
fn a_refused_client_that_has_sent_more_reads_the_whole_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    for adapter in 0..3 {
        let client = thread::spawn(move || {
            let mut stream = TcpStream::connect(address).expect("it listens");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").expect("there is room");
            stream.write_all(&[b'x'; 100_000]).expect("the server still reads");
            // A reset, had there been one, would be here by now.
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).expect("no reset");
            answer
        });
        let (stream, _) = listener.accept().expect("a client");
        let (config, body) = (Config::new(), [b'b'; 50_000]);
        match adapter {
            0 => {
                let incoming = blocking::Incoming::receive(stream, &config).expect("a request");
                incoming.respond(404, &[], &body).expect("it was answered");
            }
            1 => smol::block_on(async {
                // It is this that shuts down when it is closed; `Async` only flushes.
                let stream = smol::Async::new(stream).expect("TCP can");
                let stream = smol::net::TcpStream::from(stream);
                let incoming = futures_io::Incoming::receive(stream, &config).await;
                let incoming = incoming.expect("a request");
                incoming.respond(404, &[], &body).await.expect("it was answered");
            }),
            _ => tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
                stream.set_nonblocking(true).expect("TCP can");
                let stream = tokio::net::TcpStream::from_std(stream).expect("TCP can");
                let incoming = Incoming::receive(stream, &config).await.expect("a request");
                incoming.respond(404, &[], &body).await.expect("it was answered");
            }),
        }
        let answer = client.join().expect("no panic");
        assert!(answer.starts_with(b"HTTP/1.1 404") && answer.ends_with(&body));
    }
}

#[test]
fn a_refused_client_that_sends_without_end_is_left() {
    let stream = Script::new();
    stream.arrive(REQUEST);
    for _ in 0..100 {
        stream.arrive([b'x'; 100_000]);
    }
    let result = wait(async {
        let incoming = Incoming::receive(stream.clone(), &Config::new()).await?;
        incoming.respond(404, &[], b"").await
    });
    result.expect("it was answered");
    let reads = stream.count(Call::Read);
    assert!((5..20).contains(&reads), "{reads}");
}

#[test]
fn a_request_is_read_however_it_is_cut() {
    let all = [REQUEST.as_bytes(), &Role::Server.incoming_final(TEXT, b"hello")].concat();
    for at in 1..all.len() {
        let stream = Script::new();
        stream.arrive(&all[..at]);
        stream.arrive(&all[at..]);
        let mut ws = wait(accept(stream.clone())).expect("a right handshake");
        assert_eq!(wait(ws.read()).expect("a message"), Some("hello".into()), "{at}");
    }
    let stream = Script::new();
    stream.state().max_read = 1;
    stream.state().max_write = 1;
    stream.arrive(&all);
    let mut ws = blocking::WebSocket::accept(stream, &Config::new()).expect("a handshake");
    assert_eq!(ws.read().expect("a message"), Some("hello".into()));
}

#[test]
fn a_request_that_ends_early_is_an_error() {
    for at in 0..REQUEST.len() {
        let (result, _, _) = served(&REQUEST[..at], accept);
        assert!(matches!(result, Err(Error::Io(e)) if e.kind() == ErrorKind::UnexpectedEof));
    }
}

/// What accepts a request with these lines.
fn accept_key<'l>(mut lines: impl Iterator<Item = &'l str>) -> AcceptKey {
    let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    AcceptKey::new(key.expect("a key").as_bytes())
}

/// What a client makes of this answer, which comes in pieces of `max_read`.
/// `{accept}` stands for the right value.
fn connect(answer: &[u8], max_read: usize, is_ended: bool) -> Result<Message, Error> {
    let answer = answer.to_vec();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (mut peer, stream) = duplex(1 << 20);
        let serving = tokio::spawn(async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(peer.read_u8().await.expect("a request"));
            }
            let request = String::from_utf8(request).expect("ASCII");
            let accept = accept_key(request.lines());
            let at = answer.windows(8).position(|window| window == b"{accept}");
            let answer = match at {
                Some(at) => [&answer[..at], accept.as_str().as_bytes(), &answer[at + 8..]].concat(),
                None => answer,
            };
            for piece in answer.chunks(max_read) {
                if peer.write_all(piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            if !is_ended {
                tokio::time::sleep(std::time::Duration::from_secs(1000)).await;
            }
        });
        let request = RequestBuilder::new("ws://h/").expect("a URI");
        let (mut ws, _) = WebSocket::connect_over(stream, request, &Config::new()).await?;
        let event = ws.read().await?.expect("a message");
        serving.abort();
        Ok(event)
    })
}

const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n\x81\x05hello";

#[test]
fn an_answer_is_read_however_it_is_cut() {
    for max_read in [1, 2, 3, 7, 100, 1000] {
        let event = connect(ACCEPTED, max_read, false).expect("a right answer");
        assert_eq!(event, "hello".into());
    }
    // Provisional answers are passed over.
    let provisional = [b"HTTP/1.1 103 Early Hints\r\n\r\n", ACCEPTED].concat();
    assert_eq!(connect(&provisional, 10, false).expect("a right answer"), "hello".into());
}

fn refused(answer: &[u8], max_read: usize, is_ended: bool) -> Refusal {
    match connect(answer, max_read, is_ended) {
        Err(Error::Refused(refusal)) => *refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_is_a_value_with_its_body() {
    let cases: [(&str, &str, bool); 19] = [
        ("Content-Length: 5\r\n\r\nhello", "hello", false),
        ("Content-Length: 5\r\n\r\nhello, and more", "hello", false),
        ("Content-Length: 0\r\n\r\n", "", false),
        ("Content-Length: 10\r\n\r\nhello", "hello", true),
        ("\r\nuntil the end", "until the end", true),
        // As long as there is time.
        ("\r\nuntil the end", "until the end", false),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n2;x=y\r\n, \r\nA\r\n0123456789\r\n0\r\n\r\n",
            "hello, 0123456789",
            false,
        ),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n8\r\ncut", "hellocut", true),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", "hello", false),
        // What is behind the last chunk, has no length, or comes where a chunk should have
        // ended is not of the body.
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX3\r\nabc\r\n", "hello", true),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n3\r\nabc\r\n", "hello", true),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n\r\n3\r\nabc\r\n", "hello", true),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nFFFFFFFFFFFFFFFF\r\nnever",
            "hellonever",
            true,
        ),
        // More than one coding
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            "ab",
            false,
        ),
        ("Transfer-Encoding: chunked, gzip\r\nContent-Length: 2\r\n\r\n2\r\nab", "2\r\nab", true),
        (
            "Transfer-Encoding: chunked, \r\nTransfer-Encoding:\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "a",
            false,
        ),
        ("Transfer-Encoding: unchunked\r\n\r\n2\r\nab", "2\r\nab", true),
        // No number
        ("Content-Length: +3\r\n\r\nhello", "hello", true),
        ("Content-Length: \r\n\r\nhello", "hello", true),
    ];
    for (rest, body, is_ended) in cases {
        for max_read in [1, 2, 5, 1000] {
            let answer = format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n{rest}");
            let refusal = refused(answer.as_bytes(), max_read, is_ended);
            assert_eq!(refusal.status(), 401);
            assert_eq!(refusal.header("www-authenticate"), Some(&b"Basic"[..]));
            assert_eq!(String::from_utf8_lossy(refusal.body()), body, "{rest:?}");
        }
    }
    let refusal = refused(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 1000, false);
    assert_eq!((refusal.status(), refusal.body()), (304, &[][..]));
}

/// Who follows it has no use for its body, which may be long in coming.
#[test]
fn nobody_waits_for_the_body_of_a_redirection() {
    for (field, body) in [("Location: /other", ""), ("Server: x", "moved")] {
        let head = format!("HTTP/1.1 302 Found\r\n{field}\r\n\r\n");
        let refusal = refused((head + "moved").as_bytes(), 40, false);
        assert_eq!((refusal.status(), refusal.body()), (302, body.as_bytes()), "{field}");
    }
}

#[test]
fn a_body_that_is_too_long_is_cut() {
    let long = "x".repeat(200_000);
    for head in [
        "HTTP/1.1 500 x\r\n\r\n".to_owned(),
        "HTTP/1.1 500 x\r\nContent-Length: 200000\r\n\r\n".to_owned(),
        "HTTP/1.1 500 x\r\nContent-Length: 99999999999999999999999999\r\n\r\n".to_owned(),
        "HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n30D40\r\n".to_owned(),
    ] {
        let refusal = refused((head.clone() + &long).as_bytes(), 10_000, false);
        assert!(refusal.body().len() <= Refusal::MAX_BODY_LEN);
        assert!(refusal.body().len() > Refusal::MAX_BODY_LEN - 10, "{head}");
    }
}

#[test]
fn a_body_that_is_too_long_is_cut_in_the_same_place_however_it_comes() {
    let chunks = "A\r\n0123456789\r\n".repeat(10_000);
    let long = format!("HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    let bodies = [1, 1000, 100_000].map(|max_read| refused(long.as_bytes(), max_read, true));
    // 64 KiB as they come, of which a third is not the chunks' own.
    assert_eq!(bodies[0].body().len(), 43_690);
    assert!(bodies.iter().all(|refusal| refusal.body() == bodies[0].body()));
}

#[test]
fn the_line_of_a_chunk_is_not_read_for_ever() {
    let line = format!("2;{}\r\nab\r\n", "x".repeat(2_000));
    let chunked = "HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n";
    for max_read in [1, 100, 10_000] {
        let refusal = refused(format!("{chunked}{line}").as_bytes(), max_read, false);
        assert_eq!(refusal.body(), b"ab", "{max_read}");
    }
}

#[test]
fn an_answer_that_breaks_a_rule_is_an_error() {
    let accepted = String::from_utf8(ACCEPTED[..ACCEPTED.len() - 7].to_vec()).expect("ASCII");
    for (answer, expected) in [
        (accepted.replace("{accept}", "AAAA"), HandshakeError::Accept),
        (accepted.replace("Upgrade: websocket\r\n", ""), HandshakeError::Upgrade),
        (accepted.replace("Connection: Upgrade\r\n", ""), HandshakeError::Connection),
        (
            accepted.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x\r\n\r\n"),
            HandshakeError::Subprotocol,
        ),
    ] {
        let result = connect(answer.as_bytes(), 1000, false);
        assert!(matches!(result, Err(Error::Handshake(e)) if e == expected), "{result:?}");
    }
}

#[test]
fn a_server_that_ends_early_is_an_error() {
    for at in (0..ACCEPTED.len() - 7).step_by(5) {
        let result = connect(&ACCEPTED[..at], 1000, true);
        let is_eof = matches!(&result, Err(Error::Io(e)) if e.kind() == ErrorKind::UnexpectedEof);
        assert!(is_eof, "{at}: {result:?}");
    }
}

#[test]
fn all_adapters_understand_each_other() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        for _ in 0..2 {
            let (stream, _) = listener.accept().expect("a client");
            let mut ws = blocking::WebSocket::accept(stream, &Config::new()).expect("a handshake");
            while let Some(event) = ws.read().expect("nothing is wrong") {
                if let Message::Text(_) = event {
                    ws.write(event).expect("it is open");
                }
            }
        }
    });
    let request = || RequestBuilder::new("ws://h/").expect("a URI");
    let stream = TcpStream::connect(address).expect("it listens");
    let (mut ws, _) =
        blocking::WebSocket::connect_over(stream, request(), &Config::new()).expect("a server");
    ws.send("hello").expect("it is open");
    assert_eq!(ws.read().expect("an echo"), Some("hello".into()));
    ws.close(None, "").expect("an orderly end");
    let config = Config::new();
    smol::block_on(async {
        let stream = smol::net::TcpStream::connect(address).await.expect("it listens");
        let connecting = futures_io::WebSocket::connect_over(stream, request(), &config);
        let (mut ws, _) = connecting.await.expect("a server");
        ws.send("hello").await.expect("it is open");
        assert_eq!(ws.read().await.expect("an echo"), Some("hello".into()));
        ws.close(None, "").await.expect("an orderly end");
    });
    server.join().expect("no panic");
}

#[test]
fn a_head_may_be_as_long_as_the_program_says() {
    for (max, is_taken) in [(REQUEST.len(), true), (REQUEST.len() - 1, false)] {
        let (result, written, _) = served(REQUEST, async |stream| {
            WebSocket::accept(stream, &Config::new().max_head_len(max)).await
        });
        let status = if is_taken { "HTTP/1.1 101 " } else { "HTTP/1.1 431 " };
        assert!(result.is_ok() == is_taken && written.starts_with(status), "{max}: {written}");
    }
}

#[test]
fn what_is_said_in_the_handshake_is_flushed() {
    let stream = Script::new();
    stream.arrive(REQUEST);
    wait(WebSocket::accept(stream.clone(), &Config::new())).expect("a right request");
    assert_eq!(stream.state().calls.last(), Some(&Call::Flush));

    let stream = Script::new();
    let request = RequestBuilder::new("ws://h/").expect("a URI");
    let result = wait(WebSocket::connect_over(stream.clone(), request, &Config::new()));
    assert!(is_blocked(&result.map(drop)));
    assert_eq!(stream.state().calls, [Call::Write, Call::Flush, Call::Read]);
}

#[test]
fn an_interrupted_read_does_not_end_the_handshake() {
    let stream = Script::new();
    stream.state().interruptions = 3;
    stream.arrive(REQUEST);
    wait(WebSocket::accept(stream.clone(), &Config::new())).expect("a right request");
    let stream = Script::new();
    stream.state().interruptions = 3;
    stream.arrive(REQUEST);
    blocking::WebSocket::accept(stream, &Config::new()).expect("a right request");
}

#[test]
fn what_comes_with_the_request_is_the_first_that_a_blocking_connection_reads() {
    let stream = Script::new();
    stream.arrive([REQUEST.as_bytes(), &Role::Server.incoming_final(TEXT, b"hello")].concat());
    let mut ws = blocking::WebSocket::accept(stream, &Config::new()).expect("a right request");
    assert_eq!(ws.read().expect("a message"), Some(Message::from("hello")));
}

#[test]
fn what_comes_with_the_answer_is_the_first_that_a_blocking_connection_reads() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let stream =
        TcpStream::connect(listener.local_addr().expect("an address")).expect("it listens");
    let serving = thread::spawn(move || {
        let mut stream = BufReader::new(listener.accept().expect("a client").0);
        let lines = stream.by_ref().lines().map(|line| line.expect("ASCII"));
        let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let accept = accept_key(lines.iter().map(String::as_str));
        let head = format!(
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            accept.as_str()
        );
        let answer = [head.as_bytes(), &Role::Client.incoming_final(TEXT, b"hello")].concat();
        stream.get_mut().write_all(&answer).expect("there is room");
        // Its end is the end of the stream, so that nobody waits in vain.
    });
    let request = RequestBuilder::new("ws://h/").expect("a URI");
    let (mut ws, _) =
        blocking::WebSocket::connect_over(stream, request, &Config::new()).expect("it accepts");
    serving.join().expect("no panic");
    assert_eq!(ws.read().expect("a message"), Some(Message::from("hello")));
}

#[test]
fn what_a_request_is_accepted_with_holds_for_the_connection() {
    let strict = Config::new().max_message_len(2);
    let stream = Script::new();
    stream.arrive(REQUEST);
    let result = wait(async {
        let incoming = Incoming::receive(stream.clone(), &Config::new()).await?;
        let mut ws = incoming.accept(&strict, |request| Ok(request.accept()?)).await?;
        stream.arrive(Role::Server.incoming_final(TEXT, b"abc"));
        stream.end();
        ws.read().await
    });
    assert!(matches!(result, Err(Error::Failed(Violation::MessageTooBig))), "{result:?}");
}

#[test]
fn a_refusal_is_there_as_soon_as_its_body_is() {
    let rows: [(u16, &str, &str); 8] = [
        (401, "Content-Length: 5\r\n\r\nhello", "hello"),
        (401, "Content-Length: 0\r\n\r\n", ""),
        (401, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
        (401, "Transfer-Encoding: gzip, Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
        // RFC 9112, 6.3: "the Transfer-Encoding overrides the Content-Length"
        (
            401,
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        (401, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnot a length", "hello"),
        (204, "\r\nhello", ""),
        (304, "Content-Length: 5\r\n\r\nhello", ""),
    ];
    for (status, rest, body) in rows {
        let stream = Script::new();
        stream.arrive(format!("HTTP/1.1 {status} x\r\n{rest}"));
        let request = RequestBuilder::new("ws://h/").expect("a URI");
        let result = wait(WebSocket::connect_over(stream, request, &Config::new()));
        let Err(Error::Refused(refusal)) = result else { panic!("{rest:?}: {result:?}") };
        assert_eq!(refusal.status(), status);
        assert_eq!(String::from_utf8_lossy(refusal.body()), body, "{rest:?}");
    }
}

#[test]
fn an_answer_may_be_as_long_as_the_program_says() {
    let answer = "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n";
    for (max, is_taken) in [(answer.len(), true), (answer.len() - 1, false)] {
        let stream = Script::new();
        stream.arrive(answer);
        let request = RequestBuilder::new("ws://h/").expect("a URI");
        let config = Config::new().max_head_len(max);
        let result = wait(WebSocket::connect_over(stream, request, &config)).map(drop);
        match result {
            Err(Error::Refused(_)) => assert!(is_taken),
            Err(Error::Handshake(HandshakeError::HeadTooLong)) => assert!(!is_taken),
            other => panic!("{other:?}"),
        }
    }
}
