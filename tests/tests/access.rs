//! Access control over connections: who may send what, and how a refusal is told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_core::access::{AccessRules, AllowedBy, User};
use namesrv_core::config::Configuration;
use namesrv_core::config::properties::parse;
use namesrv_core::event::{AdminWrite, Change, Event};
use namesrv_core::key::{Key, Origin};
use namesrv_tests::access::{
    ADMIN_CODES, ADMIN_HOST, BROKER_HOST, PREVIOUS_SECRET, READ_CODES, SECRET, STRANGER_HOST, broker, request, rules,
    world,
};
use namesrv_tests::answer::Answer;
use namesrv_tests::process_keys::read_configuration;
use namesrv_tests::request::Request;
use namesrv_tests::world::World;
use std::net::IpAddr;

/// How the sender of a request shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credentials {
    None,
    EmptyName,
    Unknown,
    Disabled,
    Elsewhere,
    WrongSecret,
    Reader,
    Broker,
    Administrator,
    PreviousSecret,
}

use Credentials::{
    Administrator, Broker, Disabled, Elsewhere, EmptyName, None as Unsigned, PreviousSecret, Reader, Unknown,
    WrongSecret,
};

const ALL: [Credentials; 10] =
    [Unsigned, EmptyName, Unknown, Disabled, Elsewhere, WrongSecret, Reader, Broker, Administrator, PreviousSecret];

impl Credentials {
    fn sign(self, request: Request) -> Request {
        match self {
            Unsigned => request,
            EmptyName => request.signed("", SECRET),
            Unknown => request.signed("nobody", SECRET),
            Disabled => request.signed("disabled", SECRET),
            Elsewhere => request.signed("elsewhere", SECRET),
            WrongSecret => request.signed("ops", "not the secret of it"),
            Reader => request.signed("reader", SECRET),
            Broker => request.signed("broker", SECRET),
            Administrator => request.signed("ops", SECRET),
            PreviousSecret => request.signed("rotating", PREVIOUS_SECRET),
        }
    }
}

/// What a class of requests asks of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Nothing,
    AnyUser,
    Broker,
    Administrator,
}

/// The remark of the refusal, or `None` if the request is served. This is the table of the manual, in other words.
fn refusal(asks: Asks, credentials: Credentials, host: IpAddr) -> Option<String> {
    let no_role = |user| format!("User:{user} has no permission to access Cluster:* from {host}, no matched policies.");
    if asks == Asks::Nothing {
        return None;
    }
    match credentials {
        Unsigned | EmptyName => Some("username cannot be null.".to_owned()),
        Unknown => Some("User:nobody is not found.".to_owned()),
        Disabled => Some("User:disabled is disabled.".to_owned()),
        Elsewhere => Some(format!("{host} may not do this here.")),
        WrongSecret => Some("check signature failed.".to_owned()),
        Reader => (asks != Asks::AnyUser).then(|| no_role("reader")),
        Broker => (asks == Asks::Administrator).then(|| no_role("broker")),
        Administrator | PreviousSecret => None,
    }
}

const OBSERVE: &str = "authenticationEnabled=true\naccessControl=observe\n";
const ADMIN: &str = "authenticationEnabled=true\n";
const STRICT: &str = "authenticationEnabled=true\naccessControl=strict\n";
const MODES: [&str; 4] = ["", OBSERVE, ADMIN, STRICT];

