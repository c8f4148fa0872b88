//! Whether this machine lets the process use io_uring. glommio does not ask, it panics.

use io_uring::{IoUring, Probe, opcode};
use namesrv_shell::resource_limit::{Resource, raise};
use std::io::{self, ErrorKind};

/// KiB of memory that the process has to be allowed to lock: glommio insists on them for each executor; two take less.
const LOCKED_KIB: u64 = 512;

/// What helps when too little memory may be locked.
pub(crate) const LOCKED_ADVICE: &str = "raise the limit of locked memory (ulimit -l, LimitMEMLOCK= of systemd, --ulimit \
     memlock= of a container) or run namesrv-mio, which does the same without";

/// Tries what glommio is going to need, and allows as much locked memory as this process may allow itself.
///
/// # Errors
/// It is not there; says so in one line, and what helps.
pub(crate) fn probe() -> Result<(), String> {
    let allowed = raise(Resource::RLIMIT_MEMLOCK) / 1024;
    if allowed < LOCKED_KIB {
        return Err(format!(
            "only {allowed} KiB of memory may be locked, and io_uring takes {LOCKED_KIB} KiB; {LOCKED_ADVICE}"
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
