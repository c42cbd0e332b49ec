//! What is received and sent.

use sansws::frame::{Header, MaskingKey, Opcode};

/// For all clients, but where the keys are what counts.
pub const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// So large that the allocator gives it pages of its own: it begins at the same place
/// of a cache line whatever was allocated before, on which the way of masking depends.
const LARGE: usize = 1 << 18;

pub fn buffer() -> Vec<u8> {
    Vec::with_capacity(LARGE)
}

/// A frame of a client.
pub fn masked(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut header = Header::new(opcode, fin, payload.len() as u64);
    header.mask = Some(MaskingKey::new(KEY));
    let mut frame = header.encode().to_vec();
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// At most `len` bytes of whole characters.
pub fn text(pattern: &str, len: usize) -> String {
    let mut text: String = pattern.chars().cycle().take(len).collect();
    while text.len() > len {
        text.pop();
    }
    text
}

pub const ASCII: &str = "abcdefgh";
pub const JAPANESE: &str = "日本語のテキスト";

/// 1 KiB of JSON, alike but not the same for every `number`.
pub fn json(number: u64) -> String {
    let mut json = String::from("[");
    for i in 0.. {
        let mixed = (number * 64 + i).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let (id, user, price) = (mixed % 100_000, mixed % 97, mixed % 1013);
        let entry = format!(r#"{{"id":{id},"user":"user{user}","price":{price},"at":{mixed}}},"#);
        json.push_str(&entry);
        if json.len() >= 1023 {
            break;
        }
    }
    json.truncate(1023);
    json + "]"
}
