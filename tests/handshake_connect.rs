//! The handshake through other HTTP libraries: as fields, and as the header
//! lists of HTTP/2 and HTTP/3 (RFC 8441, RFC 9220), both sides.

mod support;

use proptest::prelude::*;
use sansws::Config;
use sansws::handshake::HandshakeError::{self, *};
use sansws::handshake::{
    Answer, BuildError, ClientHandshake, HttpVersion, Request, RequestBuilder, ResponseParts,
};
use support::handshake::{
    ACCEPT, KEY, LIST, List, NONCE, client, head, list, list_verdict, read, request,
    server_verdict, with_request,
};

/// The list with these fields after the others.
fn list_and<'a>(fields: &[(&'a str, &'a str)]) -> List<'a> {
    [&LIST, fields].concat()
}

#[test]
fn an_extended_connect_opens_a_connection() {
    let rfc_8441_5_1 = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "server.example.com"),
        ("sec-websocket-protocol", "chat, superchat"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("sec-websocket-version", "13"),
        ("origin", "http://www.example.com"),
    ];
    let mut turned = rfc_8441_5_1;
    turned[..5].reverse();
    turned[5..].reverse();
    let rows: [(&str, List<'_>); 17] = [
        ("all that is asked for", LIST.to_vec()),
        ("RFC 8441, 5.1: the example", rfc_8441_5_1.to_vec()),
        ("RFC 9113, 8.3: the order of pseudo-header fields does not matter", turned.to_vec()),
        ("RFC 8441, 5: http for ws", list(":scheme", &["http"])),
        ("RFC 3986, 3.1: schemes are in any case", list(":scheme", &["HTTPS"])),
        ("RFC 9110, 16.7: protocol names are in any case", list(":protocol", &["WebSocket"])),
        ("a query", list(":path", &["/?a=b"])),
        // RFC 9113, 8.3.1; RFC 9114, 4.3.1: either of the two, or both the same
        ("Host alone", [list(":authority", &[]), vec![("host", "example.com")]].concat()),
        ("Host too", list_and(&[("host", "example.com")])),
        ("Host too, in another case", list_and(&[("host", "EXAMPLE.com")])),
        ("Host too, with the port of https", list_and(&[("host", "example.com:443")])),
        // RFC 8441, 5: these are not processed; gateways such as Envoy leave them.
        ("a key", list_and(&[("sec-websocket-key", KEY)])),
        ("two bad keys", list_and(&[("sec-websocket-key", ""), ("sec-websocket-key", "x")])),
        ("an accept", list_and(&[("sec-websocket-accept", "x")])),
        ("RFC 9113, 8.2.2: TE of trailers", list_and(&[("te", "trailers")])),
        ("no body", list_and(&[("content-length", "0")])),
        ("other fields", list_and(&[("x-empty", ""), ("user-agent", "a  \u{e9}")])),
    ];
    for (what, list) in rows {
        assert_eq!(list_verdict(&list), Ok(()), "{what}");
        assert!(Request::from_header_list(read(&list)).unwrap().is_websocket(), "{what}");
    }
}

