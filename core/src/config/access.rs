//! The keys of access control, those of a Java broker first. Only a reload changes them, never a request.

use crate::credentials::{Credentials, Form};
use crate::key::Kind::{Boolean, Text};
use crate::key::Origin::AuthConfig;
use crate::key::{INT, Key, Word, boolean, credentials, text, word};
use crate::keys;
use alloc::string::String;

keys! {
    /// The settings from which the rules of access control are built, apart from the users file.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AccessSettings {
        /// Whether administrators' requests need a signature; `accessControl` says what else does.
        authentication_enabled: bool = boolean("authenticationEnabled", "false").of(AuthConfig(1)).reloaded();
        /// A class of RocketMQ; the server checks its name, but does not use it.
        authentication_provider: String = text("authenticationProvider", "").of(AuthConfig(2)).reloaded();
        /// A class of RocketMQ; the server checks its name, but does not use it.
        authentication_metadata_provider: String = text("authenticationMetadataProvider", "").of(AuthConfig(3)).reloaded();
        /// Request codes that need no signature, separated by commas.
        authentication_whitelist: String = text("authenticationWhitelist", "").of(AuthConfig(5)).reloaded();
        /// An administrator, as `{"username":"...","password":"..."}`.
        init_authentication_user: Option<Credentials> =
            credentials("initAuthenticationUser", Form::User).of(AuthConfig(6)).reloaded();
        /// The credentials that brokers sign with, as `{"accessKey":"...","secretKey":"..."}`.
        inner_client: Option<Credentials> =
            credentials("innerClientAuthenticationCredentials", Form::Session).of(AuthConfig(7)).reloaded();
        /// What needs a signature: with `observe` nothing, with `admin` changes, with `strict` registrations too.
        access_control: AccessControl = word("accessControl", "admin").reloaded();
        /// Whether only known users may read anything but routes.
        reads_need_signature: bool = boolean("readsNeedSignature", "false").reloaded();
        /// Whether the server refuses all administrators' requests.
        read_only: bool = boolean("readOnly", "false").reloaded();
        /// Where administrators' requests may come from: addresses and networks, separated by commas.
        admin_addresses: String = text("adminAddresses", "").reloaded();
        /// Where registrations may come from, and which addresses brokers may advertise.
        broker_addresses: String = text("brokerAddresses", "").reloaded();
        /// Where administrators' requests need no signature.
        unsigned_admin_addresses: String = text("unsignedAdminAddresses", "").reloaded();
        /// Where registrations need no signature.
        unsigned_broker_addresses: String = text("unsignedBrokerAddresses", "").reloaded();
    }
}

/// What access control closes once it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessControl {
    /// Nothing; the server reports what it would refuse.
    Observe,
    /// Administrators' requests, and whatever others say about a broker.
    Admin,
    /// Registrations too.
    Strict,
}

impl Word for AccessControl {
    const NAMES: &'static [&'static str] = &["observe", "admin", "strict"];

    fn from_name(name: &str) -> Self {
        match name {
            "observe" => Self::Observe,
            "strict" => Self::Strict,
            _ => Self::Admin,
        }
    }
}

/// Keys of a Java broker's access control that this server accepts without using them: it has roles instead of rules,
/// and keeps nothing between two requests (Java: `AuthConfig`).
pub(super) const UNUSED: &[Key] = &[
    Key::unused("authConfigPath", Text, "", AuthConfig(0)),
    Key::unused("authenticationStrategy", Text, "", AuthConfig(4)),
    Key::unused("authorizationEnabled", Boolean, "false", AuthConfig(8)),
    Key::unused("authorizationProvider", Text, "", AuthConfig(9)),
    Key::unused("authorizationMetadataProvider", Text, "", AuthConfig(10)),
    Key::unused("authorizationStrategy", Text, "", AuthConfig(11)),
    Key::unused("authorizationWhitelist", Text, "", AuthConfig(12)),
    Key::unused("migrateAuthFromV1Enabled", Boolean, "false", AuthConfig(13)),
    Key::unused("userCacheMaxNum", INT, "1000", AuthConfig(14)),
    Key::unused("userCacheExpiredSecond", INT, "600", AuthConfig(15)),
    Key::unused("userCacheRefreshSecond", INT, "60", AuthConfig(16)),
    Key::unused("aclCacheMaxNum", INT, "1000", AuthConfig(17)),
    Key::unused("aclCacheExpiredSecond", INT, "600", AuthConfig(18)),
    Key::unused("aclCacheRefreshSecond", INT, "60", AuthConfig(19)),
    Key::unused("statefulAuthenticationCacheMaxNum", INT, "10000", AuthConfig(20)),
    Key::unused("statefulAuthenticationCacheExpiredSecond", INT, "60", AuthConfig(21)),
    Key::unused("statefulAuthorizationCacheMaxNum", INT, "10000", AuthConfig(22)),
    Key::unused("statefulAuthorizationCacheExpiredSecond", INT, "60", AuthConfig(23)),
];
