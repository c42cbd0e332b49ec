//! Two connections talk: whatever they say, wherever the network cuts or stops,
//! however long anyone waits, nothing is lost, nothing comes twice, no deadline
//! is missed, and both know how it ended.

#[path = "support/reference.rs"]
#[allow(dead_code, reason = "only its items are used here")]
mod reference;

use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sansws::CloseCode;
use sansws::{
    Config, Connection, Error, Instant, MaskingKeys, SendError, State, Transport, Violation,
};

use self::reference::Item;

const KEEPALIVE: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);
const CLOSE: Duration = Duration::from_secs(10);

/// What happens; the number says to which of the two.
#[derive(Clone, Debug)]
enum Step {
    Send(usize, Item),
    /// A part of a message, and whether it is the last.
    SendPart(usize, Item, bool),
    /// The program finds a reason to fail the connection.
    Fail(usize),
    /// So many bytes of what the other has sent arrive.
    Deliver(usize, usize),
    Wait(Duration),
    /// The network breaks; so many bytes of what is under way still arrive.
    Break([usize; 2]),
}

fn step() -> impl Strategy<Value = Step> {
    let at = || 0..2usize;
    let text = || "[a-zß𝄞]{0,6}";
    let data = || vec(any::<u8>(), 0..9);
    let message = || prop_oneof![text().prop_map(Item::Text), data().prop_map(Item::Binary)];
    let control = prop_oneof![data().prop_map(Item::Ping), data().prop_map(Item::Pong)];
    let code = select(vec![None, Some(1000), Some(1001), Some(4000)]);
    let close = code.prop_map(|code| Item::Close(code, String::new()));
    let part = (at(), message(), any::<bool>());
    let bytes = || prop_oneof![0..20usize, Just(1000)];
    let seconds = prop_oneof![8 => 0..12_000u64, 1 => 0..70_000u64].prop_map(Duration::from_millis);
    prop_oneof![
        50 => (at(), message()).prop_map(|(at, item)| Step::Send(at, item)),
        20 => (at(), control).prop_map(|(at, item)| Step::Send(at, item)),
        40 => part.prop_map(|(at, item, last)| Step::SendPart(at, item, last)),
        4 => (at(), close).prop_map(|(at, item)| Step::Send(at, item)),
        1 => at().prop_map(Step::Fail),
        80 => (at(), bytes()).prop_map(|(at, len)| Step::Deliver(at, len)),
        20 => seconds.prop_map(Step::Wait),
        1 => [bytes(), bytes()].prop_map(Step::Break),
    ]
}

/// One of the two connections, and what is known of it.
struct End {
    ws: Connection,
    /// What is on its way to the other.
    out: Vec<u8>,
    /// How much of what it writes the network still takes.
    room: usize,
    /// All that it has put there, in order, automatic answers included.
    said: Vec<Item>,
    /// All that it has received.
    heard: Vec<Item>,
    /// The message being sent in parts, so far.
    sending: Option<Item>,
    began_closing: bool,
    failed: Option<Violation>,
    last_heard: Instant,
    last_keepalive: Option<Instant>,
    /// When it sent or received a Close frame, or failed.
    ending_since: Option<Instant>,
    is_shut_down: bool,
    eof_received: bool,
}

impl End {
    fn new(ws: Connection, now: Instant) -> Self {
        Self {
            ws,
            out: Vec::new(),
            room: usize::MAX,
            said: Vec::new(),
            heard: Vec::new(),
            sending: None,
            began_closing: false,
            failed: None,
            last_heard: now,
            last_keepalive: None,
            ending_since: None,
            is_shut_down: false,
            eof_received: false,
        }
    }

    fn send(&mut self, item: &Item) {
        let is_message = matches!(item, Item::Text(_) | Item::Binary(_));
        let expected = match self.ws.state() {
            State::Open if is_message && self.sending.is_some() => {
                Err(SendError::MessageUnfinished)
            }
            State::Open => Ok(()),
            _ => Err(SendError::Closed),
        };
        let sent = match item {
            Item::Text(text) => self.ws.send_text(text, &mut self.out),
            Item::Binary(data) => self.ws.send_binary(data, &mut self.out),
            Item::Ping(data) => self.ws.send_ping(data, &mut self.out),
            Item::Pong(data) => self.ws.send_pong(data, &mut self.out),
            Item::Close(code, reason) => {
                let sent = self.ws.send_close(code.map(CloseCode::new), reason, &mut self.out);
                self.began_closing |= sent.is_ok();
                sent
            }
        };
        assert_eq!(sent, expected, "{item:?}");
        self.said.extend(sent.is_ok().then(|| item.clone()));
    }

