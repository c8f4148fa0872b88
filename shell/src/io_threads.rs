//! I/O threads that are threads of the operating system: what each receives, and how they start and end together.

use crate::connection::Shared;
use crate::mailbox::Mailbox;
use crate::server::{Inbox, Server};
use crate::shard::Shard;
use std::io;
use std::mem;
use std::net::TcpListener;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;

/// What one I/O thread receives.
#[derive(Debug)]
pub struct IoThread<S> {
    /// Its number, from 0.
    pub index: u16,
    /// Its own listener, non-blocking.
    pub listener: TcpListener,
    /// Messages from the registry thread and the signal handler.
    pub mailbox: Arc<Mailbox>,
    /// Its connections.
    pub shard: Shard<S>,
    /// Waits for the common start.
    pub start: Start,
}

/// The common start of all I/O threads.
#[derive(Debug)]
pub struct Start {
    reports: Sender<io::Result<()>>,
    attached: Arc<OnceLock<()>>,
}

impl Start {
    /// Waits until all I/O threads are ready and the registry knows them.
    pub fn wait(self) {
        // This fails only if another thread failed before.
        let _ = self.reports.send(Ok(()));
        self.attached.wait();
    }
}

/// Runs one thread for each listener, until all are done or one fails. `run` is the whole life of a thread: it prepares
/// itself, waits for the start, and serves.
///
/// # Errors
/// The operating system cannot start a thread, or `run` fails.
pub fn serve<S: 'static>(
    mut server: Server,
    run: impl Fn(IoThread<S>) -> io::Result<()> + Clone + Send + 'static,
) -> io::Result<()> {
    let shared = Arc::new(Shared::new(&server));
    let attached = Arc::new(OnceLock::new());
    let (reports, received) = mpsc::channel();
    let mut inboxes: Vec<Arc<dyn Inbox>> = Vec::new();
    for (index, listener) in (0..).zip(mem::take(&mut server.listeners)) {
        let mailbox = Arc::new(Mailbox::default());
        inboxes.push(Arc::clone(&mailbox) as Arc<dyn Inbox>);
        let start = Start { reports: reports.clone(), attached: Arc::clone(&attached) };
        let (shared, run, ended) = (Arc::clone(&shared), run.clone(), reports.clone());
        thread::Builder::new().name(format!("io-{index}")).spawn(move || {
            let shard = Shard::new(index, shared);
            // This fails only if another thread failed before.
            let _ = ended.send(run(IoThread { index, listener, mailbox, shard, start }));
        })?;
    }
    drop((shared, reports));
    // Each thread reports twice: when it is ready, and when it is done.
    received.iter().take(inboxes.len()).collect::<io::Result<()>>()?;
    server.registry.attach(inboxes);
    drop(server);
    let _ = attached.set(());
    received.into_iter().collect()
}
