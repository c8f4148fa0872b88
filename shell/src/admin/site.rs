//! Everything that the pages of the second port are made of.

use super::drift::{Compared, Comparison, Drift, MEMBERS_MAX};
use super::history::History;
use super::keys::AdminSettings;
use super::name_servers::NameServers;
use crate::build::Build;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::event_store::EventStore;
use crate::http::Request;
use crate::inspection::Inspector;
use crate::lifecycle::{Lifecycle, Stage};
use crate::listing::{ListRequest, Listed};
use crate::logging::LostLines;
use crate::progress::Watch;
use crate::quota::SharedQuotas;
use crate::record::{EventType, Record};
use crate::server::Inboxes;
use crate::tls::Tls;
use crate::warm_start::Expectation;
use arc_swap::ArcSwap;
use namesrv_core::key::Key;
use namesrv_core::report::{Report, ReportRequest};
use namesrv_core::route::{ClusterDigest, RouteView};
use namesrv_core::time::{Instant, Now};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// Those of all clusters.
pub(super) type Digests = Arc<[ClusterDigest]>;

/// What the admin thread looks at, once it is there.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) views: Arc<ArcSwap<RouteView>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) inboxes: Arc<Inboxes>,
    pub(crate) quotas: Arc<SharedQuotas>,
    pub(crate) events: Arc<EventStore>,
    pub(crate) inspector: Inspector,
    pub(crate) tls: Arc<Tls>,
    pub(crate) lost_lines: LostLines,
    pub(crate) expectation: Expectation,
    /// Where clients and brokers are listened for.
    pub(crate) address: SocketAddr,
}

/// Everything that answers are made of.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) build: Build,
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
    /// The last hour in figures.
    pub(super) history: RefCell<History>,
    pub(super) drift: Drift,
    /// Those of the view that they were asked for last.
    digests: RefCell<Option<(Weak<RouteView>, Digests)>>,
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
    /// What only other threads know.
    Find(Question),
    /// All events from now on.
    Events(Following),
}

/// What other threads are asked.
#[derive(Debug)]
pub(super) struct Question {
    /// The registry.
    pub(super) report: ReportRequest,
    /// The I/O threads, if they are asked.
    pub(super) list: Option<ListRequest>,
    /// Whether other NameServers are asked.
    pub(super) drift: bool,
}

/// What a client that follows events has, and wants.
#[derive(Debug)]
pub(super) struct Following {
    /// The number of the last event that it has, or that is not for it.
    pub(super) after: u64,
    /// Types that it wants; none stands for all.
    pub(super) types: Vec<EventType>,
}

/// What other threads said to a question.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// That of the registry, if it answered in time.
    pub(super) report: Option<Report>,
    /// How long the registry kept the question waiting.
    pub(super) delay: Duration,
    /// Those of the I/O threads, if they were asked.
    pub(super) connections: Listed,
    /// I/O threads that did not answer in time.
    pub(super) silent_threads: usize,
}

impl Site {
    pub(super) fn new(
        build: Build,
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
            build,
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
            digests: RefCell::default(),
            history: RefCell::default(),
            drift: Drift::default(),
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

    /// The digests of all clusters. They are made anew only for another view.
    pub(super) fn digests(&self, view: &Arc<RouteView>) -> Digests {
        let mut last = self.digests.borrow_mut();
        // A weak pointer keeps no view alive, and its address no other view can have.
        if let Some((known, digests)) = &*last
            && Weak::as_ptr(known) == Arc::as_ptr(view)
        {
            return Arc::clone(digests);
        }
        let digests: Digests = view.digests().into();
        *last = Some((Arc::downgrade(view), Arc::clone(&digests)));
        digests
    }

    /// Whether an address is that of this server.
    pub(super) fn is_own(&self, address: &SocketAddr) -> bool {
        let is_port = self.parts().is_some_and(|parts| parts.address.port() == address.port());
        is_port && self.name_servers.is_local(address)
    }

    /// The other NameServers, and what came of comparing them.
    pub(super) fn drifts(&self) -> Vec<(SocketAddr, Option<Compared>)> {
        self.others().into_iter().map(|address| (address, self.drift.of(address))).collect()
    }

    /// Has other NameServers compared with this one, unless that was done lately. `waker` hears of the end.
    pub(super) fn refresh_drift(&self, waker: &Arc<OwnedFd>) {
        let Some(parts) = self.parts() else { return };
        let (tls, clock) = (Arc::clone(&parts.tls), self.clock);
        let comparison = Comparison { listens_on: parts.address, tls, clock };
        self.drift.refresh(self.others(), comparison, Arc::clone(waker));
    }

    fn others(&self) -> Vec<SocketAddr> {
        let members = self.name_servers.members().into_iter().map(|member| member.address);
        members.filter(|address| !self.is_own(address)).take(MEMBERS_MAX).collect()
    }

    /// Takes a sample of the figures, if it is time for one.
    pub(super) fn sample(&self) {
        if let Some(parts) = self.parts() {
            self.history.borrow_mut().look(&parts.counters, self.now().monotonic);
        }
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
