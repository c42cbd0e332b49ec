//! Handshakes as the types of the `http` crate.

use alloc::string::{String, ToString as _};

use ::http::header::{HeaderMap, HeaderName, HeaderValue};
use ::http::uri::{Authority, PathAndQuery};
use ::http::{Method, StatusCode, Version};

use super::accept::Accept;
use super::builder::RequestBuilder;
use super::client::{Answer, ClientHandshake};
use super::error::{BuildError, HandshakeError, UriError};
use super::fields::Fields;
use super::parts::{HttpVersion, RequestParts, ResponseParts};
use super::server::Request;
use crate::connection::{Config, Connection};

impl Request<'static> {
    /// A request that another library has read as a type of the `http` crate:
    /// an `Upgrade` of HTTP/1.1, or an extended CONNECT of HTTP/2 or HTTP/3.
    ///
    /// The `:protocol` of an extended CONNECT has no place in that type and is
    /// `protocol`. hyper has it among the request's extensions:
    /// `request.extensions().get::<hyper::ext::Protocol>()`; and h2 as
    /// `h2::ext::Protocol`. Over HTTP/1.1 it is not looked at.
    ///
    /// # Errors
    /// As for [`from_fields`](Self::from_fields) and
    /// [`from_header_list`](Self::from_header_list).
    ///
    /// ```
    /// use sansws::handshake::Request;
    /// use sansws::{Config, Connection};
    ///
    /// /// What to answer; and the connection that this opens, if it does.
    /// fn answer<B>(
    ///     request: &http::Request<B>,
    ///     protocol: Option<&str>,
    /// ) -> (http::Response<String>, Option<Connection>) {
    ///     let accepted = Request::from_http(request, protocol).and_then(|request| {
    ///         let accept = request.accept()?.select_subprotocol(&["chat"]);
    ///         Ok(accept.into_http(&Config::new()))
    ///     });
    ///     match accepted {
    ///         // Its socket is the library's, such as `hyper::upgrade::on(request)`.
    ///         Ok((response, ws)) => (response, Some(ws)),
    ///         Err(error) => (error.into_http(request.version()), None),
    ///     }
    /// }
    ///
    /// let request = http::Request::connect("https://example.com/chat")
    ///     .version(http::Version::HTTP_2)
    ///     .header("sec-websocket-version", "13")
    ///     .body(())?;
    /// let (response, ws) = answer(&request, Some("websocket"));
    /// assert_eq!((response.status(), ws.is_some()), (http::StatusCode::OK, true));
    /// # Ok::<_, http::Error>(())
    /// ```
    pub fn from_http<B>(
        request: &::http::Request<B>,
        protocol: Option<&str>,
    ) -> Result<Self, HandshakeError> {
        let (method, uri) = (request.method(), request.uri());
        Self::from_typed(request.version(), method, uri, request.headers(), protocol)
    }

    /// As [`from_http`](Self::from_http), of a request that was taken apart, as
    /// extractors of axum get it.
    ///
    /// # Errors
    /// See [`from_http`](Self::from_http).
    pub fn from_http_parts(
        parts: &::http::request::Parts,
        protocol: Option<&str>,
    ) -> Result<Self, HandshakeError> {
        Self::from_typed(parts.version, &parts.method, &parts.uri, &parts.headers, protocol)
    }

    fn from_typed(
        version: Version,
        method: &Method,
        uri: &::http::Uri,
        headers: &HeaderMap,
        protocol: Option<&str>,
    ) -> Result<Self, HandshakeError> {
        let method = method.as_str();
        if let Some(minor_version) = minor_version(version) {
            return Self::from_read(minor_version, method, &uri.to_string(), fields(headers));
        }
        let path = uri.path_and_query().map(PathAndQuery::as_str);
        // A `Uri` cannot have a scheme without an authority, so that h2 leaves it
        // out where `Host` has taken the place of `:authority`.
        let scheme = uri.scheme_str().or(path.map(|_| "https"));
        let pseudo = [
            (":method", Some(method)),
            (":protocol", protocol),
            (":scheme", scheme),
            (":authority", uri.authority().map(Authority::as_str)),
            (":path", path),
        ];
        let pseudo = pseudo.into_iter().filter_map(|(name, value)| Some((name, value?.as_bytes())));
        Self::from_header_list(pseudo.chain(fields(headers)))
    }
}

impl Accept<'_> {
    /// As [`into_response`](Self::into_response), as a type of the `http` crate
    /// with an empty body.
    ///
    /// # Panics
    /// If more headers were added than a [`HeaderMap`] can hold, which is
    /// thousands.
    #[must_use]
    pub fn into_http<B: Default>(self, config: &Config) -> (::http::Response<B>, Connection) {
        let (parts, connection) = self.into_response(config);
        (response(&parts, B::default()), connection)
    }
}

