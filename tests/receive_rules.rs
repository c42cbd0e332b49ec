//! Every rule about an incoming frame's header: which violation breaking it is,
//! at which byte it is found, and how the connection then fails (RFC 6455, 7.1.7).

mod support;

use sansws::CloseCode;
use sansws::{Config, Error, Event, SendError, State, Transport, Violation};
use support::*;

/// The beginning of a frame that breaks a rule.
#[derive(Debug)]
struct Row {
    role: Role,
    /// Whether a message of five bytes is under way.
    inside: bool,
    /// The frame as far as it is needed to tell.
    bytes: Vec<u8>,
    violation: Violation,
    code: u16,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for role in Role::BOTH {
        let m = if role == Role::Server { 0x80 } else { 0 };
        let (wrong_m, wrong_mask) = match role {
            Role::Server => (0, Violation::MaskMissing),
            Role::Client => (0x80, Violation::MaskUnexpected),
        };
        let mut add = |inside, code, violation, list: &[&[u8]]| {
            for bytes in list {
                rows.push(Row { role, inside, bytes: bytes.to_vec(), violation, code });
            }
        };
        // 5.2, found at the first byte
        add(false, 1002, Violation::ReservedBit, &[&[0xC1], &[0xA2], &[0x99], &[0x48], &[0xF3]]);
        add(true, 1002, Violation::ReservedBit, &[&[0xC0], &[0x20], &[0x9A], &[0x70]]);
        add(false, 1002, Violation::ReservedOpcode, &[&[0x83], &[0x07], &[0x8B], &[0x0F]]);
        add(true, 1002, Violation::ReservedOpcode, &[&[0x83], &[0x07], &[0x8B], &[0x0F]]);
        // 5.5
        add(false, 1002, Violation::ControlFragmented, &[&[0x08], &[0x09], &[0x0A]]);
        add(true, 1002, Violation::ControlFragmented, &[&[0x08], &[0x09], &[0x0A]]);
        // 5.4
        add(false, 1002, Violation::ContinuationUnexpected, &[&[0x00], &[0x80]]);
        add(true, 1002, Violation::MessageInterrupted, &[&[0x01], &[0x02], &[0x81], &[0x82]]);
        // 5.1, found at the second byte
        for len in [0, 5, 125, 126, 127].map(|len| wrong_m | len) {
            let list: [&[u8]; 5] =
                [&[0x81, len], &[0x02, len], &[0x88, len], &[0x89, len], &[0x8A, len]];
            add(false, 1002, wrong_mask, &list);
            add(true, 1002, wrong_mask, &[&[0x00, len], &[0x80, len], &[0x89, len]]);
        }
        // 5.5
        for len in [126, 127].map(|len| m | len) {
            let list: [&[u8]; 3] = [&[0x88, len], &[0x89, len], &[0x8A, len]];
            add(false, 1002, Violation::ControlTooLong, &list);
            add(true, 1002, Violation::ControlTooLong, &list);
        }
        // 5.2, found when the length is there, without the masking key
        for (inside, first) in [(false, 0x82), (false, 0x01), (true, 0x80)] {
            for len in [1 << 63, (1 << 63) + 1, u64::MAX] {
                let bytes = [&[first, m | 127][..], &u64::to_be_bytes(len)].concat();
                add(inside, 1002, Violation::LengthOverflow, &[&bytes]);
            }
            for len in [0, 1, 125] {
                let bytes = [first, m | 126, 0, len];
                add(inside, 1002, Violation::LengthNotMinimal, &[&bytes]);
            }
            for len in [0, 125, 126, 0xFFFF] {
                let bytes = [&[first, m | 127][..], &u64::to_be_bytes(len)].concat();
                add(inside, 1002, Violation::LengthNotMinimal, &[&bytes]);
            }
        }
        // 10.4, with the limits of `config`
        add(false, 1009, Violation::FrameTooBig, &[&[0x82, m | 11], &[0x01, m | 14]]);
        add(true, 1009, Violation::FrameTooBig, &[&[0x80, m | 11]]);
        add(false, 1009, Violation::MessageTooBig, &[&[0x82, m | 17], &[0x01, m | 126, 0, 126]]);
        add(true, 1009, Violation::MessageTooBig, &[&[0x80, m | 12], &[0x00, m | 125]]);
        add(true, 1008, Violation::TooManyFragments, &[&[0x80, m | 10], &[0x00, m]]);
    }
    rows
}

