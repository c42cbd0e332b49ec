//! Programs written by the combinators of `futures_util`, in tasks: what the compiler has to take,
//! and that it works. Of items with a lifetime, be it `'static`, it takes few of these.

use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, SinkExt, StreamExt, TryStreamExt, future};
use sansws::io::Error;
use sansws::tokio::WebSocket;
use sansws::{Close, CloseCode, Config, Connection, Event, MaskingKeys, Message};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Socket = WebSocket<DuplexStream>;

/// A server's end and a client's.
fn pair() -> (Socket, Socket) {
    let (ours, theirs) = duplex(1024);
    let server = WebSocket::new(ours, Connection::server(&Config::new()), Vec::new());
    let keys = MaskingKeys::random();
    let client = WebSocket::new(theirs, Connection::client(&Config::new(), keys), Vec::new());
    (server, client)
}

fn stream_of<T: Unpin>(mut receiver: UnboundedReceiver<T>) -> impl futures_util::Stream<Item = T> {
    futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx))
}

/// Passes on what each says to all others, by whichever way to divide the connection.
#[tokio::test]
async fn a_chat_by_forward() {
    type Senders = Arc<Mutex<Vec<UnboundedSender<Message>>>>;

    async fn serve(ws: Socket, senders: Senders, is_ours: bool) {
        let (sender, receiver) = unbounded_channel();
        senders.lock().expect("no panic").push(sender.clone());
        let speak = |message: Message| {
            for other in senders.lock().expect("no panic").iter() {
                if !other.same_channel(&sender) && matches!(message, Message::Text(_)) {
                    let _ = other.send(message.clone());
                }
            }
            future::ok::<_, Error>(())
        };
        if is_ours {
            let (reader, writer) = ws.split();
            let heard = stream_of(receiver).map(Ok).forward(writer);
            future::select(reader.try_for_each(speak), heard).await;
        } else {
            let (sink, stream) = StreamExt::split(ws);
            let heard = stream_of(receiver).map(Ok::<_, Error>).forward(sink);
            future::select(stream.try_for_each(speak), heard).await;
        }
    }

    let senders = Senders::default();
    let (one, mut client) = pair();
    let (other, mut other_client) = pair();
    tokio::spawn(serve(one, Arc::clone(&senders), true));
    tokio::spawn(serve(other, Arc::clone(&senders), false));
    while senders.lock().expect("no panic").len() < 2 {
        tokio::task::yield_now().await;
    }
    client.send("hello").await.expect("it is open");
    assert_eq!(other_client.read().await.expect("it is open"), Some("hello".into()));
    other_client.send("you too").await.expect("it is open");
    assert_eq!(client.read().await.expect("it is open"), Some("you too".into()));
}

fn is_data(message: &Message) -> future::Ready<bool> {
    future::ready(matches!(message, Message::Text(_) | Message::Binary(_)))
}

/// Two connections, each forwarded to the other.
#[tokio::test]
async fn a_relay_by_two_forwards() {
    let (left, mut client) = pair();
    let (echo, right) = pair();
    let relay = tokio::spawn(async move {
        let (left_sink, left_stream) = StreamExt::split(left);
        let (right_sink, right_stream) = StreamExt::split(right);
        let there = left_stream.try_filter(is_data).forward(right_sink);
        let back = right_stream.try_filter(is_data).map_ok(|message| message).forward(left_sink);
        future::join(there, back).map(|(there, back)| there.and(back)).await
    });
    tokio::spawn(async move {
        let (sink, stream) = StreamExt::split(echo);
        stream.try_filter(is_data).forward(sink).await
    });
    for len in [0, 5, 10_000] {
        let message = Message::Binary(vec![7; len]);
        client.feed(message.clone()).await.expect("it is open");
        SinkExt::flush(&mut client).await.expect("it is open");
        assert!(client.next().await.expect("no end").expect("it is open") == message);
    }
    client.close(CloseCode::NORMAL, "").await.expect("an orderly end");
    relay.await.expect("no panic").expect("an orderly end");
}

#[test]
fn a_message_is_the_event_that_it_was() {
    let events = [
        Event::Text("text".into()),
        Event::Binary((&[1, 2][..]).into()),
        Event::Ping((&[3][..]).into()),
        Event::Pong((&[][..]).into()),
        Event::Close(Close::new(CloseCode::GOING_AWAY, "bye")),
        Event::Close(Close::default()),
    ];
    for event in events {
        let message = Message::from(event.clone());
        assert_eq!(Event::from(&message), event);
        assert_eq!(Event::from(message), event);
    }
}

/// What holds a connection need not say what its stream can do.
#[test]
fn a_struct_needs_no_bounds() {
    struct Peer<S> {
        reader: sansws::tokio::Reader<S>,
        writer: sansws::tokio::Writer<S>,
    }
    impl<S> Peer<S> {
        fn say(&self, text: &str) -> bool {
            self.writer.write(text).is_ok()
        }
    }
    let (reader, writer) = pair().0.split();
    let peer = Peer { reader, writer };
    assert!(peer.say("hello"));
    drop(peer.reader);
    assert_eq!(peer.writer.connection(Connection::close_sent), None);
}
