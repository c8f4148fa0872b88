//! What the rules say about one request.

use super::class::Class;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::net::IpAddr;

/// The most characters of a user's name that an answer repeats: a peer chooses the name.
const NAME_CHARACTERS_MAX: usize = 256;

/// What the rules say about one request. The connection that reads the request decides it, once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Anyone may send it.
    #[default]
    Open,
    /// This sender may send it.
    Granted(Grant),
    /// The registry answers with a refusal.
    Refused(Box<Refusal>),
}

/// Why a protected request is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The user that signed it, if the signature is good.
    pub user: Option<Arc<str>>,
    /// What allowed it.
    pub allowed_by: AllowedBy,
    /// Why the rules would refuse it if they were enforced and not only observed.
    pub would_refuse: Option<Box<Refusal>>,
}

/// What allowed a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AllowedBy {
    /// Access control is off.
    #[default]
    Off,
    /// The rules are only observed.
    Observe,
    /// The code is in `authenticationWhitelist`.
    Whitelist,
    /// The sender's address needs no signature.
    UnsignedAddress,
    /// A good signature.
    Signature,
    /// A good signature with the secret that is being replaced.
    PreviousSecret,
}

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub cause: RefusalCause,
    /// The name of the user in the request, shortened if it is long. `None` if the cause has nothing to do with a user.
    pub user: Option<String>,
    /// The sender's address.
    pub address: IpAddr,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalCause {
    /// The request names no user.
    NoUser,
    /// There is no such user.
    UnknownUser,
    /// The user is disabled.
    Disabled,
    /// The signature is missing or wrong.
    BadSignature,
    /// The signature is good, but the registration has a form that an attacker could have cut from another one.
    Form,
    /// The user lacks the role.
    NoRole,
    /// Changes are disabled.
    ReadOnly,
    /// The address list lacks the sender's address, or one that the sender registers.
    Address,
    /// The request is about a broker that registered from elsewhere.
    NotTheOwner(OwnRequest),
}

/// What only the broker itself may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnRequest {
    /// Unregister.
    Unregister,
    /// Register topics.
    RegisterTopic,
}

impl Refusal {
    /// A refusal of a request that names `user`.
    pub(crate) fn of_user(cause: RefusalCause, user: &str, address: IpAddr) -> Self {
        Self { cause, user: Some(user.chars().take(NAME_CHARACTERS_MAX).collect()), address }
    }

    /// A refusal that does not depend on the user.
    pub(crate) const fn anonymous(cause: RefusalCause, address: IpAddr) -> Self {
        Self { cause, user: None, address }
    }

    /// Returns the remark of the answer: the Java broker's words where it has any.
    #[must_use]
    pub fn remark(&self) -> Cow<'static, str> {
        let user = self.user.as_deref().unwrap_or_default();
        let address = self.address;
        match self.cause {
            RefusalCause::NoUser => "username cannot be null.".into(),
            RefusalCause::UnknownUser => format!("User:{user} is not found.").into(),
            RefusalCause::Disabled => format!("User:{user} is disabled.").into(),
            RefusalCause::BadSignature | RefusalCause::Form => "check signature failed.".into(),
            RefusalCause::NoRole => {
                let what = "has no permission to access Cluster:*";
                format!("User:{user} {what} from {address}, no matched policies.").into()
            }
            RefusalCause::ReadOnly => "This server is read-only.".into(),
            RefusalCause::Address => format!("{address} may not do this here.").into(),
            RefusalCause::NotTheOwner(OwnRequest::Unregister) => "Only the broker itself may unregister.".into(),
            RefusalCause::NotTheOwner(OwnRequest::RegisterTopic) => {
                "Only the broker itself may register its topics.".into()
            }
        }
    }
}

impl RefusalCause {
    /// Returns the name of the cause in logs and counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoUser => "no-user",
            Self::UnknownUser => "unknown-user",
            Self::Disabled => "disabled",
            Self::BadSignature => "bad-signature",
            Self::Form => "form",
            Self::NoRole => "no-role",
            Self::ReadOnly => "read-only",
            Self::Address => "address",
            Self::NotTheOwner(_) => "not-the-owner",
        }
    }
}

impl AllowedBy {
    /// Returns the name of the request in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Observe => "observe",
            Self::Whitelist => "whitelist",
            Self::UnsignedAddress => "unsigned-address",
            Self::Signature => "signature",
            Self::PreviousSecret => "previous-secret",
        }
    }
}

impl fmt::Display for RefusalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for AllowedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
