//! One event as operators read it: its type, and its fields by name. Names of types and fields only change with a note
//! in the changelog.

mod event_type;

pub(crate) use event_type::EventType;

use crate::logging::AUDIT_TARGET;
use namesrv_core::Peer;
use namesrv_core::access::{Class, Refusal, RefusalCause};
use namesrv_core::config::Changes;
use namesrv_core::cut::{Bound, cut};
use namesrv_core::event::{AdminWrite, BrokerIdentity, Change, RefusedRequest, Subject};
use namesrv_core::time::WallTime;
use namesrv_core::wire::code::request;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, UNIX_EPOCH};
use tracing::{info, warn};

/// How much is shown of the name of a refused user: the peer chose it.
const USER_BOUND: Bound = Bound::Characters(64);

/// How much operators see of a text that a peer chose.
const TEXT_BOUND: Bound = Bound::Characters(256);

/// The end of the year 9999. Later times cannot be written.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    time: WallTime,
    event: EventType,
    /// In the order in which they are shown.
    fields: Vec<(&'static str, Value)>,
    /// The refusal that limits such records, if one does.
    cause: Option<RefusalCause>,
    address: IpAddr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(i64),
}

/// Shortens a text that a peer chose for operators.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    cut(text, TEXT_BOUND, "…")
}

/// Logs a record with those of these fields that it has.
macro_rules! log {
    ($level:ident, $record:expr, texts: $($text:ident)+, numbers: $($number:ident)+) => {
        $level!(
            target: AUDIT_TARGET,
            {
                "type" = $record.event.name(),
                $( $text = $record.text(stringify!($text)), )+
                $( $number = $record.number(stringify!($number)) ),+
            },
            "{}",
            $record.event.words()
        )
    };
}

/// As `log!`, for each level.
macro_rules! log_fields {
    ($level:ident, $record:expr) => {
        log!($level, $record,
            texts: command class reason user allowed_by peer connection namespace key before after broker cluster address
                   topic from from_peer keys at_next_start error,
            numbers: request_code broker_id topics groups result left_out)
    };
}

impl Record {
    pub(crate) fn new(event: EventType, time: WallTime) -> Self {
        Self { time, event, fields: Vec::new(), cause: None, address: Ipv4Addr::UNSPECIFIED.into() }
    }

    /// An administrator's request that was handled.
    pub(crate) fn write(write: &AdminWrite, time: WallTime) -> Self {
        let AdminWrite { code, peer, grant, subject, change, result } = write;
        let record = Self::new(EventType::of_change(change), time).with_request(*code);
        let record =
            record.with("user", grant.user.as_deref().unwrap_or("-")).with("allowed_by", grant.allowed_by.name());
        let mut record = record.with_peer(*peer).with_subject(subject);
        record = match change {
            Change::Nothing => record,
            Change::Kv { before, after } => {
                record.with_some("before", before.as_deref()).with_some("after", after.as_deref())
            }
            Change::WritePermission { writable, topics } => {
                let after = if *writable { "writable" } else { "read-only" };
                record.with("after", after).with_count("topics", *topics)
            }
            Change::TopicDeleted { groups } => record.with_count("groups", *groups),
            Change::Configuration { keys, is_saved } => {
                let error = (!is_saved).then_some("it holds until the next start: it cannot be saved");
                record.with("keys", &keys.join(", ")).with_some("error", error)
            }
        };
        record.with_number("result", *result)
    }

    /// A request that was refused, or would be if the rules were enforced.
    pub(crate) fn refusal(event: EventType, refused: &RefusedRequest, time: WallTime) -> Self {
        let RefusedRequest { code, peer, refusal: Refusal { cause, user, address }, subject } = refused;
        let user = user.as_deref().map(|user| cut(user, USER_BOUND, ""));
        let record = Self::new(event, time).with_request(*code).with("class", Class::of(*code).name());
        let record = record.with("reason", cause.name()).with_some("user", user.as_deref());
        Self { cause: Some(*cause), address: *address, ..record.with_peer(*peer).with_subject(subject) }
    }

    /// This many records were left out, because there were too many.
    pub(crate) fn left_out(count: u64, time: WallTime) -> Self {
        Self::new(EventType::LeftOut, time).after(count)
    }

    /// A user signed with its previous secret.
    pub(crate) fn previous_secret(user: &str, code: i32, peer: Peer, time: WallTime) -> Self {
        Self::new(EventType::PreviousSecret, time).with_request(code).with("user", user).with_peer(peer)
    }

