//! The saver thread: replaces files so that a crash leaves the old contents or the new ones, never a mixture.

use crate::disk::{Disk, RealDisk};
use crate::queue::QueueSender;
use namesrv_core::node::Input;
use namesrv_core::registry::{SaveError, SaveFile, SaveTicket};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

/// Where the files are.
#[derive(Clone, Debug)]
pub(crate) struct SavePaths {
    pub(crate) kv_config: PathBuf,
    pub(crate) runtime_config: PathBuf,
}

/// The way to the saver thread, which ends with it.
#[derive(Debug)]
pub(crate) struct Saver {
    jobs: Sender<Job>,
}

#[derive(Debug)]
struct Job {
    ticket: SaveTicket,
    contents: Vec<u8>,
}

impl Saver {
    /// Starts the thread; it tells the end of each save to the registry.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start(paths: SavePaths, queue: QueueSender) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, receiver) = mpsc::channel();
        let thread = crate::thread("saver").spawn(move || run(&RealDisk, &paths, &receiver, &queue))?;
        Ok((Self { jobs }, thread))
    }

    /// Queues a save. The registry asks for few at a time, so the queue needs no bound.
    pub(crate) fn save(&self, ticket: SaveTicket, contents: Vec<u8>) {
        // The thread ends only with this sender.
        let _ = self.jobs.send(Job { ticket, contents });
    }
}

fn run(disk: &impl Disk, paths: &SavePaths, jobs: &Receiver<Job>, queue: &QueueSender) {
    while let Ok(Job { ticket, contents }) = jobs.recv() {
        let (path, result) = match ticket.file {
            SaveFile::KvConfig => (&paths.kv_config, replace_with_backup(disk, &paths.kv_config, &contents)),
            SaveFile::RuntimeConfig => (&paths.runtime_config, replace(disk, &paths.runtime_config, &contents)),
        };
        let result =
            result.map_err(|error| SaveError::Io { path: path.display().to_string(), error: error.to_string() });
        queue.push(Input::Saved { ticket, result });
    }
}

/// Replaces a file and keeps its previous contents in `<file>.bak`, as Java does.
fn replace_with_backup(disk: &impl Disk, path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = &target(disk, path)?;
    unless_absent(back_up(disk, path))?;
    replace(disk, path, contents)
}

/// Gives the file a second name, under which it stays when the first one gets new contents.
fn back_up(disk: &impl Disk, path: &Path) -> io::Result<()> {
    let backup = with_suffix(path, ".bak");
    let temporary = with_suffix(path, ".bak.tmp");
    unless_absent(disk.remove(&temporary))?;
    match disk.link(path, &temporary) {
        // Some file systems have no links.
        Err(error) if error.kind() != ErrorKind::NotFound => disk.copy(path, &temporary)?,
        result => result?,
    }
    disk.rename(&temporary, &backup)
}

/// Writes a temporary file beside the target and renames it over it; returns once both the file and its name are on disk.
fn replace(disk: &impl Disk, path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = &target(disk, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk.create_folders(folder)?;
    let temporary = with_suffix(path, ".tmp");
    // What a crash left there may have other permissions.
    unless_absent(disk.remove(&temporary))?;
    let mut file = disk.create(&temporary)?;
    disk.copy_permissions(path, &file)?;
    file.write_all(contents)?;
    disk.sync(&file)?;
    disk.rename(&temporary, path)?;
    disk.sync_folder(folder)
}

/// The file that is to be replaced: where a link leads, so that the link stays.
fn target(disk: &impl Disk, path: &Path) -> io::Result<PathBuf> {
    match disk.resolve(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        result => result,
    }
}

fn unless_absent(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests;
