//! Drift: where the clusters, brokers and topics of other NameServers differ from those of this one.
//!
//! The servers are compared only when an operator looks, on a separate thread, and the result counts for a while. So
//! nothing waits for a slow or dead NameServer, and other servers get no requests while no operator looks.

use crate::clock::Clock;
use crate::inspection::wake;
use crate::threads;
use crate::tls::{Tls, TlsMode};
use namesrv_core::cut::{Bound, cut};
use namesrv_core::time::{Instant, WallTime};
use namesrv_ctl::{Difference, Unanswered, Way, compare_routes};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{self, Duration};
use tracing::warn;

/// How long a result counts.
pub(super) const VALID: Duration = Duration::from_secs(30);
/// How long a NameServer may take for one round of requests, and for all rounds.
const ROUND_WITHIN: Duration = Duration::from_secs(5);
const MEMBER_WITHIN: Duration = Duration::from_secs(20);
/// The most NameServers that are compared.
pub(super) const MEMBERS_MAX: usize = 16;
/// The most bytes of the answers to one round of requests.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most differences that are kept for one NameServer, and the most characters of each text.
const DIFFERENCES_MAX: usize = 100;
const TEXT_BOUND: Bound = Bound::Characters(128);

/// The last results, and whether a comparison is running.
#[derive(Debug, Default)]
pub(super) struct Drift(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_running: AtomicBool,
    results: Mutex<Results>,
}

#[derive(Debug, Default)]
struct Results {
    /// When the last comparison ended.
    ended_at: Option<Instant>,
    members: BTreeMap<SocketAddr, Compared>,
}

/// The result for one NameServer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) at: WallTime,
    /// Why the comparison failed.
    pub(super) error: Option<String>,
    /// How many facts differ.
    pub(super) count: usize,
    /// The first differences, with the values here and there.
    pub(super) differences: Vec<Difference>,
}

/// How to reach this server and others.
#[derive(Debug)]
pub(super) struct Comparison {
    /// Where this server listens.
    pub(super) listens_on: SocketAddr,
    pub(super) tls: Arc<Tls>,
    pub(super) clock: Clock,
}

impl Drift {
    /// Starts a comparison of others with this server, unless one is running or a recent result counts. Wakes `waker`
    /// at the end.
    pub(super) fn refresh(&self, others: Vec<SocketAddr>, comparison: Comparison, waker: Arc<OwnedFd>) {
        let now = comparison.clock.now().monotonic;
        let is_valid = self.0.results().ended_at.is_some_and(|at| now.since(at) < VALID);
        if others.is_empty() || is_valid || self.0.is_running.swap(true, Ordering::SeqCst) {
            return;
        }
        let state = Arc::clone(&self.0);
        let run = move || {
            state.results().members.retain(|address, _| others.contains(address));
            for address in others {
                let compared = comparison.compare(address);
                state.results().members.insert(address, compared);
            }
            state.results().ended_at = Some(comparison.clock.now().monotonic);
            state.is_running.store(false, Ordering::SeqCst);
            wake(&waker);
        };
        if let Err(error) = threads::named("drift").spawn(run) {
            warn!(%error, "cannot start a thread to compare NameServers");
            self.0.is_running.store(false, Ordering::SeqCst);
        }
    }

    /// Whether a comparison is running.
    pub(super) fn is_running(&self) -> bool {
        self.0.is_running.load(Ordering::SeqCst)
    }

    /// Returns the result for one NameServer, if there is one.
    pub(super) fn of(&self, address: SocketAddr) -> Option<Compared> {
        self.0.results().members.get(&address).cloned()
    }

    /// Stores a result.
    #[cfg(test)]
    pub(super) fn set(&self, address: SocketAddr, compared: Compared) {
        self.0.results().members.insert(address, compared);
    }
}

