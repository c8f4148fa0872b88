//! `top`: rates from the counters of `/metrics`.

use crate::admin::{Admin, AdminError};
use crate::command::Output;
use crate::failure::Failure;
use crate::report::{Column, Format, write_row};
use crate::session::Session;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::thread;
use std::time::{Instant, SystemTime};

/// Lines between two lines of titles.
const LINES_BETWEEN_TITLES: usize = 20;
/// Characters of a column.
const WIDTH: usize = 9;

/// A figure of each line: its name, its metric, and whether it is a rate.
struct Figure {
    name: &'static str,
    title: &'static str,
    metric: &'static str,
    is_rate: bool,
}

const fn rate(name: &'static str, title: &'static str, metric: &'static str) -> Figure {
    Figure { name, title, metric, is_rate: true }
}

const fn level(name: &'static str, title: &'static str, metric: &'static str) -> Figure {
    Figure { name, title, metric, is_rate: false }
}

const FIGURES: [Figure; 10] = [
    rate("requestsPerSecond", "REQ/s", "rocketmq_namesrv_requests_total"),
    rate("missesPerSecond", "MISS/s", "rocketmq_namesrv_route_misses_total"),
    rate("registrationsPerSecond", "REG/s", "rocketmq_namesrv_registrations_total"),
    rate("evictionsPerSecond", "LEFT/s", "rocketmq_namesrv_evictions_total"),
    rate("receivedBytesPerSecond", "IN-B/s", "rocketmq_namesrv_received_bytes_total"),
    rate("sentBytesPerSecond", "OUT-B/s", "rocketmq_namesrv_sent_bytes_total"),
    level("connections", "CONN", "rocketmq_namesrv_connections"),
    level("brokers", "BROKERS", "rocketmq_namesrv_brokers"),
    level("topics", "TOPICS", "rocketmq_namesrv_topics"),
    level("residentBytes", "RSS-B", "process_resident_memory_bytes"),
];

/// Sums of all series, by metric, with the time of reading.
struct Sample {
    at: Instant,
    sums: BTreeMap<String, f64>,
}

pub(super) fn top(session: &Session, output: &mut Output<'_>) -> Result<u8, Failure> {
    let admin = session.admin_or_default();
    let mut before = sample(&admin)?;
    let mut lines = 0;
    while session.options.count.is_none_or(|max| lines < max) {
        thread::sleep(session.options.interval());
        let now = sample(&admin)?;
        write(output, lines, &row(&before, &now))?;
        before = now;
        lines += 1;
    }
    Ok(0)
}

fn sample(admin: &Admin) -> Result<Sample, Failure> {
    let page = admin.page("/metrics").map_err(|error| admin.failure(error))?;
    let sums = sums(&page).ok_or_else(|| admin.failure(AdminError::Body))?;
    Ok(Sample { at: Instant::now(), sums })
}

/// Reads as much of Prometheus' text format as the figures need.
fn sums(page: &[u8]) -> Option<BTreeMap<String, f64>> {
    let text = str::from_utf8(page).ok()?;
    let mut sums = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next()?;
        if FIGURES.iter().any(|figure| figure.metric == name) {
            let value: f64 = line.rsplit_once(' ')?.1.parse().ok()?;
            *sums.entry(name.to_owned()).or_default() += value;
        }
    }
    Some(sums)
}

/// A server that restarted between two samples counts from zero.
fn row(before: &Sample, now: &Sample) -> Value {
    let seconds = now.at.saturating_duration_since(before.at).as_secs_f64();
    let mut row = Map::new();
    row.insert("time".to_owned(), json!(humantime::format_rfc3339_seconds(SystemTime::now()).to_string()));
    for figure in &FIGURES {
        let value = now.sums.get(figure.metric).copied();
        let value = if figure.is_rate {
            let first = before.sums.get(figure.metric).copied().unwrap_or_default();
            value.map(|value| if value < first { value } else { value - first } / seconds)
        } else {
            value
        };
        row.insert(figure.name.to_owned(), json!(value.filter(|value| value.is_finite()).map(f64::round)));
    }
    row.into()
}

fn write(output: &mut Output<'_>, line: usize, row: &Value) -> Result<(), Failure> {
    let columns = [Column::new("TIME", "/time")].into_iter();
    let columns: Vec<_> =
        columns.chain(FIGURES.iter().map(|figure| Column::of_member(figure.title, figure.name))).collect();
    match output.format {
        Format::Json | Format::Tsv => write_row(output.writer, row, &columns, output.format)?,
        Format::Table | Format::Wide => write_aligned(output, line, row)?,
    }
    Ok(())
}

/// All columns have the same width, because later values are not known yet.
fn write_aligned(output: &mut Output<'_>, line: usize, row: &Value) -> Result<(), Failure> {
    if line.is_multiple_of(LINES_BETWEEN_TITLES) {
        let titles: String = FIGURES.iter().map(|figure| format!("{:>WIDTH$} ", figure.title)).collect();
        let titles = titles.trim_end();
        if output.is_colourful {
            writeln!(output.writer, "\u{1b}[1m{titles}\u{1b}[0m")?;
        } else {
            writeln!(output.writer, "{titles}")?;
        }
    }
    let cell = |figure: &Figure| row.get(figure.name).and_then(Value::as_f64).map_or_else(|| "-".to_owned(), short);
    let cells: String = FIGURES.iter().map(|figure| format!("{:>WIDTH$} ", cell(figure))).collect();
    writeln!(output.writer, "{}", cells.trim_end())?;
    output.writer.flush()?;
    Ok(())
}

/// Prints a number in few characters.
fn short(value: f64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e4, "k")];
    match units.iter().find(|(from, _)| value >= *from) {
        Some((_, "k")) => format!("{:.1}k", value / 1e3),
        Some((unit, letter)) => format!("{:.1}{letter}", value / unit),
        None => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sample(page: &str, at: Instant) -> Sample {
        Sample { at, sums: sums(page.as_bytes()).unwrap() }
    }

    #[test]
    fn rates_are_differences_of_sums() {
        let start = Instant::now();
        let before = sample(
            "# HELP x y\nrocketmq_namesrv_requests_total{a=\"b {c} d\"} 10\nrocketmq_namesrv_requests_total{a=\"e\"} 5\n\
             rocketmq_namesrv_requests_total_more 99\nrocketmq_namesrv_topics 3\nrocketmq_namesrv_sent_bytes_total 900\n",
            start,
        );
        let now = sample(
            "rocketmq_namesrv_requests_total{a=\"b\"} 30\nrocketmq_namesrv_topics 4\nrocketmq_namesrv_sent_bytes_total 8\n",
            start + Duration::from_secs(5),
        );
        let row = row(&before, &now);
        assert_eq!(row["requestsPerSecond"], 3.0);
        assert_eq!((&row["topics"], &row["sentBytesPerSecond"]), (&json!(4.0), &json!(2.0)));
        assert_eq!(row["brokers"], Value::Null);
        assert!(sums(b"rocketmq_namesrv_topics x").is_none() && sums(b"\xff").is_none());
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(0.0, "0"), (9999.0, "9999"), (12345.0, "12.3k"), (1.5e6, "1.5M"), (2e9, "2.0G")] {
            assert_eq!(short(value), text);
        }
    }
}
