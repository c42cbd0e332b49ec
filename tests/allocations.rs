//! What the library takes from the heap, counted: nothing for a connection at
//! rest or a message in one piece, and otherwise at most four times what has arrived.

#[path = "support/counting.rs"]
mod counting;
mod support;

use sansws::handshake::{Answer, RequestBuilder, ServerHandshake};
use sansws::{
    Config, Connection, Error, Event, Instant, MaskingKeys, MessageBuffer, Part, Prepared,
    Violation,
};

use self::counting::{Cost, NOTHING, cost_of, cost_so_far};
use self::support::{
    BINARY, CLOSE, CONTINUATION, PING, PONG, Role, TEXT, close_payload, header_only,
};

/// One connection of each kind.
fn connections(config: &Config) -> Vec<(Role, Connection)> {
    Vec::from([
        (Role::Server, Role::Server.connection(config)),
        (Role::Client, Role::Client.connection(config)),
        #[cfg(feature = "rand")]
        (Role::Client, Connection::client(config, MaskingKeys::random())),
    ])
}

/// Receives all of `input` and forgets it; the last event's length.
fn receive(ws: &mut Connection, mut input: &mut [u8], out: &mut Vec<u8>) -> Result<usize, Error> {
    let mut last = 0;
    while let Some(event) = ws.receive(&mut input, out)? {
        last = match event {
            Event::Text(text) => text.len(),
            Event::Binary(data) | Event::Ping(data) | Event::Pong(data) => data.len(),
            _ => 0,
        };
    }
    Ok(last)
}

const MIB: usize = 1 << 20;

/// Limits that do not matter here.
fn generous() -> Config {
    Config::new().max_message_len(u64::MAX).max_fragments(u32::MAX)
}

#[test]
fn a_new_or_idle_connection_holds_no_heap() {
    for role in Role::BOTH {
        let (_ws, cost) = cost_of(|| role.connection(&Config::new()));
        assert_eq!(cost, NOTHING, "a new {role:?}");
    }
    #[cfg(feature = "rand")]
    {
        let (_ws, cost) = cost_of(|| Connection::client(&Config::new(), MaskingKeys::random()));
        assert_eq!(cost, NOTHING, "a new client with random keys");
    }
    let mut out = Vec::with_capacity(100);
    for (role, mut ws) in connections(&Config::new()) {
        ws.send_ping(b"", &mut out).unwrap(); // a thread's first key sets up its generator
        let ((), cost) = cost_of(|| {
            let deadline = ws.poll_timeout(Instant::from_epoch(Default::default())).unwrap();
            ws.handle_timeout(deadline, &mut out).unwrap();
            assert_eq!(ws.receive(&mut &mut [][..], &mut out), Ok(None));
        });
        assert_eq!(cost, NOTHING, "{role:?} idle");
    }
}

#[test]
fn a_message_in_one_piece_costs_no_allocation() {
    let text = "aß€𝄞".repeat(20_000);
    let texts = ["", "hello", &text[..200], &text];
    let mut out = Vec::with_capacity(4 * MIB);
    for (role, mut ws) in connections(&Config::new()) {
        ws.send_ping(b"", &mut out).unwrap();
        for text in texts {
            let payload = text.as_bytes();
            let prepared = [Prepared::text(text), Prepared::binary(payload)];
            let control = &payload[..payload.len().min(125)];
            let mut input = [(TEXT, payload), (BINARY, payload), (PING, control), (PONG, control)]
                .map(|(opcode, payload)| role.incoming_final(opcode, payload))
                .concat();
            let own = text.to_owned();
            out.clear();
            let (_sent, cost) = cost_of(|| {
                let events = receive(&mut ws, &mut input, &mut out);
                assert_eq!(events, Ok(control.len()));
                ws.send_text(text, &mut out).unwrap();
                ws.send_binary(payload, &mut out).unwrap();
                for message in &prepared {
                    ws.send_prepared(message, &mut out).unwrap();
                }
                let sent = ws.send_text_vectored(own, &mut out).unwrap();
                ws.send_text_part(text, false, &mut out).unwrap();
                ws.send_ping(control, &mut out).unwrap();
                ws.send_pong(control, &mut out).unwrap();
                ws.send_text_part(text, true, &mut out).unwrap();
                sent
            });
            assert_eq!(cost, NOTHING, "{role:?}, {} bytes", text.len());
        }
        let mut close = role.incoming_final(CLOSE, &close_payload(1000, "bye"));
        let (events, cost) = cost_of(|| receive(&mut ws, &mut close, &mut out));
        assert_eq!((events, cost), (Ok(0), NOTHING), "{role:?} closes");
    }
}

