//! Two halves of a connection, in two tasks: whoever can go on is woken.

#[path = "support/io.rs"]
mod io;
mod support;

use std::future::Future;
use std::io::ErrorKind;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::SinkExt;
use io::{Script, Task, wait};
use sansws::CloseCode;
use sansws::io::Error;
use sansws::tokio::{Reader, WebSocket, Writer};
use sansws::{Close, Config, Message, Prepared, SendError, State, Violation};
use support::{BINARY, CLOSE, PING, PONG, Role, TEXT, close_payload};

const SERVER: Role = Role::Server;

fn halves(stream: &Script) -> (Reader<Script>, Writer<Script>) {
    let config = Config::new().keepalive(None);
    WebSocket::new(stream.clone(), SERVER.connection(&config), Vec::new()).split()
}

fn assert_pending<F: Future>(task: &Task, future: std::pin::Pin<&mut F>) {
    assert!(task.poll(future).is_pending());
    assert_eq!(task.wakes(), 0, "it waits for another");
}

/// More than may wait before nothing more is read.
fn many_pings() -> (usize, Vec<u8>) {
    (700, SERVER.incoming_final(PING, &[b'?'; 125]).repeat(700))
}

#[test]
fn a_writer_is_woken_when_the_reader_has_written_for_it() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, mut writer) = halves(&stream);
    let (reading, writing) = (Task::new(), Task::new());
    let mut send = pin!(writer.send("hello"));
    let mut read = pin!(reader.read());
    assert_pending(&writing, send.as_mut());
    assert_pending(&reading, read.as_mut());
    // The stream tells nobody.
    stream.state().room = 100;
    assert_pending(&reading, read.as_mut());
    assert_eq!(writing.wakes(), 1);
    assert!(matches!(writing.poll(send.as_mut()), Poll::Ready(Ok(()))));
    assert_eq!(stream.written(), SERVER.outgoing(0x80 | TEXT, b"hello"));
}

#[test]
fn the_stream_wakes_both() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, mut writer) = halves(&stream);
    let (reading, writing) = (Task::new(), Task::new());
    let mut send = pin!(writer.send("hello"));
    let mut read = pin!(reader.read());
    // Whoever asks the stream last.
    for order in [[0, 1], [1, 0]] {
        for half in order {
            match half {
                0 => assert_pending(&reading, read.as_mut()),
                _ => assert_pending(&writing, send.as_mut()),
            }
        }
        stream.make_room(1);
        assert_eq!((reading.wakes(), writing.wakes()), (1, 1));
    }
}

#[test]
fn a_reader_that_waits_is_woken_to_write() {
    let stream = Script::new();
    let (mut reader, writer) = halves(&stream);
    let reading = Task::new();
    let mut read = pin!(reader.read());
    assert_pending(&reading, read.as_mut());
    writer.write("hello").expect("it is open");
    writer.write("again").expect("it is open");
    assert_eq!(reading.wakes(), 1, "once for what it writes at once");
    assert_eq!(stream.written(), b"");
    assert_pending(&reading, read.as_mut());
    let both = [b"hello", b"again"].map(|text| SERVER.outgoing(0x80 | TEXT, text)).concat();
    assert_eq!(stream.written(), both);

    type Add = fn(&Writer<Script>) -> Result<(), sansws::SendError>;
    let ways: [Add; 4] = [
        |writer| writer.write_text_part("first", false),
        |writer| writer.write_text_part("last", true),
        |writer| writer.write_binary_part(b"whole", true),
        |writer| writer.write_prepared(&sansws::Prepared::text("prepared")),
    ];
    for add in ways {
        add(&writer).expect("it is open");
        assert_eq!(reading.wakes(), 1);
        assert_pending(&reading, read.as_mut());
        assert_eq!(writer.unwritten(), 0);
    }
}

