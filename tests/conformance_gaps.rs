//! Rules of RFC 6455 that no other test covers, and choices that deviate from
//! one: `docs/conformance.md` lists them all.

mod support;

use sansws::handshake::HandshakeError::*;
use support::handshake::{
    REQUEST, RESPONSE, answered, head, request, request_line, served, server_verdict, status_line,
};

/// Bytes that are no UTF-8: one that never occurs, a character cut off, a
/// surrogate, an overlong form.
const NOT_UTF_8: [&[u8]; 4] = [b"\xFF", b"\xE6\xB0", b"\xED\xA0\x80", b"\xC0\xAF"];

/// The head with `{}` replaced by these bytes.
fn head_with(lines: &[&str], bytes: &[u8]) -> Vec<u8> {
    let head = String::from_utf8(head(lines)).unwrap();
    let (before, after) = head.split_once("{}").expect("a place for the bytes");
    [before.as_bytes(), bytes, after.as_bytes()].concat()
}

/// The lines with another field in place of the one of its name, or after them.
fn with_line<'a>(lines: &[&'a str], line: &'a str) -> Vec<&'a str> {
    let name = |line: &'a str| line.split_once(':').map_or("", |(name, _)| name);
    let others = lines.iter().copied().filter(|other| name(other) != name(line));
    others.chain([line]).collect()
}

#[test]
fn what_is_not_utf_8_fails_the_handshake_wherever_text_is_read() {
    // 8.1: "This rule applies both during the opening handshake and during
    // subsequent data exchange."
    let for_server = [
        ("Host: example{}.com", Host),
        ("Upgrade: websocket{}", Upgrade),
        ("Connection: {}Upgrade", Connection),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j{}Q==", Key),
        ("Sec-WebSocket-Version: 1{}3", Version),
        ("Sec-WebSocket-Protocol: chat, {}", Subprotocol),
        ("Sec-WebSocket-Protocol: cha{}t", Subprotocol),
        ("Sec-WebSocket-Extensions: {}", Extensions),
        ("Sec-WebSocket-Extensions: a{}", Extensions),
        ("Sec-WebSocket-Extensions: a; {}", Extensions),
        ("Sec-WebSocket-Extensions: a; b={}", Extensions),
        ("Sec-WebSocket-Extensions: a; b=\"{}\"", Extensions),
        ("X{}: y", Malformed),
    ];
    let for_client = [
        ("Upgrade: websocket{}", Upgrade),
        ("Connection: {}Upgrade", Connection),
        ("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xO{}=", Accept),
        ("Sec-WebSocket-Protocol: chat{}", Subprotocol),
        ("Sec-WebSocket-Extensions: {}", Extensions),
        ("Sec-WebSocket-Extensions: a; b=\"{}\"", Extensions),
        ("X{}: y", Malformed),
    ];
    for bytes in NOT_UTF_8 {
        for (line, error) in for_server {
            let verdict = server_verdict(&head_with(&with_line(&REQUEST, line), bytes));
            assert_eq!(verdict, Err(error), "{line} {bytes:x?}");
        }
        for (line, error) in for_client {
            let answer = answered(&head_with(&with_line(&RESPONSE, line), bytes));
            assert_eq!(answer, Err(error), "{line} {bytes:x?}");
        }
        let target = [&["GET /{} HTTP/1.1"], &REQUEST[1..]].concat();
        assert!(server_verdict(&head_with(&target, bytes)).is_err(), "{bytes:x?}");

        // What is not read as text is handed over as it is.
        let line = "X: {}";
        let request = served(&head_with(&with_line(&REQUEST, line), bytes)).unwrap();
        assert_eq!(request.verdict, Ok(()), "{bytes:x?}");
        let response = answered(&head_with(&with_line(&RESPONSE, line), bytes)).unwrap();
        assert_eq!(response.accepted, Some(None), "{bytes:x?}");
        for fields in [request.fields, response.fields] {
            assert_eq!(fields.last(), Some(&("X".into(), bytes.to_vec())), "{bytes:x?}");
        }
    }
}

#[test]
fn http_1_2_is_not_read_by_either_side() {
    // 4.2.1, 1 and 4.1 have "HTTP/1.1 or higher"; nothing higher begins with 1.
    for version in ["1.2", "1.9"] {
        let request = request_line(&format!("GET /chat HTTP/{version}"));
        assert_eq!(server_verdict(&request), Err(Malformed), "{version}");
        let response = status_line(&format!("HTTP/{version} 101 Switching Protocols"));
        assert_eq!(answered(&response), Err(Malformed), "{version}");
    }
}

#[test]
fn a_version_is_a_number_without_leading_zeros() {
    // 4.3, whose grammar goes to 299, and whose comment to 255; 4.4: numbers
    // are answered with ours
    let verdict = |value: &str| server_verdict(&request("Sec-WebSocket-Version", &[value]));
    for number in (0..=255).chain(300..=1000) {
        let expected = match number {
            13 => Ok(()),
            0..=255 => Err(VersionUnsupported),
            _ => Err(Version),
        };
        assert_eq!(verdict(&number.to_string()), expected, "{number}");
        for zeros in ["0", "00"] {
            assert_eq!(verdict(&format!("{zeros}{number}")), Err(Version), "{zeros}{number}");
        }
    }
}
