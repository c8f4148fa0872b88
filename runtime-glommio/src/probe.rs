//! Whether this machine lets the process use io_uring. glommio does not ask, it panics.

use io_uring::{IoUring, Probe, opcode};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::{self, ErrorKind};

/// Memory that the process has to be allowed to lock, in bytes: glommio insists on it for each executor, and two take
/// less.
const LOCKED_BYTES: u64 = 512 * 1024;

/// What helps when too little memory may be locked.
pub(crate) const LOCKED_ADVICE: &str = "raise the limit of locked memory (ulimit -l, LimitMEMLOCK= of systemd, --ulimit \
     memlock= of a container) or run namesrv-mio, which does the same without";

/// Tries what glommio is going to need, and allows as much locked memory as this process may allow itself.
///
/// # Errors
/// It is not there; says so in one line, and what helps.
pub(crate) fn probe() -> Result<(), String> {
    let allowed = raise_limit();
    if allowed < LOCKED_BYTES {
        let (allowed, wanted) = (allowed / 1024, LOCKED_BYTES / 1024);
        return Err(format!(
            "only {allowed} KiB of memory may be locked, and io_uring takes {wanted} KiB; {LOCKED_ADVICE}"
        ));
    }
    try_ring().map_err(|error| {
        if error.kind() == ErrorKind::OutOfMemory {
            return format!("io_uring may lock no more memory; {LOCKED_ADVICE}");
        }
        format!(
            "io_uring cannot be used: {error}; allow it (Linux 5.8, sysctl kernel.io_uring_disabled=0, in a container a seccomp \
             profile with io_uring_setup, io_uring_enter and io_uring_register) or run namesrv-mio, which does the same \
             without"
        )
    })
}

/// Makes each of the three system calls once.
fn try_ring() -> io::Result<()> {
    let ring = IoUring::new(2)?;
    let mut operations = Probe::new();
    ring.submitter().register_probe(&mut operations)?;
    if !operations.is_supported(opcode::Recv::CODE) {
        return Err(ErrorKind::Unsupported.into());
    }
    ring.submit().map(|_| ())
}

/// The limit of locked memory in bytes, raised as far as it goes.
fn raise_limit() -> u64 {
    let (soft, hard) = getrlimit(Resource::RLIMIT_MEMLOCK).unwrap_or((0, 0));
    if soft < hard && setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard).is_ok() { hard } else { soft }
}
