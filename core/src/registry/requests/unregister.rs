//! UNREGISTER_BROKER (Java: `RouteInfoManager.unRegisterBroker`).

use crate::registry::answer::Answer;
use crate::registry::departures::leave;
use crate::registry::state::State;
use crate::registry::tables::MemberKey;
use crate::wire::Request;

/// Removes the broker that the request names, if it is registered. The identifier in the request does not matter.
pub(super) fn unregister_broker(state: &mut State, request: &Request<'_>) -> Answer {
    if let Some(key) = named_broker(state, request) {
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
