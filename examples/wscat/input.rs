//! Where lines come from: a terminal with line editing, a pipe, or the command line.

use std::error::Error;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustyline::DefaultEditor;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::screen::Screen;

pub struct Input {
    pub lines: Lines,
    /// The thread that has the terminal.
    terminal: Option<JoinHandle<()>>,
}

pub struct Lines {
    receiver: Receiver<io::Result<String>>,
    /// Whether a line may be a command.
    pub have_commands: bool,
}

impl Lines {
    /// The next line. After an error there are no more.
    pub async fn next(&mut self) -> Option<io::Result<String>> {
        self.receiver.recv().await
    }
}

impl Input {
    /// The lines to `execute` or, if there are none, those of the standard input.
    pub fn open(execute: &[String], screen: &mut Screen) -> Result<Self, Box<dyn Error>> {
        let is_terminal =
            execute.is_empty() && io::stdin().is_terminal() && io::stdout().is_terminal();
        let (sender, receiver) = channel(64);
        let terminal = if is_terminal {
            let mut editor = DefaultEditor::new()?;
            screen.share_with(&mut editor)?;
            Some(thread::spawn(|| edit(editor, sender)))
        } else {
            let execute = execute.to_vec();
            thread::spawn(move || match &execute[..] {
                [] => send(io::stdin().lock().lines(), &sender),
                texts => send(texts.iter().cloned().map(Ok), &sender),
            });
            None
        };
        Ok(Self { lines: Lines { receiver, have_commands: is_terminal }, terminal })
    }

    pub fn is_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// Gives the terminal back as it was.
    pub fn close(self) {
        drop(self.lines);
        // The editor may be about to begin with the next line.
        while self.terminal.as_ref().is_some_and(|terminal| !terminal.is_finished()) {
            if !interrupt() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn edit(mut editor: DefaultEditor, sender: Sender<io::Result<String>>) {
    // An error is Ctrl-C, Ctrl-D or the end of the terminal.
    while let Ok(line) = editor.readline("> ") {
        let _ = editor.add_history_entry(&line);
        if sender.blocking_send(Ok(line)).is_err() {
            break;
        }
    }
}

fn send(lines: impl Iterator<Item = io::Result<String>>, sender: &Sender<io::Result<String>>) {
    for line in lines {
        let is_last = line.is_err();
        if sender.blocking_send(line).is_err() || is_last {
            break;
        }
    }
}

/// Interrupts the line that is being edited, as Ctrl-C would: the editor gives up
/// when it gets the signal. Whether there are signals.
#[cfg(unix)]
fn interrupt() -> bool {
    use nix::sys::signal::{Signal, raise};
    use tokio::signal::unix::{SignalKind, signal};
    // Nobody else may be listening, and then it would end the program.
    let listener = signal(SignalKind::interrupt());
    listener.is_ok() && raise(Signal::SIGINT).is_ok()
}

#[cfg(not(unix))]
fn interrupt() -> bool {
    false
}
