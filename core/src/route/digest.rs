//! Digests of what is registered. They compare two servers without a look at every topic.

use super::RouteView;
use crate::wire::QueueValues;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::Hasher;
use siphasher::sip::SipHasher13;

/// What a cluster has, as numbers. Two servers with the same registrations, in any order, have equal numbers.
///
/// The digests protect against nothing: an attacker can make two clusters look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterDigest {
    /// Name of the cluster.
    pub cluster: String,
    /// Digest of the names, identifiers, addresses and zones of its brokers.
    pub topology: u64,
    /// Digest of its brokers' topics with their queues, permissions and flags.
    pub topics: u64,
    /// Number of brokers.
    pub brokers: usize,
    /// Number of topic entries of all its broker groups.
    pub topic_entries: usize,
}

impl ClusterDigest {
    /// Returns both digests as one number that a float holds exactly: the low 48 bits.
    #[must_use]
    pub const fn short(&self) -> u64 {
        (self.topology ^ self.topics.rotate_left(17)) & ((1 << 48) - 1)
    }
}

impl RouteView {
    /// Returns the digests of all clusters, in the order of their names. Looks at every entry of every topic.
    #[must_use]
    pub fn digests(&self) -> Vec<ClusterDigest> {
        let mut digests: BTreeMap<&str, ClusterDigest> = BTreeMap::new();
        let mut groups: BTreeMap<u32, (&str, u64)> = BTreeMap::new();
        for (id, group) in self.topology.groups_after("") {
            let data = &group.data;
            groups.insert(id.0, (&data.cluster, hash(&[data.name.as_bytes()])));
            let digest = digests.entry(&data.cluster).or_default();
            digest.brokers += data.addresses.len();
            let zone = data.zone.as_deref().unwrap_or_default().as_bytes();
            for (id, address) in &data.addresses {
                let member = hash(&[data.name.as_bytes(), &id.to_be_bytes(), address.as_bytes(), zone]);
                digest.topology = digest.topology.wrapping_add(member);
            }
        }
        for record in self.topics.records() {
            let topic = hash(&[record.name.as_bytes()]);
            for entry in record.queues() {
                let values = self.topology.queue(entry.queue).map(|fragment| fragment.values);
                let (Some((cluster, group)), Some(values)) = (groups.get(&entry.group.0), values) else { continue };
                let digest = digests.entry(cluster).or_default();
                digest.topic_entries += 1;
                digest.topics = digest.topics.wrapping_add(mix(mix(topic, *group), number(values)));
            }
        }
        let named = |(cluster, digest): (&str, ClusterDigest)| ClusterDigest { cluster: cluster.into(), ..digest };
        digests.into_iter().map(named).collect()
    }
}

/// A hash that is equal on all servers.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = SipHasher13::new();
    for part in parts {
        hasher.write_u64(part.len() as u64);
        hasher.write(part);
    }
    hasher.finish()
}

fn number(values: QueueValues) -> u64 {
    let QueueValues { read_queue_nums, write_queue_nums, perm, topic_sys_flag } = values;
    [read_queue_nums, write_queue_nums, perm, topic_sys_flag]
        .into_iter()
        .fold(0, |number, value| mix(number, u64::from(value.cast_unsigned())))
}

/// Combines two numbers so that every bit counts (the finalizer of SplitMix64).
const fn mix(one: u64, other: u64) -> u64 {
    let mut mixed = one.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ other;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
