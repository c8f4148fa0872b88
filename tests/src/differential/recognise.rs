//! Deliberate differences, recognised by what caused them: one function for each entry of DIFFERENCES.md that a
//! sequence can meet, called like it. A function says which steps of a run may be the cause, and the judge takes those
//! out and looks whether the difference is gone: a guess too many costs a run and hides nothing.

use super::clusters::{Clusters, Member, OBSERVER};
use super::run::{Difference, Done, Run};
use crate::answer::{Answer, Parts};
use crate::golden::compare::{Likeness, compare};
use crate::plain_json::Json;
use crate::registration::{Compression, Registration, Version};
use crate::request::{Request, frame};
use crate::server::{Reaction, Server};
use crate::step::defect::Defect;
use crate::step::{Content, Message};
use namesrv_core::kv::ORDER_TOPIC_CONFIG;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Finds the steps that may have caused the difference of a run.
pub type Recogniser = fn(&Run, &Difference) -> Vec<usize>;

/// Every recogniser with the identifier of its entry, which is its own name with other dashes.
macro_rules! recognisers {
    ($($name:ident),* $(,)?) => {
        /// All recognisers, each with the identifier of its entry in DIFFERENCES.md. What changes least is tried first.
        pub fn recognisers() -> Vec<(String, Recogniser)> {
            vec![$((stringify!($name).replace('_', "-"), $name as Recogniser)),*]
        }
    };
}

recognisers![
    standard_json,
    declared_header_length,
    missing_opaque,
    live_keys_only,
    compressed_is_recognised,
    identity_is_required,
    order_configuration_is_checked,
    expiry_at_the_deadline,
    connections_lose_all_brokers,
    clusters_may_share_a_name,
    static_topics_leave,
    addresses_may_be_shared,
    replaced_registrations_go,
    unregistering_is_immediate,
    registrations_are_whole,
    missed_updates_heal,
    tables_may_come_in_parts,
];

/// The identifiers of all entries that can be recognised.
pub fn entries() -> Vec<String> {
    recognisers().into_iter().map(|(name, _)| name).chain([FIRST_BY_NAME.to_owned()]).collect()
}

/// The entry that shows in single answers, without a step that is to blame for it.
pub const FIRST_BY_NAME: &str = "first-by-name";

