//! Keepalive, pong and close deadlines, with a clock that the tests wind by hand.

mod support;

use core::time::Duration;

use sansws::CloseCode;
use sansws::{Config, Connection, Error, Instant, State, Transport, Violation};
use support::*;

/// A connection, and a clock in milliseconds.
struct Rig {
    role: Role,
    ws: Connection,
    now: u64,
}

const PONG_TIMEOUT: Error = Error::Failed(Violation::PongTimeout);
const CLOSE_TIMEOUT: Error = Error::Failed(Violation::CloseTimeout);

fn at(millis: u64) -> Instant {
    Instant::from_epoch(Duration::from_millis(millis))
}

impl Rig {
    fn new(role: Role, config: &Config) -> Self {
        Self { role, ws: role.connection(config), now: 0 }
    }

    fn wait(&mut self, millis: u64) {
        self.now += millis;
    }

    /// How long the program may sleep.
    fn sleep(&mut self) -> Option<u64> {
        let deadline = self.ws.poll_timeout(at(self.now))?;
        Some(deadline.saturating_since(at(self.now)).as_millis() as u64)
    }

    /// What `handle_timeout` returns and writes.
    fn handle(&mut self) -> (Result<(), Error>, Vec<u8>) {
        let mut out = Vec::new();
        (self.ws.handle_timeout(at(self.now), &mut out), out)
    }

    fn ping(&self) -> Vec<u8> {
        self.role.outgoing(0x80 | PING, b"")
    }

    fn close_it(&mut self) {
        self.ws.send_close(CloseCode::NORMAL, "", &mut Vec::new()).unwrap();
    }

    fn peer_closes(&mut self) {
        receive(&mut self.ws, &self.role.incoming_final(CLOSE, &close_payload(1000, "")));
    }
}

/// Three timeouts that cannot be mistaken for each other.
fn config() -> Config {
    Config::new()
        .keepalive(Some(Duration::from_millis(3000)))
        .pong_timeout(Duration::from_millis(200))
        .close_timeout(Duration::from_millis(10))
}

fn rigs() -> [Rig; 2] {
    Role::BOTH.map(|role| Rig::new(role, &config()))
}

#[test]
fn a_peer_that_goes_on_to_take_what_is_sent_lives() {
    for mut rig in rigs() {
        assert_eq!(rig.sleep(), Some(3000));
        rig.wait(3000);
        assert_eq!(rig.handle(), (Ok(()), rig.ping()));
        for _ in 0..10 {
            assert_eq!(rig.sleep(), Some(200), "pong");
            rig.wait(199);
            rig.ws.handle_write_progress();
            assert_eq!(rig.sleep(), Some(3000), "silence again");
            rig.wait(3000);
            assert_eq!(rig.handle(), (Ok(()), rig.ping()));
        }
        // But it is to answer a Close in time.
        rig.close_it();
        assert_eq!(rig.sleep(), Some(10));
        rig.wait(10);
        rig.ws.handle_write_progress();
        assert_eq!(rig.handle().0, Err(CLOSE_TIMEOUT));
    }
}

#[test]
fn the_defaults_are_30_20_and_10_seconds() {
    for role in Role::BOTH {
        let mut rig = Rig::new(role, &Config::new());
        assert_eq!(rig.sleep(), Some(30_000), "keepalive");
        rig.wait(30_000);
        assert_eq!(rig.handle(), (Ok(()), rig.ping()));
        assert_eq!(rig.sleep(), Some(20_000), "pong");
        rig.close_it();
        assert_eq!(rig.sleep(), Some(10_000), "close");
    }
}