/// Sends a request with these credentials, and the same one-way.
fn check(file: &str, code: i32, credentials: Credentials, asks: Asks) {
    let case = format!("{file:?} {code} {credentials:?}");
    let mut world = world(file);
    world.connect_from("c", ADMIN_HOST);
    let signed = credentials.sign(request(code));
    assert_eq!(world.ask("c", &signed.clone().oneway()), None, "{case}: one-way");
    let is_changed_one_way = world.take_events().iter().any(|event| matches!(event, Event::BrokerRegistered { .. }));
    let answer = world.ask("c", &signed).unwrap();
    match refusal(asks, credentials, ADMIN_HOST) {
        Some(remark) => {
            assert_eq!((answer.code, answer.remark.as_deref()), (16, Some(&*remark)), "{case}");
            assert_eq!((&answer.fields, &*answer.body), (&None, &b""[..]), "{case}");
            assert!(!is_changed_one_way, "{case}");
            let events = world.take_events();
            let [Event::RequestRefused(refused)] = &*events else { panic!("{case}: {events:?}") };
            assert_eq!((refused.code, refused.peer.ip()), (code, ADMIN_HOST), "{case}");
        }
        None => {
            assert_ne!(answer.code, 16, "{case}: {answer:?}");
            let refused = |event: &Event| matches!(event, Event::RequestRefused(_));
            assert!(!world.take_events().iter().any(refused), "{case}");
        }
    }
    let after = world.ask("c", &Request::new(105).field("topic", "none")).unwrap();
    assert_eq!(after.code, 17, "{case}: the connection goes on");
}

#[test]
fn administrators_requests_need_an_administrator() {
    for file in MODES {
        let asks = if [ADMIN, STRICT].contains(&file) { Asks::Administrator } else { Asks::Nothing };
        for code in ADMIN_CODES {
            ALL.into_iter().for_each(|credentials| check(file, code, credentials, asks));
        }
    }
}

#[test]
fn registrations_need_a_broker_only_in_strict_mode() {
    for file in MODES {
        let asks = if file == STRICT { Asks::Broker } else { Asks::Nothing };
        ALL.into_iter().for_each(|credentials| check(file, 103, credentials, asks));
    }
}

#[test]
fn reads_need_a_user_only_if_that_is_wanted() {
    for mode in MODES {
        for (file, is_closed) in [(mode.to_owned(), false), (format!("{mode}readsNeedSignature=true"), true)] {
            let asks = if is_closed && [ADMIN, STRICT].contains(&mode) { Asks::AnyUser } else { Asks::Nothing };
            for code in READ_CODES {
                ALL.into_iter().for_each(|credentials| check(&file, code, credentials, asks));
            }
        }
    }
}

#[test]
fn nobody_is_refused_a_route_a_data_version_or_an_unknown_code() {
    for file in MODES.map(|mode| format!("{mode}readsNeedSignature=true\nadminAddresses=192.0.2.1")) {
        for code in [105, 322, 999, 905] {
            ALL.into_iter().for_each(|credentials| check(&file, code, credentials, Asks::Nothing));
        }
    }
}

#[test]
fn routes_are_the_same_bytes_in_every_mode() {
    let routes = MODES.map(|file| {
        let mut world = world(&format!("{file}unsignedBrokerAddresses={BROKER_HOST}"));
        world.connect_from("broker", BROKER_HOST);
        assert_eq!(world.ask("broker", &broker().request()).unwrap().code, 0);
        world.receive("c", &request(105).encode());
        world.receive("c", &request(105).signed("ops", "wrong").encode());
        world.receive("c", &request(105).signed("ops", SECRET).binary().encode());
        world.take_output("c").unwrap()
    });
    assert!(routes[0].windows(8).any(|bytes| bytes == b"broker-a"));
    assert!(routes.iter().all(|route| *route == routes[0]));
}

#[test]
fn a_registered_broker_reads_what_is_closed() {
    let file = format!("{ADMIN}readsNeedSignature=true");
    for code in READ_CODES {
        let [mut open, mut closed] = ["", file.as_str()].map(world);
        for world in [&mut open, &mut closed] {
            world.connect_from("broker", BROKER_HOST);
            assert_eq!(world.ask("broker", &broker().request()).unwrap().code, 0);
        }
        let [expected, answer] = [&mut open, &mut closed].map(|world| world.ask("broker", &request(code)).unwrap());
        if code != 319 {
            assert_eq!(answer, expected, "{code}: as without access control");
        }
        assert_ne!(answer.code, 16, "{code}");
        closed.connect_from("other", BROKER_HOST);
        assert_eq!(closed.ask("other", &request(code)).unwrap().code, 16, "{code}: the connection counts");
    }
}

