//! Who is there in the model: signs of life, silence, and brokers that leave.

use super::tables::{Member, Tables, WRITE, identity};
use crate::step::Broker;

/// Why a broker leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    Unregisters,
    Evicted(&'static str),
}

impl Tables {
    /// A member leaves its group for good.
    pub(crate) fn leave(&mut self, name: &str, id: i64, why: Leaving) {
        let smallest = self.groups[name].members.keys().next().copied();
        let Some(member) = self.remove_member(name, id) else { return };
        let identity = identity(&member.cluster, name, id, &member.address);
        self.tell(match why {
            Leaving::Unregisters => format!("event: unregistered {identity}"),
            Leaving::Evicted(cause) => format!("event: evicted {identity}, {cause}"),
        });
        let group = self.groups.get_mut(name).unwrap();
        group.settle_cluster();
        if group.members.is_empty() {
            self.groups.remove(name);
            self.kept.forget_group(name);
            self.topics.values_mut().for_each(|queues| queues.retain(|group, _| group != name));
            self.topics.retain(|_, queues| !queues.is_empty());
            self.mappings.values_mut().for_each(|shown| shown.retain(|group, _| group != name));
            return;
        }
        let (acting, has_only_slaves) = (group.acting, group.members.keys().all(|id| *id > 0));
        if self.kept.until.is_some() {
            self.leave_kept(name, &member);
        } else if acting && has_only_slaves {
            self.queues_of(name).for_each(|queue| queue.perm &= !WRITE);
        }
        if acting && smallest == Some(id) {
            self.notify(name, &format!("offlineBrokerAddr={}", member.address), true);
        }
    }

    /// Notifies the members of a group of the smallest one now; `because` names the broker that left or joined.
    pub(crate) fn notify(&mut self, name: &str, because: &str, somebody_left: bool) {
        if !self.notifies {
            return;
        }
        let members = self.groups[name].members.clone();
        let (smallest, first) = members.first_key_value().unwrap();
        for (id, member) in &members {
            if somebody_left || members.len() == 1 || id != smallest {
                let smallest = [format!("minBrokerAddr={}", first.address), format!("minBrokerId={smallest}")];
                let mut fields = [because, &smallest[0], &smallest[1]];
                fields.sort_unstable();
                self.tell(format!("sent 905 one-way to {}: {}", member.address, fields.join(" ")));
            }
        }
    }

    pub(crate) fn unregister(&mut self, broker: &Broker) {
        let Some(group) = self.groups.get(&broker.group) else { return };
        let found = group.members.iter().find(|(_, member)| member.address == broker.address);
        if let Some((id, _)) = found.filter(|(_, member)| member.cluster == broker.cluster) {
            self.leave(&broker.group, *id, Leaving::Unregisters);
        }
    }

    /// The senders of a heartbeat: the member of that group, or else all members at that address, in order of joining.
    pub(crate) fn named(&self, broker: &Broker) -> Vec<(String, i64)> {
        let is_meant = |member: &Member| member.cluster == broker.cluster && member.address == broker.address;
        let mut found: Vec<_> = self
            .members()
            .filter(|(_, _, member)| is_meant(member))
            .map(|(name, id, member)| (member.placed, name.clone(), id))
            .collect();
        found.sort();
        if found.iter().any(|(_, name, _)| *name == broker.group) {
            found.retain(|(_, name, _)| *name == broker.group);
        }
        found.into_iter().map(|(_, name, id)| (name, id)).collect()
    }

    pub(crate) fn renew(&mut self, broker: &Broker) {
        for (name, id) in self.named(broker) {
            let deadline = self.deadline_of(&self.groups[&name].members[&id]);
            self.groups.get_mut(&name).unwrap().members.get_mut(&id).unwrap().deadline = deadline;
        }
    }

    /// All members that registered over a connection leave with it, in the order in which they came.
    pub(crate) fn disconnect(&mut self, connection: usize) {
        let over = |(_, _, member): &(&String, i64, &Member)| member.connection == Some(connection);
        let mut lost: Vec<_> =
            self.members().filter(over).map(|(name, id, member)| (member.connected, name.clone(), id)).collect();
        lost.sort();
        for (_, name, id) in lost {
            self.leave(&name, id, Leaving::Evicted("connection lost"));
        }
    }

    /// Time passes, and the server looks at deadlines whenever they are due. Returns the connections that it closes.
    pub(crate) fn advance(&mut self, millis: u64) -> Vec<usize> {
        let end = self.now + millis;
        let mut closed = Vec::new();
        let wanted = |tables: &Self| {
            let deadlines = tables.wants_to_look().into_iter().chain(tables.orders.next());
            deadlines.chain(tables.kept.until).min()
        };
        while let Some(wanted) = wanted(self).filter(|wanted| *wanted <= end) {
            self.pass(wanted.saturating_sub(self.now));
            closed.extend(self.look());
        }
        self.pass(end - self.now);
        closed
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.wall += millis;
    }

    /// When the server looks at deadlines next, if anybody is there.
    pub(crate) fn wants_to_look(&self) -> Option<u64> {
        self.members().map(|(_, _, member)| member.deadline.min(self.next_look)).min()
    }

    /// Whoever was silent for too long leaves, unless the server itself is late: then everybody is granted as much
    /// more, but no more than after a sign of life at this moment. Connections over which nobody is left are closed.
    pub(crate) fn look(&mut self) -> Vec<usize> {
        let closed = self.look_for_silence();
        self.end_kept();
        self.compare_orders();
        closed
    }

    fn look_for_silence(&mut self) -> Vec<usize> {
        let Some(wanted) = self.wants_to_look() else { return Vec::new() };
        if self.now >= self.next_look {
            self.next_look = self.now + 1000;
        }
        let late = self.now.saturating_sub(wanted);
        if late > 3000 {
            self.tell(format!("event: late by {late} ms"));
            self.kept.until = self.kept.until.map(|until| until + late);
            let members: Vec<_> = self.members().map(|(name, id, _)| (name.clone(), id)).collect();
            for (name, id) in members {
                let most = self.deadline_of(&self.groups[&name].members[&id]);
                let deadline = &mut self.groups.get_mut(&name).unwrap().members.get_mut(&id).unwrap().deadline;
                *deadline = (*deadline + late).min(most).max(*deadline);
            }
        }
        let mut closed = Vec::new();
        loop {
            let due = self.members().map(|(name, id, member)| (member.deadline, name.clone(), id, member.connection));
            let Some((_, name, id, connection)) = due.min().filter(|(deadline, ..)| *deadline <= self.now) else {
                break;
            };
            let why = if connection.is_some() { "expired" } else { "unconfirmed" };
            self.leave(&name, id, Leaving::Evicted(why));
            if self.members().all(|(_, _, member)| member.connection != connection) {
                closed.extend(connection);
            }
        }
        closed
    }
}
