//! How both sides agree to compress (RFC 7692, 5 and 7.1).
#![cfg(feature = "deflate")]

mod support;
#[path = "support/deflate.rs"]
mod with_deflate;

use sansws::handshake::{HandshakeError, ServerHandshake};
use sansws::{Config, DeflateConfig};
use with_deflate::{client, server};

const NAME: &str = "permessage-deflate";

fn defaults() -> DeflateConfig {
    DeflateConfig::new()
}

#[test]
fn a_server_answers_the_first_offer_that_is_valid() {
    let frugal = defaults().send_without_takeover(true).receive_without_takeover(true);
    let small = defaults().send_window_bits(10).receive_window_bits(11);
    let rows: &[(DeflateConfig, &[&str], Option<&str>)] = &[
        (defaults(), &[], None),
        (defaults(), &["x-webkit-deflate-frame", "foo; bar"], None),
        (defaults(), &["permessage-deflate-frame"], Some("-")),
        (defaults(), &["permessage-deflate"], Some("")),
        (defaults(), &["Permessage-Deflate"], Some("")),
        // Each parameter, and what it obliges to (7.1.1, 7.1.2)
        (defaults(), &["*; server_no_context_takeover"], Some("; server_no_context_takeover")),
        (defaults(), &["*; client_no_context_takeover"], Some("; client_no_context_takeover")),
        (defaults(), &["*; server_max_window_bits=8"], Some("; server_max_window_bits=8")),
        (defaults(), &["*; server_max_window_bits=15"], Some("; server_max_window_bits=15")),
        (defaults(), &["*; server_max_window_bits=\"9\""], Some("; server_max_window_bits=9")),
        (defaults(), &["*; client_max_window_bits"], Some("")),
        (defaults(), &["*; client_max_window_bits=15"], Some("")),
        (defaults(), &["*; client_max_window_bits=9"], Some("; client_max_window_bits=9")),
        // The server's own wishes
        (frugal, &["*"], Some("; server_no_context_takeover; client_no_context_takeover")),
        (small, &["*"], Some("; server_max_window_bits=10")),
        (
            small,
            &["*; client_max_window_bits"],
            Some("; server_max_window_bits=10; client_max_window_bits=11"),
        ),
        (
            small,
            &["*; client_max_window_bits=9; server_max_window_bits=9"],
            Some("; server_max_window_bits=9; client_max_window_bits=9"),
        ),
        (
            small,
            &["*; client_max_window_bits=12; server_max_window_bits=12"],
            Some("; server_max_window_bits=10; client_max_window_bits=11"),
        ),
        // Offers that are not valid are declined, and the next one is looked at
        // (7.1). Undici (CVE-2026-2229) threw at some of these.
        (defaults(), &["*; server_no_context_takeover=1"], Some("-")),
        (defaults(), &["*; client_no_context_takeover=true"], Some("-")),
        (defaults(), &["*; server_max_window_bits"], Some("-")),
        (defaults(), &["*; server_max_window_bits=7"], Some("-")),
        (defaults(), &["*; server_max_window_bits=16"], Some("-")),
        (defaults(), &["*; server_max_window_bits=08"], Some("-")),
        (defaults(), &["*; server_max_window_bits=+9"], Some("-")),
        (defaults(), &["*; server_max_window_bits=1000"], Some("-")),
        (defaults(), &["*; client_max_window_bits=7"], Some("-")),
        (defaults(), &["*; client_max_window_bits=016"], Some("-")),
        (defaults(), &["*; client_max_window_bits; client_max_window_bits"], Some("-")),
        (defaults(), &["*; server_no_context_takeover; server_no_context_takeover"], Some("-")),
        (defaults(), &["*; mystery"], Some("-")),
        (defaults(), &["*; constructor=__proto__"], Some("-")),
        (
            defaults(),
            &["*; mystery, *; server_max_window_bits=9, *"],
            Some("; server_max_window_bits=9"),
        ),
        (
            defaults(),
            &["foo", "*; mystery", "*; client_max_window_bits=10"],
            Some("; client_max_window_bits=10"),
        ),
    ];
    for (config, offers, expected) in rows {
        let offers: Vec<String> = offers.iter().map(|offer| offer.replace('*', NAME)).collect();
        let offers: Vec<&str> = offers.iter().map(String::as_str).collect();
        let expected = expected.filter(|e| *e != "-").map(|e| format!("{NAME}{e}"));
        assert_eq!(server(&offers, *config, &Config::new()).0, expected, "{offers:?}");
    }
}

