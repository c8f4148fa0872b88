//! A NameServer is killed and starts again while everybody talks to it. Clients go on with the other one.

use super::Verdict;
use super::stage::{EAST, WEST};
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns-east", EAST), ("ns-west", WEST)]);
    for (group, release) in ["a", "b", "c", "d"].into_iter().zip(Release::ALL) {
        cluster.with_broker(group, 0, EAST, release);
        cluster.with_broker(group, 1, WEST, release);
    }
    cluster.with_clients();
    cluster.start_all()?;

    let server = cluster.process_named("ns-east");
    for down in [1, 500, 4000] {
        cluster.happens(Fault::Kill(server));
        cluster.pass(down)?;
        cluster.happens(Fault::Start(server));
        cluster.assert_known(EAST, &[]);
        cluster.comes_right()?;
    }
    Ok(())
}
