//! The topics that clients most often ask for in vain, in bounded memory (the algorithm "space saving" of Metwally,
//! Agrawal and El Abbadi). A new name takes the place and the count of the rarest one, so a frequent name is never
//! missing, and its count is never too small.

use namesrv_core::ClientAddress;
use namesrv_core::time::WallTime;
use std::cmp::Reverse;
use std::collections::HashMap;

/// How many names each I/O thread counts.
const NAMES_MAX: usize = 256;
/// How many names are shown.
pub(crate) const SHOWN_MAX: usize = 100;

/// The counts of one I/O thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Misses(HashMap<Box<[u8]>, Count>);

#[derive(Clone, Copy, Debug)]
struct Count {
    count: u64,
    /// How much too large the count may be.
    surplus: u64,
    last_peer: ClientAddress,
    last_at: WallTime,
}

/// A topic that clients asked for in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    pub(crate) topic: String,
    pub(crate) count: u64,
    /// How much too large the count may be.
    pub(crate) surplus: u64,
    pub(crate) last_peer: ClientAddress,
    pub(crate) last_at: WallTime,
}

impl Misses {
    /// Counts one more query for a topic.
    pub(super) fn note(&mut self, topic: &[u8], peer: ClientAddress, at: WallTime) {
        if let Some(count) = self.0.get_mut(topic) {
            *count = Count { count: count.count + 1, last_peer: peer, last_at: at, ..*count };
            return;
        }
        let surplus = if self.0.len() < NAMES_MAX { 0 } else { self.give_up_rarest() };
        self.0.insert(topic.into(), Count { count: surplus + 1, surplus, last_peer: peer, last_at: at });
    }

    /// Forgets the name with the lowest count, and returns that count.
    fn give_up_rarest(&mut self) -> u64 {
        let rarest = self.0.iter().min_by_key(|(_, count)| count.count);
        let Some((topic, count)) = rarest.map(|(topic, count)| (topic.clone(), count.count)) else { return 0 };
        self.0.remove(&topic);
        count
    }

    pub(super) fn into_list(self) -> impl Iterator<Item = Miss> {
        self.0.into_iter().map(|(topic, Count { count, surplus, last_peer, last_at })| {
            let topic = String::from_utf8_lossy(&topic).into_owned();
            Miss { topic, count, surplus, last_peer, last_at }
        })
    }

    /// Returns the most frequent names, with the counts of all threads added up.
    pub(super) fn most(misses: impl Iterator<Item = Miss>) -> Vec<Miss> {
        let mut by_topic: HashMap<String, Miss> = HashMap::new();
        for miss in misses {
            match by_topic.get_mut(&miss.topic) {
                Some(known) => {
                    known.count += miss.count;
                    known.surplus += miss.surplus;
                    if miss.last_at > known.last_at {
                        (known.last_at, known.last_peer) = (miss.last_at, miss.last_peer);
                    }
                }
                None => _ = by_topic.insert(miss.topic.clone(), miss),
            }
        }
        let mut most: Vec<_> = by_topic.into_values().collect();
        most.sort_by(|one, other| (Reverse(one.count), &one.topic).cmp(&(Reverse(other.count), &other.topic)));
        most.truncate(SHOWN_MAX);
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(misses: &mut Misses, topic: &str, at: u64) {
        misses.note(topic.as_bytes(), ([10, 0, 0, 1], 1).into(), WallTime::from_millis(at));
    }

    #[test]
    fn frequent_names_stay_however_many_others_there_are() {
        let mut misses = Misses::default();
        for number in 0..20_000 {
            note(&mut misses, &format!("random-{number}"), number);
            if number % 20 == 0 {
                note(&mut misses, "OldTopic", number);
            }
        }
        assert_eq!(misses.0.len(), NAMES_MAX);
        let most = Misses::most(misses.into_list());
        assert_eq!((most.len(), &*most[0].topic), (SHOWN_MAX, "OldTopic"));
        assert!(most[0].count >= 1000 && most[0].count - most[0].surplus <= 1000, "{:?}", most[0]);
    }

    #[test]
    fn threads_are_added_up() {
        let (mut one, mut other) = (Misses::default(), Misses::default());
        (0..3).for_each(|at| note(&mut one, "T", at));
        (0..4).for_each(|at| note(&mut other, "T", 10 + at));
        note(&mut other, "U", 5);
        one.note(b"\xff", ([10, 0, 0, 2], 1).into(), WallTime::from_millis(1));
        let most = Misses::most(one.into_list().chain(other.into_list()));
        let seen: Vec<_> = most.iter().map(|miss| (&*miss.topic, miss.count, miss.last_at.as_millis())).collect();
        assert_eq!(seen, [("T", 7, 13), ("U", 1, 5), ("\u{fffd}", 1, 1)]);
    }
}