#[test]
fn the_last_word_on_compression_holds() {
    let mut request = format!(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: {NAME}\r\n\r\n"
    )
    .into_bytes();
    let mut handshake = ServerHandshake::new();
    let mut input = &mut request[..];
    let request = handshake.receive(&mut input).unwrap().unwrap();
    let accept = request.accept().unwrap().deflate(defaults().send_window_bits(9));
    let mut out = Vec::new();
    let _ = accept.deflate(defaults()).into_connection(&Config::new(), &mut out);
    let response = String::from_utf8(out).unwrap();
    let fields: Vec<_> = response.lines().filter(|line| line.contains("Extensions")).collect();
    assert_eq!(fields, [format!("Sec-WebSocket-Extensions: {NAME}")]);
}

#[test]
fn a_client_offers_what_it_was_told() {
    let rows = [
        (defaults(), "; client_max_window_bits"),
        (defaults().send_window_bits(10), "; client_max_window_bits=10"),
        (defaults().receive_window_bits(9), "; server_max_window_bits=9; client_max_window_bits"),
        (
            defaults().receive_without_takeover(true).send_without_takeover(true),
            "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
        ),
    ];
    for (config, expected) in rows {
        let (offer, _) = client(NAME, config, &Config::new());
        assert_eq!(offer, format!("{NAME}{expected}"));
    }
}

#[test]
fn a_client_takes_no_answer_but_one_to_its_offer() {
    use HandshakeError::{Deflate, ExtensionNotOffered, Extensions};
    let no_takeover = defaults().receive_without_takeover(true);
    let twelve = defaults().receive_window_bits(12).send_window_bits(12);
    let rows = [
        (defaults(), "*", None),
        (defaults(), "*; server_no_context_takeover; client_no_context_takeover", None),
        (defaults(), "*; server_max_window_bits=8; client_max_window_bits=8", None),
        (defaults(), "*; client_max_window_bits=\"15\"", None),
        (no_takeover, "*; server_no_context_takeover", None),
        // Netty refused a smaller window than it had offered.
        (twelve, "*; server_max_window_bits=10; client_max_window_bits=9", None),
        (twelve, "*; server_max_window_bits=12", None),
        // 7.1.1.1, 7.1.2.1: what was asked for is to be granted
        (no_takeover, "*", Some(Deflate)),
        (twelve, "*", Some(Deflate)),
        (twelve, "*; server_max_window_bits=13", Some(Deflate)),
        (twelve, "*; server_max_window_bits=12; client_max_window_bits=13", Some(Deflate)),
        // 7.1.2.2: in a response it has a value
        (defaults(), "*; client_max_window_bits", Some(Deflate)),
        (defaults(), "*; server_max_window_bits", Some(Deflate)),
        (defaults(), "*; server_max_window_bits=7", Some(Deflate)),
        (defaults(), "*; server_max_window_bits=1000", Some(Deflate)),
        (defaults(), "*; server_max_window_bits=08", Some(Deflate)),
        (defaults(), "*; server_max_window_bits=\"\"", Some(Extensions)),
        (defaults(), "*; server_max_window_bits=9 9", Some(Extensions)),
        (defaults(), "*; server_no_context_takeover=1", Some(Deflate)),
        (defaults(), "*; server_no_context_takeover; server_no_context_takeover", Some(Deflate)),
        (defaults(), "*; mystery", Some(Deflate)),
        // Two of one kind, or another kind (5; RFC 6455, 4.1)
        (defaults(), "*, *", Some(Deflate)),
        (defaults(), "*, foo", Some(ExtensionNotOffered)),
        (defaults(), "foo", Some(ExtensionNotOffered)),
        (defaults(), "", Some(Extensions)),
    ];
    for (config, answer, expected) in rows {
        let answer = answer.replace('*', NAME);
        let (_, result) = client(&answer, config, &Config::new());
        assert_eq!(result.err(), expected, "{answer}");
    }
}
