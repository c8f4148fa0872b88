//! What can happen to a NameServer: one alphabet for the model test, the fuzz target `registry`, the run beside Java
//! and the random requests of the simulation.
//!
//! [`Draw`] makes steps from bytes. A fuzzer hands in its own, proptest and the simulation random ones. All names end
//! in [`words::MARK`], so that a driver can tell its runs apart.

#![expect(clippy::wildcard_enum_match_arm, reason = "most of it is about one kind of step or request")]

pub mod defect;
pub mod words;

mod access;
mod beside_java;
mod draw;
mod text;

pub use access::{Access, Signer};
pub use draw::{Draw, STEP_BYTES, Scope, sequence};

use crate::registration::{Mapping, Registration, Topic, Version};
use crate::request::{HeaderForm, Request};
use defect::Defect;
use serde_json::json;
use words::{MARK, setting};

/// The first release whose registrations hold more than a wrapper of its topics.
pub(crate) const FULL_BODY_SINCE: i32 = 37;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Requests arrive one after the other, each when the one before is done.
    Send(Vec<Message>),
    /// Requests arrive so close together that the server handles them in one batch.
    Batch(Vec<Message>),
    /// The peer closes a connection.
    Disconnect {
        /// Number of the connection.
        connection: usize,
    },
    /// Bytes of another protocol arrive.
    Garbage {
        /// Number of the connection.
        connection: usize,
    },
    /// Time passes, and every timer fires when it is due.
    Advance {
        /// How much.
        millis: u64,
    },
    /// Time passes while the server stands still. It then finds what arrived meanwhile.
    Freeze {
        /// How much.
        millis: u64,
        /// Requests that arrived meanwhile.
        arrived: Vec<Message>,
    },
    /// The wall clock is set forward or back.
    SetClock {
        /// By how much.
        millis: i64,
    },
    /// From now on the disk takes saves, refuses them, or lets them wait.
    Disk(Disk),
    /// The operator changes the rules of access control.
    Access(Access),
    /// The server stops, with every save at its end, and starts again.
    Restart {
        /// What it serves then.
        from: WarmFrom,
        /// How long it is away.
        millis: u64,
    },
    /// The operator stops the server.
    Stop,
}

/// What a server serves after a restart, until brokers have registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmFrom {
    /// What it knew when it stopped.
    ThisStop,
    /// What it knew when it stopped the time before: it was killed. Nothing if it never stopped.
    LastStop,
    /// Nothing: its snapshot is too old, or damaged.
    Nothing,
}

impl WarmFrom {
    /// All of them, the usual one twice.
    pub const ALL: [Self; 4] = [Self::ThisStop, Self::ThisStop, Self::LastStop, Self::Nothing];
}

/// What the disk does with a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// Saves end at once.
    Works,
    /// Saves fail at once.
    Fails,
    /// Saves do not end yet.
    Waits,
}

/// A request, and how it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Number of the connection.
    pub connection: usize,
    /// What it says.
    pub content: Content,
    /// Without an answer.
    pub oneway: bool,
    /// With a binary header.
    pub binary: bool,
    /// The release that it announces, if not that of its content.
    pub release: Option<i32>,
    /// What is wrong with it.
    pub defect: Option<Defect>,
    /// Who signs it, with its defect.
    pub signer: Option<Signer>,
}

/// A broker as requests name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Name of its cluster.
    pub cluster: String,
    /// Name of its group.
    pub group: String,
    /// Identifier in its group.
    pub id: i64,
    /// Advertised address.
    pub address: String,
}

/// Queue settings of a topic on a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// Queues to read from.
    pub read: i32,
    /// Queues to write to.
    pub write: i32,
    /// Permission bits.
    pub perm: i32,
    /// Flag bits.
    pub flags: i32,
}

