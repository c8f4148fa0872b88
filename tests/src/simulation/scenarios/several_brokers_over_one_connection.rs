//! Two brokers of one process register over one connection: both leave with it, and one alone by request.

use super::Story;
use super::stage::{EAST, two_topics};
use crate::registration::Registration;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.with_servers(&[("ns", EAST)]);
    let proxy = cluster.with_puppet("proxy");
    cluster.start_all()?;
    let process = cluster.process_named("proxy");

    for ending in [Fault::Kill(process), Fault::Vanish(process)] {
        for group in ["a", "b", "c"] {
            let registration = Registration { topics: Some(two_topics()), ..Registration::new(group, 0) };
            cluster.register_as(proxy, 0, registration)?;
        }
        cluster.assert_known(0, &["a.0", "b.0", "c.0"]);
        cluster.happens(ending);
        cluster.seconds(130)?;
        cluster.assert_known(0, &[]);
        cluster.happens(Fault::Start(process));
        cluster.seconds(4)?;
    }
    let lost = cluster.count("event BrokerEvicted ConnectionLost");
    assert!(lost >= 3 && lost + cluster.count("event BrokerEvicted Expired") == 6);
    Ok(())
}
