//! Whether a NameServer serves.

use crate::ask_error::AskError;
use crate::client::{Client, Way};
use std::time::Instant;

/// Asks a NameServer, this one's or Java's, whether it answers route queries. Connecting and the answer share one time
/// limit.
///
/// # Errors
/// Why it does not.
pub fn check_health(address: &str, way: &Way) -> Result<(), AskError> {
    let until = Instant::now() + way.within;
    let mut client = Client::connect(address, way)?;
    client.set_time_limit(until.saturating_duration_since(Instant::now()));
    client.check_health()
}
