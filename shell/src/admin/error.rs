//! Why the second port cannot be opened.

use crate::socket_activation::ActivationError;
use std::io;

/// Why the second port cannot be opened: one line for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum AdminError {
    #[error(transparent)]
    Activation(#[from] ActivationError),
    #[error("{key}: failed to bind to {address}: {source}")]
    Bind { key: &'static str, address: String, source: io::Error },
    #[error("{key}: `{value}` is not HOST:PORT")]
    Address { key: &'static str, value: String },
    #[error("{key}: `{value}` is not a free label: write name:value")]
    Label { key: &'static str, value: String },
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}