#[test]
fn a_message_in_parts_costs_no_allocation_however_it_is_cut() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        let text = "aß€𝄞".repeat(1000);
        for (opcode, data) in [(TEXT, text.as_bytes()), (BINARY, &[7; 10_000])] {
            let mut input = role.incoming_final(opcode, data);
            let (received, cost) = cost_of(|| {
                let mut received = 0;
                for byte in input.chunks_mut(1) {
                    match ws.receive_part(&mut &mut *byte, &mut Vec::new()).unwrap() {
                        Some(Part::Text(part)) => {
                            received += part.lead.map_or(0, char::len_utf8) + part.text.len();
                        }
                        Some(Part::Binary(part)) => received += part.data.len(),
                        _ => {}
                    }
                }
                received
            });
            assert_eq!((received, cost), (data.len(), NOTHING), "{role:?} {opcode}");
        }
    }
}

#[test]
fn nothing_is_held_once_a_message_is_taken_or_the_connection_has_ended() {
    type End = fn(&mut Connection, &mut Vec<u8>, Role);
    let ends: [(&str, End); 7] = [
        ("the message is taken", |ws, out, role| {
            let mut rest = role.incoming_final(CONTINUATION, b" end");
            assert_eq!(receive(ws, &mut rest, out), Ok(1004));
        }),
        ("the peer breaks a rule", |ws, out, role| {
            let mut wrong = role.incoming_final(TEXT, b"");
            let error = receive(ws, &mut wrong, out).unwrap_err();
            assert_eq!(error, Error::Failed(Violation::MessageInterrupted));
        }),
        ("the peer sends what is not text", |ws, out, role| {
            let mut wrong = role.incoming(CONTINUATION, b"more\xFF");
            let error = receive(ws, &mut wrong, out).unwrap_err();
            assert_eq!(error, Error::Failed(Violation::InvalidUtf8));
        }),
        ("the peer closes, byte by byte", |ws, out, role| {
            let mut close = role.incoming_final(CLOSE, &close_payload(1000, "bye"));
            for byte in close.chunks_mut(1) {
                assert_eq!(receive(ws, byte, out), Ok(0));
            }
            assert_eq!(ws.receive_eof(), Ok(()));
        }),
        ("the stream ends within a ping", |ws, out, role| {
            let mut ping = role.incoming_final(PING, b"unfinished");
            let len = ping.len();
            assert_eq!(receive(ws, &mut ping[..len - 1], out), Ok(0));
            assert_eq!(ws.buffered(), 1009);
            assert_eq!(ws.receive_eof(), Err(Error::Failed(Violation::EndOfStream)));
        }),
        ("the peer is silent", |ws, out, _| {
            let mut now = Instant::from_epoch(Default::default());
            while ws.handle_timeout(now, out).is_ok() {
                now = ws.poll_timeout(now).unwrap();
            }
        }),
        ("the program fails it", |ws, out, _| {
            assert_eq!(ws.fail(Violation::Policy, out), Error::Failed(Violation::Policy));
        }),
    ];
    for (name, end) in ends {
        for role in Role::BOTH {
            let mut ws = role.connection(&Config::new());
            let mut out = Vec::with_capacity(1000);
            let mut begin = role.incoming(TEXT, &[b'x'; 1000]);
            let (before, cost) = cost_of(|| {
                receive(&mut ws, &mut begin, &mut out).unwrap();
                let before = cost_so_far().live;
                end(&mut ws, &mut out, role);
                before
            });
            assert!(before >= 1000, "{role:?}: {name}");
            assert_eq!((cost.live, ws.buffered()), (0, 0), "{role:?}: {name}");
        }
    }
}

