//! Whether this machine lets the process use io_uring. glommio does not ask, it panics.

use io_uring::{IoUring, Probe, opcode};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::{self, ErrorKind};

/// Memory that the process has to be allowed to lock, in bytes: what glommio insists on.
const LOCKED_BYTES: u64 = 512 * 1024;

/// Tries what glommio is going to need, and raises the soft limit of locked memory if that is all it takes.
///
/// # Errors
/// It is not there; says so in one line, and what helps.
pub(crate) fn probe() -> Result<(), String> {
    try_ring().map_err(|error| {
        format!(
            "io_uring cannot be used ({error}); it takes Linux 5.8, sysctl kernel.io_uring_disabled=0 and, in a container, a \
             seccomp profile that allows io_uring_setup, io_uring_enter and io_uring_register; namesrv-mio does the same \
             without"
        )
    })?;
    raise_limit().map_err(|allowed| {
        format!(
            "only {} KiB of memory may be locked, and io_uring takes {} KiB; raise the limit (ulimit -l, LimitMEMLOCK= of \
             systemd, --ulimit memlock= of a container); namesrv-mio does the same without",
            allowed / 1024,
            LOCKED_BYTES / 1024
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

/// The error is the limit, in bytes.
fn raise_limit() -> Result<(), u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_MEMLOCK).unwrap_or((0, 0));
    if soft >= LOCKED_BYTES {
        return Ok(());
    }
    if hard < LOCKED_BYTES {
        return Err(hard);
    }
    setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard).map_err(|_| soft)
}
