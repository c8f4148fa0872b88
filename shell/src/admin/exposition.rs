//! The text formats of Prometheus and OpenMetrics.

use crate::counters::Snapshot;
use namesrv_core::cut::{self, Bound};
use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::time::Duration;

/// The format of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The text format of Prometheus, 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

/// The text, which callers write family by family.
#[derive(Debug)]
pub(super) struct Exposition {
    text: String,
    format: Format,
    /// Labels of every series, already escaped.
    common: String,
    /// The name of the current family.
    family: &'static str,
}

/// How much of a label's value is written.
const LABEL_BOUND: Bound = Bound::Bytes(128);

impl Format {
    /// Returns the format that an `Accept` header asks for: OpenMetrics if its weight is at least that of the text
    /// format.
    pub(super) fn preferred(accept: &str) -> Self {
        let weight = |kind: &str| {
            let ranges = accept.split(',').map(|range| range.split(';').map(str::trim).collect::<Vec<_>>());
            let matching = ranges.filter(|parts| parts.first().is_some_and(|name| name.eq_ignore_ascii_case(kind)));
            let weights = matching.map(|parts| {
                let weight = parts.iter().find_map(|part| part.strip_prefix("q="));
                weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0))
            });
            weights.fold(0.0, f64::max)
        };
        let open_metrics = weight("application/openmetrics-text");
        if open_metrics > 0.0 && open_metrics >= weight("text/plain") { Self::OpenMetrics } else { Self::Text }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Exposition {
    /// An empty text. Every series gets the `common` labels.
    pub(super) fn new(format: Format, common: &[(String, String)]) -> Self {
        let mut exposition = Self { text: String::new(), format, common: String::new(), family: "" };
        let mut labels = String::new();
        for (name, value) in common {
            write_label(&mut labels, name, value);
        }
        exposition.common = labels;
        exposition
    }

    /// Begins a counter. Its name ends in `_total`.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> &mut Self {
        let family = match self.format {
            Format::Text => name,
            Format::OpenMetrics => name.strip_suffix("_total").unwrap_or(name),
        };
        self.begin(name, family, "counter", help)
    }

    /// Begins a gauge.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.begin(name, name, "gauge", help)
    }

    /// Begins a histogram.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.begin(name, name, "histogram", help)
    }

    fn begin(&mut self, name: &'static str, family: &str, kind: &str, help: &str) -> &mut Self {
        // Writing to memory cannot fail.
        let _ = write!(self.text, "# HELP {family} {help}\n# TYPE {family} {kind}\n");
        self.family = name;
        self
    }

    /// Writes a value of the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.line("", labels, None, value);
        self
    }

    /// Writes a histogram of the family with these edges. The unit is a second divided by `per_second`.
    pub(super) fn buckets(&mut self, labels: &[(&str, &str)], counts: &Snapshot, edges: &[Duration], per_second: f64) {
        for edge in edges {
            let shown = format!("{}", edge.as_secs_f64() * per_second);
            self.line("_bucket", labels, Some(&shown), counts.count_within(*edge));
        }
        self.line("_bucket", labels, Some("+Inf"), counts.count());
        self.line("_sum", labels, None, counts.sum().as_secs_f64() * per_second);
        self.line("_count", labels, None, counts.count());
    }

    /// Returns the whole text.
    pub(super) fn finish(mut self) -> Vec<u8> {
        match self.format {
            Format::Text => {}
            Format::OpenMetrics => self.text.push_str("# EOF\n"),
        }
        self.text.into_bytes()
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], edge: Option<&str>, value: impl Display) {
        let mut written = self.common.clone();
        for (name, value) in labels {
            write_label(&mut written, name, value);
        }
        if let Some(edge) = edge {
            write_label(&mut written, "le", edge);
        }
        let labels = if written.is_empty() { written } else { format!("{{{written}}}") };
        // Writing to memory cannot fail.
        let _ = writeln!(self.text, "{}{suffix}{labels} {value}", self.family);
    }
}

fn write_label(labels: &mut String, name: &str, value: &str) {
    if !labels.is_empty() {
        labels.push(',');
    }
    let value = cut(value).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    // Writing to memory cannot fail.
    let _ = write!(labels, "{name}=\"{value}\"");
}

/// Shortens a label's value.
pub(super) fn cut(value: &str) -> Cow<'_, str> {
    cut::cut(value, LABEL_BOUND, "…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Histogram;

    fn written(format: Format) -> String {
        let mut exposition = Exposition::new(format, &[("dc".to_owned(), "ea\"st".to_owned())]);
        exposition.counter("requests_total", "Requests.").sample(&[("code", "a\\b\nc")], 3);
        let histogram = Histogram::default();
        histogram.add(2, Duration::from_micros(700));
        let edges = [Duration::from_millis(1), Duration::from_millis(3)];
        exposition.histogram("latency", "Time.").buckets(&[], &histogram.snapshot(), &edges, 1000.0);
        String::from_utf8(exposition.finish()).unwrap()
    }

    #[test]
    fn both_formats_are_as_they_are_specified() {
        let text = "# HELP requests_total Requests.\n# TYPE requests_total counter\n\
                    requests_total{dc=\"ea\\\"st\",code=\"a\\\\b\\nc\"} 3\n\
                    # HELP latency Time.\n# TYPE latency histogram\n\
                    latency_bucket{dc=\"ea\\\"st\",le=\"1\"} 2\nlatency_bucket{dc=\"ea\\\"st\",le=\"3\"} 2\n\
                    latency_bucket{dc=\"ea\\\"st\",le=\"+Inf\"} 2\nlatency_sum{dc=\"ea\\\"st\"} 1.4\n\
                    latency_count{dc=\"ea\\\"st\"} 2\n";
        assert_eq!(written(Format::Text), text);
        let open = text.replace("HELP requests_total", "HELP requests").replace("TYPE requests_total", "TYPE requests");
        assert_eq!(written(Format::OpenMetrics), open + "# EOF\n");
    }

    #[test]
    fn the_format_that_is_preferred_is_written() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Format::preferred(prometheus), Format::OpenMetrics);
        for accept in [
            "",
            "*/*",
            "text/plain",
            "application/openmetrics-text; q=0.1, text/plain",
            "x;q=, application/openmetrics-text;q=x",
        ] {
            assert_eq!(Format::preferred(accept), Format::Text, "{accept}");
        }
    }
}
