use alloc::borrow::ToOwned;
use alloc::sync::Arc;
use std::io;
use std::sync::OnceLock;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::Connector;
use crate::handshake::Uri;

/// What TLS takes, known before there is a stream.
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    /// For the Server Name Indication, and to compare the certificate with.
    pub(super) server_name: ServerName<'static>,
}

/// `None` if the URI asks for none.
pub(super) fn tls_for(uri: &Uri, connector: &Connector) -> io::Result<Option<Tls>> {
    if !uri.is_secure() {
        return Ok(None);
    }
    let server_name = ServerName::try_from(uri.host().to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let config = match &connector.tls {
        Some(config) => Arc::clone(config),
        None => shared_default_config()?,
    };
    Ok(Some(Tls { config, server_name }))
}

/// Made once: that takes a while, and only connections of one configuration can
/// resume each other's sessions.
fn shared_default_config() -> io::Result<Arc<ClientConfig>> {
    static SHARED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    match SHARED.get() {
        Some(config) => Ok(Arc::clone(config)),
        None => {
            let config = Arc::new(default_config()?);
            Ok(Arc::clone(SHARED.get_or_init(|| config)))
        }
    }
}

#[cfg(feature = "rustls-platform-verifier")]
fn default_config() -> io::Result<ClientConfig> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let builder = builder()?.with_platform_verifier().map_err(io::Error::other)?;
    Ok(for_http_1(builder.with_no_client_auth()))
}

#[cfg(all(feature = "rustls-webpki-roots", not(feature = "rustls-platform-verifier")))]
fn default_config() -> io::Result<ClientConfig> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<rustls::RootCertStore>();
    Ok(for_http_1(builder()?.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(not(any(feature = "rustls-webpki-roots", feature = "rustls-platform-verifier")))]
fn default_config() -> io::Result<ClientConfig> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "nobody to trust: enable the feature `rustls-platform-verifier` or \
         `rustls-webpki-roots`, or call Connector::tls",
    ))
}

#[cfg(any(feature = "rustls-webpki-roots", feature = "rustls-platform-verifier"))]
fn builder() -> io::Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    use rustls::crypto::{CryptoProvider, ring};
    // The program's choice, if it has made one.
    let provider = match CryptoProvider::get_default() {
        Some(provider) => Arc::clone(provider),
        None => Arc::new(ring::default_provider()),
    };
    let builder = ClientConfig::builder_with_provider(provider);
    builder.with_safe_default_protocol_versions().map_err(io::Error::other)
}

/// Says that what is to be spoken is HTTP/1.1, as a server of HTTP/2 has to know.
#[cfg(any(feature = "rustls-webpki-roots", feature = "rustls-platform-verifier"))]
fn for_http_1(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = alloc::vec![b"http/1.1".to_vec()];
    config
}
