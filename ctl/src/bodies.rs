//! The bodies of answers. Missing and `null` members are empty, as in Java's own clients.

use crate::ask_error::AskError;
use namesrv_core::wire::register::quote_integer_keys;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The member whose keys Java writes without quotes.
const INTEGER_MAPS: [&str; 1] = ["\"brokerAddrs\""];

/// All broker groups and clusters (Java: `ClusterInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClusterInfo {
    /// Broker groups by name.
    pub(crate) groups: BTreeMap<String, Group>,
    /// Names of broker groups by cluster, in order.
    pub(crate) clusters: BTreeMap<String, Vec<String>>,
}

/// The brokers of one name (Java: `BrokerData`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its cluster.
    pub(crate) cluster: String,
    /// Addresses by the identifier of the broker; 0 is the master.
    pub(crate) addresses: BTreeMap<i64, String>,
}

/// The route of a topic (Java: `TopicRouteData`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Route {
    /// Its queue entries, by broker name.
    pub(crate) queues: BTreeMap<String, Queues>,
    /// The groups that have it, by name.
    pub(crate) groups: BTreeMap<String, Group>,
    /// The order configuration.
    pub(crate) order: Option<String>,
}

/// The queues of a topic in one broker group (Java: `QueueData`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queues {
    /// Number of queues to read from.
    pub(crate) read: i64,
    /// Number of queues to write to.
    pub(crate) write: i64,
    /// Permission bits: 4 read, 2 write, 1 inherit.
    pub(crate) perm: i64,
    /// Flag bits.
    pub(crate) flags: i64,
}

impl ClusterInfo {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// The body is something else.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, AskError> {
        let body = object(body, "cluster information")?;
        let groups = members(&body, "brokerAddrTable");
        let groups = groups.map(|(name, group)| (name.clone(), Group::of(group))).collect();
        let clusters = members(&body, "clusterAddrTable").map(|(name, names)| {
            let mut names: Vec<_> = elements(names).filter_map(Value::as_str).map(str::to_owned).collect();
            names.sort();
            (name.clone(), names)
        });
        Ok(Self { groups, clusters: clusters.collect() })
    }
}

impl Group {
    fn of(value: &Value) -> Self {
        let address = |(id, address): (&String, &Value)| Some((id.parse().ok()?, text(address)));
        let addresses = members_of(value.get("brokerAddrs")).filter_map(address).collect();
        Self { cluster: value.get("cluster").map(text).unwrap_or_default(), addresses }
    }
}

impl Route {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// The body is something else.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, AskError> {
        let body = object(body, "a route")?;
        let list = |name| body.get(name).into_iter().flat_map(elements);
        let name = |value: &Value| value.get("brokerName").map(text).unwrap_or_default();
        Ok(Self {
            queues: list("queueDatas").map(|value| (name(value), Queues::of(value))).collect(),
            groups: list("brokerDatas").map(|value| (name(value), Group::of(value))).collect(),
            order: body.get("orderTopicConf").filter(|order| !order.is_null()).map(text),
        })
    }
}

impl Queues {
    fn of(value: &Value) -> Self {
        let number = |name| value.get(name).and_then(Value::as_i64).unwrap_or_default();
        Self {
            read: number("readQueueNums"),
            write: number("writeQueueNums"),
            perm: number("perm"),
            flags: number("topicSysFlag"),
        }
    }
}

/// Reads a list of topics, in order (Java: `TopicList`).
///
/// # Errors
/// The body is something else.
pub(crate) fn topics(body: &[u8]) -> Result<Vec<String>, AskError> {
    let body = object(body, "a list of topics")?;
    let mut topics: Vec<_> = body.get("topicList").into_iter().flat_map(elements).map(text).collect();
    topics.sort();
    topics.dedup();
    Ok(topics)
}

/// Reads the entries of a KV namespace (Java: `KVTable`).
///
/// # Errors
/// The body is something else.
pub(crate) fn kv_table(body: &[u8]) -> Result<BTreeMap<String, String>, AskError> {
    let body = object(body, "a KV table")?;
    Ok(members(&body, "table").map(|(key, value)| (key.clone(), text(value))).collect())
}

/// Reads a configuration: one line for each key, similar to `java.util.Properties` (Java: `MixAll.properties2String`,
/// which escapes nothing).
///
/// # Errors
/// The body is not text.
pub(crate) fn configuration(body: &[u8]) -> Result<BTreeMap<String, String>, AskError> {
    let text = str::from_utf8(body).map_err(|_| AskError::Body("a configuration"))?;
    let entries = text.lines().filter_map(|line| line.split_once('='));
    Ok(entries.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// Reads a body that must be a JSON object.
fn object(body: &[u8], what: &'static str) -> Result<Map<String, Value>, AskError> {
    let read = || {
        let text = quote_integer_keys(str::from_utf8(body).ok()?.into(), &INTEGER_MAPS);
        serde_json::from_str(&text).ok()
    };
    read().ok_or(AskError::Body(what))
}

fn members<'a>(object: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    members_of(object.get(name))
}

fn members_of(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Returns a text. Any other value becomes JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_information_is_read_with_and_without_quotes() {
        for zero in ["0", "\"0\""] {
            let body = format!(
                r#"{{"brokerAddrTable":{{"broker-a":{{"brokerAddrs":{{{zero}:"10.0.0.1:10911",1:"10.0.0.2:10911"}},
                "brokerName":"broker-a","cluster":"C","enableActingMaster":false}}}},"clusterAddrTable":{{"C":["z","broker-a"]}}}}"#
            );
            let info = ClusterInfo::parse(body.as_bytes()).unwrap();
            let group = &info.groups["broker-a"];
            assert_eq!(group.addresses, [(0, "10.0.0.1:10911".into()), (1, "10.0.0.2:10911".into())].into());
            assert_eq!((&*group.cluster, &*info.clusters["C"]), ("C", &["broker-a".to_owned(), "z".into()][..]));
        }
    }

    #[test]
    fn what_is_missing_is_empty() {
        for body in ["{}", r#"{"brokerAddrTable":null,"clusterAddrTable":null}"#] {
            assert_eq!(ClusterInfo::parse(body.as_bytes()).unwrap(), ClusterInfo::default());
        }
        assert_eq!(Route::parse(b"{\"queueDatas\":{\"$ref\":\"$\"}}").unwrap(), Route::default());
        assert_eq!(topics(b"{\"topicList\":[\"b\",\"a\",\"b\"]}").unwrap(), ["a", "b"]);
        assert_eq!(kv_table(b"{\"table\":{\"k\":7}}").unwrap(), [("k".into(), "7".into())].into());
        assert_eq!(
            configuration(b"a=b=c\n#\n\nd=\n").unwrap(),
            [("a".into(), "b=c".into()), ("d".into(), "".into())].into()
        );
    }

    #[test]
    fn other_bodies_are_refused() {
        for body in [&b""[..], b"[]", b"null", b"{", b"{}x", b"\xff", &b"[".repeat(100_000)] {
            assert!(matches!(ClusterInfo::parse(body), Err(AskError::Body("cluster information"))));
            assert!(matches!(Route::parse(body), Err(AskError::Body("a route"))));
            assert!(topics(body).is_err() && kv_table(body).is_err());
        }
        assert!(configuration(b"\xff").is_err());
    }
}
