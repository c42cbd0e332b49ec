//! What sansws costs beside other WebSocket libraries.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

use std::path::Path;

mod codec;
mod contenders;
mod deflate;
mod growth;
mod json;
mod measure;
mod report;
mod stream;
mod work;

/// Measures what the arguments ask for; the figures go to `directory`.
pub fn run(arguments: impl Iterator<Item = String>, directory: &Path) {
    let mut report = report::Report::new(arguments, directory);
    // First, while the heap is fresh: after all the others some of thousands of connections
    // come to lie where they cost half as much again, with no law in it.
    growth::run(&mut report);
    deflate::run(&mut report);
    codec::run(&mut report);
}
