//! What an operator wants to see in a log: how connections begin and end, and why.
//! Nothing without the feature `tracing`.

#[cfg(not(feature = "tracing"))]
pub(super) use self::off::{accepted, connected, ended, refused};
#[cfg(feature = "tracing")]
pub(super) use self::on::{accepted, connected, ended, refused};

#[cfg(feature = "tracing")]
mod on {
    use tracing::debug;

    use crate::connection::Connection;
    use crate::handshake::{HandshakeError, Request};
    use crate::io::error::Error;

    /// The crate: in what module of it something happens is no user's concern.
    const TARGET: &str = "sansws";

    pub(in crate::io) fn accepted(request: &Request<'_>) {
        debug!(target: TARGET, path = request.path(), "accepted a WebSocket");
    }

    pub(in crate::io) fn refused(error: HandshakeError) {
        let (status, section) = (error.status(), error.section());
        debug!(target: TARGET, status, section, "refused a handshake: {error}");
    }

    pub(in crate::io) fn connected(host: &str) {
        debug!(target: TARGET, host, "opened a WebSocket");
    }

    pub(in crate::io) fn ended(connection: &Connection, outcome: &Result<(), Error>) {
        let code = connection.close_code().map(crate::frame::CloseCode::value);
        match outcome {
            Ok(()) => debug!(target: TARGET, code, "closed a WebSocket"),
            Err(Error::Failed(violation)) => {
                let section = violation.section();
                debug!(target: TARGET, code, section, "a WebSocket failed: {violation}");
            }
            Err(error) => debug!(target: TARGET, code, "a WebSocket failed: {error}"),
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use crate::connection::Connection;
    use crate::handshake::{HandshakeError, Request};
    use crate::io::error::Error;

    pub(in crate::io) const fn accepted(_: &Request<'_>) {}

    pub(in crate::io) const fn refused(_: HandshakeError) {}

    pub(in crate::io) const fn connected(_: &str) {}

    pub(in crate::io) const fn ended(_: &Connection, _: &Result<(), Error>) {}
}
