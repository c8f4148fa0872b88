//! Rust files are short, and so are the lines of Markdown and of comments. rustfmt keeps the width of other Rust,
//! clippy the length of functions.

use crate::text::lines_with;
use crate::{Repository, Violation};

/// Lines of a Rust file.
const FILE_LINES_MAX: usize = 500;
/// Characters of a line of Markdown or of a comment. Rows of tables cannot be broken and may be longer.
const LINE_WIDTH_MAX: usize = 120;

/// Rust files with too many lines.
pub fn long_files(repository: &Repository) -> Vec<Violation> {
    let lengths = repository.ending(".rs").map(|file| (file, file.text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > FILE_LINES_MAX);
    long.map(|(file, lines)| Violation::new(&file.path, format!("{lines} lines, at most {FILE_LINES_MAX}"))).collect()
}

/// Markdown files with lines that are too wide.
pub fn wide_lines(repository: &Repository) -> Vec<Violation> {
    lines_with(repository.ending(".md"), "too wide", |line| is_wide(line) && !line.starts_with('|'))
}

/// Rust files with comments that are too wide, which rustfmt leaves as they are.
pub fn wide_comments(repository: &Repository) -> Vec<Violation> {
    lines_with(repository.ending(".rs"), "too wide", |line| is_wide(line) && line.trim_start().starts_with("//"))
}

fn is_wide(line: &str) -> bool {
    line.chars().count() > LINE_WIDTH_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_501_lines_is_too_long_and_one_of_500_is_not() {
        let (long, fitting) = ("//\n".repeat(501), "//\n".repeat(500));
        let repository = Repository::of(&[("long.rs", &long), ("fitting.rs", &fitting), ("long.txt", &long)]);
        assert_eq!(long_files(&repository), [Violation::new("long.rs", "501 lines, at most 500")]);
    }

    #[test]
    fn a_line_of_121_characters_is_too_wide_but_for_the_row_of_a_table() {
        let text = format!("{}\n{}\n| {} |\n", "é".repeat(120), "é".repeat(121), "x".repeat(200));
        let repository = Repository::of(&[("page.md", &text)]);
        assert_eq!(wide_lines(&repository), [Violation::new("page.md", "too wide, lines 2")]);
    }

    #[test]
    fn a_comment_of_121_characters_is_too_wide_and_a_string_is_not() {
        let text = format!("    // {}\nlet long = \"{}\";\n// {}\n", "x".repeat(114), "x".repeat(200), "x".repeat(117));
        let repository = Repository::of(&[("a.rs", &text)]);
        assert_eq!(wide_comments(&repository), [Violation::new("a.rs", "too wide, lines 1")]);
    }
}
