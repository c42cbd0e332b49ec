use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::accept_key::AcceptKey;
use super::answer::Response;
use super::connect::push_list_field;
use super::error::HandshakeError;
use super::fields;
use super::head::{self, HeadReader};
use crate::connection::{Config, Connection};
#[cfg(feature = "deflate")]
use crate::deflate::{self, DeflateConfig, DeflateParameters};
use crate::masking_keys::MaskingKeys;

/// How many provisional responses (1xx) are skipped.
pub(super) const MAX_PROVISIONAL: u8 = 16;

/// What a client would like to agree on.
#[derive(Clone, Debug)]
pub(super) struct Offers {
    pub(super) subprotocols: Vec<String>,
    #[cfg(feature = "deflate")]
    pub(super) deflate: Option<DeflateConfig>,
}

impl Offers {
    pub(super) const fn new() -> Self {
        Self {
            subprotocols: Vec::new(),
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }
}

/// A client's side of the opening handshake: bytes, or what another library has
/// read of them, to an [`Answer`].
#[derive(Debug)]
pub struct ClientHandshake {
    head: HeadReader,
    /// What answers the key, if one was sent: not with an extended CONNECT.
    expected: Option<AcceptKey>,
    offers: Offers,
    provisional: u8,
    failed: Option<HandshakeError>,
}

impl ClientHandshake {
    pub(super) const fn new(expected: Option<AcceptKey>, offers: Offers) -> Self {
        Self { head: HeadReader::of_responses(), expected, offers, provisional: 0, failed: None }
    }

    /// Sets how long a response's head may be, in bytes. Default: 16 KiB.
    #[must_use]
    pub const fn max_head_len(mut self, bytes: usize) -> Self {
        self.head.set_max_len(bytes);
        self
    }

    /// Takes the server's answer from the front of `input`; `None` if it is
    /// not all there yet and more must be read.
    ///
    /// What follows its head stays in `input`: frames if the connection is
    /// open, the beginning of the body if it was refused. Provisional
    /// responses such as 103 are skipped.
    ///
    /// # Errors
    /// If the answer is not HTTP, is too long, or claims to open the
    /// connection but breaks a rule (4.1). There is nothing to tell the server;
    /// close the socket. [`HandshakeError::Malformed`] if an extended CONNECT was sent, which is
    /// answered by fields.
    pub fn receive<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Answer<'b>>, HandshakeError> {
        self.failing(|handshake| handshake.receive_answer(input))
    }

    /// The answer in a response whose head another library has read: its status,
    /// which is not provisional, and its fields in order, without the
    /// pseudo-header field `:status` of HTTP/2 and HTTP/3. The same rules apply
    /// as to bytes; an extended CONNECT is accepted with a 2xx and no key.
    ///
    /// # Errors
    /// As for [`receive`](Self::receive).
    pub fn receive_fields<'f>(
        &mut self,
        status: u16,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<Answer<'static>, HandshakeError> {
        self.receive_read(1, status, fields)
    }

    /// As `receive_fields`, of HTTP/1.`minor_version` if it is of HTTP/1.
    pub(super) fn receive_read<'f>(
        &mut self,
        minor_version: u8,
        status: u16,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<Answer<'static>, HandshakeError> {
        self.failing(|handshake| {
            let push = match handshake.expected {
                Some(_) => head::push_read_field,
                None => push_list_field,
            };
            let mut head = format!("HTTP/1.{minor_version} {status:03} \r\n").into_bytes();
            for (name, value) in fields {
                push(&mut head, name, value)?;
            }
            head.extend_from_slice(b"\r\n");
            handshake.judge(Response::parse(Cow::Owned(head))?)
        })
    }

    /// Does `f`, unless it has failed before; an error is for good.
    fn failing<T>(
        &mut self,
        f: impl FnOnce(&mut Self) -> Result<T, HandshakeError>,
    ) -> Result<T, HandshakeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = f(self);
        self.failed = result.as_ref().err().copied();
        result
    }

    fn receive_answer<'b>(
        &mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Answer<'b>>, HandshakeError> {
        // Bytes are HTTP/1.1, which has no answer to an extended CONNECT.
        if self.expected.is_none() {
            return Err(HandshakeError::Malformed);
        }
        while let Some(head) = self.head.receive(input)? {
            let response = Response::parse(head)?;
            if !matches!(response.status(), 100 | 102..=199) {
                return self.judge(response).map(Some);
            }
            self.provisional += 1;
            if self.provisional > MAX_PROVISIONAL {
                return Err(HandshakeError::TooManyResponses);
            }
        }
        Ok(None)
    }

    /// What a response that is not provisional says.
    fn judge<'b>(&self, response: Response<'b>) -> Result<Answer<'b>, HandshakeError> {
        match (&self.expected, response.status()) {
            (Some(expected), 101) => {
                check_upgrade(&response, expected)?;
                self.check(response).map(Answer::Accepted)
            }
            // RFC 8441, 5.1; RFC 9110, 9.3.6: "Any 2xx (Successful) response"
            (None, 200..=299) => self.check(response).map(Answer::Accepted),
            // RFC 9113, 8.6: "HTTP/2 removes support for the 101"
            (None, 101) => Err(HandshakeError::Malformed),
            // 4.1: "If the status code received from the server is not 101, the
            // client handles the response per HTTP procedures"
            _ => Ok(Answer::Refused(response)),
        }
    }

    /// What was agreed on, by the rules about it (4.1, 5 and 6).
    fn check<'b>(&self, response: Response<'b>) -> Result<Accepted<'b>, HandshakeError> {
        let subprotocol = self.chosen_subprotocol(&response)?;
        #[cfg(feature = "deflate")]
        let deflate = self.agreed_deflate(&response)?;
        #[cfg(not(feature = "deflate"))]
        check_no_extension(&response)?;
        Ok(Accepted {
            response,
            subprotocol,
            #[cfg(feature = "deflate")]
            deflate,
        })
    }

    /// 6: not "a subprotocol that was not present in the client's handshake"
    fn chosen_subprotocol(
        &self,
        response: &Response<'_>,
    ) -> Result<Option<String>, HandshakeError> {
        let mut chosen = response.headers().values_of("sec-websocket-protocol");
        match (chosen.next(), chosen.next()) {
            (None, _) => Ok(None),
            (Some(name), None) => {
                let offered =
                    self.offers.subprotocols.iter().find(|offered| offered.as_bytes() == name);
                offered.cloned().map(Some).ok_or(HandshakeError::Subprotocol)
            }
            // 11.3.4: "MUST NOT appear more than once in an HTTP response"
            (Some(_), Some(_)) => Err(HandshakeError::Subprotocol),
        }
    }

    /// 5: not "an extension that was not present in the client's handshake"
    #[cfg(feature = "deflate")]
    fn agreed_deflate(
        &self,
        response: &Response<'_>,
    ) -> Result<Option<deflate::Agreed>, HandshakeError> {
        let mut agreed = None;
        for extension in response.extensions() {
            let extension = extension?;
            let config = match self.offers.deflate {
                Some(config) if extension.name().eq_ignore_ascii_case(deflate::NAME) => config,
                _ => return Err(HandshakeError::ExtensionNotOffered),
            };
            let parameters = deflate::confirm(extension, &config).ok_or(HandshakeError::Deflate)?;
            // RFC 7692, 5: one element of the offers is accepted
            if agreed.replace(deflate::Agreed { parameters, config }).is_some() {
                return Err(HandshakeError::Deflate);
            }
        }
        Ok(agreed)
    }
}

