//! The configuration file, GET_NAMESRV_CONFIG and UPDATE_NAMESRV_CONFIG.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use namesrv_core::config::{Changes, Configuration, Limits, Source, Update, Warning, properties};
use namesrv_core::key::{INT, Key, Kind, Origin, integer, text};
use namesrv_core::time::Duration;
use namesrv_core::wire::Serialization;

namesrv_core::keys! {
    /// Keys of a process, like those of the shell.
    #[derive(Debug)]
    struct Process {
        /// A path, which has no default.
        path: String = text("configStorePath", "").of(Origin::NamesrvConfig(2)).without_default();
        /// A port.
        port: u16 = integer("listenPort", Kind::Integer(0, 65_535), "9876").of(Origin::NettyServerConfig(1));
        /// A size.
        size: usize = integer("serverSocketSndBufSize", INT, "0").of(Origin::NettyServerConfig(8));
        /// A number of threads.
        threads: usize = integer("ioThreads", Kind::Integer(0, 1024), "0");
    }
}

const NOT_OFFERED: &str = "this is not offered";

const OTHERS: &[Key] = &[
    Key::default_of(&Process::size.key, "com.rocketmq.remoting.socket.sndbuf.size", Origin::JvmProperty(2)),
    Key::unused("clientThreads", INT, "4", Origin::NettyClientConfig(12)),
    Key::refused("tls.enable", Kind::Boolean, "false", Origin::JvmProperty(7), NOT_OFFERED),
    Key::refused("tls.server.mode", Kind::Text, "disabled", Origin::JvmProperty(8), NOT_OFFERED),
];

const PROCESS: &[&[Key]] = &[Process::KEYS, OTHERS];

fn read(file: &str) -> Result<(Configuration, Vec<String>), String> {
    let entries = properties::parse(file.as_bytes()).unwrap();
    let (configuration, warnings) = Configuration::with_keys(PROCESS, &entries).map_err(|error| error.to_string())?;
    Ok((configuration, warnings.into_iter().map(|Warning(line)| line).collect()))
}

fn configuration(file: &str) -> Configuration {
    read(file).unwrap().0
}

fn process(configuration: &Configuration) -> Process {
    Process::read(|key| configuration.effective(key))
}

fn update(configuration: &Configuration, body: impl AsRef<[u8]>) -> (Configuration, Vec<String>, String) {
    match configuration.update(body.as_ref()) {
        Update::Changed { configuration, keys } => {
            let runtime_file = configuration.runtime_file();
            (*configuration, keys, runtime_file)
        }
        other @ (Update::Malformed | Update::Forbidden | Update::Unchanged) => panic!("{other:?}"),
    }
}

#[test]
fn defaults_are_those_of_the_structs() {
    let configuration = configuration("");
    assert_eq!(configuration.limits(), Limits::default());
    assert_eq!(configuration.serialization(), Serialization::Json);
    let settings = configuration.settings();
    assert!(
        settings.return_order_topic_config_to_broker && settings.enable_all_topic_list && settings.enable_topic_list
    );
    assert!(!settings.order_message_enable && !settings.support_acting_master && !settings.need_wait_for_service);
    assert!(!settings.notify_min_broker_id_changed && !settings.delete_topic_with_broker_registration);
    assert!(!settings.enable_shutdown_gracefully);
    assert_eq!(settings.wait_seconds_for_service, 45);
    assert_eq!(settings.server_channel_max_idle_time_seconds, 120);
    assert_eq!(settings.shutdown_wait_time_seconds, 30);
    let limits = configuration.limits();
    assert_eq!(limits.frame_bytes_max, 16 * 1024 * 1024);
    assert_eq!(limits.header_bytes_max, 0x00FF_FFFF);
    assert_eq!(limits.registry_bytes_max, 2 * 1024 * 1024 * 1024);
    assert_eq!(limits.frame_time_max, Duration::from_secs(120));
    assert_eq!(process(&configuration).port, 9876);
}

