//! Publishes one view for each batch of changes. It shares everything unchanged with the view before.

use super::tables::Tables;
use crate::access::AccessRules;
use crate::config::Settings;
use crate::limits::Limits;
use crate::route::{OrderTable, RouteView};
use crate::serialization::Serialization;
use crate::time::{Duration, Instant};
use alloc::sync::Arc;

/// What views show besides the tables.
#[derive(Debug)]
pub(super) struct Publisher {
    order: Arc<OrderTable>,
    limits: Limits,
    serialization: Serialization,
    access: Arc<AccessRules>,
    started: Instant,
    is_going_away: bool,
    /// Any of the above, or a setting, changed since the last view.
    is_changed: bool,
    last: Option<Arc<RouteView>>,
}

impl Publisher {
    pub(super) fn new(
        order: OrderTable,
        limits: Limits,
        serialization: Serialization,
        access: Arc<AccessRules>,
        started: Instant,
    ) -> Self {
        Self {
            order: Arc::new(order),
            limits,
            serialization,
            access,
            started,
            is_going_away: false,
            is_changed: true,
            last: None,
        }
    }

    /// Returns the newest view, or `None` before the first one. The registry uses it to answer queries that connections
    /// must not answer themselves.
    pub(super) fn last(&self) -> Option<&RouteView> {
        self.last.as_deref()
    }

    /// Replaces the rules of access control.
    pub(super) fn set_access(&mut self, access: Arc<AccessRules>) {
        self.access = access;
        self.is_changed = true;
    }

    /// Replaces the order configurations that routes carry.
    pub(super) fn set_order(&mut self, order: OrderTable) {
        self.order = Arc::new(order);
        self.is_changed = true;
    }

    /// From now on, tells newer clients to go away.
    pub(super) const fn go_away(&mut self) {
        self.is_going_away = true;
        self.is_changed = true;
    }

    /// Notes that settings changed.
    pub(super) const fn settings_changed(&mut self) {
        self.is_changed = true;
    }

    /// Returns a new view if it differs from the last one.
    pub(super) fn publish(&mut self, tables: &mut Tables, settings: Settings) -> Option<Arc<RouteView>> {
        if !self.is_changed && !tables.is_changed() {
            return None;
        }
        self.is_changed = false;
        let unconfirmed = tables.unconfirmed_members();
        let (topics, topology) = tables.publish();
        let wait = u64::try_from(settings.wait_seconds_for_service).unwrap_or(0);
        let view = Arc::new(RouteView {
            topics,
            topology,
            unconfirmed,
            order: Arc::clone(&self.order),
            settings,
            limits: self.limits,
            serialization: self.serialization,
            ready_at: if settings.need_wait_for_service {
                self.started + Duration::from_secs(wait)
            } else {
                Instant::START
            },
            going_away: self.is_going_away,
            access: Arc::clone(&self.access),
        });
        self.last = Some(Arc::clone(&view));
        Some(view)
    }
}
