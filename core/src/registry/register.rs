//! REGISTER_BROKER (Java: `DefaultRequestProcessor.registerBroker`, `RouteInfoManager.registerBroker`): first decide, then
//! apply, so that a refused registration leaves nothing behind.

use super::group::{LastRegistration, Member, MemberKey, identity, write_filter_servers};
use super::liveness::deadline;
use super::room::NO_ROOM;
use super::{Answer, Registry};
use crate::Peer;
use crate::event::{BrokerIdentity, Event, EvictionCause};
use crate::hash::{Digest, feed};
use crate::route::{GroupId, Mapping, QueueValues};
use crate::time::Now;
use crate::wire::BodyError;
use crate::wire::Request;
use crate::wire::code::response;
use crate::wire::json::{self, Dialect};
use crate::wire::register::{
    DataVersion, PlainBody, RegisterBody, RegisterHeader, TopicConfig, TopicQueueMapping, unstable_range,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashSet;

/// Silence that a broker is granted when it does not ask for less or more, in milliseconds.
const DEFAULT_TIMEOUT_MILLIS: i64 = 120_000;
/// The checksum that brokers send has no sign bit.
const CRC_MASK: u32 = 0x7FFF_FFFF;

/// A registration whose header says everything that it has to.
struct Registration<'a> {
    name: &'a str,
    cluster: &'a str,
    address: &'a str,
    id: i64,
    header: &'a RegisterHeader<'a>,
    timeout: i64,
}

impl Registration<'_> {
    /// A broker before 5.0 does not say whether it allows an acting master.
    const fn is_old_version(&self) -> bool {
        self.header.enable_acting_master.is_none()
    }

    fn identity(&self) -> BrokerIdentity {
        BrokerIdentity {
            cluster: self.cluster.to_string(),
            name: self.name.to_string(),
            id: self.id,
            address: self.address.to_string(),
        }
    }
}

/// What a repeated registration is recognised by, computed before its body is parsed.
struct Fingerprint {
    digest: Digest,
    /// Where the part of the body begins that repeats.
    tail_from: usize,
}

/// What became of a broker's seat in its group.
struct Seat {
    key: MemberKey,
    /// The data version of the table that was applied before; absent when the broker was not registered.
    version_before: Option<Option<DataVersion>>,
    table_owed: bool,
    /// Only updates came since it is owed, or since the broker has this identifier: another one does not pay it.
    owed_to_update: bool,
    /// Nobody held the identifier.
    is_first: bool,
    /// The broker held another identifier before.
    moved: bool,
    /// The smallest identifier of the group is another one now.
    min_changed: bool,
    /// The zone, the acting master or the filter servers that answers show are others now.
    shown_otherwise: bool,
}

impl Registry {
    pub(super) fn register_broker(&mut self, peer: Peer, request: &Request<'_>, now: Now) -> Answer {
        let header = RegisterHeader::read(&request.fields);
        let fingerprint = self.fingerprint(&header, request);
        if let Some(key) = self.repeated(&header, request.body, &fingerprint) {
            return self.register_again(key, peer, now);
        }
        if header.body_crc32 != 0 && crc32(request.body) & CRC_MASK != header.body_crc32 as u32 {
            return Answer::failure(response::SYSTEM_ERROR, "crc32 not match").with_no_fields();
        }
        if request.version < 0 {
            return Answer::failure(response::SYSTEM_ERROR, "the version of the sender is negative");
        }
        match self.decode_and_register(&header, peer, request, &fingerprint, now) {
            Ok(answer) => answer,
            Err(error) => {
                Answer::failure(response::SYSTEM_ERROR, format!("failed to decode the register body: {error}"))
            }
        }
    }

