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
    use alloc::string::String;
    use alloc::vec::Vec;

    fn line_of(bytes: usize) -> Vec<u8> {
        let mut line = Vec::from(b"PROXY UNKNOWN ");
        line.resize(bytes, b'x');
        line.extend(LINE_END);
        line
    }

    #[test]
    fn a_line_may_have_108_bytes_however_it_is_cut() {
        for (bytes, is_read) in [(13, true), (107, true), (108, true), (109, false)] {
            let line = line_of(bytes);
            let length = line.len();
            let expected = Ok(ProxyFraming::Complete { length, client: None });
            assert_eq!(decode(&line), if is_read { expected } else { Err(ProxyError::LineTooLong) });
            for cut in 0..length.min(LINE_BYTES_MAX + 1) {
                assert_eq!(decode(&line[..cut]), Ok(ProxyFraming::Incomplete), "{cut} of {bytes}");
            }
        }
        let endless = [b'x'; LINE_BYTES_MAX + 1];
        assert_eq!(decode(&endless), Err(ProxyError::LineTooLong), "as soon as it cannot end in time");
    }

    #[test]
    fn addresses_have_one_form() {
        let decoded = |source: &str| decode(&[b"PROXY ", source.as_bytes(), LINE_END].concat());
        let read = |rest: &str| match decoded(rest) {
            Ok(ProxyFraming::Complete { client, .. }) => client.map(|client| alloc::format!("{client}")),
            Ok(ProxyFraming::Other | ProxyFraming::Incomplete) | Err(_) => None,
        };
        let four = |source: &str, port: &str| read(&alloc::format!("TCP4 {source} 192.0.2.2 {port} 2222"));
        let six = |source: &str| read(&alloc::format!("TCP6 {source} ::1 1111 2222"));
        assert_eq!(four("192.0.2.1", "1111"), Some("192.0.2.1:1111".into()));
        assert_eq!(four("192.0.2.1", "65535"), Some("192.0.2.1:65535".into()));
        for source in ["192.000.002.001", "192.0.2.00", "192.0.2", "192.0.2.1.", "::1", "localhost", ""] {
            assert_eq!(four(source, "1111"), None, "{source}");
        }
        for port in ["0", "01", "+1", "-1", "65536", "0x1", "", "99999999999999999999"] {
            assert_eq!(four("192.0.2.1", port), None, "{port}");
        }
        assert_eq!(six("2001:DB8:0:0::A"), Some("[2001:db8::a]:1111".into()));
        assert_eq!(six("::ffff:192.0.2.1"), Some("192.0.2.1:1111".into()));
        for source in ["[::1]", "fe80::1%eth0", "192.0.2.1", ":::1", "1::2::3"] {
            assert_eq!(six(source), None, "{source}");
        }
        assert_eq!(decoded("TCP4 192.0.2.1 999.0.2.2 1111 2222"), Err(ProxyError::LineAddress));
        assert_eq!(decoded("TCP4 192.0.2.1 192.0.2.2 1111 0"), Err(ProxyError::LinePort));
        assert_eq!(decoded("TCP4 192.0.2.1 192.0.2.2 1111 2222 3333"), Err(ProxyError::LineParts));
        assert_eq!(decoded(&String::from("UNKNOWN  what \u{7f} ever")), decoded("UNKNOWN  what \t ever"));
    }
}
