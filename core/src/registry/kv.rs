//! KV requests (Java: `KVConfigManager`): changes are staged, saved, then applied and answered, in the order in which they came.

use super::{Answer, Ask, Output, Registry, SaveFile, SaveTicket};
use crate::Peer;
use crate::event::Event;
use crate::kv::{KvTable, ORDER_TOPIC_CONFIG, write_namespace};
use crate::wire::Request;
use crate::wire::code::{request, response};
use crate::wire::json;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// The KV table and what is about to become of it.
#[derive(Debug)]
pub(super) struct KvStore {
    table: KvTable,
    /// The body that answers to registrations carry.
    order_body: Option<Bytes>,
    saving: Option<Saving>,
    /// What came while a save was going on.
    waiting: Vec<KvRequest>,
    /// Bytes of their names, keys and values, and of the answers that they will get.
    waiting_bytes: usize,
    /// Bytes of the changes among them.
    waiting_changes_bytes: usize,
    /// The last save failed: the file may hold what was refused.
    file_is_doubtful: bool,
}

#[derive(Debug)]
struct Saving {
    ticket: SaveTicket,
    requests: Vec<KvRequest>,
    /// Bytes of the changes among them.
    changes_bytes: usize,
}

#[derive(Debug)]
struct KvRequest {
    ask: Ask,
    peer: Peer,
    action: Action,
}

#[derive(Debug)]
enum Action {
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

    pub(super) const fn table(&self) -> &KvTable {
        &self.table
    }

    /// Whether requests can be answered without a save: they change nothing, and where they claim that something is kept,
    /// it is.
    fn is_unchanged_by(&self, requests: &[KvRequest]) -> bool {
        let needs_save =
            |action: &Action| action.would_change(&self.table) || (self.file_is_doubtful && action.is_change());
        !requests.iter().any(|request| needs_save(&request.action))
    }

    /// Bytes that the answer to a request has at most when its turn comes, before it is written as JSON.
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

    /// The order configuration as GET_KVLIST_BY_NAMESPACE would answer it; absent when its namespace is unknown.
    pub(super) fn order_body(&self) -> Option<Bytes> {
        self.order_body.clone()
    }
}

impl Registry {
    /// PUT, GET, DELETE_KV_CONFIG and GET_KVLIST_BY_NAMESPACE.
    pub(super) fn kv_request(&mut self, ask: Ask, peer: Peer, request: &Request<'_>) {
        let field = |name: &str| request.fields.value(name).map(alloc::borrow::Cow::into_owned);
        let (namespace, key) = (field("namespace"), field("key"));
        let action = match request.code {
            request::PUT_KV_CONFIG => match (namespace, key) {
                (Some(namespace), Some(key)) => Action::Put { namespace, key, value: field("value") },
                (Some(_) | None, Some(_) | None) => {
                    let answer = Answer::failure(response::SYSTEM_ERROR, "namespace or key is null");
                    return self.answer(ask, answer);
                }
            },
            request::DELETE_KV_CONFIG => Action::Delete { namespace, key },
            request::GET_KV_CONFIG => Action::Read { namespace, key },
            _ => Action::List { namespace },
        };
        // What waits is answered all at once. Alone a request may ask for as much as there is.
        let answer_bytes = if self.kv.waiting.is_empty() { 0 } else { self.kv.answer_bytes(&action) };
        let bytes = action.bytes() + answer_bytes;
        if self.kv.waiting_bytes + bytes > self.limits.kv_bytes_max {
            return self.answer(ask, Answer::failure(response::SYSTEM_ERROR, "too much waits for the KV file"));
        }
        self.kv.waiting_bytes += bytes;
        self.kv.waiting_changes_bytes += action.adds_bytes();
        self.kv.waiting.push(KvRequest { ask, peer, action });
        self.save_kv();
    }

    /// Starts the next save, unless one is going on. Requests that need none are answered at once.
    fn save_kv(&mut self) {
        if self.kv.saving.is_some() || self.kv.waiting.is_empty() {
            return;
        }
        let requests = core::mem::take(&mut self.kv.waiting);
        self.kv.waiting_bytes = 0;
        self.kv.waiting_changes_bytes = 0;
        if self.kv.is_unchanged_by(&requests) {
            return self.answer_kv(requests);
        }
        let mut staged = self.kv.table.clone();
        let mut accepted = Vec::with_capacity(requests.len());
        let mut bytes = staged.bytes();
        for request in requests {
            let more = request.action.adds_bytes();
            if more > 0 && bytes + more > self.limits.kv_bytes_max {
                self.answer(request.ask, Answer::failure(response::SYSTEM_ERROR, "the KV table is full"));
                continue;
            }
            bytes += more;
            request.action.apply(&mut staged);
            accepted.push(request);
        }
        if self.kv.is_unchanged_by(&accepted) {
            return self.answer_kv(accepted);
        }
        let ticket = self.next_ticket();
        let contents = staged.encode();
        let changes_bytes = accepted.iter().map(|request| request.action.adds_bytes()).sum();
        self.kv.saving = Some(Saving { ticket, requests: accepted, changes_bytes });
        self.outputs.push_back(Output::Save { ticket, file: SaveFile::KvConfig, contents });
    }

