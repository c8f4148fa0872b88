//! A report as one self-contained page.

use crate::picture::{COLOURS, STYLE as PICTURE_STYLE, escape, panels};
use crate::report::{Report, Section};
use std::fmt::Write as _;

/// The caption of the picture, on both pages.
pub const CAPTION: &str = "Processor time of one route query, in microseconds: connections × requests that each of them \
     sends at once. Less is better. The line is what an echo server on the same runtime needs to read a request and to write \
     as many bytes: the limit of the runtime. The other servers are compared with the echo on mio. The scale is \
     logarithmic: the same distance is the same factor, and × says how many times the limit it is (of both, the median).";

const STYLE: &str = "\
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:var(--text);\
background:var(--back);color-scheme:light dark}h1{line-height:1.2;margin-bottom:0}.measured{color:var(--soft);margin-top:.3rem}\
.answer{font-size:1.25rem;font-weight:600;margin:1.5rem 0 .5rem}figure{margin:1.5rem 0;padding:1rem;border:1px solid var(--line);\
border-radius:8px}.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,23rem),1fr));gap:1rem 2rem}\
.legend{max-width:25rem}svg{display:block;width:100%;height:auto}figcaption{color:var(--soft);font-size:.875rem;margin-top:.75rem}\
details{border-top:1px solid var(--line);padding:.6rem 0}summary{cursor:pointer;font-weight:600}\
.table{overflow-x:auto}table{border-collapse:collapse;font-size:.875rem;margin:.5rem 0;font-variant-numeric:tabular-nums}\
td,th{padding:.25rem .5rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}\
td:not(:first-child){white-space:nowrap}td:first-child,th:first-child{text-align:left;min-width:9rem}\
.words td,.words th{text-align:left;white-space:normal}th{color:var(--soft);font-weight:600}\
code{background:var(--panel);padding:.1em .3em;border-radius:4px;font-size:.9em}";

/// Writes the page.
pub fn html(report: &Report) -> String {
    let mut panels = panels(&report.points).into_iter();
    let legend = panels.next().unwrap_or_default();
    let panels: String = panels.map(|panel| panel + "\n").collect();
    let reasons: String = report.reasons.iter().map(|reason| format!("<li>{}</li>\n", inline(reason))).collect();
    let figure = match report.points.as_slice() {
        [] => String::new(),
        _ => format!(
            "<figure>\n<div class=\"legend\">{legend}</div>\n<div class=\"panels\">\n{panels}</div>\n\
             <figcaption>{CAPTION}</figcaption>\n</figure>\n"
        ),
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>Which NameServer?</title>\n\
         <style>{COLOURS}{PICTURE_STYLE}{STYLE}</style>\n</head>\n<body>\n\
         <h1>Which NameServer?</h1>\n<p class=\"measured\">{}</p>\n{figure}\
         <p class=\"answer\">{}</p>\n<ol>\n{reasons}</ol>\n",
        inline(&report.measured),
        inline(&report.recommendation)
    );
    for section in &report.sections {
        let notes: String = section.notes.iter().map(|note| format!("<p>{}</p>\n", inline(note))).collect();
        let (title, table) = (inline(&section.title), table(section));
        let _ = write!(page, "<details>\n<summary>{title}</summary>\n{notes}{table}</details>\n");
    }
    page + "</body>\n</html>\n"
}

fn table(section: &Section) -> String {
    let line = |cells: &[String], tag: &str| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", inline(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = section.rows.iter().map(|row| line(row, "td")).collect();
    let class = if section.is_words() { " class=\"words\"" } else { "" };
    format!("<div class=\"table\"><table{class}>\n{}{rows}</table></div>\n", line(&section.head, "th"))
}

/// Escapes a text of the page; only backticks are markup.
fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(index, part)| if index % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn page_holds_everything_as_text() {
        let report = report();
        let page = html(&report);
        for part in ["Run <code>namesrv-mio</code>.", "<li>two</li>", "&lt;/td&gt;|&lt;script&gt;", "a note"] {
            assert!(page.contains(part), "no {part} in {page}");
        }
        assert!(report.points.iter().all(|point| page.contains(&escape(&point.server))));
        assert!(!page.contains("<script") && !page.contains("http"), "it needs nothing from elsewhere");
        assert_eq!(page.matches("<svg").count(), 3, "a legend and two loads");
        let page = html(&Report { points: Vec::new(), ..report });
        assert!(!page.contains("<figure"), "there is nothing to show");
    }
}