#[test]
fn a_reader_is_not_woken_to_write_what_the_writer_writes_or_the_stream_does_not_take() {
    let stream = Script::new();
    let (mut reader, mut writer) = halves(&stream);
    let (reading, writing) = (Task::new(), Task::new());
    let mut read = pin!(reader.read());
    assert_pending(&reading, read.as_mut());
    assert!(writing.poll(pin!(writer.send("hello"))).is_ready());
    assert_eq!(reading.wakes(), 0);

    stream.state().room = 0;
    writer.write("hello").expect("it is open");
    assert_eq!(reading.wakes(), 1);
    assert_pending(&reading, read.as_mut());
    writer.write("hello").expect("it is open");
    assert_eq!(reading.wakes(), 0);
    stream.make_room(100);
    assert_eq!(reading.wakes(), 1);
    assert_pending(&reading, read.as_mut());

    // What has a buffer of its own goes on with what is in there.
    stream.state().keeps = true;
    writer.write("hello").expect("it is open");
    assert_eq!(reading.wakes(), 1);
    assert_pending(&reading, read.as_mut());
    writer.write("hello").expect("it is open");
    assert_eq!(reading.wakes(), 0);
    stream.make_room(100);
    assert_eq!(reading.wakes(), 1);
}

#[test]
fn what_can_never_be_written_is_dropped_at_once() {
    let stream = Script::new();
    let (mut reader, writer) = halves(&stream);
    let reading = Task::new();
    let mut read = pin!(reader.read());
    stream.state().room = 0;
    writer.write("hello").expect("it is open");
    assert_pending(&reading, read.as_mut());
    stream.state().write_error = Some(ErrorKind::BrokenPipe);
    assert!(reading.poll(read.as_mut()).is_pending());
    assert_eq!(reading.wakes(), 1, "something has changed");
    assert_pending(&reading, read.as_mut());
    writer.write("hello").expect("it is not closed");
    writer.connection_mut(|ws, out| ws.send_binary(&[1; 1000], out)).expect("it is not closed");
    assert_eq!((reading.wakes(), writer.unwritten()), (0, 0));
}

#[test]
fn a_reader_is_woken_to_write_what_comes_after_something_that_nobody_has_flushed() {
    let stream = Script::new();
    let (mut reader, mut writer) = halves(&stream);
    let reading = Task::new();
    let mut read = pin!(reader.read());
    assert_pending(&reading, read.as_mut());
    wait(writer.feed("fed".into())).expect("it is open");
    assert_eq!(reading.wakes(), 0, "a flush is to follow");
    writer.write("written").expect("it is open");
    assert_eq!(reading.wakes(), 1);
    assert_pending(&reading, read.as_mut());
    let both = [&b"fed"[..], b"written"].map(|text| SERVER.outgoing(0x80 | TEXT, text)).concat();
    assert_eq!(stream.written(), both);
}

#[test]
fn a_reader_is_woken_by_what_changes_something_and_only_that() {
    let stream = Script::new();
    let (mut reader, writer) = halves(&stream);
    let reading = Task::new();
    let mut read = pin!(reader.read());
    assert_pending(&reading, read.as_mut());
    writer.connection_mut(|ws, _| assert_eq!(ws.state(), State::Open));
    assert_eq!(reading.wakes(), 0);
    // There may be an earlier deadline.
    writer.connection_mut(|ws, _| ws.set_config(&Config::new().close_timeout(Duration::MAX)));
    assert_eq!(reading.wakes(), 1);
    assert_pending(&reading, read.as_mut());

    // It has a timer to start now, though the stream takes nothing.
    stream.state().room = 0;
    writer.write("hello").expect("it is open");
    assert_eq!(reading.wakes(), 1);
    assert_pending(&reading, read.as_mut());
    writer.write(Message::Close(Close::new(CloseCode::NORMAL, ""))).expect("it is open");
    assert_eq!(reading.wakes(), 1);
}

