//! The model of a whole server: what each step comes to.

use crate::registering::Verdict;
use crate::step::{
    ADDRESSES, Asked, CLUSTERS, CONNECTIONS, Demand, GROUPS, NAMESPACES, Named, SETTINGS, Step, TOPICS, VALUES, queues,
};
use crate::storage::{Asker, KvRequest, Remark, Reply, Storage};
use crate::tables::{Member, Tables};
use crate::written;
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds that routes are refused for after the start, while `needWaitForService` is on.
const NOT_READY_MILLIS: u64 = 45_000;

/// The state of the model.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) tables: Tables,
    pub(crate) storage: Storage,
    /// Answers come in binary headers.
    pub(crate) binary: bool,
    /// How often each connection was opened.
    opened: [usize; CONNECTIONS],
    open: BTreeSet<usize>,
    /// Registrations that were sent, to be repeated.
    pub(crate) sent: Vec<Demand>,
    opaque: i32,
    /// What the last step was made of, and what it comes to.
    pub(crate) last: Outcome,
}

/// What one step comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Everything that was asked, with its correlation number, repetitions resolved.
    pub(crate) asked: Vec<(i32, Asked)>,
    /// Answers by connection, in order.
    pub(crate) replies: BTreeMap<usize, Vec<(i32, Reply)>>,
    /// Everything else, as lines for people, sorted.
    pub(crate) told: Vec<String>,
}

impl Server {
    pub(crate) fn new(settings: [bool; SETTINGS.len()], binary: bool, wall: u64) -> Self {
        let settings = SETTINGS.into_iter().zip(settings).collect();
        Self {
            tables: Tables { wall, ..Tables::default() },
            storage: Storage::new(settings),
            binary,
            opened: [0; CONNECTIONS],
            open: BTreeSet::new(),
            sent: Vec::new(),
            opaque: 0,
            last: Outcome::default(),
        }
    }

