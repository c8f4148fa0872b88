//! The configuration keys of warm start.

use namesrv_core::config::Configuration;
use namesrv_core::key::Kind::Integer;
use namesrv_core::key::{boolean, optional_seconds, seconds, text};
use std::path::{Path, PathBuf};
use std::time::Duration;

namesrv_core::keys! {
    /// Whether and how routes survive a restart.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct WarmStartSettings {
        /// Whether the server saves routes, and serves them after a restart until brokers have registered.
        is_wanted: bool = boolean("warmStart", "true");
        /// File for saved routes; if empty, `routes-PORT.snapshot` beside the KV file.
        path: String = text("snapshotPath", "");
        /// Seconds that brokers have to register again after a restart.
        within: Duration = seconds("warmStartSeconds", Integer(1, 3600), "75");
        /// Seconds after which saved routes are too old to be served.
        age_max: Duration = seconds("warmStartMaxAgeSeconds", Integer(0, i32::MAX as i64), "600");
        /// Seconds that `/readyz` waits for brokers after a start without routes; else 45 if any are known, or 0.
        ready_wait: Option<Duration> = optional_seconds("readyWaitSeconds", Integer(0, 3600));
    }
}

impl WarmStartSettings {
    /// Reads the configuration.
    #[must_use]
    pub fn of(configuration: &Configuration) -> Self {
        Self::read(|key| configuration.effective(key))
    }

    /// Returns the file of the snapshot, if warm start is on. Servers with the same home have separate files, by port.
    pub(crate) fn file(&self, kv_config_path: &str, listen_port: u16) -> Option<PathBuf> {
        let file = || match &*self.path {
            "" => Path::new(kv_config_path).with_file_name(format!("routes-{listen_port}.snapshot")),
            path => PathBuf::from(path),
        };
        self.is_wanted.then(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snapshot_stands_beside_the_kv_file_unless_a_key_moves_it() {
        let settings = |is_wanted, path: &str| WarmStartSettings { is_wanted, path: path.into(), ..Default::default() };
        let file = |is_wanted, path| settings(is_wanted, path).file("/home/kv.json", 9876);
        assert_eq!(file(false, "/a"), None);
        assert_eq!(file(true, ""), Some("/home/routes-9876.snapshot".into()));
        assert_eq!(file(true, "/a"), Some("/a".into()));
        let default = WarmStartSettings::default();
        let seconds = [default.within, default.age_max].map(|time| time.as_secs());
        assert_eq!((default.is_wanted, seconds, default.ready_wait), (true, [75, 600], None));
    }
}
