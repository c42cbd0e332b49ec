//! Handshakes written out by hand, and what the library makes of them.

use sansws::handshake::{
    Answer, ClientHandshake, Fields, HandshakeError, Request, RequestBuilder, ServerHandshake,
};

/// RFC 6455, 1.3: a nonce, the key it makes, and what answers that.
pub const NONCE: [u8; 16] = *b"the sample nonce";
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A request with all that 4.2.1 asks for and no more.
pub const REQUEST: [&str; 6] = [
    "GET /chat HTTP/1.1",
    "Host: example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// A response with all that 4.2.2 asks for and no more.
pub const RESPONSE: [&str; 4] = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
];

/// A head of these lines.
pub fn head(lines: &[&str]) -> Vec<u8> {
    format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

/// The request with another first line.
pub fn request_line(line: &str) -> Vec<u8> {
    head(&[&[line], &REQUEST[1..]].concat())
}

/// The response with another first line.
pub fn status_line(line: &str) -> Vec<u8> {
    head(&[&[line], &RESPONSE[1..]].concat())
}

/// The request with a field of this name for each of the values, and no other.
pub fn request(name: &str, values: &[&str]) -> Vec<u8> {
    with_field(&REQUEST, name, values)
}

/// The response with a field of this name for each of the values, and no other.
pub fn response(name: &str, values: &[&str]) -> Vec<u8> {
    with_field(&RESPONSE, name, values)
}

fn with_field(lines: &[&str], name: &str, values: &[&str]) -> Vec<u8> {
    let mut lines: Vec<String> = lines.iter().map(|&line| line.into()).collect();
    let start = format!("{name}:");
    let at = lines.iter().position(|line| line.starts_with(&start)).unwrap_or(lines.len());
    let end = lines.len().min(at + 1);
    lines.splice(at..end, values.iter().map(|value| format!("{name}: {value}")));
    head(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Names and values of header fields.
pub type Owned = Vec<(String, Vec<u8>)>;

pub fn owned(fields: Fields<'_>) -> Owned {
    fields.map(|(name, value)| (name.into(), value.into())).collect()
}

/// What a server reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Served {
    pub method: String,
    pub target: String,
    pub fields: Owned,
    /// Whether it may be accepted.
    pub verdict: Result<(), HandshakeError>,
    /// What is left of the input.
    pub left: Vec<u8>,
}

/// Gives `pieces` to a server one after the other, until it has a request.
pub fn serve<'p>(
    mut handshake: ServerHandshake,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Result<Option<Served>, HandshakeError> {
    let mut pieces = pieces.into_iter();
    while let Some(piece) = pieces.next() {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        if let Some(request) = handshake.receive(&mut input)? {
            return Ok(Some(Served {
                method: request.method().into(),
                target: request.target().into(),
                fields: owned(request.headers()),
                verdict: request.accept().map(drop),
                left: [&*input, &pieces.collect::<Vec<_>>().concat()].concat(),
            }));
        }
        assert!(input.is_empty(), "None means that all of the input was taken");
    }
    Ok(None)
}

/// What a server makes of a whole request, read at once and byte by byte.
#[track_caller]
pub fn served(request: &[u8]) -> Result<Served, HandshakeError> {
    let at_once = serve(ServerHandshake::new(), [request]);
    let bytewise = serve(ServerHandshake::new(), request.chunks(1));
    assert_eq!(at_once, bytewise, "{}", request.escape_ascii());
    let served = at_once?.expect("it is all there");
    // What another library would have read of it means the same. (That HTTP/1.0
    // is not enough only the first line says.)
    if served.verdict != Err(HandshakeError::HttpVersion) {
        let fields = served.fields.iter().map(|(name, value)| (&**name, &**value));
        let read = Request::from_fields(&served.method, &served.target, fields).unwrap();
        assert_eq!(read.accept().map(drop), served.verdict, "{}", request.escape_ascii());
        assert_eq!(owned(read.headers()), served.fields);
    }
    #[cfg(feature = "http")]
    if let Some(verdict) = http_verdict(&served) {
        assert_eq!(verdict, served.verdict, "{}", request.escape_ascii());
    }
    Ok(served)
}

/// What a server makes of the same as a type of the `http` crate, if that takes
/// the target.
#[cfg(feature = "http")]
fn http_verdict(served: &Served) -> Option<Result<(), HandshakeError>> {
    let version = match served.verdict {
        Err(HandshakeError::HttpVersion) => http::Version::HTTP_10,
        _ => http::Version::HTTP_11,
    };
    let mut request = http::Request::builder().version(version).method(&*served.method);
    // It leaves a fragment out, without a word.
    let uri = served.target.parse::<http::Uri>().ok().filter(|_| !served.target.contains('#'))?;
    request = request.uri(uri);
    for (name, value) in &served.fields {
        request = request.header(name, &value[..]);
    }
    let request = request.body(()).expect("the http crate takes what we take");
    // Over HTTP/1.1 there is no `:protocol`, whatever is given as one.
    Some(Request::from_http(&request, Some("h2c")).unwrap().accept().map(drop))
}

/// Whether a server accepts this request, and if not, why.
#[track_caller]
pub fn server_verdict(request: &[u8]) -> Result<(), HandshakeError> {
    served(request)?.verdict
}

/// Calls `f` with the request that a server reads.
pub fn with_request<T>(mut bytes: Vec<u8>, f: impl FnOnce(&Request<'_>) -> T) -> T {
    let mut input = &mut bytes[..];
    f(&ServerHandshake::new().receive(&mut input).unwrap().expect("it is all there"))
}

/// What a client reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    pub status: u16,
    pub fields: Owned,
    /// Whether the connection is open, and with which subprotocol.
    pub accepted: Option<Option<String>>,
    /// What is left of the input.
    pub left: Vec<u8>,
}

/// A client that has sent the request of the sample nonce and offered two
/// subprotocols.
pub fn client() -> ClientHandshake {
    let builder = RequestBuilder::new("ws://example.com/chat").unwrap();
    let builder = builder.subprotocol("chat").unwrap().subprotocol("superchat").unwrap();
    builder.start(NONCE, &mut Vec::new())
}

/// Gives `pieces` to a client one after the other, until it has an answer.
pub fn ask<'p>(
    mut handshake: ClientHandshake,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Result<Option<Answered>, HandshakeError> {
    let mut pieces = pieces.into_iter();
    while let Some(piece) = pieces.next() {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        if let Some(answer) = handshake.receive(&mut input)? {
            let (response, accepted) = match &answer {
                Answer::Accepted(accepted) => {
                    (accepted.response(), Some(accepted.subprotocol().map(String::from)))
                }
                Answer::Refused(response) => (response, None),
            };
            return Ok(Some(Answered {
                status: response.status(),
                fields: owned(response.headers()),
                accepted,
                left: [&*input, &pieces.collect::<Vec<_>>().concat()].concat(),
            }));
        }
        assert!(input.is_empty(), "None means that all of the input was taken");
    }
    Ok(None)
}

/// What a client makes of a whole answer, read at once and byte by byte.
#[track_caller]
pub fn answered(response: &[u8]) -> Result<Answered, HandshakeError> {
    let at_once = ask(client(), [response]);
    let bytewise = ask(client(), response.chunks(1));
    assert_eq!(at_once, bytewise, "{}", response.escape_ascii());
    let answered = at_once?.expect("it is all there");
    // What another library would have read of it means the same.
    let fields = answered.fields.iter().map(|(name, value)| (&**name, &**value));
    let accepted = chosen(&client().receive_fields(answered.status, fields)?);
    assert_eq!(accepted, answered.accepted, "{}", response.escape_ascii());
    #[cfg(feature = "http")]
    if (100..1000).contains(&answered.status) {
        let mut parts = http::Response::builder().status(answered.status);
        for (name, value) in &answered.fields {
            parts = parts.header(name, &value[..]);
        }
        let parts = parts.body(()).expect("the http crate takes what we take");
        let accepted = chosen(&client().receive_http(&parts)?);
        assert_eq!(accepted, answered.accepted, "{}", response.escape_ascii());
    }
    Ok(answered)
}

/// Whether the connection is open, and with which subprotocol.
fn chosen(answer: &Answer<'_>) -> Option<Option<String>> {
    match answer {
        Answer::Accepted(accepted) => Some(accepted.subprotocol().map(String::from)),
        Answer::Refused(_) => None,
    }
}

/// Whether a client takes this answer for an open connection, with which
/// subprotocol, and if not, why.
#[track_caller]
pub fn client_verdict(response: &[u8]) -> Result<Option<String>, HandshakeError> {
    Ok(answered(response)?.accepted.expect("not refused"))
}

/// The header list of an extended CONNECT (RFC 8441, 5.1), with all that is asked
/// for and no more; over HTTP/3 it is the same (RFC 9220, 3).
pub const LIST: [(&str, &str); 6] = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "https"),
    (":path", "/chat"),
    (":authority", "example.com"),
    ("sec-websocket-version", "13"),
];

pub type List<'a> = Vec<(&'a str, &'a str)>;

/// The list with a field of this name for each of the values, and no other.
pub fn list<'a>(name: &'a str, values: &[&'a str]) -> List<'a> {
    let mut fields = LIST.to_vec();
    let at = fields.iter().position(|(field, _)| *field == name).unwrap_or(fields.len());
    let end = fields.len().min(at + 1);
    fields.splice(at..end, values.iter().map(|&value| (name, value)));
    fields
}

/// The fields as bytes, as another library would have them.
pub fn read<'a>(fields: &'a [(&str, &str)]) -> impl Iterator<Item = (&'a str, &'a [u8])> + Clone {
    fields.iter().map(|(name, value)| (*name, value.as_bytes()))
}

/// Whether a server accepts this header list, and if not, why.
pub fn list_verdict(fields: &[(&str, &str)]) -> Result<(), HandshakeError> {
    Request::from_header_list(read(fields))?.accept().map(drop)
}
