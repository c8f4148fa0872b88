//! All keys and their values: from the configuration file, and from changes at run time.

mod reload;

pub use reload::Changes;

use super::access::{self, AccessSettings};
use super::advice::{doubt, likely_cause};
use super::java;
use super::properties::{self, Property};
use super::settings::{JVM_DEFAULTS, Settings, StartSettings};
use super::source::Source;
use super::warnings::{Ignored, Warning};
use crate::credentials::MASK;
use crate::key::{Effect, Key, Kind};
use crate::limits::Limits;
use crate::quoted::Quoted;
use crate::serialization::Serialization;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// All keys and their values: GET_NAMESRV_CONFIG shows them, and limits and settings are read from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    keys: Keys,
    /// What is shown: the server's own keys, and all other keys of the file, even unknown ones.
    values: BTreeMap<String, String>,
    /// Defaults from the environment for keys that are shown only if the file sets them.
    defaults: BTreeMap<&'static str, String>,
    /// The values with secrets. `values` has the part of them that may be shown.
    hidden: BTreeMap<&'static str, Hidden>,
    /// What changed at run time: the contents of the runtime file.
    changed: BTreeMap<String, String>,
    /// Where values come from, except for those that are defaults.
    sources: BTreeMap<String, Source>,
    /// Keys that UPDATE_NAMESRV_CONFIG refuses: the entries of `configBlackList` at start.
    black_list: Vec<String>,
}

/// A value that prevents the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {key}: {reason}")]
pub struct ConfigurationError {
    /// The line of the properties text.
    pub line: usize,
    /// The key.
    pub key: String,
    /// What is wrong with the value, which it quotes.
    pub reason: String,
}

/// The effect that an UPDATE_NAMESRV_CONFIG would have.
#[derive(Clone, Debug)]
pub enum Update {
    /// The text is not properties text.
    Malformed,
    /// The text has a key that may not change at run time.
    Forbidden,
    /// Nothing would change.
    Unchanged,
    /// The configuration after the change.
    Changed {
        /// The whole configuration.
        configuration: Box<Configuration>,
        /// The keys whose values change.
        keys: Vec<String>,
    },
}

impl Default for Configuration {
    fn default() -> Self {
        Self::of(Keys::new(&[]))
    }
}

impl Configuration {
    /// Reads the configuration for a core without a process around it: see [`Configuration::with_keys`].
    ///
    /// # Errors
    /// A bad value of a key in use, or a value that asks for something that this server does not do.
    pub fn new(entries: &[Property]) -> Result<(Self, Vec<Warning>), ConfigurationError> {
        Self::with_keys(&[], entries)
    }

