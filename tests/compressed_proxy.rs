//! A proxy that passes compressed messages on, between a client and a server of
//! ours: what it agrees to with both, and what arrives.
#![cfg(feature = "deflate")]

#[path = "support/reference.rs"]
#[allow(dead_code, reason = "each test file is a crate that uses its part of it")]
mod reference;
#[path = "support/streams.rs"]
#[allow(dead_code, reason = "each test file is a crate that uses its part of it")]
mod streams;
mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sansws::handshake::{Answer, RequestBuilder, ServerHandshake};
use sansws::{
    Config, Connection, DeflateConfig, DeflateParameters, Event, MaskingKeys, Part, Prepared,
};
use streams::{cut, cuts};
use support::{KEY, receive};

const RSV1: u8 = 0x40;

/// A client, the proxy's two connections, and a server.
struct Chain {
    client: Connection,
    /// To the client, and to the server.
    proxy: [Connection; 2],
    server: Connection,
    /// What the proxy has agreed on with each of them.
    agreed: [Option<DeflateParameters>; 2],
}

/// Opens both connections as the documentation of `pass_compressed` says. The
/// client's offer is changed by `edit` on its way.
fn connect(
    of_client: DeflateConfig,
    of_server: Option<DeflateConfig>,
    edit: impl Fn(String) -> String,
) -> Chain {
    let (config, nonce) = (Config::new(), *b"the sample nonce");
    let builder = || RequestBuilder::new("ws://h/").unwrap();
    let ask = DeflateConfig::new();

    let mut bytes = Vec::new();
    let mut client = builder().deflate(of_client).start(nonce, &mut bytes);
    let mut bytes = edit(String::from_utf8(bytes).unwrap()).into_bytes();
    let mut from_client = ServerHandshake::new();
    let request = from_client.receive(&mut &mut bytes[..]).unwrap().unwrap();
    let mut accept = request.accept().unwrap().deflate(ask);
    let asked = accept.deflate_parameters().unwrap();

    let mut bytes = Vec::new();
    let mut to_server =
        builder().deflate(ask.parameters(asked.reversed())).start(nonce, &mut bytes);
    let mut server = ServerHandshake::new();
    let answered = server.receive(&mut &mut bytes[..]).unwrap().unwrap();
    let answer = answered.accept().unwrap();
    let answer = match of_server {
        Some(of_server) => answer.deflate(of_server),
        None => answer,
    };
    let mut bytes = Vec::new();
    let of_server = answer.deflate_parameters();
    let server = answer.into_connection(&config, &mut bytes);

    let Ok(Some(Answer::Accepted(accepted))) = to_server.receive(&mut &mut bytes[..]) else {
        panic!("it was accepted");
    };
    let agreed = accepted.deflate_parameters();
    assert_eq!(agreed, of_server.map(DeflateParameters::reversed));
    if let Some(agreed) = agreed {
        accept = accept.deflate(ask.parameters(agreed.reversed()));
    }
    let with_client = accept.deflate_parameters();
    let keys = || MaskingKeys::new(|| KEY);
    let to_server = accepted.into_connection(&config, keys());
    let mut bytes = Vec::new();
    let from_client = accept.into_connection(&config, &mut bytes);

    let Ok(Some(Answer::Accepted(accepted))) = client.receive(&mut &mut bytes[..]) else {
        panic!("it was accepted");
    };
    let client = accepted.into_connection(&config, keys());
    Chain { client, proxy: [from_client, to_server], server, agreed: [with_client, agreed] }
}

/// Passes on what one of the proxy's connections receives, by the other; whether
/// each part of a message was compressed.
fn pass_on(from: &mut Connection, to: &mut Connection, input: &[u8]) -> (Vec<u8>, Vec<bool>) {
    let mut input = input.to_vec();
    let (mut input, mut out, mut compressed) = (&mut input[..], Vec::new(), Vec::new());
    while let Some(part) = from.receive_part(&mut input, &mut Vec::new()).unwrap() {
        match part {
            Part::Compressed(_) => compressed.push(true),
            Part::Text(_) | Part::Binary(_) => compressed.push(false),
            _ => {}
        }
        to.send_part(&part, &mut out).unwrap();
    }
    (out, compressed)
}

