//! The trace of a run: a digest of everything that happened, and all of it as text for whoever looks for a fault.

use super::agenda::Time;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write;

/// What happened so far.
#[derive(Debug)]
pub(super) struct Trace {
    digest: DefaultHasher,
    lines: u64,
    shows: bool,
}

impl Trace {
    /// A trace that also goes to stderr, or not.
    pub(super) fn new(shows: bool) -> Self {
        Self { digest: DefaultHasher::new(), lines: 0, shows }
    }

    pub(super) fn note(&mut self, now: Time, line: fmt::Arguments<'_>) {
        self.lines += 1;
        self.digest.write_u64(now);
        self.digest.write(line.to_string().as_bytes());
        if self.shows {
            let _ = writeln!(std::io::stderr(), "{:>10}.{:03} {line}", now / 1000, now % 1000);
        }
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines
    }
}
