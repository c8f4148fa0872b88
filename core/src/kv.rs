//! The KV table and its file (Java: `KVConfigManager`, `KVConfigSerializeWrapper`).

use crate::wire::json;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The namespace whose keys are topics and whose values say how many queues of which broker are in order.
pub const ORDER_TOPIC_CONFIG: &str = "ORDER_TOPIC_CONFIG";

/// The keys of one namespace. A key without a value is not shown and not saved; it only makes its namespace known.
pub type Namespace = BTreeMap<String, Option<String>>;

/// Namespace to key to value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvTable {
    namespaces: BTreeMap<String, Namespace>,
}

/// A KV file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct KvFileError {
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: String,
}

impl KvTable {
    /// Reads the contents of a KV file in Java's format. No bytes at all or `null` is an empty table. Values that are not
    /// strings become their JSON text; null values and null namespaces are absent.
    ///
    /// # Errors
    /// Anything that is not such a file: starting with an empty table would lose it at the next write.
    pub fn decode(contents: &[u8]) -> Result<Self, KvFileError> {
        if contents.is_empty() {
            return Ok(Self::default());
        }
        let file: Option<File> = serde_json::from_slice(contents).map_err(|error| KvFileError {
            line: error.line().max(1),
            column: error.column().max(1),
            reason: error.to_string(),
        })?;
        let Some(file) = file else { return Ok(Self::default()) };
        let Some(Table(namespaces)) = file.config_table else {
            return Err(KvFileError { line: 1, column: 1, reason: "no object `configTable`".to_owned() });
        };
        Ok(Self { namespaces })
    }

    /// The contents of the KV file in Java's format: one line, entries without a value left out, sorted by name.
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

    /// The value of a key.
    #[must_use]
    pub fn value(&self, namespace: &str, key: &str) -> Option<&str> {
        self.namespaces.get(namespace)?.get(key)?.as_deref()
    }

    /// The keys of a namespace; absent when it is unknown, empty when all its keys were deleted.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name)
    }

    /// Sets a key and returns whether that changed anything.
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

    /// Deletes a key and returns whether it was there. Its namespace stays known.
    pub fn delete(&mut self, namespace: &str, key: &str) -> bool {
        self.namespaces.get_mut(namespace).is_some_and(|keys| keys.remove(key).is_some())
    }

    /// Bytes of all names, keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.namespaces.iter().map(|(name, keys)| name.len() + bytes_of(keys)).sum()
    }

    /// Bytes of the keys and values of one namespace.
    pub(crate) fn namespace_bytes(&self, name: &str) -> usize {
        self.namespace(name).map_or(0, bytes_of)
    }
}

fn bytes_of(keys: &Namespace) -> usize {
    keys.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, String::len)).sum()
}

/// Writes the object of one namespace, as the file and the body of GET_KVLIST_BY_NAMESPACE have it.
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

struct File {
    config_table: Option<Table>,
}

struct Table(BTreeMap<String, Namespace>);

struct Value(Option<String>);

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FileVisitor;
        impl<'de> Visitor<'de> for FileVisitor {
            type Value = File;
            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an object with a member `configTable`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File, A::Error> {
                let mut file = File { config_table: None };
                while let Some(name) = map.next_key::<String>()? {
                    if name == "configTable" {
                        file.config_table = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(file)
            }
        }
        deserializer.deserialize_map(FileVisitor)
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let namespaces = BTreeMap::<String, Option<BTreeMap<String, Value>>>::deserialize(deserializer)?;
        let present = |keys: BTreeMap<String, Value>| -> Namespace {
            keys.into_iter().filter_map(|(key, Value(value))| Some((key, Some(value?)))).collect()
        };
        Ok(Self(namespaces.into_iter().filter_map(|(name, keys)| Some((name, present(keys?)))).collect()))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw == "null" {
            return Ok(Self(None));
        }
        if raw.starts_with('"') {
            return serde_json::from_str(raw).map(|text| Self(Some(text))).map_err(serde::de::Error::custom);
        }
        Ok(Self(Some(raw.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_files_are_read_and_written_back() {
        let text = br#"{"configTable":{"A":{"k":"v\n"},"ORDER_TOPIC_CONFIG":{"T":"broker-a:8;b:4"}}}"#;
        let table = KvTable::decode(text).unwrap();
        assert_eq!(table.value("A", "k"), Some("v\n"));
        assert_eq!(table.encode(), text);
    }

    #[test]
    fn lenient_values_become_text_and_nulls_vanish() {
        let table =
            KvTable::decode(br#"{"x":1,"configTable":{"n":{"a":5,"b":true,"c":{"d":1},"e":null},"gone":null}}"#)
                .unwrap();
        assert_eq!(table.value("n", "a"), Some("5"));
        assert_eq!(table.value("n", "b"), Some("true"));
        assert_eq!(table.value("n", "c"), Some(r#"{"d":1}"#));
        assert_eq!(table.value("n", "e"), None);
        assert!(table.namespace("gone").is_none());
    }

    #[test]
    fn empty_and_null_files_are_empty_tables() {
        assert_eq!(KvTable::decode(b""), Ok(KvTable::default()));
        assert_eq!(KvTable::decode(b"null"), Ok(KvTable::default()));
    }

    #[test]
    fn broken_files_name_the_position() {
        for text in
            ["{", "[]", "{}", r#"{"configTable":null}"#, r#"{"configTable":{}}x"#, r#"{configTable:{}}"#, "\n{\"a\" 1}"]
        {
            let error = KvTable::decode(text.as_bytes()).unwrap_err();
            assert!(error.line >= 1 && error.column >= 1, "{text}: {error}");
        }
        assert_eq!(KvTable::decode(b"{\n \"configTable\": {\"a\" 1}}").unwrap_err().line, 2);
    }

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
