//! Every server at every scenario, in turns.

use std::time::Duration;

use crate::Asked;
use crate::load::{self, Load};
use crate::messages::{self, Message};
use crate::process::Process;
use crate::report::{Figure, Report};
use crate::scenario::{self, Kind, Scenario};
use crate::servers::{Mode, Server};

pub fn run(asked: &Asked, report: &Report) {
    for scenario in scenario::ALL.iter().filter(|it| asked.wants_scenario(it.name)) {
        let takes_part = |server: &&Server| server.takes_part(scenario.mode(), scenario.is_text);
        let servers = asked.servers().filter(takes_part);
        let mut contenders: Vec<_> =
            servers.map(|server| Contender::start(server, scenario.mode())).collect();
        let messages = messages::make(scenario.is_text, scenario.size);
        let rounds = if asked.is_quick { 1 } else { asked.rounds.unwrap_or(9) };
        let count = if asked.is_quick { scenario.count / 20 } else { scenario.count };
        for round in 0..rounds {
            for turn in 0..contenders.len() {
                // Nobody always comes after the same.
                let contender = (turn + round) % contenders.len();
                contenders[contender].measure(scenario, &messages, count);
            }
        }
        let figures: Vec<_> = contenders
            .into_iter()
            .map(|Contender { server, rounds, .. }| Figure::new(server, rounds))
            .collect();
        report.scenario(scenario.name, scenario.about, &figures);
    }
}

struct Contender {
    server: &'static Server,
    process: Process,
    /// Nanoseconds for each message.
    rounds: Vec<f64>,
}

impl Contender {
    fn start(server: &'static Server, mode: Mode) -> Self {
        Self { server, process: Process::start(server, mode), rounds: Vec::new() }
    }

    fn measure(&mut self, scenario: &Scenario, messages: &[Message], count: usize) {
        let _blame = Blame(self.server.name);
        let Scenario { connections, in_flight, .. } = *scenario;
        let address = self.process.address;
        let warm_up = count.div_ceil(10);
        let each = match scenario.kind {
            Kind::Echo => {
                let mut load = Load::open(address, connections);
                load.echo(messages, in_flight, warm_up.max(connections));
                let elapsed = timed(&mut self.process, || load.echo(messages, in_flight, count));
                elapsed.as_secs_f64() / count as f64
            }
            Kind::Broadcast => {
                let mut load = Load::open(address, connections);
                load.broadcast(messages, warm_up);
                let elapsed = timed(&mut self.process, || load.broadcast(messages, count));
                elapsed.as_secs_f64() / (count * connections) as f64
            }
            Kind::Connect => {
                load::connect(address, &messages[0], connections, warm_up);
                let elapsed = timed(&mut self.process, || {
                    load::connect(address, &messages[0], connections, count);
                });
                elapsed.as_secs_f64() / count as f64
            }
        };
        self.rounds.push(each * 1e9);
    }
}

/// The server's processor time for what `work` makes it do.
pub fn timed(process: &mut Process, work: impl FnOnce()) -> Duration {
    let start = process.cpu_time();
    work();
    process.cpu_time() - start
}

/// Says who it was, if the generator panics.
pub struct Blame(pub &'static str);

impl Drop for Blame {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was found of {}", self.0);
        }
    }
}
