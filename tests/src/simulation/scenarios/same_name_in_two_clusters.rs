//! One broker name is used in two clusters: each member is known in its own cluster, and leaves as any other.

use super::Story;
use super::stage::{EAST, WEST};
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns-east", EAST), ("ns-west", WEST)]);
    cluster.with_broker("a", 0, EAST, Release::Five);
    cluster.add_broker("a", 1, WEST, "Other", Release::Five);
    cluster.with_clients();
    cluster.start_all()?;
    assert!(cluster.count("event ClusterConflict") > 0);
    cluster.comes_right()?;

    let second = cluster.process_named("a.1");
    cluster.happens(Fault::Kill(second));
    cluster.seconds(1)?;
    cluster.assert_known(EAST, &["a.0"]);
    cluster.happens(Fault::Start(second));
    cluster.seconds(1)?;
    cluster.happens(Fault::Vanish(second));
    cluster.seconds(125)?;
    cluster.assert_known(EAST, &["a.0"]);
    cluster.happens(Fault::Start(second));
    cluster.comes_right()
}
