//! What is shown, and how.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _, stderr, stdout};

use rustyline::{DefaultEditor, ExternalPrinter};
use sansws::CloseCode;
use sansws::Message;
use sansws::io::Refusal;

use crate::session::Ended;

/// How many bytes of a message are dumped in the terminal.
const MAX_DUMP: usize = 1024;

const GREEN: &str = "32";
const RED: &str = "31";
const DIM: &str = "2";

pub struct Screen {
    shows_pings: bool,
    /// Whether messages are read by a person.
    is_terminal: bool,
    has_colours: bool,
    /// Prints above the line that is being edited.
    printer: RefCell<Option<Box<dyn ExternalPrinter>>>,
}

impl Screen {
    pub fn new(shows_pings: bool) -> Self {
        let is_terminal = stdout().is_terminal();
        // https://no-color.org
        let forbids_colours = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let has_colours = is_terminal && stderr().is_terminal() && !forbids_colours;
        Self { shows_pings, is_terminal, has_colours, printer: RefCell::default() }
    }

    /// Leaves the line that is being edited as it is.
    pub fn share_with(&mut self, editor: &mut DefaultEditor) -> rustyline::Result<()> {
        self.printer = RefCell::new(Some(Box::new(editor.create_external_printer()?)));
        Ok(())
    }

    pub fn event(&self, event: &Message) {
        match event {
            Message::Text(text) if self.is_terminal => {
                self.print(GREEN, &format!("< {}", visible(text)));
            }
            Message::Text(text) => self.print(GREEN, text),
            Message::Binary(data) if self.is_terminal => {
                self.print(GREEN, &format!("< {} bytes\n{}", data.len(), dump(data)));
            }
            Message::Binary(data) => self.print(GREEN, &hex(data)),
            Message::Ping(data) if self.shows_pings => self.control("ping", data),
            Message::Pong(data) if self.shows_pings => self.control("pong", data),
            _ => {}
        }
    }

    fn control(&self, name: &str, data: &[u8]) {
        self.note(format!("{name} {}", visible(&String::from_utf8_lossy(data))).trim_end());
    }

    /// How the connection closed.
    pub fn ended(&self, ended: &Ended) {
        let who = if ended.by_us { "closed" } else { "closed by the server" };
        let code = ended.close.code.unwrap_or(CloseCode::NO_STATUS);
        let mut text = format!("{who}: {code} ({})", meaning(code));
        if !ended.close.reason.is_empty() {
            let _ = write!(text, " {:?}", ended.close.reason);
        }
        self.note(&text);
    }

    /// Why the connection was not opened: the response as it came.
    pub fn refusal(&self, refusal: &Refusal) {
        let who = if refusal.is_from_proxy() { "proxy" } else { "server" };
        self.error(&format!("the {who} answered with status {}", refusal.status()));
        let mut text = String::new();
        for (name, value) in refusal.response().headers() {
            let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value));
        }
        let _ = write!(text, "\n{}", String::from_utf8_lossy(refusal.body()));
        self.note(visible(&text.replace("\r\n", "\n")).trim_end());
    }

    /// Something that is not from the server.
    pub fn note(&self, text: &str) {
        self.print_aside(DIM, text);
    }

    pub fn error(&self, text: &str) {
        self.print_aside(RED, &format!("error: {text}"));
    }

    fn print(&self, colour: &str, text: &str) {
        let text = self.coloured(colour, text);
        if !self.print_above(&text) {
            // Whoever reads this may have had enough.
            let _ = writeln!(stdout(), "{text}");
        }
    }

    /// So that nothing but messages comes out of a pipe.
    fn print_aside(&self, colour: &str, text: &str) {
        let text = self.coloured(colour, text);
        if !self.print_above(&text) {
            let _ = writeln!(stderr(), "{text}");
        }
    }

    fn print_above(&self, text: &str) -> bool {
        let mut printer = self.printer.borrow_mut();
        printer.as_mut().is_some_and(|printer| printer.print(format!("{text}\n")).is_ok())
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.has_colours { format!("\x1b[{colour}m{text}\x1b[m") } else { text.to_owned() }
    }
}

/// Without what could tell the terminal to do something.
fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && !matches!(character, '\n' | '\t') {
            visible.extend(character.escape_default());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// Where, in hexadecimal, and as ASCII: sixteen bytes a line.
fn dump(data: &[u8]) -> String {
    let mut dump = String::new();
    for (number, line) in data[..data.len().min(MAX_DUMP)].chunks(16).enumerate() {
        let ascii = line.iter().map(|&byte| match byte {
            b' '..=b'~' => char::from(byte),
            _ => '.',
        });
        let ascii: String = ascii.collect();
        let hex: Vec<String> = line.chunks(8).map(spaced_hex).collect();
        let _ = writeln!(dump, "  {:04x}  {:48}  {ascii}", number * 16, hex.join("  "));
    }
    if data.len() > MAX_DUMP {
        let _ = writeln!(dump, "  and {} more", data.len() - MAX_DUMP);
    }
    dump.truncate(dump.trim_end().len());
    dump
}

fn spaced_hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn meaning(code: CloseCode) -> &'static str {
    match code {
        CloseCode::NORMAL => "normal",
        CloseCode::GOING_AWAY => "going away",
        CloseCode::PROTOCOL_ERROR => "protocol error",
        CloseCode::UNSUPPORTED_DATA => "unsupported data",
        CloseCode::NO_STATUS => "no code",
        CloseCode::INVALID_PAYLOAD => "invalid data",
        CloseCode::POLICY_VIOLATION => "policy violation",
        CloseCode::MESSAGE_TOO_BIG => "message too big",
        CloseCode::MISSING_EXTENSION => "extension missing",
        CloseCode::INTERNAL_ERROR => "internal error",
        CloseCode::SERVICE_RESTART => "service restart",
        CloseCode::TRY_AGAIN_LATER => "try again later",
        CloseCode::BAD_GATEWAY => "bad gateway",
        _ => "the application's own",
    }
}
