//! What reading and writing through an adapter does with the stream; the same for
//! each of them.

#[path = "support/io.rs"]
mod io;
mod support;
#[path = "support/deflate.rs"]
mod with_deflate;

use std::io::ErrorKind;

use io::{Adapter, Call, Script, Stutter, is_blocked};
use sansws::CloseCode;
use sansws::io::Error;
use sansws::{Close, Config, DeflateConfig, Event, Message, Part, Prepared, Violation};
use support::{BINARY, CLOSE, CONTINUATION, PING, PONG, Role, TEXT, close_payload, receive};

io::for_each_adapter! {
    the_natural_loop_echoes
    a_message_that_is_here_is_returned_without_touching_the_stream
    what_is_pending_is_written_before_waiting
    answers_to_many_messages_in_one_read_are_written_in_one_call
    a_large_prepared_message_is_shared_by_servers
    a_large_message_given_away_is_written_from_where_it_lies
    a_large_message_given_away_is_compressed_if_that_was_agreed
    a_large_message_that_is_lent_is_copied
    a_long_message_is_whole_however_it_arrives
    an_interrupted_read_is_no_failure
    parts_are_returned_as_they_arrive
    parts_are_sent_on_as_they_were_received
    the_wrong_read_loses_nothing
    nothing_is_read_while_much_waits_to_be_written
    answers_to_messages_that_are_here_are_bounded_too
    what_was_written_is_not_kept_while_more_is_added
    pings_are_answered_though_the_program_only_reads
    the_close_is_returned_when_its_answer_is_written
    the_close_is_a_part_when_its_answer_is_written
    a_close_is_returned_though_the_peer_ends_the_stream_before_the_answer_is_written
    a_violation_comes_after_what_was_received_and_is_told_to_the_peer
    the_end_of_the_stream_in_each_state
    a_reset_after_the_closing_handshake_is_an_end
    a_reset_before_it_is_an_error_for_good
    what_was_received_is_delivered_though_nothing_can_be_written
    a_broken_stream_is_read_to_its_end_however_much_is_written
    close_waits_for_the_end_and_drops_what_still_comes
    close_reads_though_much_waits_to_be_written
    close_in_the_middle_of_a_message_begun_whole
}

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

fn binary(data: &[u8]) -> Message {
    Message::Binary(data.to_owned())
}

fn close(code: u16, reason: &str) -> Message {
    Message::Close(Close::new(CloseCode::new(code), reason.to_owned()))
}

#[track_caller]
fn expect<W: Adapter>(ws: &mut W, event: impl Into<Message>) {
    assert_eq!(ws.read().expect("a message").expect("no end"), event.into());
}

#[track_caller]
fn expect_nothing_yet<W: Adapter>(ws: &mut W) {
    let result = ws.read();
    assert!(is_blocked(&result), "{result:?}");
}

#[track_caller]
fn expect_end<W: Adapter>(ws: &mut W) {
    for _ in 0..3 {
        assert!(matches!(ws.read(), Ok(None)));
    }
}

#[track_caller]
fn expect_failure<W: Adapter>(ws: &mut W, violation: Violation) {
    for _ in 0..3 {
        let result = ws.read();
        assert!(matches!(result, Err(Error::Failed(v)) if v == violation), "{result:?}");
    }
}

fn the_natural_loop_echoes<W: Adapter>() {
    for role in Role::BOTH {
        let stream = Script::new();
        let mut ws = W::of(role, &stream);
        let (mut sent, mut expected) = (Vec::new(), Vec::new());
        for len in [0, 1, 125, 126, 1000, 65_535, 65_536, 300_000] {
            let payload = vec![b'x'; len];
            sent.extend(role.incoming_final(BINARY, &payload));
            sent.extend(role.incoming_final(TEXT, &payload));
            expected.extend(role.outgoing(0x80 | BINARY, &payload));
            expected.extend(role.outgoing(0x80 | TEXT, &payload));
        }
        sent.extend(role.incoming_final(CLOSE, &close_payload(1000, "")));
        expected.extend(role.outgoing_close(1000, ""));
        stream.arrive(sent);
        stream.end();
        while let Some(event) = ws.read().expect("nothing is wrong") {
            if let Message::Text(_) | Message::Binary(_) = event {
                ws.write(event).expect("it is open");
            }
        }
        assert!(stream.written() == expected, "{role:?}");
    }
}

