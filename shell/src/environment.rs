//! The environment of the process: its variables and its user's home.

use std::ffi::OsString;
use std::path::PathBuf;

/// Variables that change what a server does, as they do for the Java server. Tests remove them for their servers.
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

/// The environment of the process. It is passed in, so that tests can invent one.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// Returns the value of a variable.
    pub(crate) variable: fn(&str) -> Option<OsString>,
    /// Home of the user of the process.
    pub(crate) home: PathBuf,
}

impl Environment {
    /// The environment of this process.
    pub(crate) fn of_process() -> Self {
        Self { variable: |name| std::env::var_os(name), home: home() }
    }
}

/// Returns the home in the user database, like Java's `user.home`. `$HOME` may differ, and would lead to another KV
/// file. It counts only for users without an entry (in some containers).
fn home() -> PathBuf {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current()).ok().flatten();
    user.map(|user| user.dir).or_else(|| std::env::var_os("HOME").map(PathBuf::from)).unwrap_or_else(|| "/".into())
}
