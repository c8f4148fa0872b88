//! The report: what was measured on which host and how, what is noise, and what to choose.

mod cluster;
mod load;
mod size;

use crate::broker::REPEAT_EVERY;
use crate::contender::{Contender, Kind};
use crate::document::Document;
use crate::goals::{Goal, Verdict, goals};
use crate::plot::{Group, bars, digits};
use crate::question::SAMPLE;
use crate::recommendation::recommend;
use crate::results::{Figure, Results, Summary};
use crate::workload::{Table, Workload};

/// Marks figures that must not be trusted.
const DOUBT: &str = " †";
/// Stands where nothing was measured.
const NOTHING: &str = "–";

/// Writes everything down.
#[must_use]
pub fn report(results: &Results) -> Document {
    let (short, reasons) = recommend(results);
    let mut document = Document::new("Which NameServer on this host?", short);
    if !results.complete {
        document.text("This comparison was interrupted; what is here was measured before.");
    }
    let report = Report { results };
    report.contenders(&mut document);
    report.processor_time(&mut document);
    report.throughput(&mut document);
    report.latency(&mut document);
    report.lists(&mut document);
    report.calls(&mut document);
    report.registrations(&mut document);
    report.clusters(&mut document);
    report.size(&mut document);
    report.connections(&mut document);
    report.threads(&mut document);
    report.noise(&mut document);
    report.method(&mut document);
    report.host(&mut document);
    report.goals(&mut document);
    document.heading("Recommendation");
    document.text(document.summary().to_owned());
    document.list(reasons);
    document
}

struct Report<'a> {
    results: &'a Results,
}

