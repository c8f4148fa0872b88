//! Whose a registration is: what strangers say about a broker does not count, and what they copy does not remove it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_core::event::Event;
use namesrv_tests::access::{BROKER_HOST, SECRET, STRANGER_HOST, broker, request, rules, world};
use namesrv_tests::answer::Answer;
use namesrv_tests::registration::{Registration, Topic, Version, register_topic};
use namesrv_tests::request::Request;
use namesrv_tests::step::WarmFrom;
use namesrv_tests::world::{Happening, World};
use std::time::Duration;

const ADMIN: &str = "authenticationEnabled=true\n";
const OBSERVE: &str = "authenticationEnabled=true\naccessControl=observe\n";

/// A world in which `broker-a` is registered over the connection `broker`, and `stranger` is connected from elsewhere.
fn registered(file: &str) -> World {
    let mut world = world(file);
    world.connect_from("broker", BROKER_HOST);
    world.connect_from("stranger", STRANGER_HOST);
    assert_eq!(world.ask("broker", &broker().request()).unwrap().code, 0);
    world.take_happenings();
    world
}

fn is_known(world: &World) -> bool {
    world.view().broker_count() == 1
}

fn has_topic(world: &mut World, topic: &str) -> bool {
    world.ask("client", &Request::new(105).field("topic", topic)).unwrap().code == 0
}

fn remark(world: &mut World, connection: &str, request: &Request) -> Option<String> {
    let answer = world.ask(connection, request).unwrap();
    (answer.code == 16).then(|| answer.remark.unwrap())
}

#[test]
fn only_the_broker_itself_unregisters() {
    let mut world = registered(ADMIN);
    for request in [request(104), request(104).signed("ops", SECRET), request(104).signed("broker", SECRET)] {
        let remark = remark(&mut world, "stranger", &request);
        assert_eq!(remark.as_deref(), Some("Only the broker itself may unregister."));
        assert!(is_known(&world));
        let [Event::RequestRefused(refused)] = &*world.take_events() else { panic!("one event") };
        assert_eq!((refused.code, refused.peer.ip(), refused.subject.len()), (104, STRANGER_HOST, 3));
    }
    assert_eq!(world.ask("stranger", &request(104).oneway()), None);
    assert!(is_known(&world));
    assert_eq!(remark(&mut world, "broker", &request(104)), None);
    assert!(!is_known(&world));
}

#[test]
fn a_broker_whose_connection_was_replaced_is_still_itself() {
    let mut world = registered(ADMIN);
    world.connect_from("again", BROKER_HOST);
    assert_eq!(remark(&mut world, "again", &request(217)), None);
    assert!(has_topic(&mut world, "U"));
    assert_eq!(remark(&mut world, "again", &request(104)), None);
    assert!(!is_known(&world));
}

#[test]
fn a_broker_from_before_a_restart_is_who_connects_from_its_address() {
    let restarted = || {
        let mut world = registered(ADMIN);
        world.restart(WarmFrom::ThisStop, Duration::from_secs(1));
        world.connect_from("broker", BROKER_HOST);
        world.connect_from("stranger", STRANGER_HOST);
        world
    };
    let mut world = restarted();
    assert!(remark(&mut world, "stranger", &request(104)).is_some() && is_known(&world));
    assert_eq!(remark(&mut world, "broker", &request(104)), None);
    assert!(!is_known(&world));
    let mut world = restarted();
    assert!(remark(&mut world, "stranger", &request(217)).is_some() && !has_topic(&mut world, "U"));
    assert_eq!(remark(&mut world, "broker", &request(217)), None);
    assert!(has_topic(&mut world, "U"));
}

#[test]
fn only_the_broker_itself_registers_its_topics() {
    let mut world = registered(ADMIN);
    let refused = remark(&mut world, "stranger", &request(217));
    assert_eq!(refused.as_deref(), Some("Only the broker itself may register its topics."));
    assert!(!has_topic(&mut world, "U"));
    assert_eq!(remark(&mut world, "broker", &request(217)), None);
    assert!(has_topic(&mut world, "U"));
    let own = Registration { topics: Some(vec![Topic::new("A"), Topic::new("B")]), ..Registration::new("broker-b", 0) };
    world.ask("stranger", &own.request()).unwrap();
    let both = register_topic("V", &["broker-b", "broker-a"]);
    assert!(remark(&mut world, "stranger", &both).is_some(), "it owns only one of them");
    let unknown = register_topic("V", &["nobody"]);
    assert_eq!(remark(&mut world, "stranger", &unknown), None, "as without access control");
}

