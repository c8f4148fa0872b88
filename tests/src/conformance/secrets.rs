//! Secrets: they are in the operator's files and nowhere else.

use crate::peer::{Peer, put};
use crate::process::{CONFIG, Folder, Process, RUNTIME_CONFIG};
use crate::request::Request;
use crate::suite::Target;
use rustix::process::Signal;
use std::fs;
use std::process::Command;

const ADMIN: &str = "f4Sh2kPq9mZx7RtB";
const INNER: &str = "Lw8vC3nYd6JgE1sK";
const USER: &str = "Qb5TzN0uHx4WmAo2";
const PREVIOUS: &str = "Gi7yRe9FpVj3DkXc";
const MISPLACED: &str = "Ms1ZqU6tOa8LhBw5";
const SECRETS: [&str; 5] = [ADMIN, INNER, USER, PREVIOUS, MISPLACED];

const USERS: &str = "users";
const AUDIT: &str = "audit.log";
#[track_caller]
fn assert_hidden(place: &str, text: &str, signatures: &[String]) {
    assert!(!text.is_empty(), "{place} has something to look at");
    for secret in SECRETS.into_iter().chain(signatures.iter().map(String::as_str)) {
        assert!(!text.contains(secret), "{place} shows {secret}: {text}");
    }
}

/// Whatever the server prints, logs, answers and writes, at every level of the log and with bad files too.
pub(super) fn secrets_are_shown_nowhere(target: &Target) {
    for format in ["text", "json"] {
        let folder = folder_with_secrets(format);
        let config = folder.path(CONFIG);

        let printed = Command::new(target.binary()).arg("-p").arg("-c").arg(&config).output().expect("it runs");
        let items = String::from_utf8_lossy(&printed.stdout).into_owned();
        assert!(items.contains(r#"initAuthenticationUser={"username":"ops","password":"***"}"#), "{items}");
        assert_hidden("-p", &items, &[]);

        let mut server = folder.start(target.binary());
        let mut peer = Peer::connect(&server);
        let listing = peer.ask(&Request::new(319)).text();
        assert!(listing.contains(r#"{"accessKey":"inner","secretKey":"***"}"#), "{listing}");
        assert_hidden("319", &listing, &[]);

        let mut signatures = Vec::new();
        for (user, secret, code) in [
            ("ops", ADMIN, 0),
            ("alice", USER, 0),
            ("alice", PREVIOUS, 0),
            ("alice", ADMIN, 16),
            ("nobody", USER, 16),
            ("inner", INNER, 16),
        ] {
            let request = put("n", "k", user).signed(user, secret);
            let is_signature = |(name, value): &(String, String)| (name == "Signature").then(|| value.clone());
            signatures.extend(request.fields.iter().flatten().find_map(is_signature));
            let answer = peer.ask(&request);
            assert_eq!(answer.code, code, "{user}: {answer:?}");
            assert_hidden("an answer", &format!("{answer:?}"), &signatures);
        }
        assert_eq!(signatures.len(), 6);
        for key in ["initAuthenticationUser", "usersPath", "accessControl", "adminAddresses"] {
            assert_eq!(peer.ask(&Request::new(318).body(format!("{key}=x")).signed("ops", ADMIN)).code, 16, "{key}");
        }
        assert_eq!(peer.ask(&Request::new(318).body("enableTopicList=false").signed("ops", ADMIN)).code, 0);
        let runtime = fs::read_to_string(server.folder().path(RUNTIME_CONFIG)).expect("the runtime file");
        assert_hidden("the runtime file", &runtime, &signatures);

        reload_misplaced_secrets(&server);
        server.signal(Signal::QUIT);
        server.eventually(|| server.log().contains("state of the server"));
        server.terminate();
        assert!(server.wait().success());
        assert_hidden("the log", &server.log(), &signatures);
        assert_hidden(
            "the audit file",
            &fs::read_to_string(server.folder().path(AUDIT)).expect("the audit file"),
            &signatures,
        );
    }
}

fn folder_with_secrets(log_format: &str) -> Folder {
    let folder = Folder::plain();
    let (users, audit) = (folder.path(USERS), folder.path(AUDIT));
    fs::write(&users, good_users()).expect("the users file can be written");
    let properties = [
        ("logFormat", log_format.to_owned()),
        ("logLevel", "trace".to_owned()),
        ("authenticationEnabled", "true".to_owned()),
        ("initAuthenticationUser", format!(r#"{{"username":"ops","password":"{ADMIN}"}}"#)),
        ("innerClientAuthenticationCredentials", format!(r#"{{"accessKey":"inner","secretKey":"{INNER}"}}"#)),
        ("usersPath", users.display().to_string()),
        ("auditPath", audit.display().to_string()),
    ];
    properties.iter().fold(folder, |folder, (key, value)| folder.with_property(key, value))
}

fn good_users() -> String {
    format!(r#"{{"username":"alice","password":"{USER}","previousPassword":"{PREVIOUS}","role":"admin"}}"#) + "\n"
}

/// A good reload, a users file with a secret where none belongs, and a configuration file with one.
fn reload_misplaced_secrets(server: &Process) {
    let reload = |expected: &str| {
        server.signal(Signal::HUP);
        server.eventually(|| server.log().contains(expected));
    };
    let (users, config) = (server.folder().path(USERS), server.folder().path(CONFIG));
    reload("configuration reloaded");
    let bad = good_users() + &format!("{{\"username\":\"bob\",\"password\":\"{MISPLACED}\",\"{MISPLACED}\":{{}},\n");
    fs::write(&users, bad).expect("the users file can be written");
    reload("usersPath: ");
    fs::write(&users, good_users()).expect("the users file can be written");
    let before = fs::read_to_string(&config).expect("the operator's file");
    let misplaced = format!("{before}initAuthenticationUser={MISPLACED}\n");
    fs::write(&config, misplaced).expect("the operator's file can be written");
    reload("initAuthenticationUser: ");
}
