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
    #[error(
        "{key}: `{value}` is not a label: write name:value, and the name with letters, digits and _, a letter first"
    )]
    Label { key: &'static str, value: String },
    #[error("{key}: the name `{name}` is taken: the metrics have such a label already")]
    LabelTaken { key: &'static str, name: String },
    #[error("{key}: the name `{name}` is there twice: leave one out")]
    LabelTwice { key: &'static str, name: String },
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}
