//! How much of a head either side takes, where it ends, and that neither
//! depends on how the network cuts it up.

mod support;

use core::iter;

use proptest::prelude::*;
use sansws::handshake::HandshakeError::{self, *};
use sansws::handshake::{Answer, ServerHandshake};
use sansws::{Config, Event, MaskingKeys};
use support::handshake::{REQUEST, RESPONSE, ask, client, head, request, response, serve};
use support::{Role, TEXT, receive};

const DEFAULT_MAX: usize = 16 * 1024;

/// A side of the handshake: the lines it reads, and what it makes of pieces:
/// what is left of the input, once the head is there.
struct Side {
    lines: &'static [&'static str],
    read: fn(Option<usize>, &mut dyn Iterator<Item = &[u8]>) -> Verdict,
}

type Verdict = Result<Option<Vec<u8>>, HandshakeError>;

const SERVER: Side = Side {
    lines: &REQUEST,
    read: |max, pieces| {
        let server = ServerHandshake::new;
        let handshake = max.map_or_else(server, |max| server().max_head_len(max));
        let Some(served) = serve(handshake, pieces)? else { return Ok(None) };
        served.verdict.map(|()| Some(served.left))
    },
};

const CLIENT: Side = Side {
    lines: &RESPONSE,
    read: |max, pieces| {
        let handshake = max.map_or_else(client, |max| client().max_head_len(max));
        let Some(answered) = ask(handshake, pieces)? else { return Ok(None) };
        assert_eq!(answered.accepted, Some(None));
        Ok(Some(answered.left))
    },
};

impl Side {
    /// What it makes of `bytes`, at once and byte by byte.
    #[track_caller]
    fn read(&self, max: Option<usize>, bytes: &[u8]) -> Verdict {
        let at_once = (self.read)(max, &mut iter::once(bytes));
        let bytewise = (self.read)(max, &mut bytes.chunks(1));
        assert_eq!(at_once, bytewise, "{} bytes", bytes.len());
        at_once
    }

    /// A head of `len` bytes, of which it takes no offence but at the length.
    fn head_of(&self, len: usize) -> Vec<u8> {
        let padding = len - head(&[self.lines, &["X: "]].concat()).len();
        head(&[self.lines, &[&format!("X: {}", "x".repeat(padding))]].concat())
    }

    /// A head of `fields` fields, the others before the right ones.
    fn head_with(&self, fields: usize) -> Vec<u8> {
        let others = vec!["X: y"; fields + 1 - self.lines.len()];
        head(&[&self.lines[..1], &others, &self.lines[1..]].concat())
    }
}

#[test]
fn a_head_may_be_as_long_as_the_limit() {
    for side in [SERVER, CLIENT] {
        for (max, set) in [(DEFAULT_MAX, None), (300, Some(300)), (40_000, Some(40_000))] {
            for len in [max - 1, max] {
                assert_eq!(side.read(set, &side.head_of(len)), Ok(Some(vec![])), "{len}");
            }
            for len in [max + 1, max + 2, 2 * max] {
                assert_eq!(side.read(set, &side.head_of(len)), Err(HeadTooLong), "{len}");
            }
        }
    }
}

#[test]
fn a_head_without_end_is_refused_at_the_limit() {
    // websocket-driver, CVE-2026-54465: a list of header fields without end
    let rows = [
        ("GET /", "HTTP/1.1 404 ", "a"),
        ("GET / HTTP/1.1\r\n", "HTTP/1.1 404 \r\n", "X: y\r\n"),
        ("X", "HTTP/1.", "\r"),
        ("GET", "HTTP/1.1", " "),
    ];
    for (request, response, rest) in rows {
        for (side, start) in [(SERVER, request), (CLIENT, response)] {
            let bytes = [start, &rest.repeat(DEFAULT_MAX)].concat().into_bytes();
            assert_eq!(side.read(None, &bytes[..DEFAULT_MAX]), Ok(None), "{start}{rest}");
            assert_eq!(side.read(None, &bytes[..=DEFAULT_MAX]), Err(HeadTooLong), "{start}{rest}");
            let pieces = &mut bytes.chunks(1000);
            assert_eq!((side.read)(None, pieces), Err(HeadTooLong), "{start}{rest}");
        }
    }
}

