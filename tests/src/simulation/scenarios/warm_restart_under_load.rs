//! A NameServer that saves its routes is killed and starts again while everybody talks to it. Whoever was known is
//! known at once, and in the end only what brokers have registered is.

use super::Verdict;
use super::stage::{EAST, WEST};
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns-east", EAST), ("ns-west", WEST)]);
    (0..2).for_each(|server| cluster.servers[server].host.snapshots.enable());
    for (group, release) in ["a", "b", "c", "d"].into_iter().zip(Release::ALL) {
        cluster.with_broker(group, 0, EAST, release);
        cluster.with_broker(group, 1, WEST, release);
    }
    cluster.with_clients();
    cluster.start_all()?;
    // A snapshot is saved half a minute after the start.
    cluster.seconds(30)?;

    let server = cluster.process_named("ns-east");
    for (down, end) in [(1, Fault::Kill(server)), (500, Fault::Vanish(server)), (4000, Fault::Kill(server))] {
        let known = cluster.known(EAST);
        cluster.happens(end);
        cluster.pass(down)?;
        cluster.happens(Fault::Start(server));
        assert_eq!(cluster.known(EAST), known);
        cluster.comes_right()?;
        cluster.forget_snapshots()?;
        cluster.comes_right()?;
    }
    Ok(())
}
