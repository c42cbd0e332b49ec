//! That the two chat bots are the same program, but for their libraries.
#![cfg(unix)]

#[path = "../../tests/support/program.rs"]
mod program;

use std::error::Error;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use program::Program;
use sansws::CloseCode;
use sansws::blocking::{Incoming, Stream, WebSocket, connect};
use sansws::{Close, Config, Message, Prepared};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const BOTS: [&str; 2] =
    [env!("CARGO_BIN_EXE_chat_bot_sansws"), env!("CARGO_BIN_EXE_chat_bot_tungstenite")];

#[test]
fn a_bot_answers_in_the_chat_and_comes_back_when_the_server_does() -> Result<()> {
    for bot in BOTS {
        let (server, address) = start_chat("127.0.0.1:0");
        let url = format!("ws://{address}/ws");
        let mut bot = Program::start(Command::new(bot).args([&url, "Robot", "--delay", "50"]));
        assert_eq!(bot.line(), "joined as Robot");

        let (mut person, _) = connect(&url)?;
        person.send(json!({ "type": "join", "name": "Ada" }).to_string())?;
        for (command, answer) in [("!echo so so", "so so"), ("!roll", "rolled "), ("!time", "1")] {
            person.send(json!({ "type": "say", "text": command }).to_string())?;
            let said = hear_from(&mut person, "Robot")?;
            assert!(said.starts_with(answer), "{command}: {said}");
        }

        drop((person, server));
        let _server = start_chat(&address);
        while bot.line() != "joined as Robot" {} // before it, why it could not
    }
    Ok(())
}

#[test]
fn both_bots_do_the_same_with_a_difficult_server() -> Result<()> {
    for bot in BOTS {
        let seen = be_difficult(bot)?;
        let expected = [
            "refused for now, it tries again",
            "a masked frame: it closes with 1002",
            "a long silence: it pings",
            "closed with 1012: it answers with 1012",
            "interrupted: it closes with 1001",
            "it ends well: true",
        ];
        assert_eq!(seen, expected, "{bot}");
    }
    Ok(())
}

#[test]
fn a_bot_does_not_insist_where_it_is_forbidden() -> Result<()> {
    for bot in BOTS {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("ws://{}/ws", listener.local_addr()?);
        let bot = Program::start(Command::new(bot).args([&url]));
        Incoming::receive(listener.accept()?.0, &Config::new())?.respond(403, &[], b"no")?;
        assert!(!bot.finish().1);
    }
    Ok(())
}

#[test]
fn a_bot_that_turns_to_something_else_in_the_middle_of_a_message_still_hears_it() -> Result<()> {
    for bot in BOTS {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("ws://{}/ws", listener.local_addr()?);
        let _bot = Program::start(Command::new(bot).args([&url]));
        let mut ws = let_in(&listener)?;
        let (roll, echo) = (said("!roll"), said("!echo whole"));
        let (start, rest) = echo.split_at(20);
        ws.stream_mut().write_all(&[&roll, start].concat())?;
        assert!(hear(&mut ws)?.starts_with("rolled "), "{bot}");
        ws.stream_mut().write_all(rest)?;
        assert_eq!(hear(&mut ws)?, "whole", "{bot}");
    }
    Ok(())
}

/// A server that gives a bot trouble; what the bot does about it.
fn be_difficult(bot: &str) -> Result<Vec<String>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("ws://{}/ws", listener.local_addr()?);
    let bot = Program::start(Command::new(bot).args([&url, "--idle", "200", "--delay", "50"]));
    let mut seen = Vec::new();

    Incoming::receive(listener.accept()?.0, &Config::new())?.respond(503, &[], b"later")?;
    seen.push("refused for now, it tries again".to_owned());

    let mut ws = let_in(&listener)?;
    ws.stream_mut().write_all(b"\x81\x80\0\0\0\0")?;
    seen.push(format!("a masked frame: it closes with {}", close_code(&mut ws)?));

    let mut ws = let_in(&listener)?;
    while !matches!(ws.read()?, Some(Message::Ping(_))) {}
    seen.push("a long silence: it pings".to_owned());
    ws.write(Message::Close(Close::new(CloseCode::SERVICE_RESTART, "")))?;
    seen.push(format!("closed with 1012: it answers with {}", close_code(&mut ws)?));
    assert_eq!(ws.read()?, None);

    let mut ws = let_in(&listener)?;
    assert!(Command::new("kill").args(["-INT", &bot.id().to_string()]).status()?.success());
    seen.push(format!("interrupted: it closes with {}", close_code(&mut ws)?));
    assert_eq!(ws.read()?, None);
    seen.push(format!("it ends well: {}", bot.finish().1));
    Ok(seen)
}

/// Starts the chat; where it is.
fn start_chat(address: &str) -> (Program, String) {
    let mut server = Program::start(Command::new(env!("CARGO_BIN_EXE_chat_server")).arg(address));
    let line = server.line();
    let url = line.split(' ').find_map(|word| word.strip_prefix("http://"));
    (server, url.expect("it says where it is").to_owned())
}

/// The next connection, once who comes has said that he wants to join.
fn let_in(listener: &TcpListener) -> Result<WebSocket<TcpStream>> {
    let config = Config::new().keepalive(None);
    let incoming = Incoming::receive(listener.accept()?.0, &config)?;
    let mut ws =
        incoming.accept(&config, |request| Ok(request.accept()?.select_subprotocol(&["chat"])))?;
    let join = read_json(&mut ws)?;
    assert_eq!(join["type"], "join");
    Ok(ws)
}

/// What somebody else has said, as bytes.
fn said(text: &str) -> Vec<u8> {
    let message = json!({ "type": "said", "name": "Ada", "text": text });
    Prepared::text(&message.to_string()).frame().to_vec()
}

/// What a bot says next.
fn hear(ws: &mut WebSocket<TcpStream>) -> Result<String> {
    let message = read_json(ws)?;
    assert_eq!(message["type"], "say");
    Ok(message["text"].as_str().unwrap_or_default().to_owned())
}

/// What `name` says next in the chat.
fn hear_from<S: Stream>(ws: &mut WebSocket<S>, name: &str) -> Result<String> {
    loop {
        let message = read_json(ws)?;
        if message["type"] == "said" && message["name"] == name {
            return Ok(message["text"].as_str().unwrap_or_default().to_owned());
        }
    }
}

fn read_json<S: Stream>(ws: &mut WebSocket<S>) -> Result<Value> {
    loop {
        match ws.read()? {
            Some(Message::Text(text)) => return Ok(serde_json::from_str(&text)?),
            Some(Message::Ping(_) | Message::Pong(_)) => {}
            other => return Err(format!("{other:?} instead of a message").into()),
        }
    }
}

/// The code with which the other side closes or answers.
fn close_code<S: Stream>(ws: &mut WebSocket<S>) -> Result<u16> {
    loop {
        match ws.read()? {
            Some(Message::Close(close)) => return Ok(close.code.map_or(1005, u16::from)),
            Some(_) => {}
            None => return Err("there was no Close frame".into()),
        }
    }
}
