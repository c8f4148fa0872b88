//! Verbs about where registrations came from.

use super::{MemberKey, Tables};
use crate::event::BrokerIdentity;
use crate::{ClientAddress, ConnId, Peer};
use alloc::vec::Vec;

impl Tables {
    /// How events name a member.
    pub(in crate::registry) fn identity(&self, key: MemberKey) -> Option<BrokerIdentity> {
        Some(self.member(key)?.identity(&self.groups.group(key.group).name, key.id))
    }

    /// A member registers again, perhaps over another connection. Returns where it had been registered from if this
    /// address of the network is one more.
    pub(in crate::registry) fn claim(
        &mut self,
        key: MemberKey,
        peer: Peer,
        keeps_claims: bool,
    ) -> Option<ClientAddress> {
        let member = self.groups.member_mut(key);
        if member.claims.is_only(peer) {
            return None;
        }
        let mut claims = member.claims.clone();
        let is_second = claims.add(peer, keeps_claims);
        self.liveness.reconnect(key, &member.claims, &claims);
        let holder = core::mem::replace(&mut member.claims, claims).newest().address;
        is_second.then_some(holder)
    }

    /// A peer withdraws its claim to a member. Returns the member and a claim that is left, or `None` if there is no
    /// other one, or none of the peer.
    pub(in crate::registry) fn withdraw(&mut self, key: MemberKey, peer: Peer) -> Option<(BrokerIdentity, Peer)> {
        let member = self.groups.member_mut(key);
        let mut claims = member.claims.clone();
        if !claims.is_of(peer) || !claims.withdraw(|claim| claim.conn == peer.conn || claim.ip() == peer.ip()) {
            return None;
        }
        self.liveness.reconnect(key, &member.claims, &claims);
        let left = claims.newest();
        member.claims = claims;
        Some((self.identity(key)?, left))
    }

    /// Notes that the operator was told of a member's registrations. Returns whether that is new.
    pub(in crate::registry) fn report(&mut self, key: MemberKey) -> bool {
        !core::mem::replace(&mut self.groups.member_mut(key).is_reported, true)
    }

    /// A connection is lost. Returns the members that registered over it and have no other claim: all of them have to
    /// [`leave`](Self::leave).
    pub(in crate::registry) fn lose_connection(&mut self, conn: ConnId) -> Vec<MemberKey> {
        let mut keys = self.liveness.take_connection(conn);
        keys.retain(|key| !self.groups.member_mut(*key).claims.withdraw(|claim| claim.conn == conn));
        keys
    }
}