// rust-websocket, CVE-2022-35922: room for the declared length was taken at once.
#[test]
fn a_declared_length_costs_nothing_until_it_comes() {
    for role in Role::BOTH {
        for len in [16 << 20, 1 << 30, 1 << 40, (1 << 63) - 1] {
            for first in [TEXT, BINARY, 0x80 | TEXT, 0x80 | BINARY] {
                let mut ws = role.connection(&generous());
                let mut out = Vec::new();
                let mut header = header_only(role, first, len);
                let (received, cost) = cost_of(|| receive(&mut ws, &mut header, &mut out));
                assert_eq!((received, cost), (Ok(0), NOTHING), "{role:?} {first:#x} {len}");

                let mut frame = role.incoming_final(BINARY, b"ten  bytes");
                let mut payload = frame.split_off(frame.len() - 10);
                let (received, cost) = cost_of(|| receive(&mut ws, &mut payload, &mut out));
                assert_eq!((received, ws.buffered()), (Ok(0), 10));
                assert!(cost.peak <= 40, "{role:?} {first:#x} {len}: {cost:?}");
            }
        }
    }
}

#[test]
fn what_is_sent_costs_its_frame_and_is_copied_for_a_vectored_write_only_to_be_masked() {
    for (role, mut ws) in connections(&Config::new()) {
        ws.send_ping(b"", &mut Vec::new()).unwrap();
        for len in [100, 300, 100_000] {
            let data = vec![7; len];
            let (_out, cost) = cost_of(|| {
                let mut out = Vec::new();
                ws.send_binary(&data, &mut out).unwrap();
                out
            });
            // Headers are stored at a fixed size.
            let frame = Cost { allocations: 1, live: len as isize + 16, peak: len as isize + 16 };
            assert_eq!(cost, frame, "{role:?} {len}");

            let (_sent, cost) = cost_of(|| {
                let mut out = Vec::new();
                let payload = ws.send_binary_vectored(&data, &mut out).unwrap();
                (out, payload)
            });
            let header = Cost { allocations: 1, live: 16, peak: 16 };
            let copied = Cost { allocations: 2, ..frame };
            let expected = if role == Role::Client { copied } else { header };
            assert_eq!(cost, expected, "{role:?} {len}, vectored");

            let (_out, cost) = cost_of(|| {
                let mut out = Vec::with_capacity(16 + 100);
                let mut payload = ws.send_binary_lazily(&data, &mut out).unwrap();
                while !payload.is_empty() {
                    payload.append_to(&mut out, 100);
                    out.clear();
                }
                out
            });
            let piece = Cost { allocations: 1, live: 116, peak: 116 };
            assert_eq!(cost, piece, "{role:?} {len}, in pieces");
        }
    }
}

/// Receives one message in these pieces and checks at every one that no more
/// is held than so many times what has arrived; what it cost by the time it was whole.
fn cost_of_joining<'p>(
    role: Role,
    pieces: impl IntoIterator<Item = &'p mut [u8]>,
    len: usize,
    most: usize,
) -> Cost {
    let mut ws = role.connection(&generous());
    let mut out = Vec::new();
    let (at_end, after) = cost_of(|| {
        for mut piece in pieces {
            let event = ws.receive(&mut piece, &mut out).unwrap();
            let cost = cost_so_far();
            let received = match event {
                None => {
                    assert!(cost.peak as usize <= most * ws.buffered(), "{cost:?}");
                    continue;
                }
                Some(Event::Text(text)) => text.len(),
                Some(Event::Binary(data)) => data.len(),
                event => panic!("{event:?}"),
            };
            assert_eq!(received, len);
            return cost;
        }
        panic!("the message is not whole");
    });
    assert_eq!(after.live, 0, "{role:?}");
    at_end
}

// aiohttp (#13352) kept each socket read of a message, however small, by itself.
#[test]
fn a_message_of_many_reads_costs_at_most_four_times_what_has_arrived() {
    for (role, opcode) in [(Role::Server, TEXT), (Role::Client, BINARY)] {
        let mut input = role.incoming_final(opcode, &vec![b'x'; MIB]);
        let cost = cost_of_joining(role, input.chunks_mut(1), MIB, 4);
        assert!(cost.allocations <= 11, "{role:?}: {cost:?}"); // log4 of a MiB, and one
        assert_eq!(cost.live as usize, MIB, "{role:?}: the end is known, so no byte is too many");
    }
}

