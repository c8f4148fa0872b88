//! Certificates that the servers present when they are compared over TLS.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A certificate and its key, of a kind that people use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// ECDSA on the curve P-256.
    EcdsaP256,
    /// RSA of 2048 bits.
    Rsa2048,
}

impl Certificate {
    /// All certificates.
    pub const ALL: [Self; 2] = [Self::EcdsaP256, Self::Rsa2048];

    /// Returns a short, unique name without blanks.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa",
            Self::Rsa2048 => "rsa",
        }
    }

    /// Returns the title that reports show.
    pub const fn title(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ECDSA P-256",
            Self::Rsa2048 => "RSA 2048",
        }
    }

    /// Returns the PEM files of the certificate and of its key.
    pub fn files(self) -> [PathBuf; 2] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tls/modern");
        ["pem", "key"].map(|extension| folder.join(format!("server-{}.{extension}", self.name())))
    }
}
