//! Compares order configurations with the brokers of their topics, and warns once of each mismatch.

use super::state::State;
use super::tables::Tables;
use crate::event::Event;
use crate::route::QueueRef;
use crate::time::{Instant, Now};

/// Notes that a topic has a new broker. Its order configuration, if any, will be compared later.
pub(super) fn watch(state: &mut State, topic: &str, now: Now) {
    if state.kv.has_order_values() && state.kv.order_config(topic).is_some() {
        state.order_watch.wait(topic, now.monotonic);
    }
}

/// Notes that the order configuration of a topic was changed or deleted by a request that arrived at `since`.
pub(super) fn value_changed(state: &mut State, topic: &str, since: Instant) {
    state.order_watch.forget(topic);
    if queues_of(&state.tables, topic).is_some() && state.kv.order_config(topic).is_some() {
        state.order_watch.wait(topic, since);
    }
}

/// Compares the order configurations that are due.
pub(super) fn compare(state: &mut State, now: Now) {
    while let Some(topic) = state.order_watch.take_due(now.monotonic) {
        let tables = &state.tables;
        // Clients do not query topics without brokers. Such a topic is compared once it has one.
        let Some(queues) = queues_of(tables, &topic) else { continue };
        let Some(config) = state.kv.order_config(&topic) else { continue };
        let doubts = config.doubts(|broker| {
            let group = tables.group_id(broker)?;
            let entry = queues.iter().find(|entry| entry.group == group)?;
            Some(tables.values_of(*entry).write_queue_nums)
        });
        if !doubts.is_empty() {
            state.order_watch.warned(&topic);
            state.outbox.event(Event::DoubtfulOrderConfig { topic, doubts });
        }
    }
}

/// Returns the entries of a topic, or `None` if it has none.
fn queues_of<'a>(tables: &'a Tables, topic: &str) -> Option<&'a [QueueRef]> {
    let queues = tables.topics().record(tables.topics().key(topic))?.queues();
    (!queues.is_empty()).then_some(queues)
}
