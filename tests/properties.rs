//! What holds of any stream, however it is cut, compared with a slow decoder
//! that was written from the RFC alone. `PROPTEST_CASES=10000` looks harder.

#[path = "support/reference.rs"]
mod reference;
#[path = "support/runs.rs"]
mod runs;
#[path = "support/streams.rs"]
mod streams;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sansws::frame::{Header, MaskingKey, Opcode};
use sansws::{Connection, Prepared};

use self::reference::{Item, Rules, decode};
use self::runs::{Call, PARTS, WHOLE, connection, expected, run};
use self::streams::{Frame, cut, cuts, encode};

/// Runs over the stream in all the ways there are, which must not differ.
fn check(
    rules: &Rules,
    stream: &[u8],
    places: &[Index],
    mixed: &[Call],
) -> Result<(), TestCaseError> {
    let expected = expected(rules, decode(rules, stream));
    let bytewise: Vec<_> = stream.chunks(1).collect();
    for calls in [WHOLE, PARTS, mixed] {
        for pieces in [&[stream][..], &bytewise, &cut(stream, places)] {
            let ran = run(rules, pieces, calls);
            prop_assert_eq!(&ran, &expected, "{:?} of {} pieces", calls, pieces.len());
        }
    }
    Ok(())
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    vec(prop_oneof![Just(Call::Receive), Just(Call::ReceivePart)], 1..8)
}

/// Rules whose limits do not matter.
fn generous_rules() -> impl Strategy<Value = Rules> {
    streams::rules().prop_map(|rules| Rules {
        max_frame_len: 1 << 20,
        max_message_len: 1 << 20,
        max_fragments: 99,
        ..rules
    })
}

/// The longest data frame, the longest message, and the most fragments of one.
fn extremes(frames: &[Frame]) -> [usize; 3] {
    let (mut most, mut message_len, mut fragments) = ([0; 3], 0, 0);
    for frame in frames.iter().filter(|frame| frame.first & 8 == 0) {
        if frame.first & 0xF != 0 {
            (message_len, fragments) = (0, 0);
        }
        message_len += frame.payload.len();
        fragments += 1;
        let this = [frame.payload.len(), message_len, fragments];
        most = core::array::from_fn(|i| most[i].max(this[i]));
    }
    most
}

fn header() -> impl Strategy<Value = Header> {
    let len = prop_oneof![
        0..=126u64,
        0xFFFE..=0x1_0001u64,
        (1u64 << 32) - 2..=(1 << 32) + 2,
        0..1u64 << 63,
        Just((1 << 63) - 1),
    ];
    let key = prop::option::of(any::<[u8; 4]>());
    (any::<u8>(), any::<u8>(), key, len).prop_map(|(bits, opcode, key, len)| Header {
        fin: bits & 1 != 0,
        rsv1: bits & 2 != 0,
        rsv2: bits & 4 != 0,
        rsv3: bits & 8 != 0,
        opcode: Opcode::from_byte(opcode),
        mask: key.map(MaskingKey::new),
        len,
    })
}

/// A way to send a message or control frame.
#[derive(Clone, Debug)]
enum Sending {
    Whole(Item),
    Prepared(Item),
    Vectored(Item),
    /// In pieces of that length.
    Lazily(Item, usize),
    /// Cut at those places, and the pings to send after each part but the last.
    Parts(Item, Vec<Index>, Option<Vec<u8>>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

fn sending() -> impl Strategy<Value = Sending> {
    let item = || {
        prop_oneof![streams::text().prop_map(Item::Text), streams::binary().prop_map(Item::Binary),]
    };
    let pings = prop::option::of(streams::control_payload());
    prop_oneof![
        item().prop_map(Sending::Whole),
        item().prop_map(Sending::Prepared),
        item().prop_map(Sending::Vectored),
        (item(), 1..1000_usize).prop_map(|(item, piece)| Sending::Lazily(item, piece)),
        (item(), vec(any::<Index>(), 0..4), pings)
            .prop_map(|(item, places, pings)| Sending::Parts(item, places, pings)),
        streams::control_payload().prop_map(Sending::Ping),
        streams::control_payload().prop_map(Sending::Pong),
    ]
}

/// Sends it; what the peer is to receive.
fn send(ws: &mut Connection, sending: &Sending, out: &mut Vec<u8>) -> Vec<Item> {
    use Item::{Binary, Text};
    let mut items = Vec::new();
    let sent = match sending {
        Sending::Whole(Text(text)) => ws.send_text(text, out),
        Sending::Whole(Binary(data)) => ws.send_binary(data, out),
        Sending::Prepared(Text(text)) => ws.send_prepared(&Prepared::text(text), out),
        Sending::Prepared(Binary(data)) => ws.send_prepared(&Prepared::binary(data), out),
        Sending::Vectored(item) => {
            let payload = match item {
                Text(text) => ws.send_text_vectored(text, out),
                Binary(data) => ws.send_binary_vectored(data.clone(), out),
                item => unreachable!("{item:?}"),
            };
            payload.map(|payload| out.extend_from_slice(&payload))
        }
        Sending::Lazily(item, piece) => {
            let payload = match item {
                Text(text) => ws.send_text_lazily(text, out),
                Binary(data) => ws.send_binary_lazily(data.clone(), out),
                item => unreachable!("{item:?}"),
            };
            payload.map(|mut payload| {
                while !payload.is_empty() {
                    payload.append_to(out, *piece);
                }
            })
        }
        Sending::Parts(item, places, ping) => {
            for i in 0..=places.len() {
                let last = i == places.len();
                let sent = match item {
                    Text(text) => ws.send_text_part(part_of_text(text, places, i), last, out),
                    Binary(data) => ws.send_binary_part(cut(data, places)[i], last, out),
                    item => unreachable!("{item:?}"),
                };
                assert_eq!(sent, Ok(()));
                if let (false, Some(ping)) = (last, ping) {
                    assert_eq!(ws.send_ping(ping, out), Ok(()));
                    items.push(Item::Ping(ping.clone()));
                }
            }
            Ok(())
        }
        Sending::Ping(data) => ws.send_ping(data, out),
        Sending::Pong(data) => ws.send_pong(data, out),
        sending => unreachable!("{sending:?}"),
    };
    assert_eq!(sent, Ok(()), "{sending:?}");
    items.push(match sending {
        Sending::Whole(item) | Sending::Prepared(item) | Sending::Vectored(item) => item.clone(),
        Sending::Lazily(item, _) | Sending::Parts(item, ..) => item.clone(),
        Sending::Ping(data) => Item::Ping(data.clone()),
        Sending::Pong(data) => Item::Pong(data.clone()),
    });
    items
}

/// A piece of the text, cut between characters.
fn part_of_text<'t>(text: &'t str, places: &[Index], i: usize) -> &'t str {
    let bounds: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut ends: Vec<_> = places.iter().map(|place| *place.get(&bounds)).collect();
    ends.sort_unstable();
    ends.push(text.len());
    &text[if i == 0 { 0 } else { ends[i - 1] }..ends[i]]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 2, // each runs a connection nine times
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    // RFC 6455, 5.2
    #[test]
    fn a_header_that_is_written_is_read_back(header in header(), after in vec(any::<u8>(), 0..20)) {
        let encoded = header.encode();
        prop_assert_eq!(encoded.len(), header.encoded_len());
        prop_assert_eq!(Header::parse(&encoded), Ok(Some((header, encoded.len()))));
        let longer = [&encoded[..], &after].concat();
        prop_assert_eq!(Header::parse(&longer), Ok(Some((header, encoded.len()))));
        for len in 0..encoded.len() {
            prop_assert_eq!(Header::parse(&encoded[..len]), Ok(None));
        }
    }

