//! Defaults from the environment, which the configuration file overrides: JVM properties, and variables that the Java
//! server itself reads.

use crate::environment::Environment;
use crate::java_options::{JavaOptions, JavaProperty};
use crate::keys::ProcessSettings;
use crate::start_error::StartError;
use crate::tls::unknown_key;
use namesrv_core::config::properties::Property;
use namesrv_core::config::{Configuration, SERIALIZE_TYPE, Source, Warning};
use namesrv_core::key::{Key, Origin};
use namesrv_core::quoted::Quoted;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The variable with the default encoding of answers, unless a property or the file sets it.
const SERIALIZE_TYPE_VARIABLE: &str = "ROCKETMQ_SERIALIZE_TYPE";
/// The variable with the folder of a RocketMQ installation, unless a property or the file sets it.
const HOME_VARIABLE: &str = "ROCKETMQ_HOME";
/// The property that names this folder.
const HOME_PROPERTY: &str = "rocketmq.home.dir";
/// The property with the folder in which default paths begin.
const USER_HOME_PROPERTY: &str = "user.home";
/// The property with the time zone.
const TIME_ZONE_PROPERTY: &str = "user.timezone";

/// The most ignored options that are logged, and the most characters of each.
const TOLD_MAX: usize = 20;
const TOLD_CHARACTERS_MAX: usize = 60;

/// What the environment sets.
#[derive(Debug)]
pub(crate) struct JvmDefaults {
    /// The folder in which default paths begin.
    pub(crate) home: PathBuf,
    /// Lines about what was set.
    pub(crate) notices: Vec<String>,
    pub(crate) warnings: Vec<Warning>,
}

/// Gives keys that the file does not set the values from the environment.
///
/// # Errors
/// A value with which the Java server would not start either, or that asks for something that this server does not do.
pub(crate) fn set(
    configuration: &mut Configuration,
    entries: &[Property],
    environment: &Environment,
) -> Result<JvmDefaults, StartError> {
    let options = JavaOptions::read(environment)
        .map_err(|(variable, error)| StartError::Variable { variable, reason: error.to_string() })?;
    let mut set = BTreeMap::<&str, Vec<&str>>::new();
    let is_in_file = |name: &str| entries.iter().any(|entry| entry.key == name);
    for property in options.properties() {
        if let Some(reason) = unknown_key(&property.name) {
            return Err(bad_property(property, &reason));
        }
        let Some(key) = jvm_property(configuration, &property.name).filter(|key| !is_in_file(key.name)) else {
            continue;
        };
        // For the Java server too, a blank value means no value.
        if key.name == SERIALIZE_TYPE.name && property.value.trim().is_empty() {
            continue;
        }
        configuration.set_default(&key, &property.value).map_err(|reason| bad_property(property, &reason))?;
        set.entry(property.variable).or_default().push(key.name);
    }
    if !is_in_file(SERIALIZE_TYPE.name) && options.property(SERIALIZE_TYPE.name).is_none() {
        set_serialization(configuration, environment)?;
    }
    let home_key = &ProcessSettings::rocketmq_home.key;
    if !is_in_file(home_key.name) {
        let variable = || (environment.variable)(HOME_VARIABLE).as_deref().and_then(text);
        if let Some(home) = options.property(HOME_PROPERTY).map(|property| property.value.clone()).or_else(variable) {
            configuration.set_from(Source::Environment, home_key, &home);
        }
    }
    let user_home = options.property(USER_HOME_PROPERTY).filter(|property| !property.value.is_empty());
    let homes = options.property(HOME_PROPERTY).into_iter().chain(user_home);
    for property in homes {
        set.entry(property.variable).or_default().push(&property.name);
    }
    let mut warnings: Vec<_> = user_home.and_then(relative_home).into_iter().collect();
    warnings.extend(without_effect(configuration, &options));
    Ok(JvmDefaults {
        home: user_home.map_or_else(|| environment.home.clone(), |property| property.value.clone().into()),
        notices: set.iter().map(|(variable, names)| format!("{variable} sets {}", names.join(", "))).collect(),
        warnings,
    })
}

/// Returns the key of a property that the Java server reads from its JVM.
fn jvm_property(configuration: &Configuration, name: &str) -> Option<Key> {
    configuration.key(name).filter(|key| matches!(key.origin, Origin::JvmProperty(_))).copied()
}

fn set_serialization(configuration: &mut Configuration, environment: &Environment) -> Result<(), StartError> {
    let Some(value) = (environment.variable)(SERIALIZE_TYPE_VARIABLE).as_deref().and_then(text) else { return Ok(()) };
    configuration
        .set_default(&SERIALIZE_TYPE, &value)
        .map_err(|reason| StartError::Variable { variable: SERIALIZE_TYPE_VARIABLE, reason })
}

/// Returns the text of a variable, unless it is blank.
fn text(value: &OsStr) -> Option<String> {
    Some(value.to_string_lossy().into_owned()).filter(|value| !value.trim().is_empty())
}

fn bad_property(property: &JavaProperty, reason: &str) -> StartError {
    let JavaProperty { name, variable, .. } = property;
    StartError::Variable { variable, reason: format!("-D{name}: {reason}") }
}

/// Warns of a relative home: neither a shell nor the JVM resolves `~`, quotation marks or variables here.
fn relative_home(property: &JavaProperty) -> Option<Warning> {
    let JavaProperty { name, value, variable } = property;
    (!Path::new(value).is_absolute()).then(|| {
        Warning(format!(
            "{variable}: -D{name}: {} does not begin with /: it is taken as it stands, below the working folder, \
             as the Java server does",
            Quoted(value)
        ))
    })
}

fn without_effect(configuration: &Configuration, options: &JavaOptions) -> Option<Warning> {
    let is_known =
        |name: &str| [HOME_PROPERTY, USER_HOME_PROPERTY].contains(&name) || jvm_property(configuration, name).is_some();
    let told = options.without_effect(is_known);
    if told.is_empty() {
        return None;
    }
    let shown = |(word, variable): &(String, &str)| {
        let cut: String = word.chars().take(TOLD_CHARACTERS_MAX).collect();
        let dots = if cut.len() < word.len() { "…" } else { "" };
        format!("{}{dots} ({variable})", cut.escape_debug())
    };
    let mut line = told.iter().take(TOLD_MAX).map(shown).collect::<Vec<_>>().join(", ");
    if told.len() > TOLD_MAX {
        line += &format!(" and {} more", told.len() - TOLD_MAX);
    }
    if options.property(TIME_ZONE_PROPERTY).is_some() {
        line += "; times in the log are UTC";
    }
    Some(Warning(format!("options of a JVM without effect here: {line}")))
}
