//! Whatever a program passes on from elsewhere, it cannot end a line of a head
//! and begin another, nor take the place of a field that the handshake writes.
//!
//! It could in undici (CVE-2026-1527) and autobahn (CVE-2020-35678).

mod support;

use sansws::Config;
use sansws::handshake::BuildError::{self, *};
use sansws::handshake::{RequestBuilder, UriError};
use support::handshake::{NONCE, REQUEST, head, with_request};

/// A way to write a header field: into a request, an acceptance, a refusal.
type Writer = fn(&str, &str) -> Result<Vec<u8>, BuildError>;

const WRITERS: [Writer; 3] = [
    |name, value| {
        let mut out = Vec::new();
        let _ = RequestBuilder::new("ws://h")?.header(name, value)?.start(NONCE, &mut out);
        Ok(out)
    },
    |name, value| {
        with_request(head(&REQUEST), |request| {
            let mut out = Vec::new();
            let accept = request.accept().unwrap().header(name, value)?;
            let _ = accept.into_connection(&Config::new(), &mut out);
            Ok(out)
        })
    },
    |name, value| {
        with_request(head(&REQUEST), |request| {
            let mut out = b"before".to_vec();
            let result =
                request.respond(404, &[("X-First", "1"), (name, value)], b"body", &mut out);
            assert!(result.is_ok() || out == b"before", "an error writes nothing");
            result.map(|()| out)
        })
    },
];

/// All of ASCII, and what Unicode takes for the end of a line.
fn characters() -> impl Iterator<Item = char> {
    ('\0'..='\x7F').chain(['\u{85}', '\u{e9}', '\u{10A}', '\u{10D}', '\u{2028}', '\u{1F980}'])
}

/// RFC 9110, 5.6.2
fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

#[test]
fn a_header_name_is_a_token() {
    for character in characters() {
        for name in [format!("X{character}Y"), format!("{character}"), format!("X{character}")] {
            for write in WRITERS {
                let expected = if is_token_character(character) { Ok(()) } else { Err(HeaderName) };
                assert_eq!(write(&name, "value").map(drop), expected, "{name:?}");
            }
        }
    }
    for write in WRITERS {
        assert_eq!(write("", "value"), Err(HeaderName));
        assert_eq!(write("X: y\r\nZ", "value"), Err(HeaderName));
    }
}

#[test]
fn a_header_value_has_no_control_character() {
    // RFC 9110, 5.5
    for character in characters() {
        let is_allowed = character == '\t' || !character.is_ascii_control();
        for value in [format!("a{character}b"), format!("{character}"), format!("a{character}")] {
            for write in WRITERS {
                let written = write("X", &value);
                if !is_allowed {
                    assert_eq!(written, Err(HeaderValue), "{value:?}");
                    continue;
                }
                let line = format!("\r\nX: {value}\r\n");
                let written = String::from_utf8(written.unwrap()).unwrap();
                assert_eq!(written.matches(&line).count(), 1, "{written:?}");
            }
        }
    }
    for write in WRITERS {
        for value in ["a\r\nX: b", "a\nX: b", "a\rX: b", "\r\n", "a\0", "a\r\n b"] {
            assert_eq!(write("X", value), Err(HeaderValue), "{value:?}");
        }
    }
}

#[test]
fn what_the_handshake_writes_cannot_be_written_over() {
    let reserved = [
        "Host",
        "Upgrade",
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        // What Connection would have to name (RFC 9110, 7.6.1 and 10.1.4)
        "Keep-Alive",
        "Proxy-Connection",
        "TE",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Anything",
        "Sec-WebSocket-",
    ];
    let others =
        ["Origin", "Cookie", "Hosts", "X-Host", "Upgrades", "Sec-WebSocket", "Sec-Fetch-Mode"];
    for write in WRITERS {
        for name in reserved {
            for name in [name.into(), name.to_lowercase(), name.to_uppercase()] {
                assert_eq!(write(&name, "value"), Err(HeaderReserved), "{name}");
            }
            // Not even with something that hides it
            for name in [format!("{name} "), format!(" {name}"), format!("{name}\r\n")] {
                assert!(write(&name, "value").is_err(), "{name:?}");
            }
        }
        for name in others {
            assert!(write(name, "value").is_ok(), "{name}");
        }
    }
}

#[test]
fn a_subprotocol_is_a_token_and_offered_once() {
    // 4.1, 10: "characters in the range U+0021 to U+007E not including separator
    // characters", "MUST all be unique strings"
    let offer = |names: &[&str]| {
        let builder = RequestBuilder::new("ws://h").unwrap();
        names.iter().try_fold(builder, |builder, name| builder.subprotocol(name)).map(drop)
    };
    for character in characters() {
        let expected = if is_token_character(character) { Ok(()) } else { Err(Subprotocol) };
        for name in [format!("a{character}b"), format!("{character}")] {
            assert_eq!(offer(&[&name]), expected, "{name:?}");
        }
    }
    assert_eq!(offer(&["chat", "Chat", "CHAT", "chat2"]), Ok(()));
    for names in [&[""][..], &["chat", "chat"], &["a", "b", "a"], &["a, b"], &["a\r\nX: y"]] {
        assert_eq!(offer(names), Err(Subprotocol), "{names:?}");
    }
}

#[test]
fn no_uri_ends_a_line() {
    for character in ['\r', '\n', '\0', '\t', ' ', '\x0B', '\x0C', '\x1B', '\x7F', '\u{85}'] {
        let uris = ["{}ws://h/p", "ws{}://h/p", "ws://{}h/p", "ws://h{}/p", "ws://h:8{}0/p"];
        let paths =
            ["ws://h/{}", "ws://h/p{}p", "ws://h/p?{}", "ws://h/p?q{}", "ws://h{}", "ws://h/p{}"];
        for uri in uris.iter().chain(&paths) {
            let uri = uri.replace("{}", &character.to_string());
            assert!(matches!(RequestBuilder::new(&uri), Err(Uri(_))), "{uri:?}");
        }
    }
    let smuggled = "ws://h/p HTTP/1.1\r\nHost: h\r\n\r\nGET /admin";
    assert_eq!(RequestBuilder::new(smuggled).err(), Some(Uri(UriError::ResourceName)));
}
