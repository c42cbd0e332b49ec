//! `cargo bench -p sockets [-- OPTION... FILTER...]`; what it measures, and how, stands
//! in the crate's documentation.

use std::path::Path;

fn main() {
    // The directory of benchmarks' files is in the target directory.
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("sockets");
    sockets::run(std::env::args().skip(1).collect(), &directory);
}
