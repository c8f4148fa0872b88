//! Other request bodies: a data version, and the queue entries of a route.

use super::error::BodyError;
use super::json::read::{self, Fill, List, Object, Text, skip};
use super::queue_values::QueueValues;
use super::register::{DataVersion, quote_integer_keys};
use crate::time::WallTime;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use serde::de::MapAccess;

/// The most queue entries of one topic: it has one for each broker group.
const QUEUE_DATAS_MAX: usize = 100_000;

/// Members of a route whose values are maps with integers as keys (Java: `TopicRouteData`).
const INTEGER_MAPS: [&str; 2] = ["\"brokerAddrs\"", "\"currIdMap\""];

/// One queue entry in the body of REGISTER_TOPIC_IN_NAMESRV.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueData {
    /// Name of the broker group.
    pub broker_name: Option<String>,
    /// The group's values for the topic.
    pub values: QueueValues,
}

/// Reads the queue entries of a route. A missing body, list or member counts as an empty list. A `null` in the list is
/// an entry with default values.
///
/// # Errors
/// A body that is not a route, or more than 100,000 entries.
pub fn decode_queue_datas(body: &[u8]) -> Result<Vec<QueueData>, BodyError> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let text = quote_integer_keys(read::text(body)?, &INTEGER_MAPS);
    let route = read::read_object(&text, Route { queue_datas: Vec::new() })?;
    Ok(route.map_or_else(Vec::new, |route| route.queue_datas))
}

/// Reads a data version. Returns `None` for an empty body and for `null`. `wall` replaces a missing timestamp.
///
/// # Errors
/// A body that is not a data version.
pub fn decode_data_version(body: &[u8], wall: WallTime) -> Result<Option<DataVersion>, BodyError> {
    if body.is_empty() {
        return Ok(None);
    }
    let text = read::text(body)?;
    Ok(read::read_object(&text, DataVersion::initial(wall))?)
}

/// Java: `TopicRouteData`. Only the queue entries are read.
struct Route {
    queue_datas: Vec<QueueData>,
}

impl<'de> Object<'de> for Route {
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        if name != "queueDatas" {
            return skip(members);
        }
        let list = List { element: Fill(QueueData::default()), max: QUEUE_DATAS_MAX };
        let entries = members.next_value_seed(list)?.unwrap_or_default();
        self.queue_datas = entries.into_iter().map(Option::unwrap_or_default).collect();
        Ok(())
    }
}

impl<'de> Object<'de> for QueueData {
    fn member<A: MapAccess<'de>>(&mut self, name: Cow<'de, str>, members: &mut A) -> Result<(), A::Error> {
        match &*name {
            "brokerName" => {
                let Text(name) = members.next_value()?;
                self.broker_name = name.map(Cow::into_owned);
            }
            name => self.values.read_member(name, members)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: WallTime = WallTime::from_millis(1_800_000_000_000);

    #[test]
    fn reads_the_queue_entries_of_a_route() {
        let body = br#"{"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"broker-a"}],
            "filterServerTable":{}, "topicQueueMappingByBroker":{"broker-b":{"currIdMap":{0:3}}}, "queueDatas":[
            {"brokerName":"broker-a","perm":6,"readQueueNums":4,"topicSysFlag":1,"writeQueueNums":"5"}, {"x":[{}]}, null]}"#;
        let entries = decode_queue_datas(body).unwrap();
        let first = QueueData {
            broker_name: Some("broker-a".into()),
            values: QueueValues { read_queue_nums: 4, write_queue_nums: 5, perm: 6, topic_sys_flag: 1 },
        };
        assert_eq!(entries, [first, QueueData::default(), QueueData::default()]);
    }

    #[test]
    fn an_unpaired_surrogate_in_a_name_is_read_as_java_reads_it() {
        let entries = decode_queue_datas(br#"{"queueDatas":[{"brokerName":"a\ud83d"}]}"#).unwrap();
        assert_eq!(entries[0].broker_name.as_deref(), Some("a?"));
    }

    #[test]
    fn a_route_without_queue_entries_is_empty() {
        for body in ["null", "{}", r#"{"queueDatas":[]}"#, r#"{"queueDatas":{"$ref":"$"}}"#] {
            assert_eq!(decode_queue_datas(body.as_bytes()), Ok(Vec::new()), "{body}");
        }
    }

    #[test]
    fn refuses_what_is_no_route() {
        for body in [
            r#"{"queueDatas":5}"#,
            r#"{"queueDatas":[,]}"#,
            r#"{"queueDatas":[{"perm":"x"}]}"#,
            r#"{"queueDatas":[{"perm":2147483648}]}"#,
            "{}x",
        ] {
            assert!(matches!(decode_queue_datas(body.as_bytes()), Err(BodyError::Json(_))), "{body}");
        }
        assert!(decode_queue_datas(b"{\"queueDatas\":[{\"brokerName\":\"\xff\"}]}").is_err());
        let many = alloc::format!("{{\"queueDatas\":[{}{{}}]}}", "{},".repeat(QUEUE_DATAS_MAX));
        assert!(decode_queue_datas(many.as_bytes()).is_err());
    }

    #[test]
    fn reads_a_data_version() {
        let version = |counter, state_version, timestamp| DataVersion { state_version, counter, timestamp };
        for (body, expected) in [
            ("null", None),
            (r#"{"counter":1,"stateVersion":2,"timestamp":3}"#, Some(version(Some(1), 2, 3))),
            (r#"{"counter":null,"timestamp":null}"#, Some(version(None, 0, 0))),
            ("{}", Some(version(Some(0), 0, 1_800_000_000_000))),
            (r#"{"counter":1,"counter":9223372036854775807,"timestamp":0}"#, Some(version(Some(i64::MAX), 0, 0))),
        ] {
            assert_eq!(decode_data_version(body.as_bytes(), WALL), Ok(expected), "{body}");
        }
        for body in ["{", "[]", "1", r#"{"counter":"x"}"#, r#"{"counter":9223372036854775808}"#, "{}{}"] {
            assert!(decode_data_version(body.as_bytes(), WALL).is_err(), "{body}");
        }
    }
}
