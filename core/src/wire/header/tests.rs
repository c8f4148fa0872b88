//! Tests of all three readers.

extern crate std;

use super::*;
use crate::limits::Limits;
use crate::wire::fields::ExtFields;
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn decode(serialization: Serialization, header: &[u8]) -> Result<Request<'_>, FrameError> {
    Request::decode(RawFrame { serialization, header, body: b"body" }, &Limits::default())
}

fn json(header: &str) -> Result<Request<'_>, FrameError> {
    decode(Serialization::Json, header.as_bytes())
}

/// The values in which two requests must agree.
type Comparable = (i32, i32, i32, i32, Vec<(String, String)>);

fn comparable(request: &Request<'_>) -> Comparable {
    (request.code, request.opaque, request.flag, request.version, request.fields.to_vec())
}

const JAVA: &str = r#"{"code":105,"extFields":{"topic":"TopicTest"},"flag":0,"language":"JAVA","opaque":7,"serializeTypeCurrentRPC":"JSON","version":513}"#;
const REAL: [&str; 8] = [
    JAVA,
    r#"{"code":106,"flag":2,"language":"JAVA","opaque":35,"serializeTypeCurrentRPC":"JSON","version":513}"#,
    r#"{"code":103,"extFields":{"heartbeatTimeoutMillis":"10000","brokerId":"0","bodyCrc32":"1011716302","clusterName":"AM","brokerAddr":"127.0.0.1:22320","enableActingMaster":"true","haServerAddr":"127.0.0.1:22321","compressed":"false","brokerName":"am"},"flag":0,"language":"JAVA","opaque":0,"serializeTypeCurrentRPC":"JSON","version":513}"#,
    r#"{"code":105,"extFields":{"__ZONE_MODE":"true","__ZONE_NAME":"z1","topic":"ZoneT"},"flag":0,"language":"JAVA","opaque":0,"serializeTypeCurrentRPC":"JSON","version":513}"#,
    r#"{"code":105,"language":"GO","version":317,"opaque":1,"flag":0,"remark":"","extFields":{"topic":"GoTopic"}}"#,
    r#"{"code":105,"language":"JAVA","opaque":1,"flag":0,"version":121,"extFields":{"Signature":"EIcj2gNO8PFHEcfZvhpTvZDDJXc=","AccessKey":"ak","OnsChannel":"ALIYUN","topic":"OnsT"}}"#,
    r#"{"code":105,"flag":0,"language":"RUST","opaque":-3,"remark":null,"extFields":{"topic":"RustT"},"version":474,"serializeTypeCurrentRPC":"JSON"}"#,
    r#"{"code":34,"extFields":{},"opaque":-2147483648}"#,
];

#[test]
fn reads_a_java_header() {
    let request = json(JAVA).unwrap();
    assert_eq!((request.code, request.opaque, request.flag, request.version), (105, 7, 0, 513));
    assert_eq!(request.fields.value("topic"), Some(Cow::Borrowed("TopicTest")));
    assert_eq!(request.body, b"body");
    assert!(!request.is_response() && !request.is_oneway());
}

#[test]
fn headers_of_real_peers_take_the_exact_path_and_the_full_reader_agrees() {
    for header in REAL {
        let request = exact::read(header.as_bytes(), 100).expect(header);
        assert_eq!(comparable(&request), comparable(&full::read(header.as_bytes(), 100).unwrap()), "{header}");
    }
}

#[test]
fn flag_bits_are_told_apart() {
    for (flag, response, oneway) in
        [(0, false, false), (1, true, false), (2, false, true), (3, true, true), (4, false, false)]
    {
        let header = alloc::format!("{{\"flag\":{flag}}}");
        let request = json(&header).unwrap();
        assert_eq!((request.is_response(), request.is_oneway()), (response, oneway), "{flag}");
    }
}