fn a_message_that_is_here_is_returned_without_touching_the_stream<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Server, &stream);
    let one = Role::Server.incoming_final(TEXT, b"one");
    let two = Role::Server.incoming_final(TEXT, b"two");
    let three = Role::Server.incoming_final(TEXT, b"three");
    stream.arrive([&one[..], &two, &three[..4]].concat());
    expect(&mut ws, text("one"));
    let calls = stream.state().calls.len();
    ws.write("answer").expect("it is open");
    expect(&mut ws, text("two"));
    assert_eq!(stream.state().calls.len(), calls);
    expect_nothing_yet(&mut ws);
    assert_eq!(stream.written(), Role::Server.outgoing(0x80 | TEXT, b"answer"));
    stream.arrive(&three[4..]);
    expect(&mut ws, text("three"));
}

fn what_is_pending_is_written_before_waiting<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Client, &stream);
    ws.write("hello").expect("it is open");
    assert_eq!(stream.state().calls, []);
    expect_nothing_yet(&mut ws);
    assert_eq!(stream.state().calls, [Call::Write, Call::Flush, Call::Read]);
    assert_eq!(stream.written(), Role::Client.outgoing(0x80 | TEXT, b"hello"));
    // And not again.
    expect_nothing_yet(&mut ws);
    assert_eq!(stream.count(Call::Write), 1);
    assert_eq!(stream.count(Call::Flush), 1);
}

fn answers_to_many_messages_in_one_read_are_written_in_one_call<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Server, &stream);
    stream.arrive(Role::Server.incoming_final(TEXT, b"again").repeat(100));
    for _ in 0..100 {
        let event = ws.read().expect("a message").expect("no end");
        ws.write(event).expect("it is open");
    }
    assert_eq!(stream.count(Call::Write), 0);
    expect_nothing_yet(&mut ws);
    assert_eq!(stream.count(Call::Write), 1);
    assert_eq!(stream.written(), Role::Server.outgoing(0x80 | TEXT, b"again").repeat(100));
}

fn a_large_prepared_message_is_shared_by_servers<W: Adapter>() {
    for (len, is_shared) in [(16 * 1024 - 1, false), (16 * 1024, true), (100_000, true)] {
        let message = Prepared::binary(&vec![b'd'; len]);
        let place = (message.frame().as_ptr() as usize, message.frame().len());
        for role in Role::BOTH {
            let stream = Script::new();
            let mut ws = W::of(role, &stream);
            ws.write("before").expect("it is open");
            ws.write_prepared(&message).expect("it is open");
            ws.write("after").expect("it is open");
            ws.flush().expect("there is room");
            let state = stream.state();
            let lies_there = state.slices.contains(&place);
            assert_eq!(lies_there, is_shared && role == Role::Server, "{role:?}, {len}");
            let expected = [
                role.outgoing(0x80 | TEXT, b"before"),
                role.outgoing(0x80 | BINARY, message.payload()),
                role.outgoing(0x80 | TEXT, b"after"),
            ];
            assert!(state.written == expected.concat(), "{role:?}, {len}");
        }
    }
}