/// What a request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// REGISTER_BROKER.
    Register(Box<Registration>),
    /// UNREGISTER_BROKER.
    Unregister(Broker),
    /// BROKER_HEARTBEAT.
    Heartbeat(Broker),
    /// QUERY_DATA_VERSION.
    QueryVersion {
        /// Who asks.
        broker: Broker,
        /// The version that it has; `None` is an empty body.
        version: Option<Version>,
    },
    /// WIPE_WRITE_PERM_OF_BROKER or ADD_WRITE_PERM_OF_BROKER.
    Permission {
        /// Name of the group.
        group: String,
        /// Whether its topics become writable.
        writable: bool,
    },
    /// DELETE_TOPIC_IN_NAMESRV.
    DeleteTopic {
        /// Name of the topic.
        topic: String,
        /// The only cluster that loses it; `None` is every cluster.
        cluster: Option<String>,
    },
    /// REGISTER_TOPIC_IN_NAMESRV.
    RegisterTopic {
        /// Name of the topic.
        topic: String,
        /// Groups that have it.
        entries: Vec<(String, Queues)>,
    },
    /// PUT_KV_CONFIG, GET_KV_CONFIG, DELETE_KV_CONFIG or GET_KVLIST_BY_NAMESPACE.
    Kv {
        /// Which.
        code: i32,
        /// Field `namespace`; `None` when it is left out.
        namespace: Option<&'static str>,
        /// Field `key`; `None` when it is left out.
        key: Option<&'static str>,
        /// Field `value`; `None` when it is left out.
        value: Option<&'static str>,
    },
    /// UPDATE_NAMESRV_CONFIG with keys of [`words::SETTINGS`] and what follows them.
    Configure {
        /// Numbers of keys, and whether they are switched on.
        entries: Vec<(usize, bool)>,
    },
    /// GET_NAMESRV_CONFIG.
    ShowConfiguration,
    /// Any other request: one that changes nothing, or an odd one.
    Other(Request),
}

impl Step {
    /// Its requests.
    pub fn messages(&self) -> &[Message] {
        match self {
            Self::Send(messages) | Self::Batch(messages) | Self::Freeze { arrived: messages, .. } => messages,
            Self::Disconnect { .. }
            | Self::Garbage { .. }
            | Self::Advance { .. }
            | Self::SetClock { .. }
            | Self::Disk(_)
            | Self::Access(_)
            | Self::Restart { .. }
            | Self::Stop => &[],
        }
    }

    /// Its first request.
    pub fn message(&self) -> Option<&Message> {
        self.messages().first()
    }

    /// The connection that it is about, the first one where there are several.
    pub fn connection(&self) -> usize {
        match self {
            Self::Disconnect { connection } | Self::Garbage { connection } => *connection,
            _ => self.message().map_or(0, |message| message.connection),
        }
    }

    /// Its registration, if that is its first request.
    pub fn registration(&self) -> Option<&Registration> {
        self.message()?.content.registration()
    }

    /// Code of its first request.
    pub fn code(&self) -> Option<i32> {
        self.message().map(|message| message.content.code())
    }
}

impl Content {
    /// Without what a release cannot say: those that register with a wrapper alone have no static topics.
    fn sent_by(mut self, release: Option<i32>) -> Self {
        if let Self::Register(registration) = &mut self
            && release.is_some_and(|release| release < FULL_BODY_SINCE)
        {
            registration.mappings.clear();
        }
        self
    }

    /// Its registration, if it is one.
    pub fn registration(&self) -> Option<&Registration> {
        match self {
            Self::Register(registration) => Some(registration),
            _ => None,
        }
    }

    /// Its request code.
    pub fn code(&self) -> i32 {
        match self {
            Self::Register(_) => 103,
            Self::Unregister(_) => 104,
            Self::Heartbeat(_) => 904,
            Self::QueryVersion { .. } => 322,
            Self::Permission { writable, .. } => {
                if *writable {
                    327
                } else {
                    205
                }
            }
            Self::DeleteTopic { .. } => 216,
            Self::RegisterTopic { .. } => 217,
            Self::Kv { code, .. } => *code,
            Self::Configure { .. } => 318,
            Self::ShowConfiguration => 319,
            Self::Other(request) => request.code,
        }
    }

    /// The request, with the marks in its names.
    pub fn request(&self) -> Request {
        let request = Request::new(self.code());
        match self {
            Self::Register(registration) => registration.request(),
            Self::Unregister(broker) | Self::Heartbeat(broker) => broker.name_in(request),
            Self::QueryVersion { broker, version } => {
                let version = version.map(|version| version.json().to_string());
                broker.name_in(request).body(version.unwrap_or_default())
            }
            Self::Permission { group, .. } => request.field("brokerName", group),
            Self::DeleteTopic { topic, cluster } => {
                request.field("topic", topic).optional("clusterName", cluster.as_ref())
            }
            Self::RegisterTopic { topic, entries } => {
                let entries: Vec<_> = entries.iter().map(|(group, queues)| queues.json(group)).collect();
                let body = json!({"brokerDatas": [], "filterServerTable": {}, "queueDatas": entries});
                request.field("topic", topic).body(body.to_string())
            }
            Self::Kv { namespace, key, value, .. } => {
                request.optional("namespace", *namespace).optional("key", *key).optional("value", *value)
            }
            Self::Configure { entries } => {
                let lines = entries.iter().map(|(key, on)| format!("{}={on}\n", setting(*key)));
                request.body(lines.collect::<String>())
            }
            Self::ShowConfiguration => request,
            Self::Other(request) => request.clone(),
        }
    }
}

