//! A connection with the bytes that wait on either side of it, and what there is
//! to do next. It does no I/O either; the adapters do what it says.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::mem;
use std::io;

use super::error::Error;
use super::input::Input;
use super::output::Output;
use super::received::Received;
use super::spare;
use super::trace;
use crate::connection::{Close, Connection, Event, State, Transport};
use crate::error::{SendError, Violation};
use crate::prepared::Prepared;
use crate::time::Instant;

/// From how many bytes on a payload is written from where it lies.
const LARGE: usize = 16 * 1024;

/// What may wait to be written before nothing more is read.
const HIGH_WATER_MARK: usize = 64 * 1024;

pub(super) struct Driver {
    ws: Connection,
    input: Input,
    pub(super) output: Output,
    pub(super) high_water_mark: usize,
    /// The peer's Close frame, until what answers it is written.
    close: Option<Box<Close<'static>>>,
    /// Why nothing can be read any more, and why nothing can be written.
    read_error: Option<io::Error>,
    write_error: Option<io::Error>,
    /// Whether the latter came of the end, and does not explain it.
    has_given_up: bool,
    /// Whether the outcome was told.
    has_ended: bool,
    /// Whether the stream has ended, which is told once all is written.
    is_at_end: bool,
    /// Whether another task writes than the one that reads.
    pub(super) is_split: bool,
    /// Whether there is one that reads, and so writes what nobody else does.
    #[cfg(feature = "_async")]
    pub(super) has_reader: bool,
    /// Whether the sending side of the stream was shut down.
    pub(super) is_shut: bool,
    /// What was written to the stream may still lie in a buffer of its own.
    pub(super) needs_flush: bool,
    /// Whether the stream took nothing when it was written to last.
    is_held_up: bool,
    #[cfg(feature = "_async")]
    pub(super) deadlines_passed: u32,
}

