//! What each part costs, each beside the limit that memory sets in the same
//! run: a copy of the same bytes, and a copy with one XOR pass.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sansws::frame::{Header, MaskingKey, Opcode};
use sansws::handshake::ServerHandshake;
use sansws::{Config, Connection, Event, MaskingKeys, MessageBuffer, Prepared};

const SIZES: [usize; 6] = [16, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20];
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

criterion_group!(benches, header, mask, utf8, receive, fragments, joined, send, handshake);
criterion_main!(benches);

fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut header = Header::new(opcode, true, payload.len() as u64);
    header.mask = Some(MaskingKey::new(KEY));
    let mut frame = header.encode().to_vec();
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn text(pattern: &str, len: usize) -> String {
    let mut text: String = pattern.chars().cycle().take(len).collect();
    while text.len() > len {
        text.pop();
    }
    text
}

fn config() -> Config {
    Config::new().max_message_len(16 << 20)
}

fn header(c: &mut Criterion) {
    let mut group = c.benchmark_group("header");
    for len in [5, 500, 100_000] {
        let mut header = Header::new(Opcode::BINARY, true, len);
        header.mask = Some(MaskingKey::new(KEY));
        let bytes = header.encode();
        group.bench_function(BenchmarkId::new("parse", len), |b| {
            b.iter(|| Header::parse(black_box(&bytes)));
        });
        group.bench_function(BenchmarkId::new("encode", len), |b| {
            b.iter(|| black_box(&header).encode());
        });
    }
}

fn mask(c: &mut Criterion) {
    let mut group = c.benchmark_group("mask");
    for size in SIZES {
        let mut data = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("ours", size), |b| {
            b.iter(|| MaskingKey::new(black_box(KEY)).rotated(1).apply(&mut data));
        });
        group.bench_function(BenchmarkId::new("naive", size), |b| {
            b.iter(|| {
                let key = black_box(KEY);
                for (i, byte) in data.iter_mut().enumerate() {
                    *byte ^= key[(i + 1) % 4];
                }
            });
        });
    }
}

fn utf8(c: &mut Criterion) {
    let mut group = c.benchmark_group("utf8");
    for (name, pattern) in [("ascii", "abcdefgh"), ("japanese", "日本語のテキスト")] {
        for size in SIZES {
            let text = text(pattern, size);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new(format!("core, {name}"), size), |b| {
                b.iter(|| core::str::from_utf8(black_box(text.as_bytes())).is_ok());
            });
            #[cfg(feature = "simdutf8")]
            group.bench_function(BenchmarkId::new(format!("simdutf8, {name}"), size), |b| {
                b.iter(|| simdutf8::basic::from_utf8(black_box(text.as_bytes())).is_ok());
            });
        }
    }
}

/// A server receives a message and, in `echo`, sends it back.
fn receive(c: &mut Criterion) {
    let mut group = c.benchmark_group("receive");
    for size in SIZES {
        let frames = [
            ("ascii", frame(Opcode::TEXT, text("abcdefgh", size).as_bytes())),
            ("japanese", frame(Opcode::TEXT, text("日本語のテキスト", size).as_bytes())),
            ("binary", frame(Opcode::BINARY, &vec![7; size])),
        ];
        let mut buffer = vec![0; size + 14];
        let mut out = Vec::with_capacity(size + 14);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("limit: copy", size), |b| {
            b.iter(|| buffer[..size].copy_from_slice(black_box(&frames[2].1[..size])));
        });
        group.bench_function(BenchmarkId::new("limit: copy and xor", size), |b| {
            b.iter(|| {
                buffer[..size].copy_from_slice(black_box(&frames[2].1[..size]));
                MaskingKey::new(KEY).apply(&mut buffer[..size]);
            });
        });
        for (name, frame) in &frames {
            let mut ws = Connection::server(&config());
            group.bench_function(BenchmarkId::new(*name, size), |b| {
                b.iter(|| {
                    buffer[..frame.len()].copy_from_slice(black_box(frame));
                    let mut input = &mut buffer[..frame.len()];
                    match ws.receive(&mut input, &mut out) {
                        Ok(Some(Event::Text(text))) => text.len(),
                        Ok(Some(Event::Binary(data))) => data.len(),
                        other => panic!("{other:?}"),
                    }
                });
            });
            let mut ws = Connection::server(&config());
            group.bench_function(BenchmarkId::new(format!("{name}, echo"), size), |b| {
                b.iter(|| {
                    buffer[..frame.len()].copy_from_slice(black_box(frame));
                    let mut input = &mut buffer[..frame.len()];
                    out.clear();
                    match ws.receive(&mut input, &mut out) {
                        Ok(Some(Event::Text(text))) => ws.send_text(&text, &mut out),
                        Ok(Some(Event::Binary(data))) => ws.send_binary(&data, &mut out),
                        other => panic!("{other:?}"),
                    }
                });
            });
        }
    }
}

