//! What the servers of this repository are meant to reach, and whether they did here.

use crate::cluster::clusters;
use crate::connections::idle_name;
use crate::contender::{Contender, Kind};
use crate::plot::digits;
use crate::registrations::{LARGE, REGISTRATIONS};
use crate::results::{Figure, Results, Summary};
use crate::start::START;
use crate::threads;
use crate::workload::{SMALL, Table, Workload};

/// The runtime that is held to every goal; the others are reported beside it where they differ by nature.
const FIRST: &str = "namesrv-mio";
/// How many times the digest of its body a repeated registration may take: the kernel has to copy the body, too.
const DIGESTS_MAX: f64 = 2.0;

/// What became of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Reached.
    Met,
    /// Not reached.
    Missed,
    /// The figure must not be trusted, in either direction.
    Doubtful,
    /// Nothing was measured.
    NotMeasured,
    /// Reported, and nothing asked.
    Told,
}

impl Verdict {
    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Doubtful => "doubtful",
            Self::NotMeasured => "not measured",
            Self::Told => "reported",
        }
    }
}

/// One goal.
#[derive(Clone, Debug)]
pub struct Goal {
    /// What is meant to be reached.
    pub goal: String,
    /// Which server it is about.
    pub server: String,
    /// What was measured.
    pub measured: String,
    /// Whether that is enough.
    pub verdict: Verdict,
}

/// All goals, in the order of the report.
#[must_use]
pub fn goals(results: &Results) -> Vec<Goal> {
    let goals = Goals { results };
    let mut all = Vec::new();
    for contender in results.contenders.iter().filter(|contender| contender.is_ours()) {
        goals.near_the_limit(contender, &mut all);
        goals.ahead_of_others(contender, &mut all);
        goals.calm_while_topics_change(contender, &mut all);
        goals.registrations(contender, &mut all);
        goals.large_cluster(contender, &mut all);
        goals.small(contender, &mut all);
        goals.threads(contender, &mut all);
    }
    // One goal after the other, and in it one server after the other.
    let order: Vec<String> = all.iter().map(|goal| goal.goal.clone()).collect();
    all.sort_by_key(|goal| order.iter().position(|one| *one == goal.goal));
    all
}

struct Goals<'a> {
    results: &'a Results,
}

