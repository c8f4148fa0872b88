//! What can be sent to a Java server and to ours, so that both can be compared.

use super::Content;
use super::defect::Defect;
use super::words::BINARY_BYTES;
use crate::registration::Compression;

/// What ours answers otherwise than Java is not sent one-way: it would look like a request that was lost. Neither is
/// what may not be readable: it may have no answer anyway.
pub(super) fn can_be_oneway(content: &Content, defect: Option<&Defect>) -> bool {
    matches!(defect, None | Some(Defect::Field { .. }))
        && content.code() != 318
        && content.registration().is_none_or(|registration| registration.compression != Compression::Denied)
}

/// Whether both servers can be compared after a request with this defect. One registration without broker name or
/// address spoils a Java server for good, and one of an old release that is none gets the time of the server for its
/// data version.
pub(super) fn is_bearable(content: &Content, binary: bool, defect: &Defect) -> bool {
    let is_registration = matches!(content, Content::Register(_));
    match defect {
        Defect::Field { name, .. } => !is_registration || !["brokerName", "brokerAddr"].contains(name),
        Defect::Member { name, .. } => !(binary || is_registration && ["extFields", "version"].contains(name)),
        Defect::Header { bytes, .. } => !is_registration && binary == BINARY_BYTES.contains(bytes),
        Defect::Body { .. } => true,
    }
}
