//! Clients by others and our examples: Node's `ws` and axum; Chromium, HTTP/2 and hyper.

#[path = "../../tests/support/devtools.rs"]
mod devtools;
#[path = "../../tests/support/peers.rs"]
mod peers;

use std::process::Command;

use devtools::Browser;
use peers::{Program, find_program, is_missing, scripts, start_server};
use serde_json::json;

fn node_is_missing() -> bool {
    let is_there = find_program(&["node"]).is_some() && scripts().join("node_modules/ws").is_dir();
    is_missing("Node's ws", is_there, "npm install --prefix tests/peers")
}

#[test]
fn ws_agrees_with_axum() {
    if node_is_missing() {
        return;
    }
    for (arguments, extensions) in [
        (&["--subprotocol", "chat"][..], ""),
        (&["--subprotocol", "chat", "--deflate"], "permessage-deflate"),
    ] {
        let (_server, address) = start_server("axum_echo", arguments);
        let mut node = Command::new("node");
        node.arg(scripts().join("ws_client.mjs"));
        node.args([&format!("ws://{address}/ws"), "chat", extensions]);
        assert_eq!(Program::start(&mut node).finish(), (vec!["ok".to_owned()], true));
    }
}

#[test]
fn ws_agrees_with_hyper_over_tls_without_http2() {
    if node_is_missing() {
        return;
    }
    let (mut server, address) = start_server("h2_echo", &[]);
    let mut node = Command::new("node");
    // The certificate is nobody's.
    node.env("NODE_TLS_REJECT_UNAUTHORIZED", "0").arg(scripts().join("ws_client.mjs"));
    node.args([&format!("wss://{address}/ws"), "echo", ""]);
    assert_eq!(Program::start(&mut node).finish(), (vec!["ok".to_owned()], true));
    let (opened, closed) = (server.line(), server.line());
    assert!(opened.starts_with("HTTP/1.1 ") && opened.ends_with(": open"), "{opened}");
    assert_eq!(closed, opened.replace("open", "closed"));
}

#[test]
fn chromium_opens_a_websocket_over_http2() {
    let found = find_program(&["chromium", "chromium-browser", "google-chrome"]);
    if is_missing("Chromium", found.is_some(), "apt-get install chromium") {
        return;
    }
    let mut browser = Browser::start(&found.unwrap(), &["--ignore-certificate-errors"]);
    for (arguments, extensions) in [(&[][..], ""), (&["--deflate"], "permessage-deflate")] {
        let (mut server, address) = start_server("h2_echo", arguments);
        let tab = browser.open(&format!("https://{address}/"));
        // The page's own WebSocket, over the connection of HTTP/2 that brought the page
        browser.wait(&tab, "document.querySelector('pre').innerText.includes('open')");
        let line = server.line();
        assert!(line.starts_with("HTTP/2.0 ") && line.ends_with(": open"), "{line}");

        let script = r#"new Promise(resolve => {
            const socket = new WebSocket(`wss://${location.host}/ws`, ["other", "echo"]);
            socket.binaryType = "arraybuffer";
            const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];
            const sent = [...sizes.map(size => "é".repeat(size)),
                          ...sizes.map(size => new Uint8Array(size).fill(size & 0xff).buffer)];
            const same = (a, b) => typeof a === "string" ? a === b
                : b.byteLength === a.byteLength
                  && new Uint8Array(b).every((byte, i) => byte === new Uint8Array(a)[i]);
            let received = 0, wrong = 0;
            socket.onopen = () => sent.forEach(message => socket.send(message));
            socket.onmessage = ({ data }) => {
                wrong += !same(sent[received], data);
                received += 1;
                if (received === sent.length) socket.close(3456, "grüße");
            };
            socket.onclose = ({ code, reason, wasClean }) => resolve(
                { received, wrong, protocol: socket.protocol, extensions: socket.extensions,
                  code, reason, wasClean });
        })"#;
        assert_eq!(
            browser.evaluate(&tab, script),
            json!({ "received": 14, "wrong": 0, "protocol": "echo", "extensions": extensions,
                    "code": 3456, "reason": "grüße", "wasClean": true })
        );
        let (opened, closed) = (server.line(), server.line());
        assert!(opened.starts_with("HTTP/2.0 ") && opened.ends_with(": open"), "{opened}");
        // Without an error, and on the same connection: it has the same port.
        assert_eq!(closed, opened.replace("open", "closed"));
        assert_eq!(opened, line);

        // A message that is too long is answered while it is being sent.
        let script = r#"new Promise(resolve => {
            const socket = new WebSocket(`wss://${location.host}/ws`);
            socket.onopen = () => socket.send(new ArrayBuffer((16 << 20) + 1));
            socket.onclose = ({ code, wasClean }) => resolve({ code, wasClean });
        })"#;
        assert_eq!(browser.evaluate(&tab, script), json!({ "code": 1009, "wasClean": true }));
    }
}
