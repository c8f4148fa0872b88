//! The KV table and the settings of the model: changes that wait until their file is safe.

use super::limits::KV_BYTES_MAX;
use super::order::Order;
use super::written;
use crate::step::Disk;
use crate::step::words::{SETTINGS, VALUES, setting};
use std::collections::{BTreeMap, VecDeque};

/// The client that an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) connection: usize,
    /// How often the connection was opened: an answer is not for a later client.
    pub(crate) opened: usize,
    pub(crate) opaque: i32,
    pub(crate) oneway: bool,
    /// When it asked.
    pub(crate) at: u64,
}

/// What an answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: i32,
    pub(crate) remark: Remark,
    pub(crate) fields: Option<Vec<(&'static str, String)>>,
    pub(crate) body: String,
    /// The listing of the configuration holds these lines, among others.
    pub(crate) lines: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Remark {
    #[default]
    None,
    /// Java's words.
    Exactly(String),
    /// Words of our own.
    Any,
}

/// A KV request with what arrives of it.
#[derive(Clone, Debug)]
pub(crate) struct KvRequest {
    pub(crate) code: i32,
    pub(crate) namespace: Option<&'static str>,
    pub(crate) key: Option<&'static str>,
    pub(crate) value: Option<&'static str>,
}

type Namespaces = BTreeMap<&'static str, BTreeMap<&'static str, Option<&'static str>>>;

/// Keys of the configuration and their values.
type Entries = Vec<(usize, bool)>;

/// A file that is being saved.
#[derive(Clone, Debug)]
enum Save {
    Kv(Vec<(Asker, KvRequest)>),
    Settings(Asker, Entries),
}

#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub(crate) kv: Namespaces,
    pub(crate) settings: BTreeMap<&'static str, bool>,
    /// What their file says.
    saved_settings: BTreeMap<&'static str, bool>,
    pub(crate) disk: Disk,
    saves: VecDeque<Save>,
    /// The last save of the KV table failed, so the contents of its file are unknown.
    kv_file_is_doubtful: bool,
    /// The last save of the settings failed.
    settings_are_unsaved: bool,
    kv_waiting: Vec<(Asker, KvRequest)>,
    /// Bytes of their texts and of the answers that they will get.
    kv_waiting_bytes: usize,
    /// `None` only shows them.
    settings_waiting: VecDeque<(Asker, Option<Entries>)>,
    pub(crate) replies: Vec<(Asker, Reply)>,
    /// Topics whose order configuration changed, and when that was asked for.
    pub(crate) ordered: Vec<(&'static str, u64)>,
    pub(crate) told: Vec<String>,
}

impl Reply {
    pub(crate) fn error(remark: Remark) -> Self {
        Self { code: 1, remark, ..Self::default() }
    }
}

impl Storage {
    pub(crate) fn new(settings: BTreeMap<&'static str, bool>) -> Self {
        Self {
            kv: Namespaces::new(),
            saved_settings: settings.clone(),
            settings,
            disk: Disk::Works,
            saves: VecDeque::new(),
            kv_file_is_doubtful: false,
            settings_are_unsaved: false,
            kv_waiting: Vec::new(),
            kv_waiting_bytes: 0,
            settings_waiting: VecDeque::new(),
            replies: Vec::new(),
            ordered: Vec::new(),
            told: Vec::new(),
        }
    }

    pub(crate) fn is_on(&self, setting: &str) -> bool {
        self.settings[setting]
    }

    /// What the files say is what there is.
    pub(crate) fn restart(&mut self) {
        let settings = self.saved_settings.clone();
        *self = Self { kv: std::mem::take(&mut self.kv), ..Self::new(settings) };
        for (topic, value) in self.kv.get("ORDER_TOPIC_CONFIG").into_iter().flatten() {
            self.told.extend(value.and_then(|value| malformed(topic, value)));
        }
    }

    /// Whoever waits for a save.
    pub(crate) fn askers(&self) -> impl Iterator<Item = &Asker> {
        let saving = self.saves.iter().flat_map(|save| match save {
            Save::Kv(requests) => requests.iter().map(|(asker, _)| asker).collect::<Vec<_>>(),
            Save::Settings(asker, _) => vec![asker],
        });
        let kv = self.kv_waiting.iter().map(|(asker, _)| asker);
        saving.chain(kv).chain(self.settings_waiting.iter().map(|(asker, _)| asker))
    }

    /// Whether questions about the KV table are answered at once.
    pub(crate) fn is_idle(&self) -> bool {
        self.saves.is_empty()
    }

    /// The order configurations that clients read alike.
    pub(crate) fn orders(&self) -> BTreeMap<&'static str, Order> {
        let values = self.kv.get("ORDER_TOPIC_CONFIG").into_iter().flatten();
        values.filter_map(|(topic, value)| Some((*topic, order((*value)?).ok()??))).collect()
    }

    pub(crate) fn ask(&mut self, asker: Asker, request: KvRequest) {
        if request.code == 100 && (request.namespace.is_none() || request.key.is_none()) {
            let remark = Remark::Exactly("namespace or key is null".to_owned());
            return self.replies.push((asker, Reply::error(remark)));
        }
        // What waits is answered all at once; a request alone may ask for as much as there is.
        let is_alone = self.kv_waiting.is_empty();
        let bytes = request.bytes() + if is_alone { 0 } else { self.answer_bytes(&request) };
        if self.kv_waiting_bytes + bytes > KV_BYTES_MAX {
            return self.replies.push((asker, Reply::error(Remark::Any)));
        }
        self.kv_waiting_bytes += bytes;
        self.kv_waiting.push((asker, request));
        self.begin_kv();
    }

    pub(crate) fn configure(&mut self, asker: Asker, entries: Option<Entries>) {
        self.settings_waiting.push_back((asker, entries));
        self.begin_settings();
    }

    /// Begins to save what waits, unless a save is going on; requests that change nothing are answered at once.
    fn begin_kv(&mut self) {
        if self.saves.iter().any(|save| matches!(save, Save::Kv(_))) {
            return;
        }
        let mut staged = self.kv.clone();
        let mut accepted = Vec::new();
        let mut bytes = bytes(&staged);
        let waiting = std::mem::take(&mut self.kv_waiting);
        self.kv_waiting_bytes = 0;
        let any_saves = waiting.iter().any(|(_, request)| self.needs_save(request));
        for (asker, request) in waiting {
            let more = if request.code == 100 { request.bytes() } else { 0 };
            if any_saves && more > 0 && bytes + more > KV_BYTES_MAX {
                self.replies.push((asker, Reply::error(Remark::Any)));
                continue;
            }
            // An entry is counted with its namespace, and in full even if it replaces one.
            bytes += more;
            request.apply(&mut staged);
            accepted.push((asker, request));
        }
        if !accepted.iter().any(|(_, request)| self.needs_save(request)) {
            self.answer_kv(accepted);
        } else {
            self.told.push(format!("saves the KV file: {}", written::kv_file(&staged)));
            self.saves.push_back(Save::Kv(accepted));
        }
    }

    /// Bytes that an answer has at most, whatever becomes of the changes before it.
    fn answer_bytes(&self, request: &KvRequest) -> usize {
        if matches!(request.code, 100 | 102) {
            return 0;
        }
        let entries = request.namespace.and_then(|namespace| self.kv.get(namespace)).into_iter().flatten();
        let length = |text: Option<&str>| text.map_or(0, str::len);
        let there: usize = match request.code {
            101 => entries.filter(|(key, _)| Some(**key) == request.key).map(|(_, value)| length(*value)).sum(),
            _ => entries.map(|(key, value)| key.len() + length(*value)).sum(),
        };
        let saving = self.saves.iter().flat_map(|save| match save {
            Save::Kv(requests) => requests.as_slice(),
            Save::Settings(..) => &[],
        });
        let changes = saving.chain(&self.kv_waiting).filter(|(_, request)| request.code == 100);
        there + changes.map(|(_, request)| request.bytes()).sum::<usize>()
    }

    fn needs_save(&self, request: &KvRequest) -> bool {
        request.changes(&self.kv) || (self.kv_file_is_doubtful && matches!(request.code, 100 | 102))
    }

    fn answer_kv(&mut self, requests: Vec<(Asker, KvRequest)>) {
        for (asker, request) in requests {
            let reply = request.answer(&self.kv);
            self.replies.push((asker, reply));
        }
    }

    fn begin_settings(&mut self) {
        while !self.saves.iter().any(|save| matches!(save, Save::Settings(..)))
            && let Some((asker, entries)) = self.settings_waiting.pop_front()
        {
            let Some(entries) = entries else {
                let lines = self.settings.iter().map(|(name, on)| format!("{name}={on}")).collect();
                self.replies.push((asker, Reply { lines, ..Reply::default() }));
                continue;
            };
            if entries.iter().any(|(choice, _)| setting(*choice) == "listenPort") {
                let remark = Remark::Exactly("Can not update config in black list.".to_owned());
                self.replies.push((asker, Reply { code: 16, remark, ..Reply::default() }));
                continue;
            }
            let changes = self.changes(&entries);
            if changes.is_empty() && !self.settings_are_unsaved {
                self.replies.push((asker, Reply::default()));
            } else {
                self.told.push("saves the runtime configuration".to_owned());
                self.saves.push_back(Save::Settings(asker, changes));
            }
        }
    }

    /// What is to be changed: the last value of each key, where it is another one.
    fn changes(&self, entries: &[(usize, bool)]) -> Entries {
        let is_last = |at: usize| entries[at + 1..].iter().all(|(choice, _)| *choice != entries[at].0);
        let counts = |(at, (choice, on)): &(usize, &(usize, bool))| {
            *choice < SETTINGS.len() && is_last(*at) && self.settings[SETTINGS[*choice]] != *on
        };
        entries.iter().enumerate().filter(counts).map(|(_, entry)| *entry).collect()
    }

    /// Every save that may end does, in the order in which they began.
    pub(crate) fn settle(&mut self) {
        while self.disk != Disk::Waits
            && let Some(save) = self.saves.pop_front()
        {
            let succeeds = self.disk == Disk::Works;
            match save {
                Save::Kv(requests) => self.end_kv(requests, succeeds),
                Save::Settings(asker, changes) => self.end_settings(asker, &changes, succeeds),
            }
        }
    }

    fn end_kv(&mut self, requests: Vec<(Asker, KvRequest)>, succeeds: bool) {
        self.kv_file_is_doubtful = !succeeds;
        if !succeeds {
            self.told.push("event: the KV file is not saved: disk full".to_owned());
        }
        for (asker, request) in requests {
            if !succeeds && matches!(request.code, 100 | 102) {
                self.replies.push((asker, Reply::error(Remark::Any)));
                continue;
            }
            if request.changes(&self.kv) {
                request.apply(&mut self.kv);
                self.told.extend(request.told());
                let topic = request.key.filter(|_| request.namespace == Some("ORDER_TOPIC_CONFIG"));
                self.ordered.extend(topic.map(|topic| (topic, asker.at)));
            }
            self.answer_kv(vec![(asker, request)]);
        }
        self.begin_kv();
    }

    fn end_settings(&mut self, asker: Asker, changes: &[(usize, bool)], succeeds: bool) {
        self.settings_are_unsaved = !succeeds;
        if !succeeds {
            self.told.push("event: the runtime configuration is not saved: disk full".to_owned());
        }
        let names: Vec<_> = changes.iter().map(|(choice, _)| SETTINGS[*choice]).collect();
        self.settings.extend(changes.iter().map(|(choice, on)| (SETTINGS[*choice], *on)));
        if succeeds {
            self.saved_settings.clone_from(&self.settings);
        }
        if !names.is_empty() {
            self.told.push(format!("event: configuration changed: {}", names.join(",")));
        }
        self.replies.push((asker, Reply::default()));
        self.begin_settings();
    }
}

