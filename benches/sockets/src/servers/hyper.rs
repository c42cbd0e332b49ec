//! Libraries whose handshake is hyper's.

use std::convert::Infallible;
use std::net::TcpListener;

use futures_util::{Sink, Stream, StreamExt};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::broadcast;

use super::{Mode, on_tokio};

/// As in its `echo_server` example.
pub fn fastwebsockets(listener: TcpListener, _: Mode) {
    use fastwebsockets::{FragmentCollector, OpCode, upgrade};

    serve(listener, |mut request| {
        let (response, upgraded) = upgrade::upgrade(&mut request)?;
        let echo = async move {
            let mut ws = FragmentCollector::new(upgraded.await?);
            loop {
                let frame = ws.read_frame().await?;
                match frame.opcode {
                    OpCode::Close => return Ok(()),
                    OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
                    _ => {}
                }
            }
        };
        Ok((response, echo))
    });
}

/// As in its documentation, told to check text.
pub fn yawc(listener: TcpListener, mode: Mode) {
    let (sender, _) = broadcast::channel(16);
    serve(listener, move |request| {
        let (response, upgraded) = yawc::WebSocket::upgrade_with_options(request, options())?;
        let sender = sender.clone();
        let echo = async move {
            match mode {
                Mode::Echo => on_tokio::echo(open(upgraded).await?, is_data).await,
                Mode::Broadcast => {
                    on_tokio::broadcast(open(upgraded).await?, is_data, sender).await
                }
            }
        };
        Ok((response, echo))
    });
}

/// As in the benchmark of its documentation: larger buffers, and messages flushed
/// together.
pub fn yawc_batched(listener: TcpListener, _: Mode) {
    serve(listener, |request| {
        let options =
            options().with_read_buffer_capacity(128 * 1024).with_backpressure_boundary(64 * 1024);
        let (response, upgraded) = yawc::WebSocket::upgrade_with_options(request, options)?;
        Ok((response, async move { on_tokio::forward(open(upgraded).await?, is_data).await }))
    });
}

/// Its stream has no errors: it ends.
async fn open(
    upgraded: yawc::UpgradeFut,
) -> hyper::Result<
    impl Stream<Item = Result<yawc::Frame, yawc::WebSocketError>>
    + Sink<yawc::Frame, Error = yawc::WebSocketError>,
> {
    Ok(upgraded.await?.map(Ok))
}

fn options() -> yawc::Options {
    yawc::Options::default().with_limits(64 << 20, 128 << 20).with_utf8()
}

fn is_data(frame: &yawc::Frame) -> bool {
    matches!(frame.opcode(), yawc::OpCode::Text | yawc::OpCode::Binary)
}

/// Serves HTTP, and lets `upgrade` make each request a WebSocket.
fn serve<U, F>(listener: TcpListener, upgrade: U)
where
    U: Fn(Request<Incoming>) -> Result<(Response<Empty<Bytes>>, F), on_tokio::Error>,
    U: Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), on_tokio::Error>> + Send + 'static,
{
    on_tokio::run(listener, move |socket| {
        let upgrade = upgrade.clone();
        async move {
            let answer = service_fn(move |request| {
                let upgraded = upgrade(request);
                async move {
                    let Ok((response, serve)) = upgraded else {
                        return Ok(Response::builder().status(400).body(Empty::new()).unwrap());
                    };
                    tokio::spawn(tokio::task::unconstrained(serve));
                    Ok::<_, Infallible>(response)
                }
            });
            let io = TokioIo::new(socket);
            Ok(http1::Builder::new().serve_connection(io, answer).with_upgrades().await?)
        }
    });
}