#[test]
fn a_header_list_that_is_malformed_is_no_request() {
    let get = |fields: &[(&'static str, &'static str)]| {
        let pseudo = [(":method", "GET"), (":scheme", "https"), (":path", "/")];
        [&pseudo, fields].concat()
    };
    let connect = |fields: &[(&'static str, &'static str)]| {
        [&[(":method", "CONNECT"), (":authority", "example.com:443")], fields].concat()
    };
    assert!(Request::from_header_list(read(&get(&[]))).is_ok());
    assert!(Request::from_header_list(read(&connect(&[]))).is_ok());

    let last = |name| {
        let mut fields = list(name, &[]);
        fields.push(LIST[LIST.iter().position(|(field, _)| *field == name).unwrap()]);
        fields
    };
    let rows: [(&str, List<'_>); 57] = [
        ("nothing", vec![]),
        // RFC 9113, 8.3: all pseudo-header fields first, each once, none unknown
        ("method last", last(":method")),
        ("protocol last", last(":protocol")),
        ("path last", last(":path")),
        ("authority last", last(":authority")),
        ("protocol after Host", [&[("host", "example.com")], &LIST[..]].concat()),
        ("two methods", list(":method", &["CONNECT", "CONNECT"])),
        ("two protocols", list(":protocol", &["websocket", "websocket"])),
        ("two schemes", list(":scheme", &["https", "https"])),
        ("two paths", list(":path", &["/chat", "/chat"])),
        ("two authorities", list(":authority", &["example.com", "example.com"])),
        ("of a response", [&[(":status", "200")], &LIST[..]].concat()),
        ("unknown", [&[(":x", "y")], &LIST[..]].concat()),
        ("no name", [&[(":", "y")], &LIST[..]].concat()),
        ("another case", [&[(":Method", "CONNECT")], &LIST[1..]].concat()),
        // RFC 9113, 8.3.1: "exactly one valid value" each
        ("no method", list(":method", &[])),
        ("an empty method", list(":method", &[""])),
        ("a method that is no token", list(":method", &["CON NECT"])),
        ("no method at all", vec![("host", "example.com")]),
        ("GET without a scheme", get(&[]).drain(..).filter(|f| f.0 != ":scheme").collect()),
        ("GET without a path", get(&[]).drain(..).filter(|f| f.0 != ":path").collect()),
        // RFC 8441, 4: "MUST also be included"
        ("no scheme", list(":scheme", &[])),
        ("no path", list(":path", &[])),
        ("neither", vec![LIST[0], LIST[1], LIST[4], LIST[5]]),
        // RFC 8441, 4: "the tunnel created by CONNECT"
        ("GET with a protocol", list(":method", &["GET"])),
        ("connect with a protocol", list(":method", &["connect"])),
        // RFC 9113, 8.5: "The ":scheme" and ":path" pseudo-header fields MUST be omitted"
        ("CONNECT with scheme and path", list(":protocol", &[])),
        ("CONNECT with a path", vec![LIST[0], LIST[3], LIST[4]]),
        ("CONNECT with a scheme", vec![LIST[0], LIST[2], LIST[4]]),
        ("CONNECT to nowhere", vec![LIST[0]]),
        // RFC 9113, 8.3.1: "MUST NOT be empty"; it begins with "/"
        ("an empty path", list(":path", &[""])),
        ("a path that is none", list(":path", &["chat"])),
        ("a URI for a path", list(":path", &["https://example.com/chat"])),
        ("an asterisk", list(":path", &["*"])),
        ("a path of two words", list(":path", &["/chat HTTP/1.1"])),
        ("a path of two lines", list(":path", &["/chat\r\nx:y"])),
        ("no scheme is empty", list(":scheme", &[""])),
        ("a scheme with a slash", list(":scheme", &["/x"])),
        ("a scheme of two words", list(":scheme", &["ht tps"])),
        ("an authority of two lines", list(":authority", &["example.com\r\nx: y"])),
        // RFC 9113, 8.3.1; RFC 9114, 4.3.1: "MUST contain the same value"
        ("another Host", list_and(&[("host", "evil.example")])),
        ("the port of http", list_and(&[("host", "example.com:80")])),
        ("two Hosts", list_and(&[("host", "example.com"), ("host", "example.com")])),
        // RFC 8441, 5: "MUST NOT be included"; RFC 9113, 8.2.2
        ("Upgrade", list_and(&[("upgrade", "websocket")])),
        ("Connection", list_and(&[("connection", "upgrade")])),
        ("Keep-Alive", list_and(&[("keep-alive", "timeout=5")])),
        ("Proxy-Connection", list_and(&[("proxy-connection", "keep-alive")])),
        ("Transfer-Encoding", list_and(&[("transfer-encoding", "chunked")])),
        ("TE of more", list_and(&[("te", "trailers, gzip")])),
        // RFC 9113, 8.2: lower case; 8.2.1: what names and values have not
        ("a name in another case", list_and(&[("X-Y", "z")])),
        ("Host in another case", list_and(&[("Host", "example.com")])),
        ("a name of two words", list_and(&[("x y", "z")])),
        ("a value of two lines", list_and(&[("x", "y\r\nz: a")])),
        ("a value that begins with a space", list_and(&[("x", " y")])),
        ("a value that ends with a tab", list_and(&[("x", "y\t")])),
        ("a cookie of two lines", list_and(&[("cookie", "a=1"), ("cookie", "\nb: c")])),
        ("a cookie's piece with a space", list_and(&[("cookie", "a=1 "), ("cookie", "b=2")])),
    ];
    for (what, list) in rows {
        assert_eq!(Request::from_header_list(read(&list)).err(), Some(Malformed), "{what}");
    }
}

#[test]
fn another_request_can_be_read_but_not_accepted() {
    let tunnel = [(":method", "CONNECT"), (":authority", "example.com:443")];
    let get = [(":method", "GET"), (":scheme", "https"), (":path", "/a?b"), LIST[4], LIST[5]];
    let options = [(":method", "OPTIONS"), (":scheme", "https"), (":path", "*"), LIST[4]];
    let rows: [(List<'_>, &str, HandshakeError, u16); 9] = [
        (get.to_vec(), "/a?b", Method, 405),
        (options.to_vec(), "*", Method, 405),
        (tunnel.to_vec(), "example.com:443", Protocol, 501),
        // RFC 9220, 3: "SHOULD respond to the request with a 501"
        (list(":protocol", &["connect-udp"]), "/chat", Protocol, 501),
        (list(":protocol", &["h2c"]), "/chat", Protocol, 501),
        (list(":protocol", &["websockets"]), "/chat", Protocol, 501),
        (list(":protocol", &[""]), "/chat", Protocol, 501),
        // RFC 8441, 5: the scheme "MUST be "https" for "wss"-schemed WebSockets"
        (list(":scheme", &["wss"]), "wss://example.com/chat", Target, 400),
        (list(":path", &["/chat#part"]), "/chat#part", Target, 400),
    ];
    for (list, target, error, status) in rows {
        let request = Request::from_header_list(read(&list)).unwrap();
        assert_eq!(request.target(), target);
        assert_eq!(request.is_websocket(), error == Target, "{list:?}");
        assert_eq!(request.accept().map(drop), Err(error), "{list:?}");
        assert_eq!(error.into_response(HttpVersion::Http2).status(), status, "{list:?}");
    }
}

#[test]
fn the_same_rules_hold_for_bytes_and_for_header_lists() {
    // RFC 8441, 5: "are used in the CONNECT request [...] as they are in [RFC6455]"
    let version = "sec-websocket-version";
    let protocol = "sec-websocket-protocol";
    let extensions = "sec-websocket-extensions";
    let rows: [(&str, &[&str], Result<(), HandshakeError>); 33] = [
        ("host", &["example.com:8080"], Ok(())),
        ("host", &["[::1]"], Ok(())),
        ("host", &[], Err(Host)),
        ("host", &[""], Err(Host)),
        ("host", &["a b"], Err(Host)),
        ("host", &["user@example.com"], Err(Host)),
        ("host", &["example.com/chat"], Err(Host)),
        ("host", &["::1"], Err(Host)),
        (version, &[], Err(Version)),
        (version, &["13", "13"], Err(Version)),
        (version, &["13, 8"], Err(Version)),
        (version, &["013"], Err(Version)),
        (version, &["8"], Err(VersionUnsupported)),
        (version, &["14"], Err(VersionUnsupported)),
        (protocol, &["chat"], Ok(())),
        (protocol, &["chat, superchat", "x"], Ok(())),
        (protocol, &[""], Err(Subprotocol)),
        (protocol, &["chat, chat"], Err(Subprotocol)),
        (protocol, &["chat", "chat"], Err(Subprotocol)),
        (protocol, &["a/b"], Err(Subprotocol)),
        (extensions, &["foo; bar=2, permessage-deflate"], Ok(())),
        (extensions, &["foo", "foo"], Ok(())),
        (extensions, &[""], Err(Extensions)),
        (extensions, &["a;"], Err(Extensions)),
        (extensions, &["a", "a=b"], Err(Extensions)),
        (extensions, &["a;b=\"\\c\""], Err(Extensions)),
        ("content-length", &["0"], Ok(())),
        ("content-length", &["1"], Err(Body)),
        ("content-length", &["x"], Err(Body)),
        ("origin", &["null"], Ok(())),
        ("origin", &["a", "b"], Ok(())),
        ("sec-websocket-anything", &["x", ""], Ok(())),
        ("cookie", &["a=1", "b=2"], Ok(())),
    ];
    for (name, values, expected) in rows {
        let title = ["Host", "Sec-WebSocket-Version"].into_iter();
        let title = title.clone().find(|title| title.eq_ignore_ascii_case(name)).unwrap_or(name);
        assert_eq!(server_verdict(&request(title, values)), expected, "{name}: {values:?}");
        let mut lists = vec![list(name, values)];
        if name == "host" {
            lists = vec![list(":authority", values)];
            lists.push(
                [list(":authority", &[]), values.iter().map(|v| (name, *v)).collect()].concat(),
            );
        }
        for list in lists {
            assert_eq!(list_verdict(&list), expected, "{list:?}");
        }
    }
}

#[test]
fn a_header_list_may_have_as_many_fields_as_a_head() {
    // The authority counts as the Host of HTTP/1.1.
    let regular = |count: usize| [LIST.to_vec(), vec![("x", "y"); count - 2]].concat();
    assert_eq!(list_verdict(&regular(128)), Ok(()));
    assert_eq!(list_verdict(&regular(129)), Err(TooManyFields));
    assert_eq!(list_verdict(&regular(10_000)), Err(TooManyFields));
}

#[test]
fn a_header_list_is_read_as_a_head_is() {
    let list = [
        (":method", "CONNECT"),
        (":scheme", "https"),
        (":authority", "example.com:8443"),
        (":path", "/chat/%20?room=1"),
        (":protocol", "websocket"),
        ("cookie", "a=1"),
        ("sec-websocket-protocol", "chat"),
        ("origin", "https://example.com"),
        ("cookie", "b=2"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "superchat"),
        ("sec-websocket-extensions", "foo; bar"),
        ("cookie", "c=3; d=4"),
        ("cookie", ""),
    ];
    let request = Request::from_header_list(read(&list)).unwrap();
    assert_eq!((request.method(), request.target()), ("CONNECT", "/chat/%20?room=1"));
    assert_eq!((request.path(), request.query()), ("/chat/%20", Some("room=1")));
    assert_eq!(request.header("Host"), Some(&b"example.com:8443"[..]));
    assert_eq!(request.origin(), Some(&b"https://example.com"[..]));
    assert!(request.subprotocols().eq(["chat", "superchat"]));
    assert!(request.extensions().map(|extension| extension.name()).eq(["foo"]));
    // RFC 9113, 8.2.3: one cookie again
    let cookies = request.headers().filter(|(name, _)| *name == "cookie");
    assert!(cookies.map(|(_, value)| value).eq([b"a=1; b=2; c=3; d=4;"]));
    assert!(request.headers().all(|(name, _)| !name.starts_with(':')));
}

/// A response taken apart.
fn parts(response: &ResponseParts) -> (u16, List<'_>) {
    (response.status(), response.fields().collect())
}

#[test]
fn an_extended_connect_is_accepted_with_200_and_what_was_agreed_on() {
    // RFC 8441, 5 and 5.1; RFC 9110, 9.3.6: no Content-Length in it
    let list = list("sec-websocket-protocol", &["chat, superchat"]);
    let request = Request::from_header_list(read(&list)).unwrap();
    let accept = || request.accept().unwrap();
    let (response, _) = accept().into_response(&Config::new());
    assert_eq!(parts(&response), (200, vec![]));
    assert_eq!(response.body(), "");

    let accept = accept().select_subprotocol(&["superchat"]).header("Set-Cookie", "a=1").unwrap();
    let (response, _) =
        accept.header("SET-Cookie", " \u{e9}: B ").unwrap().into_response(&Config::new());
    let expected = vec![
        ("sec-websocket-protocol", "superchat"),
        ("set-cookie", "a=1"),
        ("set-cookie", "\u{e9}: B"),
    ];
    assert_eq!(parts(&response), (200, expected));
}

#[test]
fn an_extended_connect_has_no_answer_in_bytes() {
    let request = Request::from_header_list(read(&LIST)).unwrap();
    let mut out = b"before".to_vec();
    let mut ws = request.accept().unwrap().into_connection(&Config::new(), &mut out);
    let refused = request.respond(404, &[], b"", &mut out);
    assert_eq!(refused, Err(BuildError::HttpVersion));
    assert_eq!(out, b"before");
    ws.send_text("open", &mut out).unwrap();
    assert_eq!(out, b"before\x81\x04open");
}

/// The status and the fields of an answer in bytes, with names in lower case,
/// and its body.
fn taken_apart(bytes: &[u8]) -> (u16, Vec<(String, String)>, String) {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap()[9..12].parse().unwrap();
    let field = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_lowercase(), value.to_owned())
    };
    (status, lines.map(field).collect(), body.to_owned())
}

