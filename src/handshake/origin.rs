use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::error::BuildError;
use super::uri::{default_port, is_authority, is_scheme, split_port};

/// Which pages' scripts may connect (RFC 6455, 10.2).
///
/// A browser lets any page open a WebSocket to any server, cookies included,
/// and says in `Origin` which page it was. A server that trusts cookies must
/// look: otherwise any site a user visits can act as that user.
///
/// Origins are compared whole: scheme, host and port. The host's case does not
/// matter, and the scheme's default port may be left out.
///
/// ```
/// use sansws::handshake::OriginPolicy;
///
/// let policy = OriginPolicy::only(["https://example.com"])?;
/// assert!(policy.allows(Some(b"https://example.com:443")));
/// assert!(!policy.allows(Some(b"https://example.com.evil.net")));
/// assert!(!policy.allows(None)); // not a browser
/// assert!(policy.or_none().allows(None));
/// # Ok::<_, sansws::handshake::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OriginPolicy {
    origins: Vec<Origin>,
    allows_same_host: bool,
    allows_none: bool,
}

impl OriginPolicy {
    /// Allows these origins, such as `https://example.com:8443`, and no other.
    ///
    /// There are no wildcards. `null`, which browsers send for sandboxed pages
    /// and local files, is never allowed.
    ///
    /// # Errors
    /// [`BuildError::Origin`] if one is not an origin, such as `example.com`,
    /// `https://*.example.com`, one with a path, or a list in one string.
    pub fn only<S: AsRef<str>>(origins: impl IntoIterator<Item = S>) -> Result<Self, BuildError> {
        let origin = |origin: S| match Origin::parse(origin.as_ref()) {
            Some(origin) if !origin.host.contains(UNUSUAL) => Ok(origin),
            _ => Err(BuildError::Origin),
        };
        let origins = origins.into_iter().map(origin).collect::<Result<_, _>>()?;
        Ok(Self { origins, allows_same_host: false, allows_none: false })
    }

    /// Allows pages of the host and port that the request itself names (its `Host`, or
    /// `:authority`), and no other.
    ///
    /// For servers that do not know their own name. A proxy before it must pass the name on; and
    /// a name that anybody has made to lead to this server is as good as any, so that one which
    /// trusts whoever can reach it, such as a device in a home, lists its names
    /// ([`only`](Self::only)). Whether the page came by `http` or `https` does not matter: behind
    /// a proxy that ends TLS a server does not know its own.
    #[must_use]
    pub const fn same_host() -> Self {
        Self { origins: Vec::new(), allows_same_host: true, allows_none: false }
    }

    /// Also allows what [`same_host`](Self::same_host) does.
    #[must_use]
    pub const fn or_same_host(mut self) -> Self {
        self.allows_same_host = true;
        self
    }

    /// Also allows requests without an origin, which come from programs that
    /// are not browsers.
    #[must_use]
    pub const fn or_none(mut self) -> Self {
        self.allows_none = true;
        self
    }

    /// Whether a request with this origin is allowed, wherever it was sent. (The host that
    /// [`same_host`](Self::same_host) compares is known to
    /// [`Request::accept_from`](super::Request::accept_from).)
    #[must_use]
    pub fn allows(&self, origin: Option<&[u8]>) -> bool {
        self.allows_at(None, origin)
    }

    /// The same for a request that names this host.
    pub(super) fn allows_at(&self, host: Option<&str>, origin: Option<&[u8]>) -> bool {
        let Some(origin) = origin else { return self.allows_none };
        let origin = core::str::from_utf8(origin).ok().and_then(Origin::parse);
        origin.is_some_and(|origin| {
            let is_same_host = || host.is_some_and(|host| origin.is_of(host));
            self.origins.contains(&origin) || (self.allows_same_host && is_same_host())
        })
    }
}

/// Both may stand in a host's name (RFC 3986), but are hardly ever meant there.
const UNUSUAL: [char; 2] = ['*', ','];

/// RFC 6454, 4: a scheme, a host and a port, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    fn parse(origin: &str) -> Option<Self> {
        let (scheme, authority) = origin.split_once("://")?;
        if !is_scheme(scheme) {
            return None;
        }
        Self::new(scheme.to_ascii_lowercase(), authority)
    }

    /// Whether it is that of a server whose name and port this is, with TLS or without.
    fn is_of(&self, host: &str) -> bool {
        if !["http", "https"].contains(&&*self.scheme) || self.host.contains(UNUSUAL) {
            return false;
        }
        Self::new(self.scheme.clone(), host).as_ref() == Some(self)
    }

    fn new(scheme: String, authority: &str) -> Option<Self> {
        if !is_authority(authority.as_bytes()) {
            return None;
        }
        let (host, port) = split_port(authority);
        let port = match port {
            None | Some("") => default_port(&scheme),
            Some(port) => Some(port.parse().ok()?),
        };
        Some(Self { scheme, host: normalized(host), port })
    }
}

/// Browsers write an address in its shortest form.
fn normalized(host: &str) -> String {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match address.and_then(|address| address.parse::<Ipv6Addr>().ok()) {
        Some(address) => format!("[{address}]"),
        None => host.to_ascii_lowercase(),
    }
}
