//! All of the chat bot that is not WebSocket, so that `src/bin/chat_bot_sansws.rs`
//! and `src/bin/chat_bot_tungstenite.rs` differ only in what their libraries make
//! different.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A bot for the chat: answers !time, !echo TEXT and !roll.
#[derive(Clone, Debug, Parser)]
pub struct Arguments {
    /// The chat, such as ws://127.0.0.1:8080/ws
    pub url: String,
    /// Under which name to join
    #[arg(default_value = "Bot")]
    pub name: String,
    /// After how many milliseconds of silence to ping
    #[arg(long, default_value = "30000", value_parser = millis)]
    pub idle: Duration,
    /// How many milliseconds to wait at most before connecting again for the first time
    #[arg(long, default_value = "5000", value_parser = millis)]
    pub delay: Duration,
}

fn millis(argument: &str) -> Result<Duration, std::num::ParseIntError> {
    argument.parse().map(Duration::from_millis)
}

/// The longest message to accept.
pub const MAX_MESSAGE_LEN: usize = 64 * 1024;

/// How long the other side may take: to let us in, to answer a ping or a Close
/// frame, to take what is sent.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How many dice may be in the air.
const MAX_DICE: usize = 8;

/// How long they are.
const THROW: Duration = Duration::from_millis(300);

/// What the bot says. It speaks the JSON of the chat.
#[derive(Debug)]
pub struct Bot {
    name: String,
    dice: (mpsc::Sender<String>, mpsc::Receiver<String>),
}

impl Bot {
    /// A bot that has not joined yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), dice: mpsc::channel(MAX_DICE) }
    }

    /// The message to join with.
    pub fn join(&self) -> String {
        json!({ "type": "join", "name": self.name }).to_string()
    }

    /// Hears a message, and answers it if there is something to say at once.
    pub fn hear(&mut self, message: &str) -> Option<String> {
        let message: Value = serde_json::from_str(message).unwrap_or_default();
        let (kind, name) = (message["type"].as_str()?, message["name"].as_str()?);
        match kind {
            "welcome" => {
                // The name was perhaps taken.
                name.clone_into(&mut self.name);
                println!("joined as {name}");
                None
            }
            "said" if name != self.name => self.obey(message["text"].as_str()?),
            _ => None,
        }
    }

    fn obey(&self, text: &str) -> Option<String> {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("!time", _) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Some(say(&format!("{} seconds since 1970", now.as_secs())))
            }
            ("!echo", rest) => Some(say(rest)),
            ("!roll", _) => self.roll(),
            _ => None,
        }
    }

    fn roll(&self) -> Option<String> {
        let Ok(permit) = self.dice.0.clone().try_reserve_owned() else {
            return Some(say("one moment, all dice are in the air"));
        };
        tokio::spawn(async move {
            tokio::time::sleep(THROW).await;
            permit.send(say(&format!("rolled {}", rand::random_range(1..=6))));
        });
        None
    }

    /// What it has to say later, when it is ready. Cancel-safe.
    pub async fn late_answer(&mut self) -> String {
        match self.dice.1.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await, // not while there is a sender
        }
    }
}

fn say(text: &str) -> String {
    json!({ "type": "say", "text": text }).to_string()
}

/// Whether the server will not think better of it (RFC 9110, 15.5).
pub fn is_final(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429)
}

/// How long to wait before connecting again. RFC 6455, 7.2.3: the first time a
/// random delay, then longer and longer ones.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    attempts: u32,
}

impl Backoff {
    /// Waits no longer than `first` for the first time.
    pub fn new(first: Duration) -> Self {
        Self { first, attempts: 0 }
    }

    /// The next delay: at least half of what it may be, but for the first time.
    pub fn delay(&mut self) -> Duration {
        let longest = self.first * (1 << self.attempts.min(6));
        let shares = if self.attempts == 0 { 0.0..1.0 } else { 0.5..1.0 };
        self.attempts += 1;
        longest.mul_f64(rand::random_range(shares))
    }

    /// Begins anew, after a connection that came about.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}
