//! Shards: a task for each listener, which accepts and watches deadlines, and a task for each of its connections.

use crate::inbox::{Mailbox, lock};
use crate::link::Link;
use crate::shard::{Sender, Shard};
use crate::socket::Socket;
use async_global_executor::GlobalExecutorConfig;
use async_io::{Async, Timer};
use async_std::task;
use namesrv_core::time::{Instant, Now};
use namesrv_core::{ConnId, Peer};
use namesrv_shell::accept_backoff::AcceptBackoff;
use namesrv_shell::connection::{Connection, Shared};
use namesrv_shell::server::{Inbox, Server, ToIo};
use namesrv_shell::shard::TICK;
use std::future::{self, Future};
use std::io;
use std::mem;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

/// Connections accepted in one round.
const ACCEPTS_MAX: usize = 64;

/// Serves until the server is told to stop.
///
/// # Errors
/// The operating system refuses to poll.
pub(crate) fn serve(mut server: Server) -> io::Result<()> {
    start_threads(server.listeners.len());
    let shared = Arc::new(Shared::new(&server));
    let mut inboxes: Vec<Box<dyn Inbox>> = Vec::new();
    let mut acceptors = Vec::new();
    for (index, listener) in (0..).zip(mem::take(&mut server.listeners)) {
        let shard =
            Arc::new(Shard { shared: Arc::clone(&shared), mailbox: Mailbox::default(), sockets: Mutex::default() });
        inboxes.push(Box::new(Sender(Arc::clone(&shard))));
        acceptors.push(Acceptor {
            index,
            shard,
            listener: Some(Async::new(listener)?),
            backoff: AcceptBackoff::new(Arc::clone(&shared.accept_log)),
            serial: 0,
            stop_at: None,
            timer: Timer::never(),
        });
    }
    server.registry.attach(inboxes);
    drop(server);
    join(acceptors)
}

/// Runs the tasks until all are done or one fails.
fn join(acceptors: Vec<Acceptor>) -> io::Result<()> {
    let (ended, ends) = mpsc::channel();
    for acceptor in acceptors {
        let ended = ended.clone();
        task::spawn(async move {
            // It fails only if another task failed before.
            let _ = ended.send(acceptor.run().await);
        });
    }
    drop(ended);
    ends.into_iter().collect()
}

/// Starts the threads that run all tasks. async-std takes their number from the environment only, but it leaves a pool
/// alone that is there already.
fn start_threads(threads: usize) {
    let next = AtomicUsize::new(0);
    let config = GlobalExecutorConfig::default()
        // Of no variable: the number of threads is a matter of our configuration.
        .with_env_var("")
        .with_min_threads(threads)
        .with_max_threads(threads)
        .with_thread_name_fn(move || format!("io-{}", next.fetch_add(1, Ordering::Relaxed)));
    async_global_executor::init_with_config(config);
}

/// The task of one listener.
struct Acceptor {
    index: u16,
    shard: Arc<Shard>,
    /// `None` once the server stops.
    listener: Option<Async<TcpListener>>,
    backoff: AcceptBackoff,
    /// That of the newest connection.
    serial: u64,
    /// When to give up what is not written.
    stop_at: Option<Instant>,
    timer: Timer,
}

impl Acceptor {
    /// Rounds of: what the listener and the others say, and then the deadlines.
    async fn run(mut self) -> io::Result<()> {
        loop {
            let now = self.shard.shared.clock.now();
            self.shard.shared.counters.progress.note_io(self.index, now.monotonic);
            lock(&self.shard.sockets).tick(now.monotonic);
            self.backoff.tick(now.monotonic);
            self.read_inbox(now.monotonic);
            self.accept(now);
            self.shard.wake_due(now.monotonic);
            let is_empty = || lock(&self.shard.sockets).is_empty();
            if self.stop_at.is_some_and(|stop_at| stop_at <= now.monotonic || is_empty()) {
                return Ok(());
            }
            let timeout = self.poll_timeout(now.monotonic);
            if timeout.is_zero() {
                task::yield_now().await;
            } else {
                self.timer.set_after(timeout);
                future::poll_fn(|context| self.poll_event(context)).await?;
            }
        }
    }

    /// Ready when there is something to do.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.backoff.has_backlog()
            && let Some(listener) = &self.listener
            && let Poll::Ready(result) = listener.poll_readable(context)
        {
            self.backoff.note_readable();
            return Poll::Ready(result);
        }
        let is_sent = self.shard.mailbox.poll(context).is_ready();
        let is_late = Pin::new(&mut self.timer).poll(context).is_ready();
        if is_sent || is_late { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Returns how long to wait without an event.
    fn poll_timeout(&self, now: Instant) -> Duration {
        let until = |deadline: Instant| deadline.since(now);
        let accept = self.listener.as_ref().and_then(|_| self.backoff.poll_timeout(now));
        let deadline = lock(&self.shard.sockets).poll_timeout().map(until);
        [accept, deadline, self.stop_at.map(until)].into_iter().flatten().fold(TICK, Duration::min)
    }

    fn read_inbox(&mut self, now: Instant) {
        let messages = self.shard.mailbox.take();
        if messages.is_woken {
            self.backoff.note_closed();
        }
        for message in messages.list {
            match message {
                ToIo::Stop { within } => self.stop(within, now),
                ToIo::List(listing) => listing.answer(self.shard.links().iter().filter_map(|link| link.facts())),
                ToIo::Reply { .. } | ToIo::Close { .. } => {}
            }
        }
    }

    fn stop(&mut self, within: Duration, now: Instant) {
        self.listener = None;
        self.stop_at = Some(now + within);
        for link in self.shard.links() {
            link.mailbox.deliver(ToIo::Stop { within });
        }
    }

    fn accept(&mut self, now: Now) {
        for _ in 0..ACCEPTS_MAX {
            let Some(listener) = self.listener.as_ref().filter(|_| self.backoff.may_accept(now.monotonic)) else {
                return;
            };
            match listener.get_ref().accept() {
                Ok((stream, address)) => self.open(stream, address, now),
                Err(error) => self.backoff.note_error(&error, now.monotonic),
            }
        }
    }

    fn open(&mut self, stream: TcpStream, address: SocketAddr, now: Now) {
        self.serial += 1;
        let serial = self.serial;
        let peer = Peer { conn: ConnId::new(self.index, serial), address: address.into() };
        let connection = Connection::open(peer, &self.shard.shared.views.load(), &self.shard.shared, now);
        self.backoff.note_accepted(connection.is_some(), now.monotonic);
        let Some(connection) = connection else { return };
        let prepared = stream.set_nodelay(true).and_then(|()| Async::new(stream));
        // It fails when the client is gone already, and the connection ends with it.
        if let Ok(stream) = prepared {
            let link = Arc::new(Link::new(connection));
            lock(&self.shard.sockets).insert(serial, Arc::clone(&link));
            let mut socket = Socket::new(serial, Arc::clone(&self.shard), link, stream);
            task::spawn(async move {
                socket.run().await;
                socket.close();
            });
        }
    }
}
