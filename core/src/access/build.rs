//! Builds the rules from the keys of the configuration, and from the users that these keys add.

use super::mode::Mode;
use super::user::{Role, Status, User};
use crate::address_list::AddressList;
use crate::config::{AccessControl, AccessSettings, Configuration, Warning};
use crate::credentials::{Credentials, Secret};
use crate::key::Row;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A secret with fewer characters can be guessed from one captured request.
const SECRET_CHARACTERS_MIN: usize = 16;
/// The publicly known pair in the `tools.yml` that RocketMQ ships.
const PUBLIC_PAIR: (&str, &str) = ("rocketmq2", "12345678");
/// The package of the classes that Java's providers consist of.
const JAVA_CLASSES: &str = "org.apache.rocketmq.auth.";

/// Rules that contradict each other, or that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct AccessError {
    /// The key of the configuration file.
    pub key: &'static str,
    /// What is wrong with its value. It never quotes a secret.
    pub reason: String,
}

pub(super) fn mode(configuration: &Configuration, settings: &AccessSettings) -> Result<Mode, AccessError> {
    let control = &AccessSettings::access_control;
    if settings.authentication_enabled {
        return Ok(match settings.access_control {
            AccessControl::Observe => Mode::Observe,
            AccessControl::Admin => Mode::Admin,
            AccessControl::Strict => Mode::Strict,
        });
    }
    if let Some(value) = configuration.value(control.key.name) {
        return Err(error(control, format!("`{value}` does nothing without authenticationEnabled=true")));
    }
    Ok(Mode::Off)
}

/// Java brokers load these classes by name; this server cannot. It accepts RocketMQ's own classes, because they do no
/// more than what this server does anyway.
pub(super) fn check_providers(settings: &AccessSettings) -> Result<(), AccessError> {
    for (row, class) in [
        (&AccessSettings::authentication_provider, &settings.authentication_provider),
        (&AccessSettings::authentication_metadata_provider, &settings.authentication_metadata_provider),
    ] {
        if !class.is_empty() && !class.starts_with(JAVA_CLASSES) {
            return Err(error(row, format!("`{class}` is a class of its own, which cannot be loaded")));
        }
    }
    Ok(())
}

/// The brokers' user is not an administrator: its secret is on every broker host. If one user is named for both, it is
/// an administrator.
pub(super) fn add_configured_users(settings: &AccessSettings, users: &mut Vec<User>) -> Result<(), AccessError> {
    let inner = settings.inner_client.as_ref();
    let first = settings.init_authentication_user.as_ref();
    if let Some((inner, first)) = inner.zip(first).filter(|(inner, first)| inner.name == first.name)
        && inner.secret != first.secret
    {
        let reason = format!("the user {} has another secret in initAuthenticationUser", inner.name);
        return Err(error(&AccessSettings::inner_client, reason));
    }
    for (row, role, credentials) in [
        (&AccessSettings::init_authentication_user, Role::Admin, first),
        (
            &AccessSettings::inner_client,
            Role::Broker,
            inner.filter(|inner| first.is_none_or(|first| first.name != inner.name)),
        ),
    ] {
        let Some(credentials) = credentials else { continue };
        if users.iter().any(|user| user.name == credentials.name) {
            return Err(error(row, format!("the user {} is in the users file too", credentials.name)));
        }
        users.push(configured(credentials, role));
    }
    Ok(())
}

fn configured(credentials: &Credentials, role: Role) -> User {
    User {
        name: Arc::clone(&credentials.name),
        role,
        secret: credentials.secret.clone(),
        previous_secret: None,
        status: Status::Enabled,
        addresses: None,
    }
}

pub(super) fn whitelist(settings: &AccessSettings) -> Result<BTreeSet<i32>, AccessError> {
    let row = &AccessSettings::authentication_whitelist;
    let entries = settings.authentication_whitelist.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| entry.parse().map_err(|_| error(row, format!("`{entry}` is not a request code")))).collect()
}

pub(super) fn addresses<T>(row: &Row<T>, text: &str) -> Result<Option<AddressList>, AccessError> {
    AddressList::parse_if_set(text).map_err(|fault| error(row, fault.to_string()))
}

/// Rules for topics and groups belong to brokers. A NameServer only has rules for the whole server.
pub(super) fn roles_only(configuration: &Configuration) -> Option<Warning> {
    let is_wanted = configuration.value("authorizationEnabled") == Some("true");
    is_wanted.then(|| Warning("authorizationEnabled: this server has the roles of users and no other rules".into()))
}

pub(super) fn secrets(user: &User) -> impl Iterator<Item = &Secret> {
    [Some(&user.secret), user.previous_secret.as_ref()].into_iter().flatten()
}

pub(super) fn weakness(user: &User, secret: &Secret) -> Option<Warning> {
    let name = &user.name;
    if **name == *PUBLIC_PAIR.0 && secret.is(PUBLIC_PAIR.1) {
        return Some(Warning(format!(
            "the secret of the user {name} is the one that RocketMQ ships: everybody knows it"
        )));
    }
    let is_short = secret.characters() < SECRET_CHARACTERS_MIN;
    is_short.then(|| {
        Warning(format!(
            "the secret of the user {name} has fewer than {SECRET_CHARACTERS_MIN} characters: \
             it can be guessed from one captured request"
        ))
    })
}

pub(super) fn error<T>(row: &Row<T>, reason: String) -> AccessError {
    AccessError { key: row.key.name, reason }
}
