//! HTML: the only function that escapes, and tables with a limit.

use namesrv_core::time::Duration;
use std::fmt::{self, Display, Write};

/// The most characters of one name.
const CHARACTERS_MAX: usize = 128;

/// A text that a peer chose, escaped for elements and quoted attributes. Invisible characters, and those that change
/// the direction of the text, are written as numbers; a long text is shortened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, char) in self.0.chars().enumerate() {
            if index == CHARACTERS_MAX {
                return f.write_char('…');
            }
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                char if is_unseen(char) => write!(f, "\\u{{{:x}}}", u32::from(char))?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

/// Whether a character is a control character, or one of those in Unicode that join, break or reverse the text around
/// them.
fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The same text as an isolated name, whose direction does not affect the text around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a>(pub(super) &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<bdi>{}</bdi>", Escaped(self.0))
    }
}

/// A number with commas between groups of three digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grouped(pub(super) u64);

impl Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// A length of time in its two largest units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) Duration);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_millis() / 1000;
        match seconds {
            0..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{} m {} s", seconds / 60, seconds % 60),
            3600..86_400 => write!(f, "{} h {} m", seconds / 3600, seconds / 60 % 60),
            _ => write!(f, "{} d {} h", seconds / 86_400, seconds / 3600 % 24),
        }
    }
}

/// A table that ends before it gets too long.
#[derive(Debug)]
pub(super) struct Table {
    html: String,
    rows: usize,
    rows_max: usize,
    /// The most bytes of the table.
    bytes_max: usize,
}

impl Table {
    /// A table with these columns. `#` ends the name of a column of numbers, `+` that of a wide one.
    pub(super) fn new(caption: &str, columns: &[&str], rows_max: usize, bytes_max: usize) -> Self {
        let mut html = format!(
            "<div class=scroll tabindex=0 role=region aria-label=\"{caption}\"><table><caption>{caption}</caption><thead><tr>"
        );
        for column in columns {
            let (name, class) = match (column.strip_suffix('#'), column.strip_suffix('+')) {
                (Some(name), _) => (name, " class=number"),
                (_, Some(name)) => (name, " class=wide"),
                (None, None) => (*column, ""),
            };
            // Writing to memory cannot fail.
            let _ = write!(html, "<th scope=col{class}>{name}");
        }
        html.push_str("</thead><tbody>");
        Self { html, rows: 0, rows_max, bytes_max }
    }

    /// Adds an escaped row. Returns false if the table is full.
    pub(super) fn row(&mut self, row: &str) -> bool {
        let fits = self.rows < self.rows_max && self.html.len() + row.len() <= self.bytes_max;
        if fits {
            self.rows += 1;
            self.html.push_str(row);
        }
        fits
    }

    /// Returns the table. If it lacks some of `total` rows, says where they are; if it has none, shows `empty`.
    pub(super) fn finish(mut self, total: usize, link: &str, empty: &str) -> String {
        if self.rows == 0 && total == 0 {
            return format!("<p class=quiet>{empty}</p>");
        }
        self.html.push_str("</table></div>");
        if self.rows < total {
            let (shown, total) = (Grouped(self.rows as u64), Grouped(total as u64));
            let _ = write!(self.html, "<p>{shown} of {total} are shown. <a href=\"{link}\">All as JSON</a></p>");
        }
        self.html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_peer_writes_is_markup_or_unseen() {
        let escaped = |text: &str| Escaped(text).to_string();
        assert_eq!(escaped("<script>alert('&\"')"), "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)");
        assert_eq!(escaped("a\0\n\u{7f}\u{9b}b"), "a\\u{0}\\u{a}\\u{7f}\\u{9b}b");
        assert_eq!(escaped("\u{202e}cod\u{2066}\u{200b}\u{feff}"), "\\u{202e}cod\\u{2066}\\u{200b}\\u{feff}");
        assert_eq!(escaped("Müller 名 \u{5d0}"), "Müller 名 \u{5d0}");
        assert_eq!(escaped(&"x".repeat(255)), "x".repeat(128) + "…");
        assert_eq!(Name("<").to_string(), "<bdi>&lt;</bdi>");
    }

    #[test]
    fn numbers_and_times_are_read_at_a_glance() {
        let numbers = [0, 999, 1000, 1_234_567].map(|number| Grouped(number).to_string());
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        let spans = [999, 61_000, 3_661_000, 90_000_000].map(|millis| Span(Duration::from_millis(millis)).to_string());
        assert_eq!(spans, ["0 s", "1 m 1 s", "1 h 1 m", "1 d 1 h"]);
    }

    #[test]
    fn a_table_ends_and_says_where_the_rest_is() {
        let mut table = Table::new("Names", &["name", "count#"], 2, 10_000);
        assert_eq!([1, 2, 3].map(|_| table.row("<tr><td>a<td>1")), [true, true, false]);
        let html = table.finish(3, "/all", "none");
        assert!(html.contains("<th scope=col class=number>count"), "{html}");
        assert!(html.ends_with("2 of 3 are shown. <a href=\"/all\">All as JSON</a></p>"), "{html}");
        let mut small = Table::new("Names", &["name"], 9, 400);
        assert!(!small.row(&"x".repeat(400)));
        assert_eq!(Table::new("Names", &["name"], 9, 400).finish(0, "/all", "no names"), "<p class=quiet>no names</p>");
    }
}
