//! Where the value of a key comes from.

use core::fmt;

/// Where the value of a key comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    #[default]
    Default,
    /// This line of the configuration file.
    File {
        /// Counted from 1.
        line: usize,
    },
    /// A change while a server ran, this one or one before it.
    Runtime,
    /// A variable, or an option of a JVM in one.
    Environment,
    /// An option of the command line.
    CommandLine,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { line } => write!(f, "file:{line}"),
            Self::Runtime => f.write_str("runtime"),
            Self::Environment => f.write_str("environment"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}
