//! WebSocket URIs (RFC 6455, 3) and the request that each makes.

mod support;

use sansws::handshake::{BuildError, RequestBuilder, Uri, UriError};
use support::handshake::NONCE;

#[test]
fn a_uri_says_where_to_connect_and_what_to_ask_for() {
    // 3: the ports, and "/" for an empty path; 4.1, 4: the port in Host unless
    // it is the default; RFC 3986, 3.1 and 3.2.2: the scheme in any case; and those of HTTP, as
    // browsers take them
    let rows = [
        // URI, secure, host, port, Host field, request target
        ("ws://example.com", false, "example.com", 80, "example.com", "/"),
        ("ws://example.com/", false, "example.com", 80, "example.com", "/"),
        ("ws://example.com/chat", false, "example.com", 80, "example.com", "/chat"),
        ("wss://example.com/chat", true, "example.com", 443, "example.com", "/chat"),
        ("WSS://example.com/chat", true, "example.com", 443, "example.com", "/chat"),
        ("http://example.com/chat", false, "example.com", 80, "example.com", "/chat"),
        ("Https://example.com:443/", true, "example.com", 443, "example.com", "/"),
        ("https://h:80/", true, "h", 80, "h:80", "/"),
        ("ws://h?x=1", false, "h", 80, "h", "/?x=1"),
        ("ws://h/?x=1", false, "h", 80, "h", "/?x=1"),
        ("ws://h?", false, "h", 80, "h", "/?"),
        ("ws://h/a/../b//c?d?e/f", false, "h", 80, "h", "/a/../b//c?d?e/f"),
        ("ws://h/a%20b?c=%23", false, "h", 80, "h", "/a%20b?c=%23"),
        ("ws://h/to?uri=ws://other:1/x", false, "h", 80, "h", "/to?uri=ws://other:1/x"),
        ("ws://h/-._~!$&'()*+,;=:@", false, "h", 80, "h", "/-._~!$&'()*+,;=:@"),
        ("ws://h:80/", false, "h", 80, "h", "/"),
        ("wss://h:443/", true, "h", 443, "h", "/"),
        ("ws://h:443/", false, "h", 443, "h:443", "/"),
        ("wss://h:80/", true, "h", 80, "h:80", "/"),
        ("ws://h:8080", false, "h", 8080, "h:8080", "/"),
        ("ws://h:8080?x", false, "h", 8080, "h:8080", "/?x"),
        ("ws://h:65535/", false, "h", 65_535, "h:65535", "/"),
        ("ws://h:/", false, "h", 80, "h", "/"),
        ("wss://h:", true, "h", 443, "h", "/"),
        ("ws://192.168.0.1:81/", false, "192.168.0.1", 81, "192.168.0.1:81", "/"),
        ("ws://a%2db:81/", false, "a%2db", 81, "a%2db:81", "/"),
        ("ws://[::1]/", false, "::1", 80, "[::1]", "/"),
        ("ws://[::1]:80", false, "::1", 80, "[::1]", "/"),
        ("wss://[2001:db8::7]:444?x", true, "2001:db8::7", 444, "[2001:db8::7]:444", "/?x"),
        (
            "ws://xn--bcher-kva.example/",
            false,
            "xn--bcher-kva.example",
            80,
            "xn--bcher-kva.example",
            "/",
        ),
    ];
    for (text, is_secure, host, port, authority, resource_name) in rows {
        let uri = Uri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((uri.is_secure(), uri.host(), uri.port()), (is_secure, host, port), "{text}");
        assert_eq!((uri.authority(), uri.resource_name()), (authority, resource_name), "{text}");
        let builders = [RequestBuilder::new(text).unwrap(), RequestBuilder::from_uri(uri.clone())];
        for builder in builders {
            assert_eq!(builder.uri(), &uri, "{text}");
            let mut out = Vec::new();
            let _ = builder.start(NONCE, &mut out);
            let start = format!("GET {resource_name} HTTP/1.1\r\nHost: {authority}\r\n");
            assert!(out.starts_with(start.as_bytes()), "{text}: {}", out.escape_ascii());
        }
    }
}

#[test]
fn a_request_can_be_made_of_whatever_holds_a_uri() {
    let uri = "ws://example.com/chat".to_owned();
    let parsed = Uri::parse(&uri).unwrap();
    let builders = [
        RequestBuilder::try_from(&*uri).unwrap(),
        RequestBuilder::try_from(&uri).unwrap(),
        RequestBuilder::try_from(uri).unwrap(),
        RequestBuilder::from(parsed.clone()),
    ];
    assert!(builders.iter().all(|builder| *builder.uri() == parsed));
    assert!(RequestBuilder::try_from("ftp://example.com/".to_owned()).is_err());
}

#[test]
fn what_is_no_websocket_uri_is_refused() {
    // 3: no fragment, and "#" must be "%23"; RFC 3986, 3.2
    let rows: [(UriError, &[&str]); 6] = [
        (
            UriError::Scheme,
            &[
                "",
                "ws",
                "ws:",
                "ws:/h",
                "ws:h",
                "h/chat",
                "//h/chat",
                "://h/chat",
                "ftp://h/chat",
                "httpss://h/chat",
                "wsss://h/chat",
                "w://h/chat",
                "xws://h/chat",
                " ws://h/chat",
            ],
        ),
        (
            UriError::Fragment,
            &["ws://h/chat#", "ws://h/chat#part", "ws://h/chat?x#part", "ws://h#part", "ws://h?#"],
        ),
        (
            UriError::UserInformation,
            &["ws://user@h/", "ws://user:password@h/", "ws://@h/", "ws://h:80@other/"],
        ),
        (
            UriError::Host,
            &[
                "ws://",
                "ws:///chat",
                "ws://?x",
                "ws://:80/",
                "ws://h:80]/",
                "ws://::1/",
                "ws://[::1/",
                "ws://::1]/",
                "ws://[]/",
                "ws://[h]/",
                "ws://[::1]h/",
                "ws://[::1]80/",
                "ws://[::1%25eth0]/",
                "ws://[127.0.0.1]/",
                "ws://h|i/",
                "ws://h\\i/",
                "ws://h^i/",
                "ws://h,i j/",
                "ws://b\u{fc}cher.example/",
                "ws://a%/",
                "ws://a%zz/",
                "ws://a%2/",
                "ws://%2:80/",
            ],
        ),
        (
            UriError::Port,
            &[
                "ws://h:65536/",
                "ws://h:99999999999999999999/",
                "ws://h:-1/",
                "ws://h:+80/",
                "ws://h:8o/",
                "ws://h: 80/",
                "ws://h:80:80/",
            ],
        ),
        (
            UriError::ResourceName,
            &["ws://h/a b", "ws://h/?a b", "ws://h/caf\u{e9}", "ws://h/?caf\u{e9}", "ws://h/chat "],
        ),
    ];
    for (error, uris) in rows {
        for uri in uris {
            assert_eq!(Uri::parse(uri), Err(BuildError::Uri(error)), "{uri}");
            assert_eq!(RequestBuilder::new(uri).err(), Some(BuildError::Uri(error)), "{uri}");
        }
    }
}

#[test]
fn a_path_has_only_visible_ascii() {
    // 3: no "#". The RFC's grammar has less, but browsers send brackets, bars
    // and half an escape as they find them, and servers take them.
    for character in '\0'..='\x7F' {
        for uri in [format!("ws://h/a{character}b"), format!("ws://h/?a{character}b")] {
            let is_allowed = character.is_ascii_graphic() && character != '#';
            assert_eq!(Uri::parse(&uri).is_ok(), is_allowed, "{uri:?}");
        }
    }
}
