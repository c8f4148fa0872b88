//! The names, numbers and letters that steps are made of: few, so that things meet.

/// Every name has it in place of a text of the driver's own.
pub const MARK: char = '~';

/// Connections that requests arrive over.
pub const CONNECTIONS: usize = 5;

/// Broker groups, each with its usual cluster. No name has both a character that is escaped and one of four bytes: Java
/// cannot read such a key of an object, not even its own when it filters a route by zone.
pub const GROUPS: [(&str, &str); 3] = [("a~", "C~"), ("b~", "C~"), ("\u{e9}\"\u{2} ~", "D\u{1f600}~")];

/// A group that nobody registers.
pub const NO_GROUP: &str = "never~";

/// Clusters.
pub const CLUSTERS: [&str; 2] = ["C~", "D\u{1f600}~"];

/// Addresses that are not made of the name of their broker.
pub const ADDRESSES: [&str; 3] = ["other~:1", "a~.0:10911", "a~.1:10911"];

/// Namespaces of the KV table.
pub const NAMESPACES: [&str; 3] = ["ORDER_TOPIC_CONFIG", "n~", "odd \"\u{1}\u{e9}~"];

/// Switches that change while the server runs.
pub const SETTINGS: [&str; 8] = [
    "deleteTopicWithBrokerRegistration",
    "enableAllTopicList",
    "enableTopicList",
    "needWaitForService",
    "notifyMinBrokerIdChanged",
    "orderMessageEnable",
    "returnOrderTopicConfigToBroker",
    "supportActingMaster",
];

/// Keys that no request changes: one that is read at start, and one that the server does not know.
pub const OTHER_KEYS: [&str; 2] = ["listenPort", "unknown"];

/// The key with this number: first [`SETTINGS`], then [`OTHER_KEYS`].
pub fn setting(number: usize) -> &'static str {
    SETTINGS.iter().chain(&OTHER_KEYS).nth(number).expect("a number of a key")
}

/// Topics.
pub const TOPICS: [&str; 5] = ["T~", "U~", "V~", "rmq_sys_SYNC_BROKER_MEMBER_a~", "\u{e9}\"/\u{7f}~"];

/// Zones.
pub const ZONES: [&str; 4] = ["z1", "Z1", "z2\u{e9}", " "];

/// Releases as peers announce them: next to each number that decides something, and some that do not exist.
pub const RELEASES: [i32; 15] = [513, 400, 401, 317, 273, 36, 37, 78, 412, 413, 475, 612, 613, 0, -1];

/// Codes that a NameServer does not answer.
pub const CODES: [i32; 12] = [0, 1, 10, 34, 99, 107, 905, 1500, -1, 40_000, i32::MAX, i32::MIN];

/// Values of KV entries.
pub const VALUES: [&str; 6] =
    ["a~:4;b~:8", "", "no order", "\u{e9}\"\u{1}\u{1f600}\u{2028}/\\", "x:1", " a~ : +4 ;; b~:08;"];

/// What is wrong with extension fields.
pub const FIELD_VALUES: [(&str, Option<&str>); 31] = [
    ("brokerName", None),
    ("brokerAddr", None),
    ("clusterName", None),
    ("clusterName", Some("")),
    ("brokerId", None),
    ("brokerId", Some("")),
    ("brokerId", Some("+1")),
    ("brokerId", Some(" 1")),
    ("brokerId", Some("0x1")),
    ("brokerId", Some("1L")),
    ("brokerId", Some("9223372036854775808")),
    ("haServerAddr", None),
    ("enableActingMaster", Some("TRUE")),
    ("enableActingMaster", Some("yes")),
    ("heartbeatTimeoutMillis", Some("forever")),
    ("heartbeatTimeoutMillis", Some("")),
    ("compressed", Some("TrUe")),
    ("compressed", None),
    ("bodyCrc32", Some("1")),
    ("bodyCrc32", Some("-1")),
    ("bodyCrc32", Some("none")),
    ("bodyCrc32", None),
    ("topic", None),
    ("topic", Some("")),
    ("cluster", None),
    ("namespace", None),
    ("namespace", Some("")),
    ("key", None),
    ("key", Some("")),
    ("value", None),
    ("unknown", Some("x")),
];

