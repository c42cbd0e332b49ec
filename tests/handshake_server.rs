//! What a server takes for an opening handshake (RFC 6455, 4.2.1), a table for
//! each field. Every request is read at once and byte by byte.

mod support;

use sansws::handshake::HandshakeError::{self, *};
use support::handshake::{REQUEST, head, request, request_line, server_verdict};

/// A field with these values in place of the right one, and the verdict.
type Row<'a> = (&'a str, &'a [&'a str], Result<(), HandshakeError>);

fn check(rows: &[Row<'_>]) {
    for (name, values, expected) in rows {
        assert_eq!(server_verdict(&request(name, values)), *expected, "{name}: {values:?}");
    }
}

#[test]
fn the_examples_of_the_rfc_are_accepted() {
    // 1.2, with the fields in another order in 1.3: 4.1 gives them none
    let lines = [
        "Host: server.example.com",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Origin: http://example.com",
        "Sec-WebSocket-Protocol: chat, superchat",
        "Sec-WebSocket-Version: 13",
    ];
    for turn in 0..lines.len() {
        let turned = [&["GET /chat HTTP/1.1"], &lines[turn..], &lines[..turn]].concat();
        assert_eq!(server_verdict(&head(&turned)), Ok(()), "{turned:?}");
    }
    assert_eq!(server_verdict(&head(&REQUEST)), Ok(()));
}

#[test]
fn only_a_get_of_http_1_1_opens_a_connection() {
    // 4.2.1, 1; RFC 9110, 9.1: methods are case-sensitive
    let rows = [
        ("GET /chat HTTP/1.1", Ok(())),
        ("GET http://example.com/chat HTTP/1.1", Ok(())),
        ("POST /chat HTTP/1.1", Err(Method)),
        ("HEAD /chat HTTP/1.1", Err(Method)),
        ("OPTIONS * HTTP/1.1", Err(Method)),
        ("CONNECT example.com:80 HTTP/1.1", Err(Method)),
        ("get /chat HTTP/1.1", Err(Method)),
        ("GETS /chat HTTP/1.1", Err(Method)),
        ("GET /chat HTTP/1.0", Err(HttpVersion)),
        ("GET /chat HTTP/2.0", Err(Malformed)),
        ("GET /chat HTTP/0.9", Err(Malformed)),
        ("GET /chat HTTP/1.10", Err(Malformed)),
        ("GET /chat http/1.1", Err(Malformed)),
        ("GET /chat", Err(Malformed)),
        ("GET", Err(Malformed)),
        ("GET  /chat HTTP/1.1", Err(Malformed)),
        ("GET /chat  HTTP/1.1", Err(Malformed)),
        ("GET /chat HTTP/1.1 ", Err(Malformed)),
        ("GET\t/chat HTTP/1.1", Err(Malformed)),
        ("GET /ch at HTTP/1.1", Err(Malformed)),
        (" GET /chat HTTP/1.1", Err(Malformed)),
        ("GET: /chat HTTP/1.1", Err(Malformed)),
        ("PRI * HTTP/2.0", Err(Malformed)),
    ];
    for (line, expected) in rows {
        assert_eq!(server_verdict(&request_line(line)), expected, "{line}");
    }
}

#[test]
fn a_target_that_is_no_resource_name_is_refused() {
    // 4.2.1, 1: "a "Request-URI" that should be interpreted as a /resource name/
    // [...] (or an absolute HTTP/HTTPS URI containing the /resource name/)"
    for target in ["chat", "*", "example.com:80", "?x=1", "/chat#part", "/caf\u{e9}"] {
        let verdict = server_verdict(&request_line(&format!("GET {target} HTTP/1.1")));
        assert!(verdict.is_err(), "{target}");
    }
}

#[test]
fn host_must_be_one_authority() {
    // 4.2.1, 2; RFC 9112, 3.2: 400 to a request that lacks it, has more than
    // one, or an invalid one. websocket-driver, CVE-2026-61666: a malformed one
    // raised an error that nobody caught.
    check(&[
        ("Host", &["example.com"], Ok(())),
        ("Host", &["\t example.com \t"], Ok(())),
        ("Host", &["EXAMPLE.com:8080"], Ok(())),
        ("Host", &["example.com:"], Ok(())),
        ("Host", &["192.168.0.1:80"], Ok(())),
        ("Host", &["[::1]"], Ok(())),
        ("Host", &["[2001:db8::7]:8080"], Ok(())),
        ("Host", &["xn--bcher-kva.example"], Ok(())),
        ("Host", &["under_score.local"], Ok(())),
        ("Host", &[], Err(Host)),
        ("Host", &[""], Err(Host)),
        ("Host", &["example.com", "example.com"], Err(Host)),
        ("Host", &["example.com", "evil.example"], Err(Host)),
        ("Host", &["example.com, evil.example"], Err(Host)),
        ("Host", &["a b"], Err(Host)),
        ("Host", &[":80"], Err(Host)),
        ("Host", &["example.com:http"], Err(Host)),
        ("Host", &["example.com:+80"], Err(Host)),
        ("Host", &["example.com:80:80"], Err(Host)),
        ("Host", &["user@example.com"], Err(Host)),
        ("Host", &["http://example.com"], Err(Host)),
        ("Host", &["example.com/chat"], Err(Host)),
        ("Host", &["example.com?x"], Err(Host)),
        ("Host", &["example.com#x"], Err(Host)),
        ("Host", &["b\u{fc}cher.example"], Err(Host)),
        ("Host", &["::1"], Err(Host)),
        ("Host", &["[::1"], Err(Host)),
        ("Host", &["::1]"], Err(Host)),
        ("Host", &["[]"], Err(Host)),
        ("Host", &["[::1]8080"], Err(Host)),
        ("Host", &["[::1]]"], Err(Host)),
        ("Host", &["[[::1]]"], Err(Host)),
        ("Host", &["[example.com]"], Err(Host)),
        ("Host", &["[::g]"], Err(Host)),
        ("Host", &["[fe80::1%25eth0]"], Err(Host)),
    ]);
}

#[test]
fn upgrade_must_name_websocket() {
    // 4.2.1, 3
    check(&[
        ("Upgrade", &["WebSocket"], Ok(())),
        ("Upgrade", &["WEBSOCKET"], Ok(())),
        ("Upgrade", &["foo, WebSocket"], Ok(())),
        ("Upgrade", &["websocket,foo/2"], Ok(())),
        ("Upgrade", &[" ,\t, websocket\t,"], Ok(())),
        ("Upgrade", &["foo", "websocket"], Ok(())),
        ("Upgrade", &["websocket", "foo"], Ok(())),
        ("Upgrade", &[], Err(Upgrade)),
        ("Upgrade", &[""], Err(Upgrade)),
        ("Upgrade", &["h2c"], Err(Upgrade)),
        ("Upgrade", &["websockets"], Err(Upgrade)),
        ("Upgrade", &["web socket"], Err(Upgrade)),
        ("Upgrade", &["foo websocket"], Err(Upgrade)),
        ("Upgrade", &["websocket/13"], Err(Upgrade)),
        ("Upgrade", &["\"websocket\""], Err(Upgrade)),
        ("Upgrade", &["websocket; q=1"], Err(Upgrade)),
    ]);
}

#[test]
fn connection_must_name_upgrade() {
    // 4.2.1, 4
    check(&[
        ("Connection", &["upgrade"], Ok(())),
        ("Connection", &["UPGRADE"], Ok(())),
        ("Connection", &["keep-alive, Upgrade"], Ok(())),
        ("Connection", &["Upgrade\t,keep-alive"], Ok(())),
        ("Connection", &[",, upgrade ,"], Ok(())),
        ("Connection", &["keep-alive", "upgrade"], Ok(())),
        ("Connection", &["upgrade", "keep-alive"], Ok(())),
        ("Connection", &[], Err(Connection)),
        ("Connection", &[""], Err(Connection)),
        ("Connection", &["keep-alive"], Err(Connection)),
        ("Connection", &["close"], Err(Connection)),
        ("Connection", &["upgradex"], Err(Connection)),
        ("Connection", &["xupgrade"], Err(Connection)),
        ("Connection", &["keep-alive Upgrade"], Err(Connection)),
        ("Connection", &["keep-alive; Upgrade"], Err(Connection)),
    ]);
}

#[test]
fn the_key_must_be_the_base64_of_16_bytes_once() {
    // 4.2.1, 5; 11.3.1: "MUST NOT appear more than once in an HTTP request"
    let name = "Sec-WebSocket-Key";
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    check(&[
        (name, &[key], Ok(())),
        (name, &["AAAAAAAAAAAAAAAAAAAAAA=="], Ok(())),
        (name, &["+/+/+/+/+/+/+/+/+/+/+w=="], Ok(())),
        (name, &["\t dGhlIHNhbXBsZSBub25jZQ== \t"], Ok(())),
        (name, &[], Err(Key)),
        (name, &[""], Err(Key)),
        (name, &[key, key], Err(Key)),
        (name, &[key, "AAAAAAAAAAAAAAAAAAAAAA=="], Err(Key)),
        (name, &["dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="], Err(Key)),
        // 15, 17 and 18 bytes; the last two have 24 characters too
        (name, &["AAAAAAAAAAAAAAAAAAAA"], Err(Key)),
        (name, &["AAAAAAAAAAAAAAAAAAAAAAA="], Err(Key)),
        (name, &["AAAAAAAAAAAAAAAAAAAAAAAA"], Err(Key)),
        // Padding that is missing, too long, or where it must not be
        (name, &["AAAAAAAAAAAAAAAAAAAAAA"], Err(Key)),
        (name, &["AAAAAAAAAAAAAAAAAAAAAA="], Err(Key)),
        (name, &["AAAAAAAAAAAAAAAAAAAAAA==="], Err(Key)),
        (name, &["AAAAAAAAAAAAAAAAAAAAA==="], Err(Key)),
        (name, &["AAAAAAAAAAAAAAAAAAAAA=A="], Err(Key)),
        (name, &["AAAA==AAAAAAAAAAAAAAAAAA"], Err(Key)),
        (name, &["========================"], Err(Key)),
        // RFC 4648, 3.5 lets a decoder refuse bits that no byte takes; but RFC
        // 6455, 4.1 has them in its own example
        (name, &["AQIDBAUGBwgJCgsMDQ4PEC=="], Ok(())),
        (name, &["AAAAAAAAAAAAAAAAAAAAAB=="], Ok(())),
        // Characters that are not base64's
        (name, &["AAAAAAAAAAA AAAAAAAAAA=="], Err(Key)),
        (name, &["dGhlIHNh bXBsZSBub25jZQ=="], Err(Key)),
        (name, &["-_-_-_-_-_-_-_-_-_-_-w=="], Err(Key)),
        (name, &["\"GhlIHNhbXBsZSBub25jZQ=="], Err(Key)),
        (name, &["\u{e9}AAAAAAAAAAAAAAAAAAAA=="], Err(Key)),
    ]);
}

#[test]
fn the_version_must_be_13_once() {
    // 4.2.1, 6; 4.3: no leading zero, at most 255 and a bit; 11.3.5: once.
    // Numbers other than 13 are answered with ours (4.4).
    let name = "Sec-WebSocket-Version";
    check(&[
        (name, &["13"], Ok(())),
        (name, &[" \t13\t "], Ok(())),
        (name, &["0"], Err(VersionUnsupported)),
        (name, &["8"], Err(VersionUnsupported)),
        (name, &["12"], Err(VersionUnsupported)),
        (name, &["14"], Err(VersionUnsupported)),
        (name, &["255"], Err(VersionUnsupported)),
        (name, &[], Err(Version)),
        (name, &[""], Err(Version)),
        (name, &["013"], Err(Version)),
        (name, &["13, 8"], Err(Version)),
        (name, &["8, 13"], Err(Version)),
        (name, &["13,"], Err(Version)),
        (name, &["13", "13"], Err(Version)),
        (name, &["13", "8"], Err(Version)),
        (name, &["8", "13"], Err(Version)),
        (name, &["13 13"], Err(Version)),
        (name, &["+13"], Err(Version)),
        (name, &["-13"], Err(Version)),
        (name, &["13.0"], Err(Version)),
        (name, &["0xd"], Err(Version)),
        (name, &["1300"], Err(Version)),
        (name, &["thirteen"], Err(Version)),
        (name, &["\u{661}\u{663}"], Err(Version)),
    ]);
}

#[test]
fn a_handshake_with_a_body_is_refused() {
    // aiohttp, CVE-2026-69243: a proxy took the body for a second request.
    // Vert.x, CVE-2018-12541: the body was read into memory.
    check(&[
        ("Content-Length", &["0"], Ok(())),
        ("Content-Length", &[" 0\t"], Ok(())),
        ("Content-Length", &["1"], Err(Body)),
        ("Content-Length", &["1000000000"], Err(Body)),
        ("Content-Length", &["+0"], Err(Body)),
        ("Content-Length", &["-0"], Err(Body)),
        ("Content-Length", &["0x0"], Err(Body)),
        ("Content-Length", &["0 0"], Err(Body)),
        ("Content-Length", &[""], Err(Body)),
        ("Content-Length", &["0, 5"], Err(Body)),
        ("Content-Length", &["0", "5"], Err(Body)),
        ("Content-Length", &["5", "0"], Err(Body)),
        ("content-length", &["5"], Err(Body)),
        ("Transfer-Encoding", &["chunked"], Err(Body)),
        ("Transfer-Encoding", &["identity"], Err(Body)),
        ("Transfer-Encoding", &[""], Err(Body)),
        ("TRANSFER-ENCODING", &["gzip, chunked"], Err(Body)),
    ]);
}

#[test]
fn names_are_taken_in_any_case() {
    // RFC 9110, 5.1
    let changes: [fn(&str) -> String; 2] = [str::to_lowercase, str::to_uppercase];
    for change in changes {
        let mut lines = vec![REQUEST[0].to_owned()];
        for line in &REQUEST[1..] {
            let (name, value) = line.split_once(':').unwrap();
            lines.push(format!("{}:{value}", change(name)));
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(server_verdict(&head(&lines)), Ok(()), "{lines:?}");
        for left_out in 1..lines.len() {
            let rest = [&lines[..left_out], &lines[left_out + 1..]].concat();
            assert!(server_verdict(&head(&rest)).is_err(), "without {}", lines[left_out]);
        }
    }
}

#[test]
fn other_fields_are_left_alone() {
    check(&[
        ("X-Empty", &[""], Ok(())),
        ("X-List", &["a, b", "c"], Ok(())),
        ("Cookie", &["session=1; theme=\"dark, blue\""], Ok(())),
        ("Sec-WebSocket-Accept", &["nothing to a server"], Ok(())),
        ("Sec-WebSocket-Unknown", &["x"], Ok(())),
        ("Origin", &["https://anywhere.example"], Ok(())),
        ("constructor", &["__proto__"], Ok(())),
        ("Hos", &["["], Ok(())),
        ("Hostt", &["["], Ok(())),
    ]);
}

#[test]
fn a_target_that_is_a_uri_names_a_host() {
    for target in ["http:///chat", "https://?x", "http://a@b/chat", "http://[::1/"] {
        let request = request_line(&format!("GET {target} HTTP/1.1"));
        assert_eq!(server_verdict(&request), Err(Target), "{target}");
    }
}

#[test]
fn the_scheme_of_a_target_may_be_in_any_case() {
    for target in ["HTTP://h/chat", "Https://h/chat"] {
        let request = request_line(&format!("GET {target} HTTP/1.1"));
        assert_eq!(server_verdict(&request), Ok(()), "{target}");
    }
}
