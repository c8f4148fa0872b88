//! Ownership: a request about a broker counts only if the broker itself sent it.

use super::answer::Answer;
use super::state::State;
use super::subject::subject;
use super::tables::{Member, MemberKey};
use crate::Peer;
use crate::access::{OwnRequest, Ownership, Refusal, RefusalCause};
use crate::event::{Event, RefusedRequest};
use crate::route::GroupId;
use crate::wire::Request;
use crate::wire::code::response;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Whether the peer registered a member, over this connection or from the same network address.
pub(super) fn owns(state: &State, peer: Peer, key: MemberKey) -> bool {
    state.tables.member(key).is_some_and(|member| is_of(member, peer))
}

/// Whether the peer registered a member of a group.
pub(super) fn owns_group(state: &State, peer: Peer, group: GroupId) -> bool {
    state.tables.group(group).members().values().any(|member| is_of(member, peer))
}

/// Whether the peer is this member. For a member from a snapshot the original connection is unknown, so whoever
/// connects from the member's advertised address owns it.
fn is_of(member: &Member, peer: Peer) -> bool {
    member.claims().is_of(peer) || (member.is_unconfirmed() && member.advertised_ip() == Some(peer.ip()))
}

/// Refuses a request that only the broker itself may send, unless `is_owner` says that it is.
pub(super) fn refuse_stranger(
    state: &mut State,
    peer: Peer,
    request: &Request<'_>,
    own: OwnRequest,
    is_owner: impl FnOnce(&State) -> bool,
) -> Result<(), Answer> {
    let ownership = state.access.ownership(request.code);
    if ownership == Ownership::Ignored || is_owner(state) {
        return Ok(());
    }
    let refusal = Refusal { cause: RefusalCause::NotTheOwner(own), user: None, address: peer.ip() };
    let remark = refusal.remark();
    let refused = Box::new(RefusedRequest { code: request.code, peer, refusal, subject: subject(request) });
    match ownership {
        Ownership::Ignored | Ownership::Observed => {
            state.outbox.event(Event::RequestWouldBeRefused(refused));
            Ok(())
        }
        Ownership::Enforced => {
            state.outbox.event(Event::RequestRefused(refused));
            Err(Answer::failure(response::NO_PERMISSION, remark))
        }
    }
}

/// Returns the members for which a heartbeat of the peer counts.
pub(super) fn renewable(state: &mut State, peer: Peer, code: i32, members: &[MemberKey]) -> Vec<MemberKey> {
    let ownership = state.access.ownership(code);
    if ownership == Ownership::Ignored {
        return members.to_vec();
    }
    // For a member from a snapshot, any heartbeat counts, but only until the member must have registered.
    let may_renew = |key: &MemberKey| owns(state, peer, *key) || state.tables.has_unconfirmed(*key);
    let (own, others): (Vec<_>, Vec<_>) = members.iter().copied().partition(may_renew);
    for broker in others.iter().filter_map(|key| state.tables.group(key.group).identity(key.id)).collect::<Vec<_>>() {
        state.outbox.event(Event::RenewalIgnored { code, broker, peer });
    }
    match ownership {
        Ownership::Ignored | Ownership::Observed => members.to_vec(),
        Ownership::Enforced => own,
    }
}
