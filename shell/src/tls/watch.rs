//! Reload: checks whether the files of one side have changed, and uses them if they are consistent.

use super::certificate::Certificate;
use super::error::TlsError;
use super::expiry::Expiry;
use super::files::{Files, Fingerprint};
use super::loaded::Loaded;
use super::settings::{TlsSettings, TlsSources};
use arc_swap::ArcSwap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The configuration of one side that is in use, with figures about its files.
#[derive(Debug)]
pub(super) struct Current<C> {
    config: ArcSwap<C>,
    reloads: AtomicU64,
    failed_reloads: AtomicU64,
    /// Seconds since 1970; 0 for a certificate that the server created for itself.
    expires: AtomicU64,
}

/// How often changed files were used, and until when the certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsFigures {
    /// Number of changes that were used.
    pub reloads: u64,
    /// Number of changes that were refused, because something was missing or inconsistent.
    pub failed_reloads: u64,
    /// The end of the first certificate of the chain to expire; `None` if the server created its own.
    pub certificate_expires: Option<SystemTime>,
}

/// Log lines for the operator.
#[derive(Debug)]
pub(super) enum Notice {
    /// New handshakes use the current files.
    Reloaded { certificate: Option<PathBuf> },
    /// The files cannot be used, so new handshakes use the same configuration as before.
    Refused(TlsError),
    /// Something works, but is not what it seems.
    Warning(String),
}

/// Creates a configuration from settings and files.
pub(super) type Load<C> = Box<dyn Fn(&TlsSettings, Files) -> Result<Loaded<C>, TlsError> + Send>;

/// Watches the files of one side.
pub(super) struct Watch<C> {
    sources: TlsSources,
    read: fn(&TlsSettings) -> Files,
    load: Load<C>,
    current: Arc<Current<C>>,
    settings: TlsSettings,
    /// The files in use.
    used: Fingerprint,
    failed: Option<Failed>,
    certificates: Option<(PathBuf, Vec<Certificate>)>,
    expiry: Expiry,
}

/// Files that could not be used.
#[derive(Debug)]
struct Failed {
    /// The settings that name them, unless the settings are the fault.
    settings: Option<TlsSettings>,
    files: Fingerprint,
    properties: Fingerprint,
    /// An error that is not reported yet, because files that belong together rarely change at the same moment.
    untold: Option<TlsError>,
}

impl<C> Current<C> {
    /// Returns the configuration for new handshakes.
    pub(super) fn config(&self) -> Arc<C> {
        self.config.load_full()
    }

    /// Returns the figures.
    pub(super) fn figures(&self) -> TlsFigures {
        let expires = self.expires.load(Ordering::Relaxed);
        TlsFigures {
            reloads: self.reloads.load(Ordering::Relaxed),
            failed_reloads: self.failed_reloads.load(Ordering::Relaxed),
            certificate_expires: (expires > 0).then(|| UNIX_EPOCH + std::time::Duration::from_secs(expires)),
        }
    }
}

