//! What is read before the server starts: files, environment, the operator's home.

use crate::keys::{KEYS, ProcessSettings};
use crate::start_error::{SERIALIZE_TYPE_VARIABLE, StartError};
use crate::start_files;
use namesrv_core::config::properties::{self, Property};
use namesrv_core::config::{Configuration, SERIALIZE_TYPE, Warning};
use namesrv_core::key::{Key, Origin};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The configuration and where it came from.
#[derive(Debug)]
pub(crate) struct Startup {
    pub(crate) configuration: Configuration,
    /// The runtime file, when there is one.
    pub(crate) runtime_file_read: Option<PathBuf>,
    pub(crate) warnings: Vec<Warning>,
}

/// Where the process runs: handed in, so that a test can make one up.
#[derive(Debug)]
pub(crate) struct Environment {
    /// A variable's value.
    pub(crate) variable: fn(&str) -> Option<OsString>,
    /// Home of the user that the process runs as.
    pub(crate) home: PathBuf,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        Self { variable: |name| std::env::var_os(name), home: home() }
    }

    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.trim().is_empty())
    }
}

/// The home that the user database names, as Java's `user.home`: `$HOME` may be another, and so another KV file would
/// be found. A user without an entry (some containers) has what `$HOME` says.
fn home() -> PathBuf {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current()).ok().flatten();
    user.map(|user| user.dir).or_else(|| std::env::var_os("HOME").map(PathBuf::from)).unwrap_or_else(|| "/".into())
}

impl Startup {
    /// Reads the configuration: defaults, environment, the operator's file, then what was changed at run time.
    ///
    /// # Errors
    /// A file that is named and cannot be read, or a bad value.
    pub(crate) fn read(config_file: Option<&Path>, environment: &Environment) -> Result<Self, StartError> {
        let entries = match config_file {
            Some(path) => parse(path, &read(path)?)?,
            None => Vec::new(),
        };
        let (mut configuration, mut warnings) = Configuration::with_keys(KEYS, &entries).map_err(|source| {
            StartError::Configuration { path: config_file.unwrap_or(Path::new("")).to_owned(), source }
        })?;
        set_paths(&mut configuration, config_file, environment);
        set_serialization(&mut configuration, &entries, environment)?;

        let path = ProcessSettings::of(&configuration).runtime_file();
        let runtime_file = start_files::read_runtime_file(&path)?;
        if let Some(text) = &runtime_file {
            let more = configuration
                .read_runtime_file(&parse(&path, text)?)
                .map_err(|source| StartError::Configuration { path: path.clone(), source })?;
            warnings.extend(more.into_iter().map(|Warning(line)| Warning(format!("{}: {line}", path.display()))));
        }
        warnings.extend(jvm_options_warning(&configuration, environment));
        Ok(Self { configuration, runtime_file_read: runtime_file.map(|_| path), warnings })
    }
}

/// Sets the paths that neither the configuration file nor a default does.
fn set_paths(configuration: &mut Configuration, config_file: Option<&Path>, environment: &Environment) {
    let rocketmq_home = &ProcessSettings::rocketmq_home.key;
    let kv_config_path = &ProcessSettings::kv_config_path.key;
    let config_store_path = &ProcessSettings::config_store_path.key;

    let folder = environment.home.join("namesrv");
    if let Some(home) = environment.text("ROCKETMQ_HOME").filter(|_| configuration.value(rocketmq_home.name).is_none())
    {
        configuration.set(rocketmq_home, &home);
    }
    if configuration.value(kv_config_path.name).is_none() {
        configuration.set(kv_config_path, &folder.join("kvConfig.json").to_string_lossy());
    }
    // The file named on the command line counts more than what it says about itself (Java: `NamesrvStartup`).
    if let Some(path) = config_file {
        configuration.set(config_store_path, &path.to_string_lossy());
    } else if configuration.value(config_store_path.name).is_none() {
        configuration.set(config_store_path, &folder.join("namesrv.properties").to_string_lossy());
    }
}

fn set_serialization(
    configuration: &mut Configuration,
    entries: &[Property],
    environment: &Environment,
) -> Result<(), StartError> {
    let Some(value) = environment.text(SERIALIZE_TYPE_VARIABLE) else { return Ok(()) };
    if entries.iter().any(|entry| entry.key == SERIALIZE_TYPE.name) {
        return Ok(());
    }
    configuration.set_checked(&SERIALIZE_TYPE, value.trim()).map_err(|reason| StartError::SerializeType { reason })
}

