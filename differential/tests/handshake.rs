//! Opening handshakes, right and nearly right, as this library and tungstenite
//! read them: requests as servers, responses as clients.
//!
//! Where the two differ, one of the rules below must say why, and what it says
//! must be true of the head.

use std::cell::RefCell;
use std::collections::BTreeMap;

use differential::Socket;
use differential::streams::{cut, cuts};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use sansws::handshake::{Answer, HandshakeError, RequestBuilder, ServerHandshake};
use tungstenite::error::{CapacityError, Error as TheirError, ProtocolError, SubProtocolError};
use tungstenite::handshake::HandshakeError as TheirHandshakeError;
use tungstenite::http;

/// RFC 6455, 1.3: a nonce, the key it makes, and what answers that.
const NONCE: [u8; 16] = *b"the sample nonce";
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Why the two may differ: what the RFCs say for this library's way. Sections
/// are of RFC 6455 unless another is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// 4.2.1, 2, and RFC 9112, 3.2: a request without one valid Host field "MUST"
    /// be answered with 400. Theirs does not look at it.
    Host,
    /// RFC 9112, 2.2: lines end with CR LF; a recipient "MAY" take a bare LF, and
    /// ours does not, since others may see another line there. Theirs does.
    BareLineFeed,
    /// RFC 9112, 6: a request that announces a body goes on after its head. Theirs
    /// takes what follows for frames.
    Body,
    /// 11.3.1 and 11.3.3 to 11.3.5: fields that "MUST NOT appear more than once". An
    /// Upgrade in two fields is one value with a comma (RFC 9110, 5.3), no match for
    /// "websocket" (4.1, 2). Theirs reads the first.
    Repeated,
    /// 4.1, 10, and 4.3: at least one subprotocol; they are tokens and "MUST all be unique strings". Theirs
    /// leaves them to the program.
    Subprotocols,
    /// 9.1: the grammar of extensions; one that is broken "MUST" fail. Theirs does
    /// not look at them.
    Extensions,
    /// 4.2.1, 1, and 3: the target is a resource name, without a fragment, or a
    /// URI that has one. Theirs takes whatever is a URI.
    Target,
    /// 3: a resource name. Browsers send more characters than RFC 3986 has; theirs
    /// follows that.
    LenientTarget,
    /// RFC 9110, 5.6.1: Connection is a list, its elements are between commas.
    /// Theirs also cuts at spaces.
    ConnectionSpaces,
    /// RFC 9110, 5.3 and 5.6.1: a list may be spread over several fields, with tabs
    /// around its elements. Theirs reads the first field only, and no tabs.
    ConnectionList,
    /// 4.2.1, 3, and RFC 9110, 7.8: Upgrade "containing the value websocket" may
    /// name other protocols too. Theirs wants it alone.
    UpgradeList,
    /// 4.1 and 4.2.1, 5: a key that decodes to 16 bytes; the example in 4.1 has unused
    /// bits set, which RFC 4648, 3.5 lets a decoder refuse. Theirs refuses them.
    KeyUnusedBits,
    /// 4.1: a client must wait for the answer, but nothing tells a server to refuse
    /// one that does not. What it sent stays in the input.
    EarlyData,
    /// 4.1, 3: "doesn't contain a token" that is "Upgrade": a list may say more.
    /// Theirs wants it alone, as a client.
    ConnectionAnswer,
    /// 4.1, 6, and 4.2.2: a server need not choose a subprotocol. Theirs wants one
    /// where one was offered.
    NoSubprotocol,
    /// 4.1, 5: "an extension that was not present in the client's handshake" must
    /// fail the connection. Theirs does not look.
    ExtensionNotOffered,
    /// RFC 9110, 15.2: a client "MUST be able to parse" provisional responses before
    /// the final one. Theirs takes them for refusals.
    Provisional,
    /// RFC 6585, 5: each may limit how many fields a head has: 128 here, 124 there.
    FieldLimit,
    /// RFC 9110, 15: a status outside 100 to 599 is treated as 5xx: a refusal all the
    /// same. Theirs has no word for one below 100.
    StatusRange,
}

