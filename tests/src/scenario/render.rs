//! What came of a command, as lines for people.

use crate::answer::Answer;
use crate::plain_json::{Json, bare};
use crate::world::Happening;
use namesrv_core::event::{AdminWrite, BrokerIdentity, Change, Event, EvictionCause, RefusedRequest};
use namesrv_core::save::SaveFile;

/// How the body of an answer is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As it is.
    Raw,
    /// Broker groups and queue entries, one a line.
    Route,
    /// Clusters and broker groups, one a line.
    Clusters,
    /// Members of one broker group in a line.
    Members,
    /// A list of names in a line.
    Names,
    /// The value of one key of a configuration listing.
    Setting(String),
}

/// An answer: code, extension fields, remark, body.
pub(super) fn answer(answer: &Answer, shape: &Shape) -> Vec<String> {
    let mut first = if answer.code == 0 { "ok".to_owned() } else { format!("code {}", answer.code) };
    if let Some(remark) = &answer.remark {
        first.push_str(&format!(": {}", remark.replace('\n', "\\n")));
    }
    for (name, value) in answer.fields.iter().flatten() {
        first.push_str(&format!(" {name}={value}"));
    }
    let mut lines = vec![first];
    if !answer.body.is_empty() {
        lines.extend(body(&answer.text(), shape));
    }
    lines
}

fn body(text: &str, shape: &Shape) -> Vec<String> {
    if let Shape::Setting(key) = shape {
        let prefix = format!("{key}=");
        return text.lines().filter(|line| line.starts_with(&prefix)).map(str::to_owned).collect();
    }
    match Json::parse(text) {
        Err(error) => vec![error],
        Ok(json) => match shape {
            Shape::Raw | Shape::Setting(_) => vec![text.to_owned()],
            Shape::Route => route(&json),
            Shape::Clusters => clusters(&json),
            Shape::Members => json.member("brokerMemberGroup").map(|group| vec![addresses(group)]).unwrap_or_default(),
            Shape::Names => names(&json),
        },
    }
}

fn route(route: &Json) -> Vec<String> {
    let elements = |name: &str| route.member(name).map(Json::elements).unwrap_or_default();
    let members = |name: &str| route.member(name).map(Json::members).unwrap_or_default();
    let mut lines: Vec<_> = elements("brokerDatas").iter().map(group).collect();
    lines.extend(elements("queueDatas").iter().map(queue));
    if let Some(order) = route.member("orderTopicConf") {
        lines.push(format!("order {}", order.scalar()));
    }
    for (address, servers) in members("filterServerTable") {
        lines.push(format!("filter servers of {}: {}", bare(address), list(servers)));
    }
    for (broker, mapping) in members("topicQueueMappingByBroker") {
        let text = |name: &str| mapping.member(name).map(Json::scalar).unwrap_or_default();
        let queues = mapping.member("currIdMap").map(Json::members).unwrap_or_default();
        let queues: Vec<_> = queues.iter().map(|(key, local)| format!("{}-{}", bare(key), local.scalar())).collect();
        let (total, epoch) = (text("totalQueues"), text("epoch"));
        let queues = if queues.is_empty() { "none".to_owned() } else { queues.join(" ") };
        lines.push(format!("mapping of {}: {queues} of {total}, epoch {epoch}", bare(broker)));
    }
    lines
}

fn clusters(info: &Json) -> Vec<String> {
    let members = |name: &str| info.member(name).map(Json::members).unwrap_or_default();
    let clusters = members("clusterAddrTable").iter();
    let mut lines: Vec<_> =
        clusters.map(|(name, brokers)| format!("cluster {}: {}", bare(name), list(brokers))).collect();
    lines.extend(members("brokerAddrTable").iter().map(|(_, data)| group(data)));
    lines
}

fn names(topics: &Json) -> Vec<String> {
    let mut lines = vec![format!("names: {}", topics.member("topicList").map(list).unwrap_or_default())];
    if let Some(address) = topics.member("brokerAddr") {
        lines.push(format!("address: {}", address.scalar()));
    }
    lines
}

fn group(data: &Json) -> String {
    let mut line = addresses(data);
    if data.member("enableActingMaster").is_some_and(|acting| acting.scalar() == "true") {
        line.push_str(", acting master");
    }
    if let Some(zone) = data.member("zoneName") {
        line.push_str(&format!(", zone {}", zone.scalar()));
    }
    line
}

fn addresses(data: &Json) -> String {
    let text = |name: &str| data.member(name).map(Json::scalar).unwrap_or_default();
    let addresses = data.member("brokerAddrs").map(Json::members).unwrap_or_default();
    let addresses: Vec<_> = addresses.iter().map(|(id, to)| format!("{}={}", bare(id), to.scalar())).collect();
    format!("group {} in {}: {}", text("brokerName"), text("cluster"), addresses.join(" "))
}

fn queue(entry: &Json) -> String {
    let text = |name: &str| entry.member(name).map(Json::scalar).unwrap_or_default();
    let flags = if text("topicSysFlag") == "0" { String::new() } else { format!(" flags {}", text("topicSysFlag")) };
    let (read, write) = (text("readQueueNums"), text("writeQueueNums"));
    format!("queues on {}: {read}/{write} perm {}{flags}", text("brokerName"), text("perm"))
}

fn list(elements: &Json) -> String {
    elements.elements().iter().map(Json::scalar).collect::<Vec<_>>().join(" ")
}

