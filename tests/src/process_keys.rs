//! The keys of a process that the Java server lists. The server's shell owns them; a core that is tested without a
//! shell is given these instead, so that it lists them and refuses to change them as the server does.

use namesrv_core::config::properties::{Property, parse};
use namesrv_core::config::{Configuration, ConfigurationError, Warning};
use namesrv_core::key::Kind::{Integer, Text};
use namesrv_core::key::Origin::{NamesrvConfig, NettyServerConfig};
use namesrv_core::key::{INT, Key};

const PROCESS_KEYS: &[Key] = &[
    path("rocketmqHome", 0),
    path("kvConfigPath", 1),
    path("configStorePath", 2),
    Key::unused("bindAddress", Text, "0.0.0.0", NettyServerConfig(0)),
    Key::unused("listenPort", Integer(0, 65_535), "9876", NettyServerConfig(1)),
    Key::unused("serverSocketSndBufSize", INT, "0", NettyServerConfig(8)),
    Key::unused("serverSocketRcvBufSize", INT, "0", NettyServerConfig(9)),
];

const fn path(name: &'static str, position: u8) -> Key {
    Key { default: None, ..Key::unused(name, Text, "", NamesrvConfig(position)) }
}

/// Reads a configuration file's entries.
///
/// # Errors
/// Those of [`Configuration::with_keys`].
pub fn read_configuration(entries: &[Property]) -> Result<(Configuration, Vec<Warning>), ConfigurationError> {
    Configuration::with_keys(&[PROCESS_KEYS], entries)
}

/// The configuration of a server with these entries in its file, and with this runtime file.
///
/// # Panics
/// One of them is wrong.
pub fn configuration(entries: &[(String, String)], runtime_file: &[u8]) -> Configuration {
    let property = |(index, (key, value)): (usize, &(String, String))| Property {
        key: key.clone(),
        value: value.clone(),
        line: index + 1,
        is_ascii: true,
    };
    let entries: Vec<_> = entries.iter().enumerate().map(property).collect();
    let (mut configuration, _warnings) = read_configuration(&entries).expect("the configuration is good");
    let changes = parse(runtime_file).expect("its own file is readable");
    configuration.read_runtime_file(&changes).expect("its own file is good");
    configuration
}
