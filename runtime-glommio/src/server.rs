//! Executors: each has its own listener and its own connections, with a task for each of them.

use crate::connection::Connection;
use crate::inbox;
use crate::probe::LOCKED_ADVICE;
use arc_swap::{ArcSwap, Cache};
use async_channel::Receiver;
use glommio::net::{TcpListener, TcpStream};
use glommio::timer::Timer;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, PoolPlacement, spawn_local};
use namesrv_core::route::RouteView;
use namesrv_core::time::{Instant, Now};
use namesrv_core::{ConnId, Peer};
use namesrv_shell::accepting::{Accepting, Troubles};
use namesrv_shell::conversation::{Closing, Conversation, Shared};
use namesrv_shell::deadlines::Deadlines;
use namesrv_shell::server::{Clock, Inbox, Server, ToIo};
use namesrv_shell::turn::{Desk, Turn};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::rc::Rc;
use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

/// Entries of each of an executor's three rings: as many as two pages hold. More made nothing faster, up to 2048.
const RING_DEPTH: usize = 64;
/// Memory that glommio locks for files, of which there are none: the least it takes, instead of 10 MiB.
const IO_MEMORY: usize = 64 * 1024;
/// As good as never: where it expires before a task had its turn, as on a busy machine, glommio 0.9 may go to sleep
/// although tasks are ready. So whoever is busy waits now and then.
const PREEMPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest wait: as long as a task is ready, glommio does not look at its rings.
const ROUND: Duration = Duration::from_micros(1);
/// Connections accepted, or messages passed on, in one round.
const ROUND_MAX: usize = 64;
/// Turns in one round that were not waited for: a wait costs as much as some of them.
const ROUND_TURNS_MAX: usize = 16;
/// How often an idle executor looks at the clock and lets go of an old view.
const TICK: Duration = Duration::from_secs(1);
/// How soon a frame is forwarded again that the registry had no room for.
const RETRY: Duration = Duration::from_millis(2);
/// How often a listener that rests looks whether it may accept.
const REST: Duration = Duration::from_millis(20);

/// Serves until the server is told to stop.
///
/// # Errors
/// The operating system refuses an executor.
pub(crate) fn serve(mut server: Server) -> io::Result<()> {
    let shared = Arc::new(Shared::new(&server));
    let troubles = Arc::new(Troubles::default());
    let listeners = std::mem::take(&mut server.listeners);
    let cores = cores(listeners.len());
    let attached = Arc::new(OnceLock::new());
    let (made, makings) = mpsc::channel();
    let mut inboxes: Vec<Box<dyn Inbox>> = Vec::new();
    let mut threads = Vec::new();
    for (index, listener) in (0..).zip(listeners) {
        let (sender, inbox) = inbox::channel();
        inboxes.push(Box::new(sender));
        let plan = Plan {
            index,
            core: cores.get(usize::from(index)).copied(),
            listener,
            inbox,
            clock: server.clock,
            views: Arc::clone(&server.views),
            shared: Arc::clone(&shared),
            troubles: Arc::clone(&troubles),
        };
        let (made, attached) = (made.clone(), Arc::clone(&attached));
        let builder = thread::Builder::new().name(format!("io-{index}"));
        threads.push(builder.spawn(move || plan.carry_out(&made, &attached))?);
    }
    drop(made);
    makings.into_iter().take(threads.len()).collect::<io::Result<()>>()?;
    server.registry.attach(inboxes);
    drop(server);
    let _ = attached.set(());
    // A thread that panics ends the process.
    threads.into_iter().for_each(|thread| drop(thread.join()));
    Ok(())
}

/// A core for each executor, if there are just as many: of more, the next process might choose the same.
fn cores(executors: usize) -> Vec<usize> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    let cores: Vec<usize> = (0..CpuSet::count()).filter(|&core| allowed.is_set(core).unwrap_or(false)).collect();
    if cores.len() == executors { cores } else { Vec::new() }
}

/// What one thread is to do. It becomes an [`IoThread`] there: executors do not move.
struct Plan {
    index: u16,
    core: Option<usize>,
    listener: std::net::TcpListener,
    inbox: Receiver<ToIo>,
    clock: Clock,
    views: Arc<ArcSwap<RouteView>>,
    shared: Arc<Shared>,
    troubles: Arc<Troubles>,
}

impl Plan {
    /// Tells through `made` whether there is an executor, and runs it when the registry is `attached`.
    fn carry_out(self, made: &mpsc::Sender<io::Result<()>>, attached: &OnceLock<()>) {
        // Nobody listens only when another thread failed before.
        let _ = match self.make_executor() {
            Ok(executor) => {
                let told = made.send(Ok(()));
                attached.wait();
                executor.run(run(self));
                told
            }
            Err(error) => made.send(Err(error)),
        };
    }

