//! What the operating system says about this process.

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use std::fs;
use std::os::unix::fs::MetadataExt;

/// Figures of the process; `None` for those that the system does not tell.
#[derive(Debug)]
pub(super) struct ProcessFigures {
    pub(super) cpu_seconds: Option<f64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) threads: Option<u64>,
    pub(super) open_files: Option<u64>,
    pub(super) open_files_max: Option<u64>,
}

impl ProcessFigures {
    /// Reads the figures.
    pub(super) fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name| -> Option<u64> {
            status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
        };
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
        let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        Self {
            cpu_seconds: usage.map(|usage| seconds(usage.user_time()) + seconds(usage.system_time())),
            resident_bytes: field("VmRSS:").map(|kib| kib * 1024),
            threads: field("Threads:"),
            open_files: open_files(),
            open_files_max: getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft),
        }
    }
}

/// Recent kernels report the number as the size of the folder. On older ones every name must be counted.
fn open_files() -> Option<u64> {
    match fs::metadata("/proc/self/fd").ok()?.size() {
        0 => Some(fs::read_dir("/proc/self/fd").ok()?.count() as u64),
        files => Some(files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_everything() {
        let figures = ProcessFigures::read();
        assert!(figures.cpu_seconds.is_some_and(|seconds| seconds >= 0.0));
        assert!(figures.resident_bytes.is_some_and(|bytes| bytes > 100_000));
        assert!(figures.threads.is_some_and(|threads| threads > 0));
        assert!(figures.open_files.is_some_and(|files| files > 2));
        assert!(figures.open_files_max.is_some());
    }
}
