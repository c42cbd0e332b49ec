use alloc::borrow::Cow;
use core::fmt;
use core::mem::MaybeUninit;

use super::error::HandshakeError;
use super::fields::{self, Extension, Fields};
use super::head;

/// A server's response, well-formed.
#[derive(Clone)]
pub struct Response<'b> {
    head: Cow<'b, [u8]>,
    fields_at: usize,
    status: u16,
    /// The minor version of HTTP/1.
    pub(super) version: u8,
}

impl<'b> Response<'b> {
    pub(super) fn parse(head: Cow<'b, [u8]>) -> Result<Self, HandshakeError> {
        // Only a request may come after an empty line.
        if head.starts_with(b"\r") {
            return Err(HandshakeError::Malformed);
        }
        head::check_line_ends(&head)?;
        let mut fields = [const { MaybeUninit::uninit() }; head::MAX_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let parsed = config.parse_response_with_uninit_headers(&mut response, &head, &mut fields);
        let (Ok(httparse::Status::Complete(_)), Some(status), Some(version)) =
            (parsed, response.code, response.version)
        else {
            return Err(parsed.err().map_or(HandshakeError::Malformed, head::parse_error));
        };
        let status_line = head.iter().position(|&byte| byte == b'\n');
        let fields_at = status_line.map_or(head.len(), |at| at + 1);
        Ok(Self { head, fields_at, status, version })
    }

    /// The same without a borrow, copied if it had one.
    #[must_use]
    pub fn into_owned(self) -> Response<'static> {
        Response { head: Cow::Owned(self.head.into_owned()), ..self }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// All header fields.
    #[must_use]
    pub fn headers(&self) -> Fields<'_> {
        Fields::new(&self.head[self.fields_at..])
    }

    /// The value of the first field of this name, which may be in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().values_of(name).next()
    }

    pub(super) fn extensions(&self) -> impl Iterator<Item = Result<Extension<'_>, HandshakeError>> {
        let values = self.headers().values_of("sec-websocket-extensions");
        values.flat_map(fields::extensions).map(|e| e.map_err(|_| HandshakeError::Extensions))
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers())
            .finish_non_exhaustive()
    }
}
