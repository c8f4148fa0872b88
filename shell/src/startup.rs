//! Reads what the server needs before it starts: files, the environment, the operator's home.

use crate::environment::Environment;
use crate::jvm_defaults;
use crate::keys::{KEYS, ProcessSettings};
use crate::start_error::StartError;
use crate::start_files;
use crate::tls::unknown_key;
use namesrv_core::config::properties::{self, Property};
use namesrv_core::config::{Configuration, ConfigurationError, Source, Warning};
use namesrv_core::key::Key;
use std::path::{Path, PathBuf};

/// The configuration and its sources.
#[derive(Debug)]
pub(crate) struct Startup {
    pub(crate) configuration: Configuration,
    /// The runtime file, if it exists.
    pub(crate) runtime_file_read: Option<PathBuf>,
    /// What the environment sets.
    pub(crate) notices: Vec<String>,
    pub(crate) warnings: Vec<Warning>,
}

impl Startup {
    /// Reads the configuration: defaults, environment, the operator's file, then changes made at run time.
    ///
    /// # Errors
    /// A named file cannot be read, or a value is bad.
    pub(crate) fn read(config_file: Option<&Path>, environment: &Environment) -> Result<Self, StartError> {
        let entries = match config_file {
            Some(path) => refuse_unknown_tls_keys(path, parse(path, &start_files::read_config_file(path)?)?)?,
            None => Vec::new(),
        };
        let path = config_file.unwrap_or(Path::new(""));
        let bad_value = |path: &Path| {
            let path = path.to_owned();
            move |source| StartError::Configuration { path, source }
        };
        let mut configuration = Configuration::defaults(KEYS);
        let defaults = jvm_defaults::set(&mut configuration, &entries, environment)?;
        let mut warnings = in_file(path, configuration.read_file(&entries).map_err(bad_value(path))?);
        warnings.extend(defaults.warnings);
        set_paths(&mut configuration, config_file, &defaults.home)?;

        let path = ProcessSettings::of(&configuration).runtime_file();
        let runtime_file = start_files::read_runtime_file(&path).map_err(|error| error.located(&configuration))?;
        if let Some(text) = &runtime_file {
            let more = configuration.read_runtime_file(&parse(&path, text)?).map_err(bad_value(&path))?;
            warnings.extend(in_file(&path, more));
        }
        let runtime_file_read = runtime_file.map(|_| path);
        Ok(Self { configuration, runtime_file_read, notices: defaults.notices, warnings })
    }
}

/// Sets the paths that neither the configuration file nor a default sets.
fn set_paths(configuration: &mut Configuration, config_file: Option<&Path>, home: &Path) -> Result<(), StartError> {
    let kv_config_path = &ProcessSettings::kv_config_path.key;
    let config_store_path = &ProcessSettings::config_store_path.key;
    let [has_kv_path, has_store_path] =
        [kv_config_path, config_store_path].map(|key| configuration.value(key.name).is_some());
    let mut set = |key: &Key, path: &Path, from: &'static str| match path.to_str() {
        Some(text) => {
            configuration.set(key, text);
            Ok(())
        }
        None => Err(StartError::NotUtf8 { from, path: path.to_owned() }),
    };
    let folder = home.join("namesrv");
    if !has_kv_path {
        set(kv_config_path, &folder.join("kvConfig.json"), kv_config_path.name)?;
    }
    // The file named on the command line overrides the name in that file (Java: `NamesrvStartup`).
    match config_file {
        Some(path) => {
            set(config_store_path, path, "-c")?;
            configuration.set_from(Source::CommandLine, config_store_path, &path.to_string_lossy());
            Ok(())
        }
        None if !has_store_path => set(config_store_path, &folder.join("namesrv.properties"), config_store_path.name),
        None => Ok(()),
    }
}

/// Refuses misspelt TLS keys. Unlike other unknown keys they prevent the start, because they could leave the port open.
fn refuse_unknown_tls_keys(path: &Path, entries: Vec<Property>) -> Result<Vec<Property>, StartError> {
    let unknown = entries.iter().find_map(|entry| Some((entry, unknown_key(&entry.key)?)));
    match unknown {
        None => Ok(entries),
        Some((Property { key, line, .. }, reason)) => {
            let source = ConfigurationError { line: *line, key: key.clone(), reason };
            Err(StartError::Configuration { path: path.to_owned(), source })
        }
    }
}

fn parse(path: &Path, text: &[u8]) -> Result<Vec<Property>, StartError> {
    properties::parse_file(text).map_err(|source| StartError::Properties { path: path.to_owned(), source })
}

