//! Sections about what a server needs of its host: start, memory, connections, threads.

use super::{NOTHING, Report, mark};
use crate::connections::{STORM, idle_name, stages};
use crate::document::Document;
use crate::plot::{bars, digits};
use crate::results::Figure;
use crate::start::START;
use crate::threads;

impl Report<'_> {
    pub(super) fn size(&self, document: &mut Document) {
        let rows = self.rows(&[
            (START, Figure::StartMillis, "start to listening, ms"),
            (START, Figure::IdleResident, "memory when idle, program included, MiB"),
            (START, Figure::IdleAnonymous, "memory when idle, allocated, MiB"),
        ]);
        if !rows.is_empty() {
            document.heading("Start and memory");
            document.table(self.head(""), rows);
        }
    }

    pub(super) fn connections(&self, document: &mut Document) {
        let stages = stages(self.results.options.quick, self.results.host.open_files);
        let names: Vec<String> = stages.iter().map(|stage| idle_name(*stage)).collect();
        let titles: Vec<String> = stages.iter().map(|stage| format!("{stage} idle ones: KiB for each")).collect();
        let mut figures: Vec<(&str, Figure, &str)> = names
            .iter()
            .zip(&titles)
            .map(|(name, title)| (name.as_str(), Figure::ConnectionKib, title.as_str()))
            .collect();
        figures.extend([
            (STORM, Figure::Connections, "connections at once"),
            (STORM, Figure::ConnectMillis, "ms until all of them are answered"),
            (STORM, Figure::P50, "p50 of the wait for an answer, µs"),
            (STORM, Figure::P99, "p99 of the wait for an answer, µs"),
        ]);
        let rows = self.rows(&figures);
        if rows.is_empty() {
            return;
        }
        document.heading("Connections");
        document.text(
            "Memory that the server allocated for each connection after it asked one question, without the kernel's own memory for sockets. Then as \
             many connections as shown, all begun at the same moment, each with one question.",
        );
        document.table(self.head(""), rows);
        let groups = names.iter().zip(&stages).map(|(name, stage)| {
            let mut group = self.group(name, &format!("{stage} connections"), Figure::ConnectionKib);
            group.bars.iter_mut().for_each(|(_, _, kib)| *kib *= *stage as f64 / 1024.0);
            group
        });
        document.plot(bars("Memory by connections, MiB (logarithmic)", &groups.collect::<Vec<_>>()));
    }

    pub(super) fn threads(&self, document: &mut Document) {
        let mut rows = Vec::new();
        for shape in threads::SHAPES {
            let [one, two, apart] = threads::SETUPS.map(|setup| setup.name(shape));
            for (figure, base, what) in [
                (Figure::Rate, &one, "queries a second, of one thread"),
                (Figure::CpuPer100k, &one, "processor time of a query, of one thread"),
                (Figure::CpuPer100k, &apart, "processor time of a query, of two processes"),
            ] {
                let cells = self.results.contenders.iter().map(|contender| {
                    let name = contender.name.as_str();
                    let ratio = self.results.ratio_of((name, &two), (name, base), figure);
                    ratio.map_or_else(
                        || NOTHING.to_owned(),
                        |ratio| format!("{}×{}", digits(ratio.median), mark(&ratio)),
                    )
                });
                let cells: Vec<String> = cells.collect();
                if cells.iter().any(|cell| cell != NOTHING) {
                    rows.push(std::iter::once(format!("{} × {}: {what}", shape.0, shape.1)).chain(cells).collect());
                }
            }
        }
        if !rows.is_empty() {
            document.heading("Two I/O threads, as a multiple of one, and of two processes with one each");
            document.text(if threads::has_room(&self.results.host.processors) {
                "Both threads and the load generator have a processor each. Twice as many queries for the same processor time would be perfect."
            } else {
                "There are only two processors, so one of the threads shares its own with the load generator and the queries a second say little. A query \
                 needs more processor time than with one thread, since fewer connections are ready when a thread wakes up. Two processes with half of the \
                 connections each surely share nothing: as much as they need, two threads need that wait for nothing of each other."
            });
            document.table(self.head(""), rows);
        }
    }
}
