//! Counts of what was answered, kept where it is answered: plain numbers that a driver takes after each step or batch.

use crate::wire::code::request;
use alloc::vec::Vec;

/// A request and its answer, as the server counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange {
    /// The code of the request.
    pub request: i32,
    /// The code of the answer, or `None` for a one-way request.
    pub response: Option<i32>,
}

/// What was answered and transferred since the driver last took it.
///
/// It has at most one entry for each pair of known codes, whatever peers send: all unknown request codes count as one.
#[derive(Debug, Default)]
pub struct Tally {
    exchanges: Vec<(Exchange, u64)>,
    /// Route queries for unknown topics, except those of `--health`.
    pub route_misses: u64,
    /// The topics of some of them.
    pub missed: MissedTopics,
    /// Registrations that were applied.
    pub registrations: Registrations,
    /// Bytes read from sockets.
    pub read_bytes: u64,
    /// Bytes written to sockets.
    pub written_bytes: u64,
}

/// Names of topics that clients queried in vain: the first few after each time that the driver takes them.
#[derive(Debug, Default)]
pub struct MissedTopics {
    /// The names, one after the other.
    names: Vec<u8>,
    ends: Vec<usize>,
}

/// Registrations that were applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registrations {
    /// Those that repeat the last one, and so count as heartbeats.
    pub unchanged: u64,
    /// Those with a single topic.
    pub single: u64,
    /// All others.
    pub full: u64,
    /// Bytes of their bodies, as received.
    pub bytes: u64,
    /// Topics of those that were parsed; repetitions are not.
    pub topics: u64,
}

impl Exchange {
    /// Stands for all request codes that this server does not know.
    pub const UNKNOWN: i32 = -1;
}

impl Tally {
    /// Counts one more exchange.
    #[inline]
    pub fn note(&mut self, request: i32, response: Option<i32>) {
        let exchange = Exchange { request, response };
        match self.exchanges.last_mut() {
            Some((last, count)) if *last == exchange => *count += 1,
            Some(_) | None => self.note_other(exchange),
        }
    }

    /// Returns how many requests were answered or taken.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.exchanges.iter().map(|(_, count)| count).sum()
    }

    /// Takes the counts.
    pub fn drain(&mut self) -> impl Iterator<Item = (Exchange, u64)> {
        self.exchanges.drain(..)
    }

    /// Whether nothing was answered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    #[cold]
    fn note_other(&mut self, exchange: Exchange) {
        let request = if request::name(exchange.request).is_some() { exchange.request } else { Exchange::UNKNOWN };
        let exchange = Exchange { request, ..exchange };
        match self.exchanges.iter_mut().find(|(known, _)| *known == exchange) {
            Some((_, count)) => *count += 1,
            None => self.exchanges.push((exchange, 1)),
        }
    }
}

impl MissedTopics {
    /// How many names are kept. They stand for all others.
    const NAMES_MAX: usize = 16;
    /// The most bytes of a name. No topic of a broker has a longer name.
    const NAME_BYTES_MAX: usize = 127;

    /// Notes one more name.
    pub(crate) fn note(&mut self, name: &[u8]) {
        if self.ends.len() < Self::NAMES_MAX {
            self.names.extend_from_slice(name.get(..Self::NAME_BYTES_MAX).unwrap_or(name));
            self.ends.push(self.names.len());
        }
    }

    /// Whether there are no names.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the names.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).filter_map(|(begin, end)| self.names.get(begin..*end))
    }

    /// Forgets the names.
    pub fn clear(&mut self) {
        self.names.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::code::response;

    #[test]
    fn equal_exchanges_are_counted_together_and_unknown_codes_as_one() {
        let mut tally = Tally::default();
        let route = request::GET_ROUTEINFO_BY_TOPIC;
        for _ in 0..3 {
            tally.note(route, Some(response::SUCCESS));
        }
        tally.note(route, None);
        tally.note(route, Some(response::SUCCESS));
        for code in 1_000_000..1_001_000 {
            tally.note(code, Some(response::REQUEST_CODE_NOT_SUPPORTED));
        }
        let exchange = |request, response| Exchange { request, response };
        let taken: Vec<_> = tally.drain().collect();
        let expected = [
            (exchange(route, Some(response::SUCCESS)), 4),
            (exchange(route, None), 1),
            (exchange(Exchange::UNKNOWN, Some(response::REQUEST_CODE_NOT_SUPPORTED)), 1000),
        ];
        assert_eq!(taken, expected);
        assert!(tally.is_empty());
    }

    #[test]
    fn the_first_topics_that_were_missed_are_kept_and_long_names_are_cut() {
        let mut missed = MissedTopics::default();
        missed.note(b"T");
        missed.note(b"");
        missed.note(&[b'x'; 1000]);
        assert_eq!(missed.iter().collect::<Vec<_>>(), [&b"T"[..], b"", &[b'x'; 127]]);
        (0..100).for_each(|_| missed.note(b"U"));
        assert_eq!((missed.iter().count(), missed.iter().last()), (16, Some(&b"U"[..])));
        missed.clear();
        assert_eq!((missed.iter().count(), missed.is_empty()), (0, true));
    }
}
