//! A NameServer that starts with routes from before a restart: what it shows at once, and when it is ready.

use super::agenda::Time;
use super::cluster::Cluster;
use super::invariant::{self, Invariant, LATENESS_MILLIS, Verdict, violated};
use super::ledger::Ledger;
use super::name_server::{Running, route};
use super::shown::{self, queues};
use super::snapshots::Judged;
use namesrv_core::node::Input;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Instant, Now};
use namesrv_shell::warm_start::WarmStartSettings;

/// Brokers that a server knows of are waited for so long.
const WAIT_MILLIS: Time = 45_000;

impl Running {
    /// Whether a snapshot may be made before the next inputs are taken.
    pub(super) fn may_save_snapshot(&self, now: Now) -> bool {
        let is_taken_later = |input: &Input| matches!(input, Input::Frame { .. } | Input::Disconnected(_));
        self.node.poll_timeout().is_some_and(|due| due <= now.monotonic) || !self.to_node.iter().all(is_taken_later)
    }
}

impl Cluster {
    /// From its next start on a server saves its routes, and serves them after restarts.
    pub(super) fn make_warm(&mut self, server: usize) {
        let settings = WarmStartSettings { is_wanted: true, ..WarmStartSettings::default() };
        self.servers[server].snapshots.settings = Some(settings);
    }

    /// A server has just started with what was made of its snapshot.
    pub(super) fn begin_warm(&mut self, server: usize, judged: Judged) {
        let Judged { warmth, found, age } = judged;
        let now = self.now();
        self.coverage.count(match (&warmth.start, &found) {
            (Some(_), _) => "start with routes",
            (None, Some(_)) => "start with a snapshot that is too old",
            (None, None) => "start without a snapshot",
        });
        let it = &mut self.servers[server];
        let age_max = it.snapshots.settings.as_ref().map_or(0, |settings| settings.age_max.as_millis() as Time);
        let Some(running) = &mut it.running else { return };
        running.expectation = warmth.expectation;
        let is_served = warmth.start.is_some();
        let mut verdict = Ok(());
        if let Some((start, found)) = warmth.start.zip(found) {
            running.ledger.restore(&found.saved, start.within.as_millis() as Time, now);
            verdict = shows_as_before(&running.ledger, &found.view, &running.view);
            // Who was shown goodbye after the snapshot was made is back if the server crashed.
            let is_back = |address: &String| running.ledger.kept_seats().any(|seat| seat.address == *address);
            self.faults.left.retain(|(from, address), _| *from != server || !is_back(address));
        }
        self.check(verdict);
        if age.is_some_and(|age| is_served != (age <= age_max)) {
            let details = format!("a snapshot that is {age:?} ms old is served: {is_served}");
            self.check(violated(Invariant::StaleIsNotServed, details));
        }
    }

    /// Passes the time that brokers have to register after the last restart: until it is over, brokers may be shown
    /// that are somewhere else now.
    pub(super) fn forget_snapshots(&mut self) -> Verdict {
        let ends = self.servers.iter().filter_map(|server| server.running.as_ref()?.ledger.kept.until);
        let end = ends.max().map_or(0, |end| end + LATENESS_MILLIS);
        self.pass(end.saturating_sub(self.now()))
    }

    /// [`Invariant::UnrepeatedIsGone`] and [`Invariant::ReadinessComes`].
    pub(super) fn check_warmth(&mut self, server: usize, running: &mut Running) {
        let Some(settings) = &self.servers[server].snapshots.settings else { return };
        let (now, started_at) = (self.now(), running.started_at);
        let end = started_at + settings.within.as_millis() as Time;
        let verdict = invariant::nothing_is_kept(&running.ledger, end, now, &running.pauses);
        let fault = running.expectation.fault(&running.view, Instant::from_millis(now - started_at));
        let is_late = now > started_at + WAIT_MILLIS + LATENESS_MILLIS;
        let is_warm = running.ledger.kept.until.is_some();
        let details = match &fault {
            Some(fault) if running.is_ready || is_late || is_warm => Some(fault.clone()),
            Some(_) | None => None,
        };
        running.is_ready |= fault.is_none();
        if fault.is_some() {
            self.coverage.count("brokers are waited for");
        }
        self.check(verdict);
        if let Some(details) = details {
            self.check(violated(Invariant::ReadinessComes, details));
        }
    }
}

/// [`Invariant::RoutesOutliveRestarts`]: the first view of a server shows the brokers and every route of the last one
/// that its snapshot knew.
fn shows_as_before(ledger: &Ledger, before: &RouteView, now: &RouteView) -> Verdict {
    let moment = ledger.newest();
    invariant::view_shows(&moment, now.cluster_info(), now.topic_count())
        .or_else(|violation| violated(Invariant::RoutesOutliveRestarts, violation.details))?;
    for topic in moment.topics.keys() {
        let shown = |view| route(view, topic).map(|route| (queues(&route), shown::route(&route)));
        let (before, now) = (shown(before), shown(now));
        if before.is_none() || before != now {
            let details = format!("{topic} was {before:?} and is {now:?} after the restart");
            return violated(Invariant::RoutesOutliveRestarts, details);
        }
    }
    Ok(())
}
