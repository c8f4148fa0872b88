//! The TLS settings: their keys, and the properties file that overrides some of them.

use super::error::TlsError;
use super::pem_file;
use namesrv_core::config::Configuration;
use namesrv_core::config::properties::{self, Property};
use namesrv_core::key::Origin::{JvmProperty, NettyClientConfig};
use namesrv_core::key::{Key, Kind, Row, Word, boolean, optional_boolean, text, word};
use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The default properties file (Java: `TlsSystemConfig`).
const DEFAULT_FILE: &str = "/etc/rocketmq/tls.properties";

namesrv_core::keys! {
    /// The TLS settings, with the names of the Java server (Java: `TlsSystemConfig`).
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct TlsSettings {
        /// Whether notices to brokers use TLS; overrides `tls.enable`.
        use_tls: Option<bool> = optional_boolean("useTLS").of(NettyClientConfig(12));
        /// Whether notices to brokers use TLS; if not set, they do in mode `enforcing`.
        enable: Option<bool> = optional_boolean("tls.enable").of(JvmProperty(7));
        /// Whether the server creates its own certificate; if not set, it does unless a file or check is configured.
        test_mode: Option<bool> = optional_boolean("tls.test.mode.enable").of(JvmProperty(8));
        /// Properties file that overrides the TLS keys below, but not the mode.
        config_file: String = text("tls.config.file", DEFAULT_FILE).of(JvmProperty(9));
        /// Which connections use TLS: `disabled` none, `permissive` those whose client begins it, `enforcing` all.
        mode: TlsMode = word("tls.server.mode", "permissive").of(JvmProperty(10));
        /// PEM file with the private key of the server.
        server_key: String = text("tls.server.keyPath", "").of(JvmProperty(11));
        /// Password of this key.
        server_password: Password = password("tls.server.keyPassword").of(JvmProperty(12));
        /// PEM file with the certificate of the server, followed by those of its CAs.
        server_certificate: String = text("tls.server.certPath", "").of(JvmProperty(13));
        /// Whether the server checks certificates of clients.
        server_checks: bool = boolean("tls.server.authClient", "false").of(JvmProperty(14));
        /// PEM file with the CAs that it checks them against.
        server_trust: String = text("tls.server.trustCertPath", "").of(JvmProperty(15));
        /// Whether the server asks clients for a certificate: `none`, `optional` or `require`.
        client_auth: ClientAuth = word("tls.server.need.client.auth", "none").in_any_case().of(JvmProperty(16));
        /// PEM file with the private key of the certificate that brokers see.
        client_key: String = text("tls.client.keyPath", "").of(JvmProperty(17));
        /// Password of this key.
        client_password: Password = password("tls.client.keyPassword").of(JvmProperty(18));
        /// PEM file with the certificate that brokers see.
        client_certificate: String = text("tls.client.certPath", "").of(JvmProperty(19));
        /// Whether the server checks certificates of brokers.
        client_checks: bool = boolean("tls.client.authServer", "false").of(JvmProperty(20));
        /// PEM file with the CAs that it checks them against.
        client_trust: String = text("tls.client.trustCertPath", "").of(JvmProperty(21));
        /// Cipher suites in the order of preference, separated by commas; if empty, all.
        ciphers: String = text("tls.ciphers", "").of(JvmProperty(22));
        /// `TLSv1.2`, `TLSv1.3` or both, separated by a comma; if empty, both.
        protocols: String = text("tls.protocols", "").of(JvmProperty(23));
    }
}

/// Keys that the properties file does not override (Java: `TlsHelper.extractTlsConfigFromFile`).
pub(super) const NOT_IN_FILE: [Key; 4] =
    [TlsSettings::use_tls.key, TlsSettings::enable.key, TlsSettings::config_file.key, TlsSettings::mode.key];

/// Which connections use TLS (Java: `TlsMode`, `NettyRemotingServer.TlsModeHandler.channelRead0`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// None. A client that begins a handshake is disconnected.
    Disabled,
    /// Those of clients that begin a handshake.
    Permissive,
    /// All. A client that begins with anything else is disconnected.
    Enforcing,
}

impl Word for TlsMode {
    const NAMES: &'static [&'static str] = &["disabled", "permissive", "enforcing"];

    fn from_name(name: &str) -> Self {
        match name {
            "disabled" => Self::Disabled,
            "enforcing" => Self::Enforcing,
            _ => Self::Permissive,
        }
    }
}

impl TlsMode {
    /// Returns its name in the configuration file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Permissive => "permissive",
            Self::Enforcing => "enforcing",
        }
    }
}

/// Whether the server asks clients for a certificate (Java: `TlsHelper.parseClientAuthMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    /// No.
    None,
    /// It asks, but accepts clients without one.
    Optional,
    /// It requires one.
    Require,
}

impl Word for ClientAuth {
    const NAMES: &'static [&'static str] = &["none", "optional", "require"];

    fn from_name(name: &str) -> Self {
        match name {
            "optional" => Self::Optional,
            "require" => Self::Require,
            _ => Self::None,
        }
    }
}

/// A password, which is never shown. An empty one means none.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Password(pub(super) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

const fn password(name: &'static str) -> Row<Password> {
    Row { key: Key { kind: Kind::Secret, ..text(name, "").key }, parse: |value| Password(value.to_owned()) }
}

impl TlsSettings {
    /// Whether notifications to brokers use TLS.
    pub(super) fn is_used_for_brokers(&self) -> bool {
        self.use_tls.or(self.enable).unwrap_or(self.mode == TlsMode::Enforcing)
    }

