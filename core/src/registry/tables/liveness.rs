//! Liveness: deadlines, connections and addresses of all members, indexed so that nothing is ever scanned.

use super::claims::Claims;
use super::member::{Member, MemberKey};
use crate::hash::Secret;
use crate::time::{Duration, Instant, Now};
use crate::{ClientAddress, ConnId, Peer};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::{Equivalent, HashMap};

/// How often the registry wants to run even without a near deadline, so that it notices pauses of the process.
const TICK: Duration = Duration::from_millis(1000);
/// A tick that is later than this shows that the process was paused. All deadlines are then postponed by the pause.
const LATENESS_TOLERATED: Duration = Duration::from_millis(3000);

/// An address in a cluster, as heartbeats name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    cluster: Arc<str>,
    address: Arc<str>,
}

/// A borrowed [`Address`].
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

/// The indexes of all members.
#[derive(Debug)]
pub(super) struct Liveness {
    pub(super) deadlines: BTreeSet<(Instant, MemberKey)>,
    pub(super) connections: HashMap<ConnId, Vec<MemberKey>, Secret>,
    pub(super) addresses: HashMap<Address, Vec<MemberKey>, Secret>,
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
        for claim in member.claims.iter() {
            self.connections.entry(claim.conn).or_default().push(key);
        }
        let address = Address { cluster: Arc::clone(&member.cluster), address: Arc::clone(&member.address) };
        self.addresses.entry(address).or_default().push(key);
    }

    pub(super) fn remove(&mut self, key: MemberKey, member: &Member) {
        let had_deadline = self.deadlines.remove(&(member.deadline, key));
        debug_assert!(had_deadline, "{key:?} has no deadline");
        member.claims.iter().for_each(|claim| self.disconnect(key, claim.conn));
        let address = AddressRef { cluster: &member.cluster, address: &member.address };
        match self.addresses.get_mut(&address) {
            Some(keys) => remove_key(keys, key),
            None => debug_assert!(false, "{key:?} is not found by its address"),
        }
        if self.addresses.get(&address).is_some_and(Vec::is_empty) {
            self.addresses.remove(&address);
        }
    }

    /// Moves a deadline.
    pub(super) fn postpone(&mut self, key: MemberKey, from: Instant, to: Instant) {
        let had_deadline = self.deadlines.remove(&(from, key));
        debug_assert!(had_deadline, "{key:?} has no deadline");
        self.deadlines.insert((to, key));
    }

    /// Notes that a member registered again, perhaps over another connection. If its network address is a new one,
    /// returns where the member had been registered from.
    pub(super) fn claim(
        &mut self,
        key: MemberKey,
        claims: &mut Claims,
        peer: Peer,
        keeps_others: bool,
    ) -> Option<ClientAddress> {
        if claims.is_only(peer) {
            return None;
        }
        let before = claims.clone();
        let is_second = claims.add(peer, keeps_others);
        self.reconnect(key, &before, claims);
        before.newest().filter(|_| is_second).map(|newest| newest.address)
    }

    /// Withdraws the claim of a peer to a member. Returns one of the remaining claims, or `None` if there are none or
    /// the peer has no claim.
    pub(super) fn withdraw(&mut self, key: MemberKey, claims: &mut Claims, peer: Peer) -> Option<Peer> {
        let before = claims.clone();
        if !claims.is_of(peer) || !claims.withdraw(|claim| claim.conn == peer.conn || claim.ip() == peer.ip()) {
            return None;
        }
        self.reconnect(key, &before, claims);
        claims.newest()
    }

    /// Notes that a member is registered over other connections.
    pub(super) fn reconnect(&mut self, key: MemberKey, from: &Claims, to: &Claims) {
        let has = |claims: &Claims, peer: &Peer| claims.iter().any(|claim| claim.conn == peer.conn);
        for gone in from.iter().filter(|claim| !has(to, claim)) {
            self.disconnect(key, gone.conn);
        }
        for new in to.iter().filter(|claim| !has(from, claim)) {
            self.connections.entry(new.conn).or_default().push(key);
        }
    }

    /// Removes a member from a connection. One that was lost has no members any more
    /// ([`take_connection`](Self::take_connection)).
    fn disconnect(&mut self, key: MemberKey, conn: ConnId) {
        if let Some(keys) = self.connections.get_mut(&conn) {
            remove_key(keys, key);
            if keys.is_empty() {
                self.connections.remove(&conn);
            }
        }
    }

    pub(super) fn has_connection(&self, conn: ConnId) -> bool {
        self.connections.contains_key(&conn)
    }

    /// Removes a connection from its index, and returns all members that registered over it. Removing them one by one
    /// would cost a search among all of them for each.
    pub(super) fn take_connection(&mut self, conn: ConnId) -> Vec<MemberKey> {
        self.connections.remove(&conn).unwrap_or_default()
    }

    /// Returns all members that registered with this address in this cluster, the latest last.
    pub(super) fn at_address(&self, cluster: &str, address: &str) -> &[MemberKey] {
        self.addresses.get(&AddressRef { cluster, address }).map_or(&[], Vec::as_slice)
    }

    /// Returns the first member whose deadline has come.
    pub(super) fn expired(&self, now: Now) -> Option<MemberKey> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now.monotonic).map(|(_, key)| *key)
    }

    /// Returns when to look again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| (*deadline).min(self.next_tick))
    }

    /// Notes that the registry runs. If the process was paused, returns how late the tick is.
    pub(super) fn tick(&mut self, now: Now) -> Option<Duration> {
        let wanted = self.poll_timeout();
        if now.monotonic >= self.next_tick || wanted.is_none() {
            self.next_tick = now.monotonic + TICK;
        }
        let late = now.monotonic.since(wanted?);
        (late > LATENESS_TOLERATED).then_some(late)
    }

    /// Removes and returns all deadlines, so that they can be postponed together.
    pub(super) fn take_deadlines(&mut self) -> BTreeSet<(Instant, MemberKey)> {
        core::mem::take(&mut self.deadlines)
    }

    /// Adds a postponed deadline.
    pub(super) fn put_deadline(&mut self, deadline: Instant, key: MemberKey) {
        self.deadlines.insert((deadline, key));
    }

    /// Checks the indexes against `members`, the members of all groups.
    pub(super) fn check<'a>(&self, members: impl Iterator<Item = (MemberKey, &'a Member)>, findings: &mut Vec<String>) {
        let connections = self.connections.iter();
        let over: BTreeSet<_> = connections.flat_map(|(conn, keys)| keys.iter().map(|key| (*conn, *key))).collect();
        let (mut count, mut claims) = (0, 0);
        for (key, member) in members {
            count += 1;
            if !self.deadlines.contains(&(member.deadline, key)) {
                findings.push(format!("{} has no deadline", member.address));
            }
            claims += member.claims.iter().count();
            if !member.claims.iter().all(|claim| over.contains(&(claim.conn, key))) {
                findings.push(format!("{} is not found by its connection", member.address));
            }
            if !self.at_address(&member.cluster, &member.address).contains(&key) {
                findings.push(format!("{} is not found by its address", member.address));
            }
        }
        for (index, indexed, count) in [
            ("deadlines", self.deadlines.len(), count),
            ("connections", self.connections.values().map(Vec::len).sum(), claims),
            ("addresses", self.addresses.values().map(Vec::len).sum(), count),
        ] {
            if indexed != count {
                findings.push(format!("the index of {index} has {indexed} members instead of {count}"));
            }
        }
        let is_empty = |keys: &Vec<MemberKey>| keys.is_empty();
        if self.connections.values().any(is_empty) || self.addresses.values().any(is_empty) {
            findings.push("an index keeps a connection or an address without members".into());
        }
    }
}

fn remove_key(keys: &mut Vec<MemberKey>, key: MemberKey) {
    let before = keys.len();
    keys.retain(|other| *other != key);
    debug_assert_eq!(keys.len() + 1, before, "{key:?} was not indexed once");
}
