//! Users: who may sign requests, and what for.

use crate::address_list::AddressList;
use crate::credentials::Secret;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a user may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read what is closed.
    Read,
    /// Register brokers.
    Broker,
    /// Change the server.
    Admin,
}

/// Whether a user may do anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Enabled,
    /// It may not, whatever it signs.
    Disabled,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name: what requests have as `AccessKey`.
    pub name: Arc<str>,
    /// What it may do.
    pub role: Role,
    /// What it signs with.
    pub secret: Secret,
    /// What it signed with before, and may still, so that a secret can be replaced without an outage.
    pub previous_secret: Option<Secret>,
    /// Whether it may do anything.
    pub status: Status,
    /// Where its requests may come from; `None` is from everywhere.
    pub addresses: Option<AddressList>,
}

/// All users, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Users(BTreeMap<Arc<str>, User>);

impl Users {
    /// Returns the name of two users as an error.
    pub(super) fn new(users: Vec<User>) -> Result<Self, Arc<str>> {
        let mut by_name = BTreeMap::new();
        for user in users {
            if by_name.contains_key(&user.name) {
                return Err(user.name);
            }
            by_name.insert(Arc::clone(&user.name), user);
        }
        Ok(Self(by_name))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(&self, name: &str) -> Option<&User> {
        self.0.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &User> {
        self.0.values()
    }
}
