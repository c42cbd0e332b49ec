//! Compressed connections do not hear of each other, though a thread's use the
//! same contexts in turn, and it makes no difference to the peer what one keeps.
#![cfg(feature = "deflate")]

mod support;
#[path = "support/deflate.rs"]
mod with_deflate;

use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sansws::{Config, Connection, DeflateConfig, Event, KeepContext, Prepared, Violation};
use support::{BINARY, Role, TEXT, receive};
use with_deflate::{client, pair, server};

const FIRST: u8 = 0x80 | 0x40;
/// RFC 7692, 7.2.3.1 and 7.2.3.2: "Hello", and the same as an "H" and the four
/// bytes that are five before.
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const AGAIN: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];

const KEEP: [KeepContext; 3] = [KeepContext::Never, KeepContext::WithTakeover, KeepContext::Always];

fn config() -> impl Strategy<Value = DeflateConfig> {
    let numbers = (1..=9u8, 1..=9u8, 8..=15u8, 8..=15u8);
    let without = || prop::bool::weighted(0.25);
    (numbers, prop::sample::select(&KEEP[..]), without(), without()).prop_map(
        |(numbers, keep, send, receive)| {
            let (level, memory_level, send_bits, receive_bits) = numbers;
            DeflateConfig::new()
                .min_len(0)
                .level(level)
                .memory_level(memory_level)
                .send_window_bits(send_bits)
                .receive_window_bits(receive_bits)
                .keep_context(keep)
                .send_without_takeover(send)
                .receive_without_takeover(receive)
        },
    )
}

/// One side of a pair does something.
#[derive(Clone, Debug)]
struct Step {
    pair: usize,
    side: usize,
    action: Action,
}

#[derive(Clone, Debug)]
enum Action {
    Part(Vec<u8>, bool),
    /// Broadcast, if no message is under way.
    Prepared(Vec<u8>),
    /// Both sides go, perhaps amid a message, and others come.
    Replace,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let words = prop::sample::select(vec!["alpha ", "beta", "{\"id\":", "1,", "\n", "gamma"]);
    let data = prop_oneof![
        4 => vec(words, 0..200).prop_map(|words| words.concat().into_bytes()),
        1 => vec(any::<u8>(), 0..1000),
        1 => (0..3u8, 0..40_000usize).prop_map(|(seed, len)| noise(seed, len)),
    ];
    let action = prop_oneof![
        12 => (data.clone(), any::<bool>()).prop_map(|(data, last)| Action::Part(data, last)),
        2 => data.prop_map(Action::Prepared),
        1 => Just(Action::Replace),
    ];
    let step =
        (0..3usize, 0..2usize, action).prop_map(|(pair, side, action)| Step { pair, side, action });
    vec(step, 1..40)
}

