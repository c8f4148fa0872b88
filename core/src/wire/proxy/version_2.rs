//! Version 2: a binary header.

use super::framing::{ProxyError, ProxyFraming};
use core::net::{IpAddr, SocketAddr};

pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes before the addresses.
pub(super) const FIXED_BYTES: usize = 16;
const VERSION: u8 = 2;
const LOCAL: u8 = 0;
const PROXY: u8 = 1;
/// Bytes of the two paths of a UNIX connection.
const PATHS_BYTES: usize = 216;
/// The extension about TLS between client and proxy: a byte and a word, followed by nested extensions.
const TLS_EXTENSION: u8 = 0x20;
const TLS_EXTENSION_FIXED_BYTES: usize = 5;
/// The deepest nesting of extensions, the same as in the Java server.
const DEPTH_MAX: usize = 129;

/// The kind of addresses in a header.
enum Family {
    Unspecified,
    Ip4,
    Ip6,
    Unix,
}

/// Looks at a header that begins with the signature.
pub(super) fn decode(input: &[u8]) -> Result<ProxyFraming, ProxyError> {
    let rest = input.get(SIGNATURE.len()..).unwrap_or_default();
    let Some((version_and_command, rest)) = rest.split_first() else { return Ok(ProxyFraming::Incomplete) };
    let (version, command) = (version_and_command >> 4, version_and_command & 0xf);
    if version != VERSION {
        return Err(ProxyError::Version(version));
    }
    if !matches!(command, LOCAL | PROXY) {
        return Err(ProxyError::Command(command));
    }
    let Some((family, rest)) = rest.split_first() else { return Ok(ProxyFraming::Incomplete) };
    // The server ignores what a proxy says about itself.
    let family = if command == LOCAL { Family::Unspecified } else { Family::of(*family)? };
    let Some((length, rest)) = rest.split_first_chunk() else { return Ok(ProxyFraming::Incomplete) };
    let length = u16::from_be_bytes(*length);
    if usize::from(length) < family.address_bytes() {
        return Err(ProxyError::TooShort(length));
    }
    let Some(content) = rest.get(..usize::from(length)) else { return Ok(ProxyFraming::Incomplete) };
    let (addresses, extensions) = content.split_at(family.address_bytes());
    if !matches!(family, Family::Unspecified) {
        check_extensions(extensions, 0)?;
    }
    Ok(ProxyFraming::Complete { length: FIXED_BYTES + content.len(), client: family.client(addresses) })
}

impl Family {
    /// Returns the family in a byte with family and transport. The transport makes no difference.
    const fn of(byte: u8) -> Result<Self, ProxyError> {
        match byte {
            0x00 => Ok(Self::Unspecified),
            0x11 | 0x12 => Ok(Self::Ip4),
            0x21 | 0x22 => Ok(Self::Ip6),
            0x31 | 0x32 => Ok(Self::Unix),
            unknown => Err(ProxyError::Family(unknown)),
        }
    }

    /// Returns the bytes of both addresses and ports.
    const fn address_bytes(&self) -> usize {
        match self {
            Self::Unspecified => 0,
            Self::Ip4 => 4 + 4 + 2 + 2,
            Self::Ip6 => 16 + 16 + 2 + 2,
            Self::Unix => PATHS_BYTES,
        }
    }

    /// Returns the client. Both addresses come first, source and destination, then both ports.
    fn client(&self, addresses: &[u8]) -> Option<SocketAddr> {
        match self {
            Self::Unspecified | Self::Unix => None,
            Self::Ip4 => client(*addresses.first_chunk::<4>()?, addresses.get(8..)?),
            Self::Ip6 => client(*addresses.first_chunk::<16>()?, addresses.get(32..)?),
        }
    }
}

/// Returns the client, or `None` for port 0.
fn client(address: impl Into<IpAddr>, ports: &[u8]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(*ports.first_chunk()?);
    (port != 0).then(|| SocketAddr::new(address.into().to_canonical(), port))
}

/// Checks that every extension fits. Their contents do not matter here. Skips a rest that is too short for an
/// extension.
fn check_extensions(mut extensions: &[u8], depth: usize) -> Result<(), ProxyError> {
    // Java skips a last extension without at least one byte of content.
    while let [kind, high, low, rest @ ..] = extensions
        && !rest.is_empty()
    {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (content, behind) = rest.split_at_checked(length).ok_or(ProxyError::ExtensionPastEnd)?;
        if *kind == TLS_EXTENSION {
            if depth == DEPTH_MAX {
                return Err(ProxyError::TooDeep);
            }
            let inner = content.get(TLS_EXTENSION_FIXED_BYTES..).ok_or(ProxyError::ExtensionPastEnd)?;
            check_extensions(inner, depth + 1)?;
        }
        extensions = behind;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn faults_are_known_before_the_header_is_complete() {
        let first = |bytes: &[u8]| decode(&[&SIGNATURE, bytes].concat());
        assert_eq!(first(&[0x31]), Err(ProxyError::Version(3)));
        assert_eq!(first(&[0xff]), Err(ProxyError::Version(15)));
        assert_eq!(first(&[0x22]), Err(ProxyError::Command(2)));
        assert_eq!(first(&[0x21, 0x13]), Err(ProxyError::Family(0x13)));
        assert_eq!(first(&[0x21, 0x11, 0, 11]), Err(ProxyError::TooShort(11)));
        assert_eq!(first(&[0x21, 0x21, 0, 35]), Err(ProxyError::TooShort(35)));
        assert_eq!(first(&[0x21, 0x31, 0, 215]), Err(ProxyError::TooShort(215)));
    }

    #[test]
    fn faults_of_extensions_are_told_apart() {
        let extended = |extensions: &[u8]| {
            let content = [&[1; 12], extensions].concat();
            decode(&[&SIGNATURE[..], &[0x21, 0x11], &(content.len() as u16).to_be_bytes(), &content].concat())
        };
        let nested = (0..=DEPTH_MAX).fold(Vec::new(), |inner, _| {
            let content = [&[0; TLS_EXTENSION_FIXED_BYTES], &inner[..]].concat();
            [&[TLS_EXTENSION][..], &(content.len() as u16).to_be_bytes(), &content].concat()
        });
        assert_eq!(extended(&nested), Err(ProxyError::TooDeep));
        assert_eq!(extended(&[2, 0, 2, b'x']), Err(ProxyError::ExtensionPastEnd));
    }
}
