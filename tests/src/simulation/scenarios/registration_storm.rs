//! Forty groups restart at once and all register within half a second, at two NameServers.

use super::Verdict;
use super::stage::{EAST, WEST};
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns-east", EAST), ("ns-west", WEST)]);
    for group in 0..40 {
        cluster.with_broker(&format!("g{group}"), 0, group % 2, Release::ALL[group % Release::ALL.len()]);
        cluster.with_broker(&format!("g{group}"), 1, (group + 1) % 2, Release::ALL[group % Release::ALL.len()]);
    }
    cluster.with_clients();
    cluster.start_all()?;
    assert_eq!(cluster.known(EAST).len(), 80);

    cluster.happens(Fault::KillBrokers);
    cluster.seconds(1)?;
    assert_eq!(cluster.known(EAST).len(), 0);

    (0..cluster.simulator.processes.len()).for_each(|process| cluster.start(process));
    cluster.seconds(1)?;
    assert_eq!(cluster.known(EAST).len(), 80);
    cluster.comes_right()
}