fn a_large_message_given_away_is_written_from_where_it_lies<W: Adapter>() {
    for role in Role::BOTH {
        for len in [16 * 1024, 100_000] {
            let stream = Script::new();
            let mut ws = W::of(role, &stream);
            ws.write("before").expect("it is open");
            let (data, more) = (vec![b'd'; len], "t".repeat(len));
            let places = [(data.as_ptr() as usize, len), (more.as_ptr() as usize, len)];
            ws.write(data).expect("it is open");
            ws.write(more).expect("it is open");
            ws.write("after").expect("it is open");
            ws.flush().expect("there is room");
            let state = stream.state();
            for place in places {
                assert!(state.slices.contains(&place), "{role:?}, {len}");
            }
            assert_eq!(state.calls, [Call::Write, Call::Flush]);
            let expected = [
                role.outgoing(0x80 | TEXT, b"before"),
                role.outgoing(0x80 | BINARY, &vec![b'd'; len]),
                role.outgoing(0x80 | TEXT, &vec![b't'; len]),
                role.outgoing(0x80 | TEXT, b"after"),
            ];
            assert!(state.written == expected.concat(), "{role:?}, {len}");
        }
    }
}

fn a_large_message_given_away_is_compressed_if_that_was_agreed<W: Adapter>() {
    let config = DeflateConfig::new();
    let [server, mut client] = with_deflate::pair(config, config, &Config::new());
    let stream = Script::new();
    let mut ws = W::over(&stream, server);
    ws.write(vec![b'd'; 100_000]).expect("it is open");
    ws.write("t".repeat(100_000)).expect("it is open");
    ws.flush().expect("there is room");
    let written = stream.written();
    assert!(written.len() < 10_000, "{} bytes", written.len());
    let expected = [binary(&[b'd'; 100_000]), text(&"t".repeat(100_000))];
    assert!(receive(&mut client, &written).events == expected.map(Event::from));
}

fn a_large_message_that_is_lent_is_copied<W: Adapter>() {
    for role in Role::BOTH {
        let stream = Script::new();
        stream.state().max_write = 777;
        let mut ws = W::of(role, &stream);
        let data = vec![b'd'; 100_000];
        ws.send(&data[..]).expect("there is room");
        assert!(stream.written() == role.outgoing(0x80 | BINARY, &data));
        assert_eq!(ws.unwritten(), 0);
    }
}

fn a_long_message_is_whole_however_it_arrives<W: Adapter>() {
    let long = "0123456789".repeat(40_000);
    for role in Role::BOTH {
        for max_read in [4_000, 70_000, usize::MAX] {
            let stream = Script::new();
            stream.state().max_read = max_read;
            let mut ws = W::over(&stream, role.connection(&Config::new()));
            for stutter in [Stutter::Never, Stutter::EverySecond] {
                stream.state().stutter = stutter;
                for (opcode, event) in [(TEXT, text(&long)), (BINARY, binary(long.as_bytes()))] {
                    // At the end of the first fragment there is room for more.
                    let (first, rest) = long.as_bytes().split_at(150_000);
                    let frames = [
                        role.incoming(opcode, first),
                        role.incoming_final(PING, b"?"),
                        role.incoming_final(CONTINUATION, rest),
                        role.incoming_final(TEXT, b"next"),
                    ];
                    stream.arrive(frames.concat());
                    let mut received = Vec::new();
                    while received.len() < 3 {
                        match ws.read() {
                            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
                            result => {
                                received.push(result.expect("it is open").expect("it is open"))
                            }
                        }
                    }
                    let expected = [Message::Ping(b"?".into()), event, text("next")];
                    assert!(received == expected, "{role:?}, {max_read}, {stutter:?}");
                }
            }
        }
    }
}

fn an_interrupted_read_is_no_failure<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Server, &stream);
    let frame = Role::Server.incoming_final(BINARY, &[7; 200_000]);
    for piece in [&frame[..50_000], &frame[50_000..100_000]] {
        stream.state().interruptions = 1;
        stream.arrive(piece);
        expect_nothing_yet(&mut ws);
        assert_eq!(stream.state().interruptions, 0);
    }
    stream.arrive(&frame[100_000..]);
    expect(&mut ws, binary(&[7; 200_000]));
}