fn config() -> Config {
    Config::new().max_frame_len(10).max_message_len(16).max_fragments(1)
}

/// What comes before the frame of a row: a message, a ping, perhaps a fragment.
fn before(row: &Row) -> Vec<u8> {
    let role = row.role;
    let fragment = if row.inside { role.incoming(TEXT, b"begun") } else { Vec::new() };
    [role.incoming_final(TEXT, b"before"), role.incoming_final(PING, b"?"), fragment].concat()
}

/// What the connection makes of it all.
fn outcome(row: &Row) -> Outcome {
    let pong = row.role.outgoing(0x80 | PONG, b"?");
    let close = row.role.outgoing_close(row.code, row.violation.description());
    Outcome {
        events: vec![Event::Text("before".into()), Event::Ping(b"?"[..].into())],
        error: Some(Error::Failed(row.violation)),
        out: [pong, close].concat(),
    }
}

#[test]
fn a_broken_rule_is_answered_with_its_close_frame_after_what_came_before_is_delivered() {
    for row in rows() {
        let after = row.role.incoming_final(TEXT, b"after");
        let stream = [before(&row), row.bytes.clone(), after].concat();
        for cut in 0..=stream.len() {
            let (one, two) = stream.split_at(cut);
            let outcome_of_cut = receive_all(&mut row.role.connection(&config()), [one, two]);
            assert_eq!(outcome_of_cut, outcome(&row), "{row:x?} cut at {cut}");
        }
    }
}

#[test]
fn a_broken_rule_is_found_at_the_byte_that_breaks_it() {
    for row in rows() {
        // The highest bit of a 64-bit length is in its first byte.
        let needed = match row.violation {
            Violation::LengthOverflow => 3,
            _ => row.bytes.len(),
        };
        let mut ws = row.role.connection(&config());
        let early =
            receive_bytewise(&mut ws, &[before(&row), row.bytes[..needed - 1].to_vec()].concat());
        assert_eq!(early.error, None, "{row:x?}");
        let found = receive_bytewise(&mut ws, &row.bytes[needed - 1..]);
        assert_eq!(found.error, Some(Error::Failed(row.violation)), "{row:x?}");
    }
}

// What lies whole in the input takes another way than what does not.
#[test]
fn the_first_byte_means_the_same_of_a_frame_that_is_whole() {
    for role in Role::BOTH {
        for (before, first) in [Vec::new(), role.incoming(TEXT, b"begun")]
            .iter()
            .flat_map(|before| (0..=u8::MAX).map(move |first| (before, first)))
        {
            let [mut whole, mut cut] = [(); 2].map(|()| role.connection(&Config::new()));
            let [_, _] = [&mut whole, &mut cut].map(|ws| receive(ws, before));
            let frame = role.incoming(first, b"\x03\xE8");
            let row = format!("{role:?}, {first:x} after {before:x?}");
            assert_eq!(receive(&mut whole, &frame), receive_bytewise(&mut cut, &frame), "{row}");
            assert_eq!(whole.buffered(), cut.buffered(), "{row}");
        }
    }
}

#[test]
fn a_broken_rule_ends_the_connection_for_good() {
    for row in rows() {
        let mut ws = row.role.connection(&config());
        let mut out = receive(&mut ws, &[before(&row), row.bytes.clone()].concat()).out;
        let written = out.len();
        let error = Error::Failed(row.violation);

        for round in 0..2 {
            let mut later = row.role.incoming_final(PING, b"later");
            let mut input = &mut later[..];
            assert_eq!(ws.receive(&mut input, &mut out), Err(error), "{row:x?}, {round}");
            assert!(input.is_empty(), "7.1.1: what comes later is discarded: {row:x?}");
            let mut later = row.role.incoming_final(TEXT, b"later");
            let mut input = &mut later[..];
            assert_eq!(ws.receive_part(&mut input, &mut out), Err(error), "{row:x?}, {round}");
            assert!(input.is_empty(), "7.1.1: what comes later is discarded: {row:x?}");

            assert_eq!(ws.fail(Violation::Policy, &mut out), error, "{row:x?}");
            assert_eq!(ws.send_text("late", &mut out), Err(SendError::Closed), "{row:x?}");
            assert_eq!(out.len(), written, "one Close frame and nothing after it: {row:x?}");
            assert_eq!(ws.state(), State::Failed, "{row:x?}");
            assert_eq!(ws.failure(), Some(row.violation), "{row:x?}");
            assert_eq!(ws.transport(), Transport::Shutdown, "{row:x?}");
            assert_eq!(ws.close_code(), Some(CloseCode::ABNORMAL), "{row:x?}");
            assert!(ws.close_sent().is_some(), "{row:x?}");
            assert_eq!(ws.buffered(), 0, "{row:x?}");
        }
        assert_eq!(ws.receive_eof(), Err(error), "{row:x?}");
        assert_eq!(ws.transport(), Transport::Close, "{row:x?}");
    }
}

