//! What compression costs for one message of 1 KiB of JSON after many like it, by
//! what a connection keeps between messages.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sansws::{Config, Connection, DeflateConfig, Event, KeepContext};

#[path = "../tests/support/deflate.rs"]
mod with_deflate;

/// What `with_deflate` takes from the library's own tests.
mod support {
    pub const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
}

criterion_group!(benches, send, send_among_many, receive);
criterion_main!(benches);

/// More than fill the largest window.
const MESSAGES: usize = 256;

fn messages() -> Vec<String> {
    let mut random = 1_u64;
    let message = |_| {
        let mut message = String::from("[");
        while message.len() < 1000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let (id, user, number) = (random % 100_000, random % 97, (random >> 20) % 1000);
            let at = random >> 32;
            write!(
                message,
                r#"{{"id":{id},"user":"user{user}","text":"hello number {number}","at":{at}}},"#
            )
            .expect("a string takes it");
        }
        message.truncate(1023);
        message + "]"
    };
    (0..MESSAGES).map(message).collect()
}

/// With windows of so many bits.
fn config(bits: u8) -> DeflateConfig {
    DeflateConfig::new().send_window_bits(bits).receive_window_bits(bits)
}

fn alone(config: DeflateConfig) -> DeflateConfig {
    config.send_without_takeover(true).receive_without_takeover(true)
}

fn send(c: &mut Criterion) {
    let mut group = c.benchmark_group("deflate");
    group.throughput(Throughput::Bytes(1024));
    let messages = messages();
    for (level, bits) in [(1, 15), (1, 12), (1, 9), (6, 15), (6, 12), (6, 9)] {
        let config = config(bits).level(level);
        for (name, config) in [
            ("context", config),
            ("window", config.keep_context(KeepContext::Never)),
            ("alone", alone(config)),
            ("alone, context", alone(config).keep_context(KeepContext::Always)),
        ] {
            let [mut ws, _] = with_deflate::pair(config, config, &Config::new());
            let mut out = Vec::with_capacity(1 << 20);
            for message in &messages {
                ws.send_text(message, &mut out).expect("it is open");
            }
            let len = out.len() / MESSAGES;
            println!("level {level}, window of {bits} bits, {name}: {len} bytes a message");
            let mut i = 0;
            let id = BenchmarkId::new(format!("level {level}, {bits} bits"), name);
            group.bench_function(id, |b| {
                b.iter(|| {
                    out.clear();
                    i = (i + 1) % MESSAGES;
                    ws.send_text(black_box(&messages[i]), &mut out)
                });
            });
        }
    }
}

/// Each message on another connection than the last, so that what a connection
/// keeps has left the caches when its turn comes.
fn send_among_many(c: &mut Criterion) {
    let messages = messages();
    let mut out = Vec::with_capacity(1 << 20);
    for count in [3, 10, 300] {
        let mut group = c.benchmark_group(format!("deflate among {count} connections"));
        group.throughput(Throughput::Bytes(1024));
        for (level, bits) in [(1, 15), (1, 12), (6, 15), (6, 12)] {
            let config = config(bits).level(level);
            for (name, config) in [
                ("context", config),
                ("window", config.keep_context(KeepContext::Never)),
                ("alone", alone(config)),
                ("alone, context", alone(config).keep_context(KeepContext::Always)),
            ] {
                let connection = |_| {
                    let [mut ws, _] = with_deflate::pair(config, config, &Config::new());
                    out.clear();
                    for message in &messages {
                        ws.send_text(message, &mut out).expect("it is open");
                    }
                    ws
                };
                let mut connections: Vec<Connection> = (0..count).map(connection).collect();
                let mut i = 0;
                let id = BenchmarkId::new(format!("level {level}, {bits} bits"), name);
                group.bench_function(id, |b| {
                    b.iter(|| {
                        out.clear();
                        i += 1;
                        let ws = &mut connections[i % count];
                        ws.send_text(black_box(&messages[i % MESSAGES]), &mut out)
                    });
                });
            }
        }
    }
}

fn receive(c: &mut Criterion) {
    let mut group = c.benchmark_group("inflate");
    group.throughput(Throughput::Bytes(1024));
    let messages = messages();
    let mut out = Vec::new();
    for bits in [15, 12, 9] {
        for (name, config) in [("takeover", config(bits)), ("alone", alone(config(bits)))] {
            let [mut sender, mut ws] = with_deflate::pair(config, config, &Config::new());
            let mut i = 0;
            let mut next = || {
                let mut bytes = Vec::new();
                i = (i + 1) % MESSAGES;
                sender.send_text(&messages[i], &mut bytes).expect("it is open");
                bytes
            };
            for _ in 0..MESSAGES {
                receive_one(&mut ws, &mut next(), &mut out);
            }
            group.bench_function(BenchmarkId::new(format!("{bits} bits"), name), |b| {
                b.iter_batched_ref(
                    &mut next,
                    |bytes| receive_one(&mut ws, bytes, &mut out),
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

fn receive_one(ws: &mut Connection, mut bytes: &mut [u8], out: &mut Vec<u8>) -> usize {
    match ws.receive(&mut bytes, out) {
        Ok(Some(Event::Text(text))) => text.len(),
        other => panic!("{other:?}"),
    }
}
