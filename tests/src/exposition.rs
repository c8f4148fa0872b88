//! A strict reader of the text format of Prometheus and of OpenMetrics: what it takes, a scraper takes.

use std::collections::{BTreeMap, BTreeSet};

/// Everything in a text.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// The type of each family.
    pub(crate) families: BTreeMap<String, String>,
    /// The value of each series, by its name and its sorted labels.
    pub(crate) series: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads a text.
    ///
    /// Each family has one `HELP` and one `TYPE`, before its samples, which follow in one piece. Counters end with
    /// `_total`. The buckets of a histogram grow up to `+Inf`, which is its count. No series is there twice.
    pub(crate) fn read(text: &str) -> Self {
        let mut metrics = Self::default();
        let (mut family, mut kind) = (String::new(), String::new());
        let is_open = text.ends_with("# EOF\n");
        assert!(text.ends_with('\n'), "the last line is cut");
        for line in text.strip_suffix("# EOF\n").unwrap_or(text).lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
                assert!(help.ends_with('.'), "{line}");
                assert!(!metrics.families.contains_key(name), "{name} comes twice");
                name.clone_into(&mut family);
                kind.clear();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, named) = rest.split_once(' ').unwrap_or_else(|| panic!("no type: {line}"));
                assert_eq!(name, family, "the type of another family");
                assert!(["counter", "gauge", "histogram"].contains(&named), "{line}");
                named.clone_into(&mut kind);
                metrics.families.insert(family.clone(), kind.clone());
            } else {
                assert!(!kind.is_empty(), "a sample before its type: {line}");
                let (name, labels, value) = sample(line);
                let suffixes: &[&str] = match (&*kind, is_open) {
                    ("histogram", _) => &["_bucket", "_sum", "_count"],
                    ("counter", true) => &["_total"],
                    ("gauge" | "counter", _) => &[""],
                    (other, _) => panic!("{other}"),
                };
                assert!(suffixes.iter().any(|suffix| name == format!("{family}{suffix}")), "{name} is not of {family}");
                assert!(kind != "counter" || name.ends_with("_total"), "{name}");
                let series = format!("{name}{{{labels}}}");
                assert!(metrics.series.insert(series.clone(), value).is_none(), "{series} comes twice");
            }
        }
        metrics.check_histograms();
        metrics
    }

    /// The value of a series; its labels are sorted by name.
    pub(crate) fn value(&self, series: &str) -> f64 {
        let series = if series.ends_with('}') { series.to_owned() } else { format!("{series}{{}}") };
        *self.series.get(&series).unwrap_or_else(|| panic!("no {series} among {:#?}", self.series.keys()))
    }

    /// The names of series that begin so.
    pub(crate) fn beginning_with<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a String> {
        self.series.keys().filter(move |series| series.starts_with(start))
    }

    fn check_histograms(&self) {
        let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for (series, value) in self.series.iter().filter(|(series, _)| series.contains("_bucket{")) {
            let edge = [",le=\"", "{le=\""].iter().find_map(|label| Some(series.find(label)? + 1));
            let edge = edge.unwrap_or_else(|| panic!("no edge: {series}"));
            let (before, rest) = (&series[..edge], &series[edge + "le=\"".len()..]);
            let (edge, after) = rest.split_once('"').unwrap_or_else(|| panic!("no edge: {series}"));
            let edge = if edge == "+Inf" { f64::INFINITY } else { edge.parse().expect("an edge is a number") };
            let others = format!("{before}{}", after.trim_start_matches(',')).replace(",}", "}");
            buckets.entry(others.replace("_bucket{", "_count{")).or_default().push((edge, *value));
        }
        for (count, mut edges) in buckets {
            edges.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(edges.is_sorted_by(|one, other| one.0 < other.0 && one.1 <= other.1), "{count}: {edges:?}");
            assert_eq!(edges.last(), Some(&(f64::INFINITY, self.value(&count))), "{count}");
        }
    }
}

/// The name, sorted labels and value of a sample.
fn sample(line: &str) -> (&str, String, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = BTreeSet::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
            assert!(is_name(label) && !label.starts_with("__"), "{line}");
            let end = quoted_end(after).unwrap_or_else(|| panic!("a label without end: {line}"));
            let fresh = labels.insert(format!("{label}=\"{}\"", &after[..end]));
            assert!(fresh, "{label} comes twice: {line}");
            rest = &after[end + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("labels without end: {line}"));
    }
    let value = rest.strip_prefix(' ').and_then(|value| value.parse().ok());
    let value = value.unwrap_or_else(|| panic!("no value: {line}"));
    (name, labels.into_iter().collect::<Vec<_>>().join(","), value)
}

/// Where the quotation mark is that ends a value.
fn quoted_end(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some(at),
            '\\' => assert!(matches!(characters.next(), Some((_, '\\' | '"' | 'n'))), "a bad escape: {text}"),
            _ => {}
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':';
    name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit()) && name.bytes().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_text_is_read() {
        let text = "# HELP a_total A.\n# TYPE a_total counter\na_total{y=\"2\",x=\"\\\"\\n\"} 3\n\
                    # HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count 2\n\
                    h_bucket{file=\"f\",le=\"+Inf\"} 1\nh_sum{file=\"f\"} 0.5\nh_count{file=\"f\"} 1\n";
        let metrics = Metrics::read(text);
        assert_eq!(metrics.value("a_total{x=\"\\\"\\n\",y=\"2\"}"), 3.0);
        assert_eq!(metrics.value("h_count"), 2.0);
    }

    #[test]
    fn bad_text_is_not() {
        for bad in [
            "a 1\n",
            "# HELP a A.\n# TYPE a gauge\na 1\na 2\n",
            "# HELP a A.\n# TYPE a gauge\na{x=\"1} 1\n",
            "# HELP a A.\n# TYPE a gauge\na{x=\"\\t\"} 1\n",
            "# HELP a A.\n# TYPE a gauge\nb 1\n",
            "# HELP a A.\n# TYPE a counter\na 1\n",
            "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count 2\n",
            "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count 3\n",
        ] {
            assert!(std::panic::catch_unwind(|| Metrics::read(bad)).is_err(), "{bad}");
        }
    }
}
