//! What must hold whatever happens, each with its name. All checks stand here; the rest of the simulation only feeds
//! them.

use super::agenda::Time;
use super::ledger::Ledger;
use super::shown::{clusters, queues, route, route_of, topics};
use crate::model::{Shown, Tables};
use crate::step::Queues;
use heck::ToKebabCase;
use namesrv_core::ConnId;
use namesrv_core::route::RouteView;
use namesrv_core::time::Instant;
use std::collections::BTreeMap;
use std::fmt;

/// Threads look at the clock this often.
const LOOK_MILLIS: Time = 1000;
/// How much later than its deadline a silent broker may be gone while the server runs.
pub(super) const LATENESS_MILLIS: Time = 1500;

/// A server that is told to stop has ended by then, not counting its saves: it waits, and closes its connections.
const STOP_MILLIS: Time = 12_000;

/// The permission to write.
pub(super) const WRITE: i32 = 2;

/// Everything that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// An answer arrives at the connection and under the number of the question, once, and answers nobody else.
    OnlyWhoAsked,
    /// When the first reply of a batch leaves the registry, the published view shows all of the batch.
    ReplyAfterView,
    /// Every answer about brokers and topics shows the NameServer at one moment, no earlier than any reply to anybody
    /// that was in hand when the question was sent.
    RepliesAreVisible,
    /// Once a broker has the answer to its unregistration, no later question shows it until it registers again.
    UnregisteredIsGone,
    /// A broker that was silent for its timeout, not counting pauses of the NameServer, is gone.
    SilentIsGone,
    /// A broker leaves by silence only after its whole timeout, not counting pauses that the NameServer noticed; and a
    /// connection is closed only for silence or for a frame that does not end.
    HeardIsKept,
    /// Brokers leave by request, with their own connection, or for a successor: exactly those and at once.
    DeparturesHaveReasons,
    /// The operator is told of everything else that happens to brokers and topics, and of nothing that does not.
    EventsAreRight,
    /// What was acknowledged of the KV table is read back, from memory and after a restart.
    AcknowledgedKvIsKept,
    /// A start finds in every file what was saved last, or a save whose end nobody was told, and leaves nothing else.
    FilesAreKept,
    /// While nothing goes wrong, every question is answered in time, and one whose sender ended its stream before its
    /// answers came too.
    EveryQuestionIsAnswered,
    /// A connection that rests with something to write waits for its socket: nobody else would write it.
    OutputIsAwaited,
    /// What connections and requests hold of shared quotas is given back.
    QuotasReturn,
    /// A server that is told to stop saves a snapshot if it saves any, ends, and loses no save.
    StopsInOrder,
    /// A registration period after faults stop, every NameServer holds the whole truth, and all hold the same; one that
    /// has routes from before a restart, when the time for brokers to repeat them is over.
    Converges,
    /// A server that starts with a snapshot shows at once what it showed when the snapshot was made.
    RoutesOutliveRestarts,
    /// A snapshot is served only if it is young enough, as far as the host can know.
    StaleIsNotServed,
    /// When the time for brokers to register is over, nothing is left that no broker has repeated.
    UnrepeatedIsGone,
    /// A server is ready at once with routes, and within its waiting time without them; then it stays so.
    ReadinessComes,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_kebab_case())
    }
}

/// An invariant that does not hold, and how that shows.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub details: String,
}

pub(super) type Verdict = Result<(), Violation>;

pub(super) fn violated(invariant: Invariant, details: impl Into<String>) -> Verdict {
    Err(Violation { invariant, details: details.into() })
}

/// A question about brokers and topics.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Route { topic: String, zone: Option<&'static str> },
    Clusters,
    Topics,
}

