//! The rules are built completely or not at all, and warn of what stays open.

use super::*;
use crate::config::properties::parse;
use crate::config::{Configuration, Warning};
use crate::credentials::{Secret, work};
use crate::limits::Limits;
use crate::wire::{Framing, next_frame};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const ADMIN: &str = r#"initAuthenticationUser={"username":"ops","password":"0123456789abcdef"}"#;

fn build(file: &str, users: Vec<User>) -> Result<(AccessRules, Vec<Warning>), String> {
    let (configuration, _) = Configuration::new(&parse(file.as_bytes()).unwrap()).map_err(|error| error.to_string())?;
    AccessRules::new(&configuration, users).map_err(|error| error.to_string())
}

fn rules(file: &str) -> AccessRules {
    build(file, Vec::new()).unwrap().0
}

fn user(name: &str, role: Role) -> User {
    User {
        name: name.into(),
        role,
        secret: Secret::new("a secret of sixteen characters"),
        previous_secret: None,
        status: Status::Enabled,
        addresses: None,
    }
}

#[test]
fn the_mode_follows_two_keys() {
    assert_eq!(AccessRules::default(), rules(""));
    assert_eq!(rules("").mode(), Mode::Off);
    let on = alloc::format!("authenticationEnabled=true\n{ADMIN}\n");
    assert_eq!(rules(&on).mode(), Mode::Admin);
    for (value, mode) in [("observe", Mode::Observe), ("admin", Mode::Admin), ("strict", Mode::Strict)] {
        assert_eq!(rules(&alloc::format!("{on}accessControl={value}")).mode(), mode);
    }
    let error = build("accessControl=strict", Vec::new()).unwrap_err();
    assert_eq!(error, "accessControl: `strict` does nothing without authenticationEnabled=true");
    let error = build("authenticationEnabled=true\naccessControl=all", Vec::new()).unwrap_err();
    assert_eq!(error, "line 2: accessControl: `all` is none of observe, admin, strict");
}

#[test]
fn keys_that_contradict_each_other_are_errors_without_secrets() {
    let inner = |name: &str, secret: &str| {
        alloc::format!("innerClientAuthenticationCredentials={{\"accessKey\":\"{name}\",\"secretKey\":\"{secret}\"}}")
    };
    let other = inner("ops", "another secret of it");
    for (file, error) in [
        ("authenticationEnabled=true", "authenticationEnabled: there is no administrator: set"),
        ("adminAddresses=10.0.0.5/8", "adminAddresses: `10.0.0.5/8` has bits behind its prefix"),
        ("brokerAddresses=localhost", "brokerAddresses: `localhost` is neither an IP address nor a network"),
        ("unsignedAdminAddresses=,", "unsignedAdminAddresses: `` is neither"),
        ("unsignedBrokerAddresses=*", "unsignedBrokerAddresses: `*` is neither"),
        ("authenticationWhitelist=100,all", "authenticationWhitelist: `all` is not a request code"),
        ("authenticationProvider=com.example.Own", "authenticationProvider: `com.example.Own` is a class of its own"),
        ("authenticationMetadataProvider=x", "authenticationMetadataProvider: `x` is a class of its own"),
        (
            r#"initAuthenticationUser={"username":"ops","pasword":"hidden"}"#,
            "line 1: initAuthenticationUser: it is not",
        ),
        (
            "initAuthenticationUser=ops:hidden",
            "line 1: initAuthenticationUser: it is not a JSON object like {\"username",
        ),
        (
            &alloc::format!("{ADMIN}\n{other}"),
            "innerClientAuthenticationCredentials: the user ops has another secret in initAuthenticationUser",
        ),
    ] {
        let found = build(file, Vec::new()).unwrap_err();
        assert!(found.starts_with(error), "{file}: {found}");
        assert!(!found.contains("hidden") && !found.contains("another secret of it"), "{found}");
    }
    let error = build(ADMIN, alloc::vec![user("ops", Role::Read)]).unwrap_err();
    assert_eq!(error, "initAuthenticationUser: the user ops is in the users file too");
    let error = build("", alloc::vec![user("a", Role::Read), user("a", Role::Admin)]).unwrap_err();
    assert!(error.ends_with("the user a is there twice"), "{error}");
}

#[test]
fn somebody_can_always_administer() {
    let on = "authenticationEnabled=true\n";
    for (file, users) in [
        (ADMIN, Vec::new()),
        ("unsignedAdminAddresses=127.0.0.1", Vec::new()),
        ("", alloc::vec![user("ops", Role::Admin)]),
        ("accessControl=observe", Vec::new()),
    ] {
        assert!(build(&alloc::format!("{on}{file}"), users).is_ok(), "{file}");
    }
    let disabled = User { status: Status::Disabled, ..user("ops", Role::Admin) };
    for (file, users) in [
        ("authenticationWhitelist=100,102,205,216,318,327", Vec::new()),
        ("", alloc::vec![user("ops", Role::Broker)]),
        ("", alloc::vec![disabled]),
    ] {
        assert!(build(&alloc::format!("{on}{file}"), users).is_err(), "{file}");
    }
}

