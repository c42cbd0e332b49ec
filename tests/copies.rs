//! Long payloads are what they were, wherever they and their copies lie in memory: some places
//! of the one relative to the other are copied to in another way.

mod support;

use sansws::{Config, Event};
use support::{BINARY, CONTINUATION, Role, TEXT};

const PAGE: usize = 4096;
/// No more than a quarter of the places that are copied to in another way.
const STEP: usize = 16;

/// Characters of all lengths, which no piece of any length is a multiple of.
fn text() -> String {
    "aé日𝄞 ".chars().cycle().take(7_001).collect()
}

#[test]
fn a_payload_is_sent_as_it_is_wherever_it_lies() {
    let text = text();
    let expected = Role::Server.outgoing(0x80 | TEXT, text.as_bytes());
    let mut ws = Role::Server.connection(&Config::new());
    let mut memory = vec![0; text.len() + PAGE];
    let mut out = Vec::with_capacity(expected.len());
    for start in (0..PAGE).step_by(STEP) {
        let payload = &mut memory[start..start + text.len()];
        payload.copy_from_slice(text.as_bytes());
        let text = str::from_utf8(payload).expect("it is text");
        out.clear();
        ws.send_text(text, &mut out).expect("it is open");
        assert!(out == expected, "sent from {start}");
        out.clear();
        let mut payload = ws.send_text_lazily(text, &mut out).expect("it is open");
        payload.append_to(&mut out, 5_000);
        payload.append_to(&mut out, usize::MAX);
        assert!(out == expected, "sent in pieces from {start}");
    }
}

#[test]
fn a_message_in_fragments_is_joined_as_it_is_wherever_they_lie() {
    let text = text();
    let (middle, _) = text.char_indices().nth(4_000).expect("it is long");
    let (start, end) = text.split_at(middle);
    for role in Role::BOTH {
        for (opcode, expected) in
            [(TEXT, Event::from(&text)), (BINARY, Event::from(text.as_bytes()))]
        {
            let frames = [
                role.incoming(opcode, start.as_bytes()),
                role.incoming(0x80 | CONTINUATION, end.as_bytes()),
            ];
            let frames = frames.concat();
            let mut ws = role.connection(&Config::new());
            let mut memory = vec![0; frames.len() + PAGE];
            for start in (0..PAGE).step_by(STEP) {
                let mut input = &mut memory[start..start + frames.len()];
                input.copy_from_slice(&frames);
                let event = ws.receive(&mut input, &mut Vec::new()).expect("it is right");
                assert!(event.is_some_and(|event| event == expected), "{role:?} from {start}");
            }
        }
    }
}
