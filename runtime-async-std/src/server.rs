//! Lanes: a task for each listener, which accepts and watches deadlines, and a task for each of its connections.

use crate::connection::{Connection, Link};
use crate::inbox::{Mailbox, Sender, lock};
use arc_swap::ArcSwap;
use async_global_executor::GlobalExecutorConfig;
use async_io::{Async, Timer};
use async_std::task;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Instant, Now};
use namesrv_core::{ConnId, Peer};
use namesrv_shell::accepting::{Accepting, AfterError, Troubles};
use namesrv_shell::conversation::{Conversation, Shared};
use namesrv_shell::deadlines::Deadlines;
use namesrv_shell::server::{Clock, Inbox, Server, ToIo};
use rustc_hash::FxHashMap;
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
/// How often an idle lane looks at the clock.
const TICK: Duration = Duration::from_secs(1);

/// Serves until the server is told to stop.
///
/// # Errors
/// The operating system refuses to poll.
pub(crate) fn serve(mut server: Server) -> io::Result<()> {
    start_threads(server.listeners.len());
    let shared = Arc::new(Shared::new(&server));
    let troubles = Arc::new(Troubles::default());
    let mut inboxes: Vec<Box<dyn Inbox>> = Vec::new();
    let mut keepers = Vec::new();
    for (index, listener) in (0..).zip(mem::take(&mut server.listeners)) {
        let lane = Arc::new(Lane {
            clock: server.clock,
            views: Arc::clone(&server.views),
            mailbox: Mailbox::default(),
            members: Mutex::default(),
        });
        inboxes.push(Box::new(Sender(Arc::clone(&lane))));
        keepers.push(Keeper {
            index,
            lane,
            shared: Arc::clone(&shared),
            listener: Some(Async::new(listener)?),
            accepting: Accepting::new(Arc::clone(&troubles)),
            backlog: true,
            serial: 0,
            stop_at: None,
            timer: Timer::never(),
        });
    }
    server.registry.attach(inboxes);
    drop(server);
    join(keepers)
}

