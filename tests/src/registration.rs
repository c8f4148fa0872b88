//! Registrations as brokers of several releases send them.

use crate::request::{Request, VERSION_4_9_7, VERSION_5_5_0};
use serde_json::{Map, Value, json};
use std::io::Write;

/// Which release a broker is of, as far as its registration shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Generation {
    /// 5.5.0: says whether it takes part in acting master, and sends all five members of the wrapper.
    #[default]
    Five,
    /// 4.9.7: says nothing of it, has no state version and no mappings.
    Four,
}

/// Whether and how the body is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// JSON.
    #[default]
    None,
    /// Compressed, and the header says so.
    Announced,
    /// Compressed, and the header denies it, as every 5.x broker does.
    Denied,
}

/// The version of a topic table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Decides conflicts for a broker identifier.
    pub state: i64,
    /// Counts changes.
    pub counter: i64,
    /// Time of the last change, milliseconds since 1970.
    pub timestamp: i64,
}

impl Version {
    /// The version after `counter` changes, each a second after the one before.
    pub const fn counter(counter: i64) -> Self {
        Self { state: 0, counter, timestamp: 1_700_000_000_000 + 1000 * counter }
    }

    /// The JSON that a 5.x broker sends for it.
    pub fn json(&self) -> Value {
        json!({"counter": self.counter, "stateVersion": self.state, "timestamp": self.timestamp})
    }
}

/// One topic of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Name; also the key in the table.
    pub name: String,
    /// Queues to read from.
    pub read_queues: i32,
    /// Queues to write to.
    pub write_queues: i32,
    /// Permission bits.
    pub perm: i32,
    /// Flag bits.
    pub flags: i32,
    /// Whether the topic has a name besides its key.
    pub named: bool,
}

/// A table in parts of so many topics, as brokers send it: every full one, then the rest, even if that is empty.
pub fn parts(topics: &[Topic], size: usize) -> impl Iterator<Item = &[Topic]> {
    let full = topics.chunks_exact(size);
    let rest = full.remainder();
    full.chain([rest])
}

impl Topic {
    /// A topic of 8 queues that can be read and written.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), read_queues: 8, write_queues: 8, perm: 6, flags: 0, named: true }
    }

    fn json(&self, generation: Generation) -> Value {
        let mut topic = json!({
            "order": false, "perm": self.perm, "readQueueNums": self.read_queues, "topicFilterType": "SINGLE_TAG",
            "topicSysFlag": self.flags, "writeQueueNums": self.write_queues,
        });
        if self.named {
            topic["topicName"] = self.name.as_str().into();
        }
        if generation == Generation::Five {
            topic["attributes"] = json!({});
        }
        topic
    }

    fn line(&self) -> String {
        format!("{} {} {} {} SINGLE_TAG {{}}", self.name, self.read_queues, self.write_queues, self.perm)
    }
}

/// Which queues of a static topic stand on the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Name of the topic.
    pub topic: String,
    /// Queues of the topic over all brokers.
    pub total_queues: i32,
    /// Version of the mapping.
    pub epoch: i64,
    /// Global queue number and local queue number.
    pub queues: Vec<(i32, i32)>,
}

impl Mapping {
    /// Written as brokers do, with unquoted integer keys.
    fn plain_json(&self, broker: &str) -> String {
        let queues: Vec<_> = self.queues.iter().map(|(global, local)| format!("{global}:{local}")).collect();
        format!(
            r#"{{"bname":{},"currIdMap":{{{}}},"dirty":false,"epoch":{},"scope":"__global__","topic":{},"totalQueues":{}}}"#,
            json!(broker),
            queues.join(","),
            self.epoch,
            json!(self.topic),
            self.total_queues
        )
    }
}

/// Everything that a broker says when it registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Name of the cluster; absent when the field is left out.
    pub cluster: Option<String>,
    /// Name of the broker group; absent when the field is left out.
    pub broker: Option<String>,
    /// Identifier within the group; absent when the field is left out.
    pub id: Option<i64>,
    /// Advertised address; absent when the field is left out.
    pub address: Option<String>,
    /// Address of the replication service.
    pub ha_address: String,
    /// Milliseconds of silence after which the broker is gone; absent when the field is left out.
    pub timeout: Option<i64>,
    /// Whether it takes part in acting master; a 4.x broker never says.
    pub acting_master: bool,
    /// The zone it stands in.
    pub zone: Option<String>,
    /// Its release.
    pub generation: Generation,
    /// How the body is sent.
    pub compression: Compression,
    /// Version of its topics; absent is `null`.
    pub version: Option<Version>,
    /// Its topics; absent is `null`.
    pub topics: Option<Vec<Topic>>,
    /// Its filter servers; absent is `null`.
    pub filter_servers: Option<Vec<String>>,
    /// Its static topics.
    pub mappings: Vec<Mapping>,
    /// Version of its static topics; the time in it is now whenever a real 5.x broker registers.
    pub mapping_version: Version,
}

