//! sansws, through its adapters for tokio and for blocking streams.

use std::net::TcpListener;

use sansws::tokio::WebSocket;
use sansws::{Config, Message, Prepared};
use tokio::net::TcpStream;
use tokio::sync::broadcast;

use super::{Mode, on_tokio};

/// As in `examples/tokio_echo.rs`.
pub fn tokio(listener: TcpListener, mode: Mode) {
    let (sender, _) = broadcast::channel(16);
    on_tokio::run(listener, move |socket| {
        let sender = sender.clone();
        async move {
            let mut ws = WebSocket::accept(socket, &config()).await?;
            if mode == Mode::Broadcast {
                // Boxed, so that a task that echoes has no room for it.
                return Box::pin(pass_on(ws, sender)).await;
            }
            while let Some(event) = ws.read().await? {
                if let Message::Text(_) | Message::Binary(_) = event {
                    ws.write(event)?;
                }
            }
            Ok(())
        }
    });
}

async fn pass_on(
    mut ws: WebSocket<TcpStream>,
    sender: broadcast::Sender<Prepared>,
) -> Result<(), on_tokio::Error> {
    let mut receiver = sender.subscribe();
    loop {
        tokio::select! {
            event = ws.read() => match event? {
                Some(Message::Binary(data)) => drop(sender.send(Prepared::binary(&data))),
                Some(_) => {}
                None => return Ok(()),
            },
            message = receiver.recv() => {
                ws.write_prepared(&message?)?;
                ws.flush().await?;
            }
        }
    }
}

/// As in `examples/blocking_echo.rs`.
pub fn blocking(listener: TcpListener, _: Mode) {
    loop {
        let Ok((socket, _)) = listener.accept() else { continue };
        let serve = move || -> Result<(), sansws::io::Error> {
            socket.set_nodelay(true)?;
            let mut ws = sansws::blocking::WebSocket::accept(socket, &config())?;
            while let Some(event) = ws.read()? {
                if let Message::Text(_) | Message::Binary(_) = event {
                    ws.write(event)?;
                }
            }
            Ok(())
        };
        std::thread::Builder::new().stack_size(64 * 1024).spawn(serve).unwrap();
    }
}

fn config() -> Config {
    Config::new().max_message_len(64 << 20)
}
