//! Text of another program as one line.

use anstream::adapter::strip_str;

/// The most characters of the line.
const CHARACTERS_MAX: usize = 160;

/// Makes one line of what another program wrote: without colours, control characters, invalid UTF-8 and
/// drawings made of letters, and with at most `CHARACTERS_MAX` characters.
pub fn one_line(text: &str) -> String {
    let text = strip_str(text).to_string();
    let lines = text.lines().filter(|line| !is_art(line));
    let words: Vec<String> = lines
        .flat_map(|line| line.split(|c: char| c.is_control() || c.is_whitespace() || c == char::REPLACEMENT_CHARACTER))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(CHARACTERS_MAX) {
        None => line,
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
    }
}

/// Whether a line is part of a drawing: most of its characters are neither letters nor digits.
fn is_art(line: &str) -> bool {
    let printed = || line.chars().filter(|c| !c.is_whitespace());
    printed().filter(|c| c.is_alphanumeric()).count() * 2 < printed().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_print_becomes_one_short_line() {
        let banner = "  ____  _   \n |_|  \\_\\___/ \\___|_|  |_|\n\u{1b}[31mWARN\u{1b}[0m it is\0\r\n\tover\u{fffd}\n";
        assert_eq!(one_line(banner), "WARN it is over");
        let long = one_line(&"äb ".repeat(1000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (CHARACTERS_MAX + 1, true));
    }
}
