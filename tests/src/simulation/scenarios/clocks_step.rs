//! The wall clock of a NameServer jumps by a year, both ways: nobody leaves for it, and what brokers tell is still
//! understood.

use super::Story;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

const YEAR_MILLIS: i64 = 365 * 24 * 3600 * 1000;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns", EAST)]);
    for (group, release) in ["a", "b", "c"].into_iter().zip([Release::Acting, Release::Asking, Release::Four]) {
        cluster.with_broker(group, 0, EAST, release);
    }
    cluster.with_clients();
    cluster.start_all()?;

    for step in [YEAR_MILLIS, -YEAR_MILLIS, -YEAR_MILLIS, 2 * YEAR_MILLIS] {
        cluster.happens(Fault::StepClock(0, step));
        cluster.seconds(130)?;
        cluster.assert_known(0, &["a.0", "b.0", "c.0"]);
    }
    assert_eq!(cluster.count("event BrokerEvicted Expired") + cluster.count("event BrokerRegistered"), 3);
    cluster.comes_right()
}
