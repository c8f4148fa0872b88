//! Bars as SVG.

use crate::document::escape;
use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 90.0;
const BAR: f64 = 16.0;
const GAP: f64 = 14.0;
const TOP: f64 = 34.0;
const COLOURS: [&str; 8] = ["#9aa4af", "#2f6fb2", "#c9b458", "#b5651d", "#86a873", "#3a7d44", "#a23b72", "#5c4b99"];

/// Bars that belong together, and their name.
#[derive(Clone, Debug)]
pub struct Group {
    /// Stands above the first bar.
    pub name: String,
    /// Which colour, the name and the value of each bar.
    pub bars: Vec<(usize, String, f64)>,
}

/// Groups of bars on a logarithmic scale, so that servers of very different speed can be seen side by side. Absent when there is
/// no positive value.
#[must_use]
pub fn bars(title: &str, groups: &[Group]) -> Option<String> {
    let values =
        || groups.iter().flat_map(|group| &group.bars).map(|(_, _, value)| *value).filter(|value| *value > 0.0);
    let smallest = values().reduce(f64::min)?;
    let largest = values().reduce(f64::max)?;
    // The shortest bar is still one.
    let start = (smallest / 2.0).log10();
    let scale = (WIDTH - LEFT - RIGHT) / (largest.log10() - start);
    let count: usize = groups.iter().map(|group| group.bars.len()).sum();
    // Each group has a line for its name.
    let height = TOP + (count + groups.len()) as f64 * BAR + groups.len() as f64 * GAP;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\
         <text x=\"0\" y=\"16\" font-size=\"14\" font-weight=\"bold\">{}</text>",
        escape(title)
    );
    let mut y = TOP;
    for group in groups {
        let _ = write!(svg, "<text x=\"0\" y=\"{}\" font-weight=\"bold\">{}</text>", y + 12.0, escape(&group.name));
        y += BAR;
        for (colour, name, value) in &group.bars {
            let width = if *value > 0.0 { (value.log10() - start) * scale } else { 0.0 };
            let colour = COLOURS.get(colour % COLOURS.len()).copied().unwrap_or("#000");
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{}</text>",
                LEFT - 6.0,
                y + 12.0,
                escape(name),
                y + 1.0,
                BAR - 2.0,
                LEFT + width + 4.0,
                y + 12.0,
                digits(*value)
            );
            y += BAR;
        }
        y += GAP;
    }
    svg.push_str("</svg>");
    Some(svg)
}

/// A number with about three digits.
#[must_use]
pub fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e4 => format!("{:.0} k", value / 1e3),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_values_have_longer_bars() {
        let bars_of = |values: &[f64]| Group {
            name: "a<b".to_owned(),
            bars: values.iter().map(|value| (0, "s".to_owned(), *value)).collect(),
        };
        let svg = bars("t", &[bars_of(&[0.5, 40.0, 0.0])]).unwrap();
        let widths: Vec<f64> =
            svg.split("width=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect();
        assert!(widths[0] > 0.0 && widths[1] > widths[0] && widths[2] == 0.0, "{widths:?}");
        assert!(svg.contains("a&lt;b"));
        assert!(bars("t", &[bars_of(&[0.0])]).is_none());
    }

    #[test]
    fn numbers_are_short() {
        let table = [
            (0.0391, "0.039"),
            (0.54, "0.540"),
            (3.456, "3.46"),
            (34.56, "34.6"),
            (345.6, "346"),
            (2_500_000.0, "2.50 M"),
            (45_600.0, "46 k"),
        ];
        for (value, text) in table {
            assert_eq!(digits(value), text);
        }
    }
}