impl HandshakeError {
    /// As [`into_response`](Self::into_response), as a type of the `http` crate:
    /// the answer to a request of this version.
    #[must_use]
    pub fn into_http<B: From<String>>(self, version: Version) -> ::http::Response<B> {
        let version = match version {
            Version::HTTP_2 => HttpVersion::Http2,
            Version::HTTP_3 => HttpVersion::Http3,
            _ => HttpVersion::Http1,
        };
        let parts = self.into_response(version);
        response(&parts, String::from(parts.body()).into())
    }
}

impl RequestBuilder {
    /// As [`start_fields`](Self::start_fields), as a type of the `http` crate with
    /// an empty body. The URI is a path and a query, as HTTP/1.1 sends it to a server.
    ///
    /// # Errors
    /// [`BuildError::Uri`] if the `http` crate does not take the URI: it is stricter than
    /// browsers are about what must be percent-encoded.
    ///
    /// # Panics
    /// As for [`Accept::into_http`].
    ///
    /// ```
    /// use sansws::handshake::{Answer, RequestBuilder};
    ///
    /// let builder = RequestBuilder::new("ws://example.com/chat")?;
    /// let (request, mut handshake) = builder.start_http::<()>([7; 16])?; // use `handshake::nonce()`
    /// assert_eq!(request.uri(), "/chat");
    /// assert_eq!(request.headers()["host"], "example.com");
    /// // Send it with a library, and give its response back.
    /// let response = http::Response::builder().status(404).body(())?;
    /// assert!(matches!(handshake.receive_http(&response)?, Answer::Refused(_)));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_http<B: Default>(
        self,
        nonce: [u8; 16],
    ) -> Result<(::http::Request<B>, ClientHandshake), BuildError> {
        let (parts, handshake) = self.start_fields(nonce);
        let uri = parts.target().parse().map_err(|_| BuildError::Uri(UriError::ResourceName))?;
        Ok((request(&parts, Method::GET, uri, Version::HTTP_11), handshake))
    }

    /// As [`start_connect`](Self::start_connect), as a type of the `http` crate with
    /// an empty body.
    ///
    /// The `:protocol` has no place in that type: give it to the library that
    /// sends the request, as in
    /// `request.extensions_mut().insert(hyper::ext::Protocol::from_static("websocket"))`.
    ///
    /// # Errors
    /// As for [`start_http`](Self::start_http).
    ///
    /// # Panics
    /// As for [`Accept::into_http`].
    pub fn start_http_connect<B: Default>(
        self,
    ) -> Result<(::http::Request<B>, ClientHandshake), BuildError> {
        let (parts, handshake) = self.start_connect();
        let authority = Authority::try_from(parts.uri().authority());
        let uri = ::http::Uri::builder()
            .scheme(parts.uri().http_scheme())
            .authority(authority.map_err(|_| BuildError::Uri(UriError::Host))?)
            .path_and_query(parts.target())
            .build()
            .map_err(|_| BuildError::Uri(UriError::ResourceName))?;
        Ok((request(&parts, Method::CONNECT, uri, Version::HTTP_2), handshake))
    }
}

impl ClientHandshake {
    /// As [`receive_fields`](Self::receive_fields), of a response as a type of
    /// the `http` crate, which is not a provisional one.
    ///
    /// # Errors
    /// As for [`receive`](Self::receive).
    pub fn receive_http<B>(
        &mut self,
        response: &::http::Response<B>,
    ) -> Result<Answer<'static>, HandshakeError> {
        let minor_version = minor_version(response.version()).unwrap_or(1);
        self.receive_read(minor_version, response.status().as_u16(), fields(response.headers()))
    }
}

/// The minor version, if the major one is 1; 0.9 had no more than 1.0 has.
const fn minor_version(version: Version) -> Option<u8> {
    match version {
        Version::HTTP_09 | Version::HTTP_10 => Some(0),
        Version::HTTP_11 => Some(1),
        _ => None,
    }
}

fn fields(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

fn request<B: Default>(
    parts: &RequestParts,
    method: Method,
    uri: ::http::Uri,
    version: Version,
) -> ::http::Request<B> {
    let mut request = ::http::Request::new(B::default());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.version_mut() = version;
    *request.headers_mut() = header_map(parts.regular_fields());
    request
}

fn response<B>(parts: &ResponseParts, body: B) -> ::http::Response<B> {
    let mut response = ::http::Response::new(body);
    // All our statuses have three digits, so this never falls back.
    *response.status_mut() = StatusCode::from_u16(parts.status()).unwrap_or_default();
    *response.headers_mut() = header_map(parts.regular_fields());
    response
}

fn header_map(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        // What was written is a token of no more than 64 KiB and a value without
        // control characters, so nothing is left out.
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}