/// A message that one end sends, and what happens on its way.
#[derive(Clone, Debug)]
struct Sent {
    from_client: bool,
    is_text: bool,
    compress: bool,
    text: String,
    /// Sent in this many parts at least, with a ping between two.
    parts: usize,
    cuts: Vec<Index>,
    /// What the proxy says next, to who received it.
    own: Option<String>,
}

impl Sent {
    /// As the sender sends it, and what that is to the receiver.
    fn send(&self, ws: &mut Connection) -> (Vec<u8>, Vec<Event<'static>>) {
        ws.set_compression(self.compress);
        let (mut out, mut expected) = (Vec::new(), Vec::new());
        let chars: Vec<char> = self.text.chars().collect();
        let pieces: Vec<String> = chars
            .chunks(chars.len().div_ceil(self.parts).max(1))
            .map(|piece| piece.iter().collect())
            .collect();
        for (i, piece) in pieces.iter().enumerate() {
            let last = i + 1 == pieces.len();
            match self.is_text {
                true => ws.send_text_part(piece, last, &mut out).unwrap(),
                false => ws.send_binary_part(piece.as_bytes(), last, &mut out).unwrap(),
            }
            if !last {
                ws.send_ping(b"between", &mut out).unwrap();
                expected.push(Event::Ping(b"between".into()));
            }
        }
        expected.push(match self.is_text {
            true => Event::Text(self.text.clone().into()),
            false => Event::Binary(self.text.clone().into_bytes().into()),
        });
        (out, expected)
    }
}

/// Few words, so that messages refer back to one another.
fn text() -> impl Strategy<Value = String> {
    let word =
        select(&["some ", "text ", "日本", "é", "words and ", "a much longer run of words "]);
    vec(word, 1..200).prop_map(|words| words.concat())
}

fn sent() -> impl Strategy<Value = Sent> {
    let own = prop::option::weighted(0.3, text());
    (any::<(bool, bool)>(), prop::bool::weighted(0.8), text(), 1..4usize, cuts(), own).prop_map(
        |((from_client, is_text), compress, text, parts, cuts, own)| Sent {
            from_client,
            is_text,
            compress,
            text,
            parts,
            cuts,
            own,
        },
    )
}

fn config() -> impl Strategy<Value = DeflateConfig> {
    (any::<(bool, bool)>(), 8..=15u8, 8..=15u8, 1..=9u8).prop_map(
        |((send_alone, receive_alone), send_bits, receive_bits, level)| {
            DeflateConfig::new()
                .min_len(0)
                .level(level)
                .send_without_takeover(send_alone)
                .receive_without_takeover(receive_alone)
                .send_window_bits(send_bits)
                .receive_window_bits(receive_bits)
        },
    )
}

proptest! {
    #[test]
    fn what_arrives_is_what_was_sent(
        of_client in config(),
        of_server in config(),
        messages in vec(sent(), 1..12),
    ) {
        let Chain { mut client, proxy: [mut from_client, mut to_server], mut server, agreed } =
            connect(of_client, Some(of_server), |request| request);
        prop_assert_eq!(agreed[0], agreed[1].map(DeflateParameters::reversed));
        let agreed = agreed[0].unwrap();
        from_client.pass_compressed();
        to_server.pass_compressed();
        // Whether the proxy has sent a compressed part to the client, to the server.
        let mut has_passed = [false; 2];
        for sent in messages {
            let (sender, from, to, receiver) = match sent.from_client {
                true => (&mut client, &mut from_client, &mut to_server, &mut server),
                false => (&mut server, &mut to_server, &mut from_client, &mut client),
            };
            let (bytes, mut expected) = sent.send(sender);
            let is_compressed = bytes[0] & RSV1 != 0;
            prop_assert_eq!(is_compressed, sent.compress);
            let mut passed = Vec::new();
            for piece in cut(&bytes, &sent.cuts) {
                let (out, compressed) = pass_on(from, to, piece);
                prop_assert!(compressed.iter().all(|each| *each == is_compressed));
                passed.extend(out);
            }
            let has_passed = &mut has_passed[usize::from(sent.from_client)];
            *has_passed |= is_compressed;
            if let Some(own) = sent.own {
                let start = passed.len();
                to.send_text(&own, &mut passed).unwrap();
                // It must not move the window that the passed messages refer to.
                let alone = match sent.from_client {
                    true => agreed.receive_without_takeover(),
                    false => agreed.send_without_takeover(),
                };
                let is_compressed = passed[start] & RSV1 != 0;
                prop_assert!(!is_compressed || alone || !*has_passed);
                prop_assert!(is_compressed || own.len() < 64 || !alone);
                expected.push(Event::Text(own.into()));
            }
            let found = receive(receiver, &passed);
            prop_assert_eq!(found.error, None);
            prop_assert_eq!(found.events, expected);
        }
        prop_assert_eq!(from_client.buffered() + to_server.buffered(), 0);
    }
}