#[test]
fn signs_of_life_of_strangers_do_not_count() {
    for (file, code, sender, stays) in [
        ("", 904, "stranger", true),
        ("", 322, "stranger", true),
        (OBSERVE, 904, "stranger", true),
        (ADMIN, 904, "broker", true),
        (ADMIN, 322, "broker", true),
        (ADMIN, 904, "stranger", false),
        (ADMIN, 322, "stranger", false),
    ] {
        // A connection that is silent is closed as well, which is not what this is about.
        let mut world = registered(&format!("{file}serverChannelMaxIdleTimeSeconds=0"));
        world.advance(Duration::from_secs(100));
        let answer = world.ask(sender, &request(code)).unwrap();
        assert_eq!(answer.code, 0, "{file:?} {code}");
        let ignored = |event: &Event| matches!(event, Event::RenewalIgnored { .. });
        let is_told = world.take_events().iter().any(ignored);
        assert_eq!(is_told, sender == "stranger" && !file.is_empty(), "{file:?} {code}");
        world.advance(Duration::from_secs(30));
        assert_eq!(is_known(&world), stays, "{file:?} {code} {sender}");
    }
}

#[test]
fn observing_tells_of_strangers_and_serves_them() {
    let mut world = registered(OBSERVE);
    for code in [217, 104] {
        assert_eq!(remark(&mut world, "stranger", &request(code)), None);
        let would = |event: &Event| matches!(event, Event::RequestWouldBeRefused(refused) if refused.code == code);
        assert_eq!(world.take_events().iter().filter(|event| would(event)).count(), 1, "{code}");
    }
    assert!(!is_known(&world));
}

#[test]
fn a_white_list_lets_strangers_in() {
    let mut world = registered(&format!("{ADMIN}authenticationWhitelist=104"));
    assert!(remark(&mut world, "stranger", &request(217)).is_some());
    assert_eq!(remark(&mut world, "stranger", &request(104)), None);
    assert!(!is_known(&world));
}

#[test]
fn a_copied_registration_and_a_close_do_not_remove_the_broker() {
    for (file, stays) in [("", false), (OBSERVE, false), (ADMIN, true)] {
        for repeats in [1, 2] {
            let mut world = registered(file);
            (0..repeats).for_each(|_| assert_eq!(world.ask("stranger", &broker().request()).unwrap().code, 0));
            let second = |event: &Event| matches!(event, Event::SecondClaim { .. });
            let told = world.take_events().iter().filter(|event| second(event)).count();
            assert_eq!(told, usize::from(stays), "{file:?}");
            world.disconnect("stranger");
            assert_eq!(is_known(&world), stays, "{file:?}");
            world.disconnect("broker");
            assert!(!is_known(&world), "{file:?}");
        }
    }
}

#[test]
fn a_copied_registration_that_changes_something_does_not_remove_the_broker_either() {
    let mut world = registered(ADMIN);
    let changed = Registration { version: Some(Version::counter(5)), ..broker() };
    assert_eq!(world.ask("stranger", &changed.request()).unwrap().code, 0);
    let moved = Registration { id: Some(1), ..broker() };
    assert_eq!(world.ask("stranger", &moved.request()).unwrap().code, 0);
    world.disconnect("stranger");
    assert!(is_known(&world));
}

#[test]
fn the_last_claim_takes_the_broker_along() {
    let mut world = registered(ADMIN);
    world.ask("stranger", &broker().request()).unwrap();
    world.take_events();
    assert_eq!(remark(&mut world, "broker", &request(104)), None);
    assert!(is_known(&world), "the stranger's claim is left");
    let [Event::ClaimWithdrawn { left, .. }] = &*world.take_events() else { panic!("one event") };
    assert_eq!(left.ip(), STRANGER_HOST);
    world.disconnect("broker");
    assert!(is_known(&world));
    world.disconnect("stranger");
    assert!(!is_known(&world));
}

#[test]
fn a_silent_broker_expires_with_all_its_claims() {
    let mut world = registered(ADMIN);
    world.ask("stranger", &broker().request()).unwrap();
    world.advance(Duration::from_secs(125));
    assert!(!is_known(&world));
    let closed = |happening: &&mut Happening| matches!(happening, Happening::Closed { .. });
    assert_eq!(world.happenings().filter(|happening| closed(happening)).count(), 2);
}

#[test]
fn claims_that_are_there_when_access_control_ends_go_with_the_next_registration() {
    let mut world = registered(ADMIN);
    world.ask("stranger", &broker().request()).unwrap();
    world.replace_access(rules(""));
    assert_eq!(world.ask("broker", &broker().request()).unwrap().code, 0);
    world.disconnect("stranger");
    assert!(is_known(&world));
    world.disconnect("broker");
    assert!(!is_known(&world));
}

