//! Shards: one task for each listener, which accepts and watches deadlines, and one task for each of its connections.

use crate::shard::{Link, Shard};
use crate::socket::Socket;
use async_global_executor::GlobalExecutorConfig;
use async_io::{Async, Timer};
use async_std::task;
use namesrv_shell::connection::{Connection, Shared};
use namesrv_shell::server::{Inbox, Server, ToIo};
use std::future::{self, Future};
use std::io;
use std::mem;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

/// The most connections accepted in one round.
const ACCEPTS_MAX: usize = 64;

/// Serves until the server is told to stop.
///
/// # Errors
/// The operating system refuses to poll.
pub(crate) fn serve(mut server: Server) -> io::Result<()> {
    start_threads(server.listeners.len());
    let shared = Arc::new(Shared::new(&server));
    let mut inboxes: Vec<Arc<dyn Inbox>> = Vec::new();
    let mut acceptors = Vec::new();
    for (index, listener) in (0..).zip(mem::take(&mut server.listeners)) {
        let shard = Arc::new(Shard::new(index, &shared));
        inboxes.push(Arc::clone(&shard) as Arc<dyn Inbox>);
        let listener = Some(Async::new(listener)?);
        acceptors.push(Acceptor { shard, listener, timer: Timer::never() });
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
            // This fails only if another task failed before.
            let _ = ended.send(acceptor.run().await);
        });
    }
    drop(ended);
    ends.into_iter().collect()
}

/// Starts the threads that run all tasks. async-std would take their number from the environment, but it keeps a pool
/// that already exists.
fn start_threads(threads: usize) {
    let next = AtomicUsize::new(0);
    let config = GlobalExecutorConfig::default()
        // No variable, because the number of threads comes from the server's own configuration.
        .with_env_var("")
        .with_min_threads(threads)
        .with_max_threads(threads)
        .with_thread_name_fn(move || format!("io-{}", next.fetch_add(1, Ordering::Relaxed)));
    async_global_executor::init_with_config(config);
}

/// The task of one listener.
struct Acceptor {
    shard: Arc<Shard>,
    /// `None` once the server stops.
    listener: Option<Async<TcpListener>>,
    timer: Timer,
}

impl Acceptor {
    /// Each round first handles the events of the listener and of other tasks, and then the deadlines.
    async fn run(mut self) -> io::Result<()> {
        loop {
            self.shard.sockets().tick();
            self.read_mailbox();
            self.accept();
            self.shard.wake_due();
            if self.shard.sockets().is_finished() {
                return Ok(());
            }
            let timeout = self.poll_timeout();
            if timeout.is_zero() {
                task::yield_now().await;
            } else {
                self.timer.set_after(timeout);
                future::poll_fn(|context| self.poll_event(context)).await?;
            }
        }
    }

    /// Returns ready if there is something to do.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let has_backlog = self.shard.sockets().has_backlog();
        if let Some(listener) = self.listener.as_ref().filter(|_| !has_backlog)
            && let Poll::Ready(result) = listener.poll_readable(context)
        {
            self.shard.sockets().note_readable();
            return Poll::Ready(result);
        }
        let is_sent = self.shard.mailbox.poll(context).is_ready();
        let is_late = Pin::new(&mut self.timer).poll(context).is_ready();
        if is_sent || is_late { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Returns how long to wait without an event.
    fn poll_timeout(&self) -> Duration {
        let sockets = self.shard.sockets();
        let accept = self.listener.as_ref().and_then(|_| sockets.accept_timeout());
        accept.into_iter().fold(sockets.poll_timeout(), Duration::min)
    }

    fn read_mailbox(&mut self) {
        for message in self.shard.mailbox.take().messages {
            match message {
                ToIo::Stop { within } => self.stop(within),
                ToIo::List(listing) => {
                    let links = self.shard.links().into_iter();
                    listing.answer(links.filter_map(|link| link.connection().as_ref().map(Connection::facts)));
                }
                ToIo::Reply { .. } | ToIo::Close { .. } => {}
            }
        }
    }

    fn stop(&mut self, within: Duration) {
        self.listener = None;
        self.shard.sockets().stop(within);
        for link in self.shard.links() {
            link.mailbox.deliver(ToIo::Stop { within });
        }
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS_MAX {
            let may_accept = self.shard.sockets().may_accept();
            let Some(listener) = self.listener.as_ref().filter(|_| may_accept) else { return };
            match listener.get_ref().accept() {
                Ok((stream, address)) => self.open(stream, address),
                Err(error) => self.shard.sockets().handle_accept_error(&error),
            }
        }
    }

    fn open(&self, stream: TcpStream, address: SocketAddr) {
        let mut prepared = None;
        let serial = self.shard.sockets().open(address, |_, connection| {
            stream.set_nodelay(true)?;
            let link = Arc::new(Link::new(connection));
            prepared = Some((Arc::clone(&link), Async::new(stream)?));
            Ok(link)
        });
        if let (Some(serial), Some((link, stream))) = (serial, prepared) {
            task::spawn(Socket::new(serial, Arc::clone(&self.shard), link, stream).run());
        }
    }
}
