//! Version 1: a line of text.

use super::framing::{LINE_BYTES_MAX, ProxyError, ProxyFraming};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str;

pub(super) const SIGNATURE: &[u8] = b"PROXY";
const LINE_END: &[u8] = b"\r\n";

/// Looks at a line that begins with the signature.
pub(super) fn decode(input: &[u8]) -> Result<ProxyFraming, ProxyError> {
    let longest = input.get(..LINE_BYTES_MAX + LINE_END.len()).unwrap_or(input);
    if let Some(length) = longest.windows(LINE_END.len()).position(|pair| pair == LINE_END) {
        let client = client(longest.get(..length).unwrap_or_default())?;
        return Ok(ProxyFraming::Complete { length: length + LINE_END.len(), client });
    }
    let is_ending = longest.len() == LINE_BYTES_MAX + 1 && longest.ends_with(b"\r");
    if longest.len() > LINE_BYTES_MAX && !is_ending {
        return Err(ProxyError::LineTooLong);
    }
    Ok(ProxyFraming::Incomplete)
}

/// Returns the client that a line names. Skips blanks at the end of the line.
fn client(line: &[u8]) -> Result<Option<SocketAddr>, ProxyError> {
    let line = line.trim_ascii_end();
    let mut parts = line.split(|byte| *byte == b' ');
    if parts.next() != Some(SIGNATURE) {
        return Err(ProxyError::LineProtocol);
    }
    let is_of_family: fn(&IpAddr) -> bool = match parts.next() {
        Some(b"UNKNOWN") => return Ok(None),
        Some(b"TCP4") => IpAddr::is_ipv4,
        Some(b"TCP6") => IpAddr::is_ipv6,
        Some(_) | None => return Err(ProxyError::LineProtocol),
    };
    let mut next = || parts.next().ok_or(ProxyError::LineParts);
    let (source, destination, source_port, destination_port) = (next()?, next()?, next()?, next()?);
    if parts.next().is_some() {
        return Err(ProxyError::LineParts);
    }
    address(destination).filter(is_of_family).ok_or(ProxyError::LineAddress)?;
    port(destination_port).ok_or(ProxyError::LinePort)?;
    let source = address(source).filter(is_of_family).ok_or(ProxyError::LineAddress)?;
    let source_port = port(source_port).ok_or(ProxyError::LinePort)?;
    Ok(Some(SocketAddr::new(source.to_canonical(), source_port)))
}

/// Reads an address in its plain form: IPv4 without leading zeros, IPv6 without brackets and zone.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?;
    text.parse::<Ipv4Addr>().map(IpAddr::from).or_else(|_| text.parse::<Ipv6Addr>().map(IpAddr::from)).ok()
}

/// Reads a port in its plain form: digits without a leading zero. So 0 is refused, which no connection has.
fn port(text: &[u8]) -> Option<u16> {
    let is_plain = text.iter().all(u8::is_ascii_digit) && !text.starts_with(b"0");
    str::from_utf8(text).ok().filter(|_| is_plain)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of lines is in `tests/golden/proxy-5.5.0.jsonl`, but not the fault that is told.
    #[test]
    fn a_line_that_cannot_be_read_is_told_with_its_fault() {
        for (line, fault) in [
            (&[b'x'; LINE_BYTES_MAX + 1][..], ProxyError::LineTooLong),
            (b"PROXY TCP5 192.0.2.1 192.0.2.2 1111 2222\r\n", ProxyError::LineProtocol),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222 3333\r\n", ProxyError::LineParts),
            (b"PROXY TCP4 ::1 192.0.2.2 1111 2222\r\n", ProxyError::LineAddress),
            (b"PROXY TCP6 192.0.2.1 ::1 1111 2222\r\n", ProxyError::LineAddress),
            (b"PROXY TCP4 192.0.2.1 999.0.2.2 1111 2222\r\n", ProxyError::LineAddress),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 0\r\n", ProxyError::LinePort),
        ] {
            assert_eq!(decode(line), Err(fault));
        }
    }
}
