//! The KV table and its file (Java: `KVConfigManager`, `KVConfigSerializeWrapper`).

mod fault;
mod file;
mod lenient;
mod order;

pub use fault::KvFileFault;
pub use file::{KvFile, KvFileError};
pub use order::{OrderConfig, OrderDoubt, OrderFault};

use crate::wire::json;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The namespace whose keys are topics and whose values say which brokers have how many queues in order.
pub const ORDER_TOPIC_CONFIG: &str = "ORDER_TOPIC_CONFIG";

/// The keys of one namespace. A key without a value is neither shown nor saved; it only keeps its namespace known.
pub type Namespace = BTreeMap<String, Option<String>>;

/// Maps each namespace to its keys, and each key to its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvTable {
    namespaces: BTreeMap<String, Namespace>,
}

impl KvTable {
    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.namespaces.values().map(BTreeMap::len).sum()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the contents of the KV file in Java's format: one line, sorted by name, without keys that have no value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut output = Vec::new();
        output.extend_from_slice(br#"{"configTable":{"#);
        json::separated(&mut output, &self.namespaces, |output, (name, namespace)| {
            json::string(output, name);
            output.push(b':');
            write_namespace(output, namespace);
        });
        output.extend_from_slice(b"}}");
        output
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn value(&self, namespace: &str, key: &str) -> Option<&str> {
        self.namespaces.get(namespace)?.get(key)?.as_deref()
    }

    /// Returns the keys of a namespace: `None` if the namespace is unknown, empty if all its keys were deleted.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name)
    }

    /// Sets a key. Returns whether that changed anything.
    pub fn put(&mut self, namespace: &str, key: &str, value: Option<&str>) -> bool {
        let known = self.namespaces.contains_key(namespace);
        let keys = self.namespaces.entry(namespace.to_owned()).or_default();
        match keys.get(key) {
            Some(old) if old.as_deref() == value => !known,
            Some(_) | None => {
                keys.insert(key.to_owned(), value.map(str::to_owned));
                true
            }
        }
    }

    /// Deletes a key. Returns whether it existed. Its namespace stays known.
    pub fn delete(&mut self, namespace: &str, key: &str) -> bool {
        self.namespaces.get_mut(namespace).is_some_and(|keys| keys.remove(key).is_some())
    }

    /// Returns the bytes of all names, keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.namespaces.iter().map(|(name, keys)| name.len() + bytes_of(keys)).sum()
    }

    /// Returns the bytes of the keys and values of one namespace.
    pub(crate) fn namespace_bytes(&self, name: &str) -> usize {
        self.namespace(name).map_or(0, bytes_of)
    }
}

fn bytes_of(keys: &Namespace) -> usize {
    keys.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, String::len)).sum()
}

/// Writes the object of one namespace as in the file and in the body of GET_KVLIST_BY_NAMESPACE.
pub fn write_namespace(output: &mut Vec<u8>, namespace: &Namespace) {
    output.push(b'{');
    let present = namespace.iter().filter_map(|(key, value)| Some((key, value.as_deref()?)));
    json::separated(output, present, |output, (key, value)| {
        json::string(output, key);
        output.push(b':');
        json::string(output, value);
    });
    output.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_a_value_makes_its_namespace_known_and_is_not_saved() {
        let mut table = KvTable::default();
        assert!(table.put("n", "k", None));
        assert!(table.namespace("n").is_some());
        assert_eq!(table.value("n", "k"), None);
        assert_eq!(table.encode(), br#"{"configTable":{"n":{}}}"#);
        assert!(!table.put("n", "k", None));
        assert!(table.delete("n", "k"));
        assert!(!table.delete("n", "k"));
        assert!(table.namespace("n").is_some());
    }
}