/// A head before it is bytes.
#[derive(Clone, Debug)]
struct Head {
    first: String,
    fields: Vec<(String, Vec<u8>)>,
    /// The line that ends with a bare LF, if one does.
    bare: Option<usize>,
    /// What follows it.
    rest: Vec<u8>,
}

impl Head {
    fn new(first: &str, fields: &[(&str, &str)]) -> Self {
        let field = |&(name, value): &(&str, &str)| (name.to_owned(), value.into());
        let fields = fields.iter().map(field).collect();
        Self { first: first.into(), fields, bare: None, rest: Vec::new() }
    }

    fn encode(&self) -> Vec<u8> {
        let fields = self.fields.iter();
        let lines = fields.map(|(name, value)| [name.as_bytes(), b":", value].concat());
        let lines = [self.first.clone().into_bytes()].into_iter().chain(lines).chain([vec![]]);
        let mut bytes = Vec::new();
        for (at, line) in lines.enumerate() {
            bytes.extend(line);
            bytes.extend(if self.bare == Some(at) { &b"\n"[..] } else { b"\r\n" });
        }
        bytes.extend(&self.rest);
        bytes
    }

    /// The values of the fields of this name.
    fn all(&self, name: &str) -> Vec<&[u8]> {
        let fields = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.trim_ascii()).collect()
    }

    fn has_bare_line_feed(&self) -> bool {
        let mut before = 0;
        let mut bytes = self.encode();
        bytes.truncate(bytes.len() - self.rest.len());
        bytes
            .into_iter()
            .any(|byte| core::mem::replace(&mut before, byte) != b'\r' && byte == b'\n')
    }

    /// The elements of all fields of this name, as RFC 9110, 5.6.1 has them.
    fn list(&self, name: &str) -> Vec<Vec<u8>> {
        let joined = self.all(name).join(&b',');
        let elements = joined.split(|&byte| byte == b',').map(|element| element.trim_ascii());
        elements.filter(|element| !element.is_empty()).map(|e| e.to_vec()).collect()
    }

    fn list_has(&self, name: &str, token: &str) -> bool {
        self.list(name).iter().any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }

    fn target(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }
}

fn is_token(bytes: &[u8]) -> bool {
    let is_tchar = |&b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !bytes.is_empty() && bytes.iter().all(is_tchar)
}

/// 4.2.1, 5: base64 of 16 bytes, the unused bits of the last digit aside.
fn is_key(value: &[u8]) -> bool {
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || b"+/".contains(b);
    value.len() == 24 && value[..22].iter().all(is_digit) && value.ends_with(b"==")
}

/// RFC 3986, 3.2: a host and perhaps a port.
fn is_host(value: &[u8]) -> bool {
    let Ok(value) = core::str::from_utf8(value) else { return false };
    let (is_host, port) = match value.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, port))) => (address.parse::<std::net::Ipv6Addr>().is_ok(), port),
        Some(None) => return false,
        None => {
            let (name, port) = value.split_at(value.find(':').unwrap_or(value.len()));
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&b);
            (!name.is_empty() && name.bytes().all(is_name), port)
        }
    };
    let port = port.strip_prefix(':').unwrap_or(port);
    is_host && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// 4.2.1, 1: a resource name, or a URI that has one.
fn is_target(target: &str) -> bool {
    let authority = target.strip_prefix("http://").map(|rest| rest.split(['/', '?']).next());
    let is_uri = authority.flatten().is_some_and(|authority| is_host(authority.as_bytes()));
    let is_visible = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (target.starts_with('/') || is_uri) && is_visible
}

/// 9.1: at least one extension, each with parameters whose values are tokens.
fn are_extensions(value: &[u8]) -> bool {
    let mut elements = value.split(|&byte| byte == b',').map(|element| element.trim_ascii());
    let is_parameter = |parameter: &[u8]| {
        let mut sides = parameter.splitn(2, |&byte| byte == b'=').map(|side| side.trim_ascii());
        let unquoted = |value: &[u8]| {
            value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).map(is_token)
        };
        sides.next().is_some_and(is_token)
            && sides.next().is_none_or(|value| is_token(value) || unquoted(value) == Some(true))
    };
    let is_extension = |element: &[u8]| {
        let mut parts = element.split(|&byte| byte == b';').map(|part| part.trim_ascii());
        parts.next().is_some_and(is_token) && parts.all(is_parameter)
    };
    let has_any = elements.clone().any(|element| !element.is_empty());
    has_any && elements.all(|element| element.is_empty() || is_extension(element))
}

