//! The modes of access control.

/// How much access control refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing, as in Java.
    #[default]
    Off,
    /// Nothing, but the server reports what [`Mode::Admin`] and [`Mode::Strict`] would refuse.
    Observe,
    /// Administrators' requests need a signature, and only the broker itself may say something about a broker.
    Admin,
    /// Registrations need a signature too.
    Strict,
}
