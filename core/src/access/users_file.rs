//! The users file: one JSON object a line, with blank lines and `#` comments between them.
//!
//! ```
//! use namesrv_core::access::parse_users_file;
//!
//! let text = br#"
//! ## who may do what
//! {"username":"ops","password":"n7Wq...","role":"admin","addresses":["10.1.0.0/16"]}
//! {"username":"brokers","password":"kX2p...","previousPassword":"old one","role":"broker"}
//! "#;
//! let users = parse_users_file(text)?;
//! assert_eq!(&*users[1].name, "brokers");
//!
//! let error = parse_users_file(br#"{"username":"ops","password":"secret","role":"king"}"#).unwrap_err();
//! assert_eq!(error.to_string(), "line 1: the role is none of admin, broker and read");
//! # Ok::<(), namesrv_core::access::UsersFileError>(())
//! ```

use super::user::{Role, Status, User};
use crate::address_list::{AddressList, AddressListError};
use crate::credentials::Secret;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// A line that does not describe a user. The error never quotes a member, because that may be a secret in the wrong
/// place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct UsersFileError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with the line.
    pub fault: UsersFileFault,
}

/// What is wrong with a line of the users file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsersFileFault {
    /// The line is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// The line is not a JSON object.
    #[error("it is not a JSON object: see column {column}")]
    NotAnObject {
        /// The column at which the JSON reader stopped, from 1.
        column: usize,
    },
    /// The line has a member that users do not have.
    #[error("member {number} is none of username, password, previousPassword, role, status and addresses")]
    UnknownMember {
        /// The number of the member, from 1.
        number: usize,
    },
    /// A member occurs twice.
    #[error("{0} is there twice")]
    RepeatedMember(&'static str),
    /// A member is missing.
    #[error("{0} is missing")]
    MissingMember(&'static str),
    /// A member that must be text is something else.
    #[error("{0} is not a text in quotation marks")]
    NotText(&'static str),
    /// A name or secret is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// The role is unknown.
    #[error("the role is none of admin, broker and read")]
    UnknownRole,
    /// The status is unknown.
    #[error("the status is neither enable nor disable")]
    UnknownStatus,
    /// The addresses are not a list of texts, or the list is empty.
    #[error(r#"addresses is not a list like ["10.1.0.0/16"]"#)]
    NotAList,
    /// An entry of the addresses is not an address or network.
    #[error("addresses: {0}")]
    Addresses(AddressListError),
    /// An earlier line has a user of this name.
    #[error("the user is in line {first} too")]
    RepeatedUser {
        /// The number of the earlier line.
        first: usize,
    },
}

const USERNAME: &str = "username";
const PASSWORD: &str = "password";
const PREVIOUS_PASSWORD: &str = "previousPassword";
const ROLE: &str = "role";
const STATUS: &str = "status";
const ADDRESSES: &str = "addresses";
const MEMBERS: [&str; 6] = [USERNAME, PASSWORD, PREVIOUS_PASSWORD, ROLE, STATUS, ADDRESSES];

/// Reads the users file. Skips a byte order mark.
///
/// # Errors
/// The first line that does not describe a user, or that repeats a name.
pub fn parse_users_file(text: &[u8]) -> Result<Vec<User>, UsersFileError> {
    let text = text.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(text);
    let mut users = Vec::new();
    let mut lines: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for (line, text) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let error = |fault| UsersFileError { line, fault };
        let text = str::from_utf8(text).map_err(|_| error(UsersFileFault::NotUtf8))?.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let user = user(text).map_err(error)?;
        if let Some(first) = lines.insert(Arc::clone(&user.name), line) {
            return Err(error(UsersFileFault::RepeatedUser { first }));
        }
        users.push(user);
    }
    Ok(users)
}

fn user(text: &str) -> Result<User, UsersFileFault> {
    let mut members = Members::read(text)?;
    let name = members.required(USERNAME)?;
    let secret = members.required(PASSWORD)?;
    let previous_secret = members.text(PREVIOUS_PASSWORD)?;
    let role = match &*members.required(ROLE)? {
        "admin" => Role::Admin,
        "broker" => Role::Broker,
        "read" => Role::Read,
        _ => return Err(UsersFileFault::UnknownRole),
    };
    let status = match members.text(STATUS)?.as_deref() {
        None | Some("enable") => Status::Enabled,
        Some("disable") => Status::Disabled,
        Some(_) => return Err(UsersFileFault::UnknownStatus),
    };
    Ok(User {
        name: name.into(),
        role,
        secret: Secret::new(&secret),
        previous_secret: previous_secret.map(|secret| Secret::new(&secret)),
        status,
        addresses: members.addresses()?,
    })
}

/// The members of one line, in the order of [`MEMBERS`].
#[derive(Default)]
struct Members([Option<Value>; MEMBERS.len()]);

impl Members {
    fn read(text: &str) -> Result<Self, UsersFileFault> {
        let Object(object) =
            serde_json::from_str(text).map_err(|error| UsersFileFault::NotAnObject { column: error.column() })?;
        let mut members = Self::default();
        for (number, (name, value)) in (1..).zip(object) {
            let index = MEMBERS.iter().position(|member| *member == name);
            let index = index.ok_or(UsersFileFault::UnknownMember { number })?;
            if members.0[index].replace(value).is_some() {
                return Err(UsersFileFault::RepeatedMember(MEMBERS[index]));
            }
        }
        Ok(members)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let index = MEMBERS.iter().position(|member| *member == name)?;
        self.0[index].take()
    }

    fn text(&mut self, name: &'static str) -> Result<Option<String>, UsersFileFault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Err(UsersFileFault::Empty(name)),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(UsersFileFault::NotText(name))
            }
        }
    }

    fn required(&mut self, name: &'static str) -> Result<String, UsersFileFault> {
        self.text(name)?.ok_or(UsersFileFault::MissingMember(name))
    }

    fn addresses(&mut self) -> Result<Option<AddressList>, UsersFileFault> {
        let Some(value) = self.take(ADDRESSES) else { return Ok(None) };
        let entries = value.as_array().filter(|entries| !entries.is_empty()).ok_or(UsersFileFault::NotAList)?;
        let entries: Option<Vec<_>> = entries.iter().map(Value::as_str).collect();
        let entries = entries.ok_or(UsersFileFault::NotAList)?;
        AddressList::of(entries).map(Some).map_err(UsersFileFault::Addresses)
    }
}

