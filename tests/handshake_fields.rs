//! What is negotiated: extensions (RFC 6455, 9.1) and subprotocols (11.3.4).

mod support;

use sansws::Config;
use sansws::handshake::HandshakeError::*;
use sansws::handshake::Request;
use support::handshake::{client, client_verdict, request, response, server_verdict, with_request};

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// The extensions that a request offers, with no space and no quotes.
fn extensions(values: &[&str]) -> String {
    with_request(request(EXTENSIONS, values), |request| {
        let extensions = request.extensions().map(|extension| {
            let mut text = extension.name().to_owned();
            for (name, value) in extension.parameters() {
                text += &value.map_or(format!(";{name}"), |value| format!(";{name}={value}"));
            }
            text
        });
        extensions.collect::<Vec<_>>().join(",")
    })
}

#[test]
fn extensions_are_a_list_of_names_with_parameters() {
    // 9.1, with its examples
    let rows: [(&[&str], &str); 24] = [
        (&[], ""),
        (&["foo"], "foo"),
        (&["foo; bar=2"], "foo;bar=2"),
        (&["deflate-stream"], "deflate-stream"),
        (
            &["mux; max-channels=4; flow-control, deflate-stream"],
            "mux;max-channels=4;flow-control,deflate-stream",
        ),
        (&["private-extension"], "private-extension"),
        // "these are equivalent": one line or several
        (&["foo, bar; baz=2"], "foo,bar;baz=2"),
        (&["foo", "bar; baz=2"], "foo,bar;baz=2"),
        (
            &["permessage-deflate; client_max_window_bits"],
            "permessage-deflate;client_max_window_bits",
        ),
        // The same name again is another offer, with other parameters.
        (&["a; b=1, a; b=2, a"], "a;b=1,a;b=2,a"),
        (&["a; b; b=1; b"], "a;b;b=1;b"),
        // White space wherever a token ends
        (&["a;b=c,d"], "a;b=c,d"),
        (&["\ta \t;\t b\t = \tc \t,\t d\t"], "a;b=c,d"),
        // Empty elements (RFC 9110, 5.6.1)
        (&[",a"], "a"),
        (&["a,"], "a"),
        (&["a,,b"], "a,b"),
        (&[" ,\t, a ,, b , "], "a,b"),
        // A quoted value is what is in the quotes.
        (&["a; b=\"c\""], "a;b=c"),
        (&["a; b = \"10\" ; d, e"], "a;b=10;d,e"),
        (&["a; b=\"c\"", "d; e=\"f\""], "a;b=c,d;e=f"),
        // ws, GHSA-5v72-xg48-5rpm: names of what every object has
        (&["constructor"], "constructor"),
        (
            &["__proto__; toString; hasOwnProperty=__proto__"],
            "__proto__;toString;hasOwnProperty=__proto__",
        ),
        (&["!#$%&'*+-.^_`|~09azAZ"], "!#$%&'*+-.^_`|~09azAZ"),
        (&["a; !#$%=\"&'*+-.^_`|~09azAZ\""], "a;!#$%=&'*+-.^_`|~09azAZ"),
    ];
    for (values, expected) in rows {
        assert_eq!(server_verdict(&request(EXTENSIONS, values)), Ok(()), "{values:?}");
        assert_eq!(extensions(values), expected, "{values:?}");
        let expected = if values.is_empty() { Ok(None) } else { Err(ExtensionNotOffered) };
        assert_eq!(client_verdict(&response(EXTENSIONS, values)), expected, "{values:?}");
    }
}

