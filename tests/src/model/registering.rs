//! What a registration comes to in the model.

use super::kept::Origin;
use super::presence::Leaving;
use super::tables::{Member, Tables, WRITE, identity};
use crate::registration::{Compression, Generation, Registration, Topic};
use crate::step::Queues;
use std::collections::BTreeSet;

/// The answer to a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is applied; with the master's replication address and address if it is not the master itself.
    Applied(Option<[String; 2]>),
    /// It loses against a newer state version, and is not told so.
    Lost,
    /// An error whose remark is Java's.
    Refused(&'static str),
    /// An error in words of our own.
    Malformed,
}

impl Tables {
    pub(crate) fn register(
        &mut self,
        registration: &Registration,
        damaged: bool,
        connection: usize,
        delete_unlisted: bool,
    ) -> Verdict {
        let topics = arriving_topics(registration);
        if damaged {
            return Verdict::Refused("crc32 not match");
        }
        if topics.as_ref().is_some_and(|topics| topics.len() > self.topics_max) {
            return Verdict::Malformed;
        }
        let (cluster, name) = (registration.cluster.as_deref(), registration.broker.as_deref());
        let (id, address) = (registration.id, registration.address.as_deref());
        let missing = [("brokerId", id.is_none()), ("brokerName", name.is_none()), ("clusterName", cluster.is_none())];
        let missing =
            missing.into_iter().chain([("brokerAddr", address.is_none())]).find(|(_, is_missing)| *is_missing);
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let broker = identity(&text(cluster), &text(name), id.unwrap_or_default(), &text(address));
        if let Some((field, _)) = missing {
            self.tell(format!("event: refused {broker}: {field} is missing"));
            return Verdict::Malformed;
        }
        let Some(topics) = topics else {
            self.tell(format!("event: refused {broker}: the topic table is null"));
            return Verdict::Malformed;
        };
        if self.loses_conflict(registration) {
            match self.own_id(registration) {
                Some(own) => self.leave(&text(name), own, Leaving::Evicted("conflict lost")),
                None => self.tell(format!(
                    "event: refused {broker}: another address holds its identifier with a newer state version"
                )),
            }
            return Verdict::Lost;
        }
        let is_kept = self.holder(registration).is_some_and(|holder| {
            !holder.is_heard()
                && Some(&holder.cluster) == registration.cluster.as_ref()
                && Some(&holder.address) == registration.address.as_ref()
        });
        if is_kept && topics.len() == 1 {
            self.repeat_topic(registration, &topics, &broker);
            return Verdict::Applied(self.master_of(registration));
        }
        if self.holder(registration).is_none_or(|holder| !holder.is_heard()) && topics.len() == 1 {
            self.tell(format!("event: refused {broker}: its first registration has a single topic"));
            return Verdict::Refused("register broker failed");
        }
        self.apply(registration, &topics, connection, delete_unlisted, &broker);
        Verdict::Applied(self.master_of(registration))
    }

    /// A broker that only a snapshot knows registers one topic, which says nothing about the others.
    fn repeat_topic(&mut self, registration: &Registration, topics: &[Topic], broker: &str) {
        let (name, id) = (registration.broker.clone().unwrap(), registration.id.unwrap());
        let deadline = self.deadline_of(&self.groups[&name].members[&id]);
        self.groups.get_mut(&name).unwrap().members.get_mut(&id).unwrap().deadline = deadline;
        let changes = if self.speaks(registration) { self.enter_topics(registration, topics, true) } else { 0 };
        if changes > 0 {
            self.tell(format!("event: changed {broker}, {changes} topics"));
        }
    }

    /// The identifier that the address of a broker holds in its group already.
    fn own_id(&self, registration: &Registration) -> Option<i64> {
        let members = &self.groups.get(registration.broker.as_ref()?)?.members;
        members.iter().find(|(_, member)| Some(&member.address) == registration.address.as_ref()).map(|(id, _)| *id)
    }

    /// Who holds the identifier.
    fn holder(&self, registration: &Registration) -> Option<&Member> {
        self.groups.get(registration.broker.as_ref()?)?.members.get(&registration.id?)
    }

    fn loses_conflict(&self, registration: &Registration) -> bool {
        self.holder(registration).filter(|holder| holder.is_heard()).is_some_and(|holder| {
            let is_another = Some(&holder.address) != registration.address.as_ref();
            let versions = holder.version.zip(registration.version);
            is_another
                && Some(&holder.cluster) == registration.cluster.as_ref()
                && versions.is_some_and(|(theirs, ours)| theirs.state > ours.state)
        })
    }