#[test]
fn every_key_that_matters_is_taken_from_the_file() {
    let configuration = configuration(
        "configStorePath = ::1 \nlistenPort=+1\t\nioThreads=4\nrocketmq.serialize.type=ROCKETMQ\n\
         com.rocketmq.remoting.frameMaxLength=5000\nheaderBytesMax=6\nextFieldsMax=7\ninflatedBytesMax=8\n\
         topicsPerRegistrationMax=9\nconnectionsMax=10\nforwardedPerConnectionMax=11\noutputBytesPause=12\n\
         outputBytesMax=13\nregistryQueueRequestsMax=14\nregistryQueueBytesMax=15000\nincompleteInputBytesMax=16000\n\
         frameSecondsMax=17\nkvBytesMax=18\nunreadOutputBytesMax=19\nregistryBytesMax=20\n\
         orderMessageEnable=true\nreturnOrderTopicConfigToBroker=false\nsupportActingMaster=True\n\
         enableAllTopicList=false\nenableTopicList=FALSE\nnotifyMinBrokerIdChanged=true\nneedWaitForService=true\n\
         waitSecondsForService=19\ndeleteTopicWithBrokerRegistration=true\nserverChannelMaxIdleTimeSeconds=20\n\
         enableShutdownGracefully=true\nshutdownWaitTimeSeconds=-21\n",
    );
    let Process { path, port, threads, .. } = process(&configuration);
    assert_eq!((path.as_str(), port, threads), ("::1", 1, 4));
    assert_eq!(configuration.value("listenPort"), Some("1"));
    assert_eq!(configuration.serialization(), Serialization::Binary);
    let limits = Limits {
        frame_bytes_max: 5000,
        header_bytes_max: 6,
        ext_fields_max: 7,
        inflated_bytes_max: 8,
        topics_per_registration_max: 9,
        connections_max: 10,
        forwarded_per_connection_max: 11,
        output_bytes_pause: 12,
        output_bytes_max: 13,
        registry_queue_requests_max: 14,
        registry_queue_bytes_max: 15_000,
        incomplete_input_bytes_max: 16_000,
        frame_time_max: Duration::from_secs(17),
        kv_bytes_max: 18,
        unread_output_bytes_max: 19,
        registry_bytes_max: 20,
    };
    assert_eq!(configuration.limits(), limits);
    let settings = configuration.settings();
    assert!(settings.order_message_enable && settings.support_acting_master && settings.need_wait_for_service);
    assert!(settings.notify_min_broker_id_changed && settings.delete_topic_with_broker_registration);
    assert!(settings.enable_shutdown_gracefully);
    assert!(!settings.return_order_topic_config_to_broker && !settings.enable_all_topic_list);
    assert!(!settings.enable_topic_list);
    assert_eq!((settings.wait_seconds_for_service, settings.shutdown_wait_time_seconds), (19, -21));
    assert_eq!(settings.server_channel_max_idle_time_seconds, 20);
}

#[test]
fn bounds_that_hold_frames_are_never_smaller_than_one() {
    let limits = configuration("com.rocketmq.remoting.frameMaxLength=1000000000").limits();
    assert_eq!(limits.frame_bytes_max, 1_000_000_000);
    assert_eq!(limits.registry_queue_bytes_max, 1_000_000_000);
    assert_eq!(limits.incomplete_input_bytes_max, 2_000_000_000);
}

#[test]
fn jvm_properties_are_defaults_of_keys() {
    let size = |file: &str| process(&configuration(file)).size;
    assert_eq!(size("com.rocketmq.remoting.socket.sndbuf.size=1"), 1);
    assert_eq!(size("com.rocketmq.remoting.socket.sndbuf.size=1\nserverSocketSndBufSize=2"), 2);
    assert_eq!(size("com.rocketmq.remoting.socket.sndbuf.size=-1"), 0, "a negative size is none");

    let pause = |file: &str| configuration(file).limits().output_bytes_pause;
    let high = "com.rocketmq.remoting.write.buffer.high.water.mark=4\n";
    assert_eq!(pause(high), Limits::default().output_bytes_pause, "one mark is none");
    assert_eq!(pause(&format!("{high}writeBufferLowWaterMark=1")), 4);
}

#[test]
fn bad_values_stop_the_start_and_name_everything() {
    for (file, message) in [
        ("shutdownWaitTimeSeconds=2147483648", "line 1: shutdownWaitTimeSeconds: `2147483648` is not"),
        ("connectionsMax=0", "line 1: connectionsMax: `0` is not"),
        ("com.rocketmq.remoting.socket.sndbuf.size=x", "line 1: com.rocketmq.remoting.socket.sndbuf.size: `x` is not"),
    ] {
        let error = read(file).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }
    assert!(read("listenPort=x\nlistenPort=1").is_ok(), "the last of repeated keys counts");
}

#[test]
fn many_unknown_keys_are_counted() {
    let file: String = (0..1000).map(|number| format!("key{number}=1\n")).collect();
    let (_, warnings) = read(&file).unwrap();
    let [warning] = &*warnings else { panic!("{warnings:?}") };
    assert!(warning.ends_with("`key19` (line 20) and 980 more"), "{warning}");
}