/// `JAVA_OPT_EXT` has no effect here: an operator who sets a property of the JVM in it is told to set a key instead.
fn jvm_options_warning(configuration: &Configuration, environment: &Environment) -> Option<Warning> {
    let options = environment.text("JAVA_OPT_EXT")?;
    let is_jvm_property = |key: &Key| matches!(key.origin, Origin::JvmProperty(_));
    let properties = options.split_whitespace().filter_map(|option| option.strip_prefix("-D"));
    let names = properties.map(|property| property.split('=').next().unwrap_or_default());
    let names: Vec<_> = names.filter(|name| configuration.key(name).is_some_and(is_jvm_property)).collect();
    let joined = names.join(", ");
    (!names.is_empty())
        .then(|| Warning(format!("JAVA_OPT_EXT has no effect: set as keys of the configuration file: {joined}")))
}

fn parse(path: &Path, text: &[u8]) -> Result<Vec<Property>, StartError> {
    properties::parse(text).map_err(|source| StartError::Properties { path: path.to_owned(), source })
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|source| StartError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::wire::Serialization;

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
    fn the_file_decides_over_defaults_and_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ns.conf");
        let text = "kvConfigPath=/kv\nconfigStorePath=/store\nrocketmqHome=/file\nrocketmq.serialize.type=JSON\n";
        std::fs::write(&path, text).unwrap();
        let environment = environment(|name| match name {
            "ROCKETMQ_HOME" => Some("/variable".into()),
            "ROCKETMQ_SERIALIZE_TYPE" => Some("ROCKETMQ".into()),
            _ => None,
        });
        let startup = Startup::read(Some(&path), &environment).unwrap();
        assert_eq!(value(&startup, "kvConfigPath"), "/kv");
        assert_eq!(value(&startup, "configStorePath"), path.to_str().unwrap(), "the file that was read");
        assert_eq!(value(&startup, "rocketmqHome"), "/file");
        assert_eq!(startup.configuration.serialization(), Serialization::Json);

        let startup = Startup::read(None, &environment).unwrap();
        assert_eq!(value(&startup, "rocketmqHome"), "/variable");
        assert_eq!(startup.configuration.serialization(), Serialization::Binary);
    }

    #[test]
    fn a_bad_variable_is_named() {
        let environment = environment(|name| (name == SERIALIZE_TYPE_VARIABLE).then(|| "json".into()));
        let error = Startup::read(None, &environment).unwrap_err().to_string();
        assert_eq!(error, "environment variable ROCKETMQ_SERIALIZE_TYPE: `json` is none of JSON, ROCKETMQ");
    }

    #[test]
    fn changes_made_at_run_time_are_read_after_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ns.conf");
        let runtime = folder.path().join("ns.conf.runtime");
        std::fs::write(&path, "enableTopicList=true\nlistenPort=1").unwrap();
        std::fs::write(&runtime, "enableTopicList=false\nlistenPort=2").unwrap();
        let startup = Startup::read(Some(&path), &bare()).unwrap();
        assert!(!startup.configuration.settings().enable_topic_list);
        assert_eq!(ProcessSettings::of(&startup.configuration).listen_port, 1);
        let [Warning(line)] = &*startup.warnings else { panic!("{:?}", startup.warnings) };
        assert!(line.starts_with(&format!("{}: line 2: listenPort", runtime.display())), "{line}");
        assert_eq!(startup.runtime_file_read.as_deref(), Some(&*runtime));

        std::fs::write(&runtime, "\nenableTopicList=x").unwrap();
        let error = Startup::read(Some(&path), &bare()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: line 2: enableTopicList", runtime.display())), "{error}");
    }

    #[test]
    fn options_of_a_jvm_are_pointed_out_once() {
        let environment = environment(|name| {
            let options = "-Xmx4g -Dtls.enable=true -Dmine=1 -Drocketmq.serialize.type=ROCKETMQ";
            (name == "JAVA_OPT_EXT").then(|| options.into())
        });
        let startup = Startup::read(None, &environment).unwrap();
        let [Warning(line)] = &*startup.warnings else { panic!("{:?}", startup.warnings) };
        assert!(line.ends_with(": tls.enable, rocketmq.serialize.type"), "{line}");
    }
}