#[test]
fn address_lists_say_who_may_at_all() {
    let lists = format!("adminAddresses={ADMIN_HOST}, 10.2.0.0/16\nbrokerAddresses=10.0.0.0/24");
    for mode in MODES {
        let exempt =
            "unsignedAdminAddresses=0.0.0.0/0\nunsignedBrokerAddresses=0.0.0.0/0\nauthenticationWhitelist=100,103";
        let file = if mode.is_empty() { lists.clone() } else { format!("{mode}{lists}\n{exempt}") };
        for (code, inside) in [(100, ADMIN_HOST), (318, ADMIN_HOST), (103, BROKER_HOST)] {
            let mut world = world(&file);
            world.connect_from("inside", inside);
            world.connect_from("outside", STRANGER_HOST);
            assert_eq!(world.ask("inside", &request(code)).unwrap().code, 0, "{file} {code}");
            let answer = world.ask("outside", &request(code).signed("ops", SECRET)).unwrap();
            let remark = format!("{STRANGER_HOST} may not do this here.");
            assert_eq!((answer.code, answer.remark), (16, Some(remark)), "{file} {code}");
        }
    }
}

#[test]
fn a_read_only_server_is_changed_by_nobody() {
    for mode in MODES {
        let exempt = "unsignedAdminAddresses=0.0.0.0/0\nauthenticationWhitelist=100,102,205,216,318,327";
        let file = if mode.is_empty() { "readOnly=true".to_owned() } else { format!("{mode}readOnly=true\n{exempt}") };
        let mut world = world(&file);
        world.connect_from("admin", ADMIN_HOST);
        for code in [100, 102, 205, 216, 318, 327] {
            let answer = world.ask("admin", &request(code).signed("ops", SECRET)).unwrap();
            assert_eq!(
                (answer.code, answer.remark.as_deref()),
                (16, Some("This server is read-only.")),
                "{file} {code}"
            );
        }
        world.connect_from("broker", BROKER_HOST);
        let registration = request(103).signed("ops", SECRET);
        assert_eq!(world.ask("broker", &registration).unwrap().code, 0, "{file}: brokers are no administrators");
    }
}

#[test]
fn a_client_behind_a_proxy_is_judged_by_its_own_address_and_told_with_both() {
    for (proxy, host, is_served) in [(STRANGER_HOST, ADMIN_HOST, true), (ADMIN_HOST, STRANGER_HOST, false)] {
        let mut world = world(&format!("adminAddresses={ADMIN_HOST}"));
        world.connect_behind("c", proxy, host);
        let answer = world.ask("c", &request(100)).unwrap();
        assert_eq!(answer.code == 0, is_served);
        assert!(is_served || answer.remark == Some(format!("{STRANGER_HOST} may not do this here.")));
        let told: Vec<_> = world.take_events().iter().map(|event| format!("{event:?}")).collect();
        assert!(told[0].contains(&proxy.to_string()) && told[0].contains(&host.to_string()), "{told:?}");
    }
}

/// What the operator is told of one request that an administrator sends.
fn admin_write(world: &mut World, request: &Request) -> (Answer, AdminWrite) {
    let answer = world.ask("c", request).unwrap();
    let mut writes = world.take_events().into_iter().filter_map(|event| {
        let Event::AdminWrite(write) = event else { return None };
        Some(*write)
    });
    let write = writes.next().unwrap_or_else(|| panic!("nothing is told of {request:?}"));
    assert!(writes.next().is_none(), "one event for each");
    (answer, write)
}