#[test]
fn tokio_reads_a_long_message_of_bytes_to_where_it_is_joined() {
    let stream = Script::new();
    stream.state().max_read = 150_000;
    let mut ws = sansws::tokio::WebSocket::of(Role::Server, &stream);
    stream.arrive(Role::Server.incoming_final(BINARY, &[7; 200_000]));
    let Ok(Some(Message::Binary(data))) = Adapter::read(&mut ws) else { panic!("a message") };
    assert!(*data == [7; 200_000]);
    let place = stream.state().read_to;
    assert!(data.as_ptr_range().contains(&(place as *const u8)));
    assert_eq!(stream.count(Call::Read), 2);
}

#[test]
fn tokio_says_so_if_the_stream_breaks_amid_a_long_message() {
    for is_end in [true, false] {
        let stream = Script::new();
        let mut ws = sansws::tokio::WebSocket::of(Role::Server, &stream);
        let frame = Role::Server.incoming_final(BINARY, &[7; 200_000]);
        stream.arrive(&frame[..50_000]);
        expect_nothing_yet(&mut ws);
        stream.arrive(&frame[50_000..100_000]);
        expect_nothing_yet(&mut ws);
        assert!(ws.connection().buffered() > 99_000);
        if is_end {
            stream.end();
            expect_failure(&mut ws, Violation::EndOfStream);
        } else {
            stream.fail(ErrorKind::ConnectionReset);
            let Err(Error::Io(error)) = Adapter::read(&mut ws) else { panic!("no error") };
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        assert_eq!(ws.connection().buffered(), 0);
    }
}

fn parts_are_returned_as_they_arrive<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Server, &stream);
    let frame = Role::Server.incoming_final(BINARY, &[7; 1000]);
    stream.arrive(&frame[..500]);
    let Ok(Some(Part::Binary(part))) = ws.read_part() else { panic!("a part") };
    assert!(part.first && !part.last && part.data.iter().all(|&byte| byte == 7));
    assert!(is_blocked(&ws.read_part()));
    stream.arrive([&frame[500..], &Role::Server.incoming_final(TEXT, b"whole")].concat());
    let Ok(Some(Part::Binary(rest))) = ws.read_part() else { panic!("a part") };
    assert!(!rest.first && rest.last);
    assert_eq!(part.data.len() + rest.data.len(), 1000);
    expect(&mut ws, text("whole"));
}

fn parts_are_sent_on_as_they_were_received<W: Adapter>() {
    let [stream, onward] = [Script::new(), Script::new()];
    let (mut from, mut to) = (W::of(Role::Server, &stream), W::of(Role::Client, &onward));
    let frame = Role::Server.incoming_final(TEXT, "one €".as_bytes());
    let (one, two) = frame.split_at(frame.len() - 1);
    for piece in [one, two] {
        stream.arrive(piece);
        let part = from.read_part().expect("it is open").expect("a part");
        to.write_part(&part).expect("it is open");
        to.flush().expect("there is room");
    }
    let client = Role::Client;
    let frames =
        [client.outgoing(TEXT, b"one "), client.outgoing(0x80 | CONTINUATION, "€".as_bytes())];
    assert_eq!(onward.written(), frames.concat());
}

fn the_wrong_read_loses_nothing<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Server, &stream);
    let role = Role::Server;
    stream.arrive(role.incoming(BINARY, b"one, "));
    assert!(matches!(ws.read_part(), Ok(Some(Part::Binary(_)))));
    stream.arrive(role.incoming(CONTINUATION, b"two, "));
    for _ in 0..3 {
        assert!(matches!(ws.read(), Err(Error::WrongRead)));
    }
    stream
        .arrive([role.incoming_final(CONTINUATION, b"three"), role.incoming(TEXT, b"a")].concat());
    let mut data = Vec::new();
    loop {
        let Ok(Some(Part::Binary(part))) = ws.read_part() else { panic!("a part") };
        data.extend_from_slice(&part.data);
        if part.last {
            break;
        }
        // The rest may be here already, or in the stream.
        assert!(matches!(ws.read(), Err(Error::WrongRead)));
    }
    assert_eq!(data, b"two, three");

    // The other way about.
    expect_nothing_yet(&mut ws);
    stream.arrive(role.incoming_final(CONTINUATION, b"b"));
    for _ in 0..3 {
        assert!(matches!(ws.read_part(), Err(Error::WrongRead)));
    }
    expect(&mut ws, text("ab"));

    // The same of a long one, all of which has come then.
    let frame = role.incoming_final(BINARY, &[7; 100_000]);
    stream.arrive(&frame[..50_000]);
    expect_nothing_yet(&mut ws);
    stream.arrive(&frame[50_000..]);
    for _ in 0..3 {
        assert!(matches!(ws.read_part(), Err(Error::WrongRead)));
    }
    expect(&mut ws, binary(&[7; 100_000]));
}