#[test]
fn the_proxy_agrees_on_the_same_with_both() {
    let defaults = DeflateConfig::new();
    let alone = defaults.send_without_takeover(true).receive_without_takeover(true);
    let half = defaults.send_without_takeover(true);
    let small = defaults.send_window_bits(10).receive_window_bits(9);
    let whole = |request: String| request;
    let silent = |request: String| request.replace("; client_max_window_bits", "");
    type Edit = fn(String) -> String;
    type Row = (DeflateConfig, Option<DeflateConfig>, Edit, Option<[(u8, bool); 2]>);
    // What is left of the client's and the server's wishes, from the client's side:
    // window bits and whether without takeover, of sending and of receiving.
    let rows: [Row; 9] = [
        (defaults, Some(defaults), whole, Some([(15, false), (15, false)])),
        (alone, Some(defaults), whole, Some([(15, true), (15, true)])),
        (defaults, Some(alone), whole, Some([(15, true), (15, true)])),
        (half, Some(defaults), whole, Some([(15, true), (15, false)])),
        (defaults, Some(half), whole, Some([(15, false), (15, true)])),
        (small, Some(defaults), whole, Some([(10, false), (9, false)])),
        (defaults, Some(small), whole, Some([(9, false), (10, false)])),
        // A client that cannot be told what the server wants of it (RFC 7692, 7.1.2.2)
        (defaults, Some(small), silent, None),
        (defaults, None, whole, None),
    ];
    for (of_client, of_server, edit, expected) in rows {
        let [with_client, with_server] = connect(of_client, of_server, edit).agreed;
        let both = with_client.filter(|agreed| with_server == Some(agreed.reversed()));
        let found = both.map(DeflateParameters::reversed).map(|agreed| {
            [
                (agreed.send_window_bits(), agreed.send_without_takeover()),
                (agreed.receive_window_bits(), agreed.receive_without_takeover()),
            ]
        });
        assert_eq!(found, expected, "{of_client:?} {of_server:?}");
        assert_eq!(both.map(|agreed| agreed.reversed().reversed()), both);
    }
}

#[test]
fn a_message_of_the_proxy_leaves_the_window_to_those_it_passes() {
    // Were it compressed, the next of the client's would refer to the wrong place.
    let Chain { mut client, proxy: [mut from_client, mut to_server], mut server, .. } =
        connect(DeflateConfig::new(), Some(DeflateConfig::new()), |request| request);
    from_client.pass_compressed();
    let message = "a message that is long enough and comes again and again".repeat(2);
    let own = ["quite another one; ", "and another to all; ", "and one in parts; "];
    let own = own.map(|text| text.repeat(20));
    let prepared = Prepared::text(&own[1]).deflated(&DeflateConfig::new());
    let mut to_proxy = Vec::new();
    client.send_text(&message, &mut to_proxy).unwrap();
    let (mut out, _) = pass_on(&mut from_client, &mut to_server, &to_proxy);

    to_server.set_compression(true);
    to_server.send_text(&own[0], &mut out).unwrap();
    to_server.send_prepared(&prepared, &mut out).unwrap();

    to_proxy.clear();
    client.send_text(&message, &mut to_proxy).unwrap();
    assert!(to_proxy.len() < 20, "it refers back");
    out.extend(pass_on(&mut from_client, &mut to_server, &to_proxy).0);
    to_server.send_text_part(&own[2], true, &mut out).unwrap();

    let found = receive(&mut server, &out);
    assert_eq!(found.error, None);
    let expected = [&message, &own[0], &own[1], &message, &own[2]];
    assert_eq!(found.events, expected.map(|text| Event::Text(text.to_owned().into())));
}
