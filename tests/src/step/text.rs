//! Steps as commands of a scenario, so that a shrunk sequence can be made one.

use super::words::MARK;
use super::{Content, Message, Step};
use crate::registration::{Compression, Generation, Mapping, Registration, Topic, Version};
use crate::request::Request;
use std::fmt;

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(messages) => write_messages(f, messages),
            Self::Batch(messages) => {
                writeln!(f, "# in one batch")?;
                write_messages(f, messages)
            }
            Self::Disconnect { connection } => write!(f, "disconnect peer-{connection}"),
            Self::Garbage { connection } => write!(f, "# another protocol over peer-{connection}"),
            Self::Advance { millis } => write!(f, "advance {millis}ms"),
            Self::Freeze { millis, arrived } => {
                writeln!(f, "# frozen for {millis} ms, and then")?;
                write_messages(f, arrived)
            }
            Self::SetClock { millis } => write!(f, "# the wall clock steps by {millis} ms"),
            Self::Disk(disk) => write!(f, "# disk: {disk:?}"),
            Self::Access(access) => write!(f, "# signatures are asked for: {access:?}"),
            Self::Restart { from, millis } => write!(f, "# restart after {millis} ms with {from:?}"),
            Self::Stop => write!(f, "shutdown"),
        }
    }
}

fn write_messages(f: &mut fmt::Formatter<'_>, messages: &[Message]) -> fmt::Result {
    for (index, message) in messages.iter().enumerate() {
        if index > 0 {
            writeln!(f)?;
        }
        write!(f, "{message}")?;
    }
    Ok(())
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Register(registration) => write_registration(f, registration)?,
            content => write_request(f, &content.request())?,
        }
        for (flag, word) in [(self.oneway, "oneway"), (self.binary, "binary")] {
            if flag {
                write!(f, " {word}")?;
            }
        }
        if let Some(release) = self.release {
            write!(f, " release={release}")?;
        }
        write!(f, " via=peer-{}", self.connection)?;
        self.signer.iter().try_for_each(|signer| write!(f, "   # signed: {signer:?}"))?;
        self.defect.iter().try_for_each(|defect| write!(f, "   # {defect}"))
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
