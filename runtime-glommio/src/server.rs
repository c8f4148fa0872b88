//! Executors: each has its own listener and its own sockets, with a task for each of them.

use crate::executor;
use crate::inbox;
use crate::socket::Socket;
use async_channel::Receiver;
use glommio::net::{TcpListener, TcpStream};
use glommio::spawn_local;
use glommio::timer::Timer;
use namesrv_core::connection::Next;
use namesrv_shell::connection::Shared;
use namesrv_shell::server::{Inbox, Server, ToIo};
use namesrv_shell::shard::{RETRY, Shard};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::rc::Rc;
use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

/// The shortest wait: as long as a task is ready, glommio does not look at its rings.
const ROUND: Duration = Duration::from_micros(1);
/// Connections accepted, or messages passed on, in one round.
const ROUND_MAX: usize = 64;
/// Steps in one round that were not waited for: a wait costs as much as some of them.
const ROUND_STEPS_MAX: usize = 16;
/// How often a listener that rests looks whether it may accept.
const REST: Duration = Duration::from_millis(20);

/// Serves until the server is told to stop.
///
/// # Errors
/// The operating system refuses an executor.
pub(crate) fn serve(mut server: Server) -> io::Result<()> {
    let shared = Arc::new(Shared::new(&server));
    let listeners = std::mem::take(&mut server.listeners);
    let cores = executor::cores(listeners.len());
    let attached = Arc::new(OnceLock::new());
    let (made, makings) = mpsc::channel();
    let mut inboxes: Vec<Box<dyn Inbox>> = Vec::new();
    let mut threads = Vec::new();
    for (index, listener) in (0..).zip(listeners) {
        let (sender, inbox) = inbox::channel();
        inboxes.push(Box::new(sender));
        // io_uring waits for those who want to connect only at a blocking listener.
        listener.set_nonblocking(false)?;
        let core = cores.get(usize::from(index)).copied();
        let (made, attached, shared) = (made.clone(), Arc::clone(&attached), Arc::clone(&shared));
        let builder = thread::Builder::new().name(format!("io-{index}"));
        threads.push(builder.spawn(move || {
            // Nobody listens only when another thread failed before.
            let _ = match executor::make(index, core) {
                Ok(executor) => {
                    let told = made.send(Ok(()));
                    attached.wait();
                    executor.run(run(listener, inbox, Shard::new(index, shared)));
                    told
                }
                Err(error) => made.send(Err(error)),
            };
        })?);
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

/// Runs one thread: passes on what the registry says, until everything is done.
async fn run(listener: std::net::TcpListener, inbox: Receiver<ToIo>, shard: Shard<Socket>) {
    // SAFETY: the descriptor is that of a listener that was given up for it.
    #[allow(unsafe_code, reason = "glommio takes a socket that listens already only as a number")]
    let listener = unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) };
    let thread = Rc::new(RefCell::new(IoThread { inbox: inbox.clone(), shard, round_steps: 0 }));
    let mut accepting = Some(spawn_local(accept(Rc::clone(&thread), listener)));
    let _watching = spawn_local(watch_clock(Rc::clone(&thread)));
    for round in 1.. {
        let Ok(message) = inbox.recv().await else { break };
        match message {
            ToIo::Reply { .. } if round % ROUND_MAX == 0 => _ = Timer::new(ROUND).await,
            ToIo::Reply { .. } | ToIo::List(_) => {}
            // A reply that came before has a step to be written.
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
    thread.borrow_mut().shard.clear();
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
                    spawn_local(drive(Rc::clone(&thread), serial)).detach();
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

/// The task of one socket: a step whenever it has something to do.
async fn drive(thread: Rc<RefCell<IoThread>>, serial: u64) {
    loop {
        let mut rested = false;
        let next = poll_fn(|context| {
            let next = thread.borrow_mut().drive(serial, context);
            rested |= next.is_pending();
            next
        });
        match next.await {
            Some(Next::Again) if thread.borrow_mut().may_go_on(rested) => glommio::executor().yield_now().await,
            Some(Next::Again) => {
                Timer::new(ROUND).await;
                thread.borrow_mut().round_steps = 0;
            }
            Some(Next::Retry) => _ = Timer::new(RETRY).await,
            Some(Next::Rest | Next::Close(_)) | None => return,
        }
    }
}

/// Looks at the clock when a deadline is due, and now and then.
async fn watch_clock(thread: Rc<RefCell<IoThread>>) {
    loop {
        let timeout = thread.borrow_mut().tick();
        // A timer that is due already does not let the rings be looked at, and during a stop one is due all the time.
        Timer::new(timeout.max(RETRY)).await;
        thread.borrow_mut().tick();
        // What arrived at the same time goes first.
        glommio::executor().yield_now().await;
        thread.borrow_mut().close_expired();
    }
}

/// One thread. Its tasks borrow it for as long as they do not wait.
struct IoThread {
    /// To be closed when everything is done.
    inbox: Receiver<ToIo>,
    shard: Shard<Socket>,
    /// Steps since the rings were looked at.
    round_steps: usize,
}

impl IoThread {
    /// Notes the time; returns how long to wait when nothing comes due earlier.
    fn tick(&mut self) -> Duration {
        self.shard.tick();
        self.shard.poll_timeout()
    }

    fn handle(&mut self, message: ToIo) {
        self.shard.update_now();
        if let ToIo::Stop { .. } = message {
            self.shard.handle(message);
            self.shard.sockets().for_each(|(_, socket)| socket.stop());
            self.close_inbox_when_done();
        } else if let Some((_, socket)) = self.shard.handle(message) {
            socket.wake();
        }
    }

    fn may_accept(&mut self) -> bool {
        let now = self.shard.update_now();
        self.shard.backoff.is_open(now)
    }

    fn handle_accept_error(&mut self, error: &io::Error) {
        let now = self.shard.update_now();
        self.shard.backoff.note_error(error, now);
    }

    /// Takes a connection in and returns its serial number, unless there is no place for it or its client is gone
    /// already.
    fn open(&mut self, stream: TcpStream) -> Option<u64> {
        self.shard.update_now();
        let address = stream.peer_addr().ok()?;
        self.shard.open(address, |_, connection| {
            stream.set_nodelay(true)?;
            Ok(Socket::new(stream, connection))
        })
    }

    /// Ready when the task is not to wait for the socket or the registry. `None` says that the connection is closed.
    fn drive(&mut self, serial: u64, context: &mut Context<'_>) -> Poll<Option<Next>> {
        self.shard.update_now();
        let next = self.shard.drive(serial, |socket, scratch, views, now| socket.drive(context, scratch, views, now));
        match next {
            Some(Next::Rest) => return Poll::Pending,
            Some(Next::Again | Next::Retry | Next::Close(_)) => {}
            None => self.close_inbox_when_done(),
        }
        Poll::Ready(next)
    }

    /// Whether a task may have another step in this round; it has `rested` when its last one was waited for.
    const fn may_go_on(&mut self, rested: bool) -> bool {
        self.round_steps = if rested { 0 } else { self.round_steps + 1 };
        self.round_steps < ROUND_STEPS_MAX
    }

    fn close_expired(&mut self) {
        self.shard.update_now();
        self.shard.close_expired();
        self.close_inbox_when_done();
    }

    fn close_inbox_when_done(&self) {
        if self.shard.is_stopping() && self.shard.is_empty() {
            self.inbox.close();
        }
    }
}
