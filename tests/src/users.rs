//! Users of tests, and rules that are made with them.

use namesrv_core::access::{AccessRules, Role, Status, User};
use namesrv_core::address_list::AddressList;
use namesrv_core::config::Configuration;
use namesrv_core::config::properties::{self, Property};
use namesrv_core::credentials::Secret;

/// The secret of every user.
pub const SECRET: &str = "a secret of 23 letters.";
/// What the user `rotating` signed with before.
pub const PREVIOUS_SECRET: &str = "the secret before that.";

/// A user of this role that may do anything.
pub fn user(name: &str, role: Role) -> User {
    User {
        name: name.into(),
        role,
        secret: Secret::new(SECRET),
        previous_secret: None,
        status: Status::Enabled,
        addresses: None,
    }
}

/// A user of each kind: an administrator `ops`, `broker`, `reader`, `disabled`, `rotating`, and `elsewhere`, whose
/// addresses are none of those here.
pub fn users() -> Vec<User> {
    let elsewhere = AddressList::parse("192.0.2.0/24").expect("a network");
    vec![
        user("ops", Role::Admin),
        user("broker", Role::Broker),
        user("reader", Role::Read),
        User { status: Status::Disabled, ..user("disabled", Role::Admin) },
        User { previous_secret: Some(Secret::new(PREVIOUS_SECRET)), ..user("rotating", Role::Admin) },
        User { addresses: Some(elsewhere), ..user("elsewhere", Role::Admin) },
    ]
}

/// The rules that these lines ask for, with [`users`].
pub fn rules(file: &str) -> AccessRules {
    let (configuration, _) = Configuration::new(&entries(file)).expect("a good file");
    AccessRules::new(&configuration, users()).expect("good rules").0
}

pub(crate) fn entries(file: &str) -> Vec<Property> {
    properties::parse(file.as_bytes()).expect("properties text")
}