fn nothing_is_read_while_much_waits_to_be_written<W: Adapter>() {
    let stream = Script::new();
    stream.state().room = 1000;
    let mut ws = W::of(Role::Server, &stream);
    ws.write(vec![0; 80_000]).expect("it is open");
    stream.arrive(Role::Server.incoming_final(TEXT, b"hello"));
    for _ in 0..3 {
        expect_nothing_yet(&mut ws);
    }
    assert_eq!(stream.count(Call::Read), 0);
    assert_eq!(ws.unwritten(), 80_004 + 6 - 1000);
    // 64 KiB may wait.
    stream.make_room(ws.unwritten() - 64 * 1024 - 1);
    expect_nothing_yet(&mut ws);
    assert_eq!(stream.count(Call::Read), 0);
    stream.make_room(1);
    expect(&mut ws, text("hello"));
    assert_eq!(ws.unwritten(), 64 * 1024);
}

fn answers_to_messages_that_are_here_are_bounded_too<W: Adapter>() {
    let stream = Script::new();
    stream.state().room = 0;
    let mut ws = W::of(Role::Server, &stream);
    stream.arrive(Role::Server.incoming_final(TEXT, b"short").repeat(100));
    let mut read = 0;
    while let Ok(Some(_)) = ws.read() {
        ws.write(vec![0; 10_000]).expect("it is open");
        read += 1;
    }
    assert_eq!(read, 7);
    stream.make_room(usize::MAX);
    while let Ok(Some(_)) = ws.read() {
        ws.write(vec![0; 10_000]).expect("it is open");
        read += 1;
    }
    assert_eq!(read, 100);
    assert_eq!(ws.unwritten(), 0);
}

fn what_was_written_is_not_kept_while_more_is_added<W: Adapter>() {
    let stream = Script::new();
    stream.state().room = 0;
    let mut ws = W::of(Role::Server, &stream);
    ws.write(&[0; 500][..]).expect("it is open");
    let mut expected = Role::Server.outgoing(0x80 | BINARY, &[0; 500]);
    for i in 0..2000u32 {
        let payload = vec![i as u8; 998];
        ws.write(&payload[..]).expect("it is open");
        expected.extend(Role::Server.outgoing(0x80 | BINARY, &payload));
        stream.make_room(1002);
        let _ = ws.flush();
        assert!(ws.unwritten() > 0 && ws.unwritten() < 2000, "the test is about never all");
    }
    assert!(ws.connection_mut().1.capacity() < 256 * 1024);
    stream.make_room(10_000);
    ws.flush().expect("there is room");
    assert!(stream.written() == expected);
}

fn pings_are_answered_though_the_program_only_reads<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Server, &stream);
    let ping = Role::Server.incoming_final(PING, b"?");
    stream.arrive(ping.repeat(3));
    for _ in 0..3 {
        expect(&mut ws, Message::Ping(b"?".into()));
    }
    expect_nothing_yet(&mut ws);
    assert_eq!(stream.written(), Role::Server.outgoing(0x80 | PONG, b"?").repeat(3));
}