#[test]
fn a_head_may_have_128_fields() {
    // ws, CVE-2024-37890: its HTTP parser dropped the fields above a limit, and
    // it crashed on the Upgrade that was not there.
    for side in [SERVER, CLIENT] {
        assert_eq!(side.read(None, &side.head_with(127)), Ok(Some(vec![])));
        assert_eq!(side.read(None, &side.head_with(128)), Ok(Some(vec![])));
        assert_eq!(side.read(None, &side.head_with(129)), Err(TooManyFields));
        assert_eq!(side.read(None, &side.head_with(2000)), Err(TooManyFields));
        assert_eq!(side.read(Some(1 << 20), &side.head_with(20_000)), Err(TooManyFields));
    }
}

#[test]
fn what_follows_the_head_is_left_and_does_not_count() {
    // sockudo-ws counted it
    let frames = vec![0x81; 64 * 1024];
    for side in [SERVER, CLIENT] {
        let head = head(side.lines);
        let both = [&*head, &*frames].concat();
        assert_eq!(side.read(Some(head.len()), &both), Ok(Some(frames.clone())));
        assert_eq!(side.read(Some(head.len() - 1), &both), Err(HeadTooLong));
    }
}

#[test]
fn early_frames_are_the_connections_first_input() {
    // Wherever the input is cut, the head takes none of the frame.
    let config = Config::new();
    for role in Role::BOTH {
        let head = head(if role == Role::Server { &REQUEST } else { &RESPONSE });
        let all = [head, role.incoming_final(TEXT, b"early")].concat();
        for cut in 0..all.len() {
            let (mut first, mut second) = (all[..cut].to_vec(), all[cut..].to_vec());
            let inputs = [&mut first[..], &mut second[..]];
            let (mut server, mut client) = (ServerHandshake::new(), client());
            let mut ws = None;
            let mut events = Vec::new();
            for mut input in inputs {
                if ws.is_none() {
                    ws = match role {
                        Role::Server => server.receive(&mut input).unwrap().map(|request| {
                            request.accept().unwrap().into_connection(&config, &mut Vec::new())
                        }),
                        Role::Client => client.receive(&mut input).unwrap().map(|answer| {
                            let Answer::Accepted(accepted) = answer else { panic!("refused") };
                            accepted.into_connection(&config, MaskingKeys::new(|| [0; 4]))
                        }),
                    };
                }
                let Some(ws) = &mut ws else { continue };
                events.extend(receive(ws, input).events);
            }
            assert_eq!(events, [Event::Text("early".into())], "{role:?} cut at {cut}");
        }
    }
}

#[test]
fn a_refused_handshake_stays_refused() {
    // What comes after an error is not what would have come after it.
    let rows = [
        (b"\x16\x03\x01".to_vec(), Malformed),
        (b"X\n\n".to_vec(), Malformed),
        ([&b"HTTP/1.1 "[..], &[b'x'; DEFAULT_MAX]].concat(), HeadTooLong),
    ];
    for (mut bad, error) in rows {
        let mut handshake = ServerHandshake::new();
        for next in [&mut bad[..], &mut head(&REQUEST)] {
            assert_eq!(handshake.receive(&mut &mut *next).err(), Some(error));
        }
        let mut handshake = client();
        for next in [&mut bad[..], &mut head(&RESPONSE)] {
            assert_eq!(handshake.receive(&mut &mut *next).err(), Some(error));
        }
    }
}

