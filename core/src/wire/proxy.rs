//! The header of the PROXY protocol, versions 1 and 2: a load balancer puts it before the bytes of its client.
//!
//! Java reads the same headers, but here an address or port has only one form, that of the PROXY protocol: no sign, no
//! leading zeros, no brackets, no zone. Other forms would only help to forge log lines.

mod framing;
mod version_1;
mod version_2;

pub use framing::{ProxyError, ProxyFraming};

/// Bytes of the longest header, which is one of version 2.
pub const HEADER_BYTES_MAX: usize = version_2::FIXED_BYTES + u16::MAX as usize;

/// Looks for a header in the first bytes of a connection. A later call with more bytes starts over: that costs little,
/// because only a complete header is searched through.
///
/// # Errors
/// A malformed header, as soon as the bytes that show it have arrived.
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
