//! What a signature covers.
//!
//! A signature covers the values of all extension fields except the signature, in the order of their names, then the
//! body. It covers neither the request code nor a time: a signed request can be sent again, and some can be sent as
//! another request.

use crate::credentials::Secret;
use crate::wire::Request;
use crate::wire::fields::BytesField;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The field that holds the name of the user.
pub const ACCESS_KEY: &str = "AccessKey";
/// The field that holds the signature.
pub const SIGNATURE: &str = "Signature";
const SECURITY_TOKEN: &str = "SecurityToken";
const ZONE_FIELDS: [&str; 2] = ["__ZONE_NAME", "__ZONE_MODE"];

/// What a sender signed. Some senders add fields to the header after they signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// All fields.
    All,
    /// All except those of the zone: Java clients in a zone.
    WithoutZone,
    /// All except the security token: Go clients that have one.
    WithoutSecurityToken,
}

/// A request with a signature, split into its parts.
#[derive(Debug)]
pub struct Signed<'a> {
    signature: Cow<'a, [u8]>,
    /// The other fields, in the order of their names.
    fields: Vec<BytesField<'a>>,
    body: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Splits a request. Returns `None` if it has no signature. Hashes nothing yet.
    #[must_use]
    pub fn new(request: &'a Request<'a>) -> Option<Self> {
        let mut fields = request.fields.by_name();
        let at = fields.iter().position(|(name, _)| **name == *SIGNATURE.as_bytes())?;
        let (_, signature) = fields.remove(at);
        Some(Self { signature, fields, body: request.body })
    }

    /// Whether the signature is that of this content with this secret.
    #[must_use]
    pub fn matches(&self, secret: &Secret, content: Content) -> bool {
        let is_signed = |name: &[u8]| match content {
            Content::All => true,
            Content::WithoutZone => !ZONE_FIELDS.iter().any(|field| field.as_bytes() == name),
            Content::WithoutSecurityToken => SECURITY_TOKEN.as_bytes() != name,
        };
        let fields = self.fields.iter().filter(|(name, _)| is_signed(name));
        let values = fields.map(|(_, value)| &**value);
        secret.sign(values.chain([self.body])).is(&self.signature)
    }

    /// Returns the contents that a sender may have signed, the most likely first. There is only one, unless the request
    /// has fields that some senders do not sign.
    pub fn contents(&self) -> impl Iterator<Item = Content> {
        let has = |field: &str| self.fields.iter().any(|(name, _)| **name == *field.as_bytes());
        let without_zone = ZONE_FIELDS.iter().any(|field| has(field)).then_some(Content::WithoutZone);
        let without_token = has(SECURITY_TOKEN).then_some(Content::WithoutSecurityToken);
        [Some(Content::All), without_zone, without_token].into_iter().flatten()
    }
}