    fn apply(
        &mut self,
        registration: &Registration,
        topics: &[Topic],
        connection: usize,
        delete_unlisted: bool,
        broker: &str,
    ) {
        let (name, id) = (registration.broker.clone().unwrap(), registration.id.unwrap());
        let shown = |tables: &Self| {
            let group = tables.groups.get(&name)?;
            let filters = group.members.get(&id).map(|member| member.filter_servers.clone());
            let mappings = (tables.mappings.clone(), tables.kept.mappings.clone());
            Some((group.zone.clone(), group.acting, filters, mappings))
        };
        let shown_before = shown(self);
        let smallest_before =
            self.groups.get(&name).and_then(|group| group.members.keys().next().copied()).unwrap_or(0);
        let origin = self.supersede(registration);
        let is_first = self.holder(registration).is_none();
        let own = self.own_id(registration);
        let cluster = registration.cluster.as_ref();
        let previous = own.map(|own| self.groups[&name].members[&own].clone());
        let previous = previous.filter(|previous| Some(&previous.cluster) == cluster);
        let stays = own == Some(id) && previous.is_some();

        let group = self.groups.entry(name.clone()).or_default();
        group.acting = registration.generation == Generation::Five && registration.acting_master;
        group.zone.clone_from(&registration.zone);
        let mut member = self.new_member(registration, connection, previous.as_ref(), stays, is_first);
        if previous.is_none() {
            member.origin = origin;
        }
        if !stays {
            self.replace(&name, own, (!is_first).then_some(id), broker, registration);
            let group = &self.groups[&name];
            if group.members.values().any(Member::is_heard) && Some(&group.cluster) != cluster {
                let line = format!("event: conflict of clusters: {broker}, the group is in {}", group.cluster);
                self.tell(line);
            }
        }
        self.insert_member(&name, id, member);

        let version_before = previous.as_ref().map(|previous| previous.version);
        let is_new_version = version_before.flatten().is_none() || version_before != Some(registration.version);
        let needed_sync = previous.as_ref().is_some_and(|previous| previous.needs_full_sync);
        let still_needs_sync = stays && needed_sync;
        let moved = own.is_some_and(|own| own != id);
        let in_full = is_new_version || is_first || moved || needed_sync;
        let changes = self.apply_table(
            registration,
            topics,
            delete_unlisted,
            in_full,
            !stays || is_new_version,
            still_needs_sync,
        );
        self.settle_held(&name);
        if previous.is_none() {
            self.tell(format!("event: registered {broker}, {} topics", topics.len()));
        } else if version_before != Some(registration.version) || changes > 0 || moved || shown_before != shown(self) {
            self.tell(format!("event: changed {broker}, {changes} topics"));
        }
        if id < smallest_before {
            self.notify(&name, &format!("haBrokerAddr={}", registration.ha_address), false);
        }
    }

    fn new_member(
        &mut self,
        registration: &Registration,
        connection: usize,
        previous: Option<&Member>,
        stays: bool,
        is_first: bool,
    ) -> Member {
        let counters = previous.and_then(|previous| previous.version).zip(registration.version);
        let jumped = counters.is_some_and(|(before, after)| after.counter - before.counter > 1);
        let update_needs_sync =
            !stays || previous.is_some_and(|previous| previous.needs_full_sync && previous.was_update);
        let is_update = registration.topics.as_ref().is_some_and(|topics| topics.len() == 1);
        let same_connection = previous.filter(|previous| stays && previous.connection == Some(connection));
        let new = self.serial();
        Member {
            address: registration.address.clone().unwrap(),
            cluster: registration.cluster.clone().unwrap(),
            ha_server: registration.ha_address.clone(),
            connection: Some(connection),
            timeout: registration.timeout,
            deadline: self.deadline(registration.timeout),
            version: registration.version,
            filter_servers: match &registration.filter_servers {
                Some(servers) => servers.clone(),
                None => previous.map(|previous| previous.filter_servers.clone()).unwrap_or_default(),
            },
            // Only a whole table pays for what was missed before an update.
            needs_full_sync: !is_first && (jumped || (is_update && update_needs_sync)),
            was_update: is_update,
            parts: previous.filter(|_| stays).map(|previous| previous.parts.clone()).unwrap_or_default(),
            origin: match previous {
                Some(previous) if previous.version == registration.version => previous.origin,
                Some(_) | None => Origin::Heard,
            },
            placed: previous.filter(|_| stays).map_or(new, |previous| previous.placed),
            connected: same_connection.map_or(new, |previous| previous.connected),
        }
    }

    /// The broker gives up its former identifier, and the holder of its new one leaves.
    fn replace(
        &mut self,
        name: &str,
        own: Option<i64>,
        holder: Option<i64>,
        broker: &str,
        registration: &Registration,
    ) {
        for id in own.into_iter().chain(holder) {
            if let Some(member) = self.remove_member(name, id) {
                let replaced = identity(&member.cluster, name, id, &member.address);
                self.tell(format!("event: evicted {replaced}, replaced"));
                if Some(&member.address) != registration.address.as_ref() {
                    self.tell(format!("event: {broker} takes over from {}", member.address));
                }
            }
        }
    }

