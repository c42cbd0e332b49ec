//! Random programs at both ends of random streams: nobody sleeps for ever, and no message
//! is lost or comes twice or in the wrong order, whatever is given up on the way.

#[path = "support/pipe.rs"]
mod pipe;
mod support;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::SinkExt;
use pipe::{End, Habits, Random};
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::io::{Drives, Reader, WebSocket, Writer};
use sansws::{CloseCode, Config, Message, Part};
use support::Role;
use tokio::sync::watch;
use tokio::task::{JoinHandle, LocalSet, spawn_local, yield_now};
use tokio::time::Instant;

/// What a program that does not read lets wait at most, to go on reading (64 KiB is the mark).
const MAX_UNWRITTEN: usize = 56 * 1024;

#[derive(Clone, Copy, Debug)]
enum Adapter {
    Tokio,
    FuturesIo,
}

/// How many of the two ends have got all messages.
type Satisfied = watch::Sender<usize>;

/// What an end knows of the other.
struct Peer {
    program: Program,
    satisfied: Satisfied,
}

impl Peer {
    fn has_delivered_all(&self) {
        self.satisfied.send_modify(|ends| *ends += 1);
    }
}

async fn both(satisfied: &Satisfied) {
    satisfied.subscribe().wait_for(|&ends| ends == 2).await.expect("it lives");
}

/// What one end is, and what it sends: for each task that writes, the lengths of its messages.
#[derive(Clone, Debug)]
struct Program {
    adapter: Adapter,
    is_split: bool,
    reads_parts: bool,
    /// Whether it closes, and not only the other.
    closes: bool,
    writers: Vec<Vec<usize>>,
    seed: u64,
}

fn program() -> impl Strategy<Value = Program> {
    let len = prop_oneof![
        12 => 0..200usize,
        3 => 1000..5000usize,
        1 => 16_000..17_000usize,
        1 => 30_000..40_000usize,
    ];
    let adapter = prop_oneof![Just(Adapter::Tokio), Just(Adapter::FuturesIo)];
    let writers = vec(vec(len, 0..20), 1..4);
    (adapter, any::<[bool; 3]>(), writers, any::<u64>()).prop_map(
        |(adapter, [is_split, reads_parts, closes], mut writers, seed)| {
            writers.truncate(if is_split { 3 } else { 1 });
            Program { adapter, is_split, reads_parts, closes, writers, seed }
        },
    )
}

fn habits() -> impl Strategy<Value = Habits> {
    let len = || prop_oneof![1..100usize, 100..5000usize, 5000..100_000usize];
    let buffer = prop_oneof![2 => Just(0), 1 => 1..20_000usize];
    (len(), len(), buffer, 2..20usize, any::<bool>(), any::<u64>()).prop_map(
        |(capacity, max_len, buffer, stutter, is_vectored, seed)| Habits {
            capacity,
            max_len,
            buffer,
            stutter,
            is_vectored,
            seed,
        },
    )
}

/// Whether to give up waiting, and when.
#[derive(Clone, Copy)]
enum Patience {
    /// Until it is woken.
    Endless,
    /// Polled so many times more, woken or not.
    Polls(usize),
}

/// Waits for a future, or gives it up.
async fn wait<T>(patience: Patience, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut polls) = (pin!(future), 0);
    let result = poll_fn(|cx| match (future.as_mut().poll(cx), patience) {
        (Poll::Ready(result), _) => Poll::Ready(Some(result)),
        (Poll::Pending, Patience::Polls(most)) if polls == most => Poll::Ready(None),
        (Poll::Pending, Patience::Polls(_)) => {
            polls += 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        (Poll::Pending, Patience::Endless) => Poll::Pending,
    });
    let result = result.await;
    if result.is_none() {
        yield_now().await;
    }
    result
}

/// Gives up as often as there is a reason to, then no more.
struct Moods {
    random: Random,
    left: usize,
}

impl Moods {
    fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), left: 60 }
    }

    fn short(&mut self) -> Patience {
        Patience::Polls(self.random.below(4))
    }

    fn any(&mut self) -> Patience {
        if self.left == 0 || self.random.below(2) == 0 {
            return Patience::Endless;
        }
        self.left -= 1;
        self.short()
    }
}

/// A message that says which it is: the writer, its number, and what fills it up.
fn message(writer: usize, number: usize, len: usize) -> String {
    let fill = char::from(b'a' + (number % 26) as u8);
    format!("{writer} {number} {}", String::from(fill).repeat(len))
}

fn event(random: &mut Random, message: &str) -> Message {
    match random.below(2) {
        0 => Message::Text(message.to_owned()),
        _ => Message::Binary(message.as_bytes().to_vec()),
    }
}

/// Sees that all the messages come that the other end sends.
struct Inbox {
    expected: Vec<std::vec::IntoIter<String>>,
    missing: usize,
    begun: Vec<u8>,
}

