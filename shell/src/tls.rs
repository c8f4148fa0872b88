//! TLS: whether the port speaks it, and the configurations for handshakes.
//!
//! An I/O thread needs only [`Tls`]. Its configurations are created at start, and replaced when their files change.
//! This module moves no bytes.

mod broker_certificates;
mod certificate;
mod client;
mod client_certificates;
mod ctl;
mod error;
mod expiry;
mod files;
mod handshakes;
mod identity;
mod loaded;
mod pem_file;
mod pkcs12;
mod private_key;
mod protocols;
mod self_signed;
mod server;
mod settings;
mod signatures;
mod trust;
mod watch;

pub(crate) use ctl::{client_config, trusting_config};
pub(crate) use error::TlsError;
pub use handshakes::HandshakeResult;
pub use settings::TlsMode;
pub(crate) use settings::{ClientAuth, TlsSettings, TlsSources, unknown_key};
#[cfg(test)]
pub(crate) use tests::test_tls;
pub use watch::TlsFigures;

use crate::audit::AuditSink;
use crate::clock::Clock;
use crate::record::{EventType, Record};
use crate::threads;
use files::Files;
use handshakes::HandshakeCounts;
use namesrv_core::time::WallTime;
use rustls::{ClientConfig, ServerConfig};
use settings::Told;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, SystemTime};
use tracing::{info, warn};
use watch::{Current, Notice, Watch};

#[cfg(test)]
mod tests;

/// How often the files are checked, as in Java (Java: `FileWatchService.run0`).
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// TLS, for the threads that accept connections and notify brokers.
#[derive(Debug)]
pub struct Tls {
    mode: TlsMode,
    /// `None` in mode `disabled`.
    server: Option<Arc<Current<ServerConfig>>>,
    /// `None` if notifications to brokers are in plain text.
    brokers: Option<Arc<Current<ClientConfig>>>,
    handshakes: HandshakeCounts,
}

/// Asks for a reload of the files. The thread that does it ends when the last of these handles is dropped.
#[derive(Clone, Debug)]
pub(crate) struct TlsReload(Sender<()>);

/// Watches the files of both sides.
#[derive(Debug)]
pub(crate) struct TlsWatch {
    server: Option<Watch<ServerConfig>>,
    brokers: Option<Watch<ClientConfig>>,
}

impl Tls {
    /// Reads the settings and their files. A certificate that the server creates for itself is also valid for
    /// `bind_address`.
    ///
    /// # Errors
    /// TLS cannot be offered as the settings ask for: something is missing, malformed, or inconsistent.
    pub(crate) fn start(sources: &TlsSources, bind_address: &str) -> Result<(Arc<Self>, TlsWatch), TlsError> {
        let now = SystemTime::now();
        let (settings, Told { set, warnings }) = sources.read()?;
        if let Some(line) = set {
            info!("{line}");
        }
        let mut notices: Vec<_> = warnings.into_iter().map(Notice::Warning).collect();
        let mode = settings.mode;
        let bind_address = bind_address.to_owned();
        let server = match mode {
            TlsMode::Disabled => None,
            TlsMode::Permissive | TlsMode::Enforcing => {
                let load = move |settings: &_, files| server::load(settings, files, &bind_address);
                let (sources, settings) = (sources.clone(), settings.clone());
                let (watch, more) = Watch::start(sources, settings, Files::of_server, Box::new(load), now)?;
                notices.extend(more);
                Some(watch)
            }
        };
        let brokers = if settings.is_used_for_brokers() {
            let (sources, load) = (sources.clone(), Box::new(client::load));
            let (watch, more) = Watch::start(sources, settings, Files::of_client, load, now)?;
            notices.extend(more);
            Some(watch)
        } else {
            None
        };
        log_notices("server", notices);
        let certificate = server.as_ref().and_then(Watch::certificate).map(|path| path.display().to_string());
        info!(mode = mode.name(), certificate, to_brokers = brokers.is_some(), "TLS");
        let current = (server.as_ref().map(Watch::current), brokers.as_ref().map(Watch::current));
        let tls = Self { mode, server: current.0, brokers: current.1, handshakes: HandshakeCounts::default() };
        Ok((Arc::new(tls), TlsWatch { server, brokers }))
    }

