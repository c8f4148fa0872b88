//! What the Java server did with the same files and settings: the captured cases about the start, certificates of
//! clients, protocols and suites, and notifications to brokers.
//!
//! The outcome of a case is `works`, `fails` (the handshake) or `refused` (the start). If this server's outcome differs
//! from Java's, [`DIFFERENT`] lists the case with its entry in DIFFERENCES.md.

use super::handshake::{client, file, handshake, start, test_tls};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use tempfile::TempDir;

const CASES: &str = include_str!("../../../../tests/golden/tls-5.5.0.jsonl");

/// For each case that differs: its group, its name or the part of the name between semicolons, and its entry in
/// DIFFERENCES.md. If Java starts but completes no handshake, this server may refuse to start (`tls-or-no-start`); such
/// cases are not listed.
#[rustfmt::skip]
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("start", "RSA, PKCS#8 and a needless password", "tls-values-are-checked"),
    ("start", "RSA, PKCS#1 and a needless password", "tls-values-are-checked"),
    ("start", "RSA, PKCS#1 encrypted (Proc-Type)", "modern-tls-only"),
    ("start", "RSA, pbes2-scrypt", "modern-tls-only"),
    ("start", "RSA, pbe-sha1-rc2-40", "modern-tls-only"),
    ("start", "RSA, pbe-md5-des", "modern-tls-only"),
    ("start", "RSA, pbes2-aes256, password with a trailing blank", "tls-values-are-checked"),
    ("start", "certPath with a trailing blank", "tls-values-are-checked"),
    ("start", "authClient, no trust file", "tls-or-no-start"),
    ("properties", "tls.protocols=TLSv1.2, TLSv1.3", "tls-or-no-start"),
    ("properties", "tls.protocols=", "tls-or-no-start"),
    ("properties", "tls.ciphers=TLS_RSA_WITH_AES_128_CBC_SHA", "modern-tls-only"),
    ("properties", "tls.ciphers=ECDHE-RSA-AES128-GCM-SHA256", "tls-or-no-start"),
    ("properties", "tls.ciphers=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256", "tls-or-no-start"),
    ("properties", "tls.ciphers=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,bogus", "tls-or-no-start"),
    ("properties", "tls.ciphers=", "tls-or-no-start"),
    ("client-certificate", "client certificate signed with SHA-1", "modern-tls-only"),
    ("client-certificate", "need.client.auth=require and three blanks (as in the guide)", "tls-values-are-checked"),
    ("client-certificate", "need.client.auth=required", "tls-values-are-checked"),
    ("client-certificate", "need.client.auth empty", "tls-values-are-checked"),
    ("client-certificate", "require, authClient=true and a blank", "tls-values-are-checked"),
    ("client-certificate", "require, authClient=yes", "tls-values-are-checked"),
    ("client-certificate", "test mode", "named-files-are-used"),
    ("client-certificate", "test mode, need.client.auth=require, authClient=true and a trust file: all ignored", "named-files-are-used"),
    ("notify-905", "authServer=true, no trustCertPath", "tls-or-no-start"),
    ("notify-905", "client certificate configured, test mode", "named-files-are-used"),
];

/// Differences from a Java server with OpenSSL's TLS that do not occur with the JDK's.
#[rustfmt::skip]
const DIFFERENT_FROM_OPENSSL: &[(&str, &str, &str)] = &[
    ("start", "Ed25519", "tls-as-with-the-jdk"),
    ("properties", "tls.ciphers=TLS_AES_128_GCM_SHA256", "tls-as-with-the-jdk"),
    ("properties", "tls.ciphers=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "tls-or-no-start"),
    ("client-certificate", "client certificate ed25519", "tls-as-with-the-jdk"),
];
/// Entries of [`DIFFERENT`] that do not differ from OpenSSL's TLS, or were not captured with it.
#[rustfmt::skip]
const DIFFERENT_FROM_JDK_ALONE: &[(&str, &str)] = &[
    ("client-certificate", "need.client.auth=require and three blanks (as in the guide)"),
    ("client-certificate", "need.client.auth=required"),
    ("client-certificate", "need.client.auth empty"),
    ("properties", "tls.ciphers=ECDHE-RSA-AES128-GCM-SHA256"),
];

/// One line of the capture.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    group: String,
    pub(super) case: String,
    pub(super) server: Server,
    #[serde(default)]
    pub(super) client: serde_json::Value,
    pub(super) outcome: serde_json::Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Server {
    pub(super) provider: String,
    #[serde(default)]
    pub(super) jvm: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) file: Option<serde_json::Value>,
    /// The contents of the default properties file.
    #[serde(default, rename = "file at the default place")]
    pub(super) default_file: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) config: BTreeMap<String, String>,
}

