//! What the rules say about one request.

use super::class::Class;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::net::IpAddr;

/// Characters of a user's name in an answer: a peer chooses it.
const NAME_CHARACTERS_MAX: usize = 256;

/// What the rules say about one request. It is decided once, where the request is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Anybody may send it.
    #[default]
    Open,
    /// Its sender may send it.
    Granted(Grant),
    /// The registry answers it with a refusal.
    Refused(Box<Refusal>),
}

/// Why a protected request is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The user that signed it, if the signature is good.
    pub user: Option<Arc<str>>,
    /// What allowed it.
    pub allowed_by: AllowedBy,
    /// Why it would be refused if the rules were not only observed.
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
    /// The name of the user in the request; a long one is cut. `None` if the cause has nothing to do with a user.
    pub user: Option<String>,
    /// The sender's address.
    pub address: IpAddr,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalCause {
    /// It names no user.
    NoUser,
    /// There is no such user.
    UnknownUser,
    /// The user is disabled.
    Disabled,
    /// The signature is missing or wrong.
    BadSignature,
    /// The signature is good, but a registration of this form could have been cut from another one.
    Form,
    /// The user lacks the role.
    NoRole,
    /// Changes are disabled.
    ReadOnly,
    /// An address list does not have the sender's address, or one that it registers.
    Address,
    /// It is about a broker that registered from elsewhere.
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
    /// Refuses a request of `user`.
    pub(crate) fn of_user(cause: RefusalCause, user: &str, address: IpAddr) -> Self {
        Self { cause, user: Some(user.chars().take(NAME_CHARACTERS_MAX).collect()), address }
    }

    /// Refuses a request whose user does not matter.
    pub(crate) const fn anonymous(cause: RefusalCause, address: IpAddr) -> Self {
        Self { cause, user: None, address }
    }

    /// The remark of the answer, that of a Java broker where it has one.
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
    /// The name of the cause in logs and counters.
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
    /// The name in logs.
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
