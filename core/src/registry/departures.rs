//! How brokers leave: by request, with their connection, or by silence (Java: `RouteInfoManager.unRegisterBroker`,
//! `RouteInfoManager.onChannelDestroy`, `RouteInfoManager.scanNotActiveBroker`). Each is decided and applied in one
//! call.

use super::notice::{MinIdChange, notify_min_id_change};
use super::state::State;
use super::tables::{Claims, MemberKey};
use crate::event::{Event, EvictionCause};
use crate::output::CloseReason;
use crate::time::Now;
use crate::{ConnId, Peer};

/// Handles the loss of a connection: all brokers that registered over it leave.
pub(super) fn lose_connection(state: &mut State, conn: ConnId) {
    for key in state.tables.lose_connection(conn) {
        leave(state, key, Some(EvictionCause::ConnectionLost));
    }
}

/// Removes all brokers whose deadline has come. Closes a connection with its last broker. Then removes the rest of a
/// snapshot, if its time is over.
pub(super) fn expire(state: &mut State, now: Now) {
    if let Some(by) = state.tables.tick(now) {
        state.outbox.event(Event::Late { by });
    }
    while let Some(key) = state.tables.expired(now) {
        let is_unconfirmed = state.tables.has_unconfirmed(key);
        let cause = if is_unconfirmed { EvictionCause::Unconfirmed } else { EvictionCause::Expired };
        let claims = leave(state, key, Some(cause));
        for claim in claims.iter().filter(|claim| !state.tables.has_connection(claim.conn)) {
            state.outbox.close(claim.conn, CloseReason::BrokerExpired);
        }
    }
    for (broker, topics_changed) in state.tables.end_restored(now) {
        state.outbox.event(Event::BrokerChanged { broker, topics_changed });
    }
}

/// Removes the claim of a peer to a broker. Returns false if there is no other claim, or none of the peer.
pub(super) fn withdraw(state: &mut State, peer: Peer, key: MemberKey) -> bool {
    let Some(left) = state.tables.withdraw(key, peer) else { return false };
    if let Some(broker) = state.tables.group(key.group).identity(key.id) {
        state.outbox.event(Event::ClaimWithdrawn { broker, peer, left: left.address });
    }
    true
}

/// Removes a broker, with all consequences. `None` as the cause means that the broker unregistered. Returns the
/// connections that it had registered over.
pub(super) fn leave(state: &mut State, key: MemberKey, cause: Option<EvictionCause>) -> Claims {
    let departure = state.tables.leave(key);
    let address = departure.leaves_acting_group.then(|| departure.broker.address.clone());
    let broker = departure.broker;
    state.outbox.event(match cause {
        None => Event::BrokerUnregistered { broker },
        Some(cause) => Event::BrokerEvicted { broker, cause },
    });
    if let Some(address) = address {
        notify_min_id_change(state, key.group, MinIdChange::Left(&address));
    }
    departure.claims
}
