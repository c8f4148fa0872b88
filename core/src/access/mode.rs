//! How much is closed.

/// How much is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing, as in Java.
    #[default]
    Off,
    /// Nothing, but what [`Mode::Admin`] and [`Mode::Strict`] would refuse is reported.
    Observe,
    /// Administrators' requests need a signature. What is said about a broker counts only from the broker itself.
    Admin,
    /// Registrations need a signature too.
    Strict,
}
