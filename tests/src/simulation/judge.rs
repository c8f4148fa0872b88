//! The judge: it compares what every NameServer answers with what is true of the brokers.

use super::broker::Broker;
use super::invariant::{Subject, WRITE};
use super::population::BrokerGroup;
use super::shown::{cluster_names, clusters, queues, route, topics};
use crate::answer::Answer;
use std::collections::{BTreeMap, BTreeSet};

/// What the judge was answered.
#[derive(Debug, Default)]
pub(super) struct Judge {
    clusters: BTreeMap<usize, String>,
    topics: BTreeMap<usize, String>,
    routes: BTreeMap<(usize, String), String>,
}

/// What is true.
#[derive(Debug, Default)]
pub(super) struct Truth {
    groups: BTreeMap<String, BTreeMap<i64, String>>,
    clusters: BTreeMap<String, BTreeSet<String>>,
    /// Topic, group: the queue entry.
    pub(super) topics: BTreeMap<String, BTreeMap<String, [i32; 4]>>,
    /// Topic, group: the entry may still be there.
    leftovers: BTreeSet<(String, String)>,
}

impl Judge {
    pub(super) fn take(&mut self, server: usize, subject: Option<Subject>, answer: &Answer) {
        match subject {
            Some(Subject::Clusters) => drop(self.clusters.insert(server, answer.text())),
            Some(Subject::Topics) => drop(self.topics.insert(server, answer.text())),
            Some(Subject::Route { topic, .. }) => drop(self.routes.insert((server, topic), answer.text())),
            None => {}
        }
    }

    /// Whether a server shows the truth. An operator changed the permissions of the groups that are `wiped` there.
    ///
    /// # Errors
    /// Says what is different.
    pub(super) fn compare(&self, server: usize, truth: &Truth, wiped: &BTreeSet<String>) -> Result<(), String> {
        let missing = || "no answer".to_owned();
        let info = self.clusters.get(&server).ok_or_else(missing)?;
        same("groups", &clusters(info), &truth.groups)?;
        same("clusters", &cluster_names(info), &truth.clusters)?;
        let mut names = topics(self.topics.get(&server).ok_or_else(missing)?);
        names.retain(|topic| {
            truth.topics.contains_key(topic) || !truth.leftovers.iter().any(|(leftover, _)| leftover == topic)
        });
        same("topics", &names, &truth.topics.keys().cloned().collect())?;
        for (topic, entries) in &truth.topics {
            let text = self.routes.get(&(server, topic.clone())).ok_or_else(missing)?;
            let (mut shown, mut brokers) = (queues(text), route(text));
            let is_left = |group: &String| {
                !entries.contains_key(group) && truth.leftovers.contains(&(topic.clone(), group.clone()))
            };
            shown.retain(|group, _| !is_left(group));
            brokers.retain(|group, _| !is_left(group));
            let members = |group: &String| truth.groups[group].values().cloned().collect::<BTreeSet<_>>();
            let expected = entries.keys().map(|group| (group.clone(), members(group))).collect();
            same(&format!("brokers of {topic}"), &brokers, &expected)?;
            for (group, entry) in &mut shown {
                if wiped.contains(group) {
                    forgive_wiping(entry, entries.get(group));
                }
            }
            same(&format!("queues of {topic}"), &shown, entries)?;
        }
        Ok(())
    }

    /// Whether all servers show the same.
    ///
    /// # Errors
    /// Says what they show.
    pub(super) fn compare_all(&self, truth: &Truth) -> Result<(), String> {
        let distinct: BTreeSet<_> = self.clusters.values().collect();
        // Where two clusters share a group, the first to register names it.
        let shares =
            truth.groups.keys().any(|group| truth.clusters.values().filter(|names| names.contains(group)).count() > 1);
        if distinct.len() > 1 && !shares {
            return Err(format!("NameServers differ: {distinct:?}"));
        }
        Ok(())
    }
}

impl Truth {
    /// A broker runs.
    pub(super) fn add(&mut self, broker: &Broker, group: &BrokerGroup) {
        self.groups.entry(group.name.clone()).or_default().insert(broker.id, broker.address.clone());
        self.clusters.entry(broker.cluster.clone()).or_default().insert(group.name.clone());
        for topic in group.topics.values().filter(|_| broker.id == 0) {
            let entry = [topic.read_queues, topic.write_queues, topic.perm, topic.flags];
            self.topics.entry(topic.name.clone()).or_default().insert(group.name.clone(), entry);
        }
        self.leftovers.extend(group.deleted.iter().map(|topic| (topic.clone(), group.name.clone())));
    }
}

/// What an operator set stays until the table of the broker changes. An update that comes after it, with the data
/// version of one that came before it, is passed over, as in Java.
fn forgive_wiping(shown: &mut [i32; 4], expected: Option<&[i32; 4]>) {
    if let Some(expected) = expected
        && [expected[2] & !WRITE, 4 | WRITE, 4].contains(&shown[2])
    {
        *shown = *expected;
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, shown: &T, expected: &T) -> Result<(), String> {
    if shown == expected {
        return Ok(());
    }
    Err(format!("the {what} are\n  {shown:?}\nand should be\n  {expected:?}"))
}
