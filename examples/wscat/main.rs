//! Talks to a WebSocket server from the terminal, or from a script.
//!
//! ```sh
//! cargo run --all-features --example wscat -- wss://example.com/chat
//! echo hello | cargo run --all-features --example wscat -- ws://127.0.0.1:9001
//! ```

mod arguments;
mod command;
mod input;
mod screen;
mod session;
mod tls;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;
use sansws::handshake::Accepted;
use sansws::io;

use arguments::Arguments;
use input::Input;
use screen::Screen;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            Screen::new(false).error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well; what did not was shown.
async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let mut screen = Screen::new(arguments.show_ping);
    let connected = arguments.connector()?.connect(arguments.request()?).await;
    let (ws, accepted) = match connected {
        Err(io::Error::Refused(refusal)) => {
            screen.refusal(&refusal);
            return Ok(false);
        }
        result => result?,
    };
    let input = Input::open(&arguments.execute, &mut screen)?;
    screen.note(&greeting(&accepted, input.is_terminal()));
    let ended = session::run(ws, input, arguments.wait, &screen).await?;
    screen.ended(&ended);
    Ok(ended.is_as_intended())
}

fn greeting(accepted: &Accepted<'_>, is_terminal: bool) -> String {
    let mut text = "connected".to_owned();
    if let Some(subprotocol) = accepted.subprotocol() {
        text += &format!(", subprotocol {subprotocol}");
    }
    if accepted.deflate_parameters().is_some() {
        text += ", compressed";
    }
    if is_terminal {
        text += "; /help lists commands, Ctrl-D closes";
    }
    text
}
