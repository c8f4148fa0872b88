//! REGISTER_BROKER (Java: `DefaultRequestProcessor.registerBroker`, `RouteInfoManager.registerBroker`): decides
//! everything before applying anything, so that a refused registration leaves nothing behind.

mod fingerprint;
mod growth;
mod registration;

use crate::Peer;
use crate::access::{Grant, Refusal};
use crate::event::{Event, EvictionCause, RefusalReason, RefusedRequest};
use crate::registry::answer::Answer;
use crate::registry::departures::leave;
use crate::registry::notice::{MinIdChange, notify_min_id_change};
use crate::registry::order_check;
use crate::registry::state::State;
use crate::registry::subject::subject;
use crate::registry::tables::{Member, MemberKey, Newcomer, Placed, Placement, Set};
use crate::route::{GroupId, Mapping, TopicKey};
use crate::time::Now;
use crate::wire::code::response;
use crate::wire::register::{DataVersion, PlainBody, RegisterBody, RegisterHeader, TopicConfig, TopicQueueMapping};
use crate::wire::{BodyError, Release, Request};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use fingerprint::{Fingerprint, has_right_checksum};
use growth::has_room;
use registration::{Registration, identity};

pub(super) fn register_broker(state: &mut State, peer: Peer, request: &Request<'_>, grant: &Grant, now: Now) -> Answer {
    let (answer, registered) = register(state, peer, request, now);
    if let Some((key, refusal)) = registered.zip(grant.would_refuse.as_deref()) {
        report_once(state, key, peer, request, refusal);
    }
    answer
}

/// Reports, once for each broker, that the rules would refuse its registrations.
fn report_once(state: &mut State, key: MemberKey, peer: Peer, request: &Request<'_>, refusal: &Refusal) {
    if state.tables.report(key) {
        let refusal = refusal.clone();
        let refused = RefusedRequest { code: request.code, peer, refusal, subject: subject(request) };
        state.outbox.event(Event::RequestWouldBeRefused(Box::new(refused)));
    }
}

/// Returns the answer, and the broker if it is registered now.
fn register(state: &mut State, peer: Peer, request: &Request<'_>, now: Now) -> (Answer, Option<MemberKey>) {
    let header = RegisterHeader::read(&request.fields);
    let deletes_topics = state.configuration.settings().delete_topic_with_broker_registration;
    let fingerprint = Fingerprint::new(state.tables.secret(), &header, request, deletes_topics);
    if let Some(key) = fingerprint.repeats(&state.tables, &header, request.body) {
        claim(state, key, peer);
        state.tables.repeat(key, now);
        let registrations = &mut state.outbox.tally().registrations;
        registrations.unchanged += 1;
        registrations.bytes += request.body.len() as u64;
        return (registered(state, key), Some(key));
    }
    if !has_right_checksum(&header, request.body) {
        return (Answer::failure(response::SYSTEM_ERROR, "crc32 not match").with_no_fields(), None);
    }
    if request.version < 0 {
        return (Answer::failure(response::SYSTEM_ERROR, "the version of the sender is negative"), None);
    }
    decode_and_register(state, &header, peer, request, fingerprint, now).unwrap_or_else(|error| {
        (Answer::failure(response::SYSTEM_ERROR, format!("failed to decode the register body: {error}")), None)
    })
}

/// Notes that a registered broker registers again over this connection.
fn claim(state: &mut State, key: MemberKey, peer: Peer) {
    let keeps_claims = state.access.keeps_claims();
    let Some(holder) = state.tables.claim(key, peer, keeps_claims) else { return };
    if let Some(broker) = state.tables.group(key.group).identity(key.id) {
        state.outbox.event(Event::SecondClaim { broker, holder, peer });
    }
}

