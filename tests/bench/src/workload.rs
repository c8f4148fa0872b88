//! The tables of topics, and the loads on them.

use crate::question::{Ask, Mix};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Topics that each change of topics registers.
pub const CHANGED_TOPICS: usize = 10_000;
/// How often each broker repeats its registration. Real brokers do so every 30 s.
pub const REPEAT_EVERY: Duration = Duration::from_secs(1);

/// The table for latencies.
pub const SMALL: Table = Table { brokers: 1, topics: 100 };
/// The table for lists.
pub const LISTED: Table = Table { brokers: 16, topics: 1000 };

/// What is registered with a server: every broker has every topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Table {
    /// Number of broker groups of one master, which decides the length of an answer.
    pub brokers: usize,
    /// Number of topics.
    pub topics: usize,
}

impl Table {
    /// Returns the title that reports show.
    pub fn title(self) -> String {
        let brokers = if self.brokers == 1 { "broker" } else { "brokers" };
        format!("{} {brokers}, {} topics", self.brokers, self.topics)
    }
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Each connection sends a burst of requests, and the next burst when all of these are answered.
    Closed {
        /// Requests in one burst.
        depth: usize,
    },
    /// Each connection sends a burst of requests, and the next burst when those of all connections are answered.
    Rounds {
        /// Requests in one burst.
        depth: usize,
    },
    /// Connections take turns to send at a fixed rate, whether or not earlier requests are answered.
    Open {
        /// Requests per second.
        rate: u32,
    },
}

/// One load on one table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// A short, unique name without blanks.
    pub name: String,
    /// What is registered with the server.
    pub table: Table,
    /// The kinds of requests.
    pub asks: Mix,
    /// Number of connections.
    pub connections: usize,
    /// When they send requests.
    pub pace: Pace,
    /// How often [`CHANGED_TOPICS`] other topics change meanwhile; `None` for never.
    pub change_every: Option<Duration>,
    /// How often each broker of the table repeats its registration.
    pub repeat_every: Duration,
}

impl Workload {
    /// Returns the title that reports show, without the table.
    pub fn title(&self) -> String {
        let connections = self.connections;
        match (self.pace, self.change_every) {
            (Pace::Closed { .. }, _) if self.asks.has_lists() => self.asks.title().to_owned(),
            (Pace::Closed { depth } | Pace::Rounds { depth }, _) => format!("{connections} × {depth}"),
            (Pace::Open { rate }, None) => format!("{rate}/s over {connections}, calm"),
            (Pace::Open { rate }, Some(every)) => {
                format!("{rate}/s over {connections}, {CHANGED_TOPICS} topics change every {} ms", every.as_millis())
            }
        }
    }

    /// Whether it queries only routes, as fast as they are answered.
    pub fn is_closed(&self) -> bool {
        matches!(self.pace, Pace::Closed { .. }) && !self.asks.has_lists()
    }

    /// Route queries in bursts of `depth` over a number of connections.
    pub fn closed(table: Table, connections: usize, depth: usize) -> Self {
        let name = format!("{}b-{}t-{connections}x{depth}", table.brokers, table.topics);
        Self { name, connections, ..Self::new(table, Pace::Closed { depth }) }
    }

    /// Like [`Workload::closed`], but all connections send their bursts at once.
    pub fn rounds(table: Table, connections: usize, depth: usize) -> Self {
        Self { pace: Pace::Rounds { depth }, ..Self::closed(table, connections, depth) }
    }

    /// Route queries at a fixed rate over 50 connections.
    pub fn open(table: Table, rate: u32, change_every: Option<Duration>) -> Self {
        let storm = if change_every.is_some() { "changes" } else { "calm" };
        let name = format!("{}b-{}t-open-{storm}", table.brokers, table.topics);
        Self { name, connections: 50, change_every, ..Self::new(table, Pace::Open { rate }) }
    }

    /// Requests of tools, one after the other over one connection.
    pub fn list(table: Table, asks: Mix, name: &str) -> Self {
        let name = format!("{}b-{}t-{name}", table.brokers, table.topics);
        Self { name, asks, connections: 1, ..Self::new(table, Pace::Closed { depth: 1 }) }
    }

    fn new(table: Table, pace: Pace) -> Self {
        let asks = Mix::Only(Ask::Route);
        Self { name: String::new(), table, asks, connections: 1, pace, change_every: None, repeat_every: REPEAT_EVERY }
    }
}

/// Returns every load on a fixed table, grouped by table.
pub fn workloads(quick: bool) -> Vec<Workload> {
    let table = |brokers, topics| Table { brokers, topics };
    let tables: &[Table] = if quick {
        &[SMALL, table(16, 100), LISTED]
    } else {
        &[SMALL, table(16, 100), table(1, 1000), LISTED, table(1, 200_000), table(16, 200_000)]
    };
    let shapes: &[(usize, usize)] = if quick { &[(50, 1), (50, 16)] } else { &[(1, 1), (1, 16), (50, 1), (50, 16)] };
    let mut all = Vec::new();
    for table in tables {
        all.extend(shapes.iter().map(|(connections, depth)| Workload::closed(*table, *connections, *depth)));
        if *table == SMALL {
            all.push(Workload::open(*table, 2000, None));
            all.push(Workload::open(*table, 2000, Some(Duration::from_millis(if quick { 200 } else { 1000 }))));
        }
        if *table == LISTED {
            for (ask, name) in [(Ask::Cluster, "106"), (Ask::Topics, "206"), (Ask::ClusterTopics, "224")] {
                all.push(Workload::list(*table, Mix::Only(ask), name));
            }
            all.push(Workload::list(*table, Mix::Exporter, "exporter"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_tables_stay_together() {
        for quick in [true, false] {
            let all = workloads(quick);
            let names: BTreeSet<_> = all.iter().map(|workload| &workload.name).collect();
            assert_eq!(names.len(), all.len());
            let mut tables: Vec<_> = all.iter().map(|workload| workload.table).collect();
            tables.dedup();
            assert_eq!(tables.len(), tables.iter().collect::<BTreeSet<_>>().len());
        }
    }
}
