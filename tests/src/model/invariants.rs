//! What must be true of the server after every step, whatever happened, told without the model.
//!
//! `check_tables` and `check_silences` are the list. That bodies are what a fresh encoding writes is checked where
//! answers are compared with the model's.

use super::limits::{KV_BYTES_MAX, TOPICS_MAX};
use super::observation::{Observation, Seen, member};
use super::silences::Silences;
use crate::answer::{Answer, frames};
use crate::event_kind::event_kind;
use crate::plain_json::{Json, bare};
use crate::request::Request;
use crate::step::words::{CLUSTERS, GROUPS, NO_GROUP, TOPICS, ZONES};
use crate::world::Happening;
use namesrv_core::event::{Event, EvictionCause};
use namesrv_core::save::SaveFile;
use std::collections::{BTreeMap, BTreeSet};

/// Checks what holds after any requests.
pub(crate) fn check_tables(observation: &Observation, views_after_replies: usize) {
    no_table_mentions_a_broker_that_another_does_not_know(&observation.after);
    both_dialects_say_the_same(&observation.after);
    no_reply_comes_before_the_view_that_shows_its_effect(views_after_replies);
    whoever_comes_or_goes_is_told(observation);
    nothing_changes_without_an_event(observation);
    limits_hold(observation);
}

/// Checks what holds after requests that say when a broker was heard from.
pub(crate) fn check_silences(observation: &Observation, silences: &Silences, now: u64) {
    whoever_expires_was_silent_for_its_whole_timeout(observation, silences, now);
    whoever_is_silent_for_too_long_is_gone(observation, silences, now);
    signs_of_life_and_questions_are_no_events(observation, silences);
    nothing_of_a_snapshot_is_left_that_nobody_repeated(observation, silences, now);
}

/// The questions whose answers the invariants are about: all that change nothing, but for the KV table.
pub(crate) fn questions() -> Vec<Request> {
    let mut all: Vec<_> = [106, 304, 206, 311, 312, 313].map(Request::new).into();
    all.extend(CLUSTERS.into_iter().chain(["nowhere"]).map(|cluster| Request::new(224).field("cluster", cluster)));
    for group in GROUPS.map(|(group, _)| group).into_iter().chain([NO_GROUP]) {
        all.push(Request::new(901).field("brokerName", group).field("clusterName", "echo"));
    }
    for topic in TOPICS.into_iter().chain(["absent"]) {
        let request = Request::new(105).field("topic", topic);
        let zoned = |zone| request.clone().field("__ZONE_MODE", true).field("__ZONE_NAME", zone);
        let old = request.clone().version(400);
        all.extend([old.clone().field("acceptStandardJsonOnly", "True"), old, request.clone().binary()]);
        all.extend([zoned(ZONES[1]), zoned(ZONES[2]), request]);
    }
    all
}

/// Requests one after the other, numbered from 1.
pub(crate) fn in_a_row(requests: &[Request]) -> Vec<u8> {
    (1..).zip(requests).flat_map(|(opaque, request)| request.clone().opaque(opaque).encode()).collect()
}

/// The same answers in the order of their questions: those of the view come before those of the registry.
pub(crate) fn in_order(written: &[u8]) -> Vec<u8> {
    let mut frames = frames(written).unwrap();
    frames.sort_by_key(|frame| Answer::decode(frame).unwrap().opaque);
    frames.concat()
}

/// The answers that were written one after the other.
pub(crate) fn answers_in(written: &[u8]) -> Vec<Answer> {
    frames(written).unwrap().into_iter().map(|frame| Answer::decode(frame).unwrap()).collect()
}

