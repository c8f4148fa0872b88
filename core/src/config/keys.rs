//! The configuration: values of all keys, from the operator's file and from changes at run time.

use super::properties::{self, Property};
use super::table::{self, Effect, KEYS, Key, Kind, Origin};
use super::{Settings, Warning};
use crate::limits::Limits;
use crate::serialization::Serialization;
use crate::time::Duration;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// All keys and their values: what GET_NAMESRV_CONFIG shows, with typed access to what matters.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// What is shown: the server's own keys, and whatever else the file sets, unknown keys included.
    values: BTreeMap<String, String>,
    /// What was changed at run time: the contents of the runtime file.
    changed: BTreeMap<String, String>,
    /// Keys that UPDATE_NAMESRV_CONFIG may not name: the entries of `configBlackList` at start.
    black_list: Vec<String>,
}

/// A value that stops the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {key}: {reason}")]
pub struct ConfigurationError {
    /// Line of the properties text.
    pub line: usize,
    /// Key.
    pub key: String,
    /// What is wrong with the value, which is quoted in it.
    pub reason: String,
}

/// What UPDATE_NAMESRV_CONFIG would do.
#[derive(Clone, Debug)]
pub enum Update {
    /// The text is not properties text.
    Malformed,
    /// A key that may not be changed at run time is in it.
    Forbidden,
    /// Nothing would change.
    Unchanged,
    /// The configuration as it would be.
    Changed {
        /// All of it.
        configuration: Box<Configuration>,
        /// The keys that have another value now.
        keys: Vec<String>,
    },
}

/// How log lines look (`logFormat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Default for Configuration {
    fn default() -> Self {
        let shown = KEYS.iter().filter(|key| key.origin == Origin::Server);
        let values = shown.filter_map(|key| Some((key.name.to_owned(), key.default?.to_owned()))).collect();
        let mut configuration = Self { values, changed: BTreeMap::new(), black_list: Vec::new() };
        configuration.read_black_list();
        configuration
    }
}

impl Configuration {
    /// Defaults under the entries of the operator's file.
    ///
    /// Blanks round a value do not count. Unknown keys are kept and shown, as in Java.
    ///
    /// # Errors
    /// A bad value of a key that matters, or a value that asks for what this server does not do.
    pub fn new(entries: &[Property]) -> Result<(Self, Vec<Warning>), ConfigurationError> {
        let mut configuration = Self::default();
        let mut warnings = Vec::new();
        let mut without_effect = Vec::new();
        let mut unknown = Vec::new();
        for entry in last_of_each_key(entries) {
            let text = trim(&entry.value);
            let Some(key) = table::find(&entry.key) else {
                unknown.push(entry.key.as_str());
                configuration.set(&entry.key, text);
                continue;
            };
            match (key.canonical(text), key.effect) {
                (Ok(_), Effect::Refused(reason)) if asks(text) => {
                    return Err(bad_value(entry, format!("`{text}`: {reason}")));
                }
                (Err(reason), Effect::None | Effect::Label) => {
                    let line = entry.line;
                    warnings.push(Warning(format!("line {line}: {} is ignored: {reason}", key.name)));
                }
                (Err(reason), _) => return Err(bad_value(entry, reason)),
                (Ok(value), effect) => {
                    if effect == Effect::None && key.default.is_some_and(|default| default != value) {
                        without_effect.push(key.name);
                    }
                    configuration.set(key.name, &value);
                }
            }
        }
        configuration.take_defaults(entries);
        configuration.read_black_list();
        if !unknown.is_empty() {
            warnings.push(Warning(format!("unknown keys, without effect: {}", unknown.join(", "))));
        }
        if !without_effect.is_empty() {
            warnings.push(Warning(format!("keys without effect in this server: {}", without_effect.join(", "))));
        }
        Ok((configuration, warnings))
    }

