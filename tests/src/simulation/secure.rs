//! TLS of the simulation: some peers speak it to their NameServers.
//!
//! The keys of a connection are random, and nothing that happens depends on them: every message is as long in every
//! run. So the certificate and its signatures are of Ed25519, and no session is resumed.

use super::network::Socket;
use crate::tls::{Version, client};
use namesrv_shell::tls::TlsMode;
use namesrv_shell::transport::Handshakes;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConnection, ServerConfig};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::{Arc, LazyLock};

const CERTIFICATE: &[u8] = include_bytes!("../../tls/modern/server-ed25519.pem");
const KEY: &[u8] = include_bytes!("../../tls/modern/server-ed25519.key");
/// Connections after which those that are closed are looked for.
const KEPT: usize = 64;

/// TLS of all NameServers, on the port that speaks plain text too.
#[derive(Debug)]
pub(super) struct SimulatedTls;

impl Handshakes for SimulatedTls {
    fn mode(&self) -> TlsMode {
        TlsMode::Permissive
    }

    fn server_config(&self) -> Option<Arc<ServerConfig>> {
        static CONFIG: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| Arc::new(server_config()));
        Some(Arc::clone(&CONFIG))
    }
}

fn server_config() -> ServerConfig {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a private key");
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of the provider")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a key for the certificate")
}

/// The peers' ends of the connections that speak TLS.
#[derive(Debug, Default)]
pub(super) struct SecureEnds(BTreeMap<Socket, ClientConnection>);

impl SecureEnds {
    /// A peer speaks TLS over a connection of its own. Those that are gone at both ends are
    /// forgotten now and then.
    pub(super) fn begin(&mut self, socket: Socket, version: Version, is_there: impl Fn(Socket) -> bool) {
        if self.0.len() >= KEPT {
            self.0.retain(|socket, _| is_there(*socket));
        }
        self.0.insert(socket, client(version));
    }

    /// Whether requests have to wait, because a handshake is not complete.
    pub(super) fn is_handshaking(&self, socket: Socket) -> bool {
        self.0.get(&socket).is_some_and(|tls| tls.is_handshaking())
    }

    /// What goes over the network when a peer sends this.
    pub(super) fn seal(&mut self, socket: Socket, plaintext: Vec<u8>) -> Vec<u8> {
        let Some(tls) = self.0.get_mut(&socket) else { return plaintext };
        tls.writer().write_all(&plaintext).expect("the client takes all");
        outgoing(tls)
    }

    /// What goes over the network when a peer sends nothing more.
    pub(super) fn end(&mut self, socket: Socket) -> Vec<u8> {
        match self.0.get_mut(&socket) {
            Some(tls) if !tls.is_handshaking() => {
                tls.send_close_notify();
                outgoing(tls)
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// What came over the network, as the peer reads it, and what TLS itself has to say to it.
    pub(super) fn open(&mut self, socket: Socket, bytes: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        let Some(tls) = self.0.get_mut(&socket) else { return (bytes, Vec::new()) };
        let (mut rest, mut plaintext) = (&bytes[..], Vec::new());
        while !rest.is_empty() {
            tls.read_tls(&mut rest).expect("a slice can be read");
            let state = tls.process_new_packets().unwrap_or_else(|error| panic!("{socket:?}: {error}"));
            let read = plaintext.len();
            plaintext.resize(read + state.plaintext_bytes_to_read(), 0);
            tls.reader().read_exact(&mut plaintext[read..]).expect("as many bytes as it says");
        }
        (plaintext, outgoing(tls))
    }
}

fn outgoing(tls: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut bytes).expect("a vector takes all");
    }
    bytes
}
