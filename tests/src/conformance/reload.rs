//! What the operator changes while the server runs: SIGHUP takes what the configuration file says now, or nothing.

use crate::peer::{Peer, put};
use crate::process::{CONFIG, Folder, Process};
use crate::request::Request;
use crate::suite::Target;
use rustix::process::Signal;
use std::fs;

/// Adds lines to the operator's file, where a later line counts more than an earlier one.
fn add(server: &Process, lines: &str) {
    let path = server.folder().path(CONFIG);
    let text = fs::read_to_string(&path).expect("the operator's file");
    fs::write(path, text + lines).expect("the operator's file can be written");
}

/// Sends SIGHUP and waits for the line of its outcome, the `number`th one of the server.
fn reload(server: &Process, number: usize) -> String {
    server.signal(Signal::HUP);
    let outcome = || {
        let is_outcome = |line: &&str| line.contains("configuration reloaded") || line.contains("reload failed");
        server.log().lines().filter(is_outcome).nth(number - 1).map(str::to_owned)
    };
    server.eventually(|| outcome().is_some());
    outcome().unwrap_or_default()
}

fn listing(server: &Process) -> String {
    Peer::connect(server).ask(&Request::new(319)).text()
}

/// What can change while the server runs takes effect, and the log names what waits for the next start. What a request
/// has changed stays.
pub(super) fn a_hangup_takes_what_the_file_says_now(target: &Target) {
    let server = target.start(&[("enableTopicList", "true"), ("logLevel", "info")]);
    let topics = Request::new(311);
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.ask(&topics).code, 0);
    assert_eq!(peer.ask(&Request::new(318).body("waitSecondsForService=7")).code, 0);

    add(&server, "enableTopicList=false\nwaitSecondsForService=8\nconnectionsMax=77\n");
    add(&server, "serverChannelMaxIdleTimeSeconds=1\nlogLevel=debug\n");
    let line = reload(&server, 1);
    let changed = "enableTopicList, serverChannelMaxIdleTimeSeconds, logLevel";
    assert!(line.ends_with(&format!(r#"keys="{changed}" at_next_start="connectionsMax""#)), "{line}");
    server.eventually(|| Peer::connect(&server).ask(&topics).code != 0);
    let listing = listing(&server);
    assert!(listing.contains("waitSecondsForService=7\n") && !listing.contains("connectionsMax=77"), "{listing}");
    let mut idle = Peer::connect(&server);
    assert_ne!(idle.ask(&topics).code, 0);
    assert_eq!(idle.next(), None);
    server.eventually(|| server.log().contains("DEBUG connection closed"));

    let line = reload(&server, 2);
    assert!(line.ends_with(r#" at_next_start="connectionsMax""#) && !line.contains(" keys="), "{line}");
}

/// A file with one bad value changes nothing at all, and one line says what is wrong with it.
pub(super) fn a_hangup_with_a_bad_file_changes_nothing(target: &Target) {
    let server = target.start(&[("enableTopicList", "true")]);
    let before = listing(&server);
    add(&server, "enableTopicList=false\nwaitSecondsForService=soon\n");
    let line = reload(&server, 1);
    let expected = format!(
        "error=\"{}: line 6: waitSecondsForService: `soon` is not a whole number",
        server.folder().path(CONFIG).display()
    );
    assert!(line.contains(&expected), "{line}");
    assert_eq!(listing(&server), before);
}

/// The users file is read again when it changes. A bad line changes nothing: no door opens and none closes.
pub(super) fn users_come_and_go_with_their_file(target: &Target) {
    let folder = Folder::new(&[("authenticationEnabled", "true")]);
    let path = folder.path("users");
    let user = |name: &str, secrets: &str| format!("{{\"username\":\"{name}\",{secrets},\"role\":\"admin\"}}\n");
    let write = |text: &str| fs::write(&path, text).expect("the users file can be written");
    write(&user("alice", r#""password":"the first of alice""#));
    let server = folder.with_property("usersPath", &path.display().to_string()).start(target.binary());
    let code = |name: &str, secret: &str| Peer::connect(&server).ask(&put("n", "k", "v").signed(name, secret)).code;
    assert_eq!((code("alice", "the first of alice"), code("bob", "the first of bob!")), (0, 16));

    // A secret is replaced: both are good, then one.
    write(&user("alice", r#""password":"the second of alice","previousPassword":"the first of alice""#));
    server.eventually(|| code("alice", "the second of alice") == 0);
    assert_eq!(code("alice", "the first of alice"), 0);
    write(&user("alice", r#""password":"the second of alice""#));
    server.eventually(|| code("alice", "the first of alice") == 16);

    let both = user("alice", r#""password":"the second of alice""#) + &user("bob", r#""password":"the first of bob!""#);
    write(&(both.clone() + "oops\n"));
    server.eventually(|| server.log().contains("users: line 3: it is not a JSON object"));
    assert_eq!((code("alice", "the second of alice"), code("bob", "the first of bob!")), (0, 16));
    write(&both);
    server.eventually(|| code("bob", "the first of bob!") == 0);

    // Both files at once, in one step.
    write(&user("bob", r#""password":"the first of bob!""#));
    add(&server, "authenticationEnabled=false\n");
    server.signal(Signal::HUP);
    server.eventually(|| code("nobody", "x") == 0);
}
