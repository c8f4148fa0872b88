//! A TLS connection of which a test writes every record: what no client of a library would send.

use super::{Version, client_config, connection};
use crate::stream::be_patient;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, MessageDecrypter, MessageEncrypter, OutboundPlainMessage,
};
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion, SupportedCipherSuite};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

/// Bytes in front of the content of a record: its type, version and length.
pub(crate) const HEADER_BYTES: usize = 5;

/// The client's end of a connection whose handshake is complete.
pub(crate) struct Records {
    stream: TcpStream,
    encrypter: Box<dyn MessageEncrypter>,
    decrypter: Box<dyn MessageDecrypter>,
    /// Records that were encrypted.
    sealed: u64,
    /// Records that were decrypted.
    opened: u64,
}

/// The content of a record, and what it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: ContentType,
    pub(crate) content: Vec<u8>,
}

impl Records {
    /// Opens a connection and does the handshake.
    pub(crate) fn connect(server: SocketAddr, version: Version) -> Self {
        let mut stream = TcpStream::connect(server).expect("the server accepts");
        be_patient(&stream);
        let mut config = client_config(version, None);
        config.enable_secret_extraction = true;
        let mut client = connection(config);
        while client.is_handshaking() {
            client.complete_io(&mut stream).expect("a handshake");
        }
        let suite = client.negotiated_cipher_suite().expect("the handshake is complete");
        // Nothing is lost with the client: the server sends nothing behind what completes the handshake of its peer.
        let secrets = client.dangerous_extract_secrets().expect("the configuration allows it");
        let ((sealed, to_server), (opened, to_client)) = (secrets.tx, secrets.rx);
        let (encrypter, decrypter) = (encrypter(suite, to_server), decrypter(suite, to_client));
        Self { stream, encrypter, decrypter, sealed, opened }
    }

    /// Encrypts the next record.
    pub(crate) fn seal(&mut self, kind: ContentType, content: &[u8]) -> Vec<u8> {
        let message = OutboundPlainMessage { typ: kind, version: ProtocolVersion::TLSv1_2, payload: content.into() };
        let record = self.encrypter.encrypt(message, self.sealed).expect("a record");
        self.sealed += 1;
        record.encode()
    }

    /// Writes bytes to the socket. The server may have closed it.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Ends this side of the socket and says nothing of it in TLS.
    pub(crate) fn truncate(&self) {
        // The server may have closed it.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Returns the next record, or `None` at the end of the stream.
    pub(crate) fn next(&mut self) -> Option<Record> {
        let mut header = [0; HEADER_BYTES];
        read(&mut self.stream, &mut header)?;
        let mut sealed = vec![0; u16::from_be_bytes([header[3], header[4]]).into()];
        read(&mut self.stream, &mut sealed)?;
        let kind = ContentType::from(header[0]);
        let message = InboundOpaqueMessage::new(kind, ProtocolVersion::TLSv1_2, &mut sealed);
        let plain = self.decrypter.decrypt(message, self.opened).expect("a record of the server");
        self.opened += 1;
        Some(Record { kind: plain.typ, content: plain.payload.to_vec() })
    }
}

/// Reads as many bytes, or returns `None` at the end of the stream, which may be a reset: the server need not read what
/// was sent behind the record that it closes for.
fn read(stream: &mut TcpStream, bytes: &mut [u8]) -> Option<()> {
    match stream.read_exact(bytes) {
        Ok(()) => Some(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => None,
        Err(error) => panic!("the server neither writes nor closes: {error}"),
    }
}

fn encrypter(suite: SupportedCipherSuite, secrets: ConnectionTrafficSecrets) -> Box<dyn MessageEncrypter> {
    let (key, iv) = parts(secrets);
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            let shape = suite.aead_alg.key_block_shape();
            let (fixed, explicit) = iv.as_ref().split_at(shape.fixed_iv_len);
            suite.aead_alg.encrypter(key, fixed, explicit)
        }
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
    }
}

fn decrypter(suite: SupportedCipherSuite, secrets: ConnectionTrafficSecrets) -> Box<dyn MessageDecrypter> {
    let (key, iv) = parts(secrets);
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            let shape = suite.aead_alg.key_block_shape();
            suite.aead_alg.decrypter(key, &iv.as_ref()[..shape.fixed_iv_len])
        }
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.decrypter(key, iv),
    }
}

fn parts(secrets: ConnectionTrafficSecrets) -> (AeadKey, Iv) {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => panic!("a suite that no client offers"),
    }
}
