//! Whether a NameServer serves.

use crate::ask_error::AskError;
use crate::client::{Client, Way};
use std::time::Instant;

/// Asks a NameServer, this implementation or Java's, whether it answers route queries. Connecting and the answer share
/// one time limit.
///
/// # Errors
/// Why it does not.
pub fn check_health(address: &str, way: &Way) -> Result<(), AskError> {
    let until = Some(Instant::now() + way.within);
    Client::connect(address, &Way { until, ..way.clone() })?.check_health()
}
