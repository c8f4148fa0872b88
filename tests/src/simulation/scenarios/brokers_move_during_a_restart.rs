//! While a NameServer restarts, a broker gets another address, another one another cluster, two change their roles, and
//! one is gone for good. All are shown as they were for as long as they have time to register, and nothing of that is
//! left after it.

use super::Verdict;
use super::stage::{EAST, WEST};
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns", EAST)]);
    cluster.servers[0].host.snapshots.enable();
    for group in ["address", "gone", "role"] {
        cluster.with_broker(group, 0, EAST, Release::Five);
    }
    let heir = cluster.with_broker("role", 1, WEST, Release::Five);
    let role = cluster.broker(heir).expect("a broker").group;
    let other_cluster = cluster.with_broker("cluster", 0, WEST, Release::Five);
    cluster.with_clients();
    cluster.start_all()?;
    let server = cluster.process_named("ns");
    let [address, gone] = ["address.0", "gone.0"].map(|name| cluster.process_named(name));

    cluster.happens(Fault::ShutDown(0));
    cluster.seconds(8)?;
    cluster.happens(Fault::Move(address));
    cluster.happens(Fault::Kill(gone));
    cluster.promote(heir, true);
    cluster.depose(role);
    cluster.broker_mut(other_cluster).cluster = "Other".to_owned();
    cluster.happens(Fault::Start(server));
    cluster.assert_known(EAST, &["address.0", "cluster.0", "gone.0", "role.0", "role.1"]);

    cluster.forget_snapshots()?;
    cluster.assert_known(EAST, &["address.0", "cluster.0", "role.0", "role.1"]);
    assert_eq!(cluster.count("event BrokerEvicted Unconfirmed"), 1, "of the one that is gone");
    cluster.comes_right()
}
