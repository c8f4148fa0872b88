//! Two brokers claim one identifier: the newer state wins whoever comes first, and the loser leaves no trace.

use super::Story;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns", EAST)]);
    let holder = cluster.with_broker("a", 0, EAST, Release::Five);
    let rival = cluster.with_broker("a", 1, EAST, Release::Five);
    cluster.with_clients();
    cluster.start_all()?;
    cluster.assert_known(0, &["a.0", "a.1"]);

    // The rival wants to be master with an older state, and loses even what it had.
    cluster.broker_mut(holder).state = 5;
    cluster.register_everywhere(holder);
    cluster.pass(50)?;
    cluster.broker_mut(rival).id = 0;
    cluster.broker_mut(rival).state = 4;
    cluster.register_everywhere(rival);
    cluster.pass(50)?;
    cluster.assert_known(0, &["a.0"]);
    assert_eq!(cluster.count("event BrokerEvicted ConflictLost"), 1);

    // With a newer one it takes over.
    cluster.broker_mut(rival).state = 6;
    cluster.register_everywhere(rival);
    cluster.pass(50)?;
    assert_eq!(cluster.count("event BrokerEvicted Replaced"), 1);
    cluster.happens(Fault::Kill(cluster.process_named("a.0")));
    cluster.comes_right()
}