    /// Reads the entries of the configuration file over the defaults of the core's keys and of `process`, the keys of
    /// the process that drives the core.
    ///
    /// Ignores white space around a value. Keeps and shows unknown keys, as Java does.
    ///
    /// # Errors
    /// A bad value of a key in use, or a value that asks for something that this server does not do.
    pub fn with_keys(
        process: &[&'static [Key]],
        entries: &[Property],
    ) -> Result<(Self, Vec<Warning>), ConfigurationError> {
        let mut configuration = Self::defaults(process);
        let warnings = configuration.read_file(entries)?;
        Ok((configuration, warnings))
    }

    /// The defaults of the core's keys and of `process`, before any file is read.
    #[must_use]
    pub fn defaults(process: &[&'static [Key]]) -> Self {
        Self::of(Keys::new(process))
    }

    /// Reads the entries of the configuration file over the defaults.
    ///
    /// # Errors
    /// Those of [`Configuration::with_keys`].
    pub fn read_file(&mut self, entries: &[Property]) -> Result<Vec<Warning>, ConfigurationError> {
        let mut ignored = Ignored::default();
        for entry in last_of_each_key(entries) {
            self.read_entry(entry, &mut ignored)?;
        }
        self.take_defaults(entries);
        self.read_black_list();
        Ok(ignored.into_warnings())
    }

    /// The defaults of these keys.
    fn of(keys: Keys) -> Self {
        let listed = keys.iter().filter(|key| key.is_always_listed());
        let values = listed.filter_map(|key| Some((key.name.to_owned(), key.default?.to_owned()))).collect();
        let mut configuration = Self {
            keys,
            values,
            defaults: BTreeMap::new(),
            hidden: BTreeMap::new(),
            changed: BTreeMap::new(),
            sources: BTreeMap::new(),
            black_list: Vec::new(),
        };
        configuration.read_black_list();
        configuration
    }

    fn read_entry<'a>(&mut self, entry: &'a Property, ignored: &mut Ignored<'a>) -> Result<(), ConfigurationError> {
        let value = trim(&entry.value);
        let Some(key) = self.keys.find(&entry.key).copied() else {
            let similar = self.keys.iter().find(|key| key.name.eq_ignore_ascii_case(&entry.key));
            ignored.unknown.push((entry, similar.map(|key| key.name)));
            self.insert_from(Source::File { line: entry.line }, &entry.key, value);
            return Ok(());
        };
        match (key.canonical(value), key.effect) {
            (Ok(_), Effect::Refused(reason)) if asks(value) => {
                return Err(bad_value(entry, format!("{}: {reason}", Quoted(&key.shown(value)))));
            }
            (Err(reason), Effect::Nothing | Effect::Label) => {
                let line = entry.line;
                ignored.doubts.push(Warning(format!("line {line}: {} is ignored: {reason}", key.name)));
            }
            (Err(reason), _) => return Err(bad_value(entry, reason)),
            (Ok(value), effect) => {
                if effect == Effect::Nothing && key.default.is_some_and(|default| default != value) {
                    ignored.without_effect.push((entry.line, key.name));
                }
                ignored.doubts.extend(doubt(&key, entry).map(Warning));
                self.insert_from(Source::File { line: entry.line }, key.name, &value);
            }
        }
        Ok(())
    }

    /// Reads the entries of the runtime file over those of the configuration file. Skips keys that cannot change at run
    /// time, with a warning.
    ///
    /// # Errors
    /// A bad value.
    pub fn read_runtime_file(&mut self, entries: &[Property]) -> Result<Vec<Warning>, ConfigurationError> {
        let mut warnings = Vec::new();
        for entry in last_of_each_key(entries) {
            let value = match self.keys.find(&entry.key) {
                Some(key) if !key.changes_at_run_time() => {
                    let line = entry.line;
                    let name = key.name;
                    warnings.push(Warning(format!("line {line}: {name} is ignored: it cannot be changed at run time")));
                    continue;
                }
                Some(key) => key.canonical(trim(&entry.value)).map_err(|reason| bad_value(entry, reason))?,
                // Kept as it was set: nobody knows what it means, nor whether its white space matters.
                None => entry.value.clone(),
            };
            self.insert_from(Source::Runtime, &entry.key, &value);
            self.changed.insert(entry.key.clone(), value);
        }
        Ok(warnings)
    }

    /// Whether the file sets something that must not be shown.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.hidden.values().any(|Hidden(value)| !value.is_empty())
    }

