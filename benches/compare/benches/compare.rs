//! `cargo bench -p compare [-- [--quick] [filter]...]`; what it measures, and how,
//! stands in the crate's documentation.

use std::path::Path;

fn main() {
    // The directory of benchmarks' files is in the target directory.
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("compare");
    compare::run(std::env::args().skip(1), &directory);
}
