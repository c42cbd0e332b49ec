//! What a proxy is asked to open a tunnel (RFC 9110, 9.3.6).

use alloc::format;
use alloc::vec::Vec;

use super::answer::Response;
use super::client::MAX_PROVISIONAL;
use super::error::HandshakeError;
use super::head::{HeadReader, push_line};

/// A client's side of a tunnel through an HTTP proxy.
pub(crate) struct Tunnel {
    head: HeadReader,
    provisional: u8,
}

impl Tunnel {
    /// Appends the request for a tunnel to `authority`, a host and a port.
    pub(crate) fn start(authority: &str, authorization: Option<&str>, out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(format!("CONNECT {authority} HTTP/1.1\r\n").as_bytes());
        push_line(out, "Host", authority.as_bytes());
        if let Some(authorization) = authorization {
            push_line(out, "Proxy-Authorization", authorization.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        Self { head: HeadReader::of_responses(), provisional: 0 }
    }

    /// The proxy's answer. Any status from 200 to 299 opens the tunnel, whose
    /// first bytes are what is left of `input`.
    pub(crate) fn receive<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Response<'b>>, HandshakeError> {
        while let Some(head) = self.head.receive(input)? {
            let response = Response::parse(head)?;
            match response.status() {
                // RFC 9110, 15.2.2: nobody has asked for another protocol.
                101 => return Err(HandshakeError::Malformed),
                200.. => return Ok(Some(response)),
                _ => {}
            }
            self.provisional += 1;
            if self.provisional > MAX_PROVISIONAL {
                return Err(HandshakeError::TooManyResponses);
            }
        }
        Ok(None)
    }
}
