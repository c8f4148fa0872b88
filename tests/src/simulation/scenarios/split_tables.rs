//! A broker registers its table in parts at a server that deletes what tables lack: no part deletes what another one
//! brought, what changes in any part takes effect, and a topic that is gone from the table is gone here.

use super::stage::EAST;
use super::{CONVERGENCE_MILLIS, Verdict};
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.add_server("ns", EAST, &[("deleteTopicWithBrokerRegistration", "true")]);
    let broker = cluster.with_broker("a", 0, EAST, Release::Split);
    let now = cluster.now();
    for topic in ["T1", "T2", "T3", "T4"] {
        cluster.groups[0].set_topic(topic, 4, 6, now);
    }
    cluster.start_all()?;
    cluster.comes_right()?;

    // One topic of the first part changes, then one of the last.
    for topic in ["SELF_TEST_TOPIC", "rmq_sys_SYNC_BROKER_MEMBER_a"] {
        let now = cluster.now();
        cluster.groups[0].set_topic(topic, 12, 6, now);
        keeps_all_topics(cluster)?;
        cluster.check_convergence()?;
    }

    // A change is missed, and the announcement of the next one arrives: the next table brings the first one.
    for (missed, announced) in [("T1", "T4"), ("T4", "T1"), ("T2", "T3")] {
        let now = cluster.now();
        cluster.groups[0].set_topic(missed, 16, 6, now);
        let announced = cluster.groups[0].set_topic(announced, 16, 6, now);
        cluster.announce(broker, vec![announced]);
        keeps_all_topics(cluster)?;
        cluster.check_convergence()?;
    }

    // Updates that both have the later version are no part, even if they are all topics of one.
    let now = cluster.now();
    let [first, second] = ["T1", "T2"].map(|topic| cluster.groups[0].set_topic(topic, 20, 6, now));
    cluster.announce(broker, vec![first]);
    cluster.announce(broker, vec![second]);
    keeps_all_topics(cluster)?;
    cluster.check_convergence()?;

    // It is known that a table is whole when its first part is registered again.
    let now = cluster.now();
    cluster.groups[0].delete_topic("T2", now);
    cluster.comes_right()?;
    cluster.comes_right()?;
    assert!(!has_topic(cluster, "T2"), "T2 is in no part of the table");
    Ok(())
}

/// One registration period goes by, in which no topic of the table is missing for a moment.
fn keeps_all_topics(cluster: &mut Cluster) -> Verdict {
    let end = cluster.now() + CONVERGENCE_MILLIS;
    while cluster.now() < end {
        cluster.pass(1)?;
        for topic in cluster.groups[0].topics.keys() {
            assert!(has_topic(cluster, topic), "{topic} is missing");
        }
    }
    Ok(())
}

/// Whether the view of the server shows a topic.
fn has_topic(cluster: &Cluster, topic: &str) -> bool {
    cluster.servers[0].view().topic_entries(topic).is_some()
}
