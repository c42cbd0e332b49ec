//! A message that is compressed by itself becomes the same bytes whether the context is
//! new or was kept from messages before it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sansws::{Config, Connection, DeflateConfig, KeepContext};
use sansws_fuzz::with_deflate;

fuzz_target!(|data: &[u8]| {
    let Some((&[levels, bits, times, parts], rest)) = data.split_first_chunk() else { return };
    let deflate = DeflateConfig::new()
        .min_len(0)
        .level(1 + levels % 9)
        .memory_level(1 + levels / 9 % 9)
        .send_window_bits(8 + bits % 8)
        .send_without_takeover(true);
    let connect =
        |deflate| with_deflate::server(&["permessage-deflate"], deflate, &Config::new()).1;
    let mut kept = connect(deflate.keep_context(KeepContext::Always));
    let mut made = connect(deflate);
    for (i, piece) in rest.chunks(rest.len() / 4 + 1).enumerate() {
        // Repeated, so that even short input comes to matches that reach a message's end.
        let message = piece.repeat([1, 2, 9, 40][usize::from(times >> (2 * i) & 3)]);
        let part_len = [usize::MAX, 1, 7, 300][usize::from(parts >> (2 * i) & 3)];
        assert_eq!(send(&mut kept, &message, part_len), send(&mut made, &message, part_len));
    }
});

fn send(ws: &mut Connection, message: &[u8], part_len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut parts = message.chunks(part_len).peekable();
    while let Some(part) = parts.next() {
        ws.send_binary_part(part, parts.peek().is_none(), &mut out).expect("it is open");
    }
    out
}
