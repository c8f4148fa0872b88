//! The files of one side of TLS, read together.

use super::error::{FileFault, TlsError};
use super::pem_file;
use super::settings::TlsSettings;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// A file that a property names, with its contents.
#[derive(Debug)]
pub(super) struct NamedFile {
    pub(super) property: &'static str,
    pub(super) path: PathBuf,
    contents: Result<Vec<u8>, FileFault>,
}

/// All files of one side. A property that is not set has none.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) certificate: Option<NamedFile>,
    pub(super) key: Option<NamedFile>,
    pub(super) trust: Option<NamedFile>,
}

/// Shows whether files have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(u64);

impl NamedFile {
    /// Reads a file.
    pub(super) fn read(property: &'static str, path: &Path) -> Self {
        Self { property, path: path.to_owned(), contents: pem_file::read(path) }
    }

    /// Reads the file that a property names, or returns `None` if the property is empty.
    fn of(property: &'static str, path: &str) -> Option<Self> {
        (!path.is_empty()).then(|| Self::read(property, Path::new(path)))
    }

    /// Parses the contents with `read`.
    ///
    /// # Errors
    /// The file could not be read, or `read` failed.
    pub(super) fn map<T>(self, read: impl FnOnce(&[u8]) -> Result<T, FileFault>) -> Result<T, TlsError> {
        let Self { property, path, contents } = self;
        contents.and_then(|contents| read(&contents)).map_err(|fault| TlsError::File { property, path, fault })
    }
}

impl Files {
    /// Reads the files of the server. As in Java, it ignores the trust file unless certificates are checked.
    pub(super) fn of_server(settings: &TlsSettings) -> Self {
        let trust = NamedFile::of(TlsSettings::server_trust.key.name, &settings.server_trust);
        Self {
            certificate: NamedFile::of(TlsSettings::server_certificate.key.name, &settings.server_certificate),
            key: NamedFile::of(TlsSettings::server_key.key.name, &settings.server_key),
            trust: trust.filter(|_| settings.server_checks),
        }
    }

    /// Reads the files for handshakes with brokers.
    pub(super) fn of_client(settings: &TlsSettings) -> Self {
        let trust = NamedFile::of(TlsSettings::client_trust.key.name, &settings.client_trust);
        Self {
            certificate: NamedFile::of(TlsSettings::client_certificate.key.name, &settings.client_certificate),
            key: NamedFile::of(TlsSettings::client_key.key.name, &settings.client_key),
            trust: trust.filter(|_| settings.client_checks),
        }
    }

    /// Whether there are any files.
    pub(super) fn is_any(&self) -> bool {
        self.certificate.is_some() || self.key.is_some() || self.trust.is_some()
    }

    /// Returns a fingerprint that changes with the contents of any file.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        for file in [&self.certificate, &self.key, &self.trust].into_iter().flatten() {
            file.path.hash(&mut hasher);
            file.contents.as_ref().ok().hash(&mut hasher);
        }
        Fingerprint(hasher.finish())
    }
}

impl Fingerprint {
    /// Returns the fingerprint of one file, whatever the file is.
    pub(super) fn of_file(path: &Path) -> Self {
        let mut hasher = DefaultHasher::new();
        pem_file::read(path).ok().hash(&mut hasher);
        Self(hasher.finish())
    }
}
