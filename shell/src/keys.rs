//! The configuration keys of the process: its threads, addresses, files and logs.

use crate::address_families::AddressFamilies;
use crate::admin::AdminSettings;
use crate::logging::{LogFormat, LogLevel};
use crate::tls::TlsSettings;
use crate::transport::ProxyProtocol;
use crate::warm_start::WarmStartSettings;
use namesrv_core::config::Configuration;
use namesrv_core::key::Kind::Integer;
use namesrv_core::key::Origin::{JvmProperty, NamesrvConfig, NettyClientConfig, NettyServerConfig};
use namesrv_core::key::{INT, Key, LIMIT, integer, millis, seconds, text, word};
use std::path::PathBuf;
use std::time::Duration;

namesrv_core::keys! {
    /// The settings that the process reads from its configuration at start.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ProcessSettings {
        /// The folder of a RocketMQ installation, which the server shows but does not use.
        rocketmq_home: String = text("rocketmqHome", "").of(NamesrvConfig(0)).without_default();
        /// The file for KV entries.
        kv_config_path: String = text("kvConfigPath", "").of(NamesrvConfig(1)).without_default().filled();
        /// The configuration file, as it is shown.
        config_store_path: String = text("configStorePath", "").of(NamesrvConfig(2)).without_default();
        /// The host name, IPv4 or IPv6 address to listen on.
        bind_address: String = text("bindAddress", "0.0.0.0").of(NettyServerConfig(0)).filled();
        /// The port to listen on; 0 means any.
        listen_port: u16 = integer("listenPort", Integer(0, 65_535), "9876").of(NettyServerConfig(1));
        /// Bytes of the send buffer of a socket; 0 leaves it to the operating system.
        socket_send_bytes: usize = integer("serverSocketSndBufSize", INT, "0").of(NettyServerConfig(8));
        /// Bytes of the receive buffer of a socket; 0 leaves it to the operating system.
        socket_receive_bytes: usize = integer("serverSocketRcvBufSize", INT, "0").of(NettyServerConfig(9));
        /// Milliseconds that connecting to a broker may take.
        connect_timeout: Duration =
            millis("connectTimeoutMillis", Integer(1, i32::MAX as i64), "3000").of(NettyClientConfig(4));
        /// Number of threads that accept, read and write; 0 means one for each processor.
        io_threads: usize = integer("ioThreads", Integer(0, 1024), "0");
        /// Format of the log lines on standard error: `text` or `json`.
        log_format: LogFormat = word("logFormat", "text");
        /// Lowest level that is logged: `error`, `warn`, `info`, `debug` or `trace`.
        log_level: LogLevel = word("logLevel", "info").reloaded();
        /// Whether connections begin with a PROXY header: `off`, `accept` or `require`.
        proxy_protocol: ProxyProtocol = word("proxyProtocol", "accept");
        /// Addresses and networks of the proxies whose PROXY headers are trusted, separated by commas.
        trusted_proxies: String = text("trustedProxies", "");
        /// File for changes made at run time; if empty, the configuration file with `.runtime` appended.
        runtime_config_path: String = text("runtimeConfigPath", "");
        /// File with one user per line, for access control; see docs/SECURITY.md.
        users_path: String = text("usersPath", "").reloaded();
        /// File that gets one line of JSON for each change by an administrator and each refusal.
        audit_path: String = text("auditPath", "");
        /// Size in bytes at which the audit file is renamed to `<file>.1`; nine older files are kept.
        audit_bytes_max: u64 = integer("auditBytesMax", LIMIT, "67108864");
        /// Seconds for which a server that was told to stop is not ready but still serves everything.
        drain: Duration = seconds("drainSeconds", Integer(0, 3600), "0");
    }
}

/// Keys of the process without a field.
#[rustfmt::skip]
const OTHER_KEYS: &[Key] = &[
    Key::default_of(&ProcessSettings::socket_send_bytes.key, "com.rocketmq.remoting.socket.sndbuf.size", JvmProperty(2)),
    Key::default_of(&ProcessSettings::socket_receive_bytes.key, "com.rocketmq.remoting.socket.rcvbuf.size", JvmProperty(3)),
    Key::unused("com.rocketmq.remoting.socket.backlog", INT, "1024", JvmProperty(6)),
];

/// All keys of the process.
pub(crate) const KEYS: &[&[Key]] = &[
    ProcessSettings::KEYS,
    OTHER_KEYS,
    TlsSettings::KEYS,
    AddressFamilies::KEYS,
    AdminSettings::KEYS,
    WarmStartSettings::KEYS,
];

impl ProcessSettings {
    /// Reads the configuration.
    pub(crate) fn of(configuration: &Configuration) -> Self {
        Self::read(|key| configuration.effective(key))
    }

