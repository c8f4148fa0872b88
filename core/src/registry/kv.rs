//! The KV table at run time (Java: `KVConfigManager`). Changes are staged, saved, then applied and answered, in the
//! order of their arrival.

use super::answer::{Answer, ReplyTo};
use super::outbox::Outbox;
use super::subject::{Administrator, cut};
use crate::event::{Change, Event, Subject};
use crate::hash::Secret;
use crate::kv::{KvTable, Namespace, ORDER_TOPIC_CONFIG, OrderConfig, write_namespace};
use crate::route::OrderTable;
use crate::save::{SaveError, SaveFile, SaveTicket};
use crate::time::Instant;
use crate::wire::code::{request, response};
use crate::wire::json;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The KV table, and the requests that wait for a save.
#[derive(Debug)]
pub(super) struct KvStore {
    table: KvTable,
    /// The body with the order configuration in answers to registrations.
    order_body: Option<Bytes>,
    saving: Option<Saving>,
    /// Requests that arrived during the save.
    waiting: Vec<KvRequest>,
    /// Bytes of their names, keys and values, and of their answers to come.
    waiting_bytes: usize,
    /// Bytes of the waiting changes.
    waiting_changes_bytes: usize,
    /// The last save failed, so the file may hold refused changes.
    file_is_doubtful: bool,
}

#[derive(Debug)]
struct Saving {
    ticket: SaveTicket,
    requests: Vec<KvRequest>,
    /// Bytes of the changes among the requests being saved.
    changes_bytes: usize,
}

/// A request about the KV table.
#[derive(Debug)]
pub(super) struct KvRequest {
    pub(super) reply_to: ReplyTo,
    /// The administrator who asked for a change.
    pub(super) administrator: Option<Administrator>,
    /// When the request arrived.
    pub(super) at: Instant,
    pub(super) action: Action,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Action {
    Put { namespace: String, key: String, value: Option<String> },
    Delete { namespace: Option<String>, key: Option<String> },
    Read { namespace: Option<String>, key: Option<String> },
    List { namespace: Option<String> },
}

impl KvStore {
    pub(super) fn new(table: KvTable) -> Self {
        let order_body = write_order_body(&table);
        Self {
            table,
            order_body,
            saving: None,
            waiting: Vec::new(),
            waiting_bytes: 0,
            waiting_changes_bytes: 0,
            file_is_doubtful: false,
        }
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether these requests need no save: they change nothing, and the values that they ask to save are saved.
    fn is_unchanged_by(&self, requests: &[KvRequest]) -> bool {
        let needs_save =
            |action: &Action| action.would_change(&self.table) || (self.file_is_doubtful && action.is_change());
        !requests.iter().any(|request| needs_save(&request.action))
    }

    /// The most bytes that the answer to a request can have when its turn comes, before JSON escapes.
    fn answer_bytes(&self, action: &Action) -> usize {
        let before = match action {
            Action::Put { .. } | Action::Delete { .. } => return 0,
            Action::Read { namespace: Some(namespace), key: Some(key) } => {
                self.table.value(namespace, key).map_or(0, str::len)
            }
            Action::List { namespace: Some(namespace) } => self.table.namespace_bytes(namespace),
            Action::Read { .. } | Action::List { .. } => 0,
        };
        before + self.waiting_changes_bytes + self.saving.as_ref().map_or(0, |saving| saving.changes_bytes)
    }

    /// Returns the order configuration as in the answer of GET_KVLIST_BY_NAMESPACE, or `None` if its namespace is
    /// unknown.
    pub(super) fn order_body(&self) -> Option<Bytes> {
        self.order_body.clone()
    }
}

/// Handling.
impl KvStore {
    /// Handles a request. `bytes_max` limits both what waits for a save and the table.
    pub(super) fn handle(&mut self, request: KvRequest, bytes_max: usize, outbox: &mut Outbox) {
        // All waiting requests are answered at once. A request that does not wait may have an answer of any size.
        let answer_bytes = if self.waiting.is_empty() { 0 } else { self.answer_bytes(&request.action) };
        let bytes = request.action.bytes() + answer_bytes;
        if self.waiting_bytes + bytes > bytes_max {
            let answer = Answer::failure(response::SYSTEM_ERROR, "too much waits for the KV file");
            return request.answer(&answer, Change::Nothing, outbox);
        }
        self.waiting_bytes += bytes;
        self.waiting_changes_bytes += request.action.adds_bytes();
        self.waiting.push(request);
        self.save(bytes_max, outbox);
    }

