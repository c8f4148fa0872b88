//! The disk of a NameServer fails: what could not be saved is refused and not shown, and nothing that was acknowledged
//! is lost. The three servers save in different ways.

use super::Verdict;
use super::stage::EAST;
use crate::simulation::cluster::Cluster;
use crate::simulation::disk::Health;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns0", EAST), ("ns1", EAST), ("ns2", EAST)]);
    let admin = cluster.with_puppet("admin");
    cluster.start_all()?;

    for (server, health) in (0..3).flat_map(|server| [(server, Health::Full), (server, Health::Failing)]) {
        cluster.put(admin, server, "first")?;
        cluster.assert_acknowledged(server, "first");
        let refused = cluster.count("100→1");
        for round in 0..40 {
            cluster.happens(Fault::Disk(server, health));
            cluster.put(admin, server, &format!("perhaps {round}"))?;
            cluster.read_back(admin, server)?;
            cluster.happens(Fault::Disk(server, Health::Good));
            if round % 2 == 0 {
                // What is said to be kept is kept, even if it says nothing new.
                let value = cluster.acknowledged(server);
                cluster.put(admin, server, &value)?;
                cluster.lose_power(admin, server)?;
                cluster.assert_acknowledged(server, &value);
            } else {
                cluster.lose_power(admin, server)?;
            }
        }
        assert!(cluster.count("100→1") > refused, "{health:?}");
        cluster.put(admin, server, "last")?;
        cluster.assert_acknowledged(server, "last");
    }
    Ok(())
}
