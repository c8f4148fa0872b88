//! A NameServer that starts with routes from before a restart: what it shows at once, and when it is ready.

use super::agenda::Time;
use super::invariant::{self, Invariant, LATENESS_MILLIS, Verdict, violated};
use super::ledger::Ledger;
use super::shown::{queues, route, route_of};
use super::snapshots::Judged;
use super::threads::Context;
use crate::model::WITHIN_MILLIS;
use namesrv_core::route::RouteView;
use namesrv_core::time::Instant;
use namesrv_shell::warm_start::Expectation;

/// Brokers that a server knows of are waited for so long.
const WAIT_MILLIS: Time = 45_000;

/// Whether a server is ready, and which brokers it waits for until it is.
#[derive(Debug)]
pub(super) struct Readiness {
    started_at: Time,
    expectation: Expectation,
    pub(super) is_ready: bool,
}

impl Readiness {
    /// A server that starts without any snapshot waits for nobody.
    pub(super) fn new(started_at: Time) -> Self {
        Self { started_at, expectation: Expectation::nothing(), is_ready: false }
    }

    /// The server has just started with what was made of its snapshot.
    pub(super) fn begin_warm(&mut self, judged: Judged, ledger: &mut Ledger, context: &mut Context<'_>) {
        let Judged { warmth, found, age } = judged;
        let Context { host, shared, simulator } = context;
        simulator.coverage.count(match (&warmth.start, &found) {
            (Some(_), _) => "start with routes",
            (None, Some(_)) => "start with a snapshot that is too old",
            (None, None) => "start without a snapshot",
        });
        let age_max = host.snapshots.settings.as_ref().map_or(0, |settings| settings.age_max.as_millis() as Time);
        self.expectation = warmth.expectation;
        let is_served = warmth.start.is_some();
        if let Some((start, found)) = warmth.start.zip(found) {
            assert_eq!(start.within.as_millis(), u128::from(WITHIN_MILLIS), "the model knows no other time");
            ledger.restore(&found.saved);
            simulator.check(shows_as_before(ledger, &found.view, &shared.view));
            // A broker that left after the snapshot was made is back if the server crashed.
            host.left.retain(|address, _| !ledger.has_address(address));
        }
        if age.is_some_and(|age| is_served != (age <= age_max)) {
            let details = format!("a snapshot that is {age:?} ms old is served: {is_served}");
            simulator.check(violated(Invariant::StaleIsNotServed, details));
        }
    }

    /// [`Invariant::ReadinessComes`].
    pub(super) fn check(&mut self, ledger: &Ledger, context: &mut Context<'_>) {
        let Context { host, shared, simulator } = context;
        if host.snapshots.settings.is_none() {
            return;
        }
        let (now, started_at) = (simulator.now(), self.started_at);
        let fault = self.expectation.fault(&shared.view, Instant::from_millis(now - started_at));
        self.is_ready |= fault.is_none();
        if fault.is_some() {
            simulator.coverage.count("brokers are waited for");
        }
        let is_late = now > started_at + WAIT_MILLIS + LATENESS_MILLIS;
        let is_warm = ledger.kept_until().is_some();
        if let Some(details) = fault.filter(|_| self.is_ready || is_late || is_warm) {
            simulator.check(violated(Invariant::ReadinessComes, details));
        }
    }
}

/// [`Invariant::RoutesOutliveRestarts`]: the first view of a server shows the brokers and every route of the last one
/// that its snapshot knew.
fn shows_as_before(ledger: &Ledger, before: &RouteView, now: &RouteView) -> Verdict {
    invariant::view_shows(ledger, now)
        .or_else(|violation| violated(Invariant::RoutesOutliveRestarts, violation.details))?;
    for topic in ledger.newest().topics.keys() {
        let shown = |view| route_of(view, topic).map(|text| (queues(&text), route(&text)));
        let (before, now) = (shown(before), shown(now));
        if before.is_none() || before != now {
            let details = format!("{topic} was {before:?} and is {now:?} after the restart");
            return violated(Invariant::RoutesOutliveRestarts, details);
        }
    }
    Ok(())
}
