//! What the binary was built from.

/// What a server binary was built from, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// The name of the event loop.
    pub runtime: &'static str,
    /// The revision of the sources; `unknown` if the build could not find it.
    pub revision: &'static str,
}
