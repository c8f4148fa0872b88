//! Everything that prevents the start, in the operator's words: `refusals.txt`, which `UPDATE_TLS_REFUSALS=1` rewrites.

use super::handshake::{file, folder, start};
use std::fs;
use std::path::Path;

const EXPECTED: &str = include_str!("refusals.txt");

/// Properties that cannot be fulfilled, separated by blanks. `DIR` is a folder with odd files.
const CASES: &[&str] = &[
    // Certificates.
    "tls.server.certPath=modern/empty.pem tls.server.keyPath=modern/server-rsa.key",
    "tls.server.certPath=modern/garbage.pem tls.server.keyPath=modern/server-rsa.key",
    "tls.server.certPath=modern/truncated.pem tls.server.keyPath=modern/server-rsa.key",
    "tls.server.certPath=DIR/server.der tls.server.keyPath=modern/server-rsa.key",
    "tls.server.certPath=modern/server-rsa.key tls.server.keyPath=modern/server-rsa.key",
    "tls.server.certPath=modern/server-chain-reversed.pem tls.server.keyPath=modern/server-chain.key",
    "tls.server.certPath=DIR/unordered.pem tls.server.keyPath=modern/server-rsa.key",
    "tls.server.certPath=DIR/malformed.pem tls.server.keyPath=modern/server-rsa.key",
    "tls.server.certPath=DIR/none.pem tls.server.keyPath=modern/server-rsa.key",
    "tls.server.certPath=DIR tls.server.keyPath=modern/server-rsa.key",
    // Keys.
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa2.key",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-ecdsa.key",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=DIR/it's.key",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/empty.pem",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/garbage.pem",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa.pem",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=DIR/server.key.der",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=DIR/cut.key",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/weak.key",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa.pbes2-aes256.key",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa.pbes2-aes256.key PASSWORD",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa.pbes2-scrypt.key PASSWORD",
    "tls.server.certPath=guide/server.pem tls.server.keyPath=guide/server.key PASSWORD",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa.pbe-sha1-3des.key PASSWORD",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa.pbe-sha1-rc2-40.key PASSWORD",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa.pbe-md5-des.key PASSWORD",
    "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa.pkcs1-aes256.key PASSWORD",
    // What is missing.
    "tls.test.mode.enable=false",
    "tls.server.certPath=modern/server-rsa.pem",
    "tls.server.keyPath=modern/server-rsa.key",
    "tls.server.need.client.auth=require",
    "IDENTITY tls.server.authClient=true",
    "IDENTITY tls.server.authClient=true tls.server.trustCertPath=modern/empty.pem",
    "IDENTITY tls.server.authClient=true tls.server.trustCertPath=modern/garbage.pem",
    "IDENTITY tls.server.authClient=true tls.server.trustCertPath=DIR/none.pem",
    // Protocols and suites.
    "tls.protocols=TLSv1,TLSv1.1",
    "tls.ciphers=TLS_RSA_WITH_AES_128_CBC_SHA",
    "tls.protocols=TLSv1.3 tls.ciphers=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "IDENTITY tls.ciphers=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    // Brokers.
    "tls.enable=true tls.client.certPath=modern/client-good.pem",
    "tls.enable=true tls.client.keyPath=modern/client-good.key",
    "tls.server.mode=enforcing tls.client.authServer=true",
    "useTLS=true tls.client.certPath=modern/client-good.pem tls.client.keyPath=modern/client-ecdsa.key",
    "tls.server.mode=disabled tls.enable=true tls.client.authServer=true tls.client.trustCertPath=modern/garbage.pem",
    // The properties file.
    "tls.config.file=DIR/none.properties",
    "tls.config.file=DIR",
    "tls.config.file=DIR/escape.properties",
    "tls.config.file=DIR/unknown.properties",
    "tls.config.file=DIR/case.properties",
    "tls.config.file=DIR/boolean.properties",
    "tls.config.file=DIR/auth.properties",
];

fn odd_files(folder: &Path) {
    let read = |name: &str| fs::read_to_string(file(name)).unwrap();
    let write = |name: &str, contents: &str| fs::write(folder.join(name), contents).unwrap();
    let der = |name: &str| pem::parse(read(name)).unwrap().into_contents();
    fs::write(folder.join("server.der"), der("modern/server-rsa.pem")).unwrap();
    fs::write(folder.join("server.key.der"), der("modern/server-rsa.key")).unwrap();
    write("unordered.pem", &(read("modern/server-rsa.pem") + &read("modern/intermediate.pem")));
    write("malformed.pem", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    write("it's.key", &read("modern/server-rsa2.key"));
    let key = read("modern/server-rsa.key");
    write("cut.key", &key[..key.len() / 2]);
    write("escape.properties", "# \ntls.server.keyPassword=\\u12\n");
    write("unknown.properties", "\ntls.server.certFile=/etc/cert.pem\n");
    write("case.properties", "tls.server.certpath=/etc/cert.pem\n");
    write("boolean.properties", "tls.test.mode.enable=no\n");
    write("auth.properties", "tls.server.need.client.auth=required\n");
}

#[test]
fn each_is_told_in_one_line() {
    let odd = tempfile::tempdir().unwrap();
    odd_files(odd.path());
    let odd = odd.path().to_str().unwrap();
    let mut told = String::new();
    for case in CASES {
        let properties = case
            .replace("PASSWORD", "tls.server.keyPassword=wrong!password")
            .replace("IDENTITY", "tls.server.certPath=modern/server-rsa.pem tls.server.keyPath=modern/server-rsa.key")
            .replace("DIR", odd);
        let properties: Vec<_> = properties.split(' ').map(|property| property.split_once('=').unwrap()).collect();
        let error = start(&properties).expect_err(case).to_string();
        let error = error.replace(&format!("{}/", folder().display()), "").replace(odd, "DIR");
        assert!(!error.contains("wrong!password") && !error.contains('\n'), "{error}");
        told += &format!("{case}\n    {error}\n");
    }
    if std::env::var_os("UPDATE_TLS_REFUSALS").is_some() {
        fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls/tests/refusals.txt"), &told).unwrap();
    } else {
        assert_eq!(told, EXPECTED);
    }
}
