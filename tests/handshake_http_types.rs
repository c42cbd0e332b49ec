//! The handshake as types of the `http` crate, as hyper and axum have them.
//! (The tables of the other files go through them too: `support::handshake`.)

mod support;

use http::{Method, Response, StatusCode, Uri, Version};
use sansws::Config;
use sansws::handshake::HandshakeError::{self, *};
use sansws::handshake::{Answer, BuildError, Request, RequestBuilder, UriError};
use support::handshake::{ACCEPT, KEY, LIST, NONCE, client, list, list_verdict, read, request};
use support::handshake::{server_verdict, with_request};

/// A request of this version with these fields.
fn http_request(
    version: Version,
    method: &str,
    uri: &str,
    fields: &[(&str, &str)],
) -> http::Request<()> {
    let mut request = http::Request::builder().version(version).method(method).uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// The fields of an `Upgrade`, without the host.
const UPGRADE: [(&str, &str); 4] = [
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-key", KEY),
    ("sec-websocket-version", "13"),
];

fn verdict(request: &http::Request<()>, protocol: Option<&str>) -> Result<(), HandshakeError> {
    let verdict = Request::from_http(request, protocol)?.accept().map(drop);
    let (parts, ()) = request.clone().into_parts();
    assert_eq!(Request::from_http_parts(&parts, protocol)?.accept().map(drop), verdict);
    verdict
}

#[test]
fn an_upgrade_is_judged_by_its_version_and_target() {
    let upgrade = |version, method, uri| {
        let fields = [&[("host", "example.com")], &UPGRADE[..]].concat();
        http_request(version, method, uri, &fields)
    };
    let rows = [
        (Version::HTTP_11, "GET", "/chat", "/chat", Ok(())),
        // RFC 9112, 3.2: origin-form, absolute-form, authority-form, asterisk-form
        (Version::HTTP_11, "GET", "/chat?a=b", "/chat?a=b", Ok(())),
        (Version::HTTP_11, "GET", "http://example.com/chat", "http://example.com/chat", Ok(())),
        (Version::HTTP_11, "GET", "https://example.com:81", "https://example.com:81/", Ok(())),
        (Version::HTTP_11, "GET", "ws://example.com/chat", "ws://example.com/chat", Err(Target)),
        (Version::HTTP_11, "GET", "example.com:80", "example.com:80", Err(Target)),
        (Version::HTTP_11, "CONNECT", "example.com:80", "example.com:80", Err(Method)),
        (Version::HTTP_11, "OPTIONS", "*", "*", Err(Method)),
        (Version::HTTP_11, "POST", "/chat", "/chat", Err(Method)),
        (Version::HTTP_10, "GET", "/chat", "/chat", Err(HttpVersion)),
        (Version::HTTP_09, "GET", "/chat", "/chat", Err(HttpVersion)),
    ];
    for (version, method, uri, target, expected) in rows {
        let request = upgrade(version, method, uri);
        for protocol in [None, Some("websocket"), Some("x")] {
            assert_eq!(verdict(&request, protocol), expected, "{version:?} {method} {uri}");
        }
        let request = Request::from_http(&request, None).unwrap();
        assert_eq!((request.method(), request.target()), (method, target));
        assert!(request.is_websocket());
    }
    // RFC 9113, 8.2.2: what is right in HTTP/1.1 is malformed in others
    for version in [Version::HTTP_2, Version::HTTP_3] {
        for protocol in [None, Some("websocket")] {
            let request = upgrade(version, "GET", "https://example.com/chat");
            assert_eq!(verdict(&request, protocol), Err(Malformed), "{version:?}");
        }
    }
}

#[test]
fn an_extended_connect_is_judged_with_its_protocol() {
    let uri = "https://example.com/chat";
    let host = ("host", "example.com");
    let rows: [(_, _, &[(&str, &str)], _, _); 16] = [
        ("CONNECT", uri, &[], Some("websocket"), Ok(())),
        ("CONNECT", "http://[::1]:80/?a=b", &[], Some("websocket"), Ok(())),
        ("CONNECT", "https://example.com", &[], Some("websocket"), Ok(())),
        ("CONNECT", uri, &[host], Some("websocket"), Ok(())),
        // h2 leaves the scheme out if there is no `:authority`
        ("CONNECT", "/chat", &[host], Some("websocket"), Ok(())),
        ("CONNECT", "/chat", &[], Some("websocket"), Err(Host)),
        ("CONNECT", uri, &[("host", "evil.example")], Some("websocket"), Err(Malformed)),
        ("CONNECT", uri, &[UPGRADE[0]], Some("websocket"), Err(Malformed)),
        ("CONNECT", uri, &[UPGRADE[1]], Some("websocket"), Err(Malformed)),
        ("CONNECT", uri, &[UPGRADE[2]], Some("websocket"), Ok(())),
        ("CONNECT", uri, &[], Some("connect-ip"), Err(Protocol)),
        ("CONNECT", uri, &[], None, Err(Malformed)),
        ("CONNECT", "example.com:443", &[], None, Err(Protocol)),
        ("CONNECT", "wss://example.com/", &[], Some("websocket"), Err(Target)),
        ("GET", uri, &[], None, Err(Method)),
        ("GET", uri, &[], Some("websocket"), Err(Malformed)),
    ];
    for (method, uri, fields, protocol, expected) in rows {
        let fields = [fields, &[LIST[5]]].concat();
        for version in [Version::HTTP_2, Version::HTTP_3] {
            let request = http_request(version, method, uri, &fields);
            let verdict = verdict(&request, protocol);
            assert_eq!(verdict, expected, "{version:?} {method} {uri} {fields:?} {protocol:?}");
        }
    }
}

#[test]
fn all_doors_give_the_same_verdict() {
    // Bytes, fields and types of HTTP/1.1; a list and types of HTTP/2 and HTTP/3
    let rows: [(&str, &[&str], Result<(), HandshakeError>); 12] = [
        ("x-other", &["x", "y"], Ok(())),
        ("sec-websocket-version", &["13"], Ok(())),
        ("sec-websocket-version", &[], Err(Version)),
        ("sec-websocket-version", &["13", "13"], Err(Version)),
        ("sec-websocket-version", &["8"], Err(VersionUnsupported)),
        ("sec-websocket-protocol", &["a, b", "c"], Ok(())),
        ("sec-websocket-protocol", &["a", "a"], Err(Subprotocol)),
        ("sec-websocket-protocol", &[""], Err(Subprotocol)),
        ("sec-websocket-extensions", &["a; b=c", "d"], Ok(())),
        ("sec-websocket-extensions", &["a", ";"], Err(Extensions)),
        ("content-length", &["0"], Ok(())),
        ("content-length", &["5"], Err(Body)),
    ];
    for (name, values, expected) in rows {
        let title = if name == "sec-websocket-version" { "Sec-WebSocket-Version" } else { name };
        let bytes = request(title, values);
        // This compares the three doors of HTTP/1.1.
        assert_eq!(server_verdict(&bytes), expected, "{name}: {values:?}");
        let list = list(name, values);
        assert_eq!(list_verdict(&list), expected, "{name}: {values:?}");
        for version in [Version::HTTP_2, Version::HTTP_3] {
            let request = http_request(version, "CONNECT", "https://example.com/chat", &list[5..]);
            assert_eq!(verdict(&request, Some("websocket")), expected, "{name}: {values:?}");
        }
    }
}

#[test]
fn an_answer_is_the_same_as_a_type() {
    let both = |request: &Request<'_>| {
        let accept = || {
            let accept = request.accept().unwrap().select_subprotocol(&["chat"]);
            let accept = accept.header("Set-Cookie", "a=1").unwrap();
            accept.header("set-cookie", "b=\u{e9}").unwrap()
        };
        let (parts, _) = accept().into_response(&Config::new());
        let (response, _) = accept().into_http::<()>(&Config::new());
        assert_eq!(response.status(), parts.status());
        let fields = response.headers().iter();
        let mut fields: Vec<_> =
            fields.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let mut expected: Vec<_> = parts.fields().map(|(n, v)| (n, v.as_bytes())).collect();
        // A map keeps order within a name.
        fields.sort_by_key(|field| field.0);
        expected.sort_by_key(|field| field.0);
        assert_eq!(fields, expected);
        assert!(fields.contains(&("sec-websocket-protocol", b"chat")));
        response
    };
    let upgrade = with_request(request("Sec-WebSocket-Protocol", &["chat"]), both);
    assert_eq!(upgrade.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(upgrade.headers()["sec-websocket-accept"], ACCEPT);
    let list = list("sec-websocket-protocol", &["chat"]);
    let connect = both(&Request::from_header_list(read(&list)).unwrap());
    assert_eq!(connect.status(), StatusCode::OK);
    assert_eq!(connect.headers().len(), 3);
}

#[test]
fn a_broken_rule_is_answered_by_the_version_of_the_request() {
    let rows = [
        (VersionUnsupported, Version::HTTP_11, 426, Some("websocket")),
        (VersionUnsupported, Version::HTTP_10, 426, Some("websocket")),
        (VersionUnsupported, Version::HTTP_2, 400, None),
        (VersionUnsupported, Version::HTTP_3, 400, None),
        (Protocol, Version::HTTP_2, 501, None),
        (Origin, Version::HTTP_11, 403, None),
    ];
    for (error, version, status, upgrade) in rows {
        let response = error.into_http::<String>(version);
        assert_eq!(response.status(), status, "{error:?} {version:?}");
        let has = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(has("upgrade"), upgrade, "{error:?} {version:?}");
        assert_eq!(has("connection"), upgrade.map(|_| "Upgrade"), "{error:?} {version:?}");
        let names_version = (error == VersionUnsupported).then_some("13");
        assert_eq!(has("sec-websocket-version"), names_version, "{error:?} {version:?}");
        assert_eq!(*response.body(), format!("{error}\n"));
    }
}

#[test]
fn a_client_asks_by_types() {
    let builder = || {
        let builder = RequestBuilder::new("wss://example.com:8443/chat?a=b").unwrap();
        let builder = builder.subprotocol("chat").unwrap();
        builder.header("X-Upper", "a").unwrap().header("x-upper", "b").unwrap()
    };
    let (request, _) = builder().start_http::<()>(NONCE).unwrap();
    assert_eq!((request.method(), request.version()), (&Method::GET, Version::HTTP_11));
    assert_eq!(*request.uri(), "/chat?a=b");
    assert_eq!(request.headers()["host"], "example.com:8443");
    assert_eq!(request.headers()["sec-websocket-key"], KEY);
    assert!(request.headers().get_all("x-upper").iter().eq(["a", "b"]));
    assert_eq!(verdict(&request, None), Ok(()));

    let (request, _) = builder().start_http_connect::<()>().unwrap();
    assert_eq!((request.method(), request.version()), (&Method::CONNECT, Version::HTTP_2));
    assert_eq!(*request.uri(), "https://example.com:8443/chat?a=b");
    assert!(
        ["host", "upgrade", "connection"].iter().all(|name| !request.headers().contains_key(*name))
    );
    assert!(request.headers().get_all("x-upper").iter().eq(["a", "b"]));
    assert_eq!(verdict(&request, Some("websocket")), Ok(()));
}

#[test]
fn a_uri_that_the_types_do_not_take_is_an_error() {
    let uri = "ws://example.com/<>";
    assert!("/<>".parse::<Uri>().is_err());
    let builder = || RequestBuilder::new(uri).unwrap();
    let expected = Some(BuildError::Uri(UriError::ResourceName));
    assert_eq!(builder().start_http::<()>(NONCE).err(), expected);
    assert_eq!(builder().start_http_connect::<()>().err(), expected);
}

#[test]
fn no_header_is_too_long_for_the_types() {
    let builder = || RequestBuilder::new("ws://h").unwrap();
    let (longest, value) = ("x".repeat(0xFFFF), "y".repeat(0x2_0000));
    let (request, _) = builder().header(&longest, &value).unwrap().start_http::<()>(NONCE).unwrap();
    assert_eq!(request.headers()[&longest], value);
    let too_long = builder().header(&(longest + "x"), "").err();
    assert_eq!(too_long, Some(BuildError::HeaderName));
}

#[test]
fn a_client_judges_types_by_their_version() {
    let response = |version, status| {
        let response = Response::builder().version(version).status(status);
        let response = response.header("upgrade", "websocket").header("connection", "Upgrade");
        response.header("sec-websocket-accept", ACCEPT).body("body").unwrap()
    };
    let answer = |version, status| {
        let answer = client().receive_http(&response(version, status));
        answer.map(|answer| matches!(answer, Answer::Accepted(_)))
    };
    assert_eq!(answer(Version::HTTP_11, 101), Ok(true));
    assert_eq!(answer(Version::HTTP_11, 200), Ok(false));
    // RFC 9110, 15.2: no 1xx to HTTP/1.0
    assert_eq!(answer(Version::HTTP_10, 101), Err(HttpVersion));

    let mut connect = RequestBuilder::new("wss://h").unwrap().start_http_connect::<()>().unwrap().1;
    let ok = Response::builder().version(Version::HTTP_2).body(()).unwrap();
    assert!(matches!(connect.receive_http(&ok), Ok(Answer::Accepted(_))));
    // An error is for good.
    assert_eq!(connect.receive_http(&response(Version::HTTP_2, 200)).err(), Some(Malformed));
    assert_eq!(connect.receive_http(&ok).err(), Some(Malformed));
}