#[test]
fn a_message_that_is_read_straight_costs_at_most_four_times_what_has_arrived() {
    for role in Role::BOTH {
        let mut frame = role.incoming_final(BINARY, &vec![b'x'; MIB]);
        let (mut first, rest) = frame.split_at_mut(20_000);
        let (mut ws, mut out, mut rest) = (role.connection(&generous()), Vec::new(), &*rest);
        let (message, cost) = cost_of(|| {
            assert_eq!(ws.receive(&mut first, &mut out), Ok(None));
            while let Some(read) = ws.receive_payload(|payload, room| {
                let read = room.min(5_000).min(rest.len());
                payload.extend_from_slice(&rest[..read]);
                read
            }) {
                rest = &rest[read..];
                let peak = cost_so_far().peak as usize;
                assert!(peak <= 4 * ws.buffered(), "{role:?}: {peak} for {}", ws.buffered());
            }
            let mut rest = rest.to_vec();
            let event = ws.receive(&mut &mut rest[..], &mut out).unwrap();
            event.expect("all of it is there").into_owned()
        });
        assert!(message == Event::Binary(vec![b'x'; MIB].into()), "{role:?}");
        // log4 of a MiB by 16 KiB, and one, and the rest that is read elsewhere
        assert!(cost.allocations <= 5, "{role:?}: {cost:?}");
        assert_eq!(cost.live as usize, MIB, "{role:?}");
    }
}

#[test]
fn text_that_is_read_straight_after_a_cut_takes_no_more_than_its_length() {
    const LEN: usize = 53_000;
    for role in Role::BOTH {
        // The memory is full, but for a character of which one byte has come.
        let mut frame =
            role.incoming_final(TEXT, &[&[b'x'; 48_000], &*[0xC3, 0xA9].repeat(2_500)].concat());
        let begin = frame.len() - LEN;
        let (mut ws, mut out) = (role.connection(&generous()), Vec::new());
        let mut memory = MessageBuffer::new();
        let (begin, rest) = frame.split_at_mut(begin + 48_001);
        let (header_and_12_000, more) = begin.split_at_mut(begin.len() - 36_001);
        let (_, cost) = cost_of(|| {
            for mut input in [header_and_12_000, more] {
                let event = ws.receive_reusing(&mut input, &mut out, &mut memory);
                assert_eq!(event, Ok(None), "{role:?}");
            }
            let read = ws.receive_payload(|payload, room| {
                assert!(payload.capacity() <= LEN, "{role:?}: {}", payload.capacity());
                assert_eq!(room, LEN - 48_001);
                payload.extend_from_slice(rest);
            });
            assert!(read.is_some(), "{role:?}");
        });
        assert!(cost.peak as usize <= LEN, "{role:?}: {cost:?}");
        let event = ws.receive_reusing(&mut &mut [][..], &mut out, &mut memory);
        assert!(matches!(event, Ok(Some(Event::Text(_)))), "{role:?}: {event:?}");
    }
}

#[test]
fn text_that_is_cut_within_a_character_takes_its_memory_at_once() {
    for role in Role::BOTH {
        let mut frame = role.incoming_final(TEXT, "é".repeat(1000).as_bytes());
        let middle = frame.len() - 999;
        let (mut first, mut rest) = frame.split_at_mut(middle);
        let (mut ws, mut out) = (role.connection(&generous()), Vec::new());
        let (message, cost) = cost_of(|| {
            assert_eq!(ws.receive(&mut first, &mut out), Ok(None));
            ws.receive(&mut rest, &mut out).unwrap().unwrap().into_owned()
        });
        assert!(matches!(message, Event::Text(_)));
        assert_eq!((cost.allocations, cost.live), (1, 2000), "{role:?}");
    }
}

#[test]
fn a_message_that_is_joined_in_memory_used_before_costs_nothing() {
    for role in Role::BOTH {
        let (mut ws, mut out) = (role.connection(&generous()), Vec::new());
        let frames =
            [role.incoming_final(TEXT, &[b'x'; MIB]), role.incoming_final(BINARY, &[7; MIB])];
        let mut memory = MessageBuffer::from(Vec::with_capacity(MIB));
        for frame in [0, 1, 0, 1] {
            let mut input = frames[frame].clone();
            let (received, cost) = cost_of(|| {
                let mut received = 0;
                for mut piece in input.chunks_mut(100_000) {
                    match ws.receive_reusing(&mut piece, &mut out, &mut memory).unwrap() {
                        None => {}
                        Some(Event::Text(text)) => received += text.len(),
                        Some(Event::Binary(data)) => received += data.len(),
                        event => panic!("{event:?}"),
                    }
                }
                received
            });
            assert_eq!((received, cost), (MIB, NOTHING), "{role:?}");
        }
    }
}