/// Another broker of several is taken for the first: its address is named, or its flags decide about a topic. Asks ours
/// what it knows.
pub fn first_by_name(request: &[u8], java: &Reaction, ours: &Reaction, server: &mut impl Server) -> bool {
    let (Some(java), Some(ours)) = (java.answer(), ours.answer()) else { return false };
    let Ok(request) = Answer::decode(request) else { return false };
    let header = |answer: &Answer| Answer { body: Vec::new(), ..answer.clone() };
    if header(&java) != header(&ours) {
        return false;
    }
    let (Ok(java), Ok(ours)) =
        (serde_json::from_slice::<Value>(&java.body), serde_json::from_slice::<Value>(&ours.body))
    else {
        return false;
    };
    let names = |list: &Value| -> BTreeSet<String> {
        list["topicList"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (listed_by_java, listed_by_ours) = (names(&java), names(&ours));
    match request.code {
        304 => {
            let is_member = |list: &Value| {
                Clusters::of(server).members().iter().any(|(_, _, _, address)| list["brokerAddr"] == **address)
            };
            java["brokerAddr"] != ours["brokerAddr"]
                && listed_by_java == listed_by_ours
                && [&java, &ours].into_iter().all(is_member)
        }
        311..=313 => {
            let mut topics = listed_by_java.symmetric_difference(&listed_by_ours).peekable();
            topics.peek().is_some() && topics.all(|topic| disagree(request.code, topic, server))
        }
        _ => false,
    }
}

/// Whether the brokers of a topic have different flags, so that it matters which is the first. A server that shows no
/// routes yet cannot tell.
fn disagree(code: i32, topic: &str, server: &mut impl Server) -> bool {
    let route = server.exchange(OBSERVER, &Request::new(105).field("topic", topic).encode());
    let Some(route) = route.answer().filter(|route| route.code != 1) else { return true };
    let route = serde_json::from_slice::<Value>(&route.body).unwrap_or_default();
    let flags = route["queueDatas"].as_array().into_iter().flatten().filter_map(|entry| entry["topicSysFlag"].as_i64());
    let is_listed = |flags: i64| match code {
        311 => flags & 1 != 0,
        312 => flags & 2 != 0,
        _ => flags & 3 == 2,
    };
    flags.map(is_listed).collect::<BTreeSet<_>>().len() == 2
}

/// The request that differs is read by one side only: Java reads more than JSON, and not every `language`.
fn standard_json(run: &Run, difference: &Difference) -> Vec<usize> {
    let (java, ours) = (&difference.java, &difference.ours);
    let (closed_by_java, closed_by_ours) = (*java == Reaction::Closed, *ours == Reaction::Closed);
    let is_refused = code(ours) == Some(1);
    own_step(run, difference, |done| match defect(done) {
        Some(Defect::Member { name: "language" | "serializeTypeCurrentRPC", .. }) if closed_by_java => {
            is_standard(&done.frame)
        }
        Some(Defect::Member { .. } | Defect::Header { .. }) => {
            closed_by_ours && !closed_by_java && !is_standard(&done.frame)
        }
        // What is no JSON and read by ours alone has blanks round unquoted keys.
        Some(Defect::Body { .. }) => (is_refused || code(java) == Some(1)) && !is_standard(&done.frame),
        Some(Defect::Field { .. }) | None => false,
    })
}

/// A binary header with more in it than its fields.
fn declared_header_length(run: &Run, _: &Difference) -> Vec<usize> {
    let is_long = |message: &Message| message.binary && matches!(message.defect, Some(Defect::Header { .. }));
    steps(run, |done| done.step.message().is_some_and(is_long))
}

/// The answers are alike but for the correlation number, which the request does not say.
fn missing_opaque(run: &Run, difference: &Difference) -> Vec<usize> {
    let (Reaction::Answer(java), Reaction::Answer(ours)) = (&difference.java, &difference.ours) else {
        return Vec::new();
    };
    let (Ok(parts), Some(decoded)) = (Parts::split(java), difference.java.answer()) else { return Vec::new() };
    let opaque = |number: i32| format!("\"opaque\":{number},");
    let header = String::from_utf8_lossy(parts.header).replace(&opaque(decoded.opaque), &opaque(0));
    let java = frame(parts.serialization, header.as_bytes(), parts.body);
    let is_alike = compare(&difference.request, &java, ours, run.own_keys) != Likeness::Different;
    let header = |done: &Done| serde_json::from_slice::<Value>(Parts::split(&done.frame).ok()?.header).ok();
    own_step(run, difference, |done| is_alike && header(done).is_some_and(|header| header.get("opaque").is_none()))
}

/// Ours refuses to change a key that Java changes without any effect.
fn live_keys_only(run: &Run, difference: &Difference) -> Vec<usize> {
    let is_refused = code(&difference.java) == Some(0) && code(&difference.ours) == Some(16);
    own_step(run, difference, |done| done.step.code() == Some(318) && is_refused)
}

/// Ours reads a compressed table whatever the header says.
fn compressed_is_recognised(run: &Run, difference: &Difference) -> Vec<usize> {
    let is_refused = code(&difference.java) == Some(1);
    own_step(run, difference, |done| {
        let is_said = !matches!(defect(done), Some(Defect::Field { name: "compressed", .. }));
        let is_denied = |compression| match compression {
            Compression::None => false,
            Compression::Announced => !is_said,
            Compression::Denied => true,
        };
        is_refused && done.step.registration().is_some_and(|one| is_denied(one.compression))
    })
}

/// A registration lacks what it cannot do without; Java answers success and does half of it. What it did may show later
/// only when a topic has no name.
fn identity_is_required(run: &Run, difference: &Difference) -> Vec<usize> {
    let is_refused = |done: &Done| {
        let own_answer = done.frame == difference.request;
        // Who wants no answer is not told of it either.
        let is_oneway = done.step.message().is_some_and(|message| message.oneway);
        is_oneway
            || own_answer && code(&difference.java) == Some(0) && code(&difference.ours) == Some(1)
            || leaves_a_ghost(difference)
    };
    registrations(run, |done, one| {
        let request = done.step.message().map(|message| message.request(&run.salt));
        let [cluster] = fields(run, done, ["clusterName"]);
        // A body that was damaged may lack more than the registration that it was made of.
        let body = request.and_then(|request| Json::parse(&String::from_utf8_lossy(&request.body)).ok());
        let wrapper = body.as_ref().and_then(|body| body.member("topicConfigSerializeWrapper"));
        let table = wrapper.and_then(|wrapper| wrapper.member("topicConfigTable"));
        let is_named = |topic: &Json| matches!(topic.member("topicName"), Some(Json::Text(_)));
        let is_half = one.topics.iter().flatten().any(|topic| !topic.named)
            || table.is_some_and(|table| table.members().iter().any(|(_, topic)| !is_named(topic)));
        let lacks_table = body.is_some() && !matches!(table, Some(Json::Object(_)));
        is_half || (cluster.is_empty() || lacks_table || one.topics.is_none()) && is_refused(done)
    })
}

/// A route shows an order configuration that clients do not read alike.
fn order_configuration_is_checked(run: &Run, difference: &Difference) -> Vec<usize> {
    let shown = |reaction: &Reaction| {
        let text = reaction.answer()?.text().to_string();
        let (_, order) = text.split_once("\"orderTopicConf\":")?;
        Some(order.split_once("\"queueDatas\"")?.0.to_owned())
    };
    let is_odd = |message: &Message| {
        let Content::Kv { code: 100, namespace, value, .. } = &message.content else { return false };
        *namespace == Some(ORDER_TOPIC_CONFIG) && !value.is_some_and(is_order)
    };
    let java = shown(&difference.java);
    if java.is_none() || java == shown(&difference.ours) {
        return Vec::new();
    }
    steps(run, |done| done.step.message().is_some_and(is_odd))
}

/// A broker that expires at once expires later in Java, and takes its connection with it.
fn expiry_at_the_deadline(run: &Run, _: &Difference) -> Vec<usize> {
    registrations(run, |_, one| one.timeout.is_some_and(|timeout| timeout <= 0 || timeout == i64::MAX))
}

/// A connection that several brokers registered over is closed, by either side, and Java keeps some of them.
fn connections_lose_all_brokers(run: &Run, difference: &Difference) -> Vec<usize> {
    let mut brokers: BTreeMap<usize, BTreeSet<[Option<String>; 2]>> = BTreeMap::new();
    let mut causes = Vec::new();
    for (index, done) in run.done.iter().enumerate() {
        let over = brokers.entry(done.step.connection()).or_default();
        if done.step.message().is_none() || done.ours == Reaction::Closed {
            if over.len() > 1 && members(&difference.ours).is_subset(&members(&difference.java)) {
                causes.push(index);
            }
            over.clear();
        } else if let Some(one) = done.step.registration() {
            over.insert([one.cluster.clone(), one.address.clone()]);
        }
    }
    causes
}

/// A registration in another cluster than that of its group.
fn clusters_may_share_a_name(run: &Run, difference: &Difference) -> Vec<usize> {
    let causes = registrations(run, |done, _| {
        let [name, cluster] = fields(run, done, ["brokerName", "clusterName"]);
        done.before.names().iter().any(|(other, group)| *group == name && *other != cluster)
    });
    later(causes, difference)
}

/// Java still shows the mappings of brokers that left.
fn static_topics_leave(run: &Run, difference: &Difference) -> Vec<usize> {
    let shown =
        |reaction: &Reaction| reaction.answer().map_or(0, |answer| answer.text().matches("\"currIdMap\"").count());
    if shown(&difference.java) <= shown(&difference.ours) {
        return Vec::new();
    }
    registrations(run, |_, one| !one.mappings.is_empty())
}

/// Several names at one address, which Java does not tell apart.
fn addresses_may_be_shared(run: &Run, difference: &Difference) -> Vec<usize> {
    let causes = registrations(run, |done, _| {
        let [name, address] = fields(run, done, ["brokerName", "brokerAddr"]);
        done.before.members().iter().any(|(_, other, _, at)| *other != name && *at == address)
    });
    later(causes, difference)
}

/// A registration takes the identifier of another address, which Java never quite forgets.
fn replaced_registrations_go(run: &Run, difference: &Difference) -> Vec<usize> {
    let causes = registrations(run, |done, _| {
        let [name, id, address] = seat(run, done);
        done.before.members().iter().any(|(_, group, other, at)| *group == name && *other == id && *at != address)
    });
    later(causes, difference)
}

/// Unregistering something else than a current registration.
fn unregistering_is_immediate(run: &Run, difference: &Difference) -> Vec<usize> {
    let causes = steps(run, |done| {
        let Some(message) = done.step.message().filter(|message| message.content.code() == 104) else { return false };
        let named = fields(run, done, ["clusterName", "brokerName", "brokerAddr"]);
        let is_named = |(cluster, name, _, address): &Member| named == [&**cluster, &**name, &**address];
        message.defect.is_some() || !done.before.members().iter().any(is_named)
    });
    let removes_more = members(&difference.java).is_subset(&members(&difference.ours));
    // A request without an identifier ends the work of Java's queue for that time.
    let is_broken = |cause: usize| run.done.get(cause).is_some_and(|done| defect(done).is_some());
    causes.into_iter().filter(|cause| *cause < difference.step || removes_more || is_broken(*cause)).collect()
}

/// A registration that came to nothing leaves halves in Java, but no member; one that meets another without a data
/// version comes to nothing in Java alone.
fn registrations_are_whole(run: &Run, difference: &Difference) -> Vec<usize> {
    let is_ghost = leaves_a_ghost(difference);
    let mut has_version = true;
    let mut causes = registrations(run, |done, one| {
        let seat = seat(run, done);
        let is_in = |clusters: &Clusters| {
            clusters.members().iter().any(|(_, name, id, address)| seat == [&**name, &**id, &**address])
        };
        has_version &= one.version.is_some();
        let is_rival = |(_, name, id, address): &Member| seat[0] == *name && seat[1] == *id && seat[2] != *address;
        let is_undecided = !has_version && done.before.members().iter().any(is_rival);
        is_undecided || is_ghost && !is_in(&done.after)
    });
    causes.retain(|cause| *cause == difference.step);
    causes
}

/// A data version whose counter jumped, or one topic with which a broker takes an identifier over, and the same version
/// once more, in a registration or in a question for it; and the table with which a broker takes over, if it had that
/// version before.
fn missed_updates_heal(run: &Run, difference: &Difference) -> Vec<usize> {
    #[derive(Default)]
    struct Sender {
        id: Option<i64>,
        version: Option<Version>,
        owes_since: Option<usize>,
    }
    let asked = |reaction: &Reaction| reaction.answer().map(|answer| answer.body);
    let is_query = Answer::decode(&difference.request).is_ok_and(|request| request.code == 322);
    let only_changed = is_query && asked(&difference.java) == asked(&difference.ours);
    let mut senders: BTreeMap<[String; 2], Sender> = BTreeMap::new();
    let mut causes = Vec::new();
    for (index, done) in run.done.iter().enumerate() {
        let is_refused = done.ours == Reaction::Closed || code(&done.ours) == Some(1);
        let Some(one) = done.step.registration().filter(|_| !is_refused) else { continue };
        let sender = senders.entry(fields(run, done, ["clusterName", "brokerAddr"])).or_default();
        let counters = sender.version.zip(one.version).map(|(before, after)| (before.counter, after.counter));
        let jumped = counters.is_some_and(|(before, after)| after > before + 1);
        let is_update = one.topics.as_ref().is_some_and(|topics| topics.len() == 1);
        if jumped || (is_update && sender.id != one.id) {
            sender.owes_since = Some(index);
        } else if sender.version == one.version {
            let cause = if sender.id == one.id { sender.owes_since } else { Some(index) };
            causes.extend(cause.filter(|_| !is_query));
        } else {
            sender.owes_since = None;
        }
        (sender.id, sender.version) = (one.id, one.version);
    }
    causes.extend(senders.into_values().filter_map(|sender| sender.owes_since.filter(|_| only_changed)));
    causes
}

/// Those of some causes that come before the difference: what they do themselves is alike, but for the cluster that a
/// group is shown in.
fn later(causes: Vec<usize>, difference: &Difference) -> Vec<usize> {
    let is_clusters = Answer::decode(&difference.request).is_ok_and(|request| request.code == 106);
    let is_at_once = is_clusters && members(&difference.java) == members(&difference.ours);
    causes.into_iter().filter(|cause| *cause < difference.step || is_at_once).collect()
}

/// Whether Java shows a group or a cluster that ours does not, or another state of a group, but no other member.
fn leaves_a_ghost(difference: &Difference) -> bool {
    let is_clusters = Answer::decode(&difference.request).is_ok_and(|request| request.code == 106);
    is_clusters && members(&difference.java).is_subset(&members(&difference.ours))
}

/// Name, identifier and address of everybody in cluster information; nobody in any other answer.
fn members(reaction: &Reaction) -> BTreeSet<(String, String, String)> {
    if !reaction.answer().is_some_and(|answer| answer.text().starts_with("{\"brokerAddrTable\"")) {
        return BTreeSet::new();
    }
    Clusters::read(reaction).members().into_iter().map(|(_, name, id, address)| (name, id, address)).collect()
}

/// The steps of a run that are so.
fn steps(run: &Run, mut is_cause: impl FnMut(&Done) -> bool) -> Vec<usize> {
    run.done.iter().enumerate().filter(|(_, done)| is_cause(done)).map(|(index, _)| index).collect()
}

/// The registrations of a run that are so.
fn registrations(run: &Run, mut is_cause: impl FnMut(&Done, &Registration) -> bool) -> Vec<usize> {
    steps(run, |done| done.step.registration().is_some_and(|one| is_cause(done, one)))
}

/// A broker registers other topics with the version that it had before: another part of its table.
fn tables_may_come_in_parts(run: &Run, _: &Difference) -> Vec<usize> {
    let mut known: BTreeMap<[String; 2], (Option<Version>, Vec<String>)> = BTreeMap::new();
    let mut causes = Vec::new();
    for (index, done) in run.done.iter().enumerate() {
        let Some(one) = done.step.registration() else { continue };
        let topics = one.topics.iter().flatten().map(|topic| topic.name.clone()).collect();
        let now = (one.version, topics);
        let before = known.insert(fields(run, done, ["clusterName", "brokerAddr"]), now.clone());
        causes.extend(before.filter(|before| before.0 == now.0 && before.1 != now.1).map(|_| index));
    }
    causes
}

/// The step whose own answer differs, if it is so.
fn own_step(run: &Run, difference: &Difference, is_cause: impl Fn(&Done) -> bool) -> Vec<usize> {
    let own = run.done.get(difference.step).filter(|done| done.frame == difference.request);
    own.filter(|done| is_cause(done)).map(|_| difference.step).into_iter().collect()
}

/// Name, identifier and address of a registration.
fn seat(run: &Run, done: &Done) -> [String; 3] {
    let [name, id, address] = fields(run, done, ["brokerName", "brokerId", "brokerAddr"]);
    [name, id.parse::<i64>().map(|id| id.to_string()).unwrap_or_default(), address]
}

/// The values of fields of a step's request; empty where they are left out.
fn fields<const N: usize>(run: &Run, done: &Done, names: [&str; N]) -> [String; N] {
    let request = done.step.message().map(|message| message.request(&run.salt));
    let fields = request.and_then(|request| request.fields).unwrap_or_default();
    names.map(|name| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone()).unwrap_or_default())
}

fn defect(done: &Done) -> Option<&Defect> {
    done.step.message()?.defect.as_ref()
}

fn code(reaction: &Reaction) -> Option<i32> {
    reaction.answer().map(|answer| answer.code)
}

/// Whether header and body are JSON as the standard has it, without lists and objects where a number is meant.
fn is_standard(frame: &[u8]) -> bool {
    let Ok(parts) = Parts::split(frame) else { return false };
    let header = serde_json::from_slice::<Value>(parts.header);
    let is_plain = |header: &Value| {
        ["code", "opaque", "version"].iter().all(|name| !header[*name].is_array() && !header[*name].is_object())
    };
    let is_text = |body: &[u8]| body.is_empty() || serde_json::from_slice::<Value>(body).is_ok();
    (parts.serialization == 1 || header.is_ok_and(|header| is_plain(&header))) && is_text(parts.body)
}

/// Whether all clients read it alike: `broker:queues` joined by `;`, without blanks.
fn is_order(value: &str) -> bool {
    let is_number = |text: &str| text.parse::<u32>().is_ok_and(|number| number.to_string() == text);
    let is_part = |(name, queues): (&str, &str)| !name.is_empty() && name.trim() == name && is_number(queues);
    value.split(';').all(|part| part.split_once(':').is_some_and(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differences::identifiers;

    #[test]
    fn every_recogniser_is_called_like_an_entry() {
        let known = identifiers();
        for name in entries() {
            assert!(known.contains(&name), "DIFFERENCES.md has no entry `{name}`");
        }
    }
}
