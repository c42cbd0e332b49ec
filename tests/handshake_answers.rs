//! What a server writes: the answer that opens the connection, refusals of its
//! own, and the answers to handshakes that break a rule.

mod support;

use sansws::Config;
use sansws::handshake::BuildError::Status;
use sansws::handshake::HandshakeError::{self, *};
use sansws::handshake::{AcceptKey, BuildError, Request};
use support::handshake::{REQUEST, answered, head, request, request_line, with_request};

/// Runs `f` on the request in `bytes`; what it wrote after `before`.
fn answer_to(
    bytes: Vec<u8>,
    f: impl FnOnce(&Request<'_>, &mut Vec<u8>) -> Result<(), BuildError>,
) -> Result<String, BuildError> {
    let mut out = b"before".to_vec();
    let result = with_request(bytes, |request| f(request, &mut out));
    let out = String::from_utf8(out).unwrap();
    let written = out.strip_prefix("before").expect("what was in out stays");
    assert!(result.is_ok() || written.is_empty(), "an error writes nothing: {written}");
    result.map(|()| written.into())
}

fn accept(bytes: Vec<u8>, subprotocols: &[&str], headers: &[(&str, &str)]) -> String {
    let answer = answer_to(bytes, |request, out| {
        let mut accept = request.accept().unwrap().select_subprotocol(subprotocols);
        for (name, value) in headers {
            accept = accept.header(name, value)?;
        }
        let _ = accept.into_connection(&Config::new(), out);
        Ok(())
    });
    answer.unwrap()
}

fn reject(method: &str, status: u16, body: &str) -> Result<String, BuildError> {
    let request = request_line(&format!("{method} /chat HTTP/1.1"));
    answer_to(request, |request, out| request.respond(status, &[], body.as_bytes(), out))
}

fn respond(error: HandshakeError) -> String {
    let mut out = b"before".to_vec();
    error.respond(&mut out);
    String::from_utf8(out.split_off(6)).unwrap()
}

/// A refusal taken apart: the status line, the fields, the body.
struct Refusal<'a> {
    status_line: &'a str,
    fields: Vec<(&'a str, &'a str)>,
    body: &'a str,
}

impl<'a> Refusal<'a> {
    fn new(bytes: &'a str) -> Self {
        let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap();
        let fields = lines.map(|line| line.split_once(": ").unwrap()).collect();
        Self { status_line, fields, body }
    }

    fn values(&self, name: &str) -> Vec<&'a str> {
        let named = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.map(|&(_, value)| value).collect()
    }
}

#[test]
fn a_handshake_is_accepted_as_the_rfc_shows() {
    // 1.2 and 4.2.2, 5: no subprotocol unless one is agreed on, not even empty
    let plain = "HTTP/1.1 101 Switching Protocols\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let offers = request("Sec-WebSocket-Protocol", &["chat, superchat"]);
    assert_eq!(accept(head(&REQUEST), &[], &[]), format!("{plain}\r\n"));
    assert_eq!(accept(offers.clone(), &[], &[]), format!("{plain}\r\n"));
    assert_eq!(
        accept(offers.clone(), &["superchat"], &[]),
        format!("{plain}Sec-WebSocket-Protocol: superchat\r\n\r\n")
    );
    assert_eq!(
        accept(offers, &["chat"], &[("Set-Cookie", "a=1"), ("Set-Cookie", "b=\u{e9}")]),
        format!(
            "{plain}Sec-WebSocket-Protocol: chat\r\nSet-Cookie: a=1\r\nSet-Cookie: b=\u{e9}\r\n\r\n"
        )
    );
}