#[test]
fn malformed_extensions_fail_the_handshake() {
    // 9.1: "the recipient of such malformed data MUST immediately _Fail the
    // WebSocket Connection_"
    let values = r#"
        ; | = | " | \ | ;a | a; | a;;b | a; ;b | a;,b | a,;b | a, b; | ,;
        =b | a=b | a= | a;= | a;=b | a;b= | a;b=;c | a;b=,c | a;b==c | a;b=c=d
        a b | a;b c | a;b=c d | a;b = c d | a/b | a;b/c | a;b=c/d | a(b) | a;b=(c)
        a@b | a:b | <a> | [a] | {a} | a? | a;b=c? | café | a;b=é | a;b="é"
        "a" | a;"b" | a;"b"=c | a;b='c d' | a;b=" | a;b="c | a;b=c" | a;b="c"" | a;b="c""d"
        a;b="" | a;b=" " | a;b=" c" | a;b="c " | a;b="c d" | a;b="c"d | a;b=c"d"
        a;b="c,d" | a;b="c;d" | a;b="c=d" | a;b="c/d"
        a;b=\c | a;b="c\ | a;b="c\" | a;b="\"" | a;b="\\" | a;b="\ " | a;b="\,"
    "#;
    let values = values.trim().lines().flat_map(|line| line.trim().split(" | "));
    for value in values {
        assert_eq!(server_verdict(&request(EXTENSIONS, &[value])), Err(Extensions), "{value}");
        assert_eq!(server_verdict(&request(EXTENSIONS, &["a", value])), Err(Extensions), "{value}");
        assert_eq!(server_verdict(&request(EXTENSIONS, &[value, "a"])), Err(Extensions), "{value}");
        // A client refuses any, so that it does not matter which is looked at first.
        assert!(client_verdict(&response(EXTENSIONS, &[value])).is_err(), "{value}");
    }
}

#[test]
fn a_list_of_no_extensions_is_malformed() {
    // 9.1: `1#extension`; RFC 9110, 5.6.1.2 has these as examples of what does
    // not conform: "at least one non-empty element is required"
    for value in ["", ",", ",   ,", "\t,"] {
        assert_eq!(server_verdict(&request(EXTENSIONS, &[value])), Err(Extensions), "{value:?}");
        assert_eq!(client_verdict(&response(EXTENSIONS, &[value])), Err(Extensions), "{value:?}");
    }
}

#[test]
fn a_backslash_in_a_quoted_value_is_refused() {
    // 9.1 would let it stand before a character that needs none, which nobody
    // writes; and such values, left open, took websocket-extensions
    // (CVE-2020-7662) exponential time.
    for value in ["a;b=\"\\c\"", "a;b=\"c\\d\""] {
        assert_eq!(server_verdict(&request(EXTENSIONS, &[value])), Err(Extensions), "{value}");
        assert_eq!(client_verdict(&response(EXTENSIONS, &[value])), Err(Extensions), "{value}");
    }
}

const PROTOCOL: &str = "Sec-WebSocket-Protocol";

fn subprotocols(values: &[&str]) -> Vec<String> {
    with_request(request(PROTOCOL, values), |request| {
        request.subprotocols().map(String::from).collect()
    })
}

#[test]
fn subprotocols_are_offered_in_one_line_or_several() {
    // 4.1, 10; 11.3.4
    let rows: [(&[&str], &[&str]); 8] = [
        (&[], &[]),
        (&["chat"], &["chat"]),
        (&["chat, superchat"], &["chat", "superchat"]),
        (&["chat", "superchat"], &["chat", "superchat"]),
        (&["\t chat\t,superchat ", "a,b"], &["chat", "superchat", "a", "b"]),
        (&[",chat,, superchat , "], &["chat", "superchat"]),
        (&["chat, Chat, CHAT"], &["chat", "Chat", "CHAT"]),
        (&["!#$%&'*+-.^_`|~09azAZ"], &["!#$%&'*+-.^_`|~09azAZ"]),
    ];
    for (values, expected) in rows {
        assert_eq!(server_verdict(&request(PROTOCOL, values)), Ok(()), "{values:?}");
        assert_eq!(subprotocols(values), expected, "{values:?}");
    }
}

