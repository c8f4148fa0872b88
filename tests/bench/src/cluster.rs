//! A real cluster: after a restart of the server all brokers return at once, then brokers and clients go on as usual.

use crate::contender::Contender;
use crate::figure::Figure;
use crate::host::Terms;
use crate::measure::MIB;
use crate::question::Mix;
use crate::subject::{Observation, Subject};
use crate::workload::{Pace, Table, Workload};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How often a real broker repeats its registration, and a real client queries each of its topics.
const ROUND: Duration = Duration::from_secs(30);
/// How often a real broker queries all brokers of all clusters.
const CLUSTER_QUERY_EVERY: Duration = Duration::from_secs(5);
/// Topics of one client.
pub const TOPICS_OF_A_CLIENT: usize = 10;

/// The size of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Brokers and topics; every broker has every topic.
    pub table: Table,
    /// Number of clients; each has one connection.
    pub clients: usize,
    /// How many times faster than in reality the run is.
    pub hurry: u32,
}

/// Returns the clusters to measure.
pub fn clusters(quick: bool) -> [Cluster; 2] {
    let cluster = |brokers, topics, clients| Cluster {
        table: Table { brokers, topics },
        clients,
        hurry: if quick { 10 } else { 1 },
    };
    if quick {
        [cluster(16, 1000, 1000), cluster(300, 1000, 2000)]
    } else {
        [cluster(16, 1000, 1000), cluster(300, 10_000, 6000)]
    }
}

impl Cluster {
    /// Returns a short, unique name without blanks.
    pub fn name(&self) -> String {
        format!("cluster-{}b-{}t", self.table.brokers, self.table.topics)
    }

    /// Returns how long one round of all brokers and clients takes in the run.
    pub fn round(&self) -> Duration {
        ROUND / self.hurry
    }

    /// Returns the route queries per second in a real cluster.
    pub fn routes_per_second(&self) -> f64 {
        (self.clients * TOPICS_OF_A_CLIENT) as f64 / ROUND.as_secs_f64()
    }

    /// Returns the queries of the clients.
    pub fn workload(&self, connections_max: usize) -> Workload {
        let brokers_per_second = self.table.brokers as f64 / CLUSTER_QUERY_EVERY.as_secs_f64();
        let all_per_second = self.routes_per_second() + brokers_per_second;
        Workload {
            name: self.name(),
            table: self.table,
            asks: Mix::Cluster { one_in: (all_per_second / brokers_per_second).round() as u64 },
            connections: self.clients.min(connections_max),
            pace: Pace::Open { rate: (all_per_second * f64::from(self.hurry)) as u32 },
            change_every: None,
            repeat_every: self.round(),
        }
    }
}

/// Starts a server, lets all brokers return, and measures one round after a short warm-up.
///
/// # Errors
/// The server does not start, or gives a wrong answer.
pub fn live(cluster: &Cluster, contender: &Contender, connections_max: usize, terms: Terms<'_>) -> Result<Observation> {
    let (mut subject, [answered, whole]) = Subject::after_restart(contender, cluster.table, terms)?;
    let workload = cluster.workload(connections_max);
    let mut load = subject.connect(&workload)?;
    subject.run(&mut load, &workload, cluster.round() / 10)?;
    let mut observation = subject.run(&mut load, &workload, cluster.round())?;
    let share = observation.figures.get(&Figure::ServerShare).copied().unwrap_or_default();
    observation.figures.extend([
        (Figure::Cores, share / f64::from(cluster.hurry)),
        (Figure::Resident, subject.server().memory()?.resident as f64 / MIB),
        (Figure::ReturnMillis, answered.as_secs_f64() * 1000.0),
        (Figure::WholeMillis, whole.as_secs_f64() * 1000.0),
    ]);
    Ok(observation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_a_real_cluster() {
        for quick in [true, false] {
            for cluster in clusters(quick) {
                let workload = cluster.workload(usize::MAX);
                let Pace::Open { rate } = workload.pace else { unreachable!() };
                let real = f64::from(rate) / f64::from(cluster.hurry);
                let Mix::Cluster { one_in } = workload.asks else { unreachable!() };
                let brokers = cluster.table.brokers as f64 / 5.0;
                assert!((real / one_in as f64 / brokers - 1.0).abs() < 0.05, "{cluster:?}");
                assert!((real - brokers - cluster.clients as f64 / 3.0).abs() < 1.0, "{cluster:?}");
                assert_eq!(cluster.round() * cluster.hurry, Duration::from_secs(30));
            }
        }
    }
}
