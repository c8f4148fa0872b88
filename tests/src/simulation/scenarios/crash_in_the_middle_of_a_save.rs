//! A NameServer is killed or its power fails at any moment of a save: the file has the old contents or the new ones,
//! and all that was acknowledged. The three servers save in different ways.

use super::Verdict;
use super::stage::EAST;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;
use crate::simulation::host::SAVE_MILLIS;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns0", EAST), ("ns1", EAST), ("ns2", EAST)]);
    let admin = cluster.with_puppet("admin");
    cluster.start_all()?;

    for (server, round) in (0..3).flat_map(|server| (0..40).map(move |round| (server, round))) {
        cluster.put(admin, server, &format!("kept {round}"))?;
        cluster.assert_acknowledged(server, &format!("kept {round}"));
        cluster.happens(Fault::SlowDisk(server, 800));
        // It waits for one save, and the second for the next.
        cluster.put(admin, server, &format!("perhaps {round}"))?;
        cluster.put(admin, server, &format!("perhaps as well {round}"))?;
        cluster.pass(25 * round)?;
        let process = cluster.servers[server].host.process;
        cluster.happens(if round % 2 == 0 { Fault::Vanish(process) } else { Fault::Kill(process) });
        cluster.happens(Fault::SlowDisk(server, SAVE_MILLIS));
        cluster.pass(50)?;
        cluster.happens(Fault::Start(process));
        cluster.reconnect(admin, server)?;
        cluster.read_back(admin, server)?;
        cluster.lose_power(admin, server)?;
    }
    Ok(())
}
