//! A stream before its connection: the opening handshake, in time.

use alloc::vec::Vec;
use core::future::poll_fn;
use core::mem;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};

use super::error::Error;
use super::refusal::{Author, Body, Refusal};
use super::socket::{Drives, Runtime, Timer};
use super::spare::with_buffer;
use super::trace;
use super::turn::Turn;
use crate::MaskingKeys;
use crate::connection::{Config, Connection};
use crate::handshake::{
    Accept, Accepted, Answer, HandshakeError, Request, RequestBuilder, Response, ServerHandshake,
    Uri,
};

/// How much is read, and dropped, of a peer that was refused.
const MAX_LINGERING: usize = 1 << 20;

/// A stream, and until when its handshake must be done.
pub(super) struct Opening<S, R: Runtime> {
    pub(super) stream: S,
    pub(super) timer: R::Timer,
    timeout: Duration,
    deadline: Option<std::time::Instant>,
    max_head_len: usize,
    turn: Turn,
}

impl<S, R: Drives<S>> Opening<S, R> {
    pub(super) fn new(stream: S, timer: R::Timer, config: &Config) -> Self {
        let (timeout, max_head_len) = (config.handshake(), config.head_len());
        let deadline = R::now().checked_add(timeout);
        Self { stream, timer, timeout, deadline, max_head_len, turn: Turn::default() }
    }

    /// Gives the answer as much time as the request had: what the program has taken between
    /// the two is not the client's fault.
    fn begin_answer(&mut self) {
        self.deadline = R::now().checked_add(self.timeout);
    }

    /// With less time, if this is earlier.
    #[cfg(all(feature = "connect", feature = "blocking"))]
    pub(super) fn no_later_than(mut self, deadline: Option<std::time::Instant>) -> Self {
        self.deadline = [self.deadline, deadline].into_iter().flatten().min();
        self
    }

    /// Reads a request; and what came behind it. If it is none, says so.
    pub(super) async fn receive_request(&mut self) -> Result<(Request<'static>, Vec<u8>), Error> {
        let mut handshake = ServerHandshake::new().max_head_len(self.max_head_len);
        let receive =
            |input: &mut &mut [u8]| Ok(handshake.receive(input)?.map(Request::into_owned));
        match self.read_until(receive).await {
            Err(Error::Handshake(error)) => Err(self.refuse(error).await),
            result => result.inspect_err(|error| trace::failed_to_open(None, error)),
        }
    }

    /// Accepts a request as `choose` says; if that is an error, says so.
    pub(super) async fn accept<C>(
        &mut self,
        request: &Request<'static>,
        config: &Config,
        choose: C,
    ) -> Result<Connection, Error>
    where
        C: for<'r> FnOnce(&'r Request<'static>) -> Result<Accept<'r>, Error>,
    {
        let mut out = Vec::new();
        // The answer borrows the request, and must not be held while writing.
        let chosen = choose(request).map(|accept| accept.into_connection(config, &mut out));
        self.begin_answer();
        match chosen {
            Ok(connection) => {
                let written = self.write_all(&out).await;
                written.inspect_err(|error| trace::failed_to_open(None, error))?;
                trace::accepted(request);
                Ok(connection)
            }
            Err(Error::Handshake(error)) => Err(self.refuse(error).await),
            Err(error) => {
                trace::failed_to_open(None, &error);
                // Why it was refused is of more use than that this could not be said.
                let _ = self.respond(request, 500, &[], b"").await;
                Err(error)
            }
        }
    }

    pub(super) async fn respond(
        &mut self,
        request: &Request<'static>,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), Error> {
        self.begin_answer();
        let mut out = Vec::new();
        // The client is not to be left without an answer.
        let built = request
            .respond(status, headers, body, &mut out)
            .or_else(|error| request.respond(500, &[], b"", &mut out).and(Err(error)));
        let written = self.write_all(&out).await;
        match &written {
            Ok(()) => {
                trace::answered(request, if built.is_ok() { status } else { 500 });
                self.linger().await;
            }
            Err(error) => trace::failed_to_open(None, error),
        }
        built?;
        written
    }

    /// Sends a request, and reads the answer; and what came behind it.
    pub(super) async fn connect(
        &mut self,
        request: RequestBuilder,
        config: &Config,
    ) -> Result<(Connection, Accepted<'static>, Vec<u8>), Error> {
        let uri = request.uri().clone();
        let opened = self.connect_to(&uri, request, config).await;
        opened.inspect_err(|error| trace::failed_to_open(Some(uri.authority()), error))
    }

    async fn connect_to(
        &mut self,
        uri: &Uri,
        request: RequestBuilder,
        config: &Config,
    ) -> Result<(Connection, Accepted<'static>, Vec<u8>), Error> {
        let mut out = Vec::new();
        let mut handshake =
            request.start(crate::handshake::nonce(), &mut out).max_head_len(self.max_head_len);
        self.write_all(&out).await?;
        let receive = |input: &mut &mut [u8]| {
            Ok(handshake.receive(input)?.map(|answer| match answer {
                Answer::Accepted(accepted) => Ok(accepted.into_owned()),
                Answer::Refused(response) => Err(response.into_owned()),
            }))
        };
        match self.read_until(receive).await? {
            (Ok(accepted), remainder) => {
                trace::connected(uri.authority());
                let connection = accepted.connection(config, MaskingKeys::random());
                Ok((connection, accepted, remainder))
            }
            (Err(response), start) => Err(self.refused(response, start, Author::Server).await),
        }
    }

