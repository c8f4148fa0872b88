//! Where the process runs: its environment variables and the home of its user.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variables that change what a server does, as those of the Java server do. A test takes them from its servers.
pub const VARIABLES: [&str; 8] = [
    "ROCKETMQ_HOME",
    "ROCKETMQ_SERIALIZE_TYPE",
    "JAVA_OPT",
    "JAVA_OPT_EXT",
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
];

/// Where the process runs: handed in, so that a test can make one up.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// A variable's value.
    pub(crate) variable: fn(&str) -> Option<OsString>,
    /// Home of the user that the process runs as.
    pub(crate) home: PathBuf,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        Self { variable: |name| std::env::var_os(name), home: home() }
    }
}

/// The home that the user database names, as Java's `user.home`: `$HOME` may be another, and so another KV file would
/// be found. A user without an entry (some containers) has what `$HOME` says.
fn home() -> PathBuf {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current()).ok().flatten();
    user.map(|user| user.dir).or_else(|| std::env::var_os("HOME").map(PathBuf::from)).unwrap_or_else(|| "/".into())
}
