//! The power fails at any moment of the save of a snapshot, or the server crashes: the next one serves the old routes
//! or the new ones, and nothing else.

use super::Verdict;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;
use crate::simulation::host::SAVE_MILLIS;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns", EAST)]);
    cluster.servers[0].host.snapshots.enable();
    let broker = cluster.with_broker("a", 0, EAST, Release::Five);
    cluster.with_broker("b", 0, EAST, Release::Acting);
    cluster.start_all()?;
    cluster.seconds(30)?;
    let server = cluster.process_named("ns");

    for round in 0..20 {
        let now = cluster.now();
        let topic = cluster.groups[0].set_topic(&format!("T{round}"), 4, 6, now);
        cluster.announce(broker, vec![topic]);
        cluster.happens(Fault::SlowDisk(0, 800));
        // One is saved half a minute after each start.
        cluster.pass(29_900 + 50 * round)?;
        cluster.happens(if round % 2 == 0 { Fault::Vanish(server) } else { Fault::Kill(server) });
        cluster.happens(Fault::SlowDisk(0, SAVE_MILLIS));
        cluster.pass(50)?;
        cluster.happens(Fault::Start(server));
        cluster.assert_known(EAST, &["a.0", "b.0"]);
    }
    cluster.forget_snapshots()?;
    cluster.comes_right()
}
