//! The judge: asks every NameServer for everything and compares that with what is true of the brokers.

use super::agenda::Time;
use super::broker::REGISTER_MILLIS;
use super::cluster::Cluster;
use super::invariant::{Invariant, Subject, Verdict, WRITE, violated};
use super::ledger::Told;
use super::peer::Kind;
use super::shown::{cluster_names, clusters, queues, route, topics};
use crate::answer::Answer;
use crate::request::Request;
use std::collections::{BTreeMap, BTreeSet};

/// From the end of faults to the whole truth: a registration period, and the time to open lost connections again.
pub(super) const CONVERGENCE_MILLIS: Time = REGISTER_MILLIS + 6000;
/// A connection is there after so long when nothing is wrong.
const CONNECT_MILLIS: Time = 100;
/// The judge waits so long for answers.
const PATIENCE_MILLIS: Time = 3000;

/// What the judge was answered.
#[derive(Debug, Default)]
pub(super) struct Judge {
    clusters: BTreeMap<usize, String>,
    topics: BTreeMap<usize, String>,
    routes: BTreeMap<(usize, String), String>,
}

/// What is true.
#[derive(Debug, Default)]
struct Truth {
    groups: BTreeMap<String, BTreeMap<i64, String>>,
    clusters: BTreeMap<String, BTreeSet<String>>,
    /// Topic, group: the queue entry.
    topics: BTreeMap<String, BTreeMap<String, [i32; 4]>>,
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
}

impl Cluster {
    /// The judge, who has to be there before the world starts.
    pub(super) fn add_judge(&mut self) {
        self.add_peer("judge", 99, Kind::Judge(Judge::default()));
    }

    /// [`Invariant::Converges`], when faults have stopped long enough.
    ///
    /// # Errors
    /// The first difference.
    pub(super) fn judge(&mut self) -> Verdict {
        let found = (0..self.peers.len()).find(|peer| matches!(self.peers[*peer].kind, Kind::Judge(_)));
        let judge = found.expect("there is a judge");
        // A connection that was silent for long may end at any moment.
        for server in 0..self.servers.len() {
            self.hang_up(judge, server);
            self.connect(judge, server);
        }
        self.pass(CONNECT_MILLIS)?;
        let truth = self.truth();
        self.peers[judge].kind = Kind::Judge(Judge::default());
        let names: Vec<_> = truth.topics.keys().cloned().collect();
        for server in 0..self.servers.len() {
            self.ask(judge, server, Request::new(106), Told::Nothing, Some(Subject::Clusters));
            self.ask(judge, server, Request::new(206), Told::Nothing, Some(Subject::Topics));
            for topic in &names {
                let request = Request::new(105).field("topic", topic);
                let subject = Subject::Route { topic: topic.clone(), zone: None };
                self.ask(judge, server, request, Told::Nothing, Some(subject));
            }
        }
        self.pass(PATIENCE_MILLIS)?;
        let Kind::Judge(answers) = &self.peers[judge].kind else { return Ok(()) };
        for server in 0..self.servers.len() {
            self.compare(server, &truth, answers)
                .or_else(|details| violated(Invariant::Converges, format!("NameServer {server}: {details}")))?;
        }
        let distinct: BTreeSet<_> = answers.clusters.values().collect();
        // Where two clusters share a group, the first to register names it.
        let shares =
            truth.groups.keys().any(|group| truth.clusters.values().filter(|names| names.contains(group)).count() > 1);
        if distinct.len() > 1 && !shares {
            return violated(Invariant::Converges, format!("NameServers differ: {distinct:?}"));
        }
        Ok(())
    }

    fn truth(&self) -> Truth {
        let mut truth = Truth::default();
        for peer in 0..self.peers.len() {
            let Some(broker) = self.broker(peer) else { continue };
            if !self.processes[self.peers[peer].process].running || broker.is_leaving {
                continue;
            }
            let group = &self.groups[broker.group];
            truth.groups.entry(group.name.clone()).or_default().insert(broker.id, broker.address.clone());
            truth.clusters.entry(broker.cluster.clone()).or_default().insert(group.name.clone());
            for topic in group.topics.values().filter(|_| broker.id == 0) {
                let entry = [topic.read_queues, topic.write_queues, topic.perm, topic.flags];
                truth.topics.entry(topic.name.clone()).or_default().insert(group.name.clone(), entry);
            }
            let leftovers = group.deleted.iter().map(|topic| (topic.clone(), group.name.clone()));
            truth.leftovers.extend(leftovers);
        }
        truth
    }

    fn compare(&self, server: usize, truth: &Truth, answers: &Judge) -> Result<(), String> {
        let missing = || "no answer".to_owned();
        let info = answers.clusters.get(&server).ok_or_else(missing)?;
        same("groups", &clusters(info), &truth.groups)?;
        same("clusters", &cluster_names(info), &truth.clusters)?;
        let mut names = topics(answers.topics.get(&server).ok_or_else(missing)?);
        names.retain(|topic| {
            truth.topics.contains_key(topic) || !truth.leftovers.iter().any(|(leftover, _)| leftover == topic)
        });
        same("topics", &names, &truth.topics.keys().cloned().collect())?;
        for (topic, entries) in &truth.topics {
            let text = answers.routes.get(&(server, topic.clone())).ok_or_else(missing)?;
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
                self.forgive_wiping(server, group, entry, entries.get(group));
            }
            same(&format!("queues of {topic}"), &shown, entries)?;
        }
        Ok(())
    }

    /// What an operator set stays until the table of the broker changes.
    fn forgive_wiping(&self, server: usize, group: &String, shown: &mut [i32; 4], expected: Option<&[i32; 4]>) {
        let wiped = self.servers[server].running.as_ref().is_some_and(|running| running.ledger.wiped.contains(group));
        if let Some(expected) = expected.filter(|_| wiped)
            && [expected[2] & !WRITE, 4 | WRITE, 4].contains(&shown[2])
        {
            shown[2] = expected[2];
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, shown: &T, expected: &T) -> Result<(), String> {
    if shown == expected {
        return Ok(());
    }
    Err(format!("the {what} are\n  {shown:?}\nand should be\n  {expected:?}"))
}
