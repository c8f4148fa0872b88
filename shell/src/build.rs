//! What the binary was built from.

/// What a server binary is made of, as the operator is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// The name of the event loop.
    pub runtime: &'static str,
    /// The revision of the sources; `unknown` if the build did not know it.
    pub revision: &'static str,
}