    /// Answers requests that change nothing.
    fn answer_kv(&mut self, requests: Vec<KvRequest>) {
        for KvRequest { ask, action, .. } in requests {
            let answer = action.answer(&self.kv.table);
            self.answer(ask, answer);
        }
    }

    /// The end of a save. True: it was one of the KV table.
    pub(super) fn kv_saved(&mut self, ticket: SaveTicket, result: &Result<(), String>) -> bool {
        let Some(saving) = self.kv.saving.take_if(|saving| saving.ticket == ticket) else { return false };
        self.kv.file_is_doubtful = result.is_err();
        match result {
            Ok(()) => {
                for KvRequest { ask, peer, action } in saving.requests {
                    if action.would_change(&self.kv.table) {
                        action.apply(&mut self.kv.table);
                        self.kv_changed(&action, peer);
                    }
                    let answer = action.answer(&self.kv.table);
                    self.answer(ask, answer);
                }
                self.kv.order_body = write_order_body(&self.kv.table);
                self.order_changed();
            }
            Err(reason) => {
                self.event(Event::SaveFailed { file: SaveFile::KvConfig, reason: reason.clone() });
                for KvRequest { ask, action, .. } in saving.requests {
                    let answer = if action.is_change() {
                        Answer::failure(response::SYSTEM_ERROR, format!("the KV file could not be saved: {reason}"))
                    } else {
                        action.answer(&self.kv.table)
                    };
                    self.answer(ask, answer);
                }
            }
        }
        self.save_kv();
        true
    }

    /// Tells what the file holds that clients cannot read; later changes are told when they come.
    pub(super) fn report_malformed_order(&mut self) {
        for (topic, value) in self.kv.table.namespace(ORDER_TOPIC_CONFIG).into_iter().flatten() {
            if value.as_ref().is_some_and(|value| !is_order_config(value)) {
                self.outputs.push_back(Output::Event(Event::MalformedOrderConfig { topic: topic.clone() }));
            }
        }
    }

    fn kv_changed(&mut self, action: &Action, peer: Peer) {
        let (namespace, key, value) = match action {
            Action::Put { namespace, key, value } => (namespace, key, value.as_ref()),
            Action::Delete { namespace: Some(namespace), key: Some(key) } => (namespace, key, None),
            Action::Delete { .. } | Action::Read { .. } | Action::List { .. } => return,
        };
        let deleted = matches!(action, Action::Delete { .. });
        let malformed = namespace == ORDER_TOPIC_CONFIG && value.is_some_and(|value| !is_order_config(value));
        let (namespace, key) = (namespace.clone(), key.clone());
        if malformed {
            self.event(Event::MalformedOrderConfig { topic: key.clone() });
        }
        self.event(Event::KvChanged { namespace, key, deleted, peer: peer.address });
    }
}

impl Action {
    const fn is_change(&self) -> bool {
        match self {
            Self::Put { .. } | Self::Delete { .. } => true,
            Self::Read { .. } | Self::List { .. } => false,
        }
    }

    /// Bytes that it keeps in memory while it waits.
    fn bytes(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Put { namespace, key, value } => namespace.len() + key.len() + length(value),
            Self::Delete { namespace, key } | Self::Read { namespace, key } => length(namespace) + length(key),
            Self::List { namespace } => length(namespace),
        }
    }

    /// Bytes that it adds to the table at most.
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
                    Some(value) => Answer::success().with_fields(vec![("value", value.into())]),
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

/// Whether Java clients can read an order configuration, `broker:queues` joined by `;`
/// (Java: `MQClientInstance.topicRouteData2TopicPublishInfo`).
pub(super) fn is_order_config(value: &str) -> bool {
    let is_broker = |part: &str| part.split(':').nth(1).is_some_and(|queues| queues.parse::<i32>().is_ok());
    value.is_empty() || value.trim_end_matches(';').split(';').all(is_broker)
}

fn write_order_body(table: &KvTable) -> Option<Bytes> {
    Some(write_table(table.namespace(ORDER_TOPIC_CONFIG)?).into())
}

fn write_table(keys: &crate::kv::Namespace) -> Vec<u8> {
    let mut output = Vec::new();
    output.extend_from_slice(br#"{"table":"#);
    write_namespace(&mut output, keys);
    output.push(b'}');
    output
}

/// A topic's order configuration as routes carry it.
pub(super) fn write_order_config(value: &str) -> Vec<u8> {
    let mut output = Vec::new();
    json::string(&mut output, value);
    output
}
