use alloc::vec::Vec;
use core::fmt;

use crate::handshake::Response;

/// A server's or a proxy's answer that does not open the connection.
///
/// It may lead elsewhere, which this library leaves to the program (RFC 6455, 4.1 asks no client
/// to follow):
///
/// ```no_run
/// # #[cfg(all(feature = "connect", feature = "blocking"))]
/// # mod example {
/// use sansws::blocking::{self, ClientStream, WebSocket};
/// use sansws::io::Error;
///
/// # pub
/// fn connect(mut uri: String) -> Result<WebSocket<ClientStream>, Error> {
///     for _ in 0..5 {
///         match blocking::connect(&uri) {
///             Ok((ws, _)) => return Ok(ws),
///             Err(Error::Refused(refusal))
///                 if !refusal.is_from_proxy() && (300..400).contains(&refusal.status()) =>
///             {
///                 // `https` will do; anything else would lead out of TLS. A relative one is
///                 // joined with `uri` first, for which there are crates, such as `url`.
///                 let to = refusal.header("Location").and_then(|to| str::from_utf8(to).ok());
///                 match to.filter(|to| to.starts_with("https:") || to.starts_with("wss:")) {
///                     Some(to) => uri = to.to_owned(),
///                     None => return Err(Error::Refused(refusal)),
///                 }
///             }
///             Err(error) => return Err(error),
///         }
///     }
///     Err(std::io::Error::other("redirected too often").into())
/// }
/// # }
/// ```
///
/// What was meant for one server, such as an `Authorization`, is not for another.
pub struct Refusal {
    response: Response<'static>,
    body: Vec<u8>,
    author: Author,
}

/// Who has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
    Server,
    #[cfg(feature = "connect")]
    Proxy,
}

impl Refusal {
    /// The longest body that is read, in bytes: 64 KiB as it comes, the lines between chunks
    /// among them. What follows is cut off.
    pub const MAX_BODY_LEN: usize = 64 * 1024;

    pub(super) fn new(response: Response<'static>, body: Body, author: Author) -> Self {
        Self { response, body: body.finish(), author }
    }

    /// Whether it is a proxy that has refused to lead to the server.
    ///
    /// TLS does not protect such an answer, though the URI be `wss`, and the server has not
    /// sent it: do not follow its redirections, nor send it the password that is for the
    /// server.
    #[must_use]
    pub const fn is_from_proxy(&self) -> bool {
        !matches!(self.author, Author::Server)
    }

    pub(super) const fn author(&self) -> &'static str {
        if self.is_from_proxy() { "proxy" } else { "server" }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.response.status()
    }

    /// The value of the first header field of this name, such as `Location` or
    /// `WWW-Authenticate`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.response.header(name)
    }

    /// The response's head.
    #[must_use]
    pub const fn response(&self) -> &Response<'static> {
        &self.response
    }

    /// The body, as far as it came in the handshake's time: a server that says neither how long
    /// it is nor ends the stream is waited for as long as that. For that of a redirection
    /// with a `Location` nobody waits.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("response", &self.response)
            .field("body_len", &self.body.len())
            .field("author", &self.author)
            .finish()
    }
}

/// The body of a response, as RFC 9112, 6.3 says how long it is.
pub(super) struct Body {
    /// As it came, chunks and all.
    bytes: Vec<u8>,
    len: usize,
    chunks: Option<Chunks>,
}

/// The longest first line of a chunk, in bytes: it is read from its start with every read.
const MAX_LINE: usize = 1024;

/// What the chunks (RFC 9112, 7.1) in a body were joined to, but for the last that came.
#[derive(Default)]
struct Chunks {
    joined: Vec<u8>,
    /// Where the next chunk begins.
    next: usize,
    /// Whether there is no next one.
    is_complete: bool,
}

impl Body {
    pub(super) fn of(response: &Response<'_>, start: Vec<u8>) -> Self {
        let coding = last_coding(response);
        let is_chunked = coding.is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
        let len = match response.status() {
            204 | 304 => 0,
            // "the Transfer-Encoding overrides the Content-Length"; one that is not chunked lasts
            // until the end
            _ if coding.is_some() => usize::MAX,
            _ => response.header("content-length").and_then(number).unwrap_or(usize::MAX),
        };
        let mut body = Self {
            bytes: Vec::new(),
            len: len.min(Refusal::MAX_BODY_LEN),
            chunks: is_chunked.then(Chunks::default),
        };
        body.extend(&start);
        body
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let wanted = bytes.len().min(self.len - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..wanted]);
        if let Some(chunks) = &mut self.chunks {
            chunks.join(&self.bytes);
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.bytes.len() == self.len || self.chunks.as_ref().is_some_and(|c| c.is_complete)
    }

    fn finish(self) -> Vec<u8> {
        match self.chunks {
            Some(chunks) => chunks.finish(&self.bytes),
            None => self.bytes,
        }
    }
}

impl Chunks {
    /// Joins the chunks that have come as a whole, so that none is read twice.
    fn join(&mut self, bytes: &[u8]) {
        while !self.is_complete
            && let Some((data, len)) = first_chunk(&bytes[self.next..])
        {
            if len == 0 {
                self.is_complete = true;
                break;
            }
            let Some((data, rest)) = data.split_at_checked(len) else { break };
            let Some((end, rest)) = rest.split_at_checked(2) else { break };
            self.joined.extend_from_slice(data);
            self.next = bytes.len() - rest.len();
            self.is_complete = end != b"\r\n";
        }
    }

    /// With what there is of the next one.
    fn finish(mut self, bytes: &[u8]) -> Vec<u8> {
        if !self.is_complete
            && let Some((data, len)) = first_chunk(&bytes[self.next..])
        {
            self.joined.extend_from_slice(&data[..len.min(data.len())]);
        }
        self.joined
    }
}

/// What comes behind the first line of the chunk at the front of `bytes`, and how much of that
/// is the chunk; `None` if the line is not all there yet. The last chunk is empty, and what is
/// none, or has a line that nobody would write, is as good as that.
fn first_chunk(bytes: &[u8]) -> Option<(&[u8], usize)> {
    match httparse::parse_chunk_size(bytes) {
        Ok(httparse::Status::Complete((start, len))) if start <= MAX_LINE => {
            Some((&bytes[start..], usize::try_from(len).unwrap_or(usize::MAX)))
        }
        Ok(httparse::Status::Partial) if bytes.len() < MAX_LINE => None,
        _ => Some((&[], 0)),
    }
}

/// The last of the transfer codings, however many fields they are in.
fn last_coding<'r>(response: &'r Response<'_>) -> Option<&'r [u8]> {
    let fields = response.headers();
    let fields = fields.filter(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
    let codings = fields.flat_map(|(_, value)| value.split(|&byte| byte == b','));
    codings.map(<[u8]>::trim_ascii).filter(|coding| !coding.is_empty()).last()
}

/// Of digits alone; `None` too if it is larger than any body.
fn number(value: &[u8]) -> Option<usize> {
    let is_number = value.iter().all(u8::is_ascii_digit);
    core::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}