#[test]
fn long_values_are_read_in_one_pass() {
    // Were a value read again from its start for each repetition of something
    // in it, or for each byte that arrives, these would take minutes.
    // tungstenite, CVE-2023-43669: with each byte. ws, CVE-2021-32640: spaces.
    // websocket-extensions, CVE-2020-7662: backslashes. Deno, CVE-2023-26103.
    const LEN: usize = 64 * 1024;
    let long = |start: &str, middle: &str, end: &str| {
        [start, &middle.repeat(LEN / middle.len()), end].concat()
    };
    let protocol = "Sec-WebSocket-Protocol";
    let extensions = "Sec-WebSocket-Extensions";
    let distinct = (0..LEN / 8).map(|i| format!("p{i}")).collect::<Vec<_>>().join(",");
    let rows = [
        ("X", long("", "x", ""), Ok(()), Ok(())),
        ("X", long("x", " ", "x"), Ok(()), Ok(())),
        ("Upgrade", long("", ",  ,", ""), Err(Upgrade), Err(Upgrade)),
        ("Connection", long("", ",  ,", ""), Err(Connection), Err(Connection)),
        ("Connection", long("", ",  ,", "upgrade"), Ok(()), Ok(())),
        ("Connection", long("upgrade", " ", "x"), Err(Connection), Err(Connection)),
        ("Sec-WebSocket-Key", long("", "A", ""), Err(Key), Ok(())),
        ("Sec-WebSocket-Accept", long("", "A", ""), Ok(()), Err(Accept)),
        ("Host", long("[", ":", ""), Err(Host), Ok(())),
        ("Host", long("", "]:", ""), Err(Host), Ok(())),
        (protocol, long("b", " ", "x"), Err(Subprotocol), Err(Subprotocol)),
        (protocol, long("", "a,", ""), Err(Subprotocol), Err(Subprotocol)),
        (protocol, distinct, Ok(()), Err(Subprotocol)),
        (extensions, long("a; b=\"", "\\c", ""), Err(Extensions), Err(Extensions)),
        (extensions, long("a; b=\"", "c", ""), Err(Extensions), Err(Extensions)),
        (extensions, long("a; b=\"", "c", "\""), Ok(()), Err(ExtensionNotOffered)),
        (extensions, long("a", " ", "b"), Err(Extensions), Err(Extensions)),
        (extensions, long("a", ";", ""), Err(Extensions), Err(Extensions)),
        (extensions, long("a", "; b = c", ""), Ok(()), Err(ExtensionNotOffered)),
        (extensions, long("a", ", \t a", ""), Ok(()), Err(ExtensionNotOffered)),
        (extensions, long(",", " ,\t", "a"), Ok(()), Err(ExtensionNotOffered)),
    ];
    for (name, value, for_server, for_client) in rows {
        let max = Some(2 * LEN);
        let verdict = SERVER.read(max, &request(name, &[&value])).map(drop);
        assert_eq!(verdict, for_server, "{name}: {}...", &value[..20]);
        let verdict = CLIENT.read(max, &response(name, &[&value])).map(drop);
        assert_eq!(verdict, for_client, "{name}: {}...", &value[..20]);
    }
}

/// A head, right or with bytes changed, and something after it.
fn damaged(lines: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let damage =
        (any::<prop::sample::Index>(), 0..3usize, prop::sample::select(&b"\r\n :,x\0\xFF"[..]));
    prop::collection::vec(damage, 0..4).prop_map(move |damages| {
        let mut bytes = [&*head(lines), b"\x81\x02hi\r\n\r\n"].concat();
        for (at, removed, inserted) in damages {
            let at = at.index(bytes.len() - 2);
            bytes.splice(at..at + removed, [inserted]);
        }
        bytes
    })
}

proptest! {
    #[test]
    fn a_head_is_the_same_however_it_is_cut(
        request in damaged(&REQUEST),
        response in damaged(&RESPONSE),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let cut = |bytes: &[u8]| {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            cuts.windows(2).map(|ends| bytes[ends[0]..ends[1]].to_vec()).collect::<Vec<_>>()
        };
        let at_once = serve(ServerHandshake::new(), [&request[..]]);
        let pieces = cut(&request);
        let in_pieces = serve(ServerHandshake::new(), pieces.iter().map(Vec::as_slice));
        prop_assert_eq!(&at_once, &in_pieces);
        prop_assert_eq!(&at_once, &serve(ServerHandshake::new(), request.chunks(1)));

        let at_once = ask(client(), [&response[..]]);
        let pieces = cut(&response);
        let in_pieces = ask(client(), pieces.iter().map(Vec::as_slice));
        prop_assert_eq!(&at_once, &in_pieces);
        prop_assert_eq!(&at_once, &ask(client(), response.chunks(1)));
    }
}