#[test]
fn other_times_can_be_set_at_any_time() {
    for mut rig in rigs() {
        assert_eq!(rig.sleep(), Some(3000));
        rig.wait(1000);
        rig.ws.set_config(&config().keepalive(Some(Duration::from_millis(1500))));
        assert_eq!(rig.sleep(), Some(500), "since when it was silent: {:?}", rig.role);
        rig.wait(500);
        assert_eq!(rig.handle(), (Ok(()), rig.ping()));
        rig.ws.set_config(&config().pong_timeout(Duration::from_millis(1)));
        assert_eq!(rig.sleep(), Some(1), "{:?}", rig.role);
        receive(&mut rig.ws, &rig.role.incoming_final(PONG, b""));
        rig.ws.set_config(&config().keepalive(None));
        assert_eq!(rig.sleep(), None, "{:?}", rig.role);
        // A pong that is not waited for any more is not missed later.
        rig.ws.set_config(&config());
        assert_eq!(rig.sleep(), Some(3000), "{:?}", rig.role);
        rig.wait(3000);
        assert_eq!(rig.handle(), (Ok(()), rig.ping()));
        rig.ws.set_config(&config().keepalive(None));
        assert_eq!(rig.sleep(), None, "{:?}", rig.role);
        rig.wait(1_000_000);
        assert_eq!(rig.handle(), (Ok(()), vec![]), "{:?}", rig.role);
        rig.ws.set_config(&config());
        assert_eq!(rig.sleep(), Some(3000), "{:?}", rig.role);
        rig.close_it();
        rig.ws.set_config(&config().close_timeout(Duration::from_millis(2)));
        assert_eq!(rig.sleep(), Some(2), "{:?}", rig.role);
    }
}

#[test]
fn no_timer_starts_before_the_program_asks() {
    for mut rig in rigs() {
        rig.wait(1_000_000);
        receive(&mut rig.ws, &rig.role.incoming_final(TEXT, b"hi"));
        rig.ws.send_text("hi", &mut Vec::new()).unwrap();
        rig.wait(1_000_000);
        assert_eq!(rig.sleep(), Some(3000), "{:?}", rig.role);
    }
    for mut rig in rigs() {
        rig.wait(1_000_000);
        assert_eq!(rig.handle(), (Ok(()), vec![]), "nothing is due: {:?}", rig.role);
        assert_eq!(rig.sleep(), Some(3000), "{:?}", rig.role);
    }
    for mut rig in rigs() {
        rig.close_it();
        rig.wait(1_000_000);
        assert_eq!(rig.sleep(), Some(10), "{:?}", rig.role);
    }
}

#[test]
fn a_silent_peer_is_pinged_and_then_given_up() {
    for mut rig in rigs() {
        let row = format!("{:?}", rig.role);
        assert_eq!(rig.sleep(), Some(3000), "{row}");
        rig.wait(3000);
        assert_eq!(rig.sleep(), Some(0), "{row}");
        assert_eq!(rig.handle(), (Ok(()), rig.ping()), "{row}");
        assert_eq!(rig.sleep(), Some(200), "{row}");
        rig.wait(200);
        let close = rig.role.outgoing_close(1011, Violation::PongTimeout.description());
        assert_eq!(rig.handle(), (Err(PONG_TIMEOUT), close), "{row}");
        // Nobody waits for the end of its stream.
        assert_eq!(
            (rig.ws.state(), rig.ws.transport(), rig.sleep()),
            (State::Failed, Transport::Close, None),
            "{row}"
        );
        rig.wait(1_000_000);
        assert_eq!(rig.handle(), (Err(PONG_TIMEOUT), vec![]), "{row}");
    }
}

#[test]
fn whatever_the_peer_sends_is_a_sign_of_life() {
    for role in Role::BOTH {
        let signs = [
            role.incoming_final(TEXT, b"hi"),
            role.incoming_final(BINARY, b""),
            role.incoming(TEXT, b""),
            role.incoming_final(PONG, b""),
            role.incoming_final(PING, b""),
            vec![0x81],                                     // a part of a header
            header_only(role, 0x82, 100),                   // and all of one
            role.incoming(BINARY, &[7; 50])[..40].to_vec(), // a part of a payload
        ];
        for (sign, parts) in
            signs.into_iter().flat_map(|sign| [(sign.clone(), false), (sign, true)])
        {
            let mut rig = Rig::new(role, &config());
            let row = format!("{role:?} {sign:x?}, in parts: {parts}");
            let hear = |rig: &mut Rig, bytes: &[u8]| match parts {
                true => assert_eq!(receive_parts(&mut rig.ws, [bytes]).error, None),
                false => assert_eq!(receive(&mut rig.ws, bytes).error, None),
            };
            // instead of silence
            assert_eq!(rig.sleep(), Some(3000), "{row}");
            rig.wait(2999);
            hear(&mut rig, &sign[..sign.len() - 1]);
            hear(&mut rig, b"");
            if sign.len() > 1 {
                assert_eq!(rig.sleep(), Some(3000), "{row}");
            }
            rig.wait(2999);
            hear(&mut rig, &sign[sign.len() - 1..]);
            assert_eq!(rig.handle(), (Ok(()), vec![]), "{row}");
            assert_eq!(rig.sleep(), Some(3000), "{row}");
        }
        for sign in [role.incoming_final(TEXT, b"hi"), role.incoming_final(PONG, b""), vec![0x81]] {
            // instead of a pong
            let mut rig = Rig::new(role, &config());
            rig.sleep();
            rig.wait(3000);
            assert_eq!(rig.handle(), (Ok(()), rig.ping()), "{role:?} {sign:x?}");
            rig.wait(199);
            receive(&mut rig.ws, &sign);
            rig.wait(1);
            assert_eq!(rig.handle(), (Ok(()), vec![]), "{role:?} {sign:x?}");
            assert_eq!(rig.sleep(), Some(3000), "{role:?} {sign:x?}");
        }
    }
}

