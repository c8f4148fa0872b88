//! The rules: built from the configuration and the users, and applied to each request.

#[cfg(test)]
mod tests;

use super::build::{self, AccessError};
use super::class::Class;
use super::mode::Mode;
use super::reach::Reach;
use super::registration;
use super::signed::{ACCESS_KEY, Content, Signed};
use super::user::{Role, Status, User, Users};
use super::verdict::{AllowedBy, Grant, Refusal, RefusalCause, Verdict};
use crate::address_list::AddressList;
use crate::config::{AccessSettings, Configuration, Warning};
use crate::credentials::{Credentials, Secret};
use crate::wire::Request;
use crate::wire::code::request;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hint::black_box;
use core::net::IpAddr;

/// Whether only the broker itself may say something about a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Anyone may.
    Ignored,
    /// Anyone may, but the server reports it.
    Observed,
    /// Other clients may not.
    Enforced,
}

/// The rules of access control. By default, as in Java, every client may send every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRules {
    mode: Mode,
    users: Users,
    /// Request codes that need no signature.
    whitelist: BTreeSet<i32>,
    reads_need_signature: bool,
    /// Changes are disabled.
    is_read_only: bool,
    /// Where administrators' requests and registrations may come from; `None` means everywhere.
    admin_addresses: Option<AddressList>,
    broker_addresses: Option<AddressList>,
    /// Where they need no signature; `None` means nowhere.
    unsigned_admin_addresses: Option<AddressList>,
    unsigned_broker_addresses: Option<AddressList>,
    /// The credentials with which this server signs its own requests.
    inner_client: Option<Credentials>,
}

/// A user whose signature is good.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    /// The user.
    pub user: &'a User,
    /// Which of its secrets the user signed with.
    pub allowed_by: AllowedBy,
}

impl AccessRules {
    /// Builds the rules that the configuration asks for. `users` come from the users file; the configuration adds its
    /// own.
    ///
    /// # Errors
    /// Keys that contradict each other, unreadable lists, two users with one name, and rules that leave the server
    /// without any possible administrator.
    pub fn new(configuration: &Configuration, users: Vec<User>) -> Result<(Self, Vec<Warning>), AccessError> {
        let settings = configuration.access();
        let mode = build::mode(configuration, &settings)?;
        build::check_providers(&settings)?;
        let mut users = users;
        build::add_configured_users(&settings, &mut users)?;
        let rules = Self {
            mode,
            users: Users::new(users).map_err(|name| {
                build::error(&AccessSettings::init_authentication_user, format!("the user {name} is there twice"))
            })?,
            whitelist: build::whitelist(&settings)?,
            reads_need_signature: settings.reads_need_signature,
            is_read_only: settings.read_only,
            admin_addresses: build::addresses(&AccessSettings::admin_addresses, &settings.admin_addresses)?,
            broker_addresses: build::addresses(&AccessSettings::broker_addresses, &settings.broker_addresses)?,
            unsigned_admin_addresses: build::addresses(
                &AccessSettings::unsigned_admin_addresses,
                &settings.unsigned_admin_addresses,
            )?,
            unsigned_broker_addresses: build::addresses(
                &AccessSettings::unsigned_broker_addresses,
                &settings.unsigned_broker_addresses,
            )?,
            inner_client: settings.inner_client,
        };
        rules.check_administrators()?;
        let mut warnings = rules.warnings();
        warnings.extend(build::roles_only(configuration));
        Ok((rules, warnings))
    }

    /// Returns how much access control refuses.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether anyone who reaches the server can change it.
    #[must_use]
    pub const fn lets_anybody_change(&self) -> bool {
        matches!(self.mode, Mode::Off | Mode::Observe) && self.admin_addresses.is_none() && !self.is_read_only
    }