/// Members of a JSON header, each with JSON texts that it may be given.
pub const MEMBER_VALUES: [(&str, &[Option<&str>]); 9] = [
    (
        "code",
        &[
            Some("\"105\""),
            Some("105.7"),
            Some("1.06e2"),
            Some("null"),
            Some("\"\""),
            Some("false"),
            Some("true"),
            Some("\" 1\""),
            None,
        ],
    ),
    (
        "opaque",
        &[
            Some("\"7\""),
            Some("7.9"),
            Some("-2147483648"),
            Some("2147483648"),
            Some("null"),
            Some("true"),
            Some("[7]"),
            None,
        ],
    ),
    ("version", &[Some("\"400\""), Some("400.9"), Some("null"), Some("4e2"), Some("x"), Some("[400]"), None]),
    (
        "language",
        &[
            Some("\"RUST\""),
            Some("\"nobody's\""),
            Some("null"),
            Some("3"),
            Some("14"),
            Some("-1"),
            Some("true"),
            Some("{}"),
            Some("[]"),
            None,
        ],
    ),
    (
        "serializeTypeCurrentRPC",
        &[Some("\"ROCKETMQ\""), Some("\"x\""), Some("0"), Some("1"), Some("2"), Some("null"), Some("{}"), None],
    ),
    ("remark", &[Some("\"\""), Some("null"), Some("5"), Some("{\"a\":[1]}"), Some("[\"x\"]")]),
    (
        "extFields",
        &[
            Some("null"),
            Some("{}"),
            Some("[]"),
            Some("5"),
            Some("{\"topic\":5.50}"),
            Some("{\"topic\":true}"),
            Some("{\"topic\":null}"),
            Some("{\"topic\":{\"a\":[1,\"b\"]}}"),
            Some("{\"$ref\":\"$\"}"),
            None,
        ],
    ),
    ("unknown", &[Some("{\"a\":[[[]]]}"), Some("\"x\""), Some("1e400")]),
    ("@type", &[Some("\"java.lang.String\"")]),
];

/// Letters that are put into JSON headers.
pub const HEADER_BYTES: [&[u8]; 20] = [
    b" ",
    b"\t\r\n",
    b",",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\"",
    b"'",
    b"\\",
    b"\\u0041",
    b"\\x41",
    b"\\/",
    b"/**/",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xc3\xa9",
    b"//\n",
];

/// Bytes that are put into binary headers.
pub const BINARY_BYTES: [&[u8]; 4] = [b"\x00\x00\x00", b"\x01\x80", b"\xff\xfe\xfd\xfc", b"\x00\x01k\x00\x00\x00\x01v"];

/// Letters that are put into bodies; nothing cuts the body off.
pub const BODY_BYTES: [&[u8]; 14] =
    [b"", b" ", b",", b"{", b"]", b"\"", b"'", b"0", b".5", b"null", b"/**/", b"\\", b"\xff", b"\xc3\xa9"];

/// Lines of configuration changes.
pub const PROPERTIES: [&str; 25] = [
    "orderMessageEnable=true",
    "orderMessageEnable=true",
    "orderMessageEnable : TRUE",
    "returnOrderTopicConfigToBroker=false",
    "returnOrderTopicConfigToBroker true",
    "supportActingMaster=true",
    "supportActingMaster=true",
    "supportActingMaster=on",
    "enableAllTopicList=false",
    "enableTopicList=false",
    "enableTopicList=true",
    "waitSecondsForService=1000000\nneedWaitForService=true",
    "needWaitForService=false",
    "waitSecondsForService= 7",
    "waitSecondsForService=7 ",
    "deleteTopicWithBrokerRegistration=true",
    "deleteTopicWithBrokerRegistration=true",
    "deleteTopicWithBrokerRegistration=no",
    "productEnvName=\u{e9}\\u00e9 x ",
    "unknownKey=1",
    "kvConfigPath=/nowhere",
    "broken=\\u12",
    "# a comment",
    "shutdownWaitTimeSeconds=\\\n  31",
    "serverWorkerThreads=9",
];

/// What undoes them. Where ours refuses, it has nothing to undo.
pub const RESETS: [&str; 2] = [
    "orderMessageEnable=false\nreturnOrderTopicConfigToBroker=true\nsupportActingMaster=false\nenableAllTopicList=true\n\
     enableTopicList=true\nneedWaitForService=false\nwaitSecondsForService=45\ndeleteTopicWithBrokerRegistration=false\n\
     productEnvName=center\nshutdownWaitTimeSeconds=30",
    "serverWorkerThreads=8",
];