    // 6.2
    #[test]
    fn a_right_stream_means_the_same_however_it_is_cut(
        (rules, (frames, items)) in generous_rules().prop_flat_map(|rules| {
            (Just(rules), streams::valid(rules.is_server))
        }),
        places in cuts(),
        mixed in calls(),
    ) {
        let stream = encode(&frames);
        let decoded = decode(&rules, &stream);
        prop_assert_eq!(decoded.violation, None);
        prop_assert_eq!(decoded.items, items);
        check(&rules, &stream, &places, &mixed)?;
    }

    // 10.4
    #[test]
    fn what_meets_a_limit_passes_and_what_exceeds_it_by_one_fails(
        (rules, (frames, _)) in generous_rules().prop_flat_map(|rules| {
            (Just(rules), streams::valid(rules.is_server))
        }),
        places in cuts(),
        limit in 0..3u8,
        too_few in 0..2u8,
    ) {
        let [frame_len, message_len, fragments] = extremes(&frames);
        let less = |most: usize| most.saturating_sub(too_few.into()) as u64;
        let rules = match limit {
            0 => Rules { max_frame_len: less(frame_len), ..rules },
            1 => Rules { max_message_len: less(message_len), ..rules },
            _ => Rules { max_fragments: less(fragments) as u32, ..rules },
        };
        check(&rules, &encode(&frames), &places, WHOLE)?;
    }

    // 5.1 to 5.5, 7.4, 8.1
    #[test]
    fn a_wrong_stream_fails_the_same_however_it_is_cut(
        (rules, stream) in streams::rules().prop_flat_map(|rules| {
            (Just(rules), streams::nearly_valid(rules.is_server))
        }),
        places in cuts(),
        mixed in calls(),
    ) {
        check(&rules, &stream, &places, &mixed)?;
    }

    // 8.1
    #[test]
    fn text_is_refused_at_the_first_byte_that_cannot_be_right(
        (rules, stream) in streams::rules().prop_flat_map(|rules| {
            (Just(rules), streams::begun_text(rules.is_server))
        }),
        places in cuts(),
        mixed in calls(),
    ) {
        check(&rules, &stream, &places, &mixed)?;
    }

    // 10.7
    #[test]
    fn garbage_is_read_as_the_reference_reads_it(
        rules in streams::rules(),
        stream in streams::garbage(),
        places in cuts(),
        mixed in calls(),
    ) {
        check(&rules, &stream, &places, &mixed)?;
    }

    // 6.1 and 6.2
    #[test]
    fn what_one_connection_sends_another_receives(
        rules in generous_rules(),
        sendings in vec(sending(), 0..8),
        places in cuts(),
    ) {
        let peer = Rules { is_server: !rules.is_server, ..rules };
        let (mut sender, mut stream, mut items) = (connection(&rules), Vec::new(), Vec::new());
        for sending in &sendings {
            items.extend(send(&mut sender, sending, &mut stream));
        }
        prop_assert_eq!(&decode(&peer, &stream).items, &items);
        check(&peer, &stream, &places, WHOLE)?;
    }
}