impl State {
    fn results(&self) -> MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Comparison {
    fn compare(&self, other: SocketAddr) -> Compared {
        let until = Some(time::Instant::now() + MEMBER_WITHIN);
        let to_others =
            Way { until, answer_bytes_max: ANSWER_BYTES_MAX, tls: self.tls.broker_config(), ..Way::new(ROUND_WITHIN) };
        let to_own = match self.tls.mode() {
            TlsMode::Enforcing => to_others.clone(),
            TlsMode::Disabled | TlsMode::Permissive => Way { tls: None, ..to_others.clone() },
        };
        let (own, other) = (self.own_address().to_string(), other.to_string());
        let (mut count, mut differences) = (0, Vec::new());
        let compared = compare_routes(&[(own.as_str(), &to_own), (other.as_str(), &to_others)], |difference| {
            count += 1;
            if count <= DIFFERENCES_MAX {
                differences.push(shortened(difference));
            }
        });
        let at = self.clock.now().wall;
        match compared {
            Ok(()) => Compared { at, error: None, count, differences },
            Err(Unanswered { address, error }) => {
                let whose = if address == own { "this server: " } else { "" };
                Compared { at, error: Some(format!("{whose}{error}")), count: 0, differences: Vec::new() }
            }
        }
    }

    /// Returns an address of this host that reaches this server.
    fn own_address(&self) -> SocketAddr {
        if self.listens_on.ip().is_unspecified() {
            (Ipv4Addr::LOCALHOST, self.listens_on.port()).into()
        } else {
            self.listens_on
        }
    }
}

/// Shortens each text to the length that is shown.
fn shortened(mut difference: Difference) -> Difference {
    let texts = [&mut difference.subject.name, &mut difference.subject.part];
    for text in texts.into_iter().chain(difference.values.iter_mut().flatten()) {
        *text = cut(text, TEXT_BOUND, "…").into_owned();
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::super::probe::tests::name_server;
    use super::*;
    use namesrv_ctl::{Kind, Subject};
    use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

    fn comparison(clock: Clock) -> Comparison {
        Comparison { listens_on: ([127, 0, 0, 1], 1).into(), tls: Tls::disabled(), clock }
    }

    #[test]
    fn others_are_compared_once_in_a_while_and_the_end_wakes_who_waits() {
        let (drift, clock) = (Drift::default(), Clock::start());
        let waker = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).unwrap());
        drift.refresh(Vec::new(), comparison(clock), Arc::clone(&waker));
        assert!(!drift.is_running(), "there is nobody to compare with");
        let (other, _) = name_server();
        drift.refresh(vec![other], comparison(clock), Arc::clone(&waker));
        poll(&mut [PollFd::new(&waker, PollFlags::IN)], None).unwrap();
        assert!(!drift.is_running());
        let compared = drift.of(other).unwrap();
        assert!(compared.error.is_some_and(|error| error.starts_with("this server: cannot connect: ")));
        drift.refresh(vec![other], comparison(clock), waker);
        assert!(!drift.is_running(), "what was found still counts");
    }

    #[test]
    fn this_server_is_asked_where_it_listens() {
        let own = |listens_on: &str| {
            let comparison = Comparison { listens_on: listens_on.parse().unwrap(), ..comparison(Clock::start()) };
            comparison.own_address().to_string()
        };
        assert_eq!(own("[::]:9876"), "127.0.0.1:9876");
        assert_eq!(own("0.0.0.0:9876"), "127.0.0.1:9876");
        assert_eq!(own("[fe80::1]:9876"), "[fe80::1]:9876");
    }

    #[test]
    fn long_texts_are_cut() {
        let long = "é".repeat(1000);
        let subject = Subject { kind: Kind::Broker, name: long.clone(), part: long.clone() };
        let Difference { subject, values } = shortened(Difference { subject, values: vec![Some(long), None] });
        let lengths = [&subject.name, &subject.part, values[0].as_ref().unwrap()].map(|text| text.chars().count());
        assert_eq!((lengths, &values[1]), ([129; 3], &None));
    }
}
