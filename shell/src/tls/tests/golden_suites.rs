//! Suites, groups, resumption and extensions, with a server like the captured one.

use super::golden::{Case, cases};
use super::handshake::{client, file, handshake, handshake_with, test_tls};
use crate::tls::broker_certificates::BrokerCertificates;
use crate::tls::client;
use crate::tls::protocols::Protocols;
use rustls::client::Resumption;
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1, X25519};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, ServerConfig};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

/// What Java supports and this server does not, because rustls does not.
const NOT_HERE: &[&str] = &[
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES128-SHA",
    "AES128-GCM-SHA256",
    "AES256-SHA",
    "AES128-SHA",
    "P-521",
    "X448",
    "ffdhe2048",
    "ffdhe3072",
];
/// What this server supports, but Java does not with every key and provider.
const NOT_IN_JAVA: &[&str] = &[
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "X25519",
    "P-384",
];
/// Other differences, by the words behind the semicolon, with the providers that differ.
const DIFFERENT: &[(&str, &[&str])] =
    &[("1.3 offered 256 before 128", &["openssl"]), ("resumption TLSv1.3", &["openssl"])];
/// Suites by OpenSSL's names. Each is offered alone.
const SUITES: [(&str, &[&str]); 2] = [
    (
        "tls1.2",
        &[
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "ECDHE-RSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-RSA-CHACHA20-POLY1305",
        ],
    ),
    ("tls1.3", &["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]),
];
const GROUPS: [(&str, &dyn SupportedKxGroup); 3] = [("X25519", X25519), ("P-256", SECP256R1), ("P-384", SECP384R1)];

/// The server of a case.
fn server(case: &Case) -> Arc<ServerConfig> {
    let name = if case.case.contains("server-rsa") { "server-rsa" } else { "server-ecdsa" };
    let [certificate, key] = ["pem", "key"].map(|extension| format!("modern/{name}.{extension}"));
    let files = [("tls.server.certPath", certificate.as_str()), ("tls.server.keyPath", &key)];
    test_tls(&files).server_config().unwrap()
}

fn version(name: &str) -> &str {
    match name {
        "tls1.2" | "groups tls1.2" => "TLSv1.2",
        "tls1.3" | "groups tls1.3" => "TLSv1.3",
        other => other,
    }
}

/// A client that offers only one group.
fn client_with_group(version: &str, group: &'static dyn SupportedKxGroup) -> Arc<ClientConfig> {
    let plain = client(&[]);
    let algorithms = plain.crypto_provider().signature_verification_algorithms;
    let provider = CryptoProvider { kx_groups: vec![group], ..CryptoProvider::clone(plain.crypto_provider()) };
    let versions = vec![if version == "TLSv1.2" { &TLS12 } else { &TLS13 }];
    let protocols = Protocols { provider: Arc::new(provider), versions, warnings: Vec::new() };
    Arc::new(client::config(&protocols, BrokerCertificates { trust: None, algorithms }, None).unwrap())
}

fn works(server: &Arc<ServerConfig>, client: Arc<ClientConfig>) -> bool {
    handshake(Arc::clone(server), client).client.is_ok()
}

/// Offers each suite and group alone: what works must also work in Java, except for the two lists.
fn each_alone(case: &Case, server: &Arc<ServerConfig>) -> Result<(), String> {
    let mut found = BTreeMap::new();
    for (member, suites) in SUITES {
        let offered = |suite: &&str| client(&[("tls.protocols", version(member)), ("tls.ciphers", suite)]);
        let working = suites.iter().filter(|suite| works(server, offered(suite))).copied();
        found.insert(member, working.collect::<BTreeSet<_>>());
    }
    for member in ["groups tls1.2", "groups tls1.3"] {
        let working = GROUPS.iter().filter(|(_, group)| works(server, client_with_group(version(member), *group)));
        found.insert(member, working.map(|(name, _)| *name).collect());
    }
    for (member, ours) in found {
        let java: BTreeSet<_> = texts(&case.outcome[member]).collect();
        let missing: Vec<_> = java.difference(&ours).filter(|name| !NOT_HERE.contains(name)).collect();
        let more: Vec<_> = ours.difference(&java).filter(|name| !NOT_IN_JAVA.contains(name)).collect();
        if !missing.is_empty() || !more.is_empty() {
            return Err(format!("{member}: without {missing:?}, with {more:?}"));
        }
    }
    Ok(())
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap())
}

/// Returns the suite that the server chooses from these.
fn chosen(server: &Arc<ServerConfig>, protocols: &str, suites: &str) -> Option<&'static str> {
    let config = client(&[("tls.protocols", protocols), ("tls.ciphers", suites)]);
    let done = handshake(Arc::clone(server), config);
    done.suite.filter(|_| done.client.is_ok())
}