#[test]
fn a_broker_that_takes_an_identifier_over_is_told_with_both_addresses() {
    for file in ["", ADMIN] {
        let mut world = registered(file);
        let other = Registration { address: Some("10.0.0.2:10911".to_owned()), ..broker() };
        assert_eq!(world.ask("stranger", &other.request()).unwrap().code, 0);
        let events = world.take_events();
        let taken = events.iter().find_map(|event| {
            let Event::IdentifierTakenOver { broker, peer, from, from_peer } = event else { return None };
            Some((broker, peer, from, from_peer))
        });
        let (broker, peer, from, from_peer) = taken.unwrap_or_else(|| panic!("{events:?}"));
        assert_eq!((&*broker.address, &**from), ("10.0.0.2:10911", "10.0.0.1:10911"));
        assert_eq!((peer.ip(), from_peer.ip()), (STRANGER_HOST, BROKER_HOST));
        world.disconnect("broker");
        assert!(is_known(&world), "it is the stranger's now");
    }
}

#[test]
fn a_signed_broker_that_asks_whether_something_changed_gets_its_topics_routed() {
    let mut world = world("authenticationEnabled=true\naccessControl=strict");
    world.connect_from("broker", BROKER_HOST);
    assert_eq!(world.ask("broker", &broker().request()).unwrap().code, 16);
    assert_eq!(world.ask("broker", &broker().request().signed("broker", SECRET)).unwrap().code, 0);
    let asks = |counter: i64| {
        let version = Version::counter(counter).json().to_string();
        Request { body: version.into_bytes(), ..request(322) }
    };
    let changed = |world: &mut World, request: &Request| {
        world.ask("broker", request).unwrap().field("changed").map(str::to_owned)
    };
    assert_eq!(changed(&mut world, &asks(1)).as_deref(), Some("false"));
    assert_eq!(changed(&mut world, &asks(2)).as_deref(), Some("true"), "without a signature");
    let topics = Some(["T", "New"].map(Topic::new).to_vec());
    let next = Registration { topics, version: Some(Version::counter(2)), ..broker() };
    assert_eq!(world.ask("broker", &next.request().signed("broker", SECRET)).unwrap().code, 0);
    assert!(has_topic(&mut world, "New"));
}

/// The signature of a recorded registration is good. What it can do is bounded all the same.
#[test]
fn a_replayed_registration_removes_nobody() {
    let mut world = world("authenticationEnabled=true\naccessControl=strict");
    world.connect_from("broker", BROKER_HOST);
    world.connect_from("stranger", STRANGER_HOST);
    let recorded = broker().request().signed("broker", SECRET);
    assert_eq!(world.ask("broker", &recorded).unwrap().code, 0);
    assert_eq!(world.ask("stranger", &recorded).unwrap().code, 0, "nobody can tell");
    assert!(world.take_events().iter().any(|event| matches!(event, Event::SecondClaim { .. })));
    assert!(remark(&mut world, "broker", &request(217)).is_none(), "the broker stays the owner");
    world.disconnect("stranger");
    assert!(is_known(&world));
}

#[test]
fn a_repeated_registration_needs_its_own_signature() {
    let mut world = world("authenticationEnabled=true\naccessControl=strict");
    world.connect_from("broker", BROKER_HOST);
    let signed = broker().request().signed("broker", SECRET);
    assert_eq!(world.ask("broker", &signed).unwrap().code, 0);
    assert_eq!(world.ask("broker", &signed).unwrap().code, 0);
    assert_eq!(world.ask("broker", &broker().request()).unwrap().code, 16);
    let wrong = broker().request().signed("broker", "another secret");
    assert_eq!(world.ask("broker", &wrong).unwrap().code, 16);
    world.advance(Duration::from_secs(121));
    assert!(!is_known(&world), "what is refused is no sign of life");
}

