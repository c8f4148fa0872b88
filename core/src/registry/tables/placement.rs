//! How a broker gets its place in its group.

use super::claims::Claims;
use super::member::{Member, MemberKey, Origin};
use super::parts::Parts;
use crate::event::BrokerIdentity;
use crate::route::FilterServers;
use crate::time::Instant;
use crate::wire::register::DataVersion;
use crate::{ClientAddress, Peer};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A broker that registers.
#[derive(Debug)]
pub(in crate::registry) struct Newcomer<'a> {
    pub(in crate::registry) name: &'a str,
    pub(in crate::registry) cluster: &'a str,
    pub(in crate::registry) address: &'a str,
    pub(in crate::registry) id: i64,
    pub(in crate::registry) zone: Option<&'a str>,
    pub(in crate::registry) enable_acting_master: bool,
    pub(in crate::registry) ha_server: Option<&'a str>,
    pub(in crate::registry) peer: Peer,
    /// Whether the claims of other network addresses stay.
    pub(in crate::registry) keeps_claims: bool,
    /// Milliseconds of silence that the broker asks for.
    pub(in crate::registry) timeout: i64,
    pub(in crate::registry) data_version: Option<DataVersion>,
    /// `None` keeps the known filter servers.
    pub(in crate::registry) filter_servers: Option<&'a [Cow<'a, str>]>,
}

impl Newcomer<'_> {
    /// Returns the connections of its registrations, and whether this one comes from a new network address.
    pub(super) fn claims(&self, previous: Option<&Member>) -> (Claims, bool) {
        let Some(previous) = previous else { return (Claims::new(self.peer), false) };
        let mut claims = previous.claims.clone();
        let is_second = claims.add(self.peer, self.keeps_claims);
        (claims, is_second)
    }

    /// Returns the member that the broker becomes. `previous` is what it was in this cluster, and some of that stays.
    /// Without `previous`, the member has `origin`.
    pub(super) fn member(
        &self,
        previous: Option<&Member>,
        origin: Origin,
        claims: Claims,
        deadline: Instant,
    ) -> Member {
        let has_same_version = |previous: &Member| previous.data_version == self.data_version;
        let address = previous.map_or_else(|| self.address.into(), |previous| Arc::clone(&previous.address));
        let filter_servers = match self.filter_servers {
            None => previous.and_then(|previous| previous.filter_servers.clone()),
            Some([]) => None,
            Some(servers) => Some(FilterServers::new(Arc::clone(&address), servers.iter().map(|server| &**server))),
        };
        Member {
            address,
            cluster: previous.map_or_else(|| self.cluster.into(), |previous| Arc::clone(&previous.cluster)),
            ha_server: self.ha_server.map(Arc::from),
            claims,
            is_reported: previous.is_some_and(|previous| previous.is_reported),
            timeout: self.timeout,
            deadline,
            data_version: self.data_version,
            filter_servers,
            needs_full_sync: false,
            last: None,
            parts: Parts::default(),
            origin: match previous {
                Some(previous) if has_same_version(previous) => previous.origin,
                Some(_) => Origin::Registered,
                None => origin,
            },
        }
    }
}

/// The place that a broker got.
#[derive(Debug)]
pub(in crate::registry) struct Placed {
    pub(in crate::registry) key: MemberKey,
    pub(in crate::registry) placement: Placement,
    /// Members that the broker replaced: other brokers, or itself under another identifier.
    pub(in crate::registry) replaced: Vec<BrokerIdentity>,
    /// The broker of another address that held the identifier, and where it had registered from.
    pub(in crate::registry) taken_from: Option<(String, ClientAddress)>,
    /// Where the broker had been registered from, if its network address is a new one.
    pub(in crate::registry) second_claim_to: Option<ClientAddress>,
    /// The cluster of the group, if the broker is new to the group and belongs to another cluster.
    pub(in crate::registry) other_cluster: Option<String>,
    /// Whether the broker newly has the smallest identifier of its group.
    pub(in crate::registry) has_new_min_id: bool,
    /// Whether answers now show a different zone, acting master or filter servers for the group.
    pub(in crate::registry) changes_group: bool,
}

/// Who held the identifier before, and what the server knows of the broker if it was registered in this cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Placement {
    /// The broker itself held it.
    Same(Known),
    /// No broker held it. This broker may have held another identifier.
    Free(Option<Known>),
    /// Another broker held it, or this address in another cluster. This broker may have held another identifier.
    TakenOver(Option<Known>),
}

/// What the server knows of a broker that registers again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) struct Known {
    pub(in crate::registry) data_version: Option<DataVersion>,
    needs_full_sync: bool,
    /// Whether its last registration had a single topic.
    was_update: bool,
}

impl Known {
    pub(super) fn of(member: &Member) -> Self {
        Self {
            data_version: member.data_version,
            needs_full_sync: member.needs_full_sync,
            was_update: member.last.is_some_and(|last| last.is_update),
        }
    }
}

impl Placement {
    /// Returns what the server knows of the broker.
    pub(in crate::registry) const fn known(self) -> Option<Known> {
        match self {
            Self::Same(known) => Some(known),
            Self::Free(known) | Self::TakenOver(known) => known,
        }
    }

    /// Whether a table of this version replaces existing entries, instead of only adding missing ones.
    pub(in crate::registry) fn applies_in_full(self, version: Option<DataVersion>) -> bool {
        let needs_full_sync = match self {
            Self::Same(known) => known.needs_full_sync,
            Self::Free(_) | Self::TakenOver(_) => false,
        };
        needs_full_sync || self.is_new(version)
    }

    /// Whether the broker, or this version of its table, is new.
    pub(in crate::registry) fn is_new(self, version: Option<DataVersion>) -> bool {
        match self {
            Self::Same(known) => known.data_version.is_none() || known.data_version != version,
            Self::Free(_) | Self::TakenOver(_) => true,
        }
    }

    /// Whether the server may have missed changes, so that the broker's next whole table must be applied in full, even
    /// if it comes in parts.
    pub(in crate::registry) fn needs_full_sync(
        self,
        version: Option<DataVersion>,
        is_update: bool,
        awaits_parts: bool,
    ) -> bool {
        match self {
            Self::Free(_) => false,
            Self::TakenOver(known) => is_update || known.is_some_and(|known| known.counter_jumps_to(version)),
            Self::Same(known) => {
                // An update is not a full sync. But one more update does not create a need that did not exist before.
                let keeps_need = awaits_parts || (known.was_update && is_update);
                known.counter_jumps_to(version) || (known.needs_full_sync && keeps_need)
            }
        }
    }
}

impl Known {
    fn counter_jumps_to(self, version: Option<DataVersion>) -> bool {
        let counter = |version: Option<DataVersion>| version.and_then(|version| version.counter);
        match (counter(self.data_version), counter(version)) {
            (Some(before), Some(after)) => after.saturating_sub(before) > 1,
            (Some(_) | None, Some(_) | None) => false,
        }
    }
}
