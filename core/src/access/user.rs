//! Users: who may sign requests, and for what.

use crate::address_list::AddressList;
use crate::credentials::Secret;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a user may do. Each role includes the roles before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read what access control closes to others.
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
    /// The user's name, which requests carry as `AccessKey`.
    pub name: Arc<str>,
    /// What the user may do.
    pub role: Role,
    /// The secret that the user signs with.
    pub secret: Secret,
    /// The secret that the user signed with before. It is still accepted, so a secret can be replaced without an
    /// outage.
    pub previous_secret: Option<Secret>,
    /// Whether the user may do anything at all.
    pub status: Status,
    /// Where the user's requests may come from; `None` means everywhere.
    pub addresses: Option<AddressList>,
}

/// All users, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Users {
    by_name: BTreeMap<Arc<str>, User>,
    /// A stand-in for the secret of an unknown user.
    stand_in: Secret,
}

impl Default for Users {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), stand_in: Secret::new("") }
    }
}

impl Users {
    /// All of these users.
    ///
    /// # Errors
    /// The name that two users share.
    pub(super) fn new(users: Vec<User>) -> Result<Self, Arc<str>> {
        let mut by_name = BTreeMap::new();
        for user in users {
            if by_name.contains_key(&user.name) {
                return Err(user.name);
            }
            by_name.insert(Arc::clone(&user.name), user);
        }
        Ok(Self { by_name, ..Self::default() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(super) fn find(&self, name: &str) -> Option<&User> {
        self.by_name.get(name)
    }

    /// Returns a secret that no user has, so that a request of an unknown user takes as long as one with a wrong
    /// secret.
    pub(super) const fn stand_in(&self) -> &Secret {
        &self.stand_in
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &User> {
        self.by_name.values()
    }
}
