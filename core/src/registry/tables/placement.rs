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
    /// Claims of other addresses of the network stay.
    pub(in crate::registry) keeps_claims: bool,
    /// Milliseconds of silence that it asks for.
    pub(in crate::registry) timeout: i64,
    pub(in crate::registry) data_version: Option<DataVersion>,
    /// `None` leaves those that are known.
    pub(in crate::registry) filter_servers: Option<&'a [Cow<'a, str>]>,
}

impl Newcomer<'_> {
    /// Where its registrations come from, and whether this one is from one more address of the network.
    pub(super) fn claims(&self, previous: Option<&Member>) -> (Claims, bool) {
        let Some(previous) = previous else { return (Claims::new(self.peer), false) };
        let mut claims = previous.claims.clone();
        let is_second = claims.add(self.peer, self.keeps_claims);
        (claims, is_second)
    }

    /// The member that it becomes. `previous` is what it was in this cluster, some of which stays; without it, the
    /// member has this origin.
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
    /// Members that had to leave: other brokers, or the same one under another identifier.
    pub(in crate::registry) replaced: Vec<BrokerIdentity>,
    /// The broker of another address that held the identifier, and where it had registered from.
    pub(in crate::registry) taken_from: Option<(String, ClientAddress)>,
    /// Where the broker had been registered from, if this address of the network is another one.
    pub(in crate::registry) second_claim_to: Option<ClientAddress>,
    /// The cluster of the group, if the broker is new to the group and in another cluster.
    pub(in crate::registry) other_cluster: Option<String>,
    /// The broker has the smallest identifier of its group now, and had not before.
    pub(in crate::registry) has_new_min_id: bool,
    /// Answers show another zone, acting master or filter servers of the group than before.
    pub(in crate::registry) changes_group: bool,
}

/// Who held the identifier before, and what is known of the broker if it was registered in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Placement {
    /// The broker itself.
    Same(Known),
    /// No broker. This one may have held another identifier.
    Free(Option<Known>),
    /// Another broker, or the same address in another cluster. This one may have held another identifier.
    TakenOver(Option<Known>),
}

/// What is known of a broker that registers again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) struct Known {
    pub(in crate::registry) data_version: Option<DataVersion>,
    needs_full_sync: bool,
    /// Its last registration had a single topic.
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
    /// What is known of the broker.
    pub(in crate::registry) const fn known(self) -> Option<Known> {
        match self {
            Self::Same(known) => Some(known),
            Self::Free(known) | Self::TakenOver(known) => known,
        }
    }

    /// Whether a table of this version replaces entries that are there, instead of only adding those that are missing.
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

    /// Whether changes may have been missed, so that the broker's next whole table, in however many parts, has to be
    /// applied in full.
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
                // An update is no full sync, but one update more needs none that was not needed before.
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