    fn make_executor(&self) -> io::Result<LocalExecutor> {
        if let Some(core) = self.core {
            let mut set = CpuSet::new();
            set.set(core)?;
            sched_setaffinity(Pid::from_raw(0), &set)?;
        }
        // io_uring waits for those who want to connect only at a blocking listener.
        self.listener.set_nonblocking(false)?;
        let executor = LocalExecutorBuilder::new(Placement::Unbound)
            .ring_depth(RING_DEPTH)
            .io_memory(IO_MEMORY)
            .preempt_timer(PREEMPT)
            // Threads for blocking calls, of which there are none.
            .blocking_thread_pool_placement(PoolPlacement::Custom(Vec::new()))
            .make();
        executor.map_err(io::Error::from).map_err(|error| {
            if error.kind() != ErrorKind::OutOfMemory {
                return error;
            }
            io::Error::other(format!("executor {} may not lock its memory; {LOCKED_ADVICE}", self.index))
        })
    }
}

/// Runs one thread: passes on what the registry says, until everything is done.
async fn run(plan: Plan) {
    // SAFETY: the descriptor is that of a listener that was given up for it.
    #[allow(unsafe_code, reason = "glommio takes a socket that listens already only as a number")]
    let listener = unsafe { TcpListener::from_raw_fd(plan.listener.into_raw_fd()) };
    let inbox = plan.inbox;
    let thread = Rc::new(RefCell::new(IoThread {
        index: plan.index,
        clock: plan.clock,
        inbox: inbox.clone(),
        shared: plan.shared,
        views: Cache::new(plan.views),
        now: plan.clock.now(),
        desk: Desk::default(),
        accepting: Accepting::new(plan.troubles),
        connections: FxHashMap::default(),
        serial: 0,
        deadlines: Deadlines::default(),
        round_turns: 0,
        stopping: false,
    }));
    let mut accepting = Some(spawn_local(accept(Rc::clone(&thread), listener)));
    let _watching = spawn_local(watch_clock(Rc::clone(&thread)));
    for round in 1.. {
        let Ok(message) = inbox.recv().await else { break };
        match message {
            ToIo::Reply { .. } if round % ROUND_MAX == 0 => _ = Timer::new(ROUND).await,
            ToIo::Reply { .. } => {}
            // A reply that came before has a turn to be written.
            ToIo::Close { .. } => glommio::executor().yield_now().await,
            ToIo::Stop { within } => {
                accepting = None;
                let inbox = inbox.clone();
                spawn_local(async move {
                    Timer::new(within.max(RETRY)).await;
                    inbox.close();
                })
                .detach();
            }
        }
        thread.borrow_mut().handle(message);
    }
    drop(accepting);
    thread.borrow_mut().connections.clear();
    // io_uring keeps the sockets, the listening one among them, until it is asked once more.
    Timer::new(RETRY).await;
}

/// Opens connections and gives each a task.
async fn accept(thread: Rc<RefCell<IoThread>>, listener: TcpListener) {
    for round in 1.. {
        match listener.accept().await {
            Ok(stream) => {
                let opened = thread.borrow_mut().open(stream);
                if let Some(serial) = opened {
                    spawn_local(converse(Rc::clone(&thread), serial)).detach();
                }
            }
            Err(error) => {
                thread.borrow_mut().handle_accept_error(&error.into());
                while !thread.borrow_mut().may_accept() {
                    Timer::new(REST).await;
                }
            }
        }
        if round % ROUND_MAX == 0 {
            Timer::new(ROUND).await;
        }
    }
}

/// The task of one connection: a turn whenever it has something to do.
async fn converse(thread: Rc<RefCell<IoThread>>, serial: u64) {
    loop {
        let mut rested = false;
        let turn = poll_fn(|context| {
            let turn = thread.borrow_mut().turn(serial, context);
            rested |= turn.is_pending();
            turn
        });
        match turn.await {
            Turn::Again if thread.borrow_mut().may_go_on(rested) => glommio::executor().yield_now().await,
            Turn::Again => {
                Timer::new(ROUND).await;
                thread.borrow_mut().round_turns = 0;
            }
            Turn::Retry => _ = Timer::new(RETRY).await,
            Turn::Rest | Turn::Done | Turn::Close(_) => return,
        }
    }
}

/// Looks at the clock when a deadline is due, and now and then.
async fn watch_clock(thread: Rc<RefCell<IoThread>>) {
    loop {
        let patience = thread.borrow_mut().tick();
        Timer::new(patience).await;
        thread.borrow_mut().tick();
        // What arrived at the same time goes first.
        glommio::executor().yield_now().await;
        thread.borrow_mut().close_silent();
    }
}

/// One thread: its connections, and what they wait for. Its tasks borrow it for as long as they do not wait.
struct IoThread {
    index: u16,
    clock: Clock,
    /// To be closed when everything is done.
    inbox: Receiver<ToIo>,
    shared: Arc<Shared>,
    views: Cache<Arc<ArcSwap<RouteView>>, Arc<RouteView>>,
    now: Now,
    desk: Desk,
    accepting: Accepting,
    connections: FxHashMap<u64, Box<Connection>>,
    /// That of the newest connection.
    serial: u64,
    deadlines: Deadlines,
    /// Turns since the rings were looked at.
    round_turns: usize,
    stopping: bool,
}

