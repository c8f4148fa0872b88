//! Certificates of clients: whom the server asks and whom it accepts, compared with the Java server.

use super::handshake::{Handshake, client, handshake, test_tls};

/// The certificate of a client, and whether `modern/ca.pem` makes it trusted.
#[rustfmt::skip]
const CLIENTS: [(&str, bool); 13] = [
    ("modern/client-good", true),
    ("modern/client-ecdsa", true),
    ("modern/client-ed25519", true),
    ("modern/client-no-eku", true),
    ("modern/client-v1", true),
    ("modern/client-chain", true),
    ("modern/client-chain-leaf", false),
    ("modern/client-server-eku", false),
    ("modern/client-expired", false),
    ("modern/client-future", false),
    ("modern/client-wrong-ca", false),
    ("modern/client-self-signed", false),
    // Java accepts it: see DIFFERENCES.md, `modern-tls-only`.
    ("modern/client-sha1", false),
];

/// A handshake between a server with these properties and a client with this certificate, or with none.
fn meet(server: &[(&str, &str)], certificate: Option<&str>, protocols: &str) -> Handshake {
    let identity =
        [("tls.server.certPath", "modern/server-ecdsa.pem"), ("tls.server.keyPath", "modern/server-ecdsa.key")];
    let tls = test_tls(&[&identity[..], server].concat());
    let (path, key) = certificate.map(|name| (format!("{name}.pem"), format!("{name}.key"))).unwrap_or_default();
    let client = client(&[
        ("tls.client.certPath", &path),
        ("tls.client.keyPath", &key),
        ("tls.client.keyPassword", "123456"),
        ("tls.protocols", protocols),
    ]);
    handshake(tls.server_config().unwrap(), client)
}

fn trusting<'a>(need: &'a str, trust: &'a str) -> [(&'a str, &'a str); 3] {
    [("tls.server.need.client.auth", need), ("tls.server.authClient", "true"), ("tls.server.trustCertPath", trust)]
}

#[test]
fn without_a_check_any_certificate_will_do() {
    for (name, _) in CLIENTS {
        for need in ["optional", "require", "REQUIRE"] {
            for protocols in ["TLSv1.2", "TLSv1.3"] {
                let done = meet(&[("tls.server.need.client.auth", need)], Some(name), protocols);
                assert_eq!(done.server, Ok(()), "{name}, {need}, {protocols}");
                assert!(done.client_certificate);
            }
        }
    }
}

#[test]
fn with_a_check_it_must_be_trusted() {
    for (name, is_trusted) in CLIENTS {
        for need in ["optional", "require"] {
            for protocols in ["TLSv1.2", "TLSv1.3"] {
                let done = meet(&trusting(need, "modern/ca.pem"), Some(name), protocols);
                assert_eq!(done.server.is_ok(), is_trusted, "{name}, {need}, {protocols}: {done:?}");
                assert_eq!(
                    done.client.is_ok(),
                    is_trusted,
                    "the client is told: {name}, {need}, {protocols}: {done:?}"
                );
            }
        }
    }
}

#[test]
fn a_client_without_a_certificate_comes_in_unless_one_is_required() {
    for protocols in ["TLSv1.2", "TLSv1.3"] {
        for (need, comes_in) in [("none", true), ("optional", true), ("require", false)] {
            for server in [&[("tls.server.need.client.auth", need)][..], &trusting(need, "modern/ca.pem")] {
                let done = meet(server, None, protocols);
                assert_eq!(done.server.is_ok(), comes_in, "{server:?} {protocols}");
            }
        }
        let done = meet(&trusting("none", "modern/ca.pem"), Some("modern/client-wrong-ca"), protocols);
        assert_eq!((done.server, done.client_certificate), (Ok(()), false), "it is not asked");
    }
}

#[test]
fn a_certificate_that_is_in_the_trust_file_is_trusted() {
    let table = [
        ("modern/client-good", "modern/client-good.pem", true),
        ("modern/client-expired", "modern/client-expired.pem", true),
        ("modern/client-self-signed", "modern/client-self-signed.pem", true),
        ("modern/client-v1", "modern/client-v1.pem", true),
        ("modern/client-sha1", "modern/client-sha1.pem", true),
        ("modern/client-chain", "modern/intermediate.pem", true),
        ("modern/client-chain-leaf", "modern/intermediate.pem", true),
        ("modern/client-good", "modern/both-cas.pem", true),
        ("modern/client-wrong-ca", "modern/both-cas.pem", true),
        ("guide/client", "guide/ca.pem", true),
        ("guide/client", "modern/modern-and-guide-ca.pem", true),
        ("guide/client", "modern/ca.pem", false),
        ("modern/client-good", "guide/ca.pem", false),
        // Another certificate of the same CA: a trusted certificate is not a CA.
        ("modern/client-ecdsa", "modern/client-good.pem", false),
        ("modern/client-v1", "modern/client-good.pem", false),
    ];
    for (name, trust, is_trusted) in table {
        for protocols in ["TLSv1.2", "TLSv1.3"] {
            let done = meet(&trusting("require", trust), Some(name), protocols);
            assert_eq!(done.server.is_ok(), is_trusted, "{name}, {trust}, {protocols}: {done:?}");
        }
    }
}