    /// Returns how many entries of topics are others than before.
    fn apply_table(
        &mut self,
        registration: &Registration,
        topics: &[Topic],
        delete_unlisted: bool,
        in_full: bool,
        is_new: bool,
        needed_sync: bool,
    ) -> usize {
        let (name, id) = (registration.broker.clone().unwrap(), registration.id.unwrap());
        if !self.speaks(registration) {
            return 0;
        }
        let mut changes = 0;
        let (is_further_part, is_whole) = self.take_part(&name, id, topics, is_new);
        // A part pays nothing before all others came.
        self.groups.get_mut(&name).unwrap().members.get_mut(&id).unwrap().needs_full_sync |= needed_sync && !is_whole;
        let in_full = in_full || is_further_part;
        if delete_unlisted && registration.mappings.is_empty() && is_whole {
            let listed = self.groups[&name].members[&id].parts.topics.clone();
            let kept = &self.kept;
            for (topic, queues) in self.topics.iter_mut().filter(|(topic, _)| !kept.has(&name, topic)) {
                changes += usize::from(!listed.contains(topic) && queues.remove(&name).is_some());
            }
        }
        changes += self.enter_topics(registration, topics, in_full);
        self.topics.retain(|_, queues| !queues.is_empty());
        for mapping in registration.mappings.iter().filter(|_| in_full) {
            self.kept.mappings.remove(&(name.clone(), mapping.topic.clone()));
            let shown = self.mappings.entry(mapping.topic.clone()).or_default();
            shown.insert(name.clone(), mapping.clone());
        }
        changes
    }

    /// Whether the topics of a group are as this registration says: that of a master, or of the first slave that
    /// registered, if it is of 5.x.
    fn speaks(&self, registration: &Registration) -> bool {
        let (group, id) = (&self.groups[registration.broker.as_ref().unwrap()], registration.id.unwrap());
        let is_first = group.members.range(..id).all(|(_, member)| !member.is_heard());
        id == 0 || (registration.generation == Generation::Five && is_first)
    }

    /// Enters topics for a group: all of them, or those that it has not. Returns how many entries are others than
    /// before.
    fn enter_topics(&mut self, registration: &Registration, topics: &[Topic], in_full: bool) -> usize {
        let (name, id) = (registration.broker.clone().unwrap(), registration.id.unwrap());
        let group = &self.groups[&name];
        let is_repeated = group.members[&id].origin == Origin::Repeated;
        let acts = id != 0 && registration.generation == Generation::Five && registration.acting_master;
        let awaits_master = self.awaits_master(&name);
        let mut changes = 0;
        for topic in topics.iter().filter(|topic| topic.named) {
            if is_repeated && self.kept.is_deleted(&name, &topic.name) {
                continue;
            }
            let is_as_good_as_missing = self.kept.has(&name, &topic.name);
            let perm = if acts && !awaits_master { topic.perm & !WRITE } else { topic.perm };
            let queue = Queues { perm, ..Queues::of(topic) };
            let has_entry = self.topics.get(&topic.name).is_some_and(|queues| queues.contains_key(&name));
            let is_overruled = is_repeated && self.kept.is_overruled(&name);
            if has_entry && (is_overruled || !(in_full || is_as_good_as_missing)) {
                self.kept.repeat_unchanged(&name, &topic.name);
                continue;
            }
            self.kept.repeat(&name, &topic.name);
            let queues = self.topics.entry(topic.name.clone()).or_default();
            changes += usize::from(queues.insert(name.clone(), queue) != Some(queue));
            if acts && awaits_master {
                self.kept.hold(&name, &topic.name);
            }
        }
        changes
    }

    /// Says whether a registration is a part of a table that was not there yet and counts, and whether the table is
    /// whole.
    fn take_part(&mut self, name: &str, id: i64, topics: &[Topic], is_new: bool) -> (bool, bool) {
        let entries = self.topics.iter().filter(|(_, queues)| queues.contains_key(name)).map(|(topic, _)| topic);
        let mapped = self.mappings.iter().filter(|(_, shown)| shown.contains_key(name)).map(|(topic, _)| topic);
        let entries = entries.chain(mapped).collect::<BTreeSet<_>>().len();
        let listed: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
        let parts = &mut self.groups.get_mut(name).unwrap().members.get_mut(&id).unwrap().parts;
        parts.take(&listed, entries, is_new)
    }

    fn master_of(&self, registration: &Registration) -> Option<[String; 2]> {
        let group = &self.groups[registration.broker.as_ref()?];
        let master = group.members.get(&0).filter(|_| registration.id != Some(0))?;
        let is_same = Some(&master.cluster) == registration.cluster.as_ref();
        is_same.then(|| [master.ha_server.clone(), master.address.clone()])
    }
}

/// The topics as they arrive: a compressed table has no flags, always has names, and cannot be null.
pub(crate) fn arriving_topics(registration: &Registration) -> Option<Vec<Topic>> {
    if registration.compression == Compression::None {
        return registration.topics.clone();
    }
    let plain = |topic: Topic| Topic { flags: 0, named: true, ..topic };
    Some(registration.topics.clone().unwrap_or_default().into_iter().map(plain).collect())
}