#[test]
fn defaults_of_the_environment_count_below_the_file() {
    let with = |file: &str| {
        let mut configuration = Configuration::defaults(PROCESS);
        let buffer = *configuration.key("com.rocketmq.remoting.socket.sndbuf.size").unwrap();
        let threads = *configuration.key("ioThreads").unwrap();
        configuration.set_default(&buffer, "7").unwrap();
        configuration.set_default(&threads, " 3 ").unwrap();
        configuration.read_file(&properties::parse(file.as_bytes()).unwrap()).unwrap();
        let Process { size, threads, .. } = process(&configuration);
        (size, threads, configuration.value("ioThreads").map(str::to_owned))
    };
    assert_eq!(with(""), (7, 3, None));
    assert_eq!(with("com.rocketmq.remoting.socket.sndbuf.size=8\nioThreads=4"), (8, 4, Some("4".to_owned())));
    assert_eq!(with("serverSocketSndBufSize=9"), (9, 3, None));
    let mut configuration = Configuration::defaults(PROCESS);
    let mode = *configuration.key("tls.server.mode").unwrap();
    assert_eq!(configuration.set_default(&mode, "enforcing"), Err(format!("`enforcing`: {NOT_OFFERED}")));
    assert_eq!(configuration.set_default(&mode, "disabled"), Ok(()));
}

#[test]
fn keys_beyond_those_of_the_java_server_are_listed_only_when_the_file_sets_them() {
    let keys = ["ioThreads", "rocketmq.serialize.type", "clientThreads"];
    let (without, with) =
        (configuration(""), configuration("ioThreads=2\nrocketmq.serialize.type=JSON\nclientThreads=1"));
    for key in keys {
        assert_eq!(without.value(key), None, "{key}");
        assert!(with.value(key).is_some(), "{key}");
    }
}

#[test]
fn items_are_all_keys_and_what_else_the_file_sets() {
    let configuration = configuration("mine = 1 \nscanNotActiveBrokerInterval=often");
    let items: Vec<_> = configuration.items().collect();
    assert_eq!(items.first(), Some(&("configStorePath", "")));
    assert_eq!(items.last(), Some(&("mine", "1")));
    for item in [
        ("listenPort", "9876"),
        ("ioThreads", "0"),
        ("com.rocketmq.remoting.frameMaxLength", "16777216"),
        ("scanNotActiveBrokerInterval", "5000"),
    ] {
        assert!(items.contains(&item), "{item:?}");
    }
}

#[test]
fn live_keys_change_by_the_rules_of_java() {
    let table: &[(&str, &str, &str)] = &[
        ("enableTopicList=false", "enableTopicList", "false"),
        ("waitSecondsForService=+7", "waitSecondsForService", "7"),
        ("waitSecondsForService=-7", "waitSecondsForService", "-7"),
        ("productEnvName= a\\u00e9\\\n  b ", "productEnvName", "aéb"),
        ("productEnvName=", "productEnvName", ""),
        ("waitSecondsForService=1\nwaitSecondsForService=2", "waitSecondsForService", "2"),
    ];
    for (body, key, value) in table {
        let (configuration, keys, _) = update(&configuration(""), body);
        assert_eq!((configuration.value(key), keys), (Some(*value), vec![key.to_string()]), "{body}");
    }
    assert!(!update(&configuration(""), "enableTopicList=false").0.settings().enable_topic_list);
}

#[test]
fn what_changes_nothing_is_unchanged() {
    for body in [
        "",
        "# nothing",
        "waitSecondsForService=1 ",
        "waitSecondsForService=2147483648",
        "waitSecondsForService=45",
        "enableTopicList=True",
        "supportActingMaster=true ",
        "waitSecondsForService=46\nwaitSecondsForService=45",
    ] {
        assert!(matches!(configuration("").update(body.as_bytes()), Update::Unchanged), "{body}");
    }
}

#[test]
fn only_keys_on_the_allow_list_may_be_updated() {
    let configuration = configuration("configBlackList=a; productEnvName\nextra=1");
    for body in [
        "listenPort=1\nwaitSecondsForService=1",
        "configStorePath=/x",
        "configBlackList=",
        "serverWorkerThreads=8",
        "clusterTest=false",
        "clientThreads=1",
        "ioThreads=1",
        "tls.enable=true",
        "a=1",
        "productEnvName=x",
    ] {
        assert!(matches!(configuration.update(body.as_bytes()), Update::Forbidden), "{body}");
    }
}

