//! Processor time and memory of a process, as the kernel counts them.

use crate::host::bytes;
use anyhow::{Context, Result};
use rustix::process::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Clock ticks per second in `/proc/PID/stat`, the same for every program on Linux.
const TICKS_PER_SECOND: u64 = 100;
/// By how many ticks the two counts may differ.
const TICKS_TOLERANCE: u64 = 3;

/// Processor time of processes up to now.
#[derive(Clone, Debug, Default)]
pub struct Processor {
    /// By thread: nanoseconds on a processor, and nanoseconds of waiting for one.
    threads: BTreeMap<u32, (u64, u64)>,
    /// Ticks of all threads, including those that ended.
    ticks: u64,
}

/// Processor time of processes between two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Time on a processor.
    pub running: Duration,
    /// Time of waiting for a processor.
    pub waiting: Duration,
}

impl Processor {
    /// Reads the processor time of some processes.
    pub fn read(processes: impl IntoIterator<Item = Pid>) -> Result<Self> {
        let mut all = Self::default();
        for process in processes {
            let Self { threads, ticks } = Self::of(process)?;
            all.threads.extend(threads);
            all.ticks += ticks;
        }
        Ok(all)
    }

    fn of(process: Pid) -> Result<Self> {
        let folder = format!("/proc/{}", process.as_raw_nonzero());
        let mut threads = BTreeMap::new();
        for thread in fs::read_dir(format!("{folder}/task")).with_context(|| format!("{folder} is gone"))? {
            let thread = thread?;
            // A thread may end between the listing and the reading.
            let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
            let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
            if let (Ok(id), Some(running), Some(waiting)) =
                (thread.file_name().to_string_lossy().parse(), numbers.next(), numbers.next())
            {
                threads.insert(id, (running, waiting));
            }
        }
        let stat = fs::read_to_string(format!("{folder}/stat")).with_context(|| format!("{folder} is gone"))?;
        Ok(Self { threads, ticks: ticks(&stat).context("an unknown form of /proc/PID/stat")? })
    }

    /// Returns what was used since an earlier reading.
    pub fn since(&self, earlier: &Self) -> Used {
        let (mut running, mut waiting) = (0, 0);
        for (thread, now) in &self.threads {
            let before = earlier.threads.get(thread).copied().unwrap_or_default();
            running += now.0.saturating_sub(before.0);
            waiting += now.1.saturating_sub(before.1);
        }
        // The fine count forgets threads that ended; the coarse one does not.
        let ticks = self.ticks.saturating_sub(earlier.ticks);
        let coarse = ticks.saturating_sub(TICKS_TOLERANCE) * (1_000_000_000 / TICKS_PER_SECOND);
        Used { running: Duration::from_nanos(running.max(coarse)), waiting: Duration::from_nanos(waiting) }
    }
}

/// Reads user and system time from `/proc/PID/stat`, whose second field is a name in brackets that may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Bytes in a mebibyte.
pub const MIB: f64 = 1024.0 * 1024.0;

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Resident memory, including the program.
    pub resident: u64,
    /// Allocated memory, without the program's file.
    pub anonymous: u64,
}

impl Memory {
    /// Reads the memory of a process.
    pub fn read(process: Pid) -> Result<Self> {
        let path = format!("/proc/{}/status", process.as_raw_nonzero());
        let field = |name| bytes(&path, name).with_context(|| format!("{path} is gone, or has no {name}"));
        Ok(Self { resident: field("VmRSS")?, anonymous: field("RssAnon")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processor(threads: &[(u32, u64, u64)], ticks: u64) -> Processor {
        Processor { threads: threads.iter().map(|(id, running, waiting)| (*id, (*running, *waiting))).collect(), ticks }
    }

    #[test]
    fn time_is_summed_over_old_and_new_threads() {
        let before = processor(&[(1, 100, 5), (2, 50, 0)], 10);
        let after = processor(&[(1, 300, 6), (3, 70, 2)], 11);
        assert_eq!(after.since(&before), Used { running: Duration::from_nanos(270), waiting: Duration::from_nanos(3) });
    }

    #[test]
    fn threads_that_ended_are_not_forgotten() {
        let before = processor(&[(1, 0, 0)], 0);
        let after = processor(&[(1, 1_000_000, 0)], 103);
        assert_eq!(after.since(&before).running, Duration::from_secs(1));
    }

    #[test]
    fn names_with_blanks_and_brackets_do_not_shift_fields() {
        let stat = "7 (a) b c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 3 0 9 9 9";
        assert_eq!(ticks(stat), Some(300));
    }

    #[test]
    fn own_process_can_be_read() {
        let own = rustix::process::getpid();
        assert!(Processor::read([own]).unwrap().since(&Processor::default()).running > Duration::ZERO);
        let memory = Memory::read(own).unwrap();
        assert!(memory.resident >= memory.anonymous && memory.anonymous > 0);
    }
}
