//! How the cost of a message grows, with all that it can grow with.

use crate::Asked;
use crate::echo::{Blame, timed};
use crate::load::Load;
use crate::messages;
use crate::process::{self, Process};
use crate::report::Report;
use crate::servers::Mode;

/// A row of figures: how many connections, messages in flight on each, and bytes.
type Point = (usize, usize, usize);

pub fn run(asked: &Asked, report: &Report) {
    let mut rows = Vec::new();
    let in_flight = [1, 2, 4, 8, 16, 32, 64, 128].map(|in_flight| (100, in_flight, 16));
    series("in_flight", &in_flight, asked, &mut rows);
    let connections = [1, 10, 100, 1000, 10_000].map(|connections| (connections, 1, 16));
    series("connections", &connections, asked, &mut rows);
    let sizes: Vec<Point> = (0..=24).step_by(2).map(|log| (4, 1, 1 << log)).collect();
    series("size", &sizes, asked, &mut rows);
    report.write("growth", "series,server,connections,in_flight,bytes,median_ns", &rows);
}

fn series(name: &str, points: &[Point], asked: &Asked, rows: &mut Vec<String>) {
    let is_wanted = |server: &&crate::servers::Server| {
        server.grows || (!asked.servers.is_empty() && !server.checks_utf8)
    };
    let servers: Vec<_> = asked.servers().filter(is_wanted).collect();
    let mut processes: Vec<_> =
        servers.iter().map(|server| Process::start(server, Mode::Echo)).collect();
    println!("\n{name}: ns/message");
    print!("{:>12} {:>10} {:>10}", "connections", "in flight", "bytes");
    servers.iter().for_each(|server| print!("  {:>16}", server.name));
    println!();
    for &(connections, in_flight, size) in points {
        let connections = connections.min(process::max_connections());
        let messages = messages::make(false, size);
        let per_message = 4000 + size / 2;
        let budget = if asked.is_quick { 4_000_000 } else { 80_000_000 };
        let count = (budget / per_message).clamp(connections.max(8), 40_000);
        let rounds = if asked.is_quick { 1 } else { asked.rounds.unwrap_or(5) };
        let mut figures = vec![Vec::new(); servers.len()];
        for round in 0..rounds {
            for turn in 0..servers.len() {
                let i = (turn + round) % servers.len();
                let _blame = Blame(servers[i].name);
                let mut load = Load::open(processes[i].address, connections);
                load.echo(&messages, in_flight, connections.max(count / 10));
                let time = timed(&mut processes[i], || load.echo(&messages, in_flight, count));
                figures[i].push(time.as_secs_f64() * 1e9 / count as f64);
            }
        }
        print!("{connections:>12} {in_flight:>10} {size:>10}");
        for (server, rounds) in servers.iter().zip(&mut figures) {
            rounds.sort_by(f64::total_cmp);
            let median = rounds[rounds.len() / 2];
            print!("  {median:>16.0}");
            rows.push(format!(
                "{name},{},{connections},{in_flight},{size},{median:.1}",
                server.name
            ));
        }
        println!();
    }
}
