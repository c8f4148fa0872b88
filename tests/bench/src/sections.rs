//! Makes a report from the samples of a run.

use crate::broker::CHANGE_ONE_IN;
use crate::certificate::Certificate;
use crate::clients::Handshake;
use crate::cluster::{Cluster, TOPICS_OF_A_CLIENT};
use crate::connections::{STORM, idle_name, stages};
use crate::contender::Contender;
use crate::figure::Figure;
use crate::goals::goals;
use crate::question::SAMPLE;
use crate::recommendation::recommend;
use crate::registrations::{LARGE, LARGE_TOPICS, REGISTRATIONS};
use crate::report::{NOTHING, Point, Report, Section, digits};
use crate::results::{Results, Summary};
use crate::start::START;
use crate::workload::{CHANGED_TOPICS, Pace, REPEAT_EVERY, SMALL, Workload};
use crate::{threads, tls};

/// Marks doubtful figures.
const DOUBT: &str = " †";
/// Converts processor seconds for 100,000 queries to microseconds for one.
const MICROS_OF_A_QUERY: f64 = 10.0;

/// Makes the report of a run.
pub fn report(results: &Results) -> Report {
    let (recommendation, reasons) = recommend(results);
    let sections = [
        failures(results),
        goals(results),
        processor_time(results),
        throughput(results),
        latency(results),
        lists(results),
        registrations(results),
        clusters(results),
        size(results),
        io_threads(results),
        over_tls(results),
        noise(results),
        method(results),
        host(results),
    ];
    Report {
        measured: measured(results),
        recommendation,
        reasons,
        points: points(results),
        sections: sections.into_iter().filter(|section| !section.rows.is_empty()).collect(),
    }
}

fn measured(results: &Results) -> String {
    let host = &results.host;
    let date = if host.date.is_empty() { String::new() } else { format!("Measured on {}. ", host.date) };
    let complete = if results.complete { "" } else { " The run was interrupted: some of the figures are missing." };
    let (runs, processors) = (results.options.repetitions, host.processors.len());
    format!(
        "{date}{}, {processors} processors, server and load generator on one each. Medians of {runs} runs.{complete}",
        host.processor
    )
}

fn points(results: &Results) -> Vec<Point> {
    let loads = results.workloads.iter().filter(|one| one.is_closed() && one.table == SMALL);
    let point = |load: &Workload, server: &Contender| {
        let micros =
            |name: &str| Some(results.summary(name, &load.name, Figure::CpuPer100k)?.median * MICROS_OF_A_QUERY);
        let limit = results.limit(server).and_then(micros);
        Some(Point { load: load.title(), server: server.name.clone(), micros: micros(&server.name)?, limit })
    };
    let servers = || results.contenders.iter().filter(|one| !one.is_echo());
    loads.flat_map(|load| servers().filter_map(move |server| point(load, server))).collect()
}

/// Makes a table with a column for each server that has a figure in it.
fn section(results: &Results, title: &str, notes: &[&str], rows: Vec<Vec<String>>) -> Section {
    let names = results.contenders.iter().map(|contender| contender.name.clone());
    let head: Vec<String> = std::iter::once(String::new()).chain(names).collect();
    let is_measured = |row: &Vec<String>| row.iter().skip(1).any(|cell| cell != NOTHING);
    let rows: Vec<Vec<String>> = rows.into_iter().filter(is_measured).collect();
    let is_shown = |column: usize| column == 0 || rows.iter().any(|row| row.get(column).is_some_and(|c| c != NOTHING));
    let keep = |row: &Vec<String>| {
        row.iter().enumerate().filter(|(column, _)| is_shown(*column)).map(|(_, cell)| cell.clone()).collect()
    };
    Section {
        title: title.to_owned(),
        brief: false,
        notes: notes.iter().map(|note| (*note).to_owned()).collect(),
        head: keep(&head),
        rows: rows.iter().map(keep).collect(),
    }
}

/// Makes a row with a cell for each server.
fn row(results: &Results, title: &str, cell: impl Fn(&Contender) -> Option<String>) -> Vec<String> {
    let cells = results.contenders.iter().map(|one| cell(one).unwrap_or_else(|| NOTHING.to_owned()));
    std::iter::once(title.to_owned()).chain(cells).collect()
}

/// Makes a row for each title and figure of the samples of one name.
fn rows(results: &Results, name: &str, figures: &[(impl AsRef<str>, Figure)]) -> Vec<Vec<String>> {
    let cell = |one: &Contender, figure| results.summary(&one.name, name, figure).map(|summary| cell(&summary, ""));
    figures.iter().map(|(title, figure)| row(results, title.as_ref(), |one| cell(one, *figure))).collect()
}

