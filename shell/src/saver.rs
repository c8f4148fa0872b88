//! The saver thread: replaces files so that a crash leaves the old contents or the new ones, never a mixture.

use crate::queue::{Input, QueueSender};
use namesrv_core::registry::{SaveFile, SaveTicket};
use std::fs::{self, File};
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
    file: SaveFile,
    contents: Vec<u8>,
}

impl Saver {
    /// Starts the thread; it tells the end of each save to the registry.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start(paths: SavePaths, queue: QueueSender) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, receiver) = mpsc::channel();
        let thread = crate::thread("saver").spawn(move || run(&paths, &receiver, &queue))?;
        Ok((Self { jobs }, thread))
    }

    /// Queues a save. The registry asks for few at a time, so the queue needs no bound.
    pub(crate) fn save(&self, ticket: SaveTicket, file: SaveFile, contents: Vec<u8>) {
        // The thread ends only with this sender.
        let _ = self.jobs.send(Job { ticket, file, contents });
    }
}

fn run(paths: &SavePaths, jobs: &Receiver<Job>, queue: &QueueSender) {
    while let Ok(Job { ticket, file, contents }) = jobs.recv() {
        let (path, result) = match file {
            SaveFile::KvConfig => (&paths.kv_config, replace_with_backup(&paths.kv_config, &contents)),
            SaveFile::RuntimeConfig => (&paths.runtime_config, replace(&paths.runtime_config, &contents)),
        };
        let result = result.map_err(|error| format!("{}: {error}", path.display()));
        queue.push(Input::Saved(ticket, result));
    }
}

/// Replaces a file and keeps its previous contents in `<file>.bak`, as Java does.
fn replace_with_backup(path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = &target(path)?;
    match back_up(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    replace(path, contents)
}

/// Gives the file a second name, under which it stays when the first one gets new contents.
fn back_up(path: &Path) -> io::Result<()> {
    let backup = with_suffix(path, ".bak");
    let temporary = with_suffix(path, ".bak.tmp");
    remove_if_there(&temporary)?;
    match fs::hard_link(path, &temporary) {
        // Some file systems have no links.
        Err(error) if error.kind() != ErrorKind::NotFound => drop(fs::copy(path, &temporary)?),
        result => result?,
    }
    fs::rename(temporary, backup)
}

/// Writes a temporary file beside the target and renames it over it; returns once both the file and its name are on disk.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = &target(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let temporary = with_suffix(path, ".tmp");
    // What a crash left there may have other permissions.
    remove_if_there(&temporary)?;
    let mut file = File::create_new(&temporary)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}

/// The file that is to be replaced: where a link leads, so that the link stays.
fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        result => result,
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::queue;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn folders_are_made_and_the_previous_contents_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/kvConfig.json");
        replace_with_backup(&path, b"one").unwrap();
        assert!(!with_suffix(&path, ".bak").exists());
        replace_with_backup(&path, b"two").unwrap();
        replace_with_backup(&path, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read(with_suffix(&path, ".bak")).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn links_and_permissions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&real, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_a_crash_left_does_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(with_suffix(&path, ".tmp"), "half").unwrap();
        fs::write(with_suffix(&path, ".bak.tmp"), "half").unwrap();
        replace_with_backup(&path, b"one").unwrap();
        replace_with_backup(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read(with_suffix(&path, ".bak")).unwrap(), b"one");
    }

    #[test]
    fn the_end_of_each_save_is_told_and_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("a file");
        fs::write(&blocked, "").unwrap();
        let paths = SavePaths { kv_config: folder.path().join("kv.json"), runtime_config: blocked.join("runtime") };
        let (sender, receiver) = queue(1, 1);
        let (saver, thread) = Saver::start(paths.clone(), sender).unwrap();
        saver.save(SaveTicket(1), SaveFile::KvConfig, b"{}".to_vec());
        saver.save(SaveTicket(2), SaveFile::RuntimeConfig, b"a=1".to_vec());
        drop(saver);
        thread.join().unwrap();
        assert!(matches!(receiver.receive(None), Some(Input::Saved(SaveTicket(1), Ok(())))));
        let Some(Input::Saved(SaveTicket(2), Err(reason))) = receiver.receive(None) else { panic!() };
        assert!(reason.contains(&*paths.runtime_config.to_string_lossy()), "{reason}");
        assert_eq!(fs::read(paths.kv_config).unwrap(), b"{}");
    }
}
