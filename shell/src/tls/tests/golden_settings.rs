//! The sources of settings, and the certificate of test mode, compared with the Java server.

use super::golden::{Case, cases, derived, properties_text};
use super::handshake::{client, file, handshake, start, test_tls};
use super::observations::{Difference, Observations};
use crate::tls::{Tls, TlsMode};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;
use x509_cert::Certificate;
use x509_cert::der::Decode;

const REQUESTED: &str = "client_certificate_requested";
const NOTHING: &str = "nothing given, /etc/rocketmq/tls.properties absent";
const GUIDE: &str = "the guide word for word (paths apart)";
const IN_CONFIGURATION: &str = "tls.* keys and useTLS in the -c configuration file";
const UNREADABLE_DEFAULT: &str = "/etc/rocketmq/tls.properties present, not readable (server not root)";

#[rustfmt::skip]
const DIFFERENT: &[Difference] = &[
    (NOTHING, REQUESTED, "false", "named-files-are-used"),
    ("file given that does not exist", "result", "does not start", "tls-or-no-start"),
    ("file given that does not exist, nothing else", "result", "does not start", "tls-or-no-start"),
    ("file given is a folder", "result", "does not start", "tls-or-no-start"),
    ("tls.test.mode.enable=no", "result", "does not start", "tls-values-are-checked"),
    ("tls.test.mode.enable=true and a blank", "certificate", "self-signed", "tls-values-are-checked"),
    ("tls.test.mode.enable=TRUE", REQUESTED, "false", "named-files-are-used"),
    ("tls.test.mode.enable not given, certPath and keyPath given", "certificate", "modern/server-rsa.pem", "named-files-are-used"),
    ("tls.test.mode.enable not given, certPath and keyPath given", REQUESTED, "false", "named-files-are-used"),
    ("file is binary", "result", "does not start", "configuration-files-are-text"),
    ("file is empty", REQUESTED, "false", "named-files-are-used"),
    (GUIDE, "certificate", "closed", "tls-values-are-checked"),
    (GUIDE, REQUESTED, "true", "tls-values-are-checked"),
    (IN_CONFIGURATION, "plain", "closed", "properties-are-keys"),
    (IN_CONFIGURATION, "certificate", "modern/server-rsa.pem", "properties-are-keys"),
    (IN_CONFIGURATION, REQUESTED, "false", "properties-are-keys"),
    ("useTLS=true in the -c configuration file", REQUESTED, "false", "named-files-are-used"),
    (UNREADABLE_DEFAULT, "result", "does not start", "tls-or-no-start"),
    ("key file without read right (server not root)", "result", "does not start", "tls-or-no-start"),
    ("certificate file without read right (server not root)", "result", "does not start", "tls-or-no-start"),
];

/// Differences in the certificate that the server creates for itself.
#[rustfmt::skip]
const DIFFERENT_CERTIFICATE: &[Difference] = &[
    (CERTIFICATE, "key", "256 bit", "named-files-are-used"),
    (CERTIFICATE, "signature", "ecdsa-with-SHA256", "named-files-are-used"),
    (CERTIFICATE, "not_before", "1975-01-01T00:00:00Z", "named-files-are-used"),
    (CERTIFICATE, "not_after", "4096-01-01T00:00:00Z", "named-files-are-used"),
    (CERTIFICATE, "extensions", "subjectAltName", "named-files-are-used"),
];
const CERTIFICATE: &str = "certificate of the test mode";

/// Certificates that the server of a case may show.
const CERTIFICATES: [&str; 3] = ["modern/server-rsa.pem", "modern/server-ecdsa.pem", "guide/server.pem"];

/// Starts TLS with the settings of a case. Returns `None` if it refuses to start.
fn start_case(case: &Case) -> Option<Arc<Tls>> {
    let (server, folder) = (&case.server, derived());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let named = match (case.case.as_str(), server.file.as_ref().or(server.default_file.as_ref())) {
        ("file given is a folder" | UNREADABLE_DEFAULT, _) => path(""),
        (name, Some(_)) if name.contains("without read right") => {
            write(path("tls.properties"), &unreadable(name, &folder))
        }
        (_, Some(file)) => write(path("tls.properties"), &text(file, &folder)),
        (name, None) if name.starts_with("file given that does not exist") => path("none"),
        (_, None) => String::new(),
    };
    let properties = server.jvm.iter().chain(&server.config).filter(|(key, _)| *key != "tls.config.file");
    let properties = properties.map(|(key, value)| (key.as_str(), value.as_str()));
    start(&properties.chain([("tls.config.file", named.as_str())]).collect::<Vec<_>>()).ok().map(|(tls, _)| tls)
}

fn write(path: String, text: &str) -> String {
    fs::write(&path, text).unwrap();
    path
}

/// The text of the properties file of a case.
fn text(properties: &Value, folder: &TempDir) -> String {
    match properties.as_str() {
        Some(text) => text.replace("modern", &file("modern")).replace("guide/", &file("guide/")),
        None => properties_text(properties, folder),
    }
}