// ws (CVE-2026-48779) and undici (CVE-2026-12151) kept each fragment by itself.
#[test]
fn a_message_of_many_fragments_costs_at_most_twice_its_length() {
    const FRAGMENTS: usize = 100_000;
    for role in Role::BOTH {
        for opcode in [TEXT, BINARY] {
            let mut input = role.incoming(opcode, b"x");
            (2..FRAGMENTS).for_each(|_| input.extend(role.incoming(CONTINUATION, b"x")));
            input.extend(role.incoming_final(CONTINUATION, b"x"));
            let frame_len = role.incoming(opcode, b"x").len();
            let cost = cost_of_joining(role, input.chunks_mut(frame_len), FRAGMENTS, 2);
            assert!(cost.allocations <= 20, "{role:?} {opcode}: {cost:?}");
            assert!(cost.live as usize <= 2 * FRAGMENTS, "{role:?} {opcode}: {cost:?}");

            let mut input = role.incoming(opcode, b"");
            (1..FRAGMENTS).for_each(|_| input.extend(role.incoming(CONTINUATION, b"")));
            let mut ws = role.connection(&generous());
            let (received, cost) = cost_of(|| receive(&mut ws, &mut input, &mut Vec::new()));
            assert_eq!((received, cost), (Ok(0), NOTHING), "{role:?} {opcode}, empty fragments");
        }
    }
}

// Undertow, CVE-2021-3690: the buffers of pongs were never given back.
#[test]
fn a_million_unsolicited_pongs_leave_nothing() {
    for role in Role::BOTH {
        let mut ws = role.connection(&Config::new());
        let pong = role.incoming_final(PONG, b"?");
        let pongs = pong.repeat(1000);
        let mut buffer = vec![0; pongs.len()];
        let ((), cost) = cost_of(|| {
            for _ in 0..1000 {
                buffer.copy_from_slice(&pongs);
                assert_eq!(receive(&mut ws, &mut buffer, &mut Vec::new()), Ok(1));
            }
        });
        assert_eq!(cost, NOTHING, "{role:?}");

        let ((), cost) = cost_of(|| {
            for _ in 0..10_000 {
                let (start, end) = buffer.split_at_mut(pong.len() - 1);
                start.copy_from_slice(&pong[..pong.len() - 1]);
                end[0] = pong[pong.len() - 1];
                receive(&mut ws, start, &mut Vec::new()).unwrap();
                assert_eq!(receive(&mut ws, &mut end[..1], &mut Vec::new()), Ok(1));
            }
        });
        assert_eq!(cost.live, 0, "{role:?}");
        assert!(cost.peak <= 125, "{role:?}: {cost:?}");
    }
}

#[test]
fn a_handshake_that_comes_whole_costs_only_what_it_writes() {
    const PLAIN: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nOrigin: http://example.com\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (more, allocations) in
        [("", 0), ("Cookie: a=b\r\n", 0), ("Sec-WebSocket-Protocol: a, b\r\n", 1)]
    {
        let mut request = [PLAIN, more, "\r\n"].concat().into_bytes();
        for capacity in [0, 1000] {
            let mut out = Vec::with_capacity(capacity);
            let (_, cost) = cost_of(|| {
                let mut input = &mut request[..];
                let mut handshake = ServerHandshake::new();
                let request = handshake.receive(&mut input).unwrap().unwrap();
                request.accept().unwrap().into_connection(&Config::new(), &mut out)
            });
            let for_out = u64::from(capacity == 0);
            assert_eq!(cost.allocations, allocations + for_out, "{more:?} {capacity}");
            assert_eq!(cost.live > 0, capacity == 0, "{more:?} {capacity}");
        }
    }
}

#[test]
fn an_answer_that_comes_whole_costs_nothing() {
    let mut out = Vec::new();
    let builder = RequestBuilder::new("ws://example.com/chat").unwrap();
    let mut handshake = builder.start(*b"the sample nonce", &mut out);
    let mut response = *b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let (is_open, cost) = cost_of(|| {
        let mut input = &mut response[..];
        let Ok(Some(Answer::Accepted(accepted))) = handshake.receive(&mut input) else {
            return None;
        };
        Some(accepted.into_connection(&Config::new(), MaskingKeys::new(|| [0; 4])))
    });
    assert!(is_open.is_some());
    assert_eq!(cost, NOTHING);
}

