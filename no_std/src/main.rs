//! A client and a server in one program without the standard library, as on a
//! device: their bytes go to and fro in memory, where a device has a radio.
//!
//! ```sh
//! cargo run --manifest-path no_std/Cargo.toml
//! ```
//!
//! What comes from outside is what a device has too: memory, a source of random
//! numbers (here a counter, which is none), and somewhere to print.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::error::Error;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::panic::PanicInfo;

use linked_list_allocator::LockedHeap;
use sansws::frame::CloseCode;
use sansws::handshake::{Answer, RequestBuilder, ServerHandshake};
use sansws::{Config, Connection, Event, MaskingKeys, Transport};

type Result<T> = core::result::Result<T, Box<dyn Error>>;

fn run() -> Result<()> {
    let (mut client, mut server) = open()?;
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let messages = ["hello".into(), "all work and no play ".repeat(100)];
    for message in &messages {
        client.send_text(message, &mut to_server)?;
    }
    let sent: usize = messages.iter().map(|message| message.len()).sum();
    print(&format!("{sent} bytes are {} on their way", to_server.len()));

    let mut expected = messages.iter();
    while client.transport() == Transport::Open {
        let mut input = &mut to_server[..];
        while let Some(event) = server.receive(&mut input, &mut to_client)? {
            if let Event::Text(text) = event {
                server.send_text(&text, &mut to_client)?;
            }
        }
        to_server.clear();

        let mut input = &mut to_client[..];
        while let Some(event) = client.receive(&mut input, &mut to_server)? {
            match event {
                Event::Text(text) if expected.next().is_some_and(|sent| *sent == text) => {}
                Event::Close(close) => print(&format!("closed with {:?}", close.code)),
                other => return Err(format!("unexpected: {other:?}").into()),
            }
        }
        to_client.clear();
        if expected.len() == 0 && client.close_sent().is_none() {
            client.send_close(CloseCode::NORMAL, "", &mut to_server)?;
        }
    }
    print("all of it came back");
    Ok(())
}

/// The opening handshake, in memory too.
fn open() -> Result<(Connection, Connection)> {
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let request = RequestBuilder::new("ws://device.local/")?;
    let mut client = request.start([7; 16], &mut to_server);

    let mut server = ServerHandshake::new();
    let request = server.receive(&mut &mut to_server[..])?.ok_or("half a request")?;
    let server = request.accept()?.into_connection(&Config::new(), &mut to_client);

    match client.receive(&mut &mut to_client[..])? {
        Some(Answer::Accepted(accepted)) => {
            let mut count = 0u32;
            let keys = MaskingKeys::new(move || {
                count += 1;
                count.to_be_bytes()
            });
            Ok((accepted.into_connection(&Config::new(), keys), server))
        }
        _ => Err("refused".into()),
    }
}

// What the standard library does in other programs.

#[global_allocator]
static HEAP: LockedHeap = LockedHeap::empty();

const HEAP_LEN: usize = 1 << 20;
static mut MEMORY: [MaybeUninit<u8>; HEAP_LEN] = [MaybeUninit::uninit(); HEAP_LEN];

#[link(name = "c")]
unsafe extern "C" {
    fn write(file: c_int, bytes: *const u8, count: usize) -> isize;
    fn abort() -> !;
}

fn print(text: &str) {
    for bytes in [text.as_bytes(), b"\n"] {
        // SAFETY: the pointer and the length are those of a slice.
        unsafe { write(1, bytes.as_ptr(), bytes.len()) };
    }
}

#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    // SAFETY: done once, before anything else; nothing else uses the memory.
    unsafe { HEAP.lock().init((&raw mut MEMORY).cast(), HEAP_LEN) };
    match run() {
        Ok(()) => 0,
        Err(error) => {
            print(&format!("{error}"));
            1
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    print(&format!("{info}"));
    // SAFETY: it has no conditions.
    unsafe { abort() }
}

// `alloc` comes built for programs that unwind, and names these; this one does not.

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: it has no conditions.
    unsafe { abort() }
}

#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