    /// Returns the value of a key as GET_NAMESRV_CONFIG shows it, or `None` if GET_NAMESRV_CONFIG does not show the
    /// key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Returns the key with this name, or `None` if it is unknown.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.find(name)
    }

    /// Returns all known keys, in the order of `--printConfigItem`.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// Returns the value of a key in effect, with its secrets: what the file or a change sets, else the default, else
    /// an empty text. It must not be shown.
    ///
    /// Structs that [`keys!`](crate::keys) declares read their values from this: `Limits::read(|key|
    /// configuration.effective(key))`.
    #[must_use]
    pub fn effective(&self, key: &Key) -> &str {
        self.hidden.get(key.name).map_or_else(|| self.in_effect(key), |Hidden(value)| value)
    }

    /// As [`effective`](Self::effective), but without secrets.
    fn in_effect(&self, key: &Key) -> &str {
        let default = || self.defaults.get(key.name).map(String::as_str).or(key.default);
        self.value(key.name).or_else(default).unwrap_or_default()
    }

    /// Returns where the value of a key comes from.
    #[must_use]
    pub fn source(&self, name: &str) -> Source {
        self.sources.get(name).copied().unwrap_or_default()
    }

    /// Sets a key whose value does not come from a file.
    pub fn set_from(&mut self, source: Source, key: &Key, value: &str) {
        self.insert_from(source, key.name, value);
    }

    /// Sets a key whose value only the process knows, such as a path or the port that the operating system chose.
    pub fn set(&mut self, key: &Key, value: &str) {
        self.insert(key.name, value);
    }

    /// Sets a key's default from the environment; the file can override it. As in Java, the default is shown only for
    /// keys that are always shown.
    ///
    /// # Errors
    /// In words: a bad value, or one that asks for something that this server does not do.
    pub fn set_default(&mut self, key: &Key, value: &str) -> Result<(), String> {
        let value = trim(value);
        let canonical = key.canonical(value)?;
        match key.effect {
            Effect::Refused(reason) if asks(value) => return Err(format!("{}: {reason}", Quoted(&key.shown(value)))),
            Effect::DefaultOf(target) => self.insert_from(Source::Environment, target, &canonical),
            Effect::Live | Effect::Reload | Effect::Start | Effect::Label | Effect::Nothing | Effect::Refused(_) => {
                self.sources.insert(key.name.to_owned(), Source::Environment);
                if key.is_always_listed() {
                    self.insert(key.name, &canonical);
                } else {
                    let shown = self.hide(key, &canonical);
                    self.defaults.insert(key.name, shown);
                }
            }
        }
        Ok(())
    }

    /// Returns the text of GET_NAMESRV_CONFIG: `key=value` lines, sorted by key.
    #[must_use]
    pub fn listing(&self) -> String {
        self.values.iter().flat_map(|(key, value)| [key, "=", value, "\n"]).collect()
    }

    /// Returns the number of bytes of that text.
    pub(crate) fn listing_bytes(&self) -> usize {
        self.values.iter().map(|(key, value)| key.len() + value.len() + 2).sum()
    }

    /// Returns every known key and every other key of the file, each with the part of its value that may be shown. A
    /// key without a value has an empty text.
    pub fn items(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self.keys.iter().map(|key| (key.name, self.in_effect(key)));
        let unknown = self.values.iter().filter(|(name, _)| self.keys.find(name).is_none());
        known.chain(unknown.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// Decides what the body of UPDATE_NAMESRV_CONFIG would change, without changing anything.
    ///
    /// Follows Java (`DefaultRequestProcessor.updateConfig`, `Configuration.update`), except that it refuses keys that
    /// would change nothing but the listing, like those of the black list.
    #[must_use]
    pub fn update(&self, body: &[u8]) -> Update {
        // Java decodes the body as UTF-8 and then reads the bytes of that text as ISO-8859-1, so `é` arrives as `Ã©`.
        let Ok(entries) = properties::parse(String::from_utf8_lossy(body).as_bytes()) else {
            return Update::Malformed;
        };
        if entries.iter().any(|entry| self.is_forbidden(&entry.key)) {
            return Update::Forbidden;
        }
        let mut configuration = Box::new(self.clone());
        let mut keys = Vec::new();
        for entry in last_of_each_key(&entries) {
            let value = match self.keys.find(&entry.key) {
                Some(key) => assigned(key, &entry.value),
                None => self.values.contains_key(&entry.key).then(|| entry.value.clone()),
            };
            let Some(value) = value.filter(|value| self.value(&entry.key) != Some(value)) else { continue };
            configuration.insert_from(Source::Runtime, &entry.key, &value);
            configuration.changed.insert(entry.key.clone(), value);
            keys.push(entry.key.clone());
        }
        if keys.is_empty() {
            return Update::Unchanged;
        }
        Update::Changed { configuration, keys }
    }

    fn is_forbidden(&self, name: &str) -> bool {
        self.keys.find(name).is_some_and(|key| !key.changes_at_run_time())
            || self.black_list.iter().any(|entry| entry == name)
    }

    /// Returns the contents of the runtime file: every key changed at run time since the operator's file was read.
    #[must_use]
    pub fn runtime_file(&self) -> String {
        let entries: Vec<_> = self.changed.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let comment = "# Changes made at run time (UPDATE_NAMESRV_CONFIG); read after the configuration file.\n";
        comment.to_owned() + &properties::write(&entries)
    }

    /// Gives keys that the file does not set the value of the JVM property that serves as their default.
    fn take_defaults(&mut self, entries: &[Property]) {
        for property in self.keys.clone().iter() {
            let Effect::DefaultOf(target) = property.effect else { continue };
            let Some(value) = self.values.get(property.name).cloned() else { continue };
            if !entries.iter().any(|entry| entry.key == target) {
                self.insert_from(self.source(property.name), target, &value);
            }
        }
    }

    fn read_black_list(&mut self) {
        let black_list = StartSettings::read(|key| self.effective(key)).black_list;
        let entries = black_list.split(';').map(str::trim).filter(|entry| !entry.is_empty());
        self.black_list = entries.map(str::to_owned).collect();
    }

    fn insert_from(&mut self, source: Source, name: &str, value: &str) {
        self.sources.insert(name.to_owned(), source);
        self.insert(name, value);
    }

    fn insert(&mut self, name: &str, value: &str) {
        let shown = match self.keys.find(name).copied() {
            Some(key) => self.hide(&key, value),
            None => value.to_owned(),
        };
        self.values.insert(name.to_owned(), shown);
    }

    /// Returns the part of a value that may be shown. Stores a value that has a secret separately.
    fn hide(&mut self, key: &Key, value: &str) -> String {
        if key.is_secret() {
            self.hidden.insert(key.name, Hidden(value.to_owned()));
        }
        key.shown(value).into_owned()
    }
}

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq)]
struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// What the values mean for the core.
impl Configuration {
    /// Returns the settings that answers depend on.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::read(|key| self.effective(key))
    }

    /// Returns the limits. Raises those that must hold at least one frame to the limit of frames.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::read(|key| self.effective(key)).holding_a_frame();
        let StartSettings { high_water_mark, low_water_mark, .. } = StartSettings::read(|key| self.effective(key));
        if high_water_mark > 0 && low_water_mark > 0 {
            limits.output_bytes_pause = high_water_mark;
        }
        limits
    }

    /// Returns the settings from which the rules of access control are built.
    #[must_use]
    pub fn access(&self) -> AccessSettings {
        AccessSettings::read(|key| self.effective(key))
    }

    /// Returns how answers are encoded.
    #[must_use]
    pub fn serialization(&self) -> Serialization {
        StartSettings::read(|key| self.effective(key)).serialization
    }
}

