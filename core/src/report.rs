//! What only the registry knows, for operators who ask.

use crate::Peer;
use crate::config::Source;
use crate::event::BrokerIdentity;
use crate::time::Duration;
use crate::wire::register::DataVersion;
use alloc::string::String;
use alloc::vec::Vec;

/// What an operator asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportRequest {
    /// The members of groups whose names come after this one.
    pub groups_after: String,
    /// At most about this many members: a group is never split.
    pub members_max: usize,
    /// Whether to include all keys of the configuration with their values.
    pub with_configuration: bool,
}

/// What the registry knew when it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Members in the order of their groups' names and their identifiers.
    pub members: Vec<ReportedMember>,
    /// Whether more groups follow.
    pub has_more: bool,
    /// Approximate bytes of all that is registered.
    pub registry_bytes: usize,
    /// Number of KV entries.
    pub kv_entries: usize,
    /// Keys and values of the configuration, if the request asks for them.
    pub configuration: Vec<ReportedValue>,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedValue {
    /// The key.
    pub key: String,
    /// The part of its value that may be shown.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedMember {
    /// The broker.
    pub broker: BrokerIdentity,
    /// Time since the broker's last sign of life; an estimate for an unconfirmed broker. Pauses of the server do not
    /// count.
    pub silent: Duration,
    /// Time until the broker expires, unless it gives a sign of life.
    pub leaves_in: Duration,
    /// The version of its topic table.
    pub data_version: Option<DataVersion>,
    /// Topics of its group.
    pub topics: usize,
    /// The connection that it registered over; `None` while it is unconfirmed.
    pub peer: Option<Peer>,
    /// Whether the broker is known from before the restart of the server, and has not registered since.
    pub unconfirmed: bool,
}