#[cfg(feature = "deflate")]
#[path = "support/deflate.rs"]
mod with_deflate;

/// What one more connection of a thread holds, beside what the thread does: fresh,
/// and after so many messages of 1 KiB in each direction.
#[cfg(feature = "deflate")]
fn deflate_cost(config: sansws::DeflateConfig, messages: usize) -> [isize; 2] {
    let message = r#"{"id":1,"name":"somebody","text":"some text of no great length"}"#.repeat(16);
    let mut out = Vec::with_capacity(4 * MIB);
    let mut pairs = Vec::with_capacity(3);
    let mut cost = [0; 2];
    // By the third the thread holds what it ever will.
    for _ in 0..3 {
        let (mut pair, fresh) = cost_of(|| with_deflate::pair(config, config, &Config::new()));
        let ((), later) = cost_of(|| {
            for _ in 0..2 * messages {
                let [sender, receiver] = &mut pair;
                out.clear();
                sender.send_text(&message, &mut out).unwrap();
                assert_eq!(receive(receiver, &mut out, &mut Vec::new()), Ok(message.len()));
                pair.swap(0, 1);
            }
        });
        // Two connections, each with as much.
        cost = [fresh.live / 2, (fresh.live + later.live) / 2];
        pairs.push(pair);
    }
    cost
}

#[cfg(feature = "deflate")]
#[test]
fn what_is_passed_on_compressed_costs_nothing() {
    let config = sansws::DeflateConfig::new();
    let [mut from, mut client] = with_deflate::pair(config, config, &Config::new());
    let [_, mut to] = with_deflate::pair(config, config, &Config::new());
    from.pass_compressed();
    let message = "some text and more text and ".repeat(4000);
    let (mut bytes, mut out) = (Vec::new(), Vec::with_capacity(MIB));
    client.send_text(&message, &mut bytes).unwrap();
    client.send_text_part(&message, false, &mut bytes).unwrap();
    client.send_text_part(&message, true, &mut bytes).unwrap();
    let ((), cost) = cost_of(|| {
        for piece in bytes.chunks_mut(100) {
            let mut input = piece;
            while let Some(part) = from.receive_part(&mut input, &mut Vec::new()).unwrap() {
                assert!(matches!(part, Part::Compressed(_)), "{part:?}");
                to.send_part(&part, &mut out).unwrap();
            }
        }
    });
    assert_eq!(cost, NOTHING);

    // What was held to compress messages is given back.
    let [_, mut to] = with_deflate::pair(config, config, &Config::new());
    let ((), cost) = cost_of(|| {
        to.send_text(&message, &mut out).unwrap();
        to.send_compressed_part(sansws::MessageKind::Text, &[0], true, &mut out).unwrap();
        to.send_text(&message, &mut out).unwrap();
    });
    assert_eq!(cost.live, 0);
}

// Three libraries of four hold their contexts from the start, and for ever.
#[cfg(feature = "deflate")]
#[test]
fn compression_holds_memory_only_where_a_message_needs_it() {
    use sansws::{DeflateConfig, KeepContext};

    const KIB: isize = 1 << 10;
    let windows = |bits| DeflateConfig::new().send_window_bits(bits).receive_window_bits(bits);
    let alone = DeflateConfig::new().send_without_takeover(true).receive_without_takeover(true);
    // After one message and after a hundred, at most so much more than at first.
    let rows = [
        ("alone", alone, [0, 0]),
        ("alone, kept", alone.keep_context(KeepContext::Always), [373 * KIB, 373 * KIB]),
        ("context, 15", windows(15), [373 * KIB, 404 * KIB]),
        ("context, 15, level 5", windows(15).memory_level(5), [275 * KIB, 306 * KIB]),
        ("context, 12", windows(12), [261 * KIB, 264 * KIB]),
        ("context, 12, level 5", windows(12).memory_level(5), [163 * KIB, 166 * KIB]),
        ("context, 9, level 1", windows(9).memory_level(1), [135 * KIB, 135 * KIB]),
        ("window, 15", windows(15).keep_context(KeepContext::Never), [2 * KIB, 64 * KIB]),
        ("window, 12", windows(12).keep_context(KeepContext::Never), [2 * KIB, 8 * KIB]),
        ("window, 9", windows(9).keep_context(KeepContext::Never), [KIB, KIB]),
    ];
    for (name, config, most) in rows {
        let [one, hundred] = [1, 100].map(|messages| {
            let [fresh, later] = deflate_cost(config, messages);
            assert!(fresh <= 128, "{name}: {fresh}");
            (fresh, later - fresh)
        });
        let ((fresh, one), (_, hundred)) = (one, hundred);
        println!("{name}: {fresh}, {one} more after one message, {hundred} after a hundred");
        assert!(one <= most[0] && hundred <= most[1], "{name}: {one}, {hundred}");
    }
}

