//! `--health`: asks a NameServer, this implementation or Java's, whether it serves.

use crate::environment::Environment;
use crate::keys::ProcessSettings;
use crate::start_error::StartError;
use crate::startup::Startup;
use namesrv_ctl::{Way, check_address, check_health};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

/// The time limit for the whole check.
const WITHIN: Duration = Duration::from_secs(2);

/// Returns the address to ask: the one on the command line, or else this host with the port of the configuration file.
///
/// # Errors
/// The address is none, or the configuration cannot be read.
pub(crate) fn address(named: Option<String>, config_file: Option<&Path>) -> Result<String, StartError> {
    if let Some(address) = named {
        return check_address(&address).map(|()| address).map_err(StartError::HealthAddress);
    }
    let startup = Startup::read(config_file, &Environment::of_process())?;
    let ProcessSettings { bind_address, listen_port, .. } = ProcessSettings::of(&startup.configuration);
    let host = match &*bind_address {
        "0.0.0.0" | "::" | "[::]" => Ipv4Addr::LOCALHOST.to_string(),
        address if address.contains(':') && !address.starts_with('[') => format!("[{address}]"),
        address => address.to_owned(),
    };
    Ok(format!("{host}:{listen_port}"))
}

/// Asks whether a server answers route queries.
///
/// # Errors
/// Why it does not, in one line.
pub(crate) fn ask(address: &str) -> Result<(), String> {
    check_health(address, &Way::new(WITHIN)).map_err(|error| {
        if error.is_late() {
            format!("{address}: the server does not answer within {} s", WITHIN.as_secs())
        } else {
            format!("{address}: {error}")
        }
    })
}
