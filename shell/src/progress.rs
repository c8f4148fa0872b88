//! Whether the serving threads make progress: each notes the time in every round, and others look at it.

use namesrv_core::time::{Duration, Instant};
use std::sync::atomic::{AtomicU64, Ordering};

/// How long one round of a thread may take. Idle threads go round once a second.
const ROUND_MAX: Duration = Duration::from_secs(10);
/// If the watch did not run for this long, the whole process stood still.
const LOOK_MAX: Duration = Duration::from_secs(3);

/// When the registry thread and each I/O thread last made progress.
#[derive(Debug)]
pub struct Progress {
    registry: Last,
    io: Box<[Last]>,
}

/// On a separate cache line, because the thread writes it in every round.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Last(AtomicU64);

impl Last {
    fn note(&self, now: Instant) {
        self.0.store(now.as_millis(), Ordering::Relaxed);
    }

    fn get(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl Progress {
    /// The progress of a registry thread and this many I/O threads, starting now.
    pub(crate) fn new(io_threads: usize, now: Instant) -> Self {
        let progress = Self { registry: Last::default(), io: (0..io_threads).map(|_| Last::default()).collect() };
        [&progress.registry].into_iter().chain(&progress.io).for_each(|last| last.note(now));
        progress
    }

    /// Notes a round of an I/O thread. Call it at least once a second.
    pub fn note_io(&self, io_thread: u16, now: Instant) {
        if let Some(last) = self.io.get(usize::from(io_thread)) {
            last.note(now);
        }
    }

    /// Notes a round of the registry thread.
    pub(crate) fn note_registry(&self, now: Instant) {
        self.registry.note(now);
    }

    /// Returns each thread with the time of its last round.
    pub(crate) fn threads(&self) -> impl Iterator<Item = (String, Instant)> {
        let io = self.io.iter().enumerate().map(|(index, last)| (format!("io-{index}"), last.get()));
        [("registry".to_owned(), self.registry.get())].into_iter().chain(io)
    }
}

/// Watches the progress, once a second.
#[derive(Debug)]
pub(crate) struct Watch {
    looked_at: Instant,
    /// When this process last began to run. Time in which the process did not run counts against no thread.
    runs_since: Instant,
}

/// A thread that makes no progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stuck {
    pub(crate) thread: String,
    pub(crate) since: Duration,
}

impl Watch {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { looked_at: now, runs_since: now }
    }

    /// Notes that this process runs. Call it once a second.
    pub(crate) fn look(&mut self, now: Instant) {
        if now.since(self.looked_at) >= LOOK_MAX {
            self.runs_since = now;
        }
        self.looked_at = now;
    }

    /// Returns the threads whose round takes too long.
    pub(crate) fn stuck(&self, progress: &Progress) -> Vec<Stuck> {
        let threads = progress.threads();
        let silent = threads.map(|(thread, at)| Stuck { thread, since: self.looked_at.since(at.max(self.runs_since)) });
        silent.filter(|stuck| stuck.since > ROUND_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: u64) -> Instant {
        Instant::from_millis(second * 1000)
    }

    /// Returns the threads that are stuck after each of these seconds, with a look once a second.
    fn stuck_after(progress: &Progress, watch: &mut Watch, seconds: impl Iterator<Item = u64>) -> Vec<Stuck> {
        seconds.for_each(|at| watch.look(second(at)));
        watch.stuck(progress)
    }

    #[test]
    fn a_thread_that_does_not_go_round_is_named() {
        let progress = Progress::new(2, second(0));
        let mut watch = Watch::new(second(0));
        for at in 1..=5 {
            progress.note_registry(second(at));
            progress.note_io(0, second(at));
            progress.note_io(1, second(at));
            assert_eq!(stuck_after(&progress, &mut watch, at..=at), []);
        }
        for at in 6..=15 {
            progress.note_registry(second(at));
            progress.note_io(0, second(at));
            assert_eq!(stuck_after(&progress, &mut watch, at..=at), [], "second {at}");
        }
        progress.note_registry(second(16));
        progress.note_io(0, second(16));
        let io = Stuck { thread: "io-1".to_owned(), since: Duration::from_secs(11) };
        assert_eq!(stuck_after(&progress, &mut watch, 16..=16), [io]);
        let stuck = stuck_after(&progress, &mut watch, 17..=40);
        let names: Vec<_> = stuck.iter().map(|stuck| &*stuck.thread).collect();
        assert_eq!(names, ["registry", "io-0", "io-1"]);
        progress.note_registry(second(41));
        progress.note_io(0, second(41));
        progress.note_io(1, second(41));
        assert_eq!(stuck_after(&progress, &mut watch, 41..=41), [], "it goes on");
    }

    #[test]
    fn a_pause_of_the_whole_process_counts_against_nobody() {
        let progress = Progress::new(1, second(0));
        let mut watch = Watch::new(second(0));
        assert_eq!(stuck_after(&progress, &mut watch, [1, 100].into_iter()), [], "it was stopped");
        assert_eq!(stuck_after(&progress, &mut watch, 101..=110), []);
        assert_eq!(stuck_after(&progress, &mut watch, 111..=111).len(), 2, "they had their time");
    }
}