impl Driver {
    pub(super) fn new(ws: Connection, remainder: Vec<u8>) -> Self {
        Self {
            ws,
            input: remainder.into(),
            output: Output::default(),
            high_water_mark: HIGH_WATER_MARK,
            close: None,
            write_error: None,
            read_error: None,
            has_ended: false,
            has_given_up: false,
            is_at_end: false,
            is_split: false,
            #[cfg(feature = "_async")]
            has_reader: true,
            is_shut: false,
            needs_flush: false,
            is_held_up: false,
            #[cfg(feature = "_async")]
            deadlines_passed: 0,
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.ws
    }

    pub(super) fn parts(&mut self) -> (&mut Connection, &mut Vec<u8>) {
        (&mut self.ws, self.output.tail())
    }

    /// Whether something that was read before is not received yet.
    #[inline]
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Puts what is next in what was read before into `received`, or a message that is complete
    /// since its last bytes were read to where it is joined.
    #[inline]
    pub(super) fn next<T: Received>(&mut self, received: &mut Option<T>) -> Result<(), Error> {
        let Self { ws, output, close, input, .. } = self;
        let mut rest = input.bytes();
        let result = receive(ws, output, close, &mut rest, received);
        let left = rest.len();
        input.keep(left);
        result
    }

    /// As [`Connection::receive_payload`].
    #[inline]
    pub(super) fn receive_payload<T>(
        &mut self,
        read: impl FnOnce(&mut Vec<u8>, usize) -> T,
    ) -> Option<T> {
        self.ws.receive_payload(read)
    }

    /// Puts what is next into `received` after so much was read just now, when there is nothing
    /// from before: to the thread's `buffer`, or to where the message is joined if there is none.
    #[inline]
    pub(super) fn next_read<T: Received>(
        &mut self,
        read: io::Result<usize>,
        buffer: Option<&mut Box<[u8]>>,
        received: &mut Option<T>,
    ) -> Result<(), Error> {
        match (read, buffer) {
            (Ok(0), _) => self.end_of_stream(),
            (Ok(_), None) => return self.next(received),
            (Ok(count), Some(buffer)) => return self.next_in(buffer, count, received),
            // There is nothing yet, but time has passed.
            (Err(error), _) if error.kind() == io::ErrorKind::Interrupted => {}
            (Err(error), _) => self.read_failed(error),
        }
        Ok(())
    }

    /// What it does not take is kept.
    #[inline]
    fn next_in<T: Received>(
        &mut self,
        buffer: &mut Box<[u8]>,
        count: usize,
        received: &mut Option<T>,
    ) -> Result<(), Error> {
        let Self { ws, output, close, .. } = self;
        let mut rest = &mut buffer[..count];
        let result = receive(ws, output, close, &mut rest, received);
        let left = rest.len();
        if left > 0 {
            self.input = Input::left(buffer, count - left, count);
        }
        result
    }

    /// Whether to wait until something is written before anything more is read.
    #[inline]
    pub(super) fn is_congested(&self) -> bool {
        if self.output.len() <= self.high_water_mark {
            return false;
        }
        // Who writes in another task waits there, and who is closing sends no more
        // messages. If that made the reader wait too, two peers that both write
        // much would wait for each other for ever.
        let only_answers = self.is_split || self.is_closing();
        !only_answers || self.output.answers() > self.high_water_mark
    }

    /// Whether a program that is asked to wait before it writes should.
    #[cfg(feature = "_async")]
    pub(super) fn is_full(&self) -> bool {
        self.output.len() > self.high_water_mark
    }

    /// Whether all that was added has left.
    pub(super) fn is_written(&self) -> bool {
        self.output.is_empty() && !self.needs_flush
    }

    /// Whether the stream is to say when what waits can be written: not, if nobody has tried.
    #[cfg(feature = "_async")]
    pub(super) fn is_held_up(&self) -> bool {
        (self.is_held_up || self.needs_flush) && !self.is_write_broken()
    }

    /// The peer's Close frame, to be given to the program.
    pub(super) fn take_close<T: Received>(&mut self) -> Option<T> {
        self.close.take().map(|close| T::from_close(*close))
    }

    /// Whether the sending side of the stream is to be shut down now.
    pub(super) fn is_to_shut(&self) -> bool {
        let wants = matches!(self.ws.transport(), Transport::Shutdown | Transport::Close);
        wants && !self.is_shut && self.write_error.is_none()
    }

    /// Whether there is nothing more to do.
    pub(super) fn is_over(&self) -> bool {
        self.ws.transport() == Transport::Close
    }

    /// Whether there is nothing more to do, and how it ended then.
    pub(super) fn outcome(&mut self) -> Option<Result<(), Error>> {
        if !self.is_over() {
            return None;
        }
        let write_error = self.write_error.as_mut().filter(|_| !self.has_given_up);
        let error = self.read_error.as_mut().or(write_error);
        let outcome = match (error, self.ws.failure()) {
            (_, None) => Ok(()),
            (Some(error), Some(Violation::EndOfStream)) => Err(Error::Io(tell(error))),
            (_, Some(violation)) => Err(Error::Failed(violation)),
        };
        self.end(&outcome);
        Some(outcome)
    }

    /// Gives up what waits to be written, if there is nothing more to do.
    pub(super) fn give_up_writing(&mut self) {
        if self.is_over() {
            self.end(&self.ws.failure().map_or(Ok(()), |violation| Err(Error::Failed(violation))));
        }
    }

    fn end(&mut self, outcome: &Result<(), Error>) {
        if !self.has_ended {
            self.has_ended = true;
            trace::ended(&self.ws, outcome);
        }
        // Who waits for it to be written waits in vain.
        if !self.is_written() && self.write_error.is_none() {
            self.has_given_up = true;
            self.write_failed(io::ErrorKind::NotConnected.into());
        }
    }

    pub(super) fn read_failed(&mut self, error: io::Error) {
        // After the closing handshake a reset is as good as an end.
        self.read_error.get_or_insert(error);
        let _ = self.ws.receive_eof();
    }

    /// Ends the connection on this side alone.
    #[cfg(feature = "_async")]
    pub(super) fn abort(&mut self) {
        self.input.keep(0);
        self.write_failed(io::ErrorKind::ConnectionAborted.into());
        self.read_failed(io::ErrorKind::ConnectionAborted.into());
    }

    /// Says that the stream has ended. A peer that has only shut down its sending
    /// side is still told what there is to tell, as long as the close timeout lasts.
    pub(super) fn end_of_stream(&mut self) {
        let is_told_first = matches!(self.ws.state(), State::Closed | State::Failed)
            && !self.is_written()
            && !self.is_write_broken();
        self.is_at_end = true;
        if !is_told_first {
            // `outcome` says it.
            let _ = self.ws.receive_eof();
        }
    }

    /// Whether nothing more comes from the stream.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Says that the stream takes no more for now.
    pub(super) fn write_held_up(&mut self) {
        self.is_held_up = true;
        self.output.settle();
        self.input.settle();
    }

    /// Says that so much was written.
    pub(super) fn wrote(&mut self, count: usize) {
        self.output.advance(count);
        self.needs_flush = true;
        if mem::take(&mut self.is_held_up) {
            self.ws.handle_write_progress();
        }
    }

    /// What still waits can never be written. What was received before can still
    /// be read.
    pub(super) fn write_failed(&mut self, error: io::Error) {
        self.write_error.get_or_insert(error);
        self.needs_flush = false;
        self.drop_unwritable();
    }

    /// Whether nothing can be written any more.
    pub(super) fn is_write_broken(&self) -> bool {
        self.write_error.is_some()
    }

    /// Drops what can never be written, if that is so: it must not keep anybody from reading.
    pub(super) fn drop_unwritable(&mut self) {
        if self.is_write_broken() {
            self.output = Output::default();
        }
    }

    pub(super) fn check_write(&mut self) -> Result<(), Error> {
        let Some(error) = &mut self.write_error else { return Ok(()) };
        let failure = self.ws.failure().filter(|_| self.has_given_up);
        match (&self.read_error, failure) {
            (_, None) => Err(Error::Io(tell(error))),
            // As `outcome` has it, which is to have the error itself.
            (Some(error), Some(Violation::EndOfStream)) => Err(Error::Io(copy_of(error))),
            (_, Some(violation)) => Err(Error::Failed(violation)),
        }
    }

    /// When to wake up at the latest. The clock is only looked at if it matters.
    #[inline]
    pub(super) fn deadline(&mut self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        if self.ws.needs_clock() { self.ws.poll_timeout(now()) } else { None }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        #[cfg(feature = "_async")]
        {
            self.deadlines_passed = self.deadlines_passed.wrapping_add(1);
        }
        // A failure is told like any other, and what was read is not received any more.
        if self.ws.handle_timeout(now, self.output.tail()).is_err() {
            self.input.keep(0);
        }
    }

    /// Appends a message or control frame to what is to be written.
    pub(super) fn write(&mut self, event: Event<'_>) -> Result<(), SendError> {
        match event {
            Event::Text(Cow::Owned(text)) if self.writes_apart(text.as_bytes()) => {
                let payload = self.ws.send_text_vectored(text, self.output.tail())?;
                self.output.push(payload.into_owned().into());
                Ok(())
            }
            Event::Binary(Cow::Owned(data)) if self.writes_apart(&data) => {
                let payload = self.ws.send_binary_vectored(data, self.output.tail())?;
                self.output.push(payload.into_owned().into());
                Ok(())
            }
            Event::Text(Cow::Owned(text)) => {
                let result = self.write_text(&text);
                spare::give_message(text.into_bytes());
                result
            }
            Event::Binary(Cow::Owned(data)) => {
                let result = self.write_binary(&data);
                spare::give_message(data);
                result
            }
            Event::Text(Cow::Borrowed(text)) => self.write_text(text),
            Event::Binary(Cow::Borrowed(data)) => self.write_binary(data),
            Event::Ping(data) => self.ws.send_ping(&data, self.output.tail()),
            Event::Pong(data) => self.ws.send_pong(&data, self.output.tail()),
            Event::Close(close) => {
                self.ws.send_close(close.code, &close.reason, self.output.tail())
            }
        }
    }

    pub(super) fn write_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        if message.payload().len() < LARGE || !self.ws.is_server() {
            return self.output.append(|out| self.ws.send_prepared(message, out));
        }
        let frame = self.ws.send_prepared_vectored(message, self.output.tail())?;
        // Compressed it may be short.
        if frame.len() < LARGE {
            self.output.append(|out| out.extend_from_slice(&frame));
        } else {
            self.output.push(frame);
        }
        Ok(())
    }