#[test]
fn the_full_reader_takes_what_java_takes_of_standard_json() {
    for (header, code, opaque) in [
        (r#"{"code":106}"#, 106, 0),
        (r#"{"c\u006fde":106,"opaque":-0}"#, 106, 0),
        (r#"{"code":106,"remark":{"any":["thing"]}}"#, 106, 0),
        (r#"{"code":106,"\ud83d":"\ud83d"}"#, 106, 0),
        ("{}", 0, 0),
    ] {
        let request = json(header).expect(header);
        assert_eq!((request.code, request.opaque), (code, opaque), "{header}");
    }
}

#[test]
fn the_full_reader_takes_what_is_not_ascii() {
    let header = r#"{"code":105,"extFields":{"topic":"é😀"},"remark":"ö"}"#;
    assert!(exact::read(header.as_bytes(), 100).is_none());
    assert_eq!(json(header).unwrap().fields.value("topic"), Some(Cow::Borrowed("é😀")));
}

#[test]
fn language_and_serialization_type_hardly_matter() {
    for value in ["\"FOO\"", "\"\"", "\"99\"", "null", "0", "1"] {
        for name in ["language", "serializeTypeCurrentRPC"] {
            let header = alloc::format!("{{\"{name}\":{value}}}");
            assert!(json(&header).is_ok(), "{header}");
        }
    }
    assert!(json(r#"{"language":13}"#).is_ok());
    for malformed in [
        r#"{"language":14}"#,
        r#"{"language":-1}"#,
        r#"{"language":true}"#,
        r#"{"language":{}}"#,
        r#"{"serializeTypeCurrentRPC":2}"#,
    ] {
        assert!(json(malformed).is_err(), "{malformed}");
    }
}

#[test]
fn extension_fields_of_any_type_become_text() {
    for (value, expected) in [
        (r#""5\/\u0041\ud83d\ude00\n""#, Some("5/A😀\n")),
        ("-5", Some("-5")),
        ("123456789012345678901234567890", Some("123456789012345678901234567890")),
        ("1E7", Some("1.0E7")),
        ("1.25e10", Some("1.25E10")),
        ("-1e-5", Some("-1.0E-5")),
        ("1e999", Some("Infinity")),
        ("-1e999", Some("-Infinity")),
        ("false", Some("false")),
        ("null", None),
        (r#"{ "b" : 1, "a\"  b" : [ 1 , "x y\\" ] }"#, Some(r#"{"b":1,"a\"  b":[1,"x y\\"]}"#)),
        ("[ ]", Some("[]")),
    ] {
        let header = alloc::format!("{{\"extFields\":{{\"topic\":{value}}}}}");
        let request = json(&header).expect(&header);
        assert_eq!(request.fields.value("topic").as_deref(), expected, "{header}");
    }
}

#[test]
fn extension_fields_follow_the_last_member() {
    for (fields, expected) in [
        (r#""extFields":{"topic":"A","topic":null}"#, None),
        (r#""extFields":{"topic":null,"topic":"B"}"#, Some("B")),
        (r#""extFields":{"topic":"A"},"extFields":null"#, None),
        (r#""extFields":null,"extFields":{"topic":"A"}"#, Some("A")),
        (r#""extFields":{"Topic":"A"}"#, None),
    ] {
        let header = alloc::format!("{{{fields}}}");
        let request = json(&header).expect(&header);
        assert_eq!(request.fields.value("topic").as_deref(), expected, "{header}");
    }
    assert!(matches!(json(r#"{"extFields":null}"#).unwrap().fields, ExtFields::None));
    assert!(json(r#"{"extFields":{"$ref":"$"}}"#).unwrap().fields.to_vec().is_empty());
}

#[test]
fn refuses_what_is_no_standard_json_or_cannot_be_converted() {
    for malformed in [
        "",
        "\"x\"",
        r#"{"code":99999999999999999999,"opaque":1}"#,
        r#"{"code":01}"#,
        r#"{"code":-}"#,
        r#"{"extFields":{"a":"b",}}"#,
        r#"{"extFields":{"a" "b"}}"#,
        // Java accepts these, but no peer sends them.
        r#"{"code":+5}"#,
        "{\"extFields\":{\"topic\":\"a\tb\"}}",
    ] {
        assert!(matches!(json(malformed), Err(FrameError::JsonHeader(_))), "{malformed}");
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    for (header, reason) in [
        (r#"{"code":106,"extFields":[]}"#, "invalid type: sequence, expected an object at line 1 column 26"),
        (r#"{"code":[]}"#, "invalid type: sequence, expected an integer at line 1 column 10"),
        (
            r#"{"language":[]}"#,
            "invalid type: sequence, expected a name, null or a number up to 13 at line 1 column 14",
        ),
    ] {
        let error = json(header).unwrap_err();
        assert_eq!(error.to_string(), alloc::format!("malformed JSON header: {reason}"));
    }
}

#[test]
fn the_number_of_extension_fields_is_limited() {
    let limits = Limits { ext_fields_max: 2, ..Limits::default() };
    for (members, allowed) in [
        (r#""a":"1","b":"2""#, true),
        (r#""a":"1","b":"2","c":"3""#, false),
        (r#""a":1,"a":null"#, true),
        (r#""a":1,"a":null,"a":2"#, false),
    ] {
        let header = alloc::format!("{{\"extFields\":{{{members}}}}}");
        let frame = RawFrame { serialization: Serialization::Json, header: header.as_bytes(), body: b"" };
        assert_eq!(Request::decode(frame, &limits).is_ok(), allowed, "{header}");
    }
    let header = Parts::default().with_fields(&[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]).encode();
    let frame = RawFrame { serialization: Serialization::Binary, header: &header, body: b"" };
    assert_eq!(Request::decode(frame, &limits).unwrap_err(), FrameError::TooManyFields { max: 2 });
}

/// The parts of a binary header. A test may falsify their lengths.
#[derive(Default)]
struct Parts {
    fixed: (i16, u8, i16, i32, i32),
    remark: Vec<u8>,
    fields: Vec<u8>,
    remark_length: Option<i32>,
    fields_length: Option<i32>,
    surplus: Vec<u8>,
}

impl Parts {
    fn with_fields(mut self, fields: &[(&[u8], &[u8])]) -> Self {
        for (key, value) in fields {
            self.fields.extend((key.len() as i16).to_be_bytes());
            self.fields.extend_from_slice(key);
            self.fields.extend((value.len() as i32).to_be_bytes());
            self.fields.extend_from_slice(value);
        }
        self
    }

    fn encode(&self) -> Vec<u8> {
        let (code, language, version, opaque, flag) = self.fixed;
        [
            &code.to_be_bytes()[..],
            &[language],
            &version.to_be_bytes(),
            &opaque.to_be_bytes(),
            &flag.to_be_bytes(),
            &self.remark_length.unwrap_or(self.remark.len() as i32).to_be_bytes(),
            &self.remark,
            &self.fields_length.unwrap_or(self.fields.len() as i32).to_be_bytes(),
            &self.fields,
            &self.surplus,
        ]
        .concat()
    }
}

fn binary(header: &[u8]) -> Result<Request<'_>, FrameError> {
    decode(Serialization::Binary, header)
}

#[test]
fn reads_a_binary_header() {
    // GET_ROUTEINFO_BY_TOPIC for TopicTest as a broker with binary headers sends it.
    let header = b"\x00\x69\x00\x01\xdf\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\x14\0\x05topic\0\0\0\x09TopicTest";
    let request = binary(header).unwrap();
    assert_eq!((request.code, request.opaque, request.flag, request.version), (105, 7, 0, 479));
    assert_eq!(request.fields.value("topic").as_deref(), Some("TopicTest"));
    assert_eq!(request.body, b"body");

    let smallest = Parts { fixed: (-25536, 255, -1, -2, 3), ..Parts::default() }.encode();
    let request = binary(&smallest).unwrap();
    assert_eq!(smallest.len(), 21);
    assert_eq!((request.code, request.version, request.opaque, request.flag), (-25536, -1, -2, 3));
    assert!(matches!(request.fields, ExtFields::None));
}

#[test]
fn surplus_bytes_of_a_binary_header_are_ignored() {
    for fields_length in [None, Some(0), Some(-1)] {
        let parts = Parts { fields_length, surplus: b"surplus".to_vec(), ..Parts::default() };
        let header = parts.encode();
        let request = binary(&header).unwrap();
        assert_eq!(request.body, b"body");
        assert!(matches!(request.fields, ExtFields::None));
    }
}

#[test]
fn refuses_a_binary_header_with_wrong_lengths() {
    let whole = Parts { remark: b"remark".to_vec(), ..Parts::default() }.with_fields(&[(b"key", b"value")]).encode();
    assert!(binary(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(matches!(binary(&whole[..length]), Err(FrameError::BinaryHeader(_))), "{length} bytes");
    }
    for wrong in [-1, i32::MIN, 7, 1000, i32::MAX] {
        let parts = Parts { remark: b"".to_vec(), remark_length: Some(wrong), ..Parts::default() };
        assert!(matches!(binary(&parts.encode()), Err(FrameError::BinaryHeader(_))), "remark {wrong}");
    }
    for wrong in [1, 13, 15, i32::MAX] {
        let parts = Parts { fields_length: Some(wrong), ..Parts::default() }.with_fields(&[(b"key", b"value")]);
        assert!(matches!(binary(&parts.encode()), Err(FrameError::BinaryHeader(_))), "fields {wrong}");
    }
    // A value that extends past the end of the map, but not of the header.
    let mut parts = Parts { surplus: b"surplus".to_vec(), ..Parts::default() }.with_fields(&[(b"key", b"value")]);
    parts.fields[8] = 6;
    assert!(matches!(binary(&parts.encode()), Err(FrameError::BinaryHeader(_))));
}

/// JSON text with everything that a header may hold, well-formed or nearly so.
fn nearly_header() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        4 => "[a-zA-Z0-9:._% -]{0,12}",
        1 => "[é😀/'\\\\u00e9\\\\n\\\\ud83d\t]{0,3}",
        1 => Just("$ref".to_string()),
    ]
    .prop_map(|content| alloc::format!("\"{content}\""));
    let number = prop_oneof![
        4 => any::<i32>().prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => "-?[0-9]{1,12}(\\.[0-9]{1,2})?([eE][+-]?[0-9])?",
    ];
    let other = prop::sample::select(alloc::vec!["null", "true", "{}", "[]", "[1]", "-", ""]);
    let value = prop_oneof![6 => text.clone(), 6 => number.clone(), 1 => other.prop_map(String::from)].boxed();
    let fields = prop::collection::vec((text, value.clone()), 0..4)
        .prop_map(|fields| {
            fields.iter().map(|(name, value)| alloc::format!("{name}:{value}")).collect::<Vec<_>>().join(",")
        })
        .prop_map(|members| alloc::format!("{{{members}}}"));
    let exact_fields = prop::collection::vec(("[a-z$]{1,9}", "[a-zé:]{0,12}"), 0..4)
        .prop_map(|fields| {
            fields.iter().map(|(name, value)| alloc::format!("\"{name}\":\"{value}\"")).collect::<Vec<_>>().join(",")
        })
        .prop_map(|members| alloc::format!("{{{members}}}"));
    let integers = prop::sample::select(alloc::vec!["code", "flag", "opaque", "version"]);
    let member = prop_oneof![
        8 => (integers, prop_oneof![9 => number, 1 => value.clone()]),
        2 => (Just("language"), value.clone()),
        2 => (Just("serializeTypeCurrentRPC"), value.clone()),
        2 => (Just("remark"), value.clone()),
        2 => (Just("extFields"), exact_fields),
        1 => (Just("extFields"), fields),
        1 => (Just("unknown"), value),
    ];
    let space = prop_oneof![20 => Just(""), 1 => Just(" ")];
    (prop::collection::vec(member, 0..8), space).prop_map(|(members, space)| {
        let members: Vec<_> = members.iter().map(|(name, value)| alloc::format!("\"{name}\":{space}{value}")).collect();
        alloc::format!("{{{}}}", members.join(","))
    })
}

/// A header with a few changed bytes.
fn damaged_header() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (prop::sample::select(REAL.to_vec()), damage).prop_map(|(header, damage)| {
        let mut header = header.as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(header.len());
            header[at] = byte;
        }
        header
    })
}

fn check_agreement(header: &[u8]) {
    if let Some(request) = exact::read(header, 3) {
        let agreed = full::read(header, 3).expect("the full reader takes what the exact path takes");
        assert_eq!(comparable(&request), comparable(&agreed));
    }
}

/// Runs the same cases every time.
fn deterministic() -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(9876), failure_persistence: None, ..ProptestConfig::with_cases(1024) }
}

proptest! {
    #![proptest_config(deterministic())]

    #[test]
    fn the_full_reader_agrees_with_the_exact_path(header in nearly_header()) {
        check_agreement(header.as_bytes());
    }

    #[test]
    fn the_full_reader_agrees_with_the_exact_path_on_damaged_headers(header in damaged_header()) {
        check_agreement(&header);
    }
}