fn the_close_is_returned_when_its_answer_is_written<W: Adapter>() {
    for role in Role::BOTH {
        let stream = Script::new();
        stream.state().room = 3;
        let mut ws = W::of(role, &stream);
        stream.arrive(role.incoming_final(CLOSE, &close_payload(1001, "off")));
        for _ in 0..3 {
            expect_nothing_yet(&mut ws);
        }
        assert_eq!(stream.count(Call::Shutdown), 0);
        stream.make_room(100);
        expect(&mut ws, close(1001, "off"));
        assert_eq!(stream.written(), role.outgoing_close(1001, "off"));
        // 7.1.1: it is for the server to end the stream first.
        let shutdowns = usize::from(role == Role::Server);
        assert_eq!(stream.count(Call::Shutdown), shutdowns);
        for _ in 0..3 {
            expect_nothing_yet(&mut ws);
        }
        assert_eq!(stream.count(Call::Shutdown), shutdowns);
        stream.arrive(b"trailing bytes mean nothing");
        stream.end();
        expect_end(&mut ws);
        assert_eq!(stream.count(Call::Shutdown), 1);
    }
}

fn the_close_is_a_part_when_its_answer_is_written<W: Adapter>() {
    let stream = Script::new();
    stream.state().room = 3;
    let mut ws = W::of(Role::Server, &stream);
    stream.arrive(Role::Server.incoming_final(CLOSE, &close_payload(1001, "off")));
    for _ in 0..3 {
        assert!(is_blocked(&ws.read_part()));
    }
    stream.make_room(100);
    let Ok(Some(Part::Close(close))) = ws.read_part() else { panic!("the answer is written") };
    assert_eq!((close.code, &*close.reason), (Some(CloseCode::GOING_AWAY), "off"));
}

fn a_close_is_returned_though_the_peer_ends_the_stream_before_the_answer_is_written<W: Adapter>() {
    for role in Role::BOTH {
        let stream = Script::new();
        stream.state().room = 3;
        let mut ws = W::of(role, &stream);
        ws.write("last words").expect("it is open");
        stream.arrive(role.incoming_final(CLOSE, &close_payload(1000, "")));
        stream.end();
        for _ in 0..3 {
            expect_nothing_yet(&mut ws);
        }
        stream.make_room(100);
        expect(&mut ws, close(1000, ""));
        let last = role.outgoing(0x80 | TEXT, b"last words");
        assert_eq!(stream.written(), [last, role.outgoing_close(1000, "")].concat());
        expect_end(&mut ws);
    }
}

fn a_violation_comes_after_what_was_received_and_is_told_to_the_peer<W: Adapter>() {
    let cases = [
        (vec![0x83, 0x80, 0, 0, 0, 0], Violation::ReservedOpcode, 1002),
        (Role::Server.incoming_final(TEXT, b"\xFF"), Violation::InvalidUtf8, 1007),
        (vec![0x82, 0xFF, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], Violation::MessageTooBig, 1009),
    ];
    for (bytes, violation, code) in cases {
        for separately in [false, true] {
            let stream = Script::new();
            let mut ws = W::of(Role::Server, &stream);
            let two = Role::Server.incoming_final(TEXT, b"two").repeat(2);
            if separately {
                stream.arrive(two);
                stream.arrive(&bytes);
            } else {
                stream.arrive([two, bytes.clone()].concat());
            }
            stream.arrive(b"whatever may follow");
            expect(&mut ws, text("two"));
            expect(&mut ws, text("two"));
            // The peer is told, and has time to read it.
            expect_nothing_yet(&mut ws);
            let written = stream.written();
            assert_eq!(written[0], 0x88);
            assert_eq!(written[2..4], u16::to_be_bytes(code));
            assert_eq!(stream.state().calls.last(), Some(&Call::Read));
            assert_eq!(stream.count(Call::Shutdown), 1);
            stream.end();
            expect_failure(&mut ws, violation);
            assert!(matches!(ws.read_part(), Err(Error::Failed(v)) if v == violation));
            assert!(ws.send("more").is_err());
            assert_eq!(stream.written(), written);
        }
    }
}

