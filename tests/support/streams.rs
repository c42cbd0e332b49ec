//! Random streams of frames: right ones, with what they mean, and wrong ones.
#![allow(unreachable_pub, reason = "the tests' own")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::reference::{Item, Rules};

/// A frame, right or wrong, before it is bytes.
#[derive(Clone, Debug)]
pub struct Frame {
    pub first: u8,
    /// The masking key, if it is masked.
    pub key: Option<[u8; 4]>,
    /// In how many bytes its length stands after the second: 0, 2 or 8. `None`
    /// is as few as it needs.
    pub len_bytes: Option<usize>,
    pub payload: Vec<u8>,
}

impl Frame {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let len = self.payload.len();
        let needed = match len {
            0..=125 => 0,
            126..=0xFFFF => 2,
            _ => 8,
        };
        let mask_bit = if self.key.is_some() { 0x80 } else { 0 };
        bytes.push(self.first);
        match self.len_bytes.map_or(needed, |chosen| chosen.max(needed)) {
            0 => bytes.push(mask_bit | len as u8),
            2 => {
                bytes.push(mask_bit | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        bytes.extend(self.key.into_iter().flatten());
        let key = self.key.unwrap_or_default();
        bytes.extend(self.payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    }
}

pub fn encode(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| frame.encode(&mut bytes));
    bytes
}

/// What a connection is and allows; nearly always enough for any stream here.
pub fn rules() -> impl Strategy<Value = Rules> {
    let limit = || prop_oneof![9 => Just(1 << 20), 1 => 0..200u64];
    let fragments = prop_oneof![9 => Just(1000), 1 => 0..4u32];
    let minimal = prop::bool::weighted(0.8);
    (any::<bool>(), limit(), limit(), fragments, minimal, any::<[u8; 4]>()).prop_map(
        |(is_server, max_frame_len, max_message_len, max_fragments, minimal_len, key)| Rules {
            is_server,
            max_frame_len,
            max_message_len,
            max_fragments,
            minimal_len,
            key,
        },
    )
}

/// Text, its length mostly small, at times around where a length's form changes.
pub fn text() -> impl Strategy<Value = String> {
    let long = |len: usize, start: usize| "aß€𝄞".chars().cycle().skip(start).take(len).collect();
    prop_oneof![
        200 => vec(any::<char>(), 0..20).prop_map(|chars| chars.into_iter().collect()),
        40 => (40..60usize, 0..4usize).prop_map(move |(len, start)| long(len, start)),
        2 => (4_000..8_000usize, 0..4usize).prop_map(move |(len, start)| long(len, start)),
        1 => (26_200..26_220usize, 0..4usize).prop_map(move |(len, start)| long(len, start)),
    ]
}

/// Bytes of such lengths.
pub fn binary() -> impl Strategy<Value = Vec<u8>> {
    let long = |len: usize, first: u8| (0..len).map(|i| first.wrapping_add(i as u8)).collect();
    prop_oneof![
        200 => vec(any::<u8>(), 0..40),
        40 => (120..135usize, any::<u8>()).prop_map(move |(len, first)| long(len, first)),
        2 => (8_000..20_000usize, any::<u8>()).prop_map(move |(len, first)| long(len, first)),
        1 => (65_530..65_545usize, any::<u8>()).prop_map(move |(len, first)| long(len, first)),
    ]
}

pub fn control_payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..20), vec(any::<u8>(), 120..=125)]
}

/// A message or a control frame, and the frames that carry it.
type Unit = (Item, Vec<Frame>);

fn control() -> impl Strategy<Value = Unit> {
    (any::<bool>(), control_payload(), any::<[u8; 4]>()).prop_map(|(ping, payload, key)| {
        let first = if ping { 0x89 } else { 0x8A };
        let frame = Frame { first, key: Some(key), len_bytes: None, payload: payload.clone() };
        (if ping { Item::Ping(payload) } else { Item::Pong(payload) }, vec![frame])
    })
}

