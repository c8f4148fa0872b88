//! Heartbeats: BROKER_HEARTBEAT, and QUERY_DATA_VERSION, which counts as one
//! (Java: `DefaultRequestProcessor.brokerHeartbeat`, `DefaultRequestProcessor.queryBrokerTopicConfig`).

use crate::Peer;
use crate::registry::answer::Answer;
use crate::registry::owner::renewable;
use crate::registry::state::State;
use crate::registry::tables::MemberKey;
use crate::time::Now;
use crate::wire::Request;
use crate::wire::body::decode_data_version;
use crate::wire::code::response;
use crate::wire::json;
use crate::wire::register::DataVersion;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Handles BROKER_HEARTBEAT. A heartbeat over another connection is answered as if the broker were unknown.
pub(super) fn broker_heartbeat(state: &mut State, peer: Peer, request: &Request<'_>, now: Now) -> Answer {
    match senders(state, request) {
        Ok(keys) => {
            refresh(state, peer, request, &keys, now);
            Answer::success()
        }
        Err(answer) => answer,
    }
}

/// Handles QUERY_DATA_VERSION. Every sender gets an answer, because a broker that is refused believes that nothing
/// changed.
pub(super) fn query_data_version(state: &mut State, peer: Peer, request: &Request<'_>, now: Now) -> Answer {
    let keys = match senders(state, request) {
        Ok(keys) => keys,
        Err(answer) => return answer,
    };
    let asked = match decode_data_version(request.body, now.wall) {
        Ok(version) => version,
        Err(error) => {
            return Answer::failure(response::SYSTEM_ERROR, format!("failed to decode the data version: {error}"));
        }
    };
    refresh(state, peer, request, &keys, now);
    let member = keys.last().and_then(|key| state.tables.member(*key));
    let known = member.and_then(|member| member.data_version());
    // A broker may send its table only if the answer says that it changed.
    let needs_full_sync = member.is_some_and(|member| member.needs_full_sync() || member.is_unconfirmed());
    let changed = known.is_none() || known != asked || needs_full_sync;
    let answer = Answer::success().with_field("changed", changed.to_string());
    match known {
        Some(version) => answer.with_body(write_data_version(version).into()),
        None => answer,
    }
}

/// Returns the brokers that a request names by cluster and address. If several broker groups share an address, returns
/// the one that the request names, or else all of them, the latest last.
fn senders(state: &State, request: &Request<'_>) -> Result<Vec<MemberKey>, Answer> {
    let fields = &request.fields;
    let (Some(cluster), Some(address)) = (fields.value("clusterName"), fields.value("brokerAddr")) else {
        return Err(Answer::failure(response::SYSTEM_ERROR, "clusterName or brokerAddr is missing"));
    };
    let keys = state.tables.members_at(&cluster, &address);
    let named = fields.value("brokerName").and_then(|name| state.tables.group_id(&name));
    let of_name: Vec<_> = keys.iter().filter(|key| Some(key.group) == named).copied().collect();
    Ok(if of_name.is_empty() { keys.to_vec() } else { of_name })
}

fn refresh(state: &mut State, peer: Peer, request: &Request<'_>, keys: &[MemberKey], now: Now) {
    for key in renewable(state, peer, request.code, keys) {
        state.tables.refresh(key, now);
    }
}

/// The body of QUERY_DATA_VERSION (Java: `DataVersion`).
fn write_data_version(version: DataVersion) -> Vec<u8> {
    let mut output = Vec::new();
    output.push(b'{');
    if let Some(counter) = version.counter {
        output.extend_from_slice(br#""counter":"#);
        json::integer(&mut output, counter);
        output.push(b',');
    }
    output.extend_from_slice(br#""stateVersion":"#);
    json::integer(&mut output, version.state_version);
    output.extend_from_slice(br#","timestamp":"#);
    json::integer(&mut output, version.timestamp);
    output.push(b'}');
    output
}
