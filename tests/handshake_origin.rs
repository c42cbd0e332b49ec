//! Which origins a server lets in (RFC 6455, 10.2).

mod support;

use sansws::handshake::HandshakeError::{self, *};
use sansws::handshake::{BuildError, OriginPolicy, Request};
use support::handshake::{request, with_request};

const ORIGINS: [&str; 4] =
    ["https://example.com", "http://LOCALHOST:8080", "https://[::1]:8443", "app://host"];

#[test]
fn an_origin_is_compared_whole() {
    // 10.2; RFC 6454, 4 and 5: scheme, host and port, not the text, and no part
    // of it. Substrings and wildcards let other sites in at Phoenix, autobahn
    // and others.
    let policy = OriginPolicy::only(ORIGINS).unwrap();
    let allowed = [
        "https://example.com",
        "https://example.com:443",
        "https://example.com:",
        "https://EXAMPLE.com",
        "HTTPS://Example.Com:443",
        "http://localhost:8080",
        "https://[::1]:8443",
        "app://host",
    ];
    let others = [
        // Another scheme or port
        "http://example.com",
        "http://example.com:443",
        "https://example.com:80",
        "https://example.com:444",
        "https://example.com:4430",
        "https://example.com:65979",
        "https://example.com:+443",
        "https://example.com:443:443",
        "http://localhost",
        "http://localhost:80",
        "https://[::1]",
        "app://host:80",
        "app://host:65536",
        // Another host that begins or ends with it, or has it in it
        "https://example.com.evil.example",
        "https://example.community",
        "https://evil-example.com",
        "https://evil.example.com",
        "https://.example.com",
        "https://example.com.",
        "https://example.co",
        "https://evil.example#https://example.com",
        "https://evil.example?https://example.com",
        "https://evil.example/https://example.com",
        "https://example.com@evil.example",
        "https://user@example.com",
        "https://example.com:443@evil.example",
        "https://example%2ecom",
        "https://examp\u{13a}e.com",
        // No origin, or more
        "null",
        "NULL",
        "",
        " ",
        "*",
        "https://*",
        "https://",
        "://example.com",
        "//example.com",
        "example.com",
        "https:example.com",
        "https:/example.com",
        "https:///example.com",
        "https://example.com/",
        "https://example.com/path",
        "https://example.com https://evil.example",
        "https://evil.example https://example.com",
        "https://example.com, https://evil.example",
        "https://example.com\0",
        " https://example.com",
    ];
    for origin in allowed {
        assert!(policy.allows(Some(origin.as_bytes())), "{origin}");
    }
    for origin in others {
        assert!(!policy.allows(Some(origin.as_bytes())), "{origin}");
        assert!(!policy.clone().or_none().allows(Some(origin.as_bytes())), "{origin}");
    }
    assert!(!policy.allows(Some(b"https://example.com\xFF")));
    assert!(!policy.allows(None));
    assert!(policy.or_none().allows(None));
}

#[test]
fn a_policy_of_what_is_no_origin_is_refused() {
    let others =
        ["null", "", "*", "://example.com", "example.com", "//example.com", "https://example.com/"];
    let wildcards = ["https://*", "https://*.example.com", "https://example.*"];
    let slips = [
        "https ://example.com",
        "1https://example.com",
        "http/s://example.com",
        "https://a.example,b.example",
        "https://a.example,https://b.example",
        "https://example%.com",
        "https://[::1",
    ];
    for origin in others.iter().chain(&wildcards).chain(&slips) {
        let policy = OriginPolicy::only(["https://example.com", origin]);
        assert_eq!(policy.err(), Some(BuildError::Origin), "{origin}");
    }
    let nobody = OriginPolicy::only([""; 0]).unwrap();
    assert!(!nobody.allows(None) && !nobody.allows(Some(b"https://example.com")));
}

#[test]
fn a_scheme_is_what_rfc_3986_says() {
    // 3.1: "ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )"
    for origin in ["a://example.com", "moz-extension://0b6c", "a1+b-c.d://example.com"] {
        let policy = OriginPolicy::only([origin]).unwrap();
        assert!(policy.allows(Some(origin.as_bytes())), "{origin}");
    }
}

#[test]
fn an_address_is_compared_however_it_is_written() {
    let policy =
        OriginPolicy::only(["http://[0:0:0:0:0:0:0:1]:81", "http://[2001:DB8::7]"]).unwrap();
    for origin in ["http://[::1]:81", "http://[0::1]:81", "http://[2001:db8:0::7]:80"] {
        assert!(policy.allows(Some(origin.as_bytes())), "{origin}");
    }
    assert!(!policy.allows(Some(b"http://[::2]:81")));
}

