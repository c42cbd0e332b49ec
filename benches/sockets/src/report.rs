//! Tables to read, and files to draw from.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::servers::Server;

pub struct Report {
    directory: PathBuf,
    is_quick: bool,
}

/// What was measured of a server.
pub struct Figure {
    pub server: &'static Server,
    /// Of all rounds.
    pub median: f64,
    pub least: f64,
}

impl Figure {
    pub fn new(server: &'static Server, mut rounds: Vec<f64>) -> Self {
        rounds.sort_by(f64::total_cmp);
        Self { server, median: rounds[rounds.len() / 2], least: rounds[0] }
    }

    /// How many times as much it is as the least of those that `is_limit` says, if there
    /// are any.
    fn times(&self, figures: &[Self], is_limit: fn(&Server) -> bool) -> String {
        let limits = figures.iter().filter(|figure| is_limit(figure.server));
        let best = limits.map(|figure| figure.median).reduce(f64::min);
        best.map_or(String::new(), |best| format!("{:.2}", self.median / best))
    }
}

impl Report {
    pub fn new(directory: &Path, is_quick: bool) -> Self {
        Self { directory: directory.into(), is_quick }
    }

    /// Prints a table of nanoseconds, and writes it to a file.
    pub fn scenario(&self, name: &str, about: &str, figures: &[Figure]) {
        println!("\n{name}: {about}");
        let [median, least, limit, utf8] = ["ns/message", "least", "x limit", "x utf8"];
        println!("{:>28}  {median:>12}  {least:>12}  {limit:>8}  {utf8:>8}", "");
        let mut rows = Vec::new();
        for figure in figures {
            let Figure { server: Server { name: server, is_limit, .. }, median, least } = figure;
            let limit = figure.times(figures, |server| server.is_limit);
            let utf8 = figure.times(figures, |server| server.checks_utf8);
            println!("{server:>28}  {median:>12.0}  {least:>12.0}  {limit:>8}  {utf8:>8}");
            rows.push(format!("{name},{server},{is_limit},{median:.1},{least:.1},{limit},{utf8}"));
        }
        let heading = "scenario,server,limit,median_ns,least_ns,times_limit,times_utf8_limit";
        self.write(name, heading, &rows);
    }

    /// Writes a file of values with commas between them.
    pub fn write(&self, name: &str, heading: &str, rows: &[String]) {
        if self.is_quick {
            return;
        }
        fs::create_dir_all(&self.directory).unwrap();
        let mut file = fs::File::create(self.directory.join(format!("{name}.csv"))).unwrap();
        writeln!(file, "{heading}").unwrap();
        rows.iter().for_each(|row| writeln!(file, "{row}").unwrap());
    }
}
