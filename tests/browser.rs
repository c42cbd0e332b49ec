//! Chromium talks to our servers: the chat page in two tabs, and scripts that
//! look at what a `WebSocket` object sees.

#[path = "support/devtools.rs"]
mod devtools;
#[path = "support/peers.rs"]
mod peers;

use std::path::PathBuf;

use devtools::Browser;
use peers::{find_program, is_missing, start_server};
use serde_json::json;

fn chromium() -> Option<PathBuf> {
    let found = find_program(&["chromium", "chromium-browser", "google-chrome"]);
    if is_missing("Chromium", found.is_some(), "apt-get install chromium") { None } else { found }
}

#[test]
fn two_tabs_chat() {
    let Some(chromium) = chromium() else { return };
    let mut browser = Browser::start(&chromium, &[]);
    for arguments in [&[][..], &["--deflate"]] {
        let (_server, address) = start_server("chat", arguments);
        chat_in_two_tabs(&mut browser, &address);
    }
}

fn chat_in_two_tabs(browser: &mut Browser, address: &str) {
    let anna = browser.open(&format!("http://{address}/"));
    let ben = browser.open(&format!("http://{address}/"));

    let shows = |text: &str| format!("document.getElementById('log').innerText.includes({text:?})");
    let enters = |form: &str, input: &str, text: &str| {
        format!(
            "document.getElementById({input:?}).value = {text:?};
             document.getElementById({form:?}).requestSubmit()"
        )
    };
    browser.evaluate(&anna, &enters("join", "name", "Anna"));
    browser.wait(&anna, &shows("Welcome, Anna. Here: Anna"));
    browser.evaluate(&ben, &enters("join", "name", "Ben"));
    browser.wait(&ben, &shows("Welcome, Ben."));
    browser.wait(&anna, &shows("Ben has joined"));

    // Short, and long enough to be compressed each way
    for text in ["Grüße, 日本 𝄞", &"Grüße, 日本 𝄞 ".repeat(100)] {
        browser.evaluate(&anna, &enters("say", "text", text));
        browser.wait(&ben, &shows(&format!("Anna: {}", text.trim_end())));
        browser.wait(&anna, &shows(&format!("Anna: {}", text.trim_end())));
    }

    browser.evaluate(&ben, "document.getElementById('leave').click()");
    browser.wait(&ben, &shows("Disconnected: code 1000 bye (clean)"));
    browser.wait(&anna, &shows("Ben has left"));

    // A page that does not keep to the chat's rules is closed with a reason.
    let broken = "new Promise(resolve => {
        const socket = new WebSocket(`ws://${location.host}/ws`);
        socket.onopen = () => socket.send('not JSON');
        socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
    })";
    assert_eq!(
        browser.evaluate(&ben, broken),
        json!({ "code": 1008, "reason": "join first, then say", "wasClean": true })
    );
}

#[test]
fn a_script_sees_every_echo_and_a_clean_close() {
    let Some(chromium) = chromium() else { return };
    let (_chat, page) = start_server("chat", &[]);
    let mut browser = Browser::start(&chromium, &[]);
    let tab = browser.open(&format!("http://{page}/"));

    let script = r#"new Promise((resolve, reject) => {
        const socket = new WebSocket("ws://ADDRESS/", ["other", "echo"]);
        socket.binaryType = "arraybuffer";
        const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];
        const json = size => JSON.stringify(
            Array.from({ length: size / 32 }, (_, id) => ({ id, name: `name ${id}` })));
        const sent = [...sizes.map(size => "é".repeat(size)),
                      json(1024), json(1024), json(1 << 20), json(1 << 20),
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
    for (arguments, extensions) in [(&[][..], ""), (&["--deflate"], "permessage-deflate")] {
        let (_server, address) = start_server("echo_server", arguments);
        assert_eq!(
            browser.evaluate(&tab, &script.replace("ADDRESS", &address)),
            json!({ "received": 18, "wrong": 0, "protocol": "echo", "extensions": extensions,
                    "code": 3456, "reason": "grüße", "wasClean": true })
        );
    }
}