impl<C> Watch<C> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// The files cannot be used.
    pub(super) fn start(
        sources: TlsSources,
        settings: TlsSettings,
        read: fn(&TlsSettings) -> Files,
        load: Load<C>,
        now: SystemTime,
    ) -> Result<(Self, Vec<Notice>), TlsError> {
        let files = read(&settings);
        let used = files.fingerprint();
        let Loaded { config, identity, warnings } = load(&settings, files)?;
        let current = Arc::new(Current {
            config: ArcSwap::from_pointee(config),
            reloads: AtomicU64::new(0),
            failed_reloads: AtomicU64::new(0),
            expires: AtomicU64::new(0),
        });
        let certificates = identity.map(|identity| (identity.path, identity.chain));
        let expiry = Expiry::default();
        let mut watch = Self { sources, read, load, current, settings, used, failed: None, certificates, expiry };
        watch.note_expiry();
        let mut notices: Vec<_> = warnings.into_iter().map(Notice::Warning).collect();
        notices.extend(watch.expiry_notice(now));
        Ok((watch, notices))
    }

    /// Returns the configuration in use.
    pub(super) fn current(&self) -> Arc<Current<C>> {
        Arc::clone(&self.current)
    }

    /// Returns the file of the certificate in use, or `None` if the server created it for itself.
    pub(super) fn certificate(&self) -> Option<&PathBuf> {
        self.certificates.as_ref().map(|(path, _)| path)
    }

    /// Whether there are files that could change.
    pub(super) fn has_files(&self) -> bool {
        self.certificates.is_some() || (self.read)(&self.settings).is_any()
    }

    /// As [`Self::poll`]. If the operator asks for it, reloads even if only the properties file has changed.
    pub(super) fn look(&mut self, is_asked: bool, now: SystemTime) -> Vec<Notice> {
        let is_as_read = || self.sources.read().is_ok_and(|(settings, _)| settings == self.settings);
        if !is_asked || (self.failed.is_none() && is_as_read()) {
            return self.poll(now);
        }
        let mut notices = self.reload();
        notices.extend(self.failed.as_mut().and_then(|failed| failed.untold.take()).map(Notice::Refused));
        notices.extend(self.expiry_notice(now));
        notices
    }

    /// Checks the files, uses them if they have changed and are consistent, and returns the notices for the operator.
    pub(super) fn poll(&mut self, now: SystemTime) -> Vec<Notice> {
        let settings = self.failed.as_ref().and_then(|failed| failed.settings.as_ref()).unwrap_or(&self.settings);
        let files = (self.read)(settings).fingerprint();
        let properties = self.properties_fingerprint();
        let mut notices = match &mut self.failed {
            None if files == self.used => Vec::new(),
            Some(failed) if failed.files == files && failed.properties == properties => {
                failed.untold.take().map(Notice::Refused).into_iter().collect()
            }
            _ => self.reload(),
        };
        notices.extend(self.expiry_notice(now));
        notices
    }

    fn reload(&mut self) -> Vec<Notice> {
        let properties = self.properties_fingerprint();
        let settings = match self.sources.read() {
            // The line about the properties file was logged at start.
            Ok((settings, _)) => settings,
            Err(error) => return self.fail(None, (self.read)(&self.settings).fingerprint(), properties, error),
        };
        let files = (self.read)(&settings);
        let seen = files.fingerprint();
        let Loaded { config, identity, warnings } = match (self.load)(&settings, files) {
            Ok(loaded) => loaded,
            Err(error) => return self.fail(Some(settings), seen, properties, error),
        };
        self.current.config.store(Arc::new(config));
        self.current.reloads.fetch_add(1, Ordering::Relaxed);
        (self.settings, self.used, self.failed) = (settings, seen, None);
        self.certificates = identity.map(|identity| (identity.path, identity.chain));
        self.expiry = Expiry::default();
        self.note_expiry();
        let certificate = self.certificate().cloned();
        [Notice::Reloaded { certificate }].into_iter().chain(warnings.into_iter().map(Notice::Warning)).collect()
    }

    /// Keeps the configuration in use. The error is logged if the next look finds the same files.
    fn fail(
        &mut self,
        settings: Option<TlsSettings>,
        files: Fingerprint,
        properties: Fingerprint,
        error: TlsError,
    ) -> Vec<Notice> {
        self.current.failed_reloads.fetch_add(1, Ordering::Relaxed);
        self.failed = Some(Failed { settings, files, properties, untold: Some(error) });
        Vec::new()
    }

    fn properties_fingerprint(&self) -> Fingerprint {
        Fingerprint::of_file(&self.sources.properties_file())
    }

    fn note_expiry(&self) {
        let chain = self.certificates.iter().flat_map(|(_, chain)| chain);
        let expires = chain.map(Certificate::expires).min();
        let seconds = expires.and_then(|expires| expires.duration_since(UNIX_EPOCH).ok()).unwrap_or_default().as_secs();
        self.current.expires.store(seconds, Ordering::Relaxed);
    }

    fn expiry_notice(&mut self, now: SystemTime) -> Option<Notice> {
        let (path, chain) = self.certificates.as_ref()?;
        self.expiry.line(path, chain, now).map(Notice::Warning)
    }
}

impl<C> fmt::Debug for Watch<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("settings", &self.settings).field("failed", &self.failed).finish_non_exhaustive()
    }
}
