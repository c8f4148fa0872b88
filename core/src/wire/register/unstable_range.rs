//! The part of a register body that changes in every registration.

use core::ops::Range;
use memchr::memmem;

/// Returns the digits of `mappingDataVersion.timestamp` in the body of a 5.x broker, if `mappingDataVersion` is an
/// object and begins within the first 4 KiB, in the form that those brokers write.
///
/// That timestamp is the time of sending, so it differs in every registration, while everything else repeats. A digest
/// over all other bytes recognises an unchanged registration. Leaving out the digits is safe. Inside a JSON string the
/// quotes of the pattern would be escaped, so the match is a member called `mappingDataVersion`. The server registers
/// nothing from a member of that name, wherever it stands. And the range ends where the digits end, so no other byte is
/// left out.
#[must_use]
pub fn unstable_range(body: &[u8]) -> Option<Range<usize>> {
    const WITHIN_BYTES: usize = 4096;
    // In a compressed body nothing is escaped, so the same bytes may be the name of a topic.
    if body.first() != Some(&b'{') {
        return None;
    }
    let front = body.get(..WITHIN_BYTES).unwrap_or(body);
    let mut end = memmem::find(front, b"\"mappingDataVersion\":")?;
    let mut digits = end..end;
    for label in ["\"mappingDataVersion\":{\"counter\":", ",\"stateVersion\":", ",\"timestamp\":"] {
        let number = body.get(end..)?.strip_prefix(label.as_bytes())?;
        let length = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let start = end + label.len();
        end = start + length;
        digits = start..end;
        if digits.is_empty() {
            return None;
        }
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use miniz_oxide::deflate::compress_to_vec_zlib;

    #[test]
    fn the_digits_that_change_in_every_registration_are_found() {
        let body = br#"{"filterServerList":[],"topicConfigSerializeWrapper":{"dataVersion":{"counter":0,"stateVersion":0,"timestamp":1795459921965},"mappingDataVersion":{"counter":0,"stateVersion":0,"timestamp":1795459928192},"topicConfigTable":{}}}"#;
        assert_eq!(&body[unstable_range(body).unwrap()], b"1795459928192");
        let far = [b"{\"x\":\"", &b" ".repeat(4096)[..], b"\",", &body[1..]].concat();
        assert_eq!(unstable_range(&far), None);
        for other in [
            &b""[..],
            b"{}",
            br#"{"dataVersion":{"counter":0,"stateVersion":0,"timestamp":1}}"#,
            br#"{"mappingDataVersion":{"counter":0,"stateVersion":0,"timestamp":"1"}}"#,
            br#"{"mappingDataVersion":{"counter":0,"stateVersion":0,"timestamp":-1}}"#,
            br#"{"mappingDataVersion":{"counter":0,"timestamp":1}}"#,
            br#"{"mappingDataVersion":{"counter":0,"stateVersion":0,"timestamp":"#,
            br#"{"mappingDataVersion": {"counter":0,"stateVersion":0,"timestamp":1}}"#,
            br#"{"x":"\"mappingDataVersion\":{\"counter\":0,\"stateVersion\":0,\"timestamp\":1}"}"#,
            b"\x78\xda\x5d\x8f",
        ] {
            assert_eq!(unstable_range(other), None, "{}", String::from_utf8_lossy(other));
        }
    }

    /// Two zlib streams of stored bytes may have the same checksum and differ only in the digits of such a name.
    #[test]
    fn in_compressed_bodies_no_digits_are_left_out() {
        let name = br#""mappingDataVersion":{"counter":0,"stateVersion":0,"timestamp":1234}"#;
        let stored = compress_to_vec_zlib(name, 0);
        assert!(stored.windows(name.len()).any(|window| window == name));
        assert_eq!(unstable_range(&stored), None);
    }
}
