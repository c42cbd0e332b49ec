//! What another HTTP library has read means what its bytes would, and nothing in a field
//! becomes another field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sansws::Config;
use sansws::handshake::{HandshakeError, Request, ServerHandshake};
use sansws_fuzz::handshake::{LIST, NONCE};
use sansws_fuzz::heads::{builder, client, describe_answer, describe_request};

type Field = (String, Vec<u8>);

/// What a fuzzer would be long in finding.
const NAMES: [&str; 20] = [
    ":method",
    ":protocol",
    ":scheme",
    ":path",
    ":authority",
    "host",
    "cookie",
    "upgrade",
    "connection",
    "te",
    "content-length",
    "transfer-encoding",
    "origin",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "sec-websocket-accept",
    "Host",
    ":status",
];
const VALUES: [&str; 18] = [
    "CONNECT",
    "websocket",
    "https",
    "/chat?a=b",
    "example.com",
    "example.com:443",
    "GET",
    "upgrade",
    "13",
    "a, b",
    "dGhlIHNhbXBsZSBub25jZQ==",
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "permessage-deflate; client_max_window_bits=10",
    "trailers",
    "0",
    "chunked",
    "",
    "*",
];

/// Most of what is right, so that the fuzzer need not find it
const REQUEST: [(&str, &str); 5] = [
    ("host", "example.com"),
    ("upgrade", "websocket"),
    ("connection", "upgrade"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
];
const ANSWER: [(&str, &str); 3] = [
    ("upgrade", "websocket"),
    ("connection", "upgrade"),
    ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
];

fuzz_target!(|data: &[u8]| {
    let Some((&[flags, status], rest)) = data.split_first_chunk() else { return };
    let start: &[_] = match flags % 3 {
        _ if flags & 8 != 0 => &[],
        0 => &REQUEST,
        1 => &LIST,
        _ => &ANSWER,
    };
    let start = start.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    let fields: Vec<Field> = start.chain(fields(rest)).collect();
    match flags % 3 {
        0 => request(&fields, if flags & 4 == 0 { "GET" } else { "POST" }),
        1 => header_list(&fields),
        _ if flags & 4 == 0 => answer(&fields, 101),
        _ => answer(&fields, 200 + u16::from(status)),
    }
});

/// Each field is a name and a value, both either known or as long as a byte says.
fn fields(mut data: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    while let (Some(name), Some(value)) = (text(&mut data, &NAMES), text(&mut data, &VALUES)) {
        // Other libraries lend names that are text.
        if let Ok(name) = String::from_utf8(name) {
            fields.push((name, value));
        }
    }
    fields
}

fn text(data: &mut &[u8], known: &[&str]) -> Option<Vec<u8>> {
    let (&first, rest) = data.split_first()?;
    *data = rest;
    if let Some(text) = known.get(usize::from(first)) {
        return Some(text.as_bytes().to_vec());
    }
    let text = rest.get(..usize::from(first) - known.len())?;
    *data = &rest[text.len()..];
    Some(text.to_vec())
}

fn request(fields: &[Field], method: &str) {
    let request = Request::from_fields(method, "/chat", lend(fields));
    let request = request.map(|request| describe_request_of(&request, method));
    let start = format!("{method} /chat HTTP/1.1\r\n");
    let expected = expected(fields, start, |head| {
        let request = ServerHandshake::new().max_head_len(usize::MAX).receive(head);
        Ok(describe_request_of(&request?.expect("it is whole"), method))
    });
    assert_eq!(request, expected);
}

/// One that is accepted is a GET.
fn describe_request_of(request: &Request<'_>, method: &str) -> String {
    assert_eq!(request.method(), method);
    describe_request(request)
}

fn answer(fields: &[Field], status: u16) {
    let (_, mut handshake) = builder().start_fields(NONCE);
    let answer = handshake.receive_fields(status, lend(fields));
    let answer = answer.map(|answer| describe_answer(&answer));
    let expected = expected(fields, format!("HTTP/1.1 {status} \r\n"), |head| {
        let answer = client().max_head_len(usize::MAX).receive(head)?;
        Ok(describe_answer(&answer.expect("it is whole")))
    });
    assert_eq!(answer, expected);

    // RFC 8441, 5.1
    let (_, mut handshake) = builder().start_connect();
    let answer = handshake.receive_fields(status, lend(fields));
    assert!(answer.is_ok() || !fields.is_empty() || status == 101);
    if let Ok(answer) = answer {
        assert!(fields.iter().all(|(name, value)| is_field(name, value)));
        let sent = fields.iter().map(|(name, value)| (&name[..], value.escape_ascii().to_string()));
        let sent = format!("{status} {:?}", sent.collect::<Vec<_>>());
        assert!(describe_answer(&answer).ends_with(&sent));
    }
}

/// What the bytes of these fields are said to be, if each is one line.
fn expected(
    fields: &[Field],
    start: String,
    read: impl FnOnce(&mut &mut [u8]) -> Result<String, HandshakeError>,
) -> Result<String, HandshakeError> {
    if !fields.iter().all(|(name, value)| is_field(name, value)) {
        return Err(HandshakeError::Malformed);
    }
    let mut head = start.into_bytes();
    for (name, value) in fields {
        head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    read(&mut &mut head[..])
}

/// RFC 9110, 5.1 and 5.5
fn is_field(name: &str, value: &[u8]) -> bool {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7F);
    !name.is_empty() && name.chars().all(is_token) && value.iter().all(is_text)
}

fn header_list(list: &[Field]) {
    let request = Request::from_header_list(lend(list));
    let is_right = lend(list).eq(LIST.iter().map(|(name, value)| (*name, value.as_bytes())));
    assert!(request.is_ok() || !is_right);
    let Ok(request) = request else { return };

    let pseudo = |name| list.iter().find(|field| field.0 == name).map(|field| &field.1[..]);
    assert_eq!(Some(request.method().as_bytes()), pseudo(":method"));
    let read = request.headers().map(|(name, value)| (name.to_owned(), value.to_vec()));
    assert_eq!(read.collect::<Vec<_>>(), regular(list, pseudo(":authority")));

    // RFC 9113, 8.3.1, and RFC 9110, 4.2.3
    if let Some(authority) = pseudo(":authority") {
        let scheme = pseudo(":scheme").unwrap_or_default().to_ascii_lowercase();
        let port: &[u8] = match &scheme[..] {
            b"https" | b"wss" => b":443",
            b"http" | b"ws" => b":80",
            _ => b"",
        };
        let without = |value: &[u8]| value.strip_suffix(port).unwrap_or(value).to_ascii_lowercase();
        let mut hosts = list.iter().filter(|field| field.0 == "host");
        assert!(hosts.next().is_none_or(|host| without(&host.1) == without(authority)));
        assert!(hosts.next().is_none());
    }

    if let Ok(accept) = request.accept() {
        assert_eq!(pseudo(":method"), Some(&b"CONNECT"[..]));
        assert!(pseudo(":protocol").is_some_and(|p| p.eq_ignore_ascii_case(b"websocket")));
        assert_eq!(Some(request.target().as_bytes()), pseudo(":path"));
        let (response, _) = accept.into_response(&Config::new());
        assert_eq!((response.status(), response.fields().count()), (200, 0));
        let mut out = Vec::new();
        drop(request.accept().unwrap().into_connection(&Config::new(), &mut out));
        assert_eq!(out, b"");
    }
}

/// The fields that are no pseudo-header fields, as those of HTTP/1.1.
fn regular(list: &[Field], authority: Option<&[u8]>) -> Vec<Field> {
    let of = |name: &'static str| list.iter().filter(move |field| field.0 == name);
    let mut fields: Vec<Field> = Vec::new();
    fields.extend(authority.map(|authority| ("host".to_owned(), authority.to_vec())));
    let is_moved = |name: &str| name == "cookie" || (name == "host" && authority.is_some());
    let is_regular = |field: &&Field| !field.0.starts_with(':') && !is_moved(&field.0);
    fields.extend(list.iter().filter(is_regular).cloned());
    let cookies: Vec<&[u8]> = of("cookie").map(|field| &field.1[..]).collect();
    if !cookies.is_empty() {
        fields.push(("cookie".to_owned(), cookies.join(&b"; "[..]).trim_ascii_end().to_vec()));
    }
    fields
}

fn lend(fields: &[Field]) -> impl Iterator<Item = (&str, &[u8])> {
    fields.iter().map(|(name, value)| (&name[..], &value[..]))
}
