//! What the adapters for streams share: `blocking`,
//! `tokio` and `futures_io`.
//!
//! An adapter owns a stream and a [`Connection`](crate::Connection) and does with
//! the one what the other says. All of them behave alike:
//!
//! - **Reading writes.** `read` returns a message that is here without touching
//!   the stream. Before it waits for more, it writes what is pending: pongs, the
//!   answer to a Close frame, and what the program has written. So the natural
//!   loop, read and write in turn, sends many answers in one call and leaves
//!   none unsent.
//! - **`write` only buffers**, and cannot block. `flush` writes all of it; `send`
//!   does both. A WebSocket that is dropped writes nothing more and says no goodbye: its peer
//!   sees the end of the stream, without what was not flushed. `close` flushes, and says it.
//! - **Writing races with closing.** A program that writes for other reasons than that it
//!   has just read a message can find the connection closed already:
//!   [`SendError::Closed`](crate::SendError::Closed). That is no failure. Drop the message and
//!   read on: the next reads say how the connection ended.
//! - **Silent peers are given up**, by the keepalive and its deadline
//!   ([`Config`](crate::Config)): a read that waits sends the pings, and a flush that waits has
//!   the same patience. The program is told at once: nobody waits for such a peer to end its
//!   stream. (A `blocking` stream that is written to has timeouts of its own.)
//! - **Back-pressure.** While more than
//!   `set_high_water_mark` bytes wait to be written,
//!   nothing is read, so a peer that sends without reading fills its own buffers
//!   and not ours. (Two programs that both write more than the stream can hold
//!   before they read would wait for each other: split the WebSocket of such a program.
//!   Then what the program writes does not keep the reader from reading, only automatic answers
//!   do, and the writer waits in `flush`. The same holds while the connection closes.) What the
//!   program adds by `write` has no bound but its own.
//! - **Closing is orderly.** `read` answers a Close frame, and tells a peer that
//!   broke the protocol so, before it says that the connection is at its end; it
//!   shuts down the sending side and reads until the peer has ended the stream,
//!   or the close timeout has passed, so that no reset destroys what was sent. What
//!   cannot be written by then is dropped, and a `flush` that waits for it fails.
//! - **Nobody keeps the others waiting.** After some MiB without a pause a task gives way once,
//!   though there may be messages at hand: it is woken at once, but `now_or_never` says that there
//!   is none.
//! - **Cancel-safe.** Once the connection is open, no method keeps anything in its future:
//!   `read`, `flush` and `close` can be dropped at any point and called again. A `send` has added
//!   its message as soon as it is called: go on with `flush`. (The opening handshake is not: what
//!   is dropped there takes the stream with it.)
//! - **One task at a time.** The futures of a WebSocket are for one task, which is the one that is
//!   woken. Two have a `Reader` and a `Writer`, and so has a type of yours that is polled for
//!   reading by one and for writing by another; only as a `Stream` and a `Sink` the WebSocket
//!   itself may be divided.
//! - **Without a network too.** In a test, `tokio::io::duplex` makes two streams for a client
//!   (`connect_over`) and a server (`accept`). (With `tokio::time::pause` both have to be in the
//!   runtime: while it waits for somebody else, its clock leaps to the next deadline.)
//! - **Idle connections are small.** What is read goes to a buffer that the
//!   thread has for all its connections; one of them owns memory only while part
//!   of a message, or a message nobody has asked for, is waiting.

#[cfg(feature = "connect")]
mod connect;
mod driver;
mod error;
mod input;
#[cfg(feature = "blocking")]
mod lent;
mod opening;
mod output;
mod received;
mod refusal;
mod socket;
mod spare;
mod trace;
mod turn;

#[cfg(feature = "_async")]
mod incoming;
#[cfg(feature = "_async")]
mod split;
#[cfg(feature = "_async")]
mod tasks;
#[cfg(feature = "_async")]
mod websocket;

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "futures-io")]
pub mod futures_io;
#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg(feature = "connect")]
pub use connect::Connector;
pub use error::Error;
#[cfg(feature = "_async")]
pub use incoming::Incoming;
pub use refusal::Refusal;
pub use socket::{Drives, Runtime};
#[cfg(feature = "_async")]
pub use split::{Reader, Writer};
#[cfg(feature = "_async")]
pub use websocket::WebSocket;