fn strings(fields: List<'_>) -> Vec<(String, String)> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn an_upgrade_is_accepted_with_the_same_fields_as_in_bytes() {
    let offers = request("Sec-WebSocket-Protocol", &["chat, superchat"]);
    with_request(offers, |request| {
        let accept = || {
            let accept = request.accept().unwrap().select_subprotocol(&["chat"]);
            accept.header("X-Y", "z").unwrap().header("Set-Cookie", "a=1").unwrap()
        };
        let mut out = Vec::new();
        let _ = accept().into_connection(&Config::new(), &mut out);
        let (response, _) = accept().into_response(&Config::new());
        let (status, fields) = parts(&response);
        assert_eq!((status, strings(fields.clone()), String::new()), taken_apart(&out));
        let expected = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", ACCEPT),
            ("sec-websocket-protocol", "chat"),
            ("x-y", "z"),
            ("set-cookie", "a=1"),
        ];
        assert_eq!(fields, expected);
    });
}

const ERRORS: [HandshakeError; 20] = [
    Malformed,
    HeadTooLong,
    TooManyFields,
    Method,
    Protocol,
    Target,
    HttpVersion,
    Host,
    Body,
    Upgrade,
    Connection,
    Version,
    VersionUnsupported,
    Key,
    Subprotocol,
    Extensions,
    ExtensionNotOffered,
    Deflate,
    Origin,
    TooManyResponses,
];