    /// Returns all users, in the order of their names.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.iter()
    }

    /// Returns the credentials with which this server signs its own requests.
    #[must_use]
    pub const fn inner_client(&self) -> Option<&Credentials> {
        self.inner_client.as_ref()
    }

    /// Returns where the server may send requests for a broker that registered from this address.
    #[must_use]
    pub fn reach(&self, registered_from: Option<IpAddr>) -> Reach {
        Reach::new(registered_from, self.broker_addresses.clone())
    }

    /// Whether the rules may refuse reads. If so, only the registry can decide, because it knows whether the sender is
    /// a broker.
    #[must_use]
    #[inline]
    pub const fn closes_reads(&self) -> bool {
        self.reads_need_signature
    }

    /// Whether a registration keeps a claim for each address that sent it ([`Mode::Admin`] and [`Mode::Strict`]).
    #[must_use]
    pub const fn keeps_claims(&self) -> bool {
        matches!(self.mode, Mode::Admin | Mode::Strict)
    }

    /// Returns who may say something about a broker with a request of this code.
    #[must_use]
    pub fn ownership(&self, code: i32) -> Ownership {
        match self.mode {
            Mode::Off => Ownership::Ignored,
            Mode::Observe | Mode::Admin | Mode::Strict if self.whitelist.contains(&code) => Ownership::Ignored,
            Mode::Observe => Ownership::Observed,
            Mode::Admin | Mode::Strict => Ownership::Enforced,
        }
    }

    /// Decides whether to serve a request of this sender. Checks a signature only if the decision depends on it.
    ///
    /// Two questions are left to the registry, which knows the answers: whether the sender owns the broker that the
    /// request is about, and whether a broker registered over the connection of a refused read.
    #[must_use]
    pub fn judge(&self, request: &Request<'_>, sender: IpAddr) -> Verdict {
        match Class::of(request.code) {
            Class::Route | Class::Other => Verdict::Open,
            Class::Read => self.judge_read(request, sender),
            Class::Broker if request.code == request::REGISTER_BROKER => self.judge_registration(request, sender),
            Class::Broker => Verdict::Open,
            Class::Admin => self.judge_admin(request, sender),
        }
    }

    fn judge_read(&self, request: &Request<'_>, sender: IpAddr) -> Verdict {
        if !self.reads_need_signature || self.mode == Mode::Off || self.whitelist.contains(&request.code) {
            return Verdict::Open;
        }
        match self.verify(request, sender) {
            Ok(Verified { user, allowed_by: AllowedBy::PreviousSecret }) => {
                Verdict::granted(AllowedBy::PreviousSecret, Some(Arc::clone(&user.name)))
            }
            Ok(_) => Verdict::Open,
            Err(refusal) => self.refuse_unless_observed(refusal),
        }
    }

    /// `readOnly` and the address list come before everything else, even the white list: a signature is one more proof,
    /// not a replacement for them.
    fn judge_admin(&self, request: &Request<'_>, sender: IpAddr) -> Verdict {
        if self.is_read_only {
            return Verdict::Refused(Box::new(Refusal::anonymous(RefusalCause::ReadOnly, sender)));
        }
        if self.admin_addresses.as_ref().is_some_and(|list| !list.contains(sender)) {
            return Verdict::Refused(Box::new(Refusal::anonymous(RefusalCause::Address, sender)));
        }
        let is_exempt = self.unsigned_admin_addresses.as_ref().is_some_and(|list| list.contains(sender));
        self.grant(request, sender, Role::Admin, is_exempt)
    }

    fn judge_registration(&self, request: &Request<'_>, sender: IpAddr) -> Verdict {
        if let Some(list) = &self.broker_addresses
            && !(list.contains(sender) && registration::is_within(list, request))
        {
            return Verdict::Refused(Box::new(Refusal::anonymous(RefusalCause::Address, sender)));
        }
        if matches!(self.mode, Mode::Off | Mode::Admin) {
            return Verdict::Open;
        }
        let is_exempt = self.unsigned_broker_addresses.as_ref().is_some_and(|list| list.contains(sender));
        if is_exempt || self.whitelist.contains(&request.code) {
            return Verdict::Open;
        }
        match self.grant(request, sender, Role::Broker, false) {
            Verdict::Granted(grant) if grant.would_refuse.is_none() && !registration::has_form(request) => {
                let user = grant.user.as_deref().unwrap_or_default();
                self.refuse_unless_observed(Box::new(Refusal::of_user(RefusalCause::Form, user, sender)))
            }
            verdict @ (Verdict::Open | Verdict::Granted(_) | Verdict::Refused(_)) => verdict,
        }
    }

    /// Grants a request that needs this role, unless it needs a signature and has no good one.
    fn grant(&self, request: &Request<'_>, sender: IpAddr, role: Role, is_exempt: bool) -> Verdict {
        let unsigned = if self.mode == Mode::Off {
            Some(AllowedBy::Off)
        } else if self.whitelist.contains(&request.code) {
            Some(AllowedBy::Whitelist)
        } else if is_exempt {
            Some(AllowedBy::UnsignedAddress)
        } else {
            None
        };
        if unsigned.is_some() && self.users.is_empty() {
            return Verdict::granted(unsigned.unwrap_or(AllowedBy::Off), None);
        }
        match (self.verify_role(request, sender, role), unsigned) {
            (Ok(verified), unsigned) => {
                let allowed_by = unsigned.unwrap_or(verified.allowed_by);
                Verdict::granted(allowed_by, Some(Arc::clone(&verified.user.name)))
            }
            (Err(_), Some(allowed_by)) => Verdict::granted(allowed_by, None),
            (Err(refusal), None) => self.refuse_unless_observed(refusal),
        }
    }

    /// Refuses a request, or only notes why it would be refused.
    fn refuse_unless_observed(&self, refusal: Box<Refusal>) -> Verdict {
        match self.mode {
            Mode::Observe => {
                Verdict::Granted(Grant { user: None, allowed_by: AllowedBy::Observe, would_refuse: Some(refusal) })
            }
            Mode::Off | Mode::Admin | Mode::Strict => Verdict::Refused(refusal),
        }
    }

    /// Returns who signed a request of this sender, whatever the request asks for and whether or not it needs a
    /// signature.
    ///
    /// # Errors
    /// The reason why the request counts as unsigned.
    pub fn verify(&self, request: &Request<'_>, sender: IpAddr) -> Result<Verified<'_>, Box<Refusal>> {
        self.verify_role(request, sender, Role::Read)
    }

    /// Checks in Java's order: the user's name, whether the user is known and enabled, the address, the signature, and
    /// finally the role. The request of an unknown user is hashed too, so the time of the answer does not reveal
    /// whether the user exists.
    fn verify_role(&self, request: &Request<'_>, sender: IpAddr, role: Role) -> Result<Verified<'_>, Box<Refusal>> {
        let name = request.fields.value(ACCESS_KEY).filter(|name| !name.is_empty());
        let Some(name) = name else {
            return Err(Box::new(Refusal::anonymous(RefusalCause::NoUser, sender)));
        };
        let refuse = |cause| Err(Box::new(Refusal::of_user(cause, &name, sender)));
        let Some(user) = self.users.find(&name) else {
            // Without users, no signature can be good.
            let _ = black_box(signed_with(request, self.users.stand_in(), None));
            return refuse(RefusalCause::UnknownUser);
        };
        if user.status == Status::Disabled {
            return refuse(RefusalCause::Disabled);
        }
        if user.addresses.as_ref().is_some_and(|list| !list.contains(sender)) {
            return refuse(RefusalCause::Address);
        }
        let Some(allowed_by) = signed_with(request, &user.secret, user.previous_secret.as_ref()) else {
            return refuse(RefusalCause::BadSignature);
        };
        if user.role < role {
            return refuse(RefusalCause::NoRole);
        }
        Ok(Verified { user, allowed_by })
    }
}

/// Construction.
impl AccessRules {
    /// Makes sure that there is an administrator.
    fn check_administrators(&self) -> Result<(), AccessError> {
        let is_admin = |user: &User| user.role == Role::Admin && user.status == Status::Enabled;
        let is_closed = matches!(self.mode, Mode::Admin | Mode::Strict);
        if is_closed && !self.users.iter().any(is_admin) && self.unsigned_admin_addresses.is_none() {
            let reason = "there is no administrator: set initAuthenticationUser or unsignedAdminAddresses, or name an \
                          admin in the file of usersPath";
            return Err(build::error(&AccessSettings::authentication_enabled, reason.to_string()));
        }
        Ok(())
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let open: Vec<_> = self.whitelist.iter().filter(|code| Class::of(**code) == Class::Admin).collect();
        if !open.is_empty() && self.mode != Mode::Off {
            let codes: Vec<_> = open.iter().map(|code| code.to_string()).collect();
            let codes = codes.join(", ");
            warnings.push(Warning(format!(
                "authenticationWhitelist lets anybody change this server with requests of code {codes}"
            )));
        }
        for user in self.users.iter() {
            warnings.extend(build::secrets(user).find_map(|secret| build::weakness(user, secret)));
        }
        warnings
    }
}

impl Verdict {
    const fn granted(allowed_by: AllowedBy, user: Option<Arc<str>>) -> Self {
        Self::Granted(Grant { user, allowed_by, would_refuse: None })
    }
}

/// Returns which of a user's secrets a request is signed with. A registration counts as signed only if all its fields
/// are.
fn signed_with(request: &Request<'_>, secret: &Secret, previous: Option<&Secret>) -> Option<AllowedBy> {
    let signed = Signed::new(request)?;
    let is_signed_with = |secret| {
        if request.code == request::REGISTER_BROKER {
            return signed.matches(secret, Content::All);
        }
        signed.contents().any(|content| signed.matches(secret, content))
    };
    if is_signed_with(secret) {
        return Some(AllowedBy::Signature);
    }
    previous.filter(|secret| is_signed_with(secret)).map(|_| AllowedBy::PreviousSecret)
}