#[test]
fn the_user_of_brokers_is_an_administrator_only_if_it_is_the_same_user() {
    let inner = r#"innerClientAuthenticationCredentials={"accessKey":"ops","secretKey":"0123456789abcdef"}"#;
    let role = |rules: AccessRules| rules.users().map(|user| user.role).collect::<Vec<_>>();
    assert_eq!(role(rules(inner)), [Role::Broker]);
    assert_eq!(role(rules(&alloc::format!("{ADMIN}\n{inner}"))), [Role::Admin]);
}

#[test]
fn the_operator_is_warned_of_what_is_as_good_as_open() {
    let warnings = |file: &str| build(file, Vec::new()).unwrap().1.into_iter().map(|warning| warning.0);
    let on = alloc::format!("authenticationEnabled=true\n{ADMIN}\n");
    assert_eq!(warnings(&on).count(), 0);
    let roles: Vec<_> = warnings("authorizationEnabled=true").collect();
    assert_eq!(roles, ["authorizationEnabled: this server has the roles of users and no other rules"]);
    let white: Vec<_> = warnings(&alloc::format!("{on}authenticationWhitelist= 105, 318,100")).collect();
    assert_eq!(white, ["authenticationWhitelist lets anybody change this server with requests of code 100, 318"]);
    let public: Vec<_> = warnings(r#"initAuthenticationUser={"username":"rocketmq2","password":"12345678"}"#).collect();
    assert_eq!(public, ["the secret of the user rocketmq2 is the one that RocketMQ ships: everybody knows it"]);
    let short: Vec<_> = warnings(r#"initAuthenticationUser={"username":"ops","password":"0123456789abcde"}"#).collect();
    assert!(short[0].starts_with("the secret of the user ops has fewer than 16 characters"), "{short:?}");
}

#[test]
fn rules_do_not_print_secrets() {
    let file = alloc::format!(
        "{ADMIN}\ninnerClientAuthenticationCredentials={{\"accessKey\":\"b\",\"secretKey\":\"fedcba9876543210\"}}"
    );
    let (configuration, _) = Configuration::new(&parse(file.as_bytes()).unwrap()).unwrap();
    let printed = alloc::format!("{:?} {:?} {:?}", rules(&file), configuration, configuration.access());
    let items: String = configuration.items().flat_map(|(key, value)| [key, "=", value, "\n"]).collect();
    let shown = printed + &configuration.listing() + &items + &configuration.runtime_file();
    assert!(shown.contains(r#"initAuthenticationUser={"username":"ops","password":"***"}"#), "{shown}");
    assert!(!shown.contains("0123456789abcdef") && !shown.contains("fedcba9876543210"), "{shown}");
}

#[test]
fn an_unknown_user_is_as_much_work_as_a_wrong_secret() {
    let limits = Limits::default();
    let rules = build("", alloc::vec![user("known", Role::Admin)]).unwrap().0;
    let hashed = |code: i32, name: &str, body: &[u8]| {
        let header = alloc::format!(
            r#"{{"code":{code},"version":513,"extFields":{{"AccessKey":"{name}","SecurityToken":"t","Signature":"{}"}}}}"#,
            "A".repeat(28)
        );
        let length = (4 + header.len() + body.len()) as u32;
        let frame = [&length.to_be_bytes(), &(header.len() as u32).to_be_bytes(), header.as_bytes(), body].concat();
        let Ok(Framing::Complete { frame, .. }) = next_frame(&frame, &limits) else { panic!("no frame") };
        let request = Request::decode(frame, &limits).unwrap();
        work::take_bytes();
        let cause = rules.verify(&request, IpAddr::from([10, 0, 0, 1])).unwrap_err().cause;
        (cause, work::take_bytes())
    };
    for (code, contents) in [(318, 2), (103, 1)] {
        for body in [&b""[..], &[b'#'; 100_000]] {
            let (wrong, of_known) = hashed(code, "known", body);
            let (unknown, of_unknown) = hashed(code, "other", body);
            assert_eq!((wrong, unknown), (RefusalCause::BadSignature, RefusalCause::UnknownUser));
            assert_eq!(of_known, of_unknown, "code {code}, {} bytes", body.len());
            assert!(of_known >= contents * body.len() + "known".len(), "{of_known}");
        }
    }
}
