//! Recognises repeated registrations. A broker sends its whole table every ten seconds, and usually nothing has
//! changed. A digest tells so before the body is parsed.

use crate::hash::{Digest, Secret, feed};
use crate::registry::tables::{LastRegistration, MemberKey, Tables};
use crate::wire::Request;
use crate::wire::register::{RegisterHeader, unstable_range};
use core::hash::Hasher;

/// Brokers send the checksum without its sign bit.
const CRC_MASK: u32 = 0x7FFF_FFFF;

/// Identifies a repeated registration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fingerprint {
    digest: Digest,
    /// Where the repeated part of the body begins.
    tail_from: usize,
}

impl Fingerprint {
    /// Digests everything in a registration except what changes every time without a meaning.
    pub(super) fn new(
        secret: Secret,
        header: &RegisterHeader<'_>,
        request: &Request<'_>,
        delete_topic_with_broker_registration: bool,
    ) -> Self {
        let body = request.body;
        let unstable = unstable_range(body).unwrap_or(0..0);
        let digest = secret.digest(|hasher| {
            feed(hasher, (&header.broker_name, &header.broker_addr, &header.cluster_name, &header.ha_server_addr));
            feed(hasher, (header.broker_id, header.heartbeat_timeout_millis, header.enable_acting_master));
            feed(hasher, (header.compressed, &header.zone_name, request.version));
            feed(hasher, delete_topic_with_broker_registration);
            feed(hasher, &body[..unstable.start]);
            hasher.write(&body[unstable.end..]);
        });
        Self { digest, tail_from: unstable.end }
    }

    /// Returns the broker whose last registration this one repeats, if there is one and the checksum is right.
    pub(super) fn repeats(self, tables: &Tables, header: &RegisterHeader<'_>, body: &[u8]) -> Option<MemberKey> {
        let key = MemberKey { group: tables.group_id(header.broker_name.as_deref()?)?, id: header.broker_id? };
        let last = tables.group(key.group).current_registration(key.id)?;
        if last.digest != self.digest {
            return None;
        }
        let tail = crc32fast::Hasher::new_with_initial_len(last.tail_crc, last.tail_bytes);
        let mut whole = crc32fast::Hasher::new();
        whole.update(&body[..self.tail_from]);
        whole.combine(&tail);
        (header.body_crc32 == 0 || whole.finalize() & CRC_MASK == header.body_crc32.cast_unsigned()).then_some(key)
    }

    /// Returns what is kept to recognise the next registration.
    pub(super) fn last_registration(self, body: &[u8], is_update: bool) -> LastRegistration {
        let tail = &body[self.tail_from..];
        LastRegistration::new(self.digest, crc32fast::hash(tail), tail.len() as u64, is_update)
    }
}

/// Whether the body has the checksum in the header, if there is one.
pub(super) fn has_right_checksum(header: &RegisterHeader<'_>, body: &[u8]) -> bool {
    header.body_crc32 == 0 || crc32fast::hash(body) & CRC_MASK == header.body_crc32.cast_unsigned()
}
