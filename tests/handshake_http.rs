//! What either side takes for the head of an HTTP/1.1 message (RFC 9112), and
//! what can be read in it. Every head is read at once and byte by byte.

mod support;

use sansws::handshake::HandshakeError::{self, Malformed};
use sansws::handshake::ServerHandshake;
use support::handshake::{
    Owned, REQUEST, RESPONSE, answered, ask, client, head, request, serve, served, with_request,
};

/// A side of the handshake: what it reads, and the fields if it is satisfied.
struct Side {
    lines: &'static [&'static str],
    read: fn(&[u8]) -> Result<Owned, HandshakeError>,
}

const SERVER: Side = Side {
    lines: &REQUEST,
    read: |bytes| {
        let served = served(bytes)?;
        assert_eq!(served.verdict, Ok(()));
        Ok(served.fields)
    },
};

const CLIENT: Side = Side {
    lines: &RESPONSE,
    read: |bytes| {
        let answered = answered(bytes)?;
        assert_eq!(answered.accepted, Some(None));
        Ok(answered.fields)
    },
};

/// The head with one more line, of any bytes.
fn head_and(lines: &[&str], line: &[u8]) -> Vec<u8> {
    let mut bytes = head(lines);
    bytes.truncate(bytes.len() - 2);
    [&bytes, line, b"\r\n\r\n"].concat()
}

#[test]
fn each_byte_of_a_value_is_allowed_or_not() {
    // RFC 9110, 5.5: HTAB, SP, VCHAR, obs-text. daphne, CVE-2026-44546: 0x0B,
    // 0x0C, 0x1C to 0x1E and 0x85 were taken for the ends of lines.
    for Side { lines, read } in [SERVER, CLIENT] {
        for byte in 0..=0xFF {
            let value = [b'a', byte, b'b'];
            let result = read(&head_and(lines, &[b"X: ", &value[..]].concat()));
            match byte {
                b'\t' | 0x20..=0x7E | 0x80.. => {
                    let fields = result.unwrap_or_else(|error| panic!("{byte:#04x}: {error}"));
                    assert_eq!(fields.last(), Some(&("X".into(), value.to_vec())));
                }
                0..=8 | 10..=31 | 0x7F => assert_eq!(result, Err(Malformed), "{byte:#04x}"),
            }
        }
    }
}

#[test]
fn each_byte_of_a_name_is_allowed_or_not() {
    // RFC 9110, 5.6.2: a token; RFC 9112, 5.1: no white space before the colon
    for Side { lines, read } in [SERVER, CLIENT] {
        for byte in (0..=0xFF).filter(|&byte| byte != b':') {
            let is_token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            for name in [&[b'X', byte, b'Y'][..], &[byte, b'X'], &[b'X', byte], &[byte]] {
                let result = read(&head_and(lines, &[name, b": value"].concat()));
                let expected = if is_token { Ok(()) } else { Err(Malformed) };
                assert_eq!(result.map(drop), expected, "{}", name.escape_ascii());
            }
        }
    }
}

#[test]
fn a_line_ends_with_cr_lf_and_nothing_else() {
    // RFC 9112, 2.2 and 5.2
    for Side { lines, read } in [SERVER, CLIENT] {
        let whole = String::from_utf8(head(lines)).unwrap();
        let rows = [
            ("bare LF at the end of each line", whole.replace("\r\n", "\n")),
            ("bare LF at the end of the first line", whole.replacen("\r\n", "\n", 1)),
            ("bare LF at the end of a field", whole.replace("websocket\r\n", "websocket\n")),
            ("bare LF before the end", whole.replace("\r\n\r\n", "\n\r\n")),
            ("bare LF at the end", whole.replace("\r\n\r\n", "\r\n\n")),
            ("bare CR in the first line", whole.replacen("\r\n", "\r\r\n", 1)),
            ("bare CR in a field", whole.replace("websocket\r\n", "websocket\r\r\n")),
            ("bare CR at the end of a field", whole.replace("websocket\r\n", "websocket\r")),
            ("bare CR before the end", whole.replace("\r\n\r\n", "\r\n\r\r\n\r\n")),
            ("LF CR at the end of a field", whole.replace("websocket\r\n", "websocket\n\r\n")),
            ("folded with a space", whole.replace("Upgrade: ", "Upgrade:\r\n ")),
            ("folded with a tab", whole.replace("Upgrade: ", "Upgrade:\r\n\t")),
            ("folded before the first field", whole.replacen("\r\n", "\r\n \r\n", 1)),
            ("no colon", whole.replace("Upgrade: websocket", "Upgrade websocket")),
            ("no name", whole.replace("Upgrade: websocket", ": websocket")),
            ("a NUL in the first line", whole.replacen("HTTP", "\0HTTP", 1)),
        ];
        for (what, bytes) in rows {
            assert_eq!(read(bytes.as_bytes()), Err(Malformed), "{what}");
        }
    }
}

