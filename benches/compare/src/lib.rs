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
    deflate::run(&mut report);
    codec::run(&mut report);
    growth::run(&mut report);
}
