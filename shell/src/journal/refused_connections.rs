//! Clients whose connections were refused since the last report, in bounded memory.

use namesrv_core::ClientAddress;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The most hosts that are counted separately.
const HOSTS_MAX: usize = 16;

/// Refused connections, by host.
#[derive(Debug, Default)]
pub(crate) struct RefusedConnections {
    hosts: BTreeMap<IpAddr, RefusedHost>,
    /// Connections of all other hosts.
    others: u64,
}

/// The refused connections of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RefusedHost {
    /// The last client.
    pub(crate) peer: ClientAddress,
    /// How many connections were refused.
    pub(crate) count: u64,
}

impl RefusedConnections {
    /// Adds refused connections of this client.
    pub(super) fn note(&mut self, RefusedHost { peer, count }: RefusedHost) {
        let is_full = self.hosts.len() >= HOSTS_MAX;
        match self.hosts.get_mut(&peer.ip()) {
            Some(host) => *host = RefusedHost { peer, count: host.count + count },
            None if is_full => self.others += count,
            None => drop(self.hosts.insert(peer.ip(), RefusedHost { peer, count })),
        }
    }

    /// Adds the refused connections of another I/O thread.
    pub(super) fn add(&mut self, more: Self) {
        more.hosts.into_values().for_each(|host| self.note(host));
        self.others += more.others;
    }

    /// Returns the hosts that are counted separately.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &RefusedHost> {
        self.hosts.values()
    }

    /// Returns the number of connections of all other hosts.
    pub(crate) const fn others(&self) -> u64 {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(hosts: std::ops::Range<u8>) -> RefusedConnections {
        let mut refused = RefusedConnections::default();
        for (port, host) in hosts.flat_map(|host| [(1, host), (2, host)]) {
            refused.note(RefusedHost { peer: ([10, 0, 0, host], port).into(), count: 1 });
        }
        refused
    }

    #[test]
    fn hosts_are_counted_apart_up_to_a_bound_and_the_rest_together() {
        let mut all = refused(0..10);
        all.add(refused(5..40));
        let counts: Vec<_> = all.hosts().map(|host| host.count).collect();
        assert_eq!(counts, [2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2]);
        assert_eq!(counts.iter().sum::<u64>() + all.others(), 90);
        assert!(all.hosts().all(|host| host.peer.socket_address().port() == 2), "the last client of each");
    }
}
