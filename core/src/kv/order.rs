//! The order configuration of a topic: which brokers keep its messages in order, and with how many queues each.
//!
//! Each client reads it in its own way (`tests/field/order-values.tsv` lists them), so a route carries only the form
//! that all of them read alike: `broker:queues` joined by `;`, without blanks, each broker once.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The most queues that one order configuration may name. Clients create an object for each.
const QUEUES_MAX: u32 = 100_000;
/// The most characters of a value that a fault quotes.
const QUOTED_CHARACTERS_MAX: usize = 40;

/// An order configuration that all clients read alike (Java: `MQClientInstance.topicRouteData2TopicPublishInfo`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderConfig {
    /// The brokers and their numbers of queues, in the order of the value.
    brokers: Vec<(String, u32)>,
}

/// Why clients would read an order configuration in different ways.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    /// The value has only separators. Clients would find no queue to send to.
    #[error("it names no broker")]
    NoBroker,
    /// A part is not `broker:queues`.
    #[error("{0:?} is not broker:queues")]
    NotBrokerAndQueues(String),
    /// The part after the colon is not a number from 0 up. Some clients stop at it, others read it as 0.
    #[error("{0:?} does not end with a number of queues")]
    NotANumber(String),
    /// One broker has two numbers of queues.
    #[error("it names {0:?} twice, with different numbers of queues")]
    Contradiction(String),
    /// The number of queues is so high that clients would run out of memory.
    #[error("it names more than {QUEUES_MAX} queues")]
    TooManyQueues,
}

/// How an order configuration differs from its topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderDoubt {
    /// Messages for its queues cannot be sent.
    #[error("no broker of the topic is named {0:?}")]
    NoSuchBroker(String),
    /// The broker refuses messages for the queues that it does not have.
    #[error("{broker:?} needs {named} queues and has {actual}")]
    MoreQueuesThanThereAre {
        /// The broker.
        broker: String,
        /// Queues in the order configuration.
        named: u32,
        /// Queues that the broker registered for writing.
        actual: i32,
    },
    /// Producers find no queue to send to.
    #[error("it gives every broker 0 queues")]
    NoQueues,
}

impl OrderConfig {
    /// Reads a value as a person means it: ignores blanks, empty parts, a sign and leading zeros, and accepts repeated
    /// brokers. Returns `None` for a blank value.
    ///
    /// # Errors
    /// A value that clients read in different ways, or that means nothing.
    pub fn read(value: &str) -> Result<Option<Self>, OrderFault> {
        if value.trim().is_empty() {
            return Ok(None);
        }
        let mut brokers: Vec<(String, u32)> = Vec::new();
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        let mut queues_left = QUEUES_MAX;
        for part in value.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, queues) = read_part(part)?;
            match seen.insert(name, queues) {
                Some(known) if known == queues => continue,
                Some(_) => return Err(OrderFault::Contradiction(quoted(name))),
                None => brokers.push((name.to_owned(), queues)),
            }
            queues_left = queues_left.checked_sub(queues).ok_or(OrderFault::TooManyQueues)?;
        }
        if brokers.is_empty() { Err(OrderFault::NoBroker) } else { Ok(Some(Self { brokers })) }
    }

    /// Returns the value in the form that all clients read alike.
    #[must_use]
    pub fn write(&self) -> String {
        let parts: Vec<_> = self.brokers.iter().map(|(name, queues)| format!("{name}:{queues}")).collect();
        parts.join(";")
    }

    /// Compares this with the number of write queues that a topic has on a broker, which `queues_on` returns. It
    /// returns `None` for a broker without the topic.
    pub(crate) fn doubts(&self, queues_on: impl Fn(&str) -> Option<i32>) -> Vec<OrderDoubt> {
        let of_broker = |(name, named): &(String, u32)| match queues_on(name) {
            None => Some(OrderDoubt::NoSuchBroker(quoted(name))),
            Some(actual) if i64::from(*named) > i64::from(actual) => {
                Some(OrderDoubt::MoreQueuesThanThereAre { broker: quoted(name), named: *named, actual })
            }
            Some(_) => None,
        };
        let none = self.brokers.iter().all(|(_, queues)| *queues == 0).then_some(OrderDoubt::NoQueues);
        self.brokers.iter().filter_map(of_broker).chain(none).collect()
    }
}

fn read_part(part: &str) -> Result<(&str, u32), OrderFault> {
    let not_a_pair = || OrderFault::NotBrokerAndQueues(quoted(part));
    let (name, queues) = part.split_once(':').ok_or_else(not_a_pair)?;
    let (name, queues) = (name.trim_end(), queues.trim_start());
    if name.is_empty() || queues.is_empty() || queues.contains(':') {
        return Err(not_a_pair());
    }
    let digits = queues.strip_prefix('+').unwrap_or(queues);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.is_empty() {
        return Err(OrderFault::NotANumber(quoted(part)));
    }
    // Digits that overflow a u32 are too many.
    digits.parse().map(|queues| (name, queues)).map_err(|_| OrderFault::TooManyQueues)
}

/// Returns the front of a text that an operator or a peer chose.
fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_unchanged() {
        for value in ["a:8", "a:8;b:0", "a b:8;\u{e9}:4", "a:0"] {
            let read = OrderConfig::read(value).unwrap().unwrap();
            assert_eq!(read.write(), value);
            assert_eq!(OrderConfig::read(&read.write()), Ok(Some(read)));
        }
    }

    #[test]
    fn queues_have_a_limit_in_sum() {
        assert!(OrderConfig::read("a:50000;b:50000").is_ok());
        for value in ["a:50000;b:50001", "a:2147483647", "a:99999999999999999999"] {
            assert_eq!(OrderConfig::read(value), Err(OrderFault::TooManyQueues), "{value}");
        }
    }

    #[test]
    fn doubts_are_brokers_and_queues_that_the_topic_does_not_have() {
        let actual = |broker: &str| [("a", 8), ("b", 4)].into_iter().find(|(name, _)| *name == broker).map(|(_, n)| n);
        let doubts = |value: &str| -> Vec<_> {
            let read = OrderConfig::read(value).unwrap().unwrap();
            read.doubts(actual).iter().map(|doubt| format!("{doubt}")).collect()
        };
        assert_eq!(doubts("a:8;b:3"), [""; 0]);
        assert_eq!(doubts("a:9;x:1"), ["\"a\" needs 9 queues and has 8", "no broker of the topic is named \"x\""]);
        assert_eq!(doubts("a:0"), ["it gives every broker 0 queues"]);
    }
}
