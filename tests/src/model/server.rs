//! The model of a whole server: what each step comes to.

use super::access::refuse;
use super::limits::TOPICS_MAX;
use super::registering::Verdict;
use super::storage::{Asker, KvRequest, Remark, Reply, Storage};
use super::tables::Tables;
use super::written;
use crate::step::words::{CONNECTIONS, SETTINGS};
use crate::step::{Access, Content, Disk, Message, Step, WarmFrom};
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds that routes are refused for after the start, while `needWaitForService` is on.
const NOT_READY_MILLIS: u64 = 45_000;

/// The state of the model.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) tables: Tables,
    pub(crate) storage: Storage,
    /// What asks for a signature.
    pub(crate) access: Access,
    /// Answers come in binary headers.
    pub(crate) binary: bool,
    /// How often each connection was opened.
    opened: [usize; CONNECTIONS],
    open: BTreeSet<usize>,
    /// Connections that are not read from any more, and are closed when they have all their answers.
    closing: BTreeSet<usize>,
    opaque: i32,
    /// What the snapshot of the last stop holds.
    saved: Option<Tables>,
    /// What the last step was made of, and what it comes to.
    pub(crate) last: Outcome,
}

/// What one step comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Requests with their correlation numbers.
    pub(crate) asked: Vec<(i32, Message)>,
    /// Answers by connection, in order.
    pub(crate) replies: BTreeMap<usize, Vec<(i32, Reply)>>,
    /// Everything else, as lines for people, sorted.
    pub(crate) told: Vec<String>,
}

impl Server {
    pub(crate) fn new(settings: [bool; SETTINGS.len()], binary: bool, wall: u64) -> Self {
        let settings = SETTINGS.into_iter().zip(settings).collect();
        Self {
            tables: Tables::new(wall, TOPICS_MAX),
            storage: Storage::new(settings),
            access: Access::Open,
            binary,
            opened: [0; CONNECTIONS],
            open: BTreeSet::new(),
            closing: BTreeSet::new(),
            opaque: 0,
            saved: None,
            last: Outcome::default(),
        }
    }

    pub(crate) fn apply(&mut self, step: &Step) {
        self.last = Outcome::default();
        self.tables.notifies = self.storage.is_on("notifyMinBrokerIdChanged");
        match step {
            Step::Send(asked) => asked.iter().for_each(|asked| self.ask_all(std::slice::from_ref(asked))),
            Step::Batch(asked) => self.ask_all(asked),
            Step::Disconnect { connection } => self.close(*connection),
            Step::Garbage { connection } => {
                if self.open.insert(*connection) {
                    self.opened[*connection] += 1;
                }
                self.closing.insert(*connection);
                self.tables.disconnect(*connection);
                self.close_answered();
            }
            Step::Advance { millis } => {
                let closed = self.tables.advance(*millis);
                self.close_expired(closed);
            }
            Step::Freeze { millis, arrived } => {
                self.tables.pass(*millis);
                arrived.iter().for_each(|asked| self.ask_all(std::slice::from_ref(asked)));
                self.tables.notifies = self.storage.is_on("notifyMinBrokerIdChanged");
                let closed = self.tables.look();
                self.close_expired(closed);
            }
            Step::SetClock { millis } => self.tables.wall = self.tables.wall.saturating_add_signed(*millis),
            Step::Disk(disk) => {
                self.storage.disk = *disk;
                self.settle();
                self.deliver();
            }
            Step::Access(access) => self.access = *access,
            Step::Restart { from, millis } => self.restart(*from, *millis),
            Step::Stop => panic!("the model does not stop"),
        }
        self.last.told.append(&mut self.tables.told);
        self.last.told.append(&mut self.storage.told);
        self.last.told.sort();
    }

    /// The server stops and starts again. Nobody hears anything of it before it is there again.
    fn restart(&mut self, from: WarmFrom, millis: u64) {
        assert_eq!(self.storage.disk, Disk::Works, "every save has ended");
        if from == WarmFrom::ThisStop {
            self.saved = Some(self.tables.clone());
        }
        let wall = self.tables.wall + millis;
        let saved = self.saved.as_ref().filter(|_| from != WarmFrom::Nothing);
        self.tables = saved.map_or_else(|| Tables::new(wall, TOPICS_MAX), |saved| saved.restarted(wall));
        self.storage.restart();
        self.tables.orders.of_topics = self.storage.orders();
        self.open.clear();
        self.closing.clear();
    }

    /// Works on requests that are there together; what can be saved is saved in the end.
    fn ask_all(&mut self, asked: &[Message]) {
        for asked in asked {
            if self.closing.contains(&asked.connection) {
                continue;
            }
            self.opaque += 1;
            self.last.asked.push((self.opaque, asked.clone()));
            self.ask(asked);
        }
        self.settle();
        self.deliver();
    }

    /// What can be saved is saved.
    fn settle(&mut self) {
        self.storage.settle();
        self.tables.orders.of_topics = self.storage.orders();
        for (topic, since) in std::mem::take(&mut self.storage.ordered) {
            self.tables.order_changed(topic, since);
        }
    }