#[test]
fn a_reader_held_up_is_woken_when_the_writer_has_written() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, mut writer) = halves(&stream);
    let (reading, writing) = (Task::new(), Task::new());
    let (count, pings) = many_pings();
    stream.arrive(pings);
    for _ in 0..count {
        if reading.poll(pin!(reader.read())).is_pending() {
            break;
        }
    }
    stream.arrive(SERVER.incoming_final(TEXT, b"hello"));
    let mut read = pin!(reader.read());
    assert_pending(&reading, read.as_mut());
    stream.state().room = usize::MAX;
    assert!(writing.poll(pin!(writer.flush())).is_ready());
    assert_eq!(reading.wakes(), 1);
    assert!(reading.poll(read.as_mut()).is_ready());
}

#[test]
fn a_writer_is_woken_when_another_has_written_for_it() {
    let stream = Script::new();
    stream.state().room = 0;
    let (_reader, mut writer) = halves(&stream);
    let mut clone = writer.clone();
    let (one, two) = (Task::new(), Task::new());
    let mut send = pin!(writer.send("one"));
    let mut send_too = pin!(clone.send("two"));
    assert_pending(&one, send.as_mut());
    assert_pending(&two, send_too.as_mut());
    stream.state().room = 100;
    assert!(two.poll(send_too.as_mut()).is_ready());
    assert_eq!(one.wakes(), 1);
    assert!(one.poll(send.as_mut()).is_ready());
    // Who is done is not woken.
    assert_eq!(two.wakes(), 0);
}

#[test]
fn writers_of_one_task_are_waited_for_each() {
    let stream = Script::new();
    stream.state().room = 0;
    let (_reader, mut writer) = halves(&stream);
    let mut clone = writer.clone();
    let task = Task::new();
    let mut send = pin!(writer.send("one"));
    let mut send_too = pin!(clone.send("two"));
    assert_pending(&task, send.as_mut());
    assert_pending(&task, send_too.as_mut());
    stream.state().room = 100;
    assert!(task.poll(send_too.as_mut()).is_ready());
    assert!(task.wakes() > 0);
}

#[test]
fn a_reader_that_waits_for_the_answer_to_a_close_is_woken_when_the_writer_has_written_it() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, mut writer) = halves(&stream);
    let (reading, writing) = (Task::new(), Task::new());
    stream.arrive(SERVER.incoming_final(CLOSE, &close_payload(1000, "")));
    let mut read = pin!(reader.read());
    // It wakes itself too, for the state has changed.
    while reading.poll(read.as_mut()).is_pending() && reading.wakes() > 0 {}
    stream.state().room = 100;
    assert!(writing.poll(pin!(writer.flush())).is_ready());
    assert_eq!(reading.wakes(), 1);
    assert!(matches!(reading.poll(read.as_mut()), Poll::Ready(Ok(Some(Message::Close(_))))));
}

#[test]
fn a_reader_is_woken_by_a_close_for_there_is_a_timer_to_start() {
    let stream = Script::new();
    let (mut reader, mut writer) = halves(&stream);
    let (reading, writing) = (Task::new(), Task::new());
    let mut read = pin!(reader.read());
    assert_pending(&reading, read.as_mut());
    assert!(writing.poll(pin!(writer.close(CloseCode::NORMAL, ""))).is_ready());
    assert!(reading.wakes() > 0);
    assert_eq!(writer.connection(|ws| ws.state()), State::Closing);
}

#[test]
fn a_writer_is_woken_when_the_stream_turns_out_to_be_broken() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, mut writer) = halves(&stream);
    let (reading, writing) = (Task::new(), Task::new());
    let mut send = pin!(writer.send("hello"));
    assert_pending(&writing, send.as_mut());
    stream.state().write_error = Some(ErrorKind::BrokenPipe);
    assert!(reading.poll(pin!(reader.read())).is_pending());
    assert_eq!(writing.wakes(), 1);
    assert!(matches!(writing.poll(send.as_mut()), Poll::Ready(Err(Error::Io(_)))));
}

#[test]
fn a_reader_reads_though_the_writer_waits_with_much() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, mut writer) = halves(&stream);
    let writing = Task::new();
    let mut send = pin!(writer.send(vec![0; 1 << 20]));
    assert_pending(&writing, send.as_mut());
    stream.arrive(SERVER.incoming_final(TEXT, b"hello"));
    assert_eq!(wait(reader.read()).expect("a message"), Some("hello".into()));
}