#[test]
fn the_key_is_answered_with_its_hash() {
    // 4.2.2, 5; the first from 1.3, the others computed with another program
    let rows = [
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
        ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
        ("\t AQIDBAUGBwgJCgsMDQ4PEA== \t", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY="),
    ];
    for (key, accepted) in rows {
        let answer = accept(request("Sec-WebSocket-Key", &[key]), &[], &[]);
        assert!(answer.contains(&format!("\r\nSec-WebSocket-Accept: {accepted}\r\n")), "{key}");
    }
}

#[test]
fn a_key_of_any_length_has_an_answer() {
    // Computed with another program
    let rows = [
        ("", "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
        ("dGhlIHNhbXBsZSBub25jZQ=", "pKh//x18h+UqQMnMiqvoRJiH5T4="),
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("dGhlIHNhbXBsZSBub25jZQ===", "GB9DKuNDKKGyW6en4L3RiKNDiyA="),
    ];
    for (key, accepted) in rows {
        assert_eq!(AcceptKey::new(key.as_bytes()).as_str(), accepted, "{key:?}");
    }
}

#[test]
fn an_extension_is_never_agreed_on_unasked() {
    // 9.1: the library has none, so that it agrees on none
    let offer = request("Sec-WebSocket-Extensions", &["permessage-deflate"]);
    assert_eq!(accept(offer, &[], &[]), accept(head(&REQUEST), &[], &[]));
}

#[test]
fn a_refusal_has_its_headers_and_its_body() {
    // 4.2.2, 4; 10.5
    let answer = answer_to(head(&REQUEST), |request, out| {
        let headers = [("WWW-Authenticate", "Basic realm=\"x\""), ("X-Empty", "")];
        request.respond(401, &headers, b"who are you?\n", out)
    });
    let expected = "HTTP/1.1 401 Unauthorized\r\n\
        WWW-Authenticate: Basic realm=\"x\"\r\n\
        X-Empty: \r\n\
        Content-Length: 13\r\n\
        Connection: close\r\n\
        \r\n\
        who are you?\n";
    assert_eq!(answer.unwrap(), expected);
}

#[test]
fn only_a_final_status_refuses() {
    // RFC 9110, 15: a 1xx is not final, and 101 would open the connection
    for status in (0..=1000).chain([1404, 10_404, u16::MAX]) {
        let expected = if (200..=599).contains(&status) { Ok(()) } else { Err(Status) };
        let answer = reject("GET", status, "");
        assert_eq!(answer.as_ref().map(drop), expected.as_ref().copied(), "{status}");
        let Ok(answer) = answer else { continue };
        let start = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&start), "{answer}");
        assert_eq!(answered(answer.as_bytes()).unwrap().status, status);
    }
}

#[test]
fn a_refusal_has_no_body_where_http_allows_none() {
    // RFC 9110, 8.6 (the length is that of the body left out), 15.3.5, 15.4.5
    let rows = [
        ("GET", 200, "body", Ok((vec!["4"], "body"))),
        ("GET", 404, "", Ok((vec!["0"], ""))),
        ("POST", 503, "body", Ok((vec!["4"], "body"))),
        ("HEAD", 200, "body", Ok((vec!["4"], ""))),
        ("HEAD", 404, "", Ok((vec!["0"], ""))),
        ("head", 404, "body", Ok((vec!["4"], "body"))),
        ("GET", 204, "", Ok((vec![], ""))),
        ("GET", 304, "", Ok((vec![], ""))),
        ("HEAD", 304, "", Ok((vec![], ""))),
        ("GET", 204, "body", Err(Status)),
        ("GET", 304, "body", Err(Status)),
        ("HEAD", 204, "body", Err(Status)),
    ];
    for (method, status, body, expected) in rows {
        let answer = reject(method, status, body);
        let answer = answer.as_deref().map(Refusal::new);
        let parts = answer.map(|refusal| (refusal.values("content-length"), refusal.body));
        assert_eq!(parts.map_err(|error| *error), expected, "{method} {status} {body}");
    }
}

#[test]
fn a_205_has_no_body() {
    // RFC 9110, 15.3.6: "a server MUST NOT generate content in a 205 response"
    assert_eq!(reject("GET", 205, "body"), Err(Status));
    let answer = reject("GET", 205, "").unwrap();
    assert_eq!(Refusal::new(&answer).values("Content-Length"), ["0"]);
}

