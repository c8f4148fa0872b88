//! Where the value of a key comes from.

use core::fmt;

/// Where the value of a key comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Nothing set it.
    #[default]
    Default,
    /// A line of the configuration file.
    File {
        /// The line, counted from 1.
        line: usize,
    },
    /// A change at run time, made on this server process or an earlier one.
    Runtime,
    /// An environment variable, or a JVM option in one.
    Environment,
    /// A command-line option.
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
