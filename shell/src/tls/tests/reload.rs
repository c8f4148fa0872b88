//! Files that change while the server runs: it uses them once they are consistent, whatever the order of the changes.

use super::handshake::{file, sources};
use crate::tls::files::Files;
use crate::tls::server;
use crate::tls::watch::{Notice, Watch};
use rustls::ServerConfig;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A server whose files can be changed.
struct Stage {
    folder: TempDir,
    watch: Watch<ServerConfig>,
}

impl Stage {
    /// Starts a server with these files and properties.
    fn start(certificate: &str, key: &str, properties: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), certificate, key, properties)
    }

    fn start_in(folder: TempDir, certificate: &str, key: &str, properties: &[(&str, &str)]) -> Self {
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::copy(file(certificate), path("cert.pem")).unwrap();
        fs::copy(file(key), path("key.pem")).unwrap();
        let (certificate, key) = (path("cert.pem"), path("key.pem"));
        let identity = [("tls.server.certPath", certificate.as_str()), ("tls.server.keyPath", &key)];
        let watch = watch(&[&identity[..], properties].concat(), SystemTime::now());
        Self { folder, watch }
    }

    fn put(&self, name: &str, contents: &str) {
        fs::copy(file(contents), self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the notices of one look, without those about dates.
    fn poll(&mut self) -> Vec<String> {
        words(self.watch.poll(SystemTime::now()), self.folder.path())
    }

    /// Returns the notices when the operator asks.
    fn ask(&mut self) -> Vec<String> {
        words(self.watch.look(true, SystemTime::now()), self.folder.path())
    }

    fn config(&self) -> Arc<ServerConfig> {
        self.watch.current().config()
    }
}

fn watch(properties: &[(&str, &str)], now: SystemTime) -> Watch<ServerConfig> {
    let sources = sources(properties);
    let settings = sources.read().unwrap().0;
    let load = Box::new(|settings: &_, files| server::load(settings, files, "0.0.0.0"));
    Watch::start(sources, settings, Files::of_server, load, now).unwrap().0
}

fn words(notices: Vec<Notice>, folder: &Path) -> Vec<String> {
    let word = |notice| match notice {
        Notice::Reloaded { .. } => "reloaded".to_owned(),
        Notice::Refused(error) => format!("refused: {error}"),
        Notice::Warning(line) => line,
    };
    let folder = format!("{}/", folder.display());
    notices.into_iter().map(word).map(|line| line.replace(&folder, "")).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_set_that_does_not_fit_is_told_once_and_tried_again_at_each_change() {
    let mut stage = Stage::start("modern/server-rsa.pem", "modern/server-rsa.key", &[]);
    let before = stage.config();
    stage.put("cert.pem", "modern/server-rsa2.pem");
    assert_eq!(stage.poll(), NOTHING);
    let told = stage.poll();
    assert!(matches!(&*told, [line] if line.starts_with("refused: tls.server.keyPath: key.pem: the key does not")));
    assert_eq!(stage.poll(), NOTHING, "told once");
    fs::write(stage.path("cert.pem"), "").unwrap();
    assert_eq!(stage.poll(), NOTHING);
    assert_eq!(stage.poll(), ["refused: tls.server.certPath: cert.pem: is empty"]);
    fs::remove_file(stage.path("cert.pem")).unwrap();
    assert_eq!(stage.poll(), NOTHING);
    assert!(stage.poll()[0].starts_with("refused: tls.server.certPath: cert.pem: cannot be read: "));
    assert!(Arc::ptr_eq(&before, &stage.config()), "the old one stays");
    // Correcting one file is enough.
    stage.put("cert.pem", "modern/server-rsa-renewed.pem");
    assert_eq!(stage.poll(), ["reloaded"]);
    let figures = stage.watch.current().figures();
    assert_eq!((figures.reloads, figures.failed_reloads), (1, 3));
}

/// A reload reads the properties file: a new password comes with its key, and new paths are watched from then on.
#[test]
fn the_properties_file_is_read_again_with_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let properties = folder.path().join("tls.properties");
    fs::write(&properties, "").unwrap();
    let file_property = ("tls.config.file", properties.to_str().unwrap());
    let mut stage = Stage::start_in(folder, "modern/server-rsa.pem", "modern/server-rsa.key", &[file_property]);
    fs::write(&properties, "tls.server.keyPassword=wrong\n").unwrap();
    assert_eq!(stage.poll(), NOTHING, "a change of it alone is no reload, as in Java");

    assert_eq!(stage.ask()[0], "reloaded", "unless the operator asks for it");
    assert_eq!(stage.ask(), NOTHING, "nothing has changed");

    stage.put("key.pem", "modern/server-rsa.pbes2-aes256.key");
    assert_eq!(stage.poll(), NOTHING);
    assert!(stage.poll()[0].contains("tls.server.keyPassword does not open it"));
    fs::write(&properties, "tls.server.keyPassword=123456\n").unwrap();
    assert_eq!(stage.poll(), ["reloaded"], "but it mends a reload that failed");

    let other = stage.path("other.pem");
    fs::copy(file("modern/server-rsa.pem"), &other).unwrap();
    fs::write(&properties, format!("tls.server.keyPassword=123456\ntls.server.certPath={}\n", other.display()))
        .unwrap();
    stage.put("cert.pem", "modern/server-rsa-renewed.pem");
    assert_eq!(stage.poll(), ["reloaded"]);
    stage.put("cert.pem", "modern/garbage.pem");
    assert_eq!(stage.poll(), NOTHING, "it is not used any more");
    stage.put("other.pem", "modern/server-rsa-renewed.pem");
    assert_eq!(stage.poll(), ["reloaded"]);
}

#[test]
fn what_is_wrong_is_told_at_once_to_the_operator_who_asks() {
    let mut stage = Stage::start("modern/server-rsa.pem", "modern/server-rsa.key", &[]);
    stage.put("cert.pem", "modern/garbage.pem");
    assert_eq!(stage.poll(), NOTHING);
    assert!(stage.ask()[0].starts_with("refused: tls.server.certPath: "));
    assert_eq!(stage.poll(), NOTHING);
    assert!(stage.ask()[0].starts_with("refused: tls.server.certPath: "), "each time");
}

/// The configuration of an open connection stays.
#[test]
fn connections_keep_the_configuration_that_they_began_with() {
    let mut stage = Stage::start("modern/server-rsa.pem", "modern/server-rsa.key", &[]);
    let connection = rustls::ServerConnection::new(stage.config()).unwrap();
    let before = Arc::downgrade(&stage.config());
    stage.put("cert.pem", "modern/server-rsa-renewed.pem");
    assert_eq!(stage.poll(), ["reloaded"]);
    assert_eq!(before.strong_count(), 1);
    drop(connection);
    assert_eq!(before.strong_count(), 0);
}

#[test]
fn the_end_of_a_certificate_is_told_thirty_days_before_and_once_a_day() {
    let stage = Stage::start("modern/server-rsa.pem", "modern/server-rsa.key", &[]);
    let ends = stage.watch.current().figures().certificate_expires.unwrap();
    let folder = stage.folder.path().to_owned();
    let mut watch = stage.watch;
    let mut lines_at = |now: SystemTime| words(watch.poll(now), &folder);
    assert_eq!(lines_at(ends - 30 * DAY), NOTHING);
    let line = lines_at(ends - 30 * DAY + Duration::from_secs(1)).join("\n");
    assert!(line.starts_with("cert.pem: the certificate of CN="), "{line}");
    assert!(line.ends_with(", in 29 days: renew it"), "{line}");
    assert_eq!(lines_at(ends - 29 * DAY), NOTHING, "not again on this day");
    assert_eq!(lines_at(ends - 28 * DAY).len(), 1);
    assert!(lines_at(ends + 5 * DAY)[0].contains(" expired on "));
    assert_eq!(lines_at(ends + 5 * DAY + Duration::from_secs(1)), NOTHING);

    let expired = watch_of_expired();
    assert!(matches!(&*expired, [Notice::Warning(line)] if line.contains(" expired on ")), "{expired:?}");
}

/// The notices at start about an expired certificate.
fn watch_of_expired() -> Vec<Notice> {
    let (certificate, key) = (file("modern/server-expired.pem"), file("modern/server-expired.key"));
    let sources = sources(&[("tls.server.certPath", &certificate), ("tls.server.keyPath", &key)]);
    let settings = sources.read().unwrap().0;
    let load = Box::new(|settings: &_, files| server::load(settings, files, "0.0.0.0"));
    Watch::start(sources, settings, Files::of_server, load, SystemTime::now()).unwrap().1
}
