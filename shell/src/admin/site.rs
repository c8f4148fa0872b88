//! Everything that the pages of the second port are made of.

use super::keys::AdminSettings;
use super::name_servers::NameServers;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::event_store::EventStore;
use crate::http::Request;
use crate::inspection::Inspector;
use crate::lifecycle::{Lifecycle, Stage};
use crate::progress::Watch;
use crate::quota::SharedQuotas;
use crate::record::{EventType, Record};
use crate::warm_start::Expectation;
use arc_swap::ArcSwap;
use namesrv_core::key::Key;
use namesrv_core::report::{Report, ReportRequest};
use namesrv_core::route::RouteView;
use namesrv_core::time::{Instant, Now};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What the admin thread looks at, once it is there.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) views: Arc<ArcSwap<RouteView>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) quotas: Arc<SharedQuotas>,
    pub(crate) events: Arc<EventStore>,
    pub(crate) inspector: Inspector,
    pub(crate) expectation: Expectation,
    /// The port that clients and brokers reach.
    pub(crate) port: u16,
}

/// Everything that answers are made of.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) runtime: &'static str,
    /// What metrics call this server.
    pub(super) node_id: String,
    pub(super) settings: AdminSettings,
    pub(super) name_servers: NameServers,
    /// All keys that this server knows.
    pub(super) keys: Vec<Key>,
    lifecycle: Arc<Lifecycle>,
    parts: Arc<OnceLock<Parts>>,
    clock: Clock,
    pub(super) watch: Watch,
    /// Answered requests, by the path of their page and their status.
    pub(super) requests: RefCell<BTreeMap<(&'static str, u16), u64>>,
    /// Clients that follow events.
    pub(super) followers: Cell<usize>,
    was_ready: Cell<bool>,
}

/// A request for a page.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    /// What stands behind the path of the page, decoded.
    pub(super) name: Option<Cow<'a, str>>,
    /// What the registry said, once it was asked.
    pub(super) found: Option<&'a Found>,
}

/// What a page has to know first, or goes on with.
#[derive(Debug)]
pub(super) enum Demand {
    /// What only the registry knows.
    Report(ReportRequest),
    /// All events from now on.
    Events(Following),
}

/// What a client that follows events has, and wants.
#[derive(Debug)]
pub(super) struct Following {
    /// The number of the last event that it has, or that is not for it.
    pub(super) after: u64,
    /// Types that it wants; none stands for all.
    pub(super) types: Vec<EventType>,
}

/// What the registry said to a question.
#[derive(Debug)]
pub(super) enum Found {
    /// It answered.
    Report { report: Report, delay: Duration },
    /// It did not answer in time.
    Nothing { waited: Duration },
}

impl Found {
    /// How long the registry kept the question waiting.
    pub(super) const fn delay(&self) -> Duration {
        match self {
            Self::Report { delay, .. } => *delay,
            Self::Nothing { waited } => *waited,
        }
    }
}

impl Site {
    pub(super) fn new(
        runtime: &'static str,
        settings: AdminSettings,
        name_servers: NameServers,
        keys: Vec<Key>,
        lifecycle: Arc<Lifecycle>,
        parts: Arc<OnceLock<Parts>>,
        clock: Clock,
    ) -> Self {
        let watch = Watch::new(Instant::START);
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let node_id = host.trim().to_owned();
        let requests = RefCell::default();
        let (followers, was_ready) = (Cell::default(), Cell::default());
        Self {
            runtime,
            node_id,
            settings,
            name_servers,
            keys,
            lifecycle,
            parts,
            clock,
            watch,
            requests,
            followers,
            was_ready,
        }
    }

    pub(super) fn now(&self) -> Now {
        self.clock.now()
    }

    pub(super) fn stage(&self) -> Stage {
        self.lifecycle.stage()
    }

    pub(super) fn parts(&self) -> Option<&Parts> {
        self.parts.get()
    }

    /// Whether route queries are answered with routes.
    pub(super) fn answers_routes(&self) -> bool {
        self.parts().is_some_and(|parts| parts.views.load().is_ready(self.now().monotonic))
    }

    /// Which brokers from before the restart the server still waits for, in words.
    pub(super) fn awaited_brokers(&self) -> Option<String> {
        let Parts { expectation, views, .. } = self.parts()?;
        expectation.fault(&views.load(), self.now().monotonic)
    }

    /// How many brokers did not register since the restart, of how many.
    pub(super) fn unconfirmed_brokers(&self) -> (usize, usize) {
        let view = self.parts().map(|parts| parts.views.load());
        view.map_or((0, 0), |view| (view.unconfirmed_count(), view.broker_count()))
    }

    /// Tells once that the server is ready.
    pub(super) fn note_ready(&self, is_ready: bool) {
        if is_ready
            && !self.was_ready.replace(true)
            && let Some(parts) = self.parts()
        {
            parts.events.keep(Record::new(EventType::ServerReady, self.now().wall));
        }
    }

    /// Counts an answer.
    pub(super) fn count(&self, path: &'static str, code: u16) {
        *self.requests.borrow_mut().entry((path, code)).or_default() += 1;
    }
}