#[test]
fn subprotocols_that_are_no_tokens_or_come_twice_are_refused() {
    // 4.1, 10: no separators, "MUST all be unique strings"
    for separator in "()<>@;:\\\"/[]?={} \t\u{e9}".chars() {
        for value in [format!("a{separator}b"), format!("chat, a{separator}b, c")] {
            assert_eq!(server_verdict(&request(PROTOCOL, &[&value])), Err(Subprotocol), "{value}");
        }
    }
    let rows: [&[&str]; 5] =
        [&["chat, chat"], &["chat", "chat"], &["a, b", "c, a"], &["a,b,a"], &["a", "a", "a"]];
    // 4.3: `1#token`, so not none
    let none: [&[&str]; 3] = [&[""], &[", ,"], &["chat", ""]];
    for values in rows.into_iter().chain(none) {
        assert_eq!(server_verdict(&request(PROTOCOL, values)), Err(Subprotocol), "{values:?}");
    }
}

#[test]
fn a_server_selects_nothing_but_what_is_offered() {
    // 4.2.2, 4: "derived from the client's handshake, specifically by selecting
    // one of the values"; which of them is for the server to say
    let rows: [(&[&str], &[&str], Option<&str>); 12] = [
        (&["chat, superchat"], &["chat"], Some("chat")),
        (&["chat, superchat"], &["superchat"], Some("superchat")),
        (&["chat, superchat"], &["superchat", "chat"], Some("superchat")),
        (&["chat", "superchat"], &["soap", "superchat", "chat"], Some("superchat")),
        (&["chat, superchat"], &["soap"], None),
        (&["chat, superchat"], &[], None),
        (&[], &["chat"], None),
        (&["chat"], &["Chat", "CHAT", "cha", "chats", " chat", "chat,", ""], None),
        (&["Chat, chat"], &["chat"], Some("chat")),
        (&["chat, superchat"], &["chat, superchat"], None),
        (&["chat, superchat"], &["chat\r\nX: y", "*"], None),
        (&["chat,,"], &[""], None),
    ];
    for (offers, supported, expected) in rows {
        with_request(request(PROTOCOL, offers), |request| {
            let accept = request.accept().unwrap().select_subprotocol(supported);
            assert_eq!(accept.subprotocol(), expected, "{offers:?} {supported:?}");
            let mut out = Vec::new();
            let _ = accept.into_connection(&Config::new(), &mut out);
            let out = String::from_utf8(out).unwrap().to_lowercase();
            let line = expected.map(|name| format!("\r\nsec-websocket-protocol: {name}\r\n"));
            match line {
                Some(line) => assert!(out.contains(&line), "{out}"),
                None => assert!(!out.contains("sec-websocket-protocol"), "{out}"),
            }
        });
    }
}

#[test]
fn fields_that_another_library_has_read_cannot_hide_a_line() {
    type Field<'a> = (&'a str, &'a [u8]);
    let good: [Field<'_>; 1] = [("host", b"h")];
    assert!(Request::from_fields("GET", "/", good).is_ok());
    let heads: [(&str, &str, Field<'_>); 9] = [
        ("GET", "/", ("host", b"h\r\nx: y")),
        ("GET", "/", ("host", b"h\n")),
        ("GET", "/", ("host", b"\0")),
        ("GET", "/", ("ho st", b"h")),
        ("GET", "/", ("", b"h")),
        ("GET", "/", ("host:", b"h")),
        ("GET /x", "/", good[0]),
        ("", "/", good[0]),
        ("GET", "/ HTTP/1.1\r\nx: y", good[0]),
    ];
    for (method, target, field) in heads {
        let request = Request::from_fields(method, target, [field]);
        assert_eq!(request.err(), Some(Malformed), "{method} {target} {field:?}");
    }
    for field in heads.map(|(_, _, field)| field).into_iter().take(6) {
        assert_eq!(client().receive_fields(101, [field]).err(), Some(Malformed), "{field:?}");
    }
}

#[test]
fn nothing_is_read_behind_an_offer_that_is_malformed() {
    for value in ["a, =, b", "a, b c, d", "a, b;, c", "a, b=\"c, d"] {
        with_request(request(EXTENSIONS, &[value]), |request| {
            let names: Vec<_> =
                request.extensions().take(9).map(|offer| offer.name().to_owned()).collect();
            assert_eq!(names, ["a"], "{value}");
        });
    }
}
