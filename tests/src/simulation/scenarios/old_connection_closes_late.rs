//! The host of a broker vanishes, and the broker registers over a new connection before the old one is known to be
//! dead.

use super::Story;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns", EAST)]);
    for (group, release) in ["a", "b"].into_iter().zip([Release::Four, Release::Five]) {
        cluster.with_broker(group, 0, EAST, release);
    }
    cluster.start_all()?;

    for broker in ["a.0", "b.0"].map(|name| cluster.process_named(name)) {
        cluster.happens(Fault::Vanish(broker));
        cluster.seconds(2)?;
        cluster.happens(Fault::Start(broker));
    }
    cluster.seconds(1)?;
    cluster.assert_known(0, &["a.0", "b.0"]);
    // The old connections are closed for silence, and nobody leaves with them.
    cluster.seconds(200)?;
    assert!(cluster.count("closed Idle") >= 2, "the old connections are closed by now");
    assert_eq!(cluster.count("event BrokerEvicted ConnectionLost") + cluster.count("event BrokerEvicted Expired"), 0);
    cluster.assert_known(0, &["a.0", "b.0"]);
    cluster.comes_right()
}
