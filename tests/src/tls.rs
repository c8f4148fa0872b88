//! TLS for tests: clients that verify nothing, and a server's configuration in memory.

pub(crate) mod records;
mod relay;

pub use relay::relay;

use namesrv_shell::tls::TlsMode;
use namesrv_shell::transport::Handshakes;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::NoClientAuth;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// As in the names of cases.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "tls_1_2",
            Self::Tls13 => "tls_1_3",
        })
    }
}

impl Version {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];

    const fn supported(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::Tls12 => &TLS12,
            Self::Tls13 => &TLS13,
        }
    }
}

/// A client that speaks this version alone and accepts any certificate, as Java's does by default.
///
/// # Panics
/// There are no random numbers.
#[must_use]
pub fn client(version: Version) -> ClientConnection {
    connection(client_config(version, None))
}

/// As [`client`], with handshake messages in records of at most `fragment` bytes.
///
/// # Panics
/// There are no random numbers, or the size is none that TLS allows.
#[must_use]
pub fn fragmenting_client(version: Version, fragment: usize) -> ClientConnection {
    connection(client_config(version, Some(fragment)))
}

/// It takes any amount of plaintext at once.
fn connection(config: ClientConfig) -> ClientConnection {
    let name = ServerName::try_from("localhost").expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    connection.set_buffer_limit(None);
    connection
}

/// The configuration of such a client. Connections that share it resume its sessions.
pub(crate) fn client_config(version: Version, fragment: Option<usize>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version.supported()])
        .expect("a version of the provider");
    let mut config = builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer)).with_no_client_auth();
    config.max_fragment_size = fragment;
    config
}

/// TLS of a server in memory.
#[derive(Debug)]
pub struct MemoryTls {
    /// What the first bytes may be.
    pub mode: TlsMode,
    /// What handshakes are done with.
    pub config: Arc<ServerConfig>,
}

impl MemoryTls {
    /// In this mode, with a certificate, and asking clients for none.
    pub fn new(mode: TlsMode) -> Self {
        static CONFIG: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| Arc::new(server_config(Arc::new(NoClientAuth))));
        Self { mode, config: Arc::clone(&CONFIG) }
    }
}

impl Handshakes for MemoryTls {
    fn mode(&self) -> TlsMode {
        self.mode
    }

    fn server_config(&self) -> Option<Arc<ServerConfig>> {
        (self.mode != TlsMode::Disabled).then(|| Arc::clone(&self.config))
    }
}

/// A server with a certificate of Ed25519, whose signatures all have the same length.
pub(crate) fn server_config(verifier: Arc<dyn ClientCertVerifier>) -> ServerConfig {
    static SHOWN: LazyLock<Arc<CertifiedKey>> = LazyLock::new(|| {
        let certificate = include_bytes!("../tls/modern/server-ed25519.pem");
        certified_key(certificate, include_bytes!("../tls/modern/server-ed25519.key"))
    });
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of the provider")
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&SHOWN))))
}

/// A certificate and its key, as PEM.
pub(crate) fn certified_key(certificate: &[u8], key: &[u8]) -> Arc<CertifiedKey> {
    let certificate = CertificateDer::from_pem_slice(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(key).expect("a private key");
    let key = ring::sign::any_supported_type(&key).expect("a key that the provider has");
    Arc::new(CertifiedKey::new(vec![certificate], key))
}

/// Accepts every certificate.
#[derive(Debug)]
pub struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
