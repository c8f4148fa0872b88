//! TLS of an echo server: the provider and the settings of the NameServer, without avoidable copies.

use super::frames::{Answers, FrameCounter};
use super::output::{Output, Refused};
use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use std::io::{self, ErrorKind};
use std::mem;
use std::path::Path;
use std::sync::Arc;

/// Makes the configuration for handshakes.
pub(super) fn server_config(certificate: &Path, key: &Path) -> Result<ServerConfig> {
    let named = |path: &Path| format!("cannot use {}", path.display());
    let chain = CertificateDer::pem_file_iter(certificate).with_context(|| named(certificate))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().with_context(|| named(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| named(key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.ticketer = ring::Ticketer::new()?;
    config.send_tls13_tickets = 1;
    Ok(config)
}

/// One connection.
pub(super) struct TlsSession {
    tls: UnbufferedServerConnection,
    counter: FrameCounter,
    /// Ciphertext of an incomplete record or message.
    incomplete: Vec<u8>,
}

impl TlsSession {
    pub(super) fn begin(config: Arc<ServerConfig>) -> io::Result<Self> {
        let tls = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self { tls, counter: FrameCounter::new(), incomplete: Vec::new() })
    }

    /// Decrypts complete records and encrypts an answer for each frame in them.
    pub(super) fn handle_input(&mut self, input: &mut [u8], answers: &Answers, output: &mut Output) -> io::Result<()> {
        if self.incomplete.is_empty() {
            let consumed = self.process(input, answers, output)?;
            self.incomplete.extend_from_slice(input.get(consumed..).unwrap_or_default());
            return Ok(());
        }
        let mut all = mem::take(&mut self.incomplete);
        all.extend_from_slice(input);
        let consumed = self.process(&mut all, answers, output)?;
        all.drain(..consumed);
        self.incomplete = all;
        Ok(())
    }

    /// Returns how many bytes of the input were used.
    fn process(&mut self, input: &mut [u8], answers: &Answers, output: &mut Output) -> io::Result<usize> {
        let (mut consumed, mut frames) = (0, 0);
        loop {
            let rest = input.get_mut(consumed..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(rest);
            match state.map_err(io::Error::other)? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(io::Error::other)?;
                        frames += self.counter.count(record.payload);
                        discard += record.discard;
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    output.append(|space| data.encode(space).map_err(Refused::from)).map_err(io::Error::other)?;
                }
                ConnectionState::TransmitTlsData(sent) => sent.done(),
                ConnectionState::WriteTraffic(mut traffic) => {
                    for plaintext in answers.slices(frames) {
                        let encrypted = output.append(|space| traffic.encrypt(plaintext, space).map_err(Refused::from));
                        encrypted.map_err(io::Error::other)?;
                    }
                    return Ok(consumed + discard);
                }
                ConnectionState::BlockedHandshake => return Ok(consumed + discard),
                ConnectionState::PeerClosed | ConnectionState::Closed => return Err(ErrorKind::UnexpectedEof.into()),
                // The server does not offer early data.
                ConnectionState::ReadEarlyData(_) => return Err(ErrorKind::InvalidData.into()),
                _ => return Err(ErrorKind::Unsupported.into()),
            }
            consumed += discard;
        }
    }
}

impl From<EncodeError> for Refused<EncodeError> {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::InsufficientSize(size) => Self::TooSmall(size.required_size),
            EncodeError::AlreadyEncoded => Self::Failed(error),
        }
    }
}

impl From<EncryptError> for Refused<EncryptError> {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::InsufficientSize(size) => Self::TooSmall(size.required_size),
            EncryptError::EncryptExhausted => Self::Failed(error),
        }
    }
}
