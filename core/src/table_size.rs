//! Estimates of how many bytes the tables take. They err on the high side: the limit is there so that no peer can take
//! all memory.

use crate::route::Mapping;

/// A group without names, members and topics.
const GROUP: usize = 4096;
/// A member without names.
const MEMBER: usize = 1024;
/// How many copies of the name of a group or a member are in indexes, views and encoded answers.
const NAME_COPIES: usize = 24;
/// The entry of a group in a topic, without the name of the topic. The name counts twice although groups share it.
const ENTRY: usize = 192;
/// Distinct queue values without their JSON.
const QUEUE_VALUES: usize = 96;
/// A mapping without its JSON.
const MAPPING: usize = 256;
/// One queue in the JSON of a mapping.
const MAPPED_QUEUE: usize = 32;

/// Distinct queue values with the longest JSON that there is.
pub(crate) const QUEUE_VALUES_MAX: usize = QUEUE_VALUES + 104;

/// Bytes of a group whose names have `names` bytes in all.
pub(crate) const fn of_group(names: usize) -> usize {
    GROUP + NAME_COPIES * names
}

/// Bytes of a member whose names have `names` bytes, and its filter servers `filter_servers` bytes of JSON.
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
