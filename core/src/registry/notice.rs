//! NOTIFY_MIN_BROKER_ID_CHANGE: tells the members of a group that its smallest identifier changed (Java:
//! `RouteInfoManager.notifyMinBrokerIdChanged`).

use super::state::State;
use super::tables::Member;
use crate::access::{ACCESS_KEY, AccessRules, SIGNATURE};
use crate::route::GroupId;
use crate::wire::code::request::NOTIFY_MIN_BROKER_ID_CHANGE;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Why the smallest identifier changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum MinIdChange<'a> {
    /// The broker with this address left.
    Left(&'a str),
    /// A broker with this replication address joined.
    Joined(Option<&'a str>),
}

/// Notifies the members of a group, if notices are enabled: all of them when a broker left, or all except the broker
/// that joined. A broker that joined alone is notified too.
pub(super) fn notify_min_id_change(state: &mut State, group: GroupId, change: MinIdChange<'_>) {
    if !state.configuration.settings().notify_min_broker_id_changed {
        return;
    }
    let members = state.tables.group(group).members();
    let Some((min_id, min)) = members.first_key_value() else { return };
    let (field, includes_min) = match change {
        MinIdChange::Left(address) => (Some(("offlineBrokerAddr", address)), true),
        MinIdChange::Joined(ha_server) => (ha_server.map(|address| ("haBrokerAddr", address)), members.len() == 1),
    };
    let mut fields: Vec<(&str, Cow<'_, str>)> = field.into_iter().map(|(name, value)| (name, value.into())).collect();
    fields.push(("minBrokerAddr", min.address().into()));
    fields.push(("minBrokerId", min_id.to_string().into()));
    sign(&state.access, &mut fields);
    let receivers = members.iter().filter(|(id, _)| includes_min || *id != min_id).map(|(_, member)| member);
    let access = &state.access;
    let to = |member: &Member| access.reach(member.claims().newest().map(|peer| peer.ip()));
    let receivers = receivers.map(|member| (member.address(), to(member)));
    state.outbox.notify(receivers, NOTIFY_MIN_BROKER_ID_CHANGE, &fields);
}

/// Signs as the brokers' user, if there is one: a broker with authentication drops unsigned requests.
fn sign(access: &AccessRules, fields: &mut Vec<(&str, Cow<'_, str>)>) {
    let Some(client) = access.inner_client() else { return };
    fields.push((ACCESS_KEY, String::from(&*client.name).into()));
    let mut by_name: Vec<_> = fields.iter().collect();
    by_name.sort_unstable_by_key(|(name, _)| *name);
    let signature = client.secret.sign(by_name.into_iter().map(|(_, value)| value.as_bytes()));
    fields.push((SIGNATURE, String::from(signature.as_str()).into()));
}