fn cell(summary: &Summary, unit: &str) -> String {
    format!("{}{unit}{}", digits(summary.median), if summary.doubtful { DOUBT } else { "" })
}

fn closed(results: &Results) -> impl Iterator<Item = (String, &Workload)> {
    let closed = results.workloads.iter().filter(|workload| workload.is_closed());
    closed.map(|workload| (format!("{}: {}", workload.table.title(), workload.title()), workload))
}

/// Returns the processor time of a request, and how many times the limit that is.
fn micros(results: &Results, one: &Contender, load: &str) -> Option<String> {
    let micros = results.summary(&one.name, load, Figure::CpuPer100k)?.times(MICROS_OF_A_QUERY);
    let limit = results.limit(one).filter(|_| !one.is_echo());
    let ratio = limit.and_then(|limit| results.ratio(&one.name, limit, load, Figure::CpuPer100k));
    let ratio = ratio.map(|ratio| format!(" ({:.2}×)", ratio.median)).unwrap_or_default();
    Some(cell(&micros, &ratio))
}

fn processor_time(results: &Results) -> Section {
    let rows =
        closed(results).map(|(title, load)| row(results, &title, |one| micros(results, one, &load.name))).collect();
    let notes = [
        "In brackets: how many times the limit of the same repetition, the median of all. †: half of the runs or more are doubtful.",
    ];
    section(results, "Processor time of a route query, µs", &notes, rows)
}

fn throughput(results: &Results) -> Section {
    let rows = closed(results).flat_map(|(title, load)| rows(results, &load.name, &[(title, Figure::Rate)])).collect();
    let notes = ["The load generator has one processor, as the server: it is what limits the fastest servers."];
    section(results, "Route queries a second", &notes, rows)
}

fn latency(results: &Results) -> Section {
    let open = results.workloads.iter().filter(|workload| matches!(workload.pace, Pace::Open { .. }));
    let quantiles = [("p50", Figure::P50), ("p99", Figure::P99), ("p99.9", Figure::P999)];
    let mut all: Vec<Vec<String>> = Vec::new();
    for load in open {
        let titles = quantiles.map(|(name, figure)| (format!("{}: {name}", load.title()), figure));
        all.extend(rows(results, &load.name, &titles));
        if load.change_every.is_some() {
            all.extend(rows(results, &load.name, &[("such a change until it is answered, ms", Figure::ChangeMillis)]));
        }
    }
    all.push(row(results, "p99 while topics change, as a multiple of p99 when calm", |one| {
        Some(cell(&results.p99_while_topics_change(one)?, "×"))
    }));
    let notes =
        ["A latency counts from the time at which the request was due, so a server that stalls cannot hide it."];
    section(results, "Latency of route queries at a fixed rate, µs", &notes, all)
}

fn lists(results: &Results) -> Section {
    let lists = results.workloads.iter().filter(|workload| workload.asks.has_lists());
    let lists = lists.flat_map(|load| {
        let titles = [("processor s for 100,000", Figure::CpuPer100k), ("p50, µs", Figure::P50)];
        let titles = titles.map(|(what, figure)| (format!("{}: {what}", load.title()), figure));
        rows(results, &load.name, &titles)
    });
    let notes = ["Sent by `mqadmin`, dashboards and the exporter of metrics; one connection, one request at a time."];
    section(results, "Lists of brokers and topics: 16 brokers, 1000 topics", &notes, lists.collect())
}

fn registrations(results: &Results) -> Section {
    let title = |topics: usize, what: &str| format!("{topics} topics {what}");
    let titles = [
        (REGISTRATIONS, title(CHANGED_TOPICS, "repeated: processor ms"), Figure::RepeatCpuMillis),
        (REGISTRATIONS, title(CHANGED_TOPICS, "repeated: processor ms of a digest alone"), Figure::DigestMillis),
        (REGISTRATIONS, title(CHANGED_TOPICS, "repeated: ms until answered"), Figure::RepeatMillis),
        (REGISTRATIONS, title(CHANGED_TOPICS, "changed: processor ms"), Figure::ChangeCpuMillis),
        (REGISTRATIONS, title(CHANGED_TOPICS, "changed: ms until answered"), Figure::ChangeMillis),
        (LARGE, title(LARGE_TOPICS, "new: ms until answered"), Figure::ChangeMillis),
        (LARGE, title(LARGE_TOPICS, "repeated: ms until answered"), Figure::RepeatMillis),
        (LARGE, title(LARGE_TOPICS, "held: memory, MiB"), Figure::Resident),
    ];
    let rows = titles.iter().flat_map(|(name, title, figure)| rows(results, name, &[(title, *figure)]));
    let notes = [
        "A broker sends all of its topics in one frame and repeats it every 30 s; nearly always only a time in it has changed.",
        "A digest (SipHash-1-3 of the topics) is the least that it takes to see this.",
    ];
    section(results, "Registrations", &notes, rows.collect())
}

