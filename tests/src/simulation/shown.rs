//! What answers show, in a form that can be compared.

use crate::plain_json::{Json, bare};
use namesrv_core::route::{RouteQuery, RouteView};
use namesrv_core::wire::json::Dialect;
use std::collections::{BTreeMap, BTreeSet};

fn parse(text: &str) -> Json {
    Json::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn member(json: &Json, key: &str) -> Json {
    json.member(key).cloned().unwrap_or(Json::Object(Vec::new()))
}

fn addresses(broker: &Json) -> impl Iterator<Item = (String, String)> {
    let addresses = member(broker, "brokerAddrs");
    let pairs = addresses.members().iter().map(|(id, address)| (bare(id).to_owned(), address.scalar().to_owned()));
    pairs.collect::<Vec<_>>().into_iter()
}

/// The addresses of each broker group of a route. An acting master has another identifier there.
pub(super) fn route(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let brokers = member(&parse(text), "brokerDatas");
    let group = |broker: &Json| {
        (member(broker, "brokerName").scalar().to_owned(), addresses(broker).map(|(_, address)| address).collect())
    };
    brokers.elements().iter().map(group).collect()
}

/// Read queues, write queues, permission and flags of each broker group of a route.
pub(super) fn queues(text: &str) -> BTreeMap<String, [i32; 4]> {
    let queues = member(&parse(text), "queueDatas");
    let entry = |queue: &Json| {
        let number = |key| member(queue, key).scalar().parse().expect("a number");
        let numbers = ["readQueueNums", "writeQueueNums", "perm", "topicSysFlag"].map(number);
        (member(queue, "brokerName").scalar().to_owned(), numbers)
    };
    queues.elements().iter().map(entry).collect()
}

/// The members of every broker group.
pub(super) fn clusters(text: &str) -> BTreeMap<String, BTreeMap<i64, String>> {
    let table = member(&parse(text), "brokerAddrTable");
    let group = |(name, broker): &(String, Json)| {
        let members = addresses(broker).map(|(id, address)| (id.parse().expect("an identifier"), address));
        (bare(name).to_owned(), members.collect())
    };
    table.members().iter().map(group).collect()
}

/// The broker groups of every cluster.
pub(super) fn cluster_names(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let table = member(&parse(text), "clusterAddrTable");
    let names = |list: &Json| list.elements().iter().map(|name| name.scalar().to_owned()).collect();
    table.members().iter().map(|(cluster, list)| (bare(cluster).to_owned(), names(list))).collect()
}

/// The names of a list of topics.
pub(super) fn topics(text: &str) -> BTreeSet<String> {
    member(&parse(text), "topicList").elements().iter().map(|topic| topic.scalar().to_owned()).collect()
}

/// The route of a topic that a view has.
pub(super) fn route_of(view: &RouteView, topic: &str) -> Option<String> {
    let mut body = Vec::new();
    view.route(RouteQuery { topic: topic.as_bytes(), dialect: Dialect::Compatible, zone: None })?.write(&mut body);
    Some(String::from_utf8_lossy(&body).into_owned())
}
