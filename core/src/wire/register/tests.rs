//! Tests of the register header and of the register body in all its forms.

extern crate std;

use super::*;
use crate::wire::QueueValues;
use alloc::string::{String, ToString};
use miniz_oxide::deflate::compress_to_vec_zlib;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const WALL: WallTime = WallTime::from_millis(1_800_000_000_000);
/// Versions of senders.
const V3_0_10: i32 = 36;
const V3_0_11: i32 = 37;
const V4_9_7: i32 = 407;
const V5_0_0: i32 = 413;
const V5_5_0: i32 = 513;

/// A register body without borrows.
type Decoded = Result<RegisterBody<'static>, BodyError>;

fn decode_with(body: &[u8], announced: bool, version: i32, limits: &Limits) -> Decoded {
    // Leaked, so that tests can keep borrows of it.
    let body: &'static [u8] = body.to_vec().leak();
    let plain: &'static PlainBody<'static> = alloc::boxed::Box::leak(PlainBody::new(body, announced, limits)?.into());
    RegisterBody::decode(plain, version, WALL, limits)
}

fn decode(body: &str) -> Decoded {
    decode_with(body.as_bytes(), false, V5_5_0, &Limits::default())
}

fn compressed(inflated: &[u8], version: i32) -> Decoded {
    decode_with(&compress_to_vec_zlib(inflated, 6), true, version, &Limits::default())
}

fn topic(name: &str, read_queue_nums: i32, write_queue_nums: i32, perm: i32) -> TopicConfig<'static> {
    let key: Cow<'static, str> = Cow::Owned(name.into());
    let values = QueueValues { read_queue_nums, write_queue_nums, perm, topic_sys_flag: 0 };
    TopicConfig { name: Some(key.clone()), key, values }
}

fn with_flags(topic_sys_flag: i32, mut topic: TopicConfig<'static>) -> TopicConfig<'static> {
    topic.values.topic_sys_flag = topic_sys_flag;
    topic
}

const fn version(counter: i64, timestamp: i64) -> DataVersion {
    DataVersion { state_version: 0, counter: Some(counter), timestamp }
}

/// What `{}` decodes to.
fn nothing() -> RegisterBody<'static> {
    RegisterBody {
        filter_servers: Some(Vec::new()),
        data_version: Some(version(0, 1_800_000_000_000)),
        topics: Some(Vec::new()),
        mappings: Vec::new(),
    }
}

#[test]
fn reads_the_body_of_a_5x_broker() {
    let body = r#"{"filterServerList":["f0:1"],"topicConfigSerializeWrapper":{"dataVersion":{"counter":3,"stateVersion":1,"timestamp":1700000000000},"mappingDataVersion":{"counter":0,"stateVersion":0,"timestamp":1795459928192},"topicConfigTable":{"TopicTest":{"attributes":{"message.type":"NORMAL"},"order":false,"perm":6,"readQueueNums":8,"topicFilterType":"SINGLE_TAG","topicName":"TopicTest","topicSysFlag":3,"writeQueueNums":4},"TBW102":{"attributes":{},"order":false,"perm":7,"readQueueNums":8,"topicFilterType":"SINGLE_TAG","topicName":"TBW102","topicSysFlag":0,"writeQueueNums":8}},"topicQueueMappingDetailMap":{},"topicQueueMappingInfoMap":{"TopicTest":{"bname":"broker-a","currIdMap":{0:0,2:1,5:2,7:3},"dirty":true,"epoch":9007199254740993,"scope":"s","topic":"TopicTest","totalQueues":8}}}}"#;
    let expected = RegisterBody {
        filter_servers: Some(alloc::vec!["f0:1".into()]),
        data_version: Some(DataVersion { state_version: 1, ..version(3, 1_700_000_000_000) }),
        topics: Some(alloc::vec![with_flags(3, topic("TopicTest", 8, 4, 6)), topic("TBW102", 8, 8, 7)]),
        mappings: alloc::vec![TopicQueueMapping {
            key: "TopicTest".into(),
            topic: Some("TopicTest".into()),
            scope: Some("s".into()),
            total_queues: 8,
            bname: Some("broker-a".into()),
            epoch: 9_007_199_254_740_993,
            dirty: true,
            curr_id_map: Some(alloc::vec![(0, 0), (2, 1), (5, 2), (7, 3)]),
        }],
    };
    assert_eq!(decode(body), Ok(expected));
}