    /// TLS that is switched off.
    #[cfg(test)]
    pub(crate) fn disabled() -> Arc<Self> {
        Arc::new(Self { mode: TlsMode::Disabled, server: None, brokers: None, handshakes: HandshakeCounts::default() })
    }

    /// Returns which connections use TLS. This never changes.
    #[must_use]
    pub const fn mode(&self) -> TlsMode {
        self.mode
    }

    /// Returns the configuration for a handshake that begins now, or `None` in mode `disabled`. Call it for each
    /// handshake, because a reload changes it.
    #[must_use]
    pub fn server_config(&self) -> Option<Arc<ServerConfig>> {
        self.server.as_ref().map(|current| current.config())
    }

    /// Notes that a handshake with a client ended.
    pub(crate) fn note_handshake(&self, result: HandshakeResult) {
        self.handshakes.add(result);
    }

    /// Returns how handshakes with clients ended.
    pub(crate) const fn handshakes(&self) -> &HandshakeCounts {
        &self.handshakes
    }

    /// Returns the configuration for a handshake with a broker, or `None` if notifications to brokers are in plain
    /// text.
    pub(crate) fn broker_config(&self) -> Option<Arc<ClientConfig>> {
        self.brokers.as_ref().map(|current| current.config())
    }

    /// Returns figures about the server's files, or `None` in mode `disabled`.
    #[must_use]
    pub fn figures(&self) -> Option<TlsFigures> {
        self.server.as_ref().map(|current| current.figures())
    }
}

impl TlsWatch {
    /// Watches the files from now on, and reports changes to `audit`.
    ///
    /// # Errors
    /// The operating system cannot start a thread.
    pub(crate) fn spawn(self, audit: AuditSink, clock: Clock) -> io::Result<TlsReload> {
        let (sender, requests) = mpsc::channel();
        threads::named("tls-files").spawn(move || self.run(&requests, &audit, clock))?;
        Ok(TlsReload(sender))
    }

    fn run(mut self, requests: &Receiver<()>, audit: &AuditSink, clock: Clock) {
        loop {
            let interval = if self.has_files() { WATCH_INTERVAL } else { Duration::MAX };
            let is_asked = match requests.recv_timeout(interval) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let now = SystemTime::now();
            let server = self.server.as_mut().map(|watch| watch.look(is_asked, now)).unwrap_or_default();
            let brokers = self.brokers.as_mut().map(|watch| watch.look(is_asked, now)).unwrap_or_default();
            for (side, notices) in [("server", server), ("brokers", brokers)] {
                let record = |notice| record_of(notice, side, is_asked, clock.now().wall);
                notices.iter().filter_map(record).for_each(|record| audit.keep(record));
                log_notices(side, notices);
            }
        }
    }

    fn has_files(&self) -> bool {
        self.server.as_ref().is_some_and(Watch::has_files) || self.brokers.as_ref().is_some_and(Watch::has_files)
    }
}

impl TlsReload {
    /// Asks for a reload of the properties file and the files that it names, without waiting for it.
    pub(crate) fn request(&self) {
        // The thread ends only when this sender is dropped.
        let _ = self.0.send(());
    }
}

/// Returns the event of a notice about a reload: the file and, if it was refused, why.
fn record_of(notice: &Notice, side: &'static str, is_asked: bool, time: WallTime) -> Option<Record> {
    let (event, file, error) = match notice {
        Notice::Reloaded { certificate } => (EventType::Reload, certificate.as_deref(), None),
        Notice::Refused(error) => (EventType::ReloadFailed, error.path(), Some(error.to_string())),
        Notice::Warning(_) => return None,
    };
    let record = Record::new(event, time).with("side", side).with("reason", if is_asked { "asked" } else { "changed" });
    let record = record.with_some("file", file.map(|path| path.display().to_string()).as_deref());
    Some(record.with_some("error", error.as_deref()))
}

/// Logs notices about the side of clients or of brokers.
fn log_notices(side: &'static str, notices: Vec<Notice>) {
    for notice in notices {
        match notice {
            Notice::Reloaded { certificate } => {
                let certificate = certificate.map(|path| path.display().to_string());
                info!(side, certificate, "TLS files were read again: new handshakes use them");
            }
            Notice::Refused(error) => {
                warn!(side, %error, "TLS files cannot be used: new handshakes keep using the old ones");
            }
            Notice::Warning(line) => warn!("{line}"),
        }
    }
}