/// A JSON object with its members in their order, the repeated ones too.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    const OPS: &str = r#"{"username":"ops","password":"top-secret","role":"admin"}"#;

    fn fault(line: &str) -> String {
        parse_users_file(line.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn every_member_is_read() {
        let text = concat!(
            "\u{FEFF}# comment\r\n\r\n  \t\n",
            r#" {"username":"ops","password":"new \u00e9","previousPassword":"old","role":"admin","status":"disable","#,
            r#""addresses":["10.1.0.0/16","::1"]} "#,
            "\r\n",
            r#"{"role":"read","password":"x","username":"é","status":"enable"}"#,
        );
        let users = parse_users_file(text.as_bytes()).unwrap();
        let [ops, reader] = &users[..] else { panic!("{users:?}") };
        assert_eq!((&*ops.name, ops.role, ops.status), ("ops", Role::Admin, Status::Disabled));
        assert!(ops.secret.is("new é") && ops.previous_secret.as_ref().is_some_and(|secret| secret.is("old")));
        let addresses = ops.addresses.as_ref().unwrap();
        assert!(addresses.contains([10, 1, 9, 9].into()) && !addresses.contains([10, 2, 9, 9].into()));
        assert_eq!((&*reader.name, reader.role, reader.status), ("é", Role::Read, Status::Enabled));
        assert!(reader.previous_secret.is_none() && reader.addresses.is_none());
        assert_eq!(parse_users_file(b""), Ok(Vec::new()));
    }

    #[test]
    fn a_bad_line_is_named_with_what_is_wrong_and_no_secret() {
        let with = |more: &str| OPS.replace('}', &format!(",{more}}}"));
        for (line, reason) in [
            ("top-secret", "it is not a JSON object: see column 2"),
            (r#"["top-secret"]"#, "it is not a JSON object: see column 0"),
            (&OPS[..30], "it is not a JSON object: see column 30"),
            (&format!("{OPS} top-secret"), "it is not a JSON object: see column 59"),
            (r#"{"username":"ops","role":"admin"}"#, "password is missing"),
            (r#"{"password":"top-secret","role":"admin"}"#, "username is missing"),
            (r#"{"username":"ops","password":"top-secret"}"#, "role is missing"),
            (r#"{"username":"ops","password":"","role":"admin"}"#, "password is empty"),
            (r#"{"username":"","password":"top-secret","role":"admin"}"#, "username is empty"),
            (r#"{"username":"ops","password":12345678,"role":"admin"}"#, "password is not a text in quotation marks"),
            (&with(r#""previousPassword":"""#), "previousPassword is empty"),
            (&with(r#""previousPassword":null"#), "previousPassword is not a text in quotation marks"),
            (&with(r#""password":"top-secret""#), "password is there twice"),
            (
                &with(r#""top-secret":1"#),
                "member 4 is none of username, password, previousPassword, role, status and addresses",
            ),
            (&OPS.replace("admin", "top-secret"), "the role is none of admin, broker and read"),
            (&with(r#""status":"top-secret""#), "the status is neither enable nor disable"),
            (&with(r#""addresses":[]"#), r#"addresses is not a list like ["10.1.0.0/16"]"#),
            (&with(r#""addresses":"top-secret""#), r#"addresses is not a list like ["10.1.0.0/16"]"#),
            (&with(r#""addresses":[1]"#), r#"addresses is not a list like ["10.1.0.0/16"]"#),
            (
                &with(r#""addresses":["10.0.0.5/8"]"#),
                "addresses: `10.0.0.5/8` has bits behind its prefix: the network is 10.0.0.0/8",
            ),
        ] {
            let found = fault(&format!("\n{line}\n"));
            assert_eq!(found, format!("line 2: {reason}"), "{line}");
            assert!(!found.contains("secret"), "{found}");
        }
        assert_eq!(parse_users_file(b"\xff").unwrap_err().to_string(), "line 1: it is not UTF-8");
    }

    #[test]
    fn a_user_is_there_once() {
        assert_eq!(fault(&format!("{OPS}\n# and\n{OPS}")), "line 3: the user is in line 1 too");
    }
}