#[cfg(feature = "deflate")]
#[test]
fn a_context_that_is_kept_without_takeover_is_one_and_used_again() {
    use sansws::{DeflateConfig, KeepContext};

    let config = DeflateConfig::new().send_without_takeover(true);
    let kept = config.keep_context(KeepContext::Always);
    let message = "some text, and more of it; ".repeat(40);
    let prepared = Prepared::text(&message).deflated(&kept);
    assert!(prepared.deflated_frame().is_some());
    let mut out = Vec::with_capacity(MIB);
    type Between<'a> = &'a dyn Fn(&mut Connection, &mut Vec<u8>);
    let rows: [(&str, Between<'_>, u64); 5] = [
        ("nothing", &|_, _| {}, 0),
        ("a prepared message", &|ws, out| ws.send_prepared(&prepared, out).unwrap(), 0),
        (
            "a message that is passed on",
            &|ws, out| {
                ws.send_compressed_part(sansws::MessageKind::Text, &[0], true, out).unwrap();
            },
            0,
        ),
        (
            "one that is not compressed",
            &|ws, out| {
                ws.set_compression(false);
                ws.send_text(&message, out).unwrap();
                ws.set_compression(true);
            },
            0,
        ),
        // For these a new one is made, in two pieces.
        (
            "one in parts",
            &|ws, out| {
                ws.send_text_part(&message, false, out).unwrap();
                ws.send_text_part(&message, true, out).unwrap();
            },
            2,
        ),
    ];
    for (between, act, allocations) in rows {
        let [mut server, _client] = with_deflate::pair(kept, kept, &Config::new());
        let ((), first) = cost_of(|| server.send_text(&message, &mut out).unwrap());
        let ((), cost) = cost_of(|| {
            act(&mut server, &mut out);
            server.send_text(&message, &mut out).unwrap();
        });
        assert_eq!((cost.allocations, cost.live), (allocations, 0), "{between}");
        assert!(cost.peak <= 0, "{between}: not more than one at a time");
        out.clear();

        let ((), cost) =
            cost_of(|| server.send_close(sansws::CloseCode::NORMAL, "", &mut out).unwrap());
        assert!(cost.live <= -first.live, "{between}: {cost:?}");
    }

    // One that compresses but a single message is no larger than it takes.
    let [(_, small), (_, as_small)] =
        [config, kept].map(|config| cost_of(|| Prepared::text(&message).deflated(&config)));
    assert_eq!(small.peak, as_small.peak);
}

#[cfg(feature = "deflate")]
#[test]
fn contexts_amid_a_message_are_given_back_when_the_connection_ends() {
    use sansws::DeflateConfig;

    let alone = DeflateConfig::new().send_without_takeover(true);
    let rounds = move || {
        let mut out = Vec::with_capacity(MIB);
        for round in 0..3 {
            out.clear();
            let ((), cost) = cost_of(|| {
                let [mut server, mut client] = with_deflate::pair(alone, alone, &Config::new());
                client.send_text_part(&"a part".repeat(100), false, &mut out).unwrap();
                assert_eq!(receive(&mut server, &mut out, &mut Vec::new()), Ok(0));
                server.fail(Violation::Policy, &mut Vec::new());
            });
            // With `std` the thread holds the one for inflating, and uses it again.
            let is_held = cfg!(feature = "std") && round == 0;
            assert_eq!(cost.live > 0, is_held, "{round}: {cost:?}");
            assert!(cost.live <= 48 << 10, "{round}: {cost:?}");
        }
    };
    // In a thread that holds nothing yet.
    std::thread::spawn(rounds).join().unwrap();
}