impl Inbox {
    fn new(peer: &Program) -> Self {
        let messages = |(writer, lens): (usize, &Vec<usize>)| {
            let number = |(number, &len): (usize, &usize)| message(writer, number, len);
            lens.iter().enumerate().map(number).collect::<Vec<_>>().into_iter()
        };
        let expected = peer.writers.iter().enumerate().map(messages).collect();
        let missing = peer.writers.iter().map(Vec::len).sum();
        Self { expected, missing, begun: Vec::new() }
    }

    fn take(&mut self, message: &[u8]) {
        let writer = usize::from(message[0] - b'0');
        let expected = self.expected[writer].next().expect("no message comes twice");
        assert!(message == expected.as_bytes(), "a wrong message in place of {expected:.20}");
        self.missing -= 1;
    }

    fn take_part(&mut self, data: &[u8], last: bool) {
        self.begun.extend_from_slice(data);
        if last {
            let message = std::mem::take(&mut self.begun);
            self.take(&message);
        }
    }

    fn event(&mut self, event: &Message) {
        match event {
            Message::Text(text) => self.take(text.as_bytes()),
            Message::Binary(data) => self.take(data),
            _ => {}
        }
    }

    fn part(&mut self, part: &Part<'_>) {
        match part {
            Part::Text(part) => {
                if let Some(lead) = part.lead {
                    self.take_part(lead.encode_utf8(&mut [0; 4]).as_bytes(), false);
                }
                self.take_part(part.text.as_bytes(), part.last);
            }
            Part::Binary(part) => self.take_part(&part.data, part.last),
            _ => {}
        }
    }
}

trait Read {
    /// Whether the connection has not come to its end.
    async fn read_to(&mut self, inbox: &mut Inbox, in_parts: bool) -> bool;
}

macro_rules! read {
    ($reader:ident) => {
        impl<R: Drives<End>> Read for $reader<End, R> {
            async fn read_to(&mut self, inbox: &mut Inbox, in_parts: bool) -> bool {
                if in_parts {
                    let part = self.read_part().await.expect("all is well");
                    part.inspect(|part| inbox.part(part)).is_some()
                } else {
                    let event = self.read().await.expect("all is well");
                    event.inspect(|event| inbox.event(event)).is_some()
                }
            }
        }
    };
}

read!(WebSocket);
read!(Reader);

/// One task for all, which must not wait for the peer to read when that does the same.
async fn whole<R: Drives<End>>(mut ws: WebSocket<End, R>, own: Program, peer: Peer) {
    let (mut inbox, mut moods) = (Inbox::new(&peer.program), Moods::new(own.seed));
    let mut unsent = own.writers[0].iter().enumerate();
    while unsent.len() > 0 || inbox.missing > 0 {
        while unsent.len() > 0 && moods.random.below(3) > 0 {
            if ws.unwritten() + 41_000 > MAX_UNWRITTEN {
                break;
            }
            let (number, &len) = unsent.next().expect("there are some");
            add(&mut ws, &mut moods, &message(0, number, len)).await;
        }
        if moods.random.below(4) == 0 {
            let patience = if peer.program.is_split { moods.any() } else { moods.short() };
            wait(patience, ws.flush()).await.unwrap_or(Ok(())).expect("the peer reads");
        }
        let patience = if unsent.len() == 0 { moods.any() } else { moods.short() };
        if inbox.missing > 0 {
            let is_open = wait(patience, ws.read_to(&mut inbox, own.reads_parts)).await;
            assert_ne!(is_open, Some(false), "nobody closes before");
        }
    }
    peer.has_delivered_all();
    let mut is_open = true;
    while is_open && *peer.satisfied.borrow() < 2 {
        is_open = tokio::select! {
            () = both(&peer.satisfied) => break,
            // What waits is written meanwhile.
            is_open = ws.read_to(&mut inbox, own.reads_parts) => is_open,
        };
    }
    if own.closes {
        for _ in 0..3 {
            let closed = wait(moods.short(), ws.close(CloseCode::NORMAL, "")).await;
            closed.unwrap_or(Ok(())).expect("an orderly end");
        }
        ws.close(CloseCode::NORMAL, "").await.expect("an orderly end");
    }
    while is_open {
        is_open = ws.read_to(&mut inbox, own.reads_parts).await;
    }
    assert_eq!(ws.read().await.expect("an orderly end"), None);
}

async fn add<R: Drives<End>>(ws: &mut WebSocket<End, R>, moods: &mut Moods, message: &str) {
    match moods.random.below(5) {
        0 => ws.write(message).expect("it is open"),
        1 => ws.write(event(&mut moods.random, message)).expect("it is open"),
        2 => {
            let sent = wait(moods.short(), ws.send(event(&mut moods.random, message))).await;
            sent.unwrap_or(Ok(())).expect("the peer reads");
        }
        3 => {
            let (start, end) = message.as_bytes().split_at(message.len() / 2);
            ws.write_binary_part(start, false).expect("it is open");
            ws.write_binary_part(end, true).expect("it is open");
        }
        _ => {
            ws.write(Message::Ping(b"?".into())).expect("it is open");
            ws.write(message).expect("it is open");
        }
    }
}