fn clusters(results: &Results) -> Section {
    let rows = results.clusters.iter().flat_map(|cluster: &Cluster| {
        let hurry = if cluster.hurry == 1 { String::new() } else { format!(", {} times as fast", cluster.hurry) };
        let title = |what: &str| format!("{}, {} clients{hurry}: {what}", cluster.table.title(), cluster.clients);
        let titles = [
            (title("return of all brokers, ms until the last is answered"), Figure::ReturnMillis),
            (title("return of all brokers, ms until a route is whole"), Figure::WholeMillis),
            (title("processors kept busy"), Figure::Cores),
            (title("memory, MiB"), Figure::Resident),
            (title("p50 of queries, µs"), Figure::P50),
            (title("p99 of queries, µs"), Figure::P99),
            (title("p99.9 of queries, µs"), Figure::P999),
            (title("a registration, ms until answered"), Figure::RepeatMillis),
        ];
        rows(results, &cluster.name(), &titles)
    });
    let round = format!(
        "Then one round of 30 s: every broker repeats all of its topics, one in {CHANGE_ONE_IN} registrations changes \
         something, and every client asks for the routes of {TOPICS_OF_A_CLIENT} topics."
    );
    let notes = ["The server restarts and all brokers, each with all topics, come back at once.", &round];
    section(results, "A whole cluster", &notes, rows.collect())
}

fn size(results: &Results) -> Section {
    let mut all = rows(
        results,
        START,
        &[
            ("start to listening, ms", Figure::StartMillis),
            ("memory when idle, program included, MiB", Figure::IdleResident),
            ("memory when idle, allocated, MiB", Figure::IdleAnonymous),
        ],
    );
    for stage in stages(results.options.quick, results.host.open_files) {
        let title = format!("{stage} idle connections, KiB for each");
        all.extend(rows(results, &idle_name(stage), &[(&title, Figure::ConnectionKib)]));
    }
    all.extend(rows(
        results,
        STORM,
        &[
            ("many connections at once: how many", Figure::Connections),
            ("many connections at once: ms until all are answered", Figure::ConnectMillis),
            ("many connections at once: p50 of the wait, µs", Figure::P50),
            ("many connections at once: p99 of the wait, µs", Figure::P99),
        ],
    ));
    let notes = ["Memory of a connection is what the server allocated after one query, without the kernel's sockets."];
    section(results, "Start, memory and connections", &notes, all)
}

fn io_threads(results: &Results) -> Section {
    let rows = threads::SHAPES.into_iter().flat_map(|shape| {
        let [one, two, apart] = threads::SETUPS.map(|setup| setup.name(shape));
        let bases = [
            (Figure::Rate, one.clone(), "queries a second, of one thread"),
            (Figure::CpuPer100k, one, "processor time of a query, of one thread"),
            (Figure::CpuPer100k, apart, "processor time of a query, of two processes"),
        ];
        bases.map(|(figure, base, what)| {
            row(results, &format!("{} × {}: {what}", shape.0, shape.1), |server| {
                Some(cell(&results.ratio_of((&server.name, &two), (&server.name, &base), figure)?, "×"))
            })
        })
    });
    let few = "There are only two processors: one thread shares its own with the load generator, so compare with two processes.";
    let notes: &[&str] = if threads::has_room(&results.host.processors) { &[] } else { &[few] };
    section(results, "Two I/O threads, as a multiple of one, and of two processes", notes, rows.collect())
}