    fn write_text(&mut self, text: &str) -> Result<(), SendError> {
        self.output.append(|out| self.ws.send_text(text, out))
    }

    fn write_binary(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.output.append(|out| self.ws.send_binary(data, out))
    }

    /// Whether a payload is written from where it lies.
    fn writes_apart(&self, payload: &[u8]) -> bool {
        payload.len() >= LARGE && !self.ws.compresses(payload)
    }

    /// Whether the connection is not open any more, so that nothing can be sent.
    pub(super) fn is_closing(&self) -> bool {
        self.ws.state() != State::Open
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A log that shows the beginning shows an end.
        if !self.has_ended {
            trace::dropped(&self.ws);
        }
    }
}

/// Puts the next of what is in `input` into `received`. That the connection has failed is no
/// error yet: first the peer is told.
#[inline]
fn receive<T: Received>(
    ws: &mut Connection,
    output: &mut Output,
    close: &mut Option<Box<Close<'static>>>,
    input: &mut &mut [u8],
    received: &mut Option<T>,
) -> Result<(), Error> {
    loop {
        match output.answer(|out| T::receive(ws, input, out, received)) {
            Ok(()) => {}
            Err(crate::Error::Failed(_)) => *input = &mut [],
            Err(error) => return Err(error.into()),
        }
        let Some(known) = received.as_mut().and_then(T::take_close) else { return Ok(()) };
        *close = Some(Box::new(known));
        *received = None;
    }
}

/// The error itself, of which a copy stays: whoever asks next wants to know too.
fn tell(error: &mut io::Error) -> io::Error {
    let copy = copy_of(error);
    mem::replace(error, copy)
}

/// `io::Error` cannot be cloned; of what it holds the text is left.
fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None if error.get_ref().is_none() => error.kind().into(),
        None => io::Error::new(error.kind(), format!("{error}")),
    }
}
