//! From a URI to an open connection: names, TCP, proxies and TLS.

mod addresses;
#[cfg(feature = "blocking")]
pub(super) mod blocking;
mod failure;
mod proxy;
#[cfg(all(feature = "rustls", any(feature = "blocking", feature = "tokio-rustls")))]
mod tls;
#[cfg(feature = "tokio")]
pub(super) mod tokio;

use alloc::format;
#[cfg(feature = "rustls")]
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use self::proxy::Proxy;
use super::error::Error;
use crate::connection::Config;
use crate::handshake::{BuildError, Uri};

/// Opens connections to servers: how long it may take, through which proxy, whom
/// to trust.
///
/// RFC 6455, 4.1 allows one connection to an address at a time to be in its opening handshake.
/// A `Connector` knows nothing of others: open several to one server one after the other.
///
/// ```no_run
/// # #[cfg(feature = "tokio")]
/// # async fn example() -> Result<(), sansws::io::Error> {
/// use core::time::Duration;
/// use sansws::Config;
/// use sansws::handshake::RequestBuilder;
/// use sansws::io::Connector;
///
/// let connector = Connector::new()
///     .config(Config::new().max_message_len(16 << 20))
///     .proxy("http://proxy.example:3128")?
///     .timeout(Duration::from_secs(10));
/// let request = RequestBuilder::new("wss://example.com/chat")?
///     .subprotocol("v2.chat")?
///     .header("Authorization", "Bearer c2VzYW1l")?;
/// let (mut ws, accepted) = connector.connect(request).await?;
/// assert_eq!(accepted.subprotocol(), Some("v2.chat"));
/// ws.send("hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connector {
    config: Config,
    timeout: Duration,
    proxy: Option<Proxy>,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Connector {
    /// With a default [`Config`], 30 seconds, no proxy, and the trust in
    /// certificates that the features give.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: Config::new(),
            timeout: Duration::from_secs(30),
            proxy: None,
            #[cfg(feature = "rustls")]
            tls: None,
        }
    }

    /// Sets the limits and habits of the connections.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets how long it may take until the server can be spoken to: to look up
    /// names, to connect, for the proxy's answer, and for TLS. Default: 30 seconds. The
    /// opening handshake has a [timeout of its own](Config::handshake_timeout), and the proxy's
    /// answer may take no longer than that either.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects through an HTTP proxy, `http://[user:password@]host[:port]`, by
    /// a tunnel (CONNECT). The port is 80 if none is given. If it refuses, that is
    /// an [`Error::Refused`](super::Error::Refused), which says
    /// [by whom](super::Refusal::is_from_proxy).
    ///
    /// In user and password, percent-encode what has a meaning in a URI.
    ///
    /// # Errors
    /// [`BuildError::Proxy`] if it is another kind of URI, or user and password
    /// cannot be sent (RFC 7617, 2).
    pub fn proxy(mut self, uri: &str) -> Result<Self, BuildError> {
        self.proxy = Some(Proxy::parse(uri)?);
        Ok(self)
    }

    /// Sets whom to trust, which certificate to show, and the rest of TLS, by a configuration
    /// of rustls 0.23. A server that has HTTP/2 too may want `alpn_protocols` to say
    /// `http/1.1`.
    ///
    /// Without it, and with the feature `rustls-platform-verifier`, certificates
    /// are judged by the operating system; with `rustls-webpki-roots`, by the roots
    /// that Mozilla trusts; with both, by the former. Then the cryptography is that which the
    /// program has installed (`CryptoProvider::install_default`), or else ring. To be without
    /// ring, take neither feature, and this method.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// What goes wrong between us and a proxy is not to be taken for the server's.
    fn at_the_proxy(proxy: &Proxy) -> impl FnOnce(Error) -> Error {
        let about = failure::about(format!("the proxy {}", proxy.authority()));
        |error| match error {
            Error::Io(error) => about(error).into(),
            error => error,
        }
    }

    /// Where to connect to first: the proxy, or the server.
    fn first_hop<'u>(&'u self, uri: &'u Uri) -> (&'u str, u16) {
        match &self.proxy {
            Some(proxy) => (proxy.host(), proxy.port()),
            None => (uri.host(), uri.port()),
        }
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy may have a password.
        f.debug_struct("Connector")
            .field("config", &self.config)
            .field("timeout", &self.timeout)
            .field("has_proxy", &self.proxy.is_some())
            .finish_non_exhaustive()
    }
}
