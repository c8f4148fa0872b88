//! A broker says goodbye and goes on with its heartbeats for some seconds, as real ones do: it stays gone.

use super::Story;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns", EAST)]);
    for (group, release) in ["a", "b"].into_iter().zip([Release::Acting, Release::ActingCompatible]) {
        cluster.with_broker(group, 0, EAST, release);
        cluster.with_broker(group, 1, EAST, release);
    }
    cluster.with_clients();
    cluster.start_all()?;

    for broker in ["a.0", "b.0"].map(|name| cluster.process_named(name)) {
        cluster.happens(Fault::Leave(broker));
    }
    for _ in 0..10 {
        cluster.seconds(1)?;
        cluster.assert_known(0, &["a.1", "b.1"]);
    }
    assert_eq!(cluster.count("event BrokerUnregistered"), 2);
    assert!(cluster.count("output Notify") > 0, "the slaves hear of it");
    for broker in ["a.0", "b.0"].map(|name| cluster.process_named(name)) {
        cluster.happens(Fault::Start(broker));
    }
    cluster.comes_right()
}
