//! The golden conversations, over sockets.

use super::Target;
use crate::golden::process_server::ProcessServer;
use crate::golden::replay::replay;

/// Every captured frame is answered as Java answered it, or as the overlay says.
pub(super) fn conversations(target: &Target) {
    // Whatever differs is a panic; the report of a run that passes counts the same frames everywhere.
    let _report = replay(|setup| ProcessServer::start(target.binary(), setup));
}
