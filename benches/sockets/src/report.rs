//! Tables to read, and files to draw from.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

pub struct Report {
    directory: PathBuf,
    is_quick: bool,
}

/// What was measured of a server.
pub struct Figure {
    pub server: &'static str,
    pub is_limit: bool,
    /// Of all rounds.
    pub median: f64,
    pub least: f64,
}

impl Figure {
    pub fn new(server: &'static str, is_limit: bool, mut rounds: Vec<f64>) -> Self {
        rounds.sort_by(f64::total_cmp);
        Self { server, is_limit, median: rounds[rounds.len() / 2], least: rounds[0] }
    }
}

impl Report {
    pub fn new(directory: &Path, is_quick: bool) -> Self {
        Self { directory: directory.into(), is_quick }
    }

    /// Prints a table of nanoseconds, and writes it to a file.
    pub fn scenario(&self, name: &str, about: &str, figures: &[Figure]) {
        let limits = figures.iter().filter(|figure| figure.is_limit);
        let best = limits.map(|figure| figure.median).reduce(f64::min);
        println!("\n{name}: {about}");
        println!("{:>28}  {:>12}  {:>12}  {:>8}", "", "ns/message", "least", "x limit");
        let mut rows = Vec::new();
        for Figure { server, is_limit, median, least } in figures {
            let times = best.map_or(String::new(), |best| format!("{:.2}", median / best));
            println!("{server:>28}  {median:>12.0}  {least:>12.0}  {times:>8}");
            rows.push(format!("{name},{server},{is_limit},{median:.1},{least:.1},{times}"));
        }
        self.write(name, "scenario,server,limit,median_ns,least_ns,times_limit", &rows);
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
