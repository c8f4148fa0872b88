//! The single writer: takes forwarded requests, and returns outputs.
//!
//! `tables` keeps what is registered and its invariants, `requests` has one function for each request, and all outputs
//! go to one outbox.

mod answer;
mod audit;
mod configuration;
mod departures;
mod kv;
mod notice;
mod order_check;
mod order_watch;
mod outbox;
mod owner;
mod publisher;
mod requests;
mod state;
mod subject;
mod tables;

use crate::access::{AccessRules, Verdict};
use crate::config::{Configuration, Settings};
use crate::event::Event;
use crate::hash::Secret;
use crate::initial_state::{InitialState, WarmStart};
use crate::output::{CloseReason, Output};
use crate::report::{Report, ReportRequest};
use crate::save::{SaveError, SaveFile, SaveTicket};
use crate::snapshot::SnapshotSource;
use crate::tally::Tally;
use crate::time::{Instant, Now};
use crate::wire::{Framing, Request, next_frame};
use crate::{ConnId, Peer};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use audit::Audit;
use configuration::ConfigurationStore;
use kv::KvStore;
use order_watch::OrderWatch;
use outbox::Outbox;
use publisher::Publisher;
use state::State;
use tables::Tables;

/// The state machine that owns every table.
///
/// Its inputs cannot fail: every fault becomes a reply, a close or an event. Drain
/// [`poll_output`](Registry::poll_output) to `None` after each batch of one or more inputs.
///
/// In debug builds, inputs check the invariants of the tables and panic if one is broken (see [`Registry::check`]).
#[derive(Debug)]
pub(crate) struct Registry {
    state: State,
    audit: Audit,
    /// See [`take_change`](Self::take_change).
    has_changed: bool,
}

impl Registry {
    /// An empty registry. The first [`Registry::poll_output`] returns its first view.
    #[must_use]
    pub(crate) fn new(initial: InitialState, now: Now) -> Self {
        let secret = Secret::new(initial.secret);
        let kv = KvStore::new(initial.kv);
        let order = kv.order_table(secret);
        let mut outbox = Outbox::new(initial.serialization);
        kv.report_malformed_order(&mut outbox);
        let mut tables = Tables::new(secret, now);
        if let Some(WarmStart { snapshot, within }) = initial.warm_start {
            tables.restore(snapshot, within, now);
        }
        let state = State {
            tables,
            kv,
            order_watch: OrderWatch::default(),
            configuration: ConfigurationStore::new(initial.configuration),
            publisher: Publisher::new(
                order,
                initial.limits,
                initial.serialization,
                Arc::clone(&initial.access),
                now.monotonic,
            ),
            outbox,
            limits: initial.limits,
            access: initial.access,
        };
        let mut registry = Self { state, audit: Audit::default(), has_changed: false };
        registry.audit();
        registry
    }

    /// Handles a frame that a connection forwarded.
    ///
    /// The connection has already read the header, to see that no view answers the request. The result borrows from its
    /// input buffer and stays on its thread, so the header is decoded again here. The body is decoded only here. The
    /// verdict of access control is final.
    pub(crate) fn handle_frame(&mut self, peer: Peer, frame: &[u8], verdict: Verdict, now: Now) {
        let State { limits, outbox, .. } = &mut self.state;
        let limits = *limits;
        let request = match next_frame(frame, &limits) {
            Ok(Framing::Complete { frame, .. }) => Request::decode(frame, &limits).ok(),
            Ok(Framing::Incomplete { .. }) | Err(_) => None,
        };
        match request {
            Some(request) => requests::handle(&mut self.state, peer, &request, verdict, now),
            None => outbox.close(peer.conn, CloseReason::MalformedFrame),
        }
        self.audit();
    }

    /// Handles the loss of a connection: all brokers that registered over it leave.
    pub(crate) fn handle_disconnect(&mut self, conn: ConnId) {
        departures::lose_connection(&mut self.state, conn);
        self.audit();
    }