/// Routes name groups that are in the cluster information, with the same queues and groups; groups have members and
/// clusters have groups; the lists name nothing else.
fn no_table_mentions_a_broker_that_another_does_not_know(seen: &Seen) {
    let info = seen.body("106");
    let groups = info.member("brokerAddrTable").unwrap().members();
    let known: BTreeSet<_> = groups.iter().map(|(name, _)| bare(name).to_owned()).collect();
    for (name, group) in groups {
        assert!(!group.member("brokerAddrs").unwrap().members().is_empty(), "{name} has no members");
        assert_eq!(bare(name), group.member("brokerName").unwrap().scalar());
    }
    let mut names = known.clone();
    let mut in_clusters = BTreeSet::new();
    for (cluster, groups) in info.member("clusterAddrTable").unwrap().members() {
        in_clusters.extend(groups.elements().iter().map(|group| group.scalar().to_owned()));
        names.insert(bare(cluster).to_owned());
    }
    assert_eq!(in_clusters, known, "groups of the clusters");
    assert_eq!(strings(&seen.body("304"), "topicList"), names, "cluster and group names");
    for (question, body) in &seen.bodies {
        let Some(topic) = question.strip_prefix("105 ") else { continue };
        let route = Json::parse(body).unwrap();
        let of = |list: &str| -> Vec<_> {
            let elements = route.member(list).unwrap().elements().iter();
            elements.map(|element| element.member("brokerName").unwrap().scalar().to_owned()).collect()
        };
        assert_eq!(of("queueDatas"), of("brokerDatas"), "{topic}");
        assert!(of("brokerDatas").iter().all(|name| known.contains(name)), "{topic}: {body}");
        let mapped = route.member("topicQueueMappingByBroker").map(Json::members).unwrap_or_default();
        assert!(mapped.iter().all(|(name, _)| known.contains(bare(name))), "{topic}: {body}");
    }
    if let Some(all) = seen.bodies.get("206").map(|body| Json::parse(body).unwrap()) {
        let all = strings(&all, "topicList");
        for (question, body) in seen.bodies.iter().filter(|(question, _)| question.starts_with("224")) {
            assert!(strings(&Json::parse(body).unwrap(), "topicList").is_subset(&all), "{question}: {body}");
        }
    }
}

/// A route in the plain and in the compatible dialect differs in nothing but quotes around integers.
fn both_dialects_say_the_same(seen: &Seen) {
    for (question, body) in &seen.bodies {
        if let Some(plain) = question.strip_suffix(" 513").and_then(|topic| seen.bodies.get(&format!("{topic} 400"))) {
            let [plain, compatible] = [plain, body].map(|body| without_quotes(Json::parse(body).unwrap()));
            assert_eq!(plain, compatible, "{question}");
        }
    }
}

fn no_reply_comes_before_the_view_that_shows_its_effect(views_after_replies: usize) {
    assert_eq!(views_after_replies, 0, "views that came after a reply of their batch");
}

fn whoever_expires_was_silent_for_its_whole_timeout(observation: &Observation, silences: &Silences, now: u64) {
    for event in &observation.events {
        if let Event::BrokerEvicted { broker, cause: EvictionCause::Expired } = event {
            let silence = &silences.former[&member(broker)];
            let granted = silence.surely_heard + silence.granted;
            assert!(now > granted, "{broker:?} expires at {now} and was granted {granted}");
        }
    }
}

/// Unless the server itself was late: then everybody is granted as much more.
fn whoever_is_silent_for_too_long_is_gone(observation: &Observation, silences: &Silences, now: u64) {
    for member in &observation.after.members {
        let silence = &silences.current[member];
        let deadline = silence.perhaps_heard.saturating_add(silence.granted + silence.late) + 1;
        let deadline = deadline.min(silence.kept_until.unwrap_or(u64::MAX));
        assert!(now < deadline, "{member:?} is there at {now} and should have been gone at {deadline}");
    }
}

/// Everybody who is shown now and was not, or was from a snapshot, is told as registered or changed; everybody who is
/// not shown any more as gone.
fn whoever_comes_or_goes_is_told(observation: &Observation) {
    let mut members = observation.before.members.clone();
    for event in &observation.events {
        match event {
            Event::BrokerRegistered { broker, .. } => {
                let is_new = members.insert(member(broker)) || observation.returned.contains(&member(broker));
                assert!(is_new, "{broker:?} comes twice");
            }
            Event::BrokerChanged { broker, .. } => {
                members.insert(member(broker));
            }
            Event::BrokerUnregistered { broker } | Event::BrokerEvicted { broker, .. } => {
                assert!(members.remove(&member(broker)), "{broker:?} goes and was not there");
            }
            _ => (),
        }
    }
    assert_eq!(members, observation.after.members, "who was told, and who is shown");
}

/// Whoever reads the events misses nothing that answers show, but for routes that begin to be answered with time.
fn nothing_changes_without_an_event(observation: &Observation) {
    if observation.events.is_empty() {
        for (question, body) in &observation.after.bodies {
            let before = observation.before.bodies.get(question);
            assert!(before.is_none_or(|before| before == body), "{question} has another answer: {body}");
        }
    }
}

