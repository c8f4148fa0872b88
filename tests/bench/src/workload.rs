//! What is asked of the servers: tables of topics, and loads on them.

use serde::Serialize;
use std::time::Duration;

/// Topics that a storm registers anew each time.
pub const CHANGED_TOPICS: usize = 10_000;

/// What a server knows: every broker has every topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Table {
    /// Broker groups of one master; they decide how large an answer is.
    pub brokers: usize,
    /// Topics.
    pub topics: usize,
}

impl Table {
    /// For people.
    #[must_use]
    pub fn title(self) -> String {
        let brokers = if self.brokers == 1 { "broker" } else { "brokers" };
        format!("{} {brokers}, {} topics", self.brokers, self.topics)
    }
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Each connection sends a burst of so many requests, and the next one when all are answered.
    Closed {
        /// Requests of one burst.
        depth: usize,
    },
    /// At a fixed rate over all connections in turn, whether or not earlier ones are answered.
    Open {
        /// Requests a second.
        rate: u32,
    },
}

/// One load on one table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Workload {
    /// Short, without blanks, unique.
    pub name: String,
    /// What the server knows.
    pub table: Table,
    /// Connections that ask for routes.
    pub connections: usize,
    /// When they ask.
    pub pace: Pace,
    /// How often [`CHANGED_TOPICS`] other topics are changed meanwhile; absent is never.
    pub change_every: Option<Duration>,
}

impl Workload {
    /// For people, without the table.
    #[must_use]
    pub fn title(&self) -> String {
        let connections = self.connections;
        match (self.pace, self.change_every) {
            (Pace::Closed { depth }, _) => format!("{connections} × {depth}"),
            (Pace::Open { rate }, None) => format!("{rate}/s over {connections}, calm"),
            (Pace::Open { rate }, Some(every)) => {
                format!("{rate}/s over {connections}, {CHANGED_TOPICS} topics change every {} ms", every.as_millis())
            }
        }
    }

    fn closed(table: Table, connections: usize, depth: usize) -> Self {
        let name = format!("{}b-{}t-{connections}x{depth}", table.brokers, table.topics);
        Self { name, table, connections, pace: Pace::Closed { depth }, change_every: None }
    }

    fn open(table: Table, rate: u32, change_every: Option<Duration>) -> Self {
        let storm = if change_every.is_some() { "changes" } else { "calm" };
        let name = format!("{}b-{}t-open-{storm}", table.brokers, table.topics);
        Self { name, table, connections: 50, pace: Pace::Open { rate }, change_every }
    }
}

/// Everything that is run, grouped by table.
#[must_use]
pub fn workloads(quick: bool) -> Vec<Workload> {
    let table = |brokers, topics| Table { brokers, topics };
    let tables: &[Table] = if quick {
        &[table(1, 100), table(16, 100)]
    } else {
        &[table(1, 100), table(16, 100), table(1, 200_000), table(16, 200_000)]
    };
    let shapes: &[(usize, usize)] = if quick { &[(50, 1), (50, 16)] } else { &[(1, 1), (1, 16), (50, 1), (50, 16)] };
    let mut all = Vec::new();
    for table in tables {
        all.extend(shapes.iter().map(|(connections, depth)| Workload::closed(*table, *connections, *depth)));
        if *table == tables[0] {
            all.push(Workload::open(*table, 2000, None));
            all.push(Workload::open(*table, 2000, Some(Duration::from_millis(if quick { 200 } else { 1000 }))));
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
