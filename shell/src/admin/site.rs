//! The data behind the pages of the second port.

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

/// The digests of all clusters.
pub(super) type Digests = Arc<[ClusterDigest]>;

/// The parts of the server that the admin thread looks at, once they exist.
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
    /// The address on which the server listens for clients and brokers.
    pub(crate) address: SocketAddr,
}

/// The data behind all answers.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) build: Build,
    /// The name of this server in metrics.
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
    /// The digests of the view for which they were last requested.
    digests: RefCell<Option<(Weak<RouteView>, Digests)>>,
}

/// A request for a page.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    /// The decoded name behind the path of the page.
    pub(super) name: Option<Cow<'a, str>>,
    /// The results from other threads, once they have answered.
    pub(super) found: Option<&'a Found>,
}

/// What a page needs before it can answer, or while its answer continues.
#[derive(Debug)]
pub(super) enum Demand {
    /// Results from other threads.
    Find(Question),
    /// All events from now on.
    Events(Following),
}

/// The questions to other threads.
#[derive(Debug)]
pub(super) struct Question {
    /// The question to the registry.
    pub(super) report: ReportRequest,
    /// The question to the I/O threads, if there is one.
    pub(super) list: Option<ListRequest>,
    /// Whether to compare other NameServers.
    pub(super) drift: bool,
}

/// A client that follows events.
#[derive(Debug)]
pub(super) struct Following {
    /// The number of the last event that it has or does not want.
    pub(super) after: u64,
    /// The types that it wants; an empty list means all.
    pub(super) types: Vec<EventType>,
}

/// The results from other threads.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The registry's answer, if it came in time.
    pub(super) report: Option<Report>,
    /// How long the question waited for the registry.
    pub(super) delay: Duration,
    /// The answers of the I/O threads, if they were asked.
    pub(super) connections: Listed,
    /// Number of I/O threads that did not answer in time.
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

    /// Whether the server answers route queries with routes.
    pub(super) fn answers_routes(&self) -> bool {
        self.parts().is_some_and(|parts| parts.views.load().is_ready(self.now().monotonic))
    }

    /// Says which brokers from before the restart the server still waits for.
    pub(super) fn awaited_brokers(&self) -> Option<String> {
        let Parts { expectation, views, .. } = self.parts()?;
        expectation.fault(&views.load(), self.now().monotonic)
    }

    /// Returns how many brokers have not registered since the restart, and how many brokers there are.
    pub(super) fn unconfirmed_brokers(&self) -> (usize, usize) {
        let view = self.parts().map(|parts| parts.views.load());
        view.map_or((0, 0), |view| (view.unconfirmed_count(), view.broker_count()))
    }

    /// Returns the digests of all clusters. Computes them again only for another view.
    pub(super) fn digests(&self, view: &Arc<RouteView>) -> Digests {
        let mut last = self.digests.borrow_mut();
        // A weak pointer keeps no view alive, but no other view can get its address.
        if let Some((known, digests)) = &*last
            && Weak::as_ptr(known) == Arc::as_ptr(view)
        {
            return Arc::clone(digests);
        }
        let digests: Digests = view.digests().into();
        *last = Some((Arc::downgrade(view), Arc::clone(&digests)));
        digests
    }

    /// Whether an address is this server's own.
    pub(super) fn is_own(&self, address: &SocketAddr) -> bool {
        let is_port = self.parts().is_some_and(|parts| parts.address.port() == address.port());
        is_port && self.name_servers.is_local(address)
    }

    /// Returns the other NameServers with the results of their comparison.
    pub(super) fn drifts(&self) -> Vec<(SocketAddr, Option<Compared>)> {
        self.others().into_iter().map(|address| (address, self.drift.of(address))).collect()
    }

    /// Starts a comparison of other NameServers with this one, unless there was one lately. Wakes `waker` at the end.
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

    /// Takes a sample of the figures, if it is time.
    pub(super) fn sample(&self) {
        if let Some(parts) = self.parts() {
            self.history.borrow_mut().look(&parts.counters, self.now().monotonic);
        }
    }

    /// Reports, once, that the server is ready.
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
