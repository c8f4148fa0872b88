//! One record of the audit: what happened, and its members by name.

use crate::cut::cut;
use crate::logging::AUDIT_TARGET;
use namesrv_core::ClientAddress;
use namesrv_core::Peer;
use namesrv_core::access::{Class, Refusal, RefusalCause};
use namesrv_core::config::Changes;
use namesrv_core::event::{AdminWrite, BrokerIdentity, Change, RefusedRequest, Subject};
use namesrv_core::time::WallTime;
use namesrv_core::wire::code::request;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, UNIX_EPOCH};
use tracing::{info, warn};

/// Characters of the name of a user that was refused: the peer chose it.
const USER_CHARACTERS_MAX: usize = 64;

/// The end of the year 9999: later times have no text.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    time: WallTime,
    kind: Kind,
    /// In the order in which they are shown.
    members: Vec<(&'static str, Value)>,
    /// What limits such records.
    cause: Option<RefusalCause>,
    address: IpAddr,
}

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Admin,
    Refused,
    WouldRefuse,
    LeftOut,
    Takeover,
    SecondClaim,
    PreviousSecret,
    Reload,
    ReloadFailed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(i64),
}

/// Logs a record with these members, as far as it has them.
macro_rules! log {
    ($level:ident, $record:expr, texts: $($text:ident)+, numbers: $($number:ident)+) => {
        $level!(
            target: AUDIT_TARGET,
            {
                "type" = $record.kind.name(),
                $( $text = $record.text(stringify!($text)), )+
                $( $number = $record.number(stringify!($number)) ),+
            },
            "{}",
            $record.kind.message()
        )
    };
}

/// The same for each level.
macro_rules! log_members {
    ($level:ident, $record:expr) => {
        log!($level, $record,
            texts: command class cause user allowed_by peer connection namespace key before after broker cluster address
                   topic from from_peer keys at_next_start error,
            numbers: code id topics groups result left_out)
    };
}

impl Kind {
    /// The name in JSON.
    const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Refused => "refused",
            Self::WouldRefuse => "would_refuse",
            Self::LeftOut => "left_out",
            Self::Takeover => "takeover",
            Self::SecondClaim => "second_claim",
            Self::PreviousSecret => "previous_secret",
            Self::Reload => "reload",
            Self::ReloadFailed => "reload_failed",
        }
    }

    /// The words in the log.
    const fn message(self) -> &'static str {
        match self {
            Self::Admin => "administrator's request served",
            Self::Refused => "request refused",
            Self::WouldRefuse => "request would be refused",
            Self::LeftOut => "more of the same was left out",
            Self::Takeover => "broker took over the identifier of another address",
            Self::SecondClaim => "broker registered from a second address",
            Self::PreviousSecret => "user signs with the previous secret",
            Self::Reload => "configuration reloaded",
            Self::ReloadFailed => "reload failed, nothing was changed",
        }
    }
}

impl Record {
    fn new(kind: Kind, time: WallTime) -> Self {
        Self { time, kind, members: Vec::new(), cause: None, address: Ipv4Addr::UNSPECIFIED.into() }
    }

