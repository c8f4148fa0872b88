//! NOTIFY_MIN_BROKER_ID_CHANGE: telling the members of a group that its smallest identifier is another one (Java:
//! `RouteInfoManager.notifyMinBrokerIdChanged`).

use super::{Output, Registry};
use crate::route::GroupId;
use crate::wire::code::request::NOTIFY_MIN_BROKER_ID_CHANGE;
use crate::wire::response::{Head, write_frame};
use alloc::string::ToString;
use alloc::vec::Vec;
use bytes::Bytes;

impl Registry {
    /// `offline` left, or else somebody with this replication address joined.
    pub(super) fn notify_min_broker_id_change(
        &mut self,
        group: GroupId,
        offline: Option<&str>,
        ha_server: Option<&str>,
    ) {
        let Some(group) = self.tables.groups.get(group) else { return };
        let Some((min_id, min)) = group.members.first_key_value() else { return };
        let everybody = offline.is_some() || group.members.len() == 1;
        let receivers = group.members.iter().filter(|(id, _)| everybody || *id != min_id);
        let addresses: Vec<_> = receivers.map(|(_, member)| member.address.to_string()).collect();
        let id = min_id.to_string();
        let reason = match offline {
            Some(address) => Some(("offlineBrokerAddr", address)),
            None => ha_server.map(|address| ("haBrokerAddr", address)),
        };
        let fields: Vec<_> =
            reason.into_iter().chain([("minBrokerAddr", &*min.address), ("minBrokerId", &*id)]).collect();
        let mut frame = Vec::new();
        self.opaque = self.opaque.wrapping_add(1);
        let head = Head::oneway(NOTIFY_MIN_BROKER_ID_CHANGE, self.opaque).with_fields(&fields);
        write_frame(&mut frame, self.serialization, &head, |_| ());
        let frame = Bytes::from(frame);
        for address in addresses {
            self.outputs.push_back(Output::Notify { address, frame: frame.clone() });
        }
    }
}
