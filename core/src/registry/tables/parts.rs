//! Topic tables in several registrations: brokers with `enableSplitRegistration` send their table in parts, from 5.3.4
//! to 5.5.0 all with one data version (Java: `BrokerController.registerBrokerAll`).
//!
//! Nothing in a registration says that it is a part. It counts as one if it has the data version of the registrations
//! before it and none of their topics. The table is whole when its first part is registered again. A registration of a
//! single topic is an update or a last part, because no table begins with one. A last part may be empty, and it may be
//! all that arrives with a new data version.

use alloc::vec::Vec;

/// The topics that a member registered with its current data version.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Hashes of the topics' keys. Sorted only when they are compared, which is rare.
    topics: Vec<u64>,
    /// The first topic of its first registration of several topics.
    first: Option<u64>,
    /// Whether its first registration with this data version had no topics.
    began_empty: bool,
    /// Whether the member sends its table in parts.
    is_split: bool,
    /// Whether its last registration had only some of the topics.
    is_partial: bool,
    /// Whether an operator decided about its entries, which later parts do not undo.
    is_overruled: bool,
}

/// How a registration relates to the topic table of its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Part {
    /// The table or a part of it, with a new data version.
    First {
        /// Whether it is the whole table, as far as the server knows.
        is_whole: bool,
    },
    /// A part that is new for this data version.
    Further {
        /// Whether no operator has decided otherwise since the first part.
        counts: bool,
    },
    /// Topics that were already registered with this data version, or some of them.
    Repeated {
        /// Whether everything registered with this data version is the whole table.
        is_whole: bool,
    },
}

impl Part {
    /// Whether the broker no longer has topics that it did not register with this data version.
    pub(in crate::registry) const fn is_whole(self) -> bool {
        match self {
            Self::First { is_whole } | Self::Repeated { is_whole } => is_whole,
            Self::Further { .. } => false,
        }
    }

    /// Whether the registration replaces entries although its data version is known.
    pub(in crate::registry) const fn counts(self) -> bool {
        match self {
            Self::Further { counts } => counts,
            Self::First { .. } | Self::Repeated { .. } => false,
        }
    }
}

impl Parts {
    /// Whether a repetition of the last registration would say nothing new.
    pub(super) const fn is_settled(&self) -> bool {
        !self.is_split && !self.is_partial
    }

    /// Notes that an operator decided about the member's entries.
    pub(super) const fn overrule(&mut self) {
        self.is_overruled = true;
    }

    /// Returns those of `topics` that the member did not register with its current data version.
    pub(super) fn unlisted<T>(&mut self, mut topics: Vec<T>, hash: impl Fn(&T) -> u64) -> Vec<T> {
        self.topics.sort_unstable();
        topics.retain(|topic| self.topics.binary_search(&hash(topic)).is_err());
        topics
    }

    /// Forgets the topics if there are more than `entries`, which happens if topics are deleted again and again.
    pub(super) fn bound(&mut self, entries: usize) -> &mut Self {
        if self.topics.len() > entries {
            self.topics.clear();
            self.began_empty = false;
        }
        self
    }

    /// Adds the topics of a registration, as hashes of their keys. `is_new` says that its data version is new.
    pub(super) fn take(&mut self, topics: Vec<u64>, is_new: bool) -> Part {
        let count = topics.len();
        let first = topics.first().copied().filter(|_| count > 1);
        if is_new {
            // A single topic is an update, and says nothing about the other topics.
            self.is_overruled &= count == 1;
            self.began_empty = count == 0;
            self.topics = topics;
            self.first = first;
            self.is_partial = false;
            return Part::First { is_whole: !self.is_split };
        }
        let has_first = count > 1 && self.first.is_some_and(|first| topics.contains(&first));
        self.first = self.first.or(first);
        self.topics.sort_unstable();
        let known = topics.iter().filter(|topic| self.topics.binary_search(topic).is_ok()).count();
        let before = self.topics.len();
        if known < count {
            self.topics.extend(topics);
            self.topics.sort_unstable();
            self.topics.dedup();
        }
        self.is_partial = count < self.topics.len();
        let is_further = before > 0 || (self.began_empty && count > 0);
        if is_further && known == 0 {
            // Two single topics are two updates, both with the later version.
            self.is_split |= before.max(count) > 1;
            return Part::Further { counts: !self.is_overruled };
        }
        let begins_anew = has_first && known == count;
        if begins_anew {
            self.is_split = count < before;
        }
        Part::Repeated { is_whole: begins_anew || !self.is_split }
    }
}