/// [`Invariant::RepliesAreVisible`]: the answer shows one of the moments since `since`.
pub(super) fn shows_a_moment(subject: &Subject, code: i32, text: &str, ledger: &Ledger, since: u64) -> Verdict {
    let fits = |moment: &Tables| match subject {
        Subject::Route { topic, zone } => match ledger.route(moment, topic, *zone) {
            None => code == 17,
            Some(route) => code == 0 && is_route(text, &route),
        },
        Subject::Clusters => code == 0 && clusters(text) == members(moment),
        Subject::Topics => code == 0 && topics(text).iter().eq(moment.topics.keys()),
    };
    let within_batches = matches!(subject, Subject::Topics);
    if ledger.since(since, within_batches).any(fits) {
        return Ok(());
    }
    let newest = ledger.newest();
    let details = format!(
        "{subject:?} was answered with code {code} and {text}\nwhich was not so in any of the moments from {since} to {}, now {newest:?}",
        ledger.number()
    );
    violated(Invariant::RepliesAreVisible, details)
}

/// The members of every group.
fn members(moment: &Tables) -> BTreeMap<String, BTreeMap<i64, String>> {
    moment.groups.iter().map(|(name, group)| (name.clone(), group.addresses())).collect()
}

/// Whether a route shows these groups, with their members and queues.
fn is_route(text: &str, shown: &[Shown<'_>]) -> bool {
    let members = shown.iter().map(|one| (one.name.clone(), one.group.addresses().into_values().collect()));
    let numbers = |Queues { read, write, perm, flags }| [read, write, perm, flags];
    let of_groups = shown.iter().map(|one| (one.name.clone(), numbers(one.queues)));
    route(text) == members.collect() && queues(text) == of_groups.collect()
}

/// [`Invariant::ReplyAfterView`]: a view shows all that the ledger has.
pub(super) fn view_shows(ledger: &Ledger, view: &RouteView) -> Verdict {
    let moment = ledger.newest();
    let shown = clusters(&String::from_utf8_lossy(view.cluster_info()));
    if shown != members(moment) || view.topic_count() != moment.topics.len() {
        let details = format!("the view has {} topics and {shown:?}, and should have {moment:?}", view.topic_count());
        return violated(Invariant::ReplyAfterView, details);
    }
    for topic in moment.topics.keys() {
        let (shown, known) = (route_of(view, topic), ledger.route(moment, topic, None).unwrap_or_default());
        if !shown.as_ref().is_some_and(|shown| is_route(shown, &known)) {
            let details = format!("the view has for {topic} {shown:?}, and should have {known:?}");
            return violated(Invariant::ReplyAfterView, details);
        }
    }
    Ok(())
}

/// [`Invariant::UnrepeatedIsGone`]: a view counts the brokers that only a snapshot knows.
pub(super) fn view_marks(ledger: &Ledger, view: &RouteView) -> Verdict {
    let (counted, known) = (view.unconfirmed_count(), ledger.unconfirmed_count());
    if counted == known {
        return Ok(());
    }
    violated(Invariant::UnrepeatedIsGone, format!("{counted} brokers are marked as unconfirmed, and {known} are"))
}

/// [`Invariant::SilentIsGone`] and [`Invariant::UnrepeatedIsGone`]: the node has looked at its deadlines when it was
/// time, but for pauses of the server.
pub(super) fn deadlines_are_kept(ledger: &Ledger, now: Time, pauses: &[(Time, Time)]) -> Verdict {
    let Some((due, is_of_snapshot)) = ledger.due() else { return Ok(()) };
    let since = pauses.iter().filter(|(_, end)| *end > due);
    let paused: Time = since.map(|(start, end)| end - start).sum();
    if due + paused + LATENESS_MILLIS >= now {
        return Ok(());
    }
    let invariant = if is_of_snapshot { Invariant::UnrepeatedIsGone } else { Invariant::SilentIsGone };
    violated(invariant, format!("nobody has looked at deadlines since {due}, but for {paused} ms"))
}

/// Which invariant a line of what the operator is told, or should be told, is about.
pub(super) fn about(line: &str, is_told: bool) -> Invariant {
    let is_evicted_as = |cause: &str| line.starts_with("event: evicted ") && line.ends_with(cause);
    match is_told {
        true if is_evicted_as(", expired") || is_evicted_as(", unconfirmed") => Invariant::HeardIsKept,
        false if is_evicted_as(", expired") => Invariant::SilentIsGone,
        false if is_evicted_as(", unconfirmed") => Invariant::UnrepeatedIsGone,
        _ if line.starts_with("event: evicted ") || line.starts_with("event: unregistered ") => {
            Invariant::DeparturesHaveReasons
        }
        _ => Invariant::EventsAreRight,
    }
}

/// [`Invariant::HeardIsKept`]: a connection may be closed for silence now.
pub(super) fn peer_was_silent(silence: Time, idle_max: Time) -> Verdict {
    if silence >= idle_max {
        return Ok(());
    }
    violated(Invariant::HeardIsKept, format!("a connection is closed after {silence} ms of silence"))
}

/// [`Invariant::OutputIsAwaited`].
pub(super) fn output_is_awaited(wants_write: bool, is_awaited: bool) -> Verdict {
    if is_awaited || !wants_write {
        return Ok(());
    }
    violated(Invariant::OutputIsAwaited, "a connection rests with output that nobody waits to write")
}

/// [`Invariant::SilentIsGone`]: no connection is kept past its deadline, but for the pauses of the server.
pub(super) fn no_connection_is_overdue(deadline: Option<Instant>, now: Time, pauses: &[(Time, Time)]) -> Verdict {
    let postponed = pauses.iter().map(|(start, end)| end + (end - start) + LOOK_MILLIS).max().unwrap_or(0);
    match deadline.map(|deadline| deadline.as_millis().max(postponed)) {
        Some(deadline) if deadline + LATENESS_MILLIS < now => {
            violated(Invariant::SilentIsGone, format!("a connection is open {} ms after its deadline", now - deadline))
        }
        _ => Ok(()),
    }
}

/// [`Invariant::QuotasReturn`]: no reply waits in an inbox, so the node counts none as not taken.
pub(super) fn replies_are_taken(bytes_out: usize) -> Verdict {
    match bytes_out {
        0 => Ok(()),
        bytes => violated(Invariant::QuotasReturn, format!("{bytes} bytes of replies count as not taken")),
    }
}

/// [`Invariant::StopsInOrder`]: a server that was told to stop has ended, once its saves are done.
pub(super) fn has_stopped(since: Time, saved_at: Option<Time>, now: Time, pauses: &[(Time, Time)]) -> Verdict {
    let since = pauses.last().map_or(since, |(_, end)| since.max(*end));
    if saved_at.is_none_or(|saved_at| since.max(saved_at) + STOP_MILLIS >= now) {
        return Ok(());
    }
    violated(Invariant::StopsInOrder, format!("it was told to stop {} ms ago", now - since))
}

/// [`Invariant::DeparturesHaveReasons`]: a connection that is closed for silence takes nobody with it who was heard.
pub(super) fn nobody_is_over(closed: ConnId, ledger: &Ledger) -> Verdict {
    match ledger.connections().find(|(conn, _)| *conn == closed) {
        Some((_, address)) => {
            violated(Invariant::DeparturesHaveReasons, format!("{address} loses its connection for others"))
        }
        None => Ok(()),
    }
}

/// [`Invariant::DeparturesHaveReasons`]: a broker goes with its connection, once the node has all its inputs.
pub(super) fn nobody_outlives_a_connection(ledger: &Ledger, is_open: impl Fn(ConnId) -> bool) -> Verdict {
    match ledger.connections().find(|(conn, _)| !is_open(*conn)) {
        Some((_, address)) => {
            violated(Invariant::DeparturesHaveReasons, format!("{address} is known without its connection"))
        }
        None => Ok(()),
    }
}
