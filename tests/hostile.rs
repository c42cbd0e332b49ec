//! How others were broken by what a peer sent, and that this library is not:
//! floods, frames made to crash or to fill memory, and bytes without sense.

mod support;

use core::time::Duration;

use sansws::{Config, Connection, Error, Event, Instant, State, Transport, Violation};
use support::*;

/// The longest frame that a connection sends by itself: a masked Close or pong.
const LONGEST_ANSWER: usize = 2 + 4 + 125;

/// Gives `pieces` to a connection and holds it to its contract at each call.
fn run<'p>(ws: &mut Connection, pieces: impl IntoIterator<Item = &'p [u8]>) -> Outcome {
    let (mut outcome, mut received) = (Outcome::default(), 0);
    for piece in pieces {
        let mut piece = piece.to_vec();
        received += piece.len();
        let mut input = &mut piece[..];
        while outcome.error.is_none() {
            match receive_once(ws, &mut input, &mut outcome.out) {
                Ok(Some(event)) => outcome.events.push(event.into_owned()),
                Ok(None) => break,
                Err(error) => outcome.error = Some(error),
            }
            assert!(ws.buffered() <= received, "held {} of {received} bytes", ws.buffered());
        }
        let most = 3 * received + LONGEST_ANSWER;
        assert!(outcome.out.len() <= most, "{} bytes for {received}", outcome.out.len());
    }
    outcome
}

#[test]
fn frames_that_broke_others_are_refused() {
    use Role::{Client, Server};
    #[rustfmt::skip]
    let table: [(&str, Role, &[u8], Violation); 14] = [
        ("Tomcat, CVE-2020-13935: a negative length, and a loop without end", Server,
            b"\x82\xFF\x80\0\0\0\0\0\0\x01\0\0\0\0", Violation::LengthOverflow),
        ("gorilla/websocket, CVE-2020-27813: lengths whose sum overflows", Server,
            b"\x02\x81\0\0\0\0.\x00\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0", Violation::MessageTooBig),
        ("undici, CVE-2026-1528: a length above 32 bits, put together wrong", Client,
            b"\x82\x7F\0\0\0\x01\0\0\0\0", Violation::MessageTooBig),
        ("rust-websocket, CVE-2022-35922: memory for what a header declares", Server,
            b"\x82\xFF\0\0\0\0\x3F\xFF\xFF\xFF\0\0\0\0", Violation::MessageTooBig),
        ("websocket-driver, CVE-2026-54463: an old draft's endless length", Server,
            b"\x80\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", Violation::ContinuationUnexpected),
        ("Bandit: six bytes that crashed it, a compressed fragment of a Close", Server,
            b"\x48\x80\0\0\0\0", Violation::ReservedBit),
        ("Jetty and sockudo-ws: RSV1 on a ping", Server,
            b"\xC9\x80\0\0\0\0", Violation::ReservedBit),
        ("Jetty and sockudo-ws: RSV1 on a continuation", Server,
            b"\x01\x80\0\0\0\0\xC0\x80\0\0\0\0", Violation::ReservedBit),
        ("aiohttp, CVE-2026-59881: compressed, which nobody agreed on", Client,
            b"\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\0", Violation::ReservedBit),
        ("Bandit, GHSA-rhh8-5xw9-c3gm: no mask", Server,
            b"\x81\x01A", Violation::MaskMissing),
        ("Bandit, GHSA-rhh8-5xw9-c3gm: no mask, on an empty ping", Server,
            b"\x89\x00", Violation::MaskMissing),
        ("fastwebsockets and soketto: a server that masks", Client,
            b"\x81\x81\0\0\0\0A", Violation::MaskUnexpected),
        ("a ping as long as a message, which comes back as long", Server,
            b"\x89\xFE\0\x7E\0\0\0\0", Violation::ControlTooLong),
        ("undici: a close reason that is not UTF-8", Server,
            b"\x88\x84\0\0\0\0\x03\xE8\xC3\x28", Violation::CloseReasonInvalid),
    ];
    for (incident, role, bytes, violation) in table {
        for size in [1, 3, bytes.len()] {
            let mut ws = role.connection(&Config::new());
            let outcome = run(&mut ws, bytes.chunks(size));
            assert_eq!(outcome.error, Some(Error::Failed(violation)), "{incident}");
            assert_eq!((outcome.events, ws.buffered()), (vec![], 0), "{incident}");
            let code = violation.close_code().unwrap().value();
            let close = role.outgoing_close(code, violation.description());
            assert_eq!(outcome.out, close, "{incident}");
            // Some left the socket open, for a program to read on.
            assert_eq!(ws.state(), State::Failed, "{incident}");
            assert_eq!(ws.transport(), Transport::Shutdown, "{incident}");
            assert!(ws.poll_timeout(Instant::from_epoch(Duration::ZERO)).is_some(), "{incident}");
        }
    }
}