fn over_tls(results: &Results) -> Section {
    let mut all = Vec::new();
    for shape in tls::SHAPES {
        for layer in tls::LAYERS {
            let text = if layer.is_some() { "TLS" } else { "plain text" };
            let title = format!("query, {} × {}, {text}: processor µs", shape.0, shape.1);
            all.push(row(results, &title, |one| micros(results, one, &tls::queries_name(layer, shape))));
        }
    }
    let handshakes = Certificate::ALL.into_iter().flat_map(|one| Handshake::ALL.map(|handshake| (one, handshake)));
    for handshake in std::iter::once(None).chain(handshakes.map(Some)) {
        let name = tls::beginning_name(handshake);
        let title = match handshake {
            None => "new connection, plain text".to_owned(),
            Some((certificate, handshake)) => {
                format!("new connection, {} handshake, {}", handshake.name(), certificate.title())
            }
        };
        all.push(row(results, &format!("{title}: processor µs"), |one| micros(results, one, &name)));
        all.extend(rows(results, &name, &[(&format!("{title}: a second"), Figure::Rate)]));
    }
    for stage in tls::STAGES {
        let title = format!("{stage} idle TLS connections, KiB for each");
        all.extend(rows(results, &tls::connections_name(&idle_name(stage)), &[(&title, Figure::ConnectionKib)]));
    }
    let at_once = [
        ("many TLS connections at once: how many", Figure::Connections),
        ("many TLS connections at once: ms until all are answered", Figure::ConnectMillis),
        ("many TLS connections at once: p99 of the wait, µs", Figure::P99),
    ];
    all.extend(rows(results, &tls::connections_name(STORM), &at_once));
    let notes = [
        "TLS 1.3 with AES-128-GCM and X25519, whatever the server would rather have; certificates are ECDSA P-256 where no other is named.",
        "The limit (×) is an echo server on the same runtime that speaks TLS by the same library.",
        "The requests of all connections are encrypted, then sent at once, and the next ones when all are answered: every server finds the same batches, although the load generator takes longer than most servers.",
        "A new connection is opened, asked one query and closed; 50 at a time.",
        "Before each figure a server is warmed up, by processor time; before thousands of connections it is not.",
    ];
    section(results, "TLS", &notes, all)
}

