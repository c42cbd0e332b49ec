//! Runs one of the library's hot paths, for `check.py` to have its instructions
//! counted. Without arguments it says which there are.

mod adapters;
mod deflate;
mod frame;
mod handshake;
mod messages;
mod receive;
mod send;

use std::process::ExitCode;

/// Before the counting begins: buffers have grown and contexts are made.
const WARM_UP: u32 = 4;

fn main() -> ExitCode {
    let mut paths = paths();
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        println!("{}", machine());
        paths.iter().for_each(|path| println!("{} {}", path.operations, path.name));
        return ExitCode::SUCCESS;
    };
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok());
    let at = paths.iter().position(|path| path.name == name);
    let (Some(rounds), Some(at), None) = (rounds, at, arguments.next()) else {
        eprintln!("instructions [PATH ROUNDS], with one of the paths that it says without");
        return ExitCode::FAILURE;
    };
    run(paths.swap_remove(at), rounds);
    ExitCode::SUCCESS
}

/// Something that programs do often.
struct Path {
    name: String,
    /// How often a round does it.
    operations: u32,
    set_up: Box<dyn FnOnce() -> Round>,
}

/// Prepares, and has the meter run what counts.
type Round = Box<dyn FnMut(&Meter)>;

impl Path {
    fn new<R: FnMut(&Meter) + 'static>(
        name: impl Into<String>,
        operations: u32,
        set_up: impl FnOnce() -> R + 'static,
    ) -> Self {
        Self { name: name.into(), operations, set_up: Box::new(|| Box::new(set_up())) }
    }
}

struct Meter {
    is_counting: bool,
}

impl Meter {
    fn run(&self, mut operation: impl FnMut()) {
        if self.is_counting {
            counted(&mut operation);
        } else {
            operation();
        }
    }
}

/// `check.py` has callgrind count what happens in here, and finds it by its name: so
/// it must be there, once, and return by itself.
#[inline(never)]
fn counted(operation: &mut dyn FnMut()) {
    operation();
    std::hint::black_box(());
}

fn run(path: Path, rounds: u32) {
    let mut round = (path.set_up)();
    for i in 0..WARM_UP + rounds {
        round(&Meter { is_counting: i >= WARM_UP });
    }
}

fn paths() -> Vec<Path> {
    let topics = [
        frame::paths,
        receive::paths,
        send::paths,
        deflate::paths,
        handshake::paths,
        adapters::paths,
    ];
    topics.iter().flat_map(|paths| paths()).collect()
}

/// What the counts depend on, besides compiler and dependencies: which code is found
/// to be the best at run time.
fn machine() -> String {
    #[cfg(target_arch = "x86_64")]
    let vectors = if std::arch::is_x86_feature_detected!("avx2") { "AVX2" } else { "no AVX2" };
    #[cfg(not(target_arch = "x86_64"))]
    let vectors = "its own vectors";
    format!("{} with {vectors}", std::env::consts::ARCH)
}