    /// Takes the entries of the runtime file over those of the operator's; keys that cannot be changed at run time
    /// are left out with a warning.
    ///
    /// # Errors
    /// A bad value.
    pub fn read_runtime_file(&mut self, entries: &[Property]) -> Result<Vec<Warning>, ConfigurationError> {
        let mut warnings = Vec::new();
        for entry in last_of_each_key(entries) {
            let text = trim(&entry.value);
            let value = match table::find(&entry.key) {
                Some(key) if !key.changes_at_run_time() => {
                    let line = entry.line;
                    let name = key.name;
                    warnings.push(Warning(format!("line {line}: {name} is ignored: it cannot be changed at run time")));
                    continue;
                }
                Some(key) => key.canonical(text).map_err(|reason| bad_value(entry, reason))?,
                // As it was set: nobody knows what it means.
                None => entry.value.clone(),
            };
            self.set(&entry.key, &value);
            self.changed.insert(entry.key.clone(), value);
        }
        Ok(warnings)
    }

    /// The value of a key as GET_NAMESRV_CONFIG shows it; none when it does not show the key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Sets a key that only the process knows (paths, the port that the system chose).
    pub fn set(&mut self, key: &str, value: &str) {
        self.values.insert(key.to_owned(), value.to_owned());
    }

    /// Sets a key whose default comes from the environment.
    ///
    /// # Errors
    /// A bad value, in words.
    pub fn default_from_environment(&mut self, key: &str, value: &str) -> Result<(), String> {
        let value = match table::find(key) {
            Some(key) => key.canonical(value)?,
            None => value.to_owned(),
        };
        self.set(key, &value);
        Ok(())
    }

    /// The text of GET_NAMESRV_CONFIG: `key=value` lines, sorted by key.
    #[must_use]
    pub fn listing(&self) -> String {
        self.values.iter().flat_map(|(key, value)| [key, "=", value, "\n"]).collect()
    }

    /// Bytes of that text.
    pub(crate) fn listing_bytes(&self) -> usize {
        self.values.iter().map(|(key, value)| key.len() + value.len() + 2).sum()
    }

    /// Every key of the table and every other key of the file with the value in effect, empty where there is none.
    pub fn items(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = KEYS.iter().map(|key| (key.name, self.effective(key.name)));
        let unknown = self.values.iter().filter(|(name, _)| table::find(name).is_none());
        known.chain(unknown.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// Decides on the body of UPDATE_NAMESRV_CONFIG; nothing is changed by it.
    ///
    /// As Java does it (`DefaultRequestProcessor.updateConfig`, `Configuration.update`), but keys that would change
    /// nothing but the listing are refused like those of the black list.
    #[must_use]
    pub fn update(&self, body: &[u8]) -> Update {
        // Java decodes the body as UTF-8 and then reads the bytes of that text as ISO-8859-1: `é` arrives as `Ã©`.
        let Ok(entries) = properties::parse(String::from_utf8_lossy(body).as_bytes()) else {
            return Update::Malformed;
        };
        if entries.iter().any(|entry| self.is_forbidden(&entry.key)) {
            return Update::Forbidden;
        }
        let mut configuration = Box::new(self.clone());
        let mut keys = Vec::new();
        for entry in last_of_each_key(&entries) {
            let value = match table::find(&entry.key) {
                Some(key) => key.assigned(&entry.value),
                None => self.values.contains_key(&entry.key).then(|| entry.value.clone()),
            };
            let Some(value) = value.filter(|value| self.value(&entry.key) != Some(value)) else { continue };
            configuration.set(&entry.key, &value);
            configuration.changed.insert(entry.key.clone(), value);
            keys.push(entry.key.clone());
        }
        if keys.is_empty() {
            return Update::Unchanged;
        }
        Update::Changed { configuration, keys }
    }

    fn is_forbidden(&self, name: &str) -> bool {
        table::find(name).is_some_and(|key| !key.changes_at_run_time())
            || self.black_list.iter().any(|entry| entry == name)
    }

    /// Contents of the runtime file: every key changed at run time since the operator's file was read.
    #[must_use]
    pub fn runtime_file(&self) -> String {
        let entries: Vec<_> = self.changed.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let comment = "# Changes made at run time (UPDATE_NAMESRV_CONFIG); read after the configuration file.\n";
        comment.to_owned() + &properties::write(&entries)
    }

    /// Gives keys that the file does not set the value of the JVM property that is their default.
    fn take_defaults(&mut self, entries: &[Property]) {
        for property in KEYS {
            let Effect::DefaultOf(target) = property.effect else { continue };
            let Some(value) = self.values.get(property.name).cloned() else { continue };
            if !entries.iter().any(|entry| entry.key == target) {
                self.set(target, &value);
            }
        }
    }

    fn read_black_list(&mut self) {
        let entries = self.effective("configBlackList").split(';').map(str::trim);
        self.black_list = entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect();
    }
}

/// Typed values.
impl Configuration {
    /// The settings that behaviour depends on.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            order_message_enable: self.boolean("orderMessageEnable"),
            return_order_topic_config_to_broker: self.boolean("returnOrderTopicConfigToBroker"),
            support_acting_master: self.boolean("supportActingMaster"),
            enable_all_topic_list: self.boolean("enableAllTopicList"),
            enable_topic_list: self.boolean("enableTopicList"),
            notify_min_broker_id_changed: self.boolean("notifyMinBrokerIdChanged"),
            need_wait_for_service: self.boolean("needWaitForService"),
            wait_seconds_for_service: self.number("waitSecondsForService"),
            delete_topic_with_broker_registration: self.boolean("deleteTopicWithBrokerRegistration"),
            server_channel_max_idle_time_seconds: self.number("serverChannelMaxIdleTimeSeconds"),
            enable_shutdown_gracefully: self.boolean("enableShutdownGracefully"),
            shutdown_wait_time_seconds: self.number("shutdownWaitTimeSeconds"),
        }
    }

