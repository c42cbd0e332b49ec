//! How the cost of ours grows with all that a peer decides: in straight lines, or
//! somebody could make a server work more than their bytes are worth.

use sansws::{Connection, DeflateConfig, MessageKind};

use crate::codec::{REQUEST, check_responses, frames};
use crate::contenders::{Role, limit, sansws as ours};
use crate::deflate;
use crate::json::{self, Random};
use crate::measure::{Contender, Figure, measure_once};
use crate::report::Report;
use crate::work::Work;

/// As many times the step of a series.
const POINTS: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// How often each series is measured, so that whatever disturbs one point for a moment
/// does not bend the line.
const PASSES: usize = 3;

/// Short, so that what counts is the number.
const SHORT: usize = 125;
const FRAGMENT: usize = 16;

/// How long the fields are that make a request longer.
const FIELD: usize = 160;

pub fn run(report: &mut Report) {
    series(report, "messages of a connection", 1024, messages);
    series(report, "connections with a message each", 1250, connections);
    series(report, "fragments of a message", 4096, fragments);
    series(report, "bytes of a message", 2 << 20, |bytes| {
        let (mut contenders, work) = message(bytes, ours::READ);
        // Beside what the caches do to these bytes.
        contenders.extend(limit::echo(&work));
        (contenders, work)
    });
    series(report, "bytes of a message, one a read", 4096, |bytes| message(bytes, 1));
    series(report, "bytes of a compressed message", 512 << 10, compressed);
    series(report, "bytes of a request", 2000, |bytes| request(bytes, ours::READ));
    series(report, "bytes of a request, one a read", 2000, |bytes| request(bytes, 1));
}

fn series(
    report: &mut Report,
    name: &str,
    step: usize,
    contenders: impl Fn(usize) -> (Vec<Contender>, Work),
) {
    if !report.wants("growth") {
        return;
    }
    let passes = if report.quick { 1 } else { PASSES };
    let mut points = POINTS.map(|point| (point * step, Vec::new()));
    for _ in 0..passes {
        for (count, passed) in &mut points {
            let (contenders, work) = contenders(*count);
            let mut figures = measure_once(contenders, &work, report.quick);
            figures.iter_mut().for_each(|figure| figure.nanoseconds *= work.len() as f64);
            passed.push(figures);
        }
    }
    report.add_growth(name, &points.map(|(count, passed)| (count, medians(passed))));
}

/// Of each contender the pass that has the median.
fn medians(passed: Vec<Vec<Figure>>) -> Vec<Figure> {
    let mut by_contender: Vec<Vec<Figure>> = Vec::new();
    for figures in passed {
        by_contender.resize_with(figures.len(), Vec::new);
        by_contender.iter_mut().zip(figures).for_each(|(all, figure)| all.push(figure));
    }
    let median = |mut all: Vec<Figure>| {
        all.sort_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds));
        all.swap_remove(all.len() / 2)
    };
    by_contender.into_iter().map(median).collect()
}

fn messages(count: usize) -> (Vec<Contender>, Work) {
    let work = Work::new(MessageKind::Binary, SHORT, vec![payload(SHORT); count]);
    echo(ours::server(), ours::READ, work)
}

fn connections(count: usize) -> (Vec<Contender>, Work) {
    let work = Work::new(MessageKind::Binary, SHORT, vec![payload(SHORT); count]);
    let connections = (0..count).map(|_| ours::server()).collect();
    let contender = ours::echo_in_turns("sansws", connections, &work);
    (vec![contender.checked(frames(&work, Role::Server))], work)
}

fn fragments(count: usize) -> (Vec<Contender>, Work) {
    let size = count * FRAGMENT;
    echo(ours::server(), ours::READ, Work::fragmented(size, vec![payload(size)], FRAGMENT))
}

fn message(bytes: usize, read: usize) -> (Vec<Contender>, Work) {
    let work = Work::new(MessageKind::Binary, bytes, vec![payload(bytes)]);
    echo(ours::server(), read, work)
}

/// JSON, which is only received.
fn compressed(bytes: usize) -> (Vec<Contender>, Work) {
    let work = Work::new(MessageKind::Text, bytes, json::messages(1, bytes));
    let work = deflate::deflated(&work, true);
    let (_, server) = ours::deflated(DeflateConfig::new(), DeflateConfig::new());
    (vec![ours::receive("sansws", server, &work, ours::READ)], work)
}

fn echo(ws: Connection, read: usize, work: Work) -> (Vec<Contender>, Work) {
    (vec![ours::echo("sansws", ws, &work, read).checked(frames(&work, Role::Server))], work)
}

/// A browser's request, with fields added until it is so long.
fn request(bytes: usize, read: usize) -> (Vec<Contender>, Work) {
    let mut head = REQUEST[..REQUEST.len() - 2].to_vec();
    while head.len() + 2 < bytes {
        let missing = bytes - head.len() - 2;
        // What is left for the last field is enough for its name.
        let len = if missing < 2 * FIELD { missing } else { FIELD };
        let value = "x".repeat(len - "x-field: \r\n".len());
        head.extend(format!("x-field: {value}\r\n").bytes());
    }
    head.extend(b"\r\n");
    assert_eq!(head.len(), bytes);
    let work = Work::with_input(MessageKind::Binary, bytes, vec![vec![]], head);
    (vec![ours::handshake("sansws", &work, read).checked(check_responses)], work)
}

/// Bytes that do not repeat soon.
fn payload(size: usize) -> Vec<u8> {
    let mut random = Random::new(0x2545_F491_4F6C_DD1D);
    (0..size).map(|_| random.below(256) as u8).collect()
}
