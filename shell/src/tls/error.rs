//! Faults of the TLS settings and their files, each as one line that says how to fix it.

use namesrv_core::config::properties::PropertiesError;
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why TLS cannot be offered as configured. Never shows a password or part of a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The server cannot make a certificate for itself.
    #[error("cannot make a certificate for TLS: {0}")]
    SelfSigned(rcgen::Error),
    /// No random numbers, or a provider that supports none of the protocol versions.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
    /// The properties file is not properties text.
    #[error("tls.config.file: {}: {source}", path.display())]
    Properties { path: PathBuf, source: PropertiesError },
    /// A bad entry of the properties file.
    #[error("{}: line {line}: {key}: {reason}", path.display())]
    Entry { path: PathBuf, line: usize, key: String, reason: String },
    /// A property that others require is not set.
    #[error("{property} is not set: {advice}")]
    NotSet { property: &'static str, advice: &'static str },
    /// Nothing is left of a list of protocols or suites.
    #[error("{property}: {reason}")]
    Nothing { property: &'static str, reason: String },
    /// A bad file.
    #[error("{property}: {}: {}", path.display(), InFile(fault, path))]
    File { property: &'static str, path: PathBuf, fault: FileFault },
    /// The private key does not belong to the certificate.
    #[error(
        "{property}: {}: the key does not belong to the certificate in {}: `openssl pkey -in {} -pubout` and \
         `openssl x509 -in {} -noout -pubkey` must print the same",
        key.display(), certificate.display(), Quoted(key), Quoted(certificate)
    )]
    Mismatch { property: &'static str, key: PathBuf, certificate: PathBuf },
}

impl TlsError {
    /// Returns the bad file, if a file is the cause.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::SelfSigned(_) | Self::Rustls(_) | Self::NotSet { .. } | Self::Nothing { .. } => None,
            Self::Properties { path, .. } | Self::Entry { path, .. } | Self::File { path, .. } => Some(path),
            Self::Mismatch { key, .. } => Some(key),
        }
    }
}

/// What is wrong with a file.
#[derive(Debug)]
pub(crate) enum FileFault {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// The file is not a regular file, but this.
    NotRegular(&'static str),
    /// The file has more than this many bytes.
    TooLarge(u64),
    /// The file is empty.
    Empty,
    /// A PEM block has no end, or bytes that are not Base64.
    BrokenPem,
    /// The file is not PEM, but begins like DER.
    Der(Wanted),
    /// The file has no PEM block of the expected kind, but perhaps one of the other kind.
    NotThere { wanted: Wanted, has_other: bool },
    /// This certificate, counted from 1, is malformed.
    BadCertificate(usize),
    /// The key belongs to this certificate, which is not the first.
    WrongOrder(usize),
    /// This certificate was not signed by the next.
    BrokenChain(usize),
    /// The key is encrypted, and this property does not have its password.
    NoPassword(&'static str),
    /// The password in this property does not decrypt the key.
    WrongPassword { property: &'static str, is_legacy: bool },
    /// The encryption of the key is not supported.
    Encryption { name: Cow<'static, str>, is_legacy: bool },
    /// TLS cannot use keys of this kind or size.
    UnusableKey,
}

impl FileFault {
    /// Whether this is an I/O error of this kind.
    pub(super) fn is_io(&self, kind: io::ErrorKind) -> bool {
        matches!(self, Self::Unreadable(error) if error.kind() == kind)
    }
}

/// What a file should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Certificates.
    Certificate,
    /// A private key.
    Key,
}

/// A fault, with the file for the commands that its message suggests.
struct InFile<'a>(&'a FileFault, &'a Path);

impl fmt::Display for InFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(fault, path) = self;
        let path = Quoted(path);
        match fault {
            FileFault::Unreadable(error) => write!(f, "cannot be read: {error}"),
            FileFault::NotRegular(kind) => write!(f, "is {kind}: name a regular file"),
            FileFault::TooLarge(bytes_max) => write!(f, "has more than {bytes_max} bytes: it is another file than was meant"),
            FileFault::Empty => f.write_str("is empty"),
            FileFault::BrokenPem => f.write_str(
                "is broken: a block between `-----BEGIN` and `-----END` is cut off or is not base64: copy the file again",
            ),
            FileFault::Der(Wanted::Certificate) => {
                write!(f, "is not PEM but DER: `openssl x509 -inform DER -in {path} -out NEW` makes it PEM")
            }
            FileFault::Der(Wanted::Key) => {
                write!(f, "is not PEM but DER: `openssl pkey -inform DER -in {path} -out NEW` makes it PEM")
            }
            FileFault::NotThere { wanted, has_other } => not_there(f, *wanted, *has_other),
            FileFault::BadCertificate(number) => {
                write!(f, "certificate {number} is malformed: `openssl x509 -in {path} -noout -text` shows the first")
            }
            FileFault::WrongOrder(number) => write!(
                f,
                "the key belongs to certificate {number}: put the server's own certificate first, then that of its CA, \
                 and so on"
            ),
            FileFault::BrokenChain(number) => write!(
                f,
                "certificate {number} is not signed by the next one: after each certificate put that of its CA \
                 (`openssl crl2pkcs7 -nocrl -certfile {path} | openssl pkcs7 -print_certs -noout` lists them)"
            ),
            FileFault::NoPassword(property) => {
                write!(f, "is encrypted, and {property} is not set: set it, or decrypt it: `openssl pkey -in {path} -out NEW`")
            }
            FileFault::WrongPassword { property, is_legacy } => write!(
                f,
                "{property} does not open it: `openssl pkey{} -in {path} -noout` asks for the password and says whether \
                 it is right",
                providers(*is_legacy)
            ),
            FileFault::Encryption { name, is_legacy } => write!(
                f,
                "is encrypted with {name}, which is not supported: encrypt it anew: \
                 `openssl pkcs8 -topk8{} -in {path} -out NEW`",
                providers(*is_legacy)
            ),
            FileFault::UnusableKey => write!(
                f,
                "has a key that TLS cannot use (RSA with 2048 to 4096 bits, ECDSA P-256 or P-384, and Ed25519 work): \
                 `openssl pkey -in {path} -noout -text_pub` shows what it is"
            ),
        }
    }
}

/// Returns the option that OpenSSL 3 needs to read what it calls legacy.
const fn providers(is_legacy: bool) -> &'static str {
    if is_legacy { " -provider legacy -provider default" } else { "" }
}

fn not_there(f: &mut fmt::Formatter<'_>, wanted: Wanted, has_other: bool) -> fmt::Result {
    f.write_str(match (wanted, has_other) {
        (Wanted::Certificate, true) => "holds a private key and no certificate",
        (Wanted::Certificate, false) => "holds no certificate: a line `-----BEGIN CERTIFICATE-----` must begin one",
        (Wanted::Key, true) => "holds a certificate and no private key",
        (Wanted::Key, false) => "holds no private key: a line such as `-----BEGIN PRIVATE KEY-----` must begin it",
    })
}

/// A path, quoted as one word for a shell.
struct Quoted<'a>(&'a Path);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.to_string_lossy();
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@:=,".contains(character);
        if !path.is_empty() && path.chars().all(is_plain) {
            f.write_str(&path)
        } else {
            write!(f, "'{}'", path.replace('\'', r"'\''"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_commands_are_one_word() {
        for (path, quoted) in [("/etc/a-1.pem", "/etc/a-1.pem"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''")] {
            assert_eq!(Quoted(Path::new(path)).to_string(), quoted);
        }
    }
}
