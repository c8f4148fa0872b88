//! What each I/O thread remembers for operators: connections that were refused or closed, refused frames, and topics
//! that clients asked for in vain. Nothing that succeeds is recorded here.

mod misses;
mod refused_connections;

pub(crate) use misses::{Miss, Misses};
pub(crate) use refused_connections::{RefusedConnections, RefusedHost};

use namesrv_core::Peer;
use namesrv_core::cut::{Bound, cut};
use namesrv_core::tally::MissedTopics;
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_core::wire::{FrameError, Sender};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most closed connections that are remembered.
pub(crate) const CLOSED_MAX: usize = 1000;
/// How much of a reason is kept. It may quote a client.
const REASON_BOUND: Bound = Bound::Characters(256);

/// The journals of all I/O threads. Only its own thread and a reader lock a journal, each briefly.
#[derive(Debug)]
pub(crate) struct Journals(Box<[Mutex<Journal>]>);

#[derive(Debug, Default)]
struct Journal {
    /// The oldest first.
    closed: VecDeque<ClosedConnection>,
    refused: BTreeMap<&'static str, Refused>,
    misses: Misses,
    refused_connections: RefusedConnections,
}

/// Facts about a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub(crate) peer: Peer,
    /// What its first request said about the client.
    pub(crate) sender: Option<Sender>,
    /// The user that signed its last request to the registry.
    pub(crate) user: Option<Arc<str>>,
    pub(crate) opened: Instant,
    /// When the socket was last read.
    pub(crate) heard: Instant,
    pub(crate) requests: u64,
    pub(crate) received_bytes: u64,
    pub(crate) sent_bytes: u64,
    /// Bytes of output that the client has not read.
    pub(crate) unread_bytes: usize,
}

/// A connection that was closed.
#[derive(Clone, Debug)]
pub(crate) struct ClosedConnection {
    pub(crate) facts: Facts,
    pub(crate) at: Now,
    /// The label of the reason.
    pub(crate) reason: &'static str,
    /// The reason in words.
    pub(crate) words: String,
}

/// The last connection that was closed for one kind of fault.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) peer: Peer,
    pub(crate) at: WallTime,
    pub(crate) words: String,
    /// The first bytes of the frame, if the fault is in a frame.
    pub(crate) bytes: Option<Vec<u8>>,
    /// The number of such faults.
    pub(crate) count: u64,
}

impl Journals {
    /// Journals for this many I/O threads.
    pub(crate) fn new(io_threads: usize) -> Self {
        Self((0..io_threads).map(|_| Mutex::default()).collect())
    }

    /// Notes that a connection was closed.
    pub(crate) fn note_closed(&self, facts: Facts, reason: &'static str, words: &str, at: Now) {
        let Some(mut journal) = self.of(facts.peer) else { return };
        if journal.closed.len() == CLOSED_MAX {
            journal.closed.pop_front();
        }
        journal.closed.push_back(ClosedConnection {
            facts,
            at,
            reason,
            words: cut(words, REASON_BOUND, "").into_owned(),
        });
    }

    /// Notes that a connection is closed for a fault of its client.
    pub(crate) fn note_refused(&self, kind: &'static str, peer: Peer, words: &str, bytes: Option<&[u8]>, at: WallTime) {
        let Some(mut journal) = self.of(peer) else { return };
        let count = journal.refused.get(kind).map_or(0, |last| last.count) + 1;
        let bytes = bytes.map(<[u8]>::to_vec);
        journal
            .refused
            .insert(kind, Refused { peer, at, words: cut(words, REASON_BOUND, "").into_owned(), bytes, count });
    }

    /// Notes topics that a client asked for in vain.
    pub(crate) fn note_misses(&self, missed: &MissedTopics, peer: Peer, at: WallTime) {
        if let Some(mut journal) = self.of(peer) {
            missed.iter().for_each(|topic| journal.misses.note(topic, peer.address, at));
        }
    }

    /// Notes that a connection was refused.
    pub(crate) fn note_refused_connection(&self, peer: Peer) {
        if let Some(mut journal) = self.of(peer) {
            journal.refused_connections.note(RefusedHost { peer: peer.address, count: 1 });
        }
    }

    /// Returns the connections that were refused since the last call.
    pub(crate) fn take_refused_connections(&self) -> RefusedConnections {
        let mut all = RefusedConnections::default();
        self.all().for_each(|mut journal| all.add(std::mem::take(&mut journal.refused_connections)));
        all
    }

    /// Returns the last closed connections, newest first.
    pub(crate) fn closed(&self) -> Vec<ClosedConnection> {
        let mut closed: Vec<_> = self.all().flat_map(|journal| journal.closed.clone()).collect();
        closed.sort_by_key(|connection| std::cmp::Reverse(connection.at.monotonic));
        closed.truncate(CLOSED_MAX);
        closed
    }

