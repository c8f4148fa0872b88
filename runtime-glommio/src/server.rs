//! Executors: each has its own listener and its own sockets, with a task for each of them.

use crate::executor;
use crate::socket::Socket;
use glommio::net::{TcpListener, TcpStream};
use glommio::timer::Timer;
use glommio::{executor, spawn_local};
use namesrv_core::connection::Next;
use namesrv_shell::io_threads::{self, IoThread};
use namesrv_shell::mailbox::Mailbox;
use namesrv_shell::server::{Server, ToIo};
use namesrv_shell::shard::{RETRY, Shard};
use std::cell::{Cell, RefCell, RefMut};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::os::fd::{FromRawFd, IntoRawFd};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The shortest wait: as long as a task is ready, glommio does not look at its rings.
const ROUND: Duration = Duration::from_micros(1);
/// Connections accepted, or messages passed on, in one round.
const ROUND_MAX: usize = 64;
/// Steps in one round after the last connection that came to rest: a wait costs as much as some of them.
const ROUND_STEPS_MAX: usize = 16;
/// How often a listener that rests looks whether it may accept.
const REST: Duration = Duration::from_millis(20);

/// Serves until the server is told to stop.
///
/// # Errors
/// The operating system refuses an executor.
pub(crate) fn serve(server: Server) -> io::Result<()> {
    let cores = executor::cores(server.listeners.len());
    io_threads::serve(server, move |io_thread: IoThread<Box<Socket>>| {
        let IoThread { index, listener, mailbox, shard, start } = io_thread;
        // io_uring waits for those who want to connect only at a blocking listener.
        listener.set_nonblocking(false)?;
        let executor = executor::make(index, cores.get(usize::from(index)).copied())?;
        start.wait();
        let (shard, round_steps) = (RefCell::new(shard), Cell::new(0));
        executor.run(run(listener, Rc::new(EventLoop { mailbox, shard, round_steps })));
        Ok(())
    })
}

/// Runs one thread: passes on what the registry says, until everything is done.
async fn run(listener: impl IntoRawFd, thread: Rc<EventLoop>) {
    // SAFETY: the descriptor is that of a listener that was given up for it.
    #[allow(unsafe_code, reason = "glommio takes a socket that listens already only as a number")]
    let listener = unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) };
    let mut accepting = Some(spawn_local(accept(Rc::clone(&thread), listener)));
    let mut _watching = spawn_local(watch_clock(Rc::clone(&thread)));
    let mut messages = 0;
    while !thread.shard().is_finished() {
        poll_fn(|context| thread.mailbox.poll(context)).await;
        for mut message in thread.mailbox.take().messages {
            match &mut message {
                ToIo::Reply { .. } | ToIo::List(_) => {}
                // A reply that came before has a step to be written.
                ToIo::Close { .. } => executor().yield_now().await,
                ToIo::Stop { within } => {
                    accepting = None;
                    // Every connection has a step, even if there is no time.
                    *within = RETRY.max(*within);
                    _watching = spawn_local(watch_clock(Rc::clone(&thread)));
                }
            }
            thread.shard().handle(message, |_, socket| socket.wake());
            messages += 1;
            if messages % ROUND_MAX == 0 {
                Timer::new(ROUND).await;
            }
        }
    }
    drop(accepting);
    // No task of this executor is woken after its end.
    thread.mailbox.set_waker(Waker::noop());
    thread.shard().clear();
    // io_uring keeps the sockets, the listening one among them, until it is asked once more.
    Timer::new(RETRY).await;
}

/// Opens connections and gives each a task.
async fn accept(thread: Rc<EventLoop>, listener: TcpListener) {
    for round in 1.. {
        match accept_alone(&listener).await {
            Ok(stream) => thread.open(stream),
            // io_uring looked at the listener while it was non-blocking for another thread.
            Err(error) if error.kind() == ErrorKind::WouldBlock => _ = Timer::new(REST).await,
            Err(error) => {
                thread.shard().handle_accept_error(&error);
                while !thread.shard().may_accept() {
                    Timer::new(REST).await;
                }
            }
        }
        if round % ROUND_MAX == 0 {
            Timer::new(ROUND).await;
        }
    }
}