    pub(crate) fn apply(&mut self, step: &Step) {
        self.last = Outcome::default();
        self.tables.notifies = self.storage.is_on("notifyMinBrokerIdChanged");
        match step {
            Step::Ask(asked) => asked.iter().for_each(|asked| self.ask_all(std::slice::from_ref(asked))),
            Step::Together(asked) => self.ask_all(asked),
            Step::Disconnect { connection } => self.close(*connection),
            Step::Garbage { connection } => {
                self.tables.tell(format!("closed {connection}: the peer speaks HTTP, which is not served here"));
                self.close(*connection);
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
            Step::WallClock { millis } => self.tables.wall = self.tables.wall.saturating_add_signed(*millis),
            Step::Saving(policy) => {
                self.storage.policy = *policy;
                self.storage.settle();
                self.deliver();
            }
        }
        self.last.told.append(&mut self.tables.told);
        self.last.told.append(&mut self.storage.told);
        self.last.told.sort();
    }

    /// Works on requests that are there together; what can be saved is saved in the end.
    fn ask_all(&mut self, asked: &[Asked]) {
        for asked in asked {
            let Some(demand) = asked.demand.resolved(&self.sent) else { continue };
            let asked = Asked { demand, ..asked.clone() };
            self.opaque += 1;
            self.last.asked.push((self.opaque, asked.clone()));
            self.ask(&asked);
        }
        self.storage.settle();
        self.deliver();
    }

    fn ask(&mut self, asked: &Asked) {
        if self.open.insert(asked.connection) {
            self.opened[asked.connection] += 1;
        }
        let asker = Asker {
            connection: asked.connection,
            opened: self.opened[asked.connection],
            opaque: self.opaque,
            oneway: asked.oneway,
        };
        self.tables.notifies = self.storage.is_on("notifyMinBrokerIdChanged");
        let reply = match &asked.demand {
            Demand::Kv { code, namespace, key, value } => {
                let value = value.map(|value| VALUES[value]);
                return self.storage.ask(
                    asker,
                    KvRequest {
                        code: *code,
                        namespace: namespace.map(|namespace| NAMESPACES[namespace]),
                        key: key.map(|key| TOPICS[key]),
                        // A binary header cannot tell an empty value from none.
                        value: value.filter(|value| !(asked.binary && value.is_empty())),
                    },
                );
            }
            Demand::Configure { entries } => return self.storage.configure(asker, Some(entries.clone())),
            Demand::ShowConfiguration => return self.storage.configure(asker, None),
            demand => self.answer(demand, asked.connection),
        };
        self.storage.replies.push((asker, reply));
    }

    /// What is answered at once.
    fn answer(&mut self, demand: &Demand, connection: usize) -> Reply {
        match demand {
            Demand::Register { registration, damaged } => {
                self.sent.push(demand.clone());
                let delete_unlisted = self.storage.is_on("deleteTopicWithBrokerRegistration");
                let verdict = self.tables.register(registration, *damaged, connection, delete_unlisted);
                self.registered(verdict)
            }
            Demand::Unregister(named) => {
                self.tables.unregister(*named);
                Reply::default()
            }
            Demand::Heartbeat(named) => {
                self.tables.hear(*named);
                Reply::default()
            }
            Demand::Query { named, version } => {
                let found = self.tables.named(*named).pop();
                let member = found.map(|(name, id)| &self.tables.groups[&name].members[&id]);
                let known = member.and_then(|member| member.version);
                let changed = known.is_none() || known != *version || member.is_some_and(|member| member.table_owed);
                self.tables.hear(*named);
                let fields = Some(vec![("changed", changed.to_string())]);
                Reply { fields, body: known.map(written::data_version).unwrap_or_default(), ..Reply::default() }
            }
            Demand::Permission { group, writable } => {
                let count = self.tables.change_permission(GROUPS[*group], *writable);
                let field = if *writable { "addTopicCount" } else { "wipeTopicCount" };
                Reply { fields: Some(vec![(field, count.to_string())]), ..Reply::default() }
            }
            Demand::DeleteTopic { topic, cluster } => {
                self.tables.delete_topic(TOPICS[*topic], cluster.map(|cluster| CLUSTERS[cluster]));
                Reply::default()
            }
            Demand::RegisterTopic { topic, entries } => {
                let entry = |(group, choice): &(usize, usize)| (GROUPS[*group].to_owned(), queues(*choice));
                self.tables.register_topic(TOPICS[*topic], &entries.iter().map(entry).collect::<Vec<_>>());
                Reply::default()
            }
            Demand::Repeat { .. } | Demand::Kv { .. } | Demand::Configure { .. } | Demand::ShowConfiguration => {
                panic!("not answered at once")
            }
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
            self.tables.tell(format!("closed {connection}: all its brokers expired"));
            self.close(connection);
        }
    }

    /// A connection is gone, with everybody who registered over it and everything that it was still to be told.
    fn close(&mut self, connection: usize) {
        self.open.remove(&connection);
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
    }

    /// Everybody who is registered, as requests name them.
    pub(crate) fn known(&self) -> Vec<Named> {
        let position = |names: &[&str], name: &str| names.iter().position(|known| *known == name).unwrap();
        let groups = self.tables.groups.iter();
        let members = groups.flat_map(|(name, group)| group.members.values().map(move |member| (name, member)));
        let named = |(name, member): (&String, &Member)| Named {
            group: position(&GROUPS, name),
            cluster: position(&CLUSTERS, &member.cluster),
            address: position(&ADDRESSES, &member.address),
        };
        members.map(named).collect()
    }

    /// Whether routes are answered yet.
    pub(crate) fn is_ready(&self) -> bool {
        !self.storage.is_on("needWaitForService") || self.tables.now >= NOT_READY_MILLIS
    }

    /// Whether a step can be carried out as it is: a repetition needs something to repeat.
    pub(crate) fn allows(&self, step: &Step) -> bool {
        let asked = match step {
            Step::Ask(asked) | Step::Together(asked) | Step::Freeze { arrived: asked, .. } => asked,
            _ => return true,
        };
        asked.iter().all(|asked| asked.demand.resolved(&self.sent).is_some())
    }
}
