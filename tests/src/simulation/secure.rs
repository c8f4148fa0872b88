//! TLS of the simulation: some peers speak it to their NameServers.
//!
//! The keys of a connection are random, and nothing that happens depends on them: every message is as long in every
//! run. So all certificates and their signatures are of Ed25519. Tickets and certificates have dates of the real clock,
//! which a run is too short for.

use super::network::{ProcessId, Socket};
use crate::tls::{MemoryTls, Version, certified_key, client_config, server_config};
use crate::transport::{incoming, outgoing, seal};
use fastrand::Rng;
use namesrv_core::address_list::AddressList;
use namesrv_shell::tls::TlsMode;
use namesrv_shell::transport::{Policy, ProxyProtocol};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ClientConnection, Error, HandshakeKind, RootCertStore};
use std::collections::BTreeMap;
use std::sync::Arc;

const CA: &[u8] = include_bytes!("../../tls/modern/ca.pem");
const CLIENT: [&[u8]; 2] =
    [include_bytes!("../../tls/modern/client-ed25519.pem"), include_bytes!("../../tls/modern/client-ed25519.key")];
/// Connections after which those that are closed are looked for.
const KEPT: usize = 64;

/// What a NameServer asks its clients for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certificates {
    NotAsked,
    Optional,
    Required,
}

impl Certificates {
    pub(super) const ALL: [Self; 3] = [Self::NotAsked, Self::Optional, Self::Required];
}

/// TLS of a NameServer, on the port that speaks plain text too. Every connection comes through a trusted proxy or none.
#[derive(Debug)]
pub(super) struct ServerTls {
    certificates: Certificates,
    pub(super) policy: Policy,
}

impl ServerTls {
    /// As after new files: no session of before is resumed.
    pub(super) fn new(certificates: Certificates) -> Self {
        let mut config = server_config(verifier(certificates));
        config.ticketer = ring::Ticketer::new().expect("random numbers");
        let policy = Policy {
            proxy_protocol: ProxyProtocol::Accept,
            trusted_proxies: AddressList::parse("10.0.0.0/8").ok(),
            tls: Arc::new(MemoryTls { mode: TlsMode::Permissive, config: Arc::new(config) }),
        };
        Self { certificates, policy }
    }

    /// As after a start with the same files.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.certificates);
    }
}

impl Default for ServerTls {
    fn default() -> Self {
        Self::new(Certificates::NotAsked)
    }
}

fn verifier(certificates: Certificates) -> Arc<dyn ClientCertVerifier> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CA).expect("a certificate")).expect("a root");
    let provider = Arc::new(ring::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match certificates {
        Certificates::NotAsked => return Arc::new(NoClientAuth),
        Certificates::Optional => builder.allow_unauthenticated(),
        Certificates::Required => builder,
    };
    builder.build().expect("a root is enough")
}

/// How a peer speaks TLS, over all of its connections: it resumes its sessions.
#[derive(Debug)]
struct Client {
    version: Version,
    has_certificate: bool,
    config: Arc<ClientConfig>,
}

impl Client {
    fn new(version: Version, has_certificate: bool) -> Self {
        let mut config = client_config(version, None);
        if has_certificate {
            let [certificate, key] = CLIENT;
            config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified_key(certificate, key)));
        }
        Self { version, has_certificate, config: Arc::new(config) }
    }
}

/// The peers' ends of the connections that speak TLS.
#[derive(Debug, Default)]
pub(super) struct SecureEnds {
    clients: BTreeMap<ProcessId, Client>,
    ends: BTreeMap<Socket, SecureEnd>,
}

#[derive(Debug)]
struct SecureEnd {
    process: ProcessId,
    tls: ClientConnection,
    is_refused: bool,
}

/// What came over the network.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// As the peer reads it.
    pub(super) plaintext: Vec<u8>,
    /// What TLS itself has to say to it.
    pub(super) reply: Vec<u8>,
    /// What a handshake came to that is over with this, in the words of [`Coverage`](super::coverage::Coverage).
    pub(super) handshake: Option<&'static str>,
}

