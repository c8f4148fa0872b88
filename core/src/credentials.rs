//! Secrets, and the users that they belong to.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use base64ct::{Base64, Encoding};
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Printed in place of a secret.
pub const MASK: &str = "***";

/// Characters of a signature: 20 bytes in Base64.
pub const SIGNATURE_CHARACTERS: usize = 28;

/// A secret that signs requests. It prints as `***`.
#[derive(Clone)]
pub struct Secret {
    text: Box<str>,
    /// The two inner states of the key, computed once: they are the same for every request.
    key: Hmac<Sha1>,
}

/// A user and its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The name of the user (`AccessKey`).
    pub name: Arc<str>,
    /// The secret that the user signs with.
    pub secret: Secret,
}

/// How the configuration of a Java broker writes credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `{"username":"…","password":"…"}`.
    User,
    /// `{"accessKey":"…","secretKey":"…"}`.
    Session,
}

/// Why a text is not credentials. The error never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The text is not a JSON object of this form.
    #[error("it is not a JSON object like {}", .0.example())]
    Malformed(Form),
    /// The name of the user is empty.
    #[error("the name of the user is empty")]
    EmptyName,
    /// The secret is empty.
    #[error("the secret is empty")]
    EmptySecret,
}

/// A signature in its text form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; SIGNATURE_CHARACTERS]);

impl Secret {
    /// The secret with this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        // HMAC takes a key of any length, so `new_from_slice` cannot fail.
        let key = Hmac::new_from_slice(text.as_bytes()).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
        Self { text: text.into(), key }
    }

    /// Returns the number of characters of the secret.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.text.chars().count()
    }

    /// Whether this is the text of the secret.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.text.as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// Signs these parts, one after the other.
    #[must_use]
    pub fn sign<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Signature {
        let mut mac = self.key.clone();
        parts.into_iter().for_each(|part| {
            #[cfg(test)]
            work::note(part.len());
            mac.update(part);
        });
        let mut text = [0; SIGNATURE_CHARACTERS];
        let encoded = Base64::encode(&mac.finalize().into_bytes(), &mut text);
        debug_assert!(encoded.is_ok_and(|text| text.len() == SIGNATURE_CHARACTERS), "Base64 of 20 bytes");
        Signature(text)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.text)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Signature {
    /// Whether this is the text of the signature, in constant time. Refuses other Base64 spellings of the same bytes.
    #[must_use]
    pub fn is(&self, text: &[u8]) -> bool {
        self.0.ct_eq(text).into()
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A signature can be replayed, so it is not printed either.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Form {
    const fn example(self) -> &'static str {
        match self {
            Self::User => r#"{"username":"...","password":"..."}"#,
            Self::Session => r#"{"accessKey":"...","secretKey":"..."}"#,
        }
    }

    /// Returns the text of the credentials of `name` without their secret.
    #[must_use]
    pub fn masked(self, name: &str) -> String {
        let (member, secret) = match self {
            Self::User => ("username", "password"),
            Self::Session => ("accessKey", "secretKey"),
        };
        let name = serde_json::to_string(name).unwrap_or_default();
        alloc::format!(r#"{{"{member}":{name},"{secret}":"{MASK}"}}"#)
    }
}

impl Credentials {
    /// Reads credentials. Ignores unknown members, as Java does.
    ///
    /// # Errors
    /// A text of another form, an empty name, or an empty secret. The error does not quote the text.
    pub fn parse(text: &str, form: Form) -> Result<Self, CredentialsError> {
        #[derive(Deserialize)]
        struct User {
            username: String,
            password: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Session {
            access_key: String,
            secret_key: String,
        }
        let read = match form {
            Form::User => serde_json::from_str(text).map(|User { username, password }| (username, password)),
            Form::Session => {
                serde_json::from_str(text).map(|Session { access_key, secret_key }| (access_key, secret_key))
            }
        };
        let (name, secret) = read.map_err(|_| CredentialsError::Malformed(form))?;
        if name.is_empty() {
            return Err(CredentialsError::EmptyName);
        }
        if secret.is_empty() {
            return Err(CredentialsError::EmptySecret);
        }
        Ok(Self { name: name.into(), secret: Secret::new(&secret) })
    }
}

/// Measures the cost of signing, for tests.
#[cfg(test)]
pub(crate) mod work {
    extern crate std;

    use std::cell::Cell;

    std::thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    /// Notes that this many more bytes are hashed.
    pub(super) fn note(bytes: usize) {
        BYTES.set(BYTES.get() + bytes);
    }

    /// Takes the number of bytes hashed by this thread.
    pub(crate) fn take_bytes() -> usize {
        BYTES.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn secrets_are_not_printed() {
        let credentials = Credentials::parse(r#"{"username":"ops","password":"top-secret"}"#, Form::User).unwrap();
        assert_eq!(format!("{credentials:?}"), r#"Credentials { name: "ops", secret: *** }"#);
        assert_eq!(format!("{:?}", credentials.secret.sign([])), MASK);
        assert_eq!(Form::User.masked("o\"ps"), r#"{"username":"o\"ps","password":"***"}"#);
        assert_eq!(Form::Session.masked("ops"), r#"{"accessKey":"ops","secretKey":"***"}"#);
    }

    #[test]
    fn credentials_have_one_of_two_forms() {
        let session = r#"{"accessKey":"a","secretKey":"s","securityToken":"t"}"#;
        let read = Credentials::parse(session, Form::Session).unwrap();
        assert_eq!((&*read.name, read.secret.is("s"), read.secret.characters()), ("a", true, 1));
        let malformed = [session, "", "a:s", r#"{"username":"a"}"#, r#"{"username":1,"password":"s"}"#, "[]", "null"];
        for text in malformed {
            assert_eq!(Credentials::parse(text, Form::User), Err(CredentialsError::Malformed(Form::User)), "{text}");
        }
        let parse = |text| Credentials::parse(text, Form::User);
        assert_eq!(parse(r#"{"username":"","password":"s"}"#), Err(CredentialsError::EmptyName));
        assert_eq!(parse(r#"{"username":"a","password":""}"#), Err(CredentialsError::EmptySecret));
        let error = parse(r#"{"username":"a","pasword":"top-secret"}"#).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("top-secret"));
    }
}
