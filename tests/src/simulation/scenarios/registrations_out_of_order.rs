//! Registrations of one broker overtake each other: the next one repairs what the older one left.

use super::Story;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns", EAST)]);
    let broker = cluster.with_broker("a", 0, EAST, Release::Five);
    cluster.start_all()?;

    let topics: Vec<_> = cluster.groups[0].topics.values().cloned().collect();
    let older_table = cluster.registration(broker, topics);
    let now = cluster.now();
    let older = cluster.groups[0].set_topic("T1", 2, 6, now);
    let older_topic = cluster.registration(broker, vec![older]);
    let newer = cluster.groups[0].set_topic("T1", 12, 4, now);
    cluster.announce(broker, vec![newer]);
    // What was said before arrives later, and one of them twice.
    cluster.register_as(broker, 0, older_topic.clone())?;
    cluster.register_as(broker, 0, older_topic)?;
    cluster.register_as(broker, 0, older_table)?;
    cluster.comes_right()
}
