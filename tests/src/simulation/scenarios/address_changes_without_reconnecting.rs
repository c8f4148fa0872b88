//! A broker advertises another address over the connection that it has: the old one goes, the connection stays.

use super::Story;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns", EAST)]);
    cluster.with_broker("a", 0, EAST, Release::Acting);
    cluster.with_broker("b", 0, EAST, Release::Five);
    cluster.start_all()?;

    for broker in ["a.0", "b.0"].map(|name| cluster.process_named(name)) {
        cluster.happens(Fault::Move(broker));
    }
    cluster.seconds(1)?;
    assert_eq!(cluster.count("event BrokerEvicted Replaced"), 2);
    // Longer than the timeout of the addresses that are gone.
    cluster.seconds(200)?;
    assert_eq!(cluster.count("output Close BrokerExpired") + cluster.count("event BrokerEvicted Expired"), 0);
    cluster.assert_known(0, &["a.0", "b.0"]);
    cluster.comes_right()
}
