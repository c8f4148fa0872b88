//! UNREGISTER_BROKER (Java: `RouteInfoManager.unRegisterBroker`).

use crate::Peer;
use crate::access::OwnRequest;
use crate::registry::answer::Answer;
use crate::registry::departures::{leave, withdraw};
use crate::registry::owner::{owns, refuse_stranger};
use crate::registry::state::State;
use crate::registry::tables::MemberKey;
use crate::wire::Request;

/// Removes the broker that the request names, if it is registered. Ignores the identifier in the request.
///
/// A broker that registered from several network addresses stays until the last of them is gone.
pub(super) fn unregister_broker(state: &mut State, peer: Peer, request: &Request<'_>) -> Answer {
    let Some(key) = named_broker(state, request) else { return Answer::success() };
    let is_owner = |state: &State| owns(state, peer, key);
    if let Err(answer) = refuse_stranger(state, peer, request, OwnRequest::Unregister, is_owner) {
        return answer;
    }
    if !(state.access.keeps_claims() && withdraw(state, peer, key)) {
        leave(state, key, None);
    }
    Answer::success()
}

fn named_broker(state: &State, request: &Request<'_>) -> Option<MemberKey> {
    let fields = &request.fields;
    let (name, cluster) = (fields.value("brokerName")?, fields.value("clusterName")?);
    let address = fields.value("brokerAddr")?;
    let group = state.tables.group_id(&name)?;
    let key = MemberKey { group, id: state.tables.group(group).id_at(&address)? };
    state.tables.member(key).filter(|member| *member.cluster() == *cluster).map(|_| key)
}