/// A registration whose signature is good could have been cut from another one if it lacks a checksum or has other
/// fields than brokers send.
#[test]
fn a_signed_registration_has_the_form_of_a_real_one() {
    let strict = "authenticationEnabled=true\naccessControl=strict";
    let without = |name: &str| {
        let mut request = broker().request();
        request.fields.as_mut().unwrap().retain(|(field, _)| field != name);
        request
    };
    let with = |name: &str, value: &str| without(name).field(name, value);
    let crc = broker().request().fields.unwrap().into_iter().find(|(name, _)| name == "bodyCrc32").unwrap().1;
    for (request, is_good) in [
        (broker().request(), true),
        (with("heartbeatTimeoutMillis", "10000"), true),
        (with("__ZONE_NAME", "z").field("__ZONE_MODE", "true"), true),
        (with("SecurityToken", "token"), true),
        (with("Aa", "1"), false),
        (without("bodyCrc32"), false),
        (with("bodyCrc32", "0"), false),
        (with("bodyCrc32", &format!("0{crc}")), false),
        (with("bodyCrc32", &format!("+{crc}")), false),
        (without("brokerId"), false),
        (with("brokerId", "01"), false),
        (with("brokerId", "x"), false),
        (without("compressed"), false),
        (with("compressed", "False"), false),
        (without("enableActingMaster"), false),
        (with("enableActingMaster", "falsefalse"), false),
        (with("brokerAddr", "10.0.0.1"), false),
        (with("brokerAddr", "10.0.0.1:"), false),
        (with("brokerAddr", ":10911"), false),
        (with("brokerAddr", "10.0.0.1:0"), false),
        (with("brokerAddr", "10.0.0.1:65536"), false),
        (with("brokerAddr", "10.0.0.1:010911"), false),
    ] {
        let mut world = world(strict);
        let answer = world.ask("broker", &request.clone().signed("broker", SECRET)).unwrap();
        assert_eq!(answer.code == 0, is_good, "{request:?} {answer:?}");
        if !is_good {
            assert_eq!((answer.code, answer.remark.as_deref()), (16, Some("check signature failed.")), "{request:?}");
            let [Event::RequestRefused(refused)] = &*world.take_events() else { panic!("one event") };
            assert_eq!(refused.refusal.cause.name(), "form");
        }
    }
}

#[test]
fn notices_to_brokers_are_signed_as_brokers_sign() {
    let key = r#"innerClientAuthenticationCredentials={"accessKey":"brokerKey","secretKey":"broker secret 42"}"#;
    for (file, signature) in [
        (String::new(), None),
        (key.to_owned(), Some("bLfFeSQuIcgQOJJCF44kJUMhN54=")),
        (format!("{ADMIN}{key}"), Some("bLfFeSQuIcgQOJJCF44kJUMhN54=")),
    ] {
        let mut world = world(&format!("notifyMinBrokerIdChanged=true\n{file}"));
        let member = |id: i64, port: u16| Registration {
            id: Some(id),
            address: Some(format!("127.0.0.1:{port}")),
            acting_master: true,
            ..broker()
        };
        assert_eq!(world.ask("master", &member(0, 9).request()).unwrap().code, 0);
        assert_eq!(world.ask("slave", &member(1, 22011).request()).unwrap().code, 0);
        world.take_happenings();
        world.disconnect("master");
        let sent: Vec<_> = world
            .take_happenings()
            .into_iter()
            .filter_map(|happening| match happening {
                Happening::Notified { address, frame } => Some((address, frame)),
                Happening::Event(_) | Happening::Closed { .. } | Happening::Saved { .. } => None,
            })
            .collect();
        let [(address, frame)] = &*sent else { panic!("{sent:?}") };
        let notice = Answer::decode(frame).unwrap();
        assert_eq!((&**address, notice.code), ("127.0.0.1:22011", 905));
        assert_eq!(notice.field("Signature"), signature, "{file}");
        assert_eq!(notice.field("AccessKey"), signature.map(|_| "brokerKey"), "{file}");
    }
}

#[test]
fn notices_do_not_reach_this_host_for_a_broker_elsewhere_nor_leave_the_list() {
    for (file, host, address, is_sent) in [
        ("", "127.0.0.1", "127.0.0.1:1", true),
        ("", "10.0.0.1", "10.0.0.9:1", true),
        ("", "10.0.0.1", "127.0.0.1:1", false),
        ("", "10.0.0.1", "169.254.169.254:80", false),
        ("", "10.0.0.1", "[::1]:1", false),
        ("", "10.0.0.1", "some-name:1", true),
    ] {
        let mut world = world(&format!("notifyMinBrokerIdChanged=true\n{file}"));
        for (connection, id) in [("master", 0), ("slave", 1)] {
            world.connect_from(connection, host.parse().unwrap());
            let address = if id == 0 { "10.0.0.8:1" } else { address };
            let member =
                Registration { id: Some(id), address: Some(address.to_owned()), acting_master: true, ..broker() };
            assert_eq!(world.ask(connection, &member.request()).unwrap().code, 0);
        }
        world.take_happenings();
        world.disconnect("master");
        let sent = world.take_happenings().iter().filter(|it| matches!(it, Happening::Notified { .. })).count();
        assert_eq!(sent, usize::from(is_sent), "{host} registers {address}");
    }
}