impl Report<'_> {
    fn contenders(&self, document: &mut Document) {
        document.heading("What was compared");
        document.text(
            "NameServers tell the clients of Apache RocketMQ which brokers hold a topic. Nearly all of their work is to answer that one \
             question, so what it costs is compared here. An echo server answers constant bytes of the same length over the \
             same runtime and does nothing else: it is the limit that no server on that runtime can beat.",
        );
        document.list(self.results.contenders.iter().map(describe).collect());
        let skipped = self.results.skipped.iter();
        document.list(skipped.map(|one| format!("`{}` is not compared: {}", one.name, one.reason)).collect());
        let failures = self.results.failures.iter();
        document.list(
            failures.map(|one| format!("`{}` failed during {}: {}", one.contender, one.during, one.reason)).collect(),
        );
    }

    fn goals(&self, document: &mut Document) {
        let all = goals(self.results);
        let count = |verdict: Verdict| all.iter().filter(|goal| goal.verdict == verdict).count();
        document.heading("Goals of this repository");
        document.text(format!(
            "What its servers are meant to reach, with the median and the range that was measured: {} met, {} missed, {} doubtful, {} not measured. \
             Doubtful means that the figure itself carries a †.",
            count(Verdict::Met),
            count(Verdict::Missed),
            count(Verdict::Doubtful),
            count(Verdict::NotMeasured)
        ));
        let row = |goal: &Goal| {
            let server = format!("`{}`", goal.server);
            vec![goal.goal.clone(), server, goal.measured.clone(), goal.verdict.title().to_owned()]
        };
        let head = ["goal", "server", "measured", "verdict"];
        document.table(head.map(str::to_owned).to_vec(), all.iter().map(row).collect());
    }

    fn noise(&self, document: &mut Document) {
        document.heading("What is noise");
        document.text(format!(
            "Every figure is the median of {} runs; the servers took turns, so what disturbs the host for a while disturbs all of them. The \
             spread is the distance from the smallest to the largest processor time, as a part of the median: differences smaller than it \
             mean nothing.",
            self.results.options.repetitions
        ));
        let rows = self.results.contenders.iter().filter_map(|contender| {
            let workloads = self.results.workloads.iter();
            let mut spreads: Vec<f64> = workloads
                .filter_map(|workload| self.results.summary(&contender.name, &workload.name, Figure::CpuPer100k))
                .map(|summary| summary.spread())
                .collect();
            spreads.sort_by(f64::total_cmp);
            let percent = |spread: &f64| format!("{:.0} %", spread * 100.0);
            Some(vec![
                contender.name.clone(),
                percent(spreads.get(spreads.len() / 2)?),
                percent(spreads.last()?),
                self.load_share(contender),
                self.results
                    .samples
                    .iter()
                    .filter(|one| one.contender == contender.name && one.doubt.is_some())
                    .count()
                    .to_string(),
            ])
        });
        let head = ["server", "median spread", "largest spread", "processor of the generator", "doubtful runs"];
        document.table(head.map(str::to_owned).to_vec(), rows.collect());
        let mut doubts: Vec<&str> = self.results.samples.iter().filter_map(|one| one.doubt.as_deref()).collect();
        doubts.sort_unstable();
        doubts.dedup();
        if !doubts.is_empty() {
            document.text(format!("†: at least half of the runs are doubtful, because {}.", doubts.join(", or ")));
        }
    }

    /// How busy the load generator was with a server, in its closed loops: the median, and the most.
    fn load_share(&self, contender: &Contender) -> String {
        let closed = self.results.workloads.iter().filter(|workload| workload.is_closed());
        let summary = |workload: &Workload| self.results.summary(&contender.name, &workload.name, Figure::LoadShare);
        let mut shares: Vec<f64> = closed.filter_map(summary).map(|summary| summary.median).collect();
        shares.sort_by(f64::total_cmp);
        let percent = |share: Option<&f64>| share.map_or(NOTHING.to_owned(), |share| format!("{:.0} %", share * 100.0));
        format!("{}, at most {}", percent(shares.get(shares.len() / 2)), percent(shares.last()))
    }

    fn method(&self, document: &mut Document) {
        let options = &self.results.options;
        document.heading("How it was measured");
        document.list(vec![
            format!("One load generator for all: one thread on epoll, none of the runtimes under test. It runs for {} ms after a warm-up.", options.run.as_millis()),
            format!("Every answer is checked for its length, its code and its correlation number; one of {SAMPLE} byte for byte against an answer that was read and found right. A wrong answer ends the run and is named above."),
            "The processor time of a server is what the kernel has counted for all of its threads, from before the first request until after the last answer.".to_owned(),
            format!("Meanwhile every broker repeats a registration of 100 topics each {} s (real brokers repeat all of theirs every 30 s, and so they do in the clusters above), as a 5.5.0 broker does it: only one time and the checksum differ. Topics are asked for at random.", REPEAT_EVERY.as_secs()),
            "A burst of requests is sent at once, and the next one when all of its answers are there. So each server may answer a whole burst with one read and one write.".to_owned(),
            "A run is doubtful when the load generator used its whole processor and the server did not, or when requests of a fixed rate were sent too late.".to_owned(),
            "All servers run with their defaults but one I/O thread and frames of up to 128 MiB (`com.rocketmq.remoting.frameMaxLength`).".to_owned(),
            "All servers stay up during a table. Those of others are stopped (SIGSTOP) while they are not measured, since they work even when nobody asks; ours and the echo servers rest.".to_owned(),
            "The Java server has warmed up before its first run counts, with a heap of 1 to 4 GiB and the G1 collector. It has not where a server is started anew for each run (registrations, clusters): that is how it is after a restart.".to_owned(),
        ]);
    }

    fn host(&self, document: &mut Document) {
        let host = &self.results.host;
        let pinning = self.results.pinning.as_ref().map_or_else(
            || "not pinned: there is only one processor, so all figures but processor time are doubtful".to_owned(),
            |pinning| format!("server on {:?}, load generator on {:?}", pinning.server, pinning.load),
        );
        document.heading("The host");
        let fact = |name: &str, value: String| vec![name.to_owned(), value];
        document.table(
            vec!["fact".to_owned(), "value".to_owned()],
            vec![
                fact("kernel", host.kernel.clone()),
                fact("processor", format!("{}, {} usable", host.processor, host.processors.len())),
                fact("pinning", pinning),
                fact("memory", format!("{:.1} GiB", host.memory_bytes as f64 / f64::from(1 << 30))),
                fact("io_uring", host.io_uring.clone()),
                fact("open files of a process", host.open_files.to_string()),
                fact(
                    "locked memory of a process",
                    host.locked_bytes.map_or_else(|| "no limit".to_owned(), |bytes| format!("{} KiB", bytes / 1024)),
                ),
                fact("load average before", host.load_before.clone()),
            ],
        );
    }

    /// Closed loads, table by table.
    fn closed(&self) -> Vec<(Table, Vec<&Workload>)> {
        let mut tables: Vec<(Table, Vec<&Workload>)> = Vec::new();
        for workload in self.results.workloads.iter().filter(|one| one.is_closed()) {
            match tables.last_mut().filter(|(table, _)| *table == workload.table) {
                Some((_, workloads)) => workloads.push(workload),
                None => tables.push((workload.table, vec![workload])),
            }
        }
        tables
    }

    fn table_title(&self, table: Table) -> String {
        let bytes = self.results.answer_bytes.iter().find(|(one, _)| *one == table);
        let bytes = bytes.map_or_else(String::new, |(_, bytes)| format!(", answers of {bytes} bytes"));
        format!("{}{bytes}:", table.title())
    }

    fn head(&self, first: &str) -> Vec<String> {
        let names = self.results.contenders.iter().map(|contender| contender.name.clone());
        std::iter::once(first.to_owned()).chain(names).collect()
    }

    fn row(&self, workload: &Workload, cell: impl Fn(&Contender) -> Option<String>) -> Vec<String> {
        let cells =
            self.results.contenders.iter().map(|contender| cell(contender).unwrap_or_else(|| NOTHING.to_owned()));
        std::iter::once(workload.title()).chain(cells).collect()
    }

    fn cell(&self, contender: &Contender, workload: &Workload, figure: Figure) -> Option<String> {
        let summary = self.results.summary(&contender.name, &workload.name, figure)?;
        Some(format!("{}{}", digits(summary.median), mark(&summary)))
    }

    /// One row for each figure of some samples.
    fn rows(&self, figures: &[(&str, Figure, &str)]) -> Vec<Vec<String>> {
        let row = |(name, figure, title): &(&str, Figure, &str)| {
            let cells = self.results.contenders.iter().map(|contender| {
                let summary = self.results.summary(&contender.name, name, *figure);
                summary.map_or_else(|| NOTHING.to_owned(), |summary| digits(summary.median) + mark(&summary))
            });
            let cells: Vec<String> = cells.collect();
            let measured = cells.iter().any(|cell| cell != NOTHING);
            measured.then(|| std::iter::once((*title).to_owned()).chain(cells).collect())
        };
        figures.iter().filter_map(row).collect()
    }

    fn plot(&self, title: &str, figure: Figure) -> Option<String> {
        let groups = self.closed().into_iter().flat_map(|(table, workloads)| {
            workloads
                .into_iter()
                .map(move |workload| (format!("{}b {}t, {}", table.brokers, table.topics, workload.title()), workload))
        });
        let groups: Vec<Group> = groups.map(|(name, workload)| self.group(&workload.name, &name, figure)).collect();
        bars(title, &groups)
    }

    /// Bars of one figure of the samples of this name.
    fn group(&self, samples: &str, name: &str, figure: Figure) -> Group {
        let bars = self.results.contenders.iter().enumerate().filter_map(|(colour, contender)| {
            let summary = self.results.summary(&contender.name, samples, figure)?;
            Some((colour, contender.name.clone(), summary.median))
        });
        Group { name: name.to_owned(), bars: bars.collect() }
    }
}

