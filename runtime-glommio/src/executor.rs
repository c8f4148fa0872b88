//! Executors: one a thread, on a core of its own where there are as many.

use crate::probe::LOCKED_ADVICE;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, PoolPlacement};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Entries of each of an executor's three rings: as many as two pages hold. More made nothing faster, up to 2048.
const RING_DEPTH: usize = 64;
/// Memory that glommio locks for files, of which there are none: the least it takes, instead of 10 MiB.
const IO_MEMORY: usize = 64 * 1024;
/// As good as never: where it expires before a task had its turn, as on a busy machine, glommio 0.9 may go to sleep
/// although tasks are ready. So a busy task waits now and then.
const PREEMPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A core for each executor, if there are just as many: of more, the next process might choose the same.
pub(crate) fn cores(executors: usize) -> Vec<usize> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    let cores: Vec<usize> = (0..CpuSet::count()).filter(|&core| allowed.is_set(core).unwrap_or(false)).collect();
    if cores.len() == executors { cores } else { Vec::new() }
}

/// Makes the executor of this thread, which is the one with that `index`.
///
/// # Errors
/// The operating system refuses it.
pub(crate) fn make(index: u16, core: Option<usize>) -> io::Result<LocalExecutor> {
    if let Some(core) = core {
        let mut set = CpuSet::new();
        set.set(core)?;
        sched_setaffinity(Pid::from_raw(0), &set)?;
    }
    LocalExecutorBuilder::new(Placement::Unbound)
        .ring_depth(RING_DEPTH)
        .io_memory(IO_MEMORY)
        .preempt_timer(PREEMPT)
        // Threads for blocking calls, of which there are none.
        .blocking_thread_pool_placement(PoolPlacement::Custom(Vec::new()))
        .make()
        .map_err(|error| match io::Error::from(error) {
            error if error.kind() == ErrorKind::OutOfMemory => {
                io::Error::other(format!("executor {index} may not lock its memory; {LOCKED_ADVICE}"))
            }
            error => error,
        })
}
