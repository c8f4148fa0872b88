//! The thread that writes the audit file, so that no request waits for the disk.
//!
//! Lines that cannot be written wait, up to a limit. Further lines are counted, and the file says how many are missing.
//! The operator gets one line when the trouble begins and one when it ends.

use super::file::{AuditFile, Storage};
use crate::files::FileError;
use crate::quota::SharedCounter;
use crate::threads;
use namesrv_core::quota::Counter;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;
use tracing::{info, warn};

/// The most bytes of lines that wait to be written.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most bytes that are appended at once, unless a single line is longer.
const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// How long after a failure the thread tries again, unless a line comes earlier.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The handle of the thread.
#[derive(Clone, Debug)]
pub(crate) struct AuditWriter {
    lines: Sender<Message>,
    backlog: Arc<Backlog>,
}

#[derive(Debug, PartialEq, Eq)]
enum Message {
    Line(Vec<u8>),
    /// Lines that follow do not count.
    End,
}

#[derive(Debug, Default)]
struct Backlog {
    /// Bytes of lines that are not yet in the file.
    bytes: SharedCounter,
    /// Number of lines that were dropped and that the file does not mention yet.
    lost_lines: AtomicU64,
}

impl AuditWriter {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system cannot start a thread.
    pub(crate) fn start(file: AuditFile) -> io::Result<(Self, JoinHandle<()>)> {
        let (writer, lines) = Self::new();
        let backlog = Arc::clone(&writer.backlog);
        let thread =
            threads::named("audit").spawn(move || Work { backlog, storage: file, is_failing: false }.run(&lines))?;
        Ok((writer, thread))
    }

    fn new() -> (Self, Receiver<Message>) {
        let (lines, receiver) = mpsc::channel();
        (Self { lines, backlog: Arc::default() }, receiver)
    }

