//! Frames written out by hand, independently of the library.
#![allow(unreachable_pub, reason = "the tests' own")]

/// The key with which clients mask.
pub const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A frame with the length in as few bytes as it needs.
pub fn raw_frame(first_byte: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mask_bit = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![first_byte];
    match payload.len() {
        len @ 0..=125 => frame.push(mask_bit | len as u8),
        len @ 126..=0xFFFF => {
            frame.push(mask_bit | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(mask_bit | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    let key = mask.unwrap_or([0; 4]);
    if mask.is_some() {
        frame.extend(key);
    }
    frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    frame
}
