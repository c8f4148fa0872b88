//! Broker groups as answers show them.

use super::QueueFragment;
use crate::wire::json::{self, Dialect};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The filter servers of one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterServers {
    pub(crate) address: Arc<str>,
    /// `"<address>":[…]`.
    pub(crate) json: Box<[u8]>,
}

impl FilterServers {
    pub(crate) fn new<'a>(address: Arc<str>, servers: impl Iterator<Item = &'a str>) -> Self {
        let mut output = Vec::new();
        json::string(&mut output, &address);
        output.push(b':');
        json::strings(&mut output, servers);
        Self { address, json: output.into() }
    }

    /// Returns `[…]`.
    pub(crate) fn list(&self) -> &[u8] {
        let mut key = Vec::new();
        json::string(&mut key, &self.address);
        self.json.get(key.len() + 1..).unwrap_or_default()
    }
}

/// The contents of a broker group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BrokerData {
    pub(crate) name: Arc<str>,
    pub(crate) cluster: Arc<str>,
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) enable_acting_master: bool,
    /// In the order of identifiers.
    pub(crate) addresses: Vec<(i64, Arc<str>)>,
    /// The clusters that members registered in.
    pub(crate) clusters: Vec<Arc<str>>,
    pub(crate) filter_servers: Vec<FilterServers>,
}

/// A broker group as answers show it.
#[derive(Debug)]
pub(crate) struct BrokerGroup {
    pub(crate) data: BrokerData,
    /// `{"brokerAddrs":…}` by dialect.
    json: [Box<[u8]>; 2],
    /// The same with the slave of the smallest identifier shown as master, if the group allows an acting master and has
    /// no master.
    acting: Option<[Box<[u8]>; 2]>,
    /// `{"brokerName":…`, the start of the group's entry in a topic.
    entry_start: Box<[u8]>,
}

impl BrokerGroup {
    pub(crate) fn new(data: BrokerData) -> Self {
        let json = Dialect::ALL.map(|dialect| data.write(dialect, None));
        let may_act = data.enable_acting_master && !data.addresses.is_empty() && !data.has_master();
        let acting = may_act.then(|| Dialect::ALL.map(|dialect| data.write(dialect, Some(0))));
        let mut entry_start = br#"{"brokerName":"#.to_vec();
        json::string(&mut entry_start, &data.name);
        Self { data, json, acting, entry_start: entry_start.into() }
    }

    /// Returns the group as a route shows it. If `acting` is set and the group allows it, the slave of the smallest
    /// identifier acts as master.
    #[inline]
    pub(crate) fn json(&self, dialect: Dialect, acting: bool) -> &[u8] {
        match &self.acting {
            Some(json) if acting => &json[dialect.index()],
            Some(_) | None => &self.json[dialect.index()],
        }
    }

    /// Writes the entry of the group in a topic.
    #[inline]
    pub(crate) fn write_entry(&self, queue: &QueueFragment, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.entry_start);
        output.extend_from_slice(&queue.json);
    }

    /// Whether the group can have an acting master.
    #[inline]
    pub(crate) const fn can_act(&self) -> bool {
        self.acting.is_some()
    }
}

impl BrokerData {
    pub(crate) fn has_master(&self) -> bool {
        self.has_member(0)
    }

    pub(crate) fn has_member(&self, id: i64) -> bool {
        self.addresses.binary_search_by_key(&id, |(id, _)| *id).is_ok()
    }

    fn write(&self, dialect: Dialect, first_id: Option<i64>) -> Box<[u8]> {
        let mut output = Vec::new();
        output.push(b'{');
        write_addresses(&mut output, &self.addresses, dialect, first_id);
        output.extend_from_slice(br#","brokerName":"#);
        json::string(&mut output, &self.name);
        output.extend_from_slice(br#","cluster":"#);
        json::string(&mut output, &self.cluster);
        output.extend_from_slice(br#","enableActingMaster":"#);
        output.extend_from_slice(if self.enable_acting_master { b"true" } else { b"false" });
        if let Some(zone) = &self.zone {
            output.extend_from_slice(br#","zoneName":"#);
            json::string(&mut output, zone);
        }
        output.push(b'}');
        output.into()
    }
}

/// Writes `"brokerAddrs":{…}`. `first_id` replaces the smallest identifier.
pub(super) fn write_addresses(
    output: &mut Vec<u8>,
    addresses: &[(i64, Arc<str>)],
    dialect: Dialect,
    first_id: Option<i64>,
) {
    output.extend_from_slice(br#""brokerAddrs":{"#);
    let mut substitute = first_id;
    json::separated(output, addresses, |output, (id, address)| {
        json::integer_key(output, substitute.take().unwrap_or(*id), dialect);
        json::string(output, address);
    });
    output.push(b'}');
}