    /// Starts the next save, unless one is running. Answers requests that need no save at once.
    fn save(&mut self, bytes_max: usize, outbox: &mut Outbox) {
        if self.saving.is_some() || self.waiting.is_empty() {
            return;
        }
        let requests = core::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        self.waiting_changes_bytes = 0;
        if self.is_unchanged_by(&requests) {
            return self.answer(&requests, outbox);
        }
        let mut staged = self.table.clone();
        let mut accepted = Vec::with_capacity(requests.len());
        let mut bytes = staged.bytes();
        for request in requests {
            let more = request.action.adds_bytes();
            if more > 0 && bytes + more > bytes_max {
                let answer = Answer::failure(response::SYSTEM_ERROR, "the KV table is full");
                request.answer(&answer, Change::Nothing, outbox);
                continue;
            }
            bytes += more;
            request.action.apply(&mut staged);
            accepted.push(request);
        }
        if self.is_unchanged_by(&accepted) {
            return self.answer(&accepted, outbox);
        }
        let changes_bytes = accepted.iter().map(|request| request.action.adds_bytes()).sum();
        let ticket = outbox.save(SaveFile::KvConfig, staged.encode());
        self.saving = Some(Saving { ticket, requests: accepted, changes_bytes });
    }

    /// Answers requests that change nothing.
    fn answer(&self, requests: &[KvRequest], outbox: &mut Outbox) {
        for request in requests {
            request.answer(&request.action.answer(&self.table), Change::Nothing, outbox);
        }
    }

    /// Handles the end of a save: applies its changes, or refuses them all. Returns the topics whose order
    /// configuration changed, and when each change was requested.
    pub(super) fn handle_saved(
        &mut self,
        ticket: SaveTicket,
        result: Result<(), SaveError>,
        bytes_max: usize,
        outbox: &mut Outbox,
    ) -> Vec<(String, Instant)> {
        let Some(saving) = self.saving.take_if(|saving| saving.ticket == ticket) else {
            debug_assert!(false, "{ticket:?} is not being saved");
            return Vec::new();
        };
        self.file_is_doubtful = result.is_err();
        let ordered = match result {
            Ok(()) => self.apply(&saving.requests, outbox),
            Err(reason) => {
                self.refuse(&saving.requests, reason, outbox);
                Vec::new()
            }
        };
        self.save(bytes_max, outbox);
        ordered
    }

    fn apply(&mut self, requests: &[KvRequest], outbox: &mut Outbox) -> Vec<(String, Instant)> {
        let mut ordered = Vec::new();
        for request in requests {
            let action = &request.action;
            let mut change = Change::Nothing;
            if action.would_change(&self.table) {
                let before = action.value(&self.table);
                action.apply(&mut self.table);
                ordered.extend(action.order_topic().map(|topic| (topic.into(), request.at)));
                action.report_malformed_order(outbox);
                change = Change::Kv { before, after: action.value(&self.table) };
            }
            request.answer(&action.answer(&self.table), change, outbox);
        }
        self.order_body = write_order_body(&self.table);
        ordered
    }