/// Whether a second connection resumes the session of the first, and the number of TLS 1.3 tickets.
fn resumed(server: &Arc<ServerConfig>, protocols: &str) -> (bool, u32) {
    let mut config = ClientConfig::clone(&client(&[("tls.protocols", protocols)]));
    config.resumption = Resumption::in_memory_sessions(8);
    let config = Arc::new(config);
    let first = handshake(Arc::clone(server), Arc::clone(&config));
    let second = handshake(Arc::clone(server), config);
    (second.kind == Some(HandshakeKind::Resumed), first.tickets)
}

/// Whether a case has the same outcome as in Java, or `None` if no rustls client can play it.
fn is_as_in_java(case: &Case) -> Option<bool> {
    let (server, outcome) = (server(case), &case.outcome);
    let tls = &case.client["tls"];
    let protocols = tls["version"].as_str();
    let Some((_, what)) = case.case.split_once("; ") else {
        return Some(each_alone(case, &server).map_err(|wrong| panic!("{}: {wrong}", case.case)).is_ok());
    };
    let is_same = match (what.split_once(' ').unwrap_or((what, "")), protocols) {
        (("offered", _), Some(protocols)) => {
            // Clients here cannot offer what rustls does not support.
            let offered: Vec<_> = tls["ciphers"].as_str().unwrap().split(':').collect();
            chosen(&server, protocols, &offered.join(",")) == outcome["cipher"].as_str()
        }
        (("1.3", _), Some(protocols)) => {
            let suites = "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256";
            chosen(&server, protocols, suites) == texts(&outcome["cipher"]).next()
        }
        (("resumption", _), Some(protocols)) => {
            let (is_resumed, tickets) = resumed(&server, protocols);
            let is_ticket = protocols == "TLSv1.2" || outcome["new_session_tickets"] == tickets;
            outcome["resumed"] == is_resumed && is_ticket
        }
        (("ALPN", _), None) => {
            let mut config = ClientConfig::clone(&client(&[]));
            config.alpn_protocols = texts(&tls["alpn"]).map(|name| name.as_bytes().to_vec()).collect();
            let done = handshake(server, Arc::new(config));
            done.client.is_ok() && done.alpn.is_none() && outcome["result"] == "answered"
        }
        (("SNI", _), None) => {
            let done = handshake_with(server, client(&[]), tls["sni"].as_str().unwrap());
            let expected =
                pem::parse(fs::read(file(outcome["server_certificate"].as_str().unwrap())).unwrap()).unwrap();
            done.server_certificate.as_deref() == Some(expected.contents())
        }
        (("renegotiation" | "KeyUpdate", _), None) => return None,
        other => panic!("{}: {other:?}", case.case),
    };
    Some(is_same)
}

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn suites_groups_and_extensions_are_those_of_java() {
    for provider in ["jdk", "openssl"] {
        let mut counts = [0, 0];
        for case in cases("suites", provider) {
            let Some(is_same) = is_as_in_java(&case) else { continue };
            let is_listed = DIFFERENT.iter().any(|(name, from)| case.case.ends_with(name) && from.contains(&provider));
            assert_eq!(is_same, !is_listed, "{}", case.case);
            counts[usize::from(!is_same)] += 1;
        }
        let [same, other] = counts;
        println!("suites ({provider}): {same} cases as Java, {other} on purpose otherwise");
        assert_eq!(same + other, 22);
    }
}