    /// Asks a proxy for a tunnel to the server that `uri` names.
    #[cfg(feature = "connect")]
    pub(super) async fn tunnel(
        &mut self,
        uri: &Uri,
        authorization: Option<&str>,
    ) -> Result<(), Error> {
        let mut out = Vec::new();
        let mut tunnel =
            crate::handshake::Tunnel::start(&uri.host_and_port(), authorization, &mut out);
        self.write_all(&out).await?;
        let receive = |input: &mut &mut [u8]| Ok(tunnel.receive(input)?.map(Response::into_owned));
        match self.read_until(receive).await? {
            // It is for us to speak first.
            (response, rest) if response.status() < 300 && rest.is_empty() => Ok(()),
            (response, _) if response.status() < 300 => Err(HandshakeError::Malformed.into()),
            (response, start) => Err(self.refused(response, start, Author::Proxy).await),
        }
    }

    /// Reads the body of a refusal, as far as it comes in time.
    async fn refused(
        &mut self,
        response: Response<'static>,
        start: Vec<u8>,
        author: Author,
    ) -> Error {
        let mut body = Body::of(&response, start);
        // Who follows a redirection has no use for what it says, and need not wait for it.
        let is_redirection = matches!(response.status(), 300..400);
        let leads_on = is_redirection && response.header("location").is_some();
        while !body.is_complete() && !leads_on {
            match self.read(|bytes| body.extend(bytes)).await {
                Ok(0) | Err(_) => break, // what there is of it is better than nothing
                Ok(_) => {}
            }
        }
        Error::Refused(Refusal::new(response, body, author).into())
    }

    async fn refuse(&mut self, error: HandshakeError) -> Error {
        trace::refused(error);
        let mut out = Vec::new();
        error.respond(&mut out);
        if self.write_all(&out).await.is_ok() {
            self.linger().await;
        }
        Error::Handshake(error)
    }

    /// Reads until `take` has what it wants; and what came behind that.
    async fn read_until<T>(
        &mut self,
        mut take: impl FnMut(&mut &mut [u8]) -> Result<Option<T>, HandshakeError>,
    ) -> Result<(T, Vec<u8>), Error> {
        loop {
            let mut taken = Ok(None);
            let count = self
                .read(|mut input| {
                    taken = take(&mut input).map(|taken| taken.map(|t| (t, input.to_vec())));
                })
                .await?;
            if count == 0 {
                return Err(Error::Io(io::ErrorKind::UnexpectedEof.into()));
            }
            if let Some(taken) = taken? {
                return Ok(taken);
            }
        }
    }

    /// Reads once; how many bytes came, 0 at the end of the stream.
    async fn read(&mut self, mut take: impl FnMut(&mut [u8])) -> Result<usize, Error> {
        let mut turn = mem::take(&mut self.turn);
        let in_time = self.in_time(|stream, cx| {
            ready!(turn.give_way::<R>(cx));
            let read = with_buffer(|buffer| {
                let count = ready!(R::poll_read(stream, cx, buffer))?;
                turn.has_read::<R>(count);
                take(&mut buffer[..count]);
                Poll::Ready(Ok(count))
            });
            if read.is_pending() {
                turn.end();
            }
            read
        });
        let result = in_time.await;
        self.turn = turn;
        result
    }

    async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        self.in_time(|stream, cx| {
            while !bytes.is_empty() {
                match ready!(R::poll_write(stream, cx, &[IoSlice::new(bytes)]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => bytes = &bytes[count..],
                }
            }
            R::poll_flush(stream, cx)
        })
        .await
    }

    /// Ends the stream so that the peer gets what was written: a reset would
    /// destroy it. Not for a peer that sends without end.
    async fn linger(&mut self) {
        let mut left = MAX_LINGERING;
        if self.in_time(R::poll_shutdown).await.is_ok() {
            while let Ok(count @ 1..) = self.read(|_| {}).await {
                left = left.saturating_sub(count);
                if left == 0 {
                    return;
                }
            }
        }
    }

    /// What `poll` does, if it is done in time.
    async fn in_time<T>(
        &mut self,
        mut poll: impl FnMut(&mut S, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Result<T, Error> {
        loop {
            let Self { stream, timer, deadline, .. } = self;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(R::now()));
            // Whoever sends a byte now and then is too slow too. Not looked at afterwards: what has
            // been done, the peer has seen.
            if left == Some(Duration::ZERO) {
                return Err(Error::HandshakeTimeout);
            }
            R::before_read(timer, stream, left)?;
            let result = poll_fn(|cx| match poll(stream, cx) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending => match deadline {
                    Some(deadline) => timer.poll(cx, *deadline).map(|()| None),
                    None => Poll::Pending,
                },
            })
            .await;
            match result {
                None => {}
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(result) => return Ok(result?),
            }
        }
    }
}
