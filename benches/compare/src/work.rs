//! What the contenders are given to do.

use std::sync::Arc;

use sansws::MessageKind;
use sansws::frame::{Header, MaskingKey, Opcode};

/// Messages, and the bytes in which a peer sends them.
#[derive(Clone)]
pub struct Work {
    pub kind: MessageKind,
    /// The length that the messages are said to have.
    pub size: usize,
    pub messages: Arc<[bytes::Bytes]>,
    /// As a client sends them.
    pub input: Arc<[u8]>,
}

impl Work {
    /// Messages, each sent in one frame.
    pub fn new(kind: MessageKind, size: usize, messages: Vec<Vec<u8>>) -> Self {
        let mut input = Vec::new();
        for message in &messages {
            append_masked(&mut input, opcode(kind), true, message);
        }
        Self::with_input(kind, size, messages, input)
    }

    /// Messages in frames of at most `fragment` bytes.
    pub fn fragmented(size: usize, messages: Vec<Vec<u8>>, fragment: usize) -> Self {
        let mut input = Vec::new();
        for message in &messages {
            let count = message.len().div_ceil(fragment);
            for (i, part) in message.chunks(fragment).enumerate() {
                let opcode = if i == 0 { Opcode::BINARY } else { Opcode::CONTINUATION };
                append_masked(&mut input, opcode, i + 1 == count, part);
            }
        }
        Self::with_input(MessageKind::Binary, size, messages, input)
    }

    pub fn with_input(
        kind: MessageKind,
        size: usize,
        messages: Vec<Vec<u8>>,
        input: Vec<u8>,
    ) -> Self {
        let messages = messages.into_iter().map(Into::into).collect();
        Self { kind, size, messages, input: input.into() }
    }

    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// The bytes of all messages.
    pub fn payload_len(&self) -> usize {
        self.messages.iter().map(bytes::Bytes::len).sum()
    }

    /// The messages as text, which they must be.
    pub fn texts(&self) -> Vec<String> {
        let text = |message: &bytes::Bytes| String::from_utf8(message.to_vec()).unwrap();
        self.messages.iter().map(text).collect()
    }
}

pub fn opcode(kind: MessageKind) -> Opcode {
    match kind {
        MessageKind::Text => Opcode::TEXT,
        MessageKind::Binary => Opcode::BINARY,
    }
}

fn append_masked(out: &mut Vec<u8>, opcode: Opcode, fin: bool, payload: &[u8]) {
    let key = MaskingKey::new([0x37, 0xFA, 0x21, 0x3D].map(|byte| byte ^ out.len() as u8));
    let mut header = Header::new(opcode, fin, payload.len() as u64);
    header.mask = Some(key);
    out.extend_from_slice(&header.encode());
    let start = out.len();
    out.extend_from_slice(payload);
    key.apply(&mut out[start..]);
}

/// Counts what a contender has received, and, before it is timed, checks it.
pub struct Tally {
    expected: Option<(MessageKind, Arc<[bytes::Bytes]>)>,
    pub messages: usize,
    pub bytes: usize,
}

impl Tally {
    pub fn counting() -> Self {
        Self { expected: None, messages: 0, bytes: 0 }
    }

    pub fn checking(work: &Work) -> Self {
        Self { expected: Some((work.kind, work.messages.clone())), messages: 0, bytes: 0 }
    }

    #[inline]
    pub fn text(&mut self, text: &str) {
        self.take(MessageKind::Text, text.as_bytes());
    }

    /// Text that the library has checked, but lends as bytes.
    #[inline]
    pub fn text_bytes(&mut self, text: &[u8]) {
        self.take(MessageKind::Text, text);
    }

    #[inline]
    pub fn binary(&mut self, data: &[u8]) {
        self.take(MessageKind::Binary, data);
    }

    #[inline]
    fn take(&mut self, kind: MessageKind, payload: &[u8]) {
        if let Some((expected_kind, messages)) = &self.expected {
            assert_eq!(*expected_kind, kind);
            assert!(messages[self.messages % messages.len()] == payload, "a wrong message");
        }
        self.messages += 1;
        self.bytes += std::hint::black_box(payload).len();
    }
}
