//! The header of the PROXY protocol, versions 1 and 2: a load balancer puts it before the bytes of its client (Java:
//! `HAProxyMessageDecoder`).
//!
//! The headers are those that Java reads, but an address or a port has one form only, that of the PROXY protocol: no
//! sign, no leading zeros, no brackets, no zone. Other forms are good for nothing but forged log lines.

mod version_1;
mod version_2;

use core::net::SocketAddr;

/// The longest header in bytes, which is one of version 2.
pub const HEADER_BYTES_MAX: usize = version_2::FIXED_BYTES + u16::MAX as usize;

/// What the front of the first bytes of a connection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFraming {
    /// No PROXY header.
    Other,
    /// A part of a header, or what may become one.
    Incomplete,
    /// A complete header.
    Complete {
        /// Bytes that it takes.
        length: usize,
        /// The client that it names. `None` when the proxy speaks for itself or cannot say.
        client: Option<SocketAddr>,
    },
}

/// Looks at the first bytes of a connection for a header. Asked again with more bytes, it begins anew: that costs
/// little, because a header is only searched through once it is complete.
///
/// # Errors
/// A malformed header, as soon as the bytes that tell it are there.
pub fn proxy_header(input: &[u8]) -> Result<ProxyFraming, ProxyError> {
    if input.starts_with(version_1::SIGNATURE) {
        version_1::decode(input)
    } else if input.starts_with(&version_2::SIGNATURE) {
        version_2::decode(input)
    } else if version_1::SIGNATURE.starts_with(input) || version_2::SIGNATURE.starts_with(input) {
        Ok(ProxyFraming::Incomplete)
    } else {
        Ok(ProxyFraming::Other)
    }
}

/// A PROXY header that cannot be read. Where the bytes of the client begin is unknown, so the connection has to be
/// closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// A line of version 1 that does not end in time.
    #[error("its line is longer than {} bytes", version_1::LINE_BYTES_MAX)]
    LineTooLong,
    /// A line of version 1 whose protocol is none of `TCP4`, `TCP6` and `UNKNOWN`.
    #[error("its line names none of TCP4, TCP6 and UNKNOWN")]
    LineProtocol,
    /// A line of version 1 that is not six parts with single blanks between them.
    #[error("its line does not have six parts")]
    LineParts,
    /// A line of version 1 with an address that is none of its protocol.
    #[error("an address in its line is malformed")]
    LineAddress,
    /// A line of version 1 with a port that is none.
    #[error("a port in its line is malformed")]
    LinePort,
    /// A binary header of another version than 2.
    #[error("its version is {0} and not 2")]
    Version(u8),
    /// Neither the command LOCAL nor PROXY.
    #[error("its command is {0}, neither LOCAL nor PROXY")]
    Command(u8),
    /// An unknown family or transport.
    #[error("its address family is unknown (0x{0:02x})")]
    Family(u8),
    /// A length without room for both addresses.
    #[error("it has {0} bytes, too few for its addresses")]
    TooShort(u16),
    /// An extension that is longer than what is left of the header.
    #[error("an extension runs past its end")]
    ExtensionPastEnd,
    /// Extensions about TLS inside one another.
    #[error("its extensions are nested too deeply")]
    TooDeep,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn what_cannot_become_a_header_is_known_at_its_first_wrong_byte() {
        assert_eq!(proxy_header(b""), Ok(ProxyFraming::Incomplete));
        for signature in [version_1::SIGNATURE, &version_2::SIGNATURE] {
            for length in 1..signature.len() {
                assert_eq!(proxy_header(&signature[..length]), Ok(ProxyFraming::Incomplete));
                let mut other = Vec::from(&signature[..length]);
                other[length - 1] ^= 0x80;
                assert_eq!(proxy_header(&other), Ok(ProxyFraming::Other));
            }
        }
    }
}
