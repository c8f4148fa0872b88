//! A NameServer was down for so long that its snapshot is too old. It starts without routes, and is ready when the
//! brokers of the snapshot have registered, or have had the time to.

use super::Verdict;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns", EAST)]);
    cluster.servers[0].host.snapshots.enable();
    for group in ["a", "b"] {
        cluster.with_broker(group, 0, EAST, Release::Five);
    }
    cluster.start_all()?;
    cluster.seconds(30)?;

    for (brokers, seconds) in [(&["a.0", "b.0"][..], 30), (&["a.0"][..], 46), (&[][..], 46)] {
        start_late(cluster)?;
        assert!(!is_ready(cluster), "no broker has registered");
        for broker in brokers {
            cluster.happens(Fault::Start(cluster.process_named(broker)));
        }
        cluster.seconds(seconds)?;
        assert!(is_ready(cluster), "{brokers:?} have registered, and nobody is waited for any longer");
        cluster.assert_known(EAST, brokers);
    }
    Ok(())
}

/// All end, and the server starts when its snapshot is too old.
fn start_late(cluster: &mut Cluster) -> Verdict {
    let server = cluster.process_named("ns");
    cluster.happens(Fault::Kill(server));
    cluster.happens(Fault::KillBrokers);
    cluster.seconds(601)?;
    cluster.happens(Fault::Start(server));
    cluster.assert_known(EAST, &[]);
    cluster.seconds(1)
}

fn is_ready(cluster: &Cluster) -> bool {
    cluster.servers[0].is_ready()
}
