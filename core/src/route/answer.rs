//! Routes: the body of GET_ROUTEINFO_BY_TOPIC, assembled from encoded fragments.

use super::{BrokerGroup, QueueFragment, QueueRef, TopicRecord, Topology};
use crate::config::Settings;
use crate::wire::QueueValues;
use crate::wire::java::equals_ignoring_case;
use crate::wire::json::{self, Dialect};
use alloc::vec::Vec;
use core::ops::Range;

/// Prefix of the topics with which brokers watch their own group. Their routes always show the group as it is.
const SYNC_BROKER_MEMBER_PREFIX: &[u8] = b"rmq_sys_SYNC_BROKER_MEMBER_";

/// A query for a route. It decides the dialect of the answer and what the answer leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteQuery<'a> {
    /// The topic. A name that is not UTF-8 is an unknown topic.
    pub topic: &'a [u8],
    /// The dialect that the client's release understands.
    pub dialect: Dialect,
    /// The zone whose masters the client wants, if it wants only those. Such an answer is always in the plain dialect.
    pub zone: Option<&'a str>,
}

/// The route of a topic in a view.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    pub(super) query: RouteQuery<'a>,
    pub(super) record: &'a TopicRecord,
    pub(super) topology: &'a Topology,
    pub(super) settings: &'a Settings,
    /// The order configuration of the topic, as a JSON string.
    pub(super) order: Option<&'a [u8]>,
}

impl<'a> Route<'a> {
    /// Appends the body (Java: `TopicRouteData`, `ZoneRouteRPCHook.filterByZoneName`).
    #[inline]
    pub fn write(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(br#"{"brokerDatas":["#);
        let dialect = if self.query.zone.is_some() { Dialect::Plain } else { self.query.dialect };
        let positions = self.positions();
        self.write_groups(positions.as_ref(), dialect, output);
        if self.topology.has_filter_servers() {
            output.extend_from_slice(br#"],"filterServerTable":{"#);
            self.write_filter_servers(output);
            output.push(b'}');
        } else {
            output.extend_from_slice(br#"],"filterServerTable":{}"#);
        }
        if let Some(order) = self.order {
            output.extend_from_slice(br#","orderTopicConf":"#);
            output.extend_from_slice(order);
        }
        output.extend_from_slice(br#","queueDatas":["#);
        self.write_entries(positions.as_ref(), output);
        if self.record.mappings().is_empty() {
            return output.extend_from_slice(b"]}");
        }
        output.extend_from_slice(br#"],"topicQueueMappingByBroker":{"#);
        json::separated(output, self.record.mappings(), |output, mapping| {
            output.extend_from_slice(&mapping.json[dialect.index()]);
        });
        output.extend_from_slice(b"}}");
    }

    /// Returns the positions of the groups if the route shows all of them and no other group lies between them. This is
    /// the usual case.
    #[inline]
    fn positions(&self) -> Option<Range<usize>> {
        if self.query.zone.is_some() {
            return None;
        }
        self.topology.contiguous_range(self.record.queues())
    }

    #[inline]
    fn write_groups(&self, positions: Option<&Range<usize>>, dialect: Dialect, output: &mut Vec<u8>) {
        let acting = self.shows_acting_masters();
        let joined = positions.filter(|_| !acting).and_then(|range| self.topology.joined_groups(range, dialect));
        if let Some(joined) = joined {
            return output.extend_from_slice(joined);
        }
        json::separated(output, self.shown(), |output, (group, queue)| {
            output.extend_from_slice(group.json(dialect, acting && !queue.values.is_writable()));
        });
    }

    #[inline]
    fn write_entries(&self, positions: Option<&Range<usize>>, output: &mut Vec<u8>) {
        let joined = positions.and_then(|range| self.topology.joined_entries(range, self.record.queues()));
        if let Some(joined) = joined {
            return output.extend_from_slice(joined);
        }
        json::separated(output, self.shown(), |output, (group, queue)| group.write_entry(queue, output));
    }

    /// Returns the groups of the topic with the values of their entries, but none outside the wanted zone.
    #[inline]
    fn shown(&self) -> impl Iterator<Item = (&'a BrokerGroup, &'a QueueFragment)> {
        let Self { topology, record, query, .. } = *self;
        let entry = move |entry: &QueueRef| Some((topology.group(entry.group)?, topology.queue(entry.queue)?));
        let route = *self;
        record
            .queues()
            .iter()
            .filter_map(entry)
            .filter(move |(group, queue)| query.zone.is_none_or(|zone| route.is_in_zone(group, queue.values, zone)))
    }

    fn shows_acting_masters(&self) -> bool {
        self.settings.support_acting_master && !self.query.topic.starts_with(SYNC_BROKER_MEMBER_PREFIX)
    }

    /// A group without a master is in every zone; an acting master counts as one.
    fn is_in_zone(&self, group: &BrokerGroup, queue: QueueValues, zone: &str) -> bool {
        let acting = self.shows_acting_masters() && group.can_act() && !queue.is_writable();
        let has_master = group.data.has_master() || acting;
        !has_master || group.data.zone.as_deref().is_some_and(|own| equals_ignoring_case(own, zone))
    }

    fn write_filter_servers(&self, output: &mut Vec<u8>) {
        let mut servers: Vec<_> = self.shown().flat_map(|(group, _)| &group.data.filter_servers).collect();
        servers.sort_unstable_by(|left, right| left.address.cmp(&right.address));
        servers.dedup_by(|left, right| left.address == right.address);
        json::separated(output, servers, |output, server| output.extend_from_slice(&server.json));
    }
}