/// What can stand in a field: right values first, then nearly right ones.
const VALUES: &[(&str, &[&str])] = &[
    ("Host", &["example.com", "example.com:8080", "[::1]:80", "", "a b", "a@b", "[::1", "host:x"]),
    ("Upgrade", &["websocket", "WebSocket", "h2c, websocket", "websocket, h2c", "web socket", ""]),
    (
        "Connection",
        &[
            "Upgrade",
            "keep-alive, Upgrade",
            "upgrade",
            "keep-alive",
            "keep-alive Upgrade",
            "a,\tUpgrade",
            "",
        ],
    ),
    (
        "Sec-WebSocket-Key",
        &[
            KEY,
            "AQIDBAUGBwgJCgsMDQ4PEA==",
            "dGhlIHNhbXBsZSBub25jZR==",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "short",
            "",
            "dGhlIHNhbXBsZSBub25jZSE=",
        ],
    ),
    ("Sec-WebSocket-Version", &["13", "8", "013", "13, 8", "", "256"]),
    (
        "Sec-WebSocket-Protocol",
        &["chat", "chat, superchat", "superchat", "chat, chat", "a b", "Chat", "", ","],
    ),
    (
        "Sec-WebSocket-Extensions",
        &["permessage-deflate", "a; b=c; d=\"e\", f", "a; b=\"c d\"", "a;;b", "", ",", "a b"],
    ),
    ("Sec-WebSocket-Accept", &[ACCEPT, "s3pplmbitxaq9kygzzhzrbk+xoo=", ""]),
    ("Content-Length", &["0", "5", "x"]),
    ("Transfer-Encoding", &["chunked"]),
    ("Origin", &["http://example.com", "null"]),
    ("X-Other", &["anything", "caf\u{e9}", "a\tb", "a\u{1}b", ""]),
];

const REQUEST_LINES: &[&str] = &[
    "GET /chat HTTP/1.1",
    "GET /chat?room=1 HTTP/1.1",
    "GET http://example.com/chat HTTP/1.1",
    "GET /[chat]|{}^`\"<> HTTP/1.1",
    "GET /%zz HTTP/1.1",
    "GET /chat#part HTTP/1.1",
    "GET * HTTP/1.1",
    "GET example.com:80 HTTP/1.1",
    "GET chat HTTP/1.1",
    "GET ftp://example.com/ HTTP/1.1",
    "GET http:///chat HTTP/1.1",
    "GET /caf\u{e9} HTTP/1.1",
    "GET /chat HTTP/1.0",
    "GET /chat HTTP/2.0",
    "GET /chat",
    "GET  /chat HTTP/1.1",
    "POST /chat HTTP/1.1",
    "get /chat HTTP/1.1",
];

const STATUS_LINES: &[&str] = &[
    "HTTP/1.1 101 Switching Protocols",
    "HTTP/1.1 101 ",
    "HTTP/1.1 101",
    "HTTP/1.1 101 caf\u{e9}",
    "HTTP/1.0 101 Switching Protocols",
    "HTTP/2.0 101 Switching Protocols",
    "HTTP/1.1 100 Continue",
    "HTTP/1.1 103 Early Hints",
    "HTTP/1.1 200 OK",
    "HTTP/1.1 302 Found",
    "HTTP/1.1 426 Upgrade Required",
    "HTTP/1.1 600 What",
    "HTTP/1.1 099 What",
    "HTTP/1.1 10 What",
    "HTTP 101",
];