fn the_end_of_the_stream_in_each_state<W: Adapter>() {
    for role in Role::BOTH {
        // Open, between messages and in the middle of one.
        for start in [&[][..], &role.incoming(TEXT, b"never comple")] {
            let stream = Script::new();
            let mut ws = W::of(role, &stream);
            stream.arrive([&role.incoming_final(TEXT, b"x"), start].concat());
            stream.end();
            expect(&mut ws, text("x"));
            expect_failure(&mut ws, Violation::EndOfStream);
        }
        // Closing.
        let stream = Script::new();
        let mut ws = W::of(role, &stream);
        ws.write(close(1000, "")).expect("it is open");
        stream.arrive(role.incoming_final(TEXT, b"x"));
        stream.end();
        expect(&mut ws, text("x"));
        expect_failure(&mut ws, Violation::EndOfStream);
        // Closed.
        let stream = Script::new();
        let mut ws = W::of(role, &stream);
        ws.write(close(1000, "")).expect("it is open");
        stream.arrive(role.incoming_final(CLOSE, &close_payload(1000, "")));
        stream.end();
        expect(&mut ws, close(1000, ""));
        expect_end(&mut ws);
    }
}

fn a_reset_after_the_closing_handshake_is_an_end<W: Adapter>() {
    for role in Role::BOTH {
        let stream = Script::new();
        let mut ws = W::of(role, &stream);
        stream.arrive(role.incoming_final(CLOSE, &[]));
        stream.fail(ErrorKind::ConnectionReset);
        expect(&mut ws, Message::Close(Close::default()));
        expect_end(&mut ws);
    }
}

fn a_reset_before_it_is_an_error_for_good<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Server, &stream);
    stream.arrive(Role::Server.incoming_final(TEXT, b"x").repeat(2));
    stream.fail(ErrorKind::ConnectionReset);
    expect(&mut ws, text("x"));
    expect(&mut ws, text("x"));
    for _ in 0..3 {
        let result = ws.read();
        let is_reset =
            matches!(&result, Err(Error::Io(e)) if e.kind() == ErrorKind::ConnectionReset);
        assert!(is_reset, "{result:?}");
    }
}

fn what_was_received_is_delivered_though_nothing_can_be_written<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Server, &stream);
    stream.state().write_error = Some(ErrorKind::BrokenPipe);
    for i in 0..5 {
        stream.arrive(Role::Server.incoming_final(BINARY, &[i; 3]));
    }
    stream.arrive(Role::Server.incoming_final(CLOSE, &close_payload(1000, "")));
    stream.end();
    for i in 0..5 {
        let result = ws.send("nobody hears it");
        let is_broken = matches!(&result, Err(Error::Io(e)) if e.kind() == ErrorKind::BrokenPipe);
        assert!(is_broken, "{result:?}");
        expect(&mut ws, binary(&[i; 3]));
    }
    assert_eq!(stream.count(Call::Write), 1);
    expect(&mut ws, close(1000, ""));
    expect_end(&mut ws);
}

fn a_broken_stream_is_read_to_its_end_however_much_is_written<W: Adapter>() {
    for end in [None, Some(ErrorKind::ConnectionReset)] {
        let stream = Script::new();
        let mut ws = W::of(Role::Server, &stream);
        stream.state().write_error = Some(ErrorKind::BrokenPipe);
        for _ in 0..30 {
            stream.arrive(Role::Server.incoming_final(BINARY, &[1; 10_000]));
        }
        end.map_or_else(|| stream.end(), |kind| stream.fail(kind));
        for _ in 0..30 {
            expect(&mut ws, binary(&[1; 10_000]));
            ws.write(vec![1; 100_000]).expect("it is open");
        }
        let expected = end.unwrap_or(ErrorKind::BrokenPipe);
        for _ in 0..3 {
            let result = ws.read();
            let is_expected = matches!(&result, Err(Error::Io(e)) if e.kind() == expected);
            assert!(is_expected, "{result:?}");
        }
    }
}