#[test]
fn every_request_of_an_administrator_is_on_record_in_every_mode() {
    let exempt = format!("{ADMIN}unsignedAdminAddresses={ADMIN_HOST}");
    for (file, credentials, user, allowed_by) in [
        ("", Unsigned, None, AllowedBy::Off),
        ("", WrongSecret, None, AllowedBy::Off),
        ("", Administrator, Some("ops"), AllowedBy::Off),
        (OBSERVE, Unsigned, None, AllowedBy::Observe),
        (OBSERVE, Administrator, Some("ops"), AllowedBy::Signature),
        (&*exempt, Unsigned, None, AllowedBy::UnsignedAddress),
        (&*exempt, Administrator, Some("ops"), AllowedBy::UnsignedAddress),
        (ADMIN, Administrator, Some("ops"), AllowedBy::Signature),
        (STRICT, PreviousSecret, Some("rotating"), AllowedBy::PreviousSecret),
    ] {
        for code in ADMIN_CODES {
            let mut world = world(file);
            world.connect_from("c", ADMIN_HOST);
            let (answer, write) = admin_write(&mut world, &credentials.sign(request(code)));
            let case = format!("{file:?} {code} {credentials:?}");
            assert_eq!((write.code, write.result, write.peer.ip()), (code, answer.code, ADMIN_HOST), "{case}");
            assert_eq!((write.grant.user.as_deref(), write.grant.allowed_by), (user, allowed_by), "{case}");
        }
    }
}

