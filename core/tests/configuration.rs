//! The configuration file, GET_NAMESRV_CONFIG and UPDATE_NAMESRV_CONFIG.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use namesrv_core::config::{Configuration, Limits, LogFormat, Update, Warning, properties};
use namesrv_core::time::Duration;
use namesrv_core::wire::Serialization;

/// What a Java server 5.5.0 answers that was started with three paths and nothing else.
const LISTING: &str = include_str!("data/listing-5.5.0.txt");

fn read(file: &str) -> Result<(Configuration, Vec<String>), String> {
    let entries = properties::parse(file.as_bytes()).unwrap();
    let (configuration, warnings) = Configuration::new(&entries).map_err(|error| error.to_string())?;
    Ok((configuration, warnings.into_iter().map(|Warning(line)| line).collect()))
}

fn configuration(file: &str) -> Configuration {
    read(file).unwrap().0
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
fn a_default_server_lists_what_java_lists() {
    let mut configuration = configuration("");
    for (key, path) in [
        ("rocketmqHome", "/srv/rocketmq"),
        ("kvConfigPath", "/srv/rocketmq/kv.json"),
        ("configStorePath", "/srv/rocketmq/ns.conf"),
    ] {
        assert_eq!(configuration.value(key), None, "{key} is not listed before it is set");
        configuration.set(key, path);
    }
    assert_eq!(configuration.listing(), LISTING);
}

#[test]
fn a_file_that_java_wrote_is_read_without_a_word() {
    let (configuration, warnings) = read(LISTING).unwrap();
    assert_eq!(configuration.listing(), LISTING);
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn defaults_are_those_of_the_limits_and_of_java() {
    let configuration = configuration("");
    assert_eq!(configuration.limits(), Limits::default());
    assert_eq!(configuration.serialization(), Serialization::Json);
    assert_eq!((configuration.bind_address(), configuration.listen_port()), ("0.0.0.0", 9876));
    assert_eq!((configuration.socket_send_bytes(), configuration.socket_receive_bytes()), (0, 0));
    assert_eq!((configuration.io_threads(), configuration.connect_timeout()), (0, Duration::from_millis(3000)));
    assert_eq!((configuration.log_format(), configuration.log_level()), (LogFormat::Text, "info"));
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
}

#[test]
fn every_key_that_matters_is_taken_from_the_file() {
    let configuration = configuration(
        "bindAddress = ::1 \nlistenPort=+1\t\nserverSocketSndBufSize=1\nserverSocketRcvBufSize=2\nconnectTimeoutMillis=3\n\
         ioThreads=4\nlogFormat=json\nlogLevel=debug\nrocketmq.serialize.type=ROCKETMQ\n\
         com.rocketmq.remoting.frameMaxLength=5000\nheaderBytesMax=6\nextFieldsMax=7\ninflatedBytesMax=8\n\
         topicsPerRegistrationMax=9\nconnectionsMax=10\nforwardedPerConnectionMax=11\noutputBytesPause=12\n\
         outputBytesMax=13\nregistryQueueRequestsMax=14\nregistryQueueBytesMax=15000\nincompleteInputBytesMax=16000\n\
         frameSecondsMax=17\nkvBytesMax=18\nunreadOutputBytesMax=19\nregistryBytesMax=20\n\
         orderMessageEnable=true\nreturnOrderTopicConfigToBroker=false\nsupportActingMaster=True\n\
         enableAllTopicList=false\nenableTopicList=FALSE\nnotifyMinBrokerIdChanged=true\nneedWaitForService=true\n\
         waitSecondsForService=19\ndeleteTopicWithBrokerRegistration=true\nserverChannelMaxIdleTimeSeconds=20\n\
         enableShutdownGracefully=true\nshutdownWaitTimeSeconds=-21\n",
    );
    assert_eq!((configuration.bind_address(), configuration.listen_port()), ("::1", 1));
    assert_eq!(configuration.value("listenPort"), Some("1"));
    assert_eq!((configuration.socket_send_bytes(), configuration.socket_receive_bytes()), (1, 2));
    assert_eq!((configuration.io_threads(), configuration.connect_timeout()), (4, Duration::from_millis(3)));
    assert_eq!((configuration.log_format(), configuration.log_level()), (LogFormat::Json, "debug"));
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
    let file = "com.rocketmq.remoting.socket.sndbuf.size=1\ncom.rocketmq.remoting.socket.rcvbuf.size=2\n\
                serverSocketRcvBufSize=3\ncom.rocketmq.remoting.write.buffer.high.water.mark=4\n";
    let configuration = configuration(file);
    assert_eq!((configuration.socket_send_bytes(), configuration.socket_receive_bytes()), (1, 3));
    assert_eq!(configuration.limits().output_bytes_pause, Limits::default().output_bytes_pause, "one mark is none");
    let both = format!("{file}writeBufferLowWaterMark=1\n");
    assert_eq!(self::configuration(&both).limits().output_bytes_pause, 4);
}

#[test]
fn bad_values_stop_the_start_and_name_everything() {
    for (file, message) in [
        ("\nlistenPort=98 76", "line 2: listenPort: `98 76` is not a whole number from 0 to 65535"),
        ("listenPort=65536", "line 1: listenPort: `65536` is not"),
        ("listenPort=", "line 1: listenPort: `` is not"),
        ("waitSecondsForService=1.5", "line 1: waitSecondsForService: `1.5` is not"),
        ("shutdownWaitTimeSeconds=2147483648", "line 1: shutdownWaitTimeSeconds: `2147483648` is not"),
        ("enableTopicList=yes", "line 1: enableTopicList: `yes` is neither true nor false"),
        ("rocketmq.serialize.type=json", "line 1: rocketmq.serialize.type: `json` is none of JSON, ROCKETMQ"),
        ("logLevel=loud", "line 1: logLevel: `loud` is none of error, warn, info, debug, trace"),
        ("connectionsMax=0", "line 1: connectionsMax: `0` is not"),
        ("com.rocketmq.remoting.socket.sndbuf.size=x", "line 1: com.rocketmq.remoting.socket.sndbuf.size: `x` is not"),
    ] {
        let error = read(file).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }
    assert!(read("listenPort=x\nlistenPort=1").is_ok(), "the last of repeated keys counts");
}

#[test]
fn what_this_server_does_not_do_stops_the_start() {
    for file in [
        "clusterTest=true",
        "enableControllerInNamesrv=TRUE",
        "tls.enable=true",
        "tls.server.mode=permissive",
        "tls.server.mode=enforcing",
        "tls.server.certPath=/etc/cert.pem",
        "tls.server.need.client.auth=require",
        "useTLS=true",
    ] {
        let key = file.split('=').next().unwrap();
        let error = read(file).unwrap_err();
        assert!(error.starts_with(&format!("line 1: {key}: `")), "{error}");
        assert!(!error.contains('\n'));
    }
    let (_, warnings) = read(
        "clusterTest=false\nenableControllerInNamesrv=false\ntls.enable=false\ntls.server.mode=disabled\n\
         tls.server.certPath=\ntls.server.need.client.auth=none\nuseTLS=false",
    )
    .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn what_does_nothing_is_named_once() {
    let (configuration, warnings) = read(
        "surprise = 1 \nserverWorkerThreads=9\nserverSelectorThreads=3\nclientWorkerThreads=5\n\
              scanNotActiveBrokerInterval=often\nother=2",
    )
    .unwrap();
    assert_eq!(
        warnings,
        [
            "line 5: scanNotActiveBrokerInterval is ignored: `often` is not a whole number from -9223372036854775808 \
             to 9223372036854775807",
            "unknown keys, without effect: surprise, other",
            "keys without effect in this server: serverWorkerThreads, clientWorkerThreads",
        ]
    );
    assert_eq!(configuration.value("surprise"), Some("1"));
    assert_eq!(configuration.value("scanNotActiveBrokerInterval"), Some("5000"));
}

#[test]
fn keys_beyond_those_of_the_java_server_are_listed_only_when_the_file_sets_them() {
    let keys = ["ioThreads", "rocketmq.serialize.type", "connectTimeoutMillis"];
    let (without, with) =
        (configuration(""), configuration("ioThreads=2\nrocketmq.serialize.type=JSON\nconnectTimeoutMillis=1"));
    for key in keys {
        assert_eq!(without.value(key), None, "{key}");
        assert!(with.value(key).is_some(), "{key}");
    }
}

#[test]
fn items_are_all_keys_and_what_else_the_file_sets() {
    let configuration = configuration("mine=1");
    let items: Vec<_> = configuration.items().collect();
    assert_eq!(items.first(), Some(&("rocketmqHome", "")));
    assert_eq!(items.last(), Some(&("mine", "1")));
    for item in [("listenPort", "9876"), ("ioThreads", "0"), ("com.rocketmq.remoting.frameMaxLength", "16777216")] {
        assert!(items.contains(&item), "{item:?}");
    }
}

#[test]
fn live_keys_change_by_the_rules_of_java() {
    let table: &[(&str, &str, &str)] = &[
        ("enableTopicList=yes", "enableTopicList", "false"),
        ("enableTopicList=false", "enableTopicList", "false"),
        ("orderMessageEnable=TRUE", "orderMessageEnable", "true"),
        ("waitSecondsForService=+7", "waitSecondsForService", "7"),
        ("waitSecondsForService=-7", "waitSecondsForService", "-7"),
        ("productEnvName= a\\u00e9\\\n  b ", "productEnvName", "aéb"),
        ("productEnvName=é", "productEnvName", "Ã©"),
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
        "unknownKey=1",
        "waitSecondsForService=abc",
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
        "kvConfigPath=/x\nwaitSecondsForService=1",
        "configStorePath=/x",
        "rocketmqHome=/x",
        "configBlackList=",
        "listenPort=1",
        "bindAddress=127.0.0.1",
        "serverWorkerThreads=8",
        "clusterTest=false",
        "connectTimeoutMillis=1",
        "ioThreads=1",
        "tls.enable=true",
        "a=1",
        "productEnvName=x",
    ] {
        assert!(matches!(configuration.update(body.as_bytes()), Update::Forbidden), "{body}");
    }
    assert!(matches!(configuration.update(b"productEnvName=\\u00zz"), Update::Malformed));
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
    assert_eq!((configuration.listen_port(), configuration.settings().wait_seconds_for_service), (9876, 2));
    let error = configuration.read_runtime_file(&properties::parse(b"waitSecondsForService=x").unwrap()).unwrap_err();
    assert_eq!((error.line, error.key.as_str()), (1, "waitSecondsForService"));
}

#[test]
fn the_runtime_file_stands_beside_the_operators_unless_a_key_moves_it() {
    let mut configuration = configuration("configStorePath=/etc/ns.conf");
    assert_eq!(configuration.runtime_config_path(), "/etc/ns.conf.runtime");
    configuration.set("configStorePath", "/other.conf");
    assert_eq!(configuration.runtime_config_path(), "/other.conf.runtime");
    let moved = self::configuration("configStorePath=/etc/ns.conf\nruntimeConfigPath=/var/lib/ns");
    assert_eq!(moved.runtime_config_path(), "/var/lib/ns");
}