#[test]
fn what_the_reader_answers_is_bounded() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, writer) = halves(&stream);
    for _ in 0..3 {
        stream.arrive(many_pings().1);
    }
    while let Ok(Some(_)) = wait(reader.read()) {}
    assert!(writer.unwritten() < 65 * 1024);
    stream.make_room(usize::MAX);
    while let Ok(Some(_)) = wait(reader.read()) {}
    let pong = SERVER.outgoing(0x80 | PONG, &[b'?'; 125]);
    assert!(stream.written() == pong.repeat(3 * many_pings().0));
}

#[test]
fn answers_that_were_written_do_not_hold_the_reader_up() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, writer) = halves(&stream);
    writer.write(vec![0; 100_000]).expect("it is open");
    let ping = [b'?'; 125];
    for round in 0..2000 {
        // At all times much waits, with the last ten answers in it.
        writer.write(&[0; 10_000 - 4 - 127][..]).expect("it is open");
        stream.make_room(10_000);
        stream.arrive(SERVER.incoming_final(PING, &ping));
        let event = wait(reader.read()).unwrap_or_else(|error| panic!("{round}: {error}"));
        assert_eq!(event, Some(Message::Ping(ping[..].into())));
        assert!(writer.unwritten() > 64 * 1024);
    }
}

#[test]
fn a_reader_held_up_goes_on_once_its_answers_are_written_whatever_else_waits() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, writer) = halves(&stream);
    let (count, pings) = many_pings();
    stream.arrive(pings);
    let mut read = 0;
    while let Ok(Some(_)) = wait(reader.read()) {
        read += 1;
    }
    assert!(read < count);
    writer.write(vec![0; 1 << 20]).expect("it is open");
    // Those that waited with the first, and then those added when that was written.
    stream.make_room(127 * read);
    while let Ok(Some(_)) = wait(reader.read()) {
        read += 1;
    }
    assert_eq!(read, count);
    assert!(writer.unwritten() > 1 << 20);
}

#[test]
fn pongs_are_written_while_only_the_reader_runs() {
    let stream = Script::new();
    let (mut reader, _writer) = halves(&stream);
    stream.arrive(SERVER.incoming_final(PING, b"?"));
    assert!(matches!(wait(reader.read()), Ok(Some(Message::Ping(_)))));
    assert!(wait(reader.read()).is_err());
    assert_eq!(stream.written(), SERVER.outgoing(0x80 | PONG, b"?"));
}

#[test]
fn no_waker_is_kept_of_a_writer_that_does_not_wait() {
    let stream = Script::new();
    let (_reader, writer) = halves(&stream);
    let mut writers: Vec<_> = (0..10).map(|_| writer.clone()).collect();
    for writer in &mut writers {
        let task = Task::new();
        let witness = task.witness();
        assert!(task.poll(pin!(writer.send("hello"))).is_ready());
        drop(task);
        assert!(witness.upgrade().is_none());
    }
}

#[test]
fn no_waker_is_kept_of_a_half_dropped_while_it_waits() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, writer) = halves(&stream);
    let (reading, writing) = (Task::new(), Task::new());
    let witnesses = [reading.witness(), writing.witness()];
    assert_pending(&reading, pin!(reader.read()));
    assert_pending(&writing, pin!(writer.clone().send("hello")));
    drop((reader, reading, writing));
    assert!(witnesses.iter().all(|witness| witness.upgrade().is_none()));
}

