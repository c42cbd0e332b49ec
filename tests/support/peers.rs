//! Programs that the tests start: our own examples, and implementations by
//! others.
#![allow(dead_code, reason = "each test file is a crate that uses its part of it")]

#[path = "program.rs"]
mod program;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use program::Program;

/// Builds an example, as the tests were built; where it is.
pub fn example(name: &str) -> PathBuf {
    example_with(name, "")
}

/// Builds an example that takes more features than the default ones.
pub fn example_with(name: &str, features: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test runs");
    let profile_dir = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let target_dir = profile_dir.parent().expect("target/PROFILE");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", name, "--features", features]);
    cargo.arg("--target-dir").arg(target_dir);
    if profile_dir.ends_with("release") {
        cargo.arg("--release");
    }
    // What cargo tells this test is not for the cargo that it starts: ring is built anew
    // where they differ.
    let told =
        |name: &str| ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| name.starts_with(start));
    for (name, _) in std::env::vars().filter(|(name, _)| told(name)) {
        cargo.env_remove(name);
    }
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
    assert!(status.success(), "the example {name} does not build");
    profile_dir.join("examples").join(name)
}

/// Starts a server of ours at a free port; its address.
pub fn start_server(name: &str, arguments: &[&str]) -> (Program, String) {
    start(example(name), arguments)
}

/// Starts one that takes more features than the default ones.
pub fn start_server_with(name: &str, features: &str, arguments: &[&str]) -> (Program, String) {
    start(example_with(name, features), arguments)
}

fn start(server: PathBuf, arguments: &[&str]) -> (Program, String) {
    let mut server = Program::start(Command::new(server).arg("127.0.0.1:0").args(arguments));
    let line = server.line();
    let address = line.split(' ').find_map(|word| {
        let word = word.trim_start_matches("http://").trim_start_matches("https://");
        word.starts_with("127.0.0.1:").then(|| word.to_owned())
    });
    (server, address.unwrap_or_else(|| panic!("no address in {line:?}")))
}

/// A directory with the scripts that run peers; other members of the workspace look
/// beside them.
pub fn scripts() -> PathBuf {
    let member = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = member.ancestors().map(|dir| dir.join("tests/peers")).find(|dir| dir.is_dir());
    found.expect("the scripts are there")
}

/// Whether a test must be skipped because `what` is not there; said aloud. In
/// CI it must be there.
pub fn is_missing(what: &str, is_there: bool, install: &str) -> bool {
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "{what} is missing: {install}");
        let message = format!("\n*** SKIPPED: {what} is missing: {install}\n\n");
        // Not by eprintln, which the test runner would swallow.
        let _ = std::io::stderr().write_all(message.as_bytes());
    }
    !is_there
}

/// The first of these programs that is on the PATH.
pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let in_path =
        |name: &&str| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| p.is_file());
    names.iter().find_map(in_path)
}
