//! Probes the listed NameServers: asks each whether it serves, as `--health` does.

use crate::tls::Tls;
use namesrv_ctl::{Way, check_health};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};
use std::time::Duration;

/// How long a NameServer may take to answer.
const WITHIN: Duration = Duration::from_secs(2);
/// This many failures in a row remove a NameServer from the lists.
const FAILURES_MAX: u32 = 2;
/// How many NameServers are probed at the same time.
const TOGETHER: usize = 16;

/// The results of the probes of each NameServer.
#[derive(Debug)]
pub(super) struct Probes {
    tls: Arc<Tls>,
    probed: Mutex<BTreeMap<SocketAddr, Probed>>,
}

/// The result of the probes of one NameServer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Probed {
    /// Failures since its last answer.
    pub(super) failures: u32,
    /// Why the last one failed.
    pub(super) error: Option<String>,
}

impl Probes {
    /// Probes use TLS if notifications to brokers use it.
    pub(super) fn new(tls: Arc<Tls>) -> Self {
        Self { tls, probed: Mutex::default() }
    }

    /// Probes all of these, which takes as long as the slowest probe. Forgets all others.
    pub(super) fn ask(&self, addresses: &BTreeSet<SocketAddr>) {
        let way = Way { tls: self.tls.broker_config(), ..Way::new(WITHIN) };
        let addresses: Vec<_> = addresses.iter().copied().collect();
        let answers: Vec<_> = addresses.chunks(TOGETHER).flat_map(|addresses| ask_together(addresses, &way)).collect();
        let mut probed = self.probed();
        let mut before = std::mem::take(&mut *probed);
        for (address, error) in answers {
            let failures = before.remove(&address).map_or(0, |probed| probed.failures);
            let failures = if error.is_some() { failures.saturating_add(1) } else { 0 };
            probed.insert(address, Probed { failures, error });
        }
    }

    /// Returns the NameServers that do not serve.
    pub(super) fn failing(&self) -> BTreeMap<SocketAddr, String> {
        let probed = self.probed();
        let failing = probed.iter().filter(|(_, probed)| probed.failures >= FAILURES_MAX);
        failing.map(|(address, probed)| (*address, probed.error.clone().unwrap_or_default())).collect()
    }

    /// Returns the result for one NameServer, or `None` before its first probe.
    pub(super) fn of(&self, address: SocketAddr) -> Option<Probed> {
        self.probed().get(&address).cloned()
    }

    fn probed(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Probed>> {
        self.probed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Probes these at the same time. Returns for each why it does not serve, if it does not.
fn ask_together(addresses: &[SocketAddr], way: &Way) -> Vec<(SocketAddr, Option<String>)> {
    let ask = |address: SocketAddr| check_health(&address.to_string(), way).err().map(|error| error.to_string());
    thread::scope(|scope| {
        let ask = &ask;
        let start = |address: SocketAddr| (address, Builder::new().spawn_scoped(scope, move || ask(address)));
        let threads: Vec<_> = addresses.iter().copied().map(start).collect();
        let mut answers = Vec::new();
        for (address, thread) in threads {
            answers.push(match thread {
                // If the thread panics, the process ends.
                Ok(thread) => (address, thread.join().unwrap_or_default()),
                Err(_) => (address, ask(address)),
            });
        }
        answers
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A NameServer that serves while the switch is on, and otherwise closes connections.
    pub(in crate::admin) fn name_server() -> (SocketAddr, Arc<AtomicBool>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serves = Arc::new(AtomicBool::new(true));
        let switch = Arc::clone(&serves);
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let header = br#"{"code":17,"flag":1,"opaque":1}"#;
                let length = u32::try_from(header.len()).unwrap();
                let frame = [&(length + 4).to_be_bytes()[..], &length.to_be_bytes(), header].concat();
                if serves.load(Ordering::SeqCst) && stream.read(&mut [0; 1024]).is_ok() {
                    let _ = stream.write_all(&frame);
                }
            }
        });
        (address, switch)
    }

    #[test]
    fn two_failures_are_a_failure_and_one_answer_is_the_end_of_it() {
        let [(good, _), (other, serves)] = [name_server(), name_server()];
        let probes = Probes::new(Tls::disabled());
        let all = [good, other].into();
        assert_eq!(probes.of(good), None);
        for (is_serving, failures, is_failing) in [
            (true, 0, false),
            (false, 1, false),
            (false, 2, true),
            (false, 3, true),
            (true, 0, false),
            (false, 1, false),
        ] {
            serves.store(is_serving, Ordering::SeqCst);
            probes.ask(&all);
            let probed = probes.of(other).unwrap();
            assert_eq!((probed.failures, probed.error.is_some()), (failures, !is_serving));
            assert_eq!(probes.failing().contains_key(&other), is_failing);
            assert_eq!(probes.of(good), Some(Probed::default()));
        }
        probes.ask(&[good].into());
        assert_eq!(probes.of(other), None, "it is not listed any more");
    }
}