/// Every rule about the fields that an `Upgrade` is answered with (4.1).
fn check_upgrade(response: &Response<'_>, expected: &AcceptKey) -> Result<(), HandshakeError> {
    let fields = || response.headers();
    if response.version == 0 {
        return Err(HandshakeError::HttpVersion);
    }
    // 2: "lacks an |Upgrade| header field or [...] a value that is not an ASCII
    // case-insensitive match for the value "websocket""
    let mut upgrades = fields().values_of("upgrade");
    let is_websocket = upgrades.next().is_some_and(|v| v.eq_ignore_ascii_case(b"websocket"));
    if !is_websocket || upgrades.next().is_some() {
        return Err(HandshakeError::Upgrade);
    }
    // 3: "doesn't contain a token that is an ASCII case-insensitive match for
    // the value "Upgrade""
    if !fields().values_of("connection").any(|value| fields::list_has(value, "upgrade")) {
        return Err(HandshakeError::Connection);
    }
    // 4: "the base64-encoded SHA-1 of the concatenation [...] but ignoring any
    // leading and trailing whitespace"
    let mut accepts = fields().values_of("sec-websocket-accept");
    if accepts.next() != Some(expected.as_str().as_bytes()) || accepts.next().is_some() {
        return Err(HandshakeError::Accept);
    }
    Ok(())
}

/// 5: not "an extension that was not present in the client's handshake"
#[cfg(not(feature = "deflate"))]
fn check_no_extension(response: &Response<'_>) -> Result<(), HandshakeError> {
    match response.extensions().next() {
        None => Ok(()),
        Some(Ok(_)) => Err(HandshakeError::ExtensionNotOffered),
        Some(Err(error)) => Err(error),
    }
}

/// What a server answers to a [`RequestBuilder`](super::RequestBuilder)'s request.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a client has to handle both")]
pub enum Answer<'b> {
    /// The connection is open.
    Accepted(Accepted<'b>),
    /// Any status but 101, or but a 2xx to an extended CONNECT: a refusal, a
    /// redirection, a demand for a password. The beginning of the body is what
    /// is left of the input.
    Refused(Response<'b>),
}

/// A response that opens the connection, checked.
#[derive(Clone, Debug)]
pub struct Accepted<'b> {
    response: Response<'b>,
    subprotocol: Option<String>,
    #[cfg(feature = "deflate")]
    deflate: Option<deflate::Agreed>,
}

impl<'b> Accepted<'b> {
    /// The response itself.
    #[must_use]
    pub const fn response(&self) -> &Response<'b> {
        &self.response
    }

    /// The subprotocol that the server chose, one of those offered; `None` if
    /// it chose none.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// How messages will be compressed; `None` if they will not be.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate_parameters(&self) -> Option<DeflateParameters> {
        match &self.deflate {
            Some(agreed) => Some(agreed.parameters),
            None => None,
        }
    }

    /// The same without a borrow, copied if it had one.
    #[must_use]
    pub fn into_owned(self) -> Accepted<'static> {
        Accepted { response: self.response.into_owned(), ..self }
    }

    /// The connection that it opens.
    #[must_use]
    pub fn into_connection(self, config: &Config, keys: MaskingKeys) -> Connection {
        self.connection(config, keys)
    }

    pub(crate) fn connection(&self, config: &Config, keys: MaskingKeys) -> Connection {
        #[cfg_attr(not(feature = "deflate"), expect(unused_mut, reason = "nothing is agreed on"))]
        let mut connection = Connection::client(config, keys);
        #[cfg(feature = "deflate")]
        if let Some(agreed) = &self.deflate {
            connection.set_deflate(agreed);
        }
        connection
    }
}