impl SecureEnds {
    /// A peer speaks TLS over a connection of its own to this server. One that `must_be_let_in` shows its certificate.
    /// Connections that are gone at both ends are forgotten now and then.
    pub(super) fn begin(
        &mut self,
        (socket, process): (Socket, ProcessId),
        server: usize,
        must_be_let_in: bool,
        random: &mut Rng,
        is_there: impl Fn(Socket) -> bool,
    ) {
        if self.ends.len() >= KEPT {
            self.ends.retain(|socket, _| is_there(*socket));
        }
        let manner = (Version::ALL[random.usize(..Version::ALL.len())], random.bool());
        let client = self.clients.entry(process).or_insert_with(|| Client::new(manner.0, manner.1));
        if must_be_let_in && !client.has_certificate {
            *client = Client::new(client.version, true);
        }
        let name = ServerName::try_from(format!("server-{server}")).expect("a name");
        let mut tls = ClientConnection::new(Arc::clone(&client.config), name).expect("a client");
        tls.set_buffer_limit(None);
        self.ends.insert(socket, SecureEnd { process, tls, is_refused: false });
    }

    /// A process ends, and its sessions with it.
    pub(super) fn forget_sessions(&mut self, process: ProcessId) {
        if let Some(client) = self.clients.get_mut(&process) {
            *client = Client::new(client.version, client.has_certificate);
        }
    }

    /// Whether requests have to wait, because a handshake is not complete.
    pub(super) fn is_handshaking(&self, socket: Socket) -> bool {
        self.ends.get(&socket).is_some_and(|end| end.tls.is_handshaking())
    }

    /// Whether the server turned the peer away. With TLS 1.3 that may come when the handshake seems to be complete.
    pub(super) fn is_refused(&self, socket: Socket) -> bool {
        self.ends.get(&socket).is_some_and(|end| end.is_refused)
    }

    /// What goes over the network when a peer sends this.
    pub(super) fn seal(&mut self, socket: Socket, plaintext: Vec<u8>) -> Vec<u8> {
        let Some(SecureEnd { tls, is_refused, .. }) = self.ends.get_mut(&socket) else { return plaintext };
        if *is_refused {
            return Vec::new();
        }
        seal(tls, &plaintext)
    }

    /// What goes over the network when a peer sends nothing more.
    pub(super) fn end(&mut self, socket: Socket) -> Vec<u8> {
        match self.ends.get_mut(&socket) {
            Some(SecureEnd { tls, is_refused: false, .. }) if !tls.is_handshaking() => {
                tls.send_close_notify();
                outgoing(tls)
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Takes what came over the network.
    pub(super) fn open(&mut self, socket: Socket, bytes: Vec<u8>) -> Opened {
        let Some(end) = self.ends.get_mut(&socket) else { return Opened { plaintext: bytes, ..Opened::default() } };
        let was_handshaking = end.tls.is_handshaking();
        let mut opened = Opened::default();
        if end.is_refused {
            return opened;
        }
        match incoming(&mut end.tls, &bytes) {
            Ok(plaintext) => opened.plaintext = plaintext,
            Err(Error::AlertReceived(_)) => {
                end.is_refused = true;
                opened.handshake = Some("handshake refused");
                if let Some(client) = self.clients.get_mut(&end.process) {
                    *client = Client::new(client.version, true);
                }
                return opened;
            }
            Err(error) => panic!("{socket:?}: {error}"),
        }
        if was_handshaking && !end.tls.is_handshaking() {
            opened.handshake = Some(end.handshake());
        }
        opened.reply = outgoing(&mut end.tls);
        opened
    }
}

impl SecureEnd {
    fn handshake(&self) -> &'static str {
        match self.tls.handshake_kind() {
            Some(HandshakeKind::Resumed) => "handshake resumed",
            Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => "handshake full",
        }
    }
}