#[test]
fn a_request_from_elsewhere_is_refused() {
    // 4.2.2, 4: "an appropriate HTTP error code (e.g., 403 Forbidden)"
    let only = OriginPolicy::only(ORIGINS).unwrap();
    let or_none = only.clone().or_none();
    let verdict = |policy: &OriginPolicy, values: &[&str]| -> Result<(), HandshakeError> {
        with_request(request("Origin", values), |request| request.accept_from(policy).map(drop))
    };
    for policy in [&only, &or_none] {
        assert_eq!(verdict(policy, &["https://example.com"]), Ok(()));
        assert_eq!(verdict(policy, &["\t https://example.com:443 "]), Ok(()));
        assert_eq!(verdict(policy, &["https://evil.example"]), Err(Origin));
        assert_eq!(verdict(policy, &["null"]), Err(Origin));
        assert_eq!(verdict(policy, &[""]), Err(Origin));
        // Twice, though both are right
        assert_eq!(verdict(policy, &["https://example.com", "https://example.com"]), Err(Origin));
        assert_eq!(verdict(policy, &["https://example.com", "https://evil.example"]), Err(Origin));
        assert_eq!(verdict(policy, &["https://evil.example", "https://example.com"]), Err(Origin));
        // A handshake that breaks another rule
        let bytes = request("Sec-WebSocket-Key", &["short"]);
        let refused = with_request(bytes, |request| request.accept_from(policy).map(drop));
        assert_eq!(refused, Err(Key));
    }
    assert_eq!(verdict(&only, &[]), Err(Origin));
    assert_eq!(verdict(&or_none, &[]), Ok(()));
    with_request(request("origin", &["https://a.example", "x"]), |request| {
        assert_eq!(request.origin(), Some(&b"https://a.example"[..]));
    });
}

#[test]
fn the_hosts_own_pages_can_be_allowed_without_its_name() {
    let same_host = OriginPolicy::same_host();
    let or_listed = OriginPolicy::only(["https://other.example"]).unwrap().or_same_host();
    let rows = [
        // Host, Origin, whether it is of the same host
        ("example.com", "https://example.com", true),
        ("EXAMPLE.com", "https://example.COM:443", true),
        ("example.com", "http://example.com", true),
        ("example.com:80", "http://example.com", true),
        ("example.com:8443", "https://example.com:8443", true),
        ("[::1]:8443", "https://[0:0::1]:8443", true),
        ("example.com", "https://example.com:8443", false),
        ("example.com:8443", "https://example.com", false),
        ("example.com:80", "https://example.com", false),
        ("example.com", "https://example.com.evil.example", false),
        ("example.com", "https://www.example.com", false),
        ("example.com", "ftp://example.com:21", false),
        ("example.com", "chrome-extension://example.com", false),
        ("*.example.com", "https://*.example.com", false),
        ("example.com", "null", false),
        ("example.com", "", false),
    ];
    for (host, origin, is_same) in rows {
        let bytes = request("Host", &[host]);
        let head = String::from_utf8(bytes).unwrap();
        let bytes = head.replacen("\r\n\r\n", &format!("\r\nOrigin: {origin}\r\n\r\n"), 1);
        with_request(bytes.into_bytes(), |request| {
            for policy in [&same_host, &or_listed] {
                let verdict = request.accept_from(policy).map(drop);
                let expected = if is_same { Ok(()) } else { Err(Origin) };
                assert_eq!(verdict, expected, "{host}, {origin}");
            }
        });
        assert!(!same_host.allows(Some(origin.as_bytes())), "{origin}: of what host?");
    }
    let list = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "example.com:8443"),
        (":path", "/chat"),
        ("sec-websocket-version", "13"),
        ("origin", "https://example.com:8443"),
    ];
    let fields = list.map(|(name, value)| (name, value.as_bytes()));
    let request_of_http2 = Request::from_header_list(fields).unwrap();
    assert!(request_of_http2.accept_from(&same_host).is_ok());
    // RFC 9112, 3.2.2: the host of a target that is a whole URI counts, and not that of `Host`
    for (target, expected) in [
        ("http://example.com:8443/chat?x", "example.com:8443"),
        ("HTTPS://evil.example", "evil.example"),
        ("/http://evil.example/", "h"),
    ] {
        let fields = [
            ("host", "h"),
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("origin", "https://h"),
        ];
        let is_allowed = expected == "h";
        let fields = fields.map(|(name, value)| (name, value.as_bytes()));
        let request = Request::from_fields("GET", target, fields).unwrap();
        assert_eq!(request.authority(), Some(expected));
        assert_eq!(request.accept_from(&same_host).is_ok(), is_allowed, "{target}");
    }
    assert_eq!(request_of_http2.authority(), Some("example.com:8443"));
    let other = request("Origin", &["https://other.example"]);
    with_request(other.clone(), |request| assert!(request.accept_from(&or_listed).is_ok()));
    with_request(other, |request| assert!(request.accept_from(&same_host).is_err()));
    with_request(request("Origin", &[]), |request| {
        assert!(request.accept_from(&same_host).is_err());
        assert!(request.accept_from(&same_host.clone().or_none()).is_ok());
    });
}

#[test]
fn bytes_that_are_no_text_are_not_no_origin() {
    let policy =
        OriginPolicy::only(["wss://example.com:443", "ws://example.com:80"]).unwrap().or_none();
    assert!(policy.allows(None));
    assert!(policy.allows(Some(b"wss://example.com")));
    assert!(policy.allows(Some(b"ws://example.com")));
    assert!(!policy.allows(Some(b"\xff")));
    assert!(!policy.allows(Some(b"https://example.\xffcom")));
}