fn noise(seed: u8, len: usize) -> Vec<u8> {
    let mut state = u32::from(seed);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// What comes of the steps: the bytes that each pair has sent, checked to arrive.
fn run(configs: &[[DeflateConfig; 2]], steps: &[Step]) -> Vec<Vec<u8>> {
    let limits = Config::new().max_message_len(u64::MAX);
    let open = |[of_server, of_client]: [DeflateConfig; 2]| pair(of_server, of_client, &limits);
    let mut pairs: Vec<_> = configs.iter().map(|&configs| open(configs)).collect();
    let mut sent = vec![Vec::new(); configs.len()];
    let mut under_way = vec![[const { Vec::new() }; 2]; configs.len()];
    let mut is_begun = vec![[false; 2]; configs.len()];
    for Step { pair, side, action } in steps {
        let [sender, receiver] = &mut pairs[*pair];
        let (sender, receiver) = if *side == 0 { (sender, receiver) } else { (receiver, sender) };
        let mut out = Vec::new();
        let message = match action {
            Action::Part(data, last) => {
                sender.send_binary_part(data, *last, &mut out).unwrap();
                is_begun[*pair][*side] = !last;
                under_way[*pair][*side].extend_from_slice(data);
                last.then(|| core::mem::take(&mut under_way[*pair][*side]))
            }
            Action::Prepared(_) if is_begun[*pair][*side] => continue,
            Action::Prepared(data) => {
                // In a window that each can inflate
                let config = configs[*pair][*side].send_window_bits(8);
                let prepared = Prepared::binary(data).deflated(&config);
                sender.send_prepared(&prepared, &mut out).unwrap();
                Some(data.clone())
            }
            Action::Replace => {
                pairs[*pair] = open(configs[*pair]);
                under_way[*pair] = [const { Vec::new() }; 2];
                is_begun[*pair] = [false; 2];
                continue;
            }
        };
        sent[*pair].extend_from_slice(&out);
        let expected: Vec<_> =
            message.into_iter().map(|message| Event::Binary(message.into())).collect();
        let outcome = receive(receiver, &out);
        assert_eq!(outcome.error, None);
        assert!(outcome.events == expected, "{configs:?}");
    }
    sent
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_connection_sends_the_same_bytes_whatever_others_of_its_thread_do(
        configs in vec([config(), config()], 3),
        one_for_all in any::<bool>(),
        steps in steps(),
    ) {
        // The same settings, so that they need the same contexts, or different ones
        let configs = if one_for_all { vec![configs[0]; 3] } else { configs };
        let together = run(&configs, &steps);
        for (pair, sent) in together.iter().enumerate() {
            let mut own: Vec<Step> = steps.iter().filter(|step| step.pair == pair).cloned().collect();
            own.iter_mut().for_each(|step| step.pair = 0);
            let config = configs[pair];
            // A thread that holds no context yet
            let alone = thread::spawn(move || run(&[config], &own)).join().unwrap();
            prop_assert!(alone[0] == *sent, "{:?}", config);
        }
    }

    #[test]
    fn what_is_made_of_a_message_does_not_tell_what_the_context_was_kept_from(
        config in config(),
        text in prop_oneof![text(&["a", "b"]), text(&["alpha ", "beta", "{\"id\":", "1,", "\n"])],
        likes in vec((likeness(), cuts()), 2..20),
    ) {
        let connect = |keep| {
            let config = config.send_without_takeover(true).keep_context(keep);
            server(&["permessage-deflate"], config, &Config::new()).1
        };
        let [mut kept, mut made] = [KeepContext::Always, KeepContext::Never].map(connect);
        let mut receiver = client(
            "permessage-deflate; server_no_context_takeover",
            DeflateConfig::new(),
            &Config::new(),
        ).1.unwrap();
        for (like, cuts) in likes {
            let message = like.of(&text);
            let sent = send_cut(&mut kept, &message, &cuts);
            prop_assert!(sent == send_cut(&mut made, &message, &cuts), "{:?} {:?}", config, cuts);
            let outcome = receive(&mut receiver, &sent);
            prop_assert!(outcome.events == [Event::Binary(message.into())]);
        }
    }
}

fn text(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(words), 1..2000).prop_map(|words| words.concat().into_bytes())
}

/// How messages are alike, so that the end of one lies where another goes on as it does.
#[derive(Clone, Debug)]
struct Likeness {
    end: Index,
    /// Some bytes from here are repeated there.
    copied: Vec<(Index, Index, usize)>,
}

fn likeness() -> impl Strategy<Value = Likeness> {
    (any::<Index>(), vec((any::<Index>(), any::<Index>(), 1..300usize), 0..4))
        .prop_map(|(end, copied)| Likeness { end, copied })
}

impl Likeness {
    fn of(&self, text: &[u8]) -> Vec<u8> {
        let mut message = text[..self.end.index(text.len()) + 1].to_vec();
        for (from, to, len) in &self.copied {
            let from = from.index(message.len());
            let end = message.len().min(from + len);
            let to = to.index(message.len() - (end - from) + 1);
            message.copy_within(from..end, to);
        }
        message
    }
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop_oneof![3 => Just(Vec::new()), 1 => vec(any::<Index>(), 1..20)]
}

/// Sends a message in parts.
fn send_cut(ws: &mut Connection, message: &[u8], cuts: &[Index]) -> Vec<u8> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(message.len())).collect();
    ends.sort_unstable();
    let (mut out, mut start) = (Vec::new(), 0);
    for end in ends {
        ws.send_binary_part(&message[start..end], false, &mut out).unwrap();
        start = end;
    }
    ws.send_binary_part(&message[start..], true, &mut out).unwrap();
    out
}

