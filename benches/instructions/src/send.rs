//! A connection sends.

use std::hint::black_box;

use sansws::{Config, Connection, MaskingKeys, Prepared, SendError};

use crate::Path;
use crate::messages::{ASCII, KEY, buffer, text};

const SIZES: [usize; 3] = [16, 1 << 10, 64 << 10];

pub fn paths() -> Vec<Path> {
    let mut paths = Vec::new();
    for len in SIZES {
        paths.push(binary(format!("send/binary/{len}"), len, server));
    }
    for len in SIZES {
        paths.push(a_text(len));
    }
    for len in [16, 1 << 10] {
        paths.push(binary(format!("send/client/binary/{len}"), len, client));
    }
    paths.push(lazily(64 << 10));
    paths.push(vectored());
    let random = || Connection::client(&Config::new(), MaskingKeys::random());
    paths.push(binary("send/client/random keys/16".into(), 16, random));
    for len in [16, 1 << 10] {
        paths.push(prepared(len));
    }
    paths
}

/// As many as random keys are drawn at a time.
const MANY: u32 = 64;

fn server() -> Connection {
    Connection::server(&Config::new())
}

fn client() -> Connection {
    Connection::client(&Config::new(), MaskingKeys::new(|| KEY))
}

fn binary(name: String, len: usize, connection: impl FnOnce() -> Connection + 'static) -> Path {
    send(name, len, connection, vec![7; len], |ws, data, out| ws.send_binary(data, out))
}

/// In pieces of 16 KiB.
fn lazily(len: usize) -> Path {
    send(format!("send/client/in pieces/{len}"), len, client, vec![7; len], |ws, data, out| {
        let mut payload = ws.send_binary_lazily(data, out)?;
        while !payload.is_empty() {
            payload.append_to(out, 16 << 10);
        }
        Ok(())
    })
}

/// The header alone is appended.
fn vectored() -> Path {
    send("send/vectored".into(), 1, server, vec![7; 64 << 10], |ws, data, out| {
        black_box(ws.send_binary_vectored(&data[..], out)?);
        Ok(())
    })
}

fn a_text(len: usize) -> Path {
    let text = text(ASCII, len);
    send(format!("send/text/{len}"), len, server, text, |ws, text, out| ws.send_text(text, out))
}

fn prepared(len: usize) -> Path {
    let message = Prepared::binary(&vec![7; len]);
    send(format!("send/prepared/{len}"), len, server, message, |ws, message, out| {
        ws.send_prepared(message, out)
    })
}

/// For each message more than `len` bytes are appended.
fn send<M: 'static>(
    name: String,
    len: usize,
    connection: impl FnOnce() -> Connection + 'static,
    message: M,
    send: impl Fn(&mut Connection, &M, &mut Vec<u8>) -> Result<(), SendError> + 'static,
) -> Path {
    let count = if len <= 1 << 10 { MANY } else { 1 };
    Path::new(name, count, move || {
        let (mut ws, mut out) = (connection(), buffer());
        move |meter| {
            out.clear();
            meter.run(|| {
                for _ in 0..count {
                    send(&mut ws, black_box(&message), &mut out).expect("it is open");
                }
            });
            assert!(out.len() > len * count as usize);
        }
    })
}