    /// Whether the server creates its own certificate. Unlike Java, it uses named files unless test mode is set: an
    /// operator who names files wants them to be used.
    pub(super) fn is_test_server(&self) -> bool {
        self.test_mode.unwrap_or_else(|| !self.asks_of_server())
    }

    /// Whether the server shows brokers no certificate and accepts any of theirs.
    pub(super) fn is_test_client(&self) -> bool {
        self.test_mode.unwrap_or_else(|| !self.asks_of_client())
    }

    /// Whether a setting asks for something that test mode does not do with clients.
    pub(super) fn asks_of_server(&self) -> bool {
        let files = [&self.server_certificate, &self.server_key, &self.server_trust];
        self.server_checks || self.client_auth != ClientAuth::None || files.iter().any(|path| !path.is_empty())
    }

    /// Whether a setting asks for something that test mode does not do with brokers.
    pub(super) fn asks_of_client(&self) -> bool {
        let files = [&self.client_certificate, &self.client_key, &self.client_trust];
        self.client_checks || files.iter().any(|path| !path.is_empty())
    }
}

/// Explains why a key that the operator sets is unknown, if its name looks like a TLS setting.
pub(crate) fn unknown_key(name: &str) -> Option<String> {
    if !name.to_ascii_lowercase().starts_with("tls.") || TlsSettings::KEYS.iter().any(|key| key.name == name) {
        return None;
    }
    let near = TlsSettings::KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(name));
    let names = TlsSettings::KEYS.iter().map(|key| key.name).filter(|name| name.starts_with("tls."));
    let all = || names.collect::<Vec<_>>().join(", ");
    Some(match near {
        Some(key) => format!("no such key: write {}", key.name),
        None => format!("no such key: the keys of TLS are {}", all()),
    })
}

/// The log line about the properties file.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The keys that the file sets.
    pub(super) set: Option<String>,
    /// Warnings about the file.
    pub(super) warnings: Vec<String>,
}

/// The sources of the settings: the configuration, which never changes, and the properties file, which every reload
/// reads again.
#[derive(Clone)]
pub(crate) struct TlsSources {
    configuration: BTreeMap<&'static str, String>,
}

impl TlsSources {
    /// Reads the configuration.
    pub(crate) fn of(configuration: &Configuration) -> Self {
        let value = |key: &Key| (key.name, configuration.effective(key).to_owned());
        Self { configuration: TlsSettings::KEYS.iter().map(value).collect() }
    }

    /// Returns the settings, with the log line about the properties file.
    ///
    /// # Errors
    /// The properties file cannot be read, or has a bad entry.
    pub(crate) fn read(&self) -> Result<(TlsSettings, Told), TlsError> {
        let mut values = self.configuration.clone();
        let path = self.properties_file();
        let mut told = Told::default();
        if let Some(contents) = read_file(&path)? {
            let entries = properties::parse_file(&contents)
                .map_err(|source| TlsError::Properties { path: path.clone(), source })?;
            told = take(&path, entries, &mut values)?;
        }
        let value = |key: &Key| values.get(key.name).map_or("", String::as_str);
        Ok((TlsSettings::read(value), told))
    }

    /// Returns the path of the properties file, or an empty one if the operator wants none.
    pub(super) fn properties_file(&self) -> PathBuf {
        self.configuration.get(TlsSettings::config_file.key.name).map(PathBuf::from).unwrap_or_default()
    }
}

impl fmt::Debug for TlsSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values include passwords.
        f.debug_struct("TlsSources").field("properties_file", &self.properties_file()).finish_non_exhaustive()
    }
}

/// Reads the properties file. The default one may be missing.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, TlsError> {
    if path == Path::new("") {
        return Ok(None);
    }
    match pem_file::read(path) {
        Ok(contents) => Ok(Some(contents)),
        Err(fault) if path == Path::new(DEFAULT_FILE) && fault.is_io(ErrorKind::NotFound) => Ok(None),
        Err(fault) => Err(TlsError::File { property: TlsSettings::config_file.key.name, path: path.to_owned(), fault }),
    }
}

/// Adds the entries of the properties file to the values.
fn take(path: &Path, entries: Vec<Property>, values: &mut BTreeMap<&'static str, String>) -> Result<Told, TlsError> {
    let (mut set, mut elsewhere, mut unknown, mut blanks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Property { key: name, value, line, .. } in entries {
        let bad = |reason| TlsError::Entry { path: path.to_owned(), line, key: name.clone(), reason };
        if let Some(reason) = unknown_key(&name) {
            return Err(bad(reason));
        }
        let Some(key) = TlsSettings::KEYS.iter().find(|key| key.name == name) else {
            unknown.push(name);
            continue;
        };
        if NOT_IN_FILE.contains(key) {
            elsewhere.push(key.name);
            continue;
        }
        let trimmed = value.trim();
        let canonical = if trimmed.is_empty() && key.kind == Kind::Boolean && key.default.is_none() {
            String::new()
        } else {
            key.canonical(trimmed).map_err(bad)?
        };
        if trimmed.len() < value.len() {
            blanks.push(key.name);
        }
        values.insert(key.name, canonical);
        set.push(key.name);
    }
    let line = |names: &[&str], what: &str| {
        (!names.is_empty()).then(|| format!("{}: {what}: {}", path.display(), names.join(", ")))
    };
    let unknown: Vec<_> = unknown.iter().map(String::as_str).collect();
    let warnings = [
        line(&elsewhere, "keys without effect in this file, set them in the configuration file"),
        line(&unknown, "keys that are none of TLS, without effect"),
        line(&blanks, "blanks behind these values are left out, while the Java server takes them as part of the value"),
    ];
    Ok(Told { set: line(&set, "sets"), warnings: warnings.into_iter().flatten().collect() })
}