/// Returns the cases of a group with one TLS provider of the Java server.
pub(super) fn cases(group: &str, provider: &str) -> Vec<Case> {
    let cases = CASES.lines().map(|line| serde_json::from_str::<Case>(line).unwrap());
    let cases: Vec<_> = cases.filter(|case| case.group == group && case.server.provider == provider).collect();
    assert!(!cases.is_empty());
    cases
}

/// A folder with the binary files of the cases, which `tests/tls` does not keep.
pub(super) fn derived() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read_to_string(file(name)).unwrap();
    let der = |name: &str| pem::parse(read(name)).unwrap().into_contents();
    let write = |name: &str, contents: &[u8]| fs::write(folder.path().join(name), contents).unwrap();
    write("server-rsa.der", &der("modern/server-rsa.pem"));
    write("server-rsa.key.der", &der("modern/server-rsa.key"));
    write("server-rsa.crlf.pem", read("modern/server-rsa.pem").replace('\n', "\r\n").as_bytes());
    folder
}

/// The text of a properties file with these entries.
pub(super) fn properties_text(entries: &serde_json::Value, derived: &TempDir) -> String {
    let serde_json::Value::Object(entries) = entries else { return entries.as_str().unwrap_or_default().to_owned() };
    let mut text = String::new();
    for (key, value) in entries {
        let value = value.as_str().unwrap();
        let path = match value.strip_prefix("modern/") {
            Some(name) if derived.path().join(name).exists() => derived.path().join(name).display().to_string(),
            _ if key.ends_with("Path") => file(value),
            _ => value.to_owned(),
        };
        writeln!(text, "{key}={path}").unwrap();
    }
    text
}

/// Starts TLS for a case. Returns `None` if it refuses to start.
fn start_case(case: &Case, derived: &TempDir) -> Option<std::sync::Arc<crate::tls::Tls>> {
    let path = derived.path().join("tls.properties").display().to_string();
    let text = case.server.file.as_ref().map(|file| properties_text(file, derived)).unwrap_or_default();
    fs::write(&path, text).unwrap();
    let jvm = case.server.jvm.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let properties: Vec<_> = jvm.chain([("tls.config.file", path.as_str())]).collect();
    start(&properties).ok().map(|(tls, _)| tls)
}

/// Returns the differences from Java with this provider.
fn different_from(provider: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    if provider == "jdk" {
        return DIFFERENT.to_vec();
    }
    let is_jdk_alone = |(group, name, _): &&(&str, &str, &str)| DIFFERENT_FROM_JDK_ALONE.contains(&(group, name));
    let both = DIFFERENT.iter().filter(|entry| !is_jdk_alone(entry));
    both.chain(DIFFERENT_FROM_OPENSSL).copied().collect()
}

/// Compares the cases of a group, each with one or more named handshakes, with both providers of the Java server.
fn compare(group: &str, outcomes: impl Fn(&Case, &TempDir) -> Vec<(String, bool, Option<bool>)>) {
    // The Java server always sends notifications over the JDK's TLS.
    let providers: &[_] = if group == "notify-905" { &["jdk"] } else { &["jdk", "openssl"] };
    providers.iter().for_each(|provider| compare_with(group, provider, &outcomes));
}