impl Registration {
    /// A 5.5.0 broker of `DefaultCluster` without topics. Its addresses are made of its name and identifier.
    pub fn new(broker: &str, id: i64) -> Self {
        Self {
            cluster: Some("DefaultCluster".to_owned()),
            broker: Some(broker.to_owned()),
            id: Some(id),
            address: Some(format!("{broker}.{id}:10911")),
            ha_address: format!("{broker}.{id}:10912"),
            timeout: None,
            acting_master: false,
            zone: None,
            generation: Generation::Five,
            compression: Compression::None,
            version: Some(Version::counter(1)),
            topics: Some(Vec::new()),
            filter_servers: Some(Vec::new()),
            mappings: Vec::new(),
            mapping_version: Version::counter(0),
        }
    }

    /// The request: REGISTER_BROKER with the right checksum.
    pub fn request(&self) -> Request {
        let body = match self.compression {
            Compression::None => self.json_body().into_bytes(),
            Compression::Announced | Compression::Denied => self.compressed_body(),
        };
        let acting_master = (self.generation == Generation::Five).then_some(self.acting_master);
        Request::new(103)
            .version(match self.generation {
                Generation::Five => VERSION_5_5_0,
                Generation::Four => VERSION_4_9_7,
            })
            .optional("brokerName", self.broker.as_ref())
            .optional("brokerAddr", self.address.as_ref())
            .optional("clusterName", self.cluster.as_ref())
            .field("haServerAddr", &self.ha_address)
            .optional("brokerId", self.id)
            .optional("heartbeatTimeoutMillis", self.timeout)
            .optional("enableActingMaster", acting_master)
            .field("compressed", self.compression == Compression::Announced)
            .field("bodyCrc32", crc32fast::hash(&body) & 0x7fff_ffff)
            .optional("__ZONE_NAME", self.zone.as_ref())
            .body(body)
    }

    /// A request of this code that names the broker: UNREGISTER_BROKER, BROKER_HEARTBEAT, QUERY_DATA_VERSION.
    pub fn naming_request(&self, code: i32) -> Request {
        Request::new(code)
            .optional("brokerName", self.broker.as_ref())
            .optional("brokerAddr", self.address.as_ref())
            .optional("clusterName", self.cluster.as_ref())
            .optional("brokerId", self.id)
    }

    /// The body as JSON text.
    pub fn json_body(&self) -> String {
        let version = self.version.map_or(Value::Null, |version| match self.generation {
            Generation::Five => version.json(),
            Generation::Four => json!({"counter": version.counter, "timestamp": version.timestamp}),
        });
        let topics = self.topics.as_ref().map_or(Value::Null, |topics| {
            let topics = topics.iter().map(|topic| (topic.name.clone(), topic.json(self.generation)));
            Value::Object(topics.collect::<Map<_, _>>())
        });
        let filter_servers = json!(self.filter_servers);
        if self.generation == Generation::Four {
            return format!(
                r#"{{"filterServerList":{filter_servers},"topicConfigSerializeWrapper":{{"dataVersion":{version},"topicConfigTable":{topics}}}}}"#
            );
        }
        let broker = self.broker.as_deref().unwrap_or_default();
        let mappings: Vec<_> =
            self.mappings.iter().map(|one| format!("{}:{}", json!(one.topic), one.plain_json(broker))).collect();
        format!(
            r#"{{"filterServerList":{filter_servers},"topicConfigSerializeWrapper":{{"dataVersion":{version},"mappingDataVersion":{},"topicConfigTable":{topics},"topicQueueMappingDetailMap":{{}},"topicQueueMappingInfoMap":{{{}}}}}}}"#,
            self.mapping_version.json(),
            mappings.join(",")
        )
    }

    /// The body in its compressed form, as a sender of this release writes it.
    pub fn compressed_body(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        push_text(&mut plain, &self.version.map_or_else(|| "null".to_owned(), |version| version.json().to_string()));
        let topics = self.topics.as_deref().unwrap_or_default();
        plain.extend((topics.len() as u32).to_be_bytes());
        for topic in topics {
            push_text(&mut plain, &topic.line());
        }
        push_text(&mut plain, &json!(self.filter_servers).to_string());
        if self.generation == Generation::Five {
            plain.extend((self.mappings.len() as u32).to_be_bytes());
            for mapping in &self.mappings {
                push_text(&mut plain, &mapping.plain_json(self.broker.as_deref().unwrap_or_default()));
            }
        }
        deflate(&plain)
    }
}

/// A zlib stream of `plain`.
pub fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u32).to_be_bytes());
    out.extend(text.as_bytes());
}