    /// The limits. Those that have to hold at least one frame are raised to the limit of frames.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let frame_bytes_max = self.number("com.rocketmq.remoting.frameMaxLength");
        let high = self.number::<usize>("writeBufferHighWaterMark");
        let marks_set = high > 0 && self.number::<usize>("writeBufferLowWaterMark") > 0;
        Limits {
            frame_bytes_max,
            header_bytes_max: self.number("headerBytesMax"),
            ext_fields_max: self.number("extFieldsMax"),
            inflated_bytes_max: self.number("inflatedBytesMax"),
            topics_per_registration_max: self.number("topicsPerRegistrationMax"),
            registry_bytes_max: self.number("registryBytesMax"),
            connections_max: self.number("connectionsMax"),
            forwarded_per_connection_max: self.number("forwardedPerConnectionMax"),
            output_bytes_pause: if marks_set { high } else { self.number("outputBytesPause") },
            output_bytes_max: self.number("outputBytesMax"),
            registry_queue_requests_max: self.number("registryQueueRequestsMax"),
            registry_queue_bytes_max: frame_bytes_max.max(self.number("registryQueueBytesMax")),
            unread_output_bytes_max: self.number("unreadOutputBytesMax"),
            // One connection may have half of it.
            incomplete_input_bytes_max: frame_bytes_max.saturating_mul(2).max(self.number("incompleteInputBytesMax")),
            frame_time_max: Duration::from_secs(self.number("frameSecondsMax")),
            kv_bytes_max: self.number("kvBytesMax"),
        }
    }

    /// `rocketmq.serialize.type`: how answers are encoded.
    #[must_use]
    pub fn serialization(&self) -> Serialization {
        match self.effective("rocketmq.serialize.type") {
            "ROCKETMQ" => Serialization::Binary,
            _ => Serialization::Json,
        }
    }

    /// `bindAddress`: a host name, an IPv4 or an IPv6 address.
    #[must_use]
    pub fn bind_address(&self) -> &str {
        self.effective("bindAddress")
    }

    /// `listenPort`; 0 is any.
    #[must_use]
    pub fn listen_port(&self) -> u16 {
        self.number("listenPort")
    }

    /// `serverSocketSndBufSize`, in bytes; 0 leaves it to the operating system.
    #[must_use]
    pub fn socket_send_bytes(&self) -> usize {
        self.number("serverSocketSndBufSize")
    }

    /// `serverSocketRcvBufSize`, in bytes; 0 leaves it to the operating system.
    #[must_use]
    pub fn socket_receive_bytes(&self) -> usize {
        self.number("serverSocketRcvBufSize")
    }

    /// `connectTimeoutMillis`: how long connecting to a broker may take.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.number("connectTimeoutMillis"))
    }

    /// `ioThreads`; 0 is one for each processor.
    #[must_use]
    pub fn io_threads(&self) -> usize {
        self.number("ioThreads")
    }

    /// `logFormat`.
    #[must_use]
    pub fn log_format(&self) -> LogFormat {
        if self.effective("logFormat") == "json" { LogFormat::Json } else { LogFormat::Text }
    }

    /// `logLevel`: `error`, `warn`, `info`, `debug` or `trace`.
    #[must_use]
    pub fn log_level(&self) -> &str {
        self.effective("logLevel")
    }

    /// Where changes at run time are kept: `runtimeConfigPath`, or `.runtime` appended to `configStorePath`.
    #[must_use]
    pub fn runtime_config_path(&self) -> String {
        match self.effective("runtimeConfigPath") {
            "" => format!("{}.runtime", self.effective("configStorePath")),
            path => path.to_owned(),
        }
    }

    /// The value, or the default of a key that is not shown.
    fn effective(&self, name: &str) -> &str {
        self.value(name).or_else(|| table::find(name)?.default).unwrap_or_default()
    }

    fn boolean(&self, name: &str) -> bool {
        self.effective(name) == "true"
    }

    /// Stored values have been checked; what does not fit the type (a negative size) is its default, zero.
    fn number<N: TryFrom<i64> + Default>(&self, name: &str) -> N {
        self.effective(name).parse().ok().and_then(|number: i64| N::try_from(number).ok()).unwrap_or_default()
    }
}