    fn decode_and_register(
        &mut self,
        header: &RegisterHeader<'_>,
        peer: Peer,
        request: &Request<'_>,
        fingerprint: &Fingerprint,
        now: Now,
    ) -> Result<Answer, BodyError> {
        let plain = PlainBody::new(request.body, header.compressed, &self.limits)?;
        let body = RegisterBody::decode(&plain, request.version, now.wall, &self.limits)?;
        let registration = match complete(header) {
            Ok(registration) => registration,
            Err(missing) => return Ok(self.refuse(header, peer, format!("{missing} is missing"))),
        };
        let Some(topics) = &body.topics else {
            return Ok(self.refuse(header, peer, "the topic table is null".to_string()));
        };
        if self.loses_conflict(&registration, body.data_version) {
            return Ok(self.lose_conflict(&registration, peer));
        }
        let group = self.tables.groups.named(registration.name);
        let id_is_known = group.is_some_and(|group| group.members.contains_key(&registration.id));
        // The first registration of a broker is its whole table; a single topic is an update that came too early.
        if !id_is_known && topics.len() == 1 {
            self.event(Event::RegistrationRefused {
                broker: registration.identity(),
                reason: "its first registration has a single topic".to_string(),
                peer: peer.address,
            });
            return Ok(Answer::failure(response::SYSTEM_ERROR, "register broker failed").with_no_fields());
        }
        if !self.has_room(registration.name, header, &body) {
            return Ok(self.refuse_for_room(&registration, peer, now));
        }
        let last = LastRegistration {
            digest: fingerprint.digest,
            tail_crc: crc32(&request.body[fingerprint.tail_from..]),
            tail_bytes: (request.body.len() - fingerprint.tail_from) as u64,
            is_update: topics.len() == 1,
            stamp: 0,
        };
        Ok(self.apply(&registration, &body, topics, last, peer, now))
    }

    fn refuse(&mut self, header: &RegisterHeader<'_>, peer: Peer, reason: String) -> Answer {
        let text = |field: &Option<alloc::borrow::Cow<'_, str>>| field.as_deref().unwrap_or_default().to_string();
        let broker = BrokerIdentity {
            cluster: text(&header.cluster_name),
            name: text(&header.broker_name),
            id: header.broker_id.unwrap_or_default(),
            address: text(&header.broker_addr),
        };
        let answer = Answer::failure(response::SYSTEM_ERROR, format!("register broker failed: {reason}"));
        self.event(Event::RegistrationRefused { broker, reason, peer: peer.address });
        answer
    }

    /// A broker that is there stays, with the topics that it had.
    fn refuse_for_room(&mut self, registration: &Registration<'_>, peer: Peer, now: Now) -> Answer {
        let group = self.tables.groups.id(registration.name);
        let key = group.map(|group| MemberKey { group, id: registration.id });
        let is_there = |key: &MemberKey| {
            let member = self.tables.groups.member(*key);
            member.is_some_and(|member| {
                *member.address == *registration.address && *member.cluster == *registration.cluster
            })
        };
        if let Some(key) = key.filter(is_there) {
            self.tables.refresh(key, Some(peer.conn), now);
        }
        self.refuse(registration.header, peer, NO_ROOM.to_string())
    }

    /// Digests everything that a registration says, but for what differs in every one without meaning anything.
    fn fingerprint(&self, header: &RegisterHeader<'_>, request: &Request<'_>) -> Fingerprint {
        let body = request.body;
        let unstable = unstable_range(body).unwrap_or(0..0);
        let switches = self.settings.delete_topic_with_broker_registration;
        let digest = self.tables.secret.digest(|hasher| {
            feed(hasher, (&header.broker_name, &header.broker_addr, &header.cluster_name, &header.ha_server_addr));
            feed(hasher, (header.broker_id, header.heartbeat_timeout_millis, header.enable_acting_master));
            feed(hasher, (header.compressed, &header.zone_name, request.version, switches));
            feed(hasher, &body[..unstable.start]);
            core::hash::Hasher::write(hasher, &body[unstable.end..]);
        });
        Fingerprint { digest, tail_from: unstable.end }
    }

    /// The registration that this one repeats, if it does and its checksum is right.
    fn repeated(&self, header: &RegisterHeader<'_>, body: &[u8], fingerprint: &Fingerprint) -> Option<MemberKey> {
        let key = MemberKey { group: self.tables.groups.id(header.broker_name.as_deref()?)?, id: header.broker_id? };
        let group = self.tables.groups.get(key.group)?;
        let last = group.members.get(&key.id)?.last?;
        if last.digest != fingerprint.digest || last.stamp != group.stamp {
            return None;
        }
        let tail = crc32fast::Hasher::new_with_initial_len(last.tail_crc, last.tail_bytes);
        let mut whole = crc32fast::Hasher::new();
        whole.update(&body[..fingerprint.tail_from]);
        whole.combine(&tail);
        let is_right = header.body_crc32 == 0 || whole.finalize() & CRC_MASK == header.body_crc32 as u32;
        is_right.then_some(key)
    }

    fn register_again(&mut self, key: MemberKey, peer: Peer, now: Now) -> Answer {
        self.tables.refresh(key, Some(peer.conn), now);
        if let Some(member) = self.tables.groups.member_mut(key) {
            member.table_owed &= member.last.is_some_and(|last| last.is_update);
        }
        self.registered(key)
    }

