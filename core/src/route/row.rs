//! All broker groups written one behind the other, so that neighbours are one copy.

use super::BrokerGroup;
use super::topic::QueueRef;
use crate::wire::json::Dialect;
use alloc::vec;
use alloc::vec::Vec;

/// Groups as routes show them, in the order of their names, with commas between them.
///
/// The brokers of a cluster are mostly neighbours, and most topics are on all of them.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// By dialect.
    written: [Vec<u8>; 2],
    /// By slot.
    places: Vec<Place>,
}

/// Where a group stands.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    position: usize,
    /// By dialect.
    starts: [usize; 2],
    ends: [usize; 2],
}

impl Row {
    /// Writes groups, which come in the order of their names with their slots.
    pub(crate) fn new<'a>(slots: usize, groups: impl Iterator<Item = (usize, &'a BrokerGroup)>) -> Self {
        let mut row = Self { written: [Vec::new(), Vec::new()], places: vec![Place::default(); slots] };
        for (position, (slot, group)) in groups.enumerate() {
            let Some(place) = row.places.get_mut(slot) else { continue };
            place.position = position;
            for dialect in Dialect::ALL {
                let (index, written) = (dialect.index(), &mut row.written[dialect.index()]);
                if position > 0 {
                    written.push(b',');
                }
                place.starts[index] = written.len();
                written.extend_from_slice(group.written(dialect, false));
                place.ends[index] = written.len();
            }
        }
        row
    }

    /// The groups of a topic's entries, which come in the order of the groups' names; absent when others stand between them.
    #[inline]
    pub(crate) fn neighbours(&self, entries: &[QueueRef], dialect: Dialect) -> Option<&[u8]> {
        let place = |entry: &QueueRef| self.places.get(entry.group.0 as usize);
        let (first, last) = (place(entries.first()?)?, place(entries.last()?)?);
        let index = dialect.index();
        if last.position.checked_sub(first.position)? + 1 != entries.len() {
            return None;
        }
        self.written[index].get(first.starts[index]..last.ends[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{BrokerData, GroupId};

    fn group(name: &str) -> BrokerGroup {
        BrokerGroup::new(BrokerData {
            name: name.into(),
            cluster: "c".into(),
            zone: None,
            enable_acting_master: false,
            addresses: vec![(0, name.into())],
            clusters: vec!["c".into()],
            queues: Vec::new(),
            filter_servers: Vec::new(),
        })
    }

    fn entries(slots: &[u32]) -> Vec<QueueRef> {
        slots.iter().map(|slot| QueueRef { group: GroupId(*slot), queue: 0 }).collect()
    }

    #[test]
    fn only_neighbours_are_one_copy() {
        let (a, b, c) = (group("a"), group("b"), group("c"));
        // Slots are given out in the order of registration.
        let row = Row::new(4, [(2, &a), (0, &b), (3, &c)].into_iter());
        for dialect in Dialect::ALL {
            let written = |groups: &[&BrokerGroup]| {
                groups.iter().map(|group| group.written(dialect, false)).collect::<Vec<_>>().join(&b',')
            };
            let neighbours = |slots: &[u32]| row.neighbours(&entries(slots), dialect).map(<[u8]>::to_vec);
            assert_eq!(neighbours(&[2]), Some(written(&[&a])));
            assert_eq!(neighbours(&[2, 0]), Some(written(&[&a, &b])));
            assert_eq!(neighbours(&[0, 3]), Some(written(&[&b, &c])));
            assert_eq!(neighbours(&[2, 0, 3]), Some(written(&[&a, &b, &c])));
            assert_eq!(neighbours(&[2, 3]), None, "b is between them");
            assert_eq!(neighbours(&[]), None);
        }
    }
}