/// A key of zeros is legal, and hides nothing (5.3).
#[test]
fn a_key_of_zeros_is_a_key() {
    let mut ws = Connection::server(&Config::new());
    let outcome = run(&mut ws, [&b"\x81\x82\0\0\0\0hi"[..]]);
    assert_eq!(outcome.events, [Event::Text("hi".into())]);
}

/// aiohttp and ws kept an object for each small read or fragment; Bandit
/// (CVE-2026-65623) measured the whole message again at each.
#[test]
fn a_message_in_crumbs_costs_what_its_bytes_cost() {
    let len = 50_000;
    let text = "x".repeat(len);
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        let outcome = run(&mut ws, role.incoming_final(TEXT, text.as_bytes()).chunks(1));
        assert!(outcome.events == [Event::Text(text.clone().into())], "{role:?}: one byte a read");

        let mut ws = role.connection(&Config::new());
        let mut incoming = role.incoming(TEXT, b"");
        incoming.extend(role.incoming(CONTINUATION, b"x").repeat(len));
        incoming.extend(role.incoming_final(CONTINUATION, b""));
        let outcome = run(&mut ws, incoming.chunks(1000));
        assert!(outcome.events == [Event::Text(text.clone().into())], "{role:?}: one byte a frame");
    }
}

/// Undertow leaked a buffer for each pong.
#[test]
fn pongs_that_nobody_asked_for_leave_nothing_behind() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        let pongs = role.incoming_final(PONG, &[7; 125]).repeat(5000);
        let outcome = run(&mut ws, pongs.chunks(1001));
        assert_eq!((outcome.events.len(), outcome.error), (5000, None), "{role:?}");
        assert_eq!((outcome.out.len(), ws.buffered()), (0, 0), "{role:?}");
    }
}

/// sockudo-ws let data that kept coming starve the pongs. Here an answer stands
/// behind what was sent before the ping came, and before all that is sent after.
#[test]
fn an_answer_keeps_its_place() {
    for role in Role::BOTH {
        let (mut ws, mut out) = (role.connection(&Config::new()), Vec::new());
        ws.send_text("before", &mut out).unwrap();
        ws.send_binary_part(b"half", false, &mut out).unwrap();
        let mut ping = role.incoming_final(PING, b"?");
        receive_once(&mut ws, &mut &mut ping[..], &mut out).unwrap();
        ws.send_binary_part(b"half", true, &mut out).unwrap();
        let frames: [(u8, &[u8]); 4] =
            [(0x81, b"before"), (0x02, b"half"), (0x8A, b"?"), (0x80, b"half")];
        assert_eq!(out, frames.map(|(first, payload)| role.outgoing(first, payload)).concat());
    }
}

#[test]
fn answers_are_at_most_three_times_what_they_answer() {
    for role in Role::BOTH {
        let mut worst = (0, 1);
        for len in 0..=125 {
            let pings = role.incoming_final(PING, &vec![7; len]).repeat(10);
            let outcome = run(&mut role.connection(&Config::new()), [&pings[..]]);
            let pongs = role.outgoing(0x80 | PONG, &vec![7; len]).repeat(10);
            assert_eq!(outcome.out, pongs, "{role:?}");
            assert!(outcome.out.len() <= 3 * pings.len(), "{role:?} {len}");
            worst = std::cmp::max_by_key(worst, (outcome.out.len(), pings.len()), |(o, i)| {
                o * 1000 / i
            });
        }
        let (out, incoming) = worst;
        // A server's empty ping of two bytes costs a client six. A server answers
        // with less than it got.
        assert_eq!((out, incoming), if role == Role::Client { (60, 20) } else { (1270, 1310) });
    }
}

/// curl (CVE-2026-11586) and others queued a pong for each ping of a peer that
/// did not read. A program that does not read while `out` is long holds little,
/// and still answers every ping, the newest too.
#[test]
fn a_flood_of_pings_is_held_back_by_not_reading() {
    const HIGH_WATER: usize = 4096;
    const READ: usize = 1024;
    for role in Role::BOTH {
        let numbered = |first: u8, n: u32, frame: fn(Role, u8, &[u8]) -> Vec<u8>| {
            frame(role, first, &n.to_be_bytes())
        };
        let incoming: Vec<u8> =
            (0..10_000).flat_map(|n| numbered(0x80 | PING, n, Role::incoming)).collect();
        let mut reads = incoming.chunks(READ);
        let mut ws = role.connection(&Config::new());
        let (mut out, mut wire) = (Vec::new(), Vec::new());
        let mut more = true;
        while more || !out.is_empty() {
            if more && out.len() < HIGH_WATER {
                match reads.next() {
                    Some(read) => {
                        let mut read = read.to_vec();
                        let mut input = &mut read[..];
                        while receive_once(&mut ws, &mut input, &mut out).unwrap().is_some() {}
                    }
                    None => more = false,
                }
            }
            assert!(out.len() < HIGH_WATER + 3 * READ, "{role:?}: {}", out.len());
            assert!(out.capacity() < 2 * (HIGH_WATER + 3 * READ), "{role:?}: {}", out.capacity());
            wire.extend(out.drain(..out.len().min(100))); // a slow peer
        }
        let pongs = (0..10_000).flat_map(|n| numbered(0x80 | PONG, n, Role::outgoing));
        assert!(wire == pongs.collect::<Vec<u8>>(), "{role:?}");
    }
}

