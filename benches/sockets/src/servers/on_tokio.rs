//! What all servers on tokio have in common: one thread, and a task a connection.

use std::cell::Cell;
use std::net::TcpListener;
use std::pin::Pin;

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast;

use super::limit::BUFFER_LEN;

pub type Error = Box<dyn std::error::Error + Send + Sync>;

pub fn run<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            socket.set_nodelay(true).unwrap();
            // How it ends is seen by the generator. A future around it would hold it twice.
            tokio::spawn(serve(socket));
        }
    });
}

/// Sends each message back at once.
// An async function would hold `ws` twice: as its argument and as its variable.
#[allow(clippy::manual_async_fn, reason = "to hold it once")]
pub fn echo<W, M, E>(
    mut ws: W,
    is_data: impl Fn(&M) -> bool,
) -> impl Future<Output = Result<(), Error>>
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    E: std::error::Error + Send + Sync + 'static,
{
    async move {
        while let Some(message) = ws.next().await {
            let message = message?;
            if is_data(&message) {
                ws.send(message).await?;
            }
        }
        Ok(())
    }
}

/// Sends messages back, and flushes when there are no more for the moment. No async function,
/// as it would hold `ws` twice.
pub fn forward<W, M, E>(
    ws: W,
    is_data: impl Fn(&M) -> bool,
) -> impl Future<Output = Result<(), Error>>
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E>,
    E: std::error::Error + Send + Sync + 'static,
{
    use futures_util::{TryFutureExt, TryStreamExt};

    let (sink, stream) = ws.split();
    let data = stream.try_filter(move |message| std::future::ready(is_data(message)));
    data.forward(sink).err_into()
}

/// Sends each message to all. Boxed, so that a task that echoes has no room for it.
pub fn broadcast<W, M, E>(
    mut ws: W,
    is_data: impl Fn(&M) -> bool + Send + 'static,
    sender: broadcast::Sender<M>,
) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin + Send + 'static,
    M: Clone + Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    Box::pin(async move {
        let mut receiver = sender.subscribe();
        loop {
            tokio::select! {
                message = ws.next() => match message {
                    Some(message) => {
                        let message = message?;
                        if is_data(&message) {
                            let _ = sender.send(message);
                        }
                    }
                    None => return Ok(()),
                },
                message = receiver.recv() => ws.send(message?).await?,
            }
        }
    })
}

thread_local! {
    static BUFFER: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
}

/// The thread's buffer; another one while that is in use.
pub fn take_buffer() -> Vec<u8> {
    BUFFER.take().unwrap_or_else(|| vec![0; BUFFER_LEN])
}

pub fn return_buffer(buffer: Vec<u8>) {
    BUFFER.set(Some(buffer));
}
