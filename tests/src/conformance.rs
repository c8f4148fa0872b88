//! What every runtime's binary has to pass over real sockets.

use crate::golden::replay::{Report, replay};
use crate::process::ProcessServer;
use std::path::Path;

/// Replays the golden conversations against a binary.
///
/// # Panics
/// An answer differs from Java's and the overlay does not say so.
pub fn golden_conversations(binary: &Path) -> Report {
    replay(|setup| ProcessServer::start(binary, setup))
}
