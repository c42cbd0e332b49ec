//! What an operator wants to see in a log: how connections begin and end, and why.
//! Nothing without the feature `tracing`.

#[cfg(not(feature = "tracing"))]
pub(super) use self::off::{
    accepted, answered, connected, dropped, ended, failed_to_open, refused,
};
#[cfg(feature = "tracing")]
pub(super) use self::on::{accepted, answered, connected, dropped, ended, failed_to_open, refused};

#[cfg(feature = "tracing")]
mod on {
    use tracing::debug;

    use crate::connection::Connection;
    use crate::frame::CloseCode;
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

    pub(in crate::io) fn answered(request: &Request<'_>, status: u16) {
        debug!(target: TARGET, status, path = request.path(), "answered a request without opening");
    }

    pub(in crate::io) fn connected(host: &str) {
        debug!(target: TARGET, host, "opened a WebSocket");
    }

    /// Of a client with a host.
    pub(in crate::io) fn failed_to_open(host: Option<&str>, error: &Error) {
        debug!(target: TARGET, host, "a WebSocket was not opened: {error}");
    }

    pub(in crate::io) fn ended(connection: &Connection, outcome: &Result<(), Error>) {
        let (sent, received) = codes(connection);
        match outcome {
            Ok(()) => {
                let by_peer = connection.is_closed_by_peer();
                debug!(target: TARGET, sent, received, by_peer, "closed a WebSocket");
            }
            Err(Error::Failed(violation)) => {
                let section = violation.section();
                debug!(target: TARGET, sent, received, section, "a WebSocket failed: {violation}");
            }
            Err(error) => debug!(target: TARGET, sent, received, "a WebSocket failed: {error}"),
        }
    }

    /// By the program, before its end.
    pub(in crate::io) fn dropped(connection: &Connection) {
        let (sent, received) = codes(connection);
        debug!(target: TARGET, sent, received, "dropped a WebSocket");
    }

    /// What the two Close frames have said; 1006 is no code of one.
    fn codes(connection: &Connection) -> (Option<u16>, Option<u16>) {
        let received = connection.close_code().filter(|code| *code != CloseCode::ABNORMAL);
        (connection.close_sent().map(CloseCode::value), received.map(CloseCode::value))
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use crate::connection::Connection;
    use crate::handshake::{HandshakeError, Request};
    use crate::io::error::Error;

    pub(in crate::io) const fn accepted(_: &Request<'_>) {}

    pub(in crate::io) const fn refused(_: HandshakeError) {}

    pub(in crate::io) const fn answered(_: &Request<'_>, _: u16) {}

    pub(in crate::io) const fn connected(_: &str) {}

    pub(in crate::io) const fn failed_to_open(_: Option<&str>, _: &Error) {}

    pub(in crate::io) const fn ended(_: &Connection, _: &Result<(), Error>) {}

    pub(in crate::io) const fn dropped(_: &Connection) {}
}