impl KvRequest {
    fn bytes(&self) -> usize {
        let length = |text: Option<&str>| text.map_or(0, str::len);
        let value = if self.code == 100 { length(self.value) } else { 0 };
        let key = if self.code == 219 { 0 } else { length(self.key) };
        length(self.namespace) + key + value
    }

    fn apply(&self, kv: &mut Namespaces) {
        match (self.code, self.namespace.zip(self.key)) {
            (100, Some((namespace, key))) => {
                kv.entry(namespace).or_default().insert(key, self.value);
            }
            (102, Some((namespace, key))) => {
                if let Some(keys) = kv.get_mut(namespace) {
                    keys.remove(key);
                }
            }
            _ => (),
        }
    }

    fn changes(&self, kv: &Namespaces) -> bool {
        let mut after = kv.clone();
        self.apply(&mut after);
        after != *kv
    }

    /// What is told when it is applied.
    fn told(&self) -> Vec<String> {
        let (Some(namespace), Some(key)) = (self.namespace, self.key) else { return Vec::new() };
        let is_deletion = self.code == 102;
        let mut told = vec![format!("event: KV {namespace}/{key} {}", if is_deletion { "deleted" } else { "set" })];
        let value = self.value.filter(|_| !is_deletion && namespace == "ORDER_TOPIC_CONFIG");
        told.extend(value.and_then(|value| malformed(key, value)));
        told
    }