    /// Handles the passing of time. Early or repeated calls do nothing.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        departures::expire(&mut self.state, now);
        order_check::compare(&mut self.state, now);
        self.audit();
    }

    /// Handles the end of a save. `ticket` is from [`Output::Save`], and comes back once.
    pub(crate) fn handle_saved(&mut self, ticket: SaveTicket, result: Result<(), SaveError>) {
        let State { tables, kv, configuration, publisher, outbox, limits, .. } = &mut self.state;
        match ticket.file {
            SaveFile::KvConfig => {
                let is_saved = result.is_ok();
                let ordered = kv.handle_saved(ticket, result, limits.kv_bytes_max, outbox);
                if is_saved {
                    publisher.set_order(kv.order_table(tables.secret()));
                }
                for (topic, since) in ordered {
                    order_check::value_changed(&mut self.state, &topic, since);
                }
            }
            SaveFile::RuntimeConfig => {
                configuration.handle_saved(ticket, result, outbox);
                publisher.settings_changed();
            }
            SaveFile::Snapshot => {
                if let Err(reason) = result {
                    outbox.event(Event::SaveFailed { file: ticket.file, reason });
                }
            }
        }
    }

    /// Returns what a snapshot would hold now, under a new ticket.
    pub(crate) fn snapshot(&mut self, now: Instant) -> (SaveTicket, SnapshotSource) {
        let State { tables, outbox, .. } = &mut self.state;
        (outbox.next_ticket(SaveFile::Snapshot), tables.snapshot_source(now))
    }

    /// Whether the registry has published other tables since the last call. The first view does not count.
    pub(crate) const fn take_change(&mut self) -> bool {
        core::mem::replace(&mut self.has_changed, false)
    }

    /// Replaces the rules of access control, for open connections too. Requests that were already judged keep their
    /// verdict.
    pub(crate) fn replace_access(&mut self, access: Arc<AccessRules>) {
        self.state.publisher.set_access(Arc::clone(&access));
        self.state.access = access;
    }

    /// Handles a reload of the configuration file. Takes over what can change at run time, except for keys that a
    /// request has changed.
    pub(crate) fn handle_reload(&mut self, file: &Configuration) {
        self.state.configuration.reload(file);
        self.state.publisher.settings_changed();
    }

    /// Handles the approaching stop: from now on the server tells newer clients to go away.
    pub(crate) fn handle_shutdown(&mut self) {
        self.state.publisher.go_away();
    }

    /// Returns the next thing to carry out, or `None` at the end of the batch.
    ///
    /// Every `handle_` method can add outputs. The first output is a view if anything changed that views show.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        let State { tables, configuration, publisher, outbox, .. } = &mut self.state;
        self.has_changed |= tables.is_changed() && publisher.last().is_some();
        publisher.publish(tables, *configuration.settings()).map(Output::Publish).or_else(|| outbox.pop())
    }

    /// Returns the bytes of the replies that wait to be polled. If there are many, poll before the next input.
    #[must_use]
    pub(crate) const fn reply_bytes(&self) -> usize {
        self.state.outbox.reply_bytes()
    }

    /// Returns the counts of answers since they were last taken.
    pub(crate) const fn tally(&mut self) -> &mut Tally {
        self.state.outbox.tally()
    }

    /// Returns what only the registry knows. Takes time in proportion to what the request asks for.
    #[must_use]
    pub(crate) fn report(&self, request: &ReportRequest, now: Now) -> Report {
        let State { tables, kv, configuration, .. } = &self.state;
        let (members, has_more) = tables.list_members(request, now);
        let configuration = if request.with_configuration { configuration.items() } else { Vec::new() };
        Report { members, has_more, registry_bytes: tables.bytes(), kv_entries: kv.len(), configuration }
    }

    /// Returns the settings in effect.
    pub(crate) const fn settings(&self) -> &Settings {
        self.state.configuration.settings()
    }

    /// Returns when to call [`Registry::handle_timeout`] next, or `None` while no broker is registered and no order
    /// configuration waits for its brokers.
    ///
    /// [`handle_frame`](Registry::handle_frame), [`handle_disconnect`](Registry::handle_disconnect) and
    /// [`handle_timeout`](Registry::handle_timeout) can change it.
    #[must_use]
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let State { tables, order_watch, .. } = &self.state;
        [tables.poll_timeout(), order_watch.poll_timeout()].into_iter().flatten().min()
    }

    /// Names every broken relation between the tables, in words. There are none unless this crate has a bug.
    ///
    /// This looks at everything. Debug builds call it themselves; simulations, models and fuzzers in release builds
    /// call it after each input.
    #[must_use]
    pub(crate) fn check(&self) -> Vec<String> {
        tables::broken_relations(&self.state.tables)
    }

    fn audit(&mut self) {
        if cfg!(debug_assertions) {
            self.audit.after_input(&self.state.tables);
        }
    }
}
