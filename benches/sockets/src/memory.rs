//! What connections at rest take of a server's memory.

use std::thread;
use std::time::Duration;

use crate::Asked;
use crate::echo::Blame;
use crate::load::Load;
use crate::messages;
use crate::process::{self, Process};
use crate::report::Report;
use crate::servers::Mode;

pub fn run(asked: &Asked, report: &Report) {
    let wanted = if asked.is_quick { 100 } else { 10_000 };
    let count = wanted.min(process::max_connections());
    let messages = messages::make(false, 16 << 10);
    println!("resident bytes of each of {count} connections");
    println!("{:>28}  {:>10}  {:>22}", "", "fresh", "after 16 KiB echoed");
    let mut rows = Vec::new();
    for server in asked.servers().filter(|server| !server.checks_utf8) {
        let _blame = Blame(server.name);
        let process = Process::start(server, Mode::Echo);
        drop(Load::open(process.address, 1));
        settle();
        let before = process.resident();
        let mut load = Load::open(process.address, count);
        settle();
        let fresh = process.resident().saturating_sub(before) / count as u64;
        load.echo_in_turns(&messages);
        settle();
        let used = process.resident().saturating_sub(before) / count as u64;
        println!("{:>28}  {fresh:>10}  {used:>22}", server.name);
        rows.push(format!("{},{count},{fresh},{used}", server.name));
    }
    report.write("memory", "server,connections,fresh_bytes,used_bytes", &rows);
}

fn settle() {
    thread::sleep(Duration::from_millis(500));
}
