//! Two data centres lose sight of each other and find each other again: each goes on with what it sees.

use super::Verdict;
use super::stage::{EAST, WEST};
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns-east", EAST), ("ns-west", WEST)]);
    cluster.with_broker("a", 0, EAST, Release::Acting);
    cluster.with_broker("a", 1, WEST, Release::Acting);
    cluster.with_broker("b", 0, EAST, Release::Five);
    cluster.with_broker("c", 0, WEST, Release::Four);
    cluster.with_clients();
    cluster.start_all()?;
    cluster.comes_right()?;

    cluster.happens(Fault::CutSites(EAST, WEST));
    cluster.seconds(15)?;
    cluster.assert_known(EAST, &["a.0", "b.0", "c.0"]);
    cluster.assert_known(WEST, &["a.1", "b.0", "c.0"]);
    cluster.seconds(140)?;
    cluster.assert_known(EAST, &["a.0", "b.0"]);
    cluster.assert_known(WEST, &["a.1", "c.0"]);

    cluster.happens(Fault::HealSites(EAST, WEST));
    cluster.comes_right()
}
