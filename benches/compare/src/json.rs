//! JSON messages such as programs send: alike, but no two the same.

use std::fmt::Write;

const NAMES: [&str; 16] = [
    "amira", "bastian", "chidera", "daiyu", "elif", "farid", "greta", "hana", "ines", "jonas",
    "kofi", "lucia", "mateus", "noor", "oksana", "pilar",
];

const WORDS: [&str; 64] = [
    "the",
    "meeting",
    "about",
    "release",
    "was",
    "moved",
    "to",
    "next",
    "week",
    "because",
    "we",
    "found",
    "a",
    "problem",
    "with",
    "payment",
    "service",
    "and",
    "need",
    "more",
    "time",
    "please",
    "review",
    "my",
    "changes",
    "before",
    "lunch",
    "thanks",
    "for",
    "your",
    "help",
    "yesterday",
    "it",
    "works",
    "now",
    "can",
    "somebody",
    "look",
    "at",
    "this",
    "graph",
    "latency",
    "went",
    "up",
    "after",
    "deploy",
    "should",
    "roll",
    "back",
    "or",
    "wait",
    "until",
    "monday",
    "customer",
    "reported",
    "that",
    "button",
    "does",
    "not",
    "respond",
    "on",
    "mobile",
    "devices",
    "again",
];

const SYMBOLS: [&str; 10] =
    ["ACME", "BLTX", "CORR", "DNPL", "EVRN", "FOXT", "GLDN", "HRZN", "INTR", "JUNO"];

/// `count` messages of at least `len` bytes, and little more.
pub fn messages(count: usize, len: usize) -> Vec<Vec<u8>> {
    let mut random = Random::new(0x9E37_79B9_7F4A_7C15);
    (0..count).map(|sequence| message(&mut random, sequence, len).into_bytes()).collect()
}

fn message(random: &mut Random, sequence: usize, len: usize) -> String {
    let mut json = String::new();
    let time = 1_767_225_600_000 + sequence as u64 * 250 + random.below(250);
    let _ = write!(json, r#"{{"type":"batch","sequence":{sequence},"time":{time},"events":["#);
    loop {
        match random.below(3) {
            0 => chat(&mut json, random, time),
            1 => trade(&mut json, random, time),
            _ => reading(&mut json, random, time),
        }
        if json.len() + 2 >= len {
            json.push_str("]}");
            return json;
        }
        json.push(',');
    }
}

fn chat(json: &mut String, random: &mut Random, time: u64) {
    let name = random.of(&NAMES);
    let (id, room) = (random.next(), random.below(40));
    let _ = write!(
        json,
        r#"{{"event":"message","id":"{id:016x}","room":{room},"from":"{name}","at":{time},"text":""#
    );
    for i in 0..6 + random.below(18) {
        if i > 0 {
            json.push(' ');
        }
        json.push_str(random.of(&WORDS));
    }
    let _ = write!(json, r#"","edited":{}}}"#, random.below(8) == 0);
}

fn trade(json: &mut String, random: &mut Random, time: u64) {
    let symbol = random.of(&SYMBOLS);
    let side = random.of(&["buy", "sell"]);
    let (whole, cents) = (20 + random.below(400), random.below(100));
    let _ = write!(
        json,
        r#"{{"event":"trade","symbol":"{symbol}","side":"{side}","price":{whole}.{cents:02},"quantity":{},"order":{},"at":{}}}"#,
        1 + random.below(500),
        random.below(1 << 40),
        time + random.below(200),
    );
}

fn reading(json: &mut String, random: &mut Random, time: u64) {
    let _ = write!(
        json,
        r#"{{"event":"reading","device":"sensor-{:04}","at":{time},"values":{{"temperature":{}.{},"humidity":{}.{},"pressure":{}.{}}},"battery":{},"ok":{}}}"#,
        random.below(2000),
        random.below(30),
        random.below(1000),
        20 + random.below(70),
        random.below(1000),
        980 + random.below(50),
        random.below(100),
        random.below(101),
        random.below(20) != 0,
    );
}

/// Xorshift: the same messages in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}
