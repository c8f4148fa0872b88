//! Appends the ciphertext that rustls produces to the output of a step.

use super::buffers::{Needs, Output};
use rustls::Error;
use rustls::server::ServerConnectionData;
use rustls::unbuffered::{EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError, WriteTraffic};

/// A session whose handshake allows output.
pub(super) type Traffic<'a> = WriteTraffic<'a, ServerConnectionData>;

/// Appends a message of a handshake, or an alert.
pub(super) fn encode(output: &mut Output, mut data: EncodeTlsData<'_, ServerConnectionData>) {
    let encoded: Result<(), EncodeError> = output.append(|space| match data.encode(space) {
        Ok(written) => Ok(Ok(written)),
        Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => Ok(Err(Needs(required_size))),
        Err(error @ EncodeError::AlreadyEncoded) => Err(error),
    });
    debug_assert!(encoded.is_ok(), "encoded twice");
}

/// Appends `plaintext` in records.
pub(super) fn encrypt(output: &mut Output, mut traffic: Traffic<'_>, plaintext: &[u8]) -> Result<(), Error> {
    output.append(|space| needs(traffic.encrypt(plaintext, space)))
}

/// Appends the message that nothing more follows.
pub(super) fn close_notify(output: &mut Output, mut traffic: Traffic<'_>) -> Result<(), Error> {
    output.append(|space| needs(traffic.queue_close_notify(space)))
}

fn needs(encrypted: Result<usize, EncryptError>) -> Result<Result<usize, Needs>, Error> {
    match encrypted {
        Ok(written) => Ok(Ok(written)),
        Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size })) => Ok(Err(Needs(required_size))),
        Err(EncryptError::EncryptExhausted) => Err(Error::EncryptError),
    }
}
