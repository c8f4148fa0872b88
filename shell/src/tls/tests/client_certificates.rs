//! Certificates of clients: whom the server asks and whom it accepts, compared with the Java server.

use super::handshake::{Handshake, client, handshake, test_tls};

/// A handshake between a server with these properties and a client with this certificate.
fn meet(server: &[(&str, &str)], certificate: &str, protocols: &str) -> Handshake {
    let identity =
        [("tls.server.certPath", "modern/server-ecdsa.pem"), ("tls.server.keyPath", "modern/server-ecdsa.key")];
    let tls = test_tls(&[&identity[..], server].concat());
    let client = client(&[
        ("tls.client.certPath", &format!("{certificate}.pem")),
        ("tls.client.keyPath", &format!("{certificate}.key")),
        ("tls.client.keyPassword", "123456"),
        ("tls.protocols", protocols),
    ]);
    handshake(tls.server_config().unwrap(), client)
}

/// Whom the Java server was not asked to trust, or trusts otherwise: see DIFFERENCES.md, `modern-tls-only`.
#[test]
fn a_certificate_that_is_in_the_trust_file_is_trusted() {
    for (name, trust, is_trusted) in [
        ("modern/client-sha1", "modern/ca.pem", false),
        ("modern/client-sha1", "modern/client-sha1.pem", true),
        ("modern/client-v1", "modern/client-v1.pem", true),
        ("guide/client", "modern/modern-and-guide-ca.pem", true),
    ] {
        for (need, protocols) in [("optional", "TLSv1.2"), ("require", "TLSv1.2"), ("require", "TLSv1.3")] {
            let server = [
                ("tls.server.need.client.auth", need),
                ("tls.server.authClient", "true"),
                ("tls.server.trustCertPath", trust),
            ];
            let done = meet(&server, name, protocols);
            assert_eq!([done.server.is_ok(), done.client.is_ok()], [is_trusted; 2], "{name}, {trust}, {protocols}");
        }
    }
}

#[test]
fn a_certificate_is_shown_if_it_is_asked_for() {
    for (need, is_shown) in [("none", false), ("optional", true), ("require", true)] {
        for protocols in ["TLSv1.2", "TLSv1.3"] {
            let done = meet(&[("tls.server.need.client.auth", need)], "modern/client-wrong-ca", protocols);
            assert_eq!((done.server, done.client_certificate), (Ok(()), is_shown), "{need}, {protocols}");
        }
    }
}
