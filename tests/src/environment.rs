//! The environment of a server under test.

use namesrv_shell::environment::VARIABLES;
use std::process::Command;

/// Takes from a command what a server would read from the environment of the tests.
pub(crate) fn clear(command: &mut Command) {
    for variable in VARIABLES {
        command.env_remove(variable);
    }
}
