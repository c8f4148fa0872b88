//! Signatures as senders make them, without any code of the server: what is hashed is put together from names and
//! values, and HMAC and Base64 are written out.

use crate::answer::Answer;
use crate::request::Request;
use sha1::{Digest, Sha1};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Bytes of a block of SHA-1.
const BLOCK_BYTES: usize = 64;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What a sender leaves out of the content that it signs.
pub const LEFT_OUT: [&[&str]; 3] = [&[], &["__ZONE_NAME", "__ZONE_MODE"], &["SecurityToken"]];

impl Request {
    /// Signed with the fields that it has by now, as RocketMQ's own hook signs it.
    pub fn signed(self, user: &str, secret: &str) -> Self {
        let request = self.field("AccessKey", user);
        let fields = request.fields.iter().flatten().cloned().collect();
        let signature = sign(secret, &content(&fields, &request.body, &[]));
        request.field("Signature", signature)
    }
}

/// Which of [`LEFT_OUT`] a frame was signed with.
pub fn variants(frame: &Answer, secret: &str) -> Vec<usize> {
    let fields: BTreeMap<_, _> = frame.fields.iter().flatten().cloned().collect();
    let Some(signature) = fields.get("Signature") else { return Vec::new() };
    let is_there = |names: &[&str]| names.is_empty() || names.iter().any(|name| fields.contains_key(*name));
    let matches = |names: &[&str]| sign(secret, &content(&fields, &frame.body, names)) == *signature;
    (0..).zip(LEFT_OUT).filter(|(_, names)| is_there(names) && matches(names)).map(|(index, _)| index).collect()
}

/// The values in the order in which Java compares their names, without some of them, then the body.
pub fn content(fields: &BTreeMap<String, String>, body: &[u8], without: &[&str]) -> Vec<u8> {
    let signed = fields.iter().filter(|(name, _)| *name != "Signature" && !without.contains(&name.as_str()));
    let mut signed: Vec<_> = signed.collect();
    signed.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
    let text: String = signed.into_iter().map(|(_, value)| value.as_str()).collect();
    [text.as_bytes(), body].concat()
}

/// HMAC-SHA1 in Base64.
pub fn sign(secret: &str, content: &[u8]) -> String {
    let mut key = match secret.len() {
        0..=BLOCK_BYTES => secret.as_bytes().to_vec(),
        _ => Sha1::digest(secret).to_vec(),
    };
    key.resize(BLOCK_BYTES, 0);
    let padded = |pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<_>>();
    let inner = Sha1::digest([padded(0x36), content.to_vec()].concat());
    base64(&Sha1::digest([padded(0x5c), inner.to_vec()].concat()))
}

fn base64(bytes: &[u8]) -> String {
    let bits = bytes.iter().fold(String::new(), |mut bits, byte| {
        write!(bits, "{byte:08b}").unwrap();
        bits
    });
    let mut text = String::new();
    for at in (0..bits.len()).step_by(6) {
        let digit = format!("{:0<6}", &bits[at..bits.len().min(at + 6)]);
        text.push(char::from(ALPHABET[usize::from_str_radix(&digit, 2).unwrap()]));
    }
    let length = text.len().next_multiple_of(4);
    format!("{text:=<length$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_published_vectors() {
        // RFC 2202, case 2.
        assert_eq!(sign("Jefe", b"what do ya want for nothing?"), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"light work."), "bGlnaHQgd29yay4=");
        let request = Request::new(205).field("brokerName", "broker-a").signed("rocketmq2", "12345678");
        let frame = Answer::decode(&request.encode()).unwrap();
        assert_eq!(frame.field("Signature"), Some("OWag5wTlWGeWX2wVHlu6flz8V30="));
        assert_eq!(variants(&frame, "12345678"), [0]);
        assert!(variants(&frame, "12345679").is_empty());
    }
}