#[test]
fn a_fragment_alone_is_a_sign_of_life() {
    for role in Role::BOTH {
        for payload in [&b""[..], b"more"] {
            let mut rig = Rig::new(role, &config());
            receive(&mut rig.ws, &role.incoming(TEXT, b"begun"));
            rig.sleep();
            rig.wait(2999);
            receive(&mut rig.ws, &role.incoming(CONTINUATION, payload));
            assert_eq!(rig.sleep(), Some(3000), "{role:?} {payload:?}");
        }
    }
}

#[test]
fn an_empty_input_and_what_we_send_are_no_signs_of_life() {
    for mut rig in rigs() {
        rig.sleep();
        rig.wait(2000);
        receive(&mut rig.ws, b"");
        rig.ws.send_text("hi", &mut Vec::new()).unwrap();
        rig.ws.send_ping(b"hi", &mut Vec::new()).unwrap();
        assert_eq!(rig.sleep(), Some(1000), "{:?}", rig.role);
    }
}

#[test]
fn without_keepalive_only_closing_has_a_deadline() {
    for role in Role::BOTH {
        let mut rig = Rig::new(role, &config().keepalive(None));
        for _ in 0..3 {
            assert_eq!((rig.sleep(), rig.handle()), (None, (Ok(()), vec![])), "{role:?}");
            rig.wait(1_000_000_000);
        }
        rig.close_it();
        assert_eq!(rig.sleep(), Some(10), "{role:?}");
    }
}

/// 7.1.1: "the client MAY close [...] after a reasonable time period"; data that
/// keeps coming does not make it longer.
#[test]
fn a_peer_that_does_not_answer_our_close_frame_is_given_up() {
    for mut rig in rigs() {
        let row = format!("{:?}", rig.role);
        rig.sleep();
        rig.wait(2500);
        rig.close_it();
        assert_eq!(rig.sleep(), Some(10), "{row}");
        for left in (1..10).rev() {
            rig.wait(1);
            receive(&mut rig.ws, &rig.role.incoming_final(TEXT, b"more"));
            assert_eq!((rig.sleep(), rig.handle()), (Some(left), (Ok(()), vec![])), "{row}");
        }
        rig.wait(1);
        assert_eq!(rig.handle(), (Err(CLOSE_TIMEOUT), vec![]), "{row}");
        assert_eq!(
            (rig.ws.state(), rig.ws.transport()),
            (State::Failed, Transport::Close),
            "{row}"
        );
        assert_eq!(rig.ws.close_code(), Some(CloseCode::ABNORMAL), "{row}");
        rig.wait(1000);
        assert_eq!((rig.sleep(), rig.handle()), (None, (Err(CLOSE_TIMEOUT), vec![])), "{row}");
    }
}

/// 7.1.1: the stream is to end, by the server's doing; one that does not is
/// closed in the end.
#[test]
fn a_stream_that_does_not_end_is_closed() {
    for (mut rig, we_close_first) in
        rigs().into_iter().zip([true, false]).chain(rigs().into_iter().zip([false, true]))
    {
        let row = format!("{:?}, we close first: {we_close_first}", rig.role);
        let ends = if rig.role == Role::Server { Transport::Shutdown } else { Transport::AwaitEof };
        rig.sleep();
        let mut left = 10;
        if we_close_first {
            rig.close_it();
            assert_eq!(rig.sleep(), Some(10), "{row}");
            rig.wait(4);
            left = 6; // the rest of what our Close frame had
        }
        rig.peer_closes();
        assert_eq!(rig.ws.transport(), ends, "{row}");
        assert_eq!(rig.sleep(), Some(left), "{row}");
        rig.wait(left - 1);
        receive(&mut rig.ws, b"what comes is discarded");
        assert_eq!((rig.handle(), rig.ws.transport()), ((Ok(()), vec![]), ends), "{row}");
        rig.wait(1);
        assert_eq!(
            (rig.handle(), rig.ws.transport()),
            ((Ok(()), vec![]), Transport::Close),
            "{row}"
        );
        assert_eq!((rig.sleep(), rig.ws.state()), (None, State::Closed), "{row}");
        assert_eq!(rig.ws.receive_eof(), Ok(()), "{row}");
    }
}