#[test]
fn nothing_is_copied_from_a_body_in_the_usual_form() {
    let limits = Limits::default();
    let body = br#"{"topicConfigSerializeWrapper":{"topicConfigTable":{"a":{"topicName":"a"}}}}"#;
    let plain = PlainBody::new(body, false, &limits).unwrap();
    let decoded = RegisterBody::decode(&plain, V5_5_0, WALL, &limits).unwrap();
    let topic = &decoded.topics.unwrap()[0];
    assert!(matches!((&topic.key, &topic.name), (Cow::Borrowed("a"), Some(Cow::Borrowed("a")))));
}

#[test]
fn missing_members_have_defaults_and_null_is_absent() {
    let wrapper = |members: &str| decode(&alloc::format!("{{\"topicConfigSerializeWrapper\":{{{members}}}}}"));
    assert_eq!(decode("{}"), Ok(nothing()));
    assert_eq!(wrapper(""), Ok(nothing()));
    assert_eq!(decode(r#"{"filterServerList":null}"#), Ok(RegisterBody { filter_servers: None, ..nothing() }));
    assert_eq!(wrapper(r#""topicConfigTable":null"#), Ok(RegisterBody { topics: None, ..nothing() }));
    assert_eq!(wrapper(r#""dataVersion":null"#), Ok(RegisterBody { data_version: None, ..nothing() }));
    assert_eq!(wrapper(r#""topicQueueMappingInfoMap":null"#), Ok(nothing()));
    let null_wrapper = RegisterBody { topics: None, data_version: None, ..nothing() };
    assert_eq!(decode(r#"{"topicConfigSerializeWrapper":null}"#), Ok(null_wrapper));
    let data_version = Some(version(1, 1_800_000_000_000));
    assert_eq!(wrapper(r#""dataVersion":{"counter":1}"#), Ok(RegisterBody { data_version, ..nothing() }));
    assert_eq!(wrapper(r#""dataVersion":{}"#), Ok(nothing()));
}

#[test]
fn topics_have_defaults() {
    for (config, expected) in [
        (r#"{"topicName":"t"}"#, topic("t", 16, 16, 6)),
        (r#"{"topicName":"t","topicFilterType":"NO_SUCH","attributes":{"$ref":"$.x"}}"#, topic("t", 16, 16, 6)),
        (r#"{"topicName":"t","perm":"2","readQueueNums":3.9,"writeQueueNums":null}"#, topic("t", 3, 0, 2)),
        (r#"{"perm":4}"#, TopicConfig { name: None, ..topic("t", 16, 16, 4) }),
        (r#"{"topicName":null}"#, TopicConfig { name: None, ..topic("t", 16, 16, 6) }),
        (r#"{"topicName":"other"}"#, TopicConfig { name: Some("other".into()), ..topic("t", 16, 16, 6) }),
        (r#"{"topicName":"\u0061\ud83d"}"#, TopicConfig { name: Some("a?".into()), ..topic("t", 16, 16, 6) }),
        (r#"{"topicName":5}"#, TopicConfig { name: Some("5".into()), ..topic("t", 16, 16, 6) }),
        (r#"{"$ref":"$.a"}"#, TopicConfig { name: None, ..topic("t", 16, 16, 6) }),
    ] {
        let body = alloc::format!("{{\"topicConfigSerializeWrapper\":{{\"topicConfigTable\":{{\"t\":{config}}}}}}}");
        assert_eq!(decode(&body).unwrap().topics.unwrap(), [expected], "{config}");
    }
}

#[test]
fn mappings_have_defaults() {
    let mapping = |member: &str| {
        let map = alloc::format!("{{\"t\":{{{member}}}}}");
        let body = alloc::format!("{{\"topicConfigSerializeWrapper\":{{\"topicQueueMappingInfoMap\":{map}}}}}");
        decode(&body).map(|body| body.mappings[0].clone())
    };
    let default = mapping("").unwrap();
    assert_eq!((default.scope.as_deref(), default.topic.as_deref()), (Some("__global__"), None));
    assert_eq!((default.total_queues, default.epoch, default.dirty), (0, 0, false));
    assert_eq!((default.bname.as_deref(), &default.curr_id_map), (None, &Some(Vec::new())));
    assert_eq!(mapping(r#""scope":null"#).unwrap().scope, None);
    assert_eq!(mapping(r#""currIdMap":null"#).unwrap().curr_id_map, None);
    assert_eq!(mapping(r#""currIdMap":{"$ref":"$"}"#).unwrap().curr_id_map, Some(Vec::new()));
    let in_order = mapping(r#""currIdMap":{0:0,10:1,9:2,"2":"3"}"#).unwrap().curr_id_map;
    assert_eq!(in_order, Some(alloc::vec![(0, 0), (10, 1), (9, 2), (2, 3)]));
    let repeated = mapping(r#""currIdMap":{1:0,2:1,1:2}"#).unwrap().curr_id_map;
    assert_eq!(repeated, Some(alloc::vec![(2, 1), (1, 2)]));
    for malformed in [r#""currIdMap":{a:1}"#, r#""currIdMap":{"a":1}"#, r#""currIdMap":{0:null}"#, r#""currIdMap":[0]"#]
    {
        assert!(mapping(malformed).is_err(), "{malformed}");
    }
}

#[test]
fn the_last_of_repeated_keys_counts() {
    let body = r#"{"filterServerList":["x"],"topicConfigSerializeWrapper":{"topicConfigTable":{"x":{}}},
        "filterServerList":[],"topicConfigSerializeWrapper":{"topicConfigTable":
        {"a":{"topicName":"a"},"b":{"topicName":"b"},"a":{"perm":1,"perm":2,"topicName":"a"},"c":{"topicName":"c"}}}}"#;
    let topics = alloc::vec![topic("b", 16, 16, 6), topic("a", 16, 16, 2), topic("c", 16, 16, 6)];
    assert_eq!(decode(body), Ok(RegisterBody { topics: Some(topics), ..nothing() }));
    let body =
        r#"{"topicConfigSerializeWrapper":{"topicQueueMappingInfoMap":{"a":{"epoch":1},"b":{},"a":{"epoch":2}}}}"#;
    let mappings = decode(body).unwrap().mappings;
    assert_eq!(mappings.iter().map(|mapping| (&*mapping.key, mapping.epoch)).collect::<Vec<_>>(), [("b", 0), ("a", 2)]);
}

#[test]
fn references_never_fail() {
    for body in [
        r#"{"$ref":"$"}"#,
        r#"{"filterServerList":{"$ref":"$"}}"#,
        r#"{"topicConfigSerializeWrapper":{"$ref":"$"}}"#,
        r#"{"topicConfigSerializeWrapper":{"dataVersion":{"$ref":"$"},"topicConfigTable":{"$ref":"$"},"topicQueueMappingInfoMap":{"$ref":"$"}}}"#,
    ] {
        assert_eq!(decode(body), Ok(nothing()), "{body}");
    }
}

#[test]
fn refuses_bodies_that_are_no_register_body() {
    for body in [
        "null",
        " ",
        "{}x",
        r#"{"filterServerList":{"a":"b"}}"#,
        r#"{"topicConfigSerializeWrapper":{"topicConfigTable":[]}}"#,
        r#"{"topicConfigSerializeWrapper":{"topicQueueMappingInfoMap":{"t":null}}}"#,
        r#"{"topicConfigSerializeWrapper":{"dataVersion":{"counter":"x"}}}"#,
        r#"{0:1}"#,
    ] {
        assert!(matches!(decode(body), Err(BodyError::Json(_))), "{body}");
    }
    assert!(decode_with(b"{}", false, -1, &Limits::default()).is_err());
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    for (body, reason) in [
        (r#"{"filterServerList":5}"#, "invalid type: integer `5`, expected a list at line 1 column 21"),
        (r#"{"filterServerList":[[]]}"#, "invalid type: sequence, expected text at line 1 column 23"),
        (
            r#"{"topicConfigSerializeWrapper":{"topicQueueMappingInfoMap":{"t":{"dirty":[]}}}}"#,
            "invalid type: sequence, expected a boolean at line 1 column 75",
        ),
    ] {
        assert_eq!(decode(body).unwrap_err().to_string(), ["malformed body: ", reason].concat());
    }
}

#[test]
fn no_body_is_an_empty_table_of_version_zero() {
    let limits = Limits::default();
    let expected = RegisterBody { data_version: Some(version(0, 0)), ..nothing() };
    assert_eq!(decode_with(b"", true, V5_5_0, &limits), Ok(expected.clone()));
    let expected = RegisterBody { filter_servers: None, ..expected };
    assert_eq!(decode_with(b"", false, V3_0_10, &limits), Ok(expected));
}

#[test]
fn senders_before_3_0_11_send_the_topic_table_alone() {
    let body = br#"{"dataVersion":{"counter":1,"timestamp":7},"topicConfigTable":{"a":{"topicName":"a"}}}"#;
    let expected = RegisterBody {
        filter_servers: None,
        data_version: Some(version(1, 7)),
        topics: Some(alloc::vec![topic("a", 16, 16, 6)]),
        mappings: Vec::new(),
    };
    let limits = Limits::default();
    for version in [0, V3_0_10] {
        assert_eq!(decode_with(body, false, version, &limits), Ok(expected.clone()));
    }
    assert!(decode_with(b"null", false, V3_0_10, &limits).is_err());
}

/// The parts of a compressed body.
struct Sections<'a> {
    data_version: &'a str,
    topics: &'a [&'a str],
    filter_servers: &'a str,
    mappings: Option<&'a [&'a str]>,
}

const SECTIONS: Sections<'static> = Sections {
    data_version: r#"{"counter":1,"stateVersion":0,"timestamp":1700000000000}"#,
    topics: &[],
    filter_servers: "[]",
    mappings: Some(&[]),
};

impl Sections<'_> {
    fn inflated(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let block = |bytes: &mut Vec<u8>, text: &str| {
            bytes.extend((text.len() as i32).to_be_bytes());
            bytes.extend(text.as_bytes());
        };
        block(&mut bytes, self.data_version);
        bytes.extend((self.topics.len() as i32).to_be_bytes());
        self.topics.iter().for_each(|line| block(&mut bytes, line));
        block(&mut bytes, self.filter_servers);
        if let Some(mappings) = self.mappings {
            bytes.extend((mappings.len() as i32).to_be_bytes());
            mappings.iter().for_each(|mapping| block(&mut bytes, mapping));
        }
        bytes
    }
}

#[test]
fn reads_a_compressed_body() {
    let topics = [
        "zt1 8 8 6 SINGLE_TAG {}",
        "zt2 4 4 7 MULTI_TAG ",
        r#"zt3 1 2 6 SINGLE_TAG {"+a":"b c"}"#,
        "zt4 1 1 6 SINGLE_TAG notjson",
        "zt5 +1 -1 06 SINGLE_TAG",
    ];
    let mapping = r#"{"bname":"bz","currIdMap":{0:0,3:1},"topic":"zt1","totalQueues":1}"#;
    let sections =
        Sections { topics: &topics, filter_servers: r#"["f:1",null]"#, mappings: Some(&[mapping]), ..SECTIONS };
    let mut inflated = sections.inflated();
    let expected = RegisterBody {
        filter_servers: Some(alloc::vec!["f:1".into()]),
        data_version: Some(version(1, 1_700_000_000_000)),
        topics: Some(alloc::vec![
            topic("zt1", 8, 8, 6),
            topic("zt2", 4, 4, 7),
            topic("zt3", 1, 2, 6),
            topic("zt4", 1, 1, 6),
            topic("zt5", 1, -1, 6),
        ]),
        mappings: alloc::vec![TopicQueueMapping {
            key: "zt1".into(),
            topic: Some("zt1".into()),
            scope: Some("__global__".into()),
            total_queues: 1,
            bname: Some("bz".into()),
            epoch: 0,
            dirty: false,
            curr_id_map: Some(alloc::vec![(0, 0), (3, 1)]),
        }],
    };
    assert_eq!(compressed(&inflated, V5_5_0), Ok(expected.clone()));
    // Extra bytes at the end do not matter.
    inflated.extend(b"xxxx");
    assert_eq!(compressed(&inflated, V5_0_0), Ok(expected.clone()));
    // An older sender has no mappings, so here they are extra bytes.
    assert_eq!(compressed(&inflated, V4_9_7), Ok(RegisterBody { mappings: Vec::new(), ..expected }));
}

#[test]
fn the_form_of_a_compressed_body_depends_on_the_release_of_its_sender() {
    let inflated = Sections { mappings: None, ..SECTIONS }.inflated();
    assert_eq!(compressed(&inflated, V3_0_10), Err(BodyError::CompressedBeforeItWasPossible));
    assert!(compressed(&inflated, V3_0_11).is_ok() && compressed(&inflated, V5_0_0 - 1).is_ok());
    assert_eq!(compressed(&inflated, V5_0_0), Err(BodyError::EndsTooEarly));
}

#[test]
fn refuses_a_compressed_body_with_unreadable_sections() {
    for line in ["zt7 8 8 6 ", "zt7 8 8 2147483648 SINGLE_TAG", ""] {
        let inflated = Sections { topics: &[line], ..SECTIONS }.inflated();
        assert!(matches!(compressed(&inflated, V5_5_0), Err(BodyError::TopicLine { .. })), "{line}");
    }
    for data_version in ["x", "[]", "{} {}"] {
        assert!(compressed(&Sections { data_version, ..SECTIONS }.inflated(), V5_5_0).is_err(), "{data_version}");
    }
    for mapping in ["", "null", "{}", "[]", r#"{"topic":null}"#] {
        assert!(
            compressed(&Sections { mappings: Some(&[mapping]), ..SECTIONS }.inflated(), V5_5_0).is_err(),
            "{mapping}"
        );
    }
    let whole = Sections { topics: &["a 1 1 6 SINGLE_TAG"], ..SECTIONS }.inflated();
    for length in 0..whole.len() {
        assert!(compressed(&whole[..length], V5_5_0).is_err(), "{length} bytes");
    }
}

#[test]
fn lenient_sections_of_a_compressed_body() {
    for (filter_servers, expected) in
        [("notjson", Some(Vec::new())), ("", Some(Vec::new())), ("{\"a\":1}", Some(Vec::new())), ("null", None)]
    {
        let body = compressed(&Sections { filter_servers, ..SECTIONS }.inflated(), V5_5_0).unwrap();
        assert_eq!(body.filter_servers, expected, "{filter_servers}");
    }
    for data_version in ["", "null"] {
        let body = compressed(&Sections { data_version, ..SECTIONS }.inflated(), V5_5_0).unwrap();
        assert_eq!(body.data_version, None, "{data_version}");
    }
    let topics = ["a 1 1 6 SINGLE_TAG", "b 1 1 6 SINGLE_TAG", "a 2 2 6 SINGLE_TAG"];
    let body = compressed(&Sections { topics: &topics, ..SECTIONS }.inflated(), V5_5_0).unwrap();
    assert_eq!(body.topics, Some(alloc::vec![topic("b", 1, 1, 6), topic("a", 2, 2, 6)]));
    let negative_counts =
        [&2_i32.to_be_bytes()[..], b"{}", &[0xff; 4], &2_i32.to_be_bytes(), b"[]", &[0xff; 4]].concat();
    let body = compressed(&negative_counts, V5_5_0).unwrap();
    assert_eq!((body.topics, body.mappings), (Some(Vec::new()), Vec::new()));
}

#[test]
fn a_compressed_body_is_recognised_without_its_announcement() {
    let limits = Limits::default();
    let inflated = Sections { topics: &["a 1 1 6 SINGLE_TAG"], ..SECTIONS }.inflated();
    for level in [0, 1, 6, 9] {
        let body = compress_to_vec_zlib(&inflated, level);
        assert_eq!(decode_with(&body, false, V5_5_0, &limits), decode_with(&body, true, V5_5_0, &limits), "{level}");
        assert!(decode_with(&body, false, V5_5_0, &limits).is_ok(), "{level}");
    }
    let announced_json = decode_with(b"{}", true, V5_5_0, &limits);
    assert!(matches!(announced_json, Err(BodyError::Compression(_))));
    assert!(matches!(decode_with(b"x{}", false, V5_5_0, &limits), Err(BodyError::Json(_))));
}

#[test]
fn limits_hold() {
    let limits = Limits { inflated_bytes_max: 1000, topics_per_registration_max: 2, ..Limits::default() };
    let bomb = compress_to_vec_zlib(&alloc::vec![0; 1_000_000], 9);
    assert_eq!(decode_with(&bomb, true, V5_5_0, &limits), Err(BodyError::InflatesTooLong { max: 1000 }));
    for (topics, allowed) in [(r#""a":{},"b":{}"#, true), (r#""a":{},"b":{},"a":{}"#, false)] {
        for table in ["topicConfigTable", "topicQueueMappingInfoMap"] {
            let body = alloc::format!("{{\"topicConfigSerializeWrapper\":{{\"{table}\":{{{topics}}}}}}}");
            assert_eq!(decode_with(body.as_bytes(), false, V5_5_0, &limits).is_ok(), allowed, "{body}");
        }
    }
    for (queues, allowed) in [("0:0,1:1", true), ("0:0,1:1,0:0", false)] {
        let map = alloc::format!("{{\"a\":{{\"currIdMap\":{{{queues}}}}}}}");
        let body = alloc::format!("{{\"topicConfigSerializeWrapper\":{{\"topicQueueMappingInfoMap\":{map}}}}}");
        assert_eq!(decode_with(body.as_bytes(), false, V5_5_0, &limits).is_ok(), allowed, "{body}");
    }
    let three = ["a 1 1 6 SINGLE_TAG"; 3];
    let body = compress_to_vec_zlib(&Sections { topics: &three[1..], ..SECTIONS }.inflated(), 6);
    assert!(decode_with(&body, true, V5_5_0, &limits).is_ok());
    let body = compress_to_vec_zlib(&Sections { topics: &three, ..SECTIONS }.inflated(), 6);
    let refused = decode_with(&body, true, V5_5_0, &limits).unwrap_err();
    assert_eq!(refused.to_string(), "malformed body: more than 2 topics");
    assert!(decode_with(br#"{"filterServerList":["a","b","c"]}"#, false, V5_5_0, &limits).is_err());
}

/// JSON text built from the words of a register body.
fn nearly_body() -> impl Strategy<Value = String> {
    let words = r#"{ } [ ] , : null 0 1.5 "a" "\ud83d" "$ref" "filterServerList": "topicConfigSerializeWrapper":
        "dataVersion": "counter": "topicConfigTable": "topicName": "perm": "topicQueueMappingInfoMap": "currIdMap":
        "hostedQueues": "mappingDataVersion":"#;
    let words: Vec<_> = words.split_whitespace().collect();
    prop::collection::vec(prop::sample::select(words), 0..30).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(9876), failure_persistence: None, ..ProptestConfig::with_cases(1024)
    })]

    #[test]
    fn arbitrary_bodies_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..80), text in nearly_body(), announced: bool, version in -1..600,
    ) {
        let limits = Limits::default();
        for body in [&bytes, text.as_bytes(), &compress_to_vec_zlib(&bytes, 1)] {
            let _ = unstable_range(body);
            if let Ok(plain) = PlainBody::new(body, announced, &limits) {
                let _ = RegisterBody::decode(&plain, version, WALL, &limits);
            }
        }
    }

    #[test]
    fn a_topic_table_reads_back_what_was_written(table in prop::collection::btree_map(".{0,10}", any::<[i32; 4]>(), 0..20)) {
        let configs = table.iter().map(|(name, [read, write, perm, flag])| {
            let config = serde_json::json!({
                "topicName": name, "readQueueNums": read, "writeQueueNums": write, "perm": perm, "topicSysFlag": flag,
            });
            (name.clone(), config)
        });
        let configs: serde_json::Map<_, _> = configs.filter(|(name, _)| name != "$ref").collect();
        let body = serde_json::json!({"topicConfigSerializeWrapper": {"topicConfigTable": configs}}).to_string();
        let expected: Vec<_> = table.iter().filter(|(name, _)| *name != "$ref").map(|(name, [read, write, perm, flag])| {
            with_flags(*flag, topic(name, *read, *write, *perm))
        }).collect();
        prop_assert_eq!(decode(&body).unwrap().topics.unwrap(), expected);
    }
}
