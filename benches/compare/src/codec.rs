//! Everything but compression: receiving, echoing, sending and the handshake.

use std::sync::Arc;

use sansws::frame::{Header, Opcode};
use sansws::{Connection, MessageKind};

use crate::contenders::sansws as ours;
use crate::contenders::sansws_tokio;
use crate::contenders::{
    Role, fastwebsockets, limit, sockudo_ws, soketto, tokio_websockets, tungstenite, web_socket,
    websocket_sans_io, wtx, yawc,
};
use crate::json::Random;
use crate::measure::{Contender, measure};
use crate::report::{Case, Report};
use crate::work::{Work, opcode};

const SIZES: [usize; 7] = [0, 16, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20];

/// As much as a TLS record holds.
const SHORT_READ: usize = 16 * 1024;
const SHORT_READS: &str = "sansws, reads of 16 KiB";

/// From this length on there are ways without copies.
const LONG: usize = 16 * 1024;
/// How much is read first where the rest of a long message is read straight.
const FIRST_READ: usize = 1024;
const REUSED: &str = "sansws, memory reused";
const VECTORED: &str = "sansws, vectored";
const LAZILY: &str = "sansws, in pieces";

pub fn run(report: &mut Report) {
    let texts = [("receive/ascii", "abcdefgh "), ("receive/japanese", "日本語のテキスト")];
    for size in SIZES {
        let work = Work::new(MessageKind::Binary, size, noise(size));
        case(report, "receive/binary", &work, receivers);
        for (group, pattern) in texts {
            let work = Work::new(MessageKind::Text, size, text(pattern, size));
            case(report, group, &work, receivers);
        }
    }
    for size in SIZES {
        let work = Work::new(MessageKind::Binary, size, noise(size));
        case(report, "echo", &work, |work| {
            let mut contenders = echoers(work);
            if size < LONG {
                let by_hand = limit::echo_by_hand(work, ours::READ);
                contenders.push(by_hand.checked(frames(work, Role::Server)));
            }
            contenders
        });
        case(report, "send/server", &work, |work| senders(work, Role::Server));
        case(report, "send/client", &work, |work| senders(work, Role::Client));
    }
    let work = Work::fragmented(64 << 10, noise(64 << 10), 1 << 10);
    case(report, "fragments of 1 KiB, echo", &work, echoers);
    let request =
        Work::with_input(MessageKind::Binary, REQUEST.len(), vec![vec![]], REQUEST.into());
    case(report, "handshake/server", &request, servers);
}

fn case(
    report: &mut Report,
    group: &str,
    work: &Work,
    contenders: impl Fn(&Work) -> Vec<Contender>,
) {
    if report.wants(group) {
        let figures = measure(|| contenders(work), work, report.quick);
        report.add(Case::new(group, work), &figures);
    }
}

fn receivers(work: &Work) -> Vec<Contender> {
    let mut contenders = Vec::from(limit::receive(work));
    contenders.extend([
        ours::receive("sansws", ours::server(), work, ours::READ),
        ours::receive(SHORT_READS, ours::server(), work, SHORT_READ),
    ]);
    if work.size >= LONG {
        contenders.push(ours::receive_reusing(REUSED, ours::server(), work, FIRST_READ));
    }
    contenders.extend([
        sansws_tokio::receive(work, ours::server()),
        fastwebsockets::receive(work),
        sockudo_ws::receive(work),
        soketto::receive("soketto", soketto::open(work, ::soketto::Mode::Server), work),
        tokio_websockets::receive(work),
        tungstenite::receive(work),
        web_socket::receive(work),
        websocket_sans_io::receive(work),
        wtx::receive(work),
        yawc::receive("yawc", open_yawc(work, Role::Server), work),
    ]);
    contenders
}

fn echoers(work: &Work) -> Vec<Contender> {
    let mut contenders = Vec::from(limit::echo(work));
    let echoers = [
        ours::echo("sansws", ours::server(), work, ours::READ),
        ours::echo(SHORT_READS, ours::server(), work, SHORT_READ),
        sansws_tokio::echo(work, ours::server()),
        fastwebsockets::echo(work),
        sockudo_ws::echo(work),
        soketto::echo("soketto", soketto::open(work, ::soketto::Mode::Server), work),
        tokio_websockets::echo(work),
        tungstenite::echo(work),
        web_socket::echo(work),
        websocket_sans_io::echo(work),
        wtx::echo(work),
        yawc::echo("yawc", open_yawc(work, Role::Server), work),
    ];
    contenders.extend(echoers.map(|echoer| echoer.checked(frames(work, Role::Server))));
    if work.size >= LONG {
        for (name, read) in [(VECTORED, ours::READ), (REUSED, FIRST_READ)] {
            let echoer = ours::echo_vectored(name, ours::server(), work, read);
            contenders.push(echoer.checked(frames(work, Role::Server)));
        }
    }
    contenders
}