#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn compare_with(group: &str, provider: &str, outcomes: &impl Fn(&Case, &TempDir) -> Vec<(String, bool, Option<bool>)>) {
    let (derived, different) = (derived(), different_from(provider));
    let (mut seen, mut counts) = (BTreeSet::new(), [0, 0]);
    let mut wrong = String::new();
    for case in cases(group, provider) {
        for (name, java, ours) in outcomes(&case, &derived) {
            // Where Java completes no handshake, this server may refuse to start instead.
            let is_same = ours == Some(java) || (ours.is_none() && !java);
            let is_named = |name: &str| case.case == name || case.case.split("; ").any(|part| part == name);
            counts[usize::from(!is_same)] += 1;
            let listed = different.iter().find(|(other, name, _)| *other == group && is_named(name));
            match (is_same, listed) {
                (true, _) => {}
                (false, Some(entry)) => drop(seen.insert(entry.1)),
                (false, None) => writeln!(wrong, "{}: {name}: Java {java}, ours {ours:?}", case.case).unwrap(),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    let listed: BTreeSet<_> =
        different.iter().filter(|(other, ..)| *other == group).map(|(_, case, _)| *case).collect();
    assert_eq!(seen, listed, "cases of the list that do not differ from {provider}");
    let entries = include_str!("../../../../DIFFERENCES.md");
    assert!(different.iter().all(|(.., entry)| entries.contains(&format!("### `{entry}`"))));
    let [same, other] = counts;
    println!("{group} ({provider}): {same} outcomes as Java, {other} on purpose otherwise");
}

/// The handshakes of a case, one for each version, with a client that checks nothing.
fn by_version(case: &Case, derived: &TempDir) -> Vec<(String, bool, Option<bool>)> {
    let tls = start_case(case, derived);
    let versions = ["TLSv1.2", "TLSv1.3"].into_iter();
    let outcome = |version: &str| {
        let java = case.outcome[version]["result"] == "answered";
        let ours = tls.as_ref().and_then(|tls| tls.server_config());
        let done = ours.map(|server| handshake(server, client(&[("tls.protocols", version)])));
        let mut outcomes =
            vec![(version.to_owned(), java, done.as_ref().map(|done| done.server.is_ok() && done.client.is_ok()))];
        // OpenSSL prefers other suites of TLS 1.3; the group `suites` compares those.
        let is_compared = case.server.provider == "jdk" || version == "TLSv1.2";
        if let (Some(suite), Some(cipher), true) =
            (done.and_then(|done| done.suite), case.outcome[version]["cipher"].as_str(), is_compared)
        {
            outcomes.push((format!("{cipher}, not {suite}"), true, Some(suite == cipher)));
        }
        outcomes
    };
    versions.flat_map(outcome).collect()
}

#[test]
fn files_start_the_server_as_in_java_or_not_at_all() {
    compare("start", by_version);
}

#[test]
fn protocols_and_suites_are_chosen_as_in_java() {
    compare("properties", by_version);
}

#[test]
fn clients_are_let_in_as_in_java() {
    compare("client-certificate", |case, derived| {
        let tls = &case.client["tls"];
        let certificate = tls["certificate"].as_str().unwrap_or_default();
        let client = client(&[
            ("tls.client.certPath", certificate),
            ("tls.client.keyPath", &certificate.replace(".pem", ".key")),
            ("tls.client.keyPassword", "123456"),
            ("tls.protocols", tls["version"].as_str().unwrap()),
        ]);
        let server = start_case(case, derived).and_then(|tls| tls.server_config());
        let done = server.map(|server| handshake(server, client));
        assert!(done.iter().all(|done| done.client.is_ok() == done.server.is_ok()), "the client is told: {done:?}");
        let ours = done.map(|done| done.server.is_ok());
        vec![("handshake".to_owned(), case.outcome["result"] == "answered", ours)]
    });
}

#[test]
fn brokers_are_notified_over_tls_as_in_java_and_never_in_plain_text_where_tls_is_asked_for() {
    compare("notify-905", |case, derived| {
        let Some(certificate) = case.client["listener_certificate"].as_str() else { return Vec::new() };
        let broker = test_tls(&[
            ("tls.server.certPath", certificate),
            ("tls.server.keyPath", &certificate.replace(".pem", ".key")),
            (
                "tls.server.need.client.auth",
                if case.client["asks_for_client_certificate"] == true { "optional" } else { "none" },
            ),
        ]);
        let tls = start_case(case, derived);
        let ours = tls.as_ref().map(|tls| tls.broker_config());
        let is_tls = case.outcome["first_byte"] == "16";
        let mut outcomes = vec![("is TLS".to_owned(), is_tls, ours.as_ref().map(Option::is_some))];
        if let Some(Some(config)) = ours {
            let done = handshake(broker.server_config().unwrap(), config);
            outcomes.push(("handshake".to_owned(), case.outcome["handshake"] == "ok", Some(done.client.is_ok())));
            let shown = case.outcome["client_certificate"].is_string();
            outcomes.push(("certificate".to_owned(), shown, Some(done.client_certificate)));
        }
        outcomes
    });
}