    fn refuse(&self, requests: &[KvRequest], reason: SaveError, outbox: &mut Outbox) {
        let remark = format!("the KV file could not be saved: {reason}");
        outbox.event(Event::SaveFailed { file: SaveFile::KvConfig, reason });
        for request in requests {
            let answer = if request.action.is_change() {
                Answer::failure(response::SYSTEM_ERROR, remark.clone())
            } else {
                request.action.answer(&self.table)
            };
            request.answer(&answer, Change::Nothing, outbox);
        }
    }

    /// Returns the order configurations that all clients read alike, as routes carry them.
    pub(super) fn order_table(&self, secret: Secret) -> OrderTable {
        let mut order = OrderTable::with_hasher(secret);
        for (topic, value) in self.order_values() {
            if let Ok(Some(config)) = OrderConfig::read(value) {
                order.insert(topic.as_bytes().into(), write_order_config(&config).into());
            }
        }
        order
    }

    /// Returns the order configuration of a topic, if all clients read it alike.
    pub(super) fn order_config(&self, topic: &str) -> Option<OrderConfig> {
        OrderConfig::read(self.table.value(ORDER_TOPIC_CONFIG, topic)?).ok().flatten()
    }

    /// Whether any topic may have an order configuration.
    pub(super) fn has_order_values(&self) -> bool {
        self.table.namespace(ORDER_TOPIC_CONFIG).is_some_and(|topics| !topics.is_empty())
    }

    /// Reports which order configurations of the file clients would read in different ways. Later changes are reported
    /// when they arrive.
    pub(super) fn report_malformed_order(&self, outbox: &mut Outbox) {
        for (topic, value) in self.order_values() {
            report_malformed(topic, value, outbox);
        }
    }

    /// Returns topics with the values of their order configuration.
    fn order_values(&self) -> impl Iterator<Item = (&str, &str)> {
        let topics = self.table.namespace(ORDER_TOPIC_CONFIG).into_iter().flatten();
        topics.filter_map(|(topic, value)| Some((topic.as_str(), value.as_deref()?)))
    }
}

fn report_malformed(topic: &str, value: &str, outbox: &mut Outbox) {
    if let Err(fault) = OrderConfig::read(value) {
        outbox.event(Event::MalformedOrderConfig { topic: topic.into(), fault });
    }
}

impl KvRequest {
    /// Answers the request, and reports what an administrator changed.
    fn answer(&self, answer: &Answer, change: Change, outbox: &mut Outbox) {
        if let Some(administrator) = &self.administrator {
            let (code, subject) = self.action.subject();
            administrator.report(code, subject, change, answer.code(), outbox);
        }
        outbox.reply(self.reply_to, answer);
    }
}

impl Action {
    const fn is_change(&self) -> bool {
        match self {
            Self::Put { .. } | Self::Delete { .. } => true,
            Self::Read { .. } | Self::List { .. } => false,
        }
    }

    /// Returns the topic whose order configuration the request changes.
    fn order_topic(&self) -> Option<&str> {
        match self {
            Self::Put { namespace, key, .. } | Self::Delete { namespace: Some(namespace), key: Some(key) } => {
                (namespace == ORDER_TOPIC_CONFIG).then_some(key)
            }
            Self::Delete { .. } | Self::Read { .. } | Self::List { .. } => None,
        }
    }

    /// Returns the request code, and what the request is about.
    fn subject(&self) -> (i32, Subject) {
        let name = |field, name: Option<&String>| name.map(|name| (field, cut(name)));
        let (code, namespace, key) = match self {
            Self::Put { namespace, key, .. } => (request::PUT_KV_CONFIG, Some(namespace), Some(key)),
            Self::Delete { namespace, key } => (request::DELETE_KV_CONFIG, namespace.as_ref(), key.as_ref()),
            Self::Read { namespace, key } => (request::GET_KV_CONFIG, namespace.as_ref(), key.as_ref()),
            Self::List { namespace } => (request::GET_KVLIST_BY_NAMESPACE, namespace.as_ref(), None),
        };
        (code, [name("namespace", namespace), name("key", key)].into_iter().flatten().collect())
    }