fn message() -> impl Strategy<Value = Unit> {
    let item = prop_oneof![text().prop_map(Item::Text), binary().prop_map(Item::Binary)];
    let cuts = prop_oneof![2 => Just(Vec::new()), 3 => vec(any::<Index>(), 1..6)];
    (item, cuts, any::<[u8; 4]>()).prop_map(|(item, cuts, key)| {
        let (opcode, payload) = match &item {
            Item::Text(text) => (1, text.as_bytes()),
            Item::Binary(data) => (2, &data[..]),
            item => unreachable!("{item:?}"),
        };
        let pieces = cut(payload, &cuts);
        let last = pieces.len() - 1;
        let frame = |(i, piece): (usize, &&[u8])| Frame {
            first: if i == 0 { opcode } else { 0 } | if i == last { 0x80 } else { 0 },
            key: Some([key[0], key[1], key[2], key[3].wrapping_add(i as u8)]),
            len_bytes: None,
            payload: piece.to_vec(),
        };
        let frames = pieces.iter().enumerate().map(frame).collect();
        (item, frames)
    })
}

fn close() -> impl Strategy<Value = Unit> {
    let code = select(vec![1000u16, 1001, 1003, 1007, 1014, 3000, 4999]);
    let full = (code, vec(any::<char>(), 0..20)).prop_map(|(code, reason)| {
        let reason: String = reason.into_iter().collect();
        (Some(code), reason)
    });
    let pair = prop_oneof![1 => Just((None, String::new())), 4 => full];
    (pair, any::<[u8; 4]>()).prop_map(|((code, reason), key)| {
        let code_bytes = code.map(u16::to_be_bytes);
        let payload = code_bytes.into_iter().flatten().chain(reason.bytes()).collect();
        let frame = Frame { first: 0x88, key: Some(key), len_bytes: None, payload };
        (Item::Close(code, reason), vec![frame])
    })
}

/// A stream that breaks no rule: its frames and what they mean, control frames
/// between fragments included, and perhaps a Close frame in the end.
pub fn valid(is_server: bool) -> impl Strategy<Value = (Vec<Frame>, Vec<Item>)> {
    let messages = vec((message(), vec((any::<Index>(), control()), 0..3)), 0..6);
    (messages, prop::option::of(close())).prop_map(move |(messages, close)| {
        let (mut frames, mut items) = (Vec::new(), Vec::new());
        for ((item, fragments), controls) in messages {
            // before the fragment of that number, or after the last
            let controls: Vec<_> = controls
                .into_iter()
                .map(|(at, unit)| (at.index(fragments.len() + 1), unit))
                .collect();
            let mut item = Some(item);
            let last = fragments.len();
            let fragments = fragments.into_iter().map(Some).chain([None]);
            for (at, fragment) in fragments.enumerate() {
                if at == last {
                    items.extend(item.take());
                }
                for (_, (item, control)) in controls.iter().filter(|(place, _)| *place == at) {
                    items.push(item.clone());
                    frames.extend(control.clone());
                }
                frames.extend(fragment);
            }
        }
        if let Some((item, close)) = close {
            items.push(item);
            frames.extend(close);
        }
        if !is_server {
            frames.iter_mut().for_each(|frame| frame.key = None);
        }
        (frames, items)
    })
}

/// A way to spoil a stream.
#[derive(Clone, Debug)]
enum Flaw {
    Drop(Index),
    Duplicate(Index),
    Swap(Index, Index),
    ToggleMask(Index),
    LengthForm(Index, usize),
    FirstByte(Index, u8),
    Payload(Index, Vec<u8>),
    InvalidText(Index, Index, u8),
    Truncate(Index),
    Bit(Index, u32),
}

fn flaw() -> impl Strategy<Value = Flaw> {
    let at = any::<Index>;
    let close_payload =
        select(vec![&b"\x03"[..], b"\x03\xED", b"\x03\xEE", b"\x03\xF7", b"\x00\x00", b"\x13\x88"])
            .prop_map(<[u8]>::to_vec);
    let first = select(vec![0, 1, 2, 8, 9, 0xA, 0x80, 0x81, 0x82, 0x83, 0x88, 0x8B, 0xA1, 0xC1]);
    prop_oneof![
        at().prop_map(Flaw::Drop),
        at().prop_map(Flaw::Duplicate),
        (at(), at()).prop_map(|(a, b)| Flaw::Swap(a, b)),
        at().prop_map(Flaw::ToggleMask),
        (at(), select(vec![2, 8])).prop_map(|(at, form)| Flaw::LengthForm(at, form)),
        (at(), first).prop_map(|(at, first)| Flaw::FirstByte(at, first)),
        (at(), close_payload).prop_map(|(at, payload)| Flaw::Payload(at, payload)),
        (at(), vec(any::<u8>(), 126..130)).prop_map(|(at, payload)| Flaw::Payload(at, payload)),
        (at(), at(), 0x80..=0xFFu8)
            .prop_map(|(at, place, byte)| Flaw::InvalidText(at, place, byte)),
        at().prop_map(Flaw::Truncate),
        (at(), 0..8u32).prop_map(|(at, bit)| Flaw::Bit(at, bit)),
    ]
}