/// Whether the Java server takes this name as a property of its JVM (`-Dname=value`) and this one as a key of the file.
#[must_use]
pub fn is_jvm_property(name: &str) -> bool {
    table::find(name).is_some_and(|key| key.origin == Origin::Jvm)
}

impl Key {
    const fn changes_at_run_time(&self) -> bool {
        matches!(self.effect, Effect::Live | Effect::Label)
    }

    /// The value in the form in which it is shown, or what is wrong with it.
    pub(super) fn canonical(&self, text: &str) -> Result<String, String> {
        match self.kind {
            Kind::Text => Ok(text.to_owned()),
            Kind::Boolean if text.eq_ignore_ascii_case("true") => Ok("true".to_owned()),
            Kind::Boolean if text.eq_ignore_ascii_case("false") => Ok("false".to_owned()),
            Kind::Boolean => Err(format!("`{text}` is neither true nor false")),
            Kind::Integer(min, max) => match text.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
                _ => Err(format!("`{text}` is not a whole number from {min} to {max}")),
            },
            Kind::Word(words) if words.contains(&text) => Ok(text.to_owned()),
            Kind::Word(words) => Err(format!("`{text}` is none of {}", words.join(", "))),
        }
    }

    /// What UPDATE_NAMESRV_CONFIG makes of a value (`MixAll.properties2Object`): text is trimmed, whatever is not
    /// `true` is false, and a bad number, which nothing trims, is ignored.
    fn assigned(&self, text: &str) -> Option<String> {
        match self.kind {
            Kind::Boolean => Some(text.eq_ignore_ascii_case("true").to_string()),
            Kind::Text => Some(trim(text).to_owned()),
            Kind::Integer(..) | Kind::Word(_) => self.canonical(text).ok(),
        }
    }
}

/// The entries that count, in order.
fn last_of_each_key(entries: &[Property]) -> impl Iterator<Item = &Property> {
    let last: BTreeMap<&str, usize> =
        entries.iter().enumerate().map(|(index, entry)| (entry.key.as_str(), index)).collect();
    entries
        .iter()
        .enumerate()
        .filter(move |(index, entry)| last.get(entry.key.as_str()) == Some(index))
        .map(|(_, entry)| entry)
}

/// Java's `String.trim`: everything up to the blank counts as white space.
fn trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

/// Whether the value of a key of [`Effect::Refused`] asks for what is refused.
fn asks(text: &str) -> bool {
    !["", "false", "none", "disabled"].iter().any(|off| text.eq_ignore_ascii_case(off))
}

fn bad_value(entry: &Property, reason: String) -> ConfigurationError {
    ConfigurationError { line: entry.line, key: entry.key.clone(), reason }
}
