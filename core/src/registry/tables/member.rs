//! Members: the registered brokers of a group.

use super::claims::Claims;
use super::deadline::deadline;
use super::parts::Parts;
use crate::event::BrokerIdentity;
use crate::hash::Digest;
use crate::route::{FilterServers, GroupId};
use crate::table_size as size;
use crate::time::{Instant, Now};
use crate::wire::register::DataVersion;
use alloc::string::ToString;
use alloc::sync::Arc;
use core::net::{IpAddr, SocketAddr};

/// Identifies one registration: its group, and its identifier in the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::registry) struct MemberKey {
    pub(in crate::registry) group: GroupId,
    pub(in crate::registry) id: i64,
}

/// One registered broker. Its place in the group and its liveness are one value. Java keeps them apart, as `BrokerData`
/// and `BrokerLiveInfo`, and they diverge.
#[derive(Debug)]
pub(in crate::registry) struct Member {
    pub(super) address: Arc<str>,
    pub(super) cluster: Arc<str>,
    pub(super) ha_server: Option<Arc<str>>,
    pub(super) claims: Claims,
    /// Whether the operator knows that the rules would refuse its registrations.
    pub(super) is_reported: bool,
    /// Milliseconds of silence that the broker asked for.
    pub(super) timeout: i64,
    pub(super) deadline: Instant,
    pub(super) data_version: Option<DataVersion>,
    pub(super) filter_servers: Option<FilterServers>,
    /// Whether the server may have missed changes: the counter of the data version jumped, or the broker took over its
    /// identifier with a single topic. Until its next whole table, registrations with the same version are applied in
    /// full.
    pub(super) needs_full_sync: bool,
    pub(super) last: Option<LastRegistration>,
    /// The topics of its current data version.
    pub(super) parts: Parts,
    pub(super) origin: Origin,
}

/// Where the server's knowledge of a member comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It registered.
    Registered,
    /// A snapshot: it was registered before the restart, and has not registered since.
    Snapshot,
    /// It registered with the data version that a snapshot has.
    Confirmed,
}

/// What is kept of a registration to recognise its repetition.
#[derive(Clone, Copy, Debug)]
pub(in crate::registry) struct LastRegistration {
    pub(in crate::registry) digest: Digest,
    /// Checksum of the repeated part of the body.
    pub(in crate::registry) tail_crc: u32,
    /// Length of that part in bytes.
    pub(in crate::registry) tail_bytes: u64,
    /// Whether it has a single topic. Such an update is not a full sync.
    pub(in crate::registry) is_update: bool,
    /// The group's generation after the registration was applied. In another generation, a repetition may have an
    /// effect.
    pub(super) generation: u64,
}

impl LastRegistration {
    pub(in crate::registry) const fn new(digest: Digest, tail_crc: u32, tail_bytes: u64, is_update: bool) -> Self {
        Self { digest, tail_crc, tail_bytes, is_update, generation: 0 }
    }
}

impl Member {
    pub(in crate::registry) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the IP address that the member advertises, or `None` if it advertises a host name.
    pub(in crate::registry) fn advertised_ip(&self) -> Option<IpAddr> {
        self.address.parse::<SocketAddr>().ok().map(|address| address.ip().to_canonical())
    }

    /// Returns the connections that its registrations came over.
    pub(in crate::registry) const fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(in crate::registry) fn cluster(&self) -> &str {
        &self.cluster
    }

    pub(in crate::registry) fn ha_server(&self) -> Option<&str> {
        self.ha_server.as_deref()
    }

    pub(in crate::registry) const fn data_version(&self) -> Option<DataVersion> {
        self.data_version
    }

    pub(in crate::registry) const fn needs_full_sync(&self) -> bool {
        self.needs_full_sync
    }

    /// Whether the member is known only from a snapshot.
    pub(in crate::registry) const fn is_unconfirmed(&self) -> bool {
        matches!(self.origin, Origin::Snapshot)
    }

    /// Notes that an operator decided about the member's entries. A registration with a known data version does not
    /// undo that.
    pub(super) const fn overrule(&mut self) {
        self.needs_full_sync = false;
        self.parts.overrule();
    }

    /// Returns when the member expires without another sign of life. A member known only from a snapshot does not
    /// outlive `restored_until`.
    pub(super) fn deadline_after(&self, now: Now, restored_until: Option<Instant>) -> Instant {
        let deadline = deadline(now, self.timeout);
        restored_until.filter(|_| self.is_unconfirmed()).map_or(deadline, |until| deadline.min(until))
    }

    /// Returns the member's name for events.
    pub(super) fn identity(&self, group: &str, id: i64) -> BrokerIdentity {
        BrokerIdentity {
            cluster: self.cluster.to_string(),
            name: group.to_string(),
            id,
            address: self.address.to_string(),
        }
    }

    /// Returns the estimated bytes of the member.
    pub(super) fn bytes(&self) -> usize {
        let names = self.address.len() + self.cluster.len() + self.ha_server.as_ref().map_or(0, |name| name.len());
        size::of_member(names, self.filter_servers.as_ref().map_or(0, |servers| servers.json.len()))
    }
}

/// What a member leaves behind.
#[derive(Debug)]
pub(in crate::registry) struct Departure {
    /// The member.
    pub(in crate::registry) broker: BrokerIdentity,
    /// The connections that it had registered over.
    pub(in crate::registry) claims: Claims,
    /// Whether it had the smallest identifier of a group that allows an acting master and still has members.
    pub(in crate::registry) leaves_acting_group: bool,
}
