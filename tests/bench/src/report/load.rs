//! Sections about queries: what they cost, how many there are, how long they take.

use super::{DOUBT, NOTHING, Report, mark};
use crate::contender::Contender;
use crate::document::Document;
use crate::plot::{bars, digits};
use crate::results::Figure;
use crate::workload::{Pace, Workload};

impl Report<'_> {
    pub(super) fn processor_time(&self, document: &mut Document) {
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

    pub(super) fn throughput(&self, document: &mut Document) {
        document.heading("Route queries a second");
        document.text(
            "With the server on one processor. More is better, but the load generator has only one processor too, so fast \
             servers are told apart by the processor time above, and by what that comes to: in brackets, the queries that one second of a \
             server's processor is enough for.",
        );
        for (table, workloads) in self.closed() {
            document.text(self.table_title(table));
            let rows = workloads.iter().map(|workload| self.row(workload, |contender| self.rate(contender, workload)));
            document.table(self.head("load"), rows.collect());
        }
        document.plot(self.plot("Queries a second (logarithmic)", Figure::Rate));
    }

    pub(super) fn latency(&self, document: &mut Document) {
        let open: Vec<&Workload> =
            self.results.workloads.iter().filter(|workload| matches!(workload.pace, Pace::Open { .. })).collect();
        if open.is_empty() {
            return;
        }
        document.heading("Latency at a fixed rate, in microseconds");
        document.text(
            "Requests are sent when their time has come, whether or not earlier ones are answered, and a latency counts from that \
             time: a server that stalls cannot hide it. Less is better.",
        );
        let quantiles = [(Figure::P50, "p50"), (Figure::P99, "p99"), (Figure::P999, "p99.9")];
        let mut rows = Vec::new();
        let mut groups = Vec::new();
        for workload in &open {
            for (figure, name) in quantiles {
                let mut row = self.row(workload, |contender| self.cell(contender, workload, figure));
                let title = format!("{}: {name}", workload.title());
                groups.push(self.group(&workload.name, &title, figure));
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
        let ratios = self.results.contenders.iter().map(|contender| {
            let name = |changes: bool| {
                open.iter().find(|one| one.change_every.is_some() == changes).map_or("", |one| one.name.as_str())
            };
            let (busy, calm) = ((contender.name.as_str(), name(true)), (contender.name.as_str(), name(false)));
            let ratio = self.results.ratio_of(busy, calm, Figure::P99);
            ratio.map_or_else(|| NOTHING.to_owned(), |ratio| format!("{}×{}", digits(ratio.median), mark(&ratio)))
        });
        rows.push(std::iter::once("p99 while topics change, by p99 when calm".to_owned()).chain(ratios).collect());
        document.table(self.head("load"), rows);
        document.plot(bars("Latency, µs (logarithmic)", &groups));
    }

    pub(super) fn calls(&self, document: &mut Document) {
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

    pub(super) fn lists(&self, document: &mut Document) {
        let lists = self.results.workloads.iter().filter(|workload| workload.asks.has_lists());
        let rows: Vec<Vec<String>> = lists
            .flat_map(|workload| {
                let title = |what: &str| format!("{}: {}, {what}", workload.table.title(), workload.title());
                self.rows(&[
                    (&workload.name, Figure::CpuPer100k, &title("processor s")),
                    (&workload.name, Figure::P50, &title("median µs")),
                ])
            })
            .collect();
        if !rows.is_empty() {
            document.heading("What tools ask: lists of brokers and topics");
            document.text(
                "Asked by `mqadmin`, dashboards and the exporter of metrics, over one connection, one after the other. Processor time for 100,000 requests. \
                 An echo server has one answer only and is no limit here.",
            );
            document.table(self.head("request"), rows);
        }
    }

    fn rate(&self, contender: &Contender, workload: &Workload) -> Option<String> {
        let rate = self.cell(contender, workload, Figure::Rate)?;
        let seconds = self.results.summary(&contender.name, &workload.name, Figure::CpuPer100k)?;
        Some(format!("{rate} ({})", digits(1e5 / seconds.median)))
    }
}