fn senders(work: &Work, role: Role) -> Vec<Contender> {
    let (ours_as, mode): (fn() -> Connection, _) = match role {
        Role::Server => (ours::server, ::soketto::Mode::Server),
        Role::Client => (ours::client, ::soketto::Mode::Client),
    };
    let mut contenders = limit::send(work, role);
    let senders = [
        ours::send("sansws", ours_as(), work),
        sansws_tokio::send(work, ours_as()),
        fastwebsockets::send(work, role),
        sockudo_ws::send(work, role),
        soketto::send("soketto", soketto::open(work, mode), work),
        tokio_websockets::send(work, role),
        tungstenite::send(work, role),
        web_socket::send(work, role),
        websocket_sans_io::send(work, role),
        wtx::send(work, role),
        yawc::send("yawc", open_yawc(work, role), work),
    ];
    contenders.extend(senders.map(|sender| sender.checked(frames(work, role))));
    if work.size >= LONG {
        let sender = match role {
            Role::Server => ours::send_vectored(VECTORED, ours_as(), work),
            Role::Client => ours::send_lazily(LAZILY, ours_as(), work),
        };
        contenders.push(sender.checked(frames(work, role)));
    }
    contenders
}

fn servers(work: &Work) -> Vec<Contender> {
    let servers = [
        ours::handshake("sansws", work, ours::READ),
        sockudo_ws::handshake(work),
        soketto::handshake("soketto", work),
        tokio_websockets::handshake(work),
        tungstenite::handshake(work),
        wtx::handshake(work),
    ];
    servers.map(|server| server.checked(check_responses)).into()
}

fn open_yawc(
    work: &Work,
    role: Role,
) -> (::yawc::WebSocket<crate::stream::Stream>, crate::stream::Tap) {
    let role = if role == Role::Server { ::yawc::Role::Server } else { ::yawc::Role::Client };
    yawc::open(work, role, None, yawc::options())
}

/// That what was written is the messages, twice.
pub fn frames(work: &Work, role: Role) -> impl Fn(&[u8]) + use<> {
    let (kind, messages): (_, Arc<[bytes::Bytes]>) = (work.kind, work.messages.clone());
    move |mut output| {
        let mut keys = Vec::new();
        for message in messages.iter().chain(messages.iter()) {
            let mut joined = Vec::new();
            for frame in 0.. {
                let (header, len) = Header::parse(output).unwrap().unwrap();
                let opcode = if frame == 0 { opcode(kind) } else { Opcode::CONTINUATION };
                assert_eq!((header.opcode, header.mask.is_some()), (opcode, role == Role::Client));
                let (payload, rest) = output[len..].split_at(header.len as usize);
                let mut payload = payload.to_vec();
                if let Some(key) = header.mask {
                    key.apply(&mut payload);
                    keys.push(key);
                }
                joined.extend(payload);
                output = rest;
                if header.fin {
                    break;
                }
            }
            assert!(joined == *message, "a wrong message");
        }
        assert!(output.is_empty());
        assert!(keys.is_empty() || keys.iter().any(|key| *key != keys[0]), "one key for all");
    }
}

pub const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
    Sec-WebSocket-Version: 13\r\nOrigin: http://example.com\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: keep-alive, Upgrade\r\n\
    Pragma: no-cache\r\nCache-Control: no-cache\r\nUpgrade: websocket\r\n\r\n";

/// That two responses accept the key of the request (RFC 6455, 1.3).
pub fn check_responses(output: &[u8]) {
    let output = std::str::from_utf8(output).unwrap();
    let accept = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n";
    assert_eq!(output.matches("HTTP/1.1 101 ").count(), 2);
    assert_eq!(output.to_ascii_lowercase().matches(accept).count(), 2);
}

/// As many messages as make a batch.
fn count(size: usize) -> usize {
    match size {
        0..=1024 => 64,
        1025..=16_384 => 16,
        16_385..=65_536 => 8,
        _ => 4,
    }
}

fn noise(size: usize) -> Vec<Vec<u8>> {
    let mut random = Random::new(0x2545_F491_4F6C_DD1D);
    (0..count(size)).map(|_| (0..size).map(|_| random.below(256) as u8).collect()).collect()
}

/// Messages that begin at different places of the pattern.
fn text(pattern: &str, size: usize) -> Vec<Vec<u8>> {
    let characters = |start| pattern.chars().cycle().skip(start);
    let message = |start| {
        let mut text: String = characters(start % 8).take(size).collect();
        let mut end = size;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.into_bytes()
    };
    (0..count(size)).map(message).collect()
}