    pub(crate) fn answer(&self, kv: &Namespaces) -> Reply {
        let shown = |name: Option<&str>| name.unwrap_or("null").to_owned();
        let keys = self.namespace.and_then(|namespace| kv.get(namespace));
        match self.code {
            101 => match keys.and_then(|keys| keys.get(self.key?).copied()?) {
                Some(value) => Reply { fields: Some(vec![("value", value.to_owned())]), ..Reply::default() },
                None => {
                    let remark =
                        format!("No config item, Namespace: {} Key: {}", shown(self.namespace), shown(self.key));
                    Reply { code: 22, remark: Remark::Exactly(remark), fields: Some(Vec::new()), ..Reply::default() }
                }
            },
            219 => match keys {
                Some(keys) => Reply { body: written::kv_list(keys), ..Reply::default() },
                None => {
                    let remark = format!("No config item, Namespace: {}", shown(self.namespace));
                    Reply { code: 22, remark: Remark::Exactly(remark), ..Reply::default() }
                }
            },
            _ => Reply::default(),
        }
    }
}

/// Bytes of all names, keys and values.
pub(crate) fn bytes(kv: &Namespaces) -> usize {
    let of_keys = |keys: &BTreeMap<&str, Option<&str>>| -> usize {
        keys.iter().map(|(key, value)| key.len() + value.map_or(0, str::len)).sum()
    };
    kv.iter().map(|(name, keys)| name.len() + of_keys(keys)).sum()
}

/// What is told of an order configuration that clients would not read alike.
fn malformed(topic: &str, value: &str) -> Option<String> {
    let fault = order(value).err()?;
    Some(format!("event: malformed order configuration of {topic}: {fault}"))
}

/// What a value says as an order configuration, or why clients would not read it alike.
fn order(value: &str) -> Result<Option<Order>, String> {
    match VALUES.iter().position(|known| *known == value) {
        Some(0 | 5) => Ok(Some(&[("a~", 4), ("b~", 8)])),
        Some(4) => Ok(Some(&[("x", 1)])),
        Some(1) => Ok(None),
        Some(_) | None => Err(format!("{value:?} is not broker:queues")),
    }
}