    fn ask(&mut self, asked: &Message) {
        if self.open.insert(asked.connection) {
            self.opened[asked.connection] += 1;
        }
        let asker = Asker {
            connection: asked.connection,
            opened: self.opened[asked.connection],
            opaque: self.opaque,
            oneway: asked.oneway,
            at: self.tables.now,
        };
        self.tables.notifies = self.storage.is_on("notifyMinBrokerIdChanged");
        if let Some(remark) = refuse(self.access, &mut self.tables, asked) {
            return self.storage.replies.push((asker, Reply { code: 16, ..Reply::error(remark) }));
        }
        let reply = match &asked.content {
            Content::Kv { code, namespace, key, value } => {
                return self.storage.ask(
                    asker,
                    KvRequest {
                        code: *code,
                        namespace: *namespace,
                        key: *key,
                        // A binary header cannot tell an empty value from none.
                        value: value.filter(|value| !(asked.binary && value.is_empty())),
                    },
                );
            }
            Content::Configure { entries } => return self.storage.configure(asker, Some(entries.clone())),
            Content::ShowConfiguration => return self.storage.configure(asker, None),
            content => {
                let before = self.tables.topic_entries();
                let reply = self.answer(content, asked.defect.is_some(), asked.connection);
                self.tables.watch_new_entries(&before);
                reply
            }
        };
        self.storage.replies.push((asker, reply));
    }

    /// What is answered at once.
    fn answer(&mut self, content: &Content, damaged: bool, connection: usize) -> Reply {
        match content {
            Content::Register(registration) => {
                let delete_unlisted = self.storage.is_on("deleteTopicWithBrokerRegistration");
                let verdict = self.tables.register(registration, damaged, connection, delete_unlisted);
                self.registered(verdict)
            }
            Content::Unregister(broker) => {
                self.tables.unregister(broker);
                Reply::default()
            }
            Content::Heartbeat(broker) => {
                self.tables.renew(broker);
                Reply::default()
            }
            Content::QueryVersion { broker, version } => {
                let found = self.tables.named(broker).pop();
                let member = found.map(|(name, id)| &self.tables.groups[&name].members[&id]);
                let known = member.and_then(|member| member.version);
                let changed = known.is_none()
                    || known != *version
                    || member.is_some_and(|member| member.needs_full_sync || !member.is_heard());
                self.tables.renew(broker);
                let fields = Some(vec![("changed", changed.to_string())]);
                Reply { fields, body: known.map(written::data_version).unwrap_or_default(), ..Reply::default() }
            }
            Content::Permission { group, writable } => {
                let count = self.tables.change_permission(group, *writable);
                let field = if *writable { "addTopicCount" } else { "wipeTopicCount" };
                Reply { fields: Some(vec![(field, count.to_string())]), ..Reply::default() }
            }
            Content::DeleteTopic { topic, cluster } => {
                self.tables.delete_topic(topic, cluster.as_deref());
                Reply::default()
            }
            Content::RegisterTopic { topic, entries } => {
                self.tables.register_topic(topic, entries);
                Reply::default()
            }
            Content::Kv { .. } | Content::Configure { .. } | Content::ShowConfiguration => {
                panic!("not answered at once")
            }
            Content::Other(request) => panic!("the model does not know {request:?}"),
        }
    }

    fn registered(&self, verdict: Verdict) -> Reply {
        match verdict {
            Verdict::Refused(remark) => {
                Reply { fields: Some(Vec::new()), ..Reply::error(Remark::Exactly(remark.to_owned())) }
            }
            Verdict::Malformed => Reply::error(Remark::Any),
            Verdict::Lost => self.registered(Verdict::Applied(None)),
            Verdict::Applied(master) => {
                let fields = master.map(|[ha, address]| vec![("haServerAddr", ha), ("masterAddr", address)]);
                let order = self.storage.kv.get("ORDER_TOPIC_CONFIG");
                let order = order.filter(|_| self.storage.is_on("returnOrderTopicConfigToBroker"));
                Reply {
                    fields: Some(fields.unwrap_or_default()),
                    body: order.map(written::kv_list).unwrap_or_default(),
                    ..Reply::default()
                }
            }
        }
    }

    fn close_expired(&mut self, closed: Vec<usize>) {
        for connection in closed {
            self.tables.tell(format!("closed {connection}: its broker sent no heartbeat in time"));
            self.close(connection);
        }
    }

    /// A connection is gone, with everybody who registered over it and everything that it was still to be told.
    fn close(&mut self, connection: usize) {
        self.open.remove(&connection);
        self.closing.remove(&connection);
        self.tables.disconnect(connection);
    }

    /// Answers go to whoever asked, if that connection is still there.
    fn deliver(&mut self) {
        for (asker, reply) in std::mem::take(&mut self.storage.replies) {
            let is_there = self.open.contains(&asker.connection) && self.opened[asker.connection] == asker.opened;
            if is_there && !asker.oneway {
                self.last.replies.entry(asker.connection).or_default().push((asker.opaque, reply));
            }
        }
        self.close_answered();
    }

    /// Closes connections that have all their answers.
    fn close_answered(&mut self) {
        let needed_sync = |connection: usize| {
            self.storage.askers().any(|asker| asker.connection == connection && asker.opened == self.opened[connection])
        };
        for connection in
            self.closing.iter().copied().filter(|connection| !needed_sync(*connection)).collect::<Vec<_>>()
        {
            self.tables.tell(format!("closed {connection}: the peer speaks HTTP, which is not served here"));
            self.close(connection);
        }
    }

    /// Whether routes are answered yet.
    pub(crate) fn is_ready(&self) -> bool {
        !self.storage.is_on("needWaitForService") || self.tables.now >= NOT_READY_MILLIS
    }
}