/// All keys.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Keys(Arc<[Key]>);

impl Keys {
    /// The keys of the core and those of the process, in the order of `--printConfigItem`.
    fn new(process: &[&[Key]]) -> Self {
        let core = [
            Settings::KEYS,
            StartSettings::KEYS,
            JVM_DEFAULTS,
            java::KEYS,
            Limits::KEYS,
            AccessSettings::KEYS,
            access::UNUSED,
        ];
        let mut keys: Vec<Key> = process.iter().chain(&core).copied().flatten().copied().collect();
        keys.sort_by_key(|key| key.origin);
        Self(keys.into())
    }

    fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    fn find(&self, name: &str) -> Option<&Key> {
        self.iter().find(|key| key.name == name)
    }
}

/// Returns the value that UPDATE_NAMESRV_CONFIG gives a key (Java: `MixAll.properties2Object`). Text is trimmed,
/// everything but `true` is false, and a bad number, which is not trimmed first, is `None`.
fn assigned(key: &Key, value: &str) -> Option<String> {
    match key.kind {
        Kind::Boolean => Some(value.eq_ignore_ascii_case("true").to_string()),
        Kind::Text | Kind::Filled => Some(trim(value).to_owned()),
        Kind::Integer(..) | Kind::Word(_) | Kind::WordInAnyCase(_) | Kind::Secret | Kind::Credentials(_) => {
            key.canonical(value).ok()
        }
    }
}

/// Returns the entries that count, in order: the last one of each key.
fn last_of_each_key(entries: &[Property]) -> impl Iterator<Item = &Property> {
    let last: BTreeMap<&str, usize> =
        entries.iter().enumerate().map(|(index, entry)| (entry.key.as_str(), index)).collect();
    entries
        .iter()
        .enumerate()
        .filter(move |(index, entry)| last.get(entry.key.as_str()) == Some(index))
        .map(|(_, entry)| entry)
}

/// Java's `String.trim`: every character up to the blank counts as white space.
fn trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

/// Whether the value of a key with [`Effect::Refused`] asks for what is refused.
fn asks(text: &str) -> bool {
    !["", "false", "none", "disabled"].iter().any(|off| text.eq_ignore_ascii_case(off))
}

fn bad_value(entry: &Property, reason: String) -> ConfigurationError {
    let cause = likely_cause(trim(&entry.value)).map(|cause| format!(": {cause}")).unwrap_or_default();
    ConfigurationError { line: entry.line, key: entry.key.clone(), reason: reason + &cause }
}
