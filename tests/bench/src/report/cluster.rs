//! Sections about brokers: what registrations cost, and how a real cluster goes.

use super::Report;
use crate::broker::CHANGE_ONE_IN;
use crate::cluster::TOPICS_OF_A_CLIENT;
use crate::document::Document;
use crate::plot::bars;
use crate::registrations::{LARGE, LARGE_TOPICS, REGISTRATIONS};
use crate::results::Figure;
use crate::workload::CHANGED_TOPICS;

impl Report<'_> {
    pub(super) fn registrations(&self, document: &mut Document) {
        let title = |text: &str| format!("{CHANGED_TOPICS} topics {text}");
        let titles = [
            title("again: processor ms of the server"),
            title("again: processor ms of a digest alone"),
            title("again: ms until answered"),
            title("changed: processor ms of the server"),
            title("changed: ms until answered"),
            format!("{LARGE_TOPICS} topics, new: ms until answered"),
            format!("{LARGE_TOPICS} topics, again: ms until answered"),
            format!("{LARGE_TOPICS} topics: memory, MiB"),
        ];
        let figures = [
            (REGISTRATIONS, Figure::RepeatCpuMillis),
            (REGISTRATIONS, Figure::DigestMillis),
            (REGISTRATIONS, Figure::RepeatMillis),
            (REGISTRATIONS, Figure::ChangeCpuMillis),
            (REGISTRATIONS, Figure::ChangeMillis),
            (LARGE, Figure::ChangeMillis),
            (LARGE, Figure::RepeatMillis),
            (LARGE, Figure::Resident),
        ];
        let figures: Vec<(&str, Figure, &str)> =
            figures.iter().zip(&titles).map(|((name, figure), title)| (*name, *figure, title.as_str())).collect();
        let rows = self.rows(&figures);
        if rows.is_empty() {
            return;
        }
        document.heading("Registrations");
        document.text(
            "A broker sends all of its topics in one frame and repeats that every 30 s; nearly always nothing has changed but one time in it. Here one \
             broker does so as fast as it is answered, on a server that was just started, and nobody asks for routes. A digest (SipHash-1-3 of the topics, \
             measured in the load generator) is what it takes at least to see that nothing changed; the kernel has to copy the bytes as well.",
        );
        document.table(self.head(""), rows);
    }

    pub(super) fn clusters(&self, document: &mut Document) {
        let clusters = &self.results.clusters;
        let measured =
            clusters.iter().any(|cluster| self.results.samples.iter().any(|one| one.workload == cluster.name()));
        if !measured {
            return;
        }
        document.heading("A real cluster");
        document.text(format!(
            "After a restart of the server all brokers come back at once: how long until the last of them was answered, and until a route names all of them? Then \
             everyone goes on as always for one round of 30 s: every broker repeats all of its topics once, of {CHANGE_ONE_IN} registrations one changes \
             something, every broker asks for all brokers each 5 s, and every client asks for the routes of {TOPICS_OF_A_CLIENT} topics each 30 s, over a connection of its own. All \
             brokers have all topics.",
        ));
        for cluster in clusters {
            let name = cluster.name();
            let rows = self.rows(&[
                (&name, Figure::ReturnMillis, "return of all brokers, ms until the last is answered"),
                (&name, Figure::WholeMillis, "return of all brokers, ms until a route is whole"),
                (&name, Figure::Cores, "processors kept busy"),
                (&name, Figure::Resident, "memory, MiB"),
                (&name, Figure::P50, "p50 of queries, µs"),
                (&name, Figure::P99, "p99 of queries, µs"),
                (&name, Figure::P999, "p99.9 of queries, µs"),
                (&name, Figure::RepeatMillis, "a registration, ms until answered"),
            ]);
            let hurry = match cluster.hurry {
                1 => String::new(),
                hurry => format!(
                    " Time is compressed: a round takes {:.0} s, everything happens {hurry} times as often, and the processors kept busy are divided by {hurry}. Latencies are those of the compressed run.",
                    cluster.round().as_secs_f64()
                ),
            };
            document.text(format!(
                "{}, {} clients, {:.0} route queries a second:{hurry}",
                cluster.table.title(),
                cluster.clients,
                cluster.routes_per_second()
            ));
            document.table(self.head(""), rows);
        }
        let groups = |figure: Figure| -> Vec<_> {
            clusters.iter().map(|cluster| self.group(&cluster.name(), &cluster.table.title(), figure)).collect()
        };
        document.plot(bars("Processors that a real cluster keeps busy (logarithmic)", &groups(Figure::Cores)));
        document.plot(bars("Memory with a real cluster, MiB (logarithmic)", &groups(Figure::Resident)));
    }
}
