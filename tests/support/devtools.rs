//! Drives Chromium through its DevTools protocol, which is JSON over a
//! WebSocket, so with our own client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sansws::handshake::{Answer, RequestBuilder, nonce};
use sansws::{Config, Connection, Event, MaskingKeys};
use serde_json::{Value, json};

/// How long anything in the browser may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A headless browser with a fresh profile; ends with the test.
pub struct Browser {
    child: Child,
    profile: PathBuf,
    ws: Connection,
    socket: TcpStream,
    last_id: u64,
}

/// A page in the browser.
#[derive(Clone)]
pub struct Tab {
    session: String,
}

impl Browser {
    pub fn start(chromium: &Path, more_flags: &[&str]) -> Self {
        // Tests run at the same time, and a profile is for one browser.
        static BROWSERS: AtomicU32 = AtomicU32::new(0);
        let number = BROWSERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("sansws-browser-{}-{number}", std::process::id());
        let profile = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&profile);
        std::fs::create_dir_all(&profile).expect("a temporary directory");
        let flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
                     --disable-background-networking --disable-component-update --disable-sync \
                     --disable-dev-shm-usage --remote-debugging-port=0";
        let child = Command::new(chromium)
            .args(flags.split_whitespace())
            .args(more_flags)
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Chromium starts");

        // It writes where it listens: a port, and the path of its own target.
        let port_file = profile.join("DevToolsActivePort");
        let (port, path) = wait_for("Chromium to listen", || {
            let text = std::fs::read_to_string(&port_file).ok()?;
            let (port, path) = text.split_once('\n')?;
            Some((port.to_owned(), path.trim().to_owned()))
        });
        let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let ws = open(&mut socket, &format!("ws://127.0.0.1:{port}{path}"));
        Self { child, profile, ws, socket, last_id: 0 }
    }

    /// Opens a page.
    pub fn open(&mut self, url: &str) -> Tab {
        let target = self.call(None, "Target.createTarget", json!({ "url": url })).expect("a tab");
        let params = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call(None, "Target.attachToTarget", params).expect("a session");
        let tab = Tab { session: session["sessionId"].as_str().expect("its name").to_owned() };
        self.wait(
            &tab,
            &format!("location.href === {url:?} && document.readyState === 'complete'"),
        );
        tab
    }

    /// What an expression gives in a page; a promise is awaited.
    pub fn evaluate(&mut self, tab: &Tab, expression: &str) -> Value {
        self.try_evaluate(tab, expression).unwrap_or_else(|error| panic!("{expression}: {error:#}"))
    }

    /// Waits until an expression is true in a page, which may be loading yet.
    pub fn wait(&mut self, tab: &Tab, expression: &str) {
        wait_for(expression, || {
            (self.try_evaluate(tab, expression) == Ok(Value::Bool(true))).then_some(())
        });
    }

    fn try_evaluate(&mut self, tab: &Tab, expression: &str) -> Result<Value, Value> {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call(Some(tab), "Runtime.evaluate", params)?;
        if answer.get("exceptionDetails").is_some() {
            return Err(answer);
        }
        Ok(answer["result"]["value"].clone())
    }

    fn call(&mut self, tab: Option<&Tab>, method: &str, params: Value) -> Result<Value, Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut request = json!({ "id": id, "method": method, "params": params });
        if let Some(tab) = tab {
            request["sessionId"] = json!(tab.session);
        }
        let mut out = Vec::new();
        self.ws.send_text(&request.to_string(), &mut out).expect("it is open");

        let mut buffer = vec![0; 64 * 1024];
        loop {
            self.socket.write_all(&out).expect("Chromium reads");
            out.clear();
            let n = self.socket.read(&mut buffer).expect("Chromium answers");
            assert_ne!(n, 0, "Chromium ended");
            let mut input = &mut buffer[..n];
            // Nothing is sent after an answer until the next call.
            let mut answer = None;
            while let Some(event) = self.ws.receive(&mut input, &mut out).expect("valid frames") {
                let Event::Text(text) = event else { continue };
                let message: Value = serde_json::from_str(&text).expect("it sends JSON");
                if message["id"] == id {
                    answer = Some(match message.get("error") {
                        None => Ok(message["result"].clone()),
                        Some(_) => Err(message),
                    });
                }
            }
            if let Some(answer) = answer {
                self.socket.write_all(&out).expect("Chromium reads");
                return answer;
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn open(socket: &mut TcpStream, url: &str) -> Connection {
    let mut out = Vec::new();
    let request = RequestBuilder::new(url).expect("Chromium gives a right URL");
    let mut handshake = request.start(nonce(), &mut out);
    socket.write_all(&out).expect("Chromium reads");
    let mut buffer = vec![0; 4096];
    loop {
        let n = socket.read(&mut buffer).expect("Chromium answers");
        assert_ne!(n, 0, "Chromium ended");
        let mut input = &mut buffer[..n];
        match handshake.receive(&mut input).expect("a right handshake") {
            None => {}
            Some(Answer::Accepted(accepted)) => {
                assert!(input.is_empty(), "Chromium does not speak first");
                let config = Config::new().max_message_len(64 << 20);
                return accepted.into_connection(&config, MaskingKeys::random());
            }
            Some(Answer::Refused(response)) => panic!("refused: {response:?}"),
        }
    }
}

fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(ready) = ready() {
            return ready;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
