//! Points in time, handed in by the driver: plain numbers that can be printed and replayed.

use core::fmt;
use core::ops::{Add, Sub};

/// Milliseconds, either since an arbitrary start (monotonic) or since 1970 (wall).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// Later than every other point in time.
    pub const MAX: Self = Self(u64::MAX);

    /// `seconds` in milliseconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// Saturates at [`Millis::MAX`].
impl Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// Saturates at zero.
impl Sub for Millis {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.since(other)
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// One point in time on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// Never goes back: all liveness is decided by it.
    pub monotonic: Millis,
    /// Milliseconds since 1970: only what peers are shown is taken from it.
    pub wall: Millis,
}
