//! The picture that a report begins with: the cost of one query on every server, as SVG.

use crate::report::{Point, digits};
use std::fmt::Write as _;

/// Width of the panels in units. One unit is one pixel on a narrow phone.
const WIDTH: f64 = 380.0;
/// Where the names of the servers end, ...
const NAMES_END: f64 = 120.0;
/// ... where the scale begins and ends, ...
const SCALE: (f64, f64) = (130.0, 270.0);
/// ... and where the processor time and its multiple of the limit end.
const TIMES_END: f64 = 330.0;
const RATIOS_END: f64 = 378.0;
const TITLE: f64 = 24.0;
const ROW: f64 = 22.0;
const AXIS: f64 = 20.0;
const LEGEND: f64 = 24.0;

/// Colours of the picture and of the page, in light and dark mode.
pub const COLOURS: &str = "\
:root{--text:#1b1f24;--soft:#59636e;--line:#d1d9e0;--back:#fff;--panel:#f6f8fa;--ours:#0969da;--other:#bc4c00}\
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9198a1;--line:#3d444d;--back:#0d1117;--panel:#151b23;\
--ours:#4493f8;--other:#f0883e}}";

/// Style of the parts of a panel.
pub const STYLE: &str = "\
.panel text{font:12px system-ui,sans-serif;fill:var(--text);font-variant-numeric:tabular-nums}\
.panel .title{font-weight:600;font-size:13px}.panel .soft{fill:var(--soft)}.panel .end{text-anchor:end}\
.panel .middle{text-anchor:middle}.panel .grid{stroke:var(--line)}.panel .limit{stroke:var(--text);stroke-width:2}\
.panel .step{stroke-width:3;stroke-opacity:.45}.ours{fill:var(--ours);stroke:var(--ours)}\
.other{fill:var(--other);stroke:var(--other)}";

/// Powers of ten at both ends of the scale, which all panels share.
#[derive(Clone, Copy, Debug)]
struct Scale {
    first: i32,
    last: i32,
}

impl Scale {
    fn of(points: &[Point]) -> Option<Self> {
        let logarithms = || points.iter().flat_map(|point| [Some(point.micros), point.limit]).flatten().map(f64::log10);
        let first = logarithms().reduce(f64::min)?.floor() as i32;
        let last = logarithms().reduce(f64::max)?.ceil() as i32;
        Some(Self { first, last: last.max(first + 1) })
    }

    fn x(self, micros: f64) -> f64 {
        let part = (micros.log10() - f64::from(self.first)) / f64::from(self.last - self.first);
        SCALE.0 + part * (SCALE.1 - SCALE.0)
    }
}

