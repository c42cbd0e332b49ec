//! What the generator sends, and what it must get back.

use sansws::frame::{Header, MaskingKey, Opcode};

/// A message in the bytes of a client and of a server.
pub struct Message {
    pub request: Vec<u8>,
    pub reply: Vec<u8>,
}

/// Different messages of one length, to be sent in turns.
pub fn make(is_text: bool, size: usize) -> Vec<Message> {
    let count = ((1 << 20) / size.max(1)).clamp(2, 16);
    (0..count).map(|seed| Message::new(is_text, &payload(is_text, size, seed as u64))).collect()
}

impl Message {
    fn new(is_text: bool, payload: &[u8]) -> Self {
        let opcode = if is_text { Opcode::TEXT } else { Opcode::BINARY };
        Self::of(opcode, payload)
    }

    fn of(opcode: Opcode, payload: &[u8]) -> Self {
        let mut header = Header::new(opcode, true, payload.len() as u64);
        let mut reply = header.encode().to_vec();
        reply.extend_from_slice(payload);
        let key = MaskingKey::new([0x37, 0xFA, 0x21, payload.len() as u8 | 1]);
        header.mask = Some(key);
        let mut request = header.encode().to_vec();
        let start = request.len();
        request.extend_from_slice(payload);
        key.apply(&mut request[start..]);
        Self { request, reply }
    }

    /// A Close frame with the code 1000.
    pub fn close() -> Self {
        Self::of(Opcode::CLOSE, &1000_u16.to_be_bytes())
    }
}

/// Bytes without a pattern, or text of one to four bytes a character.
fn payload(is_text: bool, size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    if !is_text {
        return std::iter::repeat_with(|| next() as u8).take(size).collect();
    }
    const WORDS: [&str; 8] =
        ["hello ", "the quick ", "größe ", "日本語", "пример ", "🎈🎉", "naïve ", "end. "];
    let mut text = String::new();
    while text.len() < size {
        text.push_str(WORDS[next() as usize % WORDS.len()]);
    }
    let mut end = size;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.extend(std::iter::repeat_n('.', size - end));
    text.into_bytes()
}