#[test]
fn the_record_says_what_was_before_and_after() {
    let mut world = world("");
    world.connect_from("broker", BROKER_HOST);
    world.ask("broker", &broker().request()).unwrap();
    world.connect_from("c", ADMIN_HOST);
    let put = |value: &str| Request::new(100).field("namespace", "NS").field("key", "K").field("value", value);
    let kv = |before: Option<&str>, after: Option<&str>| Change::Kv {
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let names = vec![("namespace", "NS".to_owned()), ("key", "K".to_owned())];
    for (request, subject, change) in [
        (put("1"), names.clone(), kv(None, Some("1"))),
        (put("1"), names.clone(), Change::Nothing),
        (put("2"), names.clone(), kv(Some("1"), Some("2"))),
        (request(102), names.clone(), kv(Some("2"), None)),
        (request(102), names, Change::Nothing),
        (
            request(205),
            vec![("brokerName", "broker-a".to_owned())],
            Change::WritePermission { writable: false, topics: 2 },
        ),
        (
            request(327),
            vec![("brokerName", "broker-a".to_owned())],
            Change::WritePermission { writable: true, topics: 2 },
        ),
        (request(216), vec![("topic", "T".to_owned())], Change::TopicDeleted { groups: 1 }),
        (request(216), vec![("topic", "T".to_owned())], Change::Nothing),
        (request(318), vec![], Change::Nothing),
        (
            Request::new(318).body("enableTopicList=false\norderMessageEnable=true\n"),
            vec![],
            Change::Configuration {
                keys: vec!["enableTopicList".to_owned(), "orderMessageEnable".to_owned()],
                is_saved: true,
            },
        ),
    ] {
        let (_, write) = admin_write(&mut world, &request);
        assert_eq!((write.subject, write.change), (subject, change), "{request:?}");
    }
    let long = put(&"é".repeat(1000));
    let (_, write) = admin_write(&mut world, &long);
    assert_eq!(write.change, kv(None, Some(&"é".repeat(256))), "what a peer chose is cut");
}

#[test]
fn rules_are_replaced_in_one_step_for_connections_that_are_open() {
    let mut world = world("");
    world.connect_from("c", ADMIN_HOST);
    assert_eq!(world.ask("c", &request(100)).unwrap().code, 0);
    world.replace_access(rules(ADMIN));
    assert_eq!(world.ask("c", &request(100)).unwrap().code, 16);
    assert_eq!(world.ask("c", &PreviousSecret.sign(request(100))).unwrap().code, 0);
    let before = rules(ADMIN);
    let only_new = before.users().cloned().map(|user| User { previous_secret: None, ..user });
    let (configuration, _) = Configuration::new(&parse(ADMIN.as_bytes()).unwrap()).unwrap();
    let rotated = AccessRules::new(&configuration, only_new.collect()).unwrap().0;
    world.replace_access(rotated);
    assert_eq!(world.ask("c", &PreviousSecret.sign(request(100))).unwrap().remark.unwrap(), "check signature failed.");
    assert_eq!(world.ask("c", &request(100).signed("rotating", SECRET)).unwrap().code, 0);
    world.replace_access(rules(""));
    assert_eq!(world.ask("c", &request(100)).unwrap().code, 0);
}

#[test]
fn names_that_peers_choose_are_cut() {
    let mut world = world(ADMIN);
    let name = "é".repeat(100_000);
    let request = Request::new(100).field("namespace", &name).field("key", &name).signed(&name, SECRET);
    let remark = world.ask("c", &request).unwrap().remark.unwrap();
    assert_eq!(remark, format!("User:{} is not found.", "é".repeat(256)));
    let [Event::RequestRefused(refused)] = &*world.take_events() else { panic!("one event") };
    assert!(refused.subject.iter().all(|(_, value)| value.chars().count() == 256), "{refused:?}");
}

/// A signature covers neither the code nor a time, so a recorded request can be sent again, and some as another one.
/// Only where it comes from can be told.
#[test]
fn a_recorded_signature_is_good_again_and_for_another_code_but_not_from_elsewhere() {
    let read = Request::new(105).field("topic", "T").signed("ops", SECRET);
    let recorded = Request { code: 216, ..read };
    for (file, is_stopped) in [(ADMIN.to_owned(), false), (format!("{ADMIN}adminAddresses={ADMIN_HOST}"), true)] {
        let mut world = world(&file);
        world.connect_from("broker", BROKER_HOST);
        world.ask("broker", &broker().request()).unwrap();
        world.connect_from("stranger", STRANGER_HOST);
        for _ in 0..2 {
            assert_eq!(world.ask("stranger", &recorded).unwrap().code == 16, is_stopped, "{file}");
        }
        let is_told = |event: &Event| {
            if let Event::AdminWrite(write) = event {
                return !is_stopped && write.peer.ip() == STRANGER_HOST;
            }
            matches!(event, Event::RequestRefused(refused) if is_stopped && refused.peer.ip() == STRANGER_HOST)
        };
        assert_eq!(world.take_events().iter().filter(|event| is_told(event)).count(), 2, "{file}");
        assert_eq!(world.ask("client", &request(105)).unwrap().code == 0, is_stopped, "{file}");
    }
}

/// A request changes no key that says who may send requests, where files are, or what is run.
#[test]
fn no_key_of_access_control_changes_at_run_time() {
    let (configuration, _) = read_configuration(&[]).unwrap();
    let is_closed = |key: &&Key| {
        let is_own = ["accessControl", "readsNeedSignature"].contains(&key.name) || key.name.ends_with("Addresses");
        is_own || matches!(key.origin, Origin::AuthConfig(_)) || key.name.ends_with("Path")
    };
    let keys: Vec<_> = configuration.keys().filter(is_closed).collect();
    assert!(keys.len() > 30, "{keys:?}");
    let mut world = world("");
    for key in keys {
        let answer = world.ask("c", &Request::new(318).body(format!("{}=1\n", key.name))).unwrap();
        assert_eq!(answer.code, 16, "{}", key.name);
        let mut configuration = configuration.clone();
        let line = format!("{}=1\n", key.name);
        let runtime = parse(line.as_bytes()).unwrap();
        let warnings = configuration.read_runtime_file(&runtime).unwrap();
        let expected = format!("line 1: {} is ignored: it cannot be changed at run time", key.name);
        assert_eq!(warnings[0].0, expected);
    }
}
