//! `--health`: asks a NameServer, this implementation or Java's, whether it serves.

use crate::environment::Environment;
use crate::keys::ProcessSettings;
use crate::start_error::StartError;
use crate::startup::Startup;
use crate::tls::{ClientAuth, TlsMode, TlsSources, trusting_config};
use crate::transport::ProxyProtocol;
use namesrv_ctl::{AskError, Way, check_address, check_health};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

/// The time limit for the whole check.
const WITHIN: Duration = Duration::from_secs(2);
/// The PROXY header of a connection that names no client.
const PROXY_HEADER: &[u8] = b"PROXY UNKNOWN\r\n";

/// What may help if the server closes the connection and no file says how it wants to be reached.
const NAME_THE_FILE: &str = ": if it wants TLS or a PROXY header, name its configuration file with -c";
/// What helps if the server refuses clients without a certificate.
const ASK_ELSEWHERE: &str = ": it wants a certificate of clients (tls.server.need.client.auth), and --health has none: \
                             ask /readyz of adminListen";

/// Which server to ask, and how.
#[derive(Debug)]
pub(crate) struct HealthCheck {
    address: String,
    way: Way,
    /// What to add if the server closes the connection.
    advice: &'static str,
}

impl HealthCheck {
    /// The server at the address on the command line, or else on this host at the port of the configuration file. If
    /// there is a file, it says whether the server wants TLS or a PROXY header.
    ///
    /// # Errors
    /// The address is none, or the configuration cannot be read.
    pub(crate) fn new(named: Option<String>, config_file: Option<&Path>) -> Result<Self, StartError> {
        if let Some(address) = &named {
            check_address(address).map_err(StartError::HealthAddress)?;
        }
        let way = Way::new(WITHIN);
        let named = match named {
            Some(address) if config_file.is_none() => return Ok(Self { address, way, advice: NAME_THE_FILE }),
            named => named,
        };
        let Startup { configuration, .. } = Startup::read(config_file, &Environment::of_process())?;
        let settings = ProcessSettings::of(&configuration);
        let (tls_settings, _) = TlsSources::of(&configuration).read()?;
        let needs_tls = tls_settings.mode == TlsMode::Enforcing;
        let needs_header = settings.proxy_protocol == ProxyProtocol::Require;
        let advice = match config_file {
            None => NAME_THE_FILE,
            Some(_) if needs_tls && tls_settings.client_auth == ClientAuth::Require => ASK_ELSEWHERE,
            Some(_) => "",
        };
        let tls = needs_tls.then(trusting_config).transpose()?;
        let first_bytes = if needs_header { PROXY_HEADER } else { &[] };
        let address = named.unwrap_or_else(|| own_address(&settings));
        Ok(Self { address, way: Way { tls, first_bytes, ..way }, advice })
    }

    /// Asks whether the server answers route queries.
    ///
    /// # Errors
    /// Why it does not, in one line.
    pub(crate) fn ask(&self) -> Result<(), String> {
        let Self { address, way, advice } = self;
        check_health(address, way).map_err(|error| {
            if error.is_late() {
                format!("{address}: the server does not answer within {} s", WITHIN.as_secs())
            } else if matches!(error, AskError::Closed { .. } | AskError::Stream(_)) {
                format!("{address}: {error}{advice}")
            } else {
                format!("{address}: {error}")
            }
        })
    }
}

/// The address of a server on this host.
fn own_address(settings: &ProcessSettings) -> String {
    let host = match &*settings.bind_address {
        "0.0.0.0" | "::" | "[::]" => Ipv4Addr::LOCALHOST.to_string(),
        address if address.contains(':') && !address.starts_with('[') => format!("[{address}]"),
        address => address.to_owned(),
    };
    format!("{host}:{}", settings.listen_port)
}
