//! What must hold whatever happens, each with its name. All checks stand here; the rest of the simulation only feeds
//! them.

use super::agenda::Time;
use super::ledger::{Ledger, Moment, Seat};
use super::shown::{clusters, queues, route, topics};
use namesrv_core::ConnId;
use namesrv_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A pause that is longer than so postpones deadlines, but for the time until the next look at the clock.
const PAUSE_NOTICED_MILLIS: Time = 4000;
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
    /// What was acknowledged of the KV table is read back, from memory and after a restart.
    AcknowledgedKvIsKept,
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

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 17] = [
        Self::OnlyWhoAsked,
        Self::ReplyAfterView,
        Self::RepliesAreVisible,
        Self::UnregisteredIsGone,
        Self::SilentIsGone,
        Self::HeardIsKept,
        Self::DeparturesHaveReasons,
        Self::AcknowledgedKvIsKept,
        Self::EveryQuestionIsAnswered,
        Self::OutputIsAwaited,
        Self::QuotasReturn,
        Self::StopsInOrder,
        Self::Converges,
        Self::RoutesOutliveRestarts,
        Self::StaleIsNotServed,
        Self::UnrepeatedIsGone,
        Self::ReadinessComes,
    ];
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnlyWhoAsked => "only-who-asked",
            Self::ReplyAfterView => "reply-after-view",
            Self::RepliesAreVisible => "replies-are-visible",
            Self::UnregisteredIsGone => "unregistered-is-gone",
            Self::SilentIsGone => "silent-is-gone",
            Self::HeardIsKept => "heard-is-kept",
            Self::DeparturesHaveReasons => "departures-have-reasons",
            Self::AcknowledgedKvIsKept => "acknowledged-kv-is-kept",
            Self::EveryQuestionIsAnswered => "every-question-is-answered",
            Self::OutputIsAwaited => "output-is-awaited",
            Self::QuotasReturn => "quotas-return",
            Self::StopsInOrder => "stops-in-order",
            Self::Converges => "converges",
            Self::RoutesOutliveRestarts => "routes-outlive-restarts",
            Self::StaleIsNotServed => "stale-is-not-served",
            Self::UnrepeatedIsGone => "unrepeated-is-gone",
            Self::ReadinessComes => "readiness-comes",
        })
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
    let fits = |moment: &Moment| match subject {
        Subject::Route { topic, zone } => match moment.topics.get(topic) {
            None => code == 17,
            Some(groups) if code == 0 => {
                let shown = route(text);
                let expected = groups.iter().filter_map(|group| Some((group, moment.groups.get(group)?)));
                let mut expected: BTreeMap<_, BTreeSet<_>> =
                    expected.map(|(group, members)| (group.clone(), members.values().cloned().collect())).collect();
                if let Some(zone) = zone {
                    expected.retain(|group, _| moment.is_in_zone(group, zone).unwrap_or(shown.contains_key(group)));
                }
                shown == expected
            }
            Some(_) => false,
        },
        Subject::Clusters => code == 0 && clusters(text) == moment.groups,
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

/// [`Invariant::ReplyAfterView`]: a view shows all that the ledger has.
pub(super) fn view_shows(moment: &Moment, cluster_info: &[u8], topic_count: usize) -> Verdict {
    let shown = clusters(&String::from_utf8_lossy(cluster_info));
    if shown == moment.groups && topic_count == moment.topics.len() {
        return Ok(());
    }
    let details = format!("the view has {topic_count} topics and {shown:?}, and should have {moment:?}");
    violated(Invariant::ReplyAfterView, details)
}

/// [`Invariant::ReplyAfterView`]: routes show the permissions of a group as far as they are known.
pub(super) fn view_permits(ledger: &Ledger, route_of: impl Fn(&str) -> Option<String>) -> Verdict {
    let moment = ledger.newest();
    for (group, writable) in &ledger.permissions {
        for (topic, _) in moment.topics.iter().filter(|(_, groups)| groups.contains(group)) {
            let shown =
                route_of(topic).and_then(|route| queues(&route).get(group).map(|[.., perm, _]| perm & WRITE != 0));
            if shown != Some(*writable) {
                let details = format!("{topic} of {group} should be writable: {writable}, and is {shown:?}");
                return violated(Invariant::ReplyAfterView, details);
            }
        }
    }
    Ok(())
}

/// [`Invariant::UnrepeatedIsGone`]: a view counts the brokers that only a snapshot knows.
pub(super) fn view_marks(ledger: &Ledger, unconfirmed: usize) -> Verdict {
    let kept = ledger.kept_seats().count();
    if unconfirmed == kept {
        return Ok(());
    }
    violated(Invariant::UnrepeatedIsGone, format!("{unconfirmed} brokers are marked as unconfirmed, and {kept} are"))
}

/// [`Invariant::UnrepeatedIsGone`]: the time to register has not been over for long, but for pauses of the server.
pub(super) fn nothing_is_kept(ledger: &Ledger, end: Time, now: Time, pauses: &[(Time, Time)]) -> Verdict {
    let paused: Time = pauses.iter().map(|(start, end)| end - start).sum();
    if ledger.kept.until.is_none() || end + paused + LATENESS_MILLIS >= now {
        return Ok(());
    }
    violated(Invariant::UnrepeatedIsGone, format!("the time to register was over at {end}, but for {paused} ms"))
}

/// [`Invariant::HeardIsKept`]: this broker may be evicted for silence now.
pub(super) fn was_silent(seat: &Seat, now: Time, pauses: &[(Time, Time)]) -> Verdict {
    if seat.is_kept() {
        let verdict = violated(Invariant::HeardIsKept, format!("{} has time until {}", seat.address, seat.kept_until));
        return if seat.kept_until <= now { Ok(()) } else { verdict };
    }
    let noticed = |length: Time| if length > PAUSE_NOTICED_MILLIS { length - LOOK_MILLIS } else { 0 };
    let silence = silence(seat, now, pauses, noticed);
    if silence >= seat.timeout {
        return Ok(());
    }
    let details = format!("{} was silent for {silence} ms of its {} ms", seat.address, seat.timeout);
    violated(Invariant::HeardIsKept, details)
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
pub(super) fn nobody_is_over(conn: ConnId, ledger: &Ledger) -> Verdict {
    match ledger.seats.values().flat_map(BTreeMap::values).find(|seat| seat.conn == Some(conn)) {
        Some(seat) => {
            violated(Invariant::DeparturesHaveReasons, format!("{} loses its connection for others", seat.address))
        }
        None => Ok(()),
    }
}

/// [`Invariant::DeparturesHaveReasons`]: a broker goes with its connection, once the node has all its inputs.
pub(super) fn nobody_outlives_a_connection(ledger: &Ledger, is_open: impl Fn(ConnId) -> bool) -> Verdict {
    let mut seats = ledger.seats.values().flat_map(BTreeMap::values);
    match seats.find(|seat| seat.conn.is_some_and(|conn| !is_open(conn))) {
        Some(seat) => {
            violated(Invariant::DeparturesHaveReasons, format!("{} is known without its connection", seat.address))
        }
        None => Ok(()),
    }
}

/// [`Invariant::SilentIsGone`]: nobody is known who was silent for too long.
pub(super) fn nobody_is_silent(ledger: &Ledger, now: Time, pauses: &[(Time, Time)]) -> Verdict {
    for seat in ledger.seats.values().flat_map(BTreeMap::values) {
        let silence = silence(seat, now, pauses, |length| length);
        let granted = if seat.is_kept() { seat.kept_until.saturating_sub(seat.heard) } else { seat.timeout };
        if silence > granted + LATENESS_MILLIS {
            let details = format!("{} is known after {silence} ms of its {granted} ms", seat.address);
            return violated(Invariant::SilentIsGone, details);
        }
    }
    Ok(())
}

/// Milliseconds since a broker was heard from, without pauses of the server as far as they count.
fn silence(seat: &Seat, now: Time, pauses: &[(Time, Time)], counts: impl Fn(Time) -> Time) -> Time {
    let since = pauses.iter().filter(|(start, _)| *start >= seat.heard);
    let paused: Time = since.map(|(start, end)| counts(end - start)).sum();
    (now - seat.heard).saturating_sub(paused)
}