#[test]
fn halves_lend_what_they_share() {
    let stream = Script::new();
    let (mut reader, writer) = halves(&stream);
    let reading = Task::new();
    {
        let mut read = pin!(reader.read());
        assert_pending(&reading, read.as_mut());
        let sent = writer.connection_mut(|ws, out| ws.send_ping(b"?", out));
        sent.expect("it is open");
        assert_eq!(reading.wakes(), 1);
        assert_pending(&reading, read.as_mut());
    }
    assert_eq!(stream.written(), SERVER.outgoing(0x80 | PING, b"?"));
    assert_eq!(reader.stream(|stream| stream.written().len()), 3);

    // So little that the first pong holds it up.
    reader.set_high_water_mark(1);
    stream.state().room = 0;
    stream.arrive(SERVER.incoming_final(PING, b"?").repeat(2));
    assert!(matches!(wait(reader.read()), Ok(Some(Message::Ping(_)))));
    assert!(wait(reader.read()).is_err());
    reader.set_high_water_mark(3);
    assert!(matches!(wait(reader.read()), Ok(Some(Message::Ping(_)))));
}

#[test]
fn halves_become_whole_again() {
    let stream = Script::new();
    stream.state().room = 0;
    let (reader, writer) = halves(&stream);
    let (other, _) = halves(&Script::new());
    let Err((other, writer)) = other.reunite(writer) else { panic!("not its writer") };
    drop(other);
    let clone = writer.clone();
    let Err((reader, writer)) = reader.reunite(writer) else { panic!("a clone is left") };
    drop(clone);
    writer.write(&[0; 100_000][..]).expect("it is open");
    let mut ws = reader.reunite(writer).expect("both halves");
    assert_eq!(ws.unwritten(), 100_010);
    stream.arrive(SERVER.incoming_final(TEXT, b"hello"));
    // Whole, it waits with reading again.
    assert!(wait(ws.read()).is_err());
    stream.make_room(usize::MAX);
    assert_eq!(wait(ws.read()).expect("a message"), Some("hello".into()));
    // And can be divided again.
    let (_reader, writer) = ws.split();
    writer.write("again").expect("it has a reader");
}

#[test]
fn a_part_goes_from_one_connection_to_another() {
    let [stream, onward] = [Script::new(), Script::new()];
    let ((mut from, _), (mut reader, to)) = (halves(&stream), halves(&onward));
    stream.arrive(SERVER.incoming_final(BINARY, b"hello"));
    let part = wait(from.read_part()).expect("it is open").expect("a part");
    to.write_part(&part).expect("it is open");
    assert_pending(&Task::new(), pin!(reader.read()));
    assert_eq!(onward.written(), SERVER.outgoing(0x80 | BINARY, b"hello"));
}

#[test]
fn each_half_goes_on_without_the_other() {
    let stream = Script::new();
    let (mut reader, writer) = halves(&stream);
    writer.write("left behind").expect("it is open");
    drop(writer);
    stream.arrive(SERVER.incoming_final(TEXT, b"hello"));
    assert_eq!(wait(reader.read()).expect("a message"), Some("hello".into()));
    assert_eq!(stream.written(), SERVER.outgoing(0x80 | TEXT, b"left behind"));
    drop(reader);
    assert_eq!(stream.hands(), 1);

    let stream = Script::new();
    let (reader, mut writer) = halves(&stream);
    drop(reader);
    wait(writer.send("alone")).expect("there is room");
    wait(writer.close(CloseCode::NORMAL, "")).expect("there is room");
    drop(writer);
    assert_eq!(stream.hands(), 1);
}

/// Else what is written for a program that has gone would grow without end.
#[test]
fn nothing_is_added_for_a_reader_that_was_dropped() {
    let stream = Script::new();
    let (reader, mut writer) = halves(&stream);
    let message = Prepared::text("hello");
    drop(reader);
    assert_eq!(writer.write("hello"), Err(SendError::Closed));
    assert_eq!(writer.write_prepared(&message), Err(SendError::Closed));
    assert_eq!(writer.write_text_part("hello", true), Err(SendError::Closed));
    assert_eq!(writer.write_binary_part(b"hello", true), Err(SendError::Closed));
    assert_eq!(writer.unwritten(), 0);
    wait(writer.send("alone")).expect("there is room");
    assert_eq!(stream.written(), SERVER.outgoing(0x80 | TEXT, b"alone"));
}

