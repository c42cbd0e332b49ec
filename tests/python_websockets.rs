//! Python's `websockets`, compressing: a second opinion besides Node's `ws`.

#[path = "support/peers.rs"]
mod peers;

use std::process::Command;

use peers::{Program, example, is_missing, scripts, start_server};

/// A script under the Python that has the package; `None` if there is none.
fn python(script: &str) -> Option<Command> {
    let python = scripts().join(".venv/bin/python");
    let install = "python3 -m venv tests/peers/.venv && \
                   tests/peers/.venv/bin/pip install -r tests/peers/requirements.txt";
    if is_missing("Python's websockets", python.is_file(), install) {
        return None;
    }
    let mut command = Command::new(python);
    command.arg(scripts().join(script));
    Some(command)
}

#[test]
fn websockets_as_a_client_agrees_with_our_server() {
    let Some(mut client) = python("websockets_client.py") else { return };
    let (_server, address) = start_server("echo_server", &["--deflate"]);
    let client = Program::start(client.arg(format!("ws://{address}/")));
    assert_eq!(client.finish(), (vec!["ok".to_owned()], true));
}

#[test]
fn websockets_as_a_server_agrees_with_our_client() {
    let Some(mut server) = python("websockets_server.py") else { return };
    let mut server = Program::start(&mut server);
    let url = server.line();
    for arguments in [&[&*url][..], &[&*url, "--deflate"]] {
        let client = Program::start(Command::new(example("echo_client")).args(arguments));
        let (lines, succeeded) = client.finish();
        assert!(succeeded, "{arguments:?}: {lines:#?}");
    }
}
