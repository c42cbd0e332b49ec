//! A compressed message means the same in one frame or in fragments, in one
//! input or cut, received whole or in parts, passed on by a proxy or not, and is
//! never longer than the limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sansws::frame::{Header, Opcode};
use sansws::{Config, Connection, DeflateConfig, Error, Event, Part};
use sansws_fuzz::{cut, with_deflate};

fuzz_target!(|data: &[u8]| {
    let Some((&[flags, limit, cut_a, cut_b], payload)) = data.split_first_chunk() else { return };
    let limit = u64::from(limit) << 4;
    let config = Config::new().max_message_len(limit);
    let opcode = if flags & 1 == 0 { Opcode::TEXT } else { Opcode::BINARY };
    let connect = |config: &Config| {
        let deflate = DeflateConfig::new().receive_without_takeover(flags & 2 != 0);
        let takeover = if flags & 2 != 0 { "; server_no_context_takeover" } else { "" };
        let answer = format!("permessage-deflate{takeover}");
        with_deflate::client(&answer, deflate, config).1.expect("a right answer")
    };
    let client = || connect(&config);

    // The same message twice, to look at the window between them too.
    let one_frame = [frames(opcode, &[payload]), frames(opcode, &[payload])].concat();
    let whole = receive(&mut client(), &[&one_frame]);
    for message in &whole.0 {
        assert!(message.len() as u64 <= limit);
    }
    assert_eq!(receive(&mut client(), &cut(&one_frame, cut_b, cut_a)), whole);
    assert_eq!(receive_parts(&mut client(), &cut(&one_frame, cut_b, cut_a)), whole);

    // Fragments are judged one by one, so a refusal can come at another limit.
    let pieces = cut(payload, cut_a, cut_b);
    let fragments = [frames(opcode, &pieces), frames(opcode, &pieces)].concat();
    let found = receive(&mut client(), &[&fragments]);
    assert_eq!(receive_parts(&mut client(), &cut(&fragments, 7, 0)), found);
    if whole.1.is_none() {
        assert_eq!(found, whole);
        let passed = pass_on(&mut connect(&Config::new()), &cut(&fragments, cut_b, 3));
        assert_eq!(receive(&mut client(), &[&passed]), whole);
    }
});

fn frames(opcode: Opcode, pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        let opcode = if i == 0 { opcode } else { Opcode::CONTINUATION };
        let mut header = Header::new(opcode, i + 1 == pieces.len(), piece.len() as u64);
        header.rsv1 = i == 0;
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(piece);
    }
    bytes
}

/// What a proxy's client receives, as its server sends it.
fn pass_on(from: &mut Connection, pieces: &[&[u8]]) -> Vec<u8> {
    let deflate = DeflateConfig::new();
    let mut to = with_deflate::server(&["permessage-deflate"], deflate, &Config::new()).1;
    let mut out = Vec::new();
    from.pass_compressed();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        while let Some(part) = from.receive_part(&mut input, &mut Vec::new()).expect("no rule") {
            let Part::Compressed(part) = part else { panic!("{part:?}") };
            to.send_compressed_part(part.kind, &part.data, part.last, &mut out).expect("open");
        }
    }
    out
}

/// The messages, and what failed in the end.
type Found = (Vec<Vec<u8>>, Option<Error>);

fn receive(ws: &mut Connection, pieces: &[&[u8]]) -> Found {
    let mut found = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            match ws.receive(&mut input, &mut Vec::new()) {
                Ok(None) => break,
                Ok(Some(Event::Text(text))) => found.push(text.into_owned().into_bytes()),
                Ok(Some(Event::Binary(data))) => found.push(data.into_owned()),
                Ok(Some(other)) => panic!("{other:?}"),
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

fn receive_parts(ws: &mut Connection, pieces: &[&[u8]]) -> Found {
    let (mut found, mut joined) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            let last = match ws.receive_part(&mut input, &mut Vec::new()) {
                Ok(None) => break,
                Ok(Some(Part::Text(part))) => {
                    let lead: String = part.lead.into_iter().collect();
                    joined.extend_from_slice(lead.as_bytes());
                    joined.extend_from_slice(part.text.as_bytes());
                    part.last
                }
                Ok(Some(Part::Binary(part))) => {
                    joined.extend_from_slice(&part.data);
                    part.last
                }
                Ok(Some(other)) => panic!("{other:?}"),
                Err(error) => return (found, Some(error)),
            };
            if last {
                found.push(std::mem::take(&mut joined));
            }
        }
    }
    (found, None)
}