/// The rules about the first two bytes, written down once more: what is wrong
/// after the first, and after the second.
fn verdicts(role: Role, inside: bool, first: u8, second: u8) -> [Option<Violation>; 2] {
    let (fin, opcode) = (first >> 7 == 1, first & 0xF);
    let masked = second >> 7 == 1;
    let after_first = if first & 0b0111_0000 != 0 {
        Some(Violation::ReservedBit)
    } else {
        match (opcode, fin, inside) {
            (3..=7 | 0xB..=0xF, ..) => Some(Violation::ReservedOpcode),
            (CLOSE | PING | PONG, false, _) => Some(Violation::ControlFragmented),
            (CONTINUATION, _, false) => Some(Violation::ContinuationUnexpected),
            (TEXT | BINARY, _, true) => Some(Violation::MessageInterrupted),
            _ => None,
        }
    };
    let after_second = match role {
        Role::Server if !masked => Some(Violation::MaskMissing),
        Role::Client if masked => Some(Violation::MaskUnexpected),
        _ if opcode >= CLOSE && second & 0x7F > 125 => Some(Violation::ControlTooLong),
        _ => None,
    };
    [after_first, after_second]
}

/// All 7 combinations of reserved bits with all opcodes, all reserved opcodes,
/// all kinds of frame with and without a mask and of any short length.
#[test]
fn the_first_two_bytes_of_a_frame_are_judged_right_whatever_they_are() {
    for (role, inside) in Role::BOTH.map(|role| [(role, false), (role, true)]).concat() {
        let opening = if inside { role.incoming(TEXT, b"") } else { Vec::new() };
        for (first, second) in (0..=0xFFFF_u16).map(|both| both.to_be_bytes().into()) {
            let mut ws = role.connection(&Config::new());
            assert_eq!(receive(&mut ws, &opening).error, None);
            let [after_first, after_second] = verdicts(role, inside, first, second);

            let mut violation = |byte| receive(&mut ws, &[byte]).error.and_then(Error::violation);
            let row = format!("{role:?}, inside a message: {inside}, {first:02x} {second:02x}");
            assert_eq!(violation(first), after_first, "{row}");
            assert_eq!(violation(second), after_first.or(after_second), "{row}");
        }
    }
}

#[test]
fn lengths_in_more_bytes_than_needed_are_accepted_if_the_program_wants_them() {
    let config = Config::new().require_minimal_len(false);
    for role in Role::BOTH {
        let (m, key) = match role {
            Role::Server => (0x80, &[0; 4][..]),
            Role::Client => (0, &[][..]),
        };
        for len in [0, 1, 125, 126, 0xFFFF_usize] {
            let short = [&[m | 126][..], &(len as u16).to_be_bytes()].concat();
            let long = [&[m | 127][..], &(len as u64).to_be_bytes()].concat();
            for form in [short, long] {
                let payload = vec![b'x'; len];
                let frame = |first| [&[first], &form[..], key, &payload].concat();

                let whole = receive(&mut role.connection(&config), &frame(0x82));
                assert_eq!(whole.events, [Event::Binary(payload.clone().into())], "{role:?} {len}");

                let fragments = [frame(BINARY), frame(0x80)].concat();
                let pieces = fragments.chunks(fragments.len().div_ceil(40));
                let joined = receive_all(&mut role.connection(&config), pieces);
                let twice = [&payload[..], &payload].concat();
                assert_eq!(joined.events, [Event::Binary(twice.into())], "{role:?} {len}");

                let ping = receive(&mut role.connection(&config), &frame(0x89));
                let error = Some(Error::Failed(Violation::ControlTooLong));
                assert_eq!(ping.error, error, "5.5 stays: {role:?} {len}");
            }
        }
        let overflow = [&[0x82, m | 127][..], &(1_u64 << 63).to_be_bytes()].concat();
        let error = receive(&mut role.connection(&config), &overflow).error;
        assert_eq!(error, Some(Error::Failed(Violation::LengthOverflow)), "5.2 stays: {role:?}");
    }
}