/// A way to spoil a head, or to write it differently.
#[derive(Clone, Debug)]
enum Change {
    First(usize),
    Drop(Index),
    Duplicate(Index),
    Value(Index, Index),
    Add(Index, Index),
    Case(Index),
    NameSpace(Index),
    Fold(Index),
    Space(Index, &'static str),
    BareLineFeed(Index),
    Bytes(Index, Index, u8),
    Rest(Vec<u8>),
    Many(usize),
}

fn change(lines: usize) -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let rest = select(vec![&b"\x81\x02hi"[..], b"x", b"\r\n"]).prop_map(<[u8]>::to_vec);
    prop_oneof![
        4 => (0..lines).prop_map(Change::First),
        2 => at().prop_map(Change::Drop),
        2 => at().prop_map(Change::Duplicate),
        6 => (at(), at()).prop_map(|(at, value)| Change::Value(at, value)),
        4 => (at(), at()).prop_map(|(name, value)| Change::Add(name, value)),
        1 => at().prop_map(Change::Case),
        1 => at().prop_map(Change::NameSpace),
        1 => at().prop_map(Change::Fold),
        1 => (at(), select(vec!["", "  ", "\t", " \t "])).prop_map(|(at, s)| Change::Space(at, s)),
        1 => at().prop_map(Change::BareLineFeed),
        1 => (at(), at(), any::<u8>()).prop_map(|(at, place, byte)| Change::Bytes(at, place, byte)),
        1 => rest.prop_map(Change::Rest),
        1 => (100..140usize).prop_map(Change::Many),
    ]
}

/// A head after up to three changes.
fn changed(right: Head, firsts: &'static [&'static str]) -> impl Strategy<Value = Head> {
    vec(change(firsts.len()), 0..4).prop_map(move |changes| {
        let mut head = right.clone();
        for change in changes {
            let len = head.fields.len();
            match change {
                Change::First(at) => head.first = firsts[at].into(),
                Change::Add(name, value) => {
                    let (name, values) = name.get(VALUES);
                    head.fields.push((name.to_string(), format!(" {}", value.get(values)).into()));
                }
                Change::BareLineFeed(at) => head.bare = Some(at.index(len + 2)),
                Change::Rest(rest) => head.rest = rest,
                Change::Many(count) => {
                    head.fields.resize(count, ("X-More".into(), b" and more".into()));
                }
                _ if len == 0 => {}
                Change::Drop(at) => drop(head.fields.remove(at.index(len))),
                Change::Duplicate(at) => head.fields.push(head.fields[at.index(len)].clone()),
                Change::Value(at, value) => {
                    let (name, old) = at.get_mut(&mut head.fields);
                    if let Some((_, values)) = VALUES.iter().find(|(other, _)| other == name) {
                        *old = format!(" {}", value.get(values)).into();
                    }
                }
                Change::Case(at) => {
                    let (name, _) = at.get_mut(&mut head.fields);
                    *name = name.to_uppercase();
                }
                Change::NameSpace(at) => at.get_mut(&mut head.fields).0.push(' '),
                Change::Fold(at) => at.get_mut(&mut head.fields).1.extend(b"\r\n folded"),
                Change::Space(at, space) => {
                    let (_, value) = at.get_mut(&mut head.fields);
                    *value = [space.as_bytes(), value.trim_ascii(), space.as_bytes()].concat();
                }
                Change::Bytes(at, place, byte) => {
                    let (_, value) = at.get_mut(&mut head.fields);
                    value.insert(place.index(value.len() + 1), byte);
                }
            }
        }
        head
    })
}

fn right_request() -> Head {
    let fields = [
        ("Host", " example.com"),
        ("Upgrade", " websocket"),
        ("Connection", " Upgrade"),
        ("Sec-WebSocket-Key", " dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", " 13"),
    ];
    Head::new(REQUEST_LINES[0], &fields)
}

