//! What servers cost over loopback, sansws beside other WebSocket libraries.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

use std::path::Path;

mod echo;
mod growth;
mod load;
mod memory;
mod messages;
mod process;
mod report;
mod scenario;
mod servers;

/// Does what the arguments ask for; the figures go to `directory`.
pub fn run(arguments: Vec<String>, directory: &Path) {
    if let [command, server, mode, cpu] = &arguments[..]
        && command == "serve"
    {
        return process::serve(server, mode, cpu);
    }
    let (options, filters): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|argument| argument.starts_with("--"));
    let has = |name: &str| options.iter().any(|option| option == name);
    let value = |name: &str| options.iter().find_map(|option| option.strip_prefix(name));
    process::prepare_generator();
    let asked = Asked {
        is_quick: has("--quick"),
        scenarios: value("--scenarios=").map(str::to_owned),
        servers: filters,
        rounds: value("--rounds=").map(|rounds| rounds.parse().expect("a number of rounds")),
    };
    let report = report::Report::new(directory, asked.is_quick);
    if has("--memory") {
        memory::run(&asked, &report);
    } else if has("--growth") {
        growth::run(&asked, &report);
    } else {
        echo::run(&asked, &report);
    }
}

/// What the arguments ask for.
struct Asked {
    is_quick: bool,
    /// Names with commas between; all, if there are none.
    scenarios: Option<String>,
    /// Parts of names; all, if there are none.
    servers: Vec<String>,
    rounds: Option<usize>,
}

impl Asked {
    fn wants_scenario(&self, name: &str) -> bool {
        self.scenarios.as_ref().is_none_or(|names| names.split(',').any(|it| it == name))
    }

    fn servers(&self) -> impl Iterator<Item = &'static servers::Server> {
        servers::ALL.iter().filter(|server| {
            let is_named = |part: &String| server.name.contains(part.as_str());
            self.servers.is_empty() || self.servers.iter().any(is_named)
        })
    }
}
