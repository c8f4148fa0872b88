//! Publishing: one view for each batch of changes, sharing with the last one what did not change.

use super::kv::{is_order_config, write_order_config};
use super::{Output, Registry};
use crate::kv::ORDER_TOPIC_CONFIG;
use crate::route::{OrderTable, RouteView, Topology};
use crate::time::{Duration, Instant};
use alloc::sync::Arc;

impl Registry {
    /// The view of the tables as they are.
    pub(super) fn publish(&mut self) -> Output {
        let (groups, queues) = (self.tables.groups.written(), self.tables.queues.written());
        if !self.topology.is_of(&groups, &queues) {
            self.topology = Arc::new(Topology::new(groups, queues));
        }
        let wait = u64::try_from(self.settings.wait_seconds_for_service).unwrap_or(0);
        let view = Arc::new(RouteView {
            topics: self.tables.topics.clone(),
            topology: Arc::clone(&self.topology),
            order: Arc::clone(&self.order),
            settings: self.settings,
            limits: self.limits,
            serialization: self.serialization,
            ready_at: if self.settings.need_wait_for_service {
                self.started + Duration::from_secs(wait)
            } else {
                Instant::START
            },
            going_away: self.going_away,
        });
        self.tables.changed = false;
        Output::Publish(view)
    }

    /// The order configuration changed: routes carry what clients can read of it.
    pub(super) fn order_changed(&mut self) {
        let mut order = OrderTable::with_hasher(self.tables.secret);
        let entries = self.kv.table().namespace(ORDER_TOPIC_CONFIG).into_iter().flatten();
        for (topic, value) in entries {
            if let Some(value) = value.as_deref().filter(|value| is_order_config(value)) {
                order.insert(topic.as_bytes().into(), write_order_config(value).into());
            }
        }
        self.order = Arc::new(order);
        self.tables.changed = true;
    }
}