/// Accepts a connection. glommio makes the listener non-blocking for a moment, to try without io_uring first. A socket
/// that the server was started with is the same one in all threads, so only one of them does that at a time: otherwise
/// it would wait in the system call.
async fn accept_alone(listener: &TcpListener) -> io::Result<TcpStream> {
    static TRYING: Mutex<()> = Mutex::new(());
    let mut accepting = pin!(listener.accept());
    let accepted = poll_fn(|context| {
        let _alone = TRYING.lock().unwrap_or_else(PoisonError::into_inner);
        accepting.as_mut().poll(context)
    });
    accepted.await.map_err(io::Error::from)
}

/// The task of one socket: a step whenever it has something to do.
async fn drive(thread: Rc<EventLoop>, serial: u64) {
    loop {
        match poll_fn(|context| thread.drive(serial, context)).await {
            Some(Next::Again) if thread.round_steps.get() < ROUND_STEPS_MAX => executor().yield_now().await,
            Some(Next::Again) => {
                Timer::new(ROUND).await;
                thread.round_steps.set(0);
            }
            Some(Next::Retry) => _ = Timer::new(RETRY).await,
            Some(Next::Rest | Next::Close(_)) | None => return,
        }
    }
}

/// Looks at the clock when a deadline is due, and now and then.
async fn watch_clock(thread: Rc<EventLoop>) {
    loop {
        let timeout = thread.shard().poll_timeout();
        // A timer that is due already does not let the rings be looked at, and during a stop one is due all the time.
        Timer::new(timeout.max(RETRY)).await;
        thread.shard.borrow_mut().tick();
        // What arrived at the same time goes first.
        executor().yield_now().await;
        let mut shard = thread.shard();
        shard.close_expired();
        if shard.is_finished() {
            thread.mailbox.wake();
        }
    }
}

/// What the tasks of one thread share. They borrow the shard for as long as they do not wait.
struct EventLoop {
    mailbox: Arc<Mailbox>,
    shard: RefCell<Shard<Box<Socket>>>,
    /// Steps since the rings were looked at or a connection came to rest.
    round_steps: Cell<usize>,
}

impl EventLoop {
    /// The shard, at the time of this call.
    fn shard(&self) -> RefMut<'_, Shard<Box<Socket>>> {
        let mut shard = self.shard.borrow_mut();
        shard.update_now();
        shard
    }

    /// Gives a client that was accepted a task, if there is a place for it and it is not gone already.
    fn open(self: &Rc<Self>, stream: TcpStream) {
        let Ok(address) = stream.peer_addr() else { return };
        let serial = self.shard().open(address, |_, connection| {
            stream.set_nodelay(true)?;
            Ok(Box::new(Socket { stream, connection, waker: None }))
        });
        if let Some(serial) = serial {
            spawn_local(drive(Rc::clone(self), serial)).detach();
        }
    }

    /// Ready when the task is not to wait for the socket or the registry. `None` says that the connection is closed.
    fn drive(&self, serial: u64, context: &mut Context<'_>) -> Poll<Option<Next>> {
        let mut shard = self.shard();
        let is_eager = shard.is_stopping();
        let next =
            shard.drive(serial, |socket, scratch, views, now| socket.drive(context, is_eager, scratch, views, now));
        if next.is_none() && shard.is_finished() {
            self.mailbox.wake();
        }
        if matches!(next, Some(Next::Rest)) {
            self.round_steps.set(0);
            return Poll::Pending;
        }
        self.round_steps.set(self.round_steps.get() + 1);
        Poll::Ready(next)
    }
}
