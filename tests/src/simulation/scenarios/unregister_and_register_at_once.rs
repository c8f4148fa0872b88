//! A broker unregisters and registers again at once: the answered unregistration does not take the new registration
//! with it.

use super::Story;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns", EAST)]);
    let peer = cluster.with_broker("a", 0, EAST, Release::Five);
    cluster.with_broker("b", 0, EAST, Release::Five);
    cluster.start_all()?;

    let broker = cluster.process_named("a.0");
    for _ in 0..10 {
        cluster.happens(Fault::Leave(broker));
        cluster.pass(30)?;
        cluster.assert_known(0, &["b.0"]);
        // Over the same connection, as a broker that changes its mind.
        cluster.broker_mut(peer).is_leaving = false;
        cluster.register_everywhere(peer);
        cluster.pass(30)?;
        cluster.assert_known(0, &["a.0", "b.0"]);
        // Over a new connection, as a broker that was started again.
        cluster.happens(Fault::Leave(broker));
        cluster.pass(30)?;
        cluster.happens(Fault::Kill(broker));
        cluster.happens(Fault::Start(broker));
        cluster.pass(300)?;
        cluster.assert_known(0, &["a.0", "b.0"]);
    }
    cluster.comes_right()
}