    fn send_part(&mut self, part: &Item, last: bool) {
        let joined = match (self.sending.clone(), part.clone()) {
            (None, part) => Some(part),
            (Some(Item::Text(text)), Item::Text(part)) => Some(Item::Text(text + &part)),
            (Some(Item::Binary(data)), Item::Binary(part)) => {
                Some(Item::Binary([data, part].concat()))
            }
            _ => None,
        };
        let expected = match (self.ws.state(), &joined) {
            (State::Open, Some(_)) => Ok(()),
            (State::Open, None) => Err(SendError::MessageUnfinished),
            _ => Err(SendError::Closed),
        };
        let sent = match part {
            Item::Text(text) => self.ws.send_text_part(text, last, &mut self.out),
            Item::Binary(data) => self.ws.send_binary_part(data, last, &mut self.out),
            part => unreachable!("{part:?}"),
        };
        assert_eq!(sent, expected, "{part:?}");
        if sent.is_ok() {
            self.sending = joined;
            self.said.extend(if last { self.sending.take() } else { None });
        }
    }

    fn receive(&mut self, mut bytes: Vec<u8>, now: Instant) {
        let mut input = &mut bytes[..];
        if !input.is_empty() {
            self.last_heard = now;
        }
        loop {
            let (out_len, had_sent_close) = (self.out.len(), self.ws.close_sent().is_some());
            match self.ws.receive(&mut input, &mut self.out) {
                Ok(None) => break assert!(input.is_empty()),
                Ok(Some(event)) => {
                    let item = Item::from(event);
                    match &item {
                        Item::Ping(data) => self.said.push(Item::Pong(data.clone())),
                        Item::Close(..) if !had_sent_close => self.said.push(item.clone()),
                        _ => assert_eq!(self.out.len(), out_len, "no answer to {item:?}"),
                    }
                    self.heard.push(item);
                }
                Err(error) => break assert_eq!(error.violation(), self.failed, "{error:?}"),
            }
        }
    }

    /// Notes a failure, and the Close frame that tells the other of it.
    fn note_failure(&mut self, error: Error, was: State) {
        let violation = error.violation().unwrap();
        if self.failed.is_some() {
            return assert_eq!(self.failed, Some(violation), "the first reason stays");
        }
        self.failed = Some(violation);
        if let (State::Open, Some(code)) = (was, violation.close_code()) {
            let reason = violation.description().to_owned();
            self.said.push(Item::Close(Some(code.value()), reason));
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let (was, transport, out_len) = (self.ws.state(), self.ws.transport(), self.out.len());
        let had_failed = self.failed.is_some();
        if let Err(error) = self.ws.handle_timeout(now, &mut self.out) {
            self.note_failure(error, was);
        }
        let silence = now.saturating_since(self.last_heard);
        let has_written = self.out.len() > out_len;
        match self.failed {
            None if has_written => {
                assert_eq!((was, silence), (State::Open, KEEPALIVE));
                self.last_keepalive = Some(now);
                self.said.push(Item::Ping(Vec::new()));
            }
            Some(Violation::PongTimeout) if !had_failed => {
                assert_eq!(silence, KEEPALIVE + PONG);
                assert_eq!(self.ws.transport(), Transport::Close);
                return;
            }
            _ => assert!(!has_written),
        }
        if transport != Transport::Close && self.ws.transport() == Transport::Close {
            let since = self.ending_since.expect("only what is ending is given up");
            assert_eq!(now.saturating_since(since), CLOSE);
        }
    }

    /// Does what a program does before it waits, and checks that all was done
    /// in time.
    fn look(&mut self, now: Instant, has_keepalive: bool) {
        self.out.truncate(self.room);
        assert!(self.ws.poll_timeout(now).is_none_or(|deadline| deadline > now));
        if self.ws.state() == State::Open {
            let silence = now.saturating_since(self.last_heard);
            assert!(!has_keepalive || silence < KEEPALIVE + PONG, "no pong, no failure");
            if has_keepalive && silence >= KEEPALIVE {
                assert_eq!(self.last_keepalive, Some(self.last_heard + KEEPALIVE));
            }
        } else {
            let since = *self.ending_since.get_or_insert(now);
            let is_over = now.saturating_since(since) >= CLOSE;
            assert!(!is_over || self.ws.transport() == Transport::Close, "waits for too long");
            assert!(self.ws.buffered() == 0 || self.ws.state() == State::Closing);
        }
        self.is_shut_down |= matches!(self.ws.transport(), Transport::Shutdown | Transport::Close);
    }
}

struct World {
    ends: [End; 2],
    now: Instant,
    has_keepalive: bool,
    is_broken: bool,
}

impl World {
    fn new(has_keepalive: bool) -> Self {
        let config = Config::new()
            .keepalive(has_keepalive.then_some(KEEPALIVE))
            .pong_timeout(PONG)
            .close_timeout(CLOSE);
        let now = Instant::from_epoch(Duration::from_secs(1));
        let mut key = 0u32;
        let keys = MaskingKeys::new(move || {
            key = key.wrapping_add(0x9E37_79B9);
            key.to_be_bytes()
        });
        let ends = [Connection::server(&config), Connection::client(&config, keys)];
        let mut world =
            Self { ends: ends.map(|ws| End::new(ws, now)), now, has_keepalive, is_broken: false };
        world.look();
        world
    }