#[test]
fn every_broken_rule_has_its_answer() {
    // 4.2.1 and 4.2.2; RFC 9110, 15.5.6 (405) and 15.5.22 (426); RFC 6585, 5
    let rows = [
        (Malformed, "400 Bad Request"),
        (HeadTooLong, "431 Request Header Fields Too Large"),
        (TooManyFields, "431 Request Header Fields Too Large"),
        (Method, "405 Method Not Allowed"),
        (Protocol, "501 Not Implemented"),
        (Target, "400 Bad Request"),
        (HttpVersion, "400 Bad Request"),
        (Host, "400 Bad Request"),
        (Body, "400 Bad Request"),
        (Upgrade, "426 Upgrade Required"),
        (Connection, "400 Bad Request"),
        (Version, "400 Bad Request"),
        (VersionUnsupported, "426 Upgrade Required"),
        (Key, "400 Bad Request"),
        (Subprotocol, "400 Bad Request"),
        (Extensions, "400 Bad Request"),
        (ExtensionNotOffered, "400 Bad Request"),
        (Accept, "400 Bad Request"),
        (Origin, "403 Forbidden"),
        (TooManyResponses, "400 Bad Request"),
    ];
    for (error, status) in rows {
        let answer = respond(error);
        let refusal = Refusal::new(&answer);
        assert_eq!(refusal.status_line, format!("HTTP/1.1 {status}"), "{error:?}");
        assert_eq!(error.status().to_string(), status[..3], "{error:?}");
        let len = refusal.body.len().to_string();
        assert_eq!(refusal.values("Content-Length"), [len], "{error:?}");
        assert_eq!(refusal.values("Content-Type"), ["text/plain; charset=utf-8"], "{error:?}");
        // RFC 9110, 9.3.2: the method may be HEAD, whose answer has no content.
        let body = if error == Method { String::new() } else { format!("{error}\n") };
        assert_eq!(refusal.body, body);

        let allow: &[&str] = if status.starts_with("405") { &["GET"] } else { &[] };
        assert_eq!(refusal.values("Allow"), allow, "{error:?}");
        let (upgrade, connection): (&[&str], _) = if status.starts_with("426") {
            (&["websocket"], "Upgrade, close")
        } else {
            (&[], "close")
        };
        let names_version = status.starts_with("426") || error == Version;
        let version: &[&str] = if names_version { &["13"] } else { &[] };
        assert_eq!(refusal.values("Upgrade"), upgrade, "{error:?}");
        assert_eq!(refusal.values("Sec-WebSocket-Version"), version, "{error:?}");
        assert_eq!(refusal.values("Connection"), [connection], "{error:?}");

        // A client can read it.
        let read = answered(answer.as_bytes()).unwrap();
        assert_eq!((read.status, read.accepted), (error.status(), None), "{error:?}");
        assert_eq!(read.left, refusal.body.as_bytes(), "{error:?}");
    }
}

#[test]
fn a_refusal_with_426_names_the_protocol_and_its_version() {
    // 4.4; RFC 9110, 15.5.22
    let answer = reject("GET", 426, "").unwrap();
    let refusal = Refusal::new(&answer);
    assert_eq!(refusal.values("Upgrade"), ["websocket"]);
    assert_eq!(refusal.values("Connection"), ["Upgrade, close"]);
    assert_eq!(refusal.values("Sec-WebSocket-Version"), ["13"]);
}

#[test]
fn another_version_is_answered_with_ours() {
    // 4.2.2, 4 and 4.4. Proxies that look at the request alone take it for
    // accepted, and what follows for frames.
    let bytes = request("Sec-WebSocket-Version", &["8"]);
    let error = with_request(bytes, |request| request.accept().unwrap_err());
    let expected = "HTTP/1.1 426 Upgrade Required\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Upgrade: websocket\r\n\
        Content-Length: 45\r\n\
        Connection: Upgrade, close\r\n\
        \r\n\
        only version 13 of the protocol is supported\n";
    assert_eq!(respond(error), expected);
}