/// A peer that reads nothing at all: a ping more, and it is given up.
#[test]
fn a_peer_that_never_reads_is_given_up() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        let mut out = run(&mut ws, [&role.incoming_final(PING, &[7; 125]).repeat(100)[..]]).out;
        let flooded = out.len();
        let mut now = Instant::from_epoch(Duration::ZERO);
        let error = loop {
            let Some(deadline) = ws.poll_timeout(now) else { panic!("{role:?}: no deadline") };
            now = deadline;
            if let Err(error) = ws.handle_timeout(now, &mut out) {
                break error;
            }
        };
        assert_eq!(error, Error::Failed(Violation::PongTimeout), "{role:?}");
        assert!(out.len() <= flooded + 2 * LONGEST_ANSWER, "{role:?}");
        assert!(now.since_epoch() <= Duration::from_secs(60), "{role:?}");
    }
}

/// Numbers that look random and are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }

    /// Frames as they may be, as they must not be, and none at all.
    fn stream(&mut self, role: Role) -> Vec<u8> {
        #[rustfmt::skip]
        const LENGTHS: [u64; 16] = [
            0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32,
            (1 << 32) + 5, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX,
        ];
        const PAYLOADS: [&[u8]; 6] =
            [b"", b"x", "é😀".as_bytes(), &[b'y'; 300], b"\xF0\x9F", b"\x98\x80"];
        let (mut stream, mut inside) = (Vec::new(), false);
        for _ in 0..=self.roll(8) {
            let first_byte = match (self.roll(20), inside) {
                (0, _) => self.roll(256) as u8,
                (1, _) => 0x88,
                (2..5, _) => self.pick(&[0x89, 0x8A]),
                (_, true) => self.pick(&[0x00, 0x80]),
                (_, false) => self.pick(&[0x81, 0x82, 0x01, 0x02]),
            };
            match self.roll(20) {
                0 => stream.extend(header_only(role, first_byte, self.pick(&LENGTHS))),
                1 => stream
                    .extend((0..self.roll(20)).map(|_| self.roll(256) as u8).collect::<Vec<_>>()),
                _ => {
                    let payload = self.pick(&PAYLOADS);
                    stream.extend(role.incoming(first_byte, payload));
                }
            }
            if first_byte & 0x08 == 0 {
                inside = first_byte & 0x80 == 0;
            }
        }
        if self.roll(4) == 0 && !stream.is_empty() {
            let at = self.roll(stream.len());
            stream[at] ^= 1 << self.roll(8);
        }
        stream
    }

    fn cut<'b>(&mut self, mut bytes: &'b [u8]) -> Vec<&'b [u8]> {
        let longest = self.pick(&[1, 2, 10, 200]);
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(self.roll(longest + 1).min(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }
}

/// Whatever comes: each call makes progress, little is held and written, nothing
/// panics, and how the bytes are cut makes no difference.
#[test]
fn senseless_bytes_do_no_harm_however_they_are_cut() {
    let mut dice = Dice(0x5EED);
    let (mut failed, mut messages) = (0, 0);
    for round in 0..4000 {
        let role = dice.pick(&Role::BOTH);
        let config = Config::new()
            .max_message_len(dice.pick(&[10, 500, 1 << 20, u64::MAX]))
            .max_fragments(dice.pick(&[1, 5, 1 << 16]))
            .require_minimal_len(dice.pick(&[true, false]));
        let stream = dice.stream(role);
        let row = format!("round {round}, {role:?} {config:?} {stream:02x?}");

        let whole = run(&mut role.connection(&config), [&stream[..]]);
        let cut = run(&mut role.connection(&config), dice.cut(&stream));
        assert_eq!(cut, whole, "{row}");
        let parts = receive_parts(&mut role.connection(&config), dice.cut(&stream));
        assert_eq!((parts.error, parts.out), (whole.error, whole.out), "{row}");
        failed += usize::from(whole.error.is_some());
        messages += whole.events.len();
    }
    assert!(failed > 1000 && messages > 2000, "the dice are loaded: {failed}, {messages}");
}