    fn look(&mut self) {
        self.ends.iter_mut().for_each(|end| end.look(self.now, self.has_keepalive));
        for (from, to) in [(0, 1), (1, 0)] {
            let (from, to) = (&self.ends[from], &self.ends[to]);
            let (said, heard) = (&from.said, &to.heard);
            assert_eq!(Some(&heard[..]), said.get(..heard.len()), "in order, and only once");
            let is_listening = matches!(to.ws.state(), State::Open | State::Closing);
            if is_listening && from.out.is_empty() && !self.is_broken {
                assert_eq!(heard, said, "and all of it");
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Send(at, item) => self.ends[*at].send(item),
            Step::SendPart(at, item, last) => self.ends[*at].send_part(item, *last),
            Step::Fail(at) => {
                let end = &mut self.ends[*at];
                let was = end.ws.state();
                let error = end.ws.fail(Violation::Policy, &mut end.out);
                if was != State::Closed {
                    end.note_failure(error, was);
                }
            }
            Step::Deliver(to, len) => self.deliver(*to, *len),
            Step::Wait(duration) => self.wait_until(self.now + *duration),
            Step::Break(still) => {
                self.is_broken = true;
                for (end, still) in self.ends.iter_mut().zip(*still) {
                    end.room = end.room.min(end.out.len()).min(still);
                }
            }
        }
        self.look();
    }

    fn deliver(&mut self, to: usize, len: usize) {
        let [a, b] = &mut self.ends;
        let (from, to) = if to == 0 { (b, a) } else { (a, b) };
        if to.ws.transport() == Transport::Close {
            return;
        }
        let taken = len.min(from.out.len());
        from.room -= taken;
        to.receive(from.out.drain(..taken).collect(), self.now);
        let is_all = from.out.is_empty() && (from.is_shut_down || self.is_broken);
        if is_all && len > taken && !to.eof_received {
            to.eof_received = true;
            let was = to.ws.state();
            if let Err(error) = to.ws.receive_eof() {
                to.note_failure(error, was);
            }
            assert_eq!(to.ws.transport(), Transport::Close);
        }
    }

    fn wait_until(&mut self, end: Instant) {
        while let Some(deadline) = self.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = deadline;
            self.ends.iter_mut().for_each(|end| end.handle_timeout(deadline));
            self.look();
        }
        self.now = end;
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        let now = self.now;
        self.ends.iter_mut().filter_map(|end| end.ws.poll_timeout(now)).min()
    }

    /// Lets everything arrive and both sockets be closed; one end begins it if
    /// neither has.
    fn finish(&mut self) {
        if self.ends.iter().all(|end| end.ws.state() == State::Open) {
            self.step(&Step::Send(0, Item::Close(Some(1000), "bye".into())));
        }
        for _ in 0..20 {
            for to in [0, 1] {
                self.step(&Step::Deliver(to, usize::MAX));
            }
            if self.ends.iter().all(|end| end.ws.transport() == Transport::Close) {
                return self.check_end();
            }
            if self.ends.iter().all(|end| end.out.is_empty())
                && let Some(deadline) = self.next_deadline()
            {
                self.step(&Step::Wait(deadline.saturating_since(self.now)));
            }
        }
        panic!("the conversation does not end");
    }

    fn check_end(&self) {
        for end in &self.ends {
            let code = match end.heard.last() {
                Some(Item::Close(code, _)) => code.unwrap_or(1005),
                _ => 1006,
            };
            assert_eq!(end.ws.close_code(), Some(CloseCode::new(code)));
            assert_eq!(end.ws.state() == State::Closed, code != 1006);
            assert_eq!(end.ws.state() == State::Failed, end.failed.is_some());
            let closes = end.said.iter().filter(|item| matches!(item, Item::Close(..))).count();
            assert_eq!(closes, usize::from(end.ws.close_sent().is_some()));
            if !self.is_broken {
                assert_ne!(
                    end.failed,
                    Some(Violation::EndOfStream),
                    "no end without a Close frame"
                );
            }
        }
        let [a, b] = &self.ends;
        let are_closed = [a, b].iter().all(|end| end.ws.state() == State::Closed);
        if are_closed && !(a.began_closing && b.began_closing) {
            assert_eq!(a.ws.close_code(), b.ws.close_code(), "both know the same reason");
        }
        if !self.is_broken && a.failed.is_none() && b.failed.is_none() {
            assert!(are_closed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // RFC 6455, 6 and 7
    #[test]
    fn both_ends_of_a_conversation_agree(
        has_keepalive in any::<bool>(),
        steps in vec(step(), 0..80),
    ) {
        let mut world = World::new(has_keepalive);
        steps.iter().for_each(|step| world.step(step));
        world.finish();
    }
}
