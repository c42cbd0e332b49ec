//! Frame headers, opcodes, close codes and close reasons as plain values,
//! against bytes and tables written out by hand.

use sansws::Close;
use sansws::frame::{CloseCode, Header, HeaderError, MaskingKey, Opcode};

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// What stands in the second byte and after it for a length (5.2), unmasked.
const LENGTHS: [(u64, &[u8]); 12] = [
    (0, &[0]),
    (1, &[1]),
    (125, &[125]),
    (126, &[126, 0, 126]),
    (127, &[126, 0, 127]),
    (65_535, &[126, 0xFF, 0xFF]),
    (65_536, &[127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ((1 << 32) - 1, &[127, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]),
    (1 << 32, &[127, 0, 0, 0, 1, 0, 0, 0, 0]),
    // undici, CVE-2026-1528, and others on 32 bits: read as 5
    ((1 << 32) + 5, &[127, 0, 0, 0, 1, 0, 0, 0, 5]),
    ((1 << 63) - 2, &[127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]),
    ((1 << 63) - 1, &[127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
];

/// A header's bytes: the first, a length as in `LENGTHS`, and the key if any.
fn header_bytes(first: u8, length: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut bytes = [&[first], length].concat();
    if let Some(key) = mask {
        bytes[1] |= 0x80;
        bytes.extend(key);
    }
    bytes
}

/// `bytes` are this header whole, are too few when cut, and are what it encodes to.
#[track_caller]
fn assert_is(bytes: &[u8], header: Header) {
    assert_eq!(Header::parse(bytes), Ok(Some((header, bytes.len()))), "{bytes:02x?}");
    let followed = [bytes, &[0xFF; 16]].concat();
    assert_eq!(Header::parse(&followed), Ok(Some((header, bytes.len()))), "{bytes:02x?}");
    for cut in 0..bytes.len() {
        assert_eq!(Header::parse(&bytes[..cut]), Ok(None), "{bytes:02x?} cut at {cut}");
    }
    assert_eq!(*header.encode(), *bytes, "{header:?}");
    assert_eq!(header.encoded_len(), bytes.len(), "{header:?}");
}

/// A header's bytes, what they say, the payload's bytes, and the payload.
type Example<'a> = (&'a [u8], Header, &'a [u8], &'a [u8]);

#[test]
fn the_examples_of_the_rfc_are_read_and_written() {
    // 5.7, in its order
    let unmasked = Header::new;
    let masked = |opcode| Header { mask: Some(MaskingKey::new(KEY)), ..unmasked(opcode, true, 5) };
    let hidden = [0x7F, 0x9F, 0x4D, 0x51, 0x58];
    let (short, long) = ([0xA5; 256], [0xA5; 65_536]);
    let examples: [Example<'_>; 8] = [
        (&[0x81, 0x05], unmasked(Opcode::TEXT, true, 5), b"Hello", b"Hello"),
        (&[0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D], masked(Opcode::TEXT), &hidden, b"Hello"),
        (&[0x01, 0x03], unmasked(Opcode::TEXT, false, 3), b"Hel", b"Hel"),
        (&[0x80, 0x02], unmasked(Opcode::CONTINUATION, true, 2), b"lo", b"lo"),
        (&[0x89, 0x05], unmasked(Opcode::PING, true, 5), b"Hello", b"Hello"),
        (&[0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D], masked(Opcode::PONG), &hidden, b"Hello"),
        (&[0x82, 0x7E, 0x01, 0x00], unmasked(Opcode::BINARY, true, 256), &short, &short),
        (
            &[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0],
            unmasked(Opcode::BINARY, true, 65_536),
            &long,
            &long,
        ),
    ];
    for (bytes, header, on_the_wire, payload) in examples {
        assert_is(bytes, header);
        let frame = [bytes, on_the_wire].concat();
        let (read, payload_at) = Header::parse(&frame).unwrap().unwrap();
        let mut rest = frame[payload_at..].to_vec();
        if let Some(key) = read.mask {
            key.apply(&mut rest);
        }
        assert_eq!(rest, payload, "{bytes:02x?}");
        assert_eq!(rest.len() as u64, read.len, "{bytes:02x?}");
    }
}

#[test]
fn a_length_stands_in_as_few_bytes_as_it_needs() {
    // 5.2
    for (len, length) in LENGTHS {
        for mask in [None, Some(KEY), Some([0; 4])] {
            let bytes = header_bytes(0x82, length, mask);
            let header = Header::new(Opcode::BINARY, true, len);
            assert_is(&bytes, Header { mask: mask.map(MaskingKey::new), ..header });
        }
    }
}

#[test]
fn the_longest_header_has_the_length_that_it_says() {
    let header =
        Header { mask: Some(MaskingKey::new(KEY)), ..Header::new(Opcode::TEXT, true, 1 << 62) };
    assert_eq!(header.encode().len(), 14);
    assert_eq!(Header::MAX_LEN, 14);
}

#[test]
fn a_length_with_its_highest_bit_set_is_refused() {
    // 5.2: "the most significant bit MUST be 0". Tomcat, CVE-2020-13935: such a
    // length was taken for a negative one, and a loop never ended.
    for len in [1 << 63, (1 << 63) + 1, u64::MAX] {
        let length = [&[127], &len.to_be_bytes()[..]].concat();
        for mask in [None, Some(KEY)] {
            let bytes = header_bytes(0x82, &length, mask);
            for cut in 0..=bytes.len() {
                // The key need not be there to know.
                let expected = if cut < 10 { Ok(None) } else { Err(HeaderError::LengthOverflow) };
                assert_eq!(Header::parse(&bytes[..cut]), expected, "{bytes:02x?} cut at {cut}");
            }
            let header = Header::new(Opcode::BINARY, true, len);
            let header = Header { mask: mask.map(MaskingKey::new), ..header };
            assert_eq!(*header.encode(), *bytes, "{len:#x}");
        }
    }
}

#[test]
fn a_length_in_too_many_bytes_can_be_told() {
    // 5.2: "the minimal number of bytes MUST be used to encode the length"
    let short = |len: u16| [&[126], &len.to_be_bytes()[..]].concat();
    let long = |len: u64| [&[127], &len.to_be_bytes()[..]].concat();
    let lengths = [
        (0, short(0), 2),
        (1, short(1), 2),
        (125, short(125), 2),
        (126, short(126), 4),
        (65_535, short(65_535), 4),
        (0, long(0), 2),
        (125, long(125), 2),
        (126, long(126), 4),
        (65_535, long(65_535), 4),
        (65_536, long(65_536), 10),
    ];
    for (len, length, minimal) in lengths {
        for (mask, key_len) in [(None, 0), (Some(KEY), 4)] {
            let bytes = header_bytes(0x82, &length, mask);
            let (header, size) = Header::parse(&bytes).unwrap().unwrap();
            assert_eq!((header.len, size), (len, bytes.len()), "{bytes:02x?}");
            assert_eq!(header.encoded_len(), minimal + key_len, "{bytes:02x?}");
            for cut in 0..bytes.len() {
                assert_eq!(Header::parse(&bytes[..cut]), Ok(None), "{bytes:02x?} cut at {cut}");
            }
        }
    }
}

#[test]
fn every_first_byte_is_told_apart() {
    // 5.2: FIN, RSV1, RSV2, RSV3, and four bits of opcode
    for first in 0..=0xFF {
        for mask in [None, Some(KEY)] {
            let header = Header {
                fin: first & 0b1000_0000 != 0,
                rsv1: first & 0b0100_0000 != 0,
                rsv2: first & 0b0010_0000 != 0,
                rsv3: first & 0b0001_0000 != 0,
                opcode: Opcode::from_byte(first & 0b0000_1111),
                mask: mask.map(MaskingKey::new),
                len: 1000,
            };
            assert_is(&header_bytes(first, &[126, 0x03, 0xE8], mask), header);
        }
    }
}

#[test]
fn every_opcode_knows_what_it_is() {
    // 5.2 and 11.8: the number, its name, whether control, whether reserved
    let opcodes = [
        (0x0, "CONTINUATION", false, false),
        (0x1, "TEXT", false, false),
        (0x2, "BINARY", false, false),
        (0x3, "Opcode(0x3)", false, true),
        (0x4, "Opcode(0x4)", false, true),
        (0x5, "Opcode(0x5)", false, true),
        (0x6, "Opcode(0x6)", false, true),
        (0x7, "Opcode(0x7)", false, true),
        (0x8, "CLOSE", true, false),
        (0x9, "PING", true, false),
        (0xA, "PONG", true, false),
        (0xB, "Opcode(0xb)", true, true),
        (0xC, "Opcode(0xc)", true, true),
        (0xD, "Opcode(0xd)", true, true),
        (0xE, "Opcode(0xe)", true, true),
        (0xF, "Opcode(0xf)", true, true),
    ];
    for (number, name, is_control, is_reserved) in opcodes {
        for high_bits in 0..16 {
            let opcode = Opcode::from_byte(high_bits << 4 | number);
            assert_eq!(opcode.to_byte(), number, "{name}");
            assert_eq!(format!("{opcode:?}"), name);
            assert_eq!(opcode.is_control(), is_control, "{name}");
            assert_eq!(opcode.is_reserved(), is_reserved, "{name}");
        }
    }
    let named = [
        (0x0, Opcode::CONTINUATION),
        (0x1, Opcode::TEXT),
        (0x2, Opcode::BINARY),
        (0x8, Opcode::CLOSE),
        (0x9, Opcode::PING),
        (0xA, Opcode::PONG),
    ];
    for (number, opcode) in named {
        assert_eq!(opcode, Opcode::from_byte(number));
    }
}

#[test]
fn every_close_code_may_be_sent_or_not() {
    // 7.4.1, 7.4.2 and the IANA registry: each range, and whether its codes may
    // stand in a Close frame.
    let ranges = [
        (0..=999, false),     // not used
        (1000..=1003, true),  // defined
        (1004..=1004, false), // reserved
        (1005..=1006, false), // for the program's eyes only
        (1007..=1011, true),  // defined
        (1012..=1014, true),  // registered later
        (1015..=1015, false), // for the program's eyes only
        (1016..=2999, false), // for later versions and extensions
        (3000..=3999, true),  // libraries and frameworks
        (4000..=4999, true),  // private use
        (5000..=65_535, false),
    ];
    let mut next = 0u32;
    for (range, is_sendable) in ranges {
        for number in range {
            assert_eq!(u32::from(number), next, "the table has every code once");
            next += 1;
            let code = CloseCode::new(number);
            assert_eq!(code.is_sendable(), is_sendable, "{number}");
            assert_eq!((code.value(), u16::from(code)), (number, number));
        }
    }
    assert_eq!(next, 65_536);
}

#[test]
fn the_named_close_codes_have_their_numbers() {
    // 7.4.1 and the IANA registry
    let named = [
        (CloseCode::NORMAL, 1000),
        (CloseCode::GOING_AWAY, 1001),
        (CloseCode::PROTOCOL_ERROR, 1002),
        (CloseCode::UNSUPPORTED_DATA, 1003),
        (CloseCode::NO_STATUS, 1005),
        (CloseCode::ABNORMAL, 1006),
        (CloseCode::INVALID_PAYLOAD, 1007),
        (CloseCode::POLICY_VIOLATION, 1008),
        (CloseCode::MESSAGE_TOO_BIG, 1009),
        (CloseCode::MISSING_EXTENSION, 1010),
        (CloseCode::INTERNAL_ERROR, 1011),
        (CloseCode::SERVICE_RESTART, 1012),
        (CloseCode::TRY_AGAIN_LATER, 1013),
        (CloseCode::BAD_GATEWAY, 1014),
        (CloseCode::TLS_HANDSHAKE, 1015),
    ];
    for (code, number) in named {
        assert_eq!(code, CloseCode::new(number));
        assert_eq!(code.to_string(), number.to_string());
    }
}

#[test]
fn a_reason_is_cut_between_characters_to_what_fits() {
    // 5.5: a control frame carries 125 bytes, of which the code takes two
    assert_eq!(Close::MAX_REASON_LEN, 123);
    for character in ["a", "é", "€", "🦀"] {
        for before in 115..=130 {
            let whole = "x".repeat(before) + character + "yz";
            let mut expected = String::new();
            for character in whole.chars() {
                if expected.len() + character.len_utf8() > 123 {
                    break;
                }
                expected.push(character);
            }
            assert_eq!(Close::fit_reason(&whole), expected, "{character} at {before}");
        }
    }
    let rows = [
        ("", 0),
        ("short", 5),
        (&"x".repeat(123), 123),
        (&"x".repeat(124), 123),
        (&"é".repeat(61), 122),
        (&"é".repeat(62), 122),
        (&"€".repeat(41), 123),
        (&"🦀".repeat(31), 120),
    ];
    for (reason, len) in rows {
        assert_eq!(Close::fit_reason(reason), &reason[..len], "{reason}");
    }
}