impl Broker {
    /// Adds the fields that name it.
    fn name_in(&self, request: Request) -> Request {
        request
            .field("brokerName", &self.group)
            .field("brokerAddr", &self.address)
            .field("clusterName", &self.cluster)
            .field("brokerId", self.id)
    }
}

impl Queues {
    /// What a registration says of a topic.
    pub fn of(topic: &Topic) -> Self {
        Self { read: topic.read_queues, write: topic.write_queues, perm: topic.perm, flags: topic.flags }
    }

    /// An entry of `queueDatas`.
    pub fn json(&self, group: &str) -> serde_json::Value {
        json!({
            "brokerName": group, "perm": self.perm, "readQueueNums": self.read, "topicSysFlag": self.flags,
            "writeQueueNums": self.write,
        })
    }
}

impl Message {
    /// A two-way request with a JSON header and nothing wrong with it.
    pub fn new(connection: usize, content: Content) -> Self {
        Self { connection, content, oneway: false, binary: false, release: None, defect: None, signer: None }
    }

    /// The request, with `salt` in place of the mark of its names, and with the defects that leave it a request.
    pub fn request(&self, salt: &str) -> Request {
        let mut request = match &self.content {
            Content::Register(registration) => salted_registration(registration, salt).request(),
            content => salted_request(&content.request(), salt),
        };
        if self.oneway {
            request = request.oneway();
        }
        if self.binary {
            request.form = HeaderForm::Binary;
        }
        request.version = self.release.unwrap_or(request.version);
        if request.code == 103 && (0..FULL_BODY_SINCE).contains(&request.version) {
            leave_wrapper(&mut request);
        }
        if let Some(defect) = &self.defect {
            defect.damage_request(&mut request);
        }
        match self.signer {
            Some(signer) => signer.sign(request),
            None => request,
        }
    }

    /// The frame.
    pub fn frame(&self, salt: &str, opaque: i32) -> Vec<u8> {
        let frame = self.request(salt).opaque(opaque).encode();
        match &self.defect {
            Some(defect) => defect.damage_frame(&frame),
            None => frame,
        }
    }
}

/// Takes the wrapper out of a JSON body. Without it a server would take the time at which it reads for the data
/// version.
fn leave_wrapper(request: &mut Request) {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let wrapper = body.split_once("\"topicConfigSerializeWrapper\":").and_then(|(_, rest)| rest.strip_suffix('}'));
    if let Some(wrapper) = wrapper {
        request.body = wrapper.as_bytes().to_vec();
        let crc = (crc32fast::hash(&request.body) & 0x7fff_ffff).to_string();
        for (_, value) in request.fields.iter_mut().flatten().filter(|(name, _)| name == "bodyCrc32") {
            value.clone_from(&crc);
        }
    }
}

/// A text with `salt` in place of the mark.
pub fn salted(text: &str, salt: &str) -> String {
    text.replace(MARK, salt)
}

fn salted_request(request: &Request, salt: &str) -> Request {
    let field = |(name, value): &(String, String)| (name.clone(), salted(value, salt));
    let fields = request.fields.as_ref().map(|fields| fields.iter().map(field).collect());
    let body = match str::from_utf8(&request.body) {
        Ok(text) => salted(text, salt).into_bytes(),
        Err(_) => request.body.clone(),
    };
    Request { fields, body, ..request.clone() }
}

fn salted_registration(registration: &Registration, salt: &str) -> Registration {
    let own = |text: &String| salted(text, salt);
    let topic = |topic: &Topic| Topic { name: own(&topic.name), ..topic.clone() };
    let mapping = |mapping: &Mapping| Mapping { topic: own(&mapping.topic), ..mapping.clone() };
    Registration {
        cluster: registration.cluster.as_ref().map(own),
        broker: registration.broker.as_ref().map(own),
        address: registration.address.as_ref().map(own),
        ha_address: own(&registration.ha_address),
        topics: registration.topics.as_ref().map(|topics| topics.iter().map(topic).collect()),
        filter_servers: registration.filter_servers.as_ref().map(|servers| servers.iter().map(own).collect()),
        mappings: registration.mappings.iter().map(mapping).collect(),
        ..registration.clone()
    }
}

/// REGISTER_TOPIC_IN_NAMESRV: a topic with four queues on each of these brokers.
pub fn register_topic(topic: &str, brokers: &[impl AsRef<str>]) -> Request {
    let queues = Queues { read: 4, write: 4, perm: 6, flags: 0 };
    let entries = brokers.iter().map(|broker| (broker.as_ref().to_owned(), queues)).collect();
    Content::RegisterTopic { topic: topic.to_owned(), entries }.request()
}