    /// Queues a line, which must end with a newline. Never blocks.
    pub(crate) fn append(&self, line: Vec<u8>) {
        if self.backlog.bytes.try_add(line.len(), WAITING_BYTES_MAX) {
            // The writer has ended.
            let _ = self.lines.send(Message::Line(line));
        } else {
            self.backlog.lost_lines.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends the thread once everything queued is written.
    pub(crate) fn finish(&self) {
        let _ = self.lines.send(Message::End);
    }
}

/// The state of the thread.
struct Work<S> {
    backlog: Arc<Backlog>,
    storage: S,
    is_failing: bool,
}

impl<S: Storage> Work<S> {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut waiting = Vec::new();
        loop {
            let timeout = if self.is_failing { RETRY_AFTER } else { Duration::MAX };
            let received = messages.recv_timeout(timeout);
            let is_over = received == Err(RecvTimeoutError::Disconnected);
            let is_over = take(received.into_iter().chain(messages.try_iter()), &mut waiting) || is_over;
            let written = self.write(&mut waiting);
            self.log_outcome(&written);
            if is_over {
                return written.unwrap_or_else(|_| self.give_up(&waiting));
            }
        }
    }

    /// Writes waiting lines, and removes those that are in the file.
    fn write(&mut self, waiting: &mut Vec<u8>) -> Result<(), FileError> {
        while !waiting.is_empty() {
            let end = chunk_end(waiting);
            self.storage.append(&waiting[..end])?;
            waiting.drain(..end);
            self.backlog.bytes.subtract(end);
        }
        waiting.shrink_to(CHUNK_BYTES_MAX);
        let lost_lines = self.backlog.lost_lines.load(Ordering::Relaxed);
        if lost_lines > 0 {
            self.storage.append(format!("{{\"type\":\"lines_lost\",\"count\":{lost_lines}}}\n").as_bytes())?;
            self.backlog.lost_lines.fetch_sub(lost_lines, Ordering::Relaxed);
        }
        self.storage.sync()
    }

    fn log_outcome(&mut self, written: &Result<(), FileError>) {
        match written {
            Err(error) if !self.is_failing => {
                warn!("auditPath: {error}: the lines are kept in memory and in the log");
            }
            Ok(()) if self.is_failing => info!("auditPath: the file can be written again"),
            Ok(()) | Err(_) => {}
        }
        self.is_failing = written.is_err();
    }

    fn give_up(&self, waiting: &[u8]) {
        let waiting = waiting.iter().filter(|byte| **byte == b'\n').count() as u64;
        let lines = waiting + self.backlog.lost_lines.load(Ordering::Relaxed);
        warn!(lines, "auditPath: the last lines are only in the log");
    }
}

/// Moves the lines of these messages to `waiting`. Returns whether they are the last ones.
fn take(messages: impl Iterator<Item = Message>, waiting: &mut Vec<u8>) -> bool {
    for message in messages {
        match message {
            Message::Line(line) => waiting.extend(line),
            Message::End => return true,
        }
    }
    false
}

/// Returns the end of the last line that fits into a chunk, or of the first line.
fn chunk_end(lines: &[u8]) -> usize {
    let is_end = |byte: &u8| *byte == b'\n';
    let (front, rest) = lines.split_at(lines.len().min(CHUNK_BYTES_MAX));
    let fits = front.iter().rposition(is_end);
    let end = fits.or_else(|| rest.iter().position(is_end).map(|index| front.len() + index));
    end.map_or(lines.len(), |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::path::Path;
    use std::sync::Mutex;

    /// A disk that is full while `is_full` is set.
    #[derive(Clone, Default)]
    struct TestDisk(Arc<Mutex<TestFile>>);

    #[derive(Default)]
    struct TestFile {
        text: Vec<u8>,
        attempts: usize,
        synced: usize,
        /// Number of attempts that fail.
        failures: usize,
    }

    impl Storage for TestDisk {
        fn append(&mut self, lines: &[u8]) -> Result<(), FileError> {
            let mut file = self.0.lock().unwrap();
            file.attempts += 1;
            if file.attempts <= file.failures {
                return Err(FileError::at("write", Path::new("/audit"))(ErrorKind::StorageFull.into()));
            }
            file.text.extend(lines);
            Ok(())
        }

        fn sync(&mut self) -> Result<(), FileError> {
            let mut file = self.0.lock().unwrap();
            file.synced = file.text.len();
            Ok(())
        }
    }

    /// Writes lines to a disk whose first operations fail, and returns the final contents of the file.
    fn write(failures: usize, rounds: &[Vec<Vec<u8>>]) -> (String, TestDisk) {
        let disk = TestDisk::default();
        disk.0.lock().unwrap().failures = failures;
        let (writer, receiver) = AuditWriter::new();
        let backlog = Arc::clone(&writer.backlog);
        let mut work = Work { backlog: Arc::clone(&backlog), storage: disk.clone(), is_failing: false };
        let mut waiting = Vec::new();
        for round in rounds {
            round.iter().for_each(|line| writer.append(line.clone()));
            take(receiver.try_iter(), &mut waiting);
            let written = work.write(&mut waiting);
            work.log_outcome(&written);
        }
        assert_eq!(backlog.bytes.sum(), waiting.len());
        let text = String::from_utf8(disk.0.lock().unwrap().text.clone()).unwrap();
        (text, disk)
    }

    fn lines(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| format!("{text}\n").into_bytes()).collect()
    }

    #[test]
    fn lines_are_written_and_synced_in_order() {
        let (text, disk) = write(0, &[lines(&["one", "two"]), lines(&["three"])]);
        assert_eq!(text, "one\ntwo\nthree\n");
        assert_eq!(disk.0.lock().unwrap().synced, text.len());
    }

    #[test]
    fn lines_wait_while_the_disk_is_full() {
        let (text, _) = write(2, &[lines(&["one"]), lines(&["two"]), lines(&["three"])]);
        assert_eq!(text, "one\ntwo\nthree\n");
    }

    #[test]
    fn the_file_says_how_many_lines_are_missing() {
        let megabyte = || [vec![b'x'; 1024 * 1024 - 1], vec![b'\n']].concat();
        let flood = (0..6).map(|_| megabyte()).collect();
        let (text, _) = write(1, &[flood, lines(&["no room for this"]), lines(&["last"])]);
        let ends: Vec<_> = text.lines().filter(|line| !line.starts_with('x')).collect();
        assert_eq!(ends, [r#"{"type":"lines_lost","count":3}"#, "last"]);
        assert_eq!(text.lines().count(), 4 + 2);
    }

    #[test]
    fn chunks_end_where_lines_end() {
        let (line, long) = (vec![b'x'; 99], vec![b'y'; 2 * CHUNK_BYTES_MAX]);
        let small: Vec<u8> = (0..1000).flat_map(|_| [&line[..], b"\n"].concat()).collect();
        assert_eq!(chunk_end(&small), CHUNK_BYTES_MAX / 100 * 100);
        let large = [&long[..], b"\n", &line, b"\n"].concat();
        assert_eq!(chunk_end(&large), long.len() + 1);
        assert_eq!(chunk_end(b"one\ntwo\n"), 8);
    }

    #[test]
    fn the_thread_writes_everything_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let (writer, thread) = AuditWriter::start(AuditFile::new(path.clone(), 1 << 20).unwrap()).unwrap();
        (0..1000).for_each(|number| writer.append(format!("{number}\n").into_bytes()));
        writer.finish();
        thread.join().unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 1000);
    }
}