const fn mark(summary: &Summary) -> &'static str {
    if summary.doubtful { DOUBT } else { "" }
}

fn describe(contender: &Contender) -> String {
    let name = &contender.name;
    match &contender.kind {
        Kind::Ours => format!("`{name}`: a server of this repository, with one I/O thread"),
        Kind::Echo => format!("`{name}`: the limit of a runtime"),
        Kind::Java => format!("`{name}`: the NameServer of Apache RocketMQ"),
        Kind::RocketmqRust => format!("`{name}`: the released crate `rocketmq-namesrv`"),
    }
}

#[cfg(test)]
mod tests {
    use crate::results::tests::results;

    #[test]
    fn report_names_everyone_and_recommends() {
        let results = results();
        let document = super::report(&results);
        let text = document.markdown();
        for part in
            ["namesrv-mio", "java-5.5.0", "`rocketmq-rust` is not compared", "(1.10×)", "(8.00×)", "## Recommendation"]
        {
            assert!(text.contains(part), "no {part} in {text}");
        }
        let page = document.html();
        assert!(page.contains("not &lt;installed&gt;") && page.matches("<svg").count() == 3 && !page.contains("http"));
    }

    #[test]
    fn nothing_measured_is_still_a_report() {
        let mut results = results();
        results.samples.clear();
        results.complete = false;
        let text = super::report(&results).markdown();
        assert!(text.contains("was interrupted") && text.contains("## The host"));
    }

    #[test]
    fn doubtful_figures_are_marked() {
        let mut results = results();
        for sample in results.samples.iter_mut().filter(|sample| sample.contender == "echo-mio") {
            sample.doubt = Some("the load generator was the bottleneck".to_owned());
        }
        let text = super::report(&results).markdown();
        assert!(text.contains("(1.10×) †") && text.contains("because the load generator was the bottleneck"));
    }
}
