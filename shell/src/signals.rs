//! Signals: some stop the server, some reload its configuration or log its state, and the rest have no effect.
//!
//! Operators and init systems can send any signal without losing accepted requests, except SIGKILL and a second request
//! to stop. SIGABRT and the signals of a broken program (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP) keep their
//! default, so that the kernel can write a core file.

use crate::drain::Drain;
use crate::reload::ReloadHandle;
use crate::summary::Summary;
use crate::threads;
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;
use std::ffi::c_int;
use std::io;
use tracing::info;

/// This exists only on Linux, so `signal-hook` has no name for it.
const SIGSTKFLT: c_int = 16;
const SIGPWR: c_int = 30;
/// The first real-time signal for programs. The C library keeps two signals for itself.
const SIGRTMIN: c_int = 34;
const SIGRTMAX: c_int = 64;
/// systemd calls this signal halt. Container engines send it to stop images that expect an init process.
const SIGHALT: c_int = SIGRTMIN + 3;

/// What the server does on a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Stop after draining, or at once if the server is already stopping.
    Stop,
    /// Reload the configuration.
    Reload,
    /// Log the state of the server.
    Summarise,
    /// Log that the signal has no effect.
    Ignore,
    /// Do nothing: the write that failed reports its own error.
    Nothing,
}

/// The signals that the server catches, with their actions.
fn actions() -> impl Iterator<Item = (c_int, Action)> {
    let stop = [SIGTERM, SIGINT, SIGPWR, SIGXCPU, SIGHALT].map(|signal| (signal, Action::Stop));
    let summarise = [SIGQUIT, SIGUSR1, SIGUSR2].map(|signal| (signal, Action::Summarise));
    let ignore = [SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGSTKFLT].map(|signal| (signal, Action::Ignore));
    let reload = [(SIGHUP, Action::Reload)];
    let nothing = [(SIGXFSZ, Action::Nothing)];
    let real_time = (SIGRTMIN..=SIGRTMAX).filter(|signal| *signal != SIGHALT).map(|signal| (signal, Action::Ignore));
    stop.into_iter().chain(reload).chain(summarise).chain(ignore).chain(nothing).chain(real_time)
}

/// Caught signals. Even a process 1, for which the kernel has no default actions, reacts to them.
#[derive(Debug)]
pub(crate) struct Caught(Signals);

/// Catches the signals. Those that arrive before [`Caught::watch`] are kept.
///
/// # Errors
/// The operating system refuses to catch a signal.
pub(crate) fn catch() -> io::Result<Caught> {
    Ok(Caught(Signals::new(actions().map(|(signal, _)| signal))?))
}

impl Caught {
    /// Acts on the signals from now on, on a separate thread.
    ///
    /// # Errors
    /// The operating system cannot start a thread.
    pub(crate) fn watch(self, drain: Drain, reload: ReloadHandle, summary: Summary) -> io::Result<()> {
        threads::named("signals").spawn(move || watch(self.0, drain, &reload, &summary))?;
        Ok(())
    }
}

fn watch(mut signals: Signals, mut drain: Drain, reload: &ReloadHandle, summary: &Summary) {
    for signal in signals.forever() {
        let action = actions().find(|(known, _)| *known == signal).map_or(Action::Ignore, |(_, action)| action);
        match action {
            Action::Stop => {
                if !drain.handle_stop() {
                    // The status with which a shell reports a process that was ended by a signal.
                    std::process::exit(128 + signal);
                }
            }
            Action::Reload => reload.request(!drain.has_begun()),
            Action::Summarise => summary.log(),
            Action::Ignore => info!("ignored: {}", name(signal)),
            Action::Nothing => {}
        }
    }
}

fn name(signal: c_int) -> String {
    match signal {
        SIGSTKFLT => "SIGSTKFLT".to_owned(),
        SIGRTMIN..=SIGRTMAX => format!("SIGRTMIN+{}", signal - SIGRTMIN),
        _ => signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn names_are_those_of_kill() {
        assert_eq!(name(SIGHUP), "SIGHUP");
        assert_eq!(name(36), "SIGRTMIN+2");
        assert_eq!(name(SIGSTKFLT), "SIGSTKFLT");
    }
}
