//! The saver thread: saves files, so that the disk never blocks the registry.

use crate::boot;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::disk::{Disk, RealDisk};
use crate::files::{self, FileError, KeptFile, Way};
use crate::queue::QueueSender;
use crate::threads;
use namesrv_core::node::Input;
use namesrv_core::save::{SaveError, SaveFile, SaveTicket};
use namesrv_core::snapshot::SnapshotSource;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Instant;
use tracing::{info, warn};

/// The files that are saved.
#[derive(Clone, Debug)]
pub(crate) struct SavedFiles {
    pub(crate) kv: KeptFile,
    pub(crate) runtime: KeptFile,
    /// Whether a person wrote the KV file in a form that a save would lose.
    pub(crate) kv_is_original: bool,
    /// The routes for the next start, if the server saves them.
    pub(crate) snapshot: Option<KeptFile>,
}

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
        let mut worker = Worker { disk: RealDisk, files, counters: Arc::clone(counters), clock };
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
struct Worker<D> {
    disk: D,
    files: SavedFiles,
    counters: Arc<Counters>,
    clock: Clock,
}

impl<D: Disk> Worker<D> {
    fn save(&mut self, file: SaveFile, contents: Contents) -> Result<(), SaveError> {
        let Self { disk, files, counters, clock } = self;
        let file = match file {
            SaveFile::KvConfig => {
                if std::mem::take(&mut files.kv_is_original) {
                    keep_original(disk, &files.kv);
                }
                &mut files.kv
            }
            SaveFile::RuntimeConfig => &mut files.runtime,
            SaveFile::Snapshot => {
                let Some(snapshot) = &mut files.snapshot else {
                    return Err(SaveError::Unusable("there is no file for snapshots".to_owned()));
                };
                snapshot
            }
        };
        let (contents, written) = match contents {
            Contents::Bytes(contents) => (contents, None),
            Contents::Snapshot(source) => {
                let written = boot::written_now(*clock);
                (source.encode(&written), Some(written.wall))
            }
        };
        let saved = files::save(disk, file, &contents).map(|way| note_way(file, way));
        if let (Ok(()), Some(written)) = (&saved, written) {
            counters.snapshot.set(written, contents.len());
        }
        saved.map_err(|error| save_error(file, error))
    }
}

/// Returns the error for the registry, with the name of the key.
fn save_error(file: &KeptFile, error: FileError) -> SaveError {
    match error {
        FileError::Step { .. } => {
            SaveError::Io { path: file.path.display().to_string(), error: format!("{}: {error}", file.key) }
        }
        FileError::Undecided(error) => SaveError::Undecided(format!("{}: {error}", file.key)),
        FileError::NoPath
        | FileError::NotRegular { .. }
        | FileError::Nameless(_)
        | FileError::TooManyLinks(_)
        | FileError::Locked(_)
        | FileError::TooLarge { .. }
        | FileError::NoWay { .. } => SaveError::Unusable(format!("{}: {error}", file.key)),
    }
}

/// Keeps the original file. If that fails, the save goes on: the requested change matters more.
fn keep_original(disk: &impl Disk, file: &KeptFile) {
    match files::keep_original(disk, &file.path) {
        Ok(kept) => info!("{}: the file as it was found is kept in {}", file.key, kept.display()),
        Err(error) => warn!("{}: the file as it was found is not kept: {error}", file.key),
    }
}

/// Logs a change of the way of saving. The operator was told at start, but hosts change.
fn note_way(file: &mut KeptFile, way: Way) {
    if file.way.as_ref() != Some(&way) {
        info!("{}: {way}", file.key);
        file.way = Some(way);
    }
}

#[cfg(test)]
mod tests;