    /// Returns the front of the value that the request is about.
    fn value(&self, table: &KvTable) -> Option<String> {
        match self {
            Self::Put { namespace, key, .. } => table.value(namespace, key).map(cut),
            Self::Delete { namespace, key } => table.value(namespace.as_deref()?, key.as_deref()?).map(cut),
            Self::Read { .. } | Self::List { .. } => None,
        }
    }

    /// Reports an order configuration that clients would read in different ways.
    fn report_malformed_order(&self, outbox: &mut Outbox) {
        if let Self::Put { namespace, key, value: Some(value) } = self
            && namespace == ORDER_TOPIC_CONFIG
        {
            report_malformed(key, value, outbox);
        }
    }

    /// Returns the bytes that the request takes while it waits.
    fn bytes(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Put { namespace, key, value } => namespace.len() + key.len() + length(value),
            Self::Delete { namespace, key } | Self::Read { namespace, key } => length(namespace) + length(key),
            Self::List { namespace } => length(namespace),
        }
    }

    /// Returns the most bytes that the request adds to the table.
    fn adds_bytes(&self) -> usize {
        match self {
            Self::Put { .. } => self.bytes(),
            Self::Delete { .. } | Self::Read { .. } | Self::List { .. } => 0,
        }
    }

    fn would_change(&self, table: &KvTable) -> bool {
        match self {
            Self::Put { namespace, key, value } => {
                let known = table.namespace(namespace).and_then(|keys| keys.get(key));
                known.is_none_or(|known| known != value)
            }
            Self::Delete { namespace: Some(namespace), key: Some(key) } => {
                table.namespace(namespace).is_some_and(|keys| keys.contains_key(key))
            }
            Self::Delete { .. } | Self::Read { .. } | Self::List { .. } => false,
        }
    }

    fn apply(&self, table: &mut KvTable) {
        match self {
            Self::Put { namespace, key, value } => {
                table.put(namespace, key, value.as_deref());
            }
            Self::Delete { namespace: Some(namespace), key: Some(key) } => {
                table.delete(namespace, key);
            }
            Self::Delete { .. } | Self::Read { .. } | Self::List { .. } => (),
        }
    }

    fn answer(&self, table: &KvTable) -> Answer {
        let shown = |name: &Option<String>| name.clone().unwrap_or_else(|| "null".into());
        match self {
            Self::Put { .. } | Self::Delete { .. } => Answer::success(),
            Self::Read { namespace, key } => {
                let value =
                    namespace.as_ref().zip(key.as_ref()).and_then(|(namespace, key)| table.value(namespace, key));
                match value {
                    Some(value) => Answer::success().with_field("value", value.into()),
                    None => {
                        let remark = format!("No config item, Namespace: {} Key: {}", shown(namespace), shown(key));
                        Answer::failure(response::QUERY_NOT_FOUND, remark).with_no_fields()
                    }
                }
            }
            Self::List { namespace } => match namespace.as_ref().and_then(|namespace| table.namespace(namespace)) {
                Some(keys) => Answer::success().with_body(write_table(keys).into()),
                None => {
                    let remark = format!("No config item, Namespace: {}", shown(namespace));
                    Answer::failure(response::QUERY_NOT_FOUND, remark)
                }
            },
        }
    }
}

fn write_order_body(table: &KvTable) -> Option<Bytes> {
    Some(write_table(table.namespace(ORDER_TOPIC_CONFIG)?).into())
}

fn write_table(keys: &Namespace) -> Vec<u8> {
    let mut output = Vec::new();
    output.extend_from_slice(br#"{"table":"#);
    write_namespace(&mut output, keys);
    output.push(b'}');
    output
}

/// Encodes a topic's order configuration as routes carry it.
fn write_order_config(config: &OrderConfig) -> Vec<u8> {
    let mut output = Vec::new();
    json::string(&mut output, &config.write());
    output
}