    /// Whether somebody else holds the identifier with a newer state version.
    fn loses_conflict(&self, registration: &Registration<'_>, version: Option<DataVersion>) -> bool {
        let group = self.tables.groups.named(registration.name);
        let Some(holder) = group.and_then(|group| group.members.get(&registration.id)) else { return false };
        if *holder.address == *registration.address || *holder.cluster != *registration.cluster {
            return false;
        }
        match (holder.data_version, version) {
            (Some(theirs), Some(ours)) => theirs.state_version > ours.state_version,
            (Some(_) | None, Some(_) | None) => false,
        }
    }

    /// The loser is told success, as in Java, and whatever it had registered before is gone.
    fn lose_conflict(&mut self, registration: &Registration<'_>, peer: Peer) -> Answer {
        let id = self.tables.groups.id(registration.name);
        let previous = id.and_then(|group| {
            let id = self.tables.groups.get(group)?.id_at(registration.address)?;
            Some(MemberKey { group, id })
        });
        match previous {
            Some(key) => self.leave(key, Some(EvictionCause::ConflictLost)),
            None => self.event(Event::RegistrationRefused {
                broker: registration.identity(),
                reason: "another address holds its identifier with a newer state version".to_string(),
                peer: peer.address,
            }),
        }
        self.with_order_configuration(Answer::success().with_no_fields())
    }