fn noise(results: &Results) -> Section {
    let sorted = |one: &Contender, value: fn(&Summary) -> f64, figure| {
        let loads = results.workloads.iter().filter(|load| load.is_closed());
        let summaries = loads.filter_map(|load| results.summary(&one.name, &load.name, figure));
        let mut values: Vec<f64> = summaries.map(|summary| value(&summary) * 100.0).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let percent = |value: Option<&f64>| value.map(|value| format!("{value:.0} %"));
    let spread = |one: &Contender| sorted(one, Summary::spread, Figure::CpuPer100k);
    let share = |one: &Contender| sorted(one, |summary| summary.median, Figure::LoadShare);
    let median = |values: Vec<f64>| percent(values.get(values.len() / 2));
    let doubts =
        |one: &Contender| results.samples.iter().filter(|s| s.contender == one.name && s.doubt.is_some()).count();
    let rows = vec![
        row(results, "spread of processor time, median", |one| median(spread(one))),
        row(results, "spread of processor time, largest", |one| percent(spread(one).last())),
        row(results, "processor of the load generator, median", |one| median(share(one))),
        row(results, "processor of the load generator, most", |one| percent(share(one).last())),
        row(results, "doubtful runs", |one| Some(doubts(one).to_string())),
    ];
    let notes = [
        "The spread is the distance from the smallest to the largest figure, as a part of the median; smaller differences mean nothing.",
        "A run is doubtful when the load generator was the bottleneck, or sent too late.",
    ];
    section(results, "Noise", &notes, rows)
}

/// Makes a table of words, which does not compare servers.
fn facts<const N: usize>(title: &str, head: [&str; N], rows: Vec<[String; N]>) -> Section {
    let head = head.map(str::to_owned).to_vec();
    Section { title: title.to_owned(), head, rows: rows.into_iter().map(Vec::from).collect(), ..Section::default() }
}

fn failures(results: &Results) -> Section {
    let during = |name: &str| {
        let load = results.workloads.iter().find(|load| load.name == name);
        let cluster = results.clusters.iter().find(|cluster| cluster.name() == name);
        match (load, cluster) {
            (Some(load), _) => format!("{}: {}", load.table.title(), load.title()),
            (None, Some(cluster)) => format!("a cluster of {}", cluster.table.title()),
            (None, None) => name.replace('-', " "),
        }
    };
    let failures = results.failures.iter();
    let failures = failures.map(|one| [one.contender.clone(), during(&one.during), one.reason.clone()]);
    let skipped = results.skipped.iter();
    let skipped = skipped.map(|one| [one.name.clone(), "not compared".to_owned(), one.reason.clone()]);
    let rows = skipped.chain(failures).collect();
    Section { brief: true, ..facts("Servers that failed", ["server", "at", "what happened"], rows) }
}

fn method(results: &Results) -> Section {
    let rows = [
        ("load", &*format!("one thread on epoll for all servers, {} ms after a warm-up", results.options.run.as_millis())),
        ("turns", "the servers take turns in each repetition, so a disturbance hits all of them"),
        (
            "checks",
            &format!(
                "length, code and correlation number of every answer, and every byte of one in {SAMPLE}; a wrong answer \
                 ends the run"
            ),
        ),
        ("processor time", "what the kernel counts for all threads of the server"),
        ("bursts", "requests of a burst are sent at once, the next burst when all are answered"),
        (
            "meanwhile",
            &format!(
                "every broker repeats a registration of 100 topics each {} s, as a 5.5.0 broker does",
                REPEAT_EVERY.as_secs()
            ),
        ),
        ("configuration", "defaults, but one I/O thread and frames of up to 128 MiB"),
        ("pauses", "other servers are stopped (SIGSTOP) while they are not measured, because they work when idle"),
        (
            "Java",
            "warmed up, heap of 1 to 4 GiB, G1; not warmed up where each run starts a server: registrations, clusters",
        ),
    ]
    .map(|(what, how)| [what, how].map(str::to_owned));
    facts("How it was measured", ["what", "how"], rows.to_vec())
}

fn host(results: &Results) -> Section {
    let host = &results.host;
    let fact = |name: &str, value: String| [name.to_owned(), value];
    let pinning = results.pinning.as_ref().map_or_else(
        || "none: there is one processor, so only processor time means something".to_owned(),
        |pinning| format!("server on {:?}, load generator on {:?}", pinning.server, pinning.load),
    );
    let locked =
        host.locked_bytes.map_or_else(|| "no limit".to_owned(), |bytes| format!("at most {} KiB", bytes / 1024));
    let rows = vec![
        fact("kernel", format!("Linux {}", host.kernel)),
        fact("processor", format!("{} with {} usable", host.processor, host.processors.len())),
        fact("pinning", pinning),
        fact("memory", format!("with {:.1} GiB", host.memory_bytes as f64 / f64::from(1 << 30))),
        fact("io_uring", host.io_uring.clone()),
        fact("open files of a process", format!("at most {}", host.open_files)),
        fact("locked memory of a process", locked),
        fact("load average before", format!("about {}", host.load_before)),
    ];
    facts("The machine", ["fact", "value"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Failure;
    use crate::results::tests::results;

    fn find<'a>(report: &'a Report, title: &str) -> &'a Section {
        report.sections.iter().find(|section| section.title.contains(title)).unwrap()
    }

    #[test]
    fn every_server_is_in_the_picture_with_its_limit() {
        let points = report(&results()).points;
        let of = |server: &str| points.iter().filter(|one| one.server == server).collect::<Vec<_>>();
        assert_eq!((of("namesrv-mio").len(), of("java-5.5.0").len(), of("echo-mio").len()), (2, 2, 0));
        let [one, ..] = of("namesrv-mio")[..] else { panic!("no point") };
        assert!((one.micros / one.limit.unwrap() - 1.1).abs() < 1e-9 && (one.micros - 5.61).abs() < 1e-9, "{one:?}");
    }

    #[test]
    fn only_columns_and_rows_with_figures_are_kept() {
        let report = report(&results());
        assert_eq!(find(&report, "Processor time").head, ["", "echo-mio", "namesrv-mio", "java-5.5.0"]);
        assert!(find(&report, "Processor time").rows[0].iter().any(|cell| cell == "5.61 (1.10×)"));
        assert!(!report.sections.iter().any(|section| section.title == "Registrations"), "nothing was measured");
    }

    #[test]
    fn failures_are_rows_in_plain_words() {
        let mut results = results();
        let name = results.workloads[0].name.clone();
        results.failures.push(Failure::new("java-5.5.0", &name, &anyhow::anyhow!("|__|\n\u{1b}[31mgone\u{1b}[0m\0")));
        let rows = &find(&report(&results), "failed").rows.clone();
        assert_eq!(rows[0], ["rocketmq-rust", "not compared", "not <installed>"]);
        assert_eq!(rows[1], ["java-5.5.0", "1 broker, 100 topics: 50 × 1", "gone"]);
    }

    #[test]
    fn nothing_measured_is_still_a_report() {
        let mut results = results();
        (results.complete, results.samples) = (false, Vec::new());
        let report = report(&results);
        assert!(report.measured.contains("was interrupted") && report.points.is_empty());
        assert!(report.recommendation.starts_with("No recommendation"));
        assert!(!find(&report, "The machine").rows.is_empty());
    }

    #[test]
    fn doubtful_figures_are_marked() {
        let mut results = results();
        for sample in results.samples.iter_mut().filter(|sample| sample.contender == "echo-mio") {
            sample.doubt = Some("the load generator was the bottleneck".to_owned());
        }
        assert!(find(&report(&results), "Processor time").rows[0][1].ends_with(DOUBT));
    }
}
