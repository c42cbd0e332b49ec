//! The servers' processes, and what they are asked about themselves.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs, process, thread};

use cpu_time::ProcessTime;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::servers::{self, Mode, Server};

/// A server in a process of its own. It ends with this value, or with its parent.
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    pub address: SocketAddr,
}

impl Process {
    pub fn start(server: &Server, mode: Mode) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["serve", server.name, mode.name()])
            .arg(SERVERS_CPU.get().unwrap().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let address = line(&mut stdout).parse().unwrap();
        Self { child, stdin, stdout, address }
    }

    /// The processor time of all its threads, user's and system's, those that have
    /// ended included.
    pub fn cpu_time(&mut self) -> Duration {
        self.stdin.write_all(b"\n").unwrap();
        Duration::from_nanos(line(&mut self.stdout).parse().unwrap())
    }

    /// Its resident memory, in bytes.
    pub fn resident(&self) -> u64 {
        let statm = fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        pages * rustix::param::page_size() as u64
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// The server's side of a process: says where it listens, and then its processor time
/// as often as it is asked.
pub fn serve(name: &str, mode: &str, cpu: &str) {
    let server = servers::ALL.iter().find(|server| server.name == name).expect("a server's name");
    let mode = Mode::from_name(mode);
    pin(cpu.parse().unwrap());
    raise_limit();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // The standard library's own is too short for connections opened all at once.
    rustix::net::listen(&listener, 4096).unwrap();
    println!("{}", listener.local_addr().unwrap());
    thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(|| {
            for _ in std::io::stdin().lines() {
                println!("{}", ProcessTime::now().as_duration().as_nanos());
            }
            process::exit(0);
        })
        .unwrap();
    (server.run)(listener, mode);
}

/// The servers take turns on the first processor that there is, the generator takes
/// the last.
pub fn prepare_generator() {
    let available = sched_getaffinity(None).unwrap();
    let mut numbers = (0..CpuSet::MAX_CPU).filter(|&cpu| available.is_set(cpu));
    let first = numbers.next().unwrap_or_default();
    SERVERS_CPU.set(first).unwrap();
    match numbers.next_back() {
        Some(last) => pin(last),
        None => eprintln!("there is one processor: the generator is in the servers' way"),
    }
    raise_limit();
}

/// How many connections this process can have.
pub fn max_connections() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(200)
}

fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// The processor that the servers take turns on.
static SERVERS_CPU: OnceLock<usize> = OnceLock::new();

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    if let Err(error) = sched_setaffinity(None, &set) {
        eprintln!("not pinned to processor {cpu}: {error}");
    }
}
