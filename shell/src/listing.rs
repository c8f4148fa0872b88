//! Which connections operators see, and in which order.

use crate::journal::Facts;
use namesrv_core::time::Instant;
use std::cmp::Reverse;

/// Which connections come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Those that transferred the most bytes.
    #[default]
    Bytes,
    /// The oldest.
    Age,
    /// Those that have been silent for longest.
    Idle,
    /// Those with the most requests.
    Requests,
    /// Those with the most unread output.
    Unread,
}

/// A question to every I/O thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListRequest {
    pub(crate) sort: Sort,
    /// The most connections in the answer.
    pub(crate) limit: usize,
}

/// The answer of one I/O thread, or of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    /// Connections in the requested order.
    pub(crate) connections: Vec<Facts>,
    /// Number of all open connections.
    pub(crate) total: usize,
}

impl Sort {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "bytes" => Self::Bytes,
            "age" => Self::Age,
            "idle" => Self::Idle,
            "requests" => Self::Requests,
            "unread" => Self::Unread,
            _ => return None,
        })
    }

    /// The sort key. Larger keys come first.
    fn key(self, facts: &Facts) -> u64 {
        let age = |instant: Instant| u64::MAX - instant.as_millis();
        match self {
            Self::Bytes => facts.received_bytes.saturating_add(facts.sent_bytes),
            Self::Age => age(facts.opened),
            Self::Idle => age(facts.heard),
            Self::Requests => facts.requests,
            Self::Unread => facts.unread_bytes as u64,
        }
    }
}

impl Listed {
    /// Adds connections, and keeps the first ones.
    pub(crate) fn add(&mut self, connections: impl Iterator<Item = Facts>, ListRequest { sort, limit }: ListRequest) {
        for facts in connections {
            self.total += 1;
            self.connections.push(facts);
            // Keeps at most twice the limit, however many there are.
            if self.connections.len() >= 2 * limit.max(1) {
                self.connections.select_nth_unstable_by_key(limit.max(1) - 1, |facts| Reverse(sort.key(facts)));
                self.connections.truncate(limit);
            }
        }
        self.connections.sort_by_key(|facts| Reverse(sort.key(facts)));
        self.connections.truncate(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::{ConnId, Peer};

    fn facts(serial: u64) -> Facts {
        let peer = Peer { conn: ConnId::new(0, serial), address: ([10, 0, 0, 1], 4000).into() };
        let opened = Instant::from_millis(serial);
        let (received_bytes, sent_bytes, unread_bytes) = (serial * 37 % 100, 0, 0);
        let (sender, user, requests) = (None, None, serial);
        Facts { peer, sender, user, opened, heard: opened, requests, received_bytes, sent_bytes, unread_bytes }
    }

    #[test]
    fn the_first_of_many_are_listed_in_order() {
        let serials = |sort, limit| {
            let mut listed = Listed::default();
            listed.add((0..100).map(facts), ListRequest { sort, limit });
            assert_eq!(listed.total, 100);
            listed.connections.iter().map(|facts| facts.peer.conn.serial()).collect::<Vec<_>>()
        };
        assert_eq!(serials(Sort::Requests, 3), [99, 98, 97]);
        assert_eq!(serials(Sort::Age, 3), [0, 1, 2]);
        assert_eq!(serials(Sort::Bytes, 2), [27, 54], "27 * 37 is 99 modulo 100, 54 * 37 is 98");
        assert_eq!(serials(Sort::Unread, 200).len(), 100);
        assert_eq!(serials(Sort::Requests, 0), [0; 0]);
    }
}