#[test]
fn unknown_keys_of_the_file_are_remembered_as_they_come() {
    let (configuration, keys, runtime_file) = update(&configuration("extra=1"), "extra=2 \nother=3");
    assert_eq!(configuration.value("extra"), Some("2 "));
    assert_eq!(configuration.value("other"), None);
    assert_eq!(keys, ["extra"]);
    assert!(runtime_file.ends_with("\nextra=2 \n"), "{runtime_file}");
}

#[test]
fn the_runtime_file_holds_all_changes_and_is_read_back() {
    let (configuration, _, _) = update(&configuration("waitSecondsForService=1"), "productEnvName=\\u4e2d");
    let (configuration, _, runtime_file) = update(&configuration, "waitSecondsForService=2\nenableTopicList=false");
    assert!(runtime_file.starts_with("# "), "{runtime_file}");
    assert!(
        runtime_file.ends_with("\nenableTopicList=false\nproductEnvName=\\u4E2D\nwaitSecondsForService=2\n"),
        "{runtime_file}"
    );

    let mut restarted = self::configuration("waitSecondsForService=1");
    let entries = properties::parse(runtime_file.as_bytes()).unwrap();
    assert_eq!(restarted.read_runtime_file(&entries), Ok(vec![]));
    assert_eq!(restarted.listing(), configuration.listing());
    let (_, _, runtime_file) = update(&restarted, "waitSecondsForService=3");
    assert!(runtime_file.contains("enableTopicList=false"), "earlier changes stay: {runtime_file}");
}

#[test]
fn unknown_keys_keep_their_blanks_over_a_restart() {
    let (changed, _, runtime_file) = update(&configuration("unknown=x"), "unknown= a  ");
    assert_eq!(changed.value("unknown"), Some("a  "));
    let mut restarted = configuration("unknown=x");
    assert_eq!(restarted.read_runtime_file(&properties::parse(runtime_file.as_bytes()).unwrap()), Ok(vec![]));
    assert_eq!(restarted.listing(), changed.listing());
}

#[test]
fn the_runtime_file_cannot_do_more_than_an_update() {
    let mut configuration = configuration("");
    let warnings = configuration
        .read_runtime_file(&properties::parse(b"listenPort=1\nwaitSecondsForService= 2 ").unwrap())
        .unwrap();
    assert_eq!(warnings, [Warning("line 1: listenPort is ignored: it cannot be changed at run time".into())]);
    assert_eq!((process(&configuration).port, configuration.settings().wait_seconds_for_service), (9876, 2));
    let error = configuration.read_runtime_file(&properties::parse(b"waitSecondsForService=x").unwrap()).unwrap_err();
    assert_eq!((error.line, error.key.as_str()), (1, "waitSecondsForService"));
}

#[test]
fn values_tell_where_they_come_from() {
    let mut configuration = configuration("mine=1\nwaitSecondsForService=1\n");
    configuration.read_runtime_file(&properties::parse(b"waitSecondsForService=2").unwrap()).unwrap();
    let shown = ["mine", "waitSecondsForService", "connectionsMax"].map(|key| configuration.source(key).to_string());
    assert_eq!(shown, ["file:1", "runtime", "default"]);
    assert_eq!(
        [Source::Environment, Source::CommandLine].map(|source| source.to_string()),
        ["environment", "command line"]
    );
}

#[test]
fn a_file_that_is_read_again_is_compared_key_by_key() {
    let before = configuration("waitSecondsForService=1\nlistenPort=1\nconnectionsMax=10\nmine=1\nother=1\n");
    let after = configuration("waitSecondsForService=2\nlistenPort=1\nconnectionsMax=20\nmine=2\nclientThreads=9\n");
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let expected = Changes { in_effect: names(&["waitSecondsForService"]), at_start: names(&["connectionsMax"]) };
    assert_eq!(after.changes_since(&before), expected);
    assert_eq!(after.changes_since(&after), Changes::default());
}

#[test]
fn a_secret_of_the_environment_is_not_shown() {
    const PASSWORD: Key =
        Key { kind: Kind::Secret, ..Key::unused("tls.server.keyPassword", Kind::Text, "", Origin::JvmProperty(12)) };
    let mut configuration = Configuration::defaults(&[&[PASSWORD]]);
    configuration.set_default(&PASSWORD, "top-secret").unwrap();
    assert_eq!(configuration.effective(&PASSWORD), "top-secret");
    assert!(configuration.items().any(|item| item == (PASSWORD.name, "***")));
    assert!(!format!("{configuration:?}").contains("top-secret"));
    assert_eq!(configuration.value(PASSWORD.name), None);
}