fn right_response() -> Head {
    let fields = [
        ("Upgrade", " websocket"),
        ("Connection", " Upgrade"),
        ("Sec-WebSocket-Accept", " s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    Head::new(STATUS_LINES[0], &fields)
}

/// The value of `Sec-WebSocket-Accept` in an answer that was written.
fn accept_value(written: &[u8]) -> String {
    let text = String::from_utf8_lossy(written).to_lowercase();
    let at = text.find("sec-websocket-accept:").expect("accepted") + "sec-websocket-accept:".len();
    let text = String::from_utf8_lossy(written).into_owned();
    text[at..].lines().next().unwrap().trim().into()
}

/// What a server makes of a request: how it answers the key, or why not.
/// `None` if more is needed.
type Served<E> = Option<Result<String, E>>;

fn ours_serves(pieces: &[&[u8]]) -> Served<HandshakeError> {
    let mut handshake = ServerHandshake::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        match handshake.receive(&mut input) {
            Ok(None) => {}
            Ok(Some(request)) => {
                let mut out = Vec::new();
                return Some(request.accept().map(|accept| {
                    let _ = accept.into_connection(&sansws::Config::new(), &mut out);
                    accept_value(&out)
                }));
            }
            Err(error) => return Some(Err(error)),
        }
    }
    None
}

fn theirs_serves(pieces: &[&[u8]]) -> Served<TheirError> {
    let mut result = tungstenite::accept(Socket::new(pieces));
    loop {
        match result {
            Ok(ws) => return Some(Ok(accept_value(&ws.get_ref().written))),
            Err(TheirHandshakeError::Failure(error)) => return Some(Err(error)),
            Err(TheirHandshakeError::Interrupted(mid))
                if mid.get_ref().get_ref().is_exhausted() =>
            {
                return None;
            }
            Err(TheirHandshakeError::Interrupted(mid)) => result = mid.handshake(),
        }
    }
}

/// The rules that explain why the two servers differ over a request.
fn server_rules(
    head: &Head,
    ours: &Served<HandshakeError>,
    theirs: &Served<TheirError>,
) -> Result<Vec<Rule>, String> {
    let differ = || format!("\nours {ours:?}\ntheirs {theirs:?}\n{head:?}");
    match (ours, theirs) {
        (None, None) | (Some(Err(_)), Some(Err(_))) => Ok(vec![]),
        (Some(Ok(ours)), Some(Ok(theirs))) if ours == theirs => Ok(vec![]),
        (Some(Err(error)), Some(Ok(_))) => {
            let hosts = head.all("host");
            let protocols = head.list("sec-websocket-protocol");
            let (rule, is_so) = match error {
                HandshakeError::Malformed => (Rule::BareLineFeed, head.has_bare_line_feed()),
                HandshakeError::Host => (Rule::Host, hosts.len() != 1 || !is_host(hosts[0])),
                HandshakeError::Body => {
                    let has_length = head.all("content-length").iter().any(|len| *len != b"0");
                    (Rule::Body, has_length || !head.all("transfer-encoding").is_empty())
                }
                HandshakeError::Key => (Rule::Repeated, head.all("sec-websocket-key").len() > 1),
                HandshakeError::Version => {
                    (Rule::Repeated, head.all("sec-websocket-version").len() > 1)
                }
                HandshakeError::Subprotocol => {
                    let mut unique = protocols.clone();
                    unique.sort();
                    unique.dedup();
                    let are_tokens = protocols.iter().all(|name| is_token(name));
                    let has_none = |value: &&[u8]| value.iter().all(|byte| b" \t,".contains(byte));
                    let is_empty = head.all("sec-websocket-protocol").iter().any(has_none);
                    (Rule::Subprotocols, !are_tokens || is_empty || unique.len() < protocols.len())
                }
                HandshakeError::Extensions => {
                    let is_broken = |value: &&[u8]| !are_extensions(value);
                    (Rule::Extensions, head.all("sec-websocket-extensions").iter().any(is_broken))
                }
                HandshakeError::Target => (Rule::Target, !is_target(head.target())),
                HandshakeError::Connection => {
                    let spaced = head.all("connection").iter().any(|value| value.contains(&b' '));
                    let names = head.list_has("connection", "upgrade");
                    (Rule::ConnectionSpaces, spaced && !names)
                }
                _ => return Err(differ()),
            };
            if is_so { Ok(vec![rule]) } else { Err(format!("not {rule:?}{}", differ())) }
        }
        (Some(Ok(_)), Some(Err(error))) => {
            let (rule, is_so) = match error {
                TheirError::Protocol(ProtocolError::JunkAfterRequest) => {
                    (Rule::EarlyData, !head.rest.is_empty())
                }
                TheirError::Protocol(ProtocolError::MissingConnectionUpgradeHeader) => {
                    (Rule::ConnectionList, head.list_has("connection", "upgrade"))
                }
                TheirError::Protocol(ProtocolError::MissingUpgradeWebSocketHeader) => {
                    (Rule::UpgradeList, head.list_has("upgrade", "websocket"))
                }
                TheirError::Protocol(ProtocolError::InvalidSecWebSocketKey) => {
                    (Rule::KeyUnusedBits, head.all("sec-websocket-key").iter().all(|k| is_key(k)))
                }
                TheirError::HttpFormat(_) => (Rule::LenientTarget, is_target(head.target())),
                TheirError::Capacity(CapacityError::TooManyHeaders) => {
                    (Rule::FieldLimit, (125..=128).contains(&head.fields.len()))
                }
                _ => return Err(differ()),
            };
            if is_so { Ok(vec![rule]) } else { Err(format!("not {rule:?}{}", differ())) }
        }
        _ => Err(differ()),
    }
}

/// What a client makes of a response: the subprotocol and what is left of the
/// input, a status that refuses, or why it fails. `None` if more is needed.
type Answered = Option<Result<Result<(Option<String>, Vec<u8>), u16>, String>>;

fn ours_asks(offers: bool, pieces: &[&[u8]]) -> (Answered, Option<HandshakeError>) {
    let mut builder = RequestBuilder::new("ws://example.com/chat").unwrap();
    if offers {
        builder = builder.subprotocol("chat").unwrap().subprotocol("superchat").unwrap();
    }
    let mut handshake = builder.start(NONCE, &mut Vec::new());
    let mut pieces = pieces.iter();
    while let Some(piece) = pieces.next() {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        match handshake.receive(&mut input) {
            Ok(None) => {}
            Ok(Some(Answer::Refused(response))) => return (Some(Ok(Err(response.status()))), None),
            Ok(Some(Answer::Accepted(accepted))) => {
                let subprotocol = accepted.subprotocol().map(str::to_owned);
                let left = [&*input, &pieces.copied().collect::<Vec<_>>().concat()].concat();
                return (Some(Ok(Ok((subprotocol, left)))), None);
            }
            Err(error) => return (Some(Err(error.to_string())), Some(error)),
        }
    }
    (None, None)
}

fn theirs_asks(offers: bool, response: &[u8]) -> (Answered, Option<TheirError>) {
    let mut request = http::Request::builder().uri("ws://example.com/chat");
    let fields = [
        ("Host", "example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ];
    for (name, value) in fields {
        request = request.header(name, value);
    }
    if offers {
        request = request.header("Sec-WebSocket-Protocol", "chat, superchat");
    }
    match tungstenite::client(request.body(()).unwrap(), Socket::new(&[response])) {
        Ok((mut ws, response)) => {
            let chosen = response.headers().get("sec-websocket-protocol");
            let chosen = chosen.map(|name| name.to_str().unwrap().to_owned());
            // What is left of the input is in its buffer; here it is a frame or none.
            let left = match ws.read() {
                Ok(message) => message.into_data().to_vec(),
                Err(_) => Vec::new(),
            };
            (Some(Ok(Ok((chosen, left)))), None)
        }
        Err(TheirHandshakeError::Interrupted(_)) => (None, None),
        Err(TheirHandshakeError::Failure(TheirError::Http(response))) => {
            (Some(Ok(Err(response.status().as_u16()))), None)
        }
        Err(TheirHandshakeError::Failure(error)) => (Some(Err(error.to_string())), Some(error)),
    }
}

/// The rules that explain why the two clients differ over a response.
fn client_rules(offers: bool, head: &Head, pieces: &[&[u8]]) -> Result<Vec<Rule>, String> {
    let (ours, our_error) = ours_asks(offers, pieces);
    let (theirs, their_error) = theirs_asks(offers, &pieces.concat());
    let differ = || format!("\nours {ours:?}\ntheirs {theirs:?}\n{head:?}");
    let repeated = |name: &str| (Rule::Repeated, head.all(name).len() > 1);
    let (rule, is_so) = match (&ours, &theirs) {
        (None, None) | (Some(Err(_)), Some(Err(_))) => return Ok(vec![]),
        (Some(Ok(Ok((our_choice, left)))), Some(Ok(Ok((their_choice, message))))) => {
            let is_message = head.rest == b"\x81\x02hi";
            let alike = our_choice == their_choice && *left == head.rest;
            let same = alike && message == if is_message { &b"hi"[..] } else { b"" };
            return if same { Ok(vec![]) } else { Err(differ()) };
        }
        (Some(Ok(Err(ours))), Some(Ok(Err(theirs)))) if ours == theirs => return Ok(vec![]),
        (None | Some(Err(_)), Some(Ok(Err(status @ (100 | 102..=199)))))
            if !head.has_bare_line_feed() =>
        {
            (Rule::Provisional, head.first.contains(&status.to_string()))
        }
        (Some(Ok(Err(status))), Some(Err(_))) if *status < 100 => (Rule::StatusRange, true),
        (Some(Ok(_)) | None, Some(Err(_))) => match their_error {
            Some(TheirError::Protocol(ProtocolError::MissingConnectionUpgradeHeader)) => {
                (Rule::ConnectionAnswer, head.list_has("connection", "upgrade"))
            }
            Some(TheirError::Protocol(ProtocolError::SecWebSocketSubProtocolError(
                SubProtocolError::NoSubProtocol,
            ))) => (Rule::NoSubprotocol, offers && head.all("sec-websocket-protocol").is_empty()),
            Some(TheirError::Capacity(CapacityError::TooManyHeaders)) => {
                (Rule::FieldLimit, (125..=128).contains(&head.fields.len()))
            }
            _ => return Err(differ()),
        },
        (Some(Err(_)), Some(Ok(_))) => match our_error {
            Some(HandshakeError::Malformed) => (Rule::BareLineFeed, head.has_bare_line_feed()),
            Some(HandshakeError::Upgrade) => repeated("upgrade"),
            Some(HandshakeError::Accept) => repeated("sec-websocket-accept"),
            Some(HandshakeError::Subprotocol) => repeated("sec-websocket-protocol"),
            Some(HandshakeError::ExtensionNotOffered | HandshakeError::Extensions) => {
                let values = head.all("sec-websocket-extensions");
                let is_named = our_error == Some(HandshakeError::ExtensionNotOffered);
                let rule = if is_named { Rule::ExtensionNotOffered } else { Rule::Extensions };
                (rule, values.first().is_some_and(|first| is_named || !are_extensions(first)))
            }
            _ => return Err(differ()),
        },
        _ => return Err(differ()),
    };
    if is_so { Ok(vec![rule]) } else { Err(format!("not {rule:?}{}", differ())) }
}

/// Compares the two over random heads.
#[track_caller]
fn check(
    heads: impl Strategy<Value = Head>,
    rules: impl Fn(&Head, &[&[u8]]) -> Result<Vec<Rule>, String>,
) {
    let seen = RefCell::new(BTreeMap::new());
    // A regression belongs into the tables below.
    let config = Config { failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&(heads, cuts()), |(head, places)| {
        let bytes = head.encode();
        for pieces in [vec![&bytes[..]], cut(&bytes, &places)] {
            let found = rules(&head, &pieces);
            let found = found
                .map_err(|why| TestCaseError::fail(format!("{}: {why}", bytes.escape_ascii())))?;
            let mut seen = seen.borrow_mut();
            *seen.entry("compared".to_owned()).or_insert(0) += 1;
            if found.is_empty() {
                *seen.entry("agree".to_owned()).or_insert(0) += 1;
            }
            for rule in found {
                *seen.entry(format!("{rule:?}")).or_insert(0) += 1;
            }
        }
        Ok(())
    });
    println!("{:#?}", seen.borrow());
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn server_differs(head: &Head, pieces: &[&[u8]]) -> Result<Vec<Rule>, String> {
    server_rules(head, &ours_serves(pieces), &theirs_serves(pieces))
}

#[test]
fn servers_differ_over_requests_only_as_explained() {
    check(changed(right_request(), REQUEST_LINES), server_differs);
}

#[test]
fn clients_differ_over_responses_only_as_explained() {
    for offers in [false, true] {
        let mut right = right_response();
        if offers {
            right.fields.push(("Sec-WebSocket-Protocol".into(), b" chat".into()));
        }
        check(changed(right, STATUS_LINES), |head, pieces| client_rules(offers, head, pieces));
    }
}

#[test]
fn each_rule_explains_the_requests_that_it_is_about() {
    let rows: &[(&str, &str, Option<Rule>)] = &[
        ("Origin", "http://example.com", None),
        ("Connection", "keep-alive, Upgrade", None),
        ("Host", "", Some(Rule::Host)),
        ("Host", "a b", Some(Rule::Host)),
        ("Content-Length", "5", Some(Rule::Body)),
        ("Transfer-Encoding", "chunked", Some(Rule::Body)),
        ("Sec-WebSocket-Protocol", "chat, chat", Some(Rule::Subprotocols)),
        ("Sec-WebSocket-Protocol", "", Some(Rule::Subprotocols)),
        ("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC==", Some(Rule::KeyUnusedBits)),
        ("Sec-WebSocket-Extensions", "a;;b", Some(Rule::Extensions)),
        ("Connection", "keep-alive Upgrade", Some(Rule::ConnectionSpaces)),
        ("Connection", "a,\tUpgrade", Some(Rule::ConnectionList)),
        ("Upgrade", "h2c, websocket", Some(Rule::UpgradeList)),
    ];
    for &(name, value, rule) in rows {
        let mut head = right_request();
        head.fields.retain(|(other, _)| other != name);
        head.fields.push((name.into(), value.into()));
        let found = server_differs(&head, &[&head.encode()]);
        assert_eq!(found, Ok(rule.into_iter().collect()), "{name}: {value}");
    }
    let lines = [
        ("GET * HTTP/1.1", Some(Rule::Target)),
        ("GET /chat#part HTTP/1.1", Some(Rule::Target)),
        ("GET /<chat> HTTP/1.1", Some(Rule::LenientTarget)),
        ("POST /chat HTTP/1.1", None),
    ];
    for (line, rule) in lines {
        let head = Head { first: line.into(), ..right_request() };
        let found = server_differs(&head, &[&head.encode()]);
        assert_eq!(found, Ok(rule.into_iter().collect()), "{line}");
    }
    let mut repeated = right_request();
    repeated.fields.push(("Sec-WebSocket-Key".into(), KEY.into()));
    let mut many = right_request();
    many.fields.resize(128, ("X-More".into(), b"and more".into()));
    let heads = [
        (repeated, Rule::Repeated),
        (many, Rule::FieldLimit),
        (Head { bare: Some(0), ..right_request() }, Rule::BareLineFeed),
        (Head { rest: b"\x81".into(), ..right_request() }, Rule::EarlyData),
    ];
    for (head, rule) in heads {
        assert_eq!(server_differs(&head, &[&head.encode()]), Ok(vec![rule]));
    }
}

#[test]
fn each_rule_explains_the_responses_that_it_is_about() {
    let rows: &[(bool, &str, &str, Option<Rule>)] = &[
        (false, "X-Other", "anything", None),
        (true, "Sec-WebSocket-Protocol", "chat", None),
        (true, "Sec-WebSocket-Protocol", "Chat", None),
        (false, "Sec-WebSocket-Protocol", "chat", None),
        (true, "X-Other", "anything", Some(Rule::NoSubprotocol)),
        (false, "Connection", "keep-alive, Upgrade", Some(Rule::ConnectionAnswer)),
        (false, "Sec-WebSocket-Extensions", "a", Some(Rule::ExtensionNotOffered)),
        (false, "Sec-WebSocket-Extensions", "", Some(Rule::Extensions)),
    ];
    for &(offers, name, value, rule) in rows {
        let mut head = right_response();
        head.fields.retain(|(other, _)| other != name);
        head.fields.push((name.into(), value.into()));
        let found = client_rules(offers, &head, &[&head.encode()]);
        assert_eq!(found, Ok(rule.into_iter().collect()), "{name}: {value}");
    }
    let lines = [
        ("HTTP/1.1 200 OK", None),
        ("HTTP/1.1 103 Early Hints", Some(Rule::Provisional)),
        ("HTTP/1.1 099 What", Some(Rule::StatusRange)),
    ];
    for (line, rule) in lines {
        let head = Head { first: line.into(), ..right_response() };
        let found = client_rules(false, &head, &[&head.encode()]);
        assert_eq!(found, Ok(rule.into_iter().collect()), "{line}");
    }
    let mut repeated = right_response();
    repeated.fields.push(("Sec-WebSocket-Accept".into(), ACCEPT.into()));
    assert_eq!(client_rules(false, &repeated, &[&repeated.encode()]), Ok(vec![Rule::Repeated]));
}