fn decode_and_register(
    state: &mut State,
    header: &RegisterHeader<'_>,
    peer: Peer,
    request: &Request<'_>,
    fingerprint: Fingerprint,
    now: Now,
) -> Result<(Answer, Option<MemberKey>), BodyError> {
    let plain = PlainBody::new(request.body, header.compressed, &state.limits)?;
    let body = RegisterBody::decode(&plain, request.version, now.wall, &state.limits)?;
    let registration = match Registration::new(header, Release(request.version)) {
        Ok(registration) => registration,
        Err(field) => return Ok((refuse(state, header, peer, RefusalReason::MissingField(field)), None)),
    };
    let Some(topics) = &body.topics else {
        return Ok((refuse(state, header, peer, RefusalReason::NullTopicTable), None));
    };
    if loses_conflict(state, &registration, body.data_version) {
        return Ok((lose_conflict(state, &registration, peer), None));
    }
    // A broker's first registration is its whole table. A single topic is an update that came too early.
    let group = state.tables.group_named(registration.name);
    let holder = group.and_then(|group| group.members().get(&registration.id));
    let restored = unconfirmed(state, &registration).filter(|_| topics.len() == 1);
    if topics.len() == 1 && restored.is_none() && holder.is_none_or(Member::is_unconfirmed) {
        report_refusal(state, header, peer, RefusalReason::SingleTopic);
        return Ok((Answer::failure(response::SYSTEM_ERROR, "register broker failed").with_no_fields(), None));
    }
    if !has_room(state, registration.name, header, &body) {
        refresh_known(state, &registration, peer, now);
        return Ok((refuse(state, header, peer, RefusalReason::TablesFull), None));
    }
    if let Some(key) = restored {
        return Ok((confirm_topic(state, &registration, topics, request.body.len(), key, now), Some(key)));
    }
    let placed = place(state, &registration, &body, peer, now);
    let version = body.data_version;
    let is_update = topics.len() == 1;
    let applied = apply(state, &registration, &body, topics, &placed, now);
    count(state, request.body.len(), topics.len());
    let last = fingerprint.last_registration(request.body, is_update);
    let needs_full_sync = placed.placement.needs_full_sync(version, is_update, applied.awaits_parts);
    state.tables.settle_held(placed.key.group);
    state.tables.settle(placed.key, last, needs_full_sync);
    report(state, &registration, version, topics.len(), &placed, &applied, peer);
    if placed.has_new_min_id {
        notify_min_id_change(state, placed.key.group, MinIdChange::Joined(header.ha_server_addr.as_deref()));
    }
    Ok((registered(state, placed.key), Some(placed.key)))
}

fn count(state: &mut State, bytes: usize, topics: usize) {
    let registrations = &mut state.outbox.tally().registrations;
    let kind = if topics == 1 { &mut registrations.single } else { &mut registrations.full };
    *kind += 1;
    registrations.bytes += bytes as u64;
    registrations.topics += topics as u64;
}

fn refuse(state: &mut State, header: &RegisterHeader<'_>, peer: Peer, reason: RefusalReason) -> Answer {
    report_refusal(state, header, peer, reason);
    Answer::failure(response::SYSTEM_ERROR, format!("register broker failed: {reason}"))
}

fn report_refusal(state: &mut State, header: &RegisterHeader<'_>, peer: Peer, reason: RefusalReason) {
    state.outbox.event(Event::RegistrationRefused { broker: identity(header), reason, peer: peer.address });
}

/// Keeps a registered broker alive, with the topics that it had, although its new table is refused.
fn refresh_known(state: &mut State, registration: &Registration<'_>, peer: Peer, now: Now) {
    let Some(group) = state.tables.group_id(registration.name) else { return };
    let key = MemberKey { group, id: registration.id };
    let is_known = state
        .tables
        .member(key)
        .is_some_and(|member| *member.address() == *registration.address && *member.cluster() == *registration.cluster);
    if is_known {
        if !state.tables.has_unconfirmed(key) {
            claim(state, key, peer);
        }
        state.tables.refresh(key, now);
    }
}

/// Returns the broker that registers, if it is known only from a snapshot.
fn unconfirmed(state: &State, registration: &Registration<'_>) -> Option<MemberKey> {
    let key = MemberKey { group: state.tables.group_id(registration.name)?, id: registration.id };
    let member = state.tables.member(key).filter(|member| member.is_unconfirmed())?;
    let is_same = *member.address() == *registration.address && *member.cluster() == *registration.cluster;
    is_same.then_some(key)
}