#[test]
fn an_aborted_connection_is_over_for_both() {
    let stream = Script::new();
    stream.state().room = 0;
    stream.arrive(SERVER.incoming_final(TEXT, b"hello").repeat(2));
    let (mut reader, mut writer) = halves(&stream);
    assert!(matches!(wait(reader.read()), Ok(Some(Message::Text(_)))));
    let clone = writer.clone();
    let (reading, writing) = (Task::new(), Task::new());
    writer.write(vec![7; 100_000]).expect("it is open");
    assert_pending(&writing, pin!(writer.flush()));
    clone.abort();
    assert_eq!(writing.wakes(), 1);
    for error in [
        wait(reader.read()).expect_err("it is over"),
        wait(reader.read()).expect_err("it stays so"),
        wait(writer.flush()).expect_err("it is over"),
    ] {
        let Error::Io(error) = error else { panic!("{error:?}") };
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    }
    assert_eq!((clone.unwritten(), clone.write("hello")), (0, Err(SendError::Closed)));
    assert_eq!(stream.written(), []);
    drop((reader, writer, clone));
    assert_eq!(stream.hands(), 1);

    // A reader that waits is woken.
    let (mut reader, writer) = halves(&Script::new());
    let mut read = pin!(reader.read());
    assert_pending(&reading, read.as_mut());
    writer.abort();
    assert_eq!(reading.wakes(), 1);
    assert!(matches!(reading.poll(read), Poll::Ready(Err(Error::Io(_)))));
}