#[test]
fn what_is_not_http_is_told_at_its_first_byte() {
    // A TLS client to a port without TLS, for one.
    for byte in (0..=0xFF).filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        let is_token = u8::is_ascii_alphanumeric(&byte) || b"!#$%&'*+-.^_`|~".contains(&byte);
        let expected = if is_token { Ok(None) } else { Err(Malformed) };
        assert_eq!(serve(ServerHandshake::new(), [&[byte][..]]), expected, "{byte:#04x}");
        if !is_token {
            assert_eq!(ask(client(), [&[byte][..]]), Err(Malformed), "{byte:#04x}");
        }
    }
}

#[test]
fn an_empty_line_before_a_request_is_skipped() {
    // RFC 9112, 2.2: "SHOULD ignore at least one empty line (CRLF)"
    let bytes = [b"\r\n", &head(&REQUEST)[..]].concat();
    assert_eq!((SERVER.read)(&bytes).map(drop), Ok(()));
    assert_eq!(serve(ServerHandshake::new(), [&b"\r\n"[..]]), Ok(None));
}

#[test]
fn a_head_that_is_cut_is_waited_for() {
    let (request, response) = (head(&REQUEST), head(&RESPONSE));
    for cut in 0..request.len() {
        assert_eq!(serve(ServerHandshake::new(), [&request[..cut]]), Ok(None), "{cut}");
    }
    for cut in 0..response.len() {
        assert_eq!(ask(client(), [&response[..cut]]), Ok(None), "{cut}");
    }
}

#[test]
fn a_request_for_something_else_can_be_read() {
    // The target, its path and its query (RFC 9112, 3.2)
    let rows = [
        ("/", "/", None),
        ("/chat", "/chat", None),
        ("/chat?room=1", "/chat", Some("room=1")),
        ("/chat?", "/chat", Some("")),
        ("/a%20b/?x=%3F&y=?", "/a%20b/", Some("x=%3F&y=?")),
        ("/?back=http://h/p?q", "/", Some("back=http://h/p?q")),
        ("/http://h/p", "/http://h/p", None),
        ("//h/p", "//h/p", None),
        ("http://example.com", "/", None),
        ("http://example.com/", "/", None),
        ("https://example.com:444/chat?room=1", "/chat", Some("room=1")),
        ("http://example.com?room=1", "/", Some("room=1")),
        ("http://[::1]:80/chat", "/chat", None),
    ];
    let upgrades = [("x: y", false), ("Upgrade: h2c", false), ("upgrade: h2c, WebSocket", true)];
    for (target, path, query) in rows {
        for method in ["GET", "POST", "DELETE", "PATCH", "X"] {
            for (upgrade, is_websocket) in upgrades {
                let line = format!("{method} {target} HTTP/1.1");
                let mut bytes = head(&[&line, upgrade, "Content-Length: 2", "x: z"]);
                bytes.extend(b"{}");
                let mut input = &mut bytes[..];
                let request = ServerHandshake::new().receive(&mut input).unwrap().unwrap();
                assert_eq!(input, b"{}");
                assert_eq!((request.method(), request.target()), (method, target));
                assert_eq!((request.path(), request.query()), (path, query), "{target}");
                assert_eq!(request.is_websocket(), is_websocket, "{upgrade}");
                assert_eq!(request.header("CONTENT-length"), Some(&b"2"[..]));
                assert_eq!(request.header("Content-Type"), None);
                assert!(request.accept().is_err());
            }
        }
    }
}

#[test]
fn fields_come_in_order_with_no_space_around_their_values() {
    let bytes = head(&["GET / HTTP/1.0", "A:1", "b: \t2 3 \t", "a:", "A: :4:", "C: \u{e9}"]);
    let expected: [(&str, &[u8]); 5] =
        [("A", b"1"), ("b", b"2 3"), ("a", b""), ("A", b":4:"), ("C", "\u{e9}".as_bytes())];
    with_request(bytes, |request| {
        assert_eq!(request.headers().collect::<Vec<_>>(), expected);
        assert_eq!(request.header("a"), Some(&b"1"[..]));
    });
}

#[test]
fn any_of_several_upgrades_may_be_to_a_websocket() {
    with_request(request("Upgrade", &["h2c", "websocket"]), |request| {
        assert!(request.is_websocket());
    });
}
