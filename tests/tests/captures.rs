//! Recorded traffic of real peers against the pure core: answers as Java gave them where the captures hold what they
//! depend on, requests read as they were written everywhere.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_core::access::{Role, User};
use namesrv_core::credentials::Secret;
use namesrv_tests::access;
use namesrv_tests::answer::Answer;
use namesrv_tests::captures::replay::runs;
use namesrv_tests::captures::{USERS, folder};
use namesrv_tests::server::Setup;
use namesrv_tests::world::CoreServer;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn recorded_requests_are_answered_as_java_answered_them() {
    let mut all = [0; 3];
    let mut failures = Vec::new();
    for run in runs() {
        let properties = run.config.clone().into_iter().collect();
        let report = run.replay(&mut CoreServer::start(&Setup { properties, listeners: Vec::new() }));
        println!("{report}");
        all.iter_mut().zip(report.counts()).for_each(|(sum, count)| *sum += count);
        failures.extend(report.failures);
    }
    let [compared, decoded, deliberate] = all;
    println!("{compared} compared, {decoded} decoded only, {deliberate} different on purpose");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// What the users of the captures may do here. The key that everybody knows is nobody's.
const ROLES: [(&str, Role); 5] = [
    ("brokerKey", Role::Broker),
    ("adminKey", Role::Admin),
    ("clientKey", Role::Read),
    ("proxyKey", Role::Read),
    ("toolsKey", Role::Read),
];

fn users() -> Vec<User> {
    let secret = |name: &str| USERS.iter().find(|(user, _)| *user == name).unwrap().1;
    let user = |(name, role): &(&str, Role)| User { secret: Secret::new(secret(name)), ..access::user(name, *role) };
    ROLES.iter().map(user).collect()
}

/// Whether a server with these users refuses the request: it changes the server, or registers a broker, and its user
/// may not do that.
fn is_refused(request: &Answer) -> bool {
    let needed = match request.code {
        100 | 102 | 205 | 216 | 318 | 327 => Role::Admin,
        103 => Role::Broker,
        _ => return false,
    };
    let user = request.field("AccessKey").and_then(|name| ROLES.iter().find(|(user, _)| *user == name));
    user.is_none_or(|(_, role)| *role < needed)
}

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn signed_requests_are_served_as_java_served_them_and_the_others_are_refused() {
    let (mut compared, mut refused, mut failures) = (0, 0, Vec::new());
    for mut run in runs().into_iter().filter(|run| run.captures[0].starts_with("signed/")) {
        // It shows the keys of access control that are set.
        run.not_compared.push(319);
        if run.captures[0].starts_with("signed/unsigned") {
            // Java shows the broker, which is refused here.
            run.not_compared.push(106);
        }
        let on = [("authenticationEnabled", "true"), ("accessControl", "strict")];
        let on = on.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let properties = run.config.clone().into_iter().chain(on).collect();
        let mut server = CoreServer::with_users(&Setup { properties, listeners: Vec::new() }, users());
        let report = run.replay_where(&mut server, is_refused);
        println!("{report}");
        compared += report.counts()[0];
        refused += report.refused;
        failures.extend(report.failures);
    }
    println!("{compared} compared, {refused} refused");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert_eq!((compared, refused), (293, 11));
}

#[test]
fn every_capture_is_part_of_a_run() {
    let names = |folder: &Path, before: &'static str| {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names = files.filter_map(move |file| Some(format!("{before}{}", file.strip_suffix(".jsonl.gz")?)));
        names.collect::<Vec<_>>()
    };
    let captures: BTreeSet<_> =
        names(&folder(), "").into_iter().chain(names(&folder().join("signed"), "signed/")).collect();
    let replayed: BTreeSet<_> = runs().into_iter().flat_map(|run| run.captures).collect();
    assert_eq!(captures, replayed);
}
