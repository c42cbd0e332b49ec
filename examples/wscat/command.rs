//! What a line means that was entered in the terminal.

use sansws::CloseCode;
use sansws::{Close, Message};

pub const HELP: &str = "\
/ping [TEXT]            send a ping
/close [CODE [REASON]]  close the connection
/binary HEX             send bytes, such as 00 ff 1A2b
/help                   this list
//TEXT                  send a text that begins with a slash
Anything else is sent as it is. Ctrl-D closes the connection.";

pub enum Command {
    Send(Message),
    Help,
}

impl Command {
    pub fn parse(line: String) -> Result<Self, String> {
        let Some(command) = line.strip_prefix('/') else {
            return Ok(Self::Send(line.into()));
        };
        if command.starts_with('/') {
            return Ok(Self::Send(command.to_owned().into()));
        }
        let (name, argument) = word(command);
        Ok(match name {
            "ping" => Self::Send(Message::Ping(argument.as_bytes().to_vec())),
            "close" => Self::Send(Message::Close(close(argument)?)),
            "binary" => Self::Send(bytes(argument)?.into()),
            "help" => Self::Help,
            _ => return Err(format!("there is no command /{name}; /help lists those there are")),
        })
    }
}

fn close(argument: &str) -> Result<Close<'static>, String> {
    let (code, reason) = word(argument);
    if code.is_empty() {
        return Ok(Close::new(CloseCode::NORMAL, ""));
    }
    let code = code.parse().map(CloseCode::new).map_err(|_| format!("{code} is no code"))?;
    Ok(Close::new(code, reason.to_owned()))
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let digits = hex.chars().filter(|character| !character.is_whitespace());
    let digits = digits.map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>();
    let digits = digits.ok_or("bytes are given in hexadecimal digits")?;
    if digits.len() % 2 != 0 {
        return Err("each byte is given in two digits".to_owned());
    }
    Ok(digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}
