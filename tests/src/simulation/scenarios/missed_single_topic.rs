//! A NameServer misses the announcement of one topic and hears the next ones: the next whole table brings what it
//! missed.

use super::Story;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns", EAST)]);
    let broker = cluster.with_broker("a", 0, EAST, Release::Five);
    cluster.start_all()?;
    cluster.comes_right()?;

    for announcements in 1..=3 {
        let now = cluster.now();
        for (topic, queues) in [("SELF_TEST_TOPIC", 2), ("TBW102", 3)] {
            let queues = queues + 4 * announcements;
            cluster.groups[0].set_topic(topic, queues, 6, now);
        }
        // What follows says the same version each time.
        let next = cluster.groups[0].set_topic("T1", announcements, 6, now);
        for _ in 0..announcements {
            cluster.announce(broker, vec![next.clone()]);
            cluster.pass(10)?;
        }
        let other = cluster.groups[0].topics["a"].clone();
        cluster.announce(broker, vec![other]);
        cluster.comes_right()?;
    }
    Ok(())
}