/// A task that reads, and some that write.
async fn split<R: Drives<End> + 'static>(ws: WebSocket<End, R>, own: Program, peer: Peer) {
    let (reader, mut writer) = ws.split();
    let satisfied = peer.satisfied.clone();
    let reading = spawn_local(read(reader, own.clone(), peer));
    let write = |(id, lens): (usize, &Vec<usize>)| {
        spawn_local(write(writer.clone(), id, lens.clone(), own.seed))
    };
    let writing: Vec<JoinHandle<()>> = own.writers.iter().enumerate().map(write).collect();
    for writing in writing {
        writing.await.expect("no panic");
    }
    if own.closes {
        both(&satisfied).await;
        writer.close(CloseCode::NORMAL, "").await.expect("an orderly end");
    }
    let reader = reading.await.expect("no panic");
    let mut ws = reader.reunite(writer).ok().expect("no clone is left");
    assert_eq!(ws.read().await.expect("an orderly end"), None);
}

async fn read<R: Drives<End>>(
    mut reader: Reader<End, R>,
    own: Program,
    peer: Peer,
) -> Reader<End, R> {
    let (mut moods, mut inbox) = (Moods::new(!own.seed), Inbox::new(&peer.program));
    let mut peer = Some(peer);
    loop {
        if inbox.missing == 0 {
            peer.take().inspect(Peer::has_delivered_all);
        }
        let is_open = wait(moods.any(), reader.read_to(&mut inbox, own.reads_parts)).await;
        if is_open == Some(false) {
            return reader;
        }
    }
}

async fn write<R: Drives<End>>(mut writer: Writer<End, R>, id: usize, lens: Vec<usize>, seed: u64) {
    let mut moods = Moods::new(seed.wrapping_add(id as u64));
    for (number, len) in lens.into_iter().enumerate() {
        let message = message(id, number, len);
        match moods.random.below(6) {
            0 => writer.write(&message).expect("it is open"),
            1 => {
                writer.write(Message::Ping(b"?".into())).expect("it is open");
                writer.write(event(&mut moods.random, &message)).expect("it is open");
            }
            2 => {
                let sent = wait(moods.any(), writer.send(event(&mut moods.random, &message))).await;
                sent.unwrap_or(Ok(())).expect("the peer reads");
            }
            3 => {
                // What is fed is to be flushed, by anybody.
                writer.feed(event(&mut moods.random, &message)).await.expect("the peer reads");
                let flushed = wait(moods.any(), SinkExt::flush(&mut writer)).await;
                flushed.unwrap_or(Ok(())).expect("the peer reads");
            }
            4 => {
                writer.write(&message).expect("it is open");
                let flushed = wait(moods.any(), writer.flush()).await;
                flushed.unwrap_or(Ok(())).expect("the peer reads");
            }
            _ => {
                let mut another = writer.clone();
                let sent = wait(moods.short(), another.send(&message)).await;
                sent.unwrap_or(Ok(())).expect("the peer reads");
            }
        }
        if moods.random.below(4) == 0 {
            yield_now().await;
        }
    }
}

async fn run_end(role: Role, end: End, own: Program, peer: Peer) {
    async fn run<R: Drives<End> + 'static>(ws: WebSocket<End, R>, own: Program, peer: Peer) {
        if own.is_split { split(ws, own, peer).await } else { whole(ws, own, peer).await }
    }
    let connection = role.connection(&Config::new());
    match own.adapter {
        Adapter::Tokio => {
            run(sansws::tokio::WebSocket::new(end, connection, Vec::new()), own, peer).await;
        }
        Adapter::FuturesIo => {
            run(sansws::futures_io::WebSocket::new(end, connection, Vec::new()), own, peer).await;
        }
    }
}

fn run(habits: [Habits; 2], mut programs: [Program; 2]) {
    programs[0].closes |= !programs[1].closes;
    // A stream that passes a byte at a time is tried with short messages.
    let slowest = habits.iter().map(|habits| habits.capacity.min(habits.max_len)).min();
    let longest = 100 * slowest.expect("two ends");
    let lens = programs.iter_mut().flat_map(|program| program.writers.iter_mut().flatten());
    lens.for_each(|len| *len = longest.min(*len));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let started = Instant::now();
        let (one, two) = pipe::pipe(habits);
        let (satisfied, [first, second]) = (Satisfied::default(), programs);
        let peer =
            |program: &Program| Peer { program: program.clone(), satisfied: satisfied.clone() };
        let (peer_of_first, peer_of_second) = (peer(&second), peer(&first));
        let server = spawn_local(run_end(Role::Server, one, first, peer_of_first));
        let client = spawn_local(run_end(Role::Client, two, second, peer_of_second));
        for end in [server, client] {
            // Time stands still, but when all sleep.
            let ended = tokio::time::timeout(Duration::from_secs(5), end).await;
            ended.expect("nobody sleeps for ever").expect("no panic");
        }
        assert_eq!(started.elapsed(), Duration::ZERO, "a timer has woken somebody");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn all_that_is_sent_is_received(
        habits in [habits(), habits()],
        programs in [program(), program()],
    ) {
        run(habits, programs);
    }
}
