//! Facts about this machine, and the processors that programs are pinned to.

use anyhow::{Context, Result};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Facts that the figures depend on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Host {
    /// Release of the kernel.
    pub kernel: String,
    /// Name of the processor.
    pub processor: String,
    /// Processors that this program may use.
    pub processors: Vec<usize>,
    /// Main memory, bytes.
    pub memory_bytes: u64,
    /// Whether io_uring is available, as far as that shows without trying it.
    pub io_uring: String,
    /// The most open files of one process.
    pub open_files: u64,
    /// The most locked memory of one process in bytes; `None` without a limit.
    pub locked_bytes: Option<u64>,
    /// The day in UTC; empty if unknown.
    #[serde(default)]
    pub date: String,
    /// Load average of the last minute before the start.
    pub load_before: String,
}

impl Host {
    /// Collects the facts. Raises the limit of open files as far as possible, for this process and those it starts.
    ///
    /// # Errors
    /// The kernel does not say where this process may run.
    pub fn look() -> Result<Self> {
        let files = getrlimit(Resource::Nofile);
        // If it cannot be raised, the old limit is reported.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum });
        Ok(Self {
            kernel: line("/proc/sys/kernel/osrelease"),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            processors: allowed_processors()?,
            memory_bytes: bytes("/proc/meminfo", "MemTotal").unwrap_or_default(),
            io_uring: io_uring(&line("/proc/sys/kernel/io_uring_disabled"), field("/proc/self/status", "Seccomp")),
            open_files: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
            locked_bytes: getrlimit(Resource::Memlock).current,
            date: today(),
            load_before: line("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        })
    }
}

/// Returns the date as `2026-01-31`, from the program `date`.
fn today() -> String {
    let output = Command::new("date").args(["-u", "+%F"]).stdin(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn io_uring(disabled: &str, seccomp: Option<String>) -> String {
    let filtered = seccomp.is_some_and(|mode| mode != "0");
    match (disabled, filtered) {
        ("2", _) => "disabled (kernel.io_uring_disabled=2)".to_owned(),
        ("1", _) => "only for privileged processes (kernel.io_uring_disabled=1)".to_owned(),
        (_, true) => "enabled in the kernel, but a seccomp filter may refuse it".to_owned(),
        ("0", false) => "enabled".to_owned(),
        (_, false) => "not switched off".to_owned(),
    }
}

/// Where a server and the load generator run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinning {
    /// The processors of the server.
    pub server: Vec<usize>,
    /// Processors of the load generator.
    pub load: Vec<usize>,
}

impl Pinning {
    /// Chooses the first processor for the server and the second for the load, by default. `None` if there is only
    /// one.
    pub fn choose(processors: &[usize], server: Option<usize>, load: Option<usize>) -> Option<Self> {
        let server = server.or_else(|| processors.iter().copied().find(|processor| Some(*processor) != load))?;
        let load = load.or_else(|| processors.iter().copied().find(|processor| *processor != server))?;
        (server != load).then_some(Self { server: vec![server], load: vec![load] })
    }

    /// Returns the pinning of one of several servers that have a processor each.
    pub fn nth(&self, server: usize) -> Self {
        let server = self.server.iter().copied().cycle().skip(server).take(1).collect();
        Self { server, load: self.load.clone() }
    }
}

/// What all measurements of a comparison have in common.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// `None` where there is only one processor.
    pub pinning: Option<&'a Pinning>,
    /// How long a run is.
    pub run: Duration,
    /// Set when the user wants an end.
    pub interrupted: &'a AtomicBool,
}

impl Terms<'_> {
    /// Whether the user wants an end.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// Pins this thread, and with it every thread and process that it starts from now on.
///
/// # Errors
/// There is no such processor.
pub fn pin(processors: &[usize]) -> Result<()> {
    pin_thread(None, processors)
}

/// Pins a thread; this one for `None`.
///
/// # Errors
/// There is no such thread or processor.
pub fn pin_thread(thread: Option<Pid>, processors: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for processor in processors {
        anyhow::ensure!(*processor < CpuSet::MAX_CPU, "there is no processor {processor}");
        set.set(*processor);
    }
    sched_setaffinity(thread, &set).with_context(|| format!("cannot run on processors {processors:?}"))
}

fn allowed_processors() -> Result<Vec<usize>> {
    let set = sched_getaffinity(None).context("cannot read the affinity")?;
    Ok((0..CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor)).collect())
}

fn line(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// Returns the value of the first line `NAME: VALUE` of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// Returns the bytes that the first line `NAME: NUMBER kB` of a file tells.
pub(crate) fn bytes(path: &str, name: &str) -> Option<u64> {
    Some(field(path, name)?.strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_and_load_never_share_a_processor() {
        let both = |server, load| Pinning { server: vec![server], load: vec![load] };
        let table = [
            (&[0, 1][..], None, None, Some(both(0, 1))),
            (&[0, 1], Some(1), None, Some(both(1, 0))),
            (&[0, 1], None, Some(0), Some(both(1, 0))),
            (&[2, 3, 5], Some(5), Some(3), Some(both(5, 3))),
            (&[0, 1], Some(1), Some(1), None),
            (&[4], None, None, None),
        ];
        for (processors, server, load, expected) in table {
            assert_eq!(Pinning::choose(processors, server, load), expected);
        }
    }

    #[test]
    fn io_uring_is_told_as_far_as_known() {
        assert_eq!(io_uring("0", Some("0".to_owned())), "enabled");
        assert!(io_uring("2", None).starts_with("disabled"));
        assert!(io_uring("0", Some("2".to_owned())).contains("seccomp"));
    }
}