/// A library that fails a connection but leaves the socket to the peer keeps it
/// for as long as the peer likes.
#[test]
fn a_failed_connection_has_a_deadline_too() {
    for (mut rig, polled) in
        rigs().into_iter().zip([true, false]).chain(rigs().into_iter().zip([false, true]))
    {
        let row = format!("{:?}, polled before: {polled}", rig.role);
        if polled {
            rig.sleep();
        }
        receive(&mut rig.ws, &[0xFF]);
        let error = Error::Failed(Violation::ReservedBit);
        assert_eq!((rig.sleep(), rig.ws.transport()), (Some(10), Transport::Shutdown), "{row}");
        rig.wait(9);
        assert_eq!(rig.handle(), (Err(error), vec![]), "{row}");
        assert_eq!(rig.ws.transport(), Transport::Shutdown, "{row}");
        rig.wait(1);
        assert_eq!(rig.handle(), (Err(error), vec![]), "{row}");
        assert_eq!((rig.sleep(), rig.ws.transport()), (None, Transport::Close), "{row}");
    }
}

#[test]
fn asking_early_late_or_often_does_no_harm() {
    for mut rig in rigs() {
        let row = format!("{:?}", rig.role);
        for left in (1..=3000).rev().step_by(100) {
            for _ in 0..2 {
                assert_eq!(
                    (rig.sleep(), rig.handle()),
                    (Some(left), (Ok(()), vec![])),
                    "early: {row}"
                );
            }
            rig.wait(100);
        }
        rig.wait(1_000_000);
        assert_eq!(rig.handle(), (Ok(()), rig.ping()), "late: {row}");
        for _ in 0..3 {
            assert_eq!(
                (rig.sleep(), rig.handle()),
                (Some(200), (Ok(()), vec![])),
                "one ping: {row}"
            );
        }
        rig.wait(1_000_000);
        assert_eq!(rig.handle().0, Err(PONG_TIMEOUT), "{row}");
        for _ in 0..3 {
            assert_eq!(rig.handle(), (Err(PONG_TIMEOUT), vec![]), "one Close frame: {row}");
            assert_eq!(rig.sleep(), None, "{row}");
        }
    }
}

#[test]
fn durations_are_rounded_up_to_milliseconds_and_down_to_49_days() {
    let table = [
        (Duration::ZERO, 1),
        (Duration::from_nanos(1), 1),
        (Duration::from_micros(1000), 1),
        (Duration::from_micros(1001), 2),
        (Duration::from_millis(u32::MAX.into()), u32::MAX.into()),
        (Duration::from_millis(u64::MAX), u32::MAX.into()),
        (Duration::MAX, u32::MAX.into()),
    ];
    for (role, (duration, millis)) in
        Role::BOTH.into_iter().flat_map(|role| table.map(|row| (role, row)))
    {
        let mut rig = Rig::new(role, &config().keepalive(Some(duration)));
        assert_eq!(rig.sleep(), Some(millis), "{role:?} {duration:?}");

        let mut rig = Rig::new(role, &config().pong_timeout(duration));
        rig.sleep();
        rig.wait(3000);
        assert_eq!(rig.handle(), (Ok(()), rig.ping()));
        assert_eq!(rig.sleep(), Some(millis), "{role:?} {duration:?}");

        let mut rig = Rig::new(role, &config().close_timeout(duration));
        rig.close_it();
        assert_eq!(rig.sleep(), Some(millis), "{role:?} {duration:?}");
    }
}

#[test]
fn the_end_of_time_is_no_panic() {
    for mut rig in rigs() {
        let end = Instant::from_epoch(Duration::MAX);
        assert_eq!(rig.ws.poll_timeout(end), Some(end));
        for _ in 0..5 {
            let _ = rig.ws.handle_timeout(end, &mut Vec::new());
        }
        assert_eq!((rig.ws.transport(), rig.ws.poll_timeout(end)), (Transport::Close, None));
    }
}
