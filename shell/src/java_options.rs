//! JVM options in environment variables: how people start the Java server, and which of these options count here.
//!
//! This module does not know which properties mean something: [`JavaOptions`] says what each variable would tell a JVM.

mod argument_file;
mod error;
mod words;

use crate::environment::Environment;
use error::JavaOptionsError;
use std::collections::BTreeMap;
use words::Reader;

/// Variables with JVM options. As in the Java server, a later one overrides an earlier one: a JVM puts the words of
/// `JAVA_TOOL_OPTIONS` and `JDK_JAVA_OPTIONS` before its command line and those of `_JAVA_OPTIONS` behind it;
/// `runserver.sh` adds `JAVA_OPT` and `JAVA_OPT_EXT` to the command line, and scripts of other images add `JAVA_OPTS`.
const VARIABLES: [(&str, Reader); 6] = [
    ("JAVA_TOOL_OPTIONS", Reader::Jvm),
    ("JDK_JAVA_OPTIONS", Reader::Launcher),
    ("JAVA_OPTS", Reader::Shell),
    ("JAVA_OPT", Reader::Shell),
    ("JAVA_OPT_EXT", Reader::Shell),
    ("_JAVA_OPTIONS", Reader::Jvm),
];

/// Options whose value is the next word.
const TAKES_A_WORD: [&str; 15] = [
    "-cp",
    "-classpath",
    "--class-path",
    "-p",
    "--module-path",
    "--upgrade-module-path",
    "--add-modules",
    "--limit-modules",
    "--add-exports",
    "--add-opens",
    "--add-reads",
    "--patch-module",
    "--enable-native-access",
    "-jar",
    "-m",
];

/// Properties about the JVM itself, its logs and its encodings.
const ABOUT_THE_JVM: [&str; 14] = [
    "file.encoding",
    "java.awt.headless",
    "java.ext.dirs",
    "java.io.tmpdir",
    "java.library.path",
    "java.security.egd",
    "log4j",
    "logback",
    "logging",
    "rmq.logback",
    "rocketmq.client.log",
    "rocketmq.log",
    "rocketmq.remoting.version",
    "sun.jnu.encoding",
];

/// A JVM property (`-Dname=value`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JavaProperty {
    pub(crate) name: String,
    pub(crate) value: String,
    /// The environment variable that sets it.
    pub(crate) variable: &'static str,
}

/// What the environment would tell a JVM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JavaOptions {
    properties: BTreeMap<String, JavaProperty>,
    /// Words that are neither options nor their values, each with its variable.
    strays: Vec<(String, &'static str)>,
}

impl JavaOptions {
    /// Reads the variables.
    ///
    /// # Errors
    /// With the variable's name: a text with which no JVM starts, or a property whose value is not UTF-8.
    pub(crate) fn read(environment: &Environment) -> Result<Self, (&'static str, JavaOptionsError)> {
        let mut options = Self::default();
        for (variable, reader) in VARIABLES {
            let Some(text) = (environment.variable)(variable) else { continue };
            let words = words::split(text.as_encoded_bytes(), reader).map_err(|error| (variable, error))?;
            options.take(variable, words).map_err(|error| (variable, error))?;
        }
        Ok(options)
    }

    fn take(&mut self, variable: &'static str, words: Vec<Vec<u8>>) -> Result<(), JavaOptionsError> {
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if let Some(property) = word.strip_prefix(b"-D") {
                self.set(variable, property)?;
            } else if !word.starts_with(b"-") {
                self.strays.push((String::from_utf8_lossy(&word).into_owned(), variable));
            } else if TAKES_A_WORD.iter().any(|option| option.as_bytes() == word) {
                words.next();
            }
        }
        Ok(())
    }

    fn set(&mut self, variable: &'static str, property: &[u8]) -> Result<(), JavaOptionsError> {
        let end = property.iter().position(|byte| *byte == b'=').unwrap_or(property.len());
        let name = String::from_utf8_lossy(&property[..end]).into_owned();
        let value = property.get(end + 1..).unwrap_or_default().to_vec();
        let Ok(value) = String::from_utf8(value) else { return Err(JavaOptionsError::NotUtf8 { name }) };
        self.properties.insert(name.clone(), JavaProperty { name, value, variable });
        Ok(())
    }

    /// Returns the property with this name.
    pub(crate) fn property(&self, name: &str) -> Option<&JavaProperty> {
        self.properties.get(name)
    }

    /// Returns all properties, sorted by name.
    pub(crate) fn properties(&self) -> impl Iterator<Item = &JavaProperty> {
        self.properties.values()
    }

    /// Returns what to report once at start, each with its variable: words that are not options, and properties that
    /// are neither `known` nor about the JVM itself.
    pub(crate) fn without_effect(&self, known: impl Fn(&str) -> bool) -> Vec<(String, &'static str)> {
        let is_told = |property: &&JavaProperty| !known(&property.name) && !is_about_the_jvm(&property.name);
        let properties = self.properties().filter(is_told);
        let properties = properties.map(|property| (format!("-D{}", property.name), property.variable));
        properties.chain(self.strays.iter().cloned()).collect()
    }
}

fn is_about_the_jvm(name: &str) -> bool {
    name.is_empty() || ABOUT_THE_JVM.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests;