    fn apply(
        &mut self,
        registration: &Registration<'_>,
        body: &RegisterBody<'_>,
        topics: &[TopicConfig<'_>],
        last: LastRegistration,
        peer: Peer,
        now: Now,
    ) -> Answer {
        let seat = self.take_seat(registration, body, peer, now);
        let group = seat.key.group;
        let version_changed = seat.version_before.flatten().is_none_or(|before| Some(before) != body.data_version);
        let in_full = version_changed || seat.is_first || seat.moved || seat.table_owed;
        let mut topics_changed = 0;
        let mut shown_otherwise = seat.shown_otherwise;
        if self.contributes(registration, group) {
            if self.settings.delete_topic_with_broker_registration && body.mappings.is_empty() {
                topics_changed += self.remove_unlisted(group, topics);
            }
            topics_changed += self.apply_topics(registration, group, topics, in_full);
            shown_otherwise |= in_full && self.apply_mappings(group, &body.mappings);
        }
        if topics_changed > 0
            && let Some(group) = self.tables.groups.get_mut(group)
        {
            group.touch();
        }
        let stamp = self.tables.groups.get(group).map_or(0, |group| group.stamp);
        if let Some(member) = self.tables.groups.member_mut(seat.key) {
            member.last = Some(LastRegistration { stamp, ..last });
            let is_still_owed = seat.owed_to_update && last.is_update;
            let jumped = counter_jumped(seat.version_before.flatten(), body.data_version);
            member.table_owed = !seat.is_first && (jumped || is_still_owed);
        }
        if seat.version_before.is_none() {
            let broker = registration.identity();
            self.event(Event::BrokerRegistered { broker, topics: topics.len(), peer: peer.address });
        } else if seat.version_before != Some(body.data_version) || topics_changed > 0 || seat.moved || shown_otherwise
        {
            self.event(Event::BrokerChanged { broker: registration.identity(), topics_changed });
        }
        if seat.min_changed && self.settings.notify_min_broker_id_changed {
            let ha_server = registration.header.ha_server_addr.as_deref();
            self.notify_min_broker_id_change(group, None, ha_server);
        }
        self.registered(seat.key)
    }

    /// Gives the broker its seat in its group, which is created if need be.
    fn take_seat(&mut self, registration: &Registration<'_>, body: &RegisterBody<'_>, peer: Peer, now: Now) -> Seat {
        let group = match self.tables.groups.id(registration.name) {
            Some(group) => group,
            None => self.tables.groups.insert(registration.name, registration.cluster),
        };
        let key = MemberKey { group, id: registration.id };
        let mut shown_otherwise = self.set_group_properties(registration, group);
        let known = self.tables.groups.get(group);
        let min_changed = registration.id < known.and_then(super::group::Group::min_id).unwrap_or(0);
        let is_first = known.is_none_or(|group| !group.members.contains_key(&registration.id));
        let own_seat = known.and_then(|group| group.id_at(registration.address)).map(|id| MemberKey { group, id });
        let previous = own_seat.and_then(|own| self.tables.groups.member(own));
        let previous = previous.filter(|previous| *previous.cluster == *registration.cluster);
        let version_before = previous.map(|previous| previous.data_version);
        let table_owed = previous.is_some_and(|previous| previous.table_owed);
        let stays = own_seat == Some(key) && version_before.is_some();
        let was_update = previous.and_then(|previous| previous.last).is_some_and(|last| last.is_update);
        let owed_to_update = !stays || (table_owed && was_update);
        let address = previous.map_or_else(|| registration.address.into(), |previous| Arc::clone(&previous.address));
        let filter_servers = match &body.filter_servers {
            None => previous.and_then(|previous| previous.filter_servers.clone()),
            Some(servers) if servers.is_empty() => None,
            Some(servers) => Some(write_filter_servers(&address, servers.iter().map(|server| &**server))),
        };
        let cluster = previous.map_or_else(|| registration.cluster.into(), |previous| Arc::clone(&previous.cluster));
        let member = Member {
            address,
            cluster,
            ha_server: registration.header.ha_server_addr.as_deref().map(Arc::from),
            conn: peer.conn,
            timeout: registration.timeout,
            deadline: deadline(now, registration.timeout),
            data_version: body.data_version,
            filter_servers,
            table_owed: false,
            last: None,
        };
        if stays {
            shown_otherwise |= self.tables.update_member(key, member);
        } else {
            for replaced in [own_seat, (!is_first).then_some(key)].into_iter().flatten() {
                self.replace(replaced);
            }
            self.report_second_cluster(registration, group);
            self.tables.insert_member(key, member, now);
        }
        let moved = own_seat.is_some_and(|own| own != key);
        Seat { key, version_before, table_owed, owed_to_update, is_first, moved, min_changed, shown_otherwise }
    }

    /// Zone and acting master are the group's, and the last registration wins. Returns whether they changed.
    fn set_group_properties(&mut self, registration: &Registration<'_>, group: GroupId) -> bool {
        let acting = registration.header.enable_acting_master == Some(true);
        let zone = registration.header.zone_name.as_deref();
        let Some(group) = self.tables.groups.get_mut(group) else { return false };
        let changed = group.enable_acting_master != acting || group.zone.as_deref() != zone;
        if changed {
            group.enable_acting_master = acting;
            group.zone = zone.map(Arc::from);
            group.change();
            self.tables.changed = true;
        }
        changed
    }

    /// Somebody else sits there now, or the same broker sits elsewhere.
    fn replace(&mut self, key: MemberKey) {
        let Some(member) = self.tables.take_member(key) else { return };
        if let Some(group) = self.tables.groups.get(key.group) {
            let broker = identity(group, key.id, &member);
            self.event(Event::BrokerEvicted { broker, cause: EvictionCause::Replaced });
        }
    }

    fn report_second_cluster(&mut self, registration: &Registration<'_>, group: GroupId) {
        let Some(group) = self.tables.groups.get(group) else { return };
        if !group.members.is_empty() && *group.cluster != *registration.cluster {
            let group_cluster = group.cluster.to_string();
            self.event(Event::ClusterConflict { broker: registration.identity(), group_cluster });
        }
    }

    /// Topics come from the master, and from the smallest slave of a broker since 5.0.
    fn contributes(&self, registration: &Registration<'_>, group: GroupId) -> bool {
        registration.id == 0 || self.is_prime_slave(registration, group)
    }

    fn is_prime_slave(&self, registration: &Registration<'_>, group: GroupId) -> bool {
        let min_id = self.tables.groups.get(group).and_then(super::group::Group::min_id);
        registration.id != 0 && !registration.is_old_version() && min_id == Some(registration.id)
    }

    /// `deleteTopicWithBrokerRegistration`: the table is all there is.
    fn remove_unlisted(&mut self, group: GroupId, topics: &[TopicConfig<'_>]) -> usize {
        let mut listed: HashSet<&str, crate::hash::Secret> =
            HashSet::with_capacity_and_hasher(topics.len(), self.tables.secret);
        listed.extend(topics.iter().map(|topic| &*topic.key));
        let mut removed = 0;
        for topic in self.tables.topics_of(group) {
            if !listed.contains(&*topic) {
                let key = self.tables.topics.key(&topic);
                removed += usize::from(self.tables.remove_queue(key, group));
            }
        }
        removed
    }

    /// Sets the entries of a table: all of them when it is applied in full, else those that are missing.
    fn apply_topics(
        &mut self,
        registration: &Registration<'_>,
        group: GroupId,
        topics: &[TopicConfig<'_>],
        in_full: bool,
    ) -> usize {
        let acting = registration.header.enable_acting_master == Some(true);
        let is_read_only = acting && self.is_prime_slave(registration, group);
        let mut changed = 0;
        for topic in topics {
            // Java gives up on the whole table at a topic without a name; the others are innocent.
            let Some(name) = topic.name.as_deref() else { continue };
            let key = self.tables.topics.key(name);
            if !in_full && self.tables.queue_values(key, group).is_some() {
                continue;
            }
            let values = values_of(topic);
            let values = if is_read_only { values.read_only() } else { values };
            changed += usize::from(self.tables.set_queue(key, group, values));
        }
        changed
    }

    /// Sets the static-topic mappings and returns whether that changed anything.
    fn apply_mappings(&mut self, owner: GroupId, mappings: &[TopicQueueMapping<'_>]) -> bool {
        let mut changed = false;
        for mapping in mappings {
            let Some(broker_name) = mapping.bname.as_deref() else { continue };
            let member = Dialect::ALL.map(|dialect| write_mapping(mapping, broker_name, dialect).into());
            let topic = self.tables.topics.key(&mapping.key);
            changed |= self.tables.set_mapping(topic, Mapping { broker_name: broker_name.into(), owner, member });
        }
        changed
    }

    /// The answer to a registration that was applied: where the master is, and the order configuration.
    fn registered(&self, key: MemberKey) -> Answer {
        let master = (key.id != 0).then(|| self.tables.groups.member(MemberKey { id: 0, ..key })).flatten();
        let own = self.tables.groups.member(key);
        let mut fields = Vec::new();
        if let (Some(master), Some(own)) = (master, own)
            && master.cluster == own.cluster
        {
            if let Some(ha_server) = &master.ha_server {
                fields.push(("haServerAddr", ha_server.to_string()));
            }
            fields.push(("masterAddr", master.address.to_string()));
        }
        self.with_order_configuration(Answer::success().with_fields(fields))
    }

    fn with_order_configuration(&self, answer: Answer) -> Answer {
        if self.settings.return_order_topic_config_to_broker {
            answer.with_optional_body(self.kv.order_body())
        } else {
            answer
        }
    }
}

/// The registration that a header describes, or the first field that is missing or malformed.
fn complete<'a>(header: &'a RegisterHeader<'a>) -> Result<Registration<'a>, &'static str> {
    Ok(Registration {
        id: header.broker_id.ok_or("brokerId")?,
        name: header.broker_name.as_deref().ok_or("brokerName")?,
        cluster: header.cluster_name.as_deref().ok_or("clusterName")?,
        address: header.broker_addr.as_deref().ok_or("brokerAddr")?,
        timeout: header.heartbeat_timeout_millis.unwrap_or(DEFAULT_TIMEOUT_MILLIS),
        header,
    })
}

fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

fn counter_jumped(before: Option<DataVersion>, after: Option<DataVersion>) -> bool {
    let counter = |version: Option<DataVersion>| version.and_then(|version| version.counter);
    match (counter(before), counter(after)) {
        (Some(before), Some(after)) => after.saturating_sub(before) > 1,
        (Some(_) | None, Some(_) | None) => false,
    }
}

/// What a topic's entry of its broker says.
pub(super) const fn values_of(topic: &TopicConfig<'_>) -> QueueValues {
    QueueValues {
        read_queue_nums: topic.read_queue_nums,
        write_queue_nums: topic.write_queue_nums,
        perm: topic.perm,
        topic_sys_flag: topic.topic_sys_flag,
    }
}

/// Writes `"<broker name>":{…}` (Java: `TopicQueueMappingInfo`).
fn write_mapping(mapping: &TopicQueueMapping<'_>, broker_name: &str, dialect: Dialect) -> Vec<u8> {
    let mut output = Vec::new();
    json::string(&mut output, broker_name);
    output.extend_from_slice(br#":{"bname":"#);
    json::string(&mut output, broker_name);
    if let Some(ids) = &mapping.curr_id_map {
        let ids: alloc::collections::BTreeMap<i32, i32> = ids.iter().copied().collect();
        output.extend_from_slice(br#","currIdMap":{"#);
        json::separated(&mut output, ids, |output, (global, local)| {
            json::integer_key(output, global.into(), dialect);
            json::integer(output, local);
        });
        output.push(b'}');
    }
    output.extend_from_slice(br#","dirty":"#);
    output.extend_from_slice(if mapping.dirty { b"true" } else { b"false" });
    output.extend_from_slice(br#","epoch":"#);
    json::long(&mut output, mapping.epoch, dialect);
    for (name, value) in [(&br#","scope":"#[..], &mapping.scope), (br#","topic":"#, &mapping.topic)] {
        if let Some(value) = value {
            output.extend_from_slice(name);
            json::string(&mut output, value);
        }
    }
    output.extend_from_slice(br#","totalQueues":"#);
    json::integer(&mut output, mapping.total_queues);
    output.push(b'}');
    output
}