#[test]
fn a_message_may_move_between_threads() {
    for config in [
        DeflateConfig::new(),
        DeflateConfig::new().keep_context(KeepContext::Never),
        DeflateConfig::new().send_without_takeover(true).receive_without_takeover(true),
        DeflateConfig::new().send_without_takeover(true).keep_context(KeepContext::Always),
    ] {
        let [mut server, mut client] = pair(config, config, &Config::new());
        let part = "some text, and more of it; ".repeat(100);
        for round in 0..5 {
            // The context that is borrowed here is given back there.
            let mut out = Vec::new();
            client.send_text_part(&part, false, &mut out).unwrap();
            assert_eq!(receive(&mut server, &out).events, []);
            let there = move || {
                let mut out = Vec::new();
                client.send_text_part("the end", true, &mut out).unwrap();
                client.send_text("and another", &mut out).unwrap();
                (receive(&mut server, &out), server, client)
            };
            let outcome;
            (outcome, server, client) = thread::spawn(there).join().unwrap();
            let expected = [format!("{part}the end"), "and another".to_owned()];
            let expected = expected.map(|text| Event::Text(text.into()));
            assert_eq!((&outcome.events[..], outcome.error), (&expected[..], None), "{round}");
        }
    }
}

#[test]
fn a_message_is_compressed_alike_whole_and_as_a_part() {
    // For a whole one the context is no larger than that takes.
    let words: Vec<u8> =
        (0..3000_u32).flat_map(|i| (i * i % 251).to_string().into_bytes()).collect();
    let (noise, run) = (noise(2, 5000), [b'x'; 5000]);
    let lens = [1, 62, 63, 64, 126, 127, 128, 249, 250, 251, 254, 255, 256, 761, 762, 763, 1022];
    let configs = (1..=9)
        .flat_map(|level| [1, 4, 8].map(|memory| (level, memory)))
        .flat_map(|(level, memory)| [8, 10, 15].map(|bits| (level, memory, bits)));
    for (level, memory, bits) in configs {
        let config = DeflateConfig::new()
            .min_len(0)
            .level(level)
            .memory_level(memory)
            .send_window_bits(bits)
            .send_without_takeover(true);
        let (_, mut ws) = server(&["permessage-deflate"], config, &Config::new());
        for data in [&words[..], &noise, &run] {
            for len in lens.into_iter().chain([1023, 1024, 1785, 1786, 1787, 4090, 5000]) {
                let (mut whole, mut part) = (Vec::new(), Vec::new());
                ws.send_binary(&data[..len], &mut whole).unwrap();
                ws.send_binary_part(&data[..len], false, &mut part).unwrap();
                ws.send_binary_part(b"", true, &mut Vec::new()).unwrap();
                let part = payload(&part).strip_suffix(&[0, 0, 0xff, 0xff]);
                assert!(part == Some(payload(&whole)), "{level} {memory} {bits}: {len}");
            }
        }
    }
}

/// The payload of a server's one frame.
fn payload(frame: &[u8]) -> &[u8] {
    let (_, len) = sansws::frame::Header::parse(frame).unwrap().unwrap();
    &frame[len..]
}

fn receiver(takeover: bool) -> Connection {
    let config = DeflateConfig::new().receive_without_takeover(!takeover);
    server(&["permessage-deflate"], config, &Config::new()).1
}

