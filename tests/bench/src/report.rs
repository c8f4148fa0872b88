//! The report: what was measured on which host and how, what is noise, and what to choose.

use crate::broker::REPEAT_EVERY;
use crate::contender::{Contender, Kind};
use crate::document::Document;
use crate::plot::{Group, bars, digits};
use crate::question::SAMPLE;
use crate::recommendation::recommend;
use crate::results::{Figure, IDLE_CONNECTIONS, Results, START, Summary};
use crate::workload::{Pace, Table, Workload};

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
    report.calls(&mut document);
    report.size(&mut document);
    report.noise(&mut document);
    report.method(&mut document);
    report.host(&mut document);
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

    fn processor_time(&self, document: &mut Document) {
        document.heading("Processor time for 100,000 route queries, in seconds");
        document.text(
            "Each row is one load: connections × requests that each of them sends at once. In brackets: how many times the limit \
             of its runtime. Less is better.",
        );
        for (table, workloads) in self.closed() {
            document.text(self.table_title(table));
            let rows = workloads.iter().map(|workload| {
                self.row(workload, |contender| {
                    let summary = self.results.summary(&contender.name, &workload.name, Figure::CpuPer100k)?;
                    let limit = self.results.limit(contender).filter(|_| !contender.is_echo());
                    let ratio = limit
                        .and_then(|limit| {
                            self.results.ratio(&contender.name, limit, &workload.name, Figure::CpuPer100k)
                        })
                        .map(|ratio| format!(" ({:.2}×){}", ratio.median, if ratio.doubtful { DOUBT } else { "" }));
                    Some(format!("{}{}", digits(summary.median), ratio.unwrap_or_else(|| mark(&summary).to_owned())))
                })
            });
            document.table(self.head("load"), rows.collect());
        }
        document.plot(self.plot("Processor seconds for 100,000 queries (logarithmic)", Figure::CpuPer100k));
    }

    fn throughput(&self, document: &mut Document) {
        document.heading("Route queries a second");
        document.text(
            "With the server on one processor. More is better, but the load generator has only one processor too, so fast \
             servers are told apart by the processor time above.",
        );
        for (table, workloads) in self.closed() {
            document.text(self.table_title(table));
            let rows = workloads
                .iter()
                .map(|workload| self.row(workload, |contender| self.cell(contender, workload, Figure::Rate)));
            document.table(self.head("load"), rows.collect());
        }
        document.plot(self.plot("Queries a second (logarithmic)", Figure::Rate));
    }

    fn latency(&self, document: &mut Document) {
        let open: Vec<&Workload> =
            self.results.workloads.iter().filter(|workload| matches!(workload.pace, Pace::Open { .. })).collect();
        document.heading("Latency at a fixed rate, in microseconds");
        document.text(
            "Requests are sent when their time has come, whether or not earlier ones are answered, and a latency counts from that \
             time: a server that stalls cannot hide it. Less is better.",
        );
        let quantiles = [(Figure::P50, "p50"), (Figure::P99, "p99"), (Figure::P999, "p99.9")];
        let mut rows = Vec::new();
        let mut groups = Vec::new();
        for workload in open {
            for (figure, name) in quantiles {
                let mut row = self.row(workload, |contender| self.cell(contender, workload, figure));
                let title = format!("{}: {name}", workload.title());
                groups.push(self.group(workload, &title, figure));
                if let Some(first) = row.first_mut() {
                    *first = title;
                }
                rows.push(row);
            }
            if workload.change_every.is_some() {
                let mut row = self.row(workload, |contender| self.cell(contender, workload, Figure::ChangeMillis));
                if let Some(first) = row.first_mut() {
                    "a change of all these topics, until it is answered, in milliseconds".clone_into(first);
                }
                rows.push(row);
            }
        }
        document.table(self.head("load"), rows);
        document.plot(bars("Latency, µs (logarithmic)", &groups));
    }

    fn calls(&self, document: &mut Document) {
        let closed = self.closed().into_iter().flat_map(|(table, workloads)| {
            workloads.into_iter().map(move |workload| (format!("{}: {}", table.title(), workload.title()), workload))
        });
        let rows: Vec<Vec<String>> = closed
            .filter_map(|(title, workload)| {
                let mut row = self.row(workload, |contender| self.cell(contender, workload, Figure::Calls));
                let measured = row.iter().skip(1).any(|cell| cell != NOTHING);
                *row.first_mut()? = title;
                measured.then_some(row)
            })
            .collect();
        if !rows.is_empty() {
            document.heading("System calls for each route query");
            document.text("Counted by strace in a run of its own, in which all servers are slow.");
            document.table(self.head("load"), rows);
        }
    }

    fn size(&self, document: &mut Document) {
        document.heading("Start and memory");
        let figures = [
            (START, Figure::StartMillis, "start to listening, ms"),
            (START, Figure::IdleResident, "memory when idle, program included, MiB"),
            (START, Figure::IdleAnonymous, "memory when idle, allocated, MiB"),
            (IDLE_CONNECTIONS, Figure::Connections, "idle connections"),
            (IDLE_CONNECTIONS, Figure::ConnectionKib, "allocated for each of them, KiB"),
        ];
        let rows = figures.iter().map(|(workload, figure, title)| {
            let cells = self.results.contenders.iter().map(|contender| {
                let summary = self.results.summary(&contender.name, workload, *figure);
                summary.map_or_else(|| NOTHING.to_owned(), |summary| digits(summary.median))
            });
            std::iter::once((*title).to_owned()).chain(cells).collect()
        });
        document.table(self.head(""), rows.collect());
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
                self.results
                    .samples
                    .iter()
                    .filter(|one| one.contender == contender.name && one.doubt.is_some())
                    .count()
                    .to_string(),
            ])
        });
        let head = ["server", "median spread", "largest spread", "doubtful runs"];
        document.table(head.map(str::to_owned).to_vec(), rows.collect());
        let mut doubts: Vec<&str> = self.results.samples.iter().filter_map(|one| one.doubt.as_deref()).collect();
        doubts.sort_unstable();
        doubts.dedup();
        if !doubts.is_empty() {
            document.text(format!("†: at least half of the runs are doubtful, because {}.", doubts.join(", or ")));
        }
    }

    fn method(&self, document: &mut Document) {
        let options = &self.results.options;
        document.heading("How it was measured");
        document.list(vec![
            format!("One load generator for all: one thread on epoll, none of the runtimes under test. It runs for {} ms after a warm-up.", options.run.as_millis()),
            format!("Every answer is checked for its length, its code and its correlation number; one of {SAMPLE} byte for byte against an answer that was read and found right. A wrong answer ends the run and is named above."),
            "The processor time of a server is what the kernel has counted for all of its threads, from before the first request until after the last answer.".to_owned(),
            format!("Meanwhile every broker repeats a registration of 100 topics each {} s (real brokers do so every 30 s). Topics are asked for at random.", REPEAT_EVERY.as_secs()),
            "A burst of requests is sent at once, and the next one when all of its answers are there. So each server may answer a whole burst with one read and one write.".to_owned(),
            "A run is doubtful when the load generator used its whole processor and the server did not, or when requests of a fixed rate were sent too late.".to_owned(),
            "All servers stay up during a table. Those of others are stopped (SIGSTOP) while they are not measured, since they work even when nobody asks; ours and the echo servers rest.".to_owned(),
            "The Java server has warmed up before its first run counts, with a heap of 1 GiB and the G1 collector.".to_owned(),
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
        for workload in self.results.workloads.iter().filter(|one| matches!(one.pace, Pace::Closed { .. })) {
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

    fn plot(&self, title: &str, figure: Figure) -> Option<String> {
        let groups = self.closed().into_iter().flat_map(|(table, workloads)| {
            workloads
                .into_iter()
                .map(move |workload| (format!("{}b {}t, {}", table.brokers, table.topics, workload.title()), workload))
        });
        let groups: Vec<Group> = groups.map(|(name, workload)| self.group(workload, &name, figure)).collect();
        bars(title, &groups)
    }

    fn group(&self, workload: &Workload, name: &str, figure: Figure) -> Group {
        let bars = self.results.contenders.iter().enumerate().filter_map(|(colour, contender)| {
            let summary = self.results.summary(&contender.name, &workload.name, figure)?;
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
        Kind::Ours(_) => format!("`{name}`: a server of this repository, with one I/O thread"),
        Kind::Echo(_) => format!("`{name}`: the limit of a runtime"),
        Kind::Java(_) => format!("`{name}`: the NameServer of Apache RocketMQ"),
        Kind::RocketmqRust(_) => format!("`{name}`: the released crate `rocketmq-namesrv`"),
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
