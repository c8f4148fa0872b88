//! Bodies of registrations, in all forms.

use super::limits::limits;
use crate::registration::deflate;
use namesrv_core::time::WallTime;
use namesrv_core::wire::BodyError;
use namesrv_core::wire::register::{PlainBody, RegisterBody, unstable_range};
use std::collections::BTreeSet;

const WALL: WallTime = WallTime::from_millis(1_750_000_000_000);
/// Releases whose bodies differ: 5.5.0, 4.9.7, the one before static topics, the last without filter servers, and none.
const VERSIONS: [i32; 8] = [513, 407, 392, 36, 37, 0, -1, i32::MAX];

/// The first byte chooses: 1 compression is announced, 2 what follows is compressed here, 4 to 16 the release of the
/// sender.
pub(super) fn register_body(data: &[u8]) {
    let Some((choice, content)) = data.split_first() else { return };
    let announced = choice & 1 != 0;
    let version = VERSIONS[usize::from(choice >> 2) % VERSIONS.len()];
    let body = if choice & 2 == 0 { content.to_vec() } else { deflate(content) };
    check(&body, announced, version);
    check_unstable_range(&body, announced, version);
}

fn check(body: &[u8], announced: bool, version: i32) {
    let limits = limits();
    let plain = match PlainBody::new(body, announced, &limits) {
        Ok(plain) => plain,
        Err(error) => return assert_short(&error),
    };
    if let PlainBody::Inflated(bytes) = &plain {
        assert!(bytes.len() <= limits.inflated_bytes_max);
    }
    match RegisterBody::decode(&plain, version, WALL, &limits) {
        Ok(decoded) => {
            let topics = decoded.topics.as_deref().unwrap_or_default();
            assert!(topics.len() <= limits.topics_per_registration_max);
            let keys: BTreeSet<_> = topics.iter().map(|topic| &topic.key).collect();
            assert_eq!(keys.len(), topics.len(), "a repeated key");
        }
        Err(error) => assert_short(&error),
    }
}

/// What a registration is recognised by leaves out nothing that is registered.
fn check_unstable_range(body: &[u8], announced: bool, version: i32) {
    let Some(range) = unstable_range(body) else { return };
    assert!(!range.is_empty() && body[range.clone()].iter().all(u8::is_ascii_digit));
    assert!(!body.get(range.end).is_some_and(u8::is_ascii_digit));
    let mut other = body.to_vec();
    other[range].fill(b'7');
    let limits = limits();
    let (Ok(ours), Ok(theirs)) = (PlainBody::new(body, announced, &limits), PlainBody::new(&other, announced, &limits))
    else {
        return;
    };
    let decode = |plain| RegisterBody::decode(plain, version, WALL, &limits);
    if let (Ok(ours), Ok(theirs)) = (decode(&ours), decode(&theirs)) {
        assert_eq!(ours, theirs);
    }
}

fn assert_short(error: &BodyError) {
    assert!(error.to_string().len() < 2000, "{error}");
}