#[test]
fn a_broken_rule_is_answered_with_fields_as_with_bytes() {
    for error in ERRORS {
        let mut out = Vec::new();
        error.respond(&mut out);
        let (status, mut expected, body) = taken_apart(&out);
        // The other library frames the body and owns the connection.
        expected.retain_mut(|(name, value)| {
            let is_end = value == "close";
            *value = value.replace(", close", "");
            name != "content-length" && !is_end
        });
        let response = error.into_response(sansws::handshake::HttpVersion::Http1);
        let (their_status, fields) = parts(&response);
        assert_eq!((their_status, strings(fields)), (status, expected), "{error:?}");
        assert_eq!(response.body(), body, "{error:?}");
    }
}

#[test]
fn a_broken_rule_is_answered_without_an_upgrade_over_http_2() {
    // RFC 9113, 8.2.2; RFC 9110, 15.5.22: so 426, which must have it, is 400
    use sansws::handshake::HttpVersion::{Http2, Http3};
    let forbidden = ["upgrade", "connection", "keep-alive", "transfer-encoding"];
    for error in ERRORS {
        for version in [Http2, Http3] {
            let response = error.into_response(version);
            let (status, fields) = parts(&response);
            let expected = if error.status() == 426 { 400 } else { error.status() };
            assert_eq!(status, expected, "{error:?}");
            let has = |name| fields.iter().find(|field| field.0 == name).map(|field| field.1);
            assert!(forbidden.into_iter().all(|name| has(name).is_none()), "{error:?}");
            // RFC 6455, 4.4; RFC 9110, 15.5.6
            let is_version = matches!(error, Version | VersionUnsupported);
            assert_eq!(has("sec-websocket-version"), is_version.then_some("13"), "{error:?}");
            assert_eq!(has("allow"), (error == Method).then_some("CONNECT"), "{error:?}");
            let body = if error == Method { String::new() } else { format!("{error}\n") };
            assert_eq!(response.body(), body);
        }
    }
}

