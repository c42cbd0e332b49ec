//! Tables to read, and files to draw from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::measure::Figure;
use crate::work::Work;

/// Collects what was measured.
pub struct Report {
    pub quick: bool,
    filters: Vec<String>,
    directory: PathBuf,
    /// The files that were begun in this run.
    begun: Vec<String>,
}

/// One thing that was measured, of messages of one size.
pub struct Case<'a> {
    group: &'a str,
    size: usize,
    payload: usize,
    messages: usize,
    remarks: Vec<String>,
}

impl<'a> Case<'a> {
    pub fn new(group: &'a str, work: &Work) -> Self {
        let (payload, messages) = (work.payload_len(), work.len());
        Self { group, size: work.size, payload, messages, remarks: Vec::new() }
    }

    /// With a remark about each figure.
    pub fn compared(mut self, remarks: Vec<String>) -> Self {
        self.remarks = remarks;
        self
    }
}

impl Report {
    pub fn new(arguments: impl Iterator<Item = String>, directory: &Path) -> Self {
        let (flags, filters): (Vec<_>, Vec<_>) =
            arguments.partition(|argument| argument.starts_with("--"));
        let quick = flags.iter().any(|flag| flag == "--quick");
        Self { quick, filters, directory: directory.into(), begun: Vec::new() }
    }

    /// Whether a group is asked for: all are, unless some are named.
    pub fn wants(&self, group: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| group.contains(filter.as_str()))
    }

    /// Prints a table, and adds it to the group's file.
    pub fn add(&mut self, case: Case<'_>, figures: &[Figure]) {
        print(&case, figures);
        if !self.quick {
            self.write(&case, figures);
        }
    }

    /// Prints how the time of something grows with a number, and adds it to a file.
    pub fn add_growth(&mut self, series: &str, points: &[(usize, Vec<Figure>)]) {
        println!("\ngrowth, {series}");
        println!("{:>45}  {:>11}  {:>11}  {:>10}", "", "number", "ns", "ns each");
        let mut rows = String::new();
        for (number, figures) in points {
            for Figure { name, is_limit, nanoseconds, .. } in figures {
                let each = nanoseconds / *number as f64;
                println!("{name:>45}  {number:>11}  {nanoseconds:>11.0}  {each:>10.2}");
                rows += &format!("\"{series}\",\"{name}\",{is_limit},{number},{nanoseconds:.0}\n");
            }
        }
        if !self.quick {
            self.append("growth", "series,contender,limit,number,median_ns\n", &rows);
        }
    }

    fn write(&mut self, case: &Case<'_>, figures: &[Figure]) {
        let name = case.group.replace(['/', ' ', ','], "-").replace("--", "-");
        let mut rows = String::new();
        for figure in figures {
            let Figure { name, is_limit, nanoseconds, fastest, written } = figure;
            let messages = case.messages as f64;
            rows += &format!(
                "\"{}\",{},\"{name}\",{is_limit},{nanoseconds:.2},{fastest:.2},{:.1},{:.1}\n",
                case.group,
                case.size,
                case.payload as f64 / messages,
                *written as f64 / messages,
            );
        }
        let heading =
            "group,size,contender,limit,median_ns,fastest_ns,payload_bytes,written_bytes\n";
        self.append(&name, heading, &rows);
    }

    /// Adds rows to a file, which the first of this run begin anew.
    fn append(&mut self, name: &str, heading: &str, rows: &str) {
        let suffix = if cfg!(feature = "c-zlib") { "-c-zlib" } else { "" };
        let path = self.directory.join(format!("{name}{suffix}.csv"));
        let text = if self.begun.iter().any(|begun| begun == name) {
            fs::read_to_string(&path).unwrap()
        } else {
            self.begun.push(name.into());
            fs::create_dir_all(&self.directory).unwrap();
            heading.into()
        };
        fs::write(path, text + rows).unwrap();
    }
}

fn print(case: &Case<'_>, figures: &[Figure]) {
    let first = figures.iter().find(|figure| !figure.is_limit).map_or(1.0, |it| it.nanoseconds);
    println!("\n{}, {}", case.group, size(case.size));
    println!(
        "{:>45}  {:>11}  {:>11}  {:>10}  {:>8}  {:>7}",
        "", "ns/message", "messages/s", "MB/s", "x sansws", "written",
    );
    for (i, figure) in figures.iter().enumerate() {
        let mean = case.payload as f64 / case.messages as f64;
        let written = match (figure.written, case.payload) {
            (0, _) | (_, 0) => String::new(),
            (written, payload) => format!("{:.3}", written as f64 / payload as f64),
        };
        println!(
            "{:>45}  {:>11.1}  {:>11.0}  {:>10.0}  {:>8.2}  {written:>7}  {}",
            figure.name,
            figure.nanoseconds,
            1e9 / figure.nanoseconds,
            mean * 1e3 / figure.nanoseconds,
            figure.nanoseconds / first,
            case.remarks.get(i).map_or("", String::as_str),
        );
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        _ if bytes < 1 << 20 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
