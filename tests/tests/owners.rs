//! Whose a registration is, as far as the scenarios `owners-*` do not say it: in every mode, in every form, and told
//! with every address.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_core::event::Event;
use namesrv_tests::access::{BROKER_HOST, SECRET, STRANGER_HOST, broker, request, world};
use namesrv_tests::answer::Answer;
use namesrv_tests::registration::Registration;
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
