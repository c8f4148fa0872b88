//! Every supported kind of key and certificate, each in handshakes of both versions.

use super::handshake::{client, file, handshake, start, test_tls};
use rustls::Error;
use std::fs;

#[test]
fn line_ends_of_windows_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["server-rsa.pem", "server-rsa.key"].map(|name| {
        let text = fs::read_to_string(file(&format!("modern/{name}"))).unwrap();
        fs::write(folder.path().join(name), text.replace('\n', "\r\n")).unwrap();
        folder.path().join(name).display().to_string()
    });
    test_tls(&[("tls.server.certPath", &certificate), ("tls.server.keyPath", &key)]);
}

#[test]
fn a_server_without_files_makes_a_certificate_that_clients_take_which_check_nothing() {
    let tls = test_tls(&[]);
    for protocols in ["TLSv1.2", "TLSv1.3"] {
        let done = handshake(tls.server_config().unwrap(), client(&[("tls.protocols", protocols)]));
        assert_eq!((done.server, done.client), (Ok(()), Ok(())));
        assert!(!done.client_certificate);
        let checking = client(&[
            ("tls.protocols", protocols),
            ("tls.client.authServer", "true"),
            ("tls.client.trustCertPath", "modern/ca.pem"),
        ]);
        assert!(matches!(handshake(tls.server_config().unwrap(), checking).client, Err(Error::InvalidCertificate(_))));
    }
}

/// Certificates of brokers: CA and dates are checked, names are not, and the guide's version 1 is accepted.
#[test]
fn brokers_are_checked_as_java_checks_them() {
    let table = [
        ("modern/server-rsa", "modern/ca.pem", true),
        ("modern/server-othername", "modern/ca.pem", true),
        ("modern/server-chain", "modern/ca.pem", true),
        ("modern/server-v1", "modern/ca.pem", true),
        ("guide/server", "guide/ca.pem", true),
        ("modern/server-rsa", "modern/both-cas.pem", true),
        ("modern/server-rsa", "modern/server-rsa.pem", true),
        ("modern/server-expired", "modern/ca.pem", false),
        ("modern/server-other-ca", "modern/ca.pem", false),
        ("modern/server-chain-leaf", "modern/ca.pem", false),
        ("modern/server-v1", "guide/ca.pem", false),
        ("guide/server", "modern/ca.pem", false),
    ];
    for (server, trust, is_trusted) in table {
        let tls = test_tls(&[
            ("tls.server.certPath", &format!("{server}.pem")),
            ("tls.server.keyPath", &format!("{server}.key")),
            ("tls.server.keyPassword", "123456"),
        ]);
        for protocols in ["TLSv1.2", "TLSv1.3"] {
            let checking = client(&[
                ("tls.protocols", protocols),
                ("tls.client.authServer", "true"),
                ("tls.client.trustCertPath", trust),
            ]);
            let done = handshake(tls.server_config().unwrap(), checking);
            assert_eq!(done.client.is_ok(), is_trusted, "{server}, {trust}, {protocols}: {done:?}");
        }
    }
}

#[test]
fn suites_and_protocols_are_those_of_the_settings() {
    let identity =
        [("tls.server.certPath", "modern/server-ecdsa.pem"), ("tls.server.keyPath", "modern/server-ecdsa.key")];
    let table = [
        // Server, client, and whether they agree.
        (("tls.protocols", "TLSv1.2"), ("tls.protocols", "TLSv1.3"), false),
        (("tls.protocols", "TLSv1.3, TLSv1.2"), ("tls.protocols", "TLSv1.2"), true),
        (("tls.protocols", "TLSv1.1,TLSv1.2,"), ("tls.protocols", "TLSv1.2"), true),
        (("tls.ciphers", "TLS_AES_128_GCM_SHA256"), ("tls.protocols", "TLSv1.2"), false),
        (("tls.ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("tls.protocols", "TLSv1.3"), false),
        (("tls.ciphers", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), ("tls.protocols", "TLSv1.2"), true),
        (("tls.ciphers", "TLS_AES_128_GCM_SHA256"), ("tls.ciphers", "TLS_AES_256_GCM_SHA384"), false),
        (("tls.ciphers", "TLS_RSA_WITH_AES_128_CBC_SHA, TLS_AES_256_GCM_SHA384"), ("tls.protocols", "TLSv1.3"), true),
    ];
    for (ours, theirs, agree) in table {
        let tls = start(&[&identity[..], &[ours]].concat()).unwrap().0;
        let done = handshake(tls.server_config().unwrap(), client(&[theirs]));
        assert_eq!(done.server.is_ok(), agree, "{ours:?} {theirs:?} {done:?}");
    }
}