/// Draws a legend and one panel for each load, each an SVG, all on the same scale.
pub fn panels(points: &[Point]) -> Vec<String> {
    drawn(points).into_iter().map(|(height, content)| {
        let label = "Processor time of a query for each server";
        format!("<svg class=\"panel\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">{content}</svg>")
    }).collect()
}

/// Draws all panels below each other, as one file.
pub fn file(points: &[Point]) -> String {
    let (mut y, mut parts) = (0.0, String::new());
    for (height, content) in drawn(points) {
        let _ = writeln!(parts, "<g transform=\"translate(10 {})\">{content}</g>", y + 6.0);
        y += height + 6.0;
    }
    let (width, height) = (WIDTH + 20.0, y + 10.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"panel\" viewBox=\"0 0 {width} {height}\" width=\"{:.0}\">\n\
         <style>{COLOURS}{STYLE}</style>\n<rect width=\"{width}\" height=\"{height}\" fill=\"var(--back)\"/>\n{parts}</svg>\n",
        width * 1.4
    )
}

/// Returns the height and the content of the legend and of each panel.
fn drawn(points: &[Point]) -> Vec<(f64, String)> {
    let Some(scale) = Scale::of(points) else { return Vec::new() };
    let panels = points.chunk_by(|one, next| one.load == next.load).map(|points| panel(points, scale));
    std::iter::once(legend()).chain(panels).collect()
}

fn legend() -> (f64, String) {
    let content = "<circle class=\"ours\" cx=\"8\" cy=\"12\" r=\"5\"/><text x=\"18\" y=\"16\">this repository</text>\
         <circle class=\"other\" cx=\"124\" cy=\"12\" r=\"5\"/><text x=\"134\" y=\"16\">other servers</text>\
         <line class=\"limit\" x1=\"230\" x2=\"230\" y1=\"4\" y2=\"20\"/><text x=\"238\" y=\"16\">limit of the runtime</text>";
    (LEGEND, content.to_owned())
}

fn panel(points: &[Point], scale: Scale) -> (f64, String) {
    let bottom = TITLE + points.len() as f64 * ROW;
    let mut svg = String::new();
    let title = points.first().map(|point| escape(&point.load)).unwrap_or_default();
    let _ = write!(svg, "<text class=\"title\" x=\"0\" y=\"15\">{title}</text>");
    for power in scale.first..=scale.last {
        let (x, end) = (scale.x(10f64.powi(power)), bottom + 4.0);
        let _ = write!(svg, "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TITLE}\" y2=\"{end}\"/>");
        let (unit, y) = (if power == scale.last { " µs" } else { "" }, bottom + 17.0);
        let value = 10f64.powi(power);
        let _ = write!(svg, "<text class=\"soft middle\" x=\"{x:.1}\" y=\"{y}\">{value}{unit}</text>");
    }
    for (row, point) in points.iter().enumerate() {
        svg.push_str(&server(point, TITLE + (row as f64 + 0.5) * ROW, scale));
    }
    (bottom + AXIS, svg)
}

/// Draws one server: its name, the limit, a line from there to its cost, and the cost in numbers.
fn server(point: &Point, y: f64, scale: Scale) -> String {
    let kind = if point.server.starts_with("namesrv-") { "ours" } else { "other" };
    let (x, text) = (scale.x(point.micros), y + 4.0);
    let mut svg = format!("<text class=\"end\" x=\"{NAMES_END}\" y=\"{text}\">{}</text>", escape(&point.server));
    if let Some(limit) = point.limit {
        let (limit_x, top, end) = (scale.x(limit), y - 8.0, y + 8.0);
        let _ = write!(
            svg,
            "<line class=\"step {kind}\" x1=\"{limit_x:.1}\" x2=\"{x:.1}\" y1=\"{y}\" y2=\"{y}\"/>\
             <line class=\"limit\" x1=\"{limit_x:.1}\" x2=\"{limit_x:.1}\" y1=\"{top}\" y2=\"{end}\"/>\
             <text class=\"end soft\" x=\"{RATIOS_END}\" y=\"{text}\">{}×</text>",
            factor(point.micros / limit)
        );
    }
    let _ = write!(
        svg,
        "<circle class=\"{kind}\" cx=\"{x:.1}\" cy=\"{y}\" r=\"4.5\"/>\
         <text class=\"end\" x=\"{TIMES_END}\" y=\"{text}\">{} µs</text>",
        short(point.micros)
    );
    svg
}

fn short(micros: f64) -> String {
    if micros < 1.0 { format!("{micros:.2}") } else { digits(micros) }
}

fn factor(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.0}") }
}

/// Escapes a text for HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    fn numbers(svg: &str, attribute: &str) -> Vec<f64> {
        let attribute = format!(" {attribute}=\"");
        svg.split(&attribute).skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn every_point_is_drawn_and_no_name_is_markup() {
        let points = report().points;
        let [_, first, second] = panels(&points).try_into().unwrap();
        assert!(first.contains(">namesrv-mio<") && first.contains("&lt;b&gt;&amp;&quot;x") && !first.contains("<b>"));
        assert!(first.contains(">25.5 µs<") && first.contains(">1.12×<"), "{first}");
        assert_eq!((first.matches("<circle").count(), first.matches("class=\"limit\"").count()), (2, 1));
        assert_eq!((second.matches("<circle").count(), second.matches("class=\"limit\"").count()), (1, 1));
        let file = file(&points);
        assert!(points.iter().all(|point| file.contains(&escape(&point.server))));
    }

    #[test]
    fn panels_share_a_scale_and_stay_inside() {
        let [_, first, second] = panels(&report().points).try_into().unwrap();
        let (first, second) = (numbers(&first, "cx"), numbers(&second, "cx"));
        assert!(second[0] < first[0] && first[0] < first[1], "{first:?} {second:?}");
        assert!(first.iter().chain(&second).all(|x| (SCALE.0..=SCALE.1).contains(x)));
    }

    #[test]
    fn equal_values_have_a_scale() {
        let points = [Point { load: "l".to_owned(), server: "s".to_owned(), micros: 1.0, limit: Some(1.0) }];
        assert_eq!(numbers(&panels(&points)[1], "cx"), [SCALE.0]);
        assert!(panels(&[]).is_empty());
    }
}