fn close_waits_for_the_end_and_drops_what_still_comes<W: Adapter>() {
    for role in Role::BOTH {
        let stream = Script::new();
        let mut ws = W::of(role, &stream);
        ws.write("last").expect("it is open");
        stream.arrive(role.incoming_final(TEXT, b"late").repeat(10));
        assert!(is_blocked(&ws.close(CloseCode::NORMAL, "bye")));
        let last = role.outgoing(0x80 | TEXT, b"last");
        let expected = [last, role.outgoing_close(1000, "bye")].concat();
        assert_eq!(stream.written(), expected);
        stream.arrive(role.incoming_final(CLOSE, &close_payload(1000, "bye")));
        assert!(is_blocked(&ws.close(CloseCode::NORMAL, "bye")));
        stream.end();
        for _ in 0..3 {
            ws.close(CloseCode::NORMAL, "bye").expect("an orderly end");
        }
        assert_eq!(stream.written(), expected);
    }
}

fn close_reads_though_much_waits_to_be_written<W: Adapter>() {
    let stream = Script::new();
    stream.state().room = 0;
    let mut ws = W::of(Role::Server, &stream);
    ws.write(vec![0; 1 << 20]).expect("it is open");
    // The peer does not read before what it sends has been taken.
    stream.arrive(Role::Server.incoming_final(BINARY, &vec![0; 1 << 20]));
    assert!(is_blocked(&ws.close(CloseCode::NORMAL, "")));
    assert!(stream.count(Call::Read) > 8);
    stream.make_room(usize::MAX);
    stream.arrive(Role::Server.incoming_final(CLOSE, &close_payload(1000, "")));
    stream.end();
    ws.close(CloseCode::NORMAL, "").expect("an orderly end");
    assert_eq!(stream.written().len(), 10 + (1 << 20) + 4);
}

fn close_in_the_middle_of_a_message_begun_whole<W: Adapter>() {
    let stream = Script::new();
    let mut ws = W::of(Role::Server, &stream);
    stream.arrive(Role::Server.incoming(TEXT, b"begun whole, "));
    expect_nothing_yet(&mut ws);
    stream.arrive(Role::Server.incoming_final(CONTINUATION, b"and ended"));
    stream.arrive(Role::Server.incoming(TEXT, b"another"));
    stream.arrive(Role::Server.incoming_final(CLOSE, &close_payload(1000, "")));
    stream.end();
    ws.close(CloseCode::NORMAL, "").expect("an orderly end");
}

#[test]
fn limits_are_those_of_the_config() {
    let stream = Script::new();
    let config = Config::new().max_message_len(2);
    let mut ws = sansws::blocking::WebSocket::over(&stream, Role::Server.connection(&config));
    stream.arrive(Role::Server.incoming_final(TEXT, b"abc"));
    stream.end();
    expect_failure(&mut ws, Violation::MessageTooBig);
}

#[test]
fn a_violation_is_told_though_the_peer_cannot_be() {
    let stream = Script::new();
    stream.state().write_error = Some(ErrorKind::BrokenPipe);
    let mut ws = sansws::tokio::WebSocket::of(Role::Server, &stream);
    stream.arrive([0xFF, 0x80, 0, 0, 0, 0]);
    stream.end();
    expect_failure(&mut ws, Violation::ReservedBit);
    // Nor is there anything to shut down.
    assert_eq!(stream.count(Call::Shutdown), 0);
}

#[test]
fn a_stream_without_sides_is_given_back_once_all_is_written() {
    let stream = Script::new();
    let connection = Role::Server.connection(&Config::new());
    let mut ws = sansws::blocking::WebSocket::new(
        sansws::blocking::ReadWrite(stream.clone()),
        connection,
        Vec::new(),
    );
    stream.arrive(Role::Server.incoming_final(CLOSE, b""));
    assert!(matches!(ws.read(), Ok(Some(Message::Close(_)))));
    // Without the end of the stream.
    let result = ws.read();
    assert!(matches!(result, Ok(None)), "{result:?}");
    assert_eq!(stream.written(), Role::Server.outgoing(0x80 | CLOSE, b""));
}