#[test]
fn a_half_dropped_while_it_waits_does_not_keep_the_stream() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, mut writer) = halves(&stream);
    let (reading, writing) = (Task::new(), Task::new());
    assert_pending(&writing, pin!(writer.send("hello")));
    assert_pending(&reading, pin!(reader.read()));
    drop((reader, writer));
    assert_eq!(stream.hands(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_waits_is_told_when_the_reader_gives_up_the_peer() {
    let stream = Script::new();
    stream.state().room = 0;
    let ws = WebSocket::new(stream, SERVER.connection(&Config::new()), Vec::new());
    let (mut reader, mut writer) = ws.split();
    let writing = tokio::spawn(async move { writer.send("hello").await });
    let result = reader.read().await;
    assert!(matches!(result, Err(Error::Failed(Violation::PongTimeout))), "{result:?}");
    let result = tokio::time::timeout(Duration::from_secs(1), writing).await.expect("it ends");
    let Ok(Err(Error::Failed(Violation::PongTimeout))) = result else { panic!("{result:?}") };
}

#[tokio::test(start_paused = true)]
async fn a_close_by_the_writer_starts_the_close_timeout_of_the_reader() {
    let (mut reader, mut writer) = halves(&Script::new());
    let reading = tokio::spawn(async move { reader.read().await });
    tokio::time::sleep(Duration::from_secs(100)).await;
    writer.close(CloseCode::NORMAL, "").await.expect("there is room");
    let result = tokio::time::timeout(Duration::from_secs(11), reading).await.expect("it ends");
    let Ok(Err(Error::Failed(Violation::CloseTimeout))) = result else { panic!("{result:?}") };
}

/// Both peers send at once, each from two tasks, through a stream that holds
/// `stream_len` bytes; messages are shorter than `max_len`.
async fn talk(stream_len: usize, messages: usize, max_len: usize) {
    let (one, two) = tokio::io::duplex(stream_len);
    let config = Config::new();
    let one = WebSocket::new(one, Role::Client.connection(&config), Vec::new());
    let two = WebSocket::new(two, Role::Server.connection(&config), Vec::new());
    let (mut reading, mut writing, mut closers) = (Vec::new(), Vec::new(), Vec::new());
    for ws in [one, two] {
        let (mut reader, writer) = ws.split();
        for id in 0..2u8 {
            let mut writer = writer.clone();
            writing.push(tokio::spawn(async move {
                let mut seed = u64::from(id) + 1;
                for i in 0..messages {
                    seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
                    let len = (seed >> 33) as usize % max_len;
                    let mut message = vec![i as u8; 5 + len];
                    message[0] = id;
                    message[1..5].copy_from_slice(&(i as u32).to_be_bytes());
                    if i % 10 == 0 {
                        writer.write(Message::Ping(b"?".into())).expect("it is open");
                    }
                    writer.send(message).await.expect("the peer reads");
                }
            }));
        }
        closers.push(writer);
        reading.push(tokio::spawn(async move {
            let (mut next, mut pongs) = ([0; 2], 0);
            while let Some(event) = reader.read().await.expect("nothing is wrong") {
                match event {
                    Message::Binary(message) => {
                        let next = &mut next[usize::from(message[0])];
                        assert_eq!(message[1..5], u32::to_be_bytes(*next));
                        assert!(message[5..].iter().all(|&byte| byte == *next as u8));
                        *next += 1;
                    }
                    Message::Pong(_) => pongs += 1,
                    _ => {}
                }
            }
            (next, pongs)
        }));
    }
    for writer in writing {
        writer.await.expect("no panic");
    }
    closers[0].close(CloseCode::NORMAL, "").await.expect("the peer reads");
    for reader in reading {
        let (next, pongs) = reader.await.expect("no panic");
        assert_eq!(next, [messages as u32; 2]);
        // Those to the last pings may be too late for a peer that has closed.
        assert!(pongs <= messages.div_ceil(10) * 2, "{pongs}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_sleeps_for_ever() {
    let patience = Duration::from_secs(120);
    for (stream_len, messages, max_len) in [
        (1, 50, 30),
        (17, 2000, 100),
        (1000, 2000, 5000),
        (4096, 40, 300_000),
        (100_000, 60, 300_000),
    ] {
        tokio::time::timeout(patience, talk(stream_len, messages, max_len))
            .await
            .unwrap_or_else(|_| panic!("a stream of {stream_len}: somebody sleeps for ever"));
    }
}

#[test]
fn a_message_of_the_reader_is_echoed_in_order() {
    let stream = Script::new();
    let (mut reader, mut writer) = halves(&stream);
    for i in 0..100 {
        stream.arrive(SERVER.incoming_final(BINARY, &[i]));
    }
    for i in 0..100 {
        let event = wait(reader.read()).expect("a message").expect("no end");
        assert_eq!(event, Message::Binary(vec![i]));
        wait(writer.send(event)).expect("there is room");
    }
    let echoes = (0..100).map(|i| SERVER.outgoing(0x80 | BINARY, &[i]));
    assert_eq!(stream.written(), echoes.collect::<Vec<_>>().concat());
}

#[test]
fn the_task_that_asked_last_is_woken() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, mut writer) = halves(&stream);
    let [old_reading, reading, old_writing, writing] = [(); 4].map(|()| Task::new());
    let mut send = pin!(writer.send("hello"));
    let mut read = pin!(reader.read());
    for (reading, writing) in [(&old_reading, &old_writing), (&reading, &writing)] {
        assert!(writing.poll(send.as_mut()).is_pending());
        assert!(reading.poll(read.as_mut()).is_pending());
    }
    stream.make_room(100);
    assert_eq!((reading.wakes(), writing.wakes()), (1, 1));
    assert_eq!((old_reading.wakes(), old_writing.wakes()), (0, 0));
}

#[test]
fn answers_hold_the_reader_up_until_what_comes_before_them_is_written_too() {
    let stream = Script::new();
    stream.state().room = 0;
    let (mut reader, writer) = halves(&stream);
    writer.write(vec![0; 1 << 20]).expect("it is open");
    stream.arrive(SERVER.incoming_final(PING, &[b'?'; 125]).repeat(700));
    let mut read = 0;
    while let Ok(Some(_)) = wait(reader.read()) {
        read += 1;
    }
    assert!(read < 700);
    // As much as the answers are, but it is the message that leaves.
    stream.make_room(127 * read);
    let result = wait(reader.read());
    assert!(io::is_blocked(&result), "{result:?}");
}
