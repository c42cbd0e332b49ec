//! The echo servers on each adapter, tried by the echo client: straight, with two
//! tasks a connection, and with nginx in between.

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
    let rows: [(&str, &[&str]); 4] = [
        ("blocking_echo", &[]),
        ("tokio_echo", &[]),
        ("tokio_echo", &["--split"]),
        ("smol_echo", &[]),
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
    let nginx = find_program(&["nginx"]).or_else(|| {
        let path = PathBuf::from("/usr/sbin/nginx");
        path.is_file().then_some(path)
    });
    if is_missing("nginx", nginx.is_some(), "apt-get install nginx-light") {
        return;
    }
    let (_server, address) = start_server_with("tokio_echo", FEATURES, &["--deflate"]);
    let port = free_port();
    let home = std::env::temp_dir().join(format!("sansws-nginx-{}", process::id()));
    fs::create_dir_all(&home).expect("a directory of ours");
    fs::write(home.join("nginx.conf"), configuration(port, &address)).expect("it is ours");
    let mut command = Command::new(nginx.expect("it is there"));
    command.arg("-p").arg(&home).arg("-c").arg(home.join("nginx.conf"));
    let _nginx = Program::start(command.arg("-e").arg(home.join("error.log")));
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(25));
    }
    let url = format!("ws://127.0.0.1:{port}/");
    check(&url, &[]);
    check(&url, &["--deflate"]);
    let _ = fs::remove_dir_all(&home);
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
                     proxy_pass http://{server};
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