/// 64 KiB in fragments of 1 KiB, whole and in reads of 16 KiB.
fn fragments(c: &mut Criterion) {
    let mut group = c.benchmark_group("fragments");
    let mut stream = Vec::new();
    for i in 0..64 {
        let opcode = if i == 0 { Opcode::BINARY } else { Opcode::CONTINUATION };
        let mut fragment = frame(opcode, &[7; 1024]);
        fragment[0] = if i == 63 { 0x80 } else { 0 } | opcode.to_byte();
        stream.extend(fragment);
    }
    let mut buffer = vec![0; stream.len()];
    let mut out = Vec::new();
    group.throughput(Throughput::Bytes(64 << 10));
    for read in [stream.len(), 16 << 10] {
        let mut ws = Connection::server(&config());
        group.bench_function(BenchmarkId::new("reads of", read), |b| {
            b.iter(|| {
                let mut received = 0;
                for piece in black_box(&stream).chunks(read) {
                    buffer[..piece.len()].copy_from_slice(piece);
                    let mut input = &mut buffer[..piece.len()];
                    while let Ok(Some(Event::Binary(data))) = ws.receive(&mut input, &mut out) {
                        received += data.len();
                    }
                }
                assert_eq!(received, 64 << 10);
            });
        });
    }
}

/// 1 MiB in reads of 16 KiB: joined in new memory, in memory that was used before, and read
/// straight to there.
fn joined(c: &mut Criterion) {
    const LEN: usize = 1 << 20;
    let mut group = c.benchmark_group("joined");
    group.throughput(Throughput::Bytes(LEN as u64));
    let stream = frame(Opcode::BINARY, &[7; LEN]);
    let (mut buffer, mut out) = (vec![0; 16 << 10], Vec::new());
    for (name, reuses, reads_straight) in
        [("new", false, false), ("reused", true, false), ("reused, straight", true, true)]
    {
        let (mut ws, mut memory) = (Connection::server(&config()), MessageBuffer::new());
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut rest = &black_box(&stream)[..];
                loop {
                    let straight = if reads_straight {
                        ws.receive_payload(|payload, most| {
                            payload.extend_from_slice(&rest[..most]);
                            rest = &rest[most..];
                        })
                    } else {
                        None
                    };
                    let len = if straight.is_some() { 0 } else { rest.len().min(buffer.len()) };
                    buffer[..len].copy_from_slice(&rest[..len]);
                    rest = &rest[len..];
                    let mut input = &mut buffer[..len];
                    let event = ws.receive_reusing(&mut input, &mut out, &mut memory).unwrap();
                    if let Some(Event::Binary(data)) = event {
                        assert_eq!(data.len(), LEN);
                        if !reuses {
                            memory = MessageBuffer::new();
                        }
                        return;
                    }
                }
            });
        });
    }
}

fn send(c: &mut Criterion) {
    let mut group = c.benchmark_group("send");
    for size in SIZES {
        let data = vec![7; size];
        let prepared = Prepared::binary(&data);
        let mut out = Vec::with_capacity(size + 14);
        let mut server = Connection::server(&config());
        let mut client = Connection::client(&config(), MaskingKeys::random());
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("limit: copy", size), |b| {
            b.iter(|| {
                out.clear();
                out.extend_from_slice(black_box(&data));
            });
        });
        for (name, ws) in [("server", &mut server), ("client", &mut client)] {
            group.bench_function(BenchmarkId::new(name, size), |b| {
                b.iter(|| {
                    out.clear();
                    ws.send_binary(black_box(&data), &mut out)
                });
            });
        }
        group.bench_function(BenchmarkId::new("server, prepared", size), |b| {
            b.iter(|| {
                out.clear();
                server.send_prepared(black_box(&prepared), &mut out)
            });
        });
    }
}

fn handshake(c: &mut Criterion) {
    let request = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n\
        User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
        Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
        Sec-WebSocket-Version: 13\r\nOrigin: http://example.com\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: keep-alive, Upgrade\r\n\
        Pragma: no-cache\r\nCache-Control: no-cache\r\nUpgrade: websocket\r\n\r\n";
    let mut out = Vec::with_capacity(1024);
    c.bench_function("handshake/server", |b| {
        b.iter_batched_ref(
            || request.to_vec(),
            |request| {
                out.clear();
                let mut input = &mut request[..];
                let request = ServerHandshake::new().receive(&mut input).unwrap().unwrap();
                request.accept().unwrap().into_connection(&Config::new(), &mut out)
            },
            BatchSize::SmallInput,
        );
    });
}