    /// Returns the last fault of each kind, with their number.
    pub(crate) fn refused(&self) -> BTreeMap<&'static str, Refused> {
        let mut all: BTreeMap<&'static str, Refused> = BTreeMap::new();
        for (kind, refused) in self.all().flat_map(|journal| journal.refused.clone()) {
            let known = all.get(kind).map(|known| (known.at, known.count));
            let (at, count) = known.unwrap_or((WallTime::from_millis(0), 0));
            let sum = count + refused.count;
            if known.is_none() || refused.at >= at {
                all.insert(kind, refused);
            }
            if let Some(last) = all.get_mut(kind) {
                last.count = sum;
            }
        }
        all
    }

    /// Returns the number of faults of each kind.
    pub(crate) fn refused_counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for journal in self.all() {
            for (kind, refused) in &journal.refused {
                *counts.entry(*kind).or_default() += refused.count;
            }
        }
        counts
    }

    /// Returns the topics that clients asked for in vain, the most frequent first.
    pub(crate) fn misses(&self) -> Vec<Miss> {
        Misses::most(self.all().flat_map(|journal| journal.misses.clone().into_list()))
    }

    fn of(&self, peer: Peer) -> Option<MutexGuard<'_, Journal>> {
        self.0.get(peer.conn.io_thread()).map(lock)
    }

    fn all(&self) -> impl Iterator<Item = MutexGuard<'_, Journal>> {
        self.0.iter().map(lock)
    }
}

/// The names of all faults of frames.
pub(crate) const FRAME_FAULTS: [&str; 9] = [
    "frame_too_long",
    "foreign_protocol",
    "frame_too_short",
    "header_past_frame",
    "header_too_long",
    "unknown_serialization",
    "json_header",
    "binary_header",
    "too_many_fields",
];

/// Returns the stable name of a fault.
pub(crate) const fn kind_of(error: &FrameError) -> &'static str {
    match error {
        FrameError::TooLong { .. } => "frame_too_long",
        FrameError::Foreign(_) => "foreign_protocol",
        FrameError::TooShort(_) => "frame_too_short",
        FrameError::HeaderPastFrame { .. } => "header_past_frame",
        FrameError::HeaderTooLong { .. } => "header_too_long",
        FrameError::UnknownSerialization(_) => "unknown_serialization",
        FrameError::JsonHeader(_) => "json_header",
        FrameError::BinaryHeader(_) => "binary_header",
        FrameError::TooManyFields { .. } => "too_many_fields",
    }
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::ConnId;

    fn peer(io_thread: u16, serial: u64) -> Peer {
        Peer { conn: ConnId::new(io_thread, serial), address: ([10, 0, 0, 1], 4000).into() }
    }

    fn facts(peer: Peer) -> Facts {
        let (opened, heard) = (Instant::START, Instant::START);
        let (sender, user) = (None, None);
        Facts { peer, sender, user, opened, heard, requests: 0, received_bytes: 0, sent_bytes: 0, unread_bytes: 0 }
    }

    fn at(millis: u64) -> Now {
        Now { monotonic: Instant::from_millis(millis), wall: WallTime::from_millis(millis) }
    }

    #[test]
    fn the_last_thousand_of_all_threads_are_remembered() {
        let journals = Journals::new(2);
        for number in 0..3000 {
            journals.note_closed(facts(peer((number % 2) as u16, number)), "idle", &"é".repeat(999), at(number));
        }
        journals.note_closed(facts(peer(9, 1)), "idle", "there is no such thread", at(9999));
        let closed = journals.closed();
        assert_eq!((closed.len(), closed[0].facts.peer.conn.serial()), (CLOSED_MAX, 2999));
        assert_eq!((closed[999].facts.peer.conn.serial(), closed[0].words.chars().count()), (2000, 256));
    }

    #[test]
    fn the_last_fault_of_each_kind_is_remembered_and_all_are_counted() {
        let journals = Journals::new(2);
        journals.note_refused("json_header", peer(0, 1), "late", Some(b"late"), WallTime::from_millis(9));
        journals.note_refused("json_header", peer(1, 1), "early", Some(b"early"), WallTime::from_millis(5));
        journals.note_refused("handshake", peer(1, 2), "no certificate", None, WallTime::from_millis(7));
        let refused = journals.refused();
        let json = &refused["json_header"];
        assert_eq!((json.count, &*json.words, json.bytes.as_deref()), (2, "late", Some(&b"late"[..])));
        assert_eq!((refused["handshake"].count, refused.len()), (1, 2));
        assert_eq!(journals.refused_counts(), [("handshake", 1), ("json_header", 2)].into());
    }
}
