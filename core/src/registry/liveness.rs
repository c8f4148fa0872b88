//! Who is alive: deadlines, connections and addresses of all registrations, indexed so that nothing is ever scanned.

use super::group::{Member, MemberKey};
use crate::ConnId;
use crate::hash::Secret;
use crate::time::{Duration, Instant, Now};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::{Equivalent, HashMap};

/// How often the registry wants to run even if no deadline is near, so that it notices when it could not.
const TICK: Duration = Duration::from_millis(1000);
/// A tick that is later than this tells of a pause of the process; all deadlines are postponed by it.
const LATENESS_TOLERATED: Duration = Duration::from_millis(3000);

/// An address in a cluster: what a heartbeat names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Address {
    cluster: Arc<str>,
    address: Arc<str>,
}

/// [`Address`], borrowed.
#[derive(Hash)]
struct AddressRef<'a> {
    cluster: &'a str,
    address: &'a str,
}

impl Equivalent<Address> for AddressRef<'_> {
    fn equivalent(&self, key: &Address) -> bool {
        *self.cluster == *key.cluster && *self.address == *key.address
    }
}

/// Indexes of all registrations.
#[derive(Debug)]
pub(super) struct Liveness {
    deadlines: BTreeSet<(Instant, MemberKey)>,
    connections: HashMap<ConnId, Vec<MemberKey>, Secret>,
    addresses: HashMap<Address, Vec<MemberKey>, Secret>,
    next_tick: Instant,
}

impl Liveness {
    pub(super) fn new(secret: Secret, now: Now) -> Self {
        Self {
            deadlines: BTreeSet::new(),
            connections: HashMap::with_hasher(secret),
            addresses: HashMap::with_hasher(secret),
            next_tick: now.monotonic + TICK,
        }
    }

    pub(super) fn insert(&mut self, key: MemberKey, member: &Member, now: Now) {
        if self.deadlines.is_empty() {
            self.next_tick = now.monotonic + TICK;
        }
        self.deadlines.insert((member.deadline, key));
        self.connections.entry(member.conn).or_default().push(key);
        let address = Address { cluster: Arc::clone(&member.cluster), address: Arc::clone(&member.address) };
        self.addresses.entry(address).or_default().push(key);
    }

    pub(super) fn remove(&mut self, key: MemberKey, member: &Member) {
        self.deadlines.remove(&(member.deadline, key));
        self.disconnect(key, member.conn);
        let address = AddressRef { cluster: &member.cluster, address: &member.address };
        if let Some(keys) = self.addresses.get_mut(&address) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.addresses.remove(&address);
            }
        }
    }

    /// A sign of life.
    pub(super) fn postpone(&mut self, key: MemberKey, from: Instant, to: Instant) {
        self.deadlines.remove(&(from, key));
        self.deadlines.insert((to, key));
    }

    /// A registration came over another connection.
    pub(super) fn reconnect(&mut self, key: MemberKey, from: ConnId, to: ConnId) {
        if from != to {
            self.disconnect(key, from);
            self.connections.entry(to).or_default().push(key);
        }
    }

    fn disconnect(&mut self, key: MemberKey, conn: ConnId) {
        if let Some(keys) = self.connections.get_mut(&conn) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.connections.remove(&conn);
            }
        }
    }

    /// Everybody who registered over a connection.
    pub(super) fn of_connection(&self, conn: ConnId) -> &[MemberKey] {
        self.connections.get(&conn).map_or(&[], Vec::as_slice)
    }

    /// Everybody who registered over a connection that is gone, taken out of its index at once: one by one, each would cost
    /// a search among all of them.
    pub(super) fn take_connection(&mut self, conn: ConnId) -> Vec<MemberKey> {
        self.connections.remove(&conn).unwrap_or_default()
    }

    /// Everybody who registered with this address in this cluster, the latest last.
    pub(super) fn at_address(&self, cluster: &str, address: &str) -> &[MemberKey] {
        self.addresses.get(&AddressRef { cluster, address }).map_or(&[], Vec::as_slice)
    }

    /// The first whose deadline has come.
    pub(super) fn expired(&self, now: Now) -> Option<MemberKey> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now.monotonic).map(|(_, key)| *key)
    }

    /// When to look again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| (*deadline).min(self.next_tick))
    }

    /// Notes that the registry runs, and returns by how much it is later than it wanted to be if that is not ordinary.
    pub(super) fn tick(&mut self, now: Now) -> Option<Duration> {
        let wanted = self.next();
        if now.monotonic >= self.next_tick || wanted.is_none() {
            self.next_tick = now.monotonic + TICK;
        }
        let late = now.monotonic.since(wanted?);
        (late > LATENESS_TOLERATED).then_some(late)
    }

    /// All registrations with their deadlines, to be postponed together.
    pub(super) fn take_deadlines(&mut self) -> BTreeSet<(Instant, MemberKey)> {
        core::mem::take(&mut self.deadlines)
    }

    /// Puts a postponed deadline back.
    pub(super) fn put_deadline(&mut self, deadline: Instant, key: MemberKey) {
        self.deadlines.insert((deadline, key));
    }
}

/// When a broker that was heard from now is gone: after more than its timeout. Java compares last update + timeout < now
/// in wrapping 64-bit numbers (Java: `RouteInfoManager.scanNotActiveBroker`); timeouts that it finds expired at once are
/// expired at once here too.
pub(super) fn deadline(now: Now, timeout: i64) -> Instant {
    let wraps = i64::try_from(now.wall.as_millis()).is_ok_and(|wall| wall.checked_add(timeout).is_none());
    let silence = if wraps { 0 } else { u64::try_from(timeout).unwrap_or(0) };
    now.monotonic + Duration::from_millis(silence) + Duration::from_millis(1)
}