/// Runs the tasks until all are done or one fails.
fn join(keepers: Vec<Keeper>) -> io::Result<()> {
    let (ended, ends) = mpsc::channel();
    for keeper in keepers {
        let ended = ended.clone();
        task::spawn(async move {
            // Nobody listens only when another task failed before.
            let _ = ended.send(keeper.run().await);
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

/// What a listener's task and the tasks of its connections share.
pub(crate) struct Lane {
    pub(crate) clock: Clock,
    pub(crate) views: Arc<ArcSwap<RouteView>>,
    /// That of the listener's task.
    pub(crate) mailbox: Mailbox,
    members: Mutex<Members>,
}

/// The connections of a lane. Locked for a moment, when one comes, goes, is replied to or moves its deadline forward.
#[derive(Default)]
struct Members {
    connections: FxHashMap<u64, Member>,
    deadlines: Deadlines,
}

struct Member {
    link: Arc<Link>,
    /// Its entry in the index of deadlines.
    armed: Option<Instant>,
}

impl Lane {
    /// A connection, if it is there.
    pub(crate) fn link(&self, serial: u64) -> Option<Arc<Link>> {
        lock(&self.members).connections.get(&serial).map(|member| Arc::clone(&member.link))
    }

    /// Nudges a connection at its deadline.
    pub(crate) fn arm(&self, serial: u64, deadline: Option<Instant>) {
        let Members { connections, deadlines } = &mut *lock(&self.members);
        if let Some(member) = connections.get_mut(&serial) {
            deadlines.arm(serial, &mut member.armed, deadline);
        }
    }

    /// A connection is closed.
    pub(crate) fn remove(&self, serial: u64) {
        let Members { connections, deadlines } = &mut *lock(&self.members);
        if let Some(mut member) = connections.remove(&serial) {
            deadlines.disarm(serial, &mut member.armed);
        }
        self.mailbox.nudge();
    }

    /// All connections, so that they can be spoken to without the lock.
    fn links(&self) -> Vec<Arc<Link>> {
        lock(&self.members).connections.values().map(|member| Arc::clone(&member.link)).collect()
    }

    fn nudge_silent(&self, now: Instant) {
        let Members { connections, deadlines } = &mut *lock(&self.members);
        while let Some(serial) = deadlines.pop_due(now) {
            if let Some(member) = connections.get_mut(&serial) {
                member.armed = None;
                member.link.mailbox.nudge();
            }
        }
    }
}

/// The task of one listener.
struct Keeper {
    index: u16,
    lane: Arc<Lane>,
    shared: Arc<Shared>,
    /// None once the server stops.
    listener: Option<Async<TcpListener>>,
    accepting: Accepting,
    /// Whether somebody may wait to be accepted.
    backlog: bool,
    /// That of the newest connection.
    serial: u64,
    /// When to give up what is not written.
    stop_at: Option<Instant>,
    timer: Timer,
}

impl Keeper {
    /// Rounds of: what the listener and the others say, and then the deadlines.
    async fn run(mut self) -> io::Result<()> {
        loop {
            let now = self.lane.clock.now();
            lock(&self.lane.members).deadlines.tick(now.monotonic);
            self.accepting.tick(now.monotonic);
            self.read_mailbox(now.monotonic);
            self.accept(now);
            self.lane.nudge_silent(now.monotonic);
            let deserted = || lock(&self.lane.members).connections.is_empty();
            if self.stop_at.is_some_and(|stop_at| stop_at <= now.monotonic || deserted()) {
                return Ok(());
            }
            let patience = self.patience(now.monotonic);
            if patience.is_zero() {
                task::yield_now().await;
            } else {
                self.timer.set_after(patience);
                future::poll_fn(|context| self.poll_event(context)).await?;
            }
        }
    }

    /// Ready when there is something to do.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.backlog
            && let Some(listener) = &self.listener
            && let Poll::Ready(result) = listener.poll_readable(context)
        {
            self.backlog = true;
            return Poll::Ready(result);
        }
        let told = self.lane.mailbox.poll(context).is_ready();
        let late = Pin::new(&mut self.timer).poll(context).is_ready();
        if told || late { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// How long to wait when nobody has anything to say.
    fn patience(&self, now: Instant) -> Duration {
        let acceptable = self.backlog && self.listener.is_some();
        if acceptable && self.accepting.is_open(now) {
            return Duration::ZERO;
        }
        let until = |moment: Instant| moment.since(now);
        let rest = self.accepting.rests_until().filter(|_| acceptable).map(until);
        let deadline = lock(&self.lane.members).deadlines.next().map(until);
        [rest, deadline, self.stop_at.map(until)].into_iter().flatten().fold(TICK, Duration::min)
    }

    fn read_mailbox(&mut self, now: Instant) {
        let mail = self.lane.mailbox.take();
        if mail.nudged {
            self.accepting.note_closed();
        }
        for message in mail.messages {
            match message {
                ToIo::Stop { within } => self.stop(within, now),
                ToIo::Reply { .. } | ToIo::Close { .. } => {}
            }
        }
    }

    fn stop(&mut self, within: Duration, now: Instant) {
        self.listener = None;
        self.stop_at = Some(now + within);
        for link in self.lane.links() {
            link.mailbox.deliver(ToIo::Stop { within });
        }
    }

    fn accept(&mut self, now: Now) {
        if !self.backlog || !self.accepting.is_open(now.monotonic) {
            return;
        }
        for _ in 0..ACCEPTS_MAX {
            let Some(listener) = &self.listener else { return };
            match listener.get_ref().accept() {
                Ok((stream, address)) => self.open(stream, address, now),
                Err(error) => match self.accepting.note_error(&error, now.monotonic) {
                    AfterError::Next => {}
                    AfterError::Rest => return,
                    AfterError::Wait => break,
                },
            }
        }
        self.backlog = false;
    }

    fn open(&mut self, stream: TcpStream, address: SocketAddr, now: Now) {
        self.serial += 1;
        let serial = self.serial;
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let peer = Peer { conn: ConnId::new(self.index, serial), address };
        let conversation = Conversation::open(peer, &self.lane.views.load(), &self.shared, now);
        self.accepting.note_accepted(conversation.is_some(), now.monotonic);
        let Some(conversation) = conversation else { return };
        let prepared = stream.set_nodelay(true).and_then(|()| Async::new(stream));
        // It fails when the peer is gone already, and the conversation ends with it.
        if let Ok(stream) = prepared {
            let link = Arc::new(Link::new(conversation));
            let member = Member { link: Arc::clone(&link), armed: None };
            lock(&self.lane.members).connections.insert(serial, member);
            let mut connection = Connection::new(serial, Arc::clone(&self.lane), link, stream);
            task::spawn(async move {
                connection.run().await;
                connection.close();
            });
        }
    }
}