/// What a figure is compared with.
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Goals<'_> {
    fn near_the_limit(&self, contender: &Contender, all: &mut Vec<Goal>) {
        for (depth, most) in [(1, 1.10), (16, 1.30)] {
            for brokers in [1, 16] {
                let name = Workload::closed(Table { brokers, topics: 100 }, 50, depth).name;
                let limit = self.results.limit(contender).unwrap_or_default();
                let ratio = self.results.ratio(&contender.name, limit, &name, Figure::CpuPer100k);
                let title = format!(
                    "processor time of a route query of {brokers} broker{}, 50 connections × {depth}, at most {most:.2} times the limit of its sockets",
                    if brokers == 1 { "" } else { "s" }
                );
                all.push(goal(title, contender, ratio, Bound::AtMost(most), "×"));
            }
        }
    }

    fn ahead_of_others(&self, contender: &Contender, all: &mut Vec<Goal>) {
        for (depth, than_java, than_rust) in [(1, 6.0, 10.0), (16, 28.0, 60.0)] {
            for other in self.results.contenders.iter().filter(|one| !one.is_ours() && !one.is_echo()) {
                let least = if matches!(other.kind, Kind::Java) { than_java } else { than_rust };
                let name = Workload::closed(SMALL, 50, depth).name;
                let ratio = self.results.ratio(&other.name, &contender.name, &name, Figure::CpuPer100k);
                let title = format!("{} needs at least {least} times its processor time, 50 × {depth}", other.name);
                all.push(goal(title, contender, ratio, Bound::AtLeast(least), "×"));
            }
        }
    }

    fn calm_while_topics_change(&self, contender: &Contender, all: &mut Vec<Goal>) {
        let find = |changes: bool| {
            let mut open = self.results.workloads.iter().filter(|one| !one.is_closed() && !one.asks.has_lists());
            open.find(|one| one.change_every.is_some() == changes).map_or("", |one| one.name.as_str())
        };
        let (busy, calm) = ((contender.name.as_str(), find(true)), (contender.name.as_str(), find(false)));
        let ratio = self.results.ratio_of(busy, calm, Figure::P99);
        let title = "p99 of queries while 10,000 topics change, at most 2 times that of a calm run".to_owned();
        all.push(goal(title, contender, ratio, Bound::AtMost(2.0), "×"));
    }

    fn registrations(&self, contender: &Contender, all: &mut Vec<Goal>) {
        let values = |figure| self.results.values(&contender.name, REGISTRATIONS, figure);
        let digests = values(Figure::DigestMillis);
        let ratios = values(Figure::RepeatCpuMillis)
            .into_iter()
            .filter_map(|(repetition, (millis, doubt))| Some((millis / digests.get(&repetition)?.0, doubt)));
        let title = format!(
            "a repeated registration of 10,000 topics costs about the digest of its body (taken as: at most {DIGESTS_MAX} times)"
        );
        all.push(goal(title, contender, Summary::of(ratios), Bound::AtMost(DIGESTS_MAX), "×"));
        let changed = self.results.summary(&contender.name, REGISTRATIONS, Figure::ChangeMillis);
        let title = "10,000 changed topics are answered within 15 ms".to_owned();
        all.push(goal(title, contender, changed, Bound::AtMost(15.0), " ms"));
        let large = self.results.summary(&contender.name, LARGE, Figure::ChangeMillis);
        let title = "one broker with 200,000 topics in one frame works".to_owned();
        all.push(Goal {
            verdict: if large.is_some() { Verdict::Met } else { self.absent(contender, LARGE) },
            ..goal(title, contender, large, Bound::AtLeast(0.0), " ms")
        });
    }

    fn large_cluster(&self, contender: &Contender, all: &mut Vec<Goal>) {
        let [_, large] = clusters(false);
        let name = large.name();
        let summary = |figure| self.results.summary(&contender.name, &name, figure);
        let size = format!("{} brokers × {} topics", large.table.brokers, large.table.topics);
        let title = format!("{size} in less than 500 MB");
        let megabytes = summary(Figure::Resident).map(|mebibytes| mebibytes.times(1.048_576));
        all.push(goal(title, contender, megabytes, Bound::AtMost(500.0), " MB"));
        let title = format!("{size}, steady, keep less than 0.2 processors busy");
        all.push(goal(title, contender, summary(Figure::Cores), Bound::AtMost(0.2), ""));
    }

    fn small(&self, contender: &Contender, all: &mut Vec<Goal>) {
        let most = |title: &str, value: Option<Summary>, bound: f64, unit: &str| {
            let goal = goal(title.to_owned(), contender, value, Bound::AtMost(bound), unit);
            let asked = contender.name == FIRST || goal.verdict == Verdict::NotMeasured;
            if asked { goal } else { Goal { verdict: Verdict::Told, ..goal } }
        };
        let summary = |name: &str, figure| self.results.summary(&contender.name, name, figure);
        let idle = summary(&idle_name(15_000), Figure::ConnectionKib);
        all.push(most("15,000 idle connections at 1 KiB each or less (mio)", idle, 1.0, " KiB"));
        all.push(most("start to listening in 5 ms or less (mio)", summary(START, Figure::StartMillis), 5.0, " ms"));
        let resident = summary(START, Figure::IdleResident).map(|mebibytes| mebibytes.times(1.048_576));
        all.push(most("idle memory, program included, 5 MB or less (mio)", resident, 5.0, " MB"));
    }

    fn threads(&self, contender: &Contender, all: &mut Vec<Goal>) {
        let room = threads::has_room(&self.results.host.processors);
        for shape in threads::SHAPES {
            let name = contender.name.as_str();
            let [one, two, apart] = threads::SETUPS.map(|setup| setup.name(shape));
            let [one, two, apart] = [(name, one.as_str()), (name, two.as_str()), (name, apart.as_str())];
            let (connections, depth) = shape;
            all.push(if room {
                let title = format!("two I/O threads answer at least 1.8 times as many, {connections} × {depth}");
                goal(title, contender, self.results.ratio_of(two, one, Figure::Rate), Bound::AtLeast(1.8), "×")
            } else {
                let title = format!(
                    "two I/O threads need no more for a query than two processes, which share nothing (at most 1.11 times; there are too few processors to see the rate), {connections} × {depth}"
                );
                goal(title, contender, self.results.ratio_of(two, apart, Figure::CpuPer100k), Bound::AtMost(1.11), "×")
            });
        }
    }

    fn absent(&self, contender: &Contender, what: &str) -> Verdict {
        let failed = |one: &crate::results::Failure| one.contender == contender.name && one.during == what;
        if self.results.failures.iter().any(failed) { Verdict::Missed } else { Verdict::NotMeasured }
    }
}

fn goal(goal: String, contender: &Contender, value: Option<Summary>, bound: Bound, unit: &str) -> Goal {
    let reached = |value: f64| match bound {
        Bound::AtMost(most) => value <= most,
        Bound::AtLeast(least) => value >= least,
    };
    let (measured, verdict) = match value {
        None => ("–".to_owned(), Verdict::NotMeasured),
        Some(value) => (
            format!("{}{unit} ({}–{})", digits(value.median), digits(value.min), digits(value.max)),
            match (value.doubtful, reached(value.median)) {
                (true, _) => Verdict::Doubtful,
                (false, true) => Verdict::Met,
                (false, false) => Verdict::Missed,
            },
        ),
    };
    Goal { goal, server: contender.name.clone(), measured, verdict }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    fn verdict(results: &Results, part: &str) -> Verdict {
        goals(results).into_iter().find(|goal| goal.goal.contains(part)).unwrap().verdict
    }

    #[test]
    fn goals_are_judged_by_what_was_measured() {
        let mut results = results();
        assert_eq!(verdict(&results, "50 connections × 1, at most 1.10"), Verdict::Met);
        assert_eq!(verdict(&results, "at least 6 times its processor time"), Verdict::Met);
        assert_eq!(verdict(&results, "at least 28 times its processor time"), Verdict::Missed);
        assert_eq!(verdict(&results, "while 10,000 topics change"), Verdict::Met);
        assert_eq!(verdict(&results, "200,000 topics"), Verdict::NotMeasured);
        for sample in results.samples.iter_mut().filter(|sample| sample.contender == "namesrv-mio") {
            *sample.figures.get_mut(&Figure::CpuPer100k).unwrap() *= 1.5;
        }
        assert_eq!(verdict(&results, "50 connections × 1, at most 1.10"), Verdict::Missed);
        for sample in &mut results.samples {
            sample.doubt = Some("the load generator was the bottleneck".to_owned());
        }
        assert_eq!(verdict(&results, "50 connections × 1, at most 1.10"), Verdict::Doubtful);
    }
}