#[test]
fn a_client_asks_with_a_header_list_as_the_rfc_shows() {
    // RFC 8441, 5 and 5.1
    let builder = |uri| RequestBuilder::new(uri).unwrap();
    let (request, _) = builder("ws://example.com").start_connect();
    let bare = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "example.com"),
        (":path", "/"),
        ("sec-websocket-version", "13"),
    ];
    assert!(request.fields().eq(bare));

    let builder = builder("wss://[::1]:8443/chat?a=b").subprotocol("chat").unwrap();
    let builder = builder.subprotocol("Super").unwrap().header("X-Upper", "Value").unwrap();
    let (request, _) = builder.header("Origin", "HTTPS://x").unwrap().start_connect();
    assert_eq!((request.method(), request.target()), ("CONNECT", "/chat?a=b"));
    let full = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "[::1]:8443"),
        (":path", "/chat?a=b"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "chat, Super"),
        ("x-upper", "Value"),
        ("origin", "HTTPS://x"),
    ];
    assert!(request.fields().eq(full));
    assert_eq!(list_verdict(&request.fields().collect::<Vec<_>>()), Ok(()));
}

#[test]
fn a_client_asks_with_the_same_fields_as_in_bytes() {
    let builder = || {
        let builder = RequestBuilder::new("ws://example.com:81/chat").unwrap();
        builder.subprotocol("chat").unwrap().header("X-Y", "Z").unwrap()
    };
    let mut out = Vec::new();
    let _ = builder().start(NONCE, &mut out);
    let (request, mut handshake) = builder().start_fields(NONCE);
    assert_eq!((request.method(), request.target()), ("GET", "/chat"));
    let fields: Vec<_> = request.fields().collect();
    let mut lines = vec!["GET /chat HTTP/1.1".to_owned()];
    lines.extend(fields.iter().map(|(name, value)| format!("{name}: {value}")));
    let lines = head(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let lower = |bytes: &[u8]| bytes.to_ascii_lowercase();
    assert_eq!(lower(&lines), lower(&out));
    assert!(fields.iter().all(|(name, _)| !name.contains(|c: char| c.is_ascii_uppercase())));

    let answer =
        [("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-accept", ACCEPT)];
    let answer = handshake.receive_fields(101, read(&answer));
    assert!(matches!(answer, Ok(Answer::Accepted(_))));
}

/// A client that has sent an extended CONNECT and offered two subprotocols.
fn connecting() -> ClientHandshake {
    let builder = RequestBuilder::new("wss://example.com/chat").unwrap();
    builder.subprotocol("chat").unwrap().subprotocol("superchat").unwrap().start_connect().1
}

/// Whether the connection is open, and with which subprotocol.
type Chosen = Result<Option<Option<String>>, HandshakeError>;

fn connected(status: u16, fields: &[(&str, &str)]) -> Chosen {
    Ok(match connecting().receive_fields(status, read(fields))? {
        Answer::Accepted(accepted) => Some(accepted.subprotocol().map(String::from)),
        Answer::Refused(response) => {
            assert_eq!(response.status(), status);
            None
        }
    })
}

#[test]
fn any_2xx_opens_the_connection_and_other_statuses_refuse_it() {
    // RFC 8441, 5.1; RFC 9110, 9.3.6
    for status in (0..1000).filter(|&status| status != 101) {
        let expected = if (200..300).contains(&status) { Some(None) } else { None };
        assert_eq!(connected(status, &[]), Ok(expected), "{status}");
    }
    // RFC 9113, 8.6: there is no 101, whatever goes with it
    let upgrade = [("sec-websocket-accept", ACCEPT)];
    assert_eq!(connected(101, &[]), Err(Malformed));
    assert_eq!(connected(101, &upgrade), Err(Malformed));
}

#[test]
fn an_answer_to_a_connect_is_checked_as_one_to_an_upgrade_is() {
    let chosen = |name: &str| Ok(Some(Some(name.to_owned())));
    let (protocol, extensions) = ("sec-websocket-protocol", "sec-websocket-extensions");
    let rows: [(&[(&str, &str)], Chosen); 20] = [
        (&[("server", "x")], Ok(Some(None))),
        // RFC 8441, 5: not processed
        (&[("sec-websocket-accept", "x")], Ok(Some(None))),
        (&[("sec-websocket-accept", ACCEPT), ("sec-websocket-accept", ACCEPT)], Ok(Some(None))),
        (&[(protocol, "chat")], chosen("chat")),
        (&[(protocol, "superchat")], chosen("superchat")),
        (&[(protocol, "Chat")], Err(Subprotocol)),
        (&[(protocol, "")], Err(Subprotocol)),
        (&[(protocol, "chat, superchat")], Err(Subprotocol)),
        (&[(protocol, "chat"), (protocol, "chat")], Err(Subprotocol)),
        (&[(extensions, "permessage-deflate")], Err(ExtensionNotOffered)),
        (&[(extensions, "x")], Err(ExtensionNotOffered)),
        (&[(extensions, "")], Err(Extensions)),
        // RFC 9113, 8.2 and 8.2.2
        (&[("upgrade", "websocket")], Err(Malformed)),
        (&[("connection", "upgrade")], Err(Malformed)),
        (&[("transfer-encoding", "chunked")], Err(Malformed)),
        (&[("Server", "x")], Err(Malformed)),
        (&[("server", "x ")], Err(Malformed)),
        (&[("server", "x\r\ny: z")], Err(Malformed)),
        (&[("ser ver", "x")], Err(Malformed)),
        (&[(":status", "200")], Err(Malformed)),
    ];
    for (fields, expected) in rows {
        assert_eq!(connected(200, fields), expected, "{fields:?}");
    }
}

#[test]
fn an_extended_connect_is_not_answered_in_bytes() {
    for bytes in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b""]
    {
        let received = connecting().receive(&mut &mut bytes.to_vec()[..]).map(drop);
        assert_eq!(received, Err(Malformed), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_clients_errors_are_for_good_whichever_way_they_came() {
    let right =
        [("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-accept", ACCEPT)];
    let rows: [(&[(&str, &str)], HandshakeError); 4] = [
        (&[], Upgrade),
        (&[right[0], right[1]], Accept),
        (&[right[0], right[1], right[2], ("sec-websocket-protocol", "x")], Subprotocol),
        (&[("x", "\n")], Malformed),
    ];
    for (fields, error) in rows {
        let mut handshake = client();
        assert_eq!(handshake.receive_fields(101, read(fields)).err(), Some(error));
        assert_eq!(handshake.receive_fields(101, read(&right)).err(), Some(error), "{fields:?}");
        let mut bytes = head(&["HTTP/1.1 404 Not Found"]);
        assert_eq!(handshake.receive(&mut &mut bytes[..]).err(), Some(error), "{fields:?}");
    }
    let mut handshake = connecting();
    assert_eq!(handshake.receive_fields(200, read(&[("X", "y")])).err(), Some(Malformed));
    assert_eq!(handshake.receive_fields(200, read(&[])).err(), Some(Malformed));
    // And from bytes to fields
    let mut handshake = client();
    let mut bytes = head(&["HTTP/1.1 101 Switching Protocols"]);
    assert_eq!(handshake.receive(&mut &mut bytes[..]).err(), Some(Upgrade));
    assert_eq!(handshake.receive_fields(101, read(&right)).err(), Some(Upgrade));
}

fn any_field() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let names = [LIST.map(|(name, _)| name).to_vec(), vec!["host", "cookie", "x", "te", "X", ":x"]];
    let value = prop_oneof![
        proptest::sample::select(LIST.map(|(_, value)| value.as_bytes().to_vec()).to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
        "[ -~\r\n]{0,6}".prop_map(String::into_bytes),
    ];
    (proptest::sample::select(names.concat()), value)
}

proptest! {
    #[test]
    fn no_list_hides_a_field(before in 0..=LIST.len(), fields in proptest::collection::vec(any_field(), 0..5)) {
        let right = LIST.iter().map(|(name, value)| (*name, value.as_bytes()));
        let (pseudo, regular) = LIST.split_at(before);
        let own = fields.iter().map(|(name, value)| (*name, &value[..]));
        let list: Vec<_> = read(pseudo).chain(own).chain(read(regular)).collect();
        if let Ok(request) = Request::from_header_list(list.clone()) {
            // All that can be read was in the list, but for the host that is the
            // authority, and the cookie that is all of them.
            for (name, value) in request.headers().filter(|(name, _)| *name != "cookie") {
                let name = if name == "host" && !list.contains(&(name, value)) { ":authority" } else { name };
                prop_assert!(list.contains(&(name, value)), "{name}: {}", value.escape_ascii());
            }
            if request.accept().is_ok() {
                prop_assert!(right.clone().take(2).all(|field| list.contains(&field)));
            }
        }
    }
}
