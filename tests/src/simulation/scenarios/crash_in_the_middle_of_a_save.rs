//! The power fails at any moment of a save: the file has the old contents or the new ones, and all that was
//! acknowledged.

use super::Verdict;
use super::stage::EAST;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;
use crate::simulation::host::SAVE_MILLIS;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns", EAST)]);
    let admin = cluster.with_puppet("admin");
    cluster.start_all()?;
    let server = cluster.process_named("ns");

    for round in 0..40 {
        cluster.put(admin, &format!("kept {round}"))?;
        cluster.assert_acknowledged(&format!("kept {round}"));
        cluster.happens(Fault::SlowDisk(0, 800));
        // It waits for one save, and the second for the next.
        cluster.put(admin, &format!("perhaps {round}"))?;
        cluster.put(admin, &format!("perhaps as well {round}"))?;
        cluster.pass(25 * round)?;
        cluster.happens(if round % 2 == 0 { Fault::Vanish(server) } else { Fault::Kill(server) });
        cluster.happens(Fault::SlowDisk(0, SAVE_MILLIS));
        cluster.pass(50)?;
        cluster.happens(Fault::Start(server));
        cluster.reconnect(admin)?;
        cluster.read_back(admin)?;
    }
    Ok(())
}