    /// The configuration was reloaded, and these keys changed.
    pub(crate) fn reload(changes: &Changes, time: WallTime) -> Self {
        let list = |keys: &[String]| (!keys.is_empty()).then(|| keys.join(", "));
        let record = Self::new(EventType::Reload, time).with_some("keys", list(&changes.in_effect).as_deref());
        record.with_some("at_next_start", list(&changes.at_start).as_deref())
    }

    /// Reloading the configuration failed with this error.
    pub(crate) fn reload_failed(error: &str, time: WallTime) -> Self {
        Self::new(EventType::ReloadFailed, time).with("error", error)
    }

    /// This many records were left out before this one.
    pub(crate) fn after(self, left_out: u64) -> Self {
        if left_out == 0 { self } else { self.with_count("left_out", left_out) }
    }

    /// Returns what is recorded at most once a second.
    pub(crate) fn limited_by(&self) -> (&'static str, IpAddr) {
        (self.cause.map_or(self.event.name(), RefusalCause::name), self.address)
    }

    /// Returns the type of the event.
    pub(crate) const fn event(&self) -> EventType {
        self.event
    }

    /// Returns when it happened.
    pub(crate) const fn time(&self) -> WallTime {
        self.time
    }

    /// Returns the approximate bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        let texts = self.fields.iter().map(|(_, value)| match value {
            Value::Text(text) => text.capacity(),
            Value::Number(_) => 0,
        });
        size_of::<Self>() + self.fields.capacity() * size_of::<(&str, Value)>() + texts.sum::<usize>()
    }

    /// Writes the log line.
    pub(crate) fn log(&self) {
        if self.event.is_warning() { log_fields!(warn, self) } else { log_fields!(info, self) }
    }

    /// Returns the line for the audit file.
    pub(crate) fn line(&self) -> Vec<u8> {
        // Texts and numbers always serialize.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// Writes time, type and fields.
    pub(crate) fn write_to<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("time", &timestamp(self.time))?;
        map.serialize_entry("type", self.event.name())?;
        for (name, value) in &self.fields {
            match value {
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Number(number) => map.serialize_entry(name, number)?,
            }
        }
        Ok(())
    }

    pub(crate) fn with_request(self, code: i32) -> Self {
        let record = self.with_some("command", request::name(code));
        record.with_number("request_code", code)
    }

    pub(crate) fn with_peer(self, peer: Peer) -> Self {
        let record = self.with("peer", &peer.address.to_string()).with("connection", &format!("{:?}", peer.conn));
        Self { address: peer.address.ip(), ..record }
    }

    fn with_subject(self, subject: &Subject) -> Self {
        subject.iter().fold(self, |record, (name, value)| record.with(field(name), value))
    }

    pub(crate) fn with_broker(self, broker: &BrokerIdentity) -> Self {
        let BrokerIdentity { cluster, name, id, address } = broker;
        let record = self.with("broker", name).with("cluster", cluster).with("address", address);
        record.with_number("broker_id", *id)
    }

    pub(crate) fn with_some(self, name: &'static str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.with(name, text),
            None => self,
        }
    }

    pub(crate) fn with(self, name: &'static str, text: &str) -> Self {
        self.with_value(name, Value::Text(shown(text).into_owned()))
    }

    pub(crate) fn with_number(self, name: &'static str, number: impl Into<i64>) -> Self {
        self.with_value(name, Value::Number(number.into()))
    }

    pub(crate) fn with_count(self, name: &'static str, count: impl TryInto<i64>) -> Self {
        self.with_value(name, Value::Number(count.try_into().unwrap_or(i64::MAX)))
    }

    fn with_value(mut self, name: &'static str, value: Value) -> Self {
        self.fields.push((name, value));
        self
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// Returns the text of a field.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Number(_)) | None => None,
        }
    }

    /// Returns the number of a field.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        match self.value(name) {
            Some(Value::Number(number)) => Some(*number),
            Some(Value::Text(_)) | None => None,
        }
    }
}

/// Returns a point in time as RFC 3339 writes it, in UTC.
pub(crate) fn timestamp(time: WallTime) -> String {
    let time = UNIX_EPOCH + Duration::from_millis(time.as_millis().min(LAST_MILLISECOND));
    humantime::format_rfc3339_millis(time).to_string()
}

/// Returns the name that records use for a field of a request.
fn field(field: &'static str) -> &'static str {
    match field {
        "brokerName" => "broker",
        "clusterName" => "cluster",
        "brokerAddr" => "address",
        other => other,
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write_to(&mut map)?;
        map.end()
    }
}