/// A stream that was right before one or two things were done to it.
pub fn nearly_valid(is_server: bool) -> impl Strategy<Value = Vec<u8>> {
    let flaws = vec(flaw(), 1..3);
    (valid(is_server), flaws).prop_map(|((mut frames, _), flaws)| {
        for flaw in flaws.clone() {
            let len = frames.len();
            match flaw {
                _ if len == 0 => {}
                Flaw::Drop(at) if len > 1 => drop(frames.remove(at.index(len))),
                Flaw::Duplicate(at) => frames.insert(at.index(len), frames[at.index(len)].clone()),
                Flaw::Swap(a, b) => frames.swap(a.index(len), b.index(len)),
                Flaw::ToggleMask(at) => {
                    let key = &mut at.get_mut(&mut frames).key;
                    *key = if key.is_some() { None } else { Some([1, 2, 3, 4]) };
                }
                Flaw::LengthForm(at, form) => at.get_mut(&mut frames).len_bytes = Some(form),
                Flaw::FirstByte(at, first) => at.get_mut(&mut frames).first = first,
                Flaw::Payload(at, payload) => at.get_mut(&mut frames).payload = payload,
                Flaw::InvalidText(at, place, byte) => {
                    let payload = &mut at.get_mut(&mut frames).payload;
                    payload.insert(place.index(payload.len() + 1), byte);
                }
                Flaw::Drop(_) | Flaw::Truncate(_) | Flaw::Bit(..) => {}
            }
        }
        let mut bytes = encode(&frames);
        for flaw in flaws {
            match flaw {
                Flaw::Truncate(at) => bytes.truncate(at.index(bytes.len() + 1)),
                Flaw::Bit(at, bit) if !bytes.is_empty() => *at.get_mut(&mut bytes) ^= 1 << bit,
                _ => {}
            }
        }
        bytes
    })
}

/// Bytes at random, of which many could stand at the start of a frame.
pub fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let likely = select(vec![0, 1, 2, 0x7E, 0x7F, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A, 0xFE, 0xFF]);
    vec(prop_oneof![4 => likely, 1 => any::<u8>()], 0..200)
}

/// The beginning of a message of text, which may be none: a frame that is not
/// the last, or the start of one.
pub fn begun_text(is_server: bool) -> impl Strategy<Value = Vec<u8>> {
    const EDGES: &[u8] = b"\x7F\x80\x8F\x90\x9F\xA0\xBF\xC1\xC2\xDF\xE0\xED\xEF\xF0\xF4\xF5";
    let missing = prop_oneof![Just(0), Just(100)];
    (text(), vec(select(EDGES), 0..6), missing).prop_map(move |(text, edges, missing)| {
        let mut payload = [text.as_bytes(), &edges].concat();
        payload.resize(payload.len() + missing, b'x');
        let key = is_server.then_some([1, 2, 3, 4]);
        let mut bytes = encode(&[Frame { first: 1, key, len_bytes: None, payload }]);
        bytes.truncate(bytes.len() - missing);
        bytes
    })
}

/// Where to cut, as many as `cut` makes pieces but one.
pub fn cuts() -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 0..12)
}

/// Cuts `bytes` at some places, which may be the same twice.
pub fn cut<'b>(bytes: &'b [u8], places: &[Index]) -> Vec<&'b [u8]> {
    let mut places: Vec<_> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    places.push(bytes.len());
    let mut from = 0;
    let piece = |to| &bytes[core::mem::replace(&mut from, to)..to];
    places.into_iter().map(piece).collect()
}
