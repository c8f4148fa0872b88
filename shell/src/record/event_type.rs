//! Types of events: their stable names, and what they mean.

use namesrv_core::event::Change;

/// Declares the types, one row each: the name, whether it is a warning, and its description.
macro_rules! event_types {
    ($( $variant:ident = $name:literal $level:ident $words:literal; )+) => {
        /// The type of an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum EventType {
            $( #[doc = $words] $variant, )+
        }

        impl EventType {
            /// All types.
            pub(crate) const ALL: &[Self] = &[$( Self::$variant ),+];

            /// Returns the name in JSON, in the log and in metrics.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $name, )+
                }
            }

            /// Returns a description of what happened.
            pub(crate) const fn words(self) -> &'static str {
                match self {
                    $( Self::$variant => $words, )+
                }
            }

            /// Whether an operator should look at it.
            pub(crate) const fn is_warning(self) -> bool {
                match self {
                    $( Self::$variant => matches!(stringify!($level).as_bytes(), b"warn"), )+
                }
            }
        }
    };
}

event_types! {
    ServerStarted = "server_started" info "server started";
    ServerReady = "server_ready" info "server ready";
    ServerDraining = "server_draining" info "server stops";
    ServerStopped = "server_stopped" info "server stopped";
    LimitHit = "limit_hit" warn "limit reached";
    ConnectionRefused = "connection_refused" warn "connection refused";
    Paused = "paused" warn "server did not run for a while";
    BrokerRegistered = "broker_registered" info "broker registered";
    BrokerChanged = "broker_changed" info "broker changed";
    BrokerLeft = "broker_left" warn "broker left";
    BrokerRefused = "broker_refused" warn "registration refused";
    RenewalIgnored = "renewal_ignored" warn "sign of life ignored: it is not the broker's";
    ClaimWithdrawn = "claim_withdrawn" warn "broker unregistered and stays: another address has it";
    ClustersShareName = "clusters_share_name" warn "broker name is used in two clusters";
    Takeover = "takeover" warn "broker took over the identifier of another address";
    SecondClaim = "second_claim" warn "broker registered from a second address";
    TopicRegistered = "topic_registered" info "topic registered by request";
    TopicDeleted = "topic_deleted" info "topic deleted";
    PermissionWiped = "permission_wiped" info "write permission taken";
    PermissionAdded = "permission_added" info "write permission given";
    KvPut = "kv_put" info "KV entry written";
    KvDeleted = "kv_deleted" info "KV entry deleted";
    ConfigChanged = "config_changed" info "configuration changed";
    AdminRequest = "admin_request" info "administrator's request served: it changed nothing";
    Denied = "denied" warn "request refused";
    WouldBeDenied = "would_be_denied" warn "request would be refused";
    LeftOut = "left_out" warn "more of the same was left out";
    OrderConfigMalformed = "order_config_malformed" warn "order configuration left out of routes";
    OrderConfigDoubtful = "order_config_doubtful" warn "order configuration does not fit the brokers of its topic";
    PreviousSecret = "previous_secret" warn "user signs with the previous secret";
    Reload = "reload" info "configuration reloaded";
    ReloadFailed = "reload_failed" warn "reload failed, nothing was changed";
    SaveFailed = "save_failed" warn "file could not be saved";
}

impl EventType {
    /// Returns the type of an administrator's request that made this change.
    pub(super) const fn of_change(change: &Change) -> Self {
        match change {
            Change::Nothing => Self::AdminRequest,
            Change::Kv { after: Some(_), .. } => Self::KvPut,
            Change::Kv { after: None, .. } => Self::KvDeleted,
            Change::WritePermission { writable: true, .. } => Self::PermissionAdded,
            Change::WritePermission { writable: false, .. } => Self::PermissionWiped,
            Change::TopicDeleted { .. } => Self::TopicDeleted,
            Change::Configuration { .. } => Self::ConfigChanged,
        }
    }

    /// Returns the type with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_documented() {
        let documented = include_str!("../../../docs/OPERATING.md").split_once("| type | what happened |").unwrap().1;
        for event in EventType::ALL {
            assert!(documented.contains(&format!("`{}`", event.name())), "{}", event.name());
        }
    }
}
