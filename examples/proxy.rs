//! Passes WebSockets on to another server: messages by the part, however long they are, pings,
//! Close frames and refusals.
//!
//! ```sh
//! cargo run --features tokio,connect --example proxy -- 127.0.0.1:9000 ws://127.0.0.1:9001
//! ```

use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use sansws::handshake::{Accept, Accepted, Request, RequestBuilder, Uri};
use sansws::io::{self, Connector};
use sansws::tokio::{ClientStream, Incoming, Reader, WebSocket, Writer};
use sansws::{CloseCode, Config, Connection, DeflateConfig, SendError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// What the server is told of the client's request, and the client of the server's answer.
const ASKED: [&str; 4] = ["authorization", "cookie", "origin", "user-agent"];
const ANSWERED: [&str; 5] =
    ["content-type", "location", "retry-after", "set-cookie", "www-authenticate"];

/// Passes WebSockets on to another server.
#[derive(Parser)]
struct Arguments {
    /// Where to listen, such as 127.0.0.1:9000; port 0 is a free one.
    address: String,
    /// The server, such as ws://127.0.0.1:9001; the path is the one that the client asks for.
    server: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let server = Arc::new(Uri::parse(&arguments.server)?);
    let listener = TcpListener::bind(&arguments.address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // A lack of file descriptors passes.
                eprintln!("{error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            if let Err(error) = serve(stream, &server).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// No message is held here, so that the limits are for both ends to set; and both know best how
/// far they are from each other, so that it is they who answer pings.
fn config() -> Config {
    Config::new().max_message_len(u64::MAX).max_fragments(u32::MAX).answer_pings(false)
}

async fn serve(stream: TcpStream, server: &Uri) -> Result<(), io::Error> {
    stream.set_nodelay(true)?;
    let incoming = Incoming::receive(stream, &config()).await?;
    let Some((client, server)) = open(incoming, server).await? else { return Ok(()) };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let result = tokio::try_join!(
        relay(&mut from_client, &mut to_server),
        relay(&mut from_server, &mut to_client),
    );
    if result.is_err() {
        // The side that has failed is only dropped by this.
        tokio::join!(
            close(from_client, to_client, CloseCode::BAD_GATEWAY),
            close(from_server, to_server, CloseCode::GOING_AWAY),
        );
    }
    result.map(|_| ())
}

/// Both connections, if the client is right and the server willing.
async fn open(
    incoming: Incoming<TcpStream>,
    server: &Uri,
) -> Result<Option<(WebSocket<TcpStream>, WebSocket<ClientStream>)>, io::Error> {
    let request = match incoming.request().accept() {
        Ok(accept) => ask(server, incoming.request(), accept),
        // The server need not hear of it.
        Err(error) => return incoming.accept(&config(), |_| Err(error.into())).await.map(|_| None),
    };
    let connected = match request {
        Ok(request) => Connector::new().config(config()).connect(request).await,
        Err(error) => Err(error),
    };
    let (mut server, accepted) = match connected {
        Ok(open) => open,
        Err(error) => return refuse(incoming, error).await.map(|()| None),
    };
    let mut passes_compressed = false;
    let mut client = incoming
        .accept(&config(), |request| {
            let (accept, is_same) = answer(request.accept()?, &accepted)?;
            passes_compressed = is_same;
            Ok(accept)
        })
        .await?;
    if passes_compressed {
        for connection in [client.connection_mut().0, server.connection_mut().0] {
            connection.pass_compressed();
            connection.set_compression(false);
        }
    }
    Ok(Some((client, server)))
}

/// What to ask the server, when the client asks this.
fn ask(
    server: &Uri,
    request: &Request<'_>,
    accept: Accept<'_>,
) -> Result<RequestBuilder, io::Error> {
    let scheme = if server.is_secure() { "wss" } else { "ws" };
    let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = format!("{scheme}://{}{}{query}", server.authority(), request.path());
    let mut builder = RequestBuilder::try_from(uri)?;
    for name in request.subprotocols() {
        builder = builder.subprotocol(name)?;
    }
    for (name, value) in known(request.headers(), &ASKED) {
        builder = builder.header(name, value)?;
    }
    Ok(match accept.deflate(DeflateConfig::new()).deflate_parameters() {
        Some(asked) => builder.deflate(DeflateConfig::new().parameters(asked.reversed())),
        None => builder,
    })
}

/// What to answer the client, when the server has answered this; and whether compressed messages
/// mean the same on both sides.
fn answer<'r>(
    mut accept: Accept<'r>,
    accepted: &Accepted<'_>,
) -> Result<(Accept<'r>, bool), io::Error> {
    accept = accept.select_subprotocol(accepted.subprotocol().as_slice());
    for (name, value) in known(accepted.response().headers(), &ANSWERED) {
        accept = accept.header(name, value)?;
    }
    let Some(agreed) = accepted.deflate_parameters() else { return Ok((accept, false)) };
    let accept = accept.deflate(DeflateConfig::new().parameters(agreed.reversed()));
    let is_same = accept.deflate_parameters() == Some(agreed.reversed());
    Ok((accept, is_same))
}

/// Tells the client why there is no server for it: in the server's own words, if it has said so.
async fn refuse(incoming: Incoming<TcpStream>, error: io::Error) -> Result<(), io::Error> {
    let refusal = match error {
        io::Error::Refused(refusal) => refusal,
        error => {
            eprintln!("{error}");
            let is_late = match &error {
                io::Error::Io(error) => error.kind() == ErrorKind::TimedOut,
                error => matches!(error, io::Error::HandshakeTimeout),
            };
            let status = if is_late { 504 } else { 502 };
            return incoming.respond(status, &[], b"The server is not there.\n").await;
        }
    };
    let headers: Vec<_> = known(refusal.response().headers(), &ANSWERED).collect();
    match refusal.status() {
        // These have no body (RFC 9110, 15).
        status @ (204 | 205 | 304) => incoming.respond(status, &headers, b"").await,
        status @ 200..=599 => incoming.respond(status, &headers, refusal.body()).await,
        _ => incoming.respond(502, &[], b"The server's answer is none.\n").await,
    }
}

/// Those header fields that are passed on, if they are text.
fn known<'h>(
    headers: impl Iterator<Item = (&'h str, &'h [u8])>,
    names: &[&str],
) -> impl Iterator<Item = (&'h str, &'h str)> {
    headers
        .filter(|(name, _)| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        .filter_map(|(name, value)| Some((name, std::str::from_utf8(value).ok()?)))
}

/// Sends on what comes, no faster than it is taken, until either side is gone.
async fn relay<A, B>(from: &mut Reader<A>, to: &mut Writer<B>) -> Result<(), io::Error>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(part) = from.read_part().await? {
        match to.write_part(&part) {
            Ok(()) => to.flush().await?,
            // After a Close frame nothing more can be sent. What is still to come is read, so that
            // this side closes in order too.
            Err(SendError::Closed) if to.connection(Connection::failure).is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Tells this side that the other has failed, and waits for its end, though not for long.
async fn close<S>(mut from: Reader<S>, mut to: Writer<S>, code: CloseCode)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let closing = async {
        to.close(code, "the other side has failed").await?;
        while from.read_part().await?.is_some() {}
        Ok::<_, io::Error>(())
    };
    // What goes wrong here is no news: something has before.
    let _ = tokio::time::timeout(Duration::from_secs(10), closing).await;
}
