//! A client's request, byte for byte, and what it takes for an answer that
//! opens the connection (RFC 6455, 4.1), a table for each field. Every answer
//! is read at once and byte by byte.

mod support;

use sansws::handshake::HandshakeError::{self, *};
use sansws::handshake::{BuildError, RequestBuilder};
use support::handshake::{
    ACCEPT, NONCE, REQUEST, RESPONSE, answered, ask, client, client_verdict, head, response,
    status_line,
};

/// A field with these values in place of the right one, and the verdict.
type Row<'a> = (&'a str, &'a [&'a str], Result<(), HandshakeError>);

fn check(rows: &[Row<'_>]) {
    for (name, values, expected) in rows {
        let verdict = client_verdict(&response(name, values));
        assert_eq!(verdict.map(drop), *expected, "{name}: {values:?}");
    }
}

#[test]
fn the_request_is_written_as_the_rfc_asks() {
    // 4.1, 1 to 9
    let mut out = b"before".to_vec();
    let builder = RequestBuilder::new("ws://example.com/chat").unwrap();
    let _ = builder.start(NONCE, &mut out);
    let expected = [b"before", &*head(&REQUEST)].concat();
    assert!(out == expected, "{}", out.escape_ascii());
}

#[test]
fn subprotocols_and_other_fields_follow_in_order() {
    // 4.1, 8, 10 and 12
    let mut out = Vec::new();
    let _ = RequestBuilder::new("wss://example.com:444/chat?room=1")
        .and_then(|builder| builder.header("Origin", "https://example.com"))
        .and_then(|builder| builder.subprotocol("v2.chat"))
        .and_then(|builder| builder.header("Authorization", "Basic dTpw"))
        .and_then(|builder| builder.subprotocol("chat"))
        .and_then(|builder| builder.subprotocol("Chat"))
        .and_then(|builder| builder.header("X-Twice", "1"))
        .and_then(|builder| builder.header("X-Twice", "caf\u{e9}\t"))
        .and_then(|builder| builder.header("X-Empty", ""))
        .and_then(|builder| builder.header("X-Latin-1", b"caf\xE9"))
        .unwrap()
        .start(NONCE, &mut out);
    let expected = "GET /chat?room=1 HTTP/1.1\r\n\
        Host: example.com:444\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: v2.chat, chat, Chat\r\n\
        Origin: https://example.com\r\n\
        Authorization: Basic dTpw\r\n\
        X-Twice: 1\r\n\
        X-Twice: caf\u{e9}\t\r\n\
        X-Empty: \r\n\
        X-Latin-1: ";
    let expected = [expected.as_bytes(), b"caf\xE9\r\n\r\n"].concat();
    assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[test]
fn user_and_password_are_sent_as_base64() {
    // RFC 7617, 2 and 2.1: its examples; no colon in the user, and no control characters
    let rows = [
        ("Aladdin", "open sesame", Some("QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
        ("test", "123\u{a3}", Some("dGVzdDoxMjPCow==")),
        ("", "", Some("Og==")),
        ("user", "a:b", Some("dXNlcjphOmI=")),
        ("us:er", "", None),
        ("user\r\n", "", None),
        ("user", "\0", None),
        ("user", "\x7F", None),
    ];
    for (user, password, expected) in rows {
        let builder = RequestBuilder::new("ws://h").unwrap().basic_auth(user, password);
        let Some(expected) = expected else {
            assert_eq!(builder.err(), Some(BuildError::Credentials), "{user:?} {password:?}");
            continue;
        };
        let mut out = Vec::new();
        let _ = builder.unwrap().start(NONCE, &mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains(&format!("\r\nAuthorization: Basic {expected}\r\n")), "{out}");
    }
}

#[test]
fn the_key_is_the_nonce_in_base64_and_its_answer_is_expected() {
    // 4.1, 7; 4.2.2, 5. The answers were computed with another program.
    let mut counted = [0; 16];
    counted.iter_mut().zip(1..).for_each(|(byte, i)| *byte = i);
    let rows = [
        (NONCE, "dGhlIHNhbXBsZSBub25jZQ==", ACCEPT),
        ([0; 16], "AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ([0xFF; 16], "/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
        (counted, "AQIDBAUGBwgJCgsMDQ4PEA==", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY="),
    ];
    for (nonce, key, accept) in rows {
        let mut out = Vec::new();
        let handshake = RequestBuilder::new("ws://h").unwrap().start(nonce, &mut out);
        let line = format!("\r\nSec-WebSocket-Key: {key}\r\n");
        assert!(String::from_utf8(out).unwrap().contains(&line), "{key}");
        let answer = ask(handshake, [&*response("Sec-WebSocket-Accept", &[accept])]);
        assert_eq!(answer.unwrap().unwrap().accepted, Some(None), "{key}");
    }
}

#[test]
#[cfg(feature = "rand")]
fn no_nonce_comes_twice() {
    // 4.1, 7: "selected randomly for each connection"
    let nonces: std::collections::HashSet<_> =
        core::iter::repeat_with(sansws::handshake::nonce).take(1000).collect();
    assert_eq!(nonces.len(), 1000);
}

#[test]
fn the_example_of_the_rfc_opens_the_connection() {
    // 1.2
    assert_eq!(client_verdict(&head(&RESPONSE)), Ok(None));
    let with_subprotocol = response("Sec-WebSocket-Protocol", &["chat"]);
    assert_eq!(client_verdict(&with_subprotocol), Ok(Some("chat".into())));
}

#[test]
fn the_status_line_must_be_of_http_1_1() {
    // 4.1: "a valid response"; RFC 9112, 4
    let rows = [
        ("HTTP/1.1 101 Switching Protocols", Ok(())),
        ("HTTP/1.1 101 Web Socket Protocol Handshake", Ok(())),
        ("HTTP/1.1 101 caf\u{e9}", Ok(())),
        ("HTTP/1.1 101 ", Ok(())),
        ("HTTP/1.1 101", Ok(())),
        ("HTTP/1.0 101 Switching Protocols", Err(HttpVersion)),
        ("HTTP/2.0 101 Switching Protocols", Err(Malformed)),
        ("HTTP/2 101 Switching Protocols", Err(Malformed)),
        ("http/1.1 101 Switching Protocols", Err(Malformed)),
        ("HTTP/1.1  101 Switching Protocols", Err(Malformed)),
        ("HTTP/1.1\t101 Switching Protocols", Err(Malformed)),
        ("HTTP/1.1 101Switching Protocols", Err(Malformed)),
        ("HTTP/1.1 1010 Switching Protocols", Err(Malformed)),
        ("HTTP/1.1 10 Switching Protocols", Err(Malformed)),
        ("HTTP/1.1 1O1 Switching Protocols", Err(Malformed)),
        ("HTTP/1.1 +101 Switching Protocols", Err(Malformed)),
        ("HTTP/1.1 101 Switching\0Protocols", Err(Malformed)),
        ("HTTP/1.1 Switching Protocols", Err(Malformed)),
        ("HTTP/1.1", Err(Malformed)),
        ("101 Switching Protocols", Err(Malformed)),
        ("GET /chat HTTP/1.1", Err(Malformed)),
    ];
    for (line, expected) in rows {
        assert_eq!(client_verdict(&status_line(line)).map(drop), expected, "{line}");
    }
}

#[test]
fn upgrade_must_name_websocket() {
    // 4.1, 2
    check(&[
        ("Upgrade", &["WebSocket"], Ok(())),
        ("Upgrade", &["\t WEBSOCKET \t"], Ok(())),
        ("Upgrade", &[], Err(Upgrade)),
        ("Upgrade", &[""], Err(Upgrade)),
        ("Upgrade", &["h2c"], Err(Upgrade)),
        ("Upgrade", &["websockets"], Err(Upgrade)),
        ("Upgrade", &["web socket"], Err(Upgrade)),
        ("Upgrade", &["websocket/13"], Err(Upgrade)),
        ("Upgrade", &["\"websocket\""], Err(Upgrade)),
    ]);
}

#[test]
fn upgrade_must_name_nothing_but_websocket() {
    // 4.1, 2: "contains a value that is not an ASCII case-insensitive match for
    // the value "websocket"". RFC 9110, 7.8: it names all protocols changed to.
    check(&[
        ("Upgrade", &["websocket, h2c"], Err(Upgrade)),
        ("Upgrade", &["h2c, websocket"], Err(Upgrade)),
        ("Upgrade", &["h2c", "websocket"], Err(Upgrade)),
        ("Upgrade", &["websocket", "h2c"], Err(Upgrade)),
    ]);
}

#[test]
fn connection_must_name_upgrade() {
    // 4.1, 3: "doesn't contain a token that is [...] "Upgrade""
    check(&[
        ("Connection", &["upgrade"], Ok(())),
        ("Connection", &["UPGRADE"], Ok(())),
        ("Connection", &["keep-alive, Upgrade"], Ok(())),
        ("Connection", &["keep-alive", "\tupgrade"], Ok(())),
        ("Connection", &["upgrade", "keep-alive"], Ok(())),
        ("Connection", &[",,upgrade ,"], Ok(())),
        ("Connection", &[], Err(Connection)),
        ("Connection", &[""], Err(Connection)),
        ("Connection", &["keep-alive"], Err(Connection)),
        ("Connection", &["close"], Err(Connection)),
        ("Connection", &["upgradex"], Err(Connection)),
        ("Connection", &["keep-alive upgrade"], Err(Connection)),
    ]);
}

#[test]
fn accept_must_be_the_answer_to_the_key_once() {
    // 4.1, 4; 11.3.3. fastwebsockets and yawc did not look at it.
    let name = "Sec-WebSocket-Accept";
    check(&[
        (name, &[" \ts3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t "], Ok(())),
        (name, &[], Err(Accept)),
        (name, &[""], Err(Accept)),
        (name, &[ACCEPT, ACCEPT], Err(Accept)),
        (name, &[ACCEPT, "ICX+Yqv66kxgM0FcWaLWlFLwTAI="], Err(Accept)),
        (name, &["ICX+Yqv66kxgM0FcWaLWlFLwTAI=", ACCEPT], Err(Accept)),
        (name, &["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], Err(Accept)),
        (name, &["ICX+Yqv66kxgM0FcWaLWlFLwTAI="], Err(Accept)),
        (name, &["S3pPLMBiTxaQ9kYGzzhZRbK+xOo="], Err(Accept)),
        (name, &["s3pPLMBiTxaQ9kYGzzhZRbK+xOO="], Err(Accept)),
        (name, &["s3pPLMBiTxaQ9kYGzzhZRbK+xOo"], Err(Accept)),
        (name, &["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=="], Err(Accept)),
        (name, &["3pPLMBiTxaQ9kYGzzhZRbK+xOo="], Err(Accept)),
        (name, &["s3pPLMBiTxaQ9k YGzzhZRbK+xOo="], Err(Accept)),
        (name, &["\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\""], Err(Accept)),
        // The key itself
        (name, &["dGhlIHNhbXBsZSBub25jZQ=="], Err(Accept)),
    ]);
}

#[test]
fn an_extension_that_was_not_offered_is_refused() {
    // 4.1, 5; 9.1
    let name = "Sec-WebSocket-Extensions";
    check(&[
        (name, &["permessage-deflate"], Err(ExtensionNotOffered)),
        (name, &["permessage-deflate; server_max_window_bits=15"], Err(ExtensionNotOffered)),
        (name, &["a, b"], Err(ExtensionNotOffered)),
        (name, &["a", "b"], Err(ExtensionNotOffered)),
        (name, &[",,x"], Err(ExtensionNotOffered)),
        (name, &["constructor"], Err(ExtensionNotOffered)),
        (name, &[";"], Err(Extensions)),
        (name, &["a;"], Err(Extensions)),
        (name, &["a b"], Err(Extensions)),
        (name, &["a; b=\"c d\""], Err(Extensions)),
    ]);
}

#[test]
fn a_subprotocol_must_be_one_that_was_offered() {
    // 4.1, 6; 11.3.4: once. The client offers chat and superchat. autobahn and
    // sockudo-ws let others through.
    let name = "Sec-WebSocket-Protocol";
    let chosen = |values: &[&str]| client_verdict(&response(name, values));
    assert_eq!(chosen(&[]), Ok(None));
    assert_eq!(chosen(&["chat"]), Ok(Some("chat".into())));
    assert_eq!(chosen(&["\tsuperchat "]), Ok(Some("superchat".into())));
    check(&[
        (name, &[""], Err(Subprotocol)),
        (name, &["Chat"], Err(Subprotocol)),
        (name, &["CHAT"], Err(Subprotocol)),
        (name, &["soap"], Err(Subprotocol)),
        (name, &["cha"], Err(Subprotocol)),
        (name, &["chatter"], Err(Subprotocol)),
        (name, &["\"chat\""], Err(Subprotocol)),
        (name, &["chat, superchat"], Err(Subprotocol)),
        (name, &["chat,"], Err(Subprotocol)),
        (name, &["chat", "superchat"], Err(Subprotocol)),
        (name, &["chat", "chat"], Err(Subprotocol)),
        (name, &["", "chat"], Err(Subprotocol)),
    ]);
    let none_offered = RequestBuilder::new("ws://h").unwrap().start(NONCE, &mut Vec::new());
    let answer = ask(none_offered, [&*response(name, &["chat"])]);
    assert_eq!(answer, Err(Subprotocol));
}

#[test]
fn names_are_taken_in_any_case_and_other_fields_left_alone() {
    // RFC 9110, 5.1; RFC 9112, 6.3: a 1xx has no body, whatever it says
    for names in [
        ["upgrade", "connection", "sec-websocket-accept"],
        ["UPGRADE", "CONNECTION", "SEC-WEBSOCKET-ACCEPT"],
    ] {
        let values = ["websocket", "upgrade", ACCEPT];
        let fields: Vec<String> =
            names.iter().zip(values).map(|(name, value)| format!("{name}:{value}")).collect();
        let bytes = head(&[RESPONSE[0], &fields[0], &fields[1], &fields[2]]);
        assert_eq!(client_verdict(&bytes), Ok(None), "{names:?}");
    }
    check(&[
        ("Content-Length", &["5"], Ok(())),
        ("Set-Cookie", &["a=1", "b=2"], Ok(())),
        ("Sec-WebSocket-Version", &["13, 8"], Ok(())),
        ("Sec-WebSocket-Key", &["x"], Ok(())),
    ]);
}

#[test]
fn any_status_but_101_is_a_refusal_that_can_be_read() {
    // 4.1, 1. Envoy, CVE-2024-23326: a 200 was taken for an upgrade. All the
    // other fields say yes.
    for status in [0, 99, 200, 204, 301, 302, 401, 403, 404, 426, 429, 500, 503, 599, 999] {
        for version in ["1.1", "1.0"] {
            let line = format!("HTTP/{version} {status:03} Some words");
            let refusal = [&*status_line(&line), b"<html>body"].concat();
            let answer = answered(&refusal).unwrap();
            assert_eq!((answer.status, answer.accepted), (status, None), "{line}");
            assert_eq!(answer.left, b"<html>body", "{line}");
            assert_eq!(answer.fields.len(), 3, "{line}");
        }
    }
    let redirection = head(&["HTTP/1.1 301 Moved", "location: wss://example.com/", "X:", "x: y"]);
    let fields = answered(&redirection).unwrap().fields;
    let expected = [("location", "wss://example.com/"), ("X", ""), ("x", "y")];
    assert_eq!(fields, expected.map(|(name, value)| (name.into(), value.into())));
}

/// `count` provisional responses.
fn provisional(count: usize) -> Vec<u8> {
    let statuses = ["100 Continue", "102 Processing", "103 Early Hints", "199 Unknown"].iter();
    let heads = statuses.map(|status| head(&[&format!("HTTP/1.1 {status}"), "Link: </a.css>"]));
    heads.cycle().take(count).collect::<Vec<_>>().concat()
}

#[test]
fn provisional_responses_are_skipped() {
    // RFC 9110, 15.2: "A client MUST be able to parse one or more 1xx responses
    // received prior to a final response"
    for count in [1, 2, 5, 16] {
        for (last, accepted) in
            [(head(&RESPONSE), Some(None)), (status_line("HTTP/1.1 404 No"), None)]
        {
            let answer = answered(&[provisional(count), last, b"left".to_vec()].concat()).unwrap();
            assert_eq!((answer.accepted, &*answer.left), (accepted, &b"left"[..]), "{count}");
        }
    }
    assert_eq!(ask(client(), [&*provisional(16)]), Ok(None));
}

#[test]
fn what_is_no_response_is_refused_at_once() {
    let rows: [(&[u8], _); 9] = [
        (b"", Ok(None)),
        (b"H", Ok(None)),
        (b"HTTP/1", Ok(None)),
        (b"HTTP/1.", Ok(None)),
        (b"SSH-2.0-OpenSSH_10.0\r\n", Err(Malformed)),
        (b"220 smtp.example.com\r\n", Err(Malformed)),
        (b"h", Err(Malformed)),
        (b"HTTP/2", Err(Malformed)),
        (b"\r\n", Err(Malformed)),
    ];
    for (start, expected) in rows {
        for before in [provisional(0), provisional(1)] {
            let bytes = [&before[..], start].concat();
            assert_eq!(ask(client(), [&bytes[..]]), expected, "{}", start.escape_ascii());
            assert_eq!(ask(client(), bytes.chunks(1)), expected, "{}", start.escape_ascii());
        }
    }
    // However it is cut, also where the limit comes first.
    for max in 0..10 {
        for bytes in [&b"HTTP/1.1 200"[..], b"HX", b"X"] {
            let [at_once, bytewise] =
                [bytes.len(), 1].map(|size| ask(client().max_head_len(max), bytes.chunks(size)));
            assert_eq!(at_once, bytewise, "{max} bytes: {}", bytes.escape_ascii());
        }
    }
}

#[test]
fn provisional_responses_without_end_are_refused() {
    assert_eq!(ask(client(), [&*provisional(17)]), Err(TooManyResponses));
    assert_eq!(ask(client(), provisional(17).chunks(1)), Err(TooManyResponses));

    // And however often it is asked again.
    let mut handshake = client();
    let mut bytes = provisional(1000);
    let mut input = &mut bytes[..];
    for _ in 0..500 {
        assert_eq!(handshake.receive(&mut input).err(), Some(TooManyResponses));
    }
}
