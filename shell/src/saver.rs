//! The saver thread: saves files, so that the disk never blocks the registry.

use crate::boot;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::disk::RealDisk;
use crate::queue::QueueSender;
use crate::saved_files::SavedFiles;
use crate::threads;
use namesrv_core::node::Input;
use namesrv_core::save::{SaveError, SaveFile, SaveTicket};
use namesrv_core::snapshot::SnapshotSource;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Instant;

/// The handle of the saver thread. The thread ends when the handle is dropped.
#[derive(Debug)]
pub(crate) struct Saver {
    jobs: Sender<Job>,
}

#[derive(Debug)]
struct Job {
    ticket: SaveTicket,
    contents: Contents,
}

/// The new contents of a file.
#[derive(Debug)]
enum Contents {
    Bytes(Vec<u8>),
    /// Encoded on this thread, because that takes time in proportion to everything that is registered.
    Snapshot(SnapshotSource),
}

impl Saver {
    /// Starts the thread. It reports to the registry how each save ended.
    ///
    /// # Errors
    /// The operating system cannot start a thread.
    pub(crate) fn start(
        files: SavedFiles,
        queue: QueueSender,
        counters: &Arc<Counters>,
        clock: Clock,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, receiver) = mpsc::channel();
        let mut worker = Worker { files, counters: Arc::clone(counters), clock };
        let run = move || {
            while let Ok(Job { ticket, contents }) = receiver.recv() {
                let began = Instant::now();
                let result = worker.save(ticket.file, contents);
                worker.counters.note_save_time(ticket.file, began.elapsed());
                queue.push(Input::Saved { ticket, result });
            }
        };
        Ok((Self { jobs }, threads::named("saver").spawn(run)?))
    }

    /// Queues a save. The registry asks for few saves at a time, so the queue needs no limit.
    pub(crate) fn save(&self, ticket: SaveTicket, contents: Vec<u8>) {
        // The thread ends only when this sender is dropped.
        let _ = self.jobs.send(Job { ticket, contents: Contents::Bytes(contents) });
    }

    /// Queues the save of a snapshot, which the thread encodes.
    pub(crate) fn save_snapshot(&self, ticket: SaveTicket, source: SnapshotSource) {
        let _ = self.jobs.send(Job { ticket, contents: Contents::Snapshot(source) });
    }
}

/// The state of the thread.
struct Worker {
    files: SavedFiles,
    counters: Arc<Counters>,
    clock: Clock,
}

impl Worker {
    fn save(&mut self, file: SaveFile, contents: Contents) -> Result<(), SaveError> {
        let Self { files, counters, clock } = self;
        match contents {
            Contents::Bytes(contents) => files.save(&RealDisk, file, &contents),
            Contents::Snapshot(source) => {
                let written = boot::written_now(*clock);
                let contents = source.encode(&written);
                files.save(&RealDisk, file, &contents)?;
                counters.snapshot.set(written.wall, contents.len());
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
