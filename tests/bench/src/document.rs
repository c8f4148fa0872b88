//! A document that is written once and shown as Markdown and as one HTML page.

use std::fmt::Write as _;

/// Headings, paragraphs, tables and plots in order.
#[derive(Clone, Debug, Default)]
pub struct Document {
    title: String,
    summary: String,
    blocks: Vec<Block>,
}

/// One part of a document. Text between backticks is shown as code.
#[derive(Clone, Debug)]
enum Block {
    Heading(String),
    Text(String),
    List(Vec<String>),
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// An SVG, on the page only.
    Plot(String),
}

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
table{border-collapse:collapse;margin:1rem 0;font-size:14px}td,th{border:1px solid #d0d7de;padding:.25rem .6rem;text-align:right}\
td:first-child,th:first-child{text-align:left}th{background:#f3f5f7}code{background:#f3f5f7;padding:0 .2em}\
svg{max-width:100%;height:auto;margin:1rem 0}.summary{border-left:4px solid #2f6fb2;padding:.5rem 1rem;background:#f3f5f7}";

impl Document {
    /// An empty one with a title, and the sentence that matters most.
    #[must_use]
    pub fn new(title: &str, summary: String) -> Self {
        Self { title: title.to_owned(), summary, blocks: Vec::new() }
    }

    /// The sentence that matters most.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Begins a section.
    pub fn heading(&mut self, text: &str) {
        self.blocks.push(Block::Heading(text.to_owned()));
    }

    /// A paragraph.
    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// A list; nothing if it is empty.
    pub fn list(&mut self, items: Vec<String>) {
        self.blocks.extend((!items.is_empty()).then_some(Block::List(items)));
    }

    /// A table; nothing if it has no rows.
    pub fn table(&mut self, head: Vec<String>, rows: Vec<Vec<String>>) {
        self.blocks.extend((!rows.is_empty()).then_some(Block::Table { head, rows }));
    }

    /// A plot, if there is one.
    pub fn plot(&mut self, svg: Option<String>) {
        self.blocks.extend(svg.map(Block::Plot));
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n\n**{}**\n", self.title, self.summary);
        for block in &self.blocks {
            let part = match block {
                Block::Heading(text) => format!("## {text}\n"),
                Block::Text(text) => format!("{text}\n"),
                Block::List(items) => items.iter().map(|item| format!("* {item}\n")).collect(),
                Block::Table { head, rows } => markdown_table(head, rows),
                Block::Plot(_) => continue,
            };
            let _ = write!(out, "\n{part}");
        }
        out
    }

    /// As a page that needs nothing else.
    #[must_use]
    pub fn html(&self) -> String {
        let title = escape(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>{STYLE}</style></head>\n\
             <body><h1>{title}</h1>\n<p class=\"summary\">{}</p>\n",
            inline(&self.summary)
        );
        for block in &self.blocks {
            let part = match block {
                Block::Heading(text) => format!("<h2>{}</h2>", inline(text)),
                Block::Text(text) => format!("<p>{}</p>", inline(text)),
                Block::List(items) => {
                    let items: String = items.iter().map(|item| format!("<li>{}</li>", inline(item))).collect();
                    format!("<ul>{items}</ul>")
                }
                Block::Table { head, rows } => html_table(head, rows),
                Block::Plot(svg) => svg.clone(),
            };
            let _ = writeln!(out, "{part}");
        }
        out.push_str("</body></html>\n");
        out
    }
}

fn markdown_table(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<String> = (0..head.len()).map(|index| if index == 0 { "---" } else { "---:" }.to_owned()).collect();
    line(head) + &line(&rule) + &rows.iter().map(|row| line(row)).collect::<String>()
}

fn html_table(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String], tag: &str| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", inline(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    format!("<table>\n{}{}</table>", line(head, "th"), rows.iter().map(|row| line(row, "td")).collect::<String>())
}

/// Text of a page: nothing in it is taken for markup but the backticks.
fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(index, part)| if index % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) })
        .collect()
}

/// Text that may stand in HTML and SVG.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let mut document = Document::new("T", "best: `a`".to_owned());
        document.heading("H");
        document.list(Vec::new());
        document.table(vec!["x".to_owned(), "y".to_owned()], vec![vec!["<1>".to_owned(), "2|3".to_owned()]]);
        document.plot(Some("<svg></svg>".to_owned()));
        document
    }

    #[test]
    fn markdown_is_as_written() {
        assert_eq!(
            document().markdown(),
            "# T\n\n**best: `a`**\n\n## H\n\n| x | y |\n| --- | ---: |\n| <1> | 2\\|3 |\n"
        );
    }

    #[test]
    fn page_escapes_and_holds_everything() {
        let page = document().html();
        assert!(page.contains("<code>a</code>") && page.contains("<td>&lt;1&gt;</td>") && page.contains("<svg>"));
        assert!(!page.contains("http"), "it needs nothing from elsewhere");
    }
}