    /// A request of an administrator that was served.
    pub(super) fn write(write: &AdminWrite, time: WallTime) -> Self {
        let AdminWrite { code, peer, grant, subject, change, result } = write;
        let record = Self::new(Kind::Admin, time).with_request(*code);
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

    /// A request that was refused.
    pub(super) fn refusal(refused: &RefusedRequest, time: WallTime) -> Self {
        Self::of_refusal(Kind::Refused, refused, time)
    }

    /// A request that would be refused if the rules were not only observed.
    pub(super) fn observed_refusal(refused: &RefusedRequest, time: WallTime) -> Self {
        Self::of_refusal(Kind::WouldRefuse, refused, time)
    }

    fn of_refusal(kind: Kind, refused: &RefusedRequest, time: WallTime) -> Self {
        let RefusedRequest { code, peer, refusal: Refusal { cause, user, address }, subject } = refused;
        let user = user.as_deref().map(|user| user.chars().take(USER_CHARACTERS_MAX).collect::<String>());
        let record = Self::new(kind, time).with_request(*code).with("class", Class::of(*code).name());
        let record = record.with("cause", cause.name()).with_some("user", user.as_deref());
        Self { cause: Some(*cause), address: *address, ..record.with_peer(*peer).with_subject(subject) }
    }

    /// So many records were left out, because there were too many.
    pub(super) fn left_out(count: u64, time: WallTime) -> Self {
        Self::new(Kind::LeftOut, time).after(count)
    }

    /// A registration took the identifier of another address.
    pub(super) fn takeover(
        broker: &BrokerIdentity,
        peer: Peer,
        from: &str,
        from_peer: ClientAddress,
        time: WallTime,
    ) -> Self {
        let record = Self::new(Kind::Takeover, time).with_broker(broker).with_peer(peer);
        record.with("from", from).with("from_peer", &from_peer.to_string())
    }

    /// A broker was registered from a second address of the network.
    pub(super) fn second_claim(broker: &BrokerIdentity, holder: ClientAddress, peer: Peer, time: WallTime) -> Self {
        let record = Self::new(Kind::SecondClaim, time).with_broker(broker).with_peer(peer);
        record.with("from_peer", &holder.to_string())
    }

    /// A user signed with its previous secret.
    pub(super) fn previous_secret(user: &str, code: i32, peer: Peer, time: WallTime) -> Self {
        Self::new(Kind::PreviousSecret, time).with_request(code).with("user", user).with_peer(peer)
    }

    /// The configuration was read again, and so many keys changed.
    pub(crate) fn reload(changes: &Changes, time: WallTime) -> Self {
        let list = |keys: &[String]| (!keys.is_empty()).then(|| keys.join(", "));
        let record = Self::new(Kind::Reload, time).with_some("keys", list(&changes.in_effect).as_deref());
        record.with_some("at_next_start", list(&changes.at_start).as_deref())
    }

    /// The configuration was read again, with this error.
    pub(crate) fn reload_failed(error: &str, time: WallTime) -> Self {
        Self::new(Kind::ReloadFailed, time).with("error", error)
    }

    /// So many records were left out before this one.
    pub(super) fn after(self, left_out: u64) -> Self {
        if left_out == 0 { self } else { self.with_count("left_out", left_out) }
    }

    /// What is told once a second.
    pub(super) fn limited_by(&self) -> (&'static str, IpAddr) {
        (self.cause.map_or(self.kind.name(), RefusalCause::name), self.address)
    }

    /// Writes the line in the log.
    pub(super) fn log(&self) {
        match self.kind {
            Kind::Admin | Kind::Reload => log_members!(info, self),
            Kind::Refused
            | Kind::WouldRefuse
            | Kind::LeftOut
            | Kind::Takeover
            | Kind::SecondClaim
            | Kind::PreviousSecret
            | Kind::ReloadFailed => log_members!(warn, self),
        }
    }

    /// The line of the audit file.
    pub(super) fn line(&self) -> Vec<u8> {
        // Texts and numbers can always be written.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    fn with_request(self, code: i32) -> Self {
        let record = self.with_some("command", request::name(code));
        record.with_number("code", code)
    }

    fn with_peer(self, peer: Peer) -> Self {
        let record = self.with("peer", &peer.address.to_string()).with("connection", &format!("{:?}", peer.conn));
        Self { address: peer.address.ip(), ..record }
    }

    fn with_subject(self, subject: &Subject) -> Self {
        subject.iter().fold(self, |record, (name, value)| record.with(member(name), value))
    }

    fn with_broker(self, broker: &BrokerIdentity) -> Self {
        let BrokerIdentity { cluster, name, id, address } = broker;
        let record = self.with("broker", name).with("cluster", cluster).with("address", address);
        record.with_number("id", *id)
    }

    fn with_some(self, name: &'static str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.with(name, text),
            None => self,
        }
    }

    fn with(self, name: &'static str, text: &str) -> Self {
        self.with_value(name, Value::Text(cut(text).into_owned()))
    }

    fn with_number(self, name: &'static str, number: impl Into<i64>) -> Self {
        self.with_value(name, Value::Number(number.into()))
    }

    fn with_count(self, name: &'static str, count: impl TryInto<i64>) -> Self {
        self.with_value(name, Value::Number(count.try_into().unwrap_or(i64::MAX)))
    }

    fn with_value(mut self, name: &'static str, value: Value) -> Self {
        self.members.push((name, value));
        self
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(member, _)| *member == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Number(_)) | None => None,
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        match self.value(name) {
            Some(Value::Number(number)) => Some(*number),
            Some(Value::Text(_)) | None => None,
        }
    }
}

/// The name of the member that tells of a field of a request.
fn member(field: &'static str) -> &'static str {
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
        let time = UNIX_EPOCH + Duration::from_millis(self.time.as_millis().min(LAST_MILLISECOND));
        map.serialize_entry("time", &humantime::format_rfc3339_millis(time).to_string())?;
        map.serialize_entry("type", self.kind.name())?;
        for (name, value) in &self.members {
            match value {
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Number(number) => map.serialize_entry(name, number)?,
            }
        }
        map.end()
    }
}
