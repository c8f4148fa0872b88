//! How brokers leave: by request, with their connection, or by silence (Java: `RouteInfoManager.unRegisterBroker`,
//! `RouteInfoManager.onChannelDestroy`, `RouteInfoManager.scanNotActiveBroker`). Decided and applied in one call.

use super::group::{MemberKey, identity};
use super::liveness::deadline;
use super::{Answer, CloseReason, Output, Registry};
use crate::ConnId;
use crate::event::{Event, EvictionCause};
use crate::route::QueueValues;
use crate::time::{Duration, Now};
use crate::wire::Request;

impl Registry {
    /// UNREGISTER_BROKER: removes the registration that the request names, if it is there. Its identifier is not looked at.
    pub(super) fn unregister_broker(&mut self, request: &Request<'_>) -> Answer {
        let fields = &request.fields;
        let names = (fields.value("brokerName"), fields.value("clusterName"), fields.value("brokerAddr"));
        if let (Some(name), Some(cluster), Some(address)) = names
            && let Some(group) = self.tables.groups.id(&name)
            && let Some(id) = self.tables.groups.get(group).and_then(|group| group.id_at(&address))
        {
            let key = MemberKey { group, id };
            if self.tables.groups.member(key).is_some_and(|member| *member.cluster == *cluster) {
                self.leave(key, None);
            }
        }
        Answer::success()
    }

    /// Everybody who registered over a connection leaves with it.
    pub(super) fn lose_connection(&mut self, conn: ConnId) {
        for key in self.tables.liveness.take_connection(conn) {
            self.leave(key, Some(EvictionCause::ConnectionLost));
        }
    }

    /// Removes everybody whose deadline has come, unless this call itself is late: then deadlines are postponed by as much,
    /// because a server that could not listen cannot tell who was silent.
    pub(super) fn expire(&mut self, now: Now) {
        if let Some(late) = self.tables.liveness.tick(now) {
            self.postpone_deadlines(late, now);
            self.event(Event::Late { by: late });
        }
        while let Some(key) = self.tables.liveness.expired(now) {
            let conn = self.tables.groups.member(key).map(|member| member.conn);
            self.leave(key, Some(EvictionCause::Expired));
            if let Some(conn) = conn.filter(|conn| self.tables.liveness.of_connection(*conn).is_empty()) {
                self.outputs.push_back(Output::Close { conn, reason: CloseReason::BrokerExpired });
            }
        }
    }

    /// Nobody is granted more silence by it than after a sign of life at this moment: who was heard after the pause needs no
    /// postponing.
    fn postpone_deadlines(&mut self, by: Duration, now: Now) {
        for (before, key) in self.tables.liveness.take_deadlines() {
            let Some(member) = self.tables.groups.member_mut(key) else { continue };
            member.deadline = (before + by).min(deadline(now, member.timeout)).max(before);
            self.tables.liveness.put_deadline(member.deadline, key);
        }
    }

    /// Removes a registration and what follows from it; without a cause the broker asked for it.
    pub(super) fn leave(&mut self, key: MemberKey, cause: Option<EvictionCause>) {
        let min_before = self.tables.groups.get(key.group).and_then(super::group::Group::min_id);
        let Some(member) = self.tables.take_member(key) else { return };
        let Some(group) = self.tables.groups.get_mut(key.group) else { return };
        group.settle_cluster();
        let broker = identity(group, key.id, &member);
        let is_empty = group.members.is_empty();
        let acting = group.enable_acting_master;
        // Java looks for the smallest identifier: one below 0, which no broker has, is as good as a master's.
        let has_only_slaves = group.min_id().is_some_and(|id| id > 0);
        self.event(match cause {
            None => Event::BrokerUnregistered { broker },
            Some(cause) => Event::BrokerEvicted { broker, cause },
        });
        if is_empty {
            self.tables.remove_group(key.group);
            return;
        }
        if acting && has_only_slaves {
            self.tables.change_queues(key.group, QueueValues::read_only);
        }
        if acting && min_before == Some(key.id) && self.settings.notify_min_broker_id_changed {
            self.notify_min_broker_id_change(key.group, Some(&member.address), None);
        }
    }
}
