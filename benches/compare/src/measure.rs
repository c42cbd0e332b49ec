//! Who takes part, and how they are timed.

use std::ops::RangeInclusive;
use std::time::Duration;

use cpu_time::ThreadTime;

use crate::stream::Tap;
use crate::work::{Tally, Work};

/// How long each contender works in a round, if one batch does not take longer:
/// so short that it is seldom interrupted.
const TURN: Duration = Duration::from_millis(2);

/// How often all are made anew: how fast one is depends on where its memory lies.
const PLACES: usize = 5;

/// How long all rounds of a case may take.
const BUDGET: Duration = Duration::from_secs(6);
const ROUNDS: RangeInclusive<usize> = 9..=101;

/// One batch of the work, as often as it is called.
pub type Run = Box<dyn FnMut(&mut Tally)>;

/// What a contender's output must be, given all that it wrote.
pub type Check = Box<dyn Fn(&[u8])>;

/// A library with its settings, and one thing to do.
pub struct Contender {
    pub name: String,
    /// Where a limit stands in place of a library.
    pub is_limit: bool,
    pub run: Run,
    pub tap: Tap,
    /// How many messages it hands over in a batch.
    pub receives: usize,
    pub check: Option<Check>,
}

impl Contender {
    pub fn new(name: &str, tap: Tap, run: Run) -> Self {
        Self { name: name.into(), is_limit: false, run, tap, receives: 0, check: None }
    }

    pub fn limit(name: &str, tap: Tap, run: Run) -> Self {
        Self { is_limit: true, ..Self::new(name, tap, run) }
    }

    /// It must hand over these messages.
    pub fn receives(mut self, work: &Work) -> Self {
        self.receives = work.len();
        self
    }

    /// It must write what this finds right.
    pub fn checked(mut self, check: impl Fn(&[u8]) + 'static) -> Self {
        self.check = Some(Box::new(check));
        self
    }
}

/// What was measured of a contender.
pub struct Figure {
    pub name: String,
    pub is_limit: bool,
    /// Medians of the rounds, of one message.
    pub nanoseconds: f64,
    pub fastest: f64,
    /// Bytes that it wrote for a batch.
    pub written: usize,
}

/// Verifies all, then times all in turns, and that over again with all of them made anew; in
/// `quick` runs only once.
pub fn measure(make: impl Fn() -> Vec<Contender>, work: &Work, quick: bool) -> Vec<Figure> {
    let places = if quick { 1 } else { PLACES };
    let mut all: Vec<Timed> = Vec::new();
    for place in 0..places {
        // What comes after it lies elsewhere, in its page too.
        let shift = std::hint::black_box(vec![1_u8; place * (4096 + 4096 / PLACES)]);
        let timed = time_all(make(), work, quick, places);
        if all.is_empty() {
            all = timed;
        } else {
            all.iter_mut().zip(timed).for_each(|(each, more)| each.times.extend(more.times));
        }
        drop(shift);
    }
    all.into_iter().map(Timed::figure).collect()
}

/// The same of those that there are.
pub fn measure_once(contenders: Vec<Contender>, work: &Work, quick: bool) -> Vec<Figure> {
    time_all(contenders, work, quick, 1).into_iter().map(Timed::figure).collect()
}

/// What a contender took for a message in each round.
struct Timed {
    contender: Contender,
    written: usize,
    times: Vec<f64>,
}

impl Timed {
    fn figure(mut self) -> Figure {
        self.times.sort_by(f64::total_cmp);
        Figure {
            name: self.contender.name,
            is_limit: self.contender.is_limit,
            nanoseconds: self.times[self.times.len() / 2],
            fastest: self.times[0],
            written: self.written,
        }
    }
}

/// In one of so many places.
fn time_all(mut contenders: Vec<Contender>, work: &Work, quick: bool, places: usize) -> Vec<Timed> {
    let written: Vec<usize> = contenders.iter_mut().map(|each| verify(each, work)).collect();
    let (mut repeats, mut rounds) = (vec![1; contenders.len()], 1);
    if !quick {
        let mut all = Duration::ZERO;
        for (each, repeats) in contenders.iter_mut().zip(&mut repeats) {
            let elapsed;
            (*repeats, elapsed) = calibrate(each);
            all += elapsed;
        }
        rounds = (BUDGET.as_secs_f64() / all.as_secs_f64()) as usize;
        rounds = rounds.clamp(*ROUNDS.start(), *ROUNDS.end()).div_ceil(places);
    }
    let mut times = vec![Vec::new(); contenders.len()];
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            // Nobody always comes after the same.
            let i = (turn + round) % contenders.len();
            let elapsed = time(&mut contenders[i], repeats[i]);
            times[i].push(elapsed.as_secs_f64() * 1e9 / f64::from(repeats[i]) / work.len() as f64);
        }
    }
    let each = contenders.into_iter().zip(written).zip(times);
    each.map(|((contender, written), times)| Timed { contender, written, times }).collect()
}

/// Two batches, of which the second shows what a batch writes.
fn verify(contender: &mut Contender, work: &Work) -> usize {
    let _blame = Blame(contender.name.clone());
    contender.tap.open();
    let mut tally = Tally::checking(work);
    (contender.run)(&mut tally);
    let mut output = contender.tap.close();
    let first = output.len();
    contender.tap.open();
    (contender.run)(&mut tally);
    output.extend(contender.tap.close());
    assert_eq!(tally.messages, 2 * contender.receives);
    if let Some(check) = &contender.check {
        check(&output);
    }
    output.len() - first
}

/// How many batches make a turn, and how long that takes.
fn calibrate(contender: &mut Contender) -> (u32, Duration) {
    let mut repeats = 1;
    loop {
        let elapsed = time(contender, repeats);
        if elapsed >= TURN / 2 {
            let more = (TURN.as_secs_f64() / elapsed.as_secs_f64()).max(1.0);
            let wanted = (f64::from(repeats) * more).round() as u32;
            return (wanted, elapsed.mul_f64(f64::from(wanted) / f64::from(repeats)));
        }
        repeats *= 2;
    }
}

/// The time of this thread alone: not what other programs take of the machine.
fn time(contender: &mut Contender, repeats: u32) -> Duration {
    let mut tally = Tally::counting();
    let start = ThreadTime::now();
    for _ in 0..repeats {
        (contender.run)(&mut tally);
    }
    let elapsed = start.elapsed();
    std::hint::black_box(tally.bytes);
    elapsed
}

/// Says who it was, if it panics.
struct Blame(String);

impl Drop for Blame {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was found of {}", self.0);
        }
    }
}
