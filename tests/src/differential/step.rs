//! One step of a sequence: what a peer does. Names end in `~`, which every run replaces by a text of its own.

use super::defect::Defect;
use crate::registration::{Compression, Generation, Mapping, Registration, Topic, Version};
use crate::request::{HeaderForm, Request};
use std::fmt;

/// What stands in a name for the text that tells the runs apart.
pub const MARK: char = '~';

/// The first release that registers with more than a wrapper of its topics.
pub(super) const FULL_BODY_SINCE: i32 = 37;

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which of the peers' connections, from 0.
    pub connection: usize,
    /// What happens on it.
    pub act: Act,
}

/// What happens on a connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// The peer closes it.
    Close,
    /// A request.
    Send(Box<Message>),
}

/// A request, and how it is sent.
#[derive(Clone, Debug)]
pub struct Message {
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
}

/// What a request says.
#[derive(Clone, Debug)]
pub enum Content {
    /// REGISTER_BROKER.
    Registration(Box<Registration>),
    /// Anything else.
    Request(Request),
}

impl Step {
    /// The name of its connection.
    #[must_use]
    pub fn connection_name(&self) -> String {
        format!("peer-{}", self.connection)
    }

    /// Its request; absent when the connection is closed.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match &self.act {
            Act::Close => None,
            Act::Send(message) => Some(message),
        }
    }

    /// Its registration, if it is one.
    #[must_use]
    pub fn registration(&self) -> Option<&Registration> {
        match &self.message()?.content {
            Content::Registration(registration) => Some(registration),
            Content::Request(_) => None,
        }
    }

    /// Its request code; absent when the connection is closed.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.message().map(Message::code)
    }
}

impl Message {
    /// A two-way request with a JSON header and nothing wrong with it.
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self { content, oneway: false, binary: false, release: None, defect: None }
    }

    /// The request code.
    #[must_use]
    pub fn code(&self) -> i32 {
        match &self.content {
            Content::Registration(_) => 103,
            Content::Request(request) => request.code,
        }
    }

    /// The request with a run's own names, before its header and body are damaged.
    #[must_use]
    pub fn request(&self, salt: &str) -> Request {
        let mut request = match &self.content {
            Content::Registration(registration) => salted_registration(registration, salt).request(),
            Content::Request(request) => salted_request(request, salt),
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
        request
    }

    /// The frame of a run.
    #[must_use]
    pub fn frame(&self, salt: &str, opaque: i32) -> Vec<u8> {
        let frame = self.request(salt).opaque(opaque).encode();
        match &self.defect {
            Some(defect) => defect.damage_frame(&frame),
            None => frame,
        }
    }
}

/// Takes the wrapper out of a JSON body. Without it a server would take the time at which it reads for the data version.
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

/// A text with a run's own names.
#[must_use]
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

/// Written as a command of a scenario where it can be, so that it can be made one.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Act::Send(message) = &self.act else { return write!(f, "disconnect {}", self.connection_name()) };
        match &message.content {
            Content::Registration(registration) => write_registration(f, registration)?,
            Content::Request(request) => write_request(f, request)?,
        }
        for (flag, word) in [(message.oneway, "oneway"), (message.binary, "binary")] {
            if flag {
                write!(f, " {word}")?;
            }
        }
        if let Some(release) = message.release {
            write!(f, " release={release}")?;
        }
        write!(f, " via={}", self.connection_name())?;
        message.defect.iter().try_for_each(|defect| write!(f, "   # {defect}"))
    }
}

fn plain(text: &str) -> String {
    let text: String = text.replace(MARK, "").escape_debug().collect();
    if text.contains([' ', '"']) || text.is_empty() { format!("\"{text}\"") } else { text }
}

fn write_request(f: &mut fmt::Formatter<'_>, request: &Request) -> fmt::Result {
    write!(f, "request {}", request.code)?;
    for (name, value) in request.fields.iter().flatten() {
        write!(f, " {name}={}", plain(value))?;
    }
    if !request.body.is_empty() {
        write!(f, " body={}", plain(&String::from_utf8_lossy(&request.body)))?;
    }
    if request.version == crate::request::VERSION_5_5_0 { Ok(()) } else { write!(f, " release={}", request.version) }
}

fn write_registration(f: &mut fmt::Formatter<'_>, one: &Registration) -> fmt::Result {
    let text = |text: &Option<String>| text.as_deref().map_or_else(|| "missing".to_owned(), plain);
    write!(f, "register {}", text(&one.broker))?;
    write!(f, "{}", one.id.map_or_else(|| " id=missing".to_owned(), |id| format!("/{id}")))?;
    write!(f, " cluster={} address={}", text(&one.cluster), text(&one.address))?;
    let topics = one.topics.as_ref().map(|topics| topics.iter().map(topic).collect::<Vec<_>>().join(","));
    write!(f, " topics={}", topics.as_deref().unwrap_or("null"))?;
    match one.version {
        Some(Version { state, counter, .. }) => write!(f, " version={state}.{counter}")?,
        None => write!(f, " version=null")?,
    }
    if !one.mappings.is_empty() {
        write!(f, " mappings={}", one.mappings.iter().map(mapping).collect::<Vec<_>>().join(","))?;
    }
    if let Some(timeout) = one.timeout {
        write!(f, " timeout={timeout}")?;
    }
    if let Some(zone) = &one.zone {
        write!(f, " zone={}", plain(zone))?;
    }
    match &one.filter_servers {
        None => write!(f, " filter-servers=null")?,
        Some(servers) if servers.is_empty() => {}
        Some(servers) => write!(f, " filter-servers={}", plain(&servers.join(",")))?,
    }
    match one.compression {
        Compression::None => {}
        Compression::Announced => write!(f, " compressed=announced")?,
        Compression::Denied => write!(f, " compressed=denied")?,
    }
    match (one.generation, one.acting_master) {
        (Generation::Four, _) => write!(f, " 4.x"),
        (Generation::Five, true) => write!(f, " acting"),
        (Generation::Five, false) => Ok(()),
    }
}

fn topic(topic: &Topic) -> String {
    let Topic { read_queues, write_queues, perm, flags, named, .. } = topic;
    let mark = if *named { "" } else { "!" };
    format!("{mark}{}:{read_queues}/{write_queues}/{perm}/{flags}", plain(&topic.name))
}

fn mapping(mapping: &Mapping) -> String {
    let queues: Vec<_> = mapping.queues.iter().map(|(global, local)| format!("{global}-{local}")).collect();
    format!("{}:{}/{}/{}", plain(&mapping.topic), queues.join("+"), mapping.total_queues, mapping.epoch)
}
