//! A simulated world in virtual time: NameServers made of the real registry and real sessions, brokers, clients and
//! administrators, a network and disks, and everything that can go wrong with them. One seed decides all of it.

mod admin;
mod agenda;
mod audit;
mod broker;
mod client;
mod cluster;
mod coverage;
mod disk;
mod fault;
mod happening;
mod host;
mod invariant;
mod io_thread;
mod judge;
mod kv_ledger;
mod ledger;
mod name_server;
mod network;
mod passing;
mod peer;
mod population;
mod registry_thread;
mod saver;
pub mod scenarios;
mod secure;
mod shown;
mod simulator;
mod snapshots;
mod threads;
mod trace;
mod virtual_stream;
mod warmth;

pub use cluster::Cluster;
pub use coverage::Coverage;
pub use invariant::{Invariant, Violation};

use admin::Admin;
use agenda::Time;
use broker::Release;
use client::Client;
use cluster::Kind;
use fastrand::Rng;
use secure::{Certificates, ServerTls};
use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

/// Faults go on for so long, then they stop and everything has to come right.
const UNREST_MILLIS: Time = 15 * 60_000;
/// Versions that clients announce.
const CLIENT_VERSIONS: [i32; 7] = [513, 513, 474, 407, 401, 317, 121];

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Simulated milliseconds.
    pub millis: u64,
    /// What was reached, and the faults that were injected.
    pub coverage: Coverage,
    /// Equal digests mean equal runs.
    pub digest: u64,
    /// Lines of the trace.
    pub lines: u64,
}

/// Runs a world that a seed decides for so many simulated minutes, or somewhat longer: it ends in peace.
///
/// # Errors
/// An invariant does not hold.
pub fn run(seed: u64, minutes: u64, shows_trace: bool) -> Result<Outcome, Violation> {
    let mut cluster = populated(seed, shows_trace);
    while cluster.now() < minutes * 60_000 {
        let mean = [3000, 10_000, 40_000][cluster.simulator.random.usize(..3)];
        cluster.begin_faults(mean);
        cluster.pass(UNREST_MILLIS.min(minutes * 60_000))?;
        cluster.calm_down();
        cluster.forget_snapshots()?;
        cluster.comes_right()?;
    }
    Ok(cluster.outcome())
}

/// A command line that repeats a run.
#[must_use]
pub fn reproduction(seed: u64, minutes: u64) -> String {
    format!(
        "cargo run --release -p namesrv-tests --bin simulate -- --seed {seed} --hours 0 --minutes {minutes} --trace"
    )
}

thread_local! {
    static REPRODUCTION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on a panic of this thread also says how to repeat it.
pub fn announce_on_panic(reproduction: String) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            default(panic);
            if let Some(reproduction) = REPRODUCTION.with_borrow(Clone::clone) {
                let _ = writeln!(std::io::stderr(), "again: {reproduction}");
            }
        }));
    });
    REPRODUCTION.set(Some(reproduction));
}

impl Cluster {
    /// What came of it so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let (digest, lines) = (self.simulator.trace.digest(), self.simulator.trace.lines());
        Outcome { millis: self.now(), coverage: self.simulator.coverage.clone(), digest, lines }
    }
}

/// Two sites with servers, broker groups, clients and administrators, all started.
fn populated(seed: u64, shows_trace: bool) -> Cluster {
    let mut cluster = Cluster::new(seed, shows_trace);
    let mut random = Rng::with_seed(seed ^ 0x5eed);
    let chance = |random: &mut Rng| if random.bool() { "true" } else { "false" };
    let settings = [
        ("supportActingMaster", chance(&mut random)),
        ("deleteTopicWithBrokerRegistration", if random.u8(..) < 48 { "true" } else { "false" }),
        ("rocketmq.serialize.type", if random.u8(..) < 48 { "ROCKETMQ" } else { "JSON" }),
        ("notifyMinBrokerIdChanged", "true"),
        ("orderMessageEnable", "true"),
        ("enableShutdownGracefully", "true"),
        ("shutdownWaitTimeSeconds", "4"),
    ];
    for number in 0..random.usize(2..=3) {
        let server = cluster.add_server(&format!("ns{number}"), number % 2, &settings);
        let kinds = Certificates::ALL;
        cluster.servers[server].host.tls = ServerTls::new(kinds[(number + seed as usize) % kinds.len()]);
        if random.u8(..) < 192 {
            cluster.servers[server].host.snapshots.enable();
        }
    }
    cluster.add_judge();
    // Now and then a broker runs in a container with the first one of its site.
    let mut carriers = [None, None];
    for (number, group) in ["a", "b", "c"].into_iter().enumerate() {
        let release = Release::ALL[random.usize(..Release::ALL.len())];
        let cluster_name = if number == 2 && random.bool() { "Other" } else { "DefaultCluster" };
        let is_shared = random.u8(..) < 64;
        for id in 0..random.i64(1..=2) {
            let site = (number + id as usize) % 2;
            let cluster_name = if is_shared && id == 1 { "Shared" } else { cluster_name };
            let broker = cluster.add_broker(group, id, site, cluster_name, release);
            let carrier = *carriers[site].get_or_insert(broker);
            if random.u8(..) < 100 {
                cluster.peers[broker].carrier = carrier;
            }
        }
    }
    let topics = |random: &mut Rng| (0..3).map(|_| format!("T{}", random.u8(0..8))).collect();
    for client in 0..3 {
        let version = CLIENT_VERSIONS[random.usize(..CLIENT_VERSIONS.len())];
        let kind = Kind::Client(Client::new(topics(&mut random), version, 30_000, false));
        cluster.add_peer(&format!("client{client}"), client % 2, kind);
    }
    for auditor in 0..2 {
        let kind = Kind::Client(Client::new(topics(&mut random), 513, 4000 + 3000 * auditor, true));
        cluster.add_peer(&format!("auditor{auditor}"), auditor as usize, kind);
    }
    cluster.add_peer("admin", 0, Kind::Admin(Admin::default()));
    cluster.add_peer("stranger", 1, Kind::Stranger);
    (0..cluster.simulator.processes.len()).for_each(|process| cluster.start(process));
    cluster
}
