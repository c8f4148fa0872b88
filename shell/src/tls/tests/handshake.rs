//! TLS with given properties, and handshakes with it in memory.

use crate::keys::KEYS;
use crate::tls::protocols::openssl_name;
use crate::tls::{Tls, TlsError, TlsSources, TlsWatch};
use namesrv_core::config::Configuration;
use namesrv_core::config::properties::Property;
use rustls::{ClientConfig, ClientConnection, Error, HandshakeKind, ServerConfig, ServerConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of a handshake on both sides.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) server: Result<(), Error>,
    pub(super) client: Result<(), Error>,
    pub(super) kind: Option<HandshakeKind>,
    /// The suite that the server chose, by OpenSSL's name.
    pub(super) suite: Option<&'static str>,
    /// Whether the server asked for a certificate and the client had one.
    pub(super) client_certificate: bool,
    /// The certificate that the server showed.
    pub(super) server_certificate: Option<Vec<u8>>,
    /// The protocol inside of TLS that the server chose.
    pub(super) alpn: Option<Vec<u8>>,
    /// Number of TLS 1.3 tickets from the server.
    pub(super) tickets: u32,
}

/// The folder of test keys and certificates.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tls")
}

/// The path of a file in that folder.
pub(super) fn file(name: &str) -> String {
    folder().join(name).display().to_string()
}

/// Sources with these properties, and without a properties file unless one of them names it.
pub(super) fn sources(properties: &[(&str, &str)]) -> TlsSources {
    let properties = [("tls.config.file", "")].iter().chain(properties);
    let entry =
        |(key, value): &(&str, &str)| Property { key: (*key).into(), value: (*value).into(), line: 1, is_ascii: true };
    let entries: Vec<_> = properties.map(entry).collect();
    TlsSources::of(&Configuration::with_keys(KEYS, &entries).unwrap().0)
}

/// Starts TLS with these properties. Paths with `guide/` or `modern/` are in the test folder.
pub(super) fn start(properties: &[(&str, &str)]) -> Result<(Arc<Tls>, TlsWatch), TlsError> {
    let full = |value: &str| match value {
        path if path.starts_with("guide/") || path.starts_with("modern/") => file(path),
        other => other.to_owned(),
    };
    let properties: Vec<_> = properties.iter().map(|(key, value)| (*key, full(value))).collect();
    let properties: Vec<_> = properties.iter().map(|(key, value)| (*key, value.as_str())).collect();
    Tls::start(&sources(&properties), "0.0.0.0")
}

/// As [`start`], for properties that work.
pub(crate) fn test_tls(properties: &[(&str, &str)]) -> Arc<Tls> {
    start(properties).unwrap().0
}

/// The configuration of a client, which connects as this server connects to brokers.
pub(super) fn client(properties: &[(&str, &str)]) -> Arc<ClientConfig> {
    let properties = [&[("tls.enable", "true"), ("tls.server.mode", "disabled")], properties].concat();
    test_tls(&properties).broker_config().unwrap()
}

/// Does a handshake, then sends a byte to the client. With TLS 1.3 only this tells the client that it was refused.
pub(super) fn handshake(server: Arc<ServerConfig>, client: Arc<ClientConfig>) -> Handshake {
    handshake_with(server, client, "localhost")
}

/// As [`handshake`], with a client that asks for a server of this name.
pub(super) fn handshake_with(server: Arc<ServerConfig>, client: Arc<ClientConfig>, name: &str) -> Handshake {
    let mut server = ServerConnection::new(server).unwrap();
    let mut client = ClientConnection::new(client, name.to_owned().try_into().unwrap()).unwrap();
    let (mut server_result, mut client_result) = (Ok(()), Ok(()));
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        if server_result.is_ok() {
            server_result =
                deliver(&bytes, |rest| server.read_tls(rest).map(|_| server.process_new_packets().map(drop)));
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        if client_result.is_ok() {
            client_result =
                deliver(&bytes, |rest| client.read_tls(rest).map(|_| client.process_new_packets().map(drop)));
        }
    }
    if server_result.is_ok() {
        assert!(!server.is_handshaking() || client_result.is_err(), "the handshake does not end");
    }
    Handshake {
        server: server_result,
        client: client_result,
        kind: server.handshake_kind(),
        suite: server.negotiated_cipher_suite().and_then(openssl_name),
        client_certificate: server.peer_certificates().is_some(),
        server_certificate: client.peer_certificates().map(|chain| chain[0].to_vec()),
        alpn: client.alpn_protocol().map(<[u8]>::to_vec),
        tickets: client.tls13_tickets_received(),
    }
}

fn deliver(
    mut bytes: &[u8],
    mut read: impl FnMut(&mut &[u8]) -> std::io::Result<Result<(), Error>>,
) -> Result<(), Error> {
    while !bytes.is_empty() {
        read(&mut bytes).unwrap()?;
    }
    Ok(())
}