/// Properties that name a file without read permission. A folder stands for it, because `root` may read every file.
fn unreadable(case: &str, folder: &TempDir) -> String {
    let [certificate, key] = [("certificate", "pem"), ("key", "key")].map(|(what, extension)| {
        if case.starts_with(what) {
            return folder.path().display().to_string();
        }
        file(&format!("modern/server-rsa.{extension}"))
    });
    format!("tls.test.mode.enable=false\ntls.server.certPath={certificate}\ntls.server.keyPath={key}\n")
}

/// Returns what a client without a certificate sees: a file, `self-signed`, or `closed`.
fn shown(config: Arc<ServerConfig>) -> &'static str {
    let done = handshake(config, client(&[]));
    if done.server.is_err() {
        return "closed";
    }
    let shown = done.server_certificate.unwrap();
    let is_shown = |name: &&str| CertificateDer::from_pem_file(file(name)).unwrap().as_ref() == shown;
    CERTIFICATES.into_iter().find(is_shown).unwrap_or("self-signed")
}

/// Whether the server asks a client for a certificate.
fn is_requested(config: Arc<ServerConfig>) -> bool {
    let own = [("tls.client.certPath", "modern/client-good.pem"), ("tls.client.keyPath", "modern/client-good.key")];
    handshake(config, client(&own)).client_certificate
}

fn play(case: &Case, observations: &mut Observations) {
    let outcome = &case.outcome;
    let tls = start_case(case);
    let result = if tls.is_some() { "listening" } else { "does not start" };
    observations.see(case, "result", outcome["result"].as_str().unwrap(), result);
    let (Some(tls), "listening") = (tls, outcome["result"].as_str().unwrap()) else { return };
    let plain = if tls.mode() == TlsMode::Enforcing { "closed" } else { "answered" };
    observations.see(case, "plain", outcome["plain"].as_str().unwrap(), plain);
    let config = tls.server_config().unwrap();
    let java = &outcome["TLS"];
    let java = java["server_certificate"].as_str().or(java["result"].as_str()).unwrap();
    observations.see(case, "certificate", java, shown(Arc::clone(&config)));
    observations.see(case, REQUESTED, &outcome[REQUESTED].to_string(), &is_requested(config).to_string());
    if let Some(java) = outcome["own_client"].as_str() {
        observations.see(case, "own_client", java, if tls.broker_config().is_some() { "TLS" } else { "plain" });
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn properties_count_as_in_java() {
    let mut observations = Observations::new(DIFFERENT);
    let cases = cases("properties-file", "jdk");
    assert_eq!(cases.len(), 31);
    cases.iter().for_each(|case| play(case, &mut observations));
    let (same, different) = observations.conclude();
    println!("properties-file (jdk): {same} observations as Java, {different} on purpose otherwise");
}

/// Describes a certificate in the words of the capture.
fn words(name: &str, certificate: &Certificate) -> String {
    let certified = certificate.tbs_certificate();
    match name {
        "version" => (certified.version() as u8 + 1).to_string(),
        "subject" => certified.subject().to_string().replace('=', " = "),
        "issuer" => certified.issuer().to_string().replace('=', " = "),
        "key" => {
            // Two coordinates behind a byte that announces them.
            let bytes = certified.subject_public_key_info().subject_public_key.raw_bytes().len();
            format!("{} bit", (bytes - 1) / 2 * 8)
        }
        "signature" => word(&certificate.signature_algorithm().oid.to_string()),
        "not_before" => certified.validity().not_before.to_date_time().to_string(),
        "not_after" => certified.validity().not_after.to_date_time().to_string(),
        "extensions" => {
            let extensions = certified.extensions().into_iter().flatten();
            extensions.map(|extension| word(&extension.extn_id.to_string())).collect::<Vec<_>>().join(", ")
        }
        other => panic!("{other}"),
    }
}

/// Returns OpenSSL's name.
fn word(identifier: &str) -> String {
    match identifier {
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "2.5.29.17" => "subjectAltName",
        other => other,
    }
    .to_owned()
}

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn the_certificate_of_the_test_mode_is_as_useful_as_that_of_java() {
    for provider in ["jdk", "openssl"] {
        let mut observations = Observations::new(DIFFERENT_CERTIFICATE);
        for case in cases("test-mode", provider) {
            let [one, other] = [0, 1].map(|_| {
                let config = test_tls(&[]).server_config().unwrap();
                handshake(config, client(&[])).server_certificate.unwrap()
            });
            let certificate = Certificate::from_der(&one).unwrap();
            let java = case.outcome.as_object().unwrap();
            for (name, java) in java.iter().filter(|(name, _)| *name != "new_at_each_start") {
                let java = java.as_str().unwrap_or_default();
                observations.see(&case, name, java, &words(name, &certificate));
            }
            let is_new = java["new_at_each_start"].to_string();
            observations.see(&case, "new_at_each_start", &is_new, &(one != other).to_string());
        }
        let (same, different) = observations.conclude();
        println!("test-mode ({provider}): {same} observations as Java, {different} on purpose otherwise");
    }
}