impl IoThread {
    /// Notes the time; returns how long to wait when nothing comes due earlier.
    fn tick(&mut self) -> Duration {
        let now = self.look_at_clock();
        self.views.load();
        self.deadlines.tick(now);
        self.accepting.tick(now);
        self.deadlines.next().map_or(TICK, |deadline| deadline.since(now).min(TICK))
    }

    fn handle(&mut self, message: ToIo) {
        self.look_at_clock();
        let now = self.now;
        match message {
            ToIo::Reply { conn, reply } => self.wake(conn, |conversation| conversation.handle_reply(reply, now)),
            ToIo::Close { conn, reason } => self.wake(conn, |conversation| conversation.handle_close(reason, now)),
            ToIo::Stop { .. } => self.stop(),
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        for connection in self.connections.values_mut() {
            connection.stop();
            connection.wake();
        }
        self.close_inbox_when_done();
    }

    fn may_accept(&mut self) -> bool {
        let now = self.look_at_clock();
        self.accepting.is_open(now)
    }

    fn handle_accept_error(&mut self, error: &io::Error) {
        let now = self.look_at_clock();
        self.accepting.note_error(error, now);
    }

    /// Takes a connection in and returns its serial; none when there is no place for it or its peer is gone already.
    fn open(&mut self, stream: TcpStream) -> Option<u64> {
        let now = self.look_at_clock();
        let address = stream.peer_addr().ok()?;
        self.serial += 1;
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let peer = Peer { conn: ConnId::new(self.index, self.serial), address };
        let conversation = Conversation::open(peer, self.views.load(), &self.shared, self.now);
        self.accepting.note_accepted(conversation.is_some(), now);
        let conversation = conversation?;
        stream.set_nodelay(true).ok()?;
        let mut connection = Box::new(Connection::new(stream, conversation));
        self.deadlines.arm(self.serial, &mut connection.armed, connection.conversation.poll_timeout());
        self.connections.insert(self.serial, connection);
        Some(self.serial)
    }

    /// Tells a connection something and has a turn given to it.
    fn wake(&mut self, conn: ConnId, tell: impl FnOnce(&mut Conversation)) {
        if let Some(connection) = self.connections.get_mut(&conn.serial()) {
            tell(&mut connection.conversation);
            connection.wake();
        }
    }

    /// Ready when the task is not to wait for the socket or the registry: [`Turn::Done`] says that there is no connection.
    fn turn(&mut self, serial: u64, context: &mut Context<'_>) -> Poll<Turn> {
        self.look_at_clock();
        let Some(connection) = self.connections.get_mut(&serial) else { return Poll::Ready(Turn::Done) };
        let (conversation, mut socket, mut readiness) = connection.parts(context);
        let turn = self.desk.turn(conversation, &mut socket, &mut readiness, || self.views.load(), self.now);
        match turn {
            Ok(turn @ (Turn::Again | Turn::Retry | Turn::Rest)) => {
                let deadline = conversation.poll_timeout();
                self.deadlines.arm(serial, &mut connection.armed, deadline);
                return if turn == Turn::Rest { Poll::Pending } else { Poll::Ready(turn) };
            }
            Ok(Turn::Done) => {
                socket.finish();
                self.desk.discard(&mut socket);
                self.close(serial, None);
            }
            Ok(Turn::Close(closing)) => self.close(serial, Some(closing)),
            // A socket that failed (most often: was reset) is closed and not spoken of.
            Err(_) => self.close(serial, None),
        }
        Poll::Ready(Turn::Done)
    }

    /// Whether a task may have another turn in this round; it has `rested` when its last one was waited for.
    const fn may_go_on(&mut self, rested: bool) -> bool {
        self.round_turns = if rested { 0 } else { self.round_turns + 1 };
        self.round_turns < ROUND_TURNS_MAX
    }

    fn close_silent(&mut self) {
        let now = self.look_at_clock();
        while let Some(serial) = self.deadlines.pop_due(now) {
            let Some(connection) = self.connections.get_mut(&serial) else { continue };
            connection.armed = None;
            let deadline = connection.conversation.poll_timeout();
            if deadline.is_some_and(|deadline| deadline <= now) {
                self.close(serial, Some(Closing::Silent));
            } else {
                self.deadlines.arm(serial, &mut connection.armed, deadline);
            }
        }
    }

    fn close(&mut self, serial: u64, closing: Option<Closing>) {
        if let Some(mut connection) = self.connections.remove(&serial) {
            if let Some(closing) = closing {
                connection.conversation.log_closing(closing, self.now);
            }
            self.deadlines.disarm(serial, &mut connection.armed);
            self.accepting.note_closed();
            // Its task finds it gone and ends.
            connection.wake();
        }
        self.close_inbox_when_done();
    }

    fn close_inbox_when_done(&self) {
        if self.stopping && self.connections.is_empty() {
            self.inbox.close();
        }
    }

    fn look_at_clock(&mut self) -> Instant {
        self.now = self.clock.now();
        self.now.monotonic
    }
}
