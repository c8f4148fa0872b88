//! What an operator sees at start: every line of `tests/texts`.

use super::Target;
use crate::texts::play;

/// Arguments.
pub(super) fn command_line(target: &Target) {
    play(target, "command-line.txt");
}

/// Environment variables.
pub(super) fn environment(target: &Target) {
    play(target, "environment.txt");
}

/// The file that `-c` names.
pub(super) fn configuration_file(target: &Target) {
    play(target, "configuration-file.txt");
}

/// Values of keys.
pub(super) fn values(target: &Target) {
    play(target, "values.txt");
}

/// The files that the server keeps.
pub(super) fn kept_files(target: &Target) {
    play(target, "kept-files.txt");
}

/// Users, addresses and the audit.
pub(super) fn access_control(target: &Target) {
    play(target, "access-control.txt");
}
