//! The sources of settings, and their order.

use super::handshake::{file, sources};
use crate::tls::settings::{ClientAuth, TlsMode, TlsSettings, unknown_key};
use namesrv_core::key::Key;
use std::fs;
use tempfile::TempDir;

/// A properties file with this text. It exists as long as the folder.
fn properties_file(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls.properties");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// The settings from a configuration, and from a properties file with this text.
fn read(configuration: &[(&str, &str)], text: &str) -> (TlsSettings, Vec<String>) {
    let (_folder, path) = properties_file(text);
    let configuration = [configuration, &[("tls.config.file", &path)]].concat();
    let (mut settings, told) = sources(&configuration).read().unwrap();
    settings.config_file.clear();
    (settings, told.warnings.into_iter().map(|warning| warning.replace(&path, "FILE")).collect())
}

/// If this fails, it prints the rows to put there.
#[test]
fn the_page_about_tls_has_a_row_for_each_key() {
    let row = |key: &Key| {
        let default = key.default.filter(|default| !default.is_empty());
        let default = default.map(|default| format!(" `{default}`")).unwrap_or_default();
        format!("| `{}` |{default} | {} |\n", key.name, key.description.trim())
    };
    let rows: String = TlsSettings::KEYS.iter().map(row).collect();
    assert!(include_str!("../../../../docs/TLS.md").contains(&rows), "the table should be\n{rows}");
}

#[test]
fn the_properties_file_overrides_the_configuration_key_by_key() {
    let configuration = [("tls.server.certPath", "/a"), ("tls.server.keyPath", "/b"), ("tls.ciphers", "x")];
    let (settings, warnings) = read(&configuration, "tls.server.keyPath=/c\ntls.server.keyPath=/d\ntls.ciphers=\n");
    assert_eq!(settings.server_certificate, "/a");
    assert_eq!(settings.server_key, "/d", "the last one counts");
    assert_eq!(settings.ciphers, "");
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn the_properties_file_has_all_keys_of_java_but_the_three_that_only_a_jvm_property_sets() {
    let value = |key: &Key| match key.name {
        "tls.server.need.client.auth" => "Optional",
        name if name.contains(".auth") || name.contains("enable") => "TRUE",
        _ => "text",
    };
    let in_file = TlsSettings::KEYS.iter().filter(|key| !super::super::settings::NOT_IN_FILE.contains(key));
    let text: String = in_file.map(|key| format!("{}={}\n", key.name, value(key))).collect();
    assert_eq!(text.lines().count(), 14);
    let (settings, warnings) = read(&[], &text);
    assert_eq!(warnings, [""; 0]);
    assert_eq!(settings.test_mode, Some(true));
    assert_eq!(settings.client_auth, ClientAuth::Optional);
    assert!(settings.server_checks && settings.client_checks);
    assert_eq!((settings.server_password.0.as_str(), settings.protocols.as_str()), ("text", "text"));
    assert!(!format!("{settings:?}").contains("Password(\"text"), "passwords are never shown");

    let (settings, warnings) = read(&[], "tls.server.mode=enforcing\ntls.enable=true\nmine=1\n");
    assert_eq!((settings.mode, settings.enable), (TlsMode::Permissive, None));
    let expected = [
        "FILE: keys without effect in this file, set them in the configuration file: tls.server.mode, tls.enable",
        "FILE: keys that are none of TLS, without effect: mine",
    ];
    assert_eq!(warnings, expected);
}

/// RocketMQ's guide prints them with blanks behind the values.
#[test]
fn blanks_behind_values_are_left_out_and_told() {
    let (settings, warnings) =
        read(&[], "tls.server.need.client.auth=require  \ntls.test.mode.enable=false \ntls.server.certPath=/a\t\n");
    assert_eq!(settings.client_auth, ClientAuth::Require);
    assert_eq!((settings.test_mode, settings.server_certificate.as_str()), (Some(false), "/a"));
    let [warning] = &*warnings else { panic!("{warnings:?}") };
    assert!(warning.ends_with(": tls.server.need.client.auth, tls.test.mode.enable, tls.server.certPath"), "{warning}");
}

#[test]
fn test_mode_is_on_unless_it_is_set_or_something_is_asked_for() {
    let is_test = |properties: &[(&str, &str)]| {
        let settings = sources(properties).read().unwrap().0;
        (settings.is_test_server(), settings.is_test_client())
    };
    assert_eq!(is_test(&[]), (true, true));
    assert_eq!(is_test(&[("tls.server.need.client.auth", "none"), ("tls.server.keyPassword", "x")]), (true, true));
    for (key, value) in [
        ("tls.server.certPath", "/a"),
        ("tls.server.keyPath", "/a"),
        ("tls.server.trustCertPath", "/a"),
        ("tls.server.authClient", "true"),
        ("tls.server.need.client.auth", "optional"),
    ] {
        assert_eq!(is_test(&[(key, value)]), (false, true), "{key}");
        assert_eq!(is_test(&[(key, value), ("tls.test.mode.enable", "true")]), (true, true), "{key}");
    }
    for (key, value) in [("tls.client.certPath", "/a"), ("tls.client.keyPath", "/a"), ("tls.client.authServer", "true")]
    {
        assert_eq!(is_test(&[(key, value)]), (true, false), "{key}");
    }
    assert_eq!(is_test(&[("tls.test.mode.enable", "false")]), (false, false));
}

#[test]
fn brokers_are_notified_in_plain_text_if_the_old_key_says_so() {
    let settings = sources(&[("useTLS", "false"), ("tls.enable", "true")]).read().unwrap().0;
    assert!(!settings.is_used_for_brokers());
}

#[test]
fn the_default_properties_file_need_not_be_there() {
    if !std::path::Path::new("/etc/rocketmq/tls.properties").exists() {
        let path = [("tls.config.file", "/etc/rocketmq/tls.properties")];
        assert_eq!(sources(&path).read().unwrap().0.server_certificate, "");
    }
}

#[test]
fn only_misspelt_keys_of_tls_are_unknown() {
    assert_eq!(unknown_key("tls.server.certPath"), None);
    assert_eq!(unknown_key("mine"), None);
    assert_eq!(unknown_key("tls.server.certpath").unwrap(), "no such key: write tls.server.certPath");
    assert_eq!(unknown_key("TLS.Enable").unwrap(), "no such key: write tls.enable");
    assert!(unknown_key("tls.server.cert").unwrap().contains("tls.server.certPath"));
}

#[test]
fn what_is_not_as_it_seems_is_told_at_start() {
    let identity = [("tls.server.certPath", "modern/server-rsa.pem"), ("tls.server.keyPath", "modern/server-rsa.key")];
    let identity = identity.map(|(key, path)| (key, file(path)));
    let identity = [0, 1].map(|index| (identity[index].0, identity[index].1.as_str()));
    let table: [(&[(&str, &str)], &str); 4] = [
        (&[("tls.test.mode.enable", "true")], "tls.test.mode.enable=true: the server makes a certificate"),
        (
            &[("tls.server.authClient", "true"), ("tls.server.trustCertPath", identity[0].1)],
            "tls.server.authClient=true",
        ),
        (&[("tls.server.keyPassword", "x")], "tls.server.keyPassword: "),
        (
            &[("tls.protocols", "TLSv1.2,TLSv1.1")],
            "tls.protocols: left out, because this server has no such thing: TLSv1.1",
        ),
    ];
    for (properties, expected) in table {
        let sources = sources(&[&identity[..], properties].concat());
        let settings = sources.read().unwrap().0;
        let files = crate::tls::files::Files::of_server(&settings);
        let warnings = crate::tls::server::load(&settings, files, "0.0.0.0").unwrap().warnings;
        let [warning] = &*warnings else { panic!("{warnings:?}") };
        assert!(warning.starts_with(expected), "{warning}");
    }
    let sources = sources(&[("tls.server.mode", "enforcing")]);
    let settings = sources.read().unwrap().0;
    let files = crate::tls::files::Files::of_server(&settings);
    let warnings = crate::tls::server::load(&settings, files, "0.0.0.0").unwrap().warnings;
    assert!(warnings[0].contains("no client can verify this server"), "{warnings:?}");
}