fn inflate(ws: &mut Connection, payload: &[u8]) -> Result<String, Violation> {
    let outcome = receive(ws, &Role::Server.incoming(FIRST | TEXT, payload));
    match (&outcome.events[..], outcome.error.and_then(|error| error.violation())) {
        ([Event::Text(text)], None) => Ok(text.clone().into_owned()),
        ([], Some(violation)) => Err(violation),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_message_refers_to_one_of_another_connection() {
    let mut first = receiver(true);
    for takeover in [true, false] {
        // The thread's context has just inflated a "Hello", whole or in part, for
        // a connection that goes on, ends, or fails.
        let begun = Role::Server.incoming(0x40 | TEXT, &HELLO[..6]);
        let before: [&mut dyn FnMut(); 4] = [
            &mut || assert_eq!(inflate(&mut first, HELLO), Ok("Hello".to_owned())),
            &mut || assert_eq!(inflate(&mut receiver(takeover), HELLO), Ok("Hello".to_owned())),
            &mut || assert_eq!(receive(&mut receiver(takeover), &begun).events, []),
            &mut || {
                let invalid = [HELLO, &[0x07, 0x07]].concat();
                let result = inflate(&mut receiver(takeover), &invalid);
                assert_eq!(result, Err(Violation::DeflateInvalid));
            },
        ];
        for before in before {
            before();
            let result = inflate(&mut receiver(takeover), AGAIN);
            assert_eq!(result, Err(Violation::DeflateInvalid));
            before();
            let mut ws = receiver(takeover);
            assert_eq!(inflate(&mut ws, HELLO), Ok("Hello".to_owned()));
            before();
            let expected =
                if takeover { Ok("Hello".to_owned()) } else { Err(Violation::DeflateInvalid) };
            assert_eq!(inflate(&mut ws, AGAIN), expected);
        }
    }
}

#[test]
fn after_a_final_block_a_message_refers_to_what_came_since() {
    let is_final: &[u8] = &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let world: &[u8] = &[0x00, 0x05, 0x00, 0xfa, 0xff, b'W', b'o', b'r', b'l', b'd'];
    let since = [is_final, world, &[0x00]].concat();
    let before = [world, is_final, &[0x00]].concat();
    for (first, text, next) in [
        (since, "HelloWorld", Ok("Horld".to_owned())),
        (before, "WorldHello", Err(Violation::DeflateInvalid)),
    ] {
        let mut ws = receiver(true);
        assert_eq!(inflate(&mut ws, HELLO), Ok("Hello".to_owned()));
        assert_eq!(inflate(&mut ws, &first), Ok(text.to_owned()));
        // Another uses the thread's context in between.
        assert_eq!(inflate(&mut receiver(true), HELLO), Ok("Hello".to_owned()));
        assert_eq!(inflate(&mut ws, AGAIN), next);
    }
}

#[test]
fn the_window_reaches_as_far_back_as_agreed() {
    // The window is wholly that of the last message: its beginning is the furthest.
    for (bits, len) in [(15, 32_768_u16), (9, 512), (8, 256)] {
        let config = DeflateConfig::new().receive_window_bits(bits);
        let (_, ws) = client(
            &format!("permessage-deflate; server_max_window_bits={bits}"),
            config,
            &Config::new(),
        );
        let mut ws = ws.unwrap();
        let data = noise(1, usize::from(len));
        let stored = [&[0][..], &len.to_le_bytes(), &(!len).to_le_bytes(), &data, &[0]].concat();
        // Enough to go round the window, and then some
        for _ in 0..3 {
            let short = [&[0][..], &[5, 0, 0xfa, 0xff], b"bytes", &[0]].concat();
            let frames = [&short, &stored]
                .map(|payload| Role::Client.incoming(FIRST | BINARY, payload))
                .concat();
            let expected = [b"bytes".to_vec(), data.clone()].map(|data| Event::Binary(data.into()));
            assert!(receive(&mut ws, &frames).events == expected);
        }
        let outcome = receive(&mut ws, &Role::Client.incoming(FIRST | BINARY, &back(len)));
        assert_eq!(outcome.events, [Event::Binary(data[..3].to_vec().into())], "{bits}");
    }
}

/// A block of fixed codes with one match of three bytes, so far back.
fn back(distance: u16) -> Vec<u8> {
    // RFC 1951, 3.2.5: the greatest distance of its code, so all extra bits are 1
    let (code, extra_bits) = match distance {
        256 => (15, 6),
        512 => (17, 7),
        32_768 => (29, 13),
        _ => unreachable!(),
    };
    let mut bits = Vec::from([false, true, false]);
    let mut code_of = |value: u32, len: u32| {
        bits.extend((0..len).rev().map(|bit| value >> bit & 1 == 1));
    };
    code_of(1, 7); // 257: three bytes
    code_of(code, 5);
    code_of((1 << extra_bits) - 1, extra_bits);
    code_of(0, 7); // the block's end
    code_of(0, 3); // the header of the empty block that is left out
    bits.chunks(8)
        .map(|bits| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
        .collect()
}
