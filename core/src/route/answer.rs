//! The body of a route, assembled from ready fragments.

use super::{BrokerGroup, QueueFragment, QueueRef, QueueValues, Route};
use crate::wire::json::{self, Dialect};
use alloc::vec::Vec;
use core::ops::Range;

/// Topics by which brokers watch their own group; they always show the group as it is.
const SYNC_BROKER_MEMBER_PREFIX: &[u8] = b"rmq_sys_SYNC_BROKER_MEMBER_";

impl<'a> Route<'a> {
    /// Appends the body (Java: `TopicRouteData`, `ZoneRouteRPCHook.filterByZoneName`).
    #[inline]
    pub fn write(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(br#"{"brokerDatas":["#);
        let dialect = if self.query.zone.is_some() { Dialect::Plain } else { self.query.dialect };
        let neighbours = self.neighbours();
        self.write_groups(neighbours.as_ref(), dialect, output);
        if self.view.topology.has_filter_servers() {
            output.extend_from_slice(br#"],"filterServerTable":{"#);
            self.write_filter_servers(output);
            output.push(b'}');
        } else {
            output.extend_from_slice(br#"],"filterServerTable":{}"#);
        }
        if self.view.settings.order_message_enable
            && let Some(order) = self.view.order.get(self.query.topic)
        {
            output.extend_from_slice(br#","orderTopicConf":"#);
            output.extend_from_slice(order);
        }
        output.extend_from_slice(br#","queueDatas":["#);
        self.write_entries(neighbours.as_ref(), output);
        if self.record.mappings.is_empty() {
            return output.extend_from_slice(b"]}");
        }
        output.extend_from_slice(br#"],"topicQueueMappingByBroker":{"#);
        json::separated(output, &self.record.mappings, |output, mapping| {
            output.extend_from_slice(&mapping.member[dialect.index()]);
        });
        output.extend_from_slice(b"}}");
    }

    /// Where the groups stand if all are shown and no other stands between them, as it mostly is.
    #[inline]
    fn neighbours(&self) -> Option<Range<usize>> {
        if self.query.zone.is_some() {
            return None;
        }
        self.view.topology.neighbours(&self.record.queues)
    }

    #[inline]
    fn write_groups(&self, neighbours: Option<&Range<usize>>, dialect: Dialect, output: &mut Vec<u8>) {
        let acting = self.shows_acting_masters();
        let written = neighbours.filter(|_| !acting).and_then(|range| self.view.topology.written(range, dialect));
        if let Some(written) = written {
            return output.extend_from_slice(written);
        }
        json::separated(output, self.shown(), |output, (group, queue)| {
            output.extend_from_slice(group.written(dialect, acting && !queue.values.is_writable()));
        });
    }

    #[inline]
    fn write_entries(&self, neighbours: Option<&Range<usize>>, output: &mut Vec<u8>) {
        let written = neighbours.and_then(|range| self.view.topology.written_entries(range, &self.record.queues));
        if let Some(written) = written {
            return output.extend_from_slice(written);
        }
        json::separated(output, self.shown(), |output, (group, queue)| group.write_entry(queue, output));
    }

    /// The groups that the topic is on, but for those that the zone leaves out, with what their entries say.
    #[inline]
    fn shown(&self) -> impl Iterator<Item = (&'a BrokerGroup, &'a QueueFragment)> {
        let Self { view, record, query } = *self;
        let topology = &view.topology;
        let entry = move |entry: &QueueRef| Some((topology.group(entry.group)?, topology.queue(entry.queue)?));
        let route = *self;
        record
            .queues
            .iter()
            .filter_map(entry)
            .filter(move |(group, queue)| query.zone.is_none_or(|zone| route.is_in_zone(group, queue.values, zone)))
    }

    fn shows_acting_masters(&self) -> bool {
        self.view.settings.support_acting_master && !self.query.topic.starts_with(SYNC_BROKER_MEMBER_PREFIX)
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
        json::separated(output, servers, |output, server| output.extend_from_slice(&server.written));
    }
}

fn equals_ignoring_case(left: &str, right: &str) -> bool {
    left.chars().flat_map(char::to_lowercase).eq(right.chars().flat_map(char::to_lowercase))
}