/// Something that the server did besides answering; `None` for a request of an administrator that changed nothing.
pub fn happening(happening: &Happening) -> Option<String> {
    Some(match happening {
        Happening::Event(event) => format!("event: {}", self::event(event)?),
        Happening::Closed { connection, reason, .. } => format!("closed {connection}: {reason}"),
        Happening::Notified { address, frame } => match Answer::decode(frame) {
            Ok(request) => {
                let fields = request.fields.iter().flatten().map(|(name, value)| format!(" {name}={value}"));
                let oneway = if request.flag == 2 { " one-way" } else { "" };
                format!("sent {}{oneway} to {address}:{}", request.code, fields.collect::<String>())
            }
            Err(error) => format!("sent to {address}: {error}"),
        },
        Happening::Saved { file, contents } => {
            let name = match file {
                SaveFile::KvConfig => "KV file",
                SaveFile::RuntimeConfig => "runtime configuration",
                SaveFile::Snapshot => "snapshot",
            };
            format!("saves the {name}: {}", String::from_utf8_lossy(contents).trim_end().replace('\n', " | "))
        }
    })
}

fn identity(broker: &BrokerIdentity) -> String {
    format!("{}/{}/{} at {}", broker.cluster, broker.name, broker.id, broker.address)
}

fn event(event: &Event) -> Option<String> {
    Some(match event {
        Event::BrokerRegistered { broker, topics, .. } => format!("registered {}, {topics} topics", identity(broker)),
        Event::BrokerChanged { broker, topics_changed } => {
            format!("changed {}, {topics_changed} topics", identity(broker))
        }
        Event::BrokerUnregistered { broker } => format!("unregistered {}", identity(broker)),
        Event::BrokerEvicted { broker, cause } => {
            let cause = match cause {
                EvictionCause::Expired => "expired",
                EvictionCause::ConnectionLost => "connection lost",
                EvictionCause::Replaced => "replaced",
                EvictionCause::ConflictLost => "conflict lost",
                EvictionCause::Unconfirmed => "unconfirmed",
            };
            format!("evicted {}, {cause}", identity(broker))
        }
        Event::RegistrationRefused { broker, reason, .. } => format!("refused {}: {reason}", identity(broker)),
        Event::ClusterConflict { broker, group_cluster } => {
            format!("conflict of clusters: {}, the group is in {group_cluster}", identity(broker))
        }
        Event::TopicRegistered { topic, .. } => format!("topic {topic} registered"),
        Event::AdminWrite(write) => return change(write),
        Event::RequestRefused(refused) => format!("refused {}", request(refused)),
        Event::RequestWouldBeRefused(refused) => format!("would refuse {}", request(refused)),
        Event::RenewalIgnored { code, broker, .. } => format!("{code} ignored for {}", identity(broker)),
        Event::IdentifierTakenOver { broker, from, .. } => format!("{} takes over from {from}", identity(broker)),
        Event::PreviousSecretUsed { user, .. } => format!("{user} signs with the previous secret"),
        Event::SecondClaim { broker, .. } => format!("second claim to {}", identity(broker)),
        Event::ClaimWithdrawn { broker, left, .. } => {
            format!("claim withdrawn to {}, that of {} is left", identity(broker), left.ip())
        }
        Event::MalformedOrderConfig { topic, fault } => format!("malformed order configuration of {topic}: {fault}"),
        Event::DoubtfulOrderConfig { topic, doubts } => {
            let doubts: Vec<_> = doubts.iter().map(ToString::to_string).collect();
            format!("doubtful order configuration of {topic}: {}", doubts.join(", "))
        }
        Event::SaveFailed { file, reason } => match file {
            SaveFile::KvConfig => format!("the KV file is not saved: {reason}"),
            SaveFile::RuntimeConfig => format!("the runtime configuration is not saved: {reason}"),
            SaveFile::Snapshot => format!("the snapshot is not saved: {reason}"),
        },
        Event::Late { by } => format!("late by {} ms", by.as_millis()),
    })
}

/// What an administrator changed, if anything.
fn change(write: &AdminWrite) -> Option<String> {
    let field = |name| write.subject.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str());
    Some(match &write.change {
        Change::Nothing => return None,
        Change::Kv { .. } => {
            let (namespace, key) = (field("namespace")?, field("key")?);
            format!("KV {namespace}/{key} {}", if write.code == 102 { "deleted" } else { "set" })
        }
        Change::WritePermission { writable, topics } => {
            let broker = field("brokerName")?;
            format!("{topics} topics of {broker} {}", if *writable { "writable" } else { "read-only" })
        }
        Change::TopicDeleted { .. } => {
            let (topic, cluster) = (field("topic")?, field("clusterName").filter(|cluster| !cluster.is_empty()));
            let cluster = cluster.map(|cluster| format!(" from {cluster}")).unwrap_or_default();
            format!("topic {topic} deleted{cluster}")
        }
        Change::Configuration { keys, .. } => format!("configuration changed: {}", keys.join(",")),
    })
}

/// A request that is refused, and why.
fn request(refused: &RefusedRequest) -> String {
    let subject = refused.subject.iter().map(|(name, value)| format!(" {name}={value}"));
    let user = refused.refusal.user.iter().map(|user| format!(" of {user}"));
    let cause = refused.refusal.cause;
    format!("{}{}{}: {cause}", refused.code, subject.collect::<String>(), user.collect::<String>())
}
