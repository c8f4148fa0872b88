//! A NameServer stands still for five minutes while its brokers go on, and with them: when it goes on too, it hears
//! them before it judges, and it judges those who stay silent in time.

use super::Verdict;
use super::stage::EAST;
use crate::simulation::broker::Release;
use crate::simulation::cluster::Cluster;
use crate::simulation::happening::Fault;

pub(super) fn play(cluster: &mut Cluster) -> Verdict {
    cluster.with_servers(&[("ns", EAST)]);
    for (group, release) in ["a", "b", "c"].into_iter().zip([Release::Acting, Release::ActingCompatible, Release::Four])
    {
        let master = cluster.with_broker(group, 0, EAST, release);
        let slave = cluster.with_broker(group, 1, EAST, release);
        // They are patient, so the only reason to leave is silence.
        [master, slave].into_iter().for_each(|peer| cluster.peers[peer].closes_on_timeout = false);
    }
    cluster.start_all()?;

    let server = cluster.process_named("ns");
    for seconds in [5, 60, 300] {
        cluster.happens(Fault::Pause(server));
        cluster.seconds(seconds)?;
        cluster.happens(Fault::Resume(server));
        cluster.seconds(9)?;
        cluster.assert_known(0, &["a.0", "a.1", "b.0", "b.1", "c.0", "c.1"]);
    }
    // The whole machine stands still, with nothing on its way, and its brokers take longer to go on.
    let brokers = ["a.0", "a.1", "b.0", "b.1", "c.0", "c.1"].map(|name| cluster.process_named(name));
    cluster.pass(500)?;
    for seconds in [9, 60, 300] {
        brokers.into_iter().chain([server]).for_each(|process| cluster.happens(Fault::Pause(process)));
        cluster.seconds(seconds)?;
        cluster.happens(Fault::Resume(server));
        cluster.seconds(3)?;
        brokers.into_iter().for_each(|process| cluster.happens(Fault::Resume(process)));
        // Signs of life come every second from now on.
        cluster.pass(9500)?;
        cluster.assert_known(0, &["a.0", "a.1", "b.0", "b.1", "c.0", "c.1"]);
    }
    assert_eq!(cluster.count("event BrokerEvicted Expired") + cluster.count("event BrokerEvicted ConnectionLost"), 0);
    // A pause grants nobody more silence than the pause was long.
    brokers.into_iter().chain([server]).for_each(|process| cluster.happens(Fault::Pause(process)));
    cluster.seconds(60)?;
    cluster.happens(Fault::Resume(server));
    cluster.seconds(125)?;
    cluster.assert_known(0, &[]);
    brokers.into_iter().for_each(|process| cluster.happens(Fault::Resume(process)));
    cluster.comes_right()
}