/// Entries of topics, since members of a snapshot have their own deadline.
fn nothing_of_a_snapshot_is_left_that_nobody_repeated(observation: &Observation, silences: &Silences, now: u64) {
    let Some((_, named)) = silences.restarted.as_ref().filter(|(until, _)| *until <= now) else { return };
    for topic in TOPICS {
        let Some(body) = observation.after.bodies.get(&format!("105 {topic} 513")) else { continue };
        for queue in Json::parse(body).unwrap().member("queueDatas").unwrap().elements() {
            let group: String = serde_json::from_str(&queue.member("brokerName").unwrap().to_string()).unwrap();
            assert!(named.contains(&(group.clone(), topic.to_owned())), "{topic} of {group} was not repeated");
        }
    }
}

fn signs_of_life_and_questions_are_no_events(observation: &Observation, silences: &Silences) {
    if silences.only_signs_of_life {
        let is_about_access = |line: &str| line.starts_with("refused ") || line.ends_with("the previous secret");
        let told: Vec<_> = observation.told.iter().filter(|line| !is_about_access(line)).collect();
        assert!(told.is_empty(), "{told:?}");
    }
}

fn limits_hold(observation: &Observation) {
    for event in &observation.events {
        if let Event::BrokerRegistered { topics, .. } = event {
            assert!(*topics <= TOPICS_MAX, "{event:?}");
        }
    }
    for contents in &observation.saved {
        let file: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>> =
            serde_json::from_slice(contents).unwrap();
        let of_keys =
            |keys: &BTreeMap<String, String>| keys.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        let bytes: usize = file["configTable"].iter().map(|(name, keys)| name.len() + of_keys(keys)).sum();
        assert!(bytes <= KV_BYTES_MAX, "{bytes} bytes of KV entries");
    }
}

/// Kinds of what is told, all of which have to occur.
pub const KINDS: [&str; 26] = [
    "905 sent",
    "AdminWrite Configuration",
    "AdminWrite Kv",
    "AdminWrite TopicDeleted",
    "AdminWrite WritePermission",
    "BrokerChanged",
    "BrokerEvicted ConflictLost",
    "BrokerEvicted ConnectionLost",
    "BrokerEvicted Expired",
    "BrokerEvicted Replaced",
    "BrokerEvicted Unconfirmed",
    "BrokerRegistered",
    "BrokerUnregistered",
    "ClusterConflict",
    "connection closed",
    "DoubtfulOrderConfig",
    "IdentifierTakenOver",
    "KV file saved",
    "Late",
    "MalformedOrderConfig",
    "PreviousSecretUsed",
    "RegistrationRefused",
    "RequestRefused",
    "SaveFailed KvConfig",
    "SaveFailed RuntimeConfig",
    "TopicRegistered",
];

/// The kind of something that is told; none of what follows from something else that is.
pub(crate) fn kind(happening: &Happening) -> Option<String> {
    match happening {
        Happening::Closed { .. } => Some("connection closed".to_owned()),
        Happening::Notified { .. } => Some("905 sent".to_owned()),
        Happening::Saved { file: SaveFile::KvConfig, .. } => Some("KV file saved".to_owned()),
        Happening::Saved { file: SaveFile::RuntimeConfig | SaveFile::Snapshot, .. } => None,
        Happening::Event(event) => Some(event_kind(event)),
    }
}

fn strings(body: &Json, list: &str) -> BTreeSet<String> {
    body.member(list).unwrap().elements().iter().map(|element| element.scalar().to_owned()).collect()
}

/// The same without the quotes around integers.
fn without_quotes(json: Json) -> Json {
    let is_integer = |text: &str| text.parse::<i64>().is_ok();
    match json {
        Json::Text(text) if is_integer(&text) => Json::Bare(text),
        Json::List(elements) => Json::List(elements.into_iter().map(without_quotes).collect()),
        Json::Object(members) => {
            let key = |key: String| if is_integer(bare(&key)) { bare(&key).to_owned() } else { key };
            Json::Object(members.into_iter().map(|(name, value)| (key(name), without_quotes(value))).collect())
        }
        scalar => scalar,
    }
}
