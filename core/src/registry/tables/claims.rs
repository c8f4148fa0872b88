//! Claims: the connections that the registrations of a broker came over.

use crate::Peer;
use alloc::vec::Vec;

/// The most network addresses whose claims one registration keeps. A stranger with that many addresses cannot grow it
/// further.
const CLAIMS_MAX: usize = 8;

/// The connections that a registration came over: as in Java only one, or the newest from each network address.
///
/// With several claims, a stranger who repeats a broker's registration and then closes the connection does not remove
/// the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::registry) struct Claims {
    /// `None` for a registration from a snapshot.
    newest: Option<Peer>,
    /// Claims of other network addresses; empty unless strangers repeat registrations.
    others: Vec<Peer>,
}

impl Claims {
    pub(in crate::registry) const fn new(peer: Peer) -> Self {
        Self { newest: Some(peer), others: Vec::new() }
    }

    /// The claims of a registration from a snapshot, which has no connection.
    pub(super) const fn none() -> Self {
        Self { newest: None, others: Vec::new() }
    }

    /// Returns the newest claim.
    pub(in crate::registry) const fn newest(&self) -> Option<Peer> {
        self.newest
    }

    /// Whether the peer has a claim, over its connection or from its network address.
    pub(in crate::registry) fn is_of(&self, peer: Peer) -> bool {
        self.iter().any(|claim| claim.conn == peer.conn || claim.ip() == peer.ip())
    }

    pub(in crate::registry) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.newest.iter().chain(&self.others)
    }

    /// Whether the peer has the only claim, over this connection.
    pub(super) fn is_only(&self, peer: Peer) -> bool {
        self.others.is_empty() && self.newest == Some(peer)
    }

    /// Adds the claim of a peer, and removes an older one from the same network address. Other claims stay if
    /// `keeps_others` is set; if there are too many, the new one is dropped. Returns whether the network address is a
    /// new one.
    pub(super) fn add(&mut self, peer: Peer, keeps_others: bool) -> bool {
        let is_kept = |newest: &Peer| keeps_others && !(self.others.is_empty() && newest.ip() == peer.ip());
        let Some(newest) = self.newest.filter(is_kept) else {
            *self = Self::new(peer);
            return false;
        };
        let known = self.others.len();
        self.others.retain(|claim| claim.ip() != peer.ip());
        let is_known = newest.ip() == peer.ip() || self.others.len() < known;
        if newest.ip() != peer.ip() {
            if self.others.len() + 1 == CLAIMS_MAX {
                return false;
            }
            self.others.push(newest);
        }
        self.newest = Some(peer);
        !is_known
    }

    /// Withdraws claims. If none would be left, keeps the last one and returns false.
    pub(super) fn withdraw(&mut self, is_withdrawn: impl Fn(&Peer) -> bool) -> bool {
        self.others.retain(|claim| !is_withdrawn(claim));
        if self.newest.is_some_and(|newest| !is_withdrawn(&newest)) {
            return true;
        }
        match self.others.pop() {
            Some(newest) => {
                self.newest = Some(newest);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConnId;

    fn peer(host: u8, serial: u64) -> Peer {
        Peer { conn: ConnId::new(0, serial), address: ([10, 0, 0, host], 1000 + serial as u16).into() }
    }

    #[test]
    fn strangers_do_not_push_claims_out() {
        let mut claims = Claims::new(peer(0, 0));
        assert_eq!((1..20).filter(|host| claims.add(peer(*host, (*host).into()), true)).count(), CLAIMS_MAX - 1);
        assert_eq!(claims.iter().count(), CLAIMS_MAX);
        assert!(claims.is_of(peer(0, 99)) && claims.is_of(peer(99, 7)) && !claims.is_of(peer(8, 99)));
    }
}
