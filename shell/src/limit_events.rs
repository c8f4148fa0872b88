//! Reports reached limits: each at most once in ten seconds, with the number of times that it was reached.

use crate::counters::{CONNECTIONS_LIMIT, Counters};
use crate::record::{EventType, Record};
use namesrv_core::time::{Duration, Instant, Now, WallTime};
use std::collections::BTreeMap;

/// How often the counters are read.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The shortest time between two events about a limit.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What was reported about limits.
#[derive(Debug, Default)]
pub(crate) struct LimitEvents {
    looked_at: Option<Instant>,
    /// By the key of the limit.
    told: BTreeMap<&'static str, Told>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    at: Instant,
    /// How often the limit had been reached by then.
    count: u64,
}

impl LimitEvents {
    /// Reads the counters, if it is time, and returns the events to record.
    pub(crate) fn look(&mut self, counters: &Counters, now: Now) -> Vec<Record> {
        if self.looked_at.is_some_and(|at| now.monotonic.since(at) < LOOK_EVERY) {
            return Vec::new();
        }
        self.looked_at = Some(now.monotonic);
        let mut records = Vec::new();
        for (limit, count) in counters.limit_hits() {
            let told = self.told.get(limit);
            let since = count - told.map_or(0, |told| told.count);
            if since == 0 || told.is_some_and(|told| now.monotonic.since(told.at) < TELL_EVERY) {
                continue;
            }
            self.told.insert(limit, Told { at: now.monotonic, count });
            let record = Record::new(EventType::LimitHit, now.wall).with("reason", limit);
            records.push(record.with_count("count", since));
            if limit == CONNECTIONS_LIMIT {
                records.extend(refused_connections(counters, now.wall));
            }
        }
        records
    }
}

/// Returns one record for each host, and one for the hosts that are not counted separately.
fn refused_connections(counters: &Counters, now: WallTime) -> Vec<Record> {
    let refused = counters.journals.take_refused_connections();
    let record = |peer: Option<String>, count: u64| {
        let record = Record::new(EventType::ConnectionRefused, now).with_some("peer", peer.as_deref());
        record.with("reason", CONNECTIONS_LIMIT).with_count("count", count)
    };
    let hosts = refused.hosts().map(|host| record(Some(host.peer.to_string()), host.count));
    let others = (refused.others() > 0).then(|| record(None, refused.others()));
    hosts.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::connection::CloseReason;
    use namesrv_core::{ConnId, Peer};

    fn at(millis: u64) -> Now {
        Now { monotonic: Instant::from_millis(millis), wall: WallTime::from_millis(1_764_299_520_000) }
    }

    fn lines(records: &[Record]) -> Vec<String> {
        let line = |record: &Record| String::from_utf8(record.line()).unwrap().trim_end().to_owned();
        let time = r#"{"time":"2025-11-28T03:12:00.000Z","type":"#;
        records.iter().map(|record| line(record).strip_prefix(time).unwrap().to_owned()).collect()
    }

    #[test]
    fn a_limit_is_told_at_once_and_then_every_ten_seconds_with_the_count() {
        let counters = Counters::new(1, Instant::START);
        let mut events = LimitEvents::default();
        let hit = || counters.note_closed(0, &CloseReason::OutputFull { bytes: 1 });
        assert_eq!(events.look(&counters, at(0)), []);
        hit();
        assert_eq!(events.look(&counters, at(999)), [], "it looks once a second");
        let of = |count| [format!(r#""limit_hit","reason":"unreadOutputBytesMax","count":{count}}}"#)];
        assert_eq!(lines(&events.look(&counters, at(1000))), of(1));
        (0..1000).for_each(|_| hit());
        assert_eq!(events.look(&counters, at(10_999)), []);
        assert_eq!(lines(&events.look(&counters, at(11_999))), of(1000));
        assert_eq!(events.look(&counters, at(99_999)), [], "nothing happened since");
    }

    #[test]
    fn refused_connections_are_told_by_host() {
        let counters = Counters::new(2, Instant::START);
        for (io_thread, host) in [(0, 1), (1, 1), (1, 2)] {
            let address = ([10, 0, 0, host], 4000 + u16::from(host)).into();
            counters.note_full(Peer { conn: ConnId::new(io_thread, 1), address });
        }
        let mut events = LimitEvents::default();
        let of = |peer, count| {
            format!(r#""connection_refused","peer":"{peer}","reason":"connectionsMax","count":{count}}}"#)
        };
        let expected = [
            r#""limit_hit","reason":"connectionsMax","count":3}"#.to_owned(),
            of("10.0.0.1:4001", 2),
            of("10.0.0.2:4002", 1),
        ];
        assert_eq!(lines(&events.look(&counters, at(0))), expected);
        assert_eq!(events.look(&counters, at(60_000)), []);
    }
}
