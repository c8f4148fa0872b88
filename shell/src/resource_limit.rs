//! Limits that the operating system sets a process.

pub use nix::sys::resource::Resource;

use nix::sys::resource::{getrlimit, setrlimit};
use tracing::warn;

/// Raises a limit as far as the process may do that itself, and returns it: 0 if the operating system does not tell.
pub fn raise(resource: Resource) -> u64 {
    let (soft, hard) = getrlimit(resource).unwrap_or((0, 0));
    if soft < hard
        && let Err(error) = setrlimit(resource, hard, hard)
    {
        warn!(%error, ?resource, "cannot raise a limit");
        return soft;
    }
    hard
}
