//! Signatures as senders make them, without any code of the server: what is hashed is put together from names and
//! values, and HMAC and Base64 are those of other crates.

use crate::answer::Answer;
use crate::request::Request;
use base64::prelude::{BASE64_STANDARD, Engine};
use ring::hmac;
use std::collections::BTreeMap;

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
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_published_vectors() {
        // RFC 2202, case 2.
        assert_eq!(sign("Jefe", b"what do ya want for nothing?"), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
        let request = Request::new(205).field("brokerName", "broker-a").signed("rocketmq2", "12345678");
        let frame = Answer::decode(&request.encode()).unwrap();
        assert_eq!(frame.field("Signature"), Some("OWag5wTlWGeWX2wVHlu6flz8V30="));
        assert_eq!(variants(&frame, "12345678"), [0]);
        assert!(variants(&frame, "12345679").is_empty());
    }
}