/// Adds to the warnings the file that they are about.
fn in_file(path: &Path, warnings: Vec<Warning>) -> Vec<Warning> {
    let named = |Warning(line)| Warning(format!("{}: {line}", path.display()));
    warnings.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{TlsSettings, TlsSources};
    use namesrv_core::wire::Serialization;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    fn environment(variable: fn(&str) -> Option<OsString>) -> Environment {
        Environment { variable, home: "/home/user".into() }
    }

    fn bare() -> Environment {
        environment(|_| None)
    }

    fn value<'a>(startup: &'a Startup, key: &str) -> &'a str {
        startup.configuration.value(key).unwrap_or_default()
    }

    #[test]
    fn paths_are_below_the_users_home() {
        let startup = Startup::read(None, &bare()).unwrap();
        assert_eq!(value(&startup, "kvConfigPath"), "/home/user/namesrv/kvConfig.json");
        assert_eq!(value(&startup, "configStorePath"), "/home/user/namesrv/namesrv.properties");
        assert_eq!(startup.configuration.value("rocketmqHome"), None);
        assert_eq!(startup.runtime_file_read, None);
    }

    #[test]
    fn a_path_that_cannot_be_shown_is_refused() {
        let latin = PathBuf::from(OsString::from_vec(b"/caf\xe9".to_vec()));
        let error = Startup::read(None, &Environment { home: latin, ..bare() }).unwrap_err().to_string();
        assert_eq!(error, "kvConfigPath: /caf\u{FFFD}/namesrv/kvConfig.json is not UTF-8: name another file");
    }

    #[test]
    fn properties_of_a_jvm_count_above_variables_and_below_the_file() {
        let environment = environment(|name| match name {
            "JAVA_OPT" => {
                Some("-Xmx4g -Drocketmq.home.dir=/property -Dcom.rocketmq.remoting.socket.sndbuf.size=7".into())
            }
            "JAVA_OPT_EXT" => Some("-Duser.home=/opt -Drocketmq.serialize.type=ROCKETMQ -Dmine=1".into()),
            "ROCKETMQ_HOME" => Some("/variable".into()),
            "ROCKETMQ_SERIALIZE_TYPE" => Some("JSON".into()),
            _ => None,
        });
        let startup = Startup::read(None, &environment).unwrap();
        assert_eq!(value(&startup, "kvConfigPath"), "/opt/namesrv/kvConfig.json");
        assert_eq!(value(&startup, "rocketmqHome"), "/property");
        assert_eq!(value(&startup, "serverSocketSndBufSize"), "7");
        assert_eq!(startup.configuration.value("rocketmq.serialize.type"), None, "Java does not show it either");
        assert_eq!(startup.configuration.serialization(), Serialization::Binary);
        let expected = [
            "JAVA_OPT sets com.rocketmq.remoting.socket.sndbuf.size, rocketmq.home.dir",
            "JAVA_OPT_EXT sets rocketmq.serialize.type, user.home",
        ];
        assert_eq!(startup.notices, expected);
        let [Warning(line)] = &*startup.warnings else { panic!("{:?}", startup.warnings) };
        assert_eq!(line, "options of a JVM without effect here: -Dmine (JAVA_OPT_EXT)");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ns.conf");
        std::fs::write(&path, "rocketmq.serialize.type=JSON\nserverSocketSndBufSize=8\nrocketmqHome=/file\n").unwrap();
        let startup = Startup::read(Some(&path), &environment).unwrap();
        assert_eq!(startup.configuration.serialization(), Serialization::Json);
        assert_eq!((value(&startup, "serverSocketSndBufSize"), value(&startup, "rocketmqHome")), ("8", "/file"));
    }

    #[test]
    fn passwords_are_used_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ns.conf");
        std::fs::write(&path, "tls.server.keyPassword=in-the-file\n").unwrap();
        let environment = environment(|name| (name == "JAVA_OPT").then(|| "-Dtls.client.keyPassword=in-java".into()));
        let configuration = Startup::read(Some(&path), &environment).unwrap().configuration;
        let effective = |key| configuration.effective(key);
        assert_eq!(effective(&TlsSettings::server_password.key), "in-the-file");
        assert_eq!(effective(&TlsSettings::client_password.key), "in-java");
        let items = configuration.items().map(|(_, value)| value).collect::<Vec<_>>().join("\n");
        let sources = TlsSources::of(&configuration);
        for shown in [items, configuration.listing(), format!("{configuration:?}"), format!("{sources:?}")] {
            assert!(!shown.contains("in-the-file") && !shown.contains("in-java"), "{shown}");
        }
    }
}
