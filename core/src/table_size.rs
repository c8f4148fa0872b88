//! Estimates how many bytes the tables take. The estimates are high rather than low, because the limit must keep peers
//! from taking all memory.

use crate::route::Mapping;

/// A group, without its names, members and topics.
const GROUP: usize = 4096;
/// A member, without its names.
const MEMBER: usize = 1024;
/// Copies of a group's or member's name in indexes, views and encoded answers.
const NAME_COPIES: usize = 24;
/// The entry of a group in a topic, without the topic's name. The name counts twice although groups share it.
const ENTRY: usize = 192;
/// One set of queue values, without its JSON.
const QUEUE_VALUES: usize = 96;
/// A mapping, without its JSON.
const MAPPING: usize = 256;
/// One queue in the JSON of a mapping.
const MAPPED_QUEUE: usize = 32;

/// One set of queue values with the longest possible JSON.
pub(crate) const QUEUE_VALUES_MAX: usize = QUEUE_VALUES + 104;

/// Bytes of a group whose names have `names` bytes in total.
pub(crate) const fn of_group(names: usize) -> usize {
    GROUP + NAME_COPIES * names
}

/// Bytes of a member whose names have `names` bytes, and whose filter servers have `filter_servers` bytes of JSON.
pub(crate) const fn of_member(names: usize, filter_servers: usize) -> usize {
    MEMBER + NAME_COPIES * names + 2 * filter_servers
}

/// Bytes of the entry of a group in a topic of this name.
pub(crate) const fn of_entry(topic: &str) -> usize {
    ENTRY + 2 * topic.len()
}

/// Bytes of queue values with `json` bytes of JSON.
pub(crate) const fn of_queue_values(json: usize) -> usize {
    QUEUE_VALUES + json
}

/// Bytes of a mapping.
pub(crate) fn of_mapping(mapping: &Mapping) -> usize {
    of_mapping_text(mapping.broker_name.len() + mapping.json.iter().map(|json| json.len()).sum::<usize>())
}

/// Bytes of a mapping with `text` bytes of names and JSON.
pub(crate) const fn of_mapping_text(text: usize) -> usize {
    MAPPING + text
}

/// Bytes of JSON for this many queues of a mapping.
pub(crate) const fn of_mapped_queues(queues: usize) -> usize {
    MAPPED_QUEUE * queues
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::QueueFragment;
    use crate::wire::QueueValues;

    #[test]
    fn no_queue_values_take_more_than_the_maximum() {
        let min = i32::MIN;
        let longest = QueueValues { read_queue_nums: min, write_queue_nums: min, perm: min, topic_sys_flag: min };
        assert_eq!(of_queue_values(QueueFragment::new(longest).json.len()), QUEUE_VALUES_MAX);
    }
}