/// Handles a single topic from a broker that is known only from a snapshot. This says nothing about the broker's other
/// topics, so the broker still has to register.
fn confirm_topic(
    state: &mut State,
    registration: &Registration<'_>,
    topics: &[TopicConfig<'_>],
    body_bytes: usize,
    key: MemberKey,
    now: Now,
) -> Answer {
    state.tables.refresh(key, now);
    if contributes(state, registration, key.group) {
        let keys: Vec<_> = topics.iter().map(|topic| state.tables.topics().key(&topic.key)).collect();
        let changed = apply_topics(state, registration, key, topics.iter().zip(keys), true, now);
        if changed > 0 {
            let broker = identity(registration.header);
            state.outbox.event(Event::BrokerChanged { broker, topics_changed: changed });
        }
    }
    count(state, body_bytes, topics.len());
    registered(state, key)
}

/// Whether another address of the same cluster registered with the identifier and a newer state version.
fn loses_conflict(state: &State, registration: &Registration<'_>, version: Option<DataVersion>) -> bool {
    let group = state.tables.group_named(registration.name);
    let Some(holder) = group.and_then(|group| group.members().get(&registration.id)) else { return false };
    let is_other = *holder.address() != *registration.address && *holder.cluster() == *registration.cluster;
    if !is_other || holder.is_unconfirmed() {
        return false;
    }
    match (holder.data_version(), version) {
        (Some(theirs), Some(ours)) => theirs.state_version > ours.state_version,
        (Some(_) | None, Some(_) | None) => false,
    }
}

/// Answers the broker that loses a conflict with success, as Java does, and removes it if it was registered.
fn lose_conflict(state: &mut State, registration: &Registration<'_>, peer: Peer) -> Answer {
    let group = state.tables.group_id(registration.name);
    let previous = group.and_then(|group| {
        let id = state.tables.group(group).id_at(registration.address)?;
        Some(MemberKey { group, id })
    });
    match previous {
        Some(key) => {
            leave(state, key, Some(EvictionCause::ConflictLost));
        }
        None => report_refusal(state, registration.header, peer, RefusalReason::ConflictLost),
    }
    with_order_configuration(state, Answer::success().with_no_fields())
}

/// Gives the broker its place, and reports the brokers that it replaces.
fn place(state: &mut State, registration: &Registration<'_>, body: &RegisterBody<'_>, peer: Peer, now: Now) -> Placed {
    let newcomer = Newcomer {
        name: registration.name,
        cluster: registration.cluster,
        address: registration.address,
        id: registration.id,
        zone: registration.header.zone_name.as_deref(),
        enable_acting_master: registration.allows_acting_master(),
        ha_server: registration.header.ha_server_addr.as_deref(),
        peer,
        keeps_claims: state.access.keeps_claims(),
        timeout: registration.timeout,
        data_version: body.data_version,
        filter_servers: body.filter_servers.as_deref(),
    };
    let mut placed = state.tables.place(&newcomer, now);
    for broker in placed.replaced.drain(..) {
        state.outbox.event(Event::BrokerEvicted { broker, cause: EvictionCause::Replaced });
    }
    if let Some((from, from_peer)) = placed.taken_from.take() {
        let broker = identity(registration.header);
        state.outbox.event(Event::IdentifierTakenOver { broker, peer, from, from_peer });
    }
    if let Some(holder) = placed.second_claim_to {
        state.outbox.event(Event::SecondClaim { broker: identity(registration.header), holder, peer });
    }
    if let Some(group_cluster) = placed.other_cluster.take() {
        state.outbox.event(Event::ClusterConflict { broker: identity(registration.header), group_cluster });
    }
    placed
}

/// What a registration changed.
#[derive(Debug, Default)]
struct Applied {
    topics: usize,
    mappings: bool,
    /// Other parts of the table may follow.
    awaits_parts: bool,
}

fn apply(
    state: &mut State,
    registration: &Registration<'_>,
    body: &RegisterBody<'_>,
    topics: &[TopicConfig<'_>],
    placed: &Placed,
    now: Now,
) -> Applied {
    let group = placed.key.group;
    let mut applied = Applied::default();
    if !contributes(state, registration, group) {
        return applied;
    }
    let keys: Vec<_> = topics.iter().map(|topic| state.tables.topics().key(&topic.key)).collect();
    let hashes = keys.iter().map(|key| key.hash).collect();
    let part = state.tables.take_part(placed.key, hashes, placed.placement.is_new(body.data_version));
    applied.awaits_parts = !part.is_whole();
    let in_full = placed.placement.applies_in_full(body.data_version) || part.counts();
    let deletes = state.configuration.settings().delete_topic_with_broker_registration;
    if deletes && body.mappings.is_empty() && part.is_whole() {
        applied.topics += remove_unlisted(state, placed.key);
    }
    applied.topics += apply_topics(state, registration, placed.key, topics.iter().zip(keys), in_full, now);
    applied.mappings = in_full && apply_mappings(state, group, &body.mappings);
    applied
}

fn report(
    state: &mut State,
    registration: &Registration<'_>,
    version: Option<DataVersion>,
    topics: usize,
    placed: &Placed,
    applied: &Applied,
    peer: Peer,
) {
    let moved = !matches!(placed.placement, Placement::Same(_));
    let broker = || identity(registration.header);
    match placed.placement.known() {
        None => {
            state.outbox.event(Event::BrokerRegistered {
                broker: broker(),
                release: registration.release,
                topics,
                peer: peer.address,
            });
        }
        Some(known) => {
            let version_changed = known.data_version != version;
            let answers_changed = applied.topics > 0 || applied.mappings || placed.changes_group;
            if version_changed || moved || answers_changed {
                state.outbox.event(Event::BrokerChanged { broker: broker(), topics_changed: applied.topics });
            }
        }
    }
}

/// Whether a broker's topics count: only those of the master and, since 5.0, of the slave with the smallest identifier.
fn contributes(state: &State, registration: &Registration<'_>, group: GroupId) -> bool {
    registration.id == 0 || is_prime_slave(state, registration, group)
}

fn is_prime_slave(state: &State, registration: &Registration<'_>, group: GroupId) -> bool {
    let is_first = state.tables.group(group).is_first_confirmed(registration.id);
    registration.id != 0 && !registration.is_before_5_0() && is_first
}

/// Implements `deleteTopicWithBrokerRegistration`: removes the entries of topics that the broker did not register with
/// its data version. Returns their number.
fn remove_unlisted(state: &mut State, broker: MemberKey) -> usize {
    let unlisted = state.tables.unlisted_topics(broker);
    for topic in &unlisted {
        state.tables.remove_queue(state.tables.topics().key(topic), broker.group);
    }
    unlisted.len()
}

/// Sets the entries of a table: all of them if it is applied in full, or else the missing ones. Returns the number of
/// changes.
fn apply_topics<'a>(
    state: &mut State,
    registration: &Registration<'_>,
    broker: MemberKey,
    topics: impl Iterator<Item = (&'a TopicConfig<'a>, TopicKey<'a>)>,
    in_full: bool,
    now: Now,
) -> usize {
    let group = broker.group;
    let is_alone = registration.allows_acting_master() && is_prime_slave(state, registration, group);
    let awaits_master = state.tables.group(group).awaits_master();
    let mut changed = 0;
    for (topic, key) in topics {
        // Java drops the whole table if one topic has no name. Here the other topics stay.
        let Some(name) = topic.name.as_deref() else { continue };
        let key = if name == key.name { key } else { state.tables.topics().key(name) };
        if state.tables.keeps_entry(key, broker, in_full) {
            continue;
        }
        let values = if is_alone && !awaits_master { topic.values.read_only() } else { topic.values };
        let set = state.tables.set_queue(key, group, values);
        if is_alone && awaits_master {
            state.tables.hold_writable(key, group);
        }
        match set {
            Set::Unchanged => continue,
            Set::Replaced => (),
            Set::Added => order_check::watch(state, name, now),
        }
        changed += 1;
    }
    changed
}

/// Sets the static-topic mappings. Returns whether anything changed.
fn apply_mappings(state: &mut State, owner: GroupId, mappings: &[TopicQueueMapping<'_>]) -> bool {
    let mut is_changed = false;
    for mapping in mappings {
        let Some(broker_name) = mapping.bname.as_deref() else { continue };
        let topic = state.tables.topics().key(&mapping.key);
        is_changed |= state.tables.set_mapping(topic, Mapping::new(mapping, broker_name, owner));
    }
    is_changed
}

/// Returns the answer to an applied registration: the master's addresses, and the order configuration.
fn registered(state: &State, key: MemberKey) -> Answer {
    let mut answer = Answer::success().with_no_fields();
    let master = (key.id != 0).then(|| state.tables.member(MemberKey { id: 0, ..key })).flatten();
    if let (Some(master), Some(own)) = (master, state.tables.member(key))
        && master.cluster() == own.cluster()
    {
        if let Some(ha_server) = master.ha_server() {
            answer = answer.with_field("haServerAddr", ha_server.to_string());
        }
        answer = answer.with_field("masterAddr", master.address().to_string());
    }
    with_order_configuration(state, answer)
}

fn with_order_configuration(state: &State, answer: Answer) -> Answer {
    if !state.configuration.settings().return_order_topic_config_to_broker {
        return answer;
    }
    match state.kv.order_body() {
        Some(body) => answer.with_body(body),
        None => answer,
    }
}