    /// Returns the file that holds changes made at run time.
    pub(crate) fn runtime_file(&self) -> PathBuf {
        if self.runtime_config_path.is_empty() {
            format!("{}.runtime", self.config_store_path).into()
        } else {
            PathBuf::from(&self.runtime_config_path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::config::{Warning, properties};
    use namesrv_core::key::{Effect, Origin};
    use std::collections::BTreeSet;

    /// The answer of a Java server 5.5.0 that was started with three paths and nothing else.
    const LISTING: &str = include_str!("../tests/data/listing-5.5.0.txt");
    const README: &str = include_str!("../../README.md");

    fn read(file: &str) -> Result<(Configuration, Vec<Warning>), String> {
        let entries = properties::parse(file.as_bytes()).unwrap();
        Configuration::with_keys(KEYS, &entries).map_err(|error| error.to_string())
    }

    fn process(file: &str) -> ProcessSettings {
        ProcessSettings::of(&read(file).unwrap().0)
    }

    #[test]
    fn a_default_server_lists_what_java_lists() {
        let (mut configuration, _) = read("").unwrap();
        for (key, path) in [
            (&ProcessSettings::rocketmq_home.key, "/srv/rocketmq"),
            (&ProcessSettings::kv_config_path.key, "/srv/rocketmq/kv.json"),
            (&ProcessSettings::config_store_path.key, "/srv/rocketmq/ns.conf"),
        ] {
            assert_eq!(configuration.value(key.name), None, "{} is not listed before it is set", key.name);
            configuration.set(key, path);
        }
        assert_eq!(configuration.listing(), LISTING);
    }

    #[test]
    fn a_file_that_java_wrote_is_read_without_a_warning() {
        let (configuration, warnings) = read(LISTING).unwrap();
        assert_eq!(configuration.listing(), LISTING);
        assert_eq!(warnings, []);
    }

    #[test]
    fn items_are_printed_in_the_order_of_their_classes() {
        let (configuration, _) = read("mine=1").unwrap();
        let names: Vec<_> = configuration.items().map(|(name, _)| name).collect();
        let expected: Vec<_> = include_str!("../tests/data/items.txt").lines().chain(["mine"]).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn names_and_positions_are_unique() {
        let (configuration, _) = read("").unwrap();
        let keys: Vec<_> = configuration.keys().collect();
        let names: BTreeSet<_> = keys.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), keys.len());
        let positions: Vec<_> = keys.iter().map(|key| key.origin).filter(|origin| *origin != Origin::Own).collect();
        assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    }

    #[test]
    fn defaults_and_descriptions_are_good() {
        for key in read("").unwrap().0.keys() {
            if let Some(default) = key.default.filter(|default| !default.is_empty()) {
                assert_eq!(key.canonical(default), Ok(default.to_owned()), "{}", key.name);
            }
            let has_effect = matches!(key.effect, Effect::Live | Effect::Reload | Effect::Start);
            assert_eq!(key.description.ends_with('.'), has_effect, "{}", key.name);
        }
    }

    #[test]
    fn every_key_of_the_process_is_taken_from_the_file() {
        let settings = process(
            "bindAddress = ::1 \nlistenPort=+1\t\nserverSocketSndBufSize=1\nserverSocketRcvBufSize=2\n\
             connectTimeoutMillis=3\nioThreads=4\nlogFormat=json\nlogLevel=debug\nproxyProtocol=require\n\
             trustedProxies=10.0.0.0/8\nkvConfigPath=/kv\n\
             configStorePath=/store\nrocketmqHome=/home\nruntimeConfigPath=/runtime\nusersPath=/users\nauditPath=/audit\n\
             auditBytesMax=5\ndrainSeconds=6",
        );
        let word = |level| <LogLevel as namesrv_core::key::Word>::from_name(level);
        let expected = ProcessSettings {
            rocketmq_home: "/home".into(),
            kv_config_path: "/kv".into(),
            config_store_path: "/store".into(),
            bind_address: "::1".into(),
            listen_port: 1,
            socket_send_bytes: 1,
            socket_receive_bytes: 2,
            connect_timeout: Duration::from_millis(3),
            io_threads: 4,
            log_format: LogFormat::Json,
            log_level: word("debug"),
            proxy_protocol: ProxyProtocol::Require,
            trusted_proxies: "10.0.0.0/8".into(),
            runtime_config_path: "/runtime".into(),
            users_path: "/users".into(),
            audit_path: "/audit".into(),
            audit_bytes_max: 5,
            drain: Duration::from_secs(6),
        };
        assert_eq!(settings, expected);
        let default = ProcessSettings::default();
        assert_eq!((default.bind_address.as_str(), default.listen_port, default.io_threads), ("0.0.0.0", 9876, 0));
        assert_eq!((default.log_format, default.log_level), (LogFormat::Text, word("info")));
        assert_eq!(default.connect_timeout, Duration::from_secs(3));
    }

    #[test]
    fn jvm_properties_are_defaults_of_socket_buffers() {
        let settings = process(
            "com.rocketmq.remoting.socket.sndbuf.size=1\ncom.rocketmq.remoting.socket.rcvbuf.size=2\n\
             serverSocketRcvBufSize=3",
        );
        assert_eq!((settings.socket_send_bytes, settings.socket_receive_bytes), (1, 3));
    }

    /// If this fails, it prints the rows to put there.
    #[test]
    fn the_readme_has_a_row_for_each_key_of_this_server() {
        let (configuration, _) = read("").unwrap();
        let counts = |key: &&Key| match key.origin {
            Origin::Own => true,
            Origin::AuthConfig(_) => key.effect != Effect::Nothing,
            Origin::NamesrvConfig(_)
            | Origin::NettyServerConfig(_)
            | Origin::NettyClientConfig(_)
            | Origin::JvmProperty(_) => false,
        };
        let own = configuration.keys().filter(counts);
        let row = |key: &Key| {
            let default = key.default.filter(|default| !default.is_empty());
            let default = default.map(|default| format!(" `{default}`")).unwrap_or_default();
            format!("| `{}` |{default} | {} |\n", key.name, key.description.trim())
        };
        let rows: String = own.map(row).collect();
        assert!(README.contains(&rows), "the table in README.md should be\n{rows}");
    }
}
