//! The environment of a server under test.

use std::process::Command;

/// What the server reads from its environment.
const VARIABLES: [&str; 8] = [
    "ROCKETMQ_HOME",
    "ROCKETMQ_SERIALIZE_TYPE",
    "JAVA_OPT",
    "JAVA_OPT_EXT",
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
];

/// Takes from a command what a server would read from the environment of the tests.
pub(crate) fn clear(command: &mut Command) {
    for variable in VARIABLES {
        command.env_remove(variable);
    }
}
