//! The disk of a NameServer fails: what could not be saved is refused and not shown, and nothing that was acknowledged
//! is lost.

use super::Verdict;
use super::stage::EAST;
use crate::simulation::cluster::Cluster;
use crate::simulation::disk::Health;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns", EAST)]);
    let admin = cluster.with_puppet("admin");
    cluster.start_all()?;
    let server = cluster.process_named("ns");

    for health in [Health::Full, Health::Failing] {
        cluster.put(admin, "first")?;
        cluster.assert_acknowledged("first");
        cluster.happens(Fault::Disk(0, health));
        let refused = cluster.count("100→1");
        for round in 0..30 {
            cluster.put(admin, &format!("perhaps {round}"))?;
            cluster.read_back(admin)?;
        }
        assert!(cluster.count("100→1") > refused, "{health:?}");
        cluster.happens(Fault::Disk(0, Health::Good));
        // What is said to be kept is kept, even if it says nothing new.
        let value = cluster.acknowledged();
        cluster.put(admin, &value)?;
        cluster.happens(Fault::Vanish(server));
        cluster.happens(Fault::Start(server));
        cluster.assert_acknowledged(&value);
        cluster.reconnect(admin)?;
        cluster.read_back(admin)?;
        cluster.put(admin, "last")?;
        cluster.assert_acknowledged("last");
    }
    Ok(())
}
