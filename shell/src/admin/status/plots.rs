//! The last hour as lines, in SVG.

use crate::admin::history::{EVERY, History, Sample};
use std::fmt::Write;

/// Height of a plot, in its own units.
const HEIGHT: f32 = 60.0;
/// The fewest samples for which a plot has room.
const WIDTH_MIN: usize = 30;

/// The plotted figure of a sample; `None` where nothing was measured.
type Figure = fn(&Sample) -> Option<f32>;

/// One plot for each figure.
pub(super) fn plots(history: &History) -> String {
    let samples: Vec<_> = history.samples().iter().copied().collect();
    let mut html = "<h2>Last hour</h2>".to_owned();
    if samples.len() < 2 {
        html.push_str("<p class=quiet>There is something to see half a minute after the start.</p>");
        return html;
    }
    html.push_str("<div class=plots>");
    let figures: [(&str, &str, Figure); 4] = [
        ("Route queries", "/s", |sample| Some(sample.queries)),
        ("99 % answered within", " ms", |sample| sample.latency),
        ("Registrations", "/s", |sample| Some(sample.registrations)),
        ("Memory", " MiB", |sample| Some(sample.memory)),
    ];
    for (name, unit, figure) in figures {
        let values: Vec<_> = samples.iter().map(figure).collect();
        html.push_str(&plot(name, unit, &values));
    }
    html.push_str("</div>");
    html
}

fn plot(name: &str, unit: &str, values: &[Option<f32>]) -> String {
    // A young server has less than an hour of samples.
    let width = values.len().max(WIDTH_MIN);
    let minutes = width as u64 * EVERY.as_secs() / 60;
    let highest = values.iter().copied().flatten().fold(0.0, f32::max);
    let now = values.last().copied().flatten().map_or_else(|| "none".to_owned(), |now| number(now) + unit);
    let highest_shown = number(highest);
    let mut html = format!(
        "<figure><figcaption><span>{name}: <strong>{now}</strong></span>\
         <span class=quiet>highest {highest_shown}{unit}</span></figcaption>\
         <svg viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=none role=img \
         aria-label=\"{name} in the last {minutes} minutes: now {now}, highest {highest_shown}{unit}\">"
    );
    let points =
        values.iter().enumerate().map(|(index, value)| value.map(|value| (width - values.len() + index, value)));
    let points: Vec<_> = points.collect();
    // A line has a gap where there is nothing to show.
    for line in points.split(Option::is_none).filter(|line| !line.is_empty()) {
        html.push_str("<polyline points=\"");
        for (x, value) in line.iter().flatten() {
            let y = HEIGHT - 1.0 - (HEIGHT - 4.0) * value / highest.max(f32::MIN_POSITIVE);
            // Writing to memory cannot fail.
            let _ = write!(html, "{x},{y:.1} ");
        }
        html.push_str("\"/>");
    }
    html.push_str(&format!(
        "</svg><span class=\"span quiet\"><span>{minutes} m ago</span><span>now</span></span></figure>"
    ));
    html
}

/// A number with its significant digits.
fn number(value: f32) -> String {
    match value {
        value if value >= 100.0 => super::html::Grouped(value as u64).to_string(),
        value if value >= 10.0 || value == 0.0 => format!("{value:.0}"),
        value if value >= 1.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_gap_where_nothing_was_measured() {
        let html = plot("Latency", " ms", &[Some(1.0), Some(2.0), None, Some(0.5)]);
        assert_eq!(html.matches("<polyline").count(), 2);
        assert!(html.contains("points=\"26,31.0 27,3.0 \"") && html.contains("points=\"29,45.0 \""), "{html}");
        assert!(html.contains("now 0.50 ms, highest 2.0 ms"), "{html}");
        assert!(plot("Latency", " ms", &[None, None]).contains("<strong>none</strong>"));
    }

    #[test]
    fn numbers_have_as_many_digits_as_count() {
        assert_eq!([0.0, 0.014, 2.34, 23.4, 18_211.4].map(number), ["0", "0.01", "2.3", "23", "18,211"]);
    }
}
