//! Node's `ws`, as a client of our server and as a server for our client.

#[path = "support/peers.rs"]
mod peers;

use std::process::Command;

use peers::{Program, example, find_program, is_missing, scripts, start_server};

fn node_is_missing() -> bool {
    let is_there = find_program(&["node"]).is_some() && scripts().join("node_modules/ws").is_dir();
    is_missing("Node's ws", is_there, "npm install --prefix tests/peers")
}

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(scripts().join(script));
    command
}

#[test]
fn ws_as_a_client_agrees_with_our_server() {
    if node_is_missing() {
        return;
    }
    let (_server, address) = start_server("echo_server", &[]);
    let url = format!("ws://{address}/");
    let client = Program::start(node("ws_client.mjs").args([&*url, "echo", ""]));
    assert_eq!(client.finish(), (vec!["ok".to_owned()], true));
}

#[test]
fn ws_as_a_client_agrees_with_our_server_compressed() {
    if node_is_missing() {
        return;
    }
    let (_server, address) = start_server("echo_server", &["--deflate"]);
    let url = format!("ws://{address}/");
    for parameters in [
        "{}",
        r#"{"serverNoContextTakeover":true}"#,
        r#"{"clientNoContextTakeover":true}"#,
        r#"{"serverMaxWindowBits":9}"#,
        r#"{"clientMaxWindowBits":10}"#,
    ] {
        let arguments = [&url, "echo", "permessage-deflate", parameters];
        let client = Program::start(node("ws_client.mjs").args(arguments));
        assert_eq!(client.finish(), (vec!["ok".to_owned()], true), "{parameters}");
    }
}

#[test]
fn ws_as_a_server_agrees_with_our_client() {
    if node_is_missing() {
        return;
    }
    let echo_client = example("echo_client");
    for parameters in [
        r#"{"threshold":0}"#,
        r#"{"threshold":0,"serverNoContextTakeover":true,"clientNoContextTakeover":true}"#,
        r#"{"threshold":0,"serverMaxWindowBits":10,"clientMaxWindowBits":9}"#,
    ] {
        let mut server = Program::start(node("ws_server.mjs").arg(parameters));
        let url = server.line();
        for path in ["/", "/fragments"] {
            let url = url.clone() + path;
            let client = Program::start(Command::new(&echo_client).args([&*url, "--deflate"]));
            let (lines, succeeded) = client.finish();
            assert!(succeeded, "{parameters}, {path}: {lines:#?}");
        }
    }

    let mut server = Program::start(&mut node("ws_server.mjs"));
    let url = server.line();
    for path in ["/", "/fragments", "/greeting"] {
        let client = Program::start(Command::new(&echo_client).arg(url.clone() + path));
        let (lines, succeeded) = client.finish();
        let (checks, closed) = lines.split_at(lines.len() - 1);
        assert!(checks.len() >= 18 && succeeded, "{path}: {lines:#?}");
        assert!(
            checks.iter().all(|l| l.starts_with("CHECK ") && l.ends_with(" PASS")),
            "{lines:#?}"
        );
        assert_eq!(closed, ["CLOSED 1000 done"], "{path}");
    }

    let client = Program::start(Command::new(&echo_client).arg(url + "/close"));
    let (lines, succeeded) = client.finish();
    assert!(!succeeded);
    assert_eq!(lines.first().map(String::as_str), Some("CHECK open PASS"));
    assert_eq!(lines.last().map(String::as_str), Some("CLOSED 4001 not today"));
    assert!(lines.iter().any(|line| line.contains(" FAIL ")), "{lines:#?}");
}
