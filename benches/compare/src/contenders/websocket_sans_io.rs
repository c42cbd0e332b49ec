//! websocket-sans-io: frames only. What it leaves to the program is done here:
//! payloads are joined where they do not lie in one piece, text is checked, and
//! what is sent is written together.

use std::io::{Read, Write};

use sansws::MessageKind;
use websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

use super::Role;
use crate::measure::Contender;
use crate::stream::{Stream, Tap};
use crate::work::{Tally, Work};

const NAME: &str = "websocket-sans-io";
const READ: usize = 16 * 1024;

pub fn receive(work: &Work) -> Contender {
    let tap = Tap::default();
    let mut reader = Reader::new(work, &tap);
    let count = work.len();
    let run = move |tally: &mut Tally| {
        reader.messages(count, |kind, data, _| see(kind, data, tally));
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn echo(work: &Work) -> Contender {
    let tap = Tap::default();
    let mut reader = Reader::new(work, &tap);
    let mut writer = Writer { encoder: WebsocketFrameEncoder::new(), out: Vec::new() };
    let count = work.len();
    let run = move |tally: &mut Tally| {
        reader.messages(count, |kind, data, stream| {
            see(kind, data, tally);
            writer.send(kind, data, None, stream);
        });
        writer.flush(&mut reader.stream);
    };
    Contender::new(NAME, tap, Box::new(run)).receives(work)
}

pub fn send(work: &Work, role: Role) -> Contender {
    let tap = Tap::default();
    let mut stream = Stream::new(work.input.clone(), tap.clone());
    let mut writer = Writer { encoder: WebsocketFrameEncoder::new(), out: Vec::new() };
    let messages = work.messages.clone();
    let run = move |_: &mut Tally| {
        for data in messages.iter() {
            let key = (role == Role::Client).then(rand::random::<[u8; 4]>);
            writer.send(MessageKind::Binary, data, key, &mut stream);
        }
        writer.flush(&mut stream);
    };
    Contender::new(NAME, tap, Box::new(run))
}

struct Reader {
    stream: Stream,
    decoder: WebsocketFrameDecoder,
    buffer: Vec<u8>,
    joined: Vec<u8>,
}

impl Reader {
    fn new(work: &Work, tap: &Tap) -> Self {
        Self {
            stream: Stream::new(work.input.clone(), tap.clone()),
            decoder: WebsocketFrameDecoder::new(),
            buffer: vec![0; READ],
            joined: Vec::new(),
        }
    }

    #[inline]
    fn messages(&mut self, count: usize, mut take: impl FnMut(MessageKind, &[u8], &mut Stream)) {
        let Self { stream, decoder, buffer, joined } = self;
        let (mut left, mut whole) = (count, None);
        while left > 0 {
            let n = stream.read(buffer).unwrap();
            let mut start = 0;
            loop {
                let result = decoder.add_data(&mut buffer[start..n]).unwrap();
                let bytes = start..start + result.consumed_bytes;
                start = bytes.end;
                match result.event {
                    Some(WebsocketFrameEvent::Start { frame_info, .. }) => {
                        assert!(frame_info.is_reasonable() && frame_info.mask.is_some());
                        let is_data = matches!(frame_info.opcode, Opcode::Text | Opcode::Binary);
                        whole = (is_data && frame_info.fin).then_some(frame_info.payload_length);
                    }
                    Some(WebsocketFrameEvent::PayloadChunk { original_opcode }) => {
                        if whole == Some(bytes.len() as u64) {
                            take(kind(original_opcode), &buffer[bytes], stream);
                            left -= 1;
                        } else {
                            joined.extend_from_slice(&buffer[bytes]);
                            whole = None;
                        }
                    }
                    Some(WebsocketFrameEvent::End { frame_info, original_opcode }) => {
                        let is_empty = frame_info.payload_length == 0;
                        if frame_info.fin && (whole.is_none() || is_empty) {
                            take(kind(original_opcode), joined, stream);
                            joined.clear();
                            left -= 1;
                        }
                    }
                    None if result.consumed_bytes == 0 => break,
                    None => {}
                }
            }
        }
    }
}

struct Writer {
    encoder: WebsocketFrameEncoder,
    out: Vec<u8>,
}

impl Writer {
    #[inline]
    fn send(&mut self, kind: MessageKind, data: &[u8], mask: Option<[u8; 4]>, stream: &mut Stream) {
        let opcode = if kind == MessageKind::Text { Opcode::Text } else { Opcode::Binary };
        let payload_length = data.len() as u64;
        let info = FrameInfo { opcode, payload_length, mask, fin: true, reserved: 0 };
        self.out.extend_from_slice(&self.encoder.start_frame(&info));
        let start = self.out.len();
        self.out.extend_from_slice(data);
        self.encoder.transform_frame_payload(&mut self.out[start..]);
        if self.out.len() > READ {
            self.flush(stream);
        }
    }

    #[inline]
    fn flush(&mut self, stream: &mut Stream) {
        stream.write_all(&self.out).unwrap();
        self.out.clear();
    }
}

fn kind(opcode: Opcode) -> MessageKind {
    if opcode == Opcode::Text { MessageKind::Text } else { MessageKind::Binary }
}

#[inline]
fn see(kind: MessageKind, data: &[u8], tally: &mut Tally) {
    match kind {
        MessageKind::Text => tally.text(std::str::from_utf8(data).unwrap()),
        MessageKind::Binary => tally.binary(data),
    }
}
