//! The echo servers on each adapter, and that without any on epoll, tried by the
//! echo client: straight, with two tasks a connection, with nginx in between, and
//! through TLS.

#[path = "support/peers.rs"]
mod peers;

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{fs, process, thread};

use peers::{Program, example, find_program, is_missing, start_server_with};

/// One set for all, so that nothing is built twice.
const FEATURES: &str = "tokio,futures-io";

/// Runs all the echo client's checks at a URL.
fn check(url: &str, arguments: &[&str]) {
    let client = Program::start(Command::new(example("echo_client")).arg(url).args(arguments));
    let (lines, succeeded) = client.finish();
    assert!(succeeded, "{url} {arguments:?}: {lines:#?}");
    let checks = lines.iter().filter(|line| line.starts_with("CHECK ") && line.ends_with(" PASS"));
    assert!(checks.count() >= 18, "{lines:#?}");
}

#[test]
fn the_echo_client_is_satisfied_with_each_adapter() {
    let rows: [(&str, &[&str]); 5] = [
        ("blocking_echo", &[]),
        ("tokio_echo", &[]),
        ("tokio_echo", &["--split"]),
        ("smol_echo", &[]),
        ("epoll_echo", &[]),
    ];
    for (server, arguments) in rows {
        let (_server, address) =
            start_server_with(server, FEATURES, &[&["--deflate"], arguments].concat());
        let url = format!("ws://{address}/");
        check(&url, &[]);
        check(&url, &["--deflate"]);
    }
}

#[test]
fn nginx_in_between_changes_nothing() {
    let (_server, address) = start_server_with("tokio_echo", FEATURES, &["--deflate"]);
    let Some(nginx) = Nginx::start("plain", &format!("http://{address}")) else { return };
    check(&nginx.url(), &[]);
    check(&nginx.url(), &["--deflate"]);
}

/// The echo client knows no TLS, so nginx speaks it for it.
#[test]
fn the_echo_client_is_satisfied_through_tls() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let certified = certified.expect("a name");
    let home = directory("certificate");
    let (cert, key) = (home.join("cert.pem"), home.join("key.pem"));
    fs::write(&cert, certified.cert.pem()).expect("it is ours");
    fs::write(&key, certified.signing_key.serialize_pem()).expect("it is ours");
    let files = [&cert, &key].map(|path| path.to_str().expect("a path of text"));
    let arguments = ["--cert", files[0], "--key", files[1]];
    let (_server, address) = start_server_with("tls_echo", "tokio-rustls", &arguments);
    let Some(nginx) = Nginx::start("tls", &format!("https://{address}")) else { return };
    check(&nginx.url(), &[]);
    let _ = fs::remove_dir_all(home);
}

/// An nginx that is a proxy to a server, and ends with the test.
struct Nginx {
    _program: Program,
    port: u16,
    home: PathBuf,
}

impl Nginx {
    fn start(name: &str, server: &str) -> Option<Self> {
        let nginx = find_program(&["nginx"]).or_else(|| {
            let path = PathBuf::from("/usr/sbin/nginx");
            path.is_file().then_some(path)
        });
        if is_missing("nginx", nginx.is_some(), "apt-get install nginx-light") {
            return None;
        }
        let (home, port) = (directory(name), free_port());
        fs::write(home.join("nginx.conf"), configuration(port, server)).expect("it is ours");
        let mut command = Command::new(nginx?);
        command.arg("-p").arg(&home).arg("-c").arg(home.join("nginx.conf"));
        let program = Program::start(command.arg("-e").arg(home.join("error.log")));
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(25));
        }
        Some(Self { _program: program, port, home })
    }

    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("sansws-{name}-{}", process::id()));
    fs::create_dir_all(&path).expect("a directory of ours");
    path
}

/// As nginx's documentation of WebSocket proxying has it.
fn configuration(port: u16, server: &str) -> String {
    format!(
        "daemon off;
         master_process off;
         pid nginx.pid;
         events {{}}
         http {{
             access_log off;
             client_body_temp_path body;
             proxy_temp_path proxy;
             fastcgi_temp_path fastcgi;
             uwsgi_temp_path uwsgi;
             scgi_temp_path scgi;
             server {{
                 listen 127.0.0.1:{port};
                 location / {{
                     proxy_pass {server};
                     proxy_http_version 1.1;
                     proxy_set_header Upgrade $http_upgrade;
                     proxy_set_header Connection upgrade;
                 }}
             }}
         }}"
    )
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
